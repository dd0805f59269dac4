"""DLPack between libapus and NumPy, PyTorch and JAX, for every dtype that both sides have: the same memory, writes seen
on both sides, either side gone first, and what must be refused.

    python Tests/Interop/dlpack.py build/release/libapus.so

Peers that cannot be imported are skipped by name; with none of them the exit status is 77. The library is called
through ctypes alone, as a binding without a compiler would.
"""

import ctypes
import gc
import sys
from ctypes import POINTER, byref, c_bool, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint64, c_void_p

DTYPES = {
    "bool": 0, "uint8": 1, "uint16": 2, "uint32": 3, "uint64": 4, "int8": 5, "int16": 6, "int32": 7, "int64": 8,
    "float16": 9, "bfloat16": 10, "float32": 11, "float64": 12, "complex64": 13, "complex128": 14,
}
NAMES = {number: name for name, number in DTYPES.items()}
SIZES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 8, 5: 1, 6: 2, 7: 4, 8: 8, 9: 2, 10: 2, 11: 4, 12: 8, 13: 8, 14: 16}
READ_ONLY_STATUS = 9


class ScalarStruct(ctypes.Structure):
    _fields_ = [
        ("kind", c_int32), ("is_unsigned", c_bool), ("integer", c_int64), ("real", c_double), ("imaginary", c_double),
    ]


class MemoryStats(ctypes.Structure):
    _fields_ = [(name, c_int64) for name in ("in_use", "cached", "peak", "count", "allocations", "cache_hits")]


lib = ctypes.CDLL(sys.argv[1])
lib.apus_last_error.restype = c_char_p
lib.apus_tensor_shape.restype = POINTER(c_int64)
lib.apus_tensor_data.restype = c_void_p
lib.apus_tensor_numel.restype = c_int64
lib.apus_tensor_is_read_only.restype = c_bool
for name in ("shape", "data", "numel", "rank", "dtype", "is_read_only", "release"):
    getattr(lib, f"apus_tensor_{name}").argtypes = [c_void_p]
lib.apus_tensor_release.restype = None
lib.apus_tensor_empty.argtypes = [POINTER(c_void_p), c_int32, c_int32, POINTER(c_int64), c_int32]
lib.apus_tensor_fill.argtypes = [c_void_p, POINTER(ScalarStruct)]
lib.apus_tensor_read.argtypes = [c_void_p, c_int32, c_void_p, c_size_t]
lib.apus_tensor_transpose.argtypes = [POINTER(c_void_p), c_void_p, c_int32, c_int32]
lib.apus_tensor_slice.argtypes = [POINTER(c_void_p), c_void_p, c_int32, c_int64, c_int64, c_int64]
lib.apus_tensor_select.argtypes = [POINTER(c_void_p), c_void_p, c_int32, c_int64]
lib.apus_tensor_dlpack_device.argtypes = [POINTER(c_int32), POINTER(c_int32), c_void_p]
for form in ("", "_versioned"):
    getattr(lib, f"apus_tensor_to_dlpack{form}").argtypes = [POINTER(c_void_p), c_void_p, c_bool]
    getattr(lib, f"apus_tensor_from_dlpack{form}").argtypes = [POINTER(c_void_p), c_void_p]

# A capsule inside its own destructor must not be counted again, so these take its address.
api = ctypes.pythonapi
api.PyCapsule_New.restype = ctypes.py_object
api.PyCapsule_New.argtypes = [c_void_p, c_char_p, c_void_p]
api.PyCapsule_GetPointer.restype = c_void_p
api.PyCapsule_GetPointer.argtypes = [c_void_p, c_char_p]
api.PyCapsule_IsValid.argtypes = [c_void_p, c_char_p]
api.PyCapsule_SetName.argtypes = [c_void_p, c_char_p]
Deleter = ctypes.CFUNCTYPE(None, c_void_p)
# Capsules keep a pointer to their name. (name, name once consumed, suffix of our functions, offset of the deleter)
VERSIONED = (b"dltensor_versioned", b"used_dltensor_versioned", "_versioned", 16)
UNVERSIONED = (b"dltensor", b"used_dltensor", "", 56)


@ctypes.PYFUNCTYPE(None, c_void_p)
def drop_unused(capsule):
    """A capsule's destructor: an export that nobody consumed is still ours to delete."""
    for name, _, _, offset in (VERSIONED, UNVERSIONED):
        if api.PyCapsule_IsValid(capsule, name):
            managed = api.PyCapsule_GetPointer(capsule, name)
            Deleter(c_void_p.from_address(managed + offset).value)(managed)


class ApusError(Exception):
    def __init__(self, status):
        super().__init__(lib.apus_last_error().decode())
        self.status = status


def check(status):
    if status != 0:
        raise ApusError(status)


def make(function, *arguments):
    out = c_void_p()
    check(function(byref(out), *arguments))
    return Tensor(out)


