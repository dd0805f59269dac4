// Picking and placing elements on the CPU. Work is split over elements that are written by nobody else: over what is
// picked, over lines, or over ranges of the target; never over sources that may meet.
#include <string.h>

#include "core/parallel.h"
#include "cpu/index_loops.h"
#include "device/index.h"

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t pieces_of(int64_t count, int64_t size) { return (count + size - 1) / size; }
static int64_t *host_int64(apus__buffer b) { return apus__buffer_host(b, APUS_DTYPE_int64); }

/// How many things of `bytes` each make a piece worth a thread.
static int64_t grain_of(int64_t bytes) {
    int64_t grain = APUS__GRAIN_BYTES / (bytes < 1 ? 1 : bytes);
    return grain < 1 ? 1 : grain;
}

// ---- Indices

typedef struct check_job {
    const int64_t *index;
    int64_t low, high;
    atomic_bool outside;
} check_job;

static void check_range(void *context, int64_t begin, int64_t end) {
    check_job *j = context;
    // The sign of either difference tells, and those can be or-ed by every instruction set. Wrapping only happens far
    // outside, and turns the sign of the difference to negative.
    uint64_t low = (uint64_t)j->low, last = (uint64_t)j->high - 1, signs = 0;
    for (int64_t i = begin; i < end; i++) signs |= ((uint64_t)j->index[i] - low) | (last - (uint64_t)j->index[i]);
    if (signs >> 63 != 0) atomic_store_explicit(&j->outside, true, memory_order_relaxed);
}

static apus_status check(apus__buffer index, int64_t count, int64_t low, int64_t high, bool *found, int64_t *outside) {
    check_job j = {.index = host_int64(index), .low = low, .high = high};
    apus__parallel_for(count, grain_of(sizeof(int64_t)), check_range, &j);
    *found = j.outside;
    if (!*found) return APUS_STATUS_ok;
    int64_t i = 0;
    while (j.index[i] >= low && j.index[i] < high) i++;
    *outside = j.index[i];
    return APUS_STATUS_ok;
}

typedef struct offsets_job {
    const apus__plan *plan;
    int64_t size, stride;
    bool add;
} offsets_job;

/// Offsets, in elements, of the plan's operands at place `row` of its dims from the second on.
static void row_offsets(const apus__plan *plan, int64_t row, int64_t *offsets) {
    for (int32_t i = 0; i < plan->count; i++) offsets[i] = 0;
    for (int32_t d = 1; d < plan->rank; d++) {
        int64_t place = row % plan->shape[d];
        row /= plan->shape[d];
        for (int32_t i = 0; i < plan->count; i++) offsets[i] += place * plan->operands[i].strides[d];
    }
}

static void offsets_rows(void *context, int64_t begin, int64_t end) {
    const offsets_job *j = context;
    const apus__plan *plan = j->plan;
    int64_t *out = (int64_t *)apus__plan_host(plan, 0);
    const int64_t *index = (const int64_t *)apus__plan_host(plan, 1);
    int64_t out_step = plan->operands[0].strides[0], step = plan->operands[1].strides[0], at[2];
    for (int64_t row = begin; row < end; row++) {
        row_offsets(plan, row, at);
        for (int64_t i = 0; i < plan->shape[0]; i++) {
            int64_t value = index[at[1] + i * step], *to = &out[at[0] + i * out_step];
            value = (value < 0 ? value + j->size : value) * j->stride;
            *to = j->add ? *to + value : value;
        }
    }
}

static apus_status offsets(const apus__plan *plan, int64_t size, int64_t stride, bool add) {
    if (plan->numel == 0) return APUS_STATUS_ok;
    offsets_job j = {plan, size, stride, add};
    apus__parallel_for(plan->numel / plan->shape[0], grain_of(plan->shape[0] * 2 * (int64_t)sizeof(int64_t)),
                       offsets_rows, &j);
    return APUS_STATUS_ok;
}

// ---- Slices

/// Pieces are numbered with the blocks outermost, then ranges of offsets.
typedef struct slice_job {
    const apus__slices *slices;
    apus__slice_loop loop;
    char *packed, *x;
    const int64_t *offsets;
    int64_t size;          ///< bytes of an element
    int64_t ranges, range; ///< how many, and offsets in each
} slice_job;

static slice_job slice_job_of(const apus__slices *s, apus__buffer packed, apus__buffer x, apus__buffer offsets) {
    return (slice_job){
        .slices = s,
        .packed = apus__buffer_host(packed, s->dtype),
        .x = apus__buffer_host(x, s->dtype),
        .offsets = host_int64(offsets),
        .size = (int64_t)apus_dtype_size(s->dtype),
    };
}

