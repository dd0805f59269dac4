// Random numbers of the device table.
#ifndef APUS_DEVICE_RANDOM_H
#define APUS_DEVICE_RANDOM_H

#include "core/random.h"
#include "device/buffer.h"

/// A contiguous tensor to fill from a stream. Element i uses word i of the stream's blocks, or words 2i and 2i + 1
/// where a draw takes two: floats of 64 bits, and integers of a range above 2^32.
typedef struct apus__random_target {
    apus_dtype dtype;
    int64_t count;
    apus__buffer buffer;
    apus__stream stream;
} apus__random_target;

/// How many words an integer from a range of that many values takes. 0 stands for 2^64.
static inline int64_t apus__integer_words(uint64_t range) { return range - 1 <= UINT32_MAX ? 1 : 2; }

/// Results depend on the stream alone, to the last bit among the CPU's instruction sets.
typedef struct apus__random_table {
    /// low + u (high - low) for u in [0, 1) with as many bits as the dtype's significand; below high unless equal.
    apus_status (*uniform)(const apus__random_target *t, double low, double high);
    /// Box–Muller: elements 2j and 2j + 1 are radius times cosine and sine, of u in (0, 1] and an angle.
    apus_status (*normal)(const apus__random_target *t, double mean, double std);
    /// low + (draw * range >> bits of the draw): every value's probability is right within 2^-32.
    apus_status (*integers)(const apus__random_target *t, int64_t low, uint64_t range);
    /// Whether the draw is below p 2^32, rounded.
    apus_status (*bernoulli)(const apus__random_target *t, double p);
    /// Fisher–Yates from the end, int64, two words a step.
    apus_status (*permutation)(const apus__random_target *t);
} apus__random_table;

extern const apus__random_table apus__cpu_random;

#endif
