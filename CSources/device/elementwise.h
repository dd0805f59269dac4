// Elementwise family of the device table. Operand 0 of every plan is the output.
#ifndef APUS_DEVICE_ELEMENTWISE_H
#define APUS_DEVICE_ELEMENTWISE_H

#include "apus/elementwise.h"
#include "core/plan.h"

/// Operands are converted to `compute` as they are read and to the output's dtype as they are written.
typedef struct apus__elementwise_table {
    apus_status (*fill)(const apus__plan *plan, const apus_scalar *value);
    apus_status (*copy)(const apus__plan *plan);
    apus_status (*unary)(const apus__plan *plan, apus_unary_op op, apus_dtype compute);
    apus_status (*binary)(const apus__plan *plan, apus_binary_op op, apus_dtype compute);
    apus_status (*ternary)(const apus__plan *plan, apus_ternary_op op, apus_dtype compute, const apus_scalar *value);
    /// output[i] = start + i * step for a contiguous output; integers exactly.
    apus_status (*arange)(const apus__plan *plan, const apus_scalar *start, const apus_scalar *step);
} apus__elementwise_table;

extern const apus__elementwise_table apus__cpu_elementwise;

/// Whether the operator gives bool rather than the dtype it computes in.
bool apus__unary_gives_bool(apus_unary_op op);
bool apus__binary_gives_bool(apus_binary_op op);
/// Whether complex.def has the operator: then complex operands are computed by functions of their own.
bool apus__unary_has_complex(apus_unary_op op);
bool apus__binary_has_complex(apus_binary_op op);
/// The result's dtype of a row of complex.def for complex operands of this dtype; the dtype itself for other rows.
apus_dtype apus__complex_result(apus_unary_op op, apus_dtype dtype);

#endif
