// The planner: how to walk several tensors of one shape together.
//
// A plan broadcasts its operands to one shape, drops dims of size 1, sorts dims so that dim 0 is the one with the
// smallest strides (the first operand decides, the others break ties), and merges neighbours that are one run in every
// operand. A kernel so gets one long contiguous loop whenever the data has one. Every family and device uses it.
#ifndef APUS_CORE_PLAN_H
#define APUS_CORE_PLAN_H

#include "core/tensor.h"

#define APUS__MAX_OPERANDS 6

typedef struct apus__operand {
    apus_dtype dtype;
    apus_storage *storage;
    int64_t offset;                 ///< elements
    int64_t strides[APUS_MAX_RANK]; ///< elements; dim 0 is the innermost. 0 where broadcast.
} apus__operand;

typedef struct apus__plan {
    int32_t rank; ///< at least 1; a single element is shape [1]
    int32_t count;
    int64_t numel;
    int64_t shape[APUS_MAX_RANK]; ///< dim 0 is the innermost
    apus__operand operands[APUS__MAX_OPERANDS];
} apus__plan;

/// Plans a walk over `tensors`, all of which broadcast to the given shape. tensors[0] is the output by custom.
void apus__plan_make(apus__plan *plan, int32_t rank, const int64_t *shape, const apus_tensor *const *tensors,
                     int32_t count);
/// As above from raw geometry: operand i has strides[i][0..rank) in the order of `shape` (outermost first).
/// Strides may be negative here. dtype, storage and offset of the operands are the caller's to set first.
void apus__plan_simplify(apus__plan *plan, int32_t rank, const int64_t *shape, const int64_t *const *strides);

/// The first element of operand i in host memory. CPU plans only.
static inline char *apus__plan_host(const apus__plan *plan, int32_t i) {
    const apus__operand *o = &plan->operands[i];
    return (char *)o->storage->data + o->offset * (int64_t)apus__dtype_bytes[o->dtype];
}

#endif
