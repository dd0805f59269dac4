R"CLSRC(
// Behind norm.cl: layer normalisation.
#ifdef CPU_CLASS

kernel void layer_norm(global T *out, long out_at, global T *out_mean, long mean_at, global T *out_rstd, long rstd_at,
                       const global T *in, long in_at, const global T *weight, long weight_at, const global T *bias,
                       long bias_at, long rows, long n, T eps, long chunk) {
    const long first = get_global_id(0) * chunk, last = min(rows, first + chunk);
    weight += weight == 0 ? 0 : weight_at;
    bias += bias == 0 ? 0 : bias_at;
    for (long row = first; row < last; row++) {
        const global T *x = in + in_at + row * n;
        global T *y = out + out_at + row * n;
        T total, squares;
#define PLAIN_X(L) L(x, i)
        SUM_RUN(total, n, PLAIN_X)
        const T mean = total / (T)n;
#define SQUARED_DISTANCE(L) ((L(x, i) - mean) * (L(x, i) - mean))
        SUM_RUN(squares, n, SQUARED_DISTANCE)
        const T rstd = 1 / sqrt(squares / (T)n + eps);
        out_mean[mean_at + row] = mean;
        out_rstd[rstd_at + row] = rstd;
#define NORMALISED(L) ((L(x, i) - mean) * rstd)
#define WEIGHTED(L) (NORMALISED(L) * L(weight, i))
#define WEIGHTED_BIASED(L) (WEIGHTED(L) + L(bias, i))
#define BIASED(L) (NORMALISED(L) + L(bias, i))
        if (weight != 0 && bias != 0) {
            STREAM_RUN(y, n, rows * n, WEIGHTED_BIASED)
        } else if (weight != 0) {
            STREAM_RUN(y, n, rows * n, WEIGHTED)
        } else if (bias != 0) {
            STREAM_RUN(y, n, rows * n, BIASED)
        } else {
            STREAM_RUN(y, n, rows * n, NORMALISED)
        }
    }
}

// One pass over a row: its gradients and those times the normalised x are added to `plain` and `dots` where these are;
// the sums of weighted gradients, and of these times the distances from the mean, go into `total` and `dot`.
static inline void take_gradients(long n, const global T *grad, const global T *in, const global T *weight, T mean,
                                  T rstd, global T *plain, global T *dots, T *total, T *dot) {
#define TAKE_GRADIENT(N, L, S, first, second)                                                                          \
    {                                                                                                                  \
        const N g = L(grad, i), distance = L(in, i) - mean, slope = weight == 0 ? g : g * L(weight, i);                \
        if (plain != 0) {                                                                                              \
            S(plain, i, L(plain, i) + g);                                                                              \
            S(dots, i, L(dots, i) + g * (distance * rstd));                                                            \
        }                                                                                                              \
        first += slope;                                                                                                \
        second += slope * distance;                                                                                    \
    }
    V sums[2] = {(V)(T)0, (V)(T)0};
    T rest[2] = {0, 0};
    long i = 0;
    while (i + W <= n) {
        V parts[2] = {(V)(T)0, (V)(T)0};
        const long end = min(n - W, i + (SUM_BLOCK - 1) * W);
        for (; i <= end; i += W) TAKE_GRADIENT(V, LOADV, STOREV, parts[0], parts[1])
        sums[0] += parts[0];
        sums[1] += parts[1];
    }
    for (; i < n; i++) TAKE_GRADIENT(T, LOAD, STORE, rest[0], rest[1])
    *total = total_of(sums[0]) + rest[0];
    *dot = total_of(sums[1]) + rest[1];
}

// dx where it is wanted, and into `sums` ([chunks, 2, n], where they are) the chunk's sums of grad and of
// grad * normalised x.
kernel void layer_norm_backward(global T *out, long out_at, global T *sums, long sums_at, const global T *grad,
                                long grad_at, const global T *in, long in_at, const global T *weight, long weight_at,
                                const global T *means, long mean_at, const global T *rstds, long rstd_at, long rows,
                                long n, long chunk) {
    const long first = get_global_id(0) * chunk, last = min(rows, first + chunk);
    if (first >= rows) return;
    weight += weight == 0 ? 0 : weight_at;
    global T *plain = sums == 0 ? 0 : sums + sums_at + get_global_id(0) * 2 * n, *dots = plain + n;
    for (long i = 0; i < 2 * n && sums != 0; i++) plain[i] = 0;
    for (long row = first; row < last; row++) {
        const global T *g = grad + grad_at + row * n, *x = in + in_at + row * n;
        const T mean = means[mean_at + row], rstd = rstds[rstd_at + row];
        T total, dot;
        take_gradients(n, g, x, weight, mean, rstd, plain, dots, &total, &dot);
        if (out == 0) continue;
        global T *dx = out + out_at + row * n;
        const T share = total / (T)n, slope = dot * rstd * rstd / (T)n;
#define INPUT_GRADIENT(L) (rstd * (L(g, i) - share - (L(x, i) - mean) * slope))
#define WEIGHTED_INPUT_GRADIENT(L) (rstd * (L(g, i) * L(weight, i) - share - (L(x, i) - mean) * slope))
        if (weight != 0) {
            STREAM_RUN(dx, n, rows * n, WEIGHTED_INPUT_GRADIENT)
        } else {
            STREAM_RUN(dx, n, rows * n, INPUT_GRADIENT)
        }
    }
}

