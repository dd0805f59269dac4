// Copying, converting, filling and reading tensors, and the tensors that follow a formula.
#include <math.h>
#include <string.h>

#include "device/device.h"
#include "device/elementwise.h"

static bool same_device(const apus_tensor *a, const apus_tensor *b) { return a->storage->device == b->storage->device; }

static apus_status copy_here(apus_tensor *dst, const apus_tensor *src) {
    apus__plan plan;
    const apus_tensor *tensors[] = {dst, src};
    apus__plan_make(&plan, dst->rank, dst->shape, tensors, 2);
    return apus__device_of(dst)->elementwise->copy(&plan);
}

/// Hands `t` over when `status` is ok, else frees it.
static apus_status give(apus_tensor **out, apus_tensor *t, apus_status status) {
    if (status == APUS_STATUS_ok)
        *out = t;
    else
        apus_tensor_release(t);
    return status;
}

/// A contiguous tensor of the same elements on the CPU.
static apus_status to_host(apus_tensor **out, const apus_tensor *t) {
    apus_tensor *packed = NULL, *host = NULL;
    size_t size = apus__item_size(t);
    APUS_TRY(apus__contiguous_as(&packed, t, t->dtype));
    apus_status status = apus__tensor_new(&host, "copy", t->dtype, t->rank, t->shape, APUS_DEVICE_CPU);
    if (status == APUS_STATUS_ok)
        status = apus__device_of(t)->read(packed->storage, (size_t)packed->offset * size, host->storage->data,
                                          (size_t)t->numel * size);
    apus_tensor_release(packed);
    return give(out, host, status);
}

/// From the CPU to another device.
static apus_status from_host(apus_tensor *dst, const apus_tensor *src) {
    apus_tensor *packed = NULL, *arrived = NULL;
    apus_status status = apus__contiguous_as(&packed, src, dst->dtype);
    if (status == APUS_STATUS_ok)
        status = apus__tensor_new(&arrived, "copy", dst->dtype, src->rank, src->shape, dst->storage->device);
    if (status == APUS_STATUS_ok) {
        const char *from = (const char *)packed->storage->data + (size_t)packed->offset * apus__item_size(packed);
        status = apus__device_of(dst)->write(arrived->storage, 0, from, (size_t)src->numel * apus__item_size(packed));
    }
    if (status == APUS_STATUS_ok) status = copy_here(dst, arrived);
    apus_tensor_release(packed);
    apus_tensor_release(arrived);
    return status;
}

/// Between devices. Dtypes are converted on the CPU, which computes in all of them.
static apus_status copy_across(apus_tensor *dst, const apus_tensor *src) {
    if (src->storage->device == APUS_DEVICE_CPU) return from_host(dst, src);
    apus_tensor *host = NULL;
    APUS_TRY(to_host(&host, src));
    apus_status status = dst->storage->device == APUS_DEVICE_CPU ? copy_here(dst, host) : from_host(dst, host);
    apus_tensor_release(host);
    return status;
}

static apus_status check_broadcast(const apus_tensor *dst, const apus_tensor *src) {
    apus__text from, to;
    bool fits = src->rank <= dst->rank;
    for (int32_t i = 1; fits && i <= src->rank; i++)
        fits = src->shape[src->rank - i] == 1 || src->shape[src->rank - i] == dst->shape[dst->rank - i];
    if (fits) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_shape, "copy: %s does not broadcast to %s", apus__describe(&from, src),
                      apus__describe(&to, dst));
}

/// Whether writing dst could change src before it is read: they share memory and are not the same view.
static bool may_clash(const apus_tensor *dst, const apus_tensor *src) {
    if (dst->storage != src->storage) return false;
    if (dst->offset != src->offset || dst->dtype != src->dtype || dst->rank != src->rank) return true;
    return memcmp(dst->shape, src->shape, sizeof(int64_t) * (size_t)dst->rank) != 0 ||
           memcmp(dst->strides, src->strides, sizeof(int64_t) * (size_t)dst->rank) != 0;
}

