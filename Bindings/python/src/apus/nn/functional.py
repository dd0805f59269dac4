"""The functions of layers: every operator of libapus_train by its name, with the arguments of its signature."""

from __future__ import annotations

from .. import _core, autograd
from .._signatures import Signature


def __getattr__(name: str):
    if name.startswith("__"):
        raise AttributeError(name)
    autograd.load()
    text = _core.operator_signature(name)
    if text is None:
        raise AttributeError(f"apus.nn.functional has no {name!r}")
    signature = Signature(text)

    def function(*arguments, **keywords):
        return autograd.call(name, *signature.bind(arguments, keywords), many=signature.many)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return function
