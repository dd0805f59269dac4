R"CLSRC(
// Order along rows. An element becomes an item: its key, an unsigned number in the order of the elements, with its index
// below. No two items of a row are equal, so that every way of sorting them gives the same result, and a stable one.
// Blocks of a row are sorted by themselves, then merged two by two; of each run only the first `keep` items count.
//   BITS    an element's bits
//   ITEM    ulong: key and index of 32 bits each; with the option WIDE ulong2: index, key
#if defined(DTYPE_float64) || defined(DTYPE_int64) || defined(DTYPE_uint64)
#define BITS ulong
#elif defined(DTYPE_float32) || defined(DTYPE_int32) || defined(DTYPE_uint32)
#define BITS uint
#elif defined(DTYPE_float16) || defined(DTYPE_bfloat16) || defined(DTYPE_int16) || defined(DTYPE_uint16)
#define BITS ushort
#else
#define BITS uchar
#endif
#define SIGN ((BITS)1 << (8 * sizeof(BITS) - 1))

#if defined(DTYPE_float64)
#define INFINITE 0x7ff0000000000000ul
#elif defined(DTYPE_float32)
#define INFINITE 0x7f800000u
#elif defined(DTYPE_float16)
#define INFINITE 0x7c00
#elif defined(DTYPE_bfloat16)
#define INFINITE 0x7f80
#endif

// Negative floats run backwards, so all their bits turn; -0 becomes 0, and every NaN the greatest number there is.
static inline BITS key_of(BITS bits) {
#if defined(KIND_FLOAT)
    BITS magnitude = bits & (BITS)~SIGN;
    BITS key = bits ^ ((BITS)-(bits >> (8 * sizeof(BITS) - 1)) | SIGN);
    key = magnitude == 0 ? SIGN : key;
    return magnitude > INFINITE ? (BITS)~(BITS)0 : key;
#elif defined(DTYPE_int8) || defined(DTYPE_int16) || defined(DTYPE_int32) || defined(DTYPE_int64)
    return bits ^ SIGN;
#else
    return bits;
#endif
}

#ifdef WIDE
#define ITEM ulong2
#define LESS(a, b) ((a).y < (b).y || ((a).y == (b).y && (a).x < (b).x))
#define INDEX_OF(item) ((long)(item).x)
#define DIGIT(item, d) ((uint)((item).y >> 8 * (d)) & 255)
static inline ITEM make_item(BITS key, long index) { return (ITEM)((ulong)index, key); }
#define LAST_ITEM(index) ((ITEM)((ulong)(index), ULONG_MAX))
#else
#define ITEM ulong
#define LESS(a, b) ((a) < (b))
#define INDEX_OF(item) ((long)((item) & 0xffffffffu))
#define DIGIT(item, d) ((uint)((item) >> 8 * (d) + 32) & 255)
static inline ITEM make_item(BITS key, long index) { return (ulong)key << 32 | (ulong)index; }
#define LAST_ITEM(index) (0xfffffffful << 32 | (ulong)(index))
#endif

// What stands in some places of a row's order. Elements are fetched by index, so that their bits stay.
static inline void take_places(global BITS *values, long values_at, global long *indices, long indices_at,
                               const global ITEM *order, const global BITS *x, long count) {
    for (long i = 0; i < count; i++) {
        const long index = INDEX_OF(order[i]);
        if (values != 0) values[values_at + i] = x[index];
        if (indices != 0) indices[indices_at + i] = index;
    }
}

#ifdef CPU_CLASS

#define FEW 64

static inline void insert(global ITEM *sorted, long n, ITEM item) {
    for (; n > 0 && LESS(item, sorted[n - 1]); n--) sorted[n] = sorted[n - 1];
    sorted[n] = item;
}

#define DIGITS ((int)sizeof(BITS))
#define ELEMENT(x, i) make_item(key_of(x[i]) ^ flip, first + (i))

// By digits of the key, the lowest first; indices ascend already. Digits that all items share are passed over. The order
// ends in `items` or in `spare`.
static inline global ITEM *sort_digits(global ITEM *items, global ITEM *spare, long n) {
    uint starts[sizeof(BITS)][256];
    for (int d = 0; d < DIGITS; d++)
        for (int k = 0; k < 256; k++) starts[d][k] = 0;
    for (long i = 0; i < n; i++)
        for (int d = 0; d < DIGITS; d++) starts[d][DIGIT(items[i], d)]++;
    for (int d = 0; d < DIGITS; d++) {
        if (starts[d][DIGIT(items[0], d)] == n) continue;
        uint sum = 0;
        for (int k = 0; k < 256; k++) {
            uint count = starts[d][k];
            starts[d][k] = sum;
            sum += count;
        }
        for (long i = 0; i < n; i++) {
            const ITEM item = items[i];
            spare[starts[d][DIGIT(item, d)]++] = item;
        }
        global ITEM *swap = items;
        items = spare;
        spare = swap;
    }
    return items;
}

