#if defined(__x86_64__)
#define APUS_ISA_AVX2
#include "cpu/reduce.h"

#include "cpu/simd/isa_begin.h"

#include "cpu/simd/reduce.h"

#include "cpu/simd/isa_end.h"
#endif
