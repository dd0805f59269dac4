R"CLSRC(
// Placing. What moves elements goes by their size, as in move.cl; what adds them goes by dtype, with the option ADD.
#ifdef PAIR
#define U ulong2
#else
#define U S
#endif
#ifdef ADD
#define PLACE(p, i, q, j) STORE(p, i, LOAD(p, i) + LOAD(q, j))
#else
#define PLACE(p, i, q, j) ((p)[i] = (q)[j])
#endif

// Slices meet in the order of their offsets: an item has `width` columns of every slice whose offset is its own, by
// offset / inner modulo `owners`.
kernel void index_put(long outer_stride, long count, long inner, long width, long blocks, long owners, long items,
                      global U *x, long x_at, const global U *values, long values_at, const global long *offsets,
                      long offsets_at) {
    ulong item = get_global_id(0);
    if (item >= items) return;
    ulong rest = divide(item, blocks), outer = divide(rest, owners);
    long column = (long)(item - rest * blocks) * width, owner = rest - outer * owners, n = min(width, inner - column);
    global U *to = x + x_at + outer * outer_stride + column;
    const global U *from = values + values_at + outer * count * inner + column;
    for (long i = 0; i < count; i++) {
        long offset = offsets[offsets_at + i];
        if (owners > 1) {
            ulong number = divide(offset, inner);
            if ((long)(number - divide(number, owners) * owners) != owner) continue;
        }
        global U *p = to + offset;
        const global U *q = from + i * inner;
        for (long k = 0; k < n; k++) PLACE(p, k, q, k);
    }
}

// The walk has the dims beside the line's; an item follows its lines in order and places what belongs to its owner.
kernel void index_scatter(const walk GIVEN(w), const global U *source, const global long *index, global U *x,
                          long length, long step, long index_step, long scale, long owners) {
    TAKE(walk, w);
    ulong all = get_global_id(0), item = divide(all, owners);
    long owner = all - item * owners;
    if (item >= w.items) return;
    long n = item_length(&w, item), from = locate(&w, item, 0), at = locate(&w, item, 1), to = locate(&w, item, 2);
    long a = w.o[0].strides[0], b = w.o[1].strides[0], c = w.o[2].strides[0];
    for (long j = 0; j < length; j++)
        for (long i = 0; i < n; i++) {
            long place = index[at + j * index_step + i * b];
            if (owners > 1 && place - (long)divide(place, owners) * owners != owner) continue;
            PLACE(x, to + i * c + place * scale, source, from + j * step + i * a);
        }
}
)CLSRC"
