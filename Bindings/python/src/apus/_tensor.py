"""Tensor's methods: the functions once more, with the tensor in front, and PyTorch's conveniences."""

from __future__ import annotations

from . import _bridge, _core, _creation, _elementwise, _indexing, _linear_algebra, _manipulation, _random, _reductions
from ._core import Tensor, dtype

# Functions that are methods as they stand: their first argument is the tensor.
_SAME = {
    _bridge: ("numpy", "__dlpack__", "__dlpack_device__", "__array__", "__array_interface__"),
    _elementwise: ("clip", "angle", "sign"),
    _manipulation: (
        "flatten", "permute", "transpose", "t", "moveaxis", "squeeze", "unsqueeze", "unbind", "split", "chunk", "flip",
        "roll", "diagonal",
    ),
    _reductions: (
        "sum", "prod", "mean", "nansum", "all", "any", "count_nonzero", "max", "min", "amax", "amin", "argmax",
        "argmin", "var", "std", "norm", "logsumexp", "softmax", "log_softmax", "cumsum", "cumprod",
    ),
    _indexing: (
        "gather", "index_select", "index_add", "scatter", "scatter_add", "masked_select", "masked_fill", "argwhere",
    ),
    _linear_algebra: ("mm", "bmm", "mv", "dot", "outer"),
    _random: ("uniform_", "normal_", "bernoulli_"),
}  # fmt: skip


def _sizes(sizes):
    """Sizes given as one sequence, or as several numbers."""
    return sizes[0] if len(sizes) == 1 else sizes


def to(self, *args, dtype=None, device=None, copy: bool = False) -> Tensor:
    """The tensor in another dtype or on another device; itself where nothing changes, unless `copy`."""
    for one in args:
        if isinstance(one, Tensor):
            dtype, device = one.dtype, one.device
        elif isinstance(one, _core.dtype) or one in (float, int, bool, complex):
            dtype = one
        else:
            device = one
    same = (dtype is None or dtype is self.dtype) and (device is None or _core.device(device) == self.device)
    return self if same and not copy else _core.to(self, dtype, device)


def to_device(self, device, /, *, stream=None) -> Tensor:
    """The tensor on another device; itself where it is there."""
    if stream is not None:
        raise ValueError("to_device: there are no streams here; stream must be None")
    return to(self, device=device)


def cpu(self) -> Tensor:
    """The tensor in the CPU's memory."""
    return to(self, device="cpu")


def type_(self, dtype=None):
    """The tensor in another dtype; without one, the dtype's name."""
    return str(self.dtype) if dtype is None else to(self, dtype)


def view(self, *shape) -> Tensor:
    """A view of another shape, of which one size may be -1; or of another dtype."""
    if len(shape) == 1 and isinstance(shape[0], dtype):
        return _core.view_dtype(self, shape[0])
    return _core.view(self, _sizes(shape))


def reshape(self, *shape) -> Tensor:
    """Another shape, of which one size may be -1; a copy where no view is possible."""
    return _core.reshape(self, _sizes(shape))


def expand(self, *shape) -> Tensor:
    """A view with dims of size 1 repeated; -1 keeps a size."""
    return _core.expand(self, _sizes(shape))


def repeat(self, *repetitions) -> Tensor:
    """The tensor as often along each dim as said (the function `tile`)."""
    return _manipulation.tile(self, _sizes(repetitions))


def narrow(self, dim: int, start: int, length: int) -> Tensor:
    """A view of `length` elements along a dim."""
    if start < 0 or length < 0 or start + length > self.shape[dim]:
        raise IndexError(f"narrow: {length} from {start} on leave dim {dim} with size {self.shape[dim]}")
    return _core.narrow(self, dim, start, start + length, 1)


def select(self, dim: int, index: int) -> Tensor:
    """The view at an index of a dim, which is dropped."""
    return self[(slice(None),) * _manipulation.normal_axis("select", dim, self.ndim) + (index,)]


def as_strided(self, size, stride, storage_offset: int = 0) -> Tensor:
    """Any view inside the memory."""
    return _core.as_strided(self, size, stride, storage_offset)


def unfold(self, dimension: int, size: int, step: int) -> Tensor:
    """Windows of `size` elements, `step` apart; the window is a new last dim."""
    return _core.unfold(self, dimension, size, step)


def contiguous(self) -> Tensor:
    """The tensor itself where it is in row-major order, else such a copy."""
    return _core.contiguous(self)


def clone(self) -> Tensor:
    """A copy."""
    return _core.to(self, None, None)


def dim(self) -> int:
    """How many dims there are."""
    return self.ndim


def numel(self) -> int:
    """How many elements there are."""
    return self.size