// The elements of a run that begins at `first` of its row: all in order, or the `keep` that come first, in `out` or in
// `spare`.
static inline global ITEM *sort_run(global ITEM *out, global ITEM *spare, const global BITS *x, long first, long n,
                                    long keep, BITS flip) {
    if (n > FEW && keep > FEW) {
        for (long i = 0; i < n; i++) out[i] = ELEMENT(x, i);
        return sort_digits(out, spare, n);
    }
    long kept = 0;
    for (long i = 0; i < n; i++) {
        const ITEM item = ELEMENT(x, i);
        if (kept < keep) insert(out, kept++, item);
        else if (LESS(item, out[keep - 1])) insert(out, keep - 1, item);
    }
    return out;
}

// An item sorts a block.
kernel void sort_blocks(global ITEM *out, global ITEM *spare, const global BITS *x, long x_at, long length, long block,
                        long keep, long blocks, long items, ulong flip) {
    ulong group = get_global_id(0);
    if (group >= items) return;
    ulong row = divide(group, blocks);
    long first = (long)(group - row * blocks) * block, at = row * length + first, n = min(block, length - first);
    const global ITEM *order = sort_run(out + at, spare + at, x + x_at + at, first, n, keep, (BITS)flip);
    for (long i = at; i < at + n && order != out + at; i++) out[i] = spare[i];
}

// An item sorts whole rows, one after the other in the same memory, which stays in its cache.
kernel void sort_rows(global BITS *values, long values_at, global long *indices, long indices_at, global ITEM *scratch,
                      const global BITS *x, long x_at, long length, long first, long count, long rows, long chunk,
                      ulong flip) {
    global ITEM *items = scratch + get_global_id(0) * 2 * length;
    const long start = get_global_id(0) * chunk, end = min(rows, start + chunk);
    for (long row = start; row < end; row++) {
        const global BITS *elements = x + x_at + row * length;
        const global ITEM *order =
            sort_run(items, items + length, elements, 0, length, first + count, (BITS)flip);
        take_places(values, values_at + row * count, indices, indices_at + row * count, order + first, elements, count);
    }
}

#else

#define GROUP 128
#define BLOCK (2 * GROUP)

// A work-group sorts a block by Batcher's bitonic network (AFIPS 1968). Past the row's end stand items behind all others.
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
sort_blocks(global ITEM *out, global ITEM *spare, const global BITS *x, long x_at, long length, long block, long keep,
            long blocks, long items, ulong flip) {
    local ITEM shared[BLOCK];
    const int me = get_local_id(0);
    ulong group = get_group_id(0), row = divide(group, blocks);
    long first = (long)(group - row * blocks) * BLOCK;
    x += x_at + row * length;
    for (int k = me; k < BLOCK; k += GROUP) {
        long i = first + k;
        shared[k] = i < length ? make_item(key_of(x[i]) ^ (BITS)flip, i) : LAST_ITEM(i);
    }
    for (int size = 2; size <= BLOCK; size *= 2)
        for (int apart = size / 2; apart > 0; apart /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE);
            int low = 2 * me - (me & (apart - 1)), high = low + apart;
            ITEM a = shared[low], b = shared[high];
            if (LESS(b, a) == ((low & size) == 0)) {
                shared[low] = b;
                shared[high] = a;
            }
        }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int k = me; k < BLOCK; k += GROUP)
        if (first + k < length && k < keep) out[row * length + first + k] = shared[k];
}

#endif

// Merges runs that stand `width` apart, two by two. An item writes `count` places of a merged run: where they begin in
// the two is found by halving, since the first places of both that together are as many have all others behind them.
kernel void sort_merge(global ITEM *out, const global ITEM *in, long length, long width, long keep, long count,
                       long pieces, long pairs, long items) {
    ulong item = get_global_id(0);
    if (item >= items) return;
    ulong pair = divide(item, pieces), row = divide(pair, pairs);
    long from = (long)(pair - row * pairs) * 2 * width, place = (long)(item - pair * pieces) * count;
    long a_count = min(keep, min(width, length - from)), b_count = min(keep, clamp(length - from - width, 0L, width));
    long end = min(min(keep, a_count + b_count), place + count);
    const global ITEM *a = in + row * length + from, *b = a + width;
    out += row * length + from;
    long low = max(0L, place - b_count), high = min(place, a_count);
    while (low < high) {
        long middle = (low + high) / 2;
        if (LESS(a[middle], b[place - 1 - middle])) low = middle + 1;
        else high = middle;
    }
    long i = low, j = place - low;
    // Which run is next nobody can guess: both are read and one is taken, without a branch.
    for (; place < end && i < a_count && j < b_count; place++) {
        const ITEM x = a[i], y = b[j];
        const int is_first = LESS(x, y) ? 1 : 0;
        out[place] = is_first ? x : y;
        i += is_first;
        j += 1 - is_first;
    }
    for (; place < end && i < a_count; place++) out[place] = a[i++];
    for (; place < end; place++) out[place] = b[j++];
}

// The wanted places of each row's order; an item writes `chunk` of them.
kernel void sort_finish(global BITS *values, long values_at, global long *indices, long indices_at,
                        const global ITEM *order, const global BITS *x, long x_at, long length, long first, long count,
                        long chunk, long pieces, long items) {
    ulong item = get_global_id(0);
    if (item >= items) return;
    ulong row = divide(item, pieces);
    long place = (long)(item - row * pieces) * chunk, at = row * count + place;
    take_places(values, values_at + at, indices, indices_at + at, order + row * length + first + place,
                x + x_at + row * length, min(chunk, count - place));
}
)CLSRC"
