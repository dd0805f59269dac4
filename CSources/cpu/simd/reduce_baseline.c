#define APUS_ISA_BASELINE
#include "cpu/reduce.h"

#include "cpu/simd/isa_begin.h"

#include "cpu/simd/reduce.h"

#include "cpu/simd/isa_end.h"
