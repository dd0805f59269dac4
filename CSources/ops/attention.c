// Scaled dot-product attention: shape and dtype rules.
#include "apus/attention.h"

#include "device/attention.h"
#include "device/device.h"
#include "ops/store.h"

/// One call; `grad`, `out` and `logsumexp` are NULL forward.
typedef struct call {
    const char *op;
    const apus_tensor *q, *k, *v, *mask, *grad, *out, *logsumexp;
    double scale;
    bool causal;
} call;

// ---- Checking

static int64_t size_from_end(const apus_tensor *t, int32_t d) { return t->rank < d ? 1 : t->shape[t->rank - d]; }

static apus_status check_dtypes(const call *c) {
    const apus_tensor *all[] = {c->q, c->k, c->v, c->mask, c->grad, c->out, c->logsumexp};
    apus_device device;
    APUS_TRY(apus__same_device(c->op, &device, all, APUS__COUNT(all)));
    apus_dtype dtype = c->q->dtype;
    if (!apus_dtype_is_floating_point(dtype) || c->k->dtype != dtype || c->v->dtype != dtype)
        return apus__fail(APUS_STATUS_dtype, "%s: expected one floating-point dtype, got %s, %s and %s", c->op,
                          apus_dtype_name(dtype), apus_dtype_name(c->k->dtype), apus_dtype_name(c->v->dtype));
    if (c->mask != NULL && c->mask->dtype != APUS_DTYPE_bool && !apus_dtype_is_floating_point(c->mask->dtype))
        return apus__fail(APUS_STATUS_dtype, "%s: expected a bool or floating-point mask, got %s", c->op,
                          apus_dtype_name(c->mask->dtype));
    return APUS_STATUS_ok;
}

/// Whether the leading dims fit: equal, but for the heads, dim -3, which the first may have more of.
static bool leading_dims_fit(const apus_tensor *q, const apus_tensor *k, const apus_tensor *v) {
    if (q->rank < 2 || k->rank != q->rank || v->rank != q->rank) return false;
    for (int32_t d = 0; d < q->rank - 2; d++) {
        if (k->shape[d] != v->shape[d]) return false;
        bool is_heads = d == q->rank - 3;
        if (is_heads ? k->shape[d] == 0 ? q->shape[d] != 0 : q->shape[d] % k->shape[d] != 0
                     : q->shape[d] != k->shape[d])
            return false;
    }
    return true;
}

static apus_status check_shapes(const call *c) {
    const apus_tensor *q = c->q, *k = c->k, *v = c->v, *mask = c->mask;
    apus__text a, b, d;
    if (!leading_dims_fit(q, k, v) || size_from_end(q, 1) != size_from_end(k, 1) ||
        size_from_end(k, 2) != size_from_end(v, 2))
        return apus__fail(APUS_STATUS_shape,
                          "%s: expected [*, H, L, E], [*, G, S, E] and [*, G, S, F], got %s, %s and %s", c->op,
                          apus__describe(&a, q), apus__describe(&b, k), apus__describe(&d, v));
    if (size_from_end(q, 1) == 0 || size_from_end(v, 1) == 0)
        return apus__fail(APUS_STATUS_shape, "%s: expected vectors of at least one element, got %s and %s", c->op,
                          apus__describe(&a, q), apus__describe(&b, v));
    bool fits = mask == NULL || mask->rank <= q->rank;
    for (int32_t i = 1; fits && mask != NULL && i <= mask->rank; i++) {
        int64_t size = size_from_end(mask, i);
        fits = size == 1 || size == (i == 1 ? size_from_end(k, 2) : size_from_end(q, i));
    }
    if (!fits)
        return apus__fail(APUS_STATUS_shape, "%s: the mask %s does not broadcast with queries %s and keys %s", c->op,
                          apus__describe(&a, mask), apus__describe(&b, q), apus__describe(&d, k));
    return APUS_STATUS_ok;
}

/// Whether t has q's shape but for the last dim: `width`, or none where that is 0.
static bool has_rows_of(const apus_tensor *t, const apus_tensor *q, int64_t width) {
    if (t->rank != q->rank - (width == 0)) return false;
    for (int32_t d = 0; d < t->rank; d++)
        if (t->shape[d] != (d == q->rank - 1 ? width : q->shape[d])) return false;
    return true;
}

static apus_status check(const call *c) {
    APUS_REQUIRE(c->op, c->q);
    APUS_REQUIRE(c->op, c->k);
    APUS_REQUIRE(c->op, c->v);
    APUS_TRY(check_dtypes(c));
    return check_shapes(c);
}

// ---- Describing

