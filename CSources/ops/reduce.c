// Reductions: shape and dtype rules.
#include "apus/reduce.h"

#include <math.h>

#include "apus/elementwise.h"
#include "device/device.h"
#include "device/reduce.h"
#include "ops/store.h"

typedef enum reduce_class { class_sum, class_real, class_extreme, class_logic, class_count } reduce_class;

typedef struct reduce_row {
    const char *name;
    reduce_class class;
    double empty; ///< the result over no elements, where there is one
} reduce_row;

static const reduce_row rows[APUS_REDUCE_COUNT] = {
#define K(value) value
#define LOWEST NAN
#define HIGHEST NAN
#define APUS_REDUCE(number, name, class, identity, map, combine) [number] = {#name, class_##class, identity},
#include "apus/reduce.def"
#undef APUS_REDUCE
#undef K
#undef LOWEST
#undef HIGHEST
};

static bool is_reduction(apus_reduce_op op) { return (unsigned)op < APUS_REDUCE_COUNT; }

const char *apus_reduce_name(apus_reduce_op op) { return is_reduction(op) ? rows[op].name : "invalid"; }

// ---- Geometry

/// What is reduced, and what comes out.
typedef struct shape_rule {
    bool mask[APUS_MAX_RANK]; ///< the dims to reduce
    bool keep_dim;
    int32_t rank; ///< of the result
    int64_t shape[APUS_MAX_RANK];
    bool empty; ///< a result is over no elements
} shape_rule;

static apus_status find_shape(shape_rule *rule, const char *op, const apus_tensor *x, int32_t count,
                              const int32_t *dims, bool keep_dim) {
    if (count < 0 || (count > 0 && dims == NULL))
        return apus__fail(APUS_STATUS_invalid_argument, "%s: %d dims, but no list of them", op, count);
    APUS_TRY(apus__dims_mask(op, rule->mask, x->rank, count, count == 0 ? NULL : dims));
    rule->keep_dim = keep_dim;
    rule->rank = 0;
    rule->empty = false;
    for (int32_t d = 0; d < x->rank; d++) {
        rule->empty |= rule->mask[d] && x->shape[d] == 0;
        if (!rule->mask[d] || keep_dim) rule->shape[rule->rank++] = rule->mask[d] ? 1 : x->shape[d];
    }
    return APUS_STATUS_ok;
}

/// Plans x and the outputs, whose strides become 0 along what is reduced.
static void make_plan(apus__plan *plan, const shape_rule *rule, const apus_tensor *x, const apus_tensor *const *outputs,
                      int32_t count) {
    int64_t expanded[2][APUS_MAX_RANK];
    const int64_t *strides[] = {x->strides, expanded[0], expanded[1]};
    plan->count = 1 + count;
    for (int32_t i = 0; i <= count; i++) {
        const apus_tensor *t = i == 0 ? x : outputs[i - 1];
        plan->operands[i].dtype = t->dtype;
        plan->operands[i].storage = t->storage;
        plan->operands[i].offset = t->offset;
        if (i == 0) continue;
        for (int32_t d = 0, own = 0; d < x->rank; d++) {
            expanded[i - 1][d] = rule->mask[d] ? 0 : t->strides[own];
            own += !rule->mask[d] || rule->keep_dim;
        }
    }
    apus__plan_simplify(plan, x->rank, x->shape, strides);
}

static apus_status fill(apus_tensor *t, double value) {
    const apus_scalar scalar = {.kind = APUS_SCALAR_float, .real = value};
    return apus_tensor_fill(t, &scalar);
}

/// Runs a reduction into one or two outputs. `empty` is the first's value over no elements.
static apus_status launch(apus__reduction *r, const shape_rule *rule, const apus_tensor *x, apus_tensor *const *outputs,
                          int32_t count, double empty) {
    if (x->numel == 0) {
        APUS_TRY(fill(outputs[0], empty));
        return count > 1 ? fill(outputs[1], NAN) : APUS_STATUS_ok;
    }
    make_plan(&r->plan, rule, x, (const apus_tensor *const *)outputs, count);
    return apus__device_of(x)->reduce->reduce(r);
}

