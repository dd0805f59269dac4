// Softmax and its logarithm: shape and dtype rules.
#include "apus/reduce.h"
#include "device/device.h"
#include "device/norm.h"
#include "ops/lanes.h"
#include "ops/store.h"

/// One call, forward (grad is NULL) or backward. Inputs are of the dtype that is computed in.
typedef struct call {
    const char *op;
    bool logarithm;
    int32_t dim;
    const apus_tensor *x, *grad;
} call;

static apus_status launch(const call *c, apus_tensor *out) {
    const apus__norm_table *table = apus__device_of(out)->norm;
    const apus__lanes lanes = apus__lanes_of(c->x, c->dim);
    apus_tensor *x = NULL, *grad = NULL;
    apus_status status = apus__contiguous_as(&x, c->x, c->x->dtype);
    if (status == APUS_STATUS_ok && c->grad != NULL) status = apus__contiguous_as(&grad, c->grad, c->x->dtype);
    if (status == APUS_STATUS_ok && c->grad == NULL)
        status = table->softmax(&lanes, c->logarithm, apus__buffer_of(out), apus__buffer_of(x));
    if (status == APUS_STATUS_ok && c->grad != NULL)
        status = table->softmax_backward(&lanes, c->logarithm, apus__buffer_of(out), apus__buffer_of(grad),
                                         apus__buffer_of(x));
    apus_tensor_release(x);
    apus_tensor_release(grad);
    return status;
}

static apus_status run(apus_tensor **out, const call *c) {
    const apus_tensor *inputs[] = {c->x, c->grad};
    apus__output output;
    APUS_TRY(apus__output_begin(&output, c->op, out, APUS__OUTPUT_CONTIGUOUS, c->x->dtype, c->x->rank, c->x->shape,
                                c->x->storage->device, inputs, 2));
    return apus__output_end(&output, c->x->numel == 0 ? APUS_STATUS_ok : launch(c, output.tensor));
}

/// float16 and bfloat16 go through float32.
static apus_status run_wide(apus_tensor **out, const call *c) {
    apus_tensor *x = NULL, *grad = NULL, *value = NULL;
    apus_status status = apus__contiguous_as(&x, c->x, APUS_DTYPE_float32);
    if (status == APUS_STATUS_ok && c->grad != NULL) status = apus__contiguous_as(&grad, c->grad, APUS_DTYPE_float32);
    const call wide = {c->op, c->logarithm, c->dim, x, grad};
    if (status == APUS_STATUS_ok) status = run(&value, &wide);
    if (status == APUS_STATUS_ok) status = apus__store_as(c->op, out, c->x->dtype, value);
    apus_tensor_release(x);
    apus_tensor_release(grad);
    apus_tensor_release(value);
    return status;
}

static apus_status begin(apus_tensor **out, call *c) {
    APUS_REQUIRE(c->op, out);
    APUS_REQUIRE(c->op, c->x);
    const apus_tensor *inputs[] = {c->x, c->grad};
    apus_device device;
    APUS_TRY(apus__same_device(c->op, &device, inputs, 2));
    APUS_TRY(apus__normalize_dim(c->op, &c->dim, c->x->rank));
    if (!apus_dtype_is_floating_point(c->x->dtype))
        return apus__fail(APUS_STATUS_dtype, "%s: needs a floating-point dtype, got %s", c->op,
                          apus_dtype_name(c->x->dtype));
    return apus__compute_dtype(c->x->dtype) == c->x->dtype ? run(out, c) : run_wide(out, c);
}

apus_status apus_softmax(apus_tensor **out, const apus_tensor *x, int32_t dim, bool logarithm) {
    call c = {logarithm ? "log_softmax" : "softmax", logarithm, dim, x, NULL};
    return begin(out, &c);
}

apus_status apus_softmax_backward(apus_tensor **out, const apus_tensor *grad, const apus_tensor *result, int32_t dim,
                                  bool logarithm) {
    call c = {logarithm ? "log_softmax_backward" : "softmax_backward", logarithm, dim, result, grad};
    APUS_REQUIRE(c.op, grad);
    APUS_REQUIRE(c.op, result);
    bool same = grad->rank == result->rank;
    for (int32_t d = 0; same && d < grad->rank; d++) same = grad->shape[d] == result->shape[d];
    apus__text a, b;
    if (!same)
        return apus__fail(APUS_STATUS_shape, "%s: the gradient %s does not fit the result %s", c.op,
                          apus__describe(&a, grad), apus__describe(&b, result));
    return begin(out, &c);
}