class Tensor:
    """An owned apus_tensor that speaks DLPack's protocol."""

    def __init__(self, handle):
        self.handle = handle

    def __del__(self):
        lib.apus_tensor_release(self.handle)

    @staticmethod
    def empty(dtype, *shape):
        sizes = (c_int64 * len(shape))(*shape)
        return make(lib.apus_tensor_empty, DTYPES[dtype], len(shape), sizes, 0)

    @staticmethod
    def of(array, versioned=True):
        """Consumes what `array.__dlpack__` gives, which may be the old form although the new one is asked for."""
        capsule = array.__dlpack__(max_version=(1, 0)) if versioned else array.__dlpack__()
        is_versioned = api.PyCapsule_IsValid(id(capsule), VERSIONED[0])
        assert versioned or not is_versioned
        name, used, suffix, _ = VERSIONED if is_versioned else UNVERSIONED
        managed = api.PyCapsule_GetPointer(id(capsule), name)
        api.PyCapsule_SetName(id(capsule), used)
        return make(getattr(lib, f"apus_tensor_from_dlpack{suffix}"), managed)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        versioned = max_version is not None and max_version[0] >= 1
        name, _, suffix, _ = VERSIONED if versioned else UNVERSIONED
        managed = c_void_p()
        check(getattr(lib, f"apus_tensor_to_dlpack{suffix}")(byref(managed), self.handle, bool(copy)))
        return api.PyCapsule_New(managed, name, ctypes.cast(drop_unused, c_void_p))

    def __dlpack_device__(self):
        kind, index = c_int32(), c_int32()
        check(lib.apus_tensor_dlpack_device(byref(kind), byref(index), self.handle))
        return kind.value, index.value

    def turned(self):
        """Every second column, transposed: strides in both dims and an offset."""
        columns = make(lib.apus_tensor_slice, self.handle, 1, 1, 1 << 60, 2)
        return make(lib.apus_tensor_transpose, columns.handle, 0, 1)

    @property
    def shape(self):
        return tuple(lib.apus_tensor_shape(self.handle)[i] for i in range(lib.apus_tensor_rank(self.handle)))

    @property
    def dtype(self):
        return NAMES[lib.apus_tensor_dtype(self.handle)]

    @property
    def read_only(self):
        return lib.apus_tensor_is_read_only(self.handle)

    def address(self):
        return lib.apus_tensor_data(self.handle)

    def fill(self, value):
        check(lib.apus_tensor_fill(self.handle, byref(ScalarStruct(kind=1, integer=value))))

    def bytes(self):
        dtype = lib.apus_tensor_dtype(self.handle)
        room = ctypes.create_string_buffer(max(1, SIZES[dtype] * lib.apus_tensor_numel(self.handle)))
        size = SIZES[dtype] * lib.apus_tensor_numel(self.handle)
        check(lib.apus_tensor_read(self.handle, dtype, room, size))
        return room.raw[:size]


def live_storages():
    gc.collect()
    stats = MemoryStats()
    check(lib.apus_cpu_memory_stats(byref(stats)))
    return stats.count


# ---- The peers, each with the few words in which they differ


class NumPy:
    writable = True

    def __init__(self):
        import numpy

        if tuple(int(part) for part in numpy.__version__.split(".")[:2]) < (2, 1):
            raise ImportError(f"NumPy {numpy.__version__} has no versioned DLPack; 2.1 or later is needed")
        self.numpy = numpy
        self.name = f"NumPy {numpy.__version__}"
        self.dtypes = [name for name in DTYPES if name != "bfloat16"]

    def take(self, tensor):
        return self.numpy.from_dlpack(tensor)

    def ones(self, dtype, *shape):
        return self.numpy.ones(shape, dtype)

    def address(self, array):
        return array.ctypes.data

    def fill(self, array, value):
        array[...] = value

    def bytes(self, array):
        return array.tobytes()

    def turned(self, array):
        return array[:, 1::2].T


class PyTorch:
    writable = True

    def __init__(self):
        import torch

        self.torch = torch
        self.name = f"PyTorch {torch.__version__}"
        self.dtypes = list(DTYPES)

    def take(self, tensor):
        return self.torch.from_dlpack(tensor)

    def ones(self, dtype, *shape):
        return self.torch.ones(shape, dtype=getattr(self.torch, dtype))

    def address(self, array):
        return array.data_ptr()

    def fill(self, array, value):
        array.fill_(value)

    def bytes(self, array):
        flat = array.contiguous().reshape(-1)
        return flat.view(self.torch.uint8).numpy().tobytes() if flat.numel() > 0 else b""

    def turned(self, array):
        return array[:, 1::2].T


class Jax:
    writable = False  # its arrays are values

    def __init__(self):
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.name = f"JAX {jax.__version__}"
        self.dtypes = list(DTYPES)

    def take(self, tensor):
        return self.jax.dlpack.from_dlpack(tensor)

    def ones(self, dtype, *shape):
        return self.jax.block_until_ready(self.jax.numpy.ones(shape, dtype))

    def address(self, array):
        return array.unsafe_buffer_pointer()

    def bytes(self, array):
        import numpy

        return numpy.asarray(array).tobytes()


# ---- What holds with every peer


def one(peer, dtype, count):
    return peer.bytes(peer.ones(dtype, count))


