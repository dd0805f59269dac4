// Softmax and the normalisation layers of the device table. All buffers are contiguous and of the given dtype, float32
// or float64; outputs overlap no input. Nothing is empty.
#ifndef APUS_DEVICE_NORM_H
#define APUS_DEVICE_NORM_H

#include "device/reduce.h"

/// Rows that are normalised one by one.
typedef struct apus__norm_rows {
    apus_dtype dtype;
    int64_t rows, length;
} apus__norm_rows;

/// Images [batch, channels, size].
typedef struct apus__norm_images {
    apus_dtype dtype;
    int64_t batch, channels, size;
} apus__norm_images;

typedef struct apus__norm_table {
    apus_status (*softmax)(const apus__lanes *lanes, bool logarithm, apus__buffer out, apus__buffer input);
    apus_status (*softmax_backward)(const apus__lanes *lanes, bool logarithm, apus__buffer out, apus__buffer grad,
                                    apus__buffer result);
    /// weight and bias [length] may be absent; mean and rstd [rows] are written.
    apus_status (*layer_norm)(const apus__norm_rows *rows, double eps, apus__buffer out, apus__buffer mean,
                              apus__buffer rstd, apus__buffer x, apus__buffer weight, apus__buffer bias);
    /// dx, dweight, dbias and weight may be absent.
    apus_status (*layer_norm_backward)(const apus__norm_rows *rows, apus__buffer dx, apus__buffer dweight,
                                       apus__buffer dbias, apus__buffer grad, apus__buffer x, apus__buffer weight,
                                       apus__buffer mean, apus__buffer rstd);
    /// (x - mean) * rstd * weight + bias, all but x [channels]; weight and bias may be absent.
    apus_status (*batch_norm)(const apus__norm_images *images, apus__buffer out, apus__buffer x, apus__buffer mean,
                              apus__buffer rstd, apus__buffer weight, apus__buffer bias);
    /// dx, dweight, dbias and weight may be absent. In training, mean and rstd follow from x and take their share.
    apus_status (*batch_norm_backward)(const apus__norm_images *images, bool training, apus__buffer dx,
                                       apus__buffer dweight, apus__buffer dbias, apus__buffer grad, apus__buffer x,
                                       apus__buffer weight, apus__buffer mean, apus__buffer rstd);
} apus__norm_table;

extern const apus__norm_table apus__cpu_norm;

#endif
