"""Checks that PyTorch, NumPy and safetensors read what libapus writes, and that it reads what they write.

    pip install torch numpy safetensors
    python check_formats.py build/release/libapus.so             # checks; says what it did
    python check_formats.py build/release/libapus.so --measure   # a 1 GB file beside the safetensors package

Drives the C ABI by ctypes, so that nothing else has to be built.
"""

import argparse
import ctypes
import os
import pathlib
import tempfile
import time

import numpy as np
import safetensors
import safetensors.torch
import torch

DTYPES = [
    torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
]


class Apus:
    """The part of the C ABI that is checked."""

    def __init__(self, library):
        self.c = ctypes.CDLL(library)
        self.c.apus_last_error.restype = ctypes.c_char_p
        self.c.apus_archive_name.restype = ctypes.c_char_p
        for name in ("apus_tensor_data", "apus_archive_value", "apus_archive_count"):
            getattr(self.c, name).restype = ctypes.c_void_p
        for name in ("apus_tensor_shape", "apus_tensor_strides"):
            getattr(self.c, name).restype = ctypes.POINTER(ctypes.c_int64)
        self.c.apus_tensor_numel.restype = ctypes.c_int64

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.c.apus_last_error().decode())

    def tensor(self, t):
        """A copy of a torch tensor."""
        t = t.detach().contiguous()
        out = ctypes.c_void_p()
        shape = (ctypes.c_int64 * t.dim())(*t.shape)
        self.check(self.c.apus_tensor_from_data(ctypes.byref(out), DTYPES.index(t.dtype), t.dim(), shape,
                                                ctypes.c_void_p(t.data_ptr() or 8), 0))
        return out

    def torch(self, t):
        """A copy as a torch tensor."""
        rank = self.c.apus_tensor_rank(t)
        shape = [self.c.apus_tensor_shape(t)[i] for i in range(rank)]
        dtype = DTYPES[self.c.apus_tensor_dtype(t)]
        result = torch.empty(shape, dtype=dtype)
        size = ctypes.c_size_t(result.numel() * result.element_size())
        self.check(self.c.apus_tensor_read(t, DTYPES.index(dtype), ctypes.c_void_p(result.data_ptr() or 8), size))
        return result

    def open(self, path):
        archive = ctypes.c_void_p()
        self.check(self.c.apus_archive_open(ctypes.byref(archive), os.fsencode(path), 0, False))
        return archive

    def handles(self, archive):
        """Names and tensors; the caller releases them."""
        for i in range(self.c.apus_archive_count(archive) or 0):
            t = ctypes.c_void_p()
            self.check(self.c.apus_archive_tensor(ctypes.byref(t), archive, ctypes.c_size_t(i)))
            yield self.c.apus_archive_name(archive, ctypes.c_size_t(i)).decode(), t

    def load(self, path):
        archive, result = self.open(path), {}
        for name, t in self.handles(archive):
            result[name] = self.torch(t)
            self.c.apus_tensor_release(t)
        self.c.apus_archive_release(archive)
        return result

    def named(self, tensors):
        names = (ctypes.c_char_p * len(tensors))(*[name.encode() for name in tensors])
        handles = (ctypes.c_void_p * len(tensors))(*[self.tensor(t).value for t in tensors.values()])
        return ctypes.c_size_t(len(tensors)), names, handles

    def release(self, handles):
        for handle in handles:
            self.c.apus_tensor_release(ctypes.c_void_p(handle))

    def save_safetensors(self, path, tensors):
        count, names, handles = self.named(tensors)
        self.check(self.c.apus_safetensors_save(os.fsencode(path), count, names, handles, None))
        self.release(handles)

    def save_npz(self, path, tensors, compressed):
        count, names, handles = self.named(tensors)
        self.check(self.c.apus_npz_save(os.fsencode(path), count, names, handles, compressed))
        self.release(handles)

    def save_npy(self, path, t):
        handle = self.tensor(t)
        self.check(self.c.apus_npy_save(os.fsencode(path), handle))
        self.release([handle.value])

    def save_torch(self, path, tensors):
        root = ctypes.c_void_p()
        self.check(self.c.apus_value_container(ctypes.byref(root), 12))
        for name, t in tensors.items():
            key, value, handle = ctypes.c_void_p(), ctypes.c_void_p(), self.tensor(t)
            text = name.encode()
            self.check(self.c.apus_value_string(ctypes.byref(key), text, ctypes.c_size_t(len(text))))
            self.check(self.c.apus_value_tensor(ctypes.byref(value), handle))
            self.check(self.c.apus_value_insert(root, key, value))
            self.c.apus_value_release(key)
            self.c.apus_value_release(value)
            self.release([handle.value])
        self.check(self.c.apus_torch_save(os.fsencode(path), root))
        self.c.apus_value_release(root)

    def resave_torch(self, source, target):
        """The whole tree of a .pt file, written again."""
        archive = self.open(source)
        self.check(self.c.apus_torch_save(os.fsencode(target), ctypes.c_void_p(self.c.apus_archive_value(archive))))
        self.c.apus_archive_release(archive)


