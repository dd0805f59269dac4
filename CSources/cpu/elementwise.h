// Elementwise loops of the CPU: what simd/elementwise.h provides for each instruction set.
#ifndef APUS_CPU_ELEMENTWISE_H
#define APUS_CPU_ELEMENTWISE_H

#include "apus/elementwise.h"
#include "cpu/isa.h"

/// out[i] = f(a[i], b[i], c[i]) over contiguous data of one dtype. Loops read as many operands as their family has and
/// ignore the rest. `parameter` points to the call's number in the loop's dtype, or is NULL for 1.
/// out may be one of the operands.
typedef void (*apus__loop)(int64_t n, void *out, const void *a, const void *b, const void *c, const void *parameter);

enum { APUS__STREAM_ALIGNMENT = 64 };

/// Loops by operator and the dtype they compute in; NULL where the operator does not take the dtype. bool is computed
/// as uint8, float16 and bfloat16 as float32. Predicates, comparisons and logic write bool, all others their own dtype.
typedef struct apus__elementwise_loops {
    apus__loop unary[APUS_UNARY_COUNT][APUS_DTYPE_COUNT];
    apus__loop binary[APUS_BINARY_COUNT][APUS_DTYPE_COUNT];
    apus__loop ternary[APUS_TERNARY_COUNT][APUS_DTYPE_COUNT];
    /// For float32 results beyond the caches, at addresses that are multiples of APUS__STREAM_ALIGNMENT: the same bits,
    /// written past the caches. NULL where that does not pay.
    apus__loop stream[APUS_BINARY_COUNT];
    apus__loop convert[APUS_DTYPE_COUNT][APUS_DTYPE_COUNT]; ///< [to][from]
} apus__elementwise_loops;

APUS__DEFINE_LOOPS(apus__elementwise_loops, elementwise)

/// Loops over complex numbers that no table of an instruction set has; NULL where there is none for the dtype.
apus__loop apus__cpu_complex_unary(apus_unary_op op, apus_dtype dtype);
apus__loop apus__cpu_complex_binary(apus_binary_op op, apus_dtype dtype);

#endif
