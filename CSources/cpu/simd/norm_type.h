// Softmax and normalisation loops of the float type T, named by NAME. Included once a type.
#include "cpu/simd/row_sums.h"

// ---- Softmax

static void NAME(softmax_row)(int64_t n, bool logarithm, void *out, const void *data) {
    const T *x = data;
    T *y = out, high = NAME(row_max)(n, x);
    double total = 0;
    if (logarithm) {
        ROW_SUM(n, total, NAME(exp)(x[i] - high));
        T rest = (T)log_f64(total);
        VECTORISE for (int64_t i = 0; i < n; i++) y[i] = (x[i] - high) - rest;
        return;
    }
    ROW_SUM(n, total, (y[i] = NAME(exp)(x[i] - high)));
    T scale = (T)(1 / total);
    VECTORISE for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

static void NAME(softmax_columns)(int64_t n, int64_t length, int64_t stride, bool logarithm, void *out,
                                  const void *data, double *scratch) {
    const T *x = data;
    T *y = out, *high = (T *)scratch;
    double *total = scratch + n;
    for (int64_t j = 0; j < n; j++) high[j] = x[j];
    for (int64_t k = 1; k < length; k++)
        VECTORISE for (int64_t j = 0; j < n; j++) high[j] = NAME(larger)(high[j], x[k * stride + j]);
    for (int64_t j = 0; j < n; j++) total[j] = 0;
    for (int64_t k = 0; k < length; k++) VECTORISE for (int64_t j = 0; j < n; j++) {
            T shifted = x[k * stride + j] - high[j], e = NAME(exp)(shifted);
            y[k * stride + j] = logarithm ? shifted : e;
            total[j] += (double)e;
        }
    VECTORISE for (int64_t j = 0; j < n; j++) high[j] = logarithm ? (T)log_f64(total[j]) : (T)(1 / total[j]);
    for (int64_t k = 0; k < length; k++) VECTORISE for (int64_t j = 0; j < n; j++) {
            T e = y[k * stride + j];
            y[k * stride + j] = logarithm ? e - high[j] : e * high[j];
        }
}

static void NAME(softmax_backward_row)(int64_t n, bool logarithm, void *out, const void *gradient, const void *data) {
    const T *g = gradient, *y = data;
    T *dx = out;
    double total = 0;
    if (logarithm) {
        ROW_SUM(n, total, g[i]);
        T sum = (T)total;
        VECTORISE for (int64_t i = 0; i < n; i++) dx[i] = g[i] - NAME(exp)(y[i]) * sum;
        return;
    }
    ROW_SUM(n, total, g[i] * y[i]);
    T sum = (T)total;
    VECTORISE for (int64_t i = 0; i < n; i++) dx[i] = (g[i] - sum) * y[i];
}

static void NAME(softmax_backward_columns)(int64_t n, int64_t length, int64_t stride, bool logarithm, void *out,
                                           const void *gradient, const void *data, double *scratch) {
    const T *g = gradient, *y = data;
    T *dx = out, *sum = (T *)scratch;
    double *total = scratch + n;
    for (int64_t j = 0; j < n; j++) total[j] = 0;
    for (int64_t k = 0; k < length; k++) VECTORISE for (int64_t j = 0; j < n; j++) {
            T value = logarithm ? g[k * stride + j] : g[k * stride + j] * y[k * stride + j];
            total[j] += (double)value;
        }
    for (int64_t j = 0; j < n; j++) sum[j] = (T)total[j];
    for (int64_t k = 0; k < length; k++) VECTORISE for (int64_t j = 0; j < n; j++) {
            T gradient_here = g[k * stride + j], result = y[k * stride + j];
            dx[k * stride + j] =
                logarithm ? gradient_here - NAME(exp)(result) * sum[j] : (gradient_here - sum[j]) * result;
        }
}

// ---- Layer normalisation

static void NAME(layer_norm_row)(int64_t n, double eps, void *out, void *out_mean, void *out_rstd, const void *data,
                                 const void *scale, const void *shift) {
    const T *x = data, *weight = scale, *bias = shift;
    T *y = out;
    double total = 0, squares = 0;
    ROW_SUM(n, total, x[i]);
    T mean = (T)(total / (double)n);
    ROW_SUM(n, squares, (x[i] - mean) * (x[i] - mean));
    T rstd = (T)(1 / sqrt_f64(squares / (double)n + eps));
    *(T *)out_mean = mean;
    *(T *)out_rstd = rstd;
    if (weight != NULL && bias != NULL)
        VECTORISE for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * rstd * weight[i] + bias[i];
    else if (weight != NULL)
        VECTORISE for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * rstd * weight[i];
    else if (bias != NULL)
        VECTORISE for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * rstd + bias[i];
    else
        VECTORISE for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * rstd;
}

static void NAME(layer_norm_backward_row)(int64_t n, void *out, void *partial, const void *gradient, const void *data,
                                          const void *scale, const void *in_mean, const void *in_rstd) {
    const T *g = gradient, *x = data, *weight = scale;
    T *dx = out, *sums = partial, mean = *(const T *)in_mean, rstd = *(const T *)in_rstd;
    if (sums != NULL) VECTORISE for (int64_t i = 0; i < n; i++) {
            sums[i] += g[i];
            sums[n + i] += g[i] * ((x[i] - mean) * rstd);
        }
    if (dx == NULL) return;
    double plain = 0, dot = 0;
    if (weight != NULL) {
        ROW_SUMS(n, plain, (g[i] * weight[i]), dot, (g[i] * weight[i]) * (x[i] - mean));
    } else {
        ROW_SUMS(n, plain, g[i], dot, g[i] * (x[i] - mean));
    }
    T first = (T)(plain / (double)n), second = (T)(dot * (double)rstd * (double)rstd / (double)n);
    if (weight != NULL)
        VECTORISE for (int64_t i = 0; i < n; i++) dx[i] = rstd * (g[i] * weight[i] - first - (x[i] - mean) * second);
    else
        VECTORISE for (int64_t i = 0; i < n; i++) dx[i] = rstd * (g[i] - first - (x[i] - mean) * second);
}

// ---- Batch normalisation

static void NAME(affine_row)(int64_t n, void *out, const void *data, const void *in_mean, const void *in_rstd,
                             const void *in_weight, const void *in_bias) {
    const T *x = data, mean = *(const T *)in_mean, rstd = *(const T *)in_rstd;
    T scale = in_weight == NULL ? rstd : rstd * *(const T *)in_weight,
      shift = in_bias == NULL ? 0 : *(const T *)in_bias;
    T *y = out;
    VECTORISE for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale + shift;
}

static void NAME(affine_columns)(int64_t n, void *out, const void *data, const void *in_mean, const void *in_rstd,
                                 const void *in_weight, const void *in_bias) {
    const T *x = data, *mean = in_mean, *rstd = in_rstd, *weight = in_weight, *bias = in_bias;
    T *y = out;
    if (weight != NULL)
        VECTORISE for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean[i]) * (rstd[i] * weight[i]);
    else
        VECTORISE for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean[i]) * rstd[i];
    if (bias != NULL) VECTORISE for (int64_t i = 0; i < n; i++) y[i] += bias[i];
}

