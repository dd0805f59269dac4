/// Matrix products.
///
/// Threads: see apus.h. Results do not depend on the number of threads.
#ifndef APUS_LINALG_H
#define APUS_LINALG_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// PyTorch's matmul: dot product for 1-d by 1-d, matrix by vector, matrix by matrix, and batches of these with
/// broadcasting. Dtypes are promoted; bool is refused.
APUS_API APUS_NODISCARD apus_status apus_matmul(apus_tensor **out, const apus_tensor *a, const apus_tensor *b);
/// out = beta * c + alpha * a @ b, with c broadcast to the product's shape; c may be NULL. a and b are matrices or
/// batches of the same size. With beta 0, NaN in c does not count.
APUS_API APUS_NODISCARD apus_status apus_addmm(apus_tensor **out, const apus_tensor *c, const apus_tensor *a,
                                               const apus_tensor *b, double beta, double alpha);
/// out[…, o] = sum_i x[…, i] * weight[o, i] + bias[o]. `bias` may be NULL.
APUS_API APUS_NODISCARD apus_status apus_linear(apus_tensor **out, const apus_tensor *x, const apus_tensor *weight,
                                                const apus_tensor *bias);

APUS_END_DECLS

#endif
