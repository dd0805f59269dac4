// Pooling and its gradients against their definitions, window by window.
#include <pthread.h>
#include <stdint.h>

#include "check.h"

static uint32_t seed = 1;
static int random_below(int n) {
    seed = seed * 1664525u + 1013904223u;
    return (int)(seed >> 16) % n;
}

enum { SIZE = sizeof(apus_pool2d_options) };

typedef struct geometry {
    int64_t batch, channels, in[2];
    apus_pool2d_options options;
} geometry;

#define G(n, c, h, w, k0, k1, s, p, d, ceil, include)                                                                  \
    {                                                                                                                  \
        n, c, {h, w}, { SIZE, {k0, k1}, {s, s}, {p, p}, {d, d}, ceil, include }                                        \
    }

static const geometry geometries[] = {
    G(1, 1, 1, 1, 1, 1, 1, 0, 1, false, true),    G(2, 3, 8, 8, 2, 2, 2, 0, 1, false, true),
    G(2, 3, 28, 28, 2, 2, 2, 0, 1, false, true),  G(2, 3, 9, 11, 3, 3, 2, 1, 1, false, true),
    G(2, 3, 9, 11, 3, 3, 2, 1, 1, false, false),  G(2, 3, 10, 12, 3, 3, 2, 1, 1, true, true),
    G(2, 3, 10, 12, 3, 3, 2, 1, 1, true, false),  G(2, 3, 10, 12, 2, 3, 3, 1, 1, true, false),
    G(1, 2, 7, 7, 2, 2, 2, 1, 1, true, true),     G(1, 2, 7, 7, 7, 7, 1, 0, 1, false, true),
    G(1, 2, 12, 14, 3, 3, 1, 1, 2, false, true),  G(1, 2, 12, 14, 3, 2, 3, 1, 2, true, true),
    G(1, 1, 40, 600, 3, 3, 1, 1, 1, false, true), G(1, 1, 5, 1200, 2, 2, 2, 0, 1, true, false),
    G(0, 3, 6, 6, 2, 2, 2, 0, 1, false, true),
};

#define COUNT (sizeof geometries / sizeof geometries[0])

/// Small halves, so that equal elements meet in a window; NaN and -inf among them where `special`.
static apus_tensor *make(apus_dtype dtype, int32_t rank, const int64_t *shape, bool special, bool spread) {
    int64_t whole[4], n = 1;
    for (int32_t i = 0; i < rank; i++) n *= whole[i] = shape[i] * (spread && i == rank - 1 ? 2 : 1);
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    for (int64_t i = 0; i < n; i++) {
        values[i] = (random_below(33) - 16) / 2.0;
        if (special && random_below(12) == 0) values[i] = NAN;
        if (special && random_below(3) == 0) values[i] = -INFINITY;
    }
    apus_tensor *all = NULL, *t = NULL, *part = NULL;
    CHECK_OK(apus_tensor_from_data(&all, APUS_DTYPE_float64, rank, whole, values, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&t, all, dtype, APUS_DEVICE_CPU));
    free(values);
    apus_tensor_release(all);
    if (!spread) return t;
    CHECK_OK(apus_tensor_slice(&part, t, rank - 1, 1, whole[rank - 1], 2));
    apus_tensor_release(t);
    return part;
}

static double *values_of(const apus_tensor *t) {
    size_t bytes = sizeof(double) * (size_t)apus_tensor_numel(t);
    double *values = malloc(bytes + 1);
    CHECK_OK(apus_tensor_read(t, APUS_DTYPE_float64, values, bytes));
    return values;
}

static int64_t output_size(const geometry *g, int i, bool dilated) {
    const apus_pool2d_options *o = &g->options;
    int64_t dilation = dilated ? o->dilation[i] : 1;
    double steps = (double)(g->in[i] + 2 * o->padding[i] - dilation * (o->kernel[i] - 1) - 1) / (double)o->stride[i];
    int64_t size = (int64_t)(o->ceil_mode ? ceil(steps) : floor(steps)) + 1;
    return o->ceil_mode && (size - 1) * o->stride[i] >= g->in[i] + o->padding[i] ? size - 1 : size;
}

