// Joining tensors.
#include <string.h>

#include "apus/index.h"
#include "device/device.h"
#include "device/elementwise.h"

/// Empty 1-d tensors join with anything and add nothing.
static bool is_skipped(const apus_tensor *t) { return t->rank == 1 && t->shape[0] == 0; }

/// The first tensor that counts, or NULL.
static const apus_tensor *first_of(int32_t count, const apus_tensor *const *tensors) {
    for (int32_t i = 0; i < count; i++)
        if (!is_skipped(tensors[i])) return tensors[i];
    return NULL;
}

static apus_status check_inputs(apus_dtype *dtype, int32_t count, const apus_tensor *const *tensors) {
    for (int32_t i = 0; i < count; i++) {
        if (tensors[i] == NULL) return apus__fail(APUS_STATUS_null_argument, "cat: tensor %d is null", i);
        if (tensors[i]->rank == 0)
            return apus__fail(APUS_STATUS_shape, "cat: tensor %d has no dims; 0-d tensors cannot be joined", i);
        *dtype = i == 0 ? tensors[i]->dtype : apus_promote_types(*dtype, tensors[i]->dtype);
    }
    return APUS_STATUS_ok;
}

/// Sums up the sizes of dim in `shape`, which holds the first tensor's.
static apus_status join_shape(int64_t *shape, int32_t dim, const apus_tensor *first, int32_t count,
                              const apus_tensor *const *tensors) {
    apus__text one, other;
    shape[dim] = 0;
    for (int32_t i = 0; i < count; i++) {
        const apus_tensor *t = tensors[i];
        if (is_skipped(t)) continue;
        bool fits = t->rank == first->rank;
        for (int32_t d = 0; fits && d < first->rank; d++) fits = d == dim || t->shape[d] == first->shape[d];
        if (!fits)
            return apus__fail(APUS_STATUS_shape, "cat: tensor %d has shape %s, which does not fit %s but for dim %d", i,
                              apus__describe_shape(&other, t->rank, t->shape),
                              apus__describe_shape(&one, first->rank, first->shape), dim);
        if (__builtin_add_overflow(shape[dim], t->shape[dim], &shape[dim]))
            return apus__fail(APUS_STATUS_overflow, "cat: the sizes of dim %d do not fit in 64 bits", dim);
    }
    return APUS_STATUS_ok;
}

/// Copies t to where `out` is at `start` of dim.
static apus_status copy_into(const apus_tensor *out, int32_t dim, int64_t start, const apus_tensor *t) {
    const int64_t *strides[] = {out->strides, t->strides};
    apus__plan plan = {.count = 2};
    plan.operands[0].dtype = out->dtype, plan.operands[0].storage = out->storage;
    plan.operands[0].offset = out->offset + start * out->strides[dim];
    plan.operands[1].dtype = t->dtype, plan.operands[1].storage = t->storage, plan.operands[1].offset = t->offset;
    apus__plan_simplify(&plan, t->rank, t->shape, strides);
    return apus__device_of(out)->elementwise->copy(&plan);
}

apus_status apus_cat(apus_tensor **out, int32_t count, const apus_tensor *const *tensors, int32_t dim) {
    APUS_REQUIRE("cat", out);
    APUS_REQUIRE("cat", tensors);
    if (count < 1) return apus__fail(APUS_STATUS_invalid_argument, "cat: needs at least one tensor, got %d", count);
    apus_dtype dtype = APUS_DTYPE_float32;
    APUS_TRY(check_inputs(&dtype, count, tensors));
    apus_device device;
    APUS_TRY(apus__same_device("cat", &device, tensors, count));
    const apus_tensor *first = first_of(count, tensors);
    if (first == NULL) {
        first = tensors[0];
        dim = 0; // nothing to join: any dim does, as in PyTorch
    }
    APUS_TRY(apus__normalize_dim("cat", &dim, first->rank));
    int64_t shape[APUS_MAX_RANK];
    memcpy(shape, first->shape, sizeof(int64_t) * (size_t)first->rank);
    APUS_TRY(join_shape(shape, dim, first, count, tensors));
    apus__output output;
    APUS_TRY(apus__output_begin(&output, "cat", out, APUS__OUTPUT_STRIDED, dtype, first->rank, shape, device, tensors,
                                count));
    apus_status status = APUS_STATUS_ok;
    int64_t start = 0;
    for (int32_t i = 0; i < count && status == APUS_STATUS_ok; i++) {
        if (is_skipped(tensors[i])) continue;
        if (tensors[i]->numel > 0) status = copy_into(output.tensor, dim, start, tensors[i]);
        start += tensors[i]->shape[dim];
    }
    return apus__output_end(&output, status);
}