def out(peer, dtype, layout):
    """Apus makes, the peer looks."""
    tensor = Tensor.empty(dtype, 4, 6)
    tensor.fill(0)
    shown = tensor.turned() if layout == "strided" else tensor
    array = peer.take(shown)
    assert tuple(array.shape) == shown.shape
    assert peer.address(array) == shown.address(), "not the same memory"
    tensor.fill(1)
    count = shown.shape[0] * shown.shape[1]
    assert peer.bytes(array) == one(peer, dtype, count), "a write here is not seen there"
    if peer.writable:
        peer.fill(array, 0)
        assert shown.bytes() == bytes(SIZES[DTYPES[dtype]] * count), "a write there is not seen here"
        assert layout == "compact" or tensor.bytes() != bytes(SIZES[DTYPES[dtype]] * 24), "wrote outside the view"
        tensor.fill(1)
    del tensor, shown
    assert peer.bytes(array) == one(peer, dtype, count), "the memory went with its first owner"


def into(peer, dtype, layout):
    """The peer makes, Apus looks."""
    array = peer.ones(dtype, 4, 6)
    shown = peer.turned(array) if layout == "strided" else array
    tensor = Tensor.of(shown)
    assert tensor.shape == tuple(shown.shape) and tensor.dtype == dtype
    assert tensor.address() == peer.address(shown), "not the same memory"
    assert tensor.bytes() == one(peer, dtype, tensor.shape[0] * tensor.shape[1])
    if peer.writable:
        peer.fill(shown, 0)
        assert tensor.bytes() == bytes(len(tensor.bytes())), "a write there is not seen here"
        tensor.fill(1)
        assert peer.bytes(shown) == tensor.bytes() == one(peer, dtype, 12 if layout == "strided" else 24)
    before = tensor.bytes()
    del array, shown
    gc.collect()
    assert tensor.bytes() == before, "the memory went with its first owner"


def shapes(peer):
    """0-d and empty tensors, and the copy that a consumer may ask for."""
    row = Tensor.empty("float32", 3)
    scalar = make(lib.apus_tensor_select, row.handle, 0, 1)
    scalar.fill(1)
    array = peer.take(scalar)
    assert tuple(array.shape) == () and peer.bytes(array) == one(peer, "float32", 1)
    assert Tensor.of(array).bytes() == scalar.bytes()
    empty = peer.take(Tensor.empty("int64", 2, 0, 3))
    assert tuple(empty.shape) == (2, 0, 3)
    assert Tensor.of(empty).shape == (2, 0, 3)


def run(peer):
    before = live_storages()
    checked = 0
    layouts = ["compact", "strided"] if peer.writable else ["compact"]
    for dtype in peer.dtypes:
        for direction in (out, into):
            for layout in layouts:
                try:
                    direction(peer, dtype, layout)
                except Exception as error:
                    raise AssertionError(f"{peer.name}, {dtype}, {direction.__name__}, {layout}: {error}") from error
                checked += 1
    shapes(peer)
    for _ in range(1000):
        Tensor.of(peer.take(Tensor.empty("float32", 8)))
    assert live_storages() == before, f"{peer.name}: {live_storages() - before} storages are still alive"
    print(f"{peer.name}: {checked} exchanges of {len(peer.dtypes)} dtypes")


# ---- What is refused


def refused(array, status, word, versioned=True):
    try:
        Tensor.of(array, versioned)
    except ApusError as error:
        assert error.status == status and word in str(error), f"{error.status}: {error}"
        return
    raise AssertionError(f"not refused: {word}")


def numpy_refusals(numpy):
    constant = numpy.arange(3.0)
    constant.flags.writeable = False
    tensor = Tensor.of(constant)
    assert tensor.read_only
    try:
        tensor.fill(1)
        raise AssertionError("wrote to a read-only array")
    except ApusError as error:
        assert error.status == READ_ONLY_STATUS
    assert not numpy.from_dlpack(tensor).flags.writeable
    del tensor
    base = numpy.arange(6.0)
    references = sys.getrefcount(base)
    refused(base[::-1], 3, "negative")
    refused(numpy.frombuffer(bytearray(25), numpy.uint8)[1:].view(numpy.float64), 2, "aligned")
    gc.collect()
    assert sys.getrefcount(base) == references, "a refused array was not given back"
    assert Tensor.of(base[:1][::-1]).shape == (1,), "a stride that is never followed may be negative"

    # The old form, and the copy a consumer may ask for.
    tensor = Tensor.of(base, versioned=False)
    tensor.fill(5)
    assert base[0] == 5
    copied = numpy.from_dlpack(tensor, copy=True)
    tensor.fill(6)
    assert copied[0] == 5 and base[0] == 6
    unused = tensor.__dlpack__(max_version=(1, 0))
    del unused, tensor


def main():
    found = 0
    for kind in (NumPy, PyTorch, Jax):
        try:
            peer = kind()
        except ImportError as error:
            print(f"skipped {kind.__name__}: {error}")
            continue
        run(peer)
        if kind is NumPy:
            before = live_storages()
            numpy_refusals(peer.numpy)
            assert live_storages() == before
        found += 1
    return 0 if found > 0 else 77


if __name__ == "__main__":
    sys.exit(main())
