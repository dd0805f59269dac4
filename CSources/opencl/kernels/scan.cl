R"CLSRC(
// Running sums and products along lanes [outer, length, inner], behind a row of reduce.def. Lanes that are contiguous are
// cut into chunks: the total of each, the totals of those before it, then the chunk's elements behind these.

#define ARGUMENTS                                                                                                      \
    const global S *x, long x_at, long length, long chunk, long chunks, long items, global partial *partials
#ifdef CPU_CLASS
kernel void scan_totals(ARGUMENTS) {
    ulong item = get_global_id(0);
    if (item >= items) return;
    ulong row = divide(item, chunks);
    long first = (long)(item - row * chunks) * chunk;
    lanes l = begin();
    partial rest = nothing();
    take_run(&l, &rest, x, x_at + row * length + first, min(chunk, length - first), 1);
    partial p = fold(l);
    join(&p, rest);
    partials[item] = p;
}
kernel void scan_write(ARGUMENTS, global S *out, long out_at) {
    ulong item = get_global_id(0);
    if (item >= items) return;
    ulong row = divide(item, chunks);
    long first = (long)(item - row * chunks) * chunk, n = min(chunk, length - first), at = row * length + first;
    partial p = nothing();
    if (chunks > 1) p = partials[item];
    for (long i = 0; i < n; i++) {
        take_one(&p, LOAD(x, x_at + at + i));
        FINISH(out, out_at + at + i, p, 1);
    }
}
#else
// A chunk is a work-group's; an item has RUN elements of it.
#define GROUP 128
#define RUN 8
static inline partial own_total(const global S *x, long at, long first, long end) {
    partial p = nothing();
    for (long i = first; i < min(first + RUN, end); i++) take_one(&p, LOAD(x, at + i));
    return p;
}
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void scan_totals(ARGUMENTS) {
    local partial shared[GROUP];
    int me = get_local_id(0);
    ulong group = get_group_id(0), row = divide(group, chunks);
    long start = (long)(group - row * chunks) * chunk, end = min(start + chunk, length);
    shared[me] = own_total(x, x_at + row * length, start + me * RUN, end);
    for (int step = 1; step < GROUP; step *= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (me % (2 * step) == 0) {
            partial p = shared[me];
            join(&p, shared[me + step]);
            shared[me] = p;
        }
    }
    if (me == 0) partials[group] = shared[0];
}
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void scan_write(ARGUMENTS, global S *out, long out_at) {
    local partial shared[GROUP];
    int me = get_local_id(0);
    ulong group = get_group_id(0), row = divide(group, chunks);
    long start = (long)(group - row * chunks) * chunk, end = min(start + chunk, length), first = start + me * RUN;
    shared[me] = own_total(x, x_at + row * length, first, end);
    for (int step = 1; step < GROUP; step *= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        partial p = shared[me];
        if (me >= step) {
            p = shared[me - step];
            join(&p, shared[me]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        shared[me] = p;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    partial p = nothing();
    if (chunks > 1) p = partials[group];
    if (me > 0) join(&p, shared[me - 1]);
    for (long i = first; i < min(first + RUN, end); i++) {
        take_one(&p, LOAD(x, x_at + row * length + i));
        FINISH(out, out_at + row * length + i, p, 1);
    }
}
#endif

// Each chunk's total becomes that of the chunks before it.
kernel void scan_starts(global partial *partials, long chunks, long rows) {
    long row = get_global_id(0);
    if (row >= rows) return;
    partial sum = nothing();
    for (long i = row * chunks; i < (row + 1) * chunks; i++) {
        partial own = partials[i];
        partials[i] = sum;
        join(&sum, own);
    }
}

#ifdef KIND_FLOAT
static inline void store_lanes(global S *p, long at, long count, V v) {
    if (count >= W) {
        STOREV(p, at, v);
        return;
    }
    T part[W];
    VSTORE(v, 0, part);
    for (int i = 0; i < count; i++) STORE(p, at + i, part[i]);
}
#else
#define store_lanes(p, at, count, v) STORE(p, at, v)
#endif

// Lanes side by side.
kernel void scan_columns(const global S *x, long x_at, long length, long inner, long blocks, long items,
                         global S *out, long out_at) {
    ulong item = get_global_id(0);
    if (item >= items) return;
    ulong outer = divide(item, blocks);
#ifdef CPU_CLASS
#define COLUMNS 64
    long first = (long)(item - outer * blocks) * COLUMNS, n = min((long)COLUMNS, inner - first);
    lanes l[COLUMNS / W];
    for (int j = 0; j < COLUMNS / W; j++) l[j] = begin();
    for (long row = 0; row < length; row++) {
        long at = (outer * length + row) * inner + first;
        for (long j = 0; j * W < n; j++) {
            take(&l[j], load_lanes(x, x_at + at + j * W, 1, n - j * W));
            store_lanes(out, out_at + at + j * W, n - j * W, VALUE(l[j]));
        }
    }
#else
    long column = item - outer * blocks;
    partial p = nothing();
    for (long row = 0; row < length; row++) {
        long at = (outer * length + row) * inner + column;
        take_one(&p, LOAD(x, x_at + at));
        FINISH(out, out_at + at, p, 1);
    }
#endif
}
)CLSRC"
