/// Optimizer steps, each one pass over a parameter and its state. All tensors have the parameter's shape, dtype (a
/// float) and device, and are written in place.
///
/// Threads: see apus.h.
#ifndef APUS_OPTIM_H
#define APUS_OPTIM_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// The numbers of a step of SGD, named as in PyTorch.
typedef struct apus_sgd_options {
    size_t size; ///< sizeof this struct
    double lr, momentum, dampening, weight_decay;
    bool nesterov, maximize;
    bool first_step; ///< the momentum buffer starts as the gradient itself
} apus_sgd_options;

/// PyTorch's SGD. `momentum` may be NULL where options->momentum is 0.
APUS_API APUS_NODISCARD apus_status apus_sgd_step(apus_tensor *param, const apus_tensor *grad, apus_tensor *momentum,
                                                  const apus_sgd_options *options);

/// The numbers of a step of Adam, named as in PyTorch.
typedef struct apus_adam_options {
    size_t size; ///< sizeof this struct
    double lr, beta1, beta2, eps, weight_decay;
    int64_t step;   ///< counts from 1
    bool decoupled; ///< AdamW: weight decay acts on the parameter, not through the gradient
    bool maximize;
} apus_adam_options;

/// Adam (Kingma & Ba, arXiv:1412.6980) and AdamW (Loshchilov & Hutter, arXiv:1711.05101). `max_second` holds AMSGrad's
/// running maximum and may be NULL.
APUS_API APUS_NODISCARD apus_status apus_adam_step(apus_tensor *param, const apus_tensor *grad, apus_tensor *first,
                                                   apus_tensor *second, apus_tensor *max_second,
                                                   const apus_adam_options *options);

APUS_END_DECLS

#endif
