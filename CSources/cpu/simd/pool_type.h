// Pooling kernels of the float type T, named by NAME. Included once a type.
//
// Windows are visited by kernel element, all outputs of a row at a time: the inner loops have no branches.

// ---- Maximum. PyTorch's rule: later elements win when greater or NaN, and an index is that of the winner.
//
// Written over vectors: rows are often shorter than what a loop that compilers vectorise takes at a time, so that the
// last, partial vector must be as fast as the others.

enum { NAME(LANES) = 64 / sizeof(T) };
typedef T NAME(vector) __attribute__((vector_size(64)));
typedef INDEX NAME(indices) __attribute__((vector_size(64)));

/// Loads n elements (or as many as there are lanes) of x; memory up to `end` may be read.
static inline __attribute__((always_inline)) void NAME(load)(NAME(vector) * to, const T *x, int64_t stride, int64_t n,
                                                             const T *end) {
    NAME(vector) v = {0}, next;
    if (stride == 1 && end - x >= NAME(LANES)) {
        memcpy(&v, x, sizeof v);
    } else if (stride == 2 && end - x >= 2 * NAME(LANES)) {
        memcpy(&v, x, sizeof v);
        memcpy(&next, x + NAME(LANES), sizeof next);
        v = __builtin_shufflevector(v, next, EVEN_LANES);
    } else {
        for (int64_t k = 0; k < NAME(LANES) && k < n; k++) v[k] = x[k * stride];
    }
    *to = v;
}

/// One kernel element over n outputs: best and index have room for whole vectors. `index` may be NULL.
static inline __attribute__((always_inline)) void NAME(max_row)(T *best, INDEX *index, const T *x, const T *end,
                                                                int64_t stride, INDEX first, int64_t n) {
    NAME(indices) lane, where, old;
    for (int k = 0; k < NAME(LANES); k++) lane[k] = (INDEX)k;
    for (int64_t i = 0; i < n; i += NAME(LANES)) {
        NAME(vector) v, b;
        NAME(load)(&v, x + i * stride, stride, n - i, end);
        memcpy(&b, best + i, sizeof b);
        NAME(indices) wins = (NAME(indices))((v > b) | (v != v));
        if (n - i < NAME(LANES)) wins &= (NAME(indices))(lane < (INDEX)(n - i));
        b = (NAME(vector))((wins & (NAME(indices))v) | (~wins & (NAME(indices))b));
        memcpy(best + i, &b, sizeof b);
        if (index == NULL) continue;
        memcpy(&old, index + i, sizeof old);
        where = first + (lane + (INDEX)i) * (INDEX)stride;
        old = (wins & where) | (~wins & old);
        memcpy(index + i, &old, sizeof old);
    }
}

/// The same for any stride.
static inline __attribute__((always_inline)) void NAME(max_any)(T *best, INDEX *index, const T *x, const T *end,
                                                                int64_t stride, INDEX first, int64_t n) {
    if (stride == 1)
        NAME(max_row)(best, index, x, end, 1, first, n);
    else if (stride == 2)
        NAME(max_row)(best, index, x, end, 2, first, n);
    else
        NAME(max_row)(best, index, x, end, stride, first, n);
}

/// The position of the first element of window `i` that is inside the image, along dim d. A dilated window may miss a
/// small image altogether: its maximum is -inf, and its index must still be one of the plane.
static int64_t NAME(first_inside)(const apus__pool *p, int d, int64_t i) {
    int64_t start = i * p->stride[d] - p->padding[d];
    if (start < 0) start += (-start + p->dilation[d] - 1) / p->dilation[d] * p->dilation[d];
    return smaller(start, p->in[d] - 1);
}

