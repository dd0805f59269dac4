"""Optimizers, by libapus_train: one class for each kind that the library has."""

from __future__ import annotations

from . import _core, autograd
from ._signatures import Signature


class Optimizer:
    """What changes parameters by their gradients."""

    signature: Signature

    def __init__(self, params, *arguments, **keywords) -> None:
        autograd.load()
        params = tuple(params)
        if not params:
            raise ValueError(f"{type(self).__name__}: there are no parameters")
        if not all(parameter.is_leaf and parameter.requires_grad for parameter in params):
            raise ValueError(f"{type(self).__name__}: parameters must be leaves that require a gradient")
        self._optimizer = _core.optimizer_new(self.signature.name, params, self.signature.bind(arguments, keywords))

    def step(self) -> None:
        """Changes every parameter that has a gradient."""
        _core.optimizer_step(self._optimizer)

    def zero_grad(self) -> None:
        """Drops every parameter's gradient."""
        _core.optimizer_zero_grad(self._optimizer)

    def __getitem__(self, option: str) -> float:
        """An option such as "lr"."""
        return _core.optimizer_get(self._optimizer, option)

    def __setitem__(self, option: str, value: float) -> None:
        _core.optimizer_set(self._optimizer, option, value)


_kinds: dict = {}


def __getattr__(name: str):
    """The classes of the library's kinds, made when one is first asked for."""
    if name.startswith("__"):
        raise AttributeError(name)
    if not _kinds:
        autograd.load()
        for signature in map(Signature, _core.signatures("optimizer")):
            attributes = {"signature": signature, "__doc__": signature.text, "__module__": __name__}
            _kinds[signature.name] = type(signature.name, (Optimizer,), attributes)
    if name not in _kinds:
        raise AttributeError(f"apus.optim has no {name!r}")
    return _kinds[name]


def __dir__() -> list:
    if autograd.available():
        __getattr__("SGD")
    return sorted(["Optimizer", *_kinds])
