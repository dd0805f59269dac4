// Convolution of the device table.
#ifndef APUS_DEVICE_CONV_H
#define APUS_DEVICE_CONV_H

#include "device/buffer.h"

/// The geometry of a 2-d convolution, height first. Nothing is empty but perhaps the input channels of a group.
typedef struct apus__conv {
    apus_dtype dtype; ///< of all operands: float32 or float64
    int64_t batch, groups;
    int64_t in_channels, out_channels; ///< of all groups
    int64_t in[2], out[2], kernel[2], stride[2], padding[2], dilation[2];
} apus__conv;

/// Buffers are contiguous: images [batch, channels, height, width], weights [out_channels, in_channels / groups,
/// height, width], the bias [out_channels] or absent. The first buffer is written and overlaps no other.
typedef struct apus__conv_table {
    apus_status (*forward)(const apus__conv *conv, apus__buffer out, apus__buffer input, apus__buffer weight,
                           apus__buffer bias);
    apus_status (*input_grad)(const apus__conv *conv, apus__buffer out, apus__buffer grad, apus__buffer weight);
    apus_status (*weight_grad)(const apus__conv *conv, apus__buffer out, apus__buffer grad, apus__buffer input);
} apus__conv_table;

extern const apus__conv_table apus__cpu_conv;

#endif
