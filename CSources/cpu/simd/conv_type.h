// Convolution kernels of the float type T, named by NAME. Included once a type.

static void NAME(zero)(T *to, int64_t n) {
    if (n > 0) memset(to, 0, (size_t)n * sizeof(T));
}

static void NAME(copy)(T *restrict to, const T *restrict from, int64_t stride, int64_t n) {
    if (stride == 1)
        for (int64_t i = 0; i < n; i++) to[i] = from[i];
    else if (stride == 2)
        for (int64_t i = 0; i < n; i++) to[i] = from[2 * i];
    else
        for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];
}

/// Where stride is 1 and the width stays, a row of the column matrix is the whole plane, shifted, but for the margins.
static void NAME(gather_shifted)(const apus__conv *c, T *to, const T *plane, const tap *t, int64_t first,
                                 int64_t last) {
    int64_t width = c->out[1], shift = t->y_shift * width + t->x_shift;
    int64_t begin = larger(first, larger(t->y_low * width, -shift));
    int64_t end = smaller(last, smaller(t->y_high * width, c->in[0] * width - shift));
    if (begin >= end) {
        NAME(zero)(to, last - first);
        return;
    }
    NAME(zero)(to, begin - first);
    memcpy(to + (begin - first), plane + (begin + shift), (size_t)(end - begin) * sizeof(T));
    NAME(zero)(to + (end - first), last - end);
    if (t->x_low == 0 && t->x_high == width) return;
    for (int64_t row = first / width * width; row < last; row += width) {
        for (int64_t p = larger(first, row); p < smaller(last, row + t->x_low); p++) to[p - first] = 0;
        for (int64_t p = larger(first, row + t->x_high); p < smaller(last, row + width); p++) to[p - first] = 0;
    }
}

static void NAME(gather_rows)(const apus__conv *c, T *to, const T *plane, const tap *t, int64_t first, int64_t last) {
    int64_t width = c->out[1];
    for (int64_t p = first; p < last;) {
        int64_t y = p / width, x = p - y * width, end = smaller(width, x + last - p), n = end - x;
        int64_t low = smaller(larger(x, t->x_low), end), high = larger(smaller(end, t->x_high), low);
        if (y < t->y_low || y >= t->y_high) low = high = end;
        for (int64_t k = x; k < low; k++) to[k - x] = 0;
        if (low < high) {
            const T *from = plane + (y * c->stride[0] + t->y_shift) * c->in[1] + low * c->stride[1] + t->x_shift;
            NAME(copy)(to + (low - x), from, c->stride[1], high - low);
        }
        for (int64_t k = high; k < end; k++) to[k - x] = 0;
        to += n, p += n;
    }
}

static void NAME(gather)(const apus__conv *c, void *columns, int64_t step, const void *image, int64_t channels,
                         int64_t first, int64_t last) {
    T *to = columns;
    bool shifted = c->stride[0] == 1 && c->stride[1] == 1 && c->in[1] == c->out[1];
    for (int64_t i = 0; i < c->kernel[0]; i++)
        for (int64_t j = 0; j < c->kernel[1]; j++, to += step) {
            tap t = conv_tap(c, i, j);
            for (int64_t channel = 0; channel < channels; channel++) {
                const T *plane = (const T *)image + channel * c->in[0] * c->in[1];
                T *row = to + channel * c->kernel[0] * c->kernel[1] * step;
                if (shifted)
                    NAME(gather_shifted)(c, row, plane, &t, first, last);
                else
                    NAME(gather_rows)(c, row, plane, &t, first, last);
            }
        }
}

