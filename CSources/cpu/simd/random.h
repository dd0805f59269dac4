// Random loops. The stream must be the same on every machine, so everything here is plain IEEE arithmetic in a fixed
// order: the same multiplications and additions with every instruction set, never a fused one (the build forbids
// contraction), and logarithm, sine and cosine of its own instead of math.h's, which fuse where they can.
//
// The polynomials are in core/normal.def.
#include "core/random.h"
#include "cpu/random.h"
#include "cpu/simd/math.h"

#define RANDOM static inline __attribute__((always_inline))

// ---- Philox

/// The counter's words are kept in 64-bit lanes, whose upper halves are left to hold anything: a multiplication of the
/// lower halves is one instruction there.
static void blocks(int64_t n, uint32_t *words, uint64_t seed, uint64_t position) {
    const uint64_t low = UINT32_MAX;
    for (int64_t i = 0; i < n; i++) {
        uint64_t number = position + (uint64_t)i;
        uint64_t c0 = number, c1 = number >> 32, c2 = 0, c3 = 0;
        uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
#pragma GCC unroll 10
        for (int round = 0; round < 10; round++) {
            uint64_t a = (c0 & low) * APUS__PHILOX_MULTIPLY_0, b = (c2 & low) * APUS__PHILOX_MULTIPLY_1;
            c0 = (b >> 32) ^ c1 ^ k0;
            c2 = (a >> 32) ^ c3 ^ k1;
            c1 = b;
            c3 = a;
            k0 += APUS__PHILOX_KEY_0;
            k1 += APUS__PHILOX_KEY_1;
        }
        words[4 * i] = (uint32_t)c0;
        words[4 * i + 1] = (uint32_t)c1;
        words[4 * i + 2] = (uint32_t)c2;
        words[4 * i + 3] = (uint32_t)c3;
    }
}

/// Draw i of 64 bits.
RANDOM uint64_t wide_word(const uint32_t *words, int64_t i) { return words[2 * i] | (uint64_t)words[2 * i + 1] << 32; }

// ---- What OpenCL C shares

#define REAL32 float
#define WORD32 uint32_t
#define REAL64 double
#define WORD64 uint64_t
#define signed_f32(word) ((float)(int32_t)(word))
#define shifted_f32(word, bits) ((float)((int32_t)(word) >> (bits)))
#define root_f32(x) __builtin_sqrtf(x)
#define root_f64(x) __builtin_sqrt(x)
#define APUS_SHARED_F32(...) __VA_ARGS__
#define APUS_SHARED_F64(...) __VA_ARGS__
#include "core/normal.def"

// ---- Uniform

static void uniform_f32(int64_t n, void *out, const uint32_t *words, const apus__draw_options *o) {
    float *restrict result = out;
    float low = (float)o->offset, width = (float)o->scale, top = (float)o->top;
    uint32_t shift = 32u - (uint32_t)o->bits;
    float unit = from_bits_u32((127u - (uint32_t)o->bits) << 23);
    for (int64_t i = 0; i < n; i++) {
        float x = low + (float)(int32_t)(words[i] >> shift) * unit * width;
        result[i] = x < top ? x : top;
    }
}

static void uniform_f64(int64_t n, void *out, const uint32_t *words, const apus__draw_options *o) {
    double *restrict result = out;
    double low = o->offset, width = o->scale, top = o->top;
    for (int64_t i = 0; i < n; i++) {
        double x = low + double_of_53(wide_word(words, i) >> 11) * 0x1p-53 * width;
        result[i] = x < top ? x : top;
    }
}

// ---- Normal

static void normal_f32(int64_t n, void *out, const uint32_t *words, const apus__draw_options *o) {
    float *restrict result = out, mean = (float)o->offset, std = (float)o->scale, x, y;
    for (int64_t i = 0; i < n / 2; i++) {
        pair_f32(words[2 * i], words[2 * i + 1], &x, &y);
        result[2 * i] = mean + std * x;
        result[2 * i + 1] = mean + std * y;
    }
    if (n % 2 == 0) return;
    pair_f32(words[n - 1], words[n], &x, &y);
    result[n - 1] = mean + std * x;
}

static void normal_f64(int64_t n, void *out, const uint32_t *words, const apus__draw_options *o) {
    double *restrict result = out, mean = o->offset, std = o->scale, x, y;
    for (int64_t i = 0; i < n / 2; i++) {
        pair_f64(wide_word(words, 2 * i), wide_word(words, 2 * i + 1), &x, &y);
        result[2 * i] = mean + std * x;
        result[2 * i + 1] = mean + std * y;
    }
    if (n % 2 == 0) return;
    pair_f64(wide_word(words, n - 1), wide_word(words, n), &x, &y);
    result[n - 1] = mean + std * x;
}

// ---- Integers

static void integers32(int64_t n, void *out, const uint32_t *words, const apus__draw_options *o) {
    uint64_t *restrict result = out;
    uint64_t low = (uint64_t)o->low, range = o->range;
    for (int64_t i = 0; i < n; i++) result[i] = low + (words[i] * range >> 32);
}

static void integers64(int64_t n, void *out, const uint32_t *words, const apus__draw_options *o) {
    uint64_t *result = out, low = (uint64_t)o->low, range = o->range;
    for (int64_t i = 0; i < n; i++) {
        uint64_t word = wide_word(words, i);
        result[i] = low + (range == 0 ? word : (uint64_t)((unsigned __int128)word * range >> 64));
    }
}

static void bernoulli(int64_t n, void *out, const uint32_t *words, const apus__draw_options *o) {
    uint8_t *restrict result = out;
    if (o->range > UINT32_MAX) {
        memset(result, 1, (size_t)n);
        return;
    }
    uint32_t limit = (uint32_t)o->range;
    for (int64_t i = 0; i < n; i++) result[i] = words[i] < limit;
}

const apus__random_loops APUS_ISA_NAME(apus__random_loops) = {
    .blocks = blocks,
    .uniform_f32 = uniform_f32,
    .normal_f32 = normal_f32,
    .uniform_f64 = uniform_f64,
    .normal_f64 = normal_f64,
    .integers32 = integers32,
    .integers64 = integers64,
    .bernoulli = bernoulli,
};