/// t in the dtype that is computed in, with rows that are contiguous and do not overlap.
static apus_status with_rows(apus_tensor **rows, const apus_tensor *t, apus_dtype compute) {
    int64_t count = size_from_end(t, 2), width = size_from_end(t, 1);
    bool fits = t->dtype == compute && (width == 1 || t->strides[t->rank - 1] == 1) &&
                (count <= 1 || t->strides[t->rank - 2] >= width);
    return fits ? apus_tensor_alias(rows, t) : apus__contiguous_as(rows, t, compute);
}

/// The heads of t, a contiguous mask or a result of with_rows. Dims that t lacks or that have size 1 do not move.
static apus__heads heads_of(const apus_tensor *t, int32_t rank) {
    apus__heads h = {.buffer = apus__buffer_of(t)};
    if (t == NULL) return h;
    h.row_stride = size_from_end(t, 2) == 1 ? 0 : t->strides[t->rank - 2];
    for (int32_t d = 3; d <= t->rank; d++)
        h.batch_strides[rank - d] = size_from_end(t, d) == 1 ? 0 : t->strides[t->rank - d];
    return h;
}

static apus__attention describe(const call *c) {
    int32_t rank = c->q->rank;
    apus__attention a = {
        .dtype = c->q->dtype,
        .queries = size_from_end(c->q, 2),
        .keys = size_from_end(c->k, 2),
        .width = size_from_end(c->q, 1),
        .value_width = size_from_end(c->v, 1),
        .group = rank < 3 ? 1 : size_from_end(c->q, 3) / size_from_end(c->k, 3),
        .batch_rank = rank - 2,
        .batch_count = 1,
        .q = heads_of(c->q, rank),
        .k = heads_of(c->k, rank),
        .v = heads_of(c->v, rank),
        .mask = heads_of(c->mask, rank),
        .mask_is_bool = c->mask != NULL && c->mask->dtype == APUS_DTYPE_bool,
        .scale = c->scale,
        .causal = c->causal,
    };
    for (int32_t d = 0; d < a.batch_rank; d++) {
        a.batch_shape[d] = c->q->shape[d];
        a.batch_count *= c->q->shape[d];
    }
    return a;
}

/// The mask, contiguous, with a column for each key; floats in the dtype that is computed in.
static apus_status with_columns(apus_tensor **columns, const apus_tensor *mask, int64_t keys, apus_dtype compute) {
    apus_dtype dtype = mask->dtype == APUS_DTYPE_bool ? APUS_DTYPE_bool : compute;
    if (size_from_end(mask, 1) == keys) return apus__contiguous_as(columns, mask, dtype);
    int64_t shape[APUS_MAX_RANK] = {keys};
    int32_t rank = mask->rank == 0 ? 1 : mask->rank;
    for (int32_t d = 0; d < rank; d++) shape[d] = d == rank - 1 ? keys : mask->shape[d];
    apus_tensor *wide = NULL;
    APUS_TRY(apus_tensor_expand(&wide, mask, rank, shape));
    apus_status status = apus__contiguous_as(columns, wide, dtype);
    apus_tensor_release(wide);
    return status;
}

/// The operands of a call as the kernels take them.
typedef struct prepared {
    apus_tensor *q, *k, *v, *mask, *grad, *out, *logsumexp;
    apus__attention attention;
} prepared;

static void drop(prepared *p) {
    apus_tensor *all[] = {p->q, p->k, p->v, p->mask, p->grad, p->out, p->logsumexp};
    for (int i = 0; i < APUS__COUNT(all); i++) apus_tensor_release(all[i]);
}

static apus_status prepare(prepared *p, const call *c) {
    *p = (prepared){.q = NULL};
    apus_dtype compute = apus__compute_dtype(c->q->dtype);
    APUS_TRY(with_rows(&p->q, c->q, compute));
    APUS_TRY(with_rows(&p->k, c->k, compute));
    APUS_TRY(with_rows(&p->v, c->v, compute));
    if (c->mask != NULL) APUS_TRY(with_columns(&p->mask, c->mask, size_from_end(c->k, 2), compute));
    if (c->grad != NULL) {
        APUS_TRY(apus__contiguous_as(&p->grad, c->grad, compute));
        APUS_TRY(apus__contiguous_as(&p->out, c->out, compute));
        APUS_TRY(apus__contiguous_as(&p->logsumexp, c->logsumexp, compute));
    }
    call described = *c;
    described.q = p->q, described.k = p->k, described.v = p->v, described.mask = p->mask;
    p->attention = describe(&described);
    return APUS_STATUS_ok;
}

// ---- Running

static apus_status forward(const call *c, apus_tensor **out, apus_tensor **logsumexp) {
    int32_t rank = c->q->rank;
    int64_t shape[APUS_MAX_RANK];
    for (int32_t d = 0; d < rank; d++) shape[d] = d == rank - 1 ? c->v->shape[d] : c->q->shape[d];
    apus_device device = c->q->storage->device;
    apus_dtype compute = apus__compute_dtype(c->q->dtype);
    APUS_TRY(apus__tensor_new(out, c->op, compute, rank, shape, device));
    APUS_TRY(apus__tensor_new(logsumexp, c->op, compute, rank - 1, shape, device));
    if ((*out)->numel == 0) return APUS_STATUS_ok;
    prepared p;
    apus_status status = prepare(&p, c);
    if (status == APUS_STATUS_ok)
        status =
            apus__device_of(c->q)->attention->forward(&p.attention, apus__buffer_of(*out), apus__buffer_of(*logsumexp));
    drop(&p);
    return status;
}