#endif

// An item is a column.
kernel void add_chunks(global T *dweight, long dweight_at, global T *dbias, long dbias_at, const global T *sums,
                       long sums_at, long chunks, long n) {
    const long i = get_global_id(0);
    if (i >= n) return;
    if (dbias != 0) dbias[dbias_at + i] = sum_of_chunks(sums + sums_at + i, chunks, 2 * n);
    if (dweight != 0) dweight[dweight_at + i] = sum_of_chunks(sums + sums_at + n + i, chunks, 2 * n);
}

#ifdef GPU_CLASS
ROW_KERNEL layer_norm(global T *out, long out_at, global T *out_mean, long mean_at, global T *out_rstd, long rstd_at,
                      const global T *in, long in_at, const global T *weight, long weight_at, const global T *bias,
                      long bias_at, long rows, long n, T eps) {
    local T room[GROUP];
    const long row = get_group_id(0);
    const global T *x = in + in_at + row * n;
    global T *y = out + out_at + row * n;
    T total = 0, squares = 0;
    EACH(i, n) total += x[i];
    const T mean = group_sum(total, room) / (T)n;
    EACH(i, n) squares += (x[i] - mean) * (x[i] - mean);
    const T rstd = 1 / sqrt(group_sum(squares, room) / (T)n + eps);
    if (get_local_id(0) == 0) out_mean[mean_at + row] = mean;
    if (get_local_id(0) == 0) out_rstd[rstd_at + row] = rstd;
    EACH(i, n) {
        T value = (x[i] - mean) * rstd;
        if (weight != 0) value *= weight[weight_at + i];
        y[i] = bias == 0 ? value : value + bias[bias_at + i];
    }
}

ROW_KERNEL layer_norm_backward(global T *out, long out_at, const global T *grad, long grad_at, const global T *in,
                               long in_at, const global T *weight, long weight_at, const global T *means, long mean_at,
                               const global T *rstds, long rstd_at, long rows, long n) {
    local T room[GROUP];
    const long row = get_group_id(0);
    const global T *g = grad + grad_at + row * n, *x = in + in_at + row * n;
    global T *dx = out + out_at + row * n;
    const T mean = means[mean_at + row], rstd = rstds[rstd_at + row];
    T total = 0, dot = 0;
    EACH(i, n) {
        const T slope = weight == 0 ? g[i] : g[i] * weight[weight_at + i];
        total += slope;
        dot += slope * (x[i] - mean);
    }
    const T share = group_sum(total, room) / (T)n, second = group_sum(dot, room) * rstd * rstd / (T)n;
    EACH(i, n) {
        const T slope = weight == 0 ? g[i] : g[i] * weight[weight_at + i];
        dx[i] = rstd * (slope - share - (x[i] - mean) * second);
    }
}

// Into `sums`, [chunks, 2, n], the sums over a chunk of rows. Items are columns by chunks.
kernel void layer_norm_sums(global T *sums, long sums_at, const global T *grad, long grad_at, const global T *in,
                            long in_at, const global T *means, long mean_at, const global T *rstds, long rstd_at,
                            long rows, long n, long chunk) {
    const long i = get_global_id(0), part = get_global_id(1), last = min(rows, (part + 1) * chunk);
    if (i >= n) return;
    T plain = 0, dot = 0;
    for (long row = part * chunk; row < last; row++) {
        const T g = grad[grad_at + row * n + i];
        plain += g;
        dot += g * ((in[in_at + row * n + i] - means[mean_at + row]) * rstds[rstd_at + row]);
    }
    sums[sums_at + part * 2 * n + i] = plain;
    sums[sums_at + (part * 2 + 1) * n + i] = dot;
}

#endif
)CLSRC"
