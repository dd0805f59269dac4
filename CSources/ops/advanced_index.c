// Advanced indexing: tensors of indices, and masks, for some or all dims at once.
//
// All comes down to slices named by offsets. The dims that are indexed are brought together; what stands before them is
// the outer part, what stands behind them the slice, and the broadcast indices become one offset a slice.
#include <string.h>

#include "apus/index.h"
#include "device/device.h"
#include "ops/index.h"

/// An indexing, worked out for a tensor's shape.
typedef struct picks {
    const char *op;
    int32_t rank;                      ///< of the tensor, with one dim for all those that a mask covers
    int64_t shape[APUS_MAX_RANK];      ///< likewise
    int32_t covered[APUS_MAX_RANK];    ///< dims of the tensor that make up a dim: 1, or the rank of a mask
    bool flattens;                     ///< some are several
    apus_tensor *index[APUS_MAX_RANK]; ///< contiguous int64 for a dim, NULL for the whole of it
    int32_t order[APUS_MAX_RANK];      ///< the dims with the indexed ones brought together
    int32_t first, last;               ///< the indexed dims in that order
    int32_t broadcast_rank;            ///< of the indices
    int64_t broadcast[APUS_MAX_RANK];
    int32_t result_rank;
    int64_t result[APUS_MAX_RANK];
} picks;

static void release(picks *p) {
    for (int32_t d = 0; d < p->rank; d++) apus_tensor_release(p->index[d]);
}

/// Takes the next `count` dims of x as one.
static apus_status take_dims(picks *p, const apus_tensor *x, int32_t *used, int32_t count) {
    apus__text text;
    if (count > x->rank - *used)
        return apus__fail(APUS_STATUS_index, "%s: too many indices for %s", p->op, apus__describe(&text, x));
    if (p->rank == APUS_MAX_RANK)
        return apus__fail(APUS_STATUS_shape, "%s: the rank would exceed %d", p->op, APUS_MAX_RANK);
    int64_t size = 1;
    for (int32_t i = 0; i < count; i++) size *= x->shape[(*used)++];
    p->shape[p->rank] = size;
    p->covered[p->rank++] = count;
    p->flattens |= count > 1;
    return APUS_STATUS_ok;
}

/// A mask becomes the places of its true elements, indices of the dims that it covers seen as one. A mask of rank 0
/// keeps or drops everything: index 0, or none, of a dim of size 1.
static apus_status add_mask(picks *p, const apus_tensor *x, int32_t *used, const apus_tensor *mask) {
    apus__text have, want;
    int32_t at = *used;
    APUS_TRY(take_dims(p, x, used, mask->rank));
    if (memcmp(mask->shape, x->shape + at, sizeof(int64_t) * (size_t)mask->rank) != 0)
        return apus__fail(APUS_STATUS_shape, "%s: the mask %s does not have the shape of %s from dim %d on", p->op,
                          apus__describe(&have, mask), apus__describe(&want, x), at);
    apus_tensor *flat = NULL, *places = NULL;
    APUS_TRY(apus_tensor_reshape(&flat, mask, 1, &mask->numel));
    apus_status status = apus_nonzero(&places, flat);
    if (status == APUS_STATUS_ok) status = apus_tensor_view(&p->index[p->rank - 1], places, 1, &places->shape[0]);
    apus_tensor_release(flat);
    apus_tensor_release(places);
    return status;
}

static apus_status add_index(picks *p, const apus_tensor *x, int32_t *used, const apus_tensor *index) {
    if (index == NULL) return take_dims(p, x, used, 1);
    if (index->dtype == APUS_DTYPE_bool) return add_mask(p, x, used, index);
    int32_t at = p->rank;
    APUS_TRY(take_dims(p, x, used, 1));
    APUS_TRY(apus__index_int64(&p->index[at], p->op, index));
    return apus__index_check(p->op, p->index[at], *used - 1, p->shape[at], true);
}

/// Where the indexed dims stand: in place where they are neighbours, else in front.
static void order_dims(picks *p) {
    int32_t first = p->rank, last = 0, indexed = 0, used = 0;
    for (int32_t d = 0; d < p->rank; d++) {
        if (p->index[d] == NULL) continue;
        if (indexed++ == 0) first = d;
        last = d + 1;
    }
    bool adjacent = indexed == last - first;
    p->first = adjacent && indexed > 0 ? first : 0;
    p->last = p->first + indexed;
    for (int32_t d = 0; d < p->first; d++) p->order[used++] = d;
    for (int32_t d = 0; d < p->rank; d++)
        if (p->index[d] != NULL) p->order[used++] = d;
    for (int32_t d = p->first; d < p->rank; d++)
        if (p->index[d] == NULL) p->order[used++] = d;
}

