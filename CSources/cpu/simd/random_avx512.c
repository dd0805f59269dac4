#if defined(__x86_64__)
#define APUS_ISA_AVX512
#include "cpu/simd/isa_begin.h"

#include "cpu/simd/random.h"

#include "cpu/simd/isa_end.h"
#endif
