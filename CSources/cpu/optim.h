// Optimizer loops of the CPU: what simd/optim.h provides for each instruction set.
#ifndef APUS_CPU_OPTIM_H
#define APUS_CPU_OPTIM_H

#include "cpu/isa.h"
#include "device/optim.h"

/// One float type's loops over contiguous data; `momentum` and `greatest` may be NULL.
typedef struct apus__optim_kernels {
    void (*sgd)(const apus__sgd *step, int64_t n, void *param, const void *grad, void *momentum);
    void (*adam)(const apus__adam *step, int64_t n, void *param, const void *grad, void *first, void *second,
                 void *greatest);
} apus__optim_kernels;

typedef struct apus__optim_loops {
    apus__optim_kernels float32, float64;
} apus__optim_loops;

APUS__DEFINE_LOOPS(apus__optim_loops, optim)

#endif
