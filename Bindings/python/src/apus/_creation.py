"""Making tensors."""

from __future__ import annotations

from . import _core
from ._bridge import from_array, from_dlpack
from ._core import Tensor
from ._elementwise import view_as_real

__all__ = [
    "ByteTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor", "ShortTensor",
    "arange", "as_tensor", "asarray", "diag", "empty", "empty_like", "eye", "full", "full_like", "linspace",
    "meshgrid", "ones", "ones_like", "tensor", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip


def _shape(shape, more) -> tuple:
    """A shape given as one sequence, or as several numbers."""
    return (shape, *more) if more else shape


def asarray(obj, /, *, dtype=None, device=None, copy: bool | None = None) -> Tensor:
    """A tensor of a tensor, an array, a number or nested sequences of numbers.

    The memory of tensors and arrays is shared where possible. `copy` True makes a copy in any case, False never: where
    one would be needed it is a ValueError.
    """
    if isinstance(obj, Tensor):
        made = obj
    elif _core.is_array(obj):
        made = from_array(obj, copy)
        copy = None if copy else copy
    elif hasattr(obj, "__dlpack__"):
        made = from_dlpack(obj, copy=copy)
        copy = None if copy else copy
    else:
        if copy is False:
            raise ValueError("asarray: Python's numbers cannot become a tensor without a copy")
        made, copy = _core.from_sequence(obj, dtype), None
    same = (dtype is None or made.dtype is dtype) and (device is None or _core.device(device) == made.device)
    if same and not copy:
        return made
    if not same and copy is False:
        raise ValueError(f"asarray: {made.dtype} on {made.device} cannot become {dtype} on {device} without a copy")
    return _core.to(made, dtype, device)


def as_tensor(data, dtype=None, device=None) -> Tensor:
    """As asarray: shared where possible."""
    return asarray(data, dtype=dtype, device=device)


def tensor(data, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """A new tensor of numbers, nested sequences, an array or a tensor; always a copy."""
    if isinstance(data, Tensor):
        data = _core.detach(data)
    if isinstance(data, Tensor) or _core.is_array(data):
        return asking(asarray(data, dtype=dtype, device=device, copy=True), requires_grad)
    made = _core.from_sequence(data, dtype)
    return asking(made if device is None else _core.to(made, None, device), requires_grad)


def asking(made: Tensor, requires_grad: bool) -> Tensor:
    """The tensor, asking for a gradient where that is wanted."""
    return made.requires_grad_() if requires_grad else made


def empty(shape, *more, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """A tensor whose elements have no particular value."""
    return asking(_core.empty(_shape(shape, more), dtype, device), requires_grad)


def full(shape, fill_value, *, dtype=None, device=None) -> Tensor:
    """A tensor of one value."""
    return _core.full(shape, fill_value, dtype, device)


def zeros(shape, *more, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros."""
    return asking(_core.full(_shape(shape, more), 0.0, dtype, device), requires_grad)


def ones(shape, *more, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    return asking(_core.full(_shape(shape, more), 1.0, dtype, device), requires_grad)


def _like(x, dtype, device) -> tuple:
    return (x.dtype if dtype is None else dtype, x.device if device is None else device)


def empty_like(x, /, *, dtype=None, device=None) -> Tensor:
    """As empty, with x's shape, and its dtype and device where these are left open."""
    return _core.empty(x.shape, *_like(x, dtype, device))


def full_like(x, /, fill_value, *, dtype=None, device=None) -> Tensor:
    """As full, with x's shape, and its dtype and device where these are left open."""
    return _core.full(x.shape, fill_value, *_like(x, dtype, device))


def zeros_like(x, /, *, dtype=None, device=None) -> Tensor:
    """As zeros, with x's shape, and its dtype and device where these are left open."""
    return _core.full(x.shape, 0, *_like(x, dtype, device))


def ones_like(x, /, *, dtype=None, device=None) -> Tensor:
    """As ones, with x's shape, and its dtype and device where these are left open."""
    return _core.full(x.shape, 1, *_like(x, dtype, device))


def arange(start, /, stop=None, step=1, *, dtype=None, device=None) -> Tensor:
    """start, start + step, … up to but not including stop; from 0 where only one bound is given."""
    if stop is None:
        start, stop = 0, start
    if dtype is None:
        whole = all(isinstance(bound, int) for bound in (start, stop, step))
        dtype = _core.default_dtype(1 if whole else 2)
    if step != 0 and (stop - start) / step <= 0:
        return _core.empty((0,), dtype, device)
    return _core.arange(start, stop, step, dtype, device)


def linspace(start, stop, /, num: int, *, dtype=None, device=None, endpoint: bool = True) -> Tensor:
    """`num` values from start to stop, evenly spaced; without stop itself where `endpoint` is False."""
    if isinstance(start, complex) or isinstance(stop, complex) or getattr(dtype, "is_complex", False):
        return _complex_linspace(complex(start), complex(stop), num, dtype, device, endpoint)
    if endpoint or num < 1:
        return _core.linspace(start, stop, num, dtype, device)
    return _core.narrow(_core.linspace(start, stop, num + 1, dtype, device), 0, 0, num, 1)


def _complex_linspace(start, stop, num, dtype, device, endpoint) -> Tensor:
    dtype = _core.default_dtype(3) if dtype is None else dtype
    part = _core.float64 if dtype is _core.complex128 else _core.float32
    real = linspace(start.real, stop.real, num, dtype=part, device=device, endpoint=endpoint)
    imaginary = linspace(start.imag, stop.imag, num, dtype=part, device=device, endpoint=endpoint)
    return complex_of(real, imaginary)


def complex_of(real, imag) -> Tensor:
    """The complex tensor of two real ones."""
    made = _core.empty(real.shape, _core.complex128 if real.dtype is _core.float64 else _core.complex64, real.device)
    parts = view_as_real(made)
    parts[..., 0] = real
    parts[..., 1] = imag
    return made


def _bounded(k: int) -> int:
    """A diagonal in 64 bits; those beyond are empty anyway."""
    return min(max(k, -(2**62)), 2**62)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype=None, device=None) -> Tensor:
    """Ones on diagonal k of a matrix of zeros."""
    made = zeros((n_rows, n_rows if n_cols is None else n_cols), dtype=dtype, device=device)
    _core.copy_into(_core.diagonal(made, _bounded(k), 0, 1), 1)
    return made


def tril(x, /, *, k: int = 0) -> Tensor:
    """The lower triangle of the last two dims, up to diagonal k; zero elsewhere."""
    return _core.triangle(x, _bounded(k), False)


def triu(x, /, *, k: int = 0) -> Tensor:
    """The upper triangle of the last two dims, from diagonal k on; zero elsewhere."""
    return _core.triangle(x, _bounded(k), True)


def meshgrid(*arrays, indexing: str = "xy") -> list:
    """Coordinates of a grid from those along each side; "xy" exchanges the first two dims, as plots have it."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}")
    if len({x.dtype for x in arrays}) > 1:
        raise ValueError("meshgrid: the tensors must be of one dtype")
    swapped = indexing == "xy" and len(arrays) > 1
    shape = [x.size for x in arrays]
    grids = []
    for place, x in enumerate(arrays):
        side = [1] * len(arrays)
        side[place] = -1
        grids.append(_core.expand(_core.reshape(x, side), shape))
    return [_core.transpose(x, 0, 1) if swapped else x for x in grids]


def diag(x, /, k: int = 0) -> Tensor:
    """The matrix with a 1-d tensor on diagonal k; or diagonal k of a matrix, as a view."""
    if x.ndim == 2:
        return _core.diagonal(x, k, 0, 1)
    if x.ndim != 1:
        raise ValueError(f"diag: needs one or two dims, got {x.ndim}")
    made = zeros((x.size + abs(k), x.size + abs(k)), dtype=x.dtype, device=x.device)
    _core.copy_into(_core.diagonal(made, k, 0, 1), x)
    return made


def _legacy(dtype):
    def make(*sizes_or_data) -> Tensor:
        """Of sizes: a tensor whose elements have no particular value; of a list or an array: a copy of it."""
        if len(sizes_or_data) == 1 and not isinstance(sizes_or_data[0], int):
            return tensor(sizes_or_data[0], dtype=dtype)
        return _core.empty(sizes_or_data, dtype, None)

    return make


# PyTorch's old constructors.
FloatTensor, DoubleTensor, HalfTensor = _legacy(_core.float32), _legacy(_core.float64), _legacy(_core.float16)
ByteTensor, ShortTensor, IntTensor, LongTensor = (
    _legacy(dtype) for dtype in (_core.uint8, _core.int16, _core.int32, _core.int64)
)