static void NAME(add)(void *to, const void *from, int64_t n) {
    T *restrict y = to;
    const T *restrict x = from;
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

static void NAME(scatter_row)(T *restrict to, const T *restrict from, int64_t stride, int64_t n) {
    if (stride == 1)
        for (int64_t i = 0; i < n; i++) to[i] += from[i];
    else
        for (int64_t i = 0; i < n; i++) to[i * stride] += from[i];
}

static void NAME(scatter)(const apus__conv *c, void *image, const void *columns, int64_t step, int64_t channels,
                          int64_t first, int64_t last) {
    const T *from = columns;
    int64_t width = c->out[1];
    for (int64_t channel = 0; channel < channels; channel++)
        for (int64_t i = 0; i < c->kernel[0]; i++)
            for (int64_t j = 0; j < c->kernel[1]; j++, from += step) {
                tap t = conv_tap(c, i, j);
                T *plane = (T *)image + channel * c->in[0] * c->in[1];
                int64_t y_end = smaller(t.y_high, (last + width - 1) / width);
                for (int64_t y = larger(t.y_low, first / width); y < y_end; y++) {
                    int64_t low = larger(t.x_low, first - y * width), high = smaller(t.x_high, last - y * width);
                    T *to = plane + (y * c->stride[0] + t.y_shift) * c->in[1] + low * c->stride[1] + t.x_shift;
                    NAME(scatter_row)(to, from + (y * width + low - first), c->stride[1], high - low);
                }
            }
}

static void NAME(fill)(void *to, int64_t step, int64_t rows, int64_t n, const void *values) {
    for (int64_t r = 0; r < rows; r++) {
        T *row = (T *)to + r * step, value = values == NULL ? 0 : ((const T *)values)[r];
        for (int64_t i = 0; i < n; i++) row[i] = value;
    }
}

// ---- One plane, one kernel: convolution with a channel a group.

static void NAME(add_scaled)(T *restrict y, const T *restrict x, T w, int64_t stride, int64_t n) {
    if (stride == 1)
        for (int64_t i = 0; i < n; i++) y[i] += w * x[i];
    else if (stride == 2)
        for (int64_t i = 0; i < n; i++) y[i] += w * x[2 * i];
    else
        for (int64_t i = 0; i < n; i++) y[i] += w * x[i * stride];
}

static void NAME(add_scaled_apart)(T *restrict y, const T *restrict x, T w, int64_t stride, int64_t n) {
    if (stride == 1)
        for (int64_t i = 0; i < n; i++) y[i] += w * x[i];
    else
        for (int64_t i = 0; i < n; i++) y[i * stride] += w * x[i];
}

/// Sixteen partial sums, in an order that no instruction set changes.
static T NAME(dot)(const T *x, const T *y, int64_t stride, int64_t n) {
    T part[16] = {0}, sum = 0;
    int64_t i = 0;
    if (stride == 1)
        for (; i + 16 <= n; i += 16)
            for (int k = 0; k < 16; k++) part[k] += x[i + k] * y[i + k];
    for (; i < n; i++) sum += x[i] * y[i * stride];
    for (int k = 0; k < 16; k++) sum += part[k];
    return sum;
}

static void NAME(plane_forward)(const apus__conv *c, void *plane, const void *input, const void *kernel) {
    const int64_t block = 8; // rows that stay in the first cache while all weights pass
    for (int64_t first = 0; first < c->out[0]; first += block) {
        const T *weight = kernel;
        for (int64_t i = 0; i < c->kernel[0]; i++)
            for (int64_t j = 0; j < c->kernel[1]; j++, weight++) {
                tap t = conv_tap(c, i, j);
                int64_t last = smaller(t.y_high, first + block);
                for (int64_t y = larger(t.y_low, first); y < last; y++) {
                    const T *from = (const T *)input + (y * c->stride[0] + t.y_shift) * c->in[1] +
                                    t.x_low * c->stride[1] + t.x_shift;
                    NAME(add_scaled)
                    ((T *)plane + y * c->out[1] + t.x_low, from, *weight, c->stride[1], t.x_high - t.x_low);
                }
            }
    }
}

static void NAME(plane_input_grad)(const apus__conv *c, void *input, const void *grad, const void *kernel) {
    const T *weight = kernel;
    for (int64_t i = 0; i < c->kernel[0]; i++)
        for (int64_t j = 0; j < c->kernel[1]; j++, weight++) {
            tap t = conv_tap(c, i, j);
            for (int64_t y = t.y_low; y < t.y_high; y++) {
                T *to = (T *)input + (y * c->stride[0] + t.y_shift) * c->in[1] + t.x_low * c->stride[1] + t.x_shift;
                const T *from = (const T *)grad + y * c->out[1] + t.x_low;
                NAME(add_scaled_apart)(to, from, *weight, c->stride[1], t.x_high - t.x_low);
            }
        }
}

static void NAME(plane_kernel_grad)(const apus__conv *c, void *kernel, const void *grad, const void *input) {
    T *weight = kernel;
    for (int64_t i = 0; i < c->kernel[0]; i++)
        for (int64_t j = 0; j < c->kernel[1]; j++, weight++) {
            tap t = conv_tap(c, i, j);
            for (int64_t y = t.y_low; y < t.y_high; y++) {
                const T *from =
                    (const T *)input + (y * c->stride[0] + t.y_shift) * c->in[1] + t.x_low * c->stride[1] + t.x_shift;
                *weight += NAME(dot)((const T *)grad + y * c->out[1] + t.x_low, from, c->stride[1], t.x_high - t.x_low);
            }
        }
}

static const apus__conv_kernels NAME(KERNELS) = {
    .gather = NAME(gather),
    .scatter = NAME(scatter),
    .fill = NAME(fill),
    .add = NAME(add),
    .plane_forward = NAME(plane_forward),
    .plane_input_grad = NAME(plane_input_grad),
    .plane_kernel_grad = NAME(plane_kernel_grad),
};