static apus_status result_shape(picks *p) {
    APUS_TRY(
        apus__broadcast_shape(p->op, &p->broadcast_rank, p->broadcast, (const apus_tensor *const *)p->index, p->rank));
    int32_t behind = p->rank - p->last;
    p->result_rank = p->first + p->broadcast_rank + behind;
    if (p->result_rank > APUS_MAX_RANK)
        return apus__fail(APUS_STATUS_shape, "%s: the result's rank %d exceeds %d", p->op, p->result_rank,
                          APUS_MAX_RANK);
    int32_t n = 0;
    for (int32_t d = 0; d < p->first; d++) p->result[n++] = p->shape[p->order[d]];
    for (int32_t d = 0; d < p->broadcast_rank; d++) p->result[n++] = p->broadcast[d];
    for (int32_t d = p->last; d < p->rank; d++) p->result[n++] = p->shape[p->order[d]];
    return APUS_STATUS_ok;
}

static apus_status resolve(picks *p, const apus_tensor *x, int32_t count, const apus_tensor *const *indices) {
    int32_t used = 0;
    for (int32_t i = 0; i < count; i++) APUS_TRY(add_index(p, x, &used, indices[i]));
    while (used < x->rank) APUS_TRY(take_dims(p, x, &used, 1));
    order_dims(p);
    return result_shape(p);
}

/// t, contiguous where dims are seen as one, with its dims in the indexing's order.
static apus_status reorder(apus_tensor **out, const picks *p, const apus_tensor *t) {
    int64_t strides[APUS_MAX_RANK], shape[APUS_MAX_RANK], ordered[APUS_MAX_RANK];
    int32_t used = 0;
    for (int32_t d = 0; d < p->rank; d++) {
        used += p->covered[d];
        strides[d] = p->covered[d] == 0 ? 0 : t->strides[used - 1];
    }
    for (int32_t d = 0; d < p->rank; d++) {
        shape[d] = p->shape[p->order[d]];
        ordered[d] = strides[p->order[d]];
    }
    return apus__tensor_over(out, t->storage, t->dtype, p->rank, shape, ordered, t->offset);
}

/// t reordered, or a contiguous copy of that where its slices are not contiguous; and where slices start.
typedef struct slice_view {
    apus__slices slices;
    apus_tensor *ordered, *base, *offsets; ///< base is ordered, or the copy
} slice_view;

static void release_view(slice_view *v) {
    apus_tensor_release(v->ordered);
    apus_tensor_release(v->base);
    apus_tensor_release(v->offsets);
}

static apus_status sum_offsets(apus_tensor *offsets, const picks *p, const apus_tensor *base) {
    const apus_scalar zero = {.kind = APUS_SCALAR_int};
    if (p->first == p->last) return apus_tensor_fill(offsets, &zero); // nothing is indexed: one slice, the whole
    for (int32_t d = p->first; d < p->last; d++) {
        apus__plan plan;
        const apus_tensor *tensors[] = {offsets, p->index[p->order[d]]};
        apus__plan_make(&plan, p->broadcast_rank, p->broadcast, tensors, 2);
        APUS_TRY(apus__device_of(base)->index->offsets(&plan, base->shape[d], base->strides[d], d > p->first));
    }
    return APUS_STATUS_ok;
}

static apus_status view_slices(slice_view *v, const picks *p, const apus_tensor *t) {
    APUS_TRY(reorder(&v->ordered, p, t));
    v->base = apus_tensor_retain(v->ordered);
    if (!apus__slices_of(&v->slices, t->dtype, p->rank, v->base->shape, v->base->strides, p->first, p->last)) {
        apus_tensor_release(v->base);
        v->base = NULL;
        APUS_TRY(apus__contiguous_as(&v->base, v->ordered, t->dtype));
        apus__slices_of(&v->slices, t->dtype, p->rank, v->base->shape, v->base->strides, p->first, p->last);
    }
    APUS_TRY(
        apus__tensor_new(&v->offsets, p->op, APUS_DTYPE_int64, p->broadcast_rank, p->broadcast, t->storage->device));
    v->slices.count = v->offsets->numel;
    return sum_offsets(v->offsets, p, v->base);
}

static apus_status take_slices(const picks *p, apus_tensor **out, const apus_tensor *x) {
    apus__output output;
    slice_view v = {.base = NULL};
    APUS_TRY(apus__output_begin(&output, p->op, out, APUS__OUTPUT_CONTIGUOUS, x->dtype, p->result_rank, p->result,
                                x->storage->device, &x, 1));
    apus_status status = APUS_STATUS_ok;
    if (output.tensor->numel > 0) {
        status = view_slices(&v, p, x);
        if (status == APUS_STATUS_ok)
            status = apus__device_of(x)->index->take(&v.slices, apus__buffer_of(output.tensor), apus__buffer_of(v.base),
                                                     apus__buffer_of(v.offsets));
    }
    release_view(&v);
    return apus__output_end(&output, status);
}

