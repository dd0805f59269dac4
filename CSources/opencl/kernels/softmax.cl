R"CLSRC(
// Behind norm.cl: softmax, its logarithm and their gradients.
#ifdef CPU_CLASS

// ---- Rows; an item takes `chunk` of them

// What is stored past the caches is not read back: exponentials of a row that fits stand in the item's own memory.
#define ROOM 4096

kernel void softmax_rows(global T *out, long out_at, const global T *in, long in_at, long rows, long n, long logarithm,
                         long chunk) {
    const long first = get_global_id(0) * chunk, last = min(rows, first + chunk);
    for (long row = first; row < last; row++) {
        const global T *x = in + in_at + row * n;
        global T *y = out + out_at + row * n;
        const T high = largest_of_row(n, x);
        T total;
        if (logarithm) {
#define EXPONENT(L) exp(L(x, i) - high)
            SUM_RUN(total, n, EXPONENT)
            const T rest = log(total);
#define SHIFTED(L) ((L(x, i) - high) - rest)
            STREAM_RUN(y, n, rows * n, SHIFTED)
            continue;
        }
#ifdef STREAMS
        T room[ROOM];
        if (n <= ROOM) {
            STORE_RUN(room, n, EXPONENT)
#define IN_ROOM(L) L(room, i)
            SUM_RUN(total, n, IN_ROOM)
            const T part = 1 / total;
#define SCALED_ROOM(L) (L(room, i) * part)
            STREAM_RUN(y, n, rows * n, SCALED_ROOM)
            continue;
        }
#endif
        STORE_RUN(y, n, EXPONENT)
#define PLAIN_Y(L) L(y, i)
        SUM_RUN(total, n, PLAIN_Y)
        const T scale = 1 / total;
#define SCALED_Y(L) (L(y, i) * scale)
        STORE_RUN(y, n, SCALED_Y)
    }
}

kernel void softmax_backward_rows(global T *out, long out_at, const global T *grad, long grad_at, const global T *result,
                                  long result_at, long rows, long n, long logarithm, long chunk) {
    const long first = get_global_id(0) * chunk, last = min(rows, first + chunk);
    for (long row = first; row < last; row++) {
        const global T *g = grad + grad_at + row * n, *y = result + result_at + row * n;
        global T *dx = out + out_at + row * n;
        T sum;
#define GRADIENT_Y(L) (L(g, i) * L(y, i))
        if (logarithm) {
            SUM_RUN(sum, n, GRADIENT)
#define LOG_SOFTMAX_GRADIENT(L) (L(g, i) - exp(L(y, i)) * sum)
            STREAM_RUN(dx, n, rows * n, LOG_SOFTMAX_GRADIENT)
        } else {
            SUM_RUN(sum, n, GRADIENT_Y)
#define SOFTMAX_GRADIENT(L) ((L(g, i) - sum) * L(y, i))
            STREAM_RUN(dx, n, rows * n, SOFTMAX_GRADIENT)
        }
    }
}

// ---- Columns: lanes [outer, length, inner]; an item takes COLUMN_VECTORS vectors of neighbouring lanes, since what lies
// side by side is read best, and then one by one what is left of them

#define COLUMN_VECTORS 8
#define COLUMNS (COLUMN_VECTORS * W)