def resnet18():
    """ResNet-18 (He et al. 2016, arXiv:1512.03385) as torchvision names its parts."""
    nn = torch.nn

    def block(inputs, outputs, stride):
        parts = nn.Module()
        parts.conv1, parts.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        parts.conv2, parts.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        if stride != 1 or inputs != outputs:
            parts.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        return parts

    net = nn.Module()
    net.conv1, net.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
    inputs = 64
    for i, outputs in enumerate([64, 128, 256, 512]):
        layer = nn.Sequential(block(inputs, outputs, 1 if i == 0 else 2), block(outputs, outputs, 1))
        setattr(net, f"layer{i + 1}", layer)
        inputs = outputs
    net.fc = nn.Linear(512, 1000)
    return net


def same(actual, expected, what):
    assert list(actual) == list(expected), f"{what}: {list(actual)} is not {list(expected)}"
    for name, tensor in expected.items():
        other = actual[name]
        assert other.dtype == tensor.dtype and other.shape == tensor.shape, f"{what}: {name}"
        assert torch.equal(other, tensor), f"{what}: {name} differs"
    print(f"{what}: {len(expected)} tensors are the same")


def same_tree(a, b, path="root"):
    """Whether two checkpoints of containers, numbers and tensors are the same."""
    if isinstance(b, torch.Tensor):
        assert torch.equal(a, b), path
    elif isinstance(b, dict):
        assert list(a) == list(b), path
        for key in b:
            same_tree(a[key], b[key], f"{path}.{key}")
    elif isinstance(b, (list, tuple)):
        assert isinstance(a, type(b)) and len(a) == len(b), path
        for i, item in enumerate(b):
            same_tree(a[i], item, f"{path}.{i}")
    else:
        assert a == b and type(a) is type(b), path


