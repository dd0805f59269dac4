/// Order along a dim: sorting, the greatest k, the k-th.
///
/// Threads: see apus.h. Every real dtype. NaN is greater than any number, and -0.0 equals 0.0. Equal elements keep
/// their order, whatever the number of threads; so index outputs (int64) are determined. Either output may be NULL as a
/// pointer. A 0-d tensor has one dim of size 1.
#ifndef APUS_SORT_H
#define APUS_SORT_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// The elements along dim in order, and where each stood. Where `descending`, equal elements keep their order, too.
/// `stable` asks for that; the CPU never does otherwise, a device may where it is false.
APUS_API APUS_NODISCARD apus_status apus_sort(apus_tensor **values, apus_tensor **indices, const apus_tensor *x,
                                              int32_t dim, bool descending, bool stable);
/// The k greatest (or, where `largest` is false, least) elements along dim, and where each stood; of equal elements the
/// first. In order where `sorted`, else in any. k may be 0.
APUS_API APUS_NODISCARD apus_status apus_topk(apus_tensor **values, apus_tensor **indices, const apus_tensor *x,
                                              int64_t k, int32_t dim, bool largest, bool sorted);
/// The element that stands at place k, counted from 1, when those along dim are sorted, and where it stood. The dim is
/// dropped, or kept with size 1.
APUS_API APUS_NODISCARD apus_status apus_kthvalue(apus_tensor **values, apus_tensor **indices, const apus_tensor *x,
                                                  int64_t k, int32_t dim, bool keep_dim);

APUS_END_DECLS

#endif
