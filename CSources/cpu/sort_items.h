// Sorting and selecting items of the type ITEM, functions named by NAME. Included by sort.c once a type.
//
// An item is an element's key, an unsigned number in the order of the elements, above its index of INDEX_BITS bits. No
// two items of a row are equal, so every way of sorting them is stable and gives the same result.

// ---- From elements

#define DEFINE_LOAD(dtype, type, key)                                                                                  \
    static void NAME(load_##dtype)(const void *data, int64_t first, int64_t n, uint64_t flip, ITEM *items) {           \
        const type *x = (const type *)data + first;                                                                    \
        type mask = (type)flip;                                                                                        \
        for (int64_t i = 0; i < n; i++) items[i] = (ITEM)(type)(key(x[i]) ^ mask) << INDEX_BITS | (ITEM)(first + i);   \
    }
DEFINE_LOAD(uint8, uint8_t, key_unsigned)
DEFINE_LOAD(uint16, uint16_t, key_unsigned)
DEFINE_LOAD(uint32, uint32_t, key_unsigned)
DEFINE_LOAD(uint64, uint64_t, key_unsigned)
DEFINE_LOAD(int8, uint8_t, key_int8)
DEFINE_LOAD(int16, uint16_t, key_int16)
DEFINE_LOAD(int32, uint32_t, key_int32)
DEFINE_LOAD(int64, uint64_t, key_int64)
DEFINE_LOAD(float16, uint16_t, key_float16)
DEFINE_LOAD(bfloat16, uint16_t, key_bfloat16)
DEFINE_LOAD(float32, uint32_t, key_float32)
DEFINE_LOAD(float64, uint64_t, key_float64)
#undef DEFINE_LOAD

/// Makes the items of elements [first, first + n). Where an item is narrow, 64-bit dtypes do not come here.
typedef void (*NAME(loader))(const void *data, int64_t first, int64_t n, uint64_t flip, ITEM *items);
static const NAME(loader) NAME(loaders)[APUS_DTYPE_COUNT] = {
    [APUS_DTYPE_bool] = NAME(load_uint8),        [APUS_DTYPE_uint8] = NAME(load_uint8),
    [APUS_DTYPE_uint16] = NAME(load_uint16),     [APUS_DTYPE_uint32] = NAME(load_uint32),
    [APUS_DTYPE_uint64] = NAME(load_uint64),     [APUS_DTYPE_int8] = NAME(load_int8),
    [APUS_DTYPE_int16] = NAME(load_int16),       [APUS_DTYPE_int32] = NAME(load_int32),
    [APUS_DTYPE_int64] = NAME(load_int64),       [APUS_DTYPE_float16] = NAME(load_float16),
    [APUS_DTYPE_bfloat16] = NAME(load_bfloat16), [APUS_DTYPE_float32] = NAME(load_float32),
    [APUS_DTYPE_float64] = NAME(load_float64),
};

static inline int64_t NAME(index)(ITEM item) { return (int64_t)(item & (((ITEM)1 << INDEX_BITS) - 1)); }
static inline unsigned NAME(digit)(ITEM item, int shift) { return (unsigned)(item >> shift) & (RADIX - 1); }

// ---- Sorting

static void NAME(insertion_sort)(ITEM *items, int64_t n) {
    for (int64_t i = 1; i < n; i++) {
        ITEM item = items[i];
        int64_t place = i;
        for (; place > 0 && items[place - 1] > item; place--) items[place] = items[place - 1];
        items[place] = item;
    }
}

/// Turns counts of digits into where each begins.
static void NAME(begin_digits)(uint32_t *starts) {
    uint32_t sum = 0;
    for (int d = 0; d < RADIX; d++) {
        uint32_t count = starts[d];
        starts[d] = sum;
        sum += count;
    }
}

