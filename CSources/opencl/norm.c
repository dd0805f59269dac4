// Softmax and the normalisation layers on OpenCL devices. Sums of gradients over rows or images are cut into chunks
// that follow from the shape, and the chunks' sums are added in order.
#include "device/norm.h"

#include "opencl/launch.h"

enum {
    ITEM_ELEMENTS = 8192, // what an item of the CPU class takes at least
    GROUP = 128,          // items of the GPU class that share a row; as in kernels/norm.cl
    COLUMN_VECTORS = 8,   // of an item of the CPU class; as in kernels/softmax.cl
    CHUNKS = 32,          // at least, where rows or images are cut for sums
    CHUNK_ROWS = 128,     // at most: so many rows are added up one by one
    MAX_ARGUMENTS = 16,
};

static const apus__cl_family softmax_family = {"softmax", {apus__cl_common, apus__cl_norm, apus__cl_softmax}};
static const apus__cl_family layer_family = {"layer_norm", {apus__cl_common, apus__cl_norm, apus__cl_layer_norm}};
static const apus__cl_family batch_family = {"batch_norm", {apus__cl_common, apus__cl_norm, apus__cl_batch_norm}};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

typedef struct call {
    const apus__cl_family *family;
    apus_dtype dtype;
    const apus_storage *storage; ///< of the device
    bool is_cpu;
} call;

static call call_on(const apus__cl_family *family, apus__buffer buffer, apus_dtype dtype) {
    return (call){family, dtype, buffer.storage, apus__cl_is_cpu_class(buffer.storage)};
}

static apus_status launch(const call *c, const char *kernel, int64_t items, int64_t second,
                          const apus__cl_argument *arguments, int32_t count) {
    return apus__cl_run(&(apus__cl_launch){.storage = c->storage,
                                           .family = c->family,
                                           .dtype = c->dtype,
                                           .kernel = kernel,
                                           .items = {items, second},
                                           .local = {c->is_cpu ? 1 : GROUP, 1},
                                           .arguments = arguments,
                                           .argument_count = count});
}

/// A kernel over rows of n elements: the CPU class takes chunks of them, which is its last argument; of the GPU class a
/// work-group takes one.
static apus_status launch_rows(const call *c, const char *kernel, int64_t rows, int64_t n, apus__cl_argument *arguments,
                               int32_t count) {
    if (!c->is_cpu) return launch(c, kernel, rows * GROUP, 1, arguments, count);
    int64_t chunk = larger(1, ITEM_ELEMENTS / n);
    arguments[count] = apus__cl_long(chunk);
    return launch(c, kernel, divide_up(rows, chunk), 1, arguments, count + 1);
}

/// The elements of the CPU class's vectors; W in kernels/common.cl.
static int64_t width_of(const call *c) { return c->dtype == APUS_DTYPE_float64 ? 8 : 16; }

// ---- Softmax

static apus_status softmax_kernel(const apus__lanes *l, const char *const kernels[2], apus__buffer out,
                                  const apus__cl_argument *buffers, int32_t count, bool logarithm) {
    call c = call_on(&softmax_family, out, l->dtype);
    apus__cl_argument arguments[MAX_ARGUMENTS];
    for (int32_t i = 0; i < count; i++) arguments[i] = buffers[i];
    arguments[count++] = apus__cl_long(l->outer);
    arguments[count++] = apus__cl_long(l->length);
    if (l->inner > 1) arguments[count++] = apus__cl_long(l->inner);
    arguments[count++] = apus__cl_long(logarithm);
    if (l->inner == 1) return launch_rows(&c, kernels[0], l->outer, l->length, arguments, count);
    int64_t columns = c.is_cpu ? divide_up(l->inner, COLUMN_VECTORS * width_of(&c)) : l->inner;
    return launch(&c, kernels[1], l->outer * columns, 1, arguments, count);
}

static apus_status softmax(const apus__lanes *lanes, bool logarithm, apus__buffer out, apus__buffer input) {
    static const char *const kernels[] = {"softmax_rows", "softmax_columns"};
    const apus__cl_argument buffers[] = {apus__cl_buffer(out), apus__cl_buffer(input)};
    return softmax_kernel(lanes, kernels, out, buffers, APUS__COUNT(buffers), logarithm);
}

static apus_status softmax_backward(const apus__lanes *lanes, bool logarithm, apus__buffer out, apus__buffer grad,
                                    apus__buffer result) {
    static const char *const kernels[] = {"softmax_backward_rows", "softmax_backward_columns"};
    const apus__cl_argument buffers[] = {apus__cl_buffer(out), apus__cl_buffer(grad), apus__cl_buffer(result)};
    return softmax_kernel(lanes, kernels, out, buffers, APUS__COUNT(buffers), logarithm);
}

