// Picking and placing along one dim, masks, flips and triangles: shape and dtype rules.
#include "ops/index.h"

#include <math.h>
#include <string.h>

#include "apus/elementwise.h"
#include "apus/index.h"
#include "device/device.h"
#include "device/elementwise.h"

// ---- Shared

apus_status apus__index_int64(apus_tensor **out, const char *op, const apus_tensor *index) {
    if (!apus__is_integral(index->dtype) || index->dtype == APUS_DTYPE_bool)
        return apus__fail(APUS_STATUS_dtype, "%s: the index must be of integers, got %s", op,
                          apus_dtype_name(index->dtype));
    return apus__contiguous_as(out, index, APUS_DTYPE_int64);
}

apus_status apus__index_check(const char *op, const apus_tensor *index, int32_t dim, int64_t size, bool negative) {
    bool found;
    int64_t outside;
    APUS_TRY(apus__device_of(index)->index->check(apus__buffer_of(index), index->numel, negative ? -size : 0, size,
                                                  &found, &outside));
    if (!found) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_index, "%s: index %lld is out of range for dim %d with size %lld", op,
                      (long long)outside, dim, (long long)size);
}

bool apus__slices_of(apus__slices *s, apus_dtype dtype, int32_t rank, const int64_t *shape, const int64_t *strides,
                     int32_t first, int32_t last) {
    *s = (apus__slices){.dtype = dtype, .outer = 1, .count = 1, .inner = 1};
    for (int32_t i = rank - 1; i >= last; i--) {
        if (shape[i] != 1 && strides[i] != s->inner) return false;
        s->inner *= shape[i];
    }
    for (int32_t i = first - 1; i >= 0; i--) {
        if (shape[i] == 1) continue;
        if (s->outer == 1) s->outer_stride = strides[i];
        if (strides[i] != s->outer_stride * s->outer) return false;
        s->outer *= shape[i];
    }
    return true;
}

apus_status apus__start_as(apus_tensor *out, const apus_tensor *x) {
    bool in_place = out->storage == x->storage && out->offset == x->offset && out->contiguous && x->contiguous &&
                    out->dtype == x->dtype;
    return in_place ? APUS_STATUS_ok : apus_tensor_copy(out, x);
}

apus_status apus__mask_starts(apus_tensor **starts, int64_t *total, const char *op, const apus_tensor *mask) {
    int64_t chunks = (mask->numel + APUS__MASK_CHUNK - 1) / APUS__MASK_CHUNK, entries = chunks + 1;
    const apus__device_table *table = apus__device_of(mask);
    apus_tensor *t = NULL;
    APUS_TRY(apus__tensor_new(&t, op, APUS_DTYPE_int64, 1, &entries, mask->storage->device));
    apus_status status = table->index->count(apus__buffer_of(mask), mask->numel, apus__buffer_of(t));
    if (status == APUS_STATUS_ok)
        status = table->read(t->storage, (size_t)(t->offset + chunks) * sizeof *total, total, sizeof *total);
    if (status == APUS_STATUS_ok)
        *starts = t;
    else
        apus_tensor_release(t);
    return status;
}

apus_status apus__values_as(apus_tensor **out, const char *op, const apus_tensor *values, const apus_tensor *x) {
    if (values->dtype != x->dtype && !values->weak)
        return apus__fail(APUS_STATUS_dtype, "%s: expected values of %s, got %s", op, apus_dtype_name(x->dtype),
                          apus_dtype_name(values->dtype));
    if (values->storage->device != x->storage->device)
        return apus_tensor_to(out, values, x->dtype, x->storage->device); // a weak number
    return apus__contiguous_as(out, values, x->dtype);
}

// A 0-d tensor is indexed as a 1-d one of one element.
static int32_t dims_of(const apus_tensor *t) { return t->rank == 0 ? 1 : t->rank; }
static int64_t size_at(const apus_tensor *t, int32_t d) { return t->rank == 0 ? 1 : t->shape[d]; }
static int64_t stride_at(const apus_tensor *t, int32_t d) { return t->rank == 0 ? 1 : t->strides[d]; }

// ---- Slices of one dim

