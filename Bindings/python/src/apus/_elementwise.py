"""Elementwise functions: the standard's names for the library's operators, and what is made of several of them.

The operators themselves, under the names of the library's tables, are in `_core.operators`.
"""

from __future__ import annotations

from . import _core
from ._core import Tensor
from ._dtypes import PARTS

__all__ = [
    "angle", "clip", "imag", "positive", "real", "sign", "view_as_complex", "view_as_real",
]  # fmt: skip

operators = _core.operators

# The standard's name, and PyTorch's second ones, for rows of the tables.
ALIASES = {
    "bitwise_invert": "bitwise_not",
    "divide": "div",
    "equal": "eq",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "multiply": "mul",
    "negative": "neg",
    "not_equal": "ne",
    "subtract": "sub",
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "fix": "trunc",
    "true_divide": "div",
}


def positive(x, /) -> Tensor:
    """A copy of x."""
    return +x


def sign(x, /) -> Tensor:
    """-1, 0 or 1 by the sign; NaN stays, where the operator of the library, as PyTorch's, has 0."""
    made = operators["sign"](x)
    return operators["where"](operators["isnan"](x), x, made) if x.dtype.is_floating_point else made


def clip(x, /, min=None, max=None) -> Tensor:
    """x with what is below `min` raised to it and what is above `max` lowered to it. x's dtype stays."""
    if min is None and max is None:
        return +x
    if max is None:
        made = operators["maximum"](x, min)
    elif min is None:
        made = operators["minimum"](x, max)
    else:
        made = operators["clamp"](x, min, max)
    return made


def view_as_real(x, /) -> Tensor:
    """A view of complex numbers as pairs, in a new last dim."""
    if not x.dtype.is_complex:
        raise TypeError(f"view_as_real: {x.dtype} is not complex")
    return _core.view_dtype(_core.unsqueeze(x, -1), PARTS[x.dtype])


def view_as_complex(x, /) -> Tensor:
    """A view of the pairs in the last dim as complex numbers."""
    wholes = {part: whole for whole, part in PARTS.items()}
    if x.dtype not in wholes or x.ndim == 0 or x.shape[-1] != 2:
        raise TypeError(f"view_as_complex: needs pairs of float32 or float64 in the last dim, got {x.dtype} {x.shape}")
    return _core.squeeze(_core.view_dtype(x, wholes[x.dtype]), -1)


def real(x, /) -> Tensor:
    """The real parts: a view of complex numbers, x itself otherwise."""
    return view_as_real(x)[..., 0] if x.dtype.is_complex else x


def imag(x, /) -> Tensor:
    """The imaginary parts, a view of complex numbers."""
    if not x.dtype.is_complex:
        raise TypeError(f"imag: {x.dtype} has no imaginary part")
    return view_as_real(x)[..., 1]


def angle(x, /) -> Tensor:
    """The angle of complex numbers in the plane."""
    return operators["atan2"](imag(x), real(x))