/// The dtype that loops compute in.
static apus_dtype loop_dtype(apus_dtype dtype) {
    return dtype == APUS_DTYPE_bool ? APUS_DTYPE_uint8 : apus__compute_dtype(dtype);
}

static apus_status check_device(const char *op, const apus_tensor *x) {
    apus_device device;
    return apus__same_device(op, &device, &x, 1);
}

// ---- The table

static bool takes_complex(apus_reduce_op op) {
    return rows[op].class == class_logic || rows[op].class == class_count || op == APUS_REDUCE_sum ||
           op == APUS_REDUCE_prod || op == APUS_REDUCE_mean;
}

/// What elements of x are computed as, and the result's dtype.
static apus_status resolve(apus_reduce_op op, apus_dtype dtype, apus_dtype *compute, apus_dtype *result) {
    const char *name = rows[op].name;
    *compute = loop_dtype(dtype);
    *result = dtype;
    if (apus_dtype_is_complex(dtype) && !takes_complex(op))
        return apus__fail(APUS_STATUS_dtype, "%s: not defined for %s", name, apus_dtype_name(dtype));
    switch (rows[op].class) {
    case class_sum: *result = apus__is_integral(dtype) ? APUS_DTYPE_int64 : dtype; break;
    case class_real:
        if (op == APUS_REDUCE_mean && apus__is_integral(dtype))
            return apus__fail(APUS_STATUS_dtype,
                              "mean: of %s has no dtype to go to; convert to a floating-point dtype first",
                              apus_dtype_name(dtype));
        *result = apus__to_floating(dtype);
        *compute = loop_dtype(*result);
        break;
    case class_extreme: break;
    case class_logic: *result = APUS_DTYPE_bool; break;
    case class_count: *result = APUS_DTYPE_int64; break;
    }
    return APUS_STATUS_ok;
}

static apus_status reduce(apus_tensor **out, apus_reduce_op op, const apus_tensor *x, int32_t count,
                          const int32_t *dims, bool keep_dim, apus_dtype compute, apus_dtype result) {
    const char *name = rows[op].name;
    shape_rule rule;
    APUS_TRY(find_shape(&rule, name, x, count, dims, keep_dim));
    apus__text text;
    if (rows[op].class == class_extreme && rule.empty)
        return apus__fail(APUS_STATUS_shape, "%s: there is none of no elements, got %s", name,
                          apus__describe(&text, x));
    // No integer is NaN.
    if (op == APUS_REDUCE_nansum && apus__is_integral(compute)) op = APUS_REDUCE_sum;
    apus__output output;
    APUS_TRY(apus__output_begin(&output, name, out, APUS__OUTPUT_STRIDED, result, rule.rank, rule.shape,
                                x->storage->device, &x, 1));
    apus__reduction r = {.kind = APUS__REDUCTION_TABLE, .op = op, .compute = compute};
    double empty = op == APUS_REDUCE_mean ? NAN : rows[op].empty;
    return apus__output_end(&output, launch(&r, &rule, x, &output.tensor, 1, empty));
}

static apus_status check_call(apus_tensor **out, apus_reduce_op op, const apus_tensor *x) {
    APUS_REQUIRE(apus_reduce_name(op), out);
    APUS_REQUIRE(apus_reduce_name(op), x);
    if (!is_reduction(op)) return apus__fail(APUS_STATUS_invalid_argument, "reduce: there is no operator %d", (int)op);
    return check_device(rows[op].name, x);
}

apus_status apus_reduce(apus_tensor **out, apus_reduce_op op, const apus_tensor *x, int32_t count, const int32_t *dims,
                        bool keep_dim) {
    APUS_TRY(check_call(out, op, x));
    apus_dtype compute, result;
    APUS_TRY(resolve(op, x->dtype, &compute, &result));
    return reduce(out, op, x, count, dims, keep_dim, compute, result);
}

