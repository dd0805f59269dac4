// Convolution kernels: the loops of conv_type.h for float32 and float64.
#include "cpu/simd/window.h"

static tap conv_tap(const apus__conv *c, int64_t i, int64_t j) {
    return tap_at(c->in, c->out, c->stride, c->padding, c->dilation, i, j);
}

#define T float
#define NAME(x) x##_f32
#include "cpu/simd/conv_type.h"
#undef T
#undef NAME

#define T double
#define NAME(x) x##_f64
#include "cpu/simd/conv_type.h"
#undef T
#undef NAME

const apus__conv_loops APUS_ISA_NAME(apus__conv_loops) = {.float32 = KERNELS_f32, .float64 = KERNELS_f64};