apus_status apus_attention(apus_tensor **out, apus_tensor **logsumexp, const apus_tensor *q, const apus_tensor *k,
                           const apus_tensor *v, const apus_tensor *mask, double scale, bool causal) {
    const call c = {.op = "attention", .q = q, .k = k, .v = v, .mask = mask, .scale = scale, .causal = causal};
    APUS_REQUIRE(c.op, out);
    APUS_TRY(check(&c));
    apus_tensor *result = NULL, *sums = NULL;
    bool made = *out == NULL;
    apus_status status = forward(&c, &result, &sums);
    status = apus__deliver(c.op, out, q->dtype, result, status);
    status = apus__deliver(c.op, logsumexp, apus__compute_dtype(q->dtype), sums, status);
    if (status != APUS_STATUS_ok && made) {
        apus_tensor_release(*out);
        *out = NULL;
    }
    return status;
}

/// A contiguous tensor of t's shape for a gradient that is wanted.
static apus_status make_room(const char *op, apus_tensor **room, apus_tensor **wanted, const apus_tensor *t) {
    if (wanted == NULL) return APUS_STATUS_ok;
    return apus__tensor_new(room, op, apus__compute_dtype(t->dtype), t->rank, t->shape, t->storage->device);
}

static apus_status set_to_zero(apus_tensor *t) {
    const apus_scalar zero = {.kind = APUS_SCALAR_int};
    return t == NULL ? APUS_STATUS_ok : apus_tensor_fill(t, &zero);
}

static apus_status backward(const call *c, apus_tensor *dq, apus_tensor *dk, apus_tensor *dv) {
    if (c->out->numel == 0 || c->k->numel == 0) {
        APUS_TRY(set_to_zero(dq));
        APUS_TRY(set_to_zero(dk));
        return set_to_zero(dv);
    }
    prepared p;
    apus_status status = prepare(&p, c);
    const apus__attention_grads g = {apus__buffer_of(p.grad), apus__buffer_of(p.out), apus__buffer_of(p.logsumexp),
                                     apus__buffer_of(dq),     apus__buffer_of(dk),    apus__buffer_of(dv)};
    if (status == APUS_STATUS_ok) status = apus__device_of(c->q)->attention->backward(&p.attention, &g);
    drop(&p);
    return status;
}

apus_status apus_attention_backward(apus_tensor **dq, apus_tensor **dk, apus_tensor **dv, const apus_tensor *grad,
                                    const apus_tensor *q, const apus_tensor *k, const apus_tensor *v,
                                    const apus_tensor *mask, const apus_tensor *out, const apus_tensor *logsumexp,
                                    double scale, bool causal) {
    const call c = {"attention_backward", q, k, v, mask, grad, out, logsumexp, scale, causal};
    APUS_REQUIRE(c.op, grad);
    APUS_REQUIRE(c.op, out);
    APUS_REQUIRE(c.op, logsumexp);
    APUS_TRY(check(&c));
    apus__text a, b, d;
    int64_t width = size_from_end(v, 1);
    if (!has_rows_of(grad, q, width) || !has_rows_of(out, q, width) || !has_rows_of(logsumexp, q, 0))
        return apus__fail(APUS_STATUS_shape, "%s: the gradient %s, result %s and logsumexp %s do not fit together",
                          c.op, apus__describe(&a, grad), apus__describe(&b, out), apus__describe(&d, logsumexp));
    apus_tensor **wanted[] = {dq, dk, dv}, *room[3] = {NULL}, *made[3] = {NULL};
    const apus_tensor *inputs[] = {q, k, v};
    apus_status status = APUS_STATUS_ok;
    for (int i = 0; status == APUS_STATUS_ok && i < 3; i++) status = make_room(c.op, &room[i], wanted[i], inputs[i]);
    if (status == APUS_STATUS_ok) status = backward(&c, room[0], room[1], room[2]);
    for (int i = 0; i < 3; i++) {
        bool was_null = wanted[i] != NULL && *wanted[i] == NULL;
        status = apus__deliver(c.op, wanted[i], q->dtype, room[i], status);
        if (was_null) made[i] = *wanted[i];
    }
    for (int i = 0; status != APUS_STATUS_ok && i < 3; i++) {
        if (made[i] == NULL) continue;
        apus_tensor_release(made[i]);
        *wanted[i] = NULL;
    }
    return status;
}
