"""What the array API standard asks a library to say about itself."""

from __future__ import annotations

from . import _core
from ._dtypes import HALF, KINDS, SCALAR_KINDS


class Info:
    """The answers of `__array_namespace_info__`."""

    def capabilities(self) -> dict:
        """What optional parts there are."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        """Where tensors are made."""
        return _core.device("cpu")

    def devices(self) -> list:
        """All devices."""
        return [_core.device("cpu")]

    def default_dtypes(self, *, device=None) -> dict:
        """The dtypes that Python's numbers become."""
        return {
            "real floating": _core.default_dtype(SCALAR_KINDS[float]),
            "complex floating": _core.default_dtype(SCALAR_KINDS[complex]),
            "integral": _core.default_dtype(SCALAR_KINDS[int]),
            "indexing": _core.int64,
        }

    def dtypes(self, *, device=None, kind=None) -> dict:
        """The standard's dtypes of a kind, of several, or all, by their names."""
        kinds = tuple(KINDS) if kind is None else kind if isinstance(kind, tuple) else (kind,)
        unknown = [one for one in kinds if one not in KINDS]
        if unknown:
            raise ValueError(f"dtypes: there is no kind {unknown[0]!r}")
        return {found.name: found for one in kinds for found in KINDS[one] if found not in HALF}


def __array_namespace_info__() -> Info:
    """What this library can do, as the standard asks it."""
    return Info()