// ---- Layer normalisation

static apus_status layer_norm(const apus__norm_rows *r, double eps, apus__buffer out, apus__buffer mean,
                              apus__buffer rstd, apus__buffer x, apus__buffer weight, apus__buffer bias) {
    call c = call_on(&layer_family, out, r->dtype);
    apus__cl_argument arguments[MAX_ARGUMENTS] = {
        apus__cl_buffer(out),   apus__cl_buffer(mean),    apus__cl_buffer(rstd),
        apus__cl_buffer(x),     apus__cl_buffer(weight),  apus__cl_buffer(bias),
        apus__cl_long(r->rows), apus__cl_long(r->length), apus__cl_real(r->dtype, eps)};
    return launch_rows(&c, "layer_norm", r->rows, r->length, arguments, 9);
}

/// The operands of a layer's backward pass.
typedef struct gradients {
    apus__buffer dx, dweight, dbias, grad, x, weight, mean, rstd;
} gradients;

static int64_t chunk_of(int64_t rows) { return larger(1, smaller(CHUNK_ROWS, divide_up(rows, CHUNKS))); }

/// One pass over rows gives dx and the chunks' sums.
static apus_status layer_norm_backward_on_cpu(const call *c, const apus__norm_rows *r, const gradients *g,
                                              apus__buffer sums, int64_t chunk) {
    const apus__cl_argument arguments[] = {
        apus__cl_buffer(g->dx),     apus__cl_buffer(sums),    apus__cl_buffer(g->grad), apus__cl_buffer(g->x),
        apus__cl_buffer(g->weight), apus__cl_buffer(g->mean), apus__cl_buffer(g->rstd), apus__cl_long(r->rows),
        apus__cl_long(r->length),   apus__cl_long(chunk)};
    return launch(c, "layer_norm_backward", divide_up(r->rows, chunk), 1, arguments, APUS__COUNT(arguments));
}

static apus_status layer_norm_backward_on_gpu(const call *c, const apus__norm_rows *r, const gradients *g,
                                              apus__buffer sums, int64_t chunk) {
    const apus__cl_argument rows[] = {apus__cl_buffer(g->dx),     apus__cl_buffer(g->grad), apus__cl_buffer(g->x),
                                      apus__cl_buffer(g->weight), apus__cl_buffer(g->mean), apus__cl_buffer(g->rstd),
                                      apus__cl_long(r->rows),     apus__cl_long(r->length)};
    const apus__cl_argument columns[] = {apus__cl_buffer(sums),    apus__cl_buffer(g->grad), apus__cl_buffer(g->x),
                                         apus__cl_buffer(g->mean), apus__cl_buffer(g->rstd), apus__cl_long(r->rows),
                                         apus__cl_long(r->length), apus__cl_long(chunk)};
    if (g->dx.storage != NULL) APUS_TRY(launch(c, "layer_norm_backward", r->rows * GROUP, 1, rows, APUS__COUNT(rows)));
    if (sums.storage == NULL) return APUS_STATUS_ok;
    return launch(c, "layer_norm_sums", r->length, divide_up(r->rows, chunk), columns, APUS__COUNT(columns));
}

static apus_status layer_norm_backward(const apus__norm_rows *r, apus__buffer dx, apus__buffer dweight,
                                       apus__buffer dbias, apus__buffer grad, apus__buffer x, apus__buffer weight,
                                       apus__buffer mean, apus__buffer rstd) {
    call c = call_on(&layer_family, grad, r->dtype);
    const gradients g = {dx, dweight, dbias, grad, x, weight, mean, rstd};
    int64_t chunk = chunk_of(r->rows), chunks = divide_up(r->rows, chunk);
    apus__buffer sums = {NULL, 0};
    if (dweight.storage != NULL || dbias.storage != NULL)
        APUS_TRY(apus__cl_temporary(&sums, c.storage, (size_t)(chunks * 2 * r->length) * apus_dtype_size(r->dtype)));
    apus_status status = c.is_cpu ? layer_norm_backward_on_cpu(&c, r, &g, sums, chunk)
                                  : layer_norm_backward_on_gpu(&c, r, &g, sums, chunk);
    if (sums.storage == NULL) return status;
    const apus__cl_argument arguments[] = {apus__cl_buffer(dweight), apus__cl_buffer(dbias), apus__cl_buffer(sums),
                                           apus__cl_long(chunks), apus__cl_long(r->length)};
    if (status == APUS_STATUS_ok) status = launch(&c, "add_chunks", r->length, 1, arguments, APUS__COUNT(arguments));
    apus__storage_release(sums.storage);
    return status;
}

