// Reductions on the CPU: geometry, threads and partial results around the loops of simd/reduce.h.
//
// All loops take in a matrix column by column: column j joins partial result j. Work is cut into blocks of outputs
// along one kept dim times steps along one dim to reduce. Where the kept dim is contiguous, a block is such a matrix
// as it lies. Where the reduced dim is, each run is folded into a few lanes whose partial results are
// merged at its end. Everything else, other dtypes too, is packed tile by tile on the way.
//
// When there are few outputs, the steps are dealt into chunks whose partial results are merged in order. All sizes
// follow from the shape alone, so results do not depend on the number of threads.
#include "cpu/reduce.h"

#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "cpu/tile.h"

enum {
    MAX_WIDTH = 1024,    // outputs a block has
    NARROW = 32,         // rows up to this are taken several at a time,
    TOGETHER = 128,      // up to this many columns
    SHORT_RUN = 64,      // runs below this are packed crosswise instead,
    SHORT_EXP_RUN = 256, // or below this where merging takes exponentials
    STEP = 64 * 1024,    // elements of a step
    MANY_BLOCKS = 16,    // blocks of outputs that keep threads busy without chunks
    MAX_CHUNKS = 128,
    PARTIAL_BYTES = 32, // the largest partial result, with all its fields
};

typedef struct dim {
    int64_t size;
    int64_t strides[3]; ///< of the input and the outputs
} dim;

static const dim no_dim = {.size = 1};

/// Dims that are walked one index after the other.
typedef struct dims {
    int32_t rank;
    int64_t count; ///< product of sizes
    dim at[APUS_MAX_RANK];
} dims;

typedef struct job {
    const apus__reduction *reduction;
    const apus__reduce_kernel *kernel;
    const char *input;
    size_t size;       ///< of an input element
    bool direct;       ///< loops can read the input as it is
    bool by_rows;      ///< runs along the reduced dim, else along the kept one
    dim kept, reduced; ///< the dims of a block
    dims other_kept, other_reduced;
    int64_t width, blocks;       ///< outputs a block, blocks along `kept`
    int64_t depth, steps;        ///< reduced elements a step, steps an output
    int64_t chunk_steps, chunks; ///< steps a chunk, chunks an output
    size_t partial_bytes;        ///< of a row of `width` partial results
    char *partials;              ///< [blocks of all outputs][chunks], where there are chunks
    double count;
} job;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t pieces(int64_t n, int64_t piece) { return (n + piece - 1) / piece; }

// ---- One block

/// Rows that follow each other without a gap are taken several at a time, as one row with as many times the columns.
static void take_narrow(const job *j, const char *x, int64_t rows, int64_t columns, char *partial) {
    const apus__reduce_kernel *k = j->kernel;
    _Alignas(64) char wide[TOGETHER * PARTIAL_BYTES];
    int64_t together = TOGETHER / columns, width = together * columns, wide_rows = rows / together;
    k->begin(width, wide, width);
    k->columns(wide_rows, width, x, width, wide, width);
    for (int64_t i = 0; i < together; i++)
        k->merge(columns, partial, columns, wide + (size_t)(i * columns) * k->item, width);
    int64_t done = wide_rows * together;
    k->columns(rows - done, columns, x + (size_t)(done * columns) * j->size, columns, partial, columns);
}

static void take_direct(const job *j, const char *x, int64_t outputs, int64_t depth, char *partial) {
    if (j->by_rows) {
        for (int64_t i = 0; i < outputs; i++)
            j->kernel->run(depth, x + i * j->kept.strides[0] * (int64_t)j->size, partial + (size_t)i * j->kernel->item,
                           outputs);
        return;
    }
    int64_t stride = j->reduced.strides[0];
    bool narrow = stride == outputs && outputs <= NARROW && depth >= TOGETHER;
    if (narrow)
        take_narrow(j, x, depth, outputs, partial);
    else
        j->kernel->columns(depth, outputs, x, stride, partial, outputs);
}

