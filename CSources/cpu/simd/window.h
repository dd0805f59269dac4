// Sliding windows: which outputs a kernel element meets inside the image.
#ifndef APUS_CPU_SIMD_WINDOW_H
#define APUS_CPU_SIMD_WINDOW_H

#include <stdint.h>

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/// One element of a kernel: output (y, x) meets input (y * stride[0] + y_shift, x * stride[1] + x_shift), which is
/// inside the image for y in [y_low, y_high) and x in [x_low, x_high).
typedef struct tap {
    int64_t y_shift, x_shift, y_low, y_high, x_low, x_high;
} tap;

/// Positions [low, high) of `count` whose input position * stride + shift lies in [0, size).
static inline void valid_range(int64_t *low, int64_t *high, int64_t count, int64_t size, int64_t stride,
                               int64_t shift) {
    int64_t first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    int64_t last = shift >= size                         ? 0
                   : (count - 1) * stride + shift < size ? count
                                                         : (size - shift + stride - 1) / stride;
    *low = smaller(first, count);
    *high = larger(smaller(last, count), *low);
}

static inline tap tap_at(const int64_t in[2], const int64_t out[2], const int64_t stride[2], const int64_t padding[2],
                         const int64_t dilation[2], int64_t i, int64_t j) {
    tap t = {.y_shift = i * dilation[0] - padding[0], .x_shift = j * dilation[1] - padding[1]};
    valid_range(&t.y_low, &t.y_high, out[0], in[0], stride[0], t.y_shift);
    valid_range(&t.x_low, &t.x_high, out[1], in[1], stride[1], t.x_shift);
    return t;
}

#endif
