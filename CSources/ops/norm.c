// Layer and batch normalisation: shape and dtype rules.
//
// Kernels take contiguous operands of one dtype, float32 or float64, and new outputs. `operands` brings the caller's
// tensors there, `results` hands the outputs over in the dtypes the caller expects.
#include <math.h>

#include "apus/elementwise.h"
#include "apus/nn.h"
#include "apus/reduce.h"
#include "device/device.h"
#include "device/norm.h"
#include "ops/store.h"

enum { MAX_TENSORS = 6 };

/// One call's tensors. Entries are NULL where the caller gave or wants none.
typedef struct call {
    const char *op;
    apus_dtype dtype; ///< that is computed in
    apus_device device;
    apus_tensor *in[MAX_TENSORS];
    apus_tensor **slots[MAX_TENSORS];
    apus_tensor *out[MAX_TENSORS];
    apus_dtype out_dtypes[MAX_TENSORS];
} call;

static apus__buffer in(const call *c, int32_t i) { return apus__buffer_of(c->in[i]); }
static apus__buffer out(const call *c, int32_t i) { return apus__buffer_of(c->out[i]); }

/// Checks dtypes and devices and makes c->in of the tensors, the first of which decides what is computed in.
static apus_status begin(call *c, const apus_tensor *const *tensors, int32_t count) {
    APUS_TRY(apus__same_device(c->op, &c->device, tensors, count));
    c->dtype = apus__compute_dtype(tensors[0]->dtype);
    for (int32_t i = 0; i < count; i++)
        if (tensors[i] != NULL && !apus_dtype_is_floating_point(tensors[i]->dtype))
            return apus__fail(APUS_STATUS_dtype, "%s: needs floating-point dtypes, got %s", c->op,
                              apus_dtype_name(tensors[i]->dtype));
    for (int32_t i = 0; i < count; i++)
        if (tensors[i] != NULL) APUS_TRY(apus__contiguous_as(&c->in[i], tensors[i], c->dtype));
    return APUS_STATUS_ok;
}

/// Asks for output i, which the kernel writes as a new tensor; `slot` NULL: not wanted.
static apus_status want(call *c, int32_t i, apus_tensor **slot, apus_dtype dtype, int32_t rank, const int64_t *shape) {
    if (slot == NULL) return APUS_STATUS_ok;
    c->slots[i] = slot;
    c->out_dtypes[i] = dtype;
    return apus__tensor_new(&c->out[i], c->op, c->dtype, rank, shape, c->device);
}

/// Hands the outputs over when all went well, and releases everything.
static apus_status end(call *c, apus_status status) {
    bool made[MAX_TENSORS] = {false};
    for (int32_t i = 0; i < MAX_TENSORS && status == APUS_STATUS_ok; i++) {
        if (c->out[i] == NULL) continue;
        made[i] = *c->slots[i] == NULL;
        if (made[i] && c->out[i]->dtype == c->out_dtypes[i])
            *c->slots[i] = apus_tensor_retain(c->out[i]);
        else
            status = apus__store_as(c->op, c->slots[i], c->out_dtypes[i], c->out[i]);
    }
    for (int32_t i = 0; i < MAX_TENSORS; i++) {
        if (status != APUS_STATUS_ok && made[i]) {
            apus_tensor_release(*c->slots[i]);
            *c->slots[i] = NULL;
        }
        apus_tensor_release(c->in[i]);
        apus_tensor_release(c->out[i]);
    }
    return status;
}

static apus_status fill(apus_tensor *t, double value) {
    const apus_scalar scalar = {.kind = APUS_SCALAR_float, .real = value};
    return t == NULL ? APUS_STATUS_ok : apus_tensor_fill(t, &scalar);
}

static bool has_shape(const apus_tensor *t, int32_t rank, const int64_t *shape) {
    if (t->rank != rank) return false;
    for (int32_t d = 0; d < rank; d++)
        if (t->shape[d] != shape[d]) return false;
    return true;
}