static void take_range(void *context, int64_t begin, int64_t end) {
    const slice_job *j = context;
    const apus__slices *s = j->slices;
    while (begin < end) {
        int64_t block = begin / s->count, first = begin % s->count, count = smaller(end - begin, s->count - first);
        apus__slice_tile tile = {j->offsets + first, count, s->inner, 0, 0};
        j->loop(&tile, j->packed + begin * s->inner * j->size, j->x + block * s->outer_stride * j->size);
        begin += count;
    }
}

static apus_status take(const apus__slices *s, apus__buffer out, apus__buffer x, apus__buffer offsets) {
    slice_job j = slice_job_of(s, out, x, offsets);
    j.loop = apus__move_loops_of((size_t)j.size)->take;
    apus__parallel_for(s->outer * s->count, grain_of(s->inner * j.size), take_range, &j);
    return APUS_STATUS_ok;
}

static void put_pieces(void *context, int64_t begin, int64_t end) {
    const slice_job *j = context;
    const apus__slices *s = j->slices;
    for (int64_t piece = begin; piece < end; piece++) {
        int64_t block = piece / j->ranges, start = piece % j->ranges * j->range;
        apus__slice_tile tile = {j->offsets, s->count, s->inner, start, start + j->range};
        j->loop(&tile, j->packed + block * s->count * s->inner * j->size, j->x + block * s->outer_stride * j->size);
    }
}

/// Every range reads all offsets, which wide slices make up for.
static int64_t range_count(const apus__slices *s, int64_t size) {
    enum { RANGES = 8, WIDE_BYTES = 128 };
    bool pays = s->inner * size >= WIDE_BYTES && s->count * s->inner * size >= 2 * APUS__GRAIN_BYTES;
    return pays ? RANGES : 1;
}

static apus_status put(const apus__slices *s, apus__buffer x, apus__buffer values, apus__buffer offsets, bool add) {
    slice_job j = slice_job_of(s, values, x, offsets);
    j.loop = add ? apus__add_loops_of[s->dtype].put : apus__move_loops_of((size_t)j.size)->put;
    j.ranges = range_count(s, j.size);
    int64_t last = 0; // a single range needs no bounds
    for (int64_t i = 0; j.ranges > 1 && i < s->count; i++) last = j.offsets[i] > last ? j.offsets[i] : last;
    j.range = j.ranges > 1 ? pieces_of(last + 1, j.ranges) : INT64_MAX;
    apus__parallel_for(s->outer * j.ranges, grain_of(s->count * s->inner * j.size / j.ranges), put_pieces, &j);
    return APUS_STATUS_ok;
}

// ---- Lines

/// Pieces are numbered with the plan's rows outermost, then pieces of its first dim, then pieces of the line.
typedef struct line_job {
    const apus__lines *lines;
    apus__line_loop loop;
    int64_t across, along; ///< of a piece: elements of the plan's first dim, and of the line
    int64_t across_pieces, along_pieces;
    bool line_inside; ///< the line is the faster walk
} line_job;

static void line_pieces(void *context, int64_t begin, int64_t end) {
    const line_job *j = context;
    const apus__lines *l = j->lines;
    for (int64_t piece = begin; piece < end; piece++) {
        int64_t start = piece % j->along_pieces * j->along, rest = piece / j->along_pieces;
        int64_t first = rest % j->across_pieces * j->across, at[3];
        row_offsets(&l->plan, rest / j->across_pieces, at);
        apus__line_tile tile = {.rows = smaller(j->along, l->length - start),
                                .columns = smaller(j->across, l->plan.shape[0] - first),
                                .scale = l->strides[2]};
        char *data[3];
        for (int i = 0; i < 3; i++) {
            int64_t step = l->plan.operands[i].strides[0], line_step = i == 2 ? 0 : l->strides[i];
            tile.row[i] = line_step;
            tile.column[i] = step;
            at[i] += first * step + start * line_step;
            data[i] = apus__plan_host(&l->plan, i) + at[i] * (int64_t)apus_dtype_size(l->plan.operands[i].dtype);
        }
        if (j->line_inside) {
            apus__line_tile turned = {.rows = tile.columns, .columns = tile.rows, .scale = tile.scale};
            memcpy(turned.row, tile.column, sizeof turned.row);
            memcpy(turned.column, tile.row, sizeof turned.column);
            tile = turned;
        }
        j->loop(&tile, data[0], (const int64_t *)data[1], data[2]);
    }
}

