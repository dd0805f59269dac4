#if defined(__x86_64__)
#define APUS_ISA_AVX2
#include "cpu/simd/isa_begin.h"
#include "cpu/simd/elementwise.h"
#include "cpu/simd/isa_end.h"
#endif