/// Takes a block through packed tiles.
static void take_packed(const job *j, const char *x, int64_t outputs, int64_t depth, char *partial) {
    _Alignas(64) char packed[APUS__TILE_BYTES];
    const apus__reduction *r = j->reduction;
    int64_t along_kept = j->kept.strides[0], along_reduced = j->reduced.strides[0];
    int64_t columns_end = j->by_rows ? depth : outputs, rows_end = j->by_rows ? outputs : depth;
    int64_t column_stride = j->by_rows ? along_reduced : along_kept,
            row_stride = j->by_rows ? along_kept : along_reduced;
    int64_t columns = smaller(columns_end, APUS__TILE_ELEMENTS);
    // A run that only needs conversion is converted without a copy when it is alone.
    int64_t rows = column_stride == 1 ? 1 : APUS__TILE_ELEMENTS / columns;
    for (int64_t row = 0; row < rows_end; row += rows)
        for (int64_t column = 0; column < columns_end; column += columns) {
            apus__tile tile = {smaller(columns, columns_end - column), smaller(rows, rows_end - row), column_stride,
                               row_stride};
            const char *source = x + (row * row_stride + column * column_stride) * (int64_t)j->size;
            apus__tile_load(packed, r->compute, source, r->plan.operands[0].dtype, &tile);
            if (!j->by_rows) {
                j->kernel->columns(tile.rows, tile.columns, packed, tile.columns,
                                   partial + (size_t)column * j->kernel->item, outputs);
                continue;
            }
            size_t row_bytes = (size_t)tile.columns * apus_dtype_size(r->compute);
            for (int64_t i = 0; i < tile.rows; i++)
                j->kernel->run(tile.columns, packed + (size_t)i * row_bytes,
                               partial + (size_t)(row + i) * j->kernel->item, outputs);
        }
}

// ---- One item: a block of outputs and a chunk of the steps

/// Where index `i` of the walk is, in elements of operand `operand`.
static int64_t offset_of(const dims *d, int64_t i, int32_t operand) {
    int64_t offset = 0;
    for (int32_t k = 0; k < d->rank; k++) {
        offset += i % d->at[k].size * d->at[k].strides[operand];
        i /= d->at[k].size;
    }
    return offset;
}

static int64_t block_outputs(const job *j, int64_t block) {
    return smaller(j->width, j->kept.size - block % j->blocks * j->width);
}

/// Where a block's first element is, in elements of operand `operand`.
static int64_t block_offset(const job *j, int64_t block, int32_t operand) {
    return offset_of(&j->other_kept, block / j->blocks, operand) +
           block % j->blocks * j->width * j->kept.strides[operand];
}

static void store(const job *j, int64_t block, const char *partial) {
    const apus__plan *plan = &j->reduction->plan;
    int64_t outputs = block_outputs(j, block);
    _Alignas(64) char results[2][APUS__TILE_BYTES];
    for (int64_t first = 0; first < outputs; first += APUS__TILE_ELEMENTS) {
        int64_t n = smaller(APUS__TILE_ELEMENTS, outputs - first);
        j->kernel->finish(n, results[0], results[1], partial + (size_t)first * j->kernel->item, outputs, j->count,
                          j->reduction->correction);
        for (int32_t i = 1; i < plan->count; i++) {
            int64_t stride = j->kept.strides[i];
            apus_dtype dtype = plan->operands[i].dtype;
            char *target = apus__plan_host(plan, i) +
                           (block_offset(j, block, i) + first * stride) * (int64_t)apus_dtype_size(dtype);
            apus__tile tile = {n, 1, stride, n};
            apus__tile_store(target, dtype, results[i - 1], j->kernel->result, &tile);
        }
    }
}