static apus_status check_shape(const char *op, const char *name, const apus_tensor *t, int32_t rank,
                               const int64_t *shape) {
    apus__text expected, got;
    if (t == NULL || has_shape(t, rank, shape)) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_shape, "%s: %s should have shape %s, got %s", op, name,
                      apus__describe_shape(&expected, rank, shape), apus__describe(&got, t));
}

/// Statistics of half-precision inputs are float32.
static apus_dtype dtype_of(const apus_tensor *t, apus_dtype otherwise) { return t == NULL ? otherwise : t->dtype; }

// ---- Layer normalisation

/// x as rows over its last `count` dims, and the shape of the statistics.
static apus_status split_rows(const char *op, apus__norm_rows *rows, int64_t *shape, const apus_tensor *x,
                              int32_t count) {
    if (count < 1 || count > x->rank)
        return apus__fail(APUS_STATUS_invalid_argument, "%s: cannot normalise the last %d of %d dims", op, count,
                          x->rank);
    rows->rows = rows->length = 1;
    for (int32_t d = 0; d < x->rank; d++) {
        bool last = d >= x->rank - count;
        *(last ? &rows->length : &rows->rows) *= x->shape[d];
        shape[d] = last ? 1 : x->shape[d];
    }
    return APUS_STATUS_ok;
}

enum { X, WEIGHT, BIAS };                // forward operands
enum { GRAD, INPUT, SCALE, MEAN, RSTD }; // backward operands
enum { DX, DWEIGHT, DBIAS };             // backward results

static apus_status layer_norm_run(call *c, apus__norm_rows *rows, double eps) {
    rows->dtype = c->dtype;
    if (rows->rows == 0) return APUS_STATUS_ok;
    if (rows->length == 0) {
        APUS_TRY(fill(c->out[1], NAN));
        return fill(c->out[2], NAN);
    }
    return apus__device_of(c->in[X])->norm->layer_norm(rows, eps, out(c, 0), out(c, 1), out(c, 2), in(c, X),
                                                       in(c, WEIGHT), in(c, BIAS));
}

apus_status apus_layer_norm(apus_tensor **out, apus_tensor **mean, apus_tensor **rstd, const apus_tensor *x,
                            int32_t count, const apus_tensor *weight, const apus_tensor *bias, double eps) {
    call c = {.op = "layer_norm"};
    APUS_REQUIRE(c.op, out);
    APUS_REQUIRE(c.op, x);
    apus__norm_rows rows;
    int64_t statistics[APUS_MAX_RANK];
    APUS_TRY(split_rows(c.op, &rows, statistics, x, count));
    const int64_t *last = x->shape + (x->rank - count);
    APUS_TRY(check_shape(c.op, "weight", weight, count, last));
    APUS_TRY(check_shape(c.op, "bias", bias, count, last));
    const apus_tensor *tensors[] = {x, weight, bias};
    apus_tensor *unused[2] = {NULL, NULL}; // the kernel writes the statistics in any case
    apus_status status = begin(&c, tensors, 3);
    if (status == APUS_STATUS_ok) status = want(&c, 0, out, x->dtype, x->rank, x->shape);
    if (status == APUS_STATUS_ok) status = want(&c, 1, mean != NULL ? mean : &unused[0], c.dtype, x->rank, statistics);
    if (status == APUS_STATUS_ok) status = want(&c, 2, rstd != NULL ? rstd : &unused[1], c.dtype, x->rank, statistics);
    if (status == APUS_STATUS_ok) status = layer_norm_run(&c, &rows, eps);
    status = end(&c, status);
    apus_tensor_release(unused[0]);
    apus_tensor_release(unused[1]);
    return status;
}

static apus_status layer_norm_backward_run(call *c, apus__norm_rows *rows) {
    rows->dtype = c->dtype;
    if (rows->rows == 0 || rows->length == 0) {
        APUS_TRY(fill(c->out[DWEIGHT], 0));
        return fill(c->out[DBIAS], 0);
    }
    return apus__device_of(c->in[INPUT])
        ->norm->layer_norm_backward(rows, out(c, DX), out(c, DWEIGHT), out(c, DBIAS), in(c, GRAD), in(c, INPUT),
                                    in(c, SCALE), in(c, MEAN), in(c, RSTD));
}

