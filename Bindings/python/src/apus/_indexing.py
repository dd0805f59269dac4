"""Picking elements by index tensors."""

from __future__ import annotations

from . import _core
from ._core import Tensor
from ._manipulation import broadcast_shapes, normal_axis

__all__ = [
    "argwhere", "gather", "index_add", "index_select", "masked_fill", "masked_select", "nonzero", "scatter",
    "scatter_add", "searchsorted", "take", "take_along_axis",
]  # fmt: skip

_operators = _core.operators


def _from_front(indices, length: int) -> Tensor:
    """Indices that count from the end, counted from the front."""
    return _operators["where"](indices < 0, indices + length, indices)


def take(x, indices, /, *, axis: int | None = None) -> Tensor:
    """The slices of a dim that 1-d indices name. `axis` may be left out for one dim."""
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"take: axis is needed for {x.ndim} dims")
        axis = 0
    return x[(slice(None),) * normal_axis("take", axis, x.ndim) + (indices,)]


def take_along_axis(x, indices, /, *, axis: int = -1) -> Tensor:
    """out[i][j] = x[indices[i][j]][j] for axis 0, and so on; the other dims broadcast."""
    if x.ndim != indices.ndim:
        raise ValueError(f"take_along_axis: {x.ndim} dims, but {indices.ndim} of the indices")
    axis = normal_axis("take_along_axis", axis, x.ndim)
    length, count = x.shape[axis], indices.shape[axis]
    others = broadcast_shapes(*(t.shape[:axis] + (1,) + t.shape[axis + 1 :] for t in (x, indices)))
    x = _core.expand(x, others[:axis] + (length,) + others[axis + 1 :])
    indices = _core.expand(indices, others[:axis] + (count,) + others[axis + 1 :])
    return _core.gather(x, axis, _from_front(_core.to(indices, _core.int64, None), length))


def gather(x, dim: int, index) -> Tensor:
    """out[i][j] = x[index[i][j]][j] for dim 0, and so on."""
    return _core.gather(x, dim, index)


def index_select(x, dim: int, index) -> Tensor:
    """The slices of a dim that 1-d indices name."""
    return _core.index_select(x, dim, index)


def index_add(x, dim: int, index, source, *, alpha: float = 1.0) -> Tensor:
    """x with alpha * source's slices added to those that `index` names."""
    return _core.index_add(x, dim, index, source, alpha)


def scatter(x, dim: int, index, src) -> Tensor:
    """x with out[index[i][j]][j] = src[i][j] for dim 0, and so on."""
    return _core.scatter(x, dim, index, src, False)


def scatter_add(x, dim: int, index, src) -> Tensor:
    """x with src[i][j] added to out[index[i][j]][j] for dim 0, and so on."""
    return _core.scatter(x, dim, index, src, True)


def masked_select(x, mask) -> Tensor:
    """The elements where a bool mask, broadcast with x, is true, in one dim."""
    return _core.masked_select(x, mask)


def masked_fill(x, mask, value) -> Tensor:
    """x with a number where a bool mask is true."""
    return _operators["where"](mask, _core.full((), value, x.dtype, x.device), x)


def nonzero(x, /) -> tuple:
    """The indices of the elements that are not zero, a tensor for each dim."""
    if x.ndim == 0:
        raise ValueError("nonzero: a 0-d tensor has no dims to index")
    return tuple(_core.nonzero(x)[:, dim] for dim in range(x.ndim))


def argwhere(x) -> Tensor:
    """The indices of the elements that are not zero, a row for each."""
    return _core.nonzero(x)


def searchsorted(x1, x2, /, *, side: str = "left", sorter=None) -> Tensor:
    """Where x2's values would go into x1, sorted, so that it stays sorted; before equal elements, or behind them for
    "right". All values are searched for at once, by halving."""
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    if x1.ndim != 1:
        raise ValueError(f"searchsorted: the sorted tensor must have one dim, got {x1.ndim}")
    x1 = x1 if sorter is None else take(x1, sorter)
    goes_right = _operators["lt" if side == "left" else "le"]
    low = _core.full(x2.shape, 0, _core.int64, x2.device)
    high = _core.full(x2.shape, x1.size, _core.int64, x2.device)
    for _ in range(x1.size.bit_length()):
        middle = (low + high) // 2
        # Where a search has ended, low equals high, which may be behind the last element.
        right = goes_right(x1[_operators["minimum"](middle, x1.size - 1)], x2) & (low < high)
        low = _operators["where"](right, middle + 1, low)
        high = _operators["where"](right, high, middle)
    return low
