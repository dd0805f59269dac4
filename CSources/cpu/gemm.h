// float32 matrix products by Apus's own kernels: operands packed into panels, blocks multiplied from them.
#ifndef APUS_CPU_GEMM_H
#define APUS_CPU_GEMM_H

#include <stdint.h>

#include "blas/blas.h"
#include "cpu/isa.h"

/// What simd/gemm.h provides for each instruction set. A row panel holds `rows` rows of the left matrix, one column of
/// the panel after the other; a column panel holds `columns` columns of the right one, row after row. Both are filled
/// up with zeros.
typedef struct apus__gemm_loops {
    int64_t rows, columns; ///< of a panel
    /// Packs `count` rows (or columns), at most a panel's, of `depth` elements each. `step` lies between rows (or
    /// columns), `depth_step` between the elements of one.
    void (*pack_rows)(int64_t count, int64_t depth, const float *from, int64_t step, int64_t depth_step, float *to);
    void (*pack_columns)(int64_t count, int64_t depth, const float *from, int64_t step, int64_t depth_step, float *to);
    /// c = alpha * a @ b, or c += alpha * a @ b, of m×n elements, at most a row panel times a column panel.
    void (*multiply)(int64_t depth, const float *a, const float *b, float *c, int64_t c_row, int64_t m, int64_t n,
                     float alpha, int accumulate);
} apus__gemm_loops;

/// Multiplies float32 matrices, none empty, with the pool's threads, or on the calling thread inside a parallel loop;
/// the bits are the same.
void apus__cpu_gemm(const apus__gemm *gemm);
/// Whether that is a better choice than BLAS for one product of this kind and size.
bool apus__cpu_gemm_takes(apus_dtype dtype, int64_t m, int64_t n, int64_t k);

#endif
