"""Writes src/apus/__init__.pyi from the installed package: python make_stubs.py [--check]

The functions that the library's tables make have no text that a type checker could read; so that all is in one place,
the stubs hold every public name. With --check nothing is written, and it fails where the files are out of date.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import apus
from apus import _core

PACKAGE = Path(__file__).resolve().parent / "src/apus"
HEAD = '''"""Made by make_stubs.py; do not edit."""

from builtins import bool as _bool, complex as _complex, float as _float, int as _int, type as _type
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

# Under these names, as attributes have the plain ones.
_dtype = dtype
_device = device

'''
# What the parameters of that name take, everywhere.
PARAMETERS = {
    "axis": "_int | Sequence[_int] | None", "dim": "_int | Sequence[_int] | None", "dims": "Any", "axes": "Any",
    "dtype": "_dtype | _type | None", "device": "_device | str | None", "shape": "_int | Sequence[_int]",
    "keepdims": "_bool", "keepdim": "_bool", "copy": "_bool | None", "generator": "Generator | None",
    "out": "Tensor | None", "requires_grad": "_bool", "x": "Tensor", "x1": "Tensor", "x2": "Tensor", "x3": "Tensor",
    "other": "Tensor", "vector": "Tensor", "indices": "Tensor", "index": "Tensor", "mask": "Tensor",
    "condition": "Tensor", "source": "Tensor", "src": "Tensor", "fill_value": "_bool | _int | _float | _complex",
    "k": "_int", "n": "_int", "num": "_int", "n_rows": "_int", "n_cols": "_int | None", "p": "_float", "seed": "_int",
    "correction": "_float", "endpoint": "_bool", "include_initial": "_bool", "indexing": 'Literal["xy", "ij"]',
    "side": 'Literal["left", "right"]', "sorter": "Tensor | None", "dim0": "_int", "dim1": "_int", "dim2": "_int",
    "start_dim": "_int", "end_dim": "_int", "alpha": "_float", "low": "_int", "offset": "_int",
}  # fmt: skip
RESULTS = {
    "all": "Tensor", "nonzero": "tuple[Tensor, ...]", "unstack": "tuple[Tensor, ...]", "split": "tuple[Tensor, ...]",
    "chunk": "tuple[Tensor, ...]", "unbind": "tuple[Tensor, ...]", "meshgrid": "list[Tensor]", "max": "Any",
    "min": "Any", "broadcast_arrays": "list[Tensor]", "broadcast_shapes": "tuple[_int, ...]", "numpy": "Any",
    "tolist": "Any", "item": "Any", "stride": "tuple[_int, ...]", "storage_offset": "_int", "data_ptr": "_int",
    "is_contiguous": "_bool", "numel": "_int", "dim": "_int", "element_size": "_int", "type": "Any",
    "is_floating_point": "_bool", "is_complex": "_bool", "isdtype": "_bool", "can_cast": "_bool",
    "result_type": "_dtype", "promote_types": "_dtype", "get_default_dtype": "_dtype", "finfo": "finfo_object",
    "iinfo": "iinfo_object", "manual_seed": "None", "set_rng_state": "None", "set_default_dtype": "None",
    "get_rng_state": "tuple[_int, _int]", "set_num_threads": "None", "get_num_threads": "_int", "empty_cache": "None",
    "is_grad_enabled": "_bool", "backward": "None", "retain_grad": "None", "memory_stats": "dict[str, _int]", "cpu_isa": "str", "__array_namespace_info__": "Any", "__array_namespace__": "Any",
    "__dlpack__": "Any", "__dlpack_device__": "tuple[_int, _int]", "__array__": "Any", "__reduce__": "Any",
    "__format__": "str", "__complex__": "_complex", "__deepcopy__": "Tensor",
}  # fmt: skip
ATTRIBUTES = {
    "shape": "tuple[_int, ...]", "dtype": "_dtype", "device": "_device", "ndim": "_int", "size": "_int",
    "itemsize": "_int", "nbytes": "_int", "T": "Tensor", "mT": "Tensor", "read_only": "_bool", "real": "Tensor",
    "imag": "Tensor", "is_cuda": "_bool", "is_leaf": "_bool", "grad_fn": "str | None", "data": "Tensor",
}  # fmt: skip
SYMBOLS = "add sub mul truediv floordiv mod pow and or xor lshift rshift matmul".split()


def parameter(one: inspect.Parameter, first_operand: bool) -> str:
    kinds = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    name = kinds.get(one.kind, "") + one.name
    kind = PARAMETERS.get(one.name, "Any")
    if one.name in ("x2", "x3") and not first_operand:
        kind = "Tensor | _bool | _int | _float | _complex"
    return f"{name}: {kind}" + ("" if one.default is one.empty else " = ...")


def signature(name: str, function, method: bool) -> str:
    """One line of a stub."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return f"def {name}({'self, ' if method else ''}*args: Any, **keywords: Any) -> Any: ..."
    operator = type(function).__name__ == "operator"
    parts, previous, starred = [], None, False
    if method:
        parts.append("self")
        parameters = parameters[1:] if not parameters or parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL else parameters
    for one in parameters:
        if previous is inspect.Parameter.POSITIONAL_ONLY and one.kind is not previous:
            parts.append("/")
        if one.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        starred |= one.kind is inspect.Parameter.VAR_POSITIONAL
        parts.append(parameter(one, not operator))
        previous = one.kind
    if previous is inspect.Parameter.POSITIONAL_ONLY:
        parts.append("/")
    return f"def {name}({', '.join(parts)}) -> {RESULTS.get(name, 'Tensor')}: ..."


