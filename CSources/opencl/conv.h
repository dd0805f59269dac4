// What the classes of convolution kernels share.
#ifndef APUS_OPENCL_CONV_H
#define APUS_OPENCL_CONV_H

#include "device/conv.h"
#include "opencl/launch.h"
#include "opencl/tiling.h"

typedef struct apus__cl_conv_call {
    const apus__conv *conv;
    const apus_storage *storage; ///< of the device
    apus__cl_tiling tiling;
} apus__cl_conv_call;

/// What the CPU class starts with.
extern const apus__cl_family apus__cl_conv_prepare_family;

/// Runs a kernel.
apus_status apus__cl_conv_launch(const apus__cl_conv_call *c, const apus__cl_family *family, const char *kernel,
                                 int64_t items, int64_t planes, int64_t local, const apus__cl_argument *arguments,
                                 int32_t count);
/// out = the sum of `pieces` of n elements each.
apus_status apus__cl_conv_add_pieces(const apus__cl_conv_call *c, apus__buffer out, apus__buffer partial,
                                     int64_t pieces, int64_t n);

// The CPU class.
apus_status apus__cl_conv_forward_on_cpu(const apus__cl_conv_call *c, apus__buffer out, apus__buffer input,
                                         apus__buffer weight, apus__buffer bias);
apus_status apus__cl_conv_input_grad_on_cpu(const apus__cl_conv_call *c, apus__buffer out, apus__buffer grad,
                                            apus__buffer weight);
apus_status apus__cl_conv_weight_grad_on_cpu(const apus__cl_conv_call *c, apus__buffer out, apus__buffer grad,
                                             apus__buffer input);

#endif
