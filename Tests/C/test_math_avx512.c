// simd/math.h on AVX512; see math_body.inc.
#if defined(__x86_64__)
#define APUS_ISA_AVX512 1
#define MATH_SUPPORTED                                                                                                 \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
#include "math_body.inc"
#else
int main(void) { return 0; }
#endif