// ---- Batch normalisation

/// A kernel that goes over all elements, with its buffers. The CPU class takes chunks of planes, or of rows of
/// channels.
static apus_status launch_images(const call *c, const char *kernel, const apus__norm_images *im,
                                 const apus__buffer *buffers, int32_t count) {
    apus__cl_argument arguments[MAX_ARGUMENTS];
    for (int32_t i = 0; i < count; i++) arguments[i] = apus__cl_buffer(buffers[i]);
    arguments[count++] = apus__cl_long(im->batch);
    arguments[count++] = apus__cl_long(im->channels);
    arguments[count++] = apus__cl_long(im->size);
    if (!c->is_cpu) return launch(c, kernel, im->batch * im->channels * im->size, 1, arguments, count);
    bool is_row = im->size == 1;
    return launch_rows(c, kernel, is_row ? im->batch : im->batch * im->channels, is_row ? im->channels : im->size,
                       arguments, count);
}

static apus_status batch_norm(const apus__norm_images *im, apus__buffer out, apus__buffer x, apus__buffer mean,
                              apus__buffer rstd, apus__buffer weight, apus__buffer bias) {
    call c = call_on(&batch_family, out, im->dtype);
    const apus__buffer buffers[] = {out, x, mean, rstd, weight, bias};
    return launch_images(&c, "batch_norm", im, buffers, APUS__COUNT(buffers));
}

static apus_status find_sums(const call *c, const apus__norm_images *im, const gradients *g, apus__buffer sums,
                             int64_t chunk) {
    const apus__cl_argument arguments[] = {
        apus__cl_buffer(sums),    apus__cl_buffer(g->grad),    apus__cl_buffer(g->x),   apus__cl_buffer(g->mean),
        apus__cl_long(im->batch), apus__cl_long(im->channels), apus__cl_long(im->size), apus__cl_long(chunk)};
    int64_t items = !c->is_cpu ? im->channels * GROUP : im->size == 1 ? 1 : im->channels;
    return launch(c, "batch_norm_sums", items, divide_up(im->batch, chunk), arguments, APUS__COUNT(arguments));
}

static apus_status find_factors(const call *c, const apus__norm_images *im, bool training, const gradients *g,
                                apus__buffer factors, apus__buffer sums, int64_t chunks) {
    const apus__cl_argument arguments[] = {
        apus__cl_buffer(factors),   apus__cl_buffer(g->dweight),
        apus__cl_buffer(g->dbias),  apus__cl_buffer(sums),
        apus__cl_buffer(g->weight), apus__cl_buffer(g->rstd),
        apus__cl_long(chunks),      apus__cl_long(im->channels),
        apus__cl_long(training),    apus__cl_real(c->dtype, (double)im->batch * (double)im->size)};
    return launch(c, "batch_norm_factors", im->channels, 1, arguments, APUS__COUNT(arguments));
}

static apus_status batch_norm_backward(const apus__norm_images *im, bool training, apus__buffer dx,
                                       apus__buffer dweight, apus__buffer dbias, apus__buffer grad, apus__buffer x,
                                       apus__buffer weight, apus__buffer mean, apus__buffer rstd) {
    call c = call_on(&batch_family, grad, im->dtype);
    const gradients g = {dx, dweight, dbias, grad, x, weight, mean, rstd};
    int64_t chunk = chunk_of(im->batch), chunks = divide_up(im->batch, chunk);
    size_t channel = (size_t)im->channels * apus_dtype_size(im->dtype);
    apus__buffer sums, factors;
    APUS_TRY(apus__cl_temporary(&sums, c.storage, (size_t)(2 * chunks + 3) * channel));
    factors = (apus__buffer){sums.storage, 2 * chunks * im->channels};
    apus_status status = find_sums(&c, im, &g, sums, chunk);
    if (status == APUS_STATUS_ok) status = find_factors(&c, im, training, &g, factors, sums, chunks);
    const apus__buffer buffers[] = {dx, grad, x, mean, factors};
    if (status == APUS_STATUS_ok && dx.storage != NULL)
        status = launch_images(&c, "batch_norm_spread", im, buffers, APUS__COUNT(buffers));
    apus__storage_release(sums.storage);
    return status;
}

const apus__norm_table apus__cl_norm_table = {
    .softmax = softmax,
    .softmax_backward = softmax_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .batch_norm = batch_norm,
    .batch_norm_backward = batch_norm_backward,
};
