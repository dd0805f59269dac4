// Attention and its gradients: against plain loops over double.
#include "check.h"

static const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16, APUS_DTYPE_bfloat16};
enum { DTYPES = 4 };
static const double tolerances[DTYPES] = {2e-5, 1e-12, 8e-3, 6e-2};

/// Numbers between -1 and 1 that all dtypes hold, different for each seed.
static apus_tensor *make(apus_dtype dtype, int32_t rank, const int64_t *shape, uint64_t seed) {
    int64_t n = 1;
    for (int32_t d = 0; d < rank; d++) n *= shape[d];
    double *values = malloc(sizeof(double) * (size_t)n + 1);
    uint64_t state = 88172645463325252ull + seed * 7919;
    for (int64_t i = 0; i < n; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        values[i] = (double)(int64_t)(state % 255) / 128 - 1;
    }
    apus_tensor *wide = NULL, *t = NULL;
    CHECK_OK(apus_tensor_from_data(&wide, APUS_DTYPE_float64, rank, shape, values, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&t, wide, dtype, APUS_DEVICE_CPU));
    apus_tensor_release(wide);
    free(values);
    return t;
}

static double *read_all(const apus_tensor *t) {
    if (t == NULL) return NULL;
    size_t bytes = sizeof(double) * (size_t)apus_tensor_numel(t);
    double *values = malloc(bytes + 1);
    CHECK_OK(apus_tensor_read(t, APUS_DTYPE_float64, values, bytes));
    return values;
}

/// Checks values and releases the tensor.
static void check_values(const char *what, apus_tensor *t, const double *expected, int64_t count, double tol) {
    CHECK(apus_tensor_numel(t) == count);
    double *values = read_all(t);
    int64_t wrong = -1;
    for (int64_t i = 0; i < count && wrong < 0; i++)
        if (!check_close(values[i], expected[i], tol)) wrong = i;
    CHECK(wrong < 0);
    if (wrong >= 0)
        printf("  %s: element %lld is %.9g, expected %.9g\n", what, (long long)wrong, values[wrong], expected[wrong]);
    free(values);
    apus_tensor_release(t);
}

static double *room(int64_t n) { return calloc((size_t)n + 1, sizeof(double)); }

// ---- The definition

/// Sizes, and values in row-major order; heads of k and v are shared by H / G heads of q.
typedef struct problem {
    int64_t batch, heads, shared, queries, keys, width, value_width;
    double scale;
    bool causal;
    const double *q, *k, *v, *grad;
    const double *mask; ///< added; NULL for none
    int64_t mask_shape[4];
    double *out, *logsumexp, *dq, *dk, *dv;
} problem;

static double mask_at(const problem *p, int64_t b, int64_t h, int64_t i, int64_t j) {
    if (p->causal && j > i) return -INFINITY;
    if (p->mask == NULL) return 0;
    const int64_t at[4] = {b, h, i, j};
    int64_t place = 0;
    for (int d = 0; d < 4; d++) place = place * p->mask_shape[d] + (p->mask_shape[d] == 1 ? 0 : at[d]);
    return p->mask[place];
}

