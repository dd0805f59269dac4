// Making and describing tensors, and the checks that operators share.
#include "core/tensor.h"

#include <stdlib.h>
#include <string.h>

#include "device/device.h"

// ---- Checks

apus_status apus__normalize_dim(const char *op, int32_t *dim, int32_t rank) {
    int32_t count = rank == 0 ? 1 : rank;
    if (*dim < -count || *dim >= count)
        return apus__fail(APUS_STATUS_index, "%s: dim %d is out of range for a tensor of rank %d (expected %d to %d)",
                          op, *dim, rank, -count, count - 1);
    if (*dim < 0) *dim += count;
    return APUS_STATUS_ok;
}

apus_status apus__dims_mask(const char *op, bool *mask, int32_t rank, int32_t count, const int32_t *dims) {
    if (count < 0) return apus__fail(APUS_STATUS_invalid_argument, "%s: %d is no number of dims", op, count);
    if (count > 0) APUS_REQUIRE(op, dims);
    bool all = count == 0 && dims == NULL;
    for (int32_t i = 0; i < rank; i++) mask[i] = all;
    for (int32_t i = 0; i < count; i++) {
        int32_t dim = dims[i];
        APUS_TRY(apus__normalize_dim(op, &dim, rank));
        if (rank == 0) continue;
        if (mask[dim]) return apus__fail(APUS_STATUS_invalid_argument, "%s: dim %d appears twice", op, dim);
        mask[dim] = true;
    }
    return APUS_STATUS_ok;
}

apus_status apus__same_device(const char *op, apus_device *device, const apus_tensor *const *inputs, int32_t count) {
    const apus_tensor *first = NULL;
    for (int32_t i = 0; i < count; i++) {
        const apus_tensor *t = inputs[i];
        if (t == NULL || (t->weak && t->storage->device == APUS_DEVICE_CPU)) continue;
        if (first == NULL) first = t;
        if (t->storage->device != first->storage->device && t->storage->device != APUS_DEVICE_NONE &&
            first->storage->device != APUS_DEVICE_NONE)
            return apus__fail(APUS_STATUS_device, "%s: tensors are on different devices: %d:%d and %d:%d", op,
                              first->storage->device / APUS_DEVICE_OPENCL, first->storage->device % APUS_DEVICE_OPENCL,
                              t->storage->device / APUS_DEVICE_OPENCL, t->storage->device % APUS_DEVICE_OPENCL);
        if (t->storage->device == APUS_DEVICE_NONE) first = t;
    }
    *device = first == NULL ? APUS_DEVICE_CPU : first->storage->device;
    const apus__device_table *table;
    return apus__device_find(&table, *device);
}

apus_status apus__broadcast_shape(const char *op, int32_t *rank, int64_t *shape, const apus_tensor *const *inputs,
                                  int32_t count) {
    *rank = 0;
    for (int32_t i = 0; i < count; i++)
        if (inputs[i] != NULL && inputs[i]->rank > *rank) *rank = inputs[i]->rank;
    for (int32_t d = 0; d < *rank; d++) shape[d] = 1;
    for (int32_t i = 0; i < count; i++) {
        const apus_tensor *t = inputs[i];
        if (t == NULL) continue;
        for (int32_t d = 0; d < t->rank; d++) {
            int64_t *size = &shape[d + *rank - t->rank];
            if (*size == 1) *size = t->shape[d];
            if (t->shape[d] == *size || t->shape[d] == 1) continue;
            apus__text a, b;
            return apus__fail(APUS_STATUS_shape, "%s: shapes %s and %s do not broadcast: %lld and %lld at dim %d", op,
                              apus__describe_shape(&a, inputs[0]->rank, inputs[0]->shape),
                              apus__describe_shape(&b, t->rank, t->shape), (long long)*size, (long long)t->shape[d],
                              d + *rank - t->rank);
        }
    }
    return APUS_STATUS_ok;
}

apus_status apus__checked_numel(const char *op, int64_t *numel, apus_dtype dtype, int32_t rank, const int64_t *shape) {
    if (apus_dtype_size(dtype) == 0) return apus__fail(APUS_STATUS_dtype, "%s: %d is not a dtype", op, (int)dtype);
    if (rank < 0 || rank > APUS_MAX_RANK)
        return apus__fail(APUS_STATUS_shape, "%s: rank %d is outside 0 to %d", op, rank, APUS_MAX_RANK);
    if (rank > 0 && shape == NULL) return apus__fail(APUS_STATUS_null_argument, "%s: shape is null", op);
    apus__text text;
    int64_t product = 1, bytes;
    bool empty = false, overflow = false;
    for (int32_t i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return apus__fail(APUS_STATUS_shape, "%s: negative size in shape %s", op,
                              apus__describe_shape(&text, rank, shape));
        // A zero anywhere makes the tensor empty, but strides are products of the other sizes and must fit too.
        if (shape[i] == 0)
            empty = true;
        else
            overflow |= __builtin_mul_overflow(product, shape[i], &product);
    }
    overflow |= __builtin_mul_overflow(product, (int64_t)apus_dtype_size(dtype), &bytes);
    if (overflow)
        return apus__fail(APUS_STATUS_overflow, "%s: a tensor %s%s is too large to address", op, apus_dtype_name(dtype),
                          apus__describe_shape(&text, rank, shape));
    *numel = empty ? 0 : product;
    return APUS_STATUS_ok;
}

