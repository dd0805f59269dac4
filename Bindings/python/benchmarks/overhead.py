"""What a call from Python costs, beside NumPy's in the same run: nanoseconds, least of several repetitions.

python benchmarks/overhead.py
"""

import subprocess
import sys
import timeit

import numpy as np

import apus

SHAPES = [(), (10,), (4, 4), (1000,)]


def least(call, count=20_000) -> float:
    return min(timeit.repeat(call, number=count, repeat=7)) / count * 1e9


def operators(shape) -> dict:
    array, other = np.ones(shape, "float32"), np.ones(shape, "float32")
    a, b = apus.tensor(array), apus.tensor(other)
    calls = {
        "a + b": (lambda: a + b, lambda: array + other),
        "a * 2.0": (lambda: a * 2.0, lambda: array * 2.0),
        "a += b": (lambda: a.__iadd__(b), lambda: array.__iadd__(other)),
        "a == b": (lambda: a == b, lambda: array == other),
        "add(a, b)": (lambda: apus.add(a, b), lambda: np.add(array, other)),
        "exp(a)": (lambda: apus.exp(a), lambda: np.exp(array)),
        "sum(a)": (lambda: apus.sum(a), lambda: np.sum(array)),
        "a.sum()": (lambda: a.sum(), lambda: array.sum()),
    }
    if shape:
        calls["a[0]"] = (lambda: a[0], lambda: array[0])
        calls["a[1:]"] = (lambda: a[1:], lambda: array[1:])
        calls["a @ b"] = (lambda: a @ b, lambda: array @ other)
    return calls


def import_time(module: str) -> float:
    """Milliseconds; the least of five new processes."""
    program = f"import time; t = time.perf_counter(); import {module}; print((time.perf_counter() - t) * 1e3)"
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True) for _ in range(5)]
    return min(float(run.stdout) for run in runs)


def main() -> None:
    print(f"{'':24}{'apus':>8}{'numpy':>8}")
    for shape in SHAPES:
        for name, (ours, theirs) in operators(shape).items():
            print(f"{name:12}{str(shape):12}{least(ours):8.0f}{least(theirs):8.0f}")
    big = np.zeros(250_000_000, "float32")
    tensor = apus.from_numpy(big)
    print(f"{'from_numpy':12}{'1 GB':12}{least(lambda: apus.from_numpy(big)):8.0f}")
    print(f"{'numpy()':12}{'1 GB':12}{least(tensor.numpy):8.0f}")
    print(f"{'import':12}{'ms':12}{import_time('apus'):8.0f}{import_time('numpy'):8.0f}")


if __name__ == "__main__":
    main()