static apus_status take(const picks *p, apus_tensor **out, const apus_tensor *x) {
    if (!p->flattens) return take_slices(p, out, x);
    apus_tensor *packed = NULL;
    APUS_TRY(apus__contiguous_as(&packed, x, x->dtype));
    apus_status status = take_slices(p, out, packed);
    apus_tensor_release(packed);
    return status;
}

/// values seen in the result's shape, contiguous.
static apus_status broadcast_values(apus_tensor **out, const picks *p, const apus_tensor *values,
                                    const apus_tensor *x) {
    apus_tensor *typed, *seen = NULL;
    APUS_TRY(apus__values_as(&typed, p->op, values, x));
    bool fits = typed->rank <= p->result_rank;
    for (int32_t i = 1; fits && i <= typed->rank; i++) {
        int64_t size = typed->shape[typed->rank - i];
        fits = size == 1 || size == p->result[p->result_rank - i];
    }
    apus__text have, want;
    apus_status status =
        fits ? apus_tensor_expand(&seen, typed, p->result_rank, p->result)
             : apus__fail(APUS_STATUS_shape, "%s: values %s do not broadcast to the indexed shape %s", p->op,
                          apus__describe(&have, values), apus__describe_shape(&want, p->result_rank, p->result));
    if (status == APUS_STATUS_ok) status = apus__contiguous_as(out, seen, seen->dtype);
    apus_tensor_release(typed);
    apus_tensor_release(seen);
    return status;
}

static apus_status put_into(const picks *p, apus_tensor *target, const apus_tensor *values, bool accumulate) {
    if (values->numel == 0) return APUS_STATUS_ok;
    slice_view v = {.base = NULL};
    apus_status status = view_slices(&v, p, target);
    if (status == APUS_STATUS_ok)
        status = apus__device_of(target)->index->put(&v.slices, apus__buffer_of(v.base), apus__buffer_of(values),
                                                     apus__buffer_of(v.offsets), accumulate);
    if (status == APUS_STATUS_ok && v.base != v.ordered) status = apus_tensor_copy(v.ordered, v.base);
    release_view(&v);
    return status;
}

static apus_status put(const picks *p, apus_tensor **out, const apus_tensor *x, const apus_tensor *values,
                       bool accumulate) {
    apus_tensor *wide;
    APUS_TRY(broadcast_values(&wide, p, values, x));
    apus__output output;
    const apus_tensor *input = wide;
    apus_status status = apus__output_begin(&output, p->op, out, APUS__OUTPUT_CONTIGUOUS, x->dtype, x->rank, x->shape,
                                            x->storage->device, &input, 1);
    if (status == APUS_STATUS_ok) {
        status = apus__start_as(output.tensor, x);
        if (status == APUS_STATUS_ok) status = put_into(p, output.tensor, wide, accumulate);
        status = apus__output_end(&output, status);
    }
    apus_tensor_release(wide);
    return status;
}

static apus_status check(const char *op, const apus_tensor *x, int32_t count, const apus_tensor *const *indices) {
    apus__text text;
    apus_device device;
    if (count > 0) APUS_REQUIRE(op, indices);
    if (count < 0 || count > APUS_MAX_RANK)
        return apus__fail(APUS_STATUS_index, "%s: %d indices for %s", op, count, apus__describe(&text, x));
    const apus_tensor *inputs[APUS_MAX_RANK + 1] = {x};
    for (int32_t i = 0; i < count; i++) inputs[i + 1] = indices[i];
    return apus__same_device(op, &device, inputs, count + 1);
}

apus_status apus_index(apus_tensor **out, const apus_tensor *x, int32_t count, const apus_tensor *const *indices) {
    picks p = {.op = "index"};
    APUS_REQUIRE(p.op, out);
    APUS_REQUIRE(p.op, x);
    APUS_TRY(check(p.op, x, count, indices));
    apus_status status = resolve(&p, x, count, indices);
    if (status == APUS_STATUS_ok) status = take(&p, out, x);
    release(&p);
    return status;
}

apus_status apus_index_put(apus_tensor **out, const apus_tensor *x, int32_t count, const apus_tensor *const *indices,
                           const apus_tensor *values, bool accumulate) {
    picks p = {.op = "index_put"};
    APUS_REQUIRE(p.op, out);
    APUS_REQUIRE(p.op, x);
    APUS_REQUIRE(p.op, values);
    APUS_TRY(check(p.op, x, count, indices));
    const apus_tensor *both[] = {x, values};
    apus_device device;
    APUS_TRY(apus__same_device(p.op, &device, both, 2));
    apus_status status = resolve(&p, x, count, indices);
    if (status == APUS_STATUS_ok) status = put(&p, out, x, values, accumulate);
    release(&p);
    return status;
}
