"""Layers, by libapus_train: one class for each kind of module that the library has, and Module to build on.

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = nn.Linear(64, 32), nn.Linear(32, 10)

        def forward(self, x):
            return self.out(self.hidden(x).relu())
"""

from __future__ import annotations

from .. import _core, autograd
from .._core import Tensor
from .._signatures import Signature
from . import functional


def Parameter(data: Tensor, requires_grad: bool = True) -> Tensor:
    """A tensor over the same memory that asks for a gradient; a Module finds it among its attributes."""
    return autograd.Variable(data, requires_grad)


class Module:
    """What layers and networks are. Tensors that ask for a gradient, and other modules, become parts of it as they
    are set as attributes."""

    def __init__(self) -> None:
        self.training = True

    def forward(self, *inputs, **keywords):
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *inputs, **keywords):
        return self.forward(*inputs, **keywords)

    def named_children(self):
        """The modules that are attributes, or in lists that are."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, (list, tuple)):
                yield from ((f"{name}.{place}", one) for place, one in enumerate(value) if isinstance(one, Module))

    def children(self):
        return (module for _, module in self.named_children())

    def modules(self):
        """This module and all in it."""
        yield self
        for child in self.children():
            yield from child.modules()

    def _own_parameters(self):
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Tensor) and value.requires_grad]

    def _own_buffers(self):
        return []

    def named_parameters(self, prefix: str = ""):
        """The parameters of this module and all in it, by names such as "hidden.weight"."""
        yield from ((prefix + name, value) for name, value in self._own_parameters())
        for name, child in self.named_children():
            yield from child.named_parameters(f"{prefix}{name}.")

    def parameters(self):
        return (value for _, value in self.named_parameters())

    def named_buffers(self, prefix: str = ""):
        """What is kept beside the parameters, such as running statistics."""
        yield from ((prefix + name, value) for name, value in self._own_buffers())
        for name, child in self.named_children():
            yield from child.named_buffers(f"{prefix}{name}.")

    def state_dict(self) -> dict:
        """Parameters and buffers by their names, without history; the memory is the module's own."""
        return {name: value.detach() for name, value in (*self.named_parameters(), *self.named_buffers())}

    def load_state_dict(self, state: dict) -> None:
        """Takes over the values of a state with the same names and shapes; where it does not fit, nothing changes."""
        own = self.state_dict()
        if own.keys() != state.keys():
            raise KeyError(f"load_state_dict: missing {sorted(own.keys() - state)}, unknown {sorted(state.keys() - own)}")
        for name, value in own.items():
            if value.shape != state[name].shape:
                raise ValueError(f"load_state_dict: {name} has shape {value.shape}, not {state[name].shape}")
        for name, value in own.items():
            value.copy_(state[name].detach())

    def zero_grad(self) -> None:
        """Drops every parameter's gradient."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, mode: bool = True) -> Module:
        """Switches this module and all in it to training, or to evaluation."""
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Module:
        """Switches this module and all in it to evaluation."""
        return self.train(False)

    def __repr__(self) -> str:
        lines = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        return f"{type(self).__name__}(" + "".join(f"\n  {line}" for line in lines) + ("\n)" if lines else ")")


class _Layer(Module):
    """A module of the library's."""

    signature: Signature

    def __init__(self, *arguments, **keywords) -> None:
        super().__init__()
        self._module = _core.module_new(self.signature.name, self.signature.bind(arguments, keywords))
        self._parameters = dict(_core.module_parameters(self._module))
        self._buffers = dict(_core.module_buffers(self._module))

    def __getattr__(self, name: str):
        for part in ("_parameters", "_buffers"):
            if name in self.__dict__.get(part, ()):
                return self.__dict__[part][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def _own_parameters(self):
        return self._parameters.items()

    def _own_buffers(self):
        return self._buffers.items()

    def forward(self, x: Tensor) -> Tensor:
        return _core.module_forward(self._module, x)

    def train(self, mode: bool = True) -> Module:
        _core.module_train(self._module, mode)
        return super().train(mode)

    def __repr__(self) -> str:
        return _core.module_describe(self._module)


class Sequential(Module):
    """Modules one after the other."""

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        self._modules = list(modules)

    def named_children(self):
        return ((str(place), module) for place, module in enumerate(self._modules))

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, place: int) -> Module:
        return self._modules[place]

    def forward(self, x: Tensor) -> Tensor:
        for module in self._modules:
            x = module(x)
        return x


_kinds: dict = {}


def __getattr__(name: str):
    """The classes of the library's kinds, made when one is first asked for."""
    if name.startswith("__"):
        raise AttributeError(name)
    if not _kinds:
        autograd.load()
        for signature in map(Signature, _core.signatures("module")):
            attributes = {"signature": signature, "__doc__": signature.text, "__module__": __name__}
            _kinds[signature.name] = type(signature.name, (_Layer,), attributes)
        _kinds.pop("Sequential", None)
    if name not in _kinds:
        raise AttributeError(f"apus.nn has no {name!r}")
    return _kinds[name]


def __dir__() -> list:
    names = ["Module", "Parameter", "Sequential", "functional"]
    if autograd.available():
        __getattr__("Linear")
    return sorted([*names, *_kinds])
