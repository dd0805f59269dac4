// Optimizer steps of the device table.
#ifndef APUS_DEVICE_OPTIM_H
#define APUS_DEVICE_OPTIM_H

#include "apus/optim.h"
#include "device/buffer.h"

/// The numbers of one SGD step.
typedef struct apus__sgd {
    double rate, momentum, undampened, decay; ///< undampened is 1 - dampening
    bool nesterov, maximize, first_step;
} apus__sgd;

/// The numbers of one Adam step, bias corrections worked in. Only one of decay and shrink is in use: decay 0, shrink 1.
typedef struct apus__adam {
    double step_size, root_correction; ///< lr / (1 - beta1^t), and the square root of 1 - beta2^t
    double beta1, beta2, eps;
    double decay, shrink; ///< through the gradient, or on the parameter (1 - lr * weight decay)
    bool maximize;
} apus__adam;

/// Buffers hold `count` elements of `dtype`, float32 or float64. Operands may be one memory or apart.
typedef struct apus__optim_table {
    /// `momentum` may be absent: plain gradient descent.
    apus_status (*sgd)(const apus__sgd *step, apus_dtype dtype, int64_t count, apus__buffer param, apus__buffer grad,
                       apus__buffer momentum);
    /// `greatest` may be absent: no AMSGrad.
    apus_status (*adam)(const apus__adam *step, apus_dtype dtype, int64_t count, apus__buffer param, apus__buffer grad,
                        apus__buffer first, apus__buffer second, apus__buffer greatest);
} apus__optim_table;

extern const apus__optim_table apus__cpu_optim;

#endif