def tensor_class() -> list[str]:
    lines = ["class Tensor:", "    def __init__(self, data: Any, /) -> None: ..."]
    for name, kind in ATTRIBUTES.items():
        lines += ["    @property", f"    def {name}(self) -> {kind}: ..."]
    for name, kind in (("requires_grad", "_bool"), ("grad", "Tensor | None")):
        lines += [f"    @property\n    def {name}(self) -> {kind}: ...", f"    @{name}.setter\n    def {name}(self, value: {kind}) -> None: ..."]
    for symbol in SYMBOLS:
        for prefix in ("", "r", "i"):
            lines.append(f"    def __{prefix}{symbol}__(self, other: Any, /) -> Tensor: ...")
    for name in ("neg", "pos", "abs", "invert"):
        lines.append(f"    def __{name}__(self) -> Tensor: ...")
    for name in ("lt", "le", "gt", "ge"):
        lines.append(f"    def __{name}__(self, other: Any, /) -> Tensor: ...")
    for name in ("eq", "ne"):
        lines.append(f"    def __{name}__(self, other: Any, /) -> Tensor: ...  # type: ignore[override]")
    for name, kind in {"bool": "_bool", "int": "_int", "float": "_float", "index": "_int", "len": "_int", "hash": "_int"}.items():
        lines.append(f"    def __{name}__(self) -> {kind}: ...")
    lines += [
        "    def __iter__(self) -> Iterator[Tensor]: ...",
        "    def __contains__(self, value: Any, /) -> _bool: ...",
        "    def __getitem__(self, key: Any, /) -> Tensor: ...",
        "    def __setitem__(self, key: Any, value: Any, /) -> None: ...",
        "    def __buffer__(self, flags: _int, /) -> memoryview: ...",
    ]
    written = {line.split("def ")[-1].split("(")[0] for line in lines}
    for name in sorted(vars(apus.Tensor)):
        function = vars(apus.Tensor)[name]
        if name in written or not callable(function) or (name.startswith("_") and name not in RESULTS):
            continue
        lines.append("    " + signature(name, function, True))
    return lines


def classes() -> list[str]:
    return [
        "class dtype:",
        *(f"    @property\n    def {name}(self) -> {kind}: ..." for name, kind in (("name", "str"), ("itemsize", "_int"), ("is_floating_point", "_bool"), ("is_complex", "_bool"), ("is_signed", "_bool"))),
        "class device:",
        "    def __init__(self, device: _device | str) -> None: ...",
        "    @property\n    def type(self) -> str: ...",
        "    @property\n    def index(self) -> _int | None: ...",
        "class Generator:",
        "    def __init__(self, device: _device | str | None = None) -> None: ...",
        "    def manual_seed(self, seed: _int, /) -> Generator: ...",
        "    def get_state(self) -> tuple[_int, _int]: ...",
        "    def set_state(self, state: tuple[_int, _int], /) -> None: ...",
        "class finfo_object(NamedTuple):",
        "    bits: _int\n    eps: _float\n    max: _float\n    min: _float\n    smallest_normal: _float\n    dtype: _dtype",
        "class iinfo_object(NamedTuple):",
        "    bits: _int\n    max: _int\n    min: _int\n    dtype: _dtype",
    ]


def stub() -> str:
    lines = [*tensor_class(), *classes()]
    made = {"Tensor", "dtype", "device", "Generator", "finfo_object", "iinfo_object"}
    for name, value in sorted(vars(apus).items()):
        if name in made or (name.startswith("_") and name not in ("__array_namespace_info__",)):
            continue
        if name in ("nn", "optim"):  # imported by somebody meanwhile; they stand at the end
            continue
        if inspect.isclass(value):
            lines.append(f"from .{value.__module__.rpartition('.')[2]} import {value.__name__} as {name}")
        elif inspect.ismodule(value):
            lines.append(f"from . import {name} as {name}")
        elif isinstance(value, _core.dtype):
            lines.append(f"{name}: _dtype")
        elif isinstance(value, float) or value is None:
            lines.append(f"{name}: {'None' if value is None else '_float'}")
        else:
            lines.append(signature(name, value, False))
    lines += ["from . import nn as nn, optim as optim", "__version__: str", "__array_api_version__: str"]
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    path, text = PACKAGE / "__init__.pyi", stub()
    if "--check" not in sys.argv:
        path.write_text(text)
    elif path.read_text() != text:
        print(f"{path.name} is out of date; run make_stubs.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
