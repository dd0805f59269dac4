"""Memory shared with NumPy: what is shared, who owns it, what is refused."""

import gc
import resource
import sys
import threading
import weakref

import numpy as np
import pytest

import apus

DTYPES = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128".split()


@pytest.mark.parametrize("name", DTYPES)
def test_writes_are_seen_on_both_sides(name):
    array = np.zeros((3, 4), name)
    tensor = apus.from_numpy(array)
    assert tensor.dtype is getattr(apus, name) and tensor.shape == (3, 4)
    assert tensor.data_ptr() == array.ctypes.data
    array[1, 2] = 1
    assert tensor[1, 2].item() == 1
    tensor[2, 3] = 1
    assert array[2, 3] == 1
    back = tensor.numpy()
    assert back.dtype == array.dtype and back.base is tensor
    back[0, 0] = 1
    assert array[0, 0] == 1 and tensor[0, 0].item() == 1


def test_in_place_operators_are_seen():
    array = np.ones(4, "float32")
    tensor = apus.from_numpy(array)
    tensor += 1
    np.add(array, 1, out=array)
    tensor.mul_(2)
    assert array.tolist() == [6, 6, 6, 6] and tensor.tolist() == [6, 6, 6, 6]
    tensor = tensor + 1
    assert array.tolist() == [6, 6, 6, 6]


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[:, ::2],
        lambda a: a[1:, 3],
        lambda a: a[1, 2],
        lambda a: a[:0],
        lambda a: np.broadcast_to(a[0], (5, 6)),
        lambda a: a[None, :, None],
        lambda a: a.reshape(2, 2, 6).transpose(2, 0, 1),
    ],
)
def test_strides_are_carried_over(view):
    array = np.arange(24, dtype="int32").reshape(4, 6)
    part = np.asarray(view(array))
    tensor = apus.from_numpy(part)
    assert tensor.shape == part.shape and tensor.tolist() == part.tolist()
    for back in (tensor.numpy(), np.asarray(tensor), np.from_dlpack(tensor), np.array(memoryview(tensor))):
        assert back.shape == part.shape and back.dtype == part.dtype and (back == part).all()
    if part.size:
        assert tensor.numpy().ctypes.data == part.ctypes.data
        assert tensor.read_only is not part.flags.writeable


def test_views_of_tensors_as_arrays():
    tensor = apus.reshape(apus.arange(24), (4, 6))
    part = tensor.mT[1:5:2]
    array = part.numpy()
    assert array.strides == tuple(8 * step for step in part.stride())
    array[1, 3] = 100
    assert tensor[3, 3].item() == 100


def test_either_owner_may_go_first():
    array = np.arange(1000.0)
    gone = weakref.ref(array)
    tensor = apus.from_numpy(array)
    del array
    gc.collect()
    assert gone() is not None and tensor[999].item() == 999
    view = tensor[::2]
    del tensor
    assert view.sum().item() == 249500
    del view
    gc.collect()
    assert gone() is None

    tensor = apus.ones(1000)
    gone = weakref.ref(tensor)
    array = tensor.numpy()
    part = array[10:20]
    del tensor, array
    gc.collect()
    assert gone() is not None and part.sum() == 10
    del part
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    "array, error, text",
    [
        (np.arange(4)[::-1], ValueError, "negative strides"),
        (np.arange(6.0).reshape(2, 3)[:, ::-1], ValueError, "copy"),
        (np.zeros(3, [("a", "i1"), ("b", "f4")])["b"], ValueError, "multiple of its element size"),
        (np.frombuffer(bytes(17), "f4", 4, 1), ValueError, "aligned"),
        (np.zeros(3, ">f4"), ValueError, "byte order"),
        (np.array([None]), TypeError, "no dtype"),
        (np.array(["a"]), TypeError, "no dtype"),
        (np.zeros(2, "longdouble"), TypeError, "no dtype"),
        ([1, 2], TypeError, "expected a numpy.ndarray, got list"),
        (np.float32(1), TypeError, "expected a numpy.ndarray"),
    ],
)
def test_refusals(array, error, text):
    with pytest.raises(error, match=text):
        apus.from_numpy(array)


def test_datetimes_are_refused():
    with pytest.raises(Exception, match="datetime64|dtype|buffer"):
        apus.from_numpy(np.array(["2020-01-01"], "datetime64[D]"))


def test_asarray_copies_what_cannot_be_shared():
    for array in (np.arange(4)[::-1], np.frombuffer(bytes(range(17)), "i4", 4, 1)):
        tensor = apus.asarray(array)
        assert tensor.tolist() == array.tolist() and not tensor.read_only
        with pytest.raises(ValueError):
            apus.asarray(array, copy=False)


def test_asarray_shares_where_it_can():
    array = np.zeros(3)
    assert apus.asarray(array).data_ptr() == array.ctypes.data
    assert apus.as_tensor(array).data_ptr() == array.ctypes.data
    assert apus.asarray(array, copy=True).data_ptr() != array.ctypes.data
    assert apus.tensor(array).data_ptr() != array.ctypes.data
    assert apus.asarray(array, dtype=apus.float32).dtype is apus.float32
    with pytest.raises(ValueError, match="copy"):
        apus.asarray(array, dtype=apus.float32, copy=False)


