// conv2d and its gradients: shape and dtype rules.
#include <string.h>

#include "apus/nn.h"
#include "device/conv.h"
#include "device/device.h"
#include "ops/store.h"

typedef enum direction { FORWARD, INPUT_GRAD, WEIGHT_GRAD } direction;

/// One call: what it computes, from which tensors, and the result's shape.
typedef struct call {
    const char *op;
    direction direction;
    const apus_tensor *operands[3]; ///< in the order of the device function; the bias may be NULL
    apus__conv conv;
    apus_dtype dtype;
    apus_device device;
    int32_t rank; ///< of images: 3 or 4
} call;

// ---- Geometry

static apus_status check_option(const char *op, const char *name, const int64_t *values, int32_t count, int64_t least) {
    for (int32_t i = 0; i < count; i++)
        if (values[i] < least || values[i] > INT32_MAX)
            return apus__fail(APUS_STATUS_invalid_argument, "%s: %s must be at least %lld and fit in 32 bits, not %lld",
                              op, name, (long long)least, (long long)values[i]);
    return APUS_STATUS_ok;
}

static apus_status check_options(const char *op, const apus_conv2d_options *o) {
    APUS_TRY(check_option(op, "stride", o->stride, 2, 1));
    APUS_TRY(check_option(op, "padding", o->padding, 2, 0));
    APUS_TRY(check_option(op, "dilation", o->dilation, 2, 1));
    return check_option(op, "groups", &o->groups, 1, 1);
}

static apus_status check_channels(const call *c, const int64_t *input, const int64_t *weight, int64_t groups) {
    apus__text images, weights;
    const char *in = apus__describe_shape(&images, c->rank, input), *w = apus__describe_shape(&weights, 4, weight);
    int64_t channels = input[c->rank - 3];
    if (weight[0] == 0 || weight[2] == 0 || weight[3] == 0)
        return apus__fail(APUS_STATUS_shape, "%s: a weight of shape %s has no outputs or no kernel", c->op, w);
    if (weight[0] % groups != 0)
        return apus__fail(APUS_STATUS_shape, "%s: %lld groups do not divide the outputs of a weight of shape %s", c->op,
                          (long long)groups, w);
    if (channels % groups != 0 || channels / groups != weight[1])
        return apus__fail(APUS_STATUS_shape,
                          "%s: input %s has %lld channels, weight %s with %lld groups takes %lld per group", c->op, in,
                          (long long)channels, w, (long long)groups, (long long)weight[1]);
    return APUS_STATUS_ok;
}

static apus_status set_extent(const call *c, apus__conv *v, int i) {
    int64_t reach, padded;
    if (__builtin_mul_overflow(v->dilation[i], v->kernel[i] - 1, &reach) || __builtin_add_overflow(reach, 1, &reach) ||
        __builtin_add_overflow(v->in[i], 2 * v->padding[i], &padded))
        return apus__fail(APUS_STATUS_overflow, "%s: the padded size does not fit in 64 bits", c->op);
    if (padded < reach)
        return apus__fail(APUS_STATUS_shape,
                          "%s: the kernel of %lldx%lld with dilation %lldx%lld is larger than the input of %lldx%lld "
                          "with padding %lldx%lld",
                          c->op, (long long)v->kernel[0], (long long)v->kernel[1], (long long)v->dilation[0],
                          (long long)v->dilation[1], (long long)v->in[0], (long long)v->in[1], (long long)v->padding[0],
                          (long long)v->padding[1]);
    v->out[i] = (padded - reach) / v->stride[i] + 1;
    return APUS_STATUS_ok;
}

