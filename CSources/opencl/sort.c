// Sorting on OpenCL devices: blocks of each row, then merges of two runs each, of which no item waits for another. Of
// runs only as many items are kept as are wanted.
#include "device/sort.h"

#include "opencl/launch.h"

static const apus__cl_family family = {"sort", {apus__cl_common, apus__cl_sort}};

enum {
    GROUP = 128, // as in kernels/sort.cl
    GPU_BLOCK = 2 * GROUP,
    GPU_COUNT = 8,         // places of a merged run that an item writes
    CPU_BLOCK = 32 * 1024, // at least, where rows are cut
    CPU_COUNT = 16 * 1024,
    ITEMS_A_UNIT = 4,  // of the CPU class, among which rows are shared out
    CPU_FINISH = 4096, // places of a row's order that an item finishes
};

typedef struct call {
    const apus__ranking *r;
    const apus_storage *storage; ///< of the device
    bool is_cpu, is_wide;
    int64_t block, keep;
} call;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static size_t size_of_item(const call *c) { return c->is_wide ? 16 : 8; }

static apus_status launch(const call *c, const char *kernel, int64_t items, int64_t local,
                          const apus__cl_argument *arguments, int32_t count) {
    return apus__cl_run(&(apus__cl_launch){.storage = c->storage,
                                           .family = &family,
                                           .dtype = c->r->dtype,
                                           .options = c->is_wide ? "-DWIDE" : NULL,
                                           .kernel = kernel,
                                           .items = {items},
                                           .local = {local},
                                           .arguments = arguments,
                                           .argument_count = count});
}

static apus_status sort_blocks(const call *c, apus__buffer out, apus__buffer spare, apus__buffer input) {
    const apus__ranking *r = c->r;
    int64_t blocks = divide_up(r->length, c->block), items = r->rows * blocks;
    const apus__cl_argument arguments[] = {
        apus__cl_memory(out.storage), apus__cl_memory(spare.storage), apus__cl_buffer(input),
        apus__cl_long(r->length),     apus__cl_long(c->block),        apus__cl_long(c->keep),
        apus__cl_long(blocks),        apus__cl_long(items),           apus__cl_long(r->descending ? -1 : 0)};
    if (c->is_cpu) return launch(c, "sort_blocks", items, 1, arguments, APUS__COUNT(arguments));
    return launch(c, "sort_blocks", items * GROUP, GROUP, arguments, APUS__COUNT(arguments));
}

static apus_status merge(const call *c, apus__buffer out, apus__buffer in, int64_t width) {
    const apus__ranking *r = c->r;
    int64_t count = c->is_cpu ? CPU_COUNT : GPU_COUNT;
    int64_t pieces = divide_up(smaller(2 * width, c->keep), count), pairs = divide_up(r->length, 2 * width);
    int64_t items = r->rows * pairs * pieces;
    const apus__cl_argument arguments[] = {
        apus__cl_memory(out.storage), apus__cl_memory(in.storage), apus__cl_long(r->length),
        apus__cl_long(width),         apus__cl_long(c->keep),      apus__cl_long(count),
        apus__cl_long(pieces),        apus__cl_long(pairs),        apus__cl_long(items)};
    return launch(c, "sort_merge", items, c->is_cpu ? 1 : 0, arguments, APUS__COUNT(arguments));
}

static apus_status finish(const call *c, apus__buffer values, apus__buffer indices, apus__buffer order,
                          apus__buffer input) {
    const apus__ranking *r = c->r;
    int64_t chunk = c->is_cpu ? CPU_FINISH : 1, pieces = divide_up(r->count, chunk), items = r->rows * pieces;
    const apus__cl_argument arguments[] = {
        apus__cl_buffer(values),  apus__cl_buffer(indices), apus__cl_memory(order.storage), apus__cl_buffer(input),
        apus__cl_long(r->length), apus__cl_long(r->first),  apus__cl_long(r->count),        apus__cl_long(chunk),
        apus__cl_long(pieces),    apus__cl_long(items)};
    return launch(c, "sort_finish", items, c->is_cpu ? 1 : 0, arguments, APUS__COUNT(arguments));
}

/// Rows that keep the processor busy stay whole. Others are cut for its units, evenly, since each halving of the number
/// of runs passes over all.
static int64_t block_on_cpu(const apus__ranking *r, const apus_storage *storage) {
    int64_t units = apus__cl_device_of(storage)->info.compute_units, blocks = 1;
    while (r->rows * blocks < units) blocks *= 2;
    return smaller(larger(1, r->length), larger(CPU_BLOCK, divide_up(r->length, blocks)));
}

/// Rows that are not cut, on a device of the CPU class: one launch does it all.
static apus_status sort_rows(const call *c, apus__buffer values, apus__buffer indices, apus__buffer input) {
    const apus__ranking *r = c->r;
    int64_t chunk = divide_up(r->rows, ITEMS_A_UNIT * (int64_t)apus__cl_device_of(c->storage)->info.compute_units);
    int64_t items = divide_up(r->rows, chunk);
    apus__buffer scratch;
    APUS_TRY(apus__cl_temporary(&scratch, c->storage, (size_t)(items * 2 * r->length) * size_of_item(c)));
    const apus__cl_argument arguments[] = {apus__cl_buffer(values),
                                           apus__cl_buffer(indices),
                                           apus__cl_memory(scratch.storage),
                                           apus__cl_buffer(input),
                                           apus__cl_long(r->length),
                                           apus__cl_long(r->first),
                                           apus__cl_long(r->count),
                                           apus__cl_long(r->rows),
                                           apus__cl_long(chunk),
                                           apus__cl_long(r->descending ? -1 : 0)};
    apus_status status = launch(c, "sort_rows", items, 1, arguments, APUS__COUNT(arguments));
    apus__storage_release(scratch.storage);
    return status;
}

static call call_for(const apus__ranking *r, const apus_storage *storage) {
    call c = {.r = r, .storage = storage, .is_cpu = apus__cl_is_cpu_class(storage), .keep = r->first + r->count};
    c.is_wide = apus_dtype_size(r->dtype) > 4 || r->length > UINT32_MAX;
    c.block = c.is_cpu ? smaller(block_on_cpu(r, storage), UINT32_MAX) : GPU_BLOCK;
    return c;
}

static apus_status rank(const apus__ranking *r, apus__buffer values, apus__buffer indices, apus__buffer input) {
    const call c = call_for(r, input.storage);
    if (c.is_cpu && c.block == r->length) return sort_rows(&c, values, indices, input);
    apus__buffer order = {NULL, 0}, spare = {NULL, 0};
    size_t bytes = (size_t)(r->rows * r->length) * size_of_item(&c);
    apus_status status = apus__cl_temporary(&order, c.storage, bytes);
    if (status == APUS_STATUS_ok) status = apus__cl_temporary(&spare, c.storage, bytes);
    if (status == APUS_STATUS_ok) status = sort_blocks(&c, order, spare, input);
    for (int64_t width = c.block; width < r->length && status == APUS_STATUS_ok; width *= 2) {
        status = merge(&c, spare, order, width);
        apus__buffer swap = order;
        order = spare, spare = swap;
    }
    if (status == APUS_STATUS_ok) status = finish(&c, values, indices, order, input);
    if (order.storage != NULL) apus__storage_release(order.storage);
    if (spare.storage != NULL) apus__storage_release(spare.storage);
    return status;
}

const apus__sort_table apus__cl_sort_table = {.rank = rank};
