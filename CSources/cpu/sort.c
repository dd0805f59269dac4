// Sorting on the CPU: rows in parallel, or one long row by many threads. Elements become unsigned integers in their
// order, with their index below, so that one sort serves all dtypes, both directions and values and indices together.
#include <string.h>

#include "core/parallel.h"
#include "cpu/allocator.h"
#include "device/sort.h"

enum {
    DIGIT_BITS = 8,
    RADIX = 1 << DIGIT_BITS,
    FEW = 64,    // items that are sorted by insertion
    BLOCK = 128, // elements looked at together when only few are kept
    GRAIN = 16384,
    LONG_CHUNK = 1 << 16,
    LONG_ROW = 2 * LONG_CHUNK, // rows from here on are worth all threads
};

typedef struct job {
    const apus__ranking *ranking;
    const char *input;
    char *values;     ///< NULL where not wanted
    int64_t *indices; ///< NULL where not wanted
    size_t size;      ///< bytes of an element
    uint64_t flip;    ///< ones where keys are turned round
    atomic_bool out_of_memory;
} job;

/// The functions of a type of item.
typedef struct items_kind {
    size_t size;
    int64_t (*row_room)(const apus__ranking *r);
    void (*rank_row)(const job *j, int64_t row, void *scratch);
    /// Room for two items an element; `starts` has RADIX numbers a chunk.
    void (*rank_long_row)(const job *j, int64_t row, void *scratch, int64_t *starts);
} items_kind;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static const char *row_of(const job *j, int64_t row) { return j->input + (size_t)(row * j->ranking->length) * j->size; }

static inline void copy_element(size_t size, char *to, int64_t i, const char *from, int64_t k) {
    switch (size) {
    case 1: ((uint8_t *)to)[i] = ((const uint8_t *)from)[k]; return;
    case 2: ((uint16_t *)(void *)to)[i] = ((const uint16_t *)(const void *)from)[k]; return;
    case 4: ((uint32_t *)(void *)to)[i] = ((const uint32_t *)(const void *)from)[k]; return;
    default: ((uint64_t *)(void *)to)[i] = ((const uint64_t *)(const void *)from)[k];
    }
}

// ---- Keys: unsigned numbers in the order of the elements, from the elements' bits

#define key_unsigned(bits) (bits)
static inline uint8_t key_int8(uint8_t bits) { return bits ^ 0x80; }
static inline uint16_t key_int16(uint16_t bits) { return bits ^ 0x8000; }
static inline uint32_t key_int32(uint32_t bits) { return bits ^ 0x80000000u; }
static inline uint64_t key_int64(uint64_t bits) { return bits ^ 0x8000000000000000u; }

/// Negative numbers run backwards, so all their bits turn; -0 becomes 0, and every NaN the greatest number there is.
#define DEFINE_FLOAT_KEY(name, type, sign, infinity)                                                                   \
    static inline type key_##name(type bits) {                                                                         \
        type magnitude = bits & (type) ~(type)(sign), key = bits & (type)(sign) ? (type)~bits : (type)(bits | (sign)); \
        key = magnitude == 0 ? (type)(sign) : key;                                                                     \
        return magnitude > (type)(infinity) ? (type) ~(type)0 : key;                                                   \
    }
DEFINE_FLOAT_KEY(float16, uint16_t, 0x8000, 0x7c00)
DEFINE_FLOAT_KEY(bfloat16, uint16_t, 0x8000, 0x7f80)
DEFINE_FLOAT_KEY(float32, uint32_t, 0x80000000u, 0x7f800000u)
DEFINE_FLOAT_KEY(float64, uint64_t, 0x8000000000000000u, 0x7ff0000000000000u)

// ---- Items: keys of up to 32 bits in rows that 32 bits count, and all others

#define ITEM uint64_t
#define INDEX_BITS 32
#define NAME(x) x##_narrow
#include "cpu/sort_items.h"
#undef ITEM
#undef INDEX_BITS
#undef NAME

#define ITEM unsigned __int128
#define INDEX_BITS 64
#define NAME(x) x##_wide
#include "cpu/sort_items.h"
#undef ITEM
#undef INDEX_BITS
#undef NAME

static const items_kind *kind_of(const job *j) {
    return j->size <= 4 && j->ranking->length <= UINT32_MAX ? &kind_narrow : &kind_wide;
}

static void rank_rows(void *context, int64_t begin, int64_t end) {
    job *j = context;
    const items_kind *kind = kind_of(j);
    size_t capacity;
    void *scratch = apus__cpu_allocate((size_t)kind->row_room(j->ranking) * kind->size, &capacity);
    if (scratch == NULL) {
        atomic_store_explicit(&j->out_of_memory, true, memory_order_relaxed);
        return;
    }
    for (int64_t row = begin; row < end; row++) kind->rank_row(j, row, scratch);
    apus__cpu_free(scratch, capacity);
}

static void rank_long_rows(job *j) {
    const apus__ranking *r = j->ranking;
    const items_kind *kind = kind_of(j);
    size_t capacity, items = 2 * (size_t)r->length * kind->size;
    char *scratch =
        apus__cpu_allocate(items + (size_t)divide_up(r->length, LONG_CHUNK) * RADIX * sizeof(int64_t), &capacity);
    j->out_of_memory = scratch == NULL;
    if (scratch == NULL) return;
    for (int64_t row = 0; row < r->rows; row++)
        kind->rank_long_row(j, row, scratch, (int64_t *)(void *)(scratch + items));
    apus__cpu_free(scratch, capacity);
}

static apus_status rank(const apus__ranking *r, apus__buffer values, apus__buffer indices, apus__buffer input) {
    job j = {.ranking = r,
             .input = apus__buffer_host(input, r->dtype),
             .values = apus__buffer_host(values, r->dtype),
             .indices = apus__buffer_host(indices, APUS_DTYPE_int64),
             .size = apus_dtype_size(r->dtype),
             .flip = r->descending ? UINT64_MAX : 0};
    if (r->length >= LONG_ROW)
        rank_long_rows(&j);
    else
        apus__parallel_for(r->rows, GRAIN < r->length ? 1 : GRAIN / r->length, rank_rows, &j);
    if (j.out_of_memory)
        return apus__fail(APUS_STATUS_out_of_memory,
                          "out of memory: cannot allocate room to sort rows of %lld elements", (long long)r->length);
    return APUS_STATUS_ok;
}

const apus__sort_table apus__cpu_sort = {.rank = rank};
