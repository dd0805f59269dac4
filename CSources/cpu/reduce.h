// Reduction loops of the CPU: what simd/reduce.h provides for each instruction set.
#ifndef APUS_CPU_REDUCE_H
#define APUS_CPU_REDUCE_H

#include "apus/reduce.h"
#include "cpu/isa.h"
#include "device/reduce.h"

/// The loops of one reduction over one dtype.
///
/// A loop works on a row of `width` partial results, of which it may touch the first n. A partial result has one or
/// more fields (a sum and its rounding error, say); each field is an array of `width` numbers of `item` bytes, one
/// after the other. Moving the pointer by a number of items so moves to other partial results of the same row.
typedef struct apus__reduce_kernel {
    apus_dtype result; ///< what finish writes
    size_t item;
    int32_t fields;
    void (*begin)(int64_t n, void *partial, int64_t width);
    /// Takes in a matrix, column j into partial result j. Rows are `stride` elements apart.
    void (*columns)(int64_t rows, int64_t columns, const void *x, int64_t stride, void *partial, int64_t width);
    /// Takes a contiguous run into partial result 0.
    void (*run)(int64_t n, const void *x, void *partial, int64_t width);
    void (*merge)(int64_t n, void *partial, int64_t width, const void *other, int64_t other_width);
    /// `second` is written by moments alone.
    void (*finish)(int64_t n, void *out, void *second, const void *partial, int64_t width, double count,
                   double correction);
} apus__reduce_kernel;

/// Loops for extremes and where they stand.
typedef struct apus__arg_kernel {
    /// Takes a row of n elements, number `row`, into the best ones so far and their rows.
    void (*columns)(int64_t n, const void *x, int64_t row, void *best, int64_t *index);
    /// The best of a short run and where it stands.
    void (*run)(int64_t n, const void *x, void *best, int64_t *index);
    /// The first of n elements that equals *value, or is NaN if that is; n when there is none.
    int64_t (*find)(int64_t n, const void *x, const void *value);
} apus__arg_kernel;

/// Running sums or products.
typedef struct apus__scan_kernel {
    size_t partial; ///< bytes of a running result
    void (*begin)(int64_t n, void *partial);
    void (*row)(int64_t n, void *out, const void *x, void *partial);     ///< one running result through n elements
    void (*columns)(int64_t n, void *out, const void *x, void *partial); ///< n running results by one element each
} apus__scan_kernel;

/// By operator and the dtype they compute in; empty where the operator does not take the dtype.
typedef struct apus__reduce_loops {
    apus__reduce_kernel table[APUS_REDUCE_COUNT][APUS_DTYPE_COUNT];
    apus__reduce_kernel moments[APUS_DTYPE_COUNT];
    apus__reduce_kernel logsumexp[APUS_DTYPE_COUNT];
    apus__arg_kernel arg[2][APUS_DTYPE_COUNT]; ///< the greatest, the least
    apus__scan_kernel scan[2][APUS_DTYPE_COUNT];
} apus__reduce_loops;

APUS__DEFINE_LOOPS(apus__reduce_loops, reduce)

/// The scan function of the CPU's reduce table.
apus_status apus__cpu_scan(const apus__lanes *lanes, apus_scan_op op, apus__buffer out, apus__buffer input);

#endif
