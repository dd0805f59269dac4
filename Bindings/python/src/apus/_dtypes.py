"""Dtypes: their kinds, limits and promotion."""

from __future__ import annotations

from collections import namedtuple

from . import _core
from ._core import Tensor, dtype, promote_types

__all__ = [
    "astype", "can_cast", "finfo", "get_default_dtype", "iinfo", "is_complex", "is_floating_point", "isdtype",
    "result_type",
]  # fmt: skip

BOOL = (_core.bool,)
SIGNED = (_core.int8, _core.int16, _core.int32, _core.int64)
UNSIGNED = (_core.uint8, _core.uint16, _core.uint32, _core.uint64)
REAL = (_core.float32, _core.float64)
HALF = (_core.float16, _core.bfloat16)
COMPLEX = (_core.complex64, _core.complex128)
KINDS = {
    "bool": BOOL,
    "signed integer": SIGNED,
    "unsigned integer": UNSIGNED,
    "integral": SIGNED + UNSIGNED,
    "real floating": REAL + HALF,
    "complex floating": COMPLEX,
    "numeric": SIGNED + UNSIGNED + REAL + HALF + COMPLEX,
}
# The kinds of numbers outside tensors, as the C library counts them.
SCALAR_KINDS = {bool: 0, int: 1, float: 2, complex: 3}
PARTS = {_core.complex64: _core.float32, _core.complex128: _core.float64}


def get_default_dtype() -> dtype:
    """The dtype that Python's floats become."""
    return _core.default_dtype(2)


def dtype_of(x) -> dtype:
    """A tensor's dtype, or the dtype itself."""
    if isinstance(x, Tensor):
        return x.dtype
    if isinstance(x, dtype):
        return x
    raise TypeError(f"expected a tensor or a dtype, got {x!r}")


def scalar_level(kind: int, found: dtype) -> dtype:
    """What a number of this kind makes of a dtype: its kind counts, its size does not."""
    level = 3 if found.is_complex else 2 if found.is_floating_point else 0 if found is _core.bool else 1
    if kind <= level:
        return found
    if kind == 3 and found.is_floating_point:
        return _core.complex128 if found is _core.float64 else _core.complex64
    return _core.default_dtype(kind)


def result_type(*arrays_and_dtypes) -> dtype:
    """The dtype that these promote to. Python's numbers count by their kind alone."""
    found, kind = None, -1
    for x in arrays_and_dtypes:
        if isinstance(x, (bool, int, float, complex)):
            number = 3 if isinstance(x, complex) else 2 if isinstance(x, float) else 0 if isinstance(x, bool) else 1
            kind = number if number > kind else kind
        else:
            found = dtype_of(x) if found is None else promote_types(found, dtype_of(x))
    if found is None:
        raise ValueError("result_type: needs at least one tensor or dtype")
    return scalar_level(kind, found)


def can_cast(from_, to, /) -> bool:
    """Whether `from_`, a dtype or a tensor, promotes to `to`."""
    return promote_types(dtype_of(from_), to) is to


def isdtype(dtype, kind) -> bool:
    """Whether a dtype is of a kind: another dtype, a name such as "real floating", or a tuple of these."""
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if isinstance(kind, str):
        if kind not in KINDS:
            raise ValueError(f"isdtype: there is no kind {kind!r}; the kinds are {', '.join(KINDS)}")
        return dtype in KINDS[kind]
    return dtype is kind


class finfo_object(namedtuple("finfo_object", "bits eps max min smallest_normal dtype")):
    """What finfo gives."""

    __slots__ = ()

    @property
    def tiny(self) -> float:
        return self.smallest_normal


iinfo_object = namedtuple("iinfo_object", "bits max min dtype")


# Bits of the fraction, and the greatest exponent of two below the greatest number.
_FORMATS = {_core.float16: (10, 15), _core.bfloat16: (7, 127), _core.float32: (23, 127), _core.float64: (52, 1023)}


def finfo(type, /) -> finfo_object:
    """The limits of a float dtype; for a complex one, of its parts."""
    found = dtype_of(type)
    found = PARTS.get(found, found)
    if found not in _FORMATS:
        raise TypeError(f"finfo: {found} is not a floating-point dtype")
    fraction, exponent = _FORMATS[found]
    largest = (2.0 - 2.0**-fraction) * 2.0**exponent
    return finfo_object(found.itemsize * 8, 2.0**-fraction, largest, -largest, 2.0 ** (1 - exponent), found)


def iinfo(type, /) -> iinfo_object:
    """The limits of an integer dtype."""
    found = dtype_of(type)
    if found not in KINDS["integral"]:
        raise TypeError(f"iinfo: {found} is not an integer dtype")
    bits = found.itemsize * 8
    if found.is_signed:
        return iinfo_object(bits, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)), found)
    return iinfo_object(bits, 2**bits - 1, 0, found)


def astype(x, dtype, /, *, copy: bool = True, device=None):
    """x in another dtype: a copy, or x itself where nothing changes and `copy` is False."""
    if x.dtype.is_complex and not (dtype is complex or getattr(dtype, "is_complex", False)) and dtype is not _core.bool:
        raise TypeError(f"astype: {x.dtype} does not convert to {dtype}; take real() or imag() first")
    if not copy and x.dtype is dtype and device in (None, x.device):
        return x
    return _core.to(x, dtype, device)


def is_floating_point(x) -> bool:
    """Whether the elements are real floats."""
    return x.dtype.is_floating_point


def is_complex(x) -> bool:
    """Whether the elements are complex."""
    return x.dtype.is_complex
