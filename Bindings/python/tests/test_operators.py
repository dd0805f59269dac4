"""The operators of the library's tables, each against NumPy where it has the same; promotion, out, in place, errors."""

import inspect

import numpy as np
import pytest

import apus
from apus import _core

# NumPy's names where they differ.
UNARY = {
    "neg": "negative", "abs": "absolute", "acos": "arccos", "asin": "arcsin", "atan": "arctan", "acosh": "arccosh",
    "asinh": "arcsinh", "atanh": "arctanh", "round": "rint", "bitwise_not": "invert",
}  # fmt: skip
BINARY = {
    "sub": "subtract", "mul": "multiply", "div": "divide", "pow": "power", "atan2": "arctan2", "eq": "equal",
    "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
    "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift",
}  # fmt: skip


def operators(count):
    """The table's operators of so many operands that NumPy has too, with NumPy's."""
    names = UNARY if count == 1 else BINARY
    for name, operator in _core.operators.items():
        ufunc = getattr(np, names.get(name, name), None)
        if isinstance(ufunc, np.ufunc) and ufunc.nin == count and ufunc.nout == 1 and not name.endswith("_"):
            yield pytest.param(operator, ufunc, id=name)


def close(tensor, expected):
    actual = tensor.numpy()
    assert actual.shape == expected.shape
    tolerance = 2e-6 if actual.dtype in ("float32", "complex64") else 1e-12
    assert np.allclose(actual, expected, rtol=tolerance, atol=tolerance, equal_nan=True)


def arguments(rng, ufunc, count):
    """Arrays of a dtype that the operator takes, in layouts that differ."""
    base = rng.uniform(0.3, 0.95, (3, 4)) + (1.0 if ufunc is np.arccosh else 0.0)
    kind = "f4" if "f" in "".join(t[0] for t in ufunc.types) else "i4"
    first = (base * (8 if kind == "i4" else 1)).astype(kind)
    yield [first] * count
    yield [np.asfortranarray(first), first[:1], first][:count]
    yield [first[::2, ::3]] * count
    yield [first[0, 0]] * count
    yield [first[:0]] * count


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("operator, ufunc", list(operators(1)))
def test_unary(operator, ufunc, rng):
    for (array,) in arguments(rng, ufunc, 1):
        tensor = apus.tensor(np.array(array))
        close(operator(tensor), np.asarray(ufunc(array)))
        assert isinstance(getattr(tensor, operator.__name__)(), apus.Tensor)
    whole = getattr(apus, operator.__name__)
    assert whole is operator or operator.__name__ in ("sign",)
    assert list(inspect.signature(operator).parameters) == ["x1", "out"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("operator, ufunc", list(operators(2)))
def test_binary(operator, ufunc, rng):
    for a, b in arguments(rng, ufunc, 2):
        x, y = apus.tensor(np.array(a)), apus.tensor(np.array(b))
        close(operator(x, y), np.asarray(ufunc(a, b)))
        close(operator(x, np.array(b)), np.asarray(ufunc(a, b)))


COMPLEX = "abs sign sqrt reciprocal exp expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh \
atanh isnan isinf isfinite neg square".split()


@pytest.mark.parametrize("name", COMPLEX)
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex(name, dtype, rng):
    array = (rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))).astype(dtype)
    expected = getattr(np, UNARY.get(name, name))(array)
    result = getattr(apus, name)(apus.tensor(array))
    close(result, expected)
    assert result.numpy().dtype == expected.dtype
    close(getattr(apus, name)(apus.tensor(array).mT), expected.T)


def test_complex_powers(rng):
    array = rng.normal(size=5) + 1j * rng.normal(size=5)
    close(apus.tensor(array) ** (0.5 - 2j), array ** (0.5 - 2j))
    close(apus.tensor(array) ** apus.tensor(array), array**array)


