R"CLSRC(
// Behind pool.cl: averages.

// How many elements a window counts along one dim.
static inline long extent(const pooling *p, long i, long size, long kernel_, long stride, long padding) {
    const long start = i * stride - padding, end = min(start + kernel_, size + padding);
    return p->count_include_pad ? end - start : min(end, size) - max(start, 0L);
}

static inline void average_element(const pooling *p, global T *out, const global T *in, long y, long x) {
    const span rows = window(y, p->in_height, p->kernel_y, p->stride_y, p->padding_y, 1);
    const span columns = window(x, p->in_width, p->kernel_x, p->stride_x, p->padding_x, 1);
    T sum = 0;
    for (long i = rows.begin; i < rows.end; i++)
        for (long j = columns.begin; j < columns.end; j++) sum += in[i * p->in_width + j];
    out[y * p->out_width + x] = sum / (T)(extent(p, y, p->in_height, p->kernel_y, p->stride_y, p->padding_y) *
                                          extent(p, x, p->in_width, p->kernel_x, p->stride_x, p->padding_x));
}

// The windows that an element of the image is in: [begin, end) along one dim.
static inline span windows(long i, long count, long kernel_, long stride, long padding) {
    const long at = i + padding;
    return (span){at < kernel_ ? 0 : (long)divide(at - kernel_, stride) + 1, min(count, (long)divide(at, stride) + 1)};
}

static inline void average_backward_element(const pooling *p, global T *out, const global T *grad, long y, long x) {
    const span rows = windows(y, p->out_height, p->kernel_y, p->stride_y, p->padding_y);
    const span columns = windows(x, p->out_width, p->kernel_x, p->stride_x, p->padding_x);
    T sum = 0;
    for (long i = rows.begin; i < rows.end; i++)
        for (long j = columns.begin; j < columns.end; j++)
            sum += grad[i * p->out_width + j] /
                   (T)(extent(p, i, p->in_height, p->kernel_y, p->stride_y, p->padding_y) *
                       extent(p, j, p->in_width, p->kernel_x, p->stride_x, p->padding_x));
    out[y * p->in_width + x] = sum;
}

kernel void average_pool(const pooling GIVEN(p), global T *out, long out_at, const global T *in, long in_at,
                         long chunk) {
    TAKE(pooling, p);
    EACH_ELEMENT(p.out_height, p.out_width,
                 average_element(&p, out + out_at + plane * OUT_SIZE, in + in_at + plane * IN_SIZE, y, x))
}

kernel void average_pool_backward(const pooling GIVEN(p), global T *out, long out_at, const global T *grad,
                                  long grad_at, long chunk) {
    TAKE(pooling, p);
    EACH_ELEMENT(p.in_height, p.in_width,
                 average_backward_element(&p, out + out_at + plane * IN_SIZE, grad + grad_at + plane * OUT_SIZE, y, x))
}
)CLSRC"
