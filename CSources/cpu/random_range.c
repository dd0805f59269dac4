#include "cpu/random_range.h"

#include <math.h>
#include <string.h>

#include "cpu/simd/math.h"

/// A number as the dtype has it, and the greatest one below it.
typedef struct rounded {
    double value, below;
} rounded;

/// The number of the dtype before x, in the bits of its magnitude: one less above zero, one more below.
static uint16_t before(uint16_t bits) {
    if ((bits & 0x7fffu) == 0) return 0x8001u;
    return (uint16_t)(bits & 0x8000u ? bits + 1u : bits - 1u);
}

static rounded round_to(apus_dtype dtype, double x) {
    uint16_t half = double_to_half(x), brain = double_to_bfloat16(x);
    switch (dtype) {
    case APUS_DTYPE_float16: return (rounded){(double)half_to_float(half), (double)half_to_float(before(half))};
    case APUS_DTYPE_bfloat16:
        return (rounded){(double)bfloat16_to_float(brain), (double)bfloat16_to_float(before(brain))};
    case APUS_DTYPE_float32: return (rounded){(double)(float)x, (double)nextafterf((float)x, -INFINITY)};
    default: return (rounded){x, nextafter(x, -INFINITY)};
    }
}

/// Bits of the dtype's significand, as many as a number in [0, 1) may have without being rounded up to 1.
static int32_t significand_bits(apus_dtype dtype) {
    return dtype == APUS_DTYPE_float16 ? 11 : dtype == APUS_DTYPE_bfloat16 ? 8 : 24;
}

apus__uniform_range apus__uniform_range_of(apus_dtype dtype, double low, double high) {
    rounded from = round_to(dtype, low), to = round_to(dtype, high);
    return (apus__uniform_range){
        .low = from.value,
        .width = to.value - from.value,
        .top = to.value > from.value ? to.below : from.value,
        .bits = significand_bits(dtype),
    };
}
