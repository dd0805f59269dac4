"""Tensor objects: making, indexing, printing, converting, failing; each beside NumPy where it has the same."""

import copy
import pickle
import weakref

import numpy as np
import pytest

import apus


def same(tensor, array):
    array = np.asarray(array)
    assert tensor.shape == array.shape
    assert np.array_equal(tensor.numpy(), array)


def test_dtype_of_numbers():
    assert apus.asarray(True).dtype is apus.bool
    assert apus.asarray(1).dtype is apus.int64
    assert apus.asarray(1.0).dtype is apus.float32
    assert apus.asarray(1j).dtype is apus.complex64
    assert apus.asarray([1, 2.5, True]).dtype is apus.float32
    assert apus.asarray([]).dtype is apus.float32
    assert apus.asarray(2**63).dtype is apus.uint64
    apus.set_default_dtype(apus.float64)
    try:
        assert apus.asarray(1.0).dtype is apus.float64 and apus.ones(2).dtype is apus.float64
        assert apus.asarray(1j).dtype is apus.complex128
    finally:
        apus.set_default_dtype(apus.float32)


def test_nested_sequences():
    same(apus.tensor([[1, 2], (3, 4)]), [[1, 2], [3, 4]])
    same(apus.tensor([apus.tensor([1, 2]), np.array([3, 4])]), [[1, 2], [3, 4]])
    same(apus.tensor(range(3)), [0, 1, 2])
    same(apus.tensor([[], []]), np.zeros((2, 0)))
    same(apus.tensor([2**63, 1], dtype=apus.uint64), np.array([2**63, 1], "uint64"))
    same(apus.tensor([1.5, 2], dtype=apus.float64), [1.5, 2])


@pytest.mark.parametrize(
    "data, keywords, error",
    [
        ([[1, 2], [3]], {}, ValueError),
        ([1, [2]], {}, ValueError),
        ([[1], 2], {}, ValueError),
        (["a"], {}, TypeError),
        ("abc", {}, TypeError),
        (None, {}, TypeError),
        (object(), {}, TypeError),
        (300, {"dtype": apus.uint8}, OverflowError),
        ([-1], {"dtype": apus.uint64}, OverflowError),
        (2**64, {}, OverflowError),
        ([2**63, -1], {}, OverflowError),
        ([1], {"dtype": "float32"}, TypeError),
        ([1], {"device": "cuda"}, ValueError),
    ],
)
def test_wrong_data(data, keywords, error):
    with pytest.raises(error):
        apus.tensor(data, **keywords)


def test_sequences_that_change_while_they_are_read():
    class Shrinking:
        def __init__(self, items):
            self.items = items

        def __index__(self):
            self.items.clear()
            return 1

    items = [1, 2, 3]
    items[0] = Shrinking(items)
    with pytest.raises((RuntimeError, ValueError)):
        apus.tensor([items, [1, 2, 3]])


def test_repr():
    assert repr(apus.tensor([[1.0, 2.5]])) == "tensor([[1.0000, 2.5000]])"
    assert repr(apus.tensor([1, 2], dtype=apus.int32)) == "tensor([1, 2], dtype=int32)"
    assert repr(apus.tensor([True])) == "tensor([True])"
    assert str(apus.zeros((0, 3))) == "tensor([], size=(0, 3))"
    assert repr(apus.zeros(100, 100)).count("...") == 7
    assert f"{apus.tensor(1.25):.1f}" == "1.2"
    assert repr(apus.float32) == "apus.float32" and repr(apus.device("cpu")) == "device(type='cpu')"