apus_status apus_reduce_as(apus_tensor **out, apus_reduce_op op, const apus_tensor *x, int32_t count,
                           const int32_t *dims, bool keep_dim, apus_dtype dtype) {
    APUS_TRY(check_call(out, op, x));
    if (apus_dtype_size(dtype) == 0)
        return apus__fail(APUS_STATUS_dtype, "%s: %d is not a dtype", rows[op].name, (int)dtype);
    apus_dtype compute, result;
    APUS_TRY(resolve(op, dtype, &compute, &result));
    if (rows[op].class == class_sum) result = dtype;
    if (compute == dtype || x->dtype == dtype) return reduce(out, op, x, count, dims, keep_dim, compute, result);
    // The loops compute in a dtype that has more values than the one asked for.
    apus_tensor *converted;
    APUS_TRY(apus__contiguous_as(&converted, x, dtype));
    apus_status status = reduce(out, op, converted, count, dims, keep_dim, compute, result);
    apus_tensor_release(converted);
    return status;
}

// ---- Variance and log(sum(exp(x)))

static apus_status var_into(apus_tensor *out, apus_tensor *mean, const shape_rule *rule, const apus_tensor *x,
                            double correction) {
    apus__reduction r = {.kind = APUS__REDUCTION_MOMENTS, .compute = loop_dtype(x->dtype), .correction = correction};
    apus_tensor *outputs[] = {out, mean};
    return launch(&r, rule, x, outputs, mean == NULL ? 1 : 2, NAN);
}

apus_status apus_var(apus_tensor **out, apus_tensor **mean, const apus_tensor *x, int32_t count, const int32_t *dims,
                     double correction, bool keep_dim) {
    APUS_REQUIRE("var", out);
    APUS_REQUIRE("var", x);
    APUS_TRY(check_device("var", x));
    if (!apus_dtype_is_floating_point(x->dtype))
        return apus__fail(APUS_STATUS_dtype, "var: needs a floating-point dtype, got %s", apus_dtype_name(x->dtype));
    shape_rule rule;
    APUS_TRY(find_shape(&rule, "var", x, count, dims, keep_dim));
    apus_device device = x->storage->device;
    apus__output var_output, mean_output;
    APUS_TRY(apus__output_begin(&var_output, "var", out, APUS__OUTPUT_STRIDED, x->dtype, rule.rank, rule.shape, device,
                                &x, 1));
    if (mean == NULL) return apus__output_end(&var_output, var_into(var_output.tensor, NULL, &rule, x, correction));
    apus_status status = apus__output_begin(&mean_output, "var", mean, APUS__OUTPUT_STRIDED, x->dtype, rule.rank,
                                            rule.shape, device, &x, 1);
    if (status != APUS_STATUS_ok) return apus__output_end(&var_output, status);
    status = var_into(var_output.tensor, mean_output.tensor, &rule, x, correction);
    apus_status mean_status = apus__output_end(&mean_output, status);
    return apus__output_end(&var_output, mean_status);
}

apus_status apus_logsumexp(apus_tensor **out, const apus_tensor *x, int32_t count, const int32_t *dims, bool keep_dim) {
    APUS_REQUIRE("logsumexp", out);
    APUS_REQUIRE("logsumexp", x);
    APUS_TRY(check_device("logsumexp", x));
    if (apus_dtype_is_complex(x->dtype))
        return apus__fail(APUS_STATUS_dtype, "logsumexp: not defined for %s", apus_dtype_name(x->dtype));
    shape_rule rule;
    APUS_TRY(find_shape(&rule, "logsumexp", x, count, dims, keep_dim));
    apus_dtype dtype = apus__to_floating(x->dtype);
    apus__output output;
    APUS_TRY(apus__output_begin(&output, "logsumexp", out, APUS__OUTPUT_STRIDED, dtype, rule.rank, rule.shape,
                                x->storage->device, &x, 1));
    apus__reduction r = {.kind = APUS__REDUCTION_LOGSUMEXP, .compute = loop_dtype(dtype)};
    return apus__output_end(&output, launch(&r, &rule, x, &output.tensor, 1, -INFINITY));
}

// ---- Norms

typedef struct norm_dims {
    int32_t count;
    const int32_t *dims;
    bool keep_dim;
} norm_dims;