apus_status apus_layer_norm_backward(apus_tensor **dx, apus_tensor **dweight, apus_tensor **dbias,
                                     const apus_tensor *grad, const apus_tensor *x, int32_t count,
                                     const apus_tensor *weight, const apus_tensor *mean, const apus_tensor *rstd) {
    call c = {.op = "layer_norm_backward"};
    APUS_REQUIRE(c.op, grad);
    APUS_REQUIRE(c.op, x);
    APUS_REQUIRE(c.op, mean);
    APUS_REQUIRE(c.op, rstd);
    apus__norm_rows rows;
    int64_t statistics[APUS_MAX_RANK];
    APUS_TRY(split_rows(c.op, &rows, statistics, x, count));
    const int64_t *last = x->shape + (x->rank - count);
    APUS_TRY(check_shape(c.op, "the gradient", grad, x->rank, x->shape));
    APUS_TRY(check_shape(c.op, "weight", weight, count, last));
    APUS_TRY(check_shape(c.op, "mean", mean, x->rank, statistics));
    APUS_TRY(check_shape(c.op, "rstd", rstd, x->rank, statistics));
    const apus_tensor *tensors[] = {grad, x, weight, mean, rstd};
    apus_dtype parameter = dtype_of(weight, x->dtype);
    apus_status status = begin(&c, tensors, 5);
    if (status == APUS_STATUS_ok) status = want(&c, DX, dx, x->dtype, x->rank, x->shape);
    if (status == APUS_STATUS_ok) status = want(&c, DWEIGHT, dweight, parameter, count, last);
    if (status == APUS_STATUS_ok) status = want(&c, DBIAS, dbias, parameter, count, last);
    if (status == APUS_STATUS_ok) status = layer_norm_backward_run(&c, &rows);
    return end(&c, status);
}

// ---- Batch normalisation

static apus_status split_images(const char *op, apus__norm_images *images, const apus_tensor *x) {
    apus__text text;
    if (x->rank < 2)
        return apus__fail(APUS_STATUS_shape, "%s: needs [batch, channels, ...], got %s", op, apus__describe(&text, x));
    images->batch = x->shape[0];
    images->channels = x->shape[1];
    images->size = 1;
    for (int32_t d = 2; d < x->rank; d++) images->size *= x->shape[d];
    return APUS_STATUS_ok;
}

static apus_status float_scalar(apus_tensor **out, apus_binary_op op, const apus_tensor *a, double b) {
    const apus_scalar scalar = {.kind = APUS_SCALAR_float, .real = b};
    return apus_binary_scalar(out, op, a, &scalar, false);
}

/// running += momentum * (value - running), where there is a running statistic; scales `value`.
static apus_status move_running(apus_tensor *running, apus_tensor *value, double momentum) {
    if (running == NULL) return APUS_STATUS_ok;
    APUS_TRY(float_scalar(&running, APUS_BINARY_mul, running, 1 - momentum));
    APUS_TRY(float_scalar(&value, APUS_BINARY_mul, value, momentum));
    return apus_binary(&running, APUS_BINARY_add, running, value);
}

/// 1 / sqrt(var + eps), in place.
static apus_status var_to_rstd(apus_tensor *var, double eps) {
    APUS_TRY(float_scalar(&var, APUS_BINARY_add, var, eps));
    return apus_unary(&var, APUS_UNARY_rsqrt, var);
}

/// The batch's own statistics.
static apus_status batch_statistics(apus_tensor *mean, apus_tensor *var, const apus_tensor *x) {
    int32_t dims[APUS_MAX_RANK], count = 0;
    for (int32_t d = 0; d < x->rank; d++)
        if (d != 1) dims[count++] = d;
    return apus_var(&var, &mean, x, count, dims, 0, false);
}

typedef struct batch_norm_options {
    apus_tensor *running_mean, *running_var;
    bool training;
    double momentum, eps;
} batch_norm_options;

