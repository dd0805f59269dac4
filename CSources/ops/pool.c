// Max and average pooling and their gradients: shape and dtype rules.
#include <string.h>

#include "apus/nn.h"
#include "device/device.h"
#include "device/pool.h"
#include "ops/store.h"

// ---- Geometry

static apus_status check_options(const char *op, const apus_pool2d_options *o, bool dilated) {
    for (int i = 0; i < 2; i++) {
        if (o->kernel[i] < 1 || o->stride[i] < 1 || (dilated && o->dilation[i] < 1) || o->padding[i] < 0 ||
            o->kernel[i] > INT32_MAX || o->stride[i] > INT32_MAX || (dilated && o->dilation[i] > INT32_MAX))
            return apus__fail(APUS_STATUS_invalid_argument,
                              "%s: kernel, stride and dilation must be at least 1 and padding at least 0, and fit in "
                              "32 bits; dim %d has kernel %lld, stride %lld, padding %lld, dilation %lld",
                              op, i, (long long)o->kernel[i], (long long)o->stride[i], (long long)o->padding[i],
                              (long long)(dilated ? o->dilation[i] : 1));
        int64_t reach = (dilated ? o->dilation[i] : 1) * (o->kernel[i] - 1) + 1;
        if (o->padding[i] > reach / 2)
            return apus__fail(APUS_STATUS_invalid_argument,
                              "%s: padding %lld is more than half of the kernel's extent %lld", op,
                              (long long)o->padding[i], (long long)reach);
    }
    return APUS_STATUS_ok;
}

/// How many windows fit. Rounded up, the last one must still start inside the image or its left padding.
static int64_t output_size(const apus__pool *p, int i, bool ceil_mode) {
    int64_t room = p->in[i] + 2 * p->padding[i] - p->dilation[i] * (p->kernel[i] - 1) - 1;
    if (room < 0 && !(ceil_mode && room > -p->stride[i])) return 0;
    if (!ceil_mode) return room / p->stride[i] + 1;
    int64_t size = (room + p->stride[i] - 1) / p->stride[i] + 1;
    return (size - 1) * p->stride[i] >= p->in[i] + p->padding[i] ? size - 1 : size;
}

/// Fills the geometry and the result's shape.
static apus_status set_geometry(const char *op, apus__pool *p, int64_t *result, int32_t rank, const int64_t *input,
                                const apus_pool2d_options *o, bool dilated) {
    apus__text text;
    if (rank != 3 && rank != 4)
        return apus__fail(APUS_STATUS_shape, "%s: the input must be [N, C, H, W] or [C, H, W], not %s", op,
                          apus__describe_shape(&text, rank, input));
    int64_t numel;
    APUS_TRY(apus__checked_numel(op, &numel, APUS_DTYPE_float64, rank, input));
    APUS_TRY(check_options(op, o, dilated));
    for (int32_t i = rank - 3; i < rank; i++)
        if (input[i] == 0)
            return apus__fail(APUS_STATUS_shape, "%s: only the batch may be empty, not %s", op,
                              apus__describe_shape(&text, rank, input));
    p->planes = input[rank - 3] * (rank == 4 ? input[0] : 1);
    p->count_include_pad = o->count_include_pad;
    memcpy(result, input, sizeof(int64_t) * (size_t)rank);
    for (int i = 0; i < 2; i++) {
        p->in[i] = input[rank - 2 + i];
        p->kernel[i] = o->kernel[i], p->stride[i] = o->stride[i], p->padding[i] = o->padding[i];
        p->dilation[i] = dilated ? o->dilation[i] : 1;
        p->out[i] = result[rank - 2 + i] = output_size(p, i, o->ceil_mode);
    }
    if (p->out[0] < 1 || p->out[1] < 1)
        return apus__fail(APUS_STATUS_shape, "%s: input %s is smaller than the kernel %lldx%lld", op,
                          apus__describe_shape(&text, rank, input), (long long)p->kernel[0], (long long)p->kernel[1]);
    return APUS_STATUS_ok;
}

