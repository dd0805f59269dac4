#define APUS_ISA_BASELINE
#include "cpu/simd/conv_loops.h"

#include "cpu/simd/isa_begin.h"

#include "cpu/simd/conv.h"

#include "cpu/simd/isa_end.h"
