// The convolution kernels of one instruction set.
#ifndef APUS_CPU_SIMD_CONV_LOOPS_H
#define APUS_CPU_SIMD_CONV_LOOPS_H

#include "device/conv.h"

/// Kernels of one float type. A "column matrix" has a row for each (channel, kernel row, kernel column) and a column
/// for each output pixel: the input element that the weight at the row meets at the pixel, 0 in the padding.
typedef struct apus__conv_kernels {
    /// Fills `channels` channels' rows of a column matrix, `step` elements apart, with output pixels [first, last).
    void (*gather)(const apus__conv *conv, void *columns, int64_t step, const void *image, int64_t channels,
                   int64_t first, int64_t last);
    /// The transposed operation: adds a column matrix to the image's elements.
    void (*scatter)(const apus__conv *conv, void *image, const void *columns, int64_t step, int64_t channels,
                    int64_t first, int64_t last);
    /// Sets n elements of `rows` rows, `step` apart, to values[row], or 0 where values is NULL.
    void (*fill)(void *to, int64_t step, int64_t rows, int64_t n, const void *values);
    /// to += from
    void (*add)(void *to, const void *from, int64_t n);
    /// One plane of an output: plane += the input plane seen through one kernel.
    void (*plane_forward)(const apus__conv *conv, void *plane, const void *input, const void *kernel);
    /// Its gradients: input += …, kernel += …
    void (*plane_input_grad)(const apus__conv *conv, void *input, const void *grad, const void *kernel);
    void (*plane_kernel_grad)(const apus__conv *conv, void *kernel, const void *grad, const void *input);
} apus__conv_kernels;

typedef struct apus__conv_loops {
    apus__conv_kernels float32, float64;
} apus__conv_loops;

#endif