/// Outputs (y, first) to (y, last), at most CHUNK of them, into arrays of ROOM. `index`, which may be NULL, holds
/// positions in the plane; at first those of the windows' first elements.
static inline __attribute__((always_inline)) void
NAME(max_chunk)(const apus__pool *p, T *best, INDEX *index, const T *input, int64_t y, int64_t first, int64_t last) {
    for (int64_t x = 0; x < last - first; x += LANES)
        for (int64_t k = 0; k < LANES; k++) best[x + k] = -(T)INFINITY;
    const T *end = input + p->in[0] * p->in[1];
    for (int64_t i = 0; i < p->kernel[0]; i++) {
        int64_t in_y = y * p->stride[0] + i * p->dilation[0] - p->padding[0];
        if (in_y < 0 || in_y >= p->in[0]) continue;
        for (int64_t j = 0; j < p->kernel[1]; j++) {
            int64_t low, high, shift = j * p->dilation[1] - p->padding[1];
            valid_range(&low, &high, p->out[1], p->in[1], p->stride[1], shift);
            low = larger(low, first), high = larger(low, smaller(high, last));
            int64_t from = in_y * p->in[1] + low * p->stride[1] + shift;
            INDEX *where = index == NULL ? NULL : index + (low - first);
            NAME(max_any)(best + (low - first), where, input + from, end, p->stride[1], (INDEX)from, high - low);
        }
    }
}

static void NAME(max)(const apus__pool *p, void *out, const void *input) {
    T best[ROOM];
    for (int64_t y = 0; y < p->out[0]; y++)
        for (int64_t first = 0; first < p->out[1]; first += CHUNK) {
            int64_t last = smaller(p->out[1], first + CHUNK);
            NAME(max_chunk)(p, best, NULL, input, y, first, last);
            memcpy((T *)out + y * p->out[1] + first, best, (size_t)(last - first) * sizeof(T));
        }
}

/// Indices are followed in INDEX, as wide as T, so that values and indices fill vectors alike. In planes of more
/// elements than INDEX counts they wrap around; what lies before the window's first row is put back.
static void NAME(max_indices)(const apus__pool *p, void *out, int64_t *indices, const void *input) {
    T best[ROOM];
    INDEX index[ROOM], column[ROOM] = {0};
    for (int64_t first = 0; first < p->out[1]; first += CHUNK) {
        int64_t last = smaller(p->out[1], first + CHUNK), n = last - first;
        for (int64_t x = 0; x < n; x++) column[x] = (INDEX)NAME(first_inside)(p, 1, first + x);
        for (int64_t y = 0; y < p->out[0]; y++) {
            int64_t before = larger(0, y * p->stride[0] - p->padding[0]) * p->in[1], at = y * p->out[1] + first;
            INDEX row = (INDEX)(NAME(first_inside)(p, 0, y) * p->in[1]);
            for (int64_t x = 0; x < n; x += LANES)
                for (int64_t k = 0; k < LANES; k++) index[x + k] = row + column[x + k];
            NAME(max_chunk)(p, best, index, input, y, first, last);
            memcpy((T *)out + at, best, (size_t)n * sizeof(T));
            for (int64_t x = 0; x < n; x++) indices[at + x] = before + (int64_t)(INDEX)(index[x] - (INDEX)before);
        }
    }
}

static bool NAME(max_backward)(const apus__pool *p, void *out, const void *grad, const int64_t *indices) {
    T *to = out;
    const T *from = grad;
    int64_t size = p->in[0] * p->in[1], count = p->out[0] * p->out[1];
    memset(to, 0, (size_t)size * sizeof(T));
    for (int64_t i = 0; i < count; i++) {
        if (indices[i] < 0 || indices[i] >= size) return false;
        to[indices[i]] += from[i];
    }
    return true;
}

// ---- Average

/// How many elements window `i` counts along dim d.
static inline int64_t NAME(extent)(const apus__pool *p, int d, int64_t i) {
    int64_t start = i * p->stride[d] - p->padding[d], end = smaller(start + p->kernel[d], p->in[d] + p->padding[d]);
    if (p->count_include_pad) return end - start;
    return smaller(end, p->in[d]) - larger(start, 0);
}

