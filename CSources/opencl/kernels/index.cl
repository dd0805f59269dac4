R"CLSRC(
// Picking, masks and triangles. Elements go by their size: U as in move.cl, an unsigned integer of 1 to 8 bytes, or two
// of 8 (PAIR).
#ifdef PAIR
#define U ulong2
#else
#define U T
#endif

// The first element outside [low, high) of each of `items` pieces of the index, and then whether there is one in each.
kernel void index_check(const global long *index, long index_at, long count, long piece, long low, long high,
                        long items, global long *first) {
    long item = get_global_id(0);
    if (item >= items) return;
    long i = item * piece, end = min(i + piece, count);
    const global long *p = index + index_at;
    for (; i + 64 <= end; i += 64) {
        long outside = 0;
        for (int j = 0; j < 64; j++) outside |= (p[i + j] < low) | (p[i + j] >= high);
        if (outside) break;
    }
    while (i < end && p[i] >= low && p[i] < high) i++;
    first[item] = i < end ? p[i] : 0;
    first[items + item] = i < end;
}

kernel void index_offsets(const walk GIVEN(w), global long *out, const global long *index, long size, long stride,
                          int add) {
    TAKE(walk, w);
    ulong item = get_global_id(0);
    if (item >= w.items) return;
    long n = item_length(&w, item), to = locate(&w, item, 0), from = locate(&w, item, 1);
    for (long i = 0; i < n; i++) {
        long value = index[from + i * w.o[1].strides[0]];
        value = (value < 0 ? value + size : value) * stride;
        global long *p = out + to + i * w.o[0].strides[0];
        *p = add ? *p + value : value;
    }
}

// An item picks `chunk` elements of the packed result [outer, count, inner].
kernel void index_take(long outer_stride, long count, long inner, long chunk, long all, global U *restrict out,
                       long out_at, const global U *restrict x, long x_at, const global long *restrict offsets,
                       long offsets_at) {
    long i = (long)get_global_id(0) * chunk, end = min(i + chunk, all);
    ulong slice = divide(i, inner), block = divide(slice, count);
    long column = i - (long)slice * inner, place = (long)(slice - block * count);
    while (i < end) {
        const long n = min(inner - column, end - i);
        const global U *from = x + x_at + block * outer_stride + offsets[offsets_at + place] + column;
        global U *to = out + out_at + i;
        for (long k = 0; k < n; k++) to[k] = from[k];
        i += n;
        column = 0;
        if (++place == count) place = 0, block++;
    }
}

// Operands of the walk: what is picked, the index, what it points into; `scale` is that one's stride along the dim.
kernel void index_gather(const walk GIVEN(w), global U *out, const global long *index, const global U *x, long scale) {
    TAKE(walk, w);
    ulong item = get_global_id(0);
    if (item >= w.items) return;
    long n = item_length(&w, item), to = locate(&w, item, 0), at = locate(&w, item, 1), from = locate(&w, item, 2);
    long a = w.o[0].strides[0], b = w.o[1].strides[0], c = w.o[2].strides[0];
    if (a == 1 && b == 1 && c == 0 && scale == 1)
        for (long i = 0; i < n; i++) out[to + i] = x[from + index[at + i]];
    else
        for (long i = 0; i < n; i++) out[to + i * a] = x[from + i * c + index[at + i * b] * scale];
}

// ---- Masks, in chunks: an item of the CPU class, a work-group of the GPU class

#ifdef CPU_CLASS
#define GROUP 1
#else
#define GROUP 128
#endif
#define MASK_CHUNK 16384
#define PIECE (MASK_CHUNK / GROUP)

// How many are true in an item's piece.
static inline long count_piece(const global uchar *mask, long first, long end) {
    uint n = 0;
    for (long i = first; i < end; i++) n += mask[i] != 0;
    return n;
}

kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void mask_count(const global uchar *mask, long mask_at,
                                                                          long count, global long *starts,
                                                                          long starts_at) {
    local long counts[GROUP];
    int me = get_local_id(0);
    long chunk = get_group_id(0), first = chunk * MASK_CHUNK + me * PIECE;
    counts[me] = count_piece(mask + mask_at, first, min(first + PIECE, count));
    barrier(CLK_LOCAL_MEM_FENCE);
    if (me != 0) return;
    long sum = 0;
    for (int i = 0; i < GROUP; i++) sum += counts[i];
    starts[starts_at + chunk] = sum;
}

kernel void mask_starts(global long *starts, long starts_at, long chunks) {
    if (get_global_id(0) != 0) return;
    long sum = 0;
    for (long i = 0; i < chunks; i++) {
        long own = starts[starts_at + i];
        starts[starts_at + i] = sum;
        sum += own;
    }
    starts[starts_at + chunks] = sum;
}

// Walks the true elements of an item's piece: `statement` with i, the element, and to, its number.
#define WALK_TRUE(statement)                                                                                           \
    local long counts[GROUP];                                                                                          \
    int me = get_local_id(0);                                                                                          \
    long chunk = get_group_id(0), i = chunk * MASK_CHUNK + me * PIECE, end = min(i + PIECE, count);                    \
    counts[me] = GROUP > 1 ? count_piece(mask + mask_at, i, end) : 0;                                                  \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                      \
    long to = starts[starts_at + chunk];                                                                               \
    for (int k = 0; k < me; k++) to += counts[k];                                                                      \
    for (; i < end; i++)                                                                                               \
        if (mask[mask_at + i] != 0) {                                                                                  \
            statement;                                                                                                 \
            to++;                                                                                                      \
        }

kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
mask_select(const global uchar *mask, long mask_at, long count, const global long *starts, long starts_at,
            global U *out, long out_at, const global U *x, long x_at) {
#ifdef CPU_CLASS
    // What is not true is overwritten by what comes next: no branch, which nobody could guess.
    long i = get_group_id(0) * MASK_CHUNK, to = starts[starts_at + get_group_id(0)];
    const long end = starts[starts_at + get_group_id(0) + 1];
    for (; to < end; i++) {
        out[out_at + to] = x[x_at + i];
        to += mask[mask_at + i] != 0;
    }
#else
    WALK_TRUE(out[out_at + to] = x[x_at + i])
#endif
}

// One coordinate: `size` of the dim, `inner` elements a step along it.
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
mask_positions(const global uchar *mask, long mask_at, long count, const global long *starts, long starts_at,
               global long *out, long out_at, long rank, long size, long inner) {
    WALK_TRUE(ulong outer = divide(i, inner); out[out_at + to * rank] = outer - divide(outer, size) * size)
}

// An item has `chunk` elements of contiguous matrices.
kernel void triangle(global U *out, long out_at, const global U *x, long x_at, long all, long chunk, long rows,
                     long columns, long diagonal, int upper) {
    long i = (long)get_global_id(0) * chunk, end = min(i + chunk, all);
    while (i < end) {
        ulong row = divide(i, columns), matrix = divide(row, rows);
        long column = i - (long)row * columns, n = min(columns - column, end - i);
        long edge = (long)(row - matrix * rows) + diagonal + (upper ? 0 : 1) - column;
        for (long k = 0; k < n; k++) out[out_at + i + k] = (k < edge) != (upper != 0) ? x[x_at + i + k] : (U)(0);
        i += n;
    }
}
)CLSRC"