// ---- Making

static bool compute_contiguous(const apus_tensor *t) {
    int64_t expected = 1;
    if (t->numel == 0) return true;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        if (t->shape[i] == 1) continue;
        if (t->strides[i] != expected) return false;
        expected *= t->shape[i];
    }
    return true;
}

/// A handle without geometry: room for `rank` dims. On success the caller's reference to `storage` is the handle's.
static apus_status new_handle(apus_tensor **out, apus_storage *storage, apus_dtype dtype, int32_t rank) {
    size_t extra = rank <= APUS__INLINE_RANK ? 0 : (size_t)(rank - APUS__INLINE_RANK) * 2 * sizeof(int64_t);
    apus_tensor *t = malloc(sizeof *t + extra);
    if (t == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot make a tensor handle");
    atomic_init(&t->references, 1);
    t->dtype = dtype;
    t->rank = rank;
    t->weak = false;
    t->offset = 0;
    t->storage = storage;
    t->shape = t->dims;
    t->strides = t->dims + rank;
    *out = t;
    return APUS_STATUS_ok;
}

static void set_contiguous_strides(apus_tensor *t) {
    int64_t stride = 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        t->strides[i] = stride;
        if (t->shape[i] > 1) stride *= t->shape[i];
    }
    t->contiguous = true;
}

apus_status apus__tensor_new(apus_tensor **out, const char *op, apus_dtype dtype, int32_t rank, const int64_t *shape,
                             apus_device device) {
    int64_t numel;
    APUS_TRY(apus__checked_numel(op, &numel, dtype, rank, shape));
    apus_storage *storage = NULL;
    APUS_TRY(apus__storage_new(&storage, (size_t)numel * apus_dtype_size(dtype), device));
    apus_tensor *t = NULL;
    apus_status status = new_handle(&t, storage, dtype, rank);
    if (status != APUS_STATUS_ok) {
        apus__storage_release(storage);
        return status;
    }
    t->numel = numel;
    for (int32_t i = 0; i < rank; i++) t->shape[i] = shape[i];
    set_contiguous_strides(t);
    *out = t;
    return APUS_STATUS_ok;
}

apus_status apus__tensor_over(apus_tensor **out, apus_storage *storage, apus_dtype dtype, int32_t rank,
                              const int64_t *shape, const int64_t *strides, int64_t offset) {
    apus_tensor *t = NULL;
    APUS_TRY(new_handle(&t, storage, dtype, rank));
    apus__storage_retain(storage);
    t->offset = offset;
    t->numel = 1;
    for (int32_t i = 0; i < rank; i++) {
        t->shape[i] = shape[i];
        t->strides[i] = strides[i];
        t->numel *= shape[i];
    }
    t->contiguous = compute_contiguous(t);
    *out = t;
    return APUS_STATUS_ok;
}

apus_status apus__contiguous_as(apus_tensor **out, const apus_tensor *t, apus_dtype dtype) {
    if (t->contiguous && t->dtype == dtype) {
        *out = apus_tensor_retain((apus_tensor *)t);
        return APUS_STATUS_ok;
    }
    apus_tensor *copy = NULL;
    APUS_TRY(apus__tensor_new(&copy, "contiguous", dtype, t->rank, t->shape, t->storage->device));
    apus_status status = apus_tensor_copy(copy, t);
    if (status != APUS_STATUS_ok) {
        apus_tensor_release(copy);
        return status;
    }
    *out = copy;
    return APUS_STATUS_ok;
}

apus_status apus__check_scalar(const char *op, const apus_scalar *value) {
    if (value == NULL) return apus__fail(APUS_STATUS_null_argument, "%s: the number is null", op);
    if ((unsigned)value->kind <= APUS_SCALAR_complex) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_invalid_argument, "%s: a number's kind is 0 to %d, not %d", op, APUS_SCALAR_complex,
                      (int)value->kind);
}