static apus_status check_shape(const char *op, const char *what, const apus_tensor *t, int32_t rank,
                               const int64_t *shape) {
    if (t->rank == rank && memcmp(t->shape, shape, sizeof(int64_t) * (size_t)rank) == 0) return APUS_STATUS_ok;
    apus__text have, want;
    return apus__fail(APUS_STATUS_shape, "%s: the %s %s must have the shape %s", op, what, apus__describe(&have, t),
                      apus__describe_shape(&want, rank, shape));
}

static apus_status check_floating(const char *op, const apus_tensor *t) {
    if (apus_dtype_is_floating_point(t->dtype)) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_dtype, "%s: expected floats, not %s", op, apus_dtype_name(t->dtype));
}

// ---- Running. Every function here has one float operand, of the result's dtype, and at most one of int64.

/// What a call reads and writes, as contiguous tensors.
typedef struct arguments {
    const apus_tensor *out, *indices, *operand;
} arguments;

typedef apus_status (*kernel)(const struct apus__pool_table *table, const apus__pool *pool, const arguments *a);

static apus_status run_max(const apus__pool_table *table, const apus__pool *p, const arguments *a) {
    return table->max(p, apus__buffer_of(a->out), apus__buffer_of(a->indices), apus__buffer_of(a->operand));
}
static apus_status run_max_backward(const apus__pool_table *table, const apus__pool *p, const arguments *a) {
    return table->max_backward(p, apus__buffer_of(a->out), apus__buffer_of(a->operand), apus__buffer_of(a->indices));
}
static apus_status run_average(const apus__pool_table *table, const apus__pool *p, const arguments *a) {
    return table->average(p, apus__buffer_of(a->out), apus__buffer_of(a->operand));
}
static apus_status run_average_backward(const apus__pool_table *table, const apus__pool *p, const arguments *a) {
    return table->average_backward(p, apus__buffer_of(a->out), apus__buffer_of(a->operand));
}

static apus_status call_device(const char *op, kernel function, const apus__pool *p, const apus_tensor *out,
                               const apus_tensor *indices, const apus_tensor *operand) {
    const apus__device_table *device = apus__device_of(out);
    if (device->pool == NULL)
        return apus__fail(APUS_STATUS_unsupported, "%s: device %s has no pooling", op, device->name);
    apus_tensor *contiguous = NULL;
    APUS_TRY(apus__contiguous_as(&contiguous, operand, p->dtype));
    arguments a = {.out = out, .indices = indices, .operand = contiguous};
    apus_status status = function(device->pool, p, &a);
    apus_tensor_release(contiguous);
    return status;
}

/// Runs a kernel whose result has the operand's dtype, in the compute dtype.
static apus_status compute(const char *op, kernel function, apus__pool *p, apus_tensor **out, int32_t rank,
                           const int64_t *shape, const apus_tensor *operand, const apus_tensor *indices) {
    p->dtype = apus__compute_dtype(operand->dtype);
    bool narrow = p->dtype != operand->dtype;
    apus_tensor *wide = NULL;
    const apus_tensor *inputs[] = {operand, indices};
    apus__output output;
    APUS_TRY(apus__output_begin(&output, op, narrow ? &wide : out, APUS__OUTPUT_CONTIGUOUS, p->dtype, rank, shape,
                                operand->storage->device, inputs, APUS__COUNT(inputs)));
    apus_status status = APUS_STATUS_ok;
    if (output.tensor->numel > 0) status = call_device(op, function, p, output.tensor, indices, operand);
    status = apus__output_end(&output, status);
    if (!narrow || status != APUS_STATUS_ok) return status;
    status = apus__store_as(op, out, operand->dtype, wide);
    apus_tensor_release(wide);
    return status;
}

// ---- Maximum

