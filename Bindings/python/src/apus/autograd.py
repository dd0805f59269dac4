"""Automatic differentiation, by the library libapus_train, which is loaded when a gradient is first asked for.

The functions of the extension send what is to be recorded here by their own names; `_RECORDERS` says which of the
library's operators that is, with what arguments. Where nothing stands the operator has the same name and arguments.
"""

from __future__ import annotations

import functools
import os

from . import _core
from ._core import Tensor

__all__ = [
    "Variable", "backward", "enable_grad", "grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled",
]  # fmt: skip

_loaded = False


def _library() -> str | None:
    """The library's file, which stands beside the extension where the package was built with it."""
    folder = os.path.dirname(_core.__file__)
    found = sorted(name for name in os.listdir(folder) if name.startswith("libapus_train"))
    return os.path.join(folder, found[0]) if found else None


def load() -> None:
    """Loads the library. ImportError where the package was built without it."""
    global _loaded
    if _loaded:
        return
    library = _library()
    if library is None:
        raise ImportError("this build of apus has no gradients: it was made without a Swift compiler (see the README)")
    _core.load_train(library, _record)
    _loaded = True


def available() -> bool:
    """Whether this build of the package has gradients."""
    return _library() is not None


def call(name: str, *arguments, many: bool = False):
    """Runs one of the library's operators. Lists among the arguments are tuples."""
    load()
    return _core.call_operator(name, arguments, many)


# ---- Recording


def _ints(sizes):
    return None if sizes is None else (int(sizes),) if isinstance(sizes, int) else tuple(int(size) for size in sizes)


def _like(x, value) -> Tensor:
    """A number as a tensor of x's dtype, for operators that take tensors alone."""
    return value if isinstance(value, Tensor) else _core.full((), value, x.dtype, x.device)


def _to(x, dtype, device):
    if device is not None and _core.device(device) != x.device:
        raise RuntimeError("to: going to another device has no derivative from Python; use detach()")
    return call("clone", x) if dtype is None or dtype is x.dtype else call("to", x, dtype)


def _reduce(number, x, dims, keep, dtype):
    x = x if dtype is None or dtype is x.dtype else call("to", x, dtype)
    dims = _ints(dims)
    if dims == ():  # every element by itself
        return call(_REDUCTIONS[number], call("unsqueeze", x, 0), (0,), False)
    return call(_REDUCTIONS[number], x, dims, bool(keep))


def _subscript(x, key):
    """Brackets, by the library's select, slice, unsqueeze, flip and index."""
    items = key if isinstance(key, tuple) else (key,)
    covered = sum(_covered(item) for item in items)
    dim, picked, flipped = 0, [], []
    for item in items:
        if item is Ellipsis:
            picked += [None] * (x.ndim - dim - covered)
            dim += x.ndim - dim - covered
            continue
        covered -= _covered(item)
        if item is None:
            x, dim, picked = call("unsqueeze", x, dim), dim + 1, [*picked, None]
        elif isinstance(item, slice):
            x, dim, picked = _slice(x, dim, item, flipped), dim + 1, [*picked, None]
        elif isinstance(item, int) and not isinstance(item, bool):
            x = call("select", x, dim, item)
        else:
            index = item if isinstance(item, Tensor) else _index(item)
            picked, dim = [*picked, index], dim + _covered(index)
    if flipped:
        x = call("flip", x, tuple(flipped))
    return call("index", x, tuple(picked)) if any(one is not None for one in picked) else x


def _index(item) -> Tensor:
    return _core.from_buffer(item, None, None) if _core.is_array(item) else _core.from_sequence(item, None)


def _covered(item) -> int:
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if isinstance(item, Tensor) and item.dtype is _core.bool else 1


def _slice(x, dim, item, flipped):
    start, stop, step = item.indices(x.shape[dim])
    if step < 0:
        count = len(range(start, stop, step))
        start, stop, step = (start + (count - 1) * step, start + 1, -step) if count else (0, 0, 1)
        flipped.append(dim)
    return call("slice", x, dim, start, max(start, stop), step)


_REDUCTIONS = _core.reductions()
_RECORDERS = {
    "exchange": lambda x: x if x.ndim < 2 else call("transpose", x, -2, -1),
    "view": lambda x, shape: call("view", x, _ints(shape)),
    "reshape": lambda x, shape: call("reshape", x, _ints(shape)),
    "expand": lambda x, shape: call("expand", x, _ints(shape)),
    "permute": lambda x, dims: call("permute", x, _ints(dims)),
    "squeeze": lambda x, dims: call("squeeze", x, _ints(dims)),
    "narrow": lambda x, dim, start, end, step: call("slice", x, dim, start, end, step),
    "as_strided": lambda x, shape, stride, offset: call("as_strided", x, _ints(shape), _ints(stride), offset),
    "flip": lambda x, dims: call("flip", x, _ints(dims)),
    "triangle": lambda x, k, upper: call("triu" if upper else "tril", x, k),
    "to": _to,
    "copy_into": lambda x, source: call("copy_", x, _like(x, source)),
    "reduce": _reduce,
    "var": lambda x, dims, keep, correction: call("var", x, _ints(dims), float(correction), bool(keep)),
    "norm": lambda x, dims, keep, p: call("norm", x, float(p), _ints(dims), bool(keep)),
    "logsumexp": lambda x, dims, keep, _: call("logsumexp", x, _ints(dims), bool(keep)),
    "arg_reduce": lambda smallest, x, dim, keep: call(
        "min_with_indices" if smallest else "max_with_indices", x, dim, bool(keep), many=True
    ),
    "scan": lambda number, x, dim: call(("cumsum", "cumprod")[number], x, dim),
    "softmax": lambda x, dim, logarithm: call("log_softmax" if logarithm else "softmax", x, dim),
    "scatter": lambda x, dim, index, source, add: call("scatter_add" if add else "scatter", x, dim, index, source),
    "index_add": lambda x, dim, index, source, alpha: call("index_add", x, dim, index, source, float(alpha)),
    "subscript": _subscript,
}