/// Writes the number in the storage dtype of its kind; returns that dtype.
static apus_dtype store_scalar(unsigned char value[16], const apus_scalar *s) {
    switch (s->kind) {
    case APUS_SCALAR_bool: value[0] = s->integer != 0; return APUS_DTYPE_bool;
    case APUS_SCALAR_int: memcpy(value, &s->integer, 8); return s->is_unsigned ? APUS_DTYPE_uint64 : APUS_DTYPE_int64;
    case APUS_SCALAR_float: memcpy(value, &s->real, 8); return APUS_DTYPE_float64;
    case APUS_SCALAR_complex:
        memcpy(value, &s->real, 8);
        memcpy(value + 8, &s->imaginary, 8);
        return APUS_DTYPE_complex128;
    }
    return APUS_DTYPE_float64;
}

const apus_tensor *apus__scalar_tensor(apus__stack_scalar *room, const apus_scalar *value) {
    room->storage = (apus_storage){.device = APUS_DEVICE_CPU, .data = room->value, .bytes = sizeof room->value};
    atomic_init(&room->storage.references, 1);
    apus_tensor *t = &room->tensor;
    atomic_init(&t->references, 1);
    t->dtype = store_scalar(room->value, value);
    t->rank = 0;
    t->weak = true;
    t->contiguous = true;
    t->numel = 1;
    t->offset = 0;
    t->storage = &room->storage;
    t->shape = t->strides = t->dims;
    return t;
}

apus_status apus_tensor_scalar(apus_tensor **out, const apus_scalar *value) {
    APUS_REQUIRE("scalar", out);
    APUS_TRY(apus__check_scalar("scalar", value));
    unsigned char bytes[16] = {0};
    apus_dtype dtype = store_scalar(bytes, value);
    apus_tensor *t = NULL;
    APUS_TRY(apus__tensor_new(&t, "scalar", dtype, 0, NULL, APUS_DEVICE_CPU));
    memcpy(t->storage->data, bytes, apus_dtype_size(dtype));
    t->weak = true;
    *out = t;
    return APUS_STATUS_ok;
}

apus_status apus_tensor_invalid(apus_tensor **out) {
    APUS_REQUIRE("invalid", out);
    apus_storage *storage = NULL;
    APUS_TRY(apus__storage_wrap(&storage, NULL, 0, APUS_DEVICE_NONE, true, NULL, NULL));
    apus_status status = apus__tensor_over(out, storage, APUS_DTYPE_float32, 0, NULL, NULL, 0);
    apus__storage_release(storage);
    return status;
}

apus_status apus_tensor_empty(apus_tensor **out, apus_dtype dtype, int32_t rank, const int64_t *shape,
                              apus_device device) {
    APUS_REQUIRE("empty", out);
    return apus__tensor_new(out, "empty", dtype, rank, shape, device);
}

apus_status apus__check_extent(const char *op, int64_t *end, int32_t rank, const int64_t *shape, const int64_t *strides,
                               int64_t offset, int64_t numel, int64_t limit) {
    const int64_t addressable = INT64_MAX / 16; // of the largest elements
    int64_t last = offset;
    bool overflow = offset < 0;
    for (int32_t i = 0; i < rank; i++) {
        if (strides[i] < 0)
            return apus__fail(APUS_STATUS_shape, "%s: stride %lld of dim %d is negative; copy the data first", op,
                              (long long)strides[i], i);
        int64_t span;
        if (shape[i] > 1)
            overflow |=
                __builtin_mul_overflow(shape[i] - 1, strides[i], &span) || __builtin_add_overflow(last, span, &last);
    }
    *end = numel == 0 ? 0 : last + 1;
    apus__text text;
    if (numel > 0 && (overflow || last >= addressable))
        return apus__fail(APUS_STATUS_overflow,
                          "%s: shape %s with these strides and offset %lld is too large to address", op,
                          apus__describe_shape(&text, rank, shape), (long long)offset);
    if (numel > 0 && last >= limit)
        return apus__fail(APUS_STATUS_shape,
                          "%s: shape %s with these strides and offset %lld leaves the memory of %lld elements", op,
                          apus__describe_shape(&text, rank, shape), (long long)offset, (long long)limit);
    return APUS_STATUS_ok;
}

apus_status apus__check_aligned(const char *op, const void *data, apus_dtype dtype) {
    size_t size = apus_dtype_size(dtype), alignment = apus_dtype_is_complex(dtype) ? size / 2 : size;
    if ((uintptr_t)data % alignment == 0) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_invalid_argument,
                      "%s: the memory is not aligned to %zu bytes, which %s needs; copy the data first", op, alignment,
                      apus_dtype_name(dtype));
}