static void NAME(dots_row)(int64_t n, double *sums, const void *gradient, const void *data, const void *in_mean) {
    const T *g = gradient, *x = data, mean = *(const T *)in_mean;
    double plain = 0, dot = 0;
    ROW_SUMS(n, plain, g[i], dot, g[i] * (x[i] - mean));
    sums[0] += plain;
    sums[1] += dot;
}

static void NAME(dots_columns)(int64_t n, double *sums, const void *gradient, const void *data, const void *in_mean) {
    const T *g = gradient, *x = data, *mean = in_mean;
    VECTORISE for (int64_t i = 0; i < n; i++) {
        sums[i] += (double)g[i];
        sums[n + i] += (double)(g[i] * (x[i] - mean[i]));
    }
}

static void NAME(spread_row)(int64_t n, void *out, const void *gradient, const void *data, const void *in_mean,
                             const double *in_first, const double *in_second, const double *in_scale) {
    const T *g = gradient, *x = data, mean = *(const T *)in_mean;
    T first = (T)*in_first, second = (T)*in_second, scale = (T)*in_scale, *dx = out;
    VECTORISE for (int64_t i = 0; i < n; i++) dx[i] = (g[i] - first - (x[i] - mean) * second) * scale;
}

static void NAME(spread_columns)(int64_t n, void *out, const void *gradient, const void *data, const void *in_mean,
                                 const double *first, const double *second, const double *scale) {
    const T *g = gradient, *x = data, *mean = in_mean;
    T *dx = out;
    VECTORISE for (int64_t i = 0; i < n; i++) dx[i] =
        (g[i] - (T)first[i] - (x[i] - mean[i]) * (T)second[i]) * (T)scale[i];
}

static void NAME(flush)(int64_t n, double *total, void *partial) {
    T *sums = partial;
    VECTORISE for (int64_t i = 0; i < n; i++) total[i] += (double)sums[i];
    for (int64_t i = 0; i < n; i++) sums[i] = 0;
}

static const apus__norm_kernels NAME(KERNELS) = {
    .softmax_row = NAME(softmax_row),
    .softmax_columns = NAME(softmax_columns),
    .softmax_backward_row = NAME(softmax_backward_row),
    .softmax_backward_columns = NAME(softmax_backward_columns),
    .layer_norm_row = NAME(layer_norm_row),
    .layer_norm_backward_row = NAME(layer_norm_backward_row),
    .affine_row = NAME(affine_row),
    .affine_columns = NAME(affine_columns),
    .dots_row = NAME(dots_row),
    .dots_columns = NAME(dots_columns),
    .spread_row = NAME(spread_row),
    .spread_columns = NAME(spread_columns),
    .flush = NAME(flush),
};
