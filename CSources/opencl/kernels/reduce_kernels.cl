R"CLSRC(
// Reductions, third part: the walks. The struct is apus__cl_reduction in reduce.c. An output's partial results, one a
// part, are at [part][output] and joined in order by `reduce_merge`; where there is one part, it is the result.
#define REDUCED_RANK 8
typedef struct {
    long count, elements, items;                 // outputs; elements an output; work-items
    long width, blocks;                          // outputs that an item takes along kept dim 0; blocks of them there
    long depth, along, steps, part_steps, parts; // elements a step along reduced dim 0; steps there, in all, in a part
    long x_at, out_at, second_at;
    long kept_rank, reduced_rank;
    long kept[REDUCED_RANK], kept_strides[REDUCED_RANK], out_strides[REDUCED_RANK], second_strides[REDUCED_RANK];
    long reduced[REDUCED_RANK], reduced_strides[REDUCED_RANK];
} reduction;

typedef struct {
    long x, out, second;
} places;

// Where dims `first` and up of output number `o` of these are.
static inline places place_of(const reduction *r, ulong o, int first) {
    places p = {r->x_at, r->out_at, r->second_at};
    for (int d = first; d < r->kept_rank; d++) {
        ulong rest = d + 1 < r->kept_rank ? divide(o, r->kept[d]) : 0;
        long place = o - rest * r->kept[d];
        p.x += place * r->kept_strides[d];
        p.out += place * r->out_strides[d];
        p.second += place * r->second_strides[d];
        o = rest;
    }
    return p;
}

// Where step number `step` begins, from an output's first element, and how many elements it has.
static inline long step_of(const reduction *r, ulong step, long *n) {
    ulong outer = divide(step, r->along);
    long first = (long)(step - outer * r->along) * r->depth, at = first * r->reduced_strides[0];
    *n = min(r->depth, r->reduced[0] - first);
    for (int d = 1; d < r->reduced_rank; d++) {
        ulong rest = d + 1 < r->reduced_rank ? divide(outer, r->reduced[d]) : 0;
        at += (long)(outer - rest * r->reduced[d]) * r->reduced_strides[d];
        outer = rest;
    }
    return at;
}

#define ARGUMENTS                                                                                                      \
    const reduction GIVEN(r), const global S *x, global RESULT *out, global RESULT *second, global partial *partials,  \
        REAL correction
#ifdef MOMENTS_RESULT
#define FINISH_ALL(p, at, at_second)                                                                                   \
    do {                                                                                                               \
        STORE_OWN(out, at, (T)((p).squares / max((REAL)r.elements - correction, (REAL)0)));                            \
        if (second != 0) STORE_OWN(second, at_second, (T)(p).mean);                                                    \
    } while (0)
#else
#define FINISH_ALL(p, at, at_second) FINISH(out, at, p, r.elements)
#endif
#define PUT(p, at, at_second, place)                                                                                   \
    do {                                                                                                               \
        if (r.parts > 1)                                                                                               \
            partials[place] = p;                                                                                       \
        else                                                                                                           \
            FINISH_ALL(p, at, at_second);                                                                              \
    } while (0)

#ifdef CPU_CLASS
// Runs along the reduced dim: an item has `width` outputs, of one part, one after the other.
kernel void reduce_rows(ARGUMENTS) {
    TAKE(reduction, r);
    ulong item = get_global_id(0);
    if (item >= r.items) return;
    ulong part = divide(item, r.blocks), block = item - part * r.blocks;
    long last = min((long)(block + 1) * r.width, r.count), end = min((long)(part + 1) * r.part_steps, r.steps);
    for (long o = block * r.width; o < last; o++) {
        places at = place_of(&r, o, 0);
        lanes l = begin();
        partial rest = nothing();
        for (long step = part * r.part_steps; step < end; step++) {
            long n, start = at.x + step_of(&r, step, &n);
            take_run(&l, &rest, x, start, n, r.reduced_strides[0]);
        }
        partial p = fold(l);
        join(&p, rest);
        PUT(p, at.out, at.second, part * r.count + o);
    }
}

