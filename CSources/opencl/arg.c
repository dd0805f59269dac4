// The greatest or least element of lanes and where it stands, on OpenCL devices.
#include "opencl/elementwise.h"
#include "opencl/scan.h"

static const apus__cl_family family = {"arg", {apus__cl_common, apus__cl_functions, apus__cl_arg}};

typedef struct arg_call {
    const apus__lanes *lanes;
    const char *options;
    const apus_storage *storage;
} arg_call;

static apus_status launch(const arg_call *c, const char *kernel, int64_t items, int64_t local,
                          const apus__cl_argument *arguments, int32_t count) {
    return apus__cl_run(&(apus__cl_launch){.storage = c->storage,
                                           .family = &family,
                                           .dtype = c->lanes->dtype,
                                           .options = c->options,
                                           .kernel = kernel,
                                           .items = {items},
                                           .local = {local},
                                           .arguments = arguments,
                                           .argument_count = count});
}

static apus_status columns(const arg_call *c, apus__buffer values, apus__buffer indices, apus__buffer input) {
    const apus__lanes *l = c->lanes;
    int64_t width = apus__cl_is_cpu_class(c->storage) ? APUS__CL_COLUMNS : 1;
    int64_t blocks = (l->inner + width - 1) / width, items = l->outer * blocks;
    const apus__cl_argument arguments[] = {apus__cl_buffer(input),  apus__cl_long(l->length), apus__cl_long(l->inner),
                                           apus__cl_long(blocks),   apus__cl_long(items),     apus__cl_buffer(values),
                                           apus__cl_buffer(indices)};
    return launch(c, "arg_columns", items, 0, arguments, APUS__COUNT(arguments));
}

/// Each chunk's result, numbered by row.
static apus_status rows(const arg_call *c, int64_t chunk, int64_t chunks, apus__buffer values, apus__buffer indices,
                        apus__buffer input) {
    bool cpu = apus__cl_is_cpu_class(c->storage);
    int64_t items = c->lanes->outer * chunks;
    const apus__cl_argument arguments[] = {
        apus__cl_buffer(input), apus__cl_long(c->lanes->length), apus__cl_long(chunk),    apus__cl_long(chunks),
        apus__cl_long(items),   apus__cl_buffer(values),         apus__cl_buffer(indices)};
    return launch(c, "arg_rows", cpu ? items : items * APUS__CL_GROUP, cpu ? 0 : APUS__CL_GROUP, arguments,
                  APUS__COUNT(arguments));
}

static apus_status merge(const arg_call *c, int64_t chunks, const apus__buffer parts[2], apus__buffer values,
                         apus__buffer indices) {
    const apus__cl_argument arguments[] = {
        apus__cl_memory(parts[0].storage), apus__cl_memory(parts[1].storage), apus__cl_long(chunks),
        apus__cl_long(c->lanes->outer),    apus__cl_buffer(values),           apus__cl_buffer(indices)};
    return launch(c, "arg_merge", c->lanes->outer, 0, arguments, APUS__COUNT(arguments));
}

apus_status apus__cl_arg_lanes(const apus__lanes *l, bool smallest, apus__buffer values, apus__buffer indices,
                               apus__buffer input) {
    const arg_call c = {l, smallest ? "-DSMALLEST" : NULL, values.storage};
    if (l->inner > 1) return columns(&c, values, indices, input);
    int64_t chunk = apus__cl_chunk(l, values.storage, 64 * 1024), chunks = (l->length + chunk - 1) / chunk;
    if (chunks == 1) return rows(&c, chunk, 1, values, indices, input);
    size_t items = (size_t)(l->outer * chunks);
    apus__buffer parts[2] = {{NULL, 0}, {NULL, 0}};
    apus_status status = apus__cl_temporary(&parts[0], values.storage, items * apus_dtype_size(l->dtype));
    if (status == APUS_STATUS_ok) status = apus__cl_temporary(&parts[1], values.storage, items * sizeof(int64_t));
    if (status == APUS_STATUS_ok) status = rows(&c, chunk, chunks, parts[0], parts[1], input);
    if (status == APUS_STATUS_ok) status = merge(&c, chunks, parts, values, indices);
    for (int i = 0; i < 2; i++)
        if (parts[i].storage != NULL) apus__storage_release(parts[i].storage);
    return status;
}
