// Running sums and products on OpenCL devices: lanes side by side, or chunks of lanes in three kernels, of which none
// waits for another's work-groups.
#include "opencl/scan.h"

#define APUS_REDUCE(number, name, class, identity, map, combine)                                                       \
    [number] = {"scan_" #name,                                                                                         \
                {apus__cl_common, apus__cl_functions, apus__cl_reduce,                                                 \
                 "REDUCE_" #name "(" #identity ", " #map ", " #combine ")\n#define VALUE VALUE_" #name                 \
                 "\n#define FINISH FINISH_" #name "\n",                                                                \
                 apus__cl_reduce_runs, apus__cl_scan}},
/// By row of reduce.def, of which scans use two.
static const apus__cl_family families[APUS_REDUCE_COUNT] = {
#include "apus/reduce.def"
};
#undef APUS_REDUCE

enum { CPU_CHUNK = 32 * 1024, GPU_CHUNK = 1024, PARTIAL_BYTES = 32 };

typedef struct scan_call {
    const apus__lanes *lanes;
    const apus__cl_family *family;
    const apus_storage *storage;
} scan_call;

/// A processor adds in double as fast as in float, and one number is quicker than a sum and its error.
static bool sums_widely(const scan_call *c) {
    const apus_dtype dtype = c->lanes->dtype;
    if (!apus_dtype_is_floating_point(dtype) || dtype == APUS_DTYPE_float64) return false;
    return apus__cl_is_cpu_class(c->storage) && apus__cl_device_of(c->storage)->info.has_float64;
}

static apus_status launch(const scan_call *c, const char *kernel, int64_t items, int64_t local,
                          const apus__cl_argument *arguments, int32_t count) {
    return apus__cl_run(&(apus__cl_launch){.storage = c->storage,
                                           .family = c->family,
                                           .dtype = c->lanes->dtype,
                                           .options = sums_widely(c) ? "-DWIDE_SUMS" : NULL,
                                           .kernel = kernel,
                                           .items = {items},
                                           .local = {local},
                                           .arguments = arguments,
                                           .argument_count = count});
}

static apus_status columns(const scan_call *c, apus__buffer out, apus__buffer input) {
    const apus__lanes *l = c->lanes;
    int64_t width = apus__cl_is_cpu_class(c->storage) ? APUS__CL_COLUMNS : 1;
    int64_t blocks = (l->inner + width - 1) / width, items = l->outer * blocks;
    const apus__cl_argument arguments[] = {apus__cl_buffer(input), apus__cl_long(l->length), apus__cl_long(l->inner),
                                           apus__cl_long(blocks),  apus__cl_long(items),     apus__cl_buffer(out)};
    return launch(c, "scan_columns", items, 0, arguments, APUS__COUNT(arguments));
}

static apus_status rows(const scan_call *c, int64_t chunk, apus__buffer partials, apus__buffer out,
                        apus__buffer input) {
    const apus__lanes *l = c->lanes;
    bool cpu = apus__cl_is_cpu_class(c->storage);
    int64_t chunks = (l->length + chunk - 1) / chunk, items = l->outer * chunks;
    int64_t all = cpu ? items : items * APUS__CL_GROUP, local = cpu ? 1 : APUS__CL_GROUP;
    const apus__cl_argument arguments[] = {
        apus__cl_buffer(input), apus__cl_long(l->length),          apus__cl_long(chunk), apus__cl_long(chunks),
        apus__cl_long(items),   apus__cl_memory(partials.storage), apus__cl_buffer(out)};
    const apus__cl_argument starts[] = {apus__cl_memory(partials.storage), apus__cl_long(chunks),
                                        apus__cl_long(l->outer)};
    if (chunks > 1) {
        APUS_TRY(launch(c, "scan_totals", all, local, arguments, APUS__COUNT(arguments) - 1));
        APUS_TRY(launch(c, "scan_starts", l->outer, 0, starts, APUS__COUNT(starts)));
    }
    return launch(c, "scan_write", all, local, arguments, APUS__COUNT(arguments));
}

apus_status apus__cl_scan_lanes(const apus__lanes *l, apus_scan_op op, apus__buffer out, apus__buffer input) {
    const scan_call c = {l, &families[op == APUS_SCAN_sum ? APUS_REDUCE_sum : APUS_REDUCE_prod], out.storage};
    if (l->inner > 1) return columns(&c, out, input);
    // A work-group has no more than its items hold.
    bool cpu = apus__cl_is_cpu_class(out.storage);
    int64_t chunk = cpu ? apus__cl_chunk(l, out.storage, CPU_CHUNK) : GPU_CHUNK;
    apus__buffer partials = {NULL, 0};
    if (l->length <= chunk) return rows(&c, chunk, partials, out, input);
    size_t bytes = (size_t)(l->outer * ((l->length + chunk - 1) / chunk)) * PARTIAL_BYTES;
    APUS_TRY(apus__cl_temporary(&partials, out.storage, bytes));
    apus_status status = rows(&c, chunk, partials, out, input);
    apus__storage_release(partials.storage);
    return status;
}