apus_status apus_tensor_copy(apus_tensor *dst, const apus_tensor *src) {
    APUS_REQUIRE("copy", dst);
    APUS_REQUIRE("copy", src);
    const apus__device_table *table;
    APUS_TRY(apus__device_find(&table, dst->storage->device));
    APUS_TRY(apus__device_find(&table, src->storage->device));
    APUS_TRY(check_broadcast(dst, src));
    APUS_TRY(apus__check_writable("copy", dst));
    apus_status status;
    if (!same_device(dst, src)) {
        status = copy_across(dst, src);
    } else if (may_clash(dst, src)) {
        apus_tensor *apart = NULL;
        APUS_TRY(apus__tensor_new(&apart, "copy", src->dtype, src->rank, src->shape, src->storage->device));
        status = copy_here(apart, src);
        if (status == APUS_STATUS_ok) status = copy_here(dst, apart);
        apus_tensor_release(apart);
    } else {
        status = copy_here(dst, src);
    }
    if (status == APUS_STATUS_ok) apus__mark_written(dst);
    return status;
}

apus_status apus_tensor_fill(apus_tensor *t, const apus_scalar *value) {
    APUS_REQUIRE("fill", t);
    APUS_TRY(apus__check_scalar("fill", value));
    const apus__device_table *table;
    APUS_TRY(apus__device_find(&table, t->storage->device));
    APUS_TRY(apus__check_writable("fill", t));
    apus__plan plan;
    const apus_tensor *tensors[] = {t};
    apus__plan_make(&plan, t->rank, t->shape, tensors, 1);
    apus_status status = table->elementwise->fill(&plan, value);
    if (status == APUS_STATUS_ok) apus__mark_written(t);
    return status;
}

static apus_status check_empty_slot(const char *op, apus_tensor **out) {
    APUS_REQUIRE(op, out);
    if (*out != NULL) return apus__fail(APUS_STATUS_invalid_argument, "%s: *out is not null", op);
    return APUS_STATUS_ok;
}

apus_status apus_tensor_full(apus_tensor **out, apus_dtype dtype, int32_t rank, const int64_t *shape,
                             const apus_scalar *value, apus_device device) {
    APUS_TRY(check_empty_slot("full", out));
    APUS_TRY(apus__check_scalar("full", value));
    apus_tensor *t = NULL;
    APUS_TRY(apus__tensor_new(&t, "full", dtype, rank, shape, device));
    return give(out, t, apus_tensor_fill(t, value));
}

apus_status apus_tensor_from_data(apus_tensor **out, apus_dtype dtype, int32_t rank, const int64_t *shape,
                                  const void *data, apus_device device) {
    APUS_TRY(check_empty_slot("from_data", out));
    apus_tensor *t = NULL;
    APUS_TRY(apus__tensor_new(&t, "from_data", dtype, rank, shape, device));
    if (t->numel == 0) return give(out, t, APUS_STATUS_ok);
    if (data == NULL) return give(out, t, apus__fail(APUS_STATUS_null_argument, "from_data: data is null"));
    return give(out, t, apus__device_of(t)->write(t->storage, 0, data, (size_t)t->numel * apus__item_size(t)));
}

apus_status apus_tensor_to(apus_tensor **out, const apus_tensor *t, apus_dtype dtype, apus_device device) {
    APUS_TRY(check_empty_slot("to", out));
    APUS_REQUIRE("to", t);
    const apus__device_table *table;
    APUS_TRY(apus__device_find(&table, t->storage->device));
    apus_tensor *copy = NULL;
    APUS_TRY(apus__tensor_new(&copy, "to", dtype, t->rank, t->shape, device));
    return give(out, copy, apus_tensor_copy(copy, t));
}

apus_status apus_tensor_contiguous(apus_tensor **out, const apus_tensor *t) {
    APUS_TRY(check_empty_slot("contiguous", out));
    APUS_REQUIRE("contiguous", t);
    return apus__contiguous_as(out, t, t->dtype);
}

