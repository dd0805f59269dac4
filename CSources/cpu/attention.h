// Attention loops of the CPU: what simd/attention.h provides for each instruction set.
#ifndef APUS_CPU_ATTENTION_H
#define APUS_CPU_ATTENTION_H

#include "cpu/isa.h"
#include "device/attention.h"

/// Loops of one float type over rows of contiguous scores.
typedef struct apus__attention_kernels {
    /// s += mask.
    void (*add_mask)(int64_t n, void *s, const void *mask);
    /// s = -infinity where the mask is false.
    void (*forbid)(int64_t n, void *s, const uint8_t *mask);
    /// s = -infinity.
    void (*forbid_all)(int64_t n, void *s);
    /// Takes a row of scores into a running softmax: s = exp(s - high), with *high the greatest score so far and *total
    /// the sum of all exp(s - *high), -infinity and 0 at the start. Returns what earlier weights are to be multiplied
    /// by.
    double (*soften)(int64_t n, void *s, double *high, double *total);
    /// y *= factor.
    void (*rescale)(int64_t n, void *y, double factor);
    /// s = exp(s - logsumexp), or 0 where that is -infinity.
    void (*weigh)(int64_t n, void *s, double logsumexp);
    /// The sum of a * b.
    double (*dot)(int64_t n, const void *a, const void *b);
    /// ds = w * (dw - mean), into dw.
    void (*soften_backward)(int64_t n, void *dw, const void *w, double mean);
} apus__attention_kernels;

typedef struct apus__attention_loops {
    apus__attention_kernels float32, float64;
} apus__attention_loops;

APUS__DEFINE_LOOPS(apus__attention_loops, attention)

static inline const apus__attention_kernels *apus__attention_kernels_of(apus_dtype dtype) {
    const apus__attention_loops *loops = apus__attention_loops_current();
    return dtype == APUS_DTYPE_float32 ? &loops->float32 : &loops->float64;
}

#endif
