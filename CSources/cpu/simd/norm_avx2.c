#if defined(__x86_64__)
#define APUS_ISA_AVX2
#include "cpu/norm.h"

#include "cpu/simd/isa_begin.h"

#include "cpu/simd/norm.h"

#include "cpu/simd/isa_end.h"
#endif