/// By digits from bit `low` to bit `high`, the lowest first, fewer than 2^32 items. Digits that all share are passed
/// over.
static void NAME(radix_sort)(ITEM *items, ITEM *spare, int64_t n, int low, int high) {
    uint32_t starts[sizeof(ITEM)][RADIX];
    int digits = (high - low) / DIGIT_BITS;
    memset(starts, 0, (size_t)digits * sizeof *starts);
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < digits; d++) starts[d][NAME(digit)(items[i], low + DIGIT_BITS * d)]++;
    ITEM *from = items, *to = spare;
    for (int d = 0; d < digits; d++) {
        int shift = low + DIGIT_BITS * d;
        if (starts[d][NAME(digit)(items[0], shift)] == n) continue;
        NAME(begin_digits)(starts[d]);
        for (int64_t i = 0; i < n; i++) to[starts[d][NAME(digit)(from[i], shift)]++] = from[i];
        ITEM *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) memcpy(items, from, (size_t)n * sizeof(ITEM));
}

/// Sorts fewer than 2^32 items. Where their indices ascend already, the keys decide.
static void NAME(sort)(const job *j, ITEM *items, ITEM *spare, int64_t n, bool indices_ascend) {
    if (n <= FEW)
        NAME(insertion_sort)(items, n);
    else
        NAME(radix_sort)(items, spare, n, indices_ascend ? INDEX_BITS : 0, INDEX_BITS + 8 * (int)j->size);
}

// ---- Selecting

/// Moves items whose digit is below `bucket` to the front, and those above it to the end.
static void NAME(partition)(ITEM *items, int64_t n, int shift, unsigned bucket) {
    int64_t low = 0, high = n;
    for (int64_t i = 0; i < high;) {
        ITEM item = items[i];
        unsigned digit = NAME(digit)(item, shift);
        if (digit < bucket) {
            items[i++] = items[low];
            items[low++] = item;
        } else if (digit > bucket) {
            items[i] = items[--high];
            items[high] = item;
        } else {
            i++;
        }
    }
}

static int NAME(top_bit)(ITEM item) {
    int bit = 0;
    for (int half = (int)sizeof(ITEM) * 4; half > 0; half /= 2)
        if (item >> half != 0) {
            item >>= half;
            bit += half;
        }
    return bit;
}

/// Moves the k least of n items to the front, in any order, 0 < k <= n. Returns the greatest of them. Each round keeps
/// one bucket of the highest digit in which items differ, so that the work is bounded, whatever the items are.
static ITEM NAME(select)(ITEM *items, int64_t n, int64_t k) {
    while (n > FEW) {
        ITEM differs = 0;
        for (int64_t i = 1; i < n; i++) differs |= items[i] ^ items[0];
        int top = NAME(top_bit)(differs), shift = top < DIGIT_BITS ? 0 : top - (DIGIT_BITS - 1);
        int64_t counts[RADIX] = {0}, below = 0;
        for (int64_t i = 0; i < n; i++) counts[NAME(digit)(items[i], shift)]++;
        unsigned bucket = 0;
        while (below + counts[bucket] < k) below += counts[bucket++];
        NAME(partition)(items, n, shift, bucket);
        items += below;
        k -= below;
        n = counts[bucket];
    }
    NAME(insertion_sort)(items, n);
    return items[k - 1];
}

/// Room that `least` needs.
static int64_t NAME(least_room)(int64_t k) { return 2 * k + FEW + BLOCK; }

/// Moves the k least of the elements [first, first + n), or all if there are fewer, to the front of `room`. Returns how
/// many. Most elements are seen to be too great and kept nowhere.
static int64_t NAME(least)(const job *j, const char *x, int64_t first, int64_t n, int64_t k, ITEM *room) {
    ITEM block[BLOCK], limit = ~(ITEM)0;
    int64_t used = 0;
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t count = smaller(BLOCK, n - i);
        NAME(loaders)[j->ranking->dtype](x, first + i, count, j->flip, block);
        for (int64_t b = 0; b < count; b++) {
            room[used] = block[b];
            used += block[b] <= limit;
        }
        if (used <= 2 * k + FEW) continue;
        limit = NAME(select)(room, used, k);
        used = k;
    }
    if (used > k) (void)NAME(select)(room, used, k);
    return smaller(used, k);
}