KEYS = [
    0, -1, slice(None), slice(1, None), slice(None, None, 2), slice(None, None, -1), slice(-2, None, -2),
    slice(5, 1), slice(1, 100), ..., None, (0, 1), (..., 0), (0, ...), (slice(None), 2), (None, ..., None),
    (slice(None, None, -1), slice(None, None, -2)), (1, slice(3, 0, -1)), np.int64(1), [0, 2], [[0, 1], [2, 0]],
    np.array([2, 0]), (slice(None), [1, 1, 3]), ([0, 1], [2, 3]), ([0, 1], slice(1, 3)), (slice(None, None, -1), [0, 2]),
    np.arange(24).reshape(4, 6) % 2 == 0, np.array([True, False, True, False]), (slice(None), np.arange(6) > 2),
    (), True, False, [], (..., None, 0), (slice(0, 0), slice(None)),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_reading_and_writing_by_key(key):
    array = np.arange(24.0, dtype="float32").reshape(4, 6)
    tensor = apus.tensor(array)
    same(tensor[key], array[key])
    for value in (7, array[key] + 100):
        changed, expected = tensor.clone(), array.copy()
        expected[key] = value
        changed[key] = value if isinstance(value, int) else apus.asarray(np.array(value))
        same(changed, expected)


def test_keys_may_be_tensors():
    tensor = apus.reshape(apus.arange(12), (3, 4))
    same(tensor[apus.tensor([2, 0])], tensor.numpy()[[2, 0]])
    same(tensor[tensor > 5], tensor.numpy()[tensor.numpy() > 5])
    same(tensor[apus.tensor(1)], tensor.numpy()[1])
    tensor[tensor > 5] = 0
    assert tensor.sum().item() == 15
    tensor[0] = [9, 9, 9, 9]
    assert tensor[0].tolist() == [9] * 4


@pytest.mark.parametrize(
    "key, error",
    [
        (4, IndexError),
        (-5, IndexError),
        ((0, 0, 0), IndexError),
        ((..., ...), IndexError),
        (1.0, TypeError),
        ("a", TypeError),
        ([5], IndexError),
        (np.array([0.5]), IndexError),
        (np.ones(3, bool), IndexError),
        (2**70, IndexError),
        (slice(0, 1, 0), ValueError),
    ],
)
def test_wrong_keys(key, error):
    tensor = apus.zeros((4, 6))
    with pytest.raises(error):
        tensor[key]
    with pytest.raises(error):
        tensor[key] = 1


def test_slices_are_views_and_picks_are_copies():
    tensor = apus.zeros((3, 3))
    tensor[1][:] = 5
    assert tensor.sum().item() == 15
    picked = tensor[[1]]
    picked[:] = 7
    assert tensor.sum().item() == 15


def test_values_are_broadcast_into_place():
    tensor = apus.zeros((2, 3), dtype=apus.int32)
    tensor[:] = apus.tensor([1.9, 2, 3])
    assert tensor.tolist() == [[1, 2, 3]] * 2
    tensor[:, 0] = np.ones((1, 1, 2))
    assert tensor[:, 0].tolist() == [1, 1]
    with pytest.raises(ValueError, match="broadcast"):
        tensor[:] = apus.zeros(4)
    with pytest.raises(TypeError):
        del tensor[0]


def test_python_numbers():
    assert int(apus.tensor(3.7)) == 3 and float(apus.tensor([2])) == 2.0 and complex(apus.tensor(1j)) == 1j
    assert bool(apus.tensor(2)) and not bool(apus.tensor([[0.0]]))
    assert [0, 1, 2][apus.tensor(1)] == 1
    assert apus.tensor(2**63, dtype=apus.uint64).item() == 2**63
    with pytest.raises(ValueError, match="ambiguous"):
        bool(apus.zeros(2))
    with pytest.raises(TypeError):
        [0, 1][apus.tensor(1.0)]
    with pytest.raises(TypeError):
        float(apus.tensor(1j))
    with pytest.raises(ValueError, match="one element"):
        apus.zeros(2).item()


def test_python_protocols():
    tensor = apus.tensor([[1, 2], [3, 4]])
    assert len(tensor) == 2 and [row.tolist() for row in tensor] == [[1, 2], [3, 4]]
    assert 3 in tensor and 5 not in tensor
    with pytest.raises(TypeError):
        len(apus.tensor(1))
    with pytest.raises(TypeError):
        iter(apus.tensor(1))
    assert hash(tensor) == hash(tensor) and len({tensor, tensor.clone()}) == 2
    assert weakref.ref(tensor)() is tensor
    assert tensor != "text" and not tensor == None  # noqa: E711


@pytest.mark.parametrize("name", "bool uint8 int64 float16 bfloat16 float32 complex128".split())
@pytest.mark.parametrize("shape", [(), (1,), (0, 2), (3, 4)])
def test_pickles_and_copies(name, shape):
    tensor = apus.full(shape, 1, dtype=getattr(apus, name)).mT if len(shape) > 1 else apus.ones(shape).to(getattr(apus, name))
    for other in (pickle.loads(pickle.dumps(tensor)), copy.deepcopy(tensor)):
        assert other.dtype is tensor.dtype and other.shape == tensor.shape and other.tolist() == tensor.tolist()
        assert other.size == 0 or other.data_ptr() != tensor.data_ptr()


def test_dtypes_and_devices_are_themselves_after_pickling():
    assert pickle.loads(pickle.dumps(apus.float32)) is apus.float32
    assert pickle.loads(pickle.dumps(apus.device("cpu"))) == apus.device("cpu")
    assert apus.device("opencl:1").index == 1 and apus.device("opencl") != apus.device("opencl:1")
    with pytest.raises(ValueError, match="is no device"):
        apus.device("tpu")


def test_subclasses():
    class Named(apus.Tensor):
        pass

    named = Named([1, 2])
    named.name = "weights"
    assert (named + 1).tolist() == [2, 3] and named.name == "weights"
    assert isinstance(apus.Tensor([1.0]), apus.Tensor)


def test_shapes():
    tensor = apus.reshape(apus.arange(24), (2, 3, 4))
    array = tensor.numpy()
    same(tensor.view(6, 4), array.reshape(6, 4))
    same(tensor.reshape((-1, 2)), array.reshape(-1, 2))
    same(tensor.permute(2, 0, 1), array.transpose(2, 0, 1))
    same(tensor.transpose(0, 2), array.swapaxes(0, 2))
    same(tensor.flatten(1), array.reshape(2, 12))
    same(tensor.unsqueeze(-1).squeeze(-1), array)
    same(tensor[:, :1].expand(2, 3, 4), np.broadcast_to(array[:, :1], (2, 3, 4)))
    same(tensor.repeat(2, 1, 1), np.tile(array, (2, 1, 1)))
    same(tensor.narrow(1, 1, 2), array[:, 1:3])
    same(tensor.diagonal(0, 0, 1), array.diagonal(0, 0, 1))
    same(apus.roll(tensor, (1, -1), axis=(0, 2)), np.roll(array, (1, -1), (0, 2)))
    same(apus.moveaxis(tensor, 0, -1), np.moveaxis(array, 0, -1))
    same(apus.repeat(tensor, apus.tensor([1, 0, 2]), axis=1), np.repeat(array, [1, 0, 2], 1))
    same(apus.diff(tensor, n=2, append=apus.zeros((2, 3, 1), dtype=apus.int64)), np.diff(array, n=2, append=np.zeros((2, 3, 1), int)))
    assert [part.shape for part in tensor.split(2, 1)] == [(2, 2, 4), (2, 1, 4)]
    assert [part.shape for part in tensor.chunk(3, 2)] == [(2, 3, 2), (2, 3, 2)]
    with pytest.raises(ValueError, match="view"):
        tensor.mT.view(-1)
    with pytest.raises(ValueError):
        tensor.view(5, 5)
    with pytest.raises(TypeError):
        tensor.view("a")


def test_views_of_other_dtypes():
    tensor = apus.tensor([1.0, 2.0])
    assert tensor.view(apus.int32).tolist() == np.array([1, 2], "f4").view("i4").tolist()
    assert tensor.view(apus.uint8).shape == (8,)
    pairs = apus.view_as_real(apus.tensor([1 + 2j, 3 - 4j]))
    assert pairs.tolist() == [[1, 2], [3, -4]] and apus.view_as_complex(pairs).tolist() == [1 + 2j, 3 - 4j]
    numbers = apus.tensor([1 + 2j, 3 - 4j])
    numbers.imag[:] = 0
    assert numbers.tolist() == [1, 3] and apus.conj(apus.tensor(1 + 2j)).item() == 1 - 2j
    with pytest.raises(ValueError):
        apus.zeros((2, 3), dtype=apus.uint8).view(apus.int16)


def test_devices():
    tensor = apus.ones(2)
    assert tensor.cpu() is tensor and tensor.to("cpu") is tensor and not apus.cuda.is_available()
    with pytest.raises((RuntimeError, NotImplementedError)):
        tensor.to("opencl:99")


def test_random_numbers():
    apus.manual_seed(1)
    first = apus.randn(1000)
    apus.manual_seed(1)
    assert apus.all(apus.randn(1000) == first)
    assert abs(first.mean().item()) < 0.2 and abs(first.std().item() - 1) < 0.2
    uniform = apus.rand(10, 10)
    assert uniform.shape == (10, 10) and 0 <= uniform.min().item() and uniform.max().item() < 1
    whole = apus.randint(2, 5, (100,))
    assert set(whole.tolist()) == {2, 3, 4} and sorted(apus.randperm(5).tolist()) == list(range(5))
    generator = apus.Generator().manual_seed(3)
    state = generator.get_state()
    drawn = apus.rand(4, generator=generator)
    generator.set_state(state)
    assert apus.all(apus.rand(4, generator=generator) == drawn)
