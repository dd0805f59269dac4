// Included by optim.h once for each float type: T, NAME(x), SQRT. Options are asked inside the loops, where they cost
// nothing next to the memory traffic: compilers make them selections, or loops of their own.

/// The gradient as the step sees it: turned round to maximize, with weight decay.
static inline __attribute__((always_inline)) T NAME(seen)(T g, T p, bool maximize, T decay) {
    g = maximize ? -g : g;
    return decay != 0 ? g + decay * p : g;
}

static void NAME(sgd_plain)(const apus__sgd *s, int64_t n, T *param, const T *grad) {
    T rate = (T)s->rate, decay = (T)s->decay;
    bool maximize = s->maximize;
    for (int64_t i = 0; i < n; i++) param[i] -= rate * NAME(seen)(grad[i], param[i], maximize, decay);
}

static void NAME(sgd)(const apus__sgd *s, int64_t n, void *param, const void *grad, void *momentum) {
    if (momentum == NULL) {
        NAME(sgd_plain)(s, n, param, grad);
        return;
    }
    T *p = param, *m = momentum;
    const T *gradient = grad;
    T rate = (T)s->rate, decay = (T)s->decay, keep = (T)s->momentum, add = (T)s->undampened;
    bool maximize = s->maximize, first = s->first_step, nesterov = s->nesterov;
    for (int64_t i = 0; i < n; i++) {
        T g = NAME(seen)(gradient[i], p[i], maximize, decay);
        T v = first ? g : m[i] * keep + add * g;
        m[i] = v;
        p[i] -= rate * (nesterov ? g + keep * v : v);
    }
}

/// `greatest` is NULL in one of its two copies.
static inline __attribute__((always_inline)) void NAME(adam_body)(const apus__adam *s, int64_t n, T *p, const T *grad,
                                                                  T *first, T *second, T *greatest) {
    T decay = (T)s->decay, shrink = (T)s->shrink, eps = (T)s->eps, step = (T)s->step_size;
    T weight1 = (T)(1 - s->beta1), keep1 = (T)1 - weight1, keep2 = (T)s->beta2, weight2 = (T)(1 - s->beta2);
    T correction = (T)s->root_correction;
    bool maximize = s->maximize, near = weight1 < (T)0.5;
    for (int64_t i = 0; i < n; i++) {
        T g = NAME(seen)(grad[i], p[i], maximize, decay), m = first[i];
        // lerp, exact at both ends
        m = near ? m + weight1 * (g - m) : g - (g - m) * keep1;
        T v = second[i] * keep2 + weight2 * g * g;
        first[i] = m;
        second[i] = v;
        if (greatest != NULL) {
            T before = greatest[i];
            v = before > v || before != before ? before : v; // a NaN stays
            greatest[i] = v;
        }
        p[i] = p[i] * shrink - step * m / (SQRT(v) / correction + eps);
    }
}

static void NAME(adam)(const apus__adam *s, int64_t n, void *param, const void *grad, void *first, void *second,
                       void *greatest) {
    if (greatest == NULL)
        NAME(adam_body)(s, n, param, grad, first, second, NULL);
    else
        NAME(adam_body)(s, n, param, grad, first, second, greatest);
}
