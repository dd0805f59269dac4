// Order along a dim: shape and dtype rules. Rows are sorted, so another dim is moved to the end first and back after.
#include "apus/sort.h"

#include "device/device.h"
#include "device/sort.h"
#include "ops/store.h"

/// One call: the places of the order that are wanted.
typedef struct call {
    const char *op;
    const apus_tensor *x;
    int32_t dim;
    int64_t first, count;
    bool descending, sorted, stable;
    bool drop_dim;
} call;

static int64_t length_of(const call *c) { return c->x->rank == 0 ? 1 : c->x->shape[c->dim]; }

static apus_status check(call *c) {
    APUS_REQUIRE(c->op, c->x);
    apus_device device;
    apus__text text;
    APUS_TRY(apus__same_device(c->op, &device, &c->x, 1));
    APUS_TRY(apus__normalize_dim(c->op, &c->dim, c->x->rank));
    if (apus_dtype_is_complex(c->x->dtype))
        return apus__fail(APUS_STATUS_dtype, "%s: complex numbers have no order, got %s", c->op,
                          apus__describe(&text, c->x));
    return APUS_STATUS_ok;
}

/// Makes contiguous tensors with the dim at the end. Places are only made where they are wanted.
static apus_status rank_rows(const call *c, apus_tensor **values, apus_tensor **indices, const apus_tensor *turned) {
    int64_t shape[APUS_MAX_RANK];
    for (int32_t d = 0; d < turned->rank; d++) shape[d] = d == turned->rank - 1 ? c->count : turned->shape[d];
    apus_device device = turned->storage->device;
    if (values != NULL) APUS_TRY(apus__tensor_new(values, c->op, turned->dtype, turned->rank, shape, device));
    if (indices != NULL) APUS_TRY(apus__tensor_new(indices, c->op, APUS_DTYPE_int64, turned->rank, shape, device));
    if (turned->numel == 0 || c->count == 0) return APUS_STATUS_ok;
    apus_tensor *packed;
    APUS_TRY(apus__contiguous_as(&packed, turned, turned->dtype));
    int64_t length = length_of(c);
    const apus__ranking ranking = {.dtype = turned->dtype,
                                   .rows = turned->numel / length,
                                   .length = length,
                                   .first = c->first,
                                   .count = c->count,
                                   .descending = c->descending,
                                   .sorted = c->sorted,
                                   .stable = c->stable};
    apus_status status = apus__device_of(turned)->sort->rank(&ranking, apus__buffer_of(values == NULL ? NULL : *values),
                                                             apus__buffer_of(indices == NULL ? NULL : *indices),
                                                             apus__buffer_of(packed));
    apus_tensor_release(packed);
    return status;
}

/// Moves the dim of a result back, or drops it; replaces the tensor.
static apus_status turn_back(const call *c, apus_tensor **result) {
    apus_tensor *view = NULL;
    if (*result == NULL || c->x->rank == 0) return APUS_STATUS_ok;
    APUS_TRY(apus_tensor_transpose(&view, *result, c->dim, -1));
    apus_tensor_release(*result);
    *result = view;
    if (!c->drop_dim) return APUS_STATUS_ok;
    apus_tensor *dropped = NULL;
    APUS_TRY(apus_tensor_select(&dropped, view, c->dim, 0));
    apus_tensor_release(view);
    *result = dropped;
    return APUS_STATUS_ok;
}

static apus_status run(apus_tensor **values, apus_tensor **indices, const call *c) {
    apus_tensor *turned = NULL, *best = NULL, *places = NULL;
    APUS_TRY(apus_tensor_transpose(&turned, c->x, c->x->rank == 0 ? 0 : c->dim, c->x->rank == 0 ? 0 : -1));
    apus_status status = rank_rows(c, values == NULL ? NULL : &best, indices == NULL ? NULL : &places, turned);
    apus_tensor_release(turned);
    if (status == APUS_STATUS_ok) status = turn_back(c, &best);
    if (status == APUS_STATUS_ok) status = turn_back(c, &places);
    bool made_values = values != NULL && *values == NULL;
    status = apus__deliver(c->op, values, c->x->dtype, best, status);
    status = apus__deliver(c->op, indices, APUS_DTYPE_int64, places, status);
    if (status != APUS_STATUS_ok && made_values) {
        apus_tensor_release(*values);
        *values = NULL;
    }
    return status;
}

apus_status apus_sort(apus_tensor **values, apus_tensor **indices, const apus_tensor *x, int32_t dim, bool descending,
                      bool stable) {
    call c = {.op = "sort", .x = x, .dim = dim, .descending = descending, .sorted = true, .stable = stable};
    APUS_TRY(check(&c));
    c.count = length_of(&c);
    return run(values, indices, &c);
}

apus_status apus_topk(apus_tensor **values, apus_tensor **indices, const apus_tensor *x, int64_t k, int32_t dim,
                      bool largest, bool sorted) {
    call c = {.op = "topk", .x = x, .dim = dim, .count = k, .descending = largest, .sorted = sorted, .stable = true};
    APUS_TRY(check(&c));
    apus__text text;
    // A 0-d tensor has no dim that could become empty.
    if (k < (x->rank == 0) || k > length_of(&c))
        return apus__fail(APUS_STATUS_invalid_argument, "topk: there are no %lld elements along dim %d of %s",
                          (long long)k, c.dim, apus__describe(&text, x));
    return run(values, indices, &c);
}

apus_status apus_kthvalue(apus_tensor **values, apus_tensor **indices, const apus_tensor *x, int64_t k, int32_t dim,
                          bool keep_dim) {
    call c = {.op = "kthvalue", .x = x, .dim = dim, .first = k - 1, .count = 1, .stable = true, .drop_dim = !keep_dim};
    APUS_TRY(check(&c));
    apus__text text;
    if (k < 1 || k > length_of(&c))
        return apus__fail(APUS_STATUS_invalid_argument, "kthvalue: there is no element %lld along dim %d of %s",
                          (long long)k, c.dim, apus__describe(&text, x));
    return run(values, indices, &c);
}
