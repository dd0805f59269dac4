"""Makes the files in formats/: what PyTorch, NumPy, safetensors and gguf write, for the tests of Apus's readers.

    pip install torch numpy safetensors gguf
    python make_formats.py

Element i of an array that a test checks by formula is i / 2 - 3 in its dtype (bool: i % 3 == 0; unsigned: 7 i; complex:
with i as the imaginary part). Each .pt file of tensors has a twin in safetensors with the same tensors under flat names.
"""

import collections
import io
import pathlib
import zipfile

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent / "formats"


def values(count, dtype):
    """The formula of the tests, in a NumPy dtype."""
    i = np.arange(count)
    if dtype == np.bool_:
        return i % 3 == 0
    if np.issubdtype(dtype, np.unsignedinteger):
        return (7 * i).astype(dtype)
    if np.issubdtype(dtype, np.complexfloating):
        return (i / 2 - 3 + 1j * i).astype(dtype)
    return (i / 2 - 3).astype(dtype)


def flatten(value, prefix=""):
    """Tensors by their keys joined with dots."""
    if isinstance(value, torch.Tensor):
        return {prefix: value.detach().clone().contiguous()}
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return {}
    result = {}
    for key, item in items:
        result.update(flatten(item, f"{prefix}.{key}" if prefix else str(key)))
    return result


def save(name, value, **options):
    torch.save(value, folder / f"{name}.pt", **options)
    save_file(flatten(value), folder / f"{name}.safetensors")


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 3)
        self.norm = torch.nn.BatchNorm2d(2)
        self.linear = torch.nn.Linear(8, 3)

    def forward(self, x):
        return self.linear(torch.relu(self.norm(self.conv(x))).flatten(1))


def train(net, optimizer):
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(4, 1, 4, 4)).square().mean().backward()
        optimizer.step()


def torch_files():
    torch.manual_seed(0)
    net = Net()
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    train(net, sgd)
    adam = torch.optim.AdamW(net.parameters(), lr=1e-3)
    train(net, adam)
    save("model", net.state_dict())
    save("model_legacy", net.state_dict(), _use_new_zipfile_serialization=False)
    save("sgd", sgd.state_dict())
    save("adamw", {"epoch": 3, "optimizer": adam.state_dict()})
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    shared = {"base": base, "row": base[1], "transposed": base.t(), "parameter": torch.nn.Parameter(base[:, 1:3])}
    save("shared", shared)
    save("shared_legacy", shared, _use_new_zipfile_serialization=False)
    dtypes = {
        str(dtype).removeprefix("torch."): torch.from_numpy(values(6, np.float32)).to(dtype).reshape(2, 3)
        for dtype in [
            torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8, torch.int16, torch.int32,
            torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64,
        ]
    }
    dtypes |= {"empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5)}
    save("dtypes", dtypes)
    for protocol in (2, 5):
        torch.save(
            {
                "none": None, "true": True, "int": -5, "large": 2**40, "huge": 2**64 - 1, "negative": -(2**63),
                "float": 0.1, "text": "é", "bytes": b"\x00\xe9", "no bytes": b"", "complex": 1 + 2j, "set": {1, 2},
                "tuple": (1, (2, ())), "list": [1, [2, []]], "dtype": torch.bfloat16, "size": torch.Size([2, 3]),
                "device": torch.device("cuda", 1), "ordered": collections.OrderedDict(b=1, a=2), 7: "seven",
            },
            folder / f"values_{protocol}.pt",
            pickle_protocol=protocol,
        )
    torch.save(torch.nn.Linear(1, 1), folder / "module.pt")


def numpy_files():
    arrays = {
        np.dtype(dtype).name: values(6, dtype).reshape(2, 3)
        for dtype in [
            np.bool_, np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.int64, np.float16,
            np.float32, np.float64, np.complex64, np.complex128,
        ]
    }
    big_endian = {f"big {name}": a.astype(a.dtype.newbyteorder(">")) for name, a in arrays.items()}
    columns = {f"columns {name}": np.asfortranarray(a) for name, a in arrays.items()}
    more = {"empty": np.zeros((0, 4)), "scalar": np.array(2.5), "long": values(1000, np.float32)}
    np.savez(folder / "stored.npz", **arrays, **big_endian, **columns, **more)
    np.savez_compressed(folder / "deflated.npz", **arrays, **big_endian, **columns, **more)
    np.save(folder / "float32.npy", values(6, np.float32).reshape(2, 3))
    for version in ((2, 0), (3, 0)):
        with open(folder / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, values(6, np.float64).reshape(2, 3), version=version)
    bfloat16 = torch.from_numpy(values(6, np.float32)).to(torch.bfloat16).view(torch.int16).numpy()
    np.save(folder / "bfloat16.npy", bfloat16.view(np.dtype("V2")))
    np.save(folder / "objects.npy", np.array([None, 1], dtype=object))
    np.save(folder / "structured.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
    np.save(folder / "text.npy", np.array(["a", "bc"]))
    # A stream whose size is not known beforehand has its sizes behind the member.
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open("a.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, values(6, np.float32))
    (folder / "zip64.npz").write_bytes(stream.getvalue())


def safetensors_files():
    tensors = {"weight": torch.from_numpy(values(6, np.float32)).to(torch.bfloat16).reshape(2, 3), "n": torch.tensor(7)}
    save_file(tensors, folder / "bfloat16.safetensors", metadata={"format": "pt", "é": "\"\n"})


def gguf_files():
    writer = gguf.GGUFWriter(folder / "tiny.gguf", "test")
    writer.add_uint32("answer", 42)
    writer.add_int64("negative", -5)
    writer.add_uint64("huge", 2**64 - 1)
    writer.add_float32("half", 0.5)
    writer.add_float64("tenth", 0.1)
    writer.add_bool("yes", True)
    writer.add_string("text", "é")
    writer.add_array("tokens", ["a", "bc", ""])
    writer.add_array("numbers", [1, 2, 3])
    writer.add_tensor("f32", values(6, np.float32).reshape(2, 3))
    writer.add_tensor("f16", values(6, np.float16).reshape(2, 3))
    writer.add_tensor("f64", values(6, np.float64).reshape(2, 3))
    for name in ("int8", "int16", "int32", "int64"):
        writer.add_tensor(name, values(6, np.dtype(name)).reshape(2, 3))
    bfloat16 = torch.from_numpy(values(6, np.float32)).to(torch.bfloat16).view(torch.uint8).numpy().reshape(2, 6)
    writer.add_tensor("bf16", bfloat16, raw_dtype=gguf.GGMLQuantizationType.BF16)
    quantised = gguf.quants.quantize(values(64, np.float32).reshape(2, 32), gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("q8", quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    folder.mkdir(exist_ok=True)
    torch_files()
    numpy_files()
    safetensors_files()
    gguf_files()