/// Checks a 1-d index for dim of x and makes it contiguous int64.
static apus_status prepare_index(apus_tensor **out, const char *op, const apus_tensor *x, int32_t *dim,
                                 const apus_tensor *index) {
    apus__text text;
    APUS_TRY(apus__normalize_dim(op, dim, x->rank));
    if (index->rank > 1)
        return apus__fail(APUS_STATUS_shape, "%s: the index must have one dim, got %s", op,
                          apus__describe(&text, index));
    apus_tensor *whole;
    APUS_TRY(apus__index_int64(&whole, op, index));
    apus_status status = apus__index_check(op, whole, *dim, size_at(x, *dim), false);
    if (status == APUS_STATUS_ok)
        *out = whole;
    else
        apus_tensor_release(whole);
    return status;
}

/// index * stride; the index itself where that is the same.
static apus_status scale_index(apus_tensor **out, const char *op, const apus_tensor *index, int64_t stride) {
    if (stride == 1) {
        *out = apus_tensor_retain((apus_tensor *)index);
        return APUS_STATUS_ok;
    }
    apus_tensor *t = NULL;
    APUS_TRY(apus__tensor_new(&t, op, APUS_DTYPE_int64, index->rank, index->shape, index->storage->device));
    apus__plan plan;
    const apus_tensor *tensors[] = {t, index};
    apus__plan_make(&plan, index->rank, index->shape, tensors, 2);
    apus_status status = apus__device_of(index)->index->offsets(&plan, 0, stride, false);
    if (status == APUS_STATUS_ok)
        *out = t;
    else
        apus_tensor_release(t);
    return status;
}

/// The slices of dim, of x or of a contiguous copy, and their offsets.
static apus_status prepare_slices(apus__slices *s, apus_tensor **base, apus_tensor **offsets, const char *op,
                                  const apus_tensor *x, int32_t dim, const apus_tensor *index) {
    int32_t last = x->rank == 0 ? 0 : dim + 1;
    apus_tensor *t = apus_tensor_retain((apus_tensor *)x);
    if (!apus__slices_of(s, x->dtype, x->rank, x->shape, x->strides, dim, last)) {
        apus_tensor_release(t);
        APUS_TRY(apus__contiguous_as(&t, x, x->dtype));
        apus__slices_of(s, t->dtype, t->rank, t->shape, t->strides, dim, last);
    }
    s->count = index->numel;
    apus_status status = scale_index(offsets, op, index, stride_at(t, dim));
    if (status == APUS_STATUS_ok)
        *base = t;
    else
        apus_tensor_release(t);
    return status;
}

static apus_status select_slices(apus_tensor **out, const apus_tensor *x, int32_t dim, const apus_tensor *index) {
    const char *op = "index_select";
    int64_t shape[APUS_MAX_RANK];
    memcpy(shape, x->shape, sizeof(int64_t) * (size_t)x->rank);
    if (x->rank > 0) shape[dim] = index->numel;
    if (x->rank == 0 && index->numel != 1)
        return apus__fail(APUS_STATUS_shape, "%s: a 0-d tensor has one element to select, not %lld", op,
                          (long long)index->numel);
    apus__slices s;
    apus_tensor *base, *offsets;
    APUS_TRY(prepare_slices(&s, &base, &offsets, op, x, dim, index));
    apus__output output;
    const apus_tensor *inputs[] = {base, offsets};
    apus_status status = apus__output_begin(&output, op, out, APUS__OUTPUT_CONTIGUOUS, x->dtype, x->rank, shape,
                                            x->storage->device, inputs, 2);
    if (status == APUS_STATUS_ok) {
        if (output.tensor->numel > 0)
            status = apus__device_of(x)->index->take(&s, apus__buffer_of(output.tensor), apus__buffer_of(base),
                                                     apus__buffer_of(offsets));
        status = apus__output_end(&output, status);
    }
    apus_tensor_release(base);
    apus_tensor_release(offsets);
    return status;
}

