#define APUS_ISA_BASELINE
#include "cpu/simd/isa_begin.h"

#include "cpu/simd/optim.h"

#include "cpu/simd/isa_end.h"
