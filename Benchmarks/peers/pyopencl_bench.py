"""The workloads in pyopencl's arrays, which compile a kernel for each expression."""

import numpy
import pyopencl
import pyopencl.array
import pyopencl.clmath

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


workloads = [
    ("ew.add.10M", elements(10_000_000, lambda a, b: a + b)),
    ("ew.exp.10M", elements(10_000_000, lambda a, b: pyopencl.clmath.exp(a))),
    ("ew.tanh.10M", elements(10_000_000, lambda a, b: pyopencl.clmath.tanh(a))),
    ("ovh.add.10", elements(10, lambda a, b: a + b)),
]
report("pyopencl", arguments(), workloads)
