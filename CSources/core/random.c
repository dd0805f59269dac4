// Generators.
#include "core/random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/error.h"

// The default generator starts the same way in every process, so that programs can be repeated; PyTorch's number.
#define DEFAULT_SEED 67280421310721u

struct apus_generator {
    atomic_int references;
    pthread_mutex_t lock; // guards the stream
    apus__stream stream;  // where the next call starts
};

static apus_generator default_generator = {
    .references = 1, .lock = PTHREAD_MUTEX_INITIALIZER, .stream = {DEFAULT_SEED, 0}};

static apus_generator *resolve(apus_generator *g) { return g == NULL ? &default_generator : g; }

apus_status apus_generator_new(apus_generator **out, uint64_t seed) {
    APUS_REQUIRE("generator_new", out);
    apus_generator *g = malloc(sizeof *g);
    if (g == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot make a generator");
    atomic_init(&g->references, 1);
    pthread_mutex_init(&g->lock, NULL);
    g->stream = (apus__stream){seed, 0};
    *out = g;
    return APUS_STATUS_ok;
}

apus_generator *apus_generator_retain(apus_generator *g) {
    if (g != NULL) atomic_fetch_add_explicit(&g->references, 1, memory_order_relaxed);
    return g;
}

void apus_generator_release(apus_generator *g) {
    if (g == NULL || atomic_fetch_sub_explicit(&g->references, 1, memory_order_acq_rel) != 1) return;
    pthread_mutex_destroy(&g->lock);
    free(g);
}

void apus_generator_set_state(apus_generator *g, uint64_t seed, uint64_t position) {
    g = resolve(g);
    pthread_mutex_lock(&g->lock);
    g->stream = (apus__stream){seed, position};
    pthread_mutex_unlock(&g->lock);
}

void apus_generator_seed(apus_generator *g, uint64_t seed) { apus_generator_set_state(g, seed, 0); }

static apus__stream advance(apus_generator *g, uint64_t blocks) {
    g = resolve(g);
    pthread_mutex_lock(&g->lock);
    apus__stream stream = g->stream;
    g->stream.position += blocks;
    pthread_mutex_unlock(&g->lock);
    return stream;
}

void apus_generator_get_state(apus_generator *g, uint64_t *seed, uint64_t *position) {
    apus__stream stream = advance(g, 0);
    if (seed != NULL) *seed = stream.seed;
    if (position != NULL) *position = stream.position;
}

apus__stream apus__generator_take(apus_generator *g, uint64_t blocks) { return advance(g, blocks); }

void apus__philox(uint32_t block[4], const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k[2] = {key[0], key[1]};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)APUS__PHILOX_MULTIPLY_0 * c[0], b = (uint64_t)APUS__PHILOX_MULTIPLY_1 * c[2];
        c[0] = (uint32_t)(b >> 32) ^ c[1] ^ k[0];
        c[1] = (uint32_t)b;
        c[2] = (uint32_t)(a >> 32) ^ c[3] ^ k[1];
        c[3] = (uint32_t)a;
        k[0] += APUS__PHILOX_KEY_0;
        k[1] += APUS__PHILOX_KEY_1;
    }
    for (int i = 0; i < 4; i++) block[i] = c[i];
}