static void reduce_item(const job *j, int64_t block, int64_t chunk, char *partial) {
    int64_t outputs = block_outputs(j, block), start = block_offset(j, block, 0);
    int64_t along = pieces(j->reduced.size, j->depth);
    int64_t end = smaller((chunk + 1) * j->chunk_steps, j->steps);
    j->kernel->begin(outputs, partial, outputs);
    for (int64_t step = chunk * j->chunk_steps; step < end; step++) {
        int64_t first = step % along * j->depth;
        int64_t offset = start + offset_of(&j->other_reduced, step / along, 0) + first * j->reduced.strides[0];
        int64_t depth = smaller(j->depth, j->reduced.size - first);
        const char *x = j->input + offset * (int64_t)j->size;
        if (j->direct)
            take_direct(j, x, outputs, depth, partial);
        else
            take_packed(j, x, outputs, depth, partial);
    }
}

static void reduce_blocks(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    _Alignas(64) char partial[MAX_WIDTH * PARTIAL_BYTES];
    for (int64_t block = begin; block < end; block++) {
        reduce_item(j, block, 0, partial);
        store(j, block, partial);
    }
}

static char *chunk_partial(const job *j, int64_t block, int64_t chunk) {
    return j->partials + (size_t)(block * j->chunks + chunk) * j->partial_bytes;
}

static void reduce_chunks(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t blocks = j->blocks * j->other_kept.count;
    for (int64_t item = begin; item < end; item++)
        reduce_item(j, item % blocks, item / blocks, chunk_partial(j, item % blocks, item / blocks));
}

static void merge_chunks(const job *j, int64_t block) {
    int64_t outputs = block_outputs(j, block);
    for (int64_t chunk = 1; chunk < j->chunks; chunk++)
        j->kernel->merge(outputs, chunk_partial(j, block, 0), outputs, chunk_partial(j, block, chunk), outputs);
    store(j, block, chunk_partial(j, block, 0));
}

// ---- The whole

static void append(dims *d, dim added) {
    d->at[d->rank++] = added;
    d->count *= added.size;
}

/// Takes the first (innermost) dim out, none where there is none.
static dim take_first(dims *d) {
    if (d->rank == 0) return no_dim;
    dim first = d->at[0];
    d->rank--;
    d->count /= first.size;
    memmove(d->at, d->at + 1, sizeof(dim) * (size_t)d->rank);
    return first;
}

static void choose_dims(job *j) {
    const apus__plan *plan = &j->reduction->plan;
    j->other_kept = j->other_reduced = (dims){.count = 1};
    for (int32_t d = 0; d < plan->rank; d++) {
        dim next = {.size = plan->shape[d]};
        for (int32_t i = 0; i < plan->count; i++) next.strides[i] = plan->operands[i].strides[d];
        append(next.strides[1] == 0 ? &j->other_reduced : &j->other_kept, next);
    }
    bool reduced_first = plan->operands[1].strides[0] == 0;
    j->kept = take_first(&j->other_kept);
    j->reduced = take_first(&j->other_reduced);
    int64_t short_run = j->reduction->kind == APUS__REDUCTION_LOGSUMEXP ? SHORT_EXP_RUN : SHORT_RUN;
    j->by_rows = reduced_first && (j->reduced.size >= short_run || j->kept.size == 1);
}

static apus_dtype storage_dtype(apus_dtype dtype) { return dtype == APUS_DTYPE_bool ? APUS_DTYPE_uint8 : dtype; }