apus_status apus_index_select(apus_tensor **out, const apus_tensor *x, int32_t dim, const apus_tensor *index) {
    const char *op = "index_select";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, x);
    APUS_REQUIRE(op, index);
    apus_device device;
    const apus_tensor *inputs[] = {x, index};
    APUS_TRY(apus__same_device(op, &device, inputs, 2));
    apus_tensor *whole;
    APUS_TRY(prepare_index(&whole, op, x, &dim, index));
    apus_status status = select_slices(out, x, dim, whole);
    apus_tensor_release(whole);
    return status;
}

static apus_status check_source(const char *op, const apus_tensor *x, int32_t dim, int64_t count,
                                const apus_tensor *source) {
    bool fits = dims_of(source) == dims_of(x);
    for (int32_t d = 0; fits && d < dims_of(x); d++) fits = size_at(source, d) == (d == dim ? count : size_at(x, d));
    if (fits) return APUS_STATUS_ok;
    apus__text have, want;
    return apus__fail(APUS_STATUS_shape, "%s: source %s does not fit %s with %lld indices for dim %d", op,
                      apus__describe(&have, source), apus__describe(&want, x), (long long)count, dim);
}

/// alpha * source, contiguous.
static apus_status scale_source(apus_tensor **out, const char *op, const apus_tensor *source, const apus_tensor *x,
                                double alpha) {
    if (alpha == 1) return apus__values_as(out, op, source, x);
    bool integral = apus__is_integral(x->dtype);
    if (integral && (alpha != rint(alpha) || fabs(alpha) > 0x1p53 || x->dtype == APUS_DTYPE_bool))
        return apus__fail(APUS_STATUS_invalid_argument, "%s: alpha %g does not fit %s", op, alpha,
                          apus_dtype_name(x->dtype));
    apus_scalar factor = {.kind = APUS_SCALAR_float, .real = alpha};
    if (integral) factor = (apus_scalar){.kind = APUS_SCALAR_int, .integer = (int64_t)alpha};
    apus_tensor *values, *product = NULL;
    APUS_TRY(apus__values_as(&values, op, source, x));
    apus_status status = apus_binary_scalar(&product, APUS_BINARY_mul, values, &factor, false);
    apus_tensor_release(values);
    *out = product;
    return status;
}

static apus_status add_slices(apus_tensor **out, const apus_tensor *x, int32_t dim, const apus_tensor *index,
                              const apus_tensor *source) {
    apus__output output;
    const apus_tensor *inputs[] = {index, source};
    APUS_TRY(apus__output_begin(&output, "index_add", out, APUS__OUTPUT_CONTIGUOUS, x->dtype, x->rank, x->shape,
                                x->storage->device, inputs, 2));
    apus_status status = apus__start_as(output.tensor, x);
    apus_tensor *base = NULL, *offsets = NULL;
    apus__slices s;
    if (status == APUS_STATUS_ok) status = prepare_slices(&s, &base, &offsets, "index_add", output.tensor, dim, index);
    if (status == APUS_STATUS_ok && source->numel > 0)
        status = apus__device_of(x)->index->put(&s, apus__buffer_of(output.tensor), apus__buffer_of(source),
                                                apus__buffer_of(offsets), true);
    apus_tensor_release(base);
    apus_tensor_release(offsets);
    return apus__output_end(&output, status);
}

apus_status apus_index_add(apus_tensor **out, const apus_tensor *x, int32_t dim, const apus_tensor *index,
                           const apus_tensor *source, double alpha) {
    const char *op = "index_add";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, x);
    APUS_REQUIRE(op, index);
    APUS_REQUIRE(op, source);
    apus_device device;
    const apus_tensor *inputs[] = {x, index, source};
    APUS_TRY(apus__same_device(op, &device, inputs, 3));
    apus_tensor *whole, *values = NULL;
    APUS_TRY(prepare_index(&whole, op, x, &dim, index));
    apus_status status = check_source(op, x, dim, whole->numel, source);
    if (status == APUS_STATUS_ok) status = scale_source(&values, op, source, x, alpha);
    if (status == APUS_STATUS_ok) status = add_slices(out, x, dim, whole, values);
    apus_tensor_release(whole);
    apus_tensor_release(values);
    return status;
}

// ---- Lines: an index for every element

