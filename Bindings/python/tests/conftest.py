"""What the tests share."""

import gc

import numpy as np
import pytest

import apus


def _alive() -> int:
    return apus.memory_stats()["count"]


@pytest.fixture(autouse=True)
def no_leaks():
    """After each test no more blocks of memory are alive than before it."""
    before = _alive()
    yield
    if _alive() > before:  # only then, as collecting takes longer than most tests
        gc.collect()
    assert _alive() <= before


@pytest.fixture
def rng():
    return np.random.default_rng(0)
