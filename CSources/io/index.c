#include "io/index.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/// Different in every process, so that no file can be made whose names all meet in one place.
static uint64_t seed(void) {
    static atomic_uint_fast64_t value;
    uint_fast64_t known = atomic_load_explicit(&value, memory_order_relaxed);
    if (known != 0) return known;
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    uint_fast64_t fresh = ((uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)&now) | 1;
    return atomic_compare_exchange_strong(&value, &known, fresh) ? fresh : known;
}

/// The high and low half of a product, folded: each bit of the result depends on all bits of both.
static uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash(const char *text, size_t length) {
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t state = mix(seed() ^ length, odd), word;
    for (; length >= 8; text += 8, length -= 8) {
        memcpy(&word, text, 8);
        state = mix(state ^ word, odd ^ seed());
    }
    word = 0;
    memcpy(&word, text, length);
    return mix(state ^ word, odd);
}

size_t apus__index_find(const apus__index *index, const char *text, size_t length, apus__index_text text_of,
                        const void *items) {
    if (index->capacity == 0) return APUS__NOT_FOUND;
    for (size_t slot = hash(text, length) & (index->capacity - 1); index->slots[slot] != 0;
         slot = (slot + 1) & (index->capacity - 1)) {
        size_t other_length, position = index->slots[slot] - 1;
        const char *other = text_of(items, position, &other_length);
        if (other_length == length && memcmp(other, text, length) == 0) return position;
    }
    return APUS__NOT_FOUND;
}

static void put(apus__index *index, size_t position, apus__index_text text_of, const void *items) {
    size_t length;
    const char *text = text_of(items, position, &length);
    size_t slot = hash(text, length) & (index->capacity - 1);
    while (index->slots[slot] != 0) slot = (slot + 1) & (index->capacity - 1);
    index->slots[slot] = position + 1;
    index->count++;
}

apus_status apus__index_add(apus__index *index, size_t position, apus__index_text text_of, const void *items) {
    if (2 * index->count >= index->capacity) {
        apus__index grown = {.capacity = index->capacity == 0 ? 16 : 2 * index->capacity};
        grown.slots = calloc(grown.capacity, sizeof *grown.slots);
        if (grown.slots == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many names");
        for (size_t i = 0; i < index->capacity; i++)
            if (index->slots[i] != 0) put(&grown, index->slots[i] - 1, text_of, items);
        apus__index_free(index);
        *index = grown;
    }
    put(index, position, text_of, items);
    return APUS_STATUS_ok;
}

void apus__index_free(apus__index *index) {
    free(index->slots);
    *index = (apus__index){0};
}