def test_symbols():
    a, b = np.array([7, -7, 3]), np.array([2, 3, 5])
    x, y = apus.tensor(a), apus.tensor(b)
    for symbol in ("+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">="):
        expected = eval(f"a {symbol} b", {"a": a, "b": b})
        assert np.allclose(eval(f"x {symbol} y", {"x": x, "y": y}).numpy(), expected), symbol
        assert np.allclose(eval(f"x {symbol} 2", {"x": x}).numpy(), eval(f"a {symbol} 2", {"a": a})), symbol
        expected = eval(f"2 {symbol} b", {"b": b})
        assert np.allclose(eval(f"2 {symbol} y", {"y": y}).numpy(), expected), symbol
    assert (-x).tolist() == [-7, 7, -3] and (~x).tolist() == [-8, 6, -4] and abs(x).tolist() == [7, 7, 3]
    assert (+x).data_ptr() != x.data_ptr()
    assert (x @ y).item() == 8


def test_in_place_symbols_keep_the_object():
    for symbol in ("+", "-", "*", "/", "//", "%", "**"):
        scope = {"x": apus.tensor([7.0, 3.0])}
        before = scope["x"]
        expected = eval(f"x {symbol} 2", {"x": np.array([7.0, 3.0])})
        exec(f"x {symbol}= 2", scope)
        assert scope["x"] is before and np.allclose(before.numpy(), expected)
    whole = apus.tensor([1, 2])
    with pytest.raises(TypeError, match="cannot be stored"):
        whole += 0.5
    with pytest.raises(ValueError):
        whole += apus.zeros((3, 2), dtype=apus.int64)


def test_promotion():
    i8, i32, f32, f64 = (apus.ones(2, dtype=d) for d in (apus.int8, apus.int32, apus.float32, apus.float64))
    assert (i8 + i32).dtype is apus.int32 and (i32 + f32).dtype is apus.float32 and (f32 + f64).dtype is apus.float64
    assert (i8 + 1000).dtype is apus.int8 and (i8 + 1.5).dtype is apus.float32 and (f32 + 1j).dtype is apus.complex64
    # A 0-d tensor counts as any other, unlike in PyTorch.
    assert (f32 + apus.ones((), dtype=apus.float64)).dtype is apus.float64
    assert apus.where(apus.tensor([True, False]), f32, apus.ones((), dtype=apus.float64)).dtype is apus.float64
    assert apus.result_type(apus.int8, apus.uint8) is apus.int16 and apus.result_type(i8, 1.0) is apus.float32
    assert apus.can_cast(apus.int8, apus.int16) and not apus.can_cast(apus.float32, apus.int64)


def test_out():
    x, out = apus.tensor([1.0, 4.0]), apus.zeros(2)
    assert apus.sqrt(x, out=out) is out and out.tolist() == [1, 2]
    assert apus.add(x, 1, out=x) is x and x.tolist() == [2, 5]
    with pytest.raises(ValueError, match="does not fit the output"):
        apus.sqrt(x, out=apus.zeros(3))
    with pytest.raises(TypeError):
        apus.sqrt(x, out=[1])
    with pytest.raises(TypeError, match="no argument"):
        apus.sqrt(x, wrong=1)


def test_three_operands():
    x = apus.tensor([1.0, 2.0, 3.0])
    assert apus.where(x > 1.5, x, 0).tolist() == [0, 2, 3]
    assert apus.where(x > 1.5, 1, 0).dtype is apus.int64
    assert apus.clip(x, 1.5, 2.5).tolist() == [1.5, 2, 2.5] and x.clamp(max=2).tolist() == [1, 2, 2]
    assert apus.addcmul(x, x, x, value=2).tolist() == [3, 10, 21] and x.lerp(x + 1, 0.5).tolist() == [1.5, 2.5, 3.5]
    assert x.clone().clamp_(min=2).tolist() == [2, 2, 3]


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: apus.ones(2) + apus.ones(3), ValueError, r"add: shapes \[2\] and \[3\] do not broadcast"),
        (lambda: apus.ones(2) + "a", TypeError, "unsupported operand"),
        (lambda: apus.add(apus.ones(2), "a"), TypeError, "add: expected tensors"),
        (lambda: apus.add(1, 2), TypeError, "add: expected tensors"),
        (lambda: apus.add(apus.ones(2)), TypeError, "takes 2 operands, got 1"),
        (lambda: apus.exp(2.0), TypeError, "expected a Tensor, got float"),
        (lambda: apus.ones(2) & apus.ones(2), TypeError, "bitwise_and: not defined for float32"),
        (lambda: apus.tensor([1]) // 0, ValueError, "division by zero"),
        (lambda: apus.ones(2) @ apus.ones(3), ValueError, "matmul"),
        (lambda: apus.where(apus.ones(2), 1, 2), TypeError, "condition must be bool"),
        (lambda: apus.mean(apus.tensor([1])), TypeError, "mean"),
        (lambda: apus.sum(apus.ones(2), 5), IndexError, "dim 5 is out of range"),
        (lambda: apus.max(apus.zeros(0)), ValueError, "max"),
        (lambda: apus.zeros(-1), ValueError, "negative size"),
        (lambda: apus.zeros(2**62, 2**62), OverflowError, "too large"),
        (lambda: apus.zeros([1] * 65), ValueError, "64"),
        (lambda: apus.zeros("a"), TypeError, "shape"),
        (lambda: apus.cat([]), ValueError, "cat"),
        (lambda: apus.ones((2, 3)).mm(apus.ones(3)), ValueError, "two matrices"),
    ],
)
def test_errors_say_what_is_wrong(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_reductions(rng):
    array = rng.normal(size=(3, 4, 5)).astype("float32")
    tensor = apus.tensor(array)
    for name in ("sum", "prod", "mean", "max", "min", "std", "var", "any", "all"):
        for axis in (None, 0, -1, (0, 2)):
            for keep in (False, True):
                expected = np.asarray(getattr(np, name)(array, axis=axis, keepdims=keep))
                close(getattr(apus, name)(tensor, axis=axis, keepdims=keep), expected)
        close(getattr(apus, name)(tensor, axis=()), np.asarray(getattr(np, name)(array, axis=())))
    assert tensor.sum(1, keepdim=True).shape == (3, 1, 5)
    close(tensor.var(0, correction=1), array.var(0, ddof=1))
    close(apus.cumulative_sum(tensor, axis=1, include_initial=True)[:, 1:], array.cumsum(1))
    close(tensor.cumprod(2), array.cumprod(2))
    assert apus.sum(apus.ones(3, dtype=apus.uint8)).dtype is apus.uint64
    assert apus.sum(apus.ones(3, dtype=apus.bool)).item() == 3
    close(apus.softmax(tensor, 1), np.exp(array) / np.exp(array).sum(1, keepdims=True))
    close(apus.logsumexp(tensor, 0), np.log(np.exp(array).sum(0)))
    close(tensor.norm(), np.asarray(np.linalg.norm(array)))


def test_greatest_and_where(rng):
    array = rng.normal(size=(3, 4))
    tensor = apus.tensor(array)
    values, indices = apus.max(tensor, dim=1)
    assert values.tolist() == array.max(1).tolist() and indices.tolist() == array.argmax(1).tolist()
    assert tensor.min(0).indices.tolist() == array.argmin(0).tolist()
    assert tensor.argmax().item() == array.argmax() and apus.argmin(tensor, axis=0).tolist() == array.argmin(0).tolist()
    close(apus.max(tensor, tensor + 1), array + 1)


def test_picking(rng):
    array = rng.normal(size=(3, 4))
    tensor = apus.tensor(array)
    index = np.array([[0, 2, 1], [3, 1, -1], [0, 0, 1]])
    close(apus.take_along_axis(tensor, apus.tensor(index), axis=1), np.take_along_axis(array, index, 1))
    close(apus.take(tensor, apus.tensor([3, 0]), axis=1), array[:, [3, 0]])
    rows = np.sort(rng.integers(0, 10, 20))
    for side in ("left", "right"):
        found = apus.searchsorted(apus.tensor(rows), apus.arange(-1, 12), side=side)
        assert found.tolist() == np.searchsorted(rows, np.arange(-1, 12), side).tolist()
    assert apus.searchsorted(apus.zeros(0), apus.ones(2)).tolist() == [0, 0]
    assert [part.tolist() for part in apus.nonzero(tensor > 0)] == [part.tolist() for part in np.nonzero(array > 0)]
    assert apus.scatter_add(apus.zeros(3), 0, apus.tensor([1, 1]), apus.ones(2)).tolist() == [0, 2, 0]
    assert tensor.masked_fill(tensor > 0, 0).max().item() <= 0


def test_products(rng):
    a, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5))
    x, y = apus.tensor(a), apus.tensor(b)
    close(x @ y, a @ b)
    close(apus.tensordot(x, y, axes=1), np.tensordot(a, b, 1))
    close(apus.tensordot(x, x, axes=((0, 2), (0, 2))), np.tensordot(a, a, ((0, 2), (0, 2))))
    close(apus.vecdot(x, x, axis=1), (a * a).sum(1))
    close(x[0].mm(y), a[0] @ b)
    close(x.bmm(x.mT), a @ a.swapaxes(1, 2))
    close(apus.outer(y[0], y[1]), np.outer(b[0], b[1]))
    assert apus.vecdot(apus.tensor([1j]), apus.tensor([1j])).item() == 1
