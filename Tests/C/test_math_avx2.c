// simd/math.h on AVX2; see math_body.inc.
#if defined(__x86_64__)
#define APUS_ISA_AVX2 1
#define MATH_SUPPORTED (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#include "math_body.inc"
#else
int main(void) { return 0; }
#endif
