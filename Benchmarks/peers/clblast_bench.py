"""CLBlast's matrix products, called in its C library (libclblast.so) on pyopencl's buffers."""

import ctypes

import numpy
import pyopencl
import pyopencl.array

from common import arguments, report

context = pyopencl.Context([pyopencl.get_platforms()[0].get_devices()[0]])
queue = pyopencl.CommandQueue(context)
library = ctypes.CDLL("libclblast.so.1")
ROW_MAJOR, PLAIN = 101, 111


def gemm(n):
    def setup():
        a, b = (pyopencl.array.to_device(queue, numpy.random.randn(n, n).astype(numpy.float32)) for _ in range(2))
        size, zero, handle = ctypes.c_size_t(n), ctypes.c_size_t(0), ctypes.c_void_p(queue.int_ptr)

        def run():
            c = pyopencl.array.empty(queue, (n, n), numpy.float32)
            operands = [part for x in (a, b) for part in (ctypes.c_void_p(x.data.int_ptr), zero, size)]
            status = library.CLBlastSgemm(
                ROW_MAJOR, PLAIN, PLAIN, size, size, size, ctypes.c_float(1), *operands, ctypes.c_float(0),
                ctypes.c_void_p(c.data.int_ptr), zero, size, ctypes.byref(handle), None)
            if status != 0:
                raise RuntimeError(f"CLBlastSgemm: status {status}")
            queue.finish()

        return run, 2e-9 * n**3, None

    return setup


report("clblast", arguments(), [(f"gemm.f32.{n}", gemm(n)) for n in (512, 1024, 2048)])