/// Divides the values of outputs (y, first) to (y, first + n) by what their windows count.
static void NAME(divide_row)(const apus__pool *p, T *values, int64_t y, int64_t first, int64_t n) {
    int64_t rows = NAME(extent)(p, 0, y);
    for (int64_t x = 0; x < n; x++) values[x] /= (T)(rows * NAME(extent)(p, 1, first + x));
}

static inline __attribute__((always_inline)) void NAME(add_row)(T *restrict to, const T *restrict x, int64_t stride,
                                                                int64_t n) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int64_t k = 0; k < LANES; k++) to[i + k] += x[(i + k) * stride];
    for (; i < n; i++) to[i] += x[i * stride];
}

static void NAME(add_any)(T *to, const T *x, int64_t stride, int64_t n) {
    if (stride == 1)
        NAME(add_row)(to, x, 1, n);
    else if (stride == 2)
        NAME(add_row)(to, x, 2, n);
    else
        NAME(add_row)(to, x, stride, n);
}

static void NAME(average)(const apus__pool *p, void *out, const void *input) {
    const int64_t block = 8;
    for (int64_t first = 0; first < p->out[0]; first += block) {
        int64_t last = smaller(p->out[0], first + block);
        T *rows = (T *)out + first * p->out[1];
        memset(rows, 0, (size_t)((last - first) * p->out[1]) * sizeof(T));
        for (int64_t i = 0; i < p->kernel[0]; i++)
            for (int64_t j = 0; j < p->kernel[1]; j++) {
                tap t = pool_tap(p, i, j);
                for (int64_t y = larger(t.y_low, first); y < smaller(t.y_high, last); y++) {
                    int64_t from = (y * p->stride[0] + t.y_shift) * p->in[1] + t.x_low * p->stride[1] + t.x_shift;
                    NAME(add_any)
                    ((T *)out + y * p->out[1] + t.x_low, (const T *)input + from, p->stride[1], t.x_high - t.x_low);
                }
            }
        for (int64_t y = first; y < last; y++) {
            NAME(divide_row)(p, (T *)out + y * p->out[1], y, 0, p->out[1]);
        }
    }
}

static void NAME(spread_row)(T *restrict to, const T *restrict x, int64_t stride, int64_t n) {
    if (stride == 1)
        for (int64_t i = 0; i < n; i++) to[i] += x[i];
    else
        for (int64_t i = 0; i < n; i++) to[i * stride] += x[i];
}

static void NAME(average_backward)(const apus__pool *p, void *out, const void *grad) {
    T share[CHUNK];
    memset(out, 0, (size_t)(p->in[0] * p->in[1]) * sizeof(T));
    for (int64_t y = 0; y < p->out[0]; y++)
        for (int64_t first = 0; first < p->out[1]; first += CHUNK) {
            int64_t last = smaller(p->out[1], first + CHUNK);
            memcpy(share, (const T *)grad + y * p->out[1] + first, (size_t)(last - first) * sizeof(T));
            NAME(divide_row)(p, share, y, first, last - first);
            for (int64_t i = 0; i < p->kernel[0]; i++)
                for (int64_t j = 0; j < p->kernel[1]; j++) {
                    tap t = pool_tap(p, i, j);
                    if (y < t.y_low || y >= t.y_high) break;
                    int64_t low = larger(t.x_low, first), high = smaller(t.x_high, last);
                    T *to = (T *)out + (y * p->stride[0] + t.y_shift) * p->in[1] + low * p->stride[1] + t.x_shift;
                    NAME(spread_row)(to, share + (low - first), p->stride[1], high - low);
                }
        }
}

static const apus__pool_kernels NAME(KERNELS) = {
    .max = NAME(max),
    .max_indices = NAME(max_indices),
    .max_backward = NAME(max_backward),
    .average = NAME(average),
    .average_backward = NAME(average_backward),
};
