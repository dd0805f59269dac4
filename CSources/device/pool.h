// Pooling of the device table.
#ifndef APUS_DEVICE_POOL_H
#define APUS_DEVICE_POOL_H

#include "device/buffer.h"

/// The geometry of 2-d pooling over planes, height first. No plane is empty.
typedef struct apus__pool {
    apus_dtype dtype; ///< float32 or float64
    int64_t planes;
    int64_t in[2], out[2], kernel[2], stride[2], padding[2], dilation[2];
    bool count_include_pad;
} apus__pool;

/// Buffers are contiguous planes. The first (and, in max, the second) buffer is written and overlaps no other.
typedef struct apus__pool_table {
    /// `indices` is int64, or absent.
    apus_status (*max)(const apus__pool *pool, apus__buffer out, apus__buffer indices, apus__buffer input);
    /// Fails with APUS_STATUS_index when an index is outside its plane.
    apus_status (*max_backward)(const apus__pool *pool, apus__buffer out, apus__buffer grad, apus__buffer indices);
    apus_status (*average)(const apus__pool *pool, apus__buffer out, apus__buffer input);
    apus_status (*average_backward)(const apus__pool *pool, apus__buffer out, apus__buffer grad);
} apus__pool_table;

extern const apus__pool_table apus__cpu_pool;

#endif