/// The maximum of a window, and where it is.
static double window_max(const geometry *g, const double *plane, int64_t y, int64_t x, int64_t *index) {
    const apus_pool2d_options *o = &g->options;
    double best = -INFINITY;
    *index = -1;
    for (int64_t i = 0; i < o->kernel[0]; i++)
        for (int64_t j = 0; j < o->kernel[1]; j++) {
            int64_t iy = y * o->stride[0] - o->padding[0] + i * o->dilation[0];
            int64_t ix = x * o->stride[1] - o->padding[1] + j * o->dilation[1];
            if (iy < 0 || ix < 0 || iy >= g->in[0] || ix >= g->in[1]) continue;
            double v = plane[iy * g->in[1] + ix];
            if (*index < 0 || v > best || isnan(v)) best = v, *index = iy * g->in[1] + ix;
        }
    return best;
}

/// Adds the elements of a window, or `share` of `grad` to each.
static double window_average(const geometry *g, double *plane, int64_t y, int64_t x, const double *grad) {
    const apus_pool2d_options *o = &g->options;
    double sum = 0;
    int64_t inside = 0, padded = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < o->kernel[0]; i++)
            for (int64_t j = 0; j < o->kernel[1]; j++) {
                int64_t iy = y * o->stride[0] - o->padding[0] + i, ix = x * o->stride[1] - o->padding[1] + j;
                if (pass == 0) padded += iy < g->in[0] + o->padding[0] && ix < g->in[1] + o->padding[1];
                if (iy < 0 || ix < 0 || iy >= g->in[0] || ix >= g->in[1]) continue;
                if (pass == 0)
                    inside++, sum += plane[iy * g->in[1] + ix];
                else if (grad != NULL)
                    plane[iy * g->in[1] + ix] += *grad / (o->count_include_pad ? padded : inside);
            }
    return sum / (double)(o->count_include_pad ? padded : inside);
}

static void check_values(const apus_tensor *t, const double *expected, double tolerance) {
    double *actual = values_of(t);
    for (int64_t i = 0; i < apus_tensor_numel(t); i++) CHECK_CLOSE(actual[i], expected[i], tolerance);
    free(actual);
}

static void check_max(const geometry *g, apus_dtype dtype, int32_t rank, bool special, bool spread) {
    int64_t in[4] = {g->batch, g->channels, g->in[0], g->in[1]};
    int64_t out[4] = {g->batch, g->channels, output_size(g, 0, true), output_size(g, 1, true)};
    apus_tensor *input = make(dtype, rank, in + 4 - rank, special, spread), *result = NULL, *plain = NULL;
    apus_tensor *indices = NULL, *grad = make(dtype, rank, out + 4 - rank, false, spread), *dx = NULL;
    CHECK_OK(apus_max_pool2d(&result, &indices, input, &g->options));
    CHECK_OK(apus_max_pool2d(&plain, NULL, input, &g->options));
    CHECK(apus_tensor_dtype(result) == dtype && apus_tensor_dtype(indices) == APUS_DTYPE_int64);
    CHECK(memcmp(apus_tensor_shape(result), out + 4 - rank, sizeof(int64_t) * (size_t)rank) == 0);
    CHECK_OK(apus_max_pool2d_backward(&dx, grad, indices, rank, in + 4 - rank));
    double *x = values_of(input), *dy = values_of(grad);
    int64_t count = apus_tensor_numel(result), plane = out[2] * out[3], in_plane = in[2] * in[3];
    double *best = calloc((size_t)count + 1, sizeof(double));
    double *expected = calloc((size_t)apus_tensor_numel(input) + 1, sizeof(double));
    for (int64_t i = 0; i < count; i++) {
        int64_t at, p = i / plane;
        best[i] = window_max(g, x + p * in_plane, i % plane / out[3], i % out[3], &at);
        expected[p * in_plane + at] += dy[i];
        CHECK(((const int64_t *)apus_tensor_data(indices))[i] == at);
    }
    check_values(result, best, 0);
    check_values(plain, best, 0);
    check_values(dx, expected, dtype == APUS_DTYPE_bfloat16 ? 0.01 : 1e-3);
    free(x), free(dy), free(best), free(expected);
    apus_tensor_release(input), apus_tensor_release(result), apus_tensor_release(plain);
    apus_tensor_release(indices), apus_tensor_release(grad), apus_tensor_release(dx);
}