// Runs along kept dim 0: an item has COLUMNS outputs side by side.
#define COLUMNS 2048
#define VECTORS (COLUMNS / W)
kernel void reduce_columns(ARGUMENTS) {
    TAKE(reduction, r);
    ulong item = get_global_id(0);
    if (item >= r.items) return;
    ulong all_blocks = divide(r.items, r.parts), part = divide(item, all_blocks), block = item - part * all_blocks;
    ulong outer = divide(block, r.blocks);
    long first = (long)(block - outer * r.blocks) * COLUMNS, n = min((long)COLUMNS, r.kept[0] - first);
    long end = min((long)(part + 1) * r.part_steps, r.steps), vectors = (n + W - 1) / W;
    places at = place_of(&r, outer, 1);
    long across = r.kept_strides[0], down = r.reduced_strides[0];
    at.x += first * across;
    lanes l[VECTORS];
    for (long j = 0; j < vectors; j++) l[j] = begin();
    for (long step = part * r.part_steps; step < end; step++) {
        long depth, row = 0, start = at.x + step_of(&r, step, &depth);
        const global S *from = x + start;
#define NEXT(k) LOADV(from, (row + (k)) * down + j * W)
        if (across == 1 && n % W == 0) {
            for (; row + 8 <= depth; row += 8)
                for (long j = 0; j < vectors; j++)
                    take8(&l[j], NEXT(0), NEXT(1), NEXT(2), NEXT(3), NEXT(4), NEXT(5), NEXT(6), NEXT(7));
        }
#undef NEXT
        for (; row < depth; row++)
            for (long j = 0; j < vectors; j++)
                take(&l[j], load_lanes(from, row * down + j * W * across, across, n - j * W));
    }
    for (long c = 0; c < n; c++) {
        partial p = lane(&l[c / W], c % W);
        PUT(p, at.out + (first + c) * r.out_strides[0], at.second + (first + c) * r.second_strides[0],
            part * r.count + outer * r.kept[0] + first + c);
    }
}
#else
#define GROUP 128
#define GROUP_KERNEL kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void

// The partial results of a work-group's items meet in shared memory; the first item has them all.
static inline partial meet(local partial *shared, partial p) {
    int me = get_local_id(0);
    shared[me] = p;
    for (int apart = GROUP / 2; apart > 0; apart /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (me < apart) {
            p = shared[me];
            join(&p, shared[me + apart]);
            shared[me] = p;
        }
    }
    return p;
}

// A work-group has one part of one output.
GROUP_KERNEL reduce_rows(ARGUMENTS) {
    TAKE(reduction, r);
    local partial shared[GROUP];
    int me = get_local_id(0);
    ulong group = get_group_id(0), part = divide(group, r.count), o = group - part * r.count;
    long end = min((long)(part + 1) * r.part_steps, r.steps);
    places at = place_of(&r, o, 0);
    lanes l = begin();
    partial rest = nothing();
    for (long step = part * r.part_steps; step < end; step++) {
        long n, start = at.x + step_of(&r, step, &n), stride = r.reduced_strides[0], whole = n / W * W;
        for (long i = me * W; i < whole; i += GROUP * W) take(&l, load_lanes(x, start + i * stride, stride, W));
        if (whole + me < n) take_one(&rest, LOAD(x, start + (whole + me) * stride));
    }
    partial p = fold(l);
    join(&p, rest);
    p = meet(shared, p);
    if (me == 0) PUT(p, at.out, at.second, part * r.count + o);
}

// Many parts: a work-group joins those of one output.
GROUP_KERNEL reduce_merge_group(const reduction GIVEN(r), global RESULT *out, global RESULT *second,
                                const global partial *partials, REAL correction) {
    TAKE(reduction, r);
    local partial shared[GROUP];
    int me = get_local_id(0);
    ulong o = get_group_id(0);
    places at = place_of(&r, o, 0);
    partial p = nothing();
    for (long part = me; part < r.parts; part += GROUP) join(&p, partials[part * r.count + o]);
    p = meet(shared, p);
    if (me == 0) FINISH_ALL(p, at.out, at.second);
}

// Neighbouring items have neighbouring outputs.
kernel void reduce_columns(ARGUMENTS) {
    TAKE(reduction, r);
    ulong item = get_global_id(0);
    if (item >= r.items) return;
    ulong part = divide(item, r.count), o = item - part * r.count;
    long end = min((long)(part + 1) * r.part_steps, r.steps);
    places at = place_of(&r, o, 0);
    partial p = nothing();
    for (long step = part * r.part_steps; step < end; step++) {
        long n, start = at.x + step_of(&r, step, &n);
        for (long i = 0; i < n; i++) take_one(&p, LOAD(x, start + i * r.reduced_strides[0]));
    }
    PUT(p, at.out, at.second, part * r.count + o);
}
#endif

kernel void reduce_merge(const reduction GIVEN(r), global RESULT *out, global RESULT *second,
                         const global partial *partials, REAL correction) {
    TAKE(reduction, r);
    ulong o = get_global_id(0);
    if (o >= r.count) return;
    places at = place_of(&r, o, 0);
    partial p = partials[o];
    for (long part = 1; part < r.parts; part++) join(&p, partials[part * r.count + o]);
    FINISH_ALL(p, at.out, at.second);
}
)CLSRC"
