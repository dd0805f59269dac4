// The pooling kernels of one instruction set.
#ifndef APUS_CPU_SIMD_POOL_LOOPS_H
#define APUS_CPU_SIMD_POOL_LOOPS_H

#include "device/pool.h"

/// Kernels of one float type, a plane at a time.
typedef struct apus__pool_kernels {
    void (*max)(const apus__pool *pool, void *out, const void *input);
    void (*max_indices)(const apus__pool *pool, void *out, int64_t *indices, const void *input);
    /// False when an index is outside the plane.
    bool (*max_backward)(const apus__pool *pool, void *out, const void *grad, const int64_t *indices);
    void (*average)(const apus__pool *pool, void *out, const void *input);
    void (*average_backward)(const apus__pool *pool, void *out, const void *grad);
} apus__pool_kernels;

typedef struct apus__pool_loops {
    apus__pool_kernels float32, float64;
} apus__pool_loops;

#endif