static void check_average(const geometry *g, apus_dtype dtype, int32_t rank, bool spread) {
    int64_t in[4] = {g->batch, g->channels, g->in[0], g->in[1]};
    int64_t out[4] = {g->batch, g->channels, output_size(g, 0, false), output_size(g, 1, false)};
    apus_tensor *input = make(dtype, rank, in + 4 - rank, false, spread), *result = NULL, *dx = NULL;
    apus_tensor *grad = make(dtype, rank, out + 4 - rank, false, spread);
    CHECK_OK(apus_avg_pool2d(&result, input, &g->options));
    CHECK_OK(apus_avg_pool2d_backward(&dx, grad, rank, in + 4 - rank, &g->options));
    CHECK(memcmp(apus_tensor_shape(result), out + 4 - rank, sizeof(int64_t) * (size_t)rank) == 0);
    double *x = values_of(input), *dy = values_of(grad);
    int64_t count = apus_tensor_numel(result), plane = out[2] * out[3], in_plane = in[2] * in[3];
    double *mean = calloc((size_t)count + 1, sizeof(double));
    double *expected = calloc((size_t)apus_tensor_numel(input) + 1, sizeof(double));
    for (int64_t i = 0; i < count; i++) {
        int64_t p = i / plane, at_y = i % plane / out[3], at_x = i % out[3];
        mean[i] = window_average(g, x + p * in_plane, at_y, at_x, NULL);
        window_average(g, expected + p * in_plane, at_y, at_x, &dy[i]);
    }
    double tolerance = dtype == APUS_DTYPE_bfloat16 ? 0.01 : dtype == APUS_DTYPE_float16 ? 1e-3 : 1e-5;
    check_values(result, mean, tolerance);
    check_values(dx, expected, tolerance);
    free(x), free(dy), free(mean), free(expected);
    apus_tensor_release(input), apus_tensor_release(result), apus_tensor_release(grad), apus_tensor_release(dx);
}

static void test_definitions(void) {
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16, APUS_DTYPE_bfloat16};
    for (size_t i = 0; i < COUNT; i++)
        for (size_t d = 0; d < 4; d++)
            for (int spread = 0; spread < 2; spread++) {
                const geometry *g = &geometries[i];
                int32_t rank = g->batch == 1 && spread ? 3 : 4;
                check_max(g, dtypes[d], rank, false, spread);
                check_max(g, dtypes[d], rank, true, spread);
                check_average(g, dtypes[d], rank, spread);
            }
}

static void test_instruction_sets(void) {
    const char *sets[] = {"baseline", "avx2", "avx512"}, *best = apus_cpu_isa();
    for (int s = 0; s < 3; s++) {
        if (apus_cpu_set_isa(sets[s]) != APUS_STATUS_ok) continue;
        for (size_t i = 0; i < COUNT; i++) {
            check_max(&geometries[i], APUS_DTYPE_float32, 4, true, false);
            check_average(&geometries[i], APUS_DTYPE_float32, 4, false);
        }
    }
    CHECK_OK(apus_cpu_set_isa(best));
}

static const apus_pool2d_options threes = {SIZE, {3, 3}, {2, 2}, {1, 1}, {1, 1}, false, true};

