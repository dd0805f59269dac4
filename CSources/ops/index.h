// What operators with index tensors share.
#ifndef APUS_OPS_INDEX_H
#define APUS_OPS_INDEX_H

#include "device/index.h"

/// The index as contiguous int64, whatever integers it has.
apus_status apus__index_int64(apus_tensor **out, const char *op, const apus_tensor *index);
/// Checks contiguous int64 indices against a dim's size; negative ones pass where allowed.
apus_status apus__index_check(const char *op, const apus_tensor *index, int32_t dim, int64_t size, bool negative);

/// Describes the slices of a geometry whose dims [first, last) are indexed. False where the dims before them do not
/// merge into one, or those behind are not contiguous.
bool apus__slices_of(apus__slices *s, apus_dtype dtype, int32_t rank, const int64_t *shape, const int64_t *strides,
                     int32_t first, int32_t last);

/// Makes `out` start as x: an output on its way to which something will be added or put. Nothing to do in place.
apus_status apus__start_as(apus_tensor *out, const apus_tensor *x);

/// A mask's chunks (see apus__index_table's count) and how many elements are true in all.
apus_status apus__mask_starts(apus_tensor **starts, int64_t *total, const char *op, const apus_tensor *mask);

/// Values for x: its dtype is asked for, but numbers outside any tensor fit all.
apus_status apus__values_as(apus_tensor **out, const char *op, const apus_tensor *values, const apus_tensor *x);

#endif