def element_size(self) -> int:
    """Bytes of one element."""
    return self.itemsize


def copy_(self, source) -> Tensor:
    """Takes over the elements of another tensor, converted and broadcast."""
    return _core.copy_into(self, source)


def fill_(self, value) -> Tensor:
    """Sets every element."""
    return _core.copy_into(self, value)


def zero_(self) -> Tensor:
    """Sets every element to zero."""
    return _core.copy_into(self, 0)


def clamp_(self, min=None, max=None) -> Tensor:
    """clip, in place."""
    return _core.copy_into(self, _elementwise.clip(self, min, max))


def index_add_(self, dim: int, index, source, *, alpha: float = 1.0) -> Tensor:
    """index_add, in place."""
    return _core.copy_into(self, _core.index_add(self, dim, index, source, alpha))


def masked_fill_(self, mask, value) -> Tensor:
    """masked_fill, in place."""
    return _core.copy_into(self, _indexing.masked_fill(self, mask, value))


def new_tensor(self, data, *, dtype=None, device=None) -> Tensor:
    """tensor(data), with this one's dtype and device where left open."""
    return _creation.tensor(data, dtype=dtype or self.dtype, device=device or self.device)


def new_zeros(self, *size, dtype=None, device=None) -> Tensor:
    """zeros(size), with this one's dtype and device where left open."""
    return _creation.zeros(_sizes(size), dtype=dtype or self.dtype, device=device or self.device)


def new_ones(self, *size, dtype=None, device=None) -> Tensor:
    """ones(size), with this one's dtype and device where left open."""
    return _creation.ones(_sizes(size), dtype=dtype or self.dtype, device=device or self.device)


def is_floating_point(self) -> bool:
    """Whether the elements are real floats."""
    return self.dtype.is_floating_point


def is_complex(self) -> bool:
    """Whether the elements are complex."""
    return self.dtype.is_complex


def __array_namespace__(self, /, *, api_version: str | None = None):
    """The module apus, as the standard asks for it."""
    import apus

    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        raise ValueError(f"the array API of {api_version} is not provided; 2024.12 is")
    return apus


def matmul(self, other) -> Tensor:
    """The matrix product."""
    return _core.matmul(self, other)


def __reduce__(self):
    data = _core.view_dtype(_core.reshape(_core.contiguous(self), -1), _core.uint8)
    return (_unpickle, (memoryview(data).tobytes(), self.dtype, self.shape))


def __deepcopy__(self, memo) -> Tensor:
    return clone(self)


def __format__(self, spec: str) -> str:
    return format(self.item(), spec) if self.ndim == 0 and spec else format(str(self), spec)


def add_methods() -> None:
    """Gives the class its methods. The operators come first, so that what is written by hand goes before them."""
    for name, operator in _core.operators.items():
        _core.extend(name, operator)
    for alias, name in _elementwise.ALIASES.items():
        _core.extend(alias, _core.operators[name])
        _core.extend(alias + "_", _core.operators[name + "_"])
    for module, names in _SAME.items():
        for name in names:
            _core.extend(name, getattr(module, name))
    own = (
        to, to_device, cpu, view, reshape, expand, repeat, narrow, select, as_strided, unfold, contiguous, clone, dim,
        numel, element_size, copy_, fill_, zero_, clamp_, index_add_, masked_fill_, new_tensor, new_zeros, new_ones,
        is_floating_point, is_complex, matmul, __array_namespace__, __reduce__, __deepcopy__, __format__,
    )  # fmt: skip
    for method in own:
        _core.extend(method.__name__, method)
    for name, one in _CONVERSIONS.items():
        _core.extend(name, _conversion(name, one))
    _core.extend("type", type_)
    _core.extend("clamp", _elementwise.clip)
    _core.extend("clip_", clamp_)
    _core.extend("real", property(_elementwise.real))
    _core.extend("imag", property(_elementwise.imag))
    _core.extend("is_cuda", False)
    _core.extend("__array_priority__", 1000)


_CONVERSIONS = {
    "float": _core.float32, "double": _core.float64, "half": _core.float16, "bfloat16": _core.bfloat16,
    "int": _core.int32, "long": _core.int64, "short": _core.int16, "char": _core.int8, "byte": _core.uint8,
    "bool": _core.bool,
}  # fmt: skip


def _conversion(name, dtype):
    def convert(self) -> Tensor:
        return to(self, dtype)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"The tensor in {dtype}; itself where it is that already."
    return convert


def _unpickle(data, dtype, shape) -> Tensor:
    flat = _core.to(_core.from_bytes(data, _core.uint8), None, None)
    return _core.reshape(_core.view_dtype(flat, dtype) if dtype is not _core.bool else flat != 0, shape)
