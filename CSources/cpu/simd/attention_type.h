// Attention loops of the float type T, named by NAME. Included once a type.
#include "cpu/simd/row_sums.h"

static void NAME(add_mask)(int64_t n, void *scores, const void *data) {
    T *s = scores;
    const T *mask = data;
    VECTORISE for (int64_t i = 0; i < n; i++) s[i] += mask[i];
}

static void NAME(forbid)(int64_t n, void *scores, const uint8_t *mask) {
    T *s = scores;
    VECTORISE for (int64_t i = 0; i < n; i++) s[i] = mask[i] != 0 ? s[i] : -(T)INFINITY;
}

static void NAME(forbid_all)(int64_t n, void *scores) {
    T *s = scores;
    for (int64_t i = 0; i < n; i++) s[i] = -(T)INFINITY;
}

static double NAME(soften)(int64_t n, void *scores, double *high, double *total) {
    T *s = scores, before = (T)*high, now = NAME(larger)(before, NAME(row_max)(n, s));
    T shift = now == -(T)INFINITY ? 0 : now; // all forbidden so far: every weight is exp(-infinity)
    double sum = 0;
    ROW_SUM(n, sum, (s[i] = NAME(exp)(s[i] - shift)));
    T factor = NAME(exp)(before - shift);
    *high = (double)now;
    *total = *total * (double)factor + sum;
    return (double)factor;
}

static void NAME(rescale)(int64_t n, void *data, double factor) {
    T *y = data, f = (T)factor;
    VECTORISE for (int64_t i = 0; i < n; i++) y[i] *= f;
}

static void NAME(weigh)(int64_t n, void *scores, double logsumexp) {
    T *s = scores, shift = (T)logsumexp == -(T)INFINITY ? 0 : (T)logsumexp;
    VECTORISE for (int64_t i = 0; i < n; i++) s[i] = NAME(exp)(s[i] - shift);
}

static double NAME(dot)(int64_t n, const void *left, const void *right) {
    const T *a = left, *b = right;
    double total = 0;
    ROW_SUM(n, total, a[i] * b[i]);
    return total;
}

static void NAME(soften_backward)(int64_t n, void *gradient, const void *weights, double mean) {
    T *dw = gradient, m = (T)mean;
    const T *w = weights;
    VECTORISE for (int64_t i = 0; i < n; i++) dw[i] = w[i] * (dw[i] - m);
}

static const apus__attention_kernels NAME(KERNELS) = {
    .add_mask = NAME(add_mask),
    .forbid = NAME(forbid),
    .forbid_all = NAME(forbid_all),
    .soften = NAME(soften),
    .rescale = NAME(rescale),
    .weigh = NAME(weigh),
    .dot = NAME(dot),
    .soften_backward = NAME(soften_backward),
};
