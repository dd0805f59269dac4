"""Reductions and scans.

The standard's `axis` and `keepdims` and PyTorch's `dim` and `keepdim` mean the same here. What differs between the two
follows the standard, but for `max`, `min` with `dim`: these give values and indices, as in PyTorch.
"""

from __future__ import annotations

from collections import namedtuple

from . import _core
from ._core import Tensor
from ._dtypes import SIGNED, UNSIGNED
from ._manipulation import normal_axis

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "cumprod", "cumsum", "cumulative_prod",
    "cumulative_sum", "log_softmax", "logsumexp", "max", "mean", "min", "nansum", "norm", "prod", "softmax", "std",
    "sum", "var",
]  # fmt: skip

_NUMBERS = {name: number for number, name in enumerate(_core.reductions())}


# What PyTorch's max and min along a dim give.
ValuesAndIndices = namedtuple("ValuesAndIndices", "values indices")


def _sum_dtype(x, dtype):
    """Integers add up in 64 bits, of their own sign."""
    if dtype is not None:
        return dtype
    if x.dtype in UNSIGNED:
        return _core.uint64
    return _core.int64 if x.dtype in SIGNED or x.dtype is _core.bool else None


def sum(x, /, axis=None, keepdims: bool = False, *, dtype=None, dim=None, keepdim: bool = False) -> Tensor:
    """The sum over the given dims, or over all. Small integers add up in 64 bits."""
    axis = dim if axis is None else axis
    return _core.reduce(_NUMBERS["sum"], x, axis, keepdims or keepdim, _sum_dtype(x, dtype))


def prod(x, /, axis=None, keepdims: bool = False, *, dtype=None, dim=None, keepdim: bool = False) -> Tensor:
    """The product over the given dims, or over all. Small integers multiply in 64 bits."""
    axis = dim if axis is None else axis
    return _core.reduce(_NUMBERS["prod"], x, axis, keepdims or keepdim, _sum_dtype(x, dtype))


def mean(x, /, axis=None, keepdims: bool = False, *, dtype=None, dim=None, keepdim: bool = False) -> Tensor:
    """The mean over the given dims, or over all."""
    return _core.reduce(_NUMBERS["mean"], x, dim if axis is None else axis, keepdims or keepdim, dtype)


def nansum(x, /, axis=None, keepdims: bool = False, *, dtype=None, dim=None, keepdim: bool = False) -> Tensor:
    """The sum of what is not NaN."""
    axis = dim if axis is None else axis
    return _core.reduce(_NUMBERS["nansum"], x, axis, keepdims or keepdim, _sum_dtype(x, dtype))


def all(x, /, axis=None, keepdims: bool = False, *, dim=None, keepdim: bool = False) -> Tensor:
    """Whether all elements are not zero."""
    return _core.reduce(_NUMBERS["all"], x, dim if axis is None else axis, keepdims or keepdim, None)


def any(x, /, axis=None, keepdims: bool = False, *, dim=None, keepdim: bool = False) -> Tensor:
    """Whether any element is not zero."""
    return _core.reduce(_NUMBERS["any"], x, dim if axis is None else axis, keepdims or keepdim, None)


def count_nonzero(x, /, axis=None, keepdims: bool = False, *, dim=None, keepdim: bool = False) -> Tensor:
    """How many elements are not zero."""
    axis = dim if axis is None else axis
    return _core.reduce(_NUMBERS["count_nonzero"], x, axis, keepdims or keepdim, None)


def _extreme(name, other, x, second, axis, keepdims, dim, keepdim):
    if isinstance(second, Tensor):
        return _core.operators[other](x, second)
    if second is not None or dim is not None:
        return _values_and_indices(name == "min", x, second if dim is None else dim, keepdims or keepdim)
    return _core.reduce(_NUMBERS[name], x, axis, keepdims or keepdim, None)


def _values_and_indices(smallest, x, dim, keep) -> ValuesAndIndices:
    return ValuesAndIndices(*_core.arg_reduce(smallest, x, dim, keep))


def max(x, second=None, /, *, axis=None, keepdims: bool = False, dim: int | None = None, keepdim: bool = False):
    """The greatest element over the dims of `axis`, or over all. With `dim` also where it stands; of two tensors, the
    greater of each pair."""
    return _extreme("max", "maximum", x, second, axis, keepdims, dim, keepdim)


def min(x, second=None, /, *, axis=None, keepdims: bool = False, dim: int | None = None, keepdim: bool = False):
    """The least element over the dims of `axis`, or over all. With `dim` also where it stands; of two tensors, the
    lesser of each pair."""
    return _extreme("min", "minimum", x, second, axis, keepdims, dim, keepdim)