// ---- Rows

/// Writes the elements of items at places [place, place + n) of a row's result.
static void NAME(write)(const job *j, int64_t row, int64_t place, const ITEM *items, int64_t n) {
    const apus__ranking *r = j->ranking;
    int64_t at = row * r->count + place;
    if (j->values != NULL) {
        const char *x = row_of(j, row);
        for (int64_t i = 0; i < n; i++) copy_element(j->size, j->values, at + i, x, NAME(index)(items[i]));
    }
    if (j->indices != NULL)
        for (int64_t i = 0; i < n; i++) j->indices[at + i] = NAME(index)(items[i]);
}

/// Whether the wanted places are so few that most elements need not be kept.
static bool NAME(is_few)(const apus__ranking *r) { return NAME(least_room)(r->first + r->count) < r->length / 2; }

/// Items that ranking a row takes.
static int64_t NAME(row_room)(const apus__ranking *r) {
    return NAME(is_few)(r) ? NAME(least_room)(r->first + r->count) : r->length + r->count;
}

/// Moves the wanted of n items to the front, in order if that is asked for.
static void NAME(pick)(const job *j, ITEM *room, int64_t n) {
    const apus__ranking *r = j->ranking;
    int64_t end = r->first + r->count;
    if (end < n) (void)NAME(select)(room, n, end);
    if (r->first > 0) {
        (void)NAME(select)(room, end, r->first);
        memmove(room, room + r->first, (size_t)r->count * sizeof(ITEM));
    }
    if (r->sorted) NAME(sort)(j, room, room + r->count, r->count, r->count == r->length);
}

static void NAME(rank_row)(const job *j, int64_t row, void *scratch) {
    const apus__ranking *r = j->ranking;
    ITEM *room = scratch;
    int64_t n = r->length;
    if (NAME(is_few)(r))
        n = NAME(least)(j, row_of(j, row), 0, r->length, r->first + r->count, room);
    else
        NAME(loaders)[r->dtype](row_of(j, row), 0, r->length, j->flip, room);
    NAME(pick)(j, room, n);
    NAME(write)(j, row, 0, room, r->count);
}

// ---- A long row, by many threads

/// Chunks of LONG_CHUNK elements; `starts` has a row of RADIX counts for each.
typedef struct NAME(long_job) {
    const job *j;
    int64_t row, chunks;
    ITEM *from, *to;
    int64_t *starts;
    int shift;
} NAME(long_job);

static int64_t NAME(chunk_end)(const NAME(long_job) * l, int64_t chunk) {
    return smaller((chunk + 1) * LONG_CHUNK, l->j->ranking->length);
}

static void NAME(load_chunks)(void *context, int64_t begin, int64_t end) {
    const NAME(long_job) *l = context;
    for (int64_t c = begin; c < end; c++) {
        int64_t first = c * LONG_CHUNK;
        NAME(loaders)
        [l->j->ranking->dtype](row_of(l->j, l->row), first, NAME(chunk_end)(l, c) - first, l->j->flip, l->from + first);
    }
}

static void NAME(count_chunks)(void *context, int64_t begin, int64_t end) {
    const NAME(long_job) *l = context;
    for (int64_t c = begin; c < end; c++) {
        int64_t *starts = l->starts + c * RADIX;
        memset(starts, 0, RADIX * sizeof *starts);
        for (int64_t i = c * LONG_CHUNK; i < NAME(chunk_end)(l, c); i++) starts[NAME(digit)(l->from[i], l->shift)]++;
    }
}