static void choose_blocks(job *j) {
    const apus__reduction *r = j->reduction;
    bool same_dtype = storage_dtype(r->plan.operands[0].dtype) == r->compute;
    const dim *inner = j->by_rows ? &j->reduced : &j->kept;
    j->direct = same_dtype && (inner->strides[0] == 1 || inner->size == 1);
    int64_t total = j->reduced.size * j->other_reduced.count;
    j->count = (double)total;
    if (j->by_rows)
        j->width = larger(1, smaller(STEP / total, 256));
    else if (j->direct)
        j->width = MAX_WIDTH;
    else
        j->width = j->kept.strides[0] == 1 ? APUS__TILE_ELEMENTS : SHORT_RUN;
    j->width = smaller(j->width, j->kept.size);
    j->blocks = pieces(j->kept.size, j->width);
    j->depth = smaller(j->reduced.size, larger(STEP / j->width, 8));
    j->steps = pieces(j->reduced.size, j->depth) * j->other_reduced.count;
    int64_t all_blocks = j->blocks * j->other_kept.count;
    int64_t chunks = all_blocks >= MANY_BLOCKS ? 1 : smaller(pieces(j->width * total, STEP), MAX_CHUNKS);
    j->chunk_steps = pieces(j->steps, chunks);
    j->chunks = pieces(j->steps, j->chunk_steps);
    j->partial_bytes = (size_t)(j->width * j->kernel->fields) * j->kernel->item;
}

static apus_status run(job *j) {
    int64_t blocks = j->blocks * j->other_kept.count;
    if (j->chunks == 1) {
        int64_t block_bytes = (int64_t)(j->count * (double)j->width * (double)j->size);
        apus__parallel_for(blocks, larger(1, APUS__GRAIN_BYTES / larger(1, block_bytes)), reduce_blocks, j);
        return APUS_STATUS_ok;
    }
    size_t bytes = (size_t)(blocks * j->chunks) * j->partial_bytes;
    j->partials = malloc(bytes);
    if (j->partials == NULL)
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot allocate %zu bytes for partial results",
                          bytes);
    apus__parallel_for(blocks * j->chunks, 1, reduce_chunks, j);
    for (int64_t block = 0; block < blocks; block++) merge_chunks(j, block);
    free(j->partials);
    return APUS_STATUS_ok;
}

static const apus__reduce_kernel *find_kernel(const apus__reduction *r) {
    const apus__reduce_loops *loops = apus__reduce_loops_current();
    switch (r->kind) {
    case APUS__REDUCTION_MOMENTS: return &loops->moments[r->compute];
    case APUS__REDUCTION_LOGSUMEXP: return &loops->logsumexp[r->compute];
    case APUS__REDUCTION_TABLE: break;
    }
    return &loops->table[r->op == APUS_REDUCE_mean ? APUS_REDUCE_sum : r->op][r->compute];
}

static apus_status reduce(const apus__reduction *r) {
    job j = {.reduction = r, .kernel = find_kernel(r)};
    if (j.kernel->begin == NULL)
        return apus__fail(APUS_STATUS_dtype, "%s: not implemented for %s on cpu", apus_reduce_name(r->op),
                          apus_dtype_name(r->compute));
    j.input = apus__plan_host(&r->plan, 0);
    j.size = apus_dtype_size(r->plan.operands[0].dtype);
    choose_dims(&j);
    choose_blocks(&j);
    if (r->kind == APUS__REDUCTION_TABLE && r->op != APUS_REDUCE_mean) j.count = 1; // what sums are divided by
    return run(&j);
}

// ---- Extremes and where they stand

typedef struct arg_job {
    const apus__lanes *lanes;
    const apus__reduce_kernel *extreme;
    const apus__arg_kernel *kernel;
    const char *input;
    char *values;
    int64_t *indices;
    size_t size;
    int64_t chunk, chunks; ///< elements a chunk of a lane, chunks a lane
} arg_job;

/// The extreme of a contiguous run: its value, then where that first stands.
static void arg_run(const arg_job *j, const char *x, int64_t n, char *value, int64_t *index) {
    if (n < SHORT_RUN) {
        j->kernel->run(n, x, value, index);
        return;
    }
    _Alignas(16) char partial[PARTIAL_BYTES];
    j->extreme->begin(1, partial, 1);
    j->extreme->run(n, x, partial, 1);
    j->extreme->finish(1, value, NULL, partial, 1, 1, 0);
    *index = j->kernel->find(n, x, value);
}

