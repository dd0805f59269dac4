// Moments and log(sum(exp(x))) of a floating-point T with function suffix F.

// The mean, the sum of squared deviations from it, and how many elements they stand for; groups are joined by the rule
// of Chan, Golub and LeVeque (1979).
static void FN(begin_moments)(int64_t n, void *partial, int64_t width) {
    double *mean = partial, *squares = mean + width, *count = squares + width;
    for (int64_t i = 0; i < n; i++) mean[i] = squares[i] = count[i] = 0;
}
// The first `columns` counts are equal when this is called.
static ALWAYS_INLINE void FN(take_moments)(int64_t rows, int64_t columns, const void *data, int64_t stride,
                                           void *partial, int64_t width) {
    const T *x = data;
    double *mean = partial, *squares = mean + width, *count = squares + width;
    if (columns == 0) return;
    double n = count[0];
    for (; rows >= 8; rows -= 8, x += 8 * stride, n += 8) {
        double share = 8 / (n + 8), cross = n * share;
        VECTORISE for (int64_t j = 0; j < columns; j++) {
            double a = x[j], b = x[j + stride], c = x[j + 2 * stride], d = x[j + 3 * stride];
            double e = x[j + 4 * stride], f = x[j + 5 * stride], g = x[j + 6 * stride], h = x[j + 7 * stride];
            double m = (((a + b) + (c + d)) + ((e + f) + (g + h))) * 0.125, delta = m - mean[j];
            a -= m, b -= m, c -= m, d -= m, e -= m, f -= m, g -= m, h -= m;
            double q = ((a * a + b * b) + (c * c + d * d)) + ((e * e + f * f) + (g * g + h * h));
            mean[j] += delta * share;
            squares[j] += q + delta * delta * cross;
        }
    }
    for (; rows > 0; rows--, x += stride, n += 1) {
        double share = 1 / (n + 1), cross = n * share;
        VECTORISE for (int64_t j = 0; j < columns; j++) {
            double delta = x[j] - mean[j];
            mean[j] += delta * share;
            squares[j] += delta * delta * cross;
        }
    }
    for (int64_t j = 0; j < columns; j++) count[j] = n;
}

static ALWAYS_INLINE void FN(join_moments)(int64_t n, void *partial, int64_t width, const void *other,
                                           int64_t other_width) {
    double *mean = partial, *squares = mean + width, *count = squares + width;
    const double *other_mean = other, *other_squares = other_mean + other_width,
                 *other_count = other_squares + other_width;
    VECTORISE for (int64_t i = 0; i < n; i++) {
        double total = count[i] + other_count[i], delta = other_mean[i] - mean[i];
        double share = other_count[i] / (total > 0 ? total : 1);
        mean[i] += delta * share;
        squares[i] += other_squares[i] + delta * delta * count[i] * share;
        count[i] = total;
    }
}

DEFINE_LOOPS(moments, double, 3)

static void FN(finish_moments)(int64_t n, void *out, void *second, const void *partial, int64_t width, double count,
                               double correction) {
    double *result = out, *means = second;
    const double *mean = partial, *squares = mean + width;
    double divisor = count - correction > 0 ? count - correction : 0;
    for (int64_t i = 0; i < n; i++) {
        result[i] = squares[i] / divisor;
        means[i] = mean[i];
    }
}

// The greatest element so far and the sum of exp(x - greatest). An element that is the greatest counts 1 whatever it
// is, so infinities need no care.
static inline T FN(exp_below)(T x, T high) { return FN(exp)(x == high ? K(0) : x - high); }
static void FN(begin_logsumexp)(int64_t n, void *partial, int64_t width) {
    double *high = partial, *sum = high + width;
    for (int64_t i = 0; i < n; i++) {
        high[i] = -(double)APUS_INF_F32;
        sum[i] = 0;
    }
}

static ALWAYS_INLINE void FN(take_logsumexp)(int64_t rows, int64_t columns, const void *data, int64_t stride,
                                             void *partial, int64_t width) {
    const T *x = data;
    double *high = partial, *sum = high + width;
    for (; rows >= 8; rows -= 8, x += 8 * stride) VECTORISE for (int64_t j = 0; j < columns; j++) {
            T a = x[j], b = x[j + stride], c = x[j + 2 * stride], d = x[j + 3 * stride];
            T e = x[j + 4 * stride], f = x[j + 5 * stride], g = x[j + 6 * stride], h = x[j + 7 * stride];
            T before = (T)high[j];
            T top = maximum(maximum(maximum(a, b), maximum(c, d)), maximum(maximum(e, f), maximum(g, h)));
            top = maximum(before, top);
            T s = ((FN(exp_below)(a, top) + FN(exp_below)(b, top)) + (FN(exp_below)(c, top) + FN(exp_below)(d, top))) +
                  ((FN(exp_below)(e, top) + FN(exp_below)(f, top)) + (FN(exp_below)(g, top) + FN(exp_below)(h, top)));
            sum[j] = sum[j] * FN(exp_below)(before, top) + s;
            high[j] = top;
        }
    for (; rows > 0; rows--, x += stride) VECTORISE for (int64_t j = 0; j < columns; j++) {
            T before = (T)high[j], top = maximum(before, x[j]);
            sum[j] = sum[j] * FN(exp_below)(before, top) + FN(exp_below)(x[j], top);
            high[j] = top;
        }
}

static ALWAYS_INLINE void FN(join_logsumexp)(int64_t n, void *partial, int64_t width, const void *other,
                                             int64_t other_width) {
    double *high = partial, *sum = high + width;
    const double *other_high = other, *other_sum = other_high + other_width;
    VECTORISE for (int64_t i = 0; i < n; i++) {
        T a = (T)high[i], b = (T)other_high[i], top = maximum(a, b);
        sum[i] = sum[i] * FN(exp_below)(a, top) + other_sum[i] * FN(exp_below)(b, top);
        high[i] = top;
    }
}

DEFINE_LOOPS(logsumexp, double, 2)

static void FN(finish_logsumexp)(int64_t n, void *out, void *second, const void *partial, int64_t width, double count,
                                 double correction) {
    double *result = out;
    const double *high = partial, *sum = high + width;
    (void)second, (void)count, (void)correction;
    for (int64_t i = 0; i < n; i++) result[i] = log_f64(sum[i]) + high[i];
}