static double dot(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void solve_row(const problem *p, int64_t b, int64_t h, int64_t i, double *w) {
    int64_t head = b * p->heads + h, shared = b * p->shared + h / (p->heads / p->shared), row = head * p->queries + i;
    const double *q = p->q + row * p->width, *k = p->k + shared * p->keys * p->width;
    const double *v = p->v + shared * p->keys * p->value_width, *grad = p->grad + row * p->value_width;
    double *out = p->out + row * p->value_width, high = -INFINITY, total = 0;
    for (int64_t j = 0; j < p->keys; j++) {
        w[j] = p->scale * dot(q, k + j * p->width, p->width) + mask_at(p, b, h, i, j);
        high = fmax(high, w[j]);
    }
    for (int64_t j = 0; j < p->keys; j++) {
        w[j] = high == -INFINITY ? 0 : exp(w[j] - high);
        total += w[j];
    }
    p->logsumexp[row] = high + log(total);
    for (int64_t j = 0; j < p->keys; j++) {
        if (total != 0) w[j] /= total;
        for (int64_t e = 0; e < p->value_width; e++) out[e] += w[j] * v[j * p->value_width + e];
    }
    double mean = dot(grad, out, p->value_width);
    for (int64_t j = 0; j < p->keys; j++) {
        double ds = p->scale * w[j] * (dot(grad, v + j * p->value_width, p->value_width) - mean);
        for (int64_t e = 0; e < p->width; e++) {
            p->dq[row * p->width + e] += ds * k[j * p->width + e];
            p->dk[(shared * p->keys + j) * p->width + e] += ds * q[e];
        }
        for (int64_t e = 0; e < p->value_width; e++)
            p->dv[(shared * p->keys + j) * p->value_width + e] += w[j] * grad[e];
    }
}

static void solve(const problem *p) {
    double *w = room(p->keys);
    for (int64_t b = 0; b < p->batch; b++)
        for (int64_t h = 0; h < p->heads; h++)
            for (int64_t i = 0; i < p->queries; i++) solve_row(p, b, h, i, w);
    free(w);
}

// ---- Cases

typedef struct sizes {
    int64_t batch, heads, shared, queries, keys, width, value_width;
} sizes;

enum { MASKS = 6 };

/// No mask; bool for all; bool for keys of a sample; floats for queries and keys; floats for queries; a row that sees
/// nothing.
static apus_tensor *make_mask(int which, apus_dtype dtype, const sizes *s, int64_t shape[4]) {
    const int64_t shapes[MASKS][4] = {{0},
                                      {s->batch, s->heads, s->queries, s->keys},
                                      {s->batch, 1, 1, s->keys},
                                      {1, 1, s->queries, s->keys},
                                      {1, s->heads, s->queries, 1},
                                      {1, 1, s->queries, s->keys}};
    memcpy(shape, shapes[which], 4 * sizeof *shape);
    if (which == 0) return NULL;
    if (which == 3 || which == 4) return make(dtype, which == 3 ? 2 : 4, shape + (which == 3 ? 2 : 0), 9);
    int64_t n = shape[0] * shape[1] * shape[2] * shape[3];
    bool *values = malloc((size_t)n + 1);
    for (int64_t i = 0; i < n; i++) values[i] = which == 5 ? i >= s->keys : (i * 7 + i / 3) % 4 != 1;
    apus_tensor *mask = NULL;
    CHECK_OK(apus_tensor_from_data(&mask, APUS_DTYPE_bool, 4, shape, values, APUS_DEVICE_CPU));
    free(values);
    return mask;
}

static double *mask_values(const apus_tensor *mask) {
    double *values = read_all(mask);
    for (int64_t i = 0; mask != NULL && i < apus_tensor_numel(mask); i++)
        if (apus_tensor_dtype(mask) == APUS_DTYPE_bool) values[i] = values[i] != 0 ? 0 : -INFINITY;
    return values;
}

/// As heads often are: made as [batch, length, heads, width].
static apus_tensor *make_heads(apus_dtype dtype, const int64_t shape[4], uint64_t seed, bool turned) {
    const int64_t other[] = {shape[0], shape[2], shape[1], shape[3]};
    if (!turned) return make(dtype, 4, shape, seed);
    apus_tensor *base = make(dtype, 4, other, seed), *t = NULL;
    CHECK_OK(apus_tensor_transpose(&t, base, 1, 2));
    apus_tensor_release(base);
    return t;
}

static void check_case(int kind, const sizes *s, int which, bool causal, bool turned) {
    const int64_t q_shape[] = {s->batch, s->heads, s->queries, s->width};
    const int64_t k_shape[] = {s->batch, s->shared, s->keys, s->width};
    const int64_t v_shape[] = {s->batch, s->shared, s->keys, s->value_width};
    const int64_t out_shape[] = {s->batch, s->heads, s->queries, s->value_width};
    apus_dtype dtype = dtypes[kind];
    problem p = {.batch = s->batch,
                 .heads = s->heads,
                 .shared = s->shared,
                 .queries = s->queries,
                 .keys = s->keys,
                 .width = s->width,
                 .value_width = s->value_width,
                 .scale = 0.7,
                 .causal = causal};
    apus_tensor *q = make_heads(dtype, q_shape, 1, turned), *k = make_heads(dtype, k_shape, 2, turned);
    apus_tensor *v = make_heads(dtype, v_shape, 3, turned), *grad = make_heads(dtype, out_shape, 4, turned);
    apus_tensor *mask = make_mask(which, dtype, s, p.mask_shape), *out = NULL, *sums = NULL;
    double *values[] = {read_all(q), read_all(k), read_all(v), read_all(grad), mask_values(mask)};
    p.q = values[0], p.k = values[1], p.v = values[2], p.grad = values[3], p.mask = values[4];
    int64_t rows = s->batch * s->heads * s->queries, shared = s->batch * s->shared * s->keys;
    p.out = room(rows * s->value_width), p.logsumexp = room(rows), p.dq = room(rows * s->width);
    p.dk = room(shared * s->width), p.dv = room(shared * s->value_width);
    solve(&p);
    CHECK_OK(apus_attention(&out, &sums, q, k, v, mask, p.scale, causal));
    CHECK(apus_tensor_dtype(out) == dtype);
    for (int wanted = 1; wanted < 8; wanted += wanted == 1 ? 3 : wanted == 4 ? 3 : 1) {
        apus_tensor *dq = NULL, *dk = NULL, *dv = NULL;
        CHECK_OK(apus_attention_backward(wanted & 1 ? &dq : NULL, wanted & 2 ? &dk : NULL, wanted & 4 ? &dv : NULL,
                                         grad, q, k, v, mask, out, sums, p.scale, causal));
        double tol = tolerances[kind] * sqrt((double)s->queries);
        if (dq != NULL) check_values("dq", dq, p.dq, rows * s->width, tol);
        if (dk != NULL) check_values("dk", dk, p.dk, shared * s->width, tol);
        if (dv != NULL) check_values("dv", dv, p.dv, shared * s->value_width, tol);
    }
    check_values("out", out, p.out, rows * s->value_width, tolerances[kind]);
    check_values("logsumexp", sums, p.logsumexp, rows, tolerances[kind]);
    for (int i = 0; i < 5; i++) free(values[i]);
    free(p.out), free(p.logsumexp), free(p.dq), free(p.dk), free(p.dv);
    apus_tensor_release(q);
    apus_tensor_release(k);
    apus_tensor_release(v);
    apus_tensor_release(grad);
    apus_tensor_release(mask);
}

/// Within a tile, over several, many heads and few, shared heads, no keys.
static void test_cases(void) {
    static const sizes all[] = {{1, 1, 1, 1, 1, 1, 1},     {2, 3, 3, 5, 7, 4, 6},   {2, 4, 2, 130, 33, 8, 8},
                                {1, 2, 1, 150, 300, 5, 3}, {3, 6, 6, 9, 17, 16, 1}, {3, 6, 3, 140, 270, 3, 4}};
    for (int kind = 0; kind < DTYPES; kind++)
        for (int s = 0; s < 6; s++)
            for (int which = 0; which < MASKS; which++)
                for (int causal = 0; causal < 2; causal++) check_case(kind, &all[s], which, causal, (s + which) % 2);
}

/// Fewer dims, and nothing to attend to.
static void test_shapes(void) {
    const int64_t flat[] = {3, 4}, none[] = {0, 4}, empty[] = {0, 2, 3, 4}, heads[] = {0, 1, 5, 4};
    apus_tensor *q = make(APUS_DTYPE_float32, 2, flat, 1), *k = make(APUS_DTYPE_float32, 2, none, 1);
    apus_tensor *out = NULL, *sums = NULL, *again = NULL, *dq = NULL, *dk = NULL;
    CHECK_OK(apus_attention(&out, &sums, q, q, q, NULL, 0.5, true));
    CHECK(apus_tensor_rank(out) == 2 && apus_tensor_rank(sums) == 1);
    for (int64_t i = 0; i < 4; i++) CHECK(check_at(out, i) == check_at(q, i)); // the first sees itself alone
    CHECK_OK(apus_attention(&again, NULL, q, k, k, NULL, 0.5, false));
    for (int64_t i = 0; i < 12; i++) CHECK(check_at(again, i) == 0);
    CHECK_OK(apus_attention_backward(&dq, &dk, NULL, q, q, k, k, NULL, again, sums, 0.5, false));
    for (int64_t i = 0; i < 12; i++) CHECK(check_at(dq, i) == 0);
    CHECK(apus_tensor_numel(dk) == 0);
    CHECK_OK(apus_attention(&q, NULL, q, q, q, NULL, 0.5, true)); // in place
    for (int64_t i = 0; i < 12; i++) CHECK(check_at(q, i) == check_at(out, i));
    apus_tensor *e = make(APUS_DTYPE_float32, 4, empty, 1), *f = make(APUS_DTYPE_float32, 4, heads, 1), *nothing = NULL;
    CHECK_OK(apus_attention(&nothing, NULL, e, f, f, NULL, 0.5, false));
    CHECK(apus_tensor_numel(nothing) == 0);
    apus_tensor *all[] = {q, k, out, sums, again, dq, dk, e, f, nothing};
    for (int i = 0; i < 10; i++) apus_tensor_release(all[i]);
}

static void test_errors(void) {
    const int64_t s[] = {2, 4, 3, 4}, other_heads[] = {2, 3, 3, 4}, wide[] = {2, 4, 3, 5}, long_mask[] = {2, 3},
                  row[] = {4};
    const int64_t no_width[] = {3, 0};
    apus_tensor *q = make(APUS_DTYPE_float32, 4, s, 1), *d = make(APUS_DTYPE_float64, 4, s, 1), *out = NULL,
                *sums = NULL;
    apus_tensor *h = make(APUS_DTYPE_float32, 4, other_heads, 1), *w = make(APUS_DTYPE_float32, 4, wide, 1);
    apus_tensor *m = make(APUS_DTYPE_float32, 2, long_mask, 1), *v = make(APUS_DTYPE_float32, 1, row, 1), *ints = NULL;
    apus_tensor *z = make(APUS_DTYPE_float32, 2, no_width, 1), *dq = NULL;
    CHECK_OK(apus_tensor_to(&ints, q, APUS_DTYPE_int64, APUS_DEVICE_CPU));
    CHECK_STATUS(apus_attention(&out, &sums, q, NULL, q, NULL, 1, false), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_attention(NULL, &sums, q, q, q, NULL, 1, false), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_attention(&out, &sums, q, d, q, NULL, 1, false), APUS_STATUS_dtype);
    CHECK_STATUS(apus_attention(&out, &sums, ints, ints, ints, NULL, 1, false), APUS_STATUS_dtype);
    CHECK_STATUS(apus_attention(&out, &sums, q, q, q, ints, 1, false), APUS_STATUS_dtype);
    CHECK_STATUS(apus_attention(&out, &sums, q, h, h, NULL, 1, false), APUS_STATUS_shape);
    CHECK_STATUS(apus_attention(&out, &sums, q, w, q, NULL, 1, false), APUS_STATUS_shape);
    CHECK_STATUS(apus_attention(&out, &sums, q, q, q, m, 1, false), APUS_STATUS_shape);
    CHECK_STATUS(apus_attention(&out, &sums, v, v, v, NULL, 1, false), APUS_STATUS_shape);
    CHECK_STATUS(apus_attention(&out, &sums, z, z, z, NULL, 1, false), APUS_STATUS_shape);
    CHECK_STATUS(apus_attention(&out, &w, q, q, q, NULL, 1, false), APUS_STATUS_shape);
    CHECK(out == NULL && sums == NULL);
    CHECK_OK(apus_attention(&out, &sums, q, q, q, NULL, 1, false));
    CHECK_STATUS(apus_attention_backward(&dq, NULL, NULL, w, q, q, q, NULL, out, sums, 1, false), APUS_STATUS_shape);
    CHECK_STATUS(apus_attention_backward(&dq, NULL, NULL, q, q, q, q, NULL, out, q, 1, false), APUS_STATUS_shape);
    CHECK_STATUS(apus_attention_backward(&dq, NULL, NULL, q, q, q, q, NULL, out, NULL, 1, false),
                 APUS_STATUS_null_argument);
    CHECK_STATUS(apus_attention_backward(&dq, &w, NULL, q, q, q, q, NULL, out, sums, 1, false), APUS_STATUS_shape);
    CHECK(dq == NULL);
    apus_tensor *all[] = {q, d, out, sums, h, w, m, v, ints, z};
    for (int i = 0; i < 10; i++) apus_tensor_release(all[i]);
}

static bool same_bits(const apus_tensor *a, const apus_tensor *b) {
    size_t bytes = (size_t)apus_tensor_numel(a) * apus_dtype_size(apus_tensor_dtype(a));
    return memcmp(apus_tensor_data(a), apus_tensor_data(b), bytes) == 0;
}

static void test_threads(void) {
    static const int64_t shapes[][3] = {{2, 300, 16}, {12, 300, 16}};
    for (int s = 0; s < 2; s++) {
        apus_tensor *q = make(APUS_DTYPE_float32, 3, shapes[s], 1), *k = make(APUS_DTYPE_float32, 3, shapes[s], 2);
        apus_tensor *results[2][5] = {{NULL}};
        for (int t = 0; t < 2; t++) {
            apus_tensor **r = results[t];
            apus_set_num_threads(1 + 3 * t);
            CHECK_OK(apus_attention(&r[0], &r[1], q, k, q, NULL, 0.25, true));
            CHECK_OK(apus_attention_backward(&r[2], &r[3], &r[4], k, q, k, q, NULL, r[0], r[1], 0.25, true));
        }
        for (int i = 0; i < 5; i++) {
            CHECK(same_bits(results[0][i], results[1][i]));
            apus_tensor_release(results[0][i]);
            apus_tensor_release(results[1][i]);
        }
        apus_tensor_release(q);
        apus_tensor_release(k);
    }
    apus_set_num_threads(0);
}

int main(void) {
    static const char *const sets[] = {"baseline", "avx2", "avx512", "neon"};
    char best[16];
    snprintf(best, sizeof best, "%s", apus_cpu_isa());
    for (int i = 0; i < 4; i++)
        if (apus_cpu_set_isa(sets[i]) == APUS_STATUS_ok) test_cases();
    CHECK_OK(apus_cpu_set_isa(best));
    test_shapes();
    test_errors();
    test_threads();
    check_no_leaks();
    return check_result("attention");
}
