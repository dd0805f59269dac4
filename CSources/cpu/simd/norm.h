// Softmax and normalisation loops of one instruction set: norm_type.h for float32 and float64.
#include "cpu/simd/math.h"
#include "cpu/simd/vectorise.h"

#define T float
#define NAME(x) x##_f32
#include "cpu/simd/norm_type.h"
#undef T
#undef NAME

#define T double
#define NAME(x) x##_f64
#include "cpu/simd/norm_type.h"
#undef T
#undef NAME

const apus__norm_loops APUS_ISA_NAME(apus__norm_loops) = {.float32 = KERNELS_f32, .float64 = KERNELS_f64};