apus_status apus_tensor_read(const apus_tensor *t, apus_dtype dtype, void *data, size_t bytes) {
    APUS_REQUIRE("read", t);
    const apus__device_table *table;
    APUS_TRY(apus__device_find(&table, t->storage->device));
    size_t size = apus_dtype_size(dtype);
    if (size == 0) return apus__fail(APUS_STATUS_dtype, "read: %d is not a dtype", (int)dtype);
    apus__text text;
    if (bytes / size != (size_t)t->numel || bytes % size != 0)
        return apus__fail(APUS_STATUS_invalid_argument, "read: %s as %s does not fill %zu bytes",
                          apus__describe(&text, t), apus_dtype_name(dtype), bytes);
    if (bytes == 0) return APUS_STATUS_ok;
    APUS_REQUIRE("read", data);
    apus_tensor *packed = NULL;
    if (dtype != t->dtype && t->storage->device != APUS_DEVICE_CPU) {
        APUS_TRY(to_host(&packed, t));
        apus_status status = apus_tensor_read(packed, dtype, data, bytes);
        apus_tensor_release(packed);
        return status;
    }
    APUS_TRY(apus__contiguous_as(&packed, t, dtype));
    apus_status status = table->read(packed->storage, (size_t)packed->offset * size, data, bytes);
    apus_tensor_release(packed);
    return status;
}

apus_status apus_tensor_item(const apus_tensor *t, apus_scalar *out) {
    APUS_REQUIRE("item", t);
    APUS_REQUIRE("item", out);
    apus__text text;
    const apus__device_table *table;
    APUS_TRY(apus__device_find(&table, t->storage->device));
    if (t->numel != 1)
        return apus__fail(APUS_STATUS_shape, "item: needs a tensor of one element, got %s", apus__describe(&text, t));
    *out = (apus_scalar){0};
    if (apus_dtype_is_complex(t->dtype)) {
        double parts[2];
        APUS_TRY(apus_tensor_read(t, APUS_DTYPE_complex128, parts, sizeof parts));
        *out = (apus_scalar){.kind = APUS_SCALAR_complex, .real = parts[0], .imaginary = parts[1]};
        return APUS_STATUS_ok;
    }
    if (apus_dtype_is_floating_point(t->dtype)) {
        out->kind = APUS_SCALAR_float;
        return apus_tensor_read(t, APUS_DTYPE_float64, &out->real, sizeof out->real);
    }
    out->kind = t->dtype == APUS_DTYPE_bool ? APUS_SCALAR_bool : APUS_SCALAR_int;
    out->is_unsigned = t->dtype == APUS_DTYPE_uint64;
    return apus_tensor_read(t, APUS_DTYPE_int64, &out->integer, sizeof out->integer);
}

// ---- Formulas

static bool is_whole(const apus_scalar *s) { return s->kind < APUS_SCALAR_float; }
static double real_value(const apus_scalar *s) { return is_whole(s) ? (double)s->integer : s->real; }

static apus_status arange_count(int64_t *count, const apus_scalar *start, const apus_scalar *end,
                                const apus_scalar *step) {
    double from = real_value(start), to = real_value(end), by = real_value(step);
    if (by == 0 || !isfinite(from) || !isfinite(to) || isnan(by))
        return apus__fail(APUS_STATUS_invalid_argument, "arange: no finite range from %g to %g in steps of %g", from,
                          to, by);
    if ((to - from) * by < 0)
        return apus__fail(APUS_STATUS_invalid_argument, "arange: steps of %g do not lead from %g to %g", by, from, to);
    if (is_whole(start) && is_whole(end) && is_whole(step)) {
        // In unsigned arithmetic, where the distance of any two int64 fits.
        uint64_t distance = by > 0 ? (uint64_t)end->integer - (uint64_t)start->integer
                                   : (uint64_t)start->integer - (uint64_t)end->integer;
        uint64_t stride = by > 0 ? (uint64_t)step->integer : -(uint64_t)step->integer;
        uint64_t n = distance == 0 ? 0 : (distance - 1) / stride + 1;
        if (n > INT64_MAX) return apus__fail(APUS_STATUS_overflow, "arange: too many elements");
        *count = (int64_t)n;
        return APUS_STATUS_ok;
    }
    double n = ceil((to - from) / by);
    if (n >= 9.0e18) return apus__fail(APUS_STATUS_overflow, "arange: too many elements");
    *count = (int64_t)n;
    return APUS_STATUS_ok;
}