def _is_complex(one) -> bool:
    """Whether an argument is complex, or a dtype that is."""
    return isinstance(one, complex) or bool(getattr(getattr(one, "dtype", one), "is_complex", False))


def _record(name, *arguments):
    if any(_is_complex(one) for one in arguments):
        raise RuntimeError(f"{name}: complex numbers have no derivative yet; use detach() or no_grad()")
    recorder = _RECORDERS.get(name)
    return _core.call_operator(name, arguments, False) if recorder is None else recorder(*arguments)


# ---- Switching recording on and off


def is_grad_enabled() -> bool:
    """Whether this thread records operations."""
    return _core.grad_enabled()


class set_grad_enabled:
    """Switches recording at once; as a context, until its end; as a decorator, for each call."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self.before = self._set(mode)

    @staticmethod
    def _set(mode: bool) -> bool:
        if not _loaded and not available():
            return True
        load()
        return _core.set_grad_enabled(mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception) -> None:
        self._set(self.before)


class _Mode:
    mode = True

    def __enter__(self) -> None:
        self.stack = [*getattr(self, "stack", []), set_grad_enabled._set(self.mode)]

    def __exit__(self, *exception) -> None:
        set_grad_enabled._set(self.stack.pop())

    def __call__(self, function):
        @functools.wraps(function)
        def wrapped(*arguments, **keywords):
            with type(self)():
                return function(*arguments, **keywords)

        return wrapped


class no_grad(_Mode):
    """Nothing is recorded: a context, or a decorator."""

    mode = False


class enable_grad(_Mode):
    """Operations are recorded, inside of no_grad too: a context, or a decorator."""


inference_mode = no_grad

# ---- Differentiation


def backward(tensor, gradient=None, retain_graph=None, create_graph: bool = False, inputs=()) -> None:
    """Adds the gradients of a tensor to the `grad` of the leaves it was computed from, or of `inputs` only."""
    load()
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    retain = create_graph if retain_graph is None else retain_graph
    _core.backward(tensor, gradient, bool(retain), bool(create_graph), inputs)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=False) -> tuple:
    """The gradients of the outputs, summed, with regard to each of the inputs. Nothing is added to any `grad`."""
    load()
    outputs, inputs = ((one,) if isinstance(one, Tensor) else tuple(one) for one in (outputs, inputs))
    given = (grad_outputs,) if isinstance(grad_outputs, Tensor) else grad_outputs
    given = (None,) * len(outputs) if given is None else tuple(given)
    retain = create_graph if retain_graph is None else retain_graph
    return _core.grad(outputs, given, inputs, bool(retain), bool(create_graph), bool(allow_unused))


def Variable(data, requires_grad: bool = False) -> Tensor:
    """What old programs call a tensor with a history: a tensor over the same memory that may ask for a gradient."""
    made = _core.detach(data)
    return requires_grad_(made) if requires_grad else made


# ---- Tensor's part


def requires_grad_(self, requires_grad: bool = True) -> Tensor:
    """Asks for a gradient, or no longer. Returns the tensor."""
    if requires_grad:
        if self.dtype.is_complex:
            raise TypeError(f"requires_grad_: {self.dtype} has no derivative yet")
        load()
    return _core.track(self, requires_grad) if _loaded else self


def detach(self) -> Tensor:
    """The same memory without history."""
    return _core.detach(self)


def retain_grad(self) -> None:
    """Keeps the gradient of a tensor that is not a leaf, too."""
    _core.retain_grad(self)


def _backward(self, gradient=None, retain_graph=None, create_graph: bool = False, inputs=()) -> None:
    """Adds the gradients of this tensor to the `grad` of the leaves it was computed from, or of `inputs` only."""
    backward(self, gradient, retain_graph, create_graph, inputs)


def add_methods() -> None:
    """Gives Tensor what it needs here."""
    for method in (requires_grad_, detach, retain_grad):
        _core.extend(method.__name__, method)
    _core.extend("backward", _backward)
    _core.extend("requires_grad", property(_core.requires_grad, requires_grad_, None, "Whether gradients flow to it."))
    _core.extend("is_leaf", property(_core.is_leaf, None, None, "Whether no recorded operation made it."))
    _core.extend("grad_fn", property(_core.grad_fn, None, None, "The name of the operation that made it, or None."))
    _core.extend("grad", property(_core.get_grad, _set_grad, _drop_grad, "The gradient that backward gathered."))
    _core.extend("data", property(_core.detach, None, None, "The same memory without history."))


def _set_grad(self, gradient) -> None:
    _core.set_grad(self, gradient)


def _drop_grad(self) -> None:
    _core.set_grad(self, None)