def amax(x, dim=None, keepdim: bool = False) -> Tensor:
    """The greatest element over the given dims."""
    return _core.reduce(_NUMBERS["max"], x, dim, keepdim, None)


def amin(x, dim=None, keepdim: bool = False) -> Tensor:
    """The least element over the given dims."""
    return _core.reduce(_NUMBERS["min"], x, dim, keepdim, None)


def _arg_extreme(smallest, x, axis, keep) -> Tensor:
    if axis is not None:
        return _core.arg_reduce(smallest, x, axis, keep)[1]
    place = _core.arg_reduce(smallest, _core.reshape(x, -1), 0, False)[1]
    return _core.reshape(place, (1,) * x.ndim) if keep else place


def argmax(x, /, axis: int | None = None, keepdims: bool = False, *, dim=None, keepdim: bool = False) -> Tensor:
    """Where the greatest element stands first along a dim, or in the flattened tensor."""
    return _arg_extreme(False, x, dim if axis is None else axis, keepdims or keepdim)


def argmin(x, /, axis: int | None = None, keepdims: bool = False, *, dim=None, keepdim: bool = False) -> Tensor:
    """Where the least element stands first along a dim, or in the flattened tensor."""
    return _arg_extreme(True, x, dim if axis is None else axis, keepdims or keepdim)


def var(x, /, axis=None, keepdims: bool = False, *, correction: float = 0.0, dim=None, keepdim: bool = False) -> Tensor:
    """The variance over the given dims, or over all; divided by the count less `correction`, which PyTorch has at 1."""
    return _core.var(x, dim if axis is None else axis, keepdims or keepdim, correction)


def std(x, /, axis=None, keepdims: bool = False, *, correction: float = 0.0, dim=None, keepdim: bool = False) -> Tensor:
    """The square root of var."""
    return _core.operators["sqrt"](var(x, axis, keepdims, correction=correction, dim=dim, keepdim=keepdim))


def norm(x, p: float = 2.0, dim=None, keepdim: bool = False) -> Tensor:
    """The p-norm over the given dims, or over all."""
    return _core.norm(x, dim, keepdim, p)


def logsumexp(x, dim=None, keepdim: bool = False) -> Tensor:
    """log(sum(exp(x))) over the given dims, safe from overflow."""
    return _core.logsumexp(x, dim, keepdim, 0.0)


def softmax(x, dim: int) -> Tensor:
    """exp(x) / sum(exp(x)) along a dim."""
    return _core.softmax(x, dim, False)


def log_softmax(x, dim: int) -> Tensor:
    """The logarithm of softmax."""
    return _core.softmax(x, dim, True)


_SUM, _PROD = 0, 1


def _cumulative(function, scan, start, x, axis, dtype, include_initial) -> Tensor:
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"{function}: axis is needed for {x.ndim} dims")
        axis = 0
    axis = normal_axis(function, axis, x.ndim)
    wanted = _sum_dtype(x, dtype)
    if wanted is not None and x.dtype is not wanted:
        x = _core.to(x, wanted, None)
    scanned = _core.scan(scan, x, axis)
    if wanted is not None and scanned.dtype is not wanted:
        scanned = _core.to(scanned, wanted, None)
    if not include_initial:
        return scanned
    first = _core.full(x.shape[:axis] + (1,) + x.shape[axis + 1 :], start, scanned.dtype, x.device)
    return _core.cat((first, scanned), axis)


def cumulative_sum(x, /, *, axis: int | None = None, dtype=None, include_initial: bool = False) -> Tensor:
    """Running sums along a dim, from 0 on where `include_initial`."""
    return _cumulative("cumulative_sum", _SUM, 0, x, axis, dtype, include_initial)


def cumulative_prod(x, /, *, axis: int | None = None, dtype=None, include_initial: bool = False) -> Tensor:
    """Running products along a dim, from 1 on where `include_initial`."""
    return _cumulative("cumulative_prod", _PROD, 1, x, axis, dtype, include_initial)


def cumsum(x, dim: int, *, dtype=None) -> Tensor:
    """Running sums along a dim."""
    return _cumulative("cumsum", _SUM, 0, x, dim, dtype, False)


def cumprod(x, dim: int, *, dtype=None) -> Tensor:
    """Running products along a dim."""
    return _cumulative("cumprod", _PROD, 1, x, dim, dtype, False)
