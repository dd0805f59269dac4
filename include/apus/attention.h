/// Scaled dot-product attention and its gradients.
///
/// Threads: see apus.h. Results do not depend on the number of threads. Floats only; float16 and bfloat16 compute in
/// float32.
#ifndef APUS_ATTENTION_H
#define APUS_ATTENTION_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// out = softmax(scale * q @ kᵀ + mask) @ v, without ever storing the matrix of weights (after Dao et al.,
/// arXiv:2205.14135).
///
/// q is [*, H, L, E], k [*, G, S, E], v [*, G, S, F] and out [*, H, L, F], of one dtype; E and F are not 0, and H is a
/// multiple of G: that many heads in a row share one of k and v. The other leading dims are equal; all may be missing.
/// The mask, NULL for none, broadcasts with [*, H, L, S]. A bool one is true where a query sees a key; a float one is
/// added. Where `causal`, query i sees keys 0 to i alone. A query that sees no key gives zeros.
/// logsumexp (NULL where not wanted) is [*, H, L], float32 or float64: what the gradients need.
APUS_API APUS_NODISCARD apus_status apus_attention(apus_tensor **out, apus_tensor **logsumexp, const apus_tensor *q,
                                                   const apus_tensor *k, const apus_tensor *v, const apus_tensor *mask,
                                                   double scale, bool causal);
/// Gradients from that of the result, the result and its logsumexp. Each output pointer may be NULL. The mask has none
/// here.
APUS_API APUS_NODISCARD apus_status apus_attention_backward(apus_tensor **dq, apus_tensor **dk, apus_tensor **dv,
                                                            const apus_tensor *grad, const apus_tensor *q,
                                                            const apus_tensor *k, const apus_tensor *v,
                                                            const apus_tensor *mask, const apus_tensor *out,
                                                            const apus_tensor *logsumexp, double scale, bool causal);

APUS_END_DECLS

#endif