/// The walk over all lines along dim of `index`: what is picked or placed, the index, what it points into.
static void plan_lines(apus__lines *l, int32_t dim, const apus_tensor *picked, const apus_tensor *index,
                       const apus_tensor *x) {
    const apus_tensor *tensors[] = {picked, index, x};
    int64_t shape[APUS_MAX_RANK], strides[3][APUS_MAX_RANK];
    const int64_t *all_strides[] = {strides[0], strides[1], strides[2]};
    int32_t rank = 0;
    for (int32_t d = 0; d < dims_of(index); d++) {
        if (d == dim) continue;
        shape[rank] = size_at(index, d);
        for (int i = 0; i < 3; i++) strides[i][rank] = stride_at(tensors[i], d);
        rank++;
    }
    l->plan.count = 3;
    l->length = size_at(index, dim);
    for (int i = 0; i < 3; i++) {
        apus__operand *o = &l->plan.operands[i];
        o->dtype = tensors[i]->dtype;
        o->storage = tensors[i]->storage;
        o->offset = tensors[i]->offset;
        l->strides[i] = stride_at(tensors[i], dim);
    }
    apus__plan_simplify(&l->plan, rank, shape, all_strides);
}

/// The index may be smaller than `other` but for `dim`, where any size goes when it is -1.
static apus_status check_covered(const char *op, const apus_tensor *index, const apus_tensor *other, int32_t dim) {
    bool fits = dims_of(index) == dims_of(other);
    for (int32_t d = 0; fits && d < dims_of(index); d++) fits = d == dim || size_at(index, d) <= size_at(other, d);
    if (fits || index->numel == 0) return APUS_STATUS_ok;
    apus__text a, b;
    return apus__fail(APUS_STATUS_shape, "%s: the index %s reaches beyond %s", op, apus__describe(&a, index),
                      apus__describe(&b, other));
}

static apus_status prepare_lines(apus_tensor **whole, const char *op, const apus_tensor *x, int32_t *dim,
                                 const apus_tensor *index, const apus_tensor *source) {
    apus_device device;
    const apus_tensor *inputs[] = {x, index, source};
    APUS_TRY(apus__same_device(op, &device, inputs, 3));
    APUS_TRY(apus__normalize_dim(op, dim, x->rank));
    APUS_TRY(check_covered(op, index, x, *dim));
    if (source != NULL) APUS_TRY(check_covered(op, index, source, -1));
    apus_tensor *t = NULL;
    APUS_TRY(apus__index_int64(&t, op, index));
    apus_status status = apus__index_check(op, t, *dim, size_at(x, *dim), false);
    if (status == APUS_STATUS_ok)
        *whole = t;
    else
        apus_tensor_release(t);
    return status;
}

apus_status apus_gather(apus_tensor **out, const apus_tensor *x, int32_t dim, const apus_tensor *index) {
    const char *op = "gather";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, x);
    APUS_REQUIRE(op, index);
    apus_tensor *whole;
    APUS_TRY(prepare_lines(&whole, op, x, &dim, index, NULL));
    apus__output output;
    const apus_tensor *inputs[] = {x, whole};
    apus_status status = apus__output_begin(&output, op, out, APUS__OUTPUT_CONTIGUOUS, x->dtype, index->rank,
                                            index->shape, x->storage->device, inputs, 2);
    if (status == APUS_STATUS_ok) {
        if (whole->numel > 0) {
            apus__lines lines;
            plan_lines(&lines, dim, output.tensor, whole, x);
            status = apus__device_of(x)->index->gather(&lines);
        }
        status = apus__output_end(&output, status);
    }
    apus_tensor_release(whole);
    return status;
}

/// Tensors are contiguous. The indices of a single line are offsets of elements.
static apus_status scatter_into(apus_tensor *target, int32_t dim, const apus_tensor *index, const apus_tensor *source,
                                bool add) {
    const apus__index_table *table = apus__device_of(target)->index;
    if (index->numel == 0) return APUS_STATUS_ok;
    if (dims_of(target) == 1) {
        apus__slices s = {.dtype = target->dtype, .outer = 1, .count = index->numel, .inner = 1};
        return table->put(&s, apus__buffer_of(target), apus__buffer_of(source), apus__buffer_of(index), add);
    }
    apus__lines lines;
    plan_lines(&lines, dim, source, index, target);
    return table->scatter(&lines, add);
}

