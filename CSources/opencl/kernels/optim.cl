R"CLSRC(
// Optimizer steps, one pass over the parameter and its state, in the order of operations of cpu/simd/optim_type.h. An
// item takes `chunk` elements: a run of vectors (CPU class) or one vector.

static inline V load_some(const global S *p, long count) {
    if (count >= W) return LOADV(p, 0);
    T part[W];
    for (int i = 0; i < W; i++) part[i] = p[min((long)i, count - 1)];
    return VLOAD(0, part);
}
static inline void store_some(global S *p, long count, V v) {
    if (count >= W) {
        STOREV(p, 0, v);
        return;
    }
    T part[W];
    VSTORE(v, 0, part);
    for (int i = 0; i < count; i++) p[i] = part[i];
}

// The gradient as the step sees it: turned round to maximize, with weight decay.
static inline V seen(V g, V p, int maximize, T decay) {
    g = maximize ? -g : g;
    return decay != 0 ? g + decay * p : g;
}

kernel void sgd_step(long n, long chunk, global S *param, long param_at, const global S *grad, long grad_at,
                     global S *momentum, long momentum_at, T rate, T decay, T keep, T add, int maximize, int first_step,
                     int nesterov) {
    long start = (long)get_global_id(0) * chunk, end = min(start + chunk, n);
    for (long i = start; i < end; i += W) {
        V p = load_some(param + param_at + i, n - i), g = seen(load_some(grad + grad_at + i, n - i), p, maximize, decay);
        if (momentum != 0) {
            global S *m = momentum + momentum_at + i;
            V v = first_step ? g : load_some(m, n - i) * keep + add * g;
            store_some(m, n - i, v);
            g = nesterov ? g + keep * v : v;
        }
        store_some(param + param_at + i, n - i, p - rate * g);
    }
}

kernel void adam_step(long n, long chunk, global S *param, long param_at, const global S *grad, long grad_at,
                      global S *first, long first_at, global S *second, long second_at, global S *greatest,
                      long greatest_at, T decay, T shrink, T eps, T step, T weight1, T keep2, T weight2, T correction,
                      int maximize) {
    long start = (long)get_global_id(0) * chunk, end = min(start + chunk, n);
    T keep1 = 1 - weight1;
    for (long i = start; i < end; i += W) {
        V p = load_some(param + param_at + i, n - i), g = seen(load_some(grad + grad_at + i, n - i), p, maximize, decay);
        V m = load_some(first + first_at + i, n - i), v = load_some(second + second_at + i, n - i);
        // lerp, exact at both ends
        m = weight1 < (T)0.5f ? m + weight1 * (g - m) : g - (g - m) * keep1;
        v = v * keep2 + weight2 * g * g;
        store_some(first + first_at + i, n - i, m);
        store_some(second + second_at + i, n - i, v);
        if (greatest != 0) {
            V before = load_some(greatest + greatest_at + i, n - i);
            v = before > v || before != before ? before : v; // a NaN stays
            store_some(greatest + greatest_at + i, n - i, v);
        }
        store_some(param + param_at + i, n - i, p * shrink - step * m / (sqrt(v) / correction + eps));
    }
}
)CLSRC"
