#define APUS_ISA_BASELINE
#include "cpu/simd/matmul_loops.h"

#include "cpu/simd/isa_begin.h"

#include "cpu/simd/matmul.h"

#include "cpu/simd/isa_end.h"