void apus__foreign_strides(int64_t *out, int32_t rank, const int64_t *shape, const int64_t *strides, int64_t numel) {
    int64_t row_major = 1;
    for (int32_t i = rank - 1; i >= 0; i--) {
        bool followed = numel > 0 && shape[i] > 1;
        out[i] = strides == NULL || (strides[i] < 0 && !followed) ? row_major : strides[i];
        if (shape[i] > 1) row_major *= shape[i];
    }
}

static apus_status wrap(apus_tensor **out, apus_dtype dtype, int32_t rank, const int64_t *shape, const int64_t *strides,
                        apus_storage *storage) {
    int64_t checked[APUS_MAX_RANK], numel, end;
    APUS_TRY(apus__checked_numel("wrap", &numel, dtype, rank, shape));
    apus__foreign_strides(checked, rank, shape, strides, numel);
    int64_t limit = (int64_t)(storage->bytes / apus_dtype_size(dtype));
    APUS_TRY(apus__check_extent("wrap", &end, rank, shape, checked, 0, numel, limit));
    if (numel > 0) {
        APUS_REQUIRE("wrap", storage->data);
        APUS_TRY(apus__check_aligned("wrap", storage->data, dtype));
    }
    return apus__tensor_over(out, storage, dtype, rank, shape, checked, 0);
}

apus_status apus_tensor_wrap(apus_tensor **out, apus_dtype dtype, int32_t rank, const int64_t *shape,
                             const int64_t *strides, void *data, size_t bytes, bool read_only, apus_deleter deleter,
                             void *payload) {
    apus_storage *storage = NULL;
    apus_status status = APUS_STATUS_ok;
    if (out == NULL) status = apus__fail(APUS_STATUS_null_argument, "wrap: out is null");
    if (status == APUS_STATUS_ok)
        status = apus__storage_wrap(&storage, data, bytes, APUS_DEVICE_CPU, read_only, deleter, payload);
    if (status != APUS_STATUS_ok) {
        if (deleter != NULL) deleter(payload);
        return status;
    }
    status = wrap(out, dtype, rank, shape, strides, storage);
    apus__storage_release(storage); // runs the deleter when no tensor took hold of it
    return status;
}

apus_tensor *apus_tensor_retain(apus_tensor *t) {
    if (t != NULL) atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
    return t;
}

void apus_tensor_release(apus_tensor *t) {
    if (t == NULL || !apus__drop_reference(&t->references)) return;
    apus__storage_release(t->storage);
    free(t);
}

// ---- Metadata

apus_dtype apus_tensor_dtype(const apus_tensor *t) { return t == NULL ? APUS_DTYPE_float32 : t->dtype; }
apus_device apus_tensor_device(const apus_tensor *t) { return t == NULL ? APUS_DEVICE_NONE : t->storage->device; }
int32_t apus_tensor_rank(const apus_tensor *t) { return t == NULL ? 0 : t->rank; }
int64_t apus_tensor_numel(const apus_tensor *t) { return t == NULL ? 0 : t->numel; }
const int64_t *apus_tensor_shape(const apus_tensor *t) { return t == NULL ? NULL : t->shape; }
const int64_t *apus_tensor_strides(const apus_tensor *t) { return t == NULL ? NULL : t->strides; }
int64_t apus_tensor_offset(const apus_tensor *t) { return t == NULL ? 0 : t->offset; }
size_t apus_tensor_storage_bytes(const apus_tensor *t) { return t == NULL ? 0 : t->storage->bytes; }
bool apus_tensor_is_contiguous(const apus_tensor *t) { return t == NULL || t->contiguous; }
bool apus_tensor_is_read_only(const apus_tensor *t) { return t != NULL && t->storage->read_only; }
bool apus_tensor_is_weak(const apus_tensor *t) { return t != NULL && t->weak; }

bool apus_tensor_shares_storage(const apus_tensor *a, const apus_tensor *b) {
    return a != NULL && b != NULL && a->storage == b->storage;
}

uint64_t apus_tensor_version(const apus_tensor *t) {
    if (t == NULL) return 0;
    if (apus_write_checks()) apus__count_outside_writes(t->storage);
    return atomic_load_explicit(&t->storage->version, memory_order_relaxed);
}

void apus__mark_written(apus_tensor *t) { atomic_fetch_add_explicit(&t->storage->version, 1, memory_order_relaxed); }

void apus_tensor_bump_version(apus_tensor *t) {
    if (t != NULL) apus__mark_written(t);
}

void *apus_tensor_data(const apus_tensor *t) {
    return t == NULL || t->storage->device != APUS_DEVICE_CPU ? NULL : apus__host_data(t);
}
