// Generators, and the Philox block function that every device computes.
#ifndef APUS_CORE_RANDOM_H
#define APUS_CORE_RANDOM_H

#include "apus/random.h"

/// Philox4x32's multipliers, and the Weyl sequence that its key follows.
#define APUS__PHILOX_MULTIPLY_0 0xD2511F53u
#define APUS__PHILOX_MULTIPLY_1 0xCD9E8D57u
#define APUS__PHILOX_KEY_0 0x9E3779B9u
#define APUS__PHILOX_KEY_1 0xBB67AE85u

/// 32-bit words in a block.
#define APUS__BLOCK_WORDS 4

/// What one call draws: blocks position, position + 1, … (modulo 2^64) of the stream of `seed`.
typedef struct apus__stream {
    uint64_t seed, position;
} apus__stream;

/// Takes the next `blocks` blocks of a generator (NULL: the default one) for the caller alone.
apus__stream apus__generator_take(apus_generator *g, uint64_t blocks);

/// Philox4x32-10 of any counter and key. Streams use the block's number as the counter's low half, zero as its high
/// half, and the seed as the key, low words first.
void apus__philox(uint32_t block[4], const uint32_t counter[4], const uint32_t key[2]);

#endif
