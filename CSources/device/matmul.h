// Matrix products of the device table.
#ifndef APUS_DEVICE_MATMUL_H
#define APUS_DEVICE_MATMUL_H

#include "device/buffer.h"

/// One matrix, or a batch of them. Strides count elements.
typedef struct apus__matrices {
    apus__buffer buffer;
    int64_t row_stride, column_stride;
    int64_t batch_strides[APUS_MAX_RANK]; ///< in the order of the product's batch_shape; 0 where broadcast
} apus__matrices;

/// out = alpha * a @ b + addend for every index of the batch; a is m×k, b is k×n.
typedef struct apus__product {
    apus_dtype dtype; ///< of all operands: any but bool, float16 and bfloat16
    int64_t m, n, k;  ///< m, n and the batch are not empty
    int32_t batch_rank;
    int64_t batch_count;
    int64_t batch_shape[APUS_MAX_RANK]; ///< outermost first
    apus__matrices out;                 ///< contiguous, overlapping no input
    apus__matrices a, b;                ///< both satisfy apus__gemm_takes
    apus__matrices addend;              ///< any strides; no storage where there is none
    double alpha;                       ///< a whole number where dtype is an integer
} apus__product;

typedef struct apus__matmul_table {
    apus_status (*multiply)(const apus__product *product);
} apus__matmul_table;

extern const apus__matmul_table apus__cpu_matmul;

#endif
