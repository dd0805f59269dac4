// Elementary functions that compilers vectorise.
//
// Every function is branch-free scalar C on IEEE operations, explicit fma included, so that a plain loop over it
// becomes vector code at -O3 and gives the same bits in the vector body and in the scalar tail. Names end in the type,
// _f32 or _f64. The including file may define APUS_HAS_FMA to 1 and open a target region (see isa_begin.h); without
// FMA the exact products are made by splitting, and bits may differ from those of the other instruction sets.
//
// Polynomials are minimax fits (Remez) made for this file; a comment at each gives the interval and the error. Errors
// measured by Tests/C/test_math.c stay below 1.3 ulp for float (1.6 without FMA) and below 2 ulp for double, but for
// erfinv (2.2), erfc (3.1) and lgamma (libm's, 3).
#ifndef APUS_SIMD_MATH_H
#define APUS_SIMD_MATH_H

#include <math.h>
#include <stdint.h>

#if !defined(APUS_HAS_FMA)
#define APUS_HAS_FMA 0
#endif

// A call left in a loop would keep it from becoming vector code, and compilers do leave calls of long functions.
#define APUS_MATH static inline __attribute__((always_inline))

// Bit casts.

APUS_MATH float from_bits_u32(uint32_t u) {
    float x;
    __builtin_memcpy(&x, &u, sizeof x);
    return x;
}

APUS_MATH uint32_t bits_f32(float x) {
    uint32_t u;
    __builtin_memcpy(&u, &x, sizeof u);
    return u;
}

APUS_MATH double from_bits_u64(uint64_t u) {
    double x;
    __builtin_memcpy(&x, &u, sizeof x);
    return x;
}

APUS_MATH uint64_t bits_f64(double x) {
    uint64_t u;
    __builtin_memcpy(&u, &x, sizeof u);
    return u;
}

// Multiply-add: fused where the instruction set has it.

