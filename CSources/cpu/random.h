// Random loops of the CPU: what simd/random.h provides for each instruction set.
#ifndef APUS_CPU_RANDOM_H
#define APUS_CPU_RANDOM_H

#include <stdint.h>

#include "cpu/isa.h"

/// The numbers of a distribution; each loop reads those it has a use for.
typedef struct apus__draw_options {
    double offset, scale; ///< uniform: low and high - low; normal: mean and std
    double top;           ///< uniform: the greatest result
    int32_t bits;         ///< uniform: how many bits of a word count
    int64_t low;          ///< integers
    uint64_t range;       ///< integers: how many values, 0 for 2^64; bernoulli: draws below this give 1
} apus__draw_options;

/// Turns words into n values.
typedef void (*apus__draw)(int64_t n, void *out, const uint32_t *words, const apus__draw_options *options);

typedef struct apus__random_loops {
    /// Philox blocks position, position + 1, … of a seed.
    void (*blocks)(int64_t n, uint32_t *words, uint64_t seed, uint64_t position);
    apus__draw uniform_f32, normal_f32; ///< float from a word each
    apus__draw uniform_f64, normal_f64; ///< double from two words each
    apus__draw integers32, integers64;  ///< int64 from one word, from two
    apus__draw bernoulli;               ///< uint8, 0 or 1, from a word
} apus__random_loops;

APUS__DEFINE_LOOPS(apus__random_loops, random)

#endif