apus_status apus_max_pool2d(apus_tensor **out, apus_tensor **indices, const apus_tensor *input,
                            const apus_pool2d_options *options) {
    static const char op[] = "max_pool2d";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, input);
    APUS_TRY(apus__check_options(op, options, sizeof *options));
    APUS_TRY(check_floating(op, input));
    apus__pool p;
    int64_t shape[4];
    APUS_TRY(set_geometry(op, &p, shape, input->rank, input->shape, options, true));
    if (indices == NULL) return compute(op, run_max, &p, out, input->rank, shape, input, NULL);
    // The indices are written with the values, so the input and the values' place must not overlap them.
    const apus_tensor *others[] = {input, *out};
    apus__output output;
    APUS_TRY(apus__output_begin(&output, op, indices, APUS__OUTPUT_CONTIGUOUS, APUS_DTYPE_int64, input->rank, shape,
                                input->storage->device, others, APUS__COUNT(others)));
    apus_status status = compute(op, run_max, &p, out, input->rank, shape, input, output.tensor);
    return apus__output_end(&output, status);
}

apus_status apus_max_pool2d_backward(apus_tensor **out, const apus_tensor *grad, const apus_tensor *indices,
                                     int32_t rank, const int64_t *input_shape) {
    static const char op[] = "max_pool2d_backward";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, grad);
    APUS_REQUIRE(op, indices);
    APUS_REQUIRE(op, input_shape);
    apus__text have, want;
    APUS_TRY(check_floating(op, grad));
    if (indices->dtype != APUS_DTYPE_int64)
        return apus__fail(APUS_STATUS_dtype, "%s: indices must be int64, not %s", op, apus_dtype_name(indices->dtype));
    if ((rank != 3 && rank != 4) || grad->rank != rank ||
        memcmp(grad->shape, input_shape, sizeof(int64_t) * (size_t)(rank - 2)) != 0)
        return apus__fail(APUS_STATUS_shape, "%s: a gradient %s does not fit an input of shape %s", op,
                          apus__describe(&have, grad), apus__describe_shape(&want, rank, input_shape));
    APUS_TRY(check_shape(op, "indices", indices, rank, grad->shape));
    int64_t numel;
    APUS_TRY(apus__checked_numel(op, &numel, APUS_DTYPE_float64, rank, input_shape));
    apus_device device;
    const apus_tensor *inputs[] = {grad, indices};
    APUS_TRY(apus__same_device(op, &device, inputs, APUS__COUNT(inputs)));
    apus__pool p = {.planes = input_shape[rank - 3] * (rank == 4 ? input_shape[0] : 1)};
    for (int i = 0; i < 2; i++) {
        p.in[i] = input_shape[rank - 2 + i], p.out[i] = grad->shape[rank - 2 + i];
        p.kernel[i] = p.stride[i] = p.dilation[i] = 1;
    }
    apus_tensor *contiguous = NULL;
    APUS_TRY(apus_tensor_contiguous(&contiguous, indices));
    apus_status status = compute(op, run_max_backward, &p, out, rank, input_shape, grad, contiguous);
    apus_tensor_release(contiguous);
    return status;
}

// ---- Average

apus_status apus_avg_pool2d(apus_tensor **out, const apus_tensor *input, const apus_pool2d_options *options) {
    static const char op[] = "avg_pool2d";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, input);
    APUS_TRY(apus__check_options(op, options, sizeof *options));
    APUS_TRY(check_floating(op, input));
    apus__pool p;
    int64_t shape[4];
    APUS_TRY(set_geometry(op, &p, shape, input->rank, input->shape, options, false));
    return compute(op, run_average, &p, out, input->rank, shape, input, NULL);
}

apus_status apus_avg_pool2d_backward(apus_tensor **out, const apus_tensor *grad, int32_t rank,
                                     const int64_t *input_shape, const apus_pool2d_options *options) {
    static const char op[] = "avg_pool2d_backward";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, grad);
    APUS_REQUIRE(op, input_shape);
    APUS_TRY(apus__check_options(op, options, sizeof *options));
    APUS_TRY(check_floating(op, grad));
    apus__pool p;
    int64_t shape[4];
    APUS_TRY(set_geometry(op, &p, shape, rank, input_shape, options, false));
    APUS_TRY(check_shape(op, "gradient", grad, rank, shape));
    return compute(op, run_average_backward, &p, out, rank, input_shape, grad, NULL);
}
