// Softmax and normalisation loops of the CPU: what simd/norm.h provides for each instruction set.
#ifndef APUS_CPU_NORM_H
#define APUS_CPU_NORM_H

#include "cpu/isa.h"
#include "device/norm.h"

/// Loops of one float type. Everything is contiguous; sums over many elements are carried in double.
typedef struct apus__norm_kernels {
    void (*softmax_row)(int64_t n, bool logarithm, void *y, const void *x);
    /// n softmaxes side by side, each over `length` elements `stride` apart; room for 2n doubles at `scratch`.
    void (*softmax_columns)(int64_t n, int64_t length, int64_t stride, bool logarithm, void *y, const void *x,
                            double *scratch);
    void (*softmax_backward_row)(int64_t n, bool logarithm, void *dx, const void *grad, const void *y);
    void (*softmax_backward_columns)(int64_t n, int64_t length, int64_t stride, bool logarithm, void *dx,
                                     const void *grad, const void *y, double *scratch);
    /// Writes one mean and rstd.
    void (*layer_norm_row)(int64_t n, double eps, void *y, void *mean, void *rstd, const void *x, const void *weight,
                           const void *bias);
    /// Reads one mean and rstd; dx may be NULL. Adds to sums[0..n) the gradient of the bias and to sums[n..2n) that
    /// of the weight, unless `sums` is NULL.
    void (*layer_norm_backward_row)(int64_t n, void *dx, void *sums, const void *grad, const void *x,
                                    const void *weight, const void *mean, const void *rstd);
    /// y = (x - mean) * scale + shift with one mean, scale and shift, read through pointers; NULL is 1 and 0.
    void (*affine_row)(int64_t n, void *y, const void *x, const void *mean, const void *rstd, const void *weight,
                       const void *bias);
    /// As above with one of each for every element.
    void (*affine_columns)(int64_t n, void *y, const void *x, const void *mean, const void *rstd, const void *weight,
                           const void *bias);
    /// sums[0] += sum(grad), sums[1] += sum(grad * (x - mean)).
    void (*dots_row)(int64_t n, double *sums, const void *grad, const void *x, const void *mean);
    /// The same for each of n columns: sums[0..n) and sums[n..2n).
    void (*dots_columns)(int64_t n, double *sums, const void *grad, const void *x, const void *mean);
    /// dx = (grad - first - (x - mean) * second) * scale, the last three doubles.
    void (*spread_row)(int64_t n, void *dx, const void *grad, const void *x, const void *mean, const double *first,
                       const double *second, const double *scale);
    /// As above with one of each for every element.
    void (*spread_columns)(int64_t n, void *dx, const void *grad, const void *x, const void *mean, const double *first,
                           const double *second, const double *scale);
    /// total[i] += sums[i]; sums[i] = 0.
    void (*flush)(int64_t n, double *total, void *sums);
} apus__norm_kernels;

typedef struct apus__norm_loops {
    apus__norm_kernels float32, float64;
} apus__norm_loops;

APUS__DEFINE_LOOPS(apus__norm_loops, norm)

static inline const apus__norm_kernels *apus__norm_kernels_of(apus_dtype dtype) {
    const apus__norm_loops *loops = apus__norm_loops_current();
    return dtype == APUS_DTYPE_float32 ? &loops->float32 : &loops->float64;
}

// Functions of the CPU's norm table that live in softmax.c.
apus_status apus__cpu_softmax(const apus__lanes *lanes, bool logarithm, apus__buffer out, apus__buffer input);
apus_status apus__cpu_softmax_backward(const apus__lanes *lanes, bool logarithm, apus__buffer out, apus__buffer grad,
                                       apus__buffer result);

#endif