/// Where each chunk's items of each digit go. False where all items have the same digit.
static bool NAME(begin_chunks)(NAME(long_job) * l) {
    int64_t sum = 0;
    for (int64_t d = 0; d < RADIX; d++) {
        int64_t before = sum;
        for (int64_t c = 0; c < l->chunks; c++) {
            int64_t count = l->starts[c * RADIX + d];
            l->starts[c * RADIX + d] = sum;
            sum += count;
        }
        if (sum - before == l->j->ranking->length) return false;
    }
    return true;
}

static void NAME(spread_chunks)(void *context, int64_t begin, int64_t end) {
    const NAME(long_job) *l = context;
    for (int64_t c = begin; c < end; c++) {
        int64_t *starts = l->starts + c * RADIX;
        for (int64_t i = c * LONG_CHUNK; i < NAME(chunk_end)(l, c); i++)
            l->to[starts[NAME(digit)(l->from[i], l->shift)]++] = l->from[i];
    }
}

static void NAME(write_chunks)(void *context, int64_t begin, int64_t end) {
    const NAME(long_job) *l = context;
    for (int64_t c = begin; c < end; c++) {
        int64_t first = c * LONG_CHUNK;
        NAME(write)(l->j, l->row, first, l->from + first, NAME(chunk_end)(l, c) - first);
    }
}

static void NAME(sort_long_row)(NAME(long_job) * l) {
    apus__parallel_for(l->chunks, 1, NAME(load_chunks), l);
    for (l->shift = INDEX_BITS; l->shift < INDEX_BITS + 8 * (int)l->j->size; l->shift += DIGIT_BITS) {
        apus__parallel_for(l->chunks, 1, NAME(count_chunks), l);
        if (!NAME(begin_chunks)(l)) continue;
        apus__parallel_for(l->chunks, 1, NAME(spread_chunks), l);
        ITEM *swap = l->from;
        l->from = l->to;
        l->to = swap;
    }
    apus__parallel_for(l->chunks, 1, NAME(write_chunks), l);
}

static void NAME(least_chunks)(void *context, int64_t begin, int64_t end) {
    const NAME(long_job) *l = context;
    const apus__ranking *r = l->j->ranking;
    int64_t k = r->first + r->count;
    for (int64_t c = begin; c < end; c++) {
        int64_t first = c * LONG_CHUNK;
        l->starts[c] = NAME(least)(l->j, row_of(l->j, l->row), first, NAME(chunk_end)(l, c) - first, k,
                                   l->from + c * NAME(least_room)(k));
    }
}

/// Picks from the least of each chunk.
static void NAME(pick_from_chunks)(NAME(long_job) * l) {
    int64_t room = NAME(least_room)(l->j->ranking->first + l->j->ranking->count), used = 0;
    apus__parallel_for(l->chunks, 1, NAME(least_chunks), l);
    for (int64_t c = 0; c < l->chunks; c++) {
        memmove(l->from + used, l->from + c * room, (size_t)l->starts[c] * sizeof(ITEM));
        used += l->starts[c];
    }
    NAME(pick)(l->j, l->from, used);
    NAME(write)(l->j, l->row, 0, l->from, l->j->ranking->count);
}

static void NAME(rank_long_row)(const job *j, int64_t row, void *scratch, int64_t *starts) {
    const apus__ranking *r = j->ranking;
    NAME(long_job) l = {.j = j, .row = row, .chunks = divide_up(r->length, LONG_CHUNK), .from = scratch};
    l.to = l.from + r->length;
    l.starts = starts;
    if (r->count == r->length) {
        NAME(sort_long_row)(&l);
    } else if (NAME(least_room)(r->first + r->count) < LONG_CHUNK / 2) {
        NAME(pick_from_chunks)(&l);
    } else {
        apus__parallel_for(l.chunks, 1, NAME(load_chunks), &l);
        NAME(pick)(j, l.from, r->length);
        NAME(write)(j, row, 0, l.from, r->count);
    }
}

static const items_kind NAME(kind) = {sizeof(ITEM), NAME(row_room), NAME(rank_row), NAME(rank_long_row)};