static apus_status set_geometry(call *c, int32_t rank, const int64_t *input, const int64_t *weight,
                                const apus_conv2d_options *o) {
    apus__text text;
    if (rank != 3 && rank != 4)
        return apus__fail(APUS_STATUS_shape, "%s: the input must be [N, C, H, W] or [C, H, W], not %s", c->op,
                          apus__describe_shape(&text, rank, input));
    int64_t numel;
    c->rank = rank;
    APUS_TRY(apus__checked_numel(c->op, &numel, APUS_DTYPE_float64, rank, input));
    APUS_TRY(apus__checked_numel(c->op, &numel, APUS_DTYPE_float64, 4, weight));
    APUS_TRY(check_options(c->op, o));
    APUS_TRY(check_channels(c, input, weight, o->groups));
    c->conv = (apus__conv){.batch = rank == 4 ? input[0] : 1,
                           .groups = o->groups,
                           .in_channels = input[rank - 3],
                           .out_channels = weight[0]};
    for (int i = 0; i < 2; i++) {
        c->conv.in[i] = input[rank - 2 + i];
        c->conv.kernel[i] = weight[2 + i];
        c->conv.stride[i] = o->stride[i];
        c->conv.padding[i] = o->padding[i];
        c->conv.dilation[i] = o->dilation[i];
    }
    for (int i = 0; i < 2; i++) APUS_TRY(set_extent(c, &c->conv, i));
    return APUS_STATUS_ok;
}

/// The shape of the convolution's result.
static void result_shape(const call *c, int64_t shape[4]) {
    int64_t whole[4] = {c->conv.batch, c->conv.out_channels, c->conv.out[0], c->conv.out[1]};
    memcpy(shape, whole + (4 - c->rank), sizeof(int64_t) * (size_t)c->rank);
}

static apus_status check_grad(const call *c, const apus_tensor *grad) {
    int64_t shape[4];
    result_shape(c, shape);
    if (grad->rank == c->rank && memcmp(grad->shape, shape, sizeof(int64_t) * (size_t)c->rank) == 0)
        return APUS_STATUS_ok;
    apus__text have, want;
    return apus__fail(APUS_STATUS_shape, "%s: the gradient %s does not have the result's shape %s", c->op,
                      apus__describe(&have, grad), apus__describe_shape(&want, c->rank, shape));
}

// ---- Operands and result

static apus_status set_dtype(call *c) {
    for (int i = 0; i < APUS__COUNT(c->operands); i++) {
        const apus_tensor *t = c->operands[i];
        if (t == NULL) continue;
        if (!apus_dtype_is_floating_point(t->dtype))
            return apus__fail(APUS_STATUS_dtype, "%s: expected floats, not %s", c->op, apus_dtype_name(t->dtype));
        c->dtype = i == 0 ? t->dtype : apus_promote_types(c->dtype, t->dtype);
    }
    c->conv.dtype = apus__compute_dtype(c->dtype);
    return apus__same_device(c->op, &c->device, c->operands, APUS__COUNT(c->operands));
}

static apus_status call_device(const call *c, const apus_tensor *out, apus_tensor *const operands[3]) {
    const apus__device_table *device = apus__device_of(out);
    if (device->conv == NULL)
        return apus__fail(APUS_STATUS_unsupported, "%s: device %s has no convolution", c->op, device->name);
    apus__buffer to = apus__buffer_of(out), a = apus__buffer_of(operands[0]), b = apus__buffer_of(operands[1]);
    switch (c->direction) {
    case FORWARD: return device->conv->forward(&c->conv, to, a, b, apus__buffer_of(operands[2]));
    case INPUT_GRAD: return device->conv->input_grad(&c->conv, to, a, b);
    default: return device->conv->weight_grad(&c->conv, to, a, b);
    }
}

/// Runs the kernel on contiguous operands of the compute dtype.
static apus_status compute(const call *c, apus_tensor *out) {
    if (out->numel == 0) return APUS_STATUS_ok;
    apus_scalar zero = {.kind = APUS_SCALAR_int};
    if (c->direction == WEIGHT_GRAD && c->conv.batch == 0) return apus_tensor_fill(out, &zero);
    apus_tensor *operands[3] = {NULL, NULL, NULL};
    apus_status status = APUS_STATUS_ok;
    for (int i = 0; i < 3 && status == APUS_STATUS_ok; i++)
        if (c->operands[i] != NULL) status = apus__contiguous_as(&operands[i], c->operands[i], c->conv.dtype);
    if (status == APUS_STATUS_ok) status = call_device(c, out, operands);
    for (int i = 0; i < 3; i++) apus_tensor_release(operands[i]);
    return status;
}

