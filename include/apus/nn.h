/// Kernels of neural networks: convolution, pooling, normalisation, each with its gradients.
///
/// Threads: see apus.h. Results do not depend on the number of threads. Floats only; float16 and bfloat16 compute in
/// float32. Images are [N, C, H, W] or [C, H, W].
#ifndef APUS_NN_H
#define APUS_NN_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// The geometry of a 2-d convolution, height first.
typedef struct apus_conv2d_options {
    size_t size; ///< sizeof this struct
    int64_t stride[2];
    int64_t padding[2];
    int64_t dilation[2];
    int64_t groups;
} apus_conv2d_options;

/// out[n, o, y, x] = bias[o] + sum_{c, i, j} input[n, c, y*s + i*d - p, x*s + j*d - p] * weight[o, c, i, j].
/// weight is [O, C / groups, kH, kW]; bias [O] or NULL. This is cross-correlation, as everywhere in deep learning.
APUS_API APUS_NODISCARD apus_status apus_conv2d(apus_tensor **out, const apus_tensor *input, const apus_tensor *weight,
                                                const apus_tensor *bias, const apus_conv2d_options *options);
/// Gradient of the input, whose shape is given, from the gradient of the result.
APUS_API APUS_NODISCARD apus_status apus_conv2d_input_grad(apus_tensor **out, int32_t rank, const int64_t *input_shape,
                                                           const apus_tensor *grad, const apus_tensor *weight,
                                                           const apus_conv2d_options *options);
/// Gradient of the weight, whose shape is given, from the gradient of the result.
APUS_API APUS_NODISCARD apus_status apus_conv2d_weight_grad(apus_tensor **out, const int64_t weight_shape[4],
                                                            const apus_tensor *grad, const apus_tensor *input,
                                                            const apus_conv2d_options *options);

/// The geometry of 2-d pooling, height first.
typedef struct apus_pool2d_options {
    size_t size; ///< sizeof this struct
    int64_t kernel[2];
    int64_t stride[2];
    int64_t padding[2];
    int64_t dilation[2];    ///< max pooling only
    bool ceil_mode;         ///< round the output size up
    bool count_include_pad; ///< average pooling: padding counts in the divisor
} apus_pool2d_options;

/// The greatest element of each window, and its index in the H×W plane (int64; `indices` may be NULL). NaN wins.
APUS_API APUS_NODISCARD apus_status apus_max_pool2d(apus_tensor **out, apus_tensor **indices, const apus_tensor *input,
                                                    const apus_pool2d_options *options);
/// Gradient of the input, whose shape is given, from that of the result and the indices. One that lies outside the
/// plane is `APUS_STATUS_index`.
APUS_API APUS_NODISCARD apus_status apus_max_pool2d_backward(apus_tensor **out, const apus_tensor *grad,
                                                             const apus_tensor *indices, int32_t rank,
                                                             const int64_t *input_shape);
/// The mean of each window.
APUS_API APUS_NODISCARD apus_status apus_avg_pool2d(apus_tensor **out, const apus_tensor *input,
                                                    const apus_pool2d_options *options);
/// Gradient of the input, whose shape is given, from that of the result.
APUS_API APUS_NODISCARD apus_status apus_avg_pool2d_backward(apus_tensor **out, const apus_tensor *grad, int32_t rank,
                                                             const int64_t *input_shape,
                                                             const apus_pool2d_options *options);

/// (x - mean) * rstd * weight + bias for each channel (dim 1) of [N, C, …]. In training, mean and variance are the
/// batch's own (biased), returned in save_mean and save_rstd [C], and the running statistics, where given, move by
/// `momentum` (towards the unbiased variance). Otherwise the running statistics are used.
/// weight, bias, running_mean and running_var are [C] and may be NULL (the running ones only in training), and so may
/// the pointers save_mean and save_rstd.
APUS_API APUS_NODISCARD apus_status apus_batch_norm(apus_tensor **out, apus_tensor **save_mean, apus_tensor **save_rstd,
                                                    const apus_tensor *x, const apus_tensor *weight,
                                                    const apus_tensor *bias, apus_tensor *running_mean,
                                                    apus_tensor *running_var, bool training, double momentum,
                                                    double eps);
/// Gradients from that of the result and the statistics that were used. Each output pointer may be NULL.
APUS_API APUS_NODISCARD apus_status apus_batch_norm_backward(apus_tensor **dx, apus_tensor **dweight,
                                                             apus_tensor **dbias, const apus_tensor *grad,
                                                             const apus_tensor *x, const apus_tensor *weight,
                                                             const apus_tensor *mean, const apus_tensor *rstd,
                                                             bool training);
/// (x - mean) * rstd * weight + bias over the last `count` dims; weight and bias have their shape and may be NULL.
/// mean and rstd (pointers may be NULL) have the leading dims, and 1 for each of the last.
APUS_API APUS_NODISCARD apus_status apus_layer_norm(apus_tensor **out, apus_tensor **mean, apus_tensor **rstd,
                                                    const apus_tensor *x, int32_t count, const apus_tensor *weight,
                                                    const apus_tensor *bias, double eps);
/// Gradients from that of the result and the statistics that `apus_layer_norm` gave. Each output pointer may be NULL.
APUS_API APUS_NODISCARD apus_status apus_layer_norm_backward(apus_tensor **dx, apus_tensor **dweight,
                                                             apus_tensor **dbias, const apus_tensor *grad,
                                                             const apus_tensor *x, int32_t count,
                                                             const apus_tensor *weight, const apus_tensor *mean,
                                                             const apus_tensor *rstd);

APUS_END_DECLS

#endif