apus_status apus_scatter(apus_tensor **out, const apus_tensor *x, int32_t dim, const apus_tensor *index,
                         const apus_tensor *source, bool add) {
    const char *op = add ? "scatter_add" : "scatter";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, x);
    APUS_REQUIRE(op, index);
    APUS_REQUIRE(op, source);
    apus_tensor *whole, *values = NULL;
    APUS_TRY(prepare_lines(&whole, op, x, &dim, index, source));
    apus_status status = apus__values_as(&values, op, source, x);
    apus__output output;
    const apus_tensor *inputs[] = {whole, values};
    if (status == APUS_STATUS_ok)
        status = apus__output_begin(&output, op, out, APUS__OUTPUT_CONTIGUOUS, x->dtype, x->rank, x->shape,
                                    x->storage->device, inputs, 2);
    if (status == APUS_STATUS_ok) {
        status = apus__start_as(output.tensor, x);
        if (status == APUS_STATUS_ok) status = scatter_into(output.tensor, dim, whole, values, add);
        status = apus__output_end(&output, status);
    }
    apus_tensor_release(whole);
    apus_tensor_release(values);
    return status;
}

// ---- Masks

/// t seen in the given shape, contiguous.
static apus_status broadcast(apus_tensor **out, const apus_tensor *t, int32_t rank, const int64_t *shape) {
    apus_tensor *seen = NULL;
    APUS_TRY(apus_tensor_expand(&seen, t, rank, shape));
    apus_status status = apus__contiguous_as(out, seen, t->dtype);
    apus_tensor_release(seen);
    return status;
}

static apus_status select_true(apus_tensor **out, const apus_tensor *x, const apus_tensor *mask) {
    const char *op = "masked_select";
    apus_tensor *starts;
    int64_t total;
    APUS_TRY(apus__mask_starts(&starts, &total, op, mask));
    apus__output output;
    const apus_tensor *inputs[] = {x, mask};
    apus_status status = apus__output_begin(&output, op, out, APUS__OUTPUT_CONTIGUOUS, x->dtype, 1, &total,
                                            x->storage->device, inputs, 2);
    if (status == APUS_STATUS_ok) {
        status = apus__device_of(x)->index->select(apus__buffer_of(output.tensor), x->dtype, apus__buffer_of(x),
                                                   apus__buffer_of(mask), mask->numel, apus__buffer_of(starts));
        status = apus__output_end(&output, status);
    }
    apus_tensor_release(starts);
    return status;
}

apus_status apus_masked_select(apus_tensor **out, const apus_tensor *x, const apus_tensor *mask) {
    const char *op = "masked_select";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, x);
    APUS_REQUIRE(op, mask);
    if (mask->dtype != APUS_DTYPE_bool)
        return apus__fail(APUS_STATUS_dtype, "%s: the mask must be bool, got %s", op, apus_dtype_name(mask->dtype));
    apus_device device;
    const apus_tensor *inputs[] = {x, mask};
    APUS_TRY(apus__same_device(op, &device, inputs, 2));
    int32_t rank;
    int64_t shape[APUS_MAX_RANK];
    APUS_TRY(apus__broadcast_shape(op, &rank, shape, inputs, 2));
    apus_tensor *wide = NULL, *wide_mask = NULL;
    apus_status status = broadcast(&wide, x, rank, shape);
    if (status == APUS_STATUS_ok) status = broadcast(&wide_mask, mask, rank, shape);
    if (status == APUS_STATUS_ok) status = select_true(out, wide, wide_mask);
    apus_tensor_release(wide);
    apus_tensor_release(wide_mask);
    return status;
}