#if APUS_HAS_FMA
APUS_MATH float fma_f32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
APUS_MATH double fma_f64(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
APUS_MATH float fma_f32(float a, float b, float c) { return a * b + c; }
APUS_MATH double fma_f64(double a, double b, double c) { return a * b + c; }
#endif

// Signs, square root.

APUS_MATH float fabs_f32(float x) { return __builtin_fabsf(x); }
APUS_MATH double fabs_f64(double x) { return __builtin_fabs(x); }
APUS_MATH float copysign_f32(float x, float y) { return __builtin_copysignf(x, y); }
APUS_MATH double copysign_f64(double x, double y) { return __builtin_copysign(x, y); }
APUS_MATH float sqrt_f32(float x) { return __builtin_sqrtf(x); }
APUS_MATH double sqrt_f64(double x) { return __builtin_sqrt(x); }

// Rounding to an integer. SSE2 has no instruction for it: there, adding and subtracting 2^23 (2^52) rounds to nearest
// even, larger numbers are integers already, and the others follow from a correction by one.

#if APUS_HAS_FMA || defined(__SSE4_1__)
APUS_MATH float rint_f32(float x) { return __builtin_rintf(x); }
APUS_MATH double rint_f64(double x) { return __builtin_rint(x); }
APUS_MATH float floor_f32(float x) { return __builtin_floorf(x); }
APUS_MATH double floor_f64(double x) { return __builtin_floor(x); }
APUS_MATH float ceil_f32(float x) { return __builtin_ceilf(x); }
APUS_MATH double ceil_f64(double x) { return __builtin_ceil(x); }
APUS_MATH float trunc_f32(float x) { return __builtin_truncf(x); }
APUS_MATH double trunc_f64(double x) { return __builtin_trunc(x); }
#else
APUS_MATH float rint_f32(float x) {
    float a = fabs_f32(x), r = (a + 0x1p23f) - 0x1p23f;
    return a < 0x1p23f ? copysign_f32(r, x) : x;
}

APUS_MATH double rint_f64(double x) {
    double a = fabs_f64(x), r = (a + 0x1p52) - 0x1p52;
    return a < 0x1p52 ? copysign_f64(r, x) : x;
}

APUS_MATH float floor_f32(float x) {
    float r = rint_f32(x);
    return copysign_f32(r - (r > x ? 1.0f : 0.0f), x);
}

APUS_MATH double floor_f64(double x) {
    double r = rint_f64(x);
    return copysign_f64(r - (r > x ? 1.0 : 0.0), x);
}

APUS_MATH float ceil_f32(float x) {
    float r = rint_f32(x);
    return copysign_f32(r + (r < x ? 1.0f : 0.0f), x);
}

APUS_MATH double ceil_f64(double x) {
    double r = rint_f64(x);
    return copysign_f64(r + (r < x ? 1.0 : 0.0), x);
}

APUS_MATH float trunc_f32(float x) { return copysign_f32(floor_f32(fabs_f32(x)), x); }
APUS_MATH double trunc_f64(double x) { return copysign_f64(floor_f64(fabs_f64(x)), x); }
#endif

// The remainder of the truncated quotient is exact, which takes a loop: these do not vectorise.

APUS_MATH float fmod_f32(float x, float y) { return __builtin_fmodf(x, y); }
APUS_MATH double fmod_f64(double x, double y) { return __builtin_fmod(x, y); }

// Nearest integer of a small argument (below 2^22, 2^51), two instructions everywhere.

APUS_MATH float round_small_f32(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }
APUS_MATH double round_small_f64(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

// 2^n for an integral n whose power is a normal number: the addition leaves the biased exponent in the low bits.

APUS_MATH float pow2_f32(float n) { return from_bits_u32(bits_f32(n + (0x1.8p23f + 127.0f)) << 23); }
APUS_MATH double pow2_f64(double n) { return from_bits_u64(bits_f64(n + (0x1.8p52 + 1023.0)) << 52); }

// x 2^n for a 2^n beyond the normal numbers, in two steps of which at most the second rounds.

APUS_MATH float scale_f32(float x, float n) {
    float h = round_small_f32(n * 0.5f);
    return x * pow2_f32(h) * pow2_f32(n - h);
}

APUS_MATH double scale_f64(double x, double n) {
    double h = round_small_f64(n * 0.5);
    return x * pow2_f64(h) * pow2_f64(n - h);
}

// The error of p = a * b rounded, exactly.

APUS_MATH double product_error_f64(double a, double b, double p) {
#if APUS_HAS_FMA
    return __builtin_fma(a, b, -p);
#else
    // Veltkamp-Dekker, but splitting by rounding the bits: halves of at most 26 bits, whose products are exact.
    double ah = from_bits_u64((bits_f64(a) + 0x4000000u) & 0xfffffffff8000000u), al = a - ah;
    double bh = from_bits_u64((bits_f64(b) + 0x4000000u) & 0xfffffffff8000000u), bl = b - bh;
    return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
#endif
}

// The error of s = a + b rounded, exactly (Knuth).

APUS_MATH double sum_error_f64(double a, double b, double s) {
    double t = s - a;
    return (a - (s - t)) + (b - t);
}

// Narrow floating-point types, by integer arithmetic. Rounding is to nearest even; a NaN stays a quiet NaN.

APUS_MATH float half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, magnitude = h & 0x7fffu;
    // The multiplication moves the exponent's bias and normalises subnormals, exactly.
    uint32_t finite = bits_f32(from_bits_u32(magnitude << 13) * 0x1p112f);
    uint32_t special = 0x7f800000u | magnitude << 13 | (magnitude > 0x7c00u ? 0x400000u : 0u);
    return from_bits_u32((magnitude >= 0x7c00u ? special : finite) | sign);
}

APUS_MATH uint16_t float_to_half(float x) {
    uint32_t u = bits_f32(x), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    uint32_t normal = (a + 0xfffu + (a >> 13 & 1u) - 0x38000000u) >> 13;
    // 0.5 has the ulp of half's subnormals, so this addition rounds to one.
    uint32_t subnormal = bits_f32(from_bits_u32(a) + 0.5f) - 0x3f000000u;
    uint32_t nan = 0x7e00u | (a >> 13 & 0x3ffu);
    uint32_t finite = a < 0x38800000u ? subnormal : normal;
    uint32_t number = a >= 0x477ff000u ? 0x7c00u : finite;
    return (uint16_t)((a > 0x7f800000u ? nan : number) | sign);
}

APUS_MATH float bfloat16_to_float(uint16_t h) { return from_bits_u32((uint32_t)h << 16); }

APUS_MATH uint16_t float_to_bfloat16(float x) {
    uint32_t u = bits_f32(x), rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : rounded);
}

// double to float rounded to odd (truncated, the last bit set if inexact); rounding that again to a narrower type is
// as rounding once.
APUS_MATH float double_to_float_odd(double x) {
    float f = (float)x;
    double back = (double)f;
    uint32_t u = bits_f32(f), down = u - (fabs_f64(back) > fabs_f64(x) ? 1u : 0u);
    return from_bits_u32(back != x && x == x ? down | 1u : u);
}

APUS_MATH uint16_t double_to_half(double x) { return float_to_half(double_to_float_odd(x)); }
APUS_MATH uint16_t double_to_bfloat16(double x) { return float_to_bfloat16(double_to_float_odd(x)); }

#include "math_f32.h"
#include "math_f64.h"

#endif
