#define APUS_ISA_BASELINE
#include "cpu/simd/pool_loops.h"

#include "cpu/simd/isa_begin.h"

#include "cpu/simd/pool.h"

#include "cpu/simd/isa_end.h"
