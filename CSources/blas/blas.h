// The only door to OpenBLAS. Everything else states products in apus__gemm's terms and knows no BLAS.
#ifndef APUS_BLAS_BLAS_H
#define APUS_BLAS_BLAS_H

#include "apus/tensor.h"

/// c = alpha * a @ b, or c += alpha * a @ b, for one m×k matrix a and one k×n matrix b. Strides count elements.
/// One stride of a and of b is 1 (the other one at least the extent that runs with stride 1), or the dim that it steps
/// along has size 1. The rows of c are contiguous.
typedef struct apus__gemm {
    apus_dtype dtype;
    int64_t m, n, k;
    const void *a;
    int64_t a_row, a_column;
    const void *b;
    int64_t b_row, b_column;
    void *c;
    int64_t c_row;
    double alpha;
    bool accumulate;
} apus__gemm;

/// Whether a rows×columns matrix with these strides can stand in an apus__gemm.
bool apus__gemm_takes(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride);

/// Multiplies on the calling thread alone: float32, float64, complex64 and complex128.
void apus__blas_gemm(const apus__gemm *gemm);

/// The sum of a[i] * b[i] over at most 2^31 - 1 elements: float32, float64, complex64 and complex128. The result is
/// real and imaginary part.
void apus__blas_dot(apus_dtype dtype, int64_t n, const void *a, int64_t a_stride, const void *b, int64_t b_stride,
                    double result[2]);

#endif
