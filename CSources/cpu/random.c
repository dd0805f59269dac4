// Filling tensors from a stream, tile by tile: blocks to words, words to values, values to the tensor's dtype.
#include "cpu/random.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "cpu/elementwise.h"
#include "cpu/random_range.h"
#include "device/random.h"

enum { TILE_WORDS = 1024, PIECE_WORDS = 16 * TILE_WORDS };

/// How a distribution makes its values.
typedef struct fill_job {
    const apus__random_target *target;
    apus__draw draw;
    apus_dtype drawn;   ///< what `draw` writes
    int64_t draw_words; ///< words a value takes
    apus__draw_options options;
    char *data;
    apus__loop convert; ///< NULL where draw writes the target's dtype
} fill_job;

static void fill_tile(const fill_job *j, int64_t begin, int64_t n) {
    const apus__random_target *t = j->target;
    _Alignas(64) uint32_t words[TILE_WORDS];
    _Alignas(64) uint64_t values[TILE_WORDS];
    int64_t first = begin * j->draw_words / APUS__BLOCK_WORDS;
    int64_t blocks = (n * j->draw_words + APUS__BLOCK_WORDS - 1) / APUS__BLOCK_WORDS;
    apus__random_loops_current()->blocks(blocks, words, t->stream.seed, t->stream.position + (uint64_t)first);
    char *to = j->data + begin * (int64_t)apus_dtype_size(t->dtype);
    j->draw(n, j->convert == NULL ? (void *)to : values, words, &j->options);
    if (j->convert != NULL) j->convert(n, to, values, NULL, NULL, NULL);
}

static void fill_range(void *context, int64_t begin, int64_t end) {
    const fill_job *j = context;
    int64_t tile = TILE_WORDS / j->draw_words;
    for (int64_t i = begin; i < end; i += tile) fill_tile(j, i, end - i < tile ? end - i : tile);
}

static apus_status fill(fill_job *j) {
    const apus__random_target *t = j->target;
    j->data = apus__buffer_host(t->buffer, t->dtype);
    if (t->dtype != j->drawn) j->convert = apus__elementwise_loops_current()->convert[t->dtype][j->drawn];
    apus__parallel_for(t->count, PIECE_WORDS / j->draw_words, fill_range, j);
    return APUS_STATUS_ok;
}

static apus_status uniform(const apus__random_target *t, double low, double high) {
    const apus__random_loops *loops = apus__random_loops_current();
    bool wide = t->dtype == APUS_DTYPE_float64;
    apus__uniform_range range = apus__uniform_range_of(t->dtype, low, high);
    fill_job j = {
        .target = t,
        .draw = wide ? loops->uniform_f64 : loops->uniform_f32,
        .drawn = wide ? APUS_DTYPE_float64 : APUS_DTYPE_float32,
        .draw_words = wide ? 2 : 1,
        .options = {.offset = range.low, .scale = range.width, .top = range.top, .bits = range.bits},
    };
    return fill(&j);
}

static apus_status normal(const apus__random_target *t, double mean, double std) {
    const apus__random_loops *loops = apus__random_loops_current();
    bool wide = t->dtype == APUS_DTYPE_float64;
    fill_job j = {
        .target = t,
        .draw = wide ? loops->normal_f64 : loops->normal_f32,
        .drawn = wide ? APUS_DTYPE_float64 : APUS_DTYPE_float32,
        .draw_words = wide ? 2 : 1,
        .options = {.offset = mean, .scale = std},
    };
    return fill(&j);
}

static apus_status integers(const apus__random_target *t, int64_t low, uint64_t range) {
    const apus__random_loops *loops = apus__random_loops_current();
    int64_t words = apus__integer_words(range);
    fill_job j = {
        .target = t,
        .draw = words == 2 ? loops->integers64 : loops->integers32,
        .drawn = APUS_DTYPE_int64,
        .draw_words = words,
        .options = {.low = low, .range = range},
    };
    return fill(&j);
}

static apus_status bernoulli(const apus__random_target *t, double p) {
    fill_job j = {
        .target = t,
        .draw = apus__random_loops_current()->bernoulli,
        .drawn = t->dtype == APUS_DTYPE_bool ? APUS_DTYPE_bool : APUS_DTYPE_uint8,
        .draw_words = 1,
        .options = {.range = (uint64_t)rint(p * 0x1p32)},
    };
    return fill(&j);
}

static apus_status permutation(const apus__random_target *t) {
    const apus__random_loops *loops = apus__random_loops_current();
    int64_t *order = apus__buffer_host(t->buffer, APUS_DTYPE_int64);
    for (int64_t i = 0; i < t->count; i++) order[i] = i;
    uint32_t words[TILE_WORDS];
    for (int64_t step = 0; step < t->count - 1; step++) {
        int64_t place = step % (TILE_WORDS / 2);
        if (place == 0)
            loops->blocks(TILE_WORDS / APUS__BLOCK_WORDS, words, t->stream.seed,
                          t->stream.position + (uint64_t)(step / 2));
        int64_t last = t->count - 1 - step;
        uint64_t word = words[2 * place] | (uint64_t)words[2 * place + 1] << 32;
        int64_t chosen = (int64_t)((unsigned __int128)word * (uint64_t)(last + 1) >> 64);
        int64_t swap = order[last];
        order[last] = order[chosen];
        order[chosen] = swap;
    }
    return APUS_STATUS_ok;
}

const apus__random_table apus__cpu_random = {
    .uniform = uniform,
    .normal = normal,
    .integers = integers,
    .bernoulli = bernoulli,
    .permutation = permutation,
};
