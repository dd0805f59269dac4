"""Random numbers, from the library's counter-based generator."""

from __future__ import annotations

from . import _core
from ._core import Tensor
from ._creation import asking

__all__ = [
    "bernoulli", "get_rng_state", "manual_seed", "rand", "rand_like", "randint", "randn", "randn_like", "randperm",
    "set_rng_state",
]  # fmt: skip


def manual_seed(seed: int) -> None:
    """Starts the process's random numbers anew."""
    _core.manual_seed(seed)


def get_rng_state() -> tuple:
    """The state of the process's random numbers: a seed and a position."""
    return _core.get_rng_state()


def set_rng_state(state: tuple) -> None:
    """Goes back to a state."""
    _core.set_rng_state(state)


def rand(*size, dtype=None, device=None, generator=None, requires_grad: bool = False) -> Tensor:
    """Numbers from [0, 1)."""
    return asking(_core.uniform(_core.empty(_size(size), dtype, device), 0.0, 1.0, generator), requires_grad)


def randn(*size, dtype=None, device=None, generator=None, requires_grad: bool = False) -> Tensor:
    """Normal numbers of mean 0 and standard deviation 1."""
    return asking(_core.normal(_core.empty(_size(size), dtype, device), 0.0, 1.0, generator), requires_grad)


def randint(low: int, high, size=None, *, dtype=None, device=None, generator=None) -> Tensor:
    """Integers from [low, high), or from [0, low) where two arguments are given."""
    if size is None:
        low, high, size = 0, low, high
    return _core.randint(_core.empty(size, dtype or _core.int64, device), low, high, generator)


def randperm(n: int, *, generator=None) -> Tensor:
    """0 … n - 1 in a random order."""
    return _core.randperm(n, generator)


def bernoulli(p, *, generator=None) -> Tensor:
    """1 with the probability that each element says, else 0."""
    drawn = _core.uniform(_core.empty(p.shape, p.dtype, p.device), 0.0, 1.0, generator)
    return _core.to(drawn < p, p.dtype, None)


def rand_like(x, *, dtype=None, device=None) -> Tensor:
    """As rand, with x's shape, dtype and device."""
    return rand(x.shape, dtype=dtype or x.dtype, device=device or x.device)


def randn_like(x, *, dtype=None, device=None) -> Tensor:
    """As randn, with x's shape, dtype and device."""
    return randn(x.shape, dtype=dtype or x.dtype, device=device or x.device)


def uniform_(x, a: float = 0.0, b: float = 1.0, *, generator=None) -> Tensor:
    """Fills x with numbers from [a, b)."""
    return _core.uniform(x, a, b, generator)


def normal_(x, mean: float = 0.0, std: float = 1.0, *, generator=None) -> Tensor:
    """Fills x with normal numbers."""
    return _core.normal(x, mean, std, generator)


def bernoulli_(x, p: float = 0.5, *, generator=None) -> Tensor:
    """Fills x with 1 with probability p, else 0."""
    return _core.bernoulli(x, p, 0.0, generator)


def _size(size):
    return size[0] if len(size) == 1 else size
