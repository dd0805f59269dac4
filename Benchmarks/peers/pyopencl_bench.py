"""The workloads in pyopencl's arrays, which compile a kernel for each expression."""

import numpy
import pyopencl
import pyopencl.array
import pyopencl.clmath
import pyopencl.clrandom
import pyopencl.scan

from common import arguments, report

context = pyopencl.Context([pyopencl.get_platforms()[0].get_devices()[0]])
queue = pyopencl.CommandQueue(context)


def array(*shape):
    return pyopencl.array.to_device(queue, numpy.random.randn(*shape).astype(numpy.float32))


def call(function):
    def run():
        function()
        queue.finish()

    return run


def elements(count, function):
    def setup():
        a, b = array(count), array(count)
        return call(lambda: function(a, b)), None, None

    return setup


def cumsum():
    scan = pyopencl.scan.InclusiveScanKernel(context, numpy.float32, "a + b", neutral="0")
    x = array(1_000_000)
    return call(lambda: scan(x, pyopencl.array.empty_like(x))), None, None


def uniform():
    return call(lambda: pyopencl.clrandom.rand(queue, 16_000_000, numpy.float32)), None, None


workloads = [
    ("ew.add.10M", elements(10_000_000, lambda a, b: a + b)),
    ("ew.exp.10M", elements(10_000_000, lambda a, b: pyopencl.clmath.exp(a))),
    ("ew.tanh.10M", elements(10_000_000, lambda a, b: pyopencl.clmath.tanh(a))),
    ("scan.cumsum.1M", cumsum),
    ("random.uniform.16M", uniform),
    ("ovh.add.10", elements(10, lambda a, b: a + b)),
]
report("pyopencl", arguments(), workloads)
