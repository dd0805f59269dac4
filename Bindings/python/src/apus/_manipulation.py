"""Shapes: views where possible, and the joining and repeating of tensors."""

from __future__ import annotations

from . import _core
from ._core import Tensor
from ._dtypes import result_type

__all__ = [
    "broadcast_arrays", "broadcast_shapes", "broadcast_to", "cat", "chunk", "concat", "diagonal", "diff",
    "expand_dims", "flatten", "flip", "matrix_transpose", "moveaxis", "permute", "permute_dims", "repeat",
    "reshape", "roll", "split", "squeeze", "stack", "t", "tile", "transpose", "unbind", "unsqueeze", "unstack",
]  # fmt: skip


def normal_axis(function: str, axis: int, rank: int) -> int:
    """A dim counted from the front."""
    if not -rank <= axis < rank:
        raise IndexError(f"{function}: dim {axis} is out of range for {rank} dims")
    return axis + rank if axis < 0 else axis


def axes_of(axis) -> tuple:
    return (axis,) if isinstance(axis, int) else tuple(axis)


def reshape(x, /, shape, *, copy: bool | None = None) -> Tensor:
    """x in another shape, of which one size may be -1. A view where possible, unless `copy` says otherwise."""
    if copy:
        return _core.reshape(_core.to(x, None, None), shape)
    return _core.view(x, shape) if copy is False else _core.reshape(x, shape)


