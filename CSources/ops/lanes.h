// Operators along one dim of contiguous data.
#ifndef APUS_OPS_LANES_H
#define APUS_OPS_LANES_H

#include "core/tensor.h"
#include "device/reduce.h"

/// x as [outer, length, inner] around `dim`. A 0-d tensor has one dim of size 1.
static inline apus__lanes apus__lanes_of(const apus_tensor *x, int32_t dim) {
    apus__lanes lanes = {.dtype = x->dtype, .outer = 1, .length = 1, .inner = 1};
    for (int32_t d = 0; d < x->rank; d++)
        *(d < dim ? &lanes.outer : d == dim ? &lanes.length : &lanes.inner) *= x->shape[d];
    return lanes;
}

#endif
