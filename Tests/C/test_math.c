// simd/math.h on the instruction set every machine has; see math_body.inc.
#define APUS_ISA_BASELINE 1
#define MATH_SUPPORTED 1
#include "math_body.inc"
