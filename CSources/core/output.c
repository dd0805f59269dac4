// Placing outputs; see tensor.h.
#include "core/tensor.h"

static bool shares_elements(const apus_tensor *t) {
    for (int32_t i = 0; i < t->rank; i++)
        if (t->shape[i] > 1 && t->strides[i] == 0) return t->numel > 0;
    return false;
}

apus_status apus__check_writable(const char *op, const apus_tensor *t) {
    apus__text text;
    if (t->storage->read_only)
        return apus__fail(APUS_STATUS_read_only, "%s: cannot write to %s, its memory is read-only", op,
                          apus__describe(&text, t));
    if (shares_elements(t))
        return apus__fail(APUS_STATUS_invalid_argument,
                          "%s: cannot write to an expanded %s, where several indices share an element; clone it first",
                          op, apus__describe(&text, t));
    return APUS_STATUS_ok;
}

static bool same_shape(const apus_tensor *t, int32_t rank, const int64_t *shape) {
    if (t->rank != rank) return false;
    for (int32_t i = 0; i < rank; i++)
        if (t->shape[i] != shape[i]) return false;
    return true;
}

static bool same_view(const apus_tensor *a, const apus_tensor *b) {
    if (a->offset != b->offset || a->dtype != b->dtype || !same_shape(a, b->rank, b->shape)) return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->shape[i] > 1 && a->strides[i] != b->strides[i]) return false;
    return true;
}

/// The last element a view can reach, counted in bytes from the storage's start, plus one.
static int64_t end_byte(const apus_tensor *t) {
    int64_t last = t->offset;
    for (int32_t i = 0; i < t->rank; i++) last += (t->shape[i] - 1) * t->strides[i];
    return (last + 1) * (int64_t)apus__item_size(t);
}

static bool may_overlap(const apus_tensor *a, const apus_tensor *b) {
    if (a->storage != b->storage || a->numel == 0 || b->numel == 0) return false;
    return a->offset * (int64_t)apus__item_size(a) < end_byte(b) &&
           b->offset * (int64_t)apus__item_size(b) < end_byte(a);
}

/// Whether the kernel can write the caller's tensor as it is.
static bool can_write_in_place(const apus_tensor *target, apus__output_kind kind, apus_dtype dtype,
                               const apus_tensor *const *inputs, int32_t input_count) {
    if (kind == APUS__OUTPUT_CONTIGUOUS && (!target->contiguous || target->dtype != dtype)) return false;
    for (int32_t i = 0; i < input_count; i++) {
        if (inputs[i] == NULL || !may_overlap(target, inputs[i])) continue;
        if (kind != APUS__OUTPUT_ELEMENTWISE || !same_view(target, inputs[i])) return false;
    }
    return true;
}

apus_status apus__output_begin(apus__output *output, const char *op, apus_tensor **slot, apus__output_kind kind,
                               apus_dtype dtype, int32_t rank, const int64_t *shape, apus_device device,
                               const apus_tensor *const *inputs, int32_t input_count) {
    output->slot = slot;
    output->is_slot = false;
    apus_tensor *target = *slot;
    if (target == NULL) return apus__tensor_new(&output->tensor, op, dtype, rank, shape, device);
    apus__text from, to;
    if (!same_shape(target, rank, shape))
        return apus__fail(APUS_STATUS_shape, "%s: the result has shape %s, which does not fit the output %s", op,
                          apus__describe_shape(&from, rank, shape), apus__describe(&to, target));
    if (target->storage->device != device)
        return apus__fail(APUS_STATUS_device, "%s: the output is on another device than the inputs", op);
    if (!apus__can_store(dtype, target->dtype))
        return apus__fail(APUS_STATUS_dtype, "%s: the result is %s, which cannot be stored in the output %s", op,
                          apus_dtype_name(dtype), apus__describe(&to, target));
    APUS_TRY(apus__check_writable(op, target));
    if (!can_write_in_place(target, kind, dtype, inputs, input_count))
        return apus__tensor_new(&output->tensor, op, dtype, rank, shape, device);
    output->tensor = target;
    output->is_slot = true;
    return APUS_STATUS_ok;
}

apus_status apus__output_end(apus__output *output, apus_status status) {
    if (output->is_slot) {
        if (status == APUS_STATUS_ok) apus__mark_written(output->tensor);
        return status;
    }
    if (status == APUS_STATUS_ok && *output->slot == NULL) {
        *output->slot = output->tensor;
        return APUS_STATUS_ok;
    }
    if (status == APUS_STATUS_ok) status = apus_tensor_copy(*output->slot, output->tensor);
    apus_tensor_release(output->tensor);
    return status;
}
