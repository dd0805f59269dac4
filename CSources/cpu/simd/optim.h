// Optimizer steps in PyTorch's order of operations, one pass over the parameter and its state.
#include "cpu/optim.h"

#define T float
#define NAME(x) x##_f32
#define SQRT __builtin_sqrtf
#include "cpu/simd/optim_type.h"
#undef T
#undef NAME
#undef SQRT

#define T double
#define NAME(x) x##_f64
#define SQRT __builtin_sqrt
#include "cpu/simd/optim_type.h"
#undef T
#undef NAME
#undef SQRT

const apus__optim_loops APUS_ISA_NAME(apus__optim_loops) = {
    .float32 = {.sgd = sgd_f32, .adam = adam_f32},
    .float64 = {.sgd = sgd_f64, .adam = adam_f64},
};
