// Attention of the device table.
#ifndef APUS_DEVICE_ATTENTION_H
#define APUS_DEVICE_ATTENTION_H

#include "device/buffer.h"

/// Matrices, one a head; columns are contiguous.
typedef struct apus__heads {
    apus__buffer buffer;
    int64_t row_stride;
    int64_t batch_strides[APUS_MAX_RANK]; ///< in the order of batch_shape
} apus__heads;

/// Heads are numbered with the last dim of the batch, theirs, innermost. Nothing but `keys` may be 0.
typedef struct apus__attention {
    apus_dtype dtype; ///< float32 or float64, of all but a bool mask
    int64_t queries, keys, width, value_width;
    int64_t group; ///< heads in a row that share one of k and v
    int32_t batch_rank;
    int64_t batch_count;                ///< heads in all
    int64_t batch_shape[APUS_MAX_RANK]; ///< outermost first
    apus__heads q, k, v;                ///< strides of k and v are for shared heads: head h / group
    apus__heads mask;                   ///< no storage where there is none
    bool mask_is_bool;
    double scale;
    bool causal;
} apus__attention;

/// What the gradients are made from and go to: contiguous; out and grad [batch, queries, value_width], logsumexp
/// [batch, queries], the others shaped as q, k and v. Those to write may be absent.
typedef struct apus__attention_grads {
    apus__buffer grad, out, logsumexp;
    apus__buffer dq, dk, dv;
} apus__attention_grads;

typedef struct apus__attention_table {
    /// out and logsumexp are as above, both written; they overlap no input.
    apus_status (*forward)(const apus__attention *a, apus__buffer out, apus__buffer logsumexp);
    apus_status (*backward)(const apus__attention *a, const apus__attention_grads *g);
} apus__attention_table;

extern const apus__attention_table apus__cpu_attention;

#endif
