// The integer matrix kernels of one instruction set.
#ifndef APUS_CPU_SIMD_MATMUL_LOOPS_H
#define APUS_CPU_SIMD_MATMUL_LOOPS_H

#include "blas/blas.h"

/// c += alpha * a @ b in wraparound arithmetic, by the width of the elements.
typedef struct apus__matmul_loops {
    void (*gemm8)(const apus__gemm *gemm);
    void (*gemm16)(const apus__gemm *gemm);
    void (*gemm32)(const apus__gemm *gemm);
    void (*gemm64)(const apus__gemm *gemm);
} apus__matmul_loops;

#endif
