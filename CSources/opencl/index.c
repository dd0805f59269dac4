// Picking and placing elements on OpenCL devices. Elements that several sources name are written by one item alone, in
// the order of the sources: an item owns columns, or places by their number, and passes over what is not its own.
#include "device/index.h"

#include "opencl/elementwise.h"

static const apus__cl_family index_family = {"index", {apus__cl_common, apus__cl_index}};
static const apus__cl_family place_family = {"place", {apus__cl_common, apus__cl_place}};

enum { CPU_CHUNK = 8192, GPU_GROUP = 128 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t pieces(int64_t n, int64_t piece) { return (n + piece - 1) / piece; }

/// A kernel by the size of its elements, or by dtype where it adds them.
typedef struct call {
    const apus_storage *storage;
    const apus__cl_family *family;
    apus_dtype dtype;
    bool adds;
} call;

static apus_status launch(const call *c, const char *kernel, int64_t items, int64_t local,
                          const apus__cl_argument *arguments, int32_t count) {
    size_t bytes = apus_dtype_size(c->dtype);
    return apus__cl_run(&(apus__cl_launch){.storage = c->storage,
                                           .family = c->family,
                                           .dtype = c->adds ? c->dtype : apus__cl_unit_of(bytes),
                                           .options = c->adds       ? "-DADD"
                                                      : bytes == 16 ? "-DPAIR"
                                                                    : NULL,
                                           .kernel = kernel,
                                           .items = {items},
                                           .local = {local},
                                           .arguments = arguments,
                                           .argument_count = count});
}

static call index_call(const apus_storage *storage, apus_dtype dtype) {
    return (call){storage, &index_family, dtype, false};
}

static int64_t chunk_of(const apus_storage *storage) { return apus__cl_is_cpu_class(storage) ? CPU_CHUNK : 1; }

// ---- Indices

static apus_status check(apus__buffer index, int64_t count, int64_t low, int64_t high, bool *found, int64_t *outside) {
    enum { MOST = 256, LEAST = 4096 };
    int64_t results[2 * MOST], piece = larger(LEAST, pieces(count, MOST)), items = pieces(count, piece);
    *found = false;
    if (count == 0) return APUS_STATUS_ok;
    size_t bytes = (size_t)(2 * items) * sizeof(int64_t);
    apus__buffer first;
    APUS_TRY(apus__cl_temporary(&first, index.storage, bytes));
    const apus__cl_argument arguments[] = {
        apus__cl_buffer(index), apus__cl_long(count), apus__cl_long(piece),          apus__cl_long(low),
        apus__cl_long(high),    apus__cl_long(items), apus__cl_memory(first.storage)};
    const call c = index_call(index.storage, APUS_DTYPE_int64);
    apus_status status = launch(&c, "index_check", items, 0, arguments, APUS__COUNT(arguments));
    if (status == APUS_STATUS_ok) status = apus__cl_read(first.storage, 0, results, bytes);
    apus__storage_release(first.storage);
    if (status != APUS_STATUS_ok) return status;
    int64_t i = 0;
    while (i < items && results[items + i] == 0) i++;
    *found = i < items;
    if (*found) *outside = results[i];
    return APUS_STATUS_ok;
}

typedef struct offsets_call {
    int64_t size, stride;
    bool add;
} offsets_call;

static apus_status offsets_part(void *context, apus__cl_walk *walk, const apus__plan *plan) {
    const offsets_call *o = context;
    const apus__cl_argument arguments[] = {apus__cl_struct(walk, sizeof *walk),
                                           apus__cl_memory(plan->operands[0].storage),
                                           apus__cl_memory(plan->operands[1].storage),
                                           apus__cl_long(o->size),
                                           apus__cl_long(o->stride),
                                           apus__cl_int(o->add)};
    const call c = index_call(plan->operands[0].storage, APUS_DTYPE_int64);
    return launch(&c, "index_offsets", walk->items, 0, arguments, APUS__COUNT(arguments));
}

static apus_status offsets(const apus__plan *plan, int64_t size, int64_t stride, bool add) {
    offsets_call o = {size, stride, add};
    return apus__cl_walk_plan(plan, 1, offsets_part, &o);
}

// ---- Slices

static apus_status take(const apus__slices *s, apus__buffer out, apus__buffer x, apus__buffer offsets) {
    int64_t all = s->outer * s->count * s->inner, chunk = chunk_of(out.storage);
    const apus__cl_argument arguments[] = {apus__cl_long(s->outer_stride),
                                           apus__cl_long(s->count),
                                           apus__cl_long(s->inner),
                                           apus__cl_long(chunk),
                                           apus__cl_long(all),
                                           apus__cl_buffer(out),
                                           apus__cl_buffer(x),
                                           apus__cl_buffer(offsets)};
    const call c = index_call(out.storage, s->dtype);
    return launch(&c, "index_take", pieces(all, chunk), 0, arguments, APUS__COUNT(arguments));
}

/// How many items share what `items` would do, each passing over what is not its own. Results do not depend on it.
static int64_t owner_count(const apus_storage *storage, int64_t items, int64_t sources, int64_t width) {
    enum { WORTH = 16384, WIDE = 16, CPU_ITEMS = 8, GPU_ITEMS = 4096 };
    if (sources * width < WORTH) return 1;
    int64_t units = apus__cl_device_of(storage)->info.compute_units;
    bool cpu = apus__cl_is_cpu_class(storage);
    int64_t enough = !cpu ? GPU_ITEMS : width >= WIDE ? larger(units, CPU_ITEMS) : 1;
    return smaller(larger(1, enough / items), sources);
}

static apus_status put(const apus__slices *s, apus__buffer x, apus__buffer values, apus__buffer offsets, bool add) {
    enum { COLUMNS = 1024 };
    if (s->outer == 0 || s->count == 0 || s->inner == 0) return APUS_STATUS_ok;
    bool cpu = apus__cl_is_cpu_class(x.storage);
    int64_t width = cpu ? smaller(COLUMNS, s->inner) : 1, blocks = pieces(s->inner, width);
    int64_t owners = owner_count(x.storage, s->outer * blocks, s->count, width), items = s->outer * owners * blocks;
    const apus__cl_argument arguments[] = {
        apus__cl_long(s->outer_stride), apus__cl_long(s->count), apus__cl_long(s->inner), apus__cl_long(width),
        apus__cl_long(blocks),          apus__cl_long(owners),   apus__cl_long(items),    apus__cl_buffer(x),
        apus__cl_buffer(values),        apus__cl_buffer(offsets)};
    const call c = {x.storage, &place_family, s->dtype, add};
    return launch(&c, "index_put", items, cpu ? 1 : 0, arguments, APUS__COUNT(arguments));
}

// ---- Lines

static apus_status gather_part(void *context, apus__cl_walk *walk, const apus__plan *plan) {
    const apus__lines *l = context;
    const apus__cl_argument arguments[] = {apus__cl_struct(walk, sizeof *walk),
                                           apus__cl_memory(plan->operands[0].storage),
                                           apus__cl_memory(plan->operands[1].storage),
                                           apus__cl_memory(plan->operands[2].storage), apus__cl_long(l->strides[2])};
    const call c = index_call(plan->operands[0].storage, plan->operands[0].dtype);
    return launch(&c, "index_gather", walk->items, 0, arguments, APUS__COUNT(arguments));
}

/// The line is one more dim of the walk, along which the third operand does not move.
static apus_status gather(const apus__lines *l) {
    int64_t shape[APUS_MAX_RANK + 1], strides[3][APUS_MAX_RANK + 1];
    int32_t rank = l->plan.rank;
    for (int32_t d = 0; d <= rank; d++) {
        shape[d] = d == rank ? l->length : l->plan.shape[rank - 1 - d];
        for (int32_t k = 0; k < 3; k++)
            strides[k][d] = d < rank ? l->plan.operands[k].strides[rank - 1 - d] : k == 2 ? 0 : l->strides[k];
    }
    const int64_t *const all[] = {strides[0], strides[1], strides[2]};
    apus__plan plan = l->plan;
    apus__plan_simplify(&plan, rank + 1, shape, all);
    return apus__cl_walk_plan(&plan, 1, gather_part, (void *)l);
}

typedef struct scatter_call {
    const apus__lines *lines;
    bool add;
} scatter_call;

static apus_status scatter_part(void *context, apus__cl_walk *walk, const apus__plan *plan) {
    const scatter_call *s = context;
    const apus__lines *l = s->lines;
    const apus__operand *o = plan->operands;
    int64_t owners = owner_count(o[0].storage, walk->items, l->length, smaller(walk->chunk, plan->shape[0]));
    const apus__cl_argument arguments[] = {
        apus__cl_struct(walk, sizeof *walk), apus__cl_memory(o[0].storage), apus__cl_memory(o[1].storage),
        apus__cl_memory(o[2].storage),       apus__cl_long(l->length),      apus__cl_long(l->strides[0]),
        apus__cl_long(l->strides[1]),        apus__cl_long(l->strides[2]),  apus__cl_long(owners)};
    const call c = {o[0].storage, &place_family, o[0].dtype, s->add};
    return launch(&c, "index_scatter", walk->items * owners, apus__cl_is_cpu_class(o[0].storage) ? 1 : 0, arguments,
                  APUS__COUNT(arguments));
}

static apus_status scatter(const apus__lines *l, bool add) {
    if (l->length == 0) return APUS_STATUS_ok;
    scatter_call s = {l, add};
    return apus__cl_walk_plan(&l->plan, 1, scatter_part, &s);
}

// ---- Masks

/// A kernel with an item, or a work-group of the GPU class, for each chunk of the mask.
static apus_status run_chunks(const call *c, const char *kernel, int64_t count, const apus__cl_argument *arguments,
                              int32_t argument_count) {
    int64_t group = apus__cl_is_cpu_class(c->storage) ? 1 : GPU_GROUP;
    return launch(c, kernel, pieces(count, APUS__MASK_CHUNK) * group, group, arguments, argument_count);
}

static apus_status count_true(apus__buffer mask, int64_t count, apus__buffer starts) {
    const call c = index_call(starts.storage, APUS_DTYPE_int64);
    const apus__cl_argument arguments[] = {apus__cl_buffer(mask), apus__cl_long(count), apus__cl_buffer(starts)};
    const apus__cl_argument sums[] = {apus__cl_buffer(starts), apus__cl_long(pieces(count, APUS__MASK_CHUNK))};
    if (count > 0) APUS_TRY(run_chunks(&c, "mask_count", count, arguments, APUS__COUNT(arguments)));
    return launch(&c, "mask_starts", 1, 0, sums, APUS__COUNT(sums));
}

/// A launch for each coordinate.
static apus_status positions(apus__buffer out, apus__buffer mask, int32_t rank, const int64_t *shape,
                             apus__buffer starts) {
    int64_t count = 1, inner = 1;
    for (int32_t d = 0; d < rank; d++) count *= shape[d];
    const call c = index_call(mask.storage, APUS_DTYPE_int64);
    for (int32_t d = rank - 1; d >= 0 && count > 0; d--) {
        const apus__buffer column = {out.storage, out.offset + d};
        const apus__cl_argument arguments[] = {apus__cl_buffer(mask),   apus__cl_long(count), apus__cl_buffer(starts),
                                               apus__cl_buffer(column), apus__cl_long(rank),  apus__cl_long(shape[d]),
                                               apus__cl_long(inner)};
        APUS_TRY(run_chunks(&c, "mask_positions", count, arguments, APUS__COUNT(arguments)));
        inner *= shape[d];
    }
    return APUS_STATUS_ok;
}

static apus_status select_true(apus__buffer out, apus_dtype dtype, apus__buffer x, apus__buffer mask, int64_t count,
                               apus__buffer starts) {
    const call c = index_call(mask.storage, dtype);
    const apus__cl_argument arguments[] = {apus__cl_buffer(mask), apus__cl_long(count), apus__cl_buffer(starts),
                                           apus__cl_buffer(out), apus__cl_buffer(x)};
    return run_chunks(&c, "mask_select", count, arguments, APUS__COUNT(arguments));
}

// ---- Triangles

static apus_status triangle(apus__buffer out, apus_dtype dtype, apus__buffer x, int64_t matrices, int64_t rows,
                            int64_t columns, int64_t diagonal, bool upper) {
    int64_t all = matrices * rows * columns, chunk = chunk_of(out.storage);
    const apus__cl_argument arguments[] = {apus__cl_buffer(out),    apus__cl_buffer(x),  apus__cl_long(all),
                                           apus__cl_long(chunk),    apus__cl_long(rows), apus__cl_long(columns),
                                           apus__cl_long(diagonal), apus__cl_int(upper)};
    const call c = index_call(out.storage, dtype);
    return launch(&c, "triangle", pieces(all, chunk), 0, arguments, APUS__COUNT(arguments));
}

const apus__index_table apus__cl_index_table = {
    .check = check,
    .offsets = offsets,
    .take = take,
    .put = put,
    .gather = gather,
    .scatter = scatter,
    .count = count_true,
    .positions = positions,
    .select = select_true,
    .triangle = triangle,
};
