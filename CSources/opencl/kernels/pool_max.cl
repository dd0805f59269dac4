R"CLSRC(
// Behind pool.cl: maxima. PyTorch's rule: later elements win when greater or NaN; an index is that of the winner.

// The second of two elements and their places wins.
static inline void let_win(T *best, long *place, T value, long at) {
    const bool wins = value > *best || value != value;
    *best = wins ? value : *best;
    *place = wins ? at : *place;
}

static inline void max_element(const pooling *p, global T *out, global long *index, const global T *in, long y,
                               long x) {
    const span rows = window(y, p->in_height, p->kernel_y, p->stride_y, p->padding_y, p->dilation_y);
    const span columns = window(x, p->in_width, p->kernel_x, p->stride_x, p->padding_x, p->dilation_x);
    T best = -INFINITY;
    // A dilated window may miss a small image altogether, and its index must still be one of the plane.
    long place = min(rows.begin, p->in_height - 1) * p->in_width + min(columns.begin, p->in_width - 1);
    for (long i = rows.begin; i < rows.end; i += p->dilation_y)
        for (long j = columns.begin; j < columns.end; j += p->dilation_x) {
            const long at = i * p->in_width + j;
            let_win(&best, &place, in[at], at);
        }
    out[y * p->out_width + x] = best;
    if (index != 0) index[y * p->out_width + x] = place;
}

// The usual window: two by two, without padding.
static inline void max_of_four(const pooling *p, global T *out, global long *index, const global T *in, long y,
                               long x) {
    const long at = y * p->stride_y * p->in_width + x * p->stride_x;
    T best = -INFINITY;
    long place = at;
    let_win(&best, &place, in[at], at);
    let_win(&best, &place, in[at + 1], at + 1);
    let_win(&best, &place, in[at + p->in_width], at + p->in_width);
    let_win(&best, &place, in[at + p->in_width + 1], at + p->in_width + 1);
    out[y * p->out_width + x] = best;
    if (index != 0) index[y * p->out_width + x] = place;
}

#define MAX_POOL(name, element)                                                                                        \
    kernel void name(const pooling GIVEN(p), global T *out, long out_at, global long *indices, long indices_at,        \
                     const global T *in, long in_at, long chunk) {                                                     \
        TAKE(pooling, p);                                                                                              \
        EACH_ELEMENT(p.out_height, p.out_width,                                                                        \
                     element(&p, out + out_at + plane * OUT_SIZE,                                                      \
                             indices == 0 ? 0 : indices + indices_at + plane * OUT_SIZE,                               \
                             in + in_at + plane * IN_SIZE, y, x))                                                      \
    }
MAX_POOL(max_pool, max_element)
MAX_POOL(max_pool_of_four, max_of_four)

// Any indices will do, several outputs may name one: a plane is an item's, in order. A wrong index is told in `bad`.
kernel void max_pool_backward(const pooling GIVEN(p), global T *out, long out_at, const global T *grad, long grad_at,
                              const global long *indices, long indices_at, global int *bad, long bad_at, long chunk) {
    TAKE(pooling, p);
    const long first = get_global_id(0) * chunk, last = min(p.planes, first + chunk);
    for (long plane = first; plane < last; plane++) {
        global T *to = out + out_at + plane * IN_SIZE;
        const global T *from = grad + grad_at + plane * OUT_SIZE;
        const global long *index = indices + indices_at + plane * OUT_SIZE;
        for (long i = 0; i < IN_SIZE; i++) to[i] = 0;
        for (long i = 0; i < OUT_SIZE; i++) {
            if (index[i] < 0 || index[i] >= IN_SIZE)
                bad[bad_at] = 1;
            else
                to[index[i]] += from[i];
        }
    }
}

kernel void clear_flag(global int *bad, long bad_at) {
    if (get_global_id(0) == 0) bad[bad_at] = 0;
}
)CLSRC"
