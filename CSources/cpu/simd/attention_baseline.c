#define APUS_ISA_BASELINE
#include "cpu/attention.h"

#include "cpu/simd/isa_begin.h"

#include "cpu/simd/attention.h"

#include "cpu/simd/isa_end.h"