static apus_status true_positions(apus_tensor **out, const apus_tensor *mask) {
    apus_tensor *starts;
    int64_t total;
    APUS_TRY(apus__mask_starts(&starts, &total, "nonzero", mask));
    int64_t shape[] = {total, mask->rank};
    apus__output output;
    apus_status status = apus__output_begin(&output, "nonzero", out, APUS__OUTPUT_CONTIGUOUS, APUS_DTYPE_int64, 2,
                                            shape, mask->storage->device, &mask, 1);
    if (status == APUS_STATUS_ok) {
        status = apus__device_of(mask)->index->positions(apus__buffer_of(output.tensor), apus__buffer_of(mask),
                                                         mask->rank, mask->shape, apus__buffer_of(starts));
        status = apus__output_end(&output, status);
    }
    apus_tensor_release(starts);
    return status;
}

apus_status apus_nonzero(apus_tensor **out, const apus_tensor *x) {
    APUS_REQUIRE("nonzero", out);
    APUS_REQUIRE("nonzero", x);
    apus_device device;
    APUS_TRY(apus__same_device("nonzero", &device, &x, 1));
    apus_tensor *mask;
    APUS_TRY(apus__contiguous_as(&mask, x, APUS_DTYPE_bool));
    apus_status status = true_positions(out, mask);
    apus_tensor_release(mask);
    return status;
}

// ---- Flips and triangles

apus_status apus_flip(apus_tensor **out, const apus_tensor *x, int32_t count, const int32_t *dims) {
    APUS_REQUIRE("flip", out);
    APUS_REQUIRE("flip", x);
    bool mask[APUS_MAX_RANK] = {false};
    if (count != 0) APUS_TRY(apus__dims_mask("flip", mask, x->rank, count, dims));
    apus_device device;
    APUS_TRY(apus__same_device("flip", &device, &x, 1));
    apus__output output;
    APUS_TRY(
        apus__output_begin(&output, "flip", out, APUS__OUTPUT_STRIDED, x->dtype, x->rank, x->shape, device, &x, 1));
    const apus_tensor *t = output.tensor;
    int64_t back[APUS_MAX_RANK];
    const int64_t *strides[] = {t->strides, back};
    apus__plan plan = {.count = 2};
    plan.operands[0].dtype = t->dtype, plan.operands[0].storage = t->storage, plan.operands[0].offset = t->offset;
    plan.operands[1].dtype = x->dtype, plan.operands[1].storage = x->storage, plan.operands[1].offset = x->offset;
    for (int32_t d = 0; d < x->rank; d++) {
        back[d] = mask[d] ? -x->strides[d] : x->strides[d];
        if (mask[d] && x->numel > 0) plan.operands[1].offset += (x->shape[d] - 1) * x->strides[d];
    }
    apus__plan_simplify(&plan, x->rank, x->shape, strides);
    return apus__output_end(&output, apus__device_of(x)->elementwise->copy(&plan));
}

static apus_status cut_triangle(apus_tensor **out, const char *op, const apus_tensor *x, int64_t diagonal, bool upper) {
    int64_t rows = x->shape[x->rank - 2], columns = x->shape[x->rank - 1];
    // Beyond the matrix nothing changes any more, and nothing overflows.
    diagonal = diagonal < -rows ? -rows : diagonal > columns ? columns : diagonal;
    apus__output output;
    APUS_TRY(apus__output_begin(&output, op, out, APUS__OUTPUT_CONTIGUOUS, x->dtype, x->rank, x->shape,
                                x->storage->device, &x, 1));
    apus_status status = APUS_STATUS_ok;
    if (x->numel > 0)
        status = apus__device_of(x)->index->triangle(apus__buffer_of(output.tensor), x->dtype, apus__buffer_of(x),
                                                     x->numel / (rows * columns), rows, columns, diagonal, upper);
    return apus__output_end(&output, status);
}

apus_status apus_triangle(apus_tensor **out, const apus_tensor *x, int64_t diagonal, bool upper) {
    const char *op = upper ? "triu" : "tril";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, x);
    apus__text text;
    if (x->rank < 2)
        return apus__fail(APUS_STATUS_shape, "%s: needs at least two dims, got %s", op, apus__describe(&text, x));
    apus_device device;
    APUS_TRY(apus__same_device(op, &device, &x, 1));
    apus_tensor *packed = NULL;
    APUS_TRY(apus__contiguous_as(&packed, x, x->dtype));
    apus_status status = cut_triangle(out, op, packed, diagonal, upper);
    apus_tensor_release(packed);
    return status;
}