static apus_status reduce_over(apus_tensor **out, apus_reduce_op op, const apus_tensor *x, const norm_dims *d) {
    return apus_reduce(out, op, x, d->count, d->dims, d->keep_dim);
}

/// The extreme of |x|.
static apus_status norm_extreme(apus_tensor **out, const apus_tensor *x, double p, const norm_dims *d) {
    apus_tensor *absolute = NULL;
    APUS_TRY(apus_unary(&absolute, APUS_UNARY_abs, x));
    apus_status status = reduce_over(out, p > 0 ? APUS_REDUCE_max : APUS_REDUCE_min, absolute, d);
    apus_tensor_release(absolute);
    return status;
}

/// The sum of |x|^p, which *power becomes step by step, to the 1/p.
static apus_status norm_power_steps(apus_tensor **out, apus_tensor **power, const apus_tensor *x, double p,
                                    const norm_dims *d) {
    const apus_scalar exponent = {.kind = APUS_SCALAR_float, .real = p};
    const apus_scalar inverse = {.kind = APUS_SCALAR_float, .real = 1 / p};
    APUS_TRY(apus_unary(power, APUS_UNARY_abs, x));
    APUS_TRY(apus_binary_scalar(power, APUS_BINARY_pow, *power, &exponent, false));
    APUS_TRY(reduce_over(out, APUS_REDUCE_sum, *power, d));
    return apus_binary_scalar(out, APUS_BINARY_pow, *out, &inverse, false);
}

static apus_status norm_power(apus_tensor **out, const apus_tensor *x, double p, const norm_dims *d) {
    apus_tensor *power = NULL;
    apus_status status = norm_power_steps(out, &power, x, p, d);
    apus_tensor_release(power);
    return status;
}

static apus_status norm_euclidean(apus_tensor **out, const apus_tensor *x, const norm_dims *d) {
    APUS_TRY(reduce_over(out, APUS_REDUCE_sum_squares, x, d));
    return apus_unary(out, APUS_UNARY_sqrt, *out);
}

/// Into a new tensor; x is float32 or float64.
static apus_status norm_value(apus_tensor **out, const apus_tensor *x, double p, const norm_dims *d) {
    if (p == 0) return reduce_over(out, APUS_REDUCE_count_nonzero, x, d);
    if (p == 1) return reduce_over(out, APUS_REDUCE_sum_abs, x, d);
    if (p == 2) return norm_euclidean(out, x, d);
    if (isinf(p)) return norm_extreme(out, x, p, d);
    return norm_power(out, x, p, d);
}

apus_status apus_norm(apus_tensor **out, const apus_tensor *x, double p, int32_t count, const int32_t *dims,
                      bool keep_dim) {
    APUS_REQUIRE("norm", out);
    APUS_REQUIRE("norm", x);
    APUS_TRY(check_device("norm", x));
    if (!apus_dtype_is_floating_point(x->dtype))
        return apus__fail(APUS_STATUS_dtype, "norm: needs a floating-point dtype, got %s", apus_dtype_name(x->dtype));
    if (isnan(p)) return apus__fail(APUS_STATUS_invalid_argument, "norm: p is not a number");
    shape_rule rule;
    APUS_TRY(find_shape(&rule, "norm", x, count, dims, keep_dim));
    if (rule.empty && (p < 0 || isinf(p)))
        return apus__fail(APUS_STATUS_shape, "norm: of order %g there is none of no elements", p);
    apus_tensor *wide = NULL, *value = NULL;
    if (apus__compute_dtype(x->dtype) == x->dtype)
        wide = apus_tensor_retain((apus_tensor *)x);
    else
        APUS_TRY(apus__contiguous_as(&wide, x, APUS_DTYPE_float32));
    const norm_dims d = {count, dims, keep_dim};
    apus_status status = norm_value(&value, wide, p, &d);
    if (status == APUS_STATUS_ok) status = apus__store_as("norm", out, x->dtype, value);
    apus_tensor_release(wide);
    apus_tensor_release(value);
    return status;
}
