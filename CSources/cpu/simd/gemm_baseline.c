#define APUS_ISA_BASELINE
#include "cpu/gemm.h"

#include "cpu/simd/isa_begin.h"

#include "cpu/simd/gemm.h"

#include "cpu/simd/isa_end.h"
