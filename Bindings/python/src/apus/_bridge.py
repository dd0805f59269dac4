"""Memory shared with NumPy and whoever else speaks DLPack or the buffer protocol. NumPy is imported at first use."""

from __future__ import annotations

import sys

from . import _core
from ._core import Tensor

__all__ = [
    "from_dlpack", "from_numpy", "frombuffer",
]  # fmt: skip

# What NumPy calls the dtypes.
_TYPE_CODES = {
    "bool": "b1", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "int8": "i1", "int16": "i2",
    "int32": "i4", "int64": "i8", "float16": "f2", "float32": "f4", "float64": "f8", "complex64": "c8",
    "complex128": "c16",
}  # fmt: skip
_ORDER = "<" if sys.byteorder == "little" else ">"


def _numpy_dtype(dtype):
    if dtype is not _core.bfloat16:
        return dtype.name
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        raise TypeError("numpy has no bfloat16 without the package ml_dtypes; use .to(apus.float32) first") from None
    return bfloat16


def _require_host(x: Tensor) -> None:
    if x.requires_grad:
        raise RuntimeError("the tensor requires a gradient; use .detach()")
    if x.device.type != "cpu":
        raise TypeError(f"the tensor is on {x.device}, not in the CPU's memory; use .cpu() first")


def numpy(self, *, force: bool = False):
    """The tensor as an array over the same memory: writes on either side are seen on the other, and either may go first.

    The array is read-only where the tensor is. bfloat16 needs the package ml_dtypes. A tensor on another device is
    refused, or copied with `force`.
    """
    import numpy

    if self.requires_grad:
        if not force:
            raise RuntimeError("numpy: the tensor requires a gradient; use .detach().numpy()")
        self = _core.detach(self)
    if force and self.device.type != "cpu":
        self = _core.to(self, None, "cpu")
    _require_host(self)
    dtype = _numpy_dtype(self.dtype)
    if self.is_contiguous():
        return numpy.ndarray(self.shape, dtype, self)
    strides = tuple(step * self.itemsize for step in self.stride())
    return numpy.ndarray(self.shape, dtype, _core.span(self), 0, strides)


def from_numpy(array, /) -> Tensor:
    """A tensor over an array's memory, with its strides: writes on either side are seen on the other.

    Read-only arrays give read-only tensors. Refused are negative strides, strides that are no multiple of the element
    size, misaligned data, foreign byte order, and dtypes that tensors lack.
    """
    module = sys.modules.get("numpy")
    if module is None or not isinstance(array, module.ndarray):
        raise TypeError(f"from_numpy: expected a numpy.ndarray, got {type(array).__name__}")
    if array.dtype.name == "bfloat16":
        return _core.from_buffer(array.view("u2"), True, _core.bfloat16)
    return _core.from_buffer(array, True, None)


def from_array(array, copy):
    """A tensor of an object with a buffer. `copy` is as in asarray."""
    module = sys.modules.get("numpy")
    if module is not None and isinstance(array, module.generic):
        copy = True  # a number, whose memory is of no use to anybody else
    share = None if copy is None else not copy
    if getattr(getattr(array, "dtype", None), "name", None) == "bfloat16":
        return _core.from_buffer(array.view("u2"), share, _core.bfloat16)
    return _core.from_buffer(array, share, None)


def frombuffer(buffer, *, dtype, count: int = -1, offset: int = 0) -> Tensor:
    """A 1-d tensor over the bytes of an object with a buffer, from byte `offset` on. Over bytes it is read-only."""
    data = memoryview(buffer).cast("B")
    size = dtype.itemsize
    if not 0 <= offset <= len(data):
        raise ValueError(f"frombuffer: offset {offset} is outside the {len(data)} bytes of the buffer")
    if count < 0 and (len(data) - offset) % size:
        raise ValueError(f"frombuffer: {len(data) - offset} bytes are no multiple of the {size} that {dtype} needs")
    count = (len(data) - offset) // size if count < 0 else count
    if offset + count * size > len(data):
        raise ValueError(f"frombuffer: {count} elements of {dtype} from byte {offset} on leave the {len(data)} bytes")
    return _core.from_bytes(data[offset : offset + count * size], dtype)


def from_dlpack(x, /, *, device=None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of any object with `__dlpack__`, or of a capsule. With `copy` a copy of it."""
    if isinstance(x, Tensor):
        made, is_copy = (_core.to(x, None, None) if copy else _core.alias(x)), bool(copy)
    elif not hasattr(x, "__dlpack__"):
        made, is_copy = _core.from_capsule(x), False
    else:
        if x.__dlpack_device__()[0] != 1:
            raise BufferError("from_dlpack: the object is not in the CPU's memory; copy it there first")
        capsule, is_copy = _capsule_of(x, copy)
        made = _core.from_capsule(capsule)
    if device is not None and _core.device(device) != made.device:
        if copy is False:
            raise ValueError(f"from_dlpack: cannot go to {device} without a copy")
        return _core.to(made, None, device)
    return _core.to(made, None, None) if copy and not is_copy else made


def _capsule_of(x, copy) -> tuple:
    """What x gives, and whether it made a copy as it was asked to. Producers older than version 1 cannot be asked."""
    try:
        if copy is None:
            return x.__dlpack__(max_version=(1, 0)), False
        return x.__dlpack__(max_version=(1, 0), copy=copy), copy
    except TypeError:
        return x.__dlpack__(), False


def __dlpack__(self, /, *, stream=None, max_version=None, dl_device=None, copy: bool | None = None):
    """A DLPack capsule of the tensor, of version 1 where the consumer knows it."""
    if stream is not None:
        raise BufferError("__dlpack__: there are no streams here; stream must be None")
    here = self.__dlpack_device__()
    if dl_device is not None and tuple(dl_device) != here:
        if tuple(dl_device) != (1, 0) or copy is False:
            raise BufferError(f"__dlpack__: cannot give a tensor on {self.device} to device {tuple(dl_device)}")
        return _core.to_dlpack(_core.to(self, None, "cpu"), max_version is not None and max_version[0] >= 1, False)
    return _core.to_dlpack(self, max_version is not None and max_version[0] >= 1, copy is True)


def __dlpack_device__(self, /):
    """DLPack's numbers for the device."""
    return _core.dlpack_device(self)


def __array__(self, dtype=None, *, copy: bool | None = None):
    array = numpy(self)
    if dtype is not None and array.dtype != dtype:
        if copy is False:
            raise ValueError("a copy is needed to change the dtype")
        return array.astype(dtype)
    return array.copy() if copy else array


@property  # of Tensor, to which it is added
def __array_interface__(self):
    _require_host(self)
    if self.dtype.name not in _TYPE_CODES:
        raise AttributeError(f"NumPy's array interface has no code for {self.dtype}")
    code = _TYPE_CODES[self.dtype.name]
    order = "|" if self.itemsize == 1 else _ORDER
    strides = None if self.is_contiguous() else tuple(step * self.itemsize for step in self.stride())
    return {
        "version": 3,
        "shape": self.shape,
        "typestr": order + code,
        "data": (self.data_ptr(), self.read_only),
        "strides": strides,
    }
