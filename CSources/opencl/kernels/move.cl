R"CLSRC(
// Copies that keep the dtype, by its size alone: U is an unsigned integer of 1 to 8 bytes, or two of 8 (PAIR).
#ifdef PAIR
#define U ulong2
#else
#define U T
#endif

kernel void move(const walk GIVEN(w), global U *out, const global U *a) {
    TAKE(walk, w);
    ulong item = get_global_id(0);
    if (item >= w.items) return;
    long n = item_length(&w, item), to = locate(&w, item, 0), from = locate(&w, item, 1);
    long to_step = w.o[0].strides[0], from_step = w.o[1].strides[0];
    if (to_step == 1 && from_step == 1) {
        for (long i = 0; i < n; i++) out[to + i] = a[from + i];
    } else {
        for (long i = 0; i < n; i++) out[to + i * to_step] = a[from + i * from_step];
    }
}

// Each element becomes the number that operand 1 is.
kernel void spread(const walk GIVEN(w), global U *out) {
    TAKE(walk, w);
    ulong item = get_global_id(0);
    if (item >= w.items) return;
    long n = item_length(&w, item), to = locate(&w, item, 0), step = w.o[0].strides[0];
#ifdef PAIR
    U value = (U)(w.o[1].bits[0], w.o[1].bits[1]);
#else
    U value = (U)w.o[1].bits[0];
#endif
    for (long i = 0; i < n; i++) out[to + i * step] = value;
}

// Operand 1 runs along dim 1, operand 0 along dim 0: tiles go through shared memory, so that both are read and written
// in lines. A work-group is a tile; items are TILE × TILE of them by dims 0 and (1, the others). chunks is the number of
// tiles along dim 1.
#define TILE 16
kernel __attribute__((reqd_work_group_size(TILE, TILE, 1))) void turn(const walk GIVEN(w), global U *out,
                                                                      const global U *a) {
    TAKE(walk, w);
    local U tile[TILE][TILE + 1];
    long column = get_local_id(0), row = get_local_id(1), first = get_group_id(0) * TILE;
    ulong outer = divide(get_group_id(1), w.chunks);
    long second = (long)(get_group_id(1) - outer * w.chunks) * TILE;
    long to = w.o[0].offset, from = w.o[1].offset;
    for (int d = 2; d < w.rank; d++) {
        ulong rest = divide(outer, w.shape[d]);
        long place = outer - rest * w.shape[d];
        to += place * w.o[0].strides[d];
        from += place * w.o[1].strides[d];
        outer = rest;
    }
    if (second + column < w.shape[1] && first + row < w.shape[0])
        tile[row][column] = a[from + (second + column) * w.o[1].strides[1] + (first + row) * w.o[1].strides[0]];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (first + column < w.shape[0] && second + row < w.shape[1])
        out[to + (first + column) * w.o[0].strides[0] + (second + row) * w.o[0].strides[1]] = tile[column][row];
}
)CLSRC"