def flatten(x, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dims from start_dim to end_dim as one."""
    if x.ndim == 0:
        return _core.reshape(x, (1,))
    start, end = normal_axis("flatten", start_dim, x.ndim), normal_axis("flatten", end_dim, x.ndim)
    size = 1
    for length in x.shape[start : end + 1]:
        size *= length
    return _core.reshape(x, x.shape[:start] + (size,) + x.shape[end + 1 :])


def permute_dims(x, /, axes) -> Tensor:
    """A view with the dims in another order."""
    return _core.permute(x, axes)


def permute(x, *dims) -> Tensor:
    """A view with the dims in another order."""
    return _core.permute(x, dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims)


def transpose(x, dim0: int, dim1: int) -> Tensor:
    """A view with two dims exchanged."""
    return _core.transpose(x, dim0, dim1)


def t(x) -> Tensor:
    """The transposed view of a matrix; fewer dims stay."""
    return x.T


def matrix_transpose(x, /) -> Tensor:
    """A view with the last two dims exchanged."""
    return x.mT


def moveaxis(x, source, destination, /) -> Tensor:
    """A view with the dims of `source` at the places of `destination`."""
    source = [normal_axis("moveaxis", axis, x.ndim) for axis in axes_of(source)]
    destination = [normal_axis("moveaxis", axis, x.ndim) for axis in axes_of(destination)]
    if len(source) != len(destination) or len(set(source)) < len(source) or len(set(destination)) < len(destination):
        raise ValueError("moveaxis: source and destination must be equally many different dims")
    order = [axis for axis in range(x.ndim) if axis not in source]
    for place, axis in sorted(zip(destination, source)):
        order.insert(place, axis)
    return _core.permute(x, order)


def expand_dims(x, /, axis: int) -> Tensor:
    """A view with a dim of size 1 put in."""
    return _core.unsqueeze(x, axis)


def unsqueeze(x, dim: int) -> Tensor:
    """A view with a dim of size 1 put in."""
    return _core.unsqueeze(x, dim)


def squeeze(x, /, axis=None) -> Tensor:
    """A view without the given dims, which must have size 1; without all such dims where none are given."""
    for one in () if axis is None else axes_of(axis):
        if x.shape[normal_axis("squeeze", one, x.ndim)] != 1:
            raise ValueError(f"squeeze: dim {one} of shape {x.shape} has not size 1")
    return _core.squeeze(x, axis)


def broadcast_to(x, /, shape) -> Tensor:
    """A view with x's elements repeated along dims of size 1."""
    if min(shape, default=0) < 0:
        raise ValueError(f"broadcast_to: negative size in shape {tuple(shape)}")
    return _core.expand(x, shape)


def broadcast_shapes(*shapes) -> tuple:
    """The shape that these broadcast to."""
    result = [1] * max((len(shape) for shape in shapes), default=0)
    for shape in shapes:
        for place, size in enumerate(shape, len(result) - len(shape)):
            if size not in (1, result[place]) and result[place] != 1:
                raise ValueError(f"shapes {', '.join(str(tuple(s)) for s in shapes)} do not broadcast")
            result[place] = size if result[place] == 1 else result[place]
    return tuple(result)


def broadcast_arrays(*arrays) -> list:
    """Views of all in the shape that they broadcast to."""
    shape = broadcast_shapes(*(x.shape for x in arrays))
    return [_core.expand(x, shape) for x in arrays]


def concat(arrays, /, *, axis: int | None = 0) -> Tensor:
    """Joined along an existing dim; flattened first where `axis` is None. Dtypes are promoted."""
    arrays = tuple(arrays)
    if axis is None:
        return _core.cat(tuple(_core.reshape(x, -1) for x in arrays), 0)
    return _core.cat(arrays, axis)


def cat(tensors, dim: int = 0) -> Tensor:
    """Joined along an existing dim. Dtypes are promoted."""
    return _core.cat(tuple(tensors), dim)


def stack(arrays, /, axis: int = 0, *, dim: int | None = None) -> Tensor:
    """Joined along a new dim, at place `axis` (or `dim`) of the result. All have one shape."""
    arrays = tuple(arrays)
    axis = axis if dim is None else dim
    if any(x.shape != arrays[0].shape for x in arrays):
        raise ValueError(f"stack: shapes {arrays[0].shape} and others differ")
    return _core.cat(tuple(_core.unsqueeze(x, axis) for x in arrays), axis)


def unstack(x, /, *, axis: int = 0) -> tuple:
    """The views along a dim, without it."""
    axis = normal_axis("unstack", axis, x.ndim)
    front = (slice(None),) * axis
    return tuple(x[front + (place,)] for place in range(x.shape[axis]))


def unbind(x, dim: int = 0) -> tuple:
    """The views along a dim, without it."""
    return unstack(x, axis=dim)


def split(x, size, dim: int = 0) -> tuple:
    """Views of pieces along a dim: of `size` each, the last one shorter; or of the sizes in a list."""
    length = x.shape[dim]
    sizes = [size] * -(-length // size) if isinstance(size, int) else size
    if not isinstance(size, int) and sum(sizes) != length:
        raise ValueError(f"split: sizes {list(sizes)} do not make up dim {dim} with size {length}")
    pieces, start = [], 0
    for one in sizes:
        pieces.append(_core.narrow(x, dim, start, start + one, 1))
        start += one
    return tuple(pieces)


def chunk(x, chunks: int, dim: int = 0) -> tuple:
    """Views of at most `chunks` pieces of one size along a dim, the last one shorter."""
    return split(x, max(1, -(-x.shape[dim] // chunks)), dim)


def flip(x, /, *, axis=None, dims=None) -> Tensor:
    """The elements in reverse order along the given dims, or along all."""
    axis = dims if axis is None else axis
    return _core.flip(x, tuple(range(x.ndim)) if axis is None else axis)


def roll(x, /, shift=None, *, axis=None, shifts=None, dims=None) -> Tensor:
    """The elements moved along dims, those that leave at one end coming in at the other; flattened without `axis`."""
    shift, axis = (shifts if shift is None else shift), (dims if axis is None else axis)
    if axis is None:
        return _core.reshape(roll(_core.reshape(x, -1), shift, axis=0), x.shape)
    shifts, axes = axes_of(shift), axes_of(axis)
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(axes) == 1:
        axes *= len(shifts)
    for by, one in zip(shifts, axes, strict=True):
        length = x.shape[one]
        by = by % length if length else 0
        if by:
            x = _core.cat((_core.narrow(x, one, length - by, length, 1), _core.narrow(x, one, 0, length - by, 1)), one)
    return _core.to(x, None, None)


def repeat(x, repeats, /, *, axis: int | None = None) -> Tensor:
    """Each element (or slice of a dim) as often as `repeats` says: one number, or one for each."""
    if axis is None:
        x, axis = _core.reshape(x, -1), 0
    axis = normal_axis("repeat", axis, x.ndim)
    if isinstance(repeats, Tensor) and repeats.ndim == 1 and repeats.size != 1:
        counts = repeats.tolist()
        if len(counts) != x.shape[axis]:
            raise ValueError(f"repeat: {len(counts)} counts for dim {axis} with size {x.shape[axis]}")
        places = [place for place, count in enumerate(counts) for _ in range(count)]
        return _core.index_select(x, axis, _core.from_sequence(places, _core.int64))
    count = int(repeats)
    shape = x.shape
    spread = _core.expand(_core.unsqueeze(x, axis + 1), shape[: axis + 1] + (count,) + shape[axis + 1 :])
    return _core.reshape(spread, shape[:axis] + (shape[axis] * count,) + shape[axis + 1 :])


def tile(x, repetitions, /) -> Tensor:
    """x as often along each dim as `repetitions` says."""
    repetitions = axes_of(repetitions)
    rank = max(x.ndim, len(repetitions))
    shape = (1,) * (rank - x.ndim) + x.shape
    counts = (1,) * (rank - len(repetitions)) + repetitions
    twice = [size for count, length in zip(counts, shape) for size in (count, length)]
    spread = _core.expand(_core.reshape(x, [s for length in shape for s in (1, length)]), twice)
    return _core.reshape(spread, [count * length for count, length in zip(counts, shape)])


def diagonal(x, /, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A diagonal of two dims as a new last dim, a view."""
    return _core.diagonal(x, offset, dim1, dim2)


def diff(x, /, *, axis: int = -1, n: int = 1, prepend=None, append=None) -> Tensor:
    """Differences of neighbours along a dim, n times over."""
    axis = normal_axis("diff", axis, x.ndim)
    parts = [part for part in (prepend, x, append) if part is not None]
    if len(parts) > 1:
        dtype = result_type(*parts)
        x = _core.cat(tuple(part if part.dtype is dtype else _core.to(part, dtype, None) for part in parts), axis)
    for _ in range(n):
        x = _core.narrow(x, axis, 1, x.shape[axis], 1) - _core.narrow(x, axis, 0, max(x.shape[axis] - 1, 0), 1)
    return x