/// Lines may be cut only where elements do not depend on their order.
static void run_lines(const apus__lines *l, apus__line_loop loop, bool cut_lines) {
    enum { PIECE = 4096 };
    const apus__plan *plan = &l->plan;
    if (plan->numel == 0 || l->length == 0) return;
    line_job j = {.lines = l, .loop = loop};
    j.line_inside = l->length > 1 && (plan->shape[0] == 1 || l->strides[1] <= plan->operands[1].strides[0]);
    j.along = cut_lines ? smaller(l->length, PIECE) : l->length;
    j.across = smaller(plan->shape[0], j.line_inside ? PIECE / smaller(j.along, PIECE) : 512);
    j.across_pieces = pieces_of(plan->shape[0], j.across);
    j.along_pieces = pieces_of(l->length, j.along);
    int64_t pieces = plan->numel / plan->shape[0] * j.across_pieces * j.along_pieces;
    int64_t element = (int64_t)(2 * apus_dtype_size(plan->operands[0].dtype) + sizeof(int64_t));
    apus__parallel_for(pieces, grain_of(j.along * j.across * element), line_pieces, &j);
}

static apus_status gather(const apus__lines *l) {
    run_lines(l, apus__move_loops_of(apus_dtype_size(l->plan.operands[0].dtype))->gather, true);
    return APUS_STATUS_ok;
}

static apus_status scatter(const apus__lines *l, bool add) {
    apus_dtype dtype = l->plan.operands[0].dtype;
    run_lines(l, add ? apus__add_loops_of[dtype].scatter : apus__move_loops_of(apus_dtype_size(dtype))->scatter, false);
    return APUS_STATUS_ok;
}

// ---- Masks

typedef struct mask_job {
    const uint8_t *mask;
    int64_t count;
    int64_t *starts;
    int64_t *out; ///< positions
    int32_t rank;
    const int64_t *shape;
    apus__select_loop select;
    const char *from; ///< select
    char *to;
    int64_t size;
} mask_job;

static void count_chunks(void *context, int64_t begin, int64_t end) {
    const mask_job *j = context;
    for (int64_t chunk = begin; chunk < end; chunk++) {
        int64_t first = chunk * APUS__MASK_CHUNK, last = smaller(first + APUS__MASK_CHUNK, j->count), n = 0;
        for (int64_t i = first; i < last; i++) n += j->mask[i] != 0;
        j->starts[chunk] = n;
    }
}

static apus_status count(apus__buffer mask, int64_t count, apus__buffer starts) {
    mask_job j = {.mask = apus__buffer_host(mask, APUS_DTYPE_bool), .count = count, .starts = host_int64(starts)};
    int64_t chunks = pieces_of(count, APUS__MASK_CHUNK), sum = 0;
    apus__parallel_for(chunks, grain_of(APUS__MASK_CHUNK), count_chunks, &j);
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        int64_t own = j.starts[chunk];
        j.starts[chunk] = sum;
        sum += own;
    }
    j.starts[chunks] = sum;
    return APUS_STATUS_ok;
}

/// Writes the coordinates of row `row` of the last dim, all but the last.
static void row_coordinates(const mask_job *j, int64_t row, int64_t *coordinates) {
    for (int32_t d = j->rank - 2; d >= 0; d--) {
        coordinates[d] = row % j->shape[d];
        row /= j->shape[d];
    }
}

/// The places of true elements among n, of which there may be none at all in most words of a sparse mask.
static int64_t collect_places(int32_t *places, const uint8_t *mask, int64_t n) {
    int64_t used = 0, i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, mask + i, sizeof word);
        if (word == 0) continue;
        for (int64_t k = i; k < i + 8; k++) {
            places[used] = (int32_t)k;
            used += mask[k] != 0;
        }
    }
    for (; i < n; i++) {
        places[used] = (int32_t)i;
        used += mask[i] != 0;
    }
    return used;
}

