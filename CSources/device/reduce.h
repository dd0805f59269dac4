// Reductions and scans of the device table.
#ifndef APUS_DEVICE_REDUCE_H
#define APUS_DEVICE_REDUCE_H

#include "apus/reduce.h"
#include "core/plan.h"
#include "device/buffer.h"

/// What a plan is reduced by.
typedef enum apus__reduction_kind {
    APUS__REDUCTION_TABLE,     ///< the row `op` of reduce.def
    APUS__REDUCTION_MOMENTS,   ///< two results: sum((x - mean)²) / max(0, n - correction), and the mean
    APUS__REDUCTION_LOGSUMEXP, ///< log(sum(exp(x)))
} apus__reduction_kind;

/// One reduction. Operand 0 of the plan is the input, which decides the order of dims; operands 1 (and 2, of
/// APUS__REDUCTION_MOMENTS) are the outputs, whose strides are 0 along the dims to reduce. Nothing is empty.
typedef struct apus__reduction {
    apus__reduction_kind kind;
    apus_reduce_op op;
    apus_dtype compute; ///< what elements are converted to as they are read: no bool, no float16, no bfloat16
    double correction;
    apus__plan plan;
} apus__reduction;

/// Contiguous data [outer, length, inner], walked along the middle. Nothing is empty.
typedef struct apus__lanes {
    apus_dtype dtype;
    int64_t outer, length, inner;
} apus__lanes;

typedef struct apus__reduce_table {
    apus_status (*reduce)(const apus__reduction *reduction);
    /// values and indices (int64) are [outer, inner]. Every real dtype but bool, float16 and bfloat16.
    apus_status (*arg)(const apus__lanes *lanes, bool smallest, apus__buffer values, apus__buffer indices,
                       apus__buffer input);
    /// float32, float64, int64 and the complex dtypes.
    apus_status (*scan)(const apus__lanes *lanes, apus_scan_op op, apus__buffer out, apus__buffer input);
} apus__reduce_table;

extern const apus__reduce_table apus__cpu_reduce;

#endif