/// All four results in a row of bytes. The caller frees.
static char *results(const apus_tensor *x, const apus_tensor *dy, size_t *bytes) {
    apus_tensor *out[5] = {NULL};
    const int64_t *shape = apus_tensor_shape(x);
    bool ok = apus_max_pool2d(&out[0], &out[1], x, &threes) == APUS_STATUS_ok;
    ok &= apus_avg_pool2d(&out[2], x, &threes) == APUS_STATUS_ok;
    ok &= apus_max_pool2d_backward(&out[3], dy, out[1], 4, shape) == APUS_STATUS_ok;
    ok &= apus_avg_pool2d_backward(&out[4], dy, 4, shape, &threes) == APUS_STATUS_ok;
    *bytes = 0;
    char *all = malloc(64 << 20);
    for (int i = 0; i < 5; i++) {
        size_t size = ok ? (size_t)apus_tensor_numel(out[i]) * apus_dtype_size(apus_tensor_dtype(out[i])) : 0;
        memcpy(all + *bytes, apus_tensor_data(out[i]), size);
        *bytes += size;
        apus_tensor_release(out[i]);
    }
    return all;
}

typedef struct caller {
    const apus_tensor *x, *dy;
    const char *expected;
    bool same;
} caller;

static void *call_again(void *context) {
    caller *c = context;
    size_t bytes;
    char *all = results(c->x, c->dy, &bytes);
    c->same = bytes > 0 && memcmp(all, c->expected, bytes) == 0;
    free(all);
    return NULL;
}

static void test_threads_give_same_bits(void) {
    int64_t in[4] = {8, 16, 40, 40}, out[4] = {8, 16, 20, 20};
    apus_tensor *x = make(APUS_DTYPE_float32, 4, in, false, false),
                *dy = make(APUS_DTYPE_float32, 4, out, false, false);
    size_t bytes;
    apus_set_num_threads(1);
    char *expected = results(x, dy, &bytes);
    apus_set_num_threads(2);
    caller callers[4];
    pthread_t threads[4];
    for (int t = 0; t < 4; t++) callers[t] = (caller){.x = x, .dy = dy, .expected = expected};
    call_again(&callers[0]);
    CHECK(callers[0].same);
    for (int t = 0; t < 4; t++) CHECK(pthread_create(&threads[t], NULL, call_again, &callers[t]) == 0);
    for (int t = 0; t < 4; t++) {
        pthread_join(threads[t], NULL);
        CHECK(callers[t].same);
    }
    apus_set_num_threads(0);
    free(expected);
    apus_tensor_release(x), apus_tensor_release(dy);
}

static void test_out(void) {
    apus_pool2d_options same = {SIZE, {3, 3}, {1, 1}, {1, 1}, {1, 1}, false, true};
    int64_t shape[4] = {2, 2, 6, 6};
    apus_tensor *x = make(APUS_DTYPE_float32, 4, shape, false, false), *expected = NULL, *expected_at = NULL;
    apus_tensor *strided = make(APUS_DTYPE_float32, 4, shape, false, true), *at = NULL, *target = NULL;
    CHECK_OK(apus_max_pool2d(&expected, &expected_at, x, &same));
    CHECK_OK(apus_tensor_to(&at, expected_at, APUS_DTYPE_int64, APUS_DEVICE_CPU));
    CHECK_OK(apus_max_pool2d(&strided, &at, x, &same));
    target = apus_tensor_retain(x);
    CHECK_OK(apus_max_pool2d(&target, &at, x, &same)); // the output is the input
    double *a = values_of(expected), *b = values_of(strided), *c = values_of(target);
    CHECK(memcmp(a, b, sizeof(double) * 144) == 0);
    CHECK(memcmp(a, c, sizeof(double) * 144) == 0);
    CHECK(memcmp(apus_tensor_data(at), apus_tensor_data(expected_at), sizeof(int64_t) * 144) == 0);
    free(a), free(b), free(c);
    apus_tensor_release(x), apus_tensor_release(expected), apus_tensor_release(expected_at);
    apus_tensor_release(strided), apus_tensor_release(at), apus_tensor_release(target);
}