static void position_chunk(const mask_job *j, int64_t chunk) {
    int32_t places[APUS__MASK_CHUNK + 1];
    int64_t first = chunk * APUS__MASK_CHUNK, coordinates[APUS_MAX_RANK];
    int64_t n = collect_places(places, j->mask + first, smaller(j->count - first, APUS__MASK_CHUNK));
    int64_t *to = j->out + j->starts[chunk] * j->rank, width = j->shape[j->rank - 1];
    int64_t row_end = first; // nothing known of the row yet
    for (int64_t k = 0; k < n; k++) {
        int64_t i = first + places[k];
        if (j->rank == 1) {
            *to++ = i;
            continue;
        }
        if (i >= row_end) {
            row_coordinates(j, i / width, coordinates);
            row_end = (i / width + 1) * width;
        }
        for (int32_t d = 0; d < j->rank - 1; d++) *to++ = coordinates[d];
        *to++ = i - (row_end - width);
    }
}

static void position_chunks(void *context, int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; chunk++) position_chunk(context, chunk);
}

static int64_t numel_of(int32_t rank, const int64_t *shape) {
    int64_t n = 1;
    for (int32_t d = 0; d < rank; d++) n *= shape[d];
    return n;
}

static apus_status positions(apus__buffer out, apus__buffer mask, int32_t rank, const int64_t *shape,
                             apus__buffer starts) {
    mask_job j = {
        .mask = apus__buffer_host(mask, APUS_DTYPE_bool),
        .count = numel_of(rank, shape),
        .starts = host_int64(starts),
        .out = host_int64(out),
        .rank = rank,
        .shape = shape,
    };
    if (rank == 0) return APUS_STATUS_ok; // rows without columns
    apus__parallel_for(pieces_of(j.count, APUS__MASK_CHUNK), grain_of(4 * APUS__MASK_CHUNK), position_chunks, &j);
    return APUS_STATUS_ok;
}

static void select_chunks(void *context, int64_t begin, int64_t end) {
    const mask_job *j = context;
    for (int64_t chunk = begin; chunk < end; chunk++) {
        int64_t first = chunk * APUS__MASK_CHUNK, n = smaller(j->count - first, APUS__MASK_CHUNK);
        j->select(n, j->to + j->starts[chunk] * j->size, j->starts[chunk + 1] - j->starts[chunk],
                  j->from + first * j->size, j->mask + first);
    }
}

static apus_status select_true(apus__buffer out, apus_dtype dtype, apus__buffer x, apus__buffer mask, int64_t count,
                               apus__buffer starts) {
    mask_job j = {
        .mask = apus__buffer_host(mask, APUS_DTYPE_bool),
        .count = count,
        .starts = host_int64(starts),
        .select = apus__move_loops_of(apus_dtype_size(dtype))->select,
        .from = apus__buffer_host(x, dtype),
        .to = apus__buffer_host(out, dtype),
        .size = (int64_t)apus_dtype_size(dtype),
    };
    apus__parallel_for(pieces_of(count, APUS__MASK_CHUNK), grain_of(APUS__MASK_CHUNK * j.size), select_chunks, &j);
    return APUS_STATUS_ok;
}

// ---- Triangles

typedef struct triangle_job {
    char *out;
    const char *x;
    int64_t rows, columns, diagonal, size;
    bool upper;
} triangle_job;

static void triangle_rows(void *context, int64_t begin, int64_t end) {
    const triangle_job *j = context;
    for (int64_t row = begin; row < end; row++) {
        int64_t edge = row % j->rows + j->diagonal + (j->upper ? 0 : 1);
        edge = edge < 0 ? 0 : smaller(edge, j->columns);
        int64_t start = row * j->columns * j->size;
        size_t left = (size_t)(edge * j->size), right = (size_t)((j->columns - edge) * j->size);
        char *to = j->out + start;
        const char *from = j->x + start;
        memcpy(j->upper ? to + left : to, j->upper ? from + left : from, j->upper ? right : left);
        memset(j->upper ? to : to + left, 0, j->upper ? left : right);
    }
}

static apus_status triangle(apus__buffer out, apus_dtype dtype, apus__buffer x, int64_t matrices, int64_t rows,
                            int64_t columns, int64_t diagonal, bool upper) {
    triangle_job j = {
        .out = apus__buffer_host(out, dtype),
        .x = apus__buffer_host(x, dtype),
        .rows = rows,
        .columns = columns,
        .diagonal = diagonal,
        .size = (int64_t)apus_dtype_size(dtype),
        .upper = upper,
    };
    apus__parallel_for(matrices * rows, grain_of(columns * j.size), triangle_rows, &j);
    return APUS_STATUS_ok;
}

const apus__index_table apus__cpu_index = {
    .check = check,
    .offsets = offsets,
    .take = take,
    .put = put,
    .gather = gather,
    .scatter = scatter,
    .count = count,
    .positions = positions,
    .select = select_true,
    .triangle = triangle,
};
