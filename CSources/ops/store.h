// Results that were computed in a wider dtype than the one asked for: float16 and bfloat16 compute in float32.
#ifndef APUS_OPS_STORE_H
#define APUS_OPS_STORE_H

#include "core/tensor.h"

/// float32 for float16 and bfloat16, the dtype itself otherwise.
static inline apus_dtype apus__compute_dtype(apus_dtype dtype) {
    return dtype == APUS_DTYPE_float16 || dtype == APUS_DTYPE_bfloat16 ? APUS_DTYPE_float32 : dtype;
}

/// Stores `value`, a temporary, as an operator's result of the given dtype.
static inline apus_status apus__store_as(const char *op, apus_tensor **out, apus_dtype dtype,
                                         const apus_tensor *value) {
    apus__output output;
    APUS_TRY(apus__output_begin(&output, op, out, APUS__OUTPUT_STRIDED, dtype, value->rank, value->shape,
                                value->storage->device, NULL, 0));
    return apus__output_end(&output, apus_tensor_copy(output.tensor, value));
}

/// Hands `value`, a temporary that may be NULL after a failure, over as an operator's result, as it is where that does.
/// Releases it. `out` may be NULL where the result is not wanted.
static inline apus_status apus__deliver(const char *op, apus_tensor **out, apus_dtype dtype, apus_tensor *value,
                                        apus_status status) {
    if (out != NULL && status == APUS_STATUS_ok && *out == NULL && value->dtype == dtype && value->contiguous) {
        *out = value;
        return APUS_STATUS_ok;
    }
    if (out != NULL && status == APUS_STATUS_ok) status = apus__store_as(op, out, dtype, value);
    apus_tensor_release(value);
    return status;
}

#endif