/// Fills mean and rstd, and moves the running statistics.
static apus_status find_statistics(apus_tensor *mean, apus_tensor *rstd, const apus_tensor *x,
                                   const apus__norm_images *images, const batch_norm_options *o) {
    if (!o->training) {
        APUS_TRY(apus_tensor_copy(mean, o->running_mean));
        APUS_TRY(apus_tensor_copy(rstd, o->running_var));
        return var_to_rstd(rstd, o->eps);
    }
    if (x->numel == 0) {
        APUS_TRY(fill(mean, NAN));
        return fill(rstd, NAN);
    }
    APUS_TRY(batch_statistics(mean, rstd, x));
    if (o->running_mean != NULL || o->running_var != NULL) {
        double n = (double)(images->batch * images->size);
        apus_tensor *moving = NULL;
        apus_status status = apus_tensor_to(&moving, mean, mean->dtype, x->storage->device);
        if (status == APUS_STATUS_ok) status = move_running(o->running_mean, moving, o->momentum);
        if (status == APUS_STATUS_ok) status = float_scalar(&moving, APUS_BINARY_mul, rstd, n / (n - 1));
        if (status == APUS_STATUS_ok) status = move_running(o->running_var, moving, o->momentum);
        apus_tensor_release(moving);
        APUS_TRY(status);
    }
    return var_to_rstd(rstd, o->eps);
}

static apus_status batch_norm_run(call *c, apus__norm_images *images, const apus_tensor *x,
                                  const batch_norm_options *o) {
    apus_tensor *mean = NULL, *rstd = NULL;
    images->dtype = c->dtype;
    const bool has_float64 = apus__device_of(x)->computes(x->storage, APUS_DTYPE_float64);
    const apus_dtype dtype = has_float64 ? APUS_DTYPE_float64 : APUS_DTYPE_float32;
    apus_status status = apus__tensor_new(&mean, c->op, dtype, 1, &images->channels, c->device);
    if (status == APUS_STATUS_ok) status = apus__tensor_new(&rstd, c->op, dtype, 1, &images->channels, c->device);
    if (status == APUS_STATUS_ok) status = find_statistics(mean, rstd, x, images, o);
    if (status == APUS_STATUS_ok) status = apus_tensor_copy(c->out[1], mean);
    if (status == APUS_STATUS_ok) status = apus_tensor_copy(c->out[2], rstd);
    if (status == APUS_STATUS_ok && x->numel > 0)
        status = apus__device_of(x)->norm->batch_norm(images, out(c, 0), in(c, X), out(c, 1), out(c, 2), in(c, WEIGHT),
                                                      in(c, BIAS));
    apus_tensor_release(mean);
    apus_tensor_release(rstd);
    return status;
}

static apus_status check_running(const char *op, const apus_tensor *running, const int64_t *channels) {
    if (running == NULL) return APUS_STATUS_ok;
    APUS_TRY(check_shape(op, "a running statistic", running, 1, channels));
    if (!apus_dtype_is_floating_point(running->dtype))
        return apus__fail(APUS_STATUS_dtype, "%s: running statistics need a floating-point dtype, got %s", op,
                          apus_dtype_name(running->dtype));
    return APUS_STATUS_ok;
}

static apus_status check_statistics(const char *op, const apus__norm_images *images, const apus_tensor *x,
                                    const batch_norm_options *o) {
    apus__text text;
    APUS_TRY(check_running(op, o->running_mean, &images->channels));
    APUS_TRY(check_running(op, o->running_var, &images->channels));
    if (!o->training && (o->running_mean == NULL || o->running_var == NULL))
        return apus__fail(APUS_STATUS_null_argument, "%s: needs running_mean and running_var outside training", op);
    if (o->training && images->batch * images->size == 1)
        return apus__fail(APUS_STATUS_shape, "%s: needs more than one value per channel in training, got %s", op,
                          apus__describe(&text, x));
    if (o->training && o->running_mean != NULL) APUS_TRY(apus__check_writable(op, o->running_mean));
    if (o->training && o->running_var != NULL) APUS_TRY(apus__check_writable(op, o->running_var));
    return APUS_STATUS_ok;
}