static void test_errors(void) {
    int64_t in[4] = {1, 2, 5, 5}, out[4] = {1, 2, 3, 3}, empty[4] = {1, 0, 5, 5};
    apus_tensor *x = make(APUS_DTYPE_float32, 4, in, false, false),
                *dy = make(APUS_DTYPE_float32, 4, out, false, false);
    apus_tensor *ints = make(APUS_DTYPE_int32, 4, in, false, false), *r = NULL, *at = NULL;
    apus_tensor *none = make(APUS_DTYPE_float32, 4, empty, false, false),
                *row = make(APUS_DTYPE_float32, 2, in + 2, false, false);
    apus_tensor *bad_at = make(APUS_DTYPE_int64, 4, out, false, false);
    CHECK_STATUS(apus_max_pool2d(NULL, NULL, x, &threes), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_max_pool2d(&r, NULL, NULL, &threes), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_max_pool2d(&r, NULL, x, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_avg_pool2d(&r, NULL, &threes), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_max_pool2d(&r, &at, ints, &threes), APUS_STATUS_dtype);
    CHECK_STATUS(apus_avg_pool2d(&r, ints, &threes), APUS_STATUS_dtype);
    CHECK_STATUS(apus_avg_pool2d(&r, none, &threes), APUS_STATUS_shape);
    CHECK_STATUS(apus_max_pool2d(&r, &at, row, &threes), APUS_STATUS_shape);
    const struct {
        apus_pool2d_options options;
        apus_status status;
    } bad[] = {
        {{SIZE - 1, {3, 3}, {2, 2}, {0, 0}, {1, 1}, false, true}, APUS_STATUS_invalid_argument},
        {{SIZE, {0, 3}, {2, 2}, {0, 0}, {1, 1}, false, true}, APUS_STATUS_invalid_argument},
        {{SIZE, {3, 3}, {2, 0}, {0, 0}, {1, 1}, false, true}, APUS_STATUS_invalid_argument},
        {{SIZE, {3, 3}, {2, 2}, {-1, 0}, {1, 1}, false, true}, APUS_STATUS_invalid_argument},
        {{SIZE, {3, 3}, {2, 2}, {2, 0}, {1, 1}, false, true}, APUS_STATUS_invalid_argument},
        {{SIZE, {6, 3}, {2, 2}, {0, 0}, {1, 1}, false, true}, APUS_STATUS_shape},
        {{SIZE, {INT64_MAX, 3}, {2, 2}, {0, 0}, {1, 1}, false, true}, APUS_STATUS_invalid_argument},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(apus_max_pool2d(&r, &at, x, &bad[i].options), bad[i].status);
        CHECK_STATUS(apus_avg_pool2d(&r, x, &bad[i].options), bad[i].status);
        CHECK_STATUS(apus_avg_pool2d_backward(&r, dy, 4, in, &bad[i].options), bad[i].status);
        CHECK(r == NULL && at == NULL);
    }
    apus_pool2d_options dilated = {SIZE, {3, 3}, {1, 1}, {0, 0}, {0, 1}, false, true};
    CHECK_STATUS(apus_max_pool2d(&r, NULL, x, &dilated), APUS_STATUS_invalid_argument);
    CHECK_OK(apus_avg_pool2d(&r, x, &dilated)); // has no dilation
    apus_tensor_release(r), r = NULL;
    CHECK_STATUS(apus_avg_pool2d_backward(&r, x, 4, in, &threes), APUS_STATUS_shape);
    CHECK_STATUS(apus_max_pool2d_backward(&r, dy, dy, 4, in), APUS_STATUS_dtype);
    CHECK_STATUS(apus_max_pool2d_backward(&r, x, bad_at, 4, in), APUS_STATUS_shape);
    CHECK_STATUS(apus_max_pool2d_backward(&r, dy, bad_at, 2, in), APUS_STATUS_shape);
    CHECK_STATUS(apus_max_pool2d_backward(&r, dy, bad_at, 4, in), APUS_STATUS_index); // some are negative
    CHECK(r == NULL);
    apus_tensor_release(x), apus_tensor_release(dy), apus_tensor_release(ints), apus_tensor_release(none);
    apus_tensor_release(row), apus_tensor_release(bad_at);
}

int main(void) {
    test_definitions();
    test_instruction_sets();
    test_threads_give_same_bits();
    test_out();
    test_errors();
    check_no_leaks();
    return check_result("pool");
}