static apus_status finish(const call *c, apus_tensor **out, int32_t rank, const int64_t *shape) {
    apus_tensor *wide = NULL;
    bool narrow = c->conv.dtype != c->dtype;
    apus__output output;
    APUS_TRY(apus__output_begin(&output, c->op, narrow ? &wide : out, APUS__OUTPUT_CONTIGUOUS, c->conv.dtype, rank,
                                shape, c->device, c->operands, APUS__COUNT(c->operands)));
    apus_status status = apus__output_end(&output, compute(c, output.tensor));
    if (!narrow || status != APUS_STATUS_ok) return status;
    status = apus__store_as(c->op, out, c->dtype, wide);
    apus_tensor_release(wide);
    return status;
}

static apus_status check_weight_rank(const char *op, const apus_tensor *weight) {
    if (weight->rank == 4) return APUS_STATUS_ok;
    apus__text text;
    return apus__fail(APUS_STATUS_shape, "%s: the weight must be [O, C / groups, kH, kW], not %s", op,
                      apus__describe(&text, weight));
}

apus_status apus_conv2d(apus_tensor **out, const apus_tensor *input, const apus_tensor *weight, const apus_tensor *bias,
                        const apus_conv2d_options *options) {
    APUS_REQUIRE("conv2d", out);
    APUS_REQUIRE("conv2d", input);
    APUS_REQUIRE("conv2d", weight);
    APUS_TRY(apus__check_options("conv2d", options, sizeof *options));
    call c = {.op = "conv2d", .direction = FORWARD, .operands = {input, weight, bias}};
    APUS_TRY(check_weight_rank(c.op, weight));
    APUS_TRY(set_geometry(&c, input->rank, input->shape, weight->shape, options));
    apus__text have, want;
    if (bias != NULL && (bias->rank != 1 || bias->shape[0] != weight->shape[0]))
        return apus__fail(APUS_STATUS_shape, "conv2d: bias %s does not fit weight %s", apus__describe(&have, bias),
                          apus__describe(&want, weight));
    APUS_TRY(set_dtype(&c));
    int64_t shape[4];
    result_shape(&c, shape);
    return finish(&c, out, c.rank, shape);
}

apus_status apus_conv2d_input_grad(apus_tensor **out, int32_t rank, const int64_t *input_shape, const apus_tensor *grad,
                                   const apus_tensor *weight, const apus_conv2d_options *options) {
    APUS_REQUIRE("conv2d_input_grad", out);
    APUS_REQUIRE("conv2d_input_grad", input_shape);
    APUS_REQUIRE("conv2d_input_grad", grad);
    APUS_REQUIRE("conv2d_input_grad", weight);
    APUS_TRY(apus__check_options("conv2d_input_grad", options, sizeof *options));
    call c = {.op = "conv2d_input_grad", .direction = INPUT_GRAD, .operands = {grad, weight}};
    APUS_TRY(check_weight_rank(c.op, weight));
    APUS_TRY(set_geometry(&c, rank, input_shape, weight->shape, options));
    APUS_TRY(check_grad(&c, grad));
    APUS_TRY(set_dtype(&c));
    return finish(&c, out, rank, input_shape);
}

apus_status apus_conv2d_weight_grad(apus_tensor **out, const int64_t weight_shape[4], const apus_tensor *grad,
                                    const apus_tensor *input, const apus_conv2d_options *options) {
    APUS_REQUIRE("conv2d_weight_grad", out);
    APUS_REQUIRE("conv2d_weight_grad", weight_shape);
    APUS_REQUIRE("conv2d_weight_grad", grad);
    APUS_REQUIRE("conv2d_weight_grad", input);
    APUS_TRY(apus__check_options("conv2d_weight_grad", options, sizeof *options));
    call c = {.op = "conv2d_weight_grad", .direction = WEIGHT_GRAD, .operands = {grad, input}};
    APUS_TRY(set_geometry(&c, input->rank, input->shape, weight_shape, options));
    APUS_TRY(check_grad(&c, grad));
    APUS_TRY(set_dtype(&c));
    return finish(&c, out, 4, weight_shape);
}