apus_status apus_batch_norm(apus_tensor **out, apus_tensor **save_mean, apus_tensor **save_rstd, const apus_tensor *x,
                            const apus_tensor *weight, const apus_tensor *bias, apus_tensor *running_mean,
                            apus_tensor *running_var, bool training, double momentum, double eps) {
    call c = {.op = "batch_norm"};
    APUS_REQUIRE(c.op, out);
    APUS_REQUIRE(c.op, x);
    apus__norm_images images;
    const batch_norm_options options = {running_mean, running_var, training, momentum, eps};
    APUS_TRY(split_images(c.op, &images, x));
    APUS_TRY(check_shape(c.op, "weight", weight, 1, &images.channels));
    APUS_TRY(check_shape(c.op, "bias", bias, 1, &images.channels));
    APUS_TRY(check_statistics(c.op, &images, x, &options));
    APUS_TRY(check_shape(c.op, "the output", *out, x->rank, x->shape)); // before the running statistics move
    const apus_tensor *running[] = {x, running_mean, running_var}, *tensors[] = {x, weight, bias};
    APUS_TRY(apus__same_device(c.op, &c.device, running, 3));
    apus_tensor *unused[2] = {NULL, NULL};
    apus_status status = begin(&c, tensors, 3);
    if (status == APUS_STATUS_ok) status = want(&c, 0, out, x->dtype, x->rank, x->shape);
    if (status == APUS_STATUS_ok)
        status = want(&c, 1, save_mean != NULL ? save_mean : &unused[0], c.dtype, 1, &images.channels);
    if (status == APUS_STATUS_ok)
        status = want(&c, 2, save_rstd != NULL ? save_rstd : &unused[1], c.dtype, 1, &images.channels);
    if (status == APUS_STATUS_ok) status = batch_norm_run(&c, &images, x, &options);
    status = end(&c, status);
    apus_tensor_release(unused[0]);
    apus_tensor_release(unused[1]);
    return status;
}

static apus_status batch_norm_backward_run(call *c, apus__norm_images *images, bool training) {
    images->dtype = c->dtype;
    if (c->in[INPUT]->numel == 0) {
        APUS_TRY(fill(c->out[DWEIGHT], 0));
        return fill(c->out[DBIAS], 0);
    }
    return apus__device_of(c->in[INPUT])
        ->norm->batch_norm_backward(images, training, out(c, DX), out(c, DWEIGHT), out(c, DBIAS), in(c, GRAD),
                                    in(c, INPUT), in(c, SCALE), in(c, MEAN), in(c, RSTD));
}

apus_status apus_batch_norm_backward(apus_tensor **dx, apus_tensor **dweight, apus_tensor **dbias,
                                     const apus_tensor *grad, const apus_tensor *x, const apus_tensor *weight,
                                     const apus_tensor *mean, const apus_tensor *rstd, bool training) {
    call c = {.op = "batch_norm_backward"};
    APUS_REQUIRE(c.op, grad);
    APUS_REQUIRE(c.op, x);
    APUS_REQUIRE(c.op, mean);
    APUS_REQUIRE(c.op, rstd);
    apus__norm_images images;
    APUS_TRY(split_images(c.op, &images, x));
    const int64_t *channels = &images.channels;
    APUS_TRY(check_shape(c.op, "the gradient", grad, x->rank, x->shape));
    APUS_TRY(check_shape(c.op, "weight", weight, 1, channels));
    APUS_TRY(check_shape(c.op, "mean", mean, 1, channels));
    APUS_TRY(check_shape(c.op, "rstd", rstd, 1, channels));
    const apus_tensor *tensors[] = {grad, x, weight, mean, rstd};
    apus_dtype parameter = dtype_of(weight, x->dtype);
    apus_status status = begin(&c, tensors, 5);
    if (status == APUS_STATUS_ok) status = want(&c, DX, dx, x->dtype, x->rank, x->shape);
    if (status == APUS_STATUS_ok) status = want(&c, DWEIGHT, dweight, parameter, 1, channels);
    if (status == APUS_STATUS_ok) status = want(&c, DBIAS, dbias, parameter, 1, channels);
    if (status == APUS_STATUS_ok) status = batch_norm_backward_run(&c, &images, training);
    return end(&c, status);
}