def test_read_only_memory_is_not_written():
    array = np.arange(4.0)
    array.flags.writeable = False
    for tensor in (apus.from_numpy(array), apus.frombuffer(bytes(16), dtype=apus.float32)):
        assert tensor.read_only
        for write in (lambda: tensor.add_(1), lambda: tensor.__setitem__(0, 1), lambda: tensor.fill_(2)):
            with pytest.raises(ValueError, match="read-only"):
                write()
        assert not tensor.numpy().flags.writeable
        with pytest.raises((BufferError, TypeError)):
            _writable(tensor)
    assert (array == np.arange(4.0)).all()


def _writable(tensor):
    """Asks for a writable buffer."""
    import ctypes

    return (ctypes.c_char * 1).from_buffer(tensor)


def test_frombuffer():
    data = bytearray(np.arange(4, dtype="int32").tobytes())
    tensor = apus.frombuffer(data, dtype=apus.int32)
    tensor[0] = 7
    assert data[0] == 7
    assert apus.frombuffer(data, dtype=apus.int32, count=2, offset=4).tolist() == [1, 2]
    for wrong in ({"offset": 17}, {"count": 5}, {"offset": 1, "count": 4}, {"offset": 1}):
        with pytest.raises(ValueError):
            apus.frombuffer(data, dtype=apus.int32, **wrong)


def test_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the package ml_dtypes is not installed")
    tensor = apus.tensor([1.5, -2.0], dtype=apus.bfloat16)
    array = tensor.numpy()
    assert array.dtype == ml_dtypes.bfloat16 and array.tolist() == [1.5, -2]
    array[0] = 3
    assert tensor[0].item() == 3
    back = apus.from_numpy(array)
    assert back.dtype is apus.bfloat16 and back.data_ptr() == tensor.data_ptr()


def test_bfloat16_without_ml_dtypes(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(TypeError, match=r"\.to\(apus.float32\)"):
        apus.zeros(2, dtype=apus.bfloat16).numpy()


def test_array_protocols():
    tensor = apus.reshape(apus.arange(6), (2, 3))
    interface = tensor.mT.__array_interface__
    assert interface["shape"] == (3, 2) and interface["strides"] == (8, 24) and interface["data"][0] == tensor.data_ptr()
    assert np.asarray(tensor).ctypes.data == tensor.data_ptr()
    assert np.asarray(tensor, dtype="float32").dtype == "float32"
    assert np.sin(tensor.to(apus.float64)).dtype == "float64"
    assert isinstance(tensor * np.ones(3, "int64"), apus.Tensor)
    assert isinstance(np.ones(3, "int64") * tensor, apus.Tensor)


def test_buffer_protocol():
    tensor = apus.reshape(apus.arange(6, dtype=apus.int16), (2, 3))
    view = memoryview(tensor)
    assert view.format == "h" and view.shape == (2, 3) and view.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not memoryview(tensor.mT).c_contiguous
    assert bytes(tensor) == view.tobytes() == np.arange(6, dtype="int16").tobytes()


@pytest.mark.parametrize("name", [name for name in DTYPES])
def test_dlpack_shares(name):
    array = np.zeros(4, name)
    tensor = apus.from_dlpack(array)
    array[1] = 1
    assert tensor.tolist()[1] == 1 and tensor.data_ptr() == array.ctypes.data
    back = np.from_dlpack(tensor)
    assert back.ctypes.data == array.ctypes.data
    capsule = tensor.__dlpack__(max_version=(1, 0))
    again = apus.from_dlpack(capsule)
    assert again.data_ptr() == array.ctypes.data
    with pytest.raises(TypeError, match="used before"):
        apus.from_dlpack(capsule)
    legacy = apus.from_dlpack(tensor.__dlpack__())
    assert legacy.data_ptr() == array.ctypes.data


def test_dlpack_refusals():
    tensor = apus.ones(3)
    assert tensor.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError, match="stream"):
        tensor.__dlpack__(stream=1)
    with pytest.raises(BufferError):
        tensor.__dlpack__(dl_device=(2, 0))
    with pytest.raises(ValueError, match="negative"):
        apus.from_dlpack(np.arange(4)[::-1])
    tensor.__dlpack__()  # nobody takes it: the capsule frees what it holds
    copied = apus.from_dlpack(tensor, copy=True)
    assert copied.data_ptr() != tensor.data_ptr()


def _resident():
    """Bytes that the process has in memory."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a_million_round_trips_leave_memory_flat():
    array = np.ones(1000, "float32")

    def go(count):
        for _ in range(count):
            apus.from_numpy(array).numpy()

    go(50_000)
    before, references = _resident(), sys.getrefcount(array)
    go(1_000_000)
    assert _resident() - before < 4 << 20
    assert sys.getrefcount(array) == references


def test_round_trips_from_threads():
    array = np.zeros(16, "int64")
    failures = []

    def work(place):
        try:
            for _ in range(5_000):
                tensor = apus.from_numpy(array)
                tensor[place] += 1
                back = np.from_dlpack(tensor)
                del tensor
                assert back[place] > 0
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and array[:4].tolist() == [5_000] * 4


def test_the_last_tensor_may_go_in_another_thread():
    array = np.arange(10.0)
    gone = weakref.ref(array)
    held = [apus.from_numpy(array)]
    del array
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    gc.collect()
    assert gone() is None