static void arg_runs(void *context, int64_t begin, int64_t end) {
    const arg_job *j = context;
    for (int64_t item = begin; item < end; item++) {
        int64_t first = item % j->chunks * j->chunk, length = j->lanes->length;
        const char *x = j->input + (size_t)(item / j->chunks * length + first) * j->size;
        arg_run(j, x, smaller(j->chunk, length - first), j->values + (size_t)item * j->size, &j->indices[item]);
        j->indices[item] += first;
    }
}

enum { ARG_COLUMNS = 1024 };

static void arg_columns(void *context, int64_t begin, int64_t end) {
    const arg_job *j = context;
    int64_t inner = j->lanes->inner, blocks = pieces(inner, ARG_COLUMNS);
    for (int64_t item = begin; item < end; item++) {
        int64_t outer = item / blocks, first = item % blocks * ARG_COLUMNS, n = smaller(ARG_COLUMNS, inner - first);
        const char *x = j->input + (size_t)(outer * j->lanes->length * inner + first) * j->size;
        char *values = j->values + (size_t)(outer * inner + first) * j->size;
        int64_t *indices = j->indices + outer * inner + first;
        memcpy(values, x, (size_t)n * j->size);
        memset(indices, 0, (size_t)n * sizeof *indices);
        for (int64_t row = 1; row < j->lanes->length; row++)
            j->kernel->columns(n, x + (size_t)(row * inner) * j->size, row, values, indices);
    }
}

/// Lanes longer than a chunk: the extreme of each chunk, then of those. The first chunk of those equal wins.
static apus_status arg_long_runs(arg_job *j) {
    const apus__lanes *l = j->lanes;
    int64_t items = l->outer * j->chunks;
    arg_job parts = *j;
    parts.values = malloc((size_t)items * (j->size + sizeof(int64_t)));
    if (parts.values == NULL)
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot allocate room for %lld partial results",
                          (long long)items);
    parts.indices = (int64_t *)(void *)parts.values;
    parts.values += (size_t)items * sizeof(int64_t);
    apus__parallel_for(items, 1, arg_runs, &parts);
    for (int64_t i = 0; i < l->outer; i++) {
        int64_t chunk;
        arg_run(j, parts.values + (size_t)(i * j->chunks) * j->size, j->chunks, j->values + (size_t)i * j->size,
                &chunk);
        j->indices[i] = parts.indices[i * j->chunks + chunk];
    }
    free(parts.indices);
    return APUS_STATUS_ok;
}

static apus_status arg(const apus__lanes *l, bool smallest, apus__buffer values, apus__buffer indices,
                       apus__buffer input) {
    const apus__reduce_loops *loops = apus__reduce_loops_current();
    arg_job j = {.lanes = l,
                 .extreme = &loops->table[smallest ? APUS_REDUCE_min : APUS_REDUCE_max][l->dtype],
                 .kernel = &loops->arg[smallest][l->dtype],
                 .input = apus__buffer_host(input, l->dtype),
                 .values = apus__buffer_host(values, l->dtype),
                 .indices = apus__buffer_host(indices, APUS_DTYPE_int64),
                 .size = apus_dtype_size(l->dtype)};
    if (l->inner > 1) {
        int64_t bytes = smaller(l->inner, ARG_COLUMNS) * l->length * (int64_t)j.size;
        apus__parallel_for(l->outer * pieces(l->inner, ARG_COLUMNS), larger(1, APUS__GRAIN_BYTES / bytes), arg_columns,
                           &j);
        return APUS_STATUS_ok;
    }
    bool split = l->length > STEP && l->outer < MANY_BLOCKS;
    j.chunk = split ? STEP : l->length;
    j.chunks = pieces(l->length, j.chunk);
    if (split) return arg_long_runs(&j);
    apus__parallel_for(l->outer, larger(1, APUS__GRAIN_BYTES / (l->length * (int64_t)j.size)), arg_runs, &j);
    return APUS_STATUS_ok;
}

const apus__reduce_table apus__cpu_reduce = {.reduce = reduce, .arg = arg, .scan = apus__cpu_scan};