static apus_status sequence(apus_tensor **out, const char *op, apus_dtype dtype, int64_t count,
                            const apus_scalar *start, const apus_scalar *step, apus_device device) {
    apus_tensor *t = NULL;
    APUS_TRY(apus__tensor_new(&t, op, dtype, 1, &count, device));
    apus__plan plan;
    const apus_tensor *tensors[] = {t};
    apus__plan_make(&plan, 1, t->shape, tensors, 1);
    return give(out, t, apus__device_of(t)->elementwise->arange(&plan, start, step));
}

apus_status apus_tensor_arange(apus_tensor **out, apus_dtype dtype, const apus_scalar *start, const apus_scalar *end,
                               const apus_scalar *step, apus_device device) {
    APUS_TRY(check_empty_slot("arange", out));
    APUS_TRY(apus__check_scalar("arange", start));
    APUS_TRY(apus__check_scalar("arange", end));
    APUS_TRY(apus__check_scalar("arange", step));
    if (dtype == APUS_DTYPE_bool || apus_dtype_is_complex(dtype))
        return apus__fail(APUS_STATUS_dtype, "arange: not defined for %s", apus_dtype_name(dtype));
    int64_t count;
    APUS_TRY(arange_count(&count, start, end, step));
    return sequence(out, "arange", dtype, count, start, step, device);
}

apus_status apus_tensor_linspace(apus_tensor **out, apus_dtype dtype, double start, double end, int64_t steps,
                                 apus_device device) {
    APUS_TRY(check_empty_slot("linspace", out));
    if (steps < 0)
        return apus__fail(APUS_STATUS_invalid_argument, "linspace: steps must not be negative, got %lld",
                          (long long)steps);
    if (dtype == APUS_DTYPE_bool || apus_dtype_is_complex(dtype))
        return apus__fail(APUS_STATUS_dtype, "linspace: not defined for %s", apus_dtype_name(dtype));
    apus_scalar first = {.kind = APUS_SCALAR_float, .real = start};
    apus_scalar step = {.kind = APUS_SCALAR_float, .real = steps > 1 ? (end - start) / (double)(steps - 1) : 0};
    apus_tensor *t = NULL, *last = NULL;
    APUS_TRY(sequence(&t, "linspace", dtype, steps, &first, &step, device));
    if (steps < 2) return give(out, t, APUS_STATUS_ok);
    // start + (steps - 1) * step may miss the end by a rounding error.
    apus_scalar exact = {.kind = APUS_SCALAR_float, .real = end};
    apus_status status = apus_tensor_select(&last, t, 0, -1);
    if (status == APUS_STATUS_ok) status = apus_tensor_fill(last, &exact);
    apus_tensor_release(last);
    return give(out, t, status);
}

apus_status apus_tensor_eye(apus_tensor **out, apus_dtype dtype, int64_t n, int64_t m, apus_device device) {
    APUS_TRY(check_empty_slot("eye", out));
    const int64_t shape[] = {n, m};
    const apus_scalar zero = {.kind = APUS_SCALAR_int}, one = {.kind = APUS_SCALAR_int, .integer = 1};
    apus_tensor *t = NULL, *diagonal = NULL;
    APUS_TRY(apus_tensor_full(&t, dtype, 2, shape, &zero, device));
    apus_status status = apus_tensor_diagonal(&diagonal, t, 0, 0, 1);
    if (status == APUS_STATUS_ok) status = apus_tensor_fill(diagonal, &one);
    apus_tensor_release(diagonal);
    return give(out, t, status);
}
