"""Apus for Python: tensors by the array API standard 2024.12, and PyTorch's spelling for the rest.

NumPy is imported when memory is first shared with it, and never for computing.
"""

from math import e, inf, nan, pi

from . import _core, autograd, cuda
from ._bridge import *
from ._core import (
    Generator,
    Tensor,
    bfloat16,
    bool,
    complex64,
    complex128,
    cpu_isa,
    device,
    dtype,
    empty_cache,
    float16,
    float32,
    float64,
    get_num_threads,
    int8,
    int16,
    int32,
    int64,
    matmul,
    memory_stats,
    promote_types,
    set_default_dtype,
    set_num_threads,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ._creation import *
from ._dtypes import *
from ._elementwise import *
from ._elementwise import ALIASES as _ALIASES
from ._indexing import *
from ._info import __array_namespace_info__
from ._linear_algebra import *
from ._manipulation import *
from ._random import *
from ._reductions import *
from ._tensor import add_methods as _add_methods
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled

_add_methods()
autograd.add_methods()

# Every row of the library's tables is a function by its name; the standard's other names lead to the same ones.
_written_here = set(globals())
globals().update(
    {name: one for name, one in _core.operators.items() if name not in _written_here and not name.endswith(("_", "_backward"))}
)
globals().update({alias: _core.operators[name] for alias, name in _ALIASES.items()})
clamp = clip

__version__ = _core.version()
__array_api_version__ = "2024.12"
newaxis = None
# PyTorch's short names for dtypes.
float, double, half, long, int, short = float32, float64, float16, int64, int32, int16
cfloat, cdouble = complex64, complex128


def __getattr__(name: str):
    """The parts that few programs need are imported when they are first asked for."""
    if name in ("nn", "optim"):
        from importlib import import_module

        return import_module(f"apus.{name}")
    raise AttributeError(f"module 'apus' has no attribute {name!r}")
