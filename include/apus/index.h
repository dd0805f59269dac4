/// Picking, placing and joining elements.
///
/// Threads: see apus.h. Indices are integer tensors; negative ones count from the end where the text says so, and one
/// out of range is `APUS_STATUS_index` with nothing written.
#ifndef APUS_INDEX_H
#define APUS_INDEX_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// Joins tensors along an existing dim; dtypes are promoted. Empty 1-d tensors are skipped, as in PyTorch.
APUS_API APUS_NODISCARD apus_status apus_cat(apus_tensor **out, int32_t count, const apus_tensor *const *tensors,
                                             int32_t dim);
/// The slices of dim that a 1-d (or 0-d) index names, in its order. For an embedding: weight, dim 0, flat ids.
APUS_API APUS_NODISCARD apus_status apus_index_select(apus_tensor **out, const apus_tensor *x, int32_t dim,
                                                      const apus_tensor *index);
/// out = x with alpha * source[…, i, …] added to slice index[i] of dim. Slices named twice add up, in order of i.
APUS_API APUS_NODISCARD apus_status apus_index_add(apus_tensor **out, const apus_tensor *x, int32_t dim,
                                                   const apus_tensor *index, const apus_tensor *source, double alpha);
/// out[i][j][k] = x[index[i][j][k]][j][k] for dim 0, and so on.
APUS_API APUS_NODISCARD apus_status apus_gather(apus_tensor **out, const apus_tensor *x, int32_t dim,
                                                const apus_tensor *index);
/// out = x with out[index[i][j][k]][j][k] set to (or, where `add`, increased by) source[i][j][k] for dim 0, and so on,
/// in order of the source.
APUS_API APUS_NODISCARD apus_status apus_scatter(apus_tensor **out, const apus_tensor *x, int32_t dim,
                                                 const apus_tensor *index, const apus_tensor *source, bool add);
/// NumPy's advanced indexing. indices[d] (may be NULL: the whole dim) indexes dim d; the given ones broadcast together.
/// Their shape stands in place of the indexed dims where these are adjacent, else in front. Negative indices count
/// from the end. A bool tensor of rank r stands for its `apus_nonzero` columns and covers r dims; the next index
/// belongs to the dim after these.
APUS_API APUS_NODISCARD apus_status apus_index(apus_tensor **out, const apus_tensor *x, int32_t count,
                                               const apus_tensor *const *indices);
/// x with the elements that `apus_index` would pick set to (or, where `accumulate`, increased by) `values`, broadcast.
APUS_API APUS_NODISCARD apus_status apus_index_put(apus_tensor **out, const apus_tensor *x, int32_t count,
                                                   const apus_tensor *const *indices, const apus_tensor *values,
                                                   bool accumulate);
/// The elements of x where the bool mask, broadcast with it, is true, as a 1-d tensor.
APUS_API APUS_NODISCARD apus_status apus_masked_select(apus_tensor **out, const apus_tensor *x,
                                                       const apus_tensor *mask);
/// The coordinates of elements that are not zero: int64 [count, rank].
APUS_API APUS_NODISCARD apus_status apus_nonzero(apus_tensor **out, const apus_tensor *x);
/// Reverses the given dims.
APUS_API APUS_NODISCARD apus_status apus_flip(apus_tensor **out, const apus_tensor *x, int32_t count,
                                              const int32_t *dims);
/// The lower (or, where `upper`, upper) triangle of the last two dims, zero elsewhere.
APUS_API APUS_NODISCARD apus_status apus_triangle(apus_tensor **out, const apus_tensor *x, int64_t diagonal,
                                                  bool upper);

APUS_END_DECLS

#endif
