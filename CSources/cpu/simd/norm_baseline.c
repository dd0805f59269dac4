#define APUS_ISA_BASELINE
#include "cpu/norm.h"

#include "cpu/simd/isa_begin.h"

#include "cpu/simd/norm.h"

#include "cpu/simd/isa_end.h"