def check(apus, folder):
    torch.manual_seed(0)
    every = {str(dtype).removeprefix("torch."): (torch.arange(24) % 2 if dtype == torch.bool else torch.arange(24)).to(
        dtype).reshape(2, 3, 4) for dtype in DTYPES}
    every |= {"empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5), "transposed": torch.arange(6.0).reshape(2, 3).t()}
    net = resnet18()
    state = net.state_dict()
    optimizer = torch.optim.AdamW(net.parameters())
    for p in net.parameters():
        p.grad = torch.randn_like(p)
    optimizer.step()

    path = folder / "a.pt"
    apus.save_torch(path, every)
    same(torch.load(path, weights_only=True), every, "torch.load of every dtype")
    apus.save_torch(path, state)
    loaded = torch.load(path, weights_only=True)
    same(loaded, state, "torch.load of ResNet-18")
    net.load_state_dict(loaded)
    for legacy in (False, True):
        torch.save(state, path, _use_new_zipfile_serialization=not legacy)
        same(apus.load(path), state, f"ResNet-18 of torch.save{' before 1.6' if legacy else ''}")
    torch.save({"epoch": 3, "model": state, "optimizer": optimizer.state_dict()}, path)
    apus.resave_torch(path, folder / "b.pt")
    same_tree(torch.load(folder / "b.pt", weights_only=True), torch.load(path, weights_only=True))
    print("a checkpoint with AdamW's state, read and written again: the same")
    shared = {"a": torch.arange(10.0)}
    shared["b"] = shared["a"][2:8:2]
    torch.save(shared, path)
    apus.resave_torch(path, folder / "b.pt")
    again = torch.load(folder / "b.pt", weights_only=True)
    again["a"][4] = 100
    assert again["b"][1] == 100
    print("tensors that share a storage still do")

    path = folder / "a.safetensors"
    portable = {name: t for name, t in every.items() if t.dtype != torch.complex128}
    apus.save_safetensors(path, portable)
    same(dict(sorted(safetensors.torch.load_file(path).items())), dict(sorted(portable.items())), "safetensors' load_file")
    safetensors.torch.save_file({name: t.contiguous() for name, t in portable.items()}, path)
    same(dict(sorted(apus.load(path).items())), dict(sorted(portable.items())), "safetensors' save_file")

    arrays = {name: t for name, t in every.items() if t.dtype != torch.bfloat16}
    for compressed in (False, True):
        apus.save_npz(folder / "a.npz", arrays, compressed)
        with np.load(folder / "a.npz", allow_pickle=False) as file:
            same({name: torch.from_numpy(file[name]) for name in file.files}, arrays,
                 f"numpy.load of .npz, {'deflated' if compressed else 'stored'}")
    for name, t in arrays.items():
        apus.save_npy(folder / "a.npy", t)
        array = np.load(folder / "a.npy", allow_pickle=False, mmap_mode="r" if t.numel() > 0 else None)
        assert torch.equal(torch.from_numpy(np.array(array)), t), name
    print(f"numpy.load of .npy: {len(arrays)} tensors are the same")


def least(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def measure(apus, folder):
    """A file of 100 tensors of 10 MB each; the least time of several runs, with the file in the page cache."""
    tensors = {f"layer{i}": torch.randn(2_500_000) for i in range(100)}
    path, resnet = folder / "large.safetensors", folder / "resnet18.pt"
    safetensors.torch.save_file(tensors, path)
    torch.save(resnet18().state_dict(), resnet)

    def open_all(file):
        archive = apus.open(file)
        for _, t in apus.handles(archive):
            apus.c.apus_tensor_release(t)
        apus.c.apus_archive_release(archive)

    def open_theirs():
        with safetensors.safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}

    count, names, handles = apus.named(tensors)

    def write():
        apus.check(apus.c.apus_safetensors_save(os.fsencode(folder / "b"), count, names, handles, None))

    def write_theirs():
        safetensors.torch.save_file(tensors, folder / "b")

    def write_theirs_synced():
        write_theirs()
        descriptor = os.open(folder / "b", os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    size = sum(t.numel() * 4 for t in tensors.values()) / 1e9
    print(f"safetensors, {size:.1f} GB, 100 tensors, folder {folder}")
    print(f"  open and make all tensors: apus {least(lambda: open_all(path), 20):.2f} ms, "
          f"safetensors {safetensors.__version__}: safe_open {least(open_theirs, 20):.2f} ms, "
          f"load_file {least(lambda: safetensors.torch.load_file(path), 20):.2f} ms")
    for name, function in (("apus, with fsync", write), ("safetensors", write_theirs),
                           ("safetensors, then fsync", write_theirs_synced)):
        milliseconds = least(function, 3)
        print(f"  write: {name} {milliseconds:.0f} ms, {size / milliseconds * 1e3:.2f} GB/s")
    print(f"ResNet-18's state dict, 47 MB: apus {least(lambda: open_all(resnet), 20):.2f} ms, "
          f"torch.load {least(lambda: torch.load(resnet, weights_only=True), 20):.2f} ms, "
          f"with mmap=True {least(lambda: torch.load(resnet, weights_only=True, mmap=True), 20):.2f} ms")
    apus.release(handles)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--measure", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        (measure if options.measure else check)(Apus(os.path.abspath(options.library)), pathlib.Path(name))
