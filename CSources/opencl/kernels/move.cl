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

// Operand 1 runs along dim 1, operand 0 along dim 0, and tiles are turned, so that both are read and written in lines.
// chunks is the number of blocks of SIDE elements along dim 1.
#define TILE 16
#ifdef CPU_CLASS
#define SIDE 64
#else
#define SIDE TILE
#endif

// Where block (first, second) of dims 0 and 1 begins in operand k, by the numbers of its blocks along dim 0 and the others.
static inline long block_at(const walk *w, int k, long first, ulong blocks, long *second) {
    ulong outer = divide(blocks, w->chunks);
    *second = (long)(blocks - outer * w->chunks) * SIDE;
    long at = w->o[k].offset + first * w->o[k].strides[0] + *second * w->o[k].strides[1];
    for (int d = 2; d < w->rank; d++) {
        ulong rest = divide(outer, w->shape[d]);
        at += (long)(outer - rest * w->shape[d]) * w->o[k].strides[d];
        outer = rest;
    }
    return at;
}

#ifdef CPU_CLASS
// `rows` elements along dim 0 by `columns` along dim 1.
static inline void turn_tile(global U *out, long down, const global U *a, long across, long rows, long columns) {
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < columns; j++) out[i + j * down] = a[i * across + j];
}

// The same of TILE × TILE elements; the compiler knows their number.
static inline void turn_whole_tile(global U *out, long down, const global U *a, long across) {
    U tile[TILE][TILE];
    for (int i = 0; i < TILE; i++)
        for (int j = 0; j < TILE; j++) tile[i][j] = a[i * across + j];
    for (int j = 0; j < TILE; j++)
        for (int i = 0; i < TILE; i++) out[j * down + i] = tile[i][j];
}

// An item turns a block. Items are blocks by dims 0 and (1, the others).
kernel void turn(const walk GIVEN(w), global U *out, const global U *a) {
    TAKE(walk, w);
    const long first = get_global_id(0) * SIDE;
    long second;
    global U *to = out + block_at(&w, 0, first, get_global_id(1), &second);
    const global U *from = a + block_at(&w, 1, first, get_global_id(1), &second);
    const long down = w.o[0].strides[1], across = w.o[1].strides[0];
    const long rows = min((long)SIDE, w.shape[0] - first), columns = min((long)SIDE, w.shape[1] - second);
    for (long j = 0; j < columns; j += TILE)
        for (long i = 0; i < rows; i += TILE) {
            if (rows - i >= TILE && columns - j >= TILE)
                turn_whole_tile(to + i + j * down, down, from + i * across + j, across);
            else
                turn_tile(to + i + j * down, down, from + i * across + j, across, min((long)TILE, rows - i),
                          min((long)TILE, columns - j));
        }
}
#else
// A work-group turns a tile through shared memory; items are TILE × TILE of tiles by dims 0 and (1, the others).
kernel __attribute__((reqd_work_group_size(TILE, TILE, 1))) void turn(const walk GIVEN(w), global U *out,
                                                                      const global U *a) {
    TAKE(walk, w);
    local U tile[TILE][TILE + 1];
    const long column = get_local_id(0), row = get_local_id(1), first = get_group_id(0) * TILE;
    long second;
    global U *to = out + block_at(&w, 0, first, get_group_id(1), &second);
    const global U *from = a + block_at(&w, 1, first, get_group_id(1), &second);
    if (second + column < w.shape[1] && first + row < w.shape[0])
        tile[row][column] = from[column * w.o[1].strides[1] + row * w.o[1].strides[0]];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (first + column < w.shape[0] && second + row < w.shape[1])
        to[column * w.o[0].strides[0] + row * w.o[0].strides[1]] = tile[column][row];
}
#endif
)CLSRC"
