"""The workloads of apus-bench that NumPy has, too."""

import os

from common import arguments, report

options = arguments()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(options.threads)

import numpy as np

random = np.random.default_rng(0)


def normal(*shape):
    return random.standard_normal(shape, dtype=np.float32)


def gemm(n):
    def setup():
        a, b = normal(n, n), normal(n, n)
        return lambda: a @ b, 2 * n**3 * 1e-9, None

    return setup


def elementwise(function, reads=2):
    def setup():
        a, b = normal(10_000_000), normal(10_000_000)
        return lambda: function(a, b), None, (reads + 1) * 0.04

    return setup


def matrix(function, gigabytes=0.067):
    def setup():
        m, row = normal(4096, 4096), normal(4096)
        return lambda: function(m, row), None, gigabytes

    return setup


def order(*shape):
    """Values and places, as the others give; NumPy's fastest way to both."""
    def setup():
        x = normal(*shape)

        def run():
            places = x.argsort(-1)
            return np.take_along_axis(x, places, -1), places

        return run, None, None

    return setup


def small_add():
    a, b = normal(10), normal(10)
    return lambda: a + b, None, None


workloads = [(f"gemm.f32.{n}", gemm(n)) for n in (32, 64, 128, 256, 512, 1024, 2048)]
workloads += [
    ("ew.add.10M", elementwise(lambda a, b: a + b)),
    ("ew.exp.10M", elementwise(lambda a, b: np.exp(a), 1)),
    ("ew.tanh.10M", elementwise(lambda a, b: np.tanh(a), 1)),
    ("ew.add_row.4096", matrix(lambda m, row: m + row, 0.134)),
    ("ew.add_transposed.4096", matrix(lambda m, row: m + m.T, 0.201)),
    ("reduce.sum_all.4096", matrix(lambda m, row: m.sum())),
    ("reduce.sum_rows.4096", matrix(lambda m, row: m.sum(1))),
    ("reduce.sum_columns.4096", matrix(lambda m, row: m.sum(0))),
    ("sort.f32.1M", order(1 << 20)),
    ("sort.f32.4096x1024", order(4096, 1024)),
    ("ovh.add.10", small_add),
]

report("numpy", options, workloads)
