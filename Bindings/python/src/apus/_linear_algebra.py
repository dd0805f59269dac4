"""Products of vectors, matrices and tensors."""

from __future__ import annotations

from . import _core
from ._core import Tensor, matmul
from ._manipulation import moveaxis, normal_axis

__all__ = [
    "bmm", "dot", "mm", "mv", "outer", "tensordot", "vecdot",
]  # fmt: skip


def mm(x, other) -> Tensor:
    """The product of two matrices."""
    if x.ndim != 2 or other.ndim != 2:
        raise ValueError(f"mm: needs two matrices, got shapes {x.shape} and {other.shape}")
    return matmul(x, other)


def bmm(x, other) -> Tensor:
    """The products of two batches of matrices."""
    if x.ndim != 3 or other.ndim != 3:
        raise ValueError(f"bmm: needs two batches of matrices, got shapes {x.shape} and {other.shape}")
    return matmul(x, other)


def mv(x, vector) -> Tensor:
    """The product of a matrix and a vector."""
    if x.ndim != 2 or vector.ndim != 1:
        raise ValueError(f"mv: needs a matrix and a vector, got shapes {x.shape} and {vector.shape}")
    return matmul(x, vector)


def dot(x, other) -> Tensor:
    """The sum of the products of two vectors' elements."""
    if x.ndim != 1 or other.ndim != 1:
        raise ValueError(f"dot: needs two vectors, got shapes {x.shape} and {other.shape}")
    return matmul(x, other)


def outer(x, other) -> Tensor:
    """The products of all pairs of two vectors' elements."""
    return _core.unsqueeze(x, 1) * _core.unsqueeze(other, 0)


def vecdot(x1, x2, /, *, axis: int = -1) -> Tensor:
    """The sums of conj(x1) * x2 along a dim; the others broadcast."""
    x1 = moveaxis(x1, normal_axis("vecdot", axis, x1.ndim), -1)
    x2 = moveaxis(x2, normal_axis("vecdot", axis, x2.ndim), -1)
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(f"vecdot: dims of sizes {x1.shape[-1]} and {x2.shape[-1]} do not match")
    product = matmul(_core.unsqueeze(_core.operators["conj"](x1), -2), _core.unsqueeze(x2, -1))
    return _core.squeeze(product, (-2, -1))


def tensordot(x1, x2, /, *, axes=2) -> Tensor:
    """Sums over the last `axes` dims of x1 and the first of x2, or over the two lists of dims given."""
    if isinstance(axes, int):
        first, second = list(range(x1.ndim - axes, x1.ndim)), list(range(axes))
    else:
        first, second = ([one] if isinstance(one, int) else list(one) for one in axes)
    first = [normal_axis("tensordot", axis, x1.ndim) for axis in first]
    second = [normal_axis("tensordot", axis, x2.ndim) for axis in second]
    if [x1.shape[axis] for axis in first] != [x2.shape[axis] for axis in second]:
        raise ValueError(f"tensordot: dims {first} of shape {x1.shape} do not fit dims {second} of shape {x2.shape}")
    rows = [axis for axis in range(x1.ndim) if axis not in first]
    columns = [axis for axis in range(x2.ndim) if axis not in second]
    inner = 1
    for axis in first:
        inner *= x1.shape[axis]
    row_sizes, column_sizes = [x1.shape[axis] for axis in rows], [x2.shape[axis] for axis in columns]
    left = _core.reshape(_core.permute(x1, rows + first), (_product(row_sizes), inner))
    right = _core.reshape(_core.permute(x2, second + columns), (inner, _product(column_sizes)))
    return _core.reshape(matmul(left, right), row_sizes + column_sizes)


def _product(sizes) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result
