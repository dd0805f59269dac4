/// Random numbers from Philox4x32-10 (Salmon et al., SC 2011, doi:10.1145/2063384.2063405).
///
/// The generator is counter-based: element i of a call depends on the seed, the calls before and i alone, never on
/// threads, strides or the device.
/// Threads: a generator may be shared; calls take turns. A NULL generator means the process's default one,
/// which starts with the seed 67280421310721.
#ifndef APUS_RANDOM_H
#define APUS_RANDOM_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// A stream of random numbers and the place in it. Reference counted.
typedef struct apus_generator apus_generator;

/// A generator that the caller owns, at the start of the stream of `seed`.
APUS_API APUS_NODISCARD apus_status apus_generator_new(apus_generator **out, uint64_t seed);
/// Adds an owner. Returns `g`. NULL is allowed.
APUS_API apus_generator *apus_generator_retain(apus_generator *g);
/// Drops an owner; the last one frees. NULL is allowed, and leaves the default generator alone.
APUS_API void apus_generator_release(apus_generator *g);
/// Starts the stream anew.
APUS_API void apus_generator_seed(apus_generator *g, uint64_t seed);
/// Reads the whole state: seed, and the number of 4×32-bit blocks drawn. Either pointer may be NULL.
APUS_API void apus_generator_get_state(apus_generator *g, uint64_t *seed, uint64_t *position);
/// Goes to a place in a stream, as `apus_generator_get_state` gave it.
APUS_API void apus_generator_set_state(apus_generator *g, uint64_t seed, uint64_t position);

/// Fills with values from [low, high). Floats only.
APUS_API APUS_NODISCARD apus_status apus_uniform(apus_tensor *t, double low, double high, apus_generator *g);
/// Fills with normal values (Box–Muller). Floats only.
APUS_API APUS_NODISCARD apus_status apus_normal(apus_tensor *t, double mean, double std, apus_generator *g);
/// Fills with integers from [low, high). Any dtype but complex; the bounds must be exact in it. A value's probability
/// is right within 2^-32.
APUS_API APUS_NODISCARD apus_status apus_randint(apus_tensor *t, int64_t low, int64_t high, apus_generator *g);
/// Fills with 1 with probability p, rounded to a multiple of 2^-32, else 0. Any dtype but complex.
APUS_API APUS_NODISCARD apus_status apus_bernoulli(apus_tensor *t, double p, apus_generator *g);
/// A random order of 0 … n - 1, int64.
APUS_API APUS_NODISCARD apus_status apus_randperm(apus_tensor **out, int64_t n, apus_generator *g);

APUS_END_DECLS

#endif