// `count` times `width` lanes, which N holds.
#define SOFTMAX_COLUMNS(N, L, S, width, count)                                                                         \
    {                                                                                                                  \
        N high[W], total[W], part[W];                                                                                  \
        for (long v = 0; v < (count); v++) high[v] = L(x, v * (width)), total[v] = part[v] = (N)(T)0;                  \
        for (long k = 1; k < length; k++)                                                                              \
            for (long v = 0; v < (count); v++) high[v] = LARGER(high[v], L(x, k * inner + v * (width)));               \
        for (long k = 0; k < length; k++) {                                                                            \
            if (k % SUM_BLOCK == 0)                                                                                    \
                for (long v = 0; v < (count); v++) total[v] += part[v], part[v] = (N)(T)0;                             \
            for (long v = 0; v < (count); v++) {                                                                       \
                const N shifted = L(x, k * inner + v * (width)) - high[v], e = exp(shifted);                           \
                S(y, k * inner + v * (width), logarithm ? shifted : e);                                                \
                part[v] += e;                                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        for (long v = 0; v < (count); v++) total[v] += part[v];                                                        \
        for (long v = 0; v < (count); v++) total[v] = logarithm ? log(total[v]) : 1 / total[v];                        \
        for (long k = 0; k < length; k++)                                                                              \
            for (long v = 0; v < (count); v++) {                                                                       \
                const N e = L(y, k * inner + v * (width));                                                             \
                S(y, k * inner + v * (width), logarithm ? e - total[v] : e * total[v]);                                \
            }                                                                                                          \
    }

kernel void softmax_columns(global T *out, long out_at, const global T *in, long in_at, long outer, long length,
                            long inner, long logarithm) {
    const long blocks = (inner + COLUMNS - 1) / COLUMNS, item = get_global_id(0), block = item / blocks;
    if (block >= outer) return;
    const long first = (item - block * blocks) * COLUMNS, at = block * length * inner + first;
    const long columns = min((long)COLUMNS, inner - first), vectors = columns / W;
    const global T *x = in + in_at + at;
    global T *y = out + out_at + at;
    if (vectors > 0) SOFTMAX_COLUMNS(V, LOADV, STOREV, W, vectors)
    x += vectors * W, y += vectors * W;
    if (vectors * W < columns) SOFTMAX_COLUMNS(T, LOAD, STORE, 1, columns - vectors * W)
}

#define SOFTMAX_BACKWARD_COLUMNS(N, L, S, width, count)                                                                \
    {                                                                                                                  \
        N sum[W], part[W];                                                                                             \
        for (long v = 0; v < (count); v++) sum[v] = part[v] = (N)(T)0;                                                 \
        for (long k = 0; k < length; k++) {                                                                            \
            if (k % SUM_BLOCK == 0)                                                                                    \
                for (long v = 0; v < (count); v++) sum[v] += part[v], part[v] = (N)(T)0;                               \
            for (long v = 0; v < (count); v++) {                                                                       \
                const N slope = L(g, k * inner + v * (width));                                                         \
                part[v] += logarithm ? slope : slope * L(y, k * inner + v * (width));                                  \
            }                                                                                                          \
        }                                                                                                              \
        for (long v = 0; v < (count); v++) sum[v] += part[v];                                                          \
        for (long k = 0; k < length; k++)                                                                              \
            for (long v = 0; v < (count); v++) {                                                                       \
                const N slope = L(g, k * inner + v * (width)), value = L(y, k * inner + v * (width));                  \
                S(dx, k * inner + v * (width), logarithm ? slope - exp(value) * sum[v] : (slope - sum[v]) * value);    \
            }                                                                                                          \
    }

kernel void softmax_backward_columns(global T *out, long out_at, const global T *grad, long grad_at,
                                     const global T *result, long result_at, long outer, long length, long inner,
                                     long logarithm) {
    const long blocks = (inner + COLUMNS - 1) / COLUMNS, item = get_global_id(0), block = item / blocks;
    if (block >= outer) return;
    const long first = (item - block * blocks) * COLUMNS, at = block * length * inner + first;
    const long columns = min((long)COLUMNS, inner - first), vectors = columns / W;
    const global T *g = grad + grad_at + at, *y = result + result_at + at;
    global T *dx = out + out_at + at;
    if (vectors > 0) SOFTMAX_BACKWARD_COLUMNS(V, LOADV, STOREV, W, vectors)
    g += vectors * W, y += vectors * W, dx += vectors * W;
    if (vectors * W < columns) SOFTMAX_BACKWARD_COLUMNS(T, LOAD, STORE, 1, columns - vectors * W)
}

#endif

#ifdef GPU_CLASS
ROW_KERNEL softmax_rows(global T *out, long out_at, const global T *in, long in_at, long rows, long n, long logarithm) {
    local T room[GROUP];
    const global T *x = in + in_at + get_group_id(0) * n;
    global T *y = out + out_at + get_group_id(0) * n;
    T high = x[0], total = 0;
    EACH(i, n) high = LARGER(high, x[i]);
    high = group_max(high, room);
    EACH(i, n) total += exp(x[i] - high);
    total = group_sum(total, room);
    const T rest = log(total), scale = 1 / total;
    EACH(i, n) y[i] = logarithm ? (x[i] - high) - rest : exp(x[i] - high) * scale;
}

ROW_KERNEL softmax_backward_rows(global T *out, long out_at, const global T *grad, long grad_at, const global T *result,
                                 long result_at, long rows, long n, long logarithm) {
    local T room[GROUP];
    const global T *g = grad + grad_at + get_group_id(0) * n, *y = result + result_at + get_group_id(0) * n;
    global T *dx = out + out_at + get_group_id(0) * n;
    T sum = 0;
    EACH(i, n) sum += logarithm ? g[i] : g[i] * y[i];
    sum = group_sum(sum, room);
    EACH(i, n) dx[i] = logarithm ? g[i] - exp(y[i]) * sum : (g[i] - sum) * y[i];
}

// Items are lanes.

kernel void softmax_columns(global T *out, long out_at, const global T *in, long in_at, long outer, long length,
                            long inner, long logarithm) {
    const long item = get_global_id(0), block = item / inner, at = block * length * inner + item - block * inner;
    if (block >= outer) return;
    const global T *x = in + in_at + at;
    global T *y = out + out_at + at;
    T high = x[0], total = 0;
    for (long k = 1; k < length; k++) high = LARGER(high, x[k * inner]);
    for (long first = 0; first < length; first += SUM_BLOCK) {
        T part = 0;
        for (long k = first; k < min(length, first + SUM_BLOCK); k++) part += exp(x[k * inner] - high);
        total += part;
    }
    const T rest = log(total), scale = 1 / total;
    for (long k = 0; k < length; k++)
        y[k * inner] = logarithm ? (x[k * inner] - high) - rest : exp(x[k * inner] - high) * scale;
}

kernel void softmax_backward_columns(global T *out, long out_at, const global T *grad, long grad_at,
                                     const global T *result, long result_at, long outer, long length, long inner,
                                     long logarithm) {
    const long item = get_global_id(0), block = item / inner, at = block * length * inner + item - block * inner;
    if (block >= outer) return;
    const global T *g = grad + grad_at + at, *y = result + result_at + at;
    global T *dx = out + out_at + at;
    T sum = 0;
    for (long first = 0; first < length; first += SUM_BLOCK) {
        T part = 0;
        for (long k = first; k < min(length, first + SUM_BLOCK); k++)
            part += logarithm ? g[k * inner] : g[k * inner] * y[k * inner];
        sum += part;
    }
    for (long k = 0; k < length; k++)
        dx[k * inner] = logarithm ? g[k * inner] - exp(y[k * inner]) * sum : (g[k * inner] - sum) * y[k * inner];
}

#endif
)CLSRC"
