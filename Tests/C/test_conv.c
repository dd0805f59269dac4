// Convolution and its gradients against their definitions, loop by loop.
#include <pthread.h>
#include <stdint.h>

#include "check.h"

static uint32_t seed = 1;
static double random_value(void) {
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 16) / 32768.0 - 1;
}

enum { SIZE = sizeof(apus_conv2d_options) };

typedef struct geometry {
    int64_t batch, channels, height, width, outputs;
    int64_t kernel[2];
    apus_conv2d_options options;
} geometry;

#define G(n, c, h, w, o, kh, kw, s, p, d, g)                                                                           \
    {                                                                                                                  \
        n, c, h, w, o, {kh, kw}, { SIZE, {s, s}, {p, p}, {d, d}, g }                                                   \
    }

static const geometry geometries[] = {
    G(1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1),    G(2, 3, 8, 7, 4, 3, 3, 1, 1, 1, 1),
    G(2, 3, 8, 7, 4, 3, 3, 1, 0, 1, 1),    G(2, 3, 9, 10, 4, 3, 3, 2, 1, 1, 1),
    G(2, 3, 11, 10, 4, 3, 2, 1, 2, 2, 1),  G(2, 3, 11, 13, 4, 3, 3, 3, 4, 2, 1),
    G(3, 4, 6, 6, 8, 1, 1, 1, 0, 1, 1),    // pointwise, several images a panel
    G(2, 4, 20, 20, 8, 1, 1, 1, 0, 1, 1),  // pointwise in place
    G(2, 4, 9, 9, 6, 1, 1, 2, 0, 1, 2),    // pointwise with stride
    G(5, 4, 6, 5, 6, 3, 3, 1, 1, 1, 2),    // groups
    G(11, 2, 6, 5, 4, 3, 3, 1, 1, 1, 2),   // few channels, each its own group: chunks of images
    G(2, 6, 12, 11, 6, 3, 3, 1, 1, 1, 6),  // depthwise
    G(2, 6, 12, 11, 12, 3, 3, 2, 1, 1, 6), // depthwise, two outputs a channel
    G(2, 3, 40, 5, 3, 5, 3, 1, 2, 2, 3),   // depthwise, dilated
    G(70, 1, 8, 8, 3, 3, 3, 1, 1, 1, 1),   // several panels of small images
    G(33, 2, 4, 4, 5, 3, 3, 1, 1, 1, 1),   G(300, 2, 3, 3, 5, 3, 3, 2, 1, 1, 1),
    G(1, 2, 70, 60, 3, 3, 3, 1, 1, 1, 1),                                      // several panels of one image
    G(2, 40, 14, 14, 9, 3, 3, 1, 1, 1, 1),                                     // blocks of channels
    G(1, 2, 1, 50, 3, 1, 7, 1, 3, 1, 1),   G(1, 2, 3, 3, 3, 5, 5, 1, 2, 1, 1), // the kernel is larger than the image
    G(2, 2, 5, 5, 3, 2, 2, 7, 1, 1, 1),                                        // strides step over most of it
};

/// A tensor of random values; `spread` puts it in every second place of a larger one.
static apus_tensor *make(apus_dtype dtype, int32_t rank, const int64_t *shape, bool spread) {
    int64_t whole[4], n = 1;
    for (int32_t i = 0; i < rank; i++) n *= whole[i] = shape[i] * (spread && i == rank - 1 ? 2 : 1);
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    for (int64_t i = 0; i < n; i++) values[i] = random_value();
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

static int64_t output_size(const geometry *g, int i) {
    int64_t in = i == 0 ? g->height : g->width;
    const apus_conv2d_options *o = &g->options;
    return (in + 2 * o->padding[i] - o->dilation[i] * (g->kernel[i] - 1) - 1) / o->stride[i] + 1;
}

/// Calls visit(context, output, input, weight) with the indices of each product that the convolution adds up.
typedef void (*visitor)(double *const values[3], int64_t output, int64_t input, int64_t weight);

static void for_each_product(const geometry *g, visitor visit, double *const values[3]) {
    const apus_conv2d_options *o = &g->options;
    int64_t oh = output_size(g, 0), ow = output_size(g, 1), per = g->channels / g->options.groups;
    for (int64_t n = 0; n < g->batch; n++)
        for (int64_t out = 0; out < g->outputs; out++)
            for (int64_t y = 0; y < oh; y++)
                for (int64_t x = 0; x < ow; x++)
                    for (int64_t c = 0; c < per; c++)
                        for (int64_t i = 0; i < g->kernel[0]; i++)
                            for (int64_t j = 0; j < g->kernel[1]; j++) {
                                int64_t iy = y * o->stride[0] + i * o->dilation[0] - o->padding[0];
                                int64_t ix = x * o->stride[1] + j * o->dilation[1] - o->padding[1];
                                if (iy < 0 || ix < 0 || iy >= g->height || ix >= g->width) continue;
                                int64_t channel = out / (g->outputs / o->groups) * per + c;
                                visit(values, ((n * g->outputs + out) * oh + y) * ow + x,
                                      ((n * g->channels + channel) * g->height + iy) * g->width + ix,
                                      ((out * per + c) * g->kernel[0] + i) * g->kernel[1] + j);
                            }
}

// values are those of the output (or its gradient), the input and the weight.
static void add_to_output(double *const v[3], int64_t o, int64_t i, int64_t w) { v[0][o] += v[1][i] * v[2][w]; }
static void add_to_input(double *const v[3], int64_t o, int64_t i, int64_t w) { v[1][i] += v[0][o] * v[2][w]; }
static void add_to_weight(double *const v[3], int64_t o, int64_t i, int64_t w) { v[2][w] += v[0][o] * v[1][i]; }

static void check_values(const apus_tensor *t, const double *expected, double tolerance) {
    double *actual = values_of(t), largest = 1;
    int64_t wrong = 0, n = apus_tensor_numel(t);
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(expected[i]));
    for (int64_t i = 0; i < n; i++) wrong += !(fabs(actual[i] - expected[i]) <= tolerance * largest);
    CHECK(wrong == 0);
    free(actual);
}

static void check_geometry(const geometry *g, apus_dtype dtype, bool batched, bool spread, double tolerance) {
    int64_t in[4] = {g->batch, g->channels, g->height, g->width};
    int64_t out[4] = {g->batch, g->outputs, output_size(g, 0), output_size(g, 1)};
    int64_t weights[4] = {g->outputs, g->channels / g->options.groups, g->kernel[0], g->kernel[1]};
    int32_t rank = batched ? 4 : 3;
    apus_tensor *input = make(dtype, rank, in + 4 - rank, spread), *weight = make(dtype, 4, weights, spread);
    apus_tensor *bias = make(dtype, 1, &g->outputs, spread), *grad = make(dtype, rank, out + 4 - rank, spread);
    apus_tensor *result = NULL, *plain = NULL, *input_grad = NULL, *weight_grad = NULL;
    CHECK_OK(apus_conv2d(&result, input, weight, bias, &g->options));
    CHECK_OK(apus_conv2d(&plain, input, weight, NULL, &g->options));
    CHECK_OK(apus_conv2d_input_grad(&input_grad, rank, in + 4 - rank, grad, weight, &g->options));
    CHECK_OK(apus_conv2d_weight_grad(&weight_grad, weights, grad, input, &g->options));
    CHECK(apus_tensor_dtype(result) == dtype && apus_tensor_rank(result) == rank);
    CHECK(memcmp(apus_tensor_shape(result), out + 4 - rank, sizeof(int64_t) * (size_t)rank) == 0);
    CHECK(apus_tensor_numel(weight_grad) == apus_tensor_numel(weight));

    double *x = values_of(input), *w = values_of(weight), *b = values_of(bias), *dy = values_of(grad);
    int64_t count = apus_tensor_numel(result);
    double *sum = calloc((size_t)count + 1, sizeof(double));
    double *dx = calloc((size_t)apus_tensor_numel(input) + 1, sizeof(double));
    double *dw = calloc((size_t)apus_tensor_numel(weight) + 1, sizeof(double));
    for_each_product(g, add_to_output, (double *[]){sum, x, w});
    check_values(plain, sum, tolerance);
    for (int64_t i = 0; i < count; i++) sum[i] += b[i / (out[2] * out[3]) % g->outputs];
    check_values(result, sum, tolerance);
    for_each_product(g, add_to_input, (double *[]){dy, dx, w});
    check_values(input_grad, dx, tolerance);
    for_each_product(g, add_to_weight, (double *[]){dy, x, dw});
    check_values(weight_grad, dw, tolerance);
    free(x), free(w), free(b), free(dy), free(sum), free(dx), free(dw);
    apus_tensor_release(input), apus_tensor_release(weight), apus_tensor_release(bias), apus_tensor_release(grad);
    apus_tensor_release(result), apus_tensor_release(plain), apus_tensor_release(input_grad);
    apus_tensor_release(weight_grad);
}

#define COUNT (sizeof geometries / sizeof geometries[0])

static void test_definitions(void) {
    for (size_t i = 0; i < COUNT; i++)
        for (int spread = 0; spread < 2; spread++) {
            const geometry *g = &geometries[i];
            check_geometry(g, APUS_DTYPE_float32, true, spread, 1e-5);
            check_geometry(g, APUS_DTYPE_float64, true, spread, 1e-13);
            check_geometry(g, APUS_DTYPE_float16, true, spread, 2e-3);
            check_geometry(g, APUS_DTYPE_bfloat16, true, spread, 2e-2);
            if (g->batch == 1) check_geometry(g, APUS_DTYPE_float32, false, spread, 1e-5);
        }
}

/// The three results of one geometry, as bytes in a row. The caller frees.
static char *results(const geometry *g, apus_tensor *const in[3], size_t *bytes) {
    const int64_t *input_shape = apus_tensor_shape(in[0]), *weight_shape = apus_tensor_shape(in[1]);
    apus_tensor *out[3] = {NULL, NULL, NULL};
    bool ok = apus_conv2d(&out[0], in[0], in[1], NULL, &g->options) == APUS_STATUS_ok;
    ok &= apus_conv2d_input_grad(&out[1], 4, input_shape, in[2], in[1], &g->options) == APUS_STATUS_ok;
    ok &= apus_conv2d_weight_grad(&out[2], weight_shape, in[2], in[0], &g->options) == APUS_STATUS_ok;
    *bytes = 0;
    for (int i = 0; ok && i < 3; i++) *bytes += sizeof(float) * (size_t)apus_tensor_numel(out[i]);
    char *all = malloc(*bytes + 1), *next = all;
    for (int i = 0; i < 3; i++) {
        size_t size = sizeof(float) * (size_t)apus_tensor_numel(out[i]);
        if (ok) memcpy(next, apus_tensor_data(out[i]), size);
        next += size;
        apus_tensor_release(out[i]);
    }
    return all;
}

static void make_operands(const geometry *g, apus_tensor *in[3]) {
    in[0] = make(APUS_DTYPE_float32, 4, (int64_t[]){g->batch, g->channels, g->height, g->width}, false);
    in[1] = make(APUS_DTYPE_float32, 4,
                 (int64_t[]){g->outputs, g->channels / g->options.groups, g->kernel[0], g->kernel[1]}, false);
    in[2] = make(APUS_DTYPE_float32, 4, (int64_t[]){g->batch, g->outputs, output_size(g, 0), output_size(g, 1)}, false);
}

typedef struct caller {
    const geometry *g;
    apus_tensor **in;
    const char *expected;
    bool same;
} caller;

static void *call_again(void *context) {
    caller *c = context;
    c->same = true;
    for (int i = 0; i < 3; i++) {
        size_t bytes;
        char *all = results(c->g, c->in, &bytes);
        c->same &= bytes > 0 && memcmp(all, c->expected, bytes) == 0;
        free(all);
    }
    return NULL;
}

static void test_threads_give_same_bits(void) {
    const geometry large[] = {G(9, 8, 28, 28, 16, 3, 3, 1, 1, 1, 1), G(2, 64, 30, 30, 32, 3, 3, 1, 1, 1, 1),
                              G(64, 3, 8, 8, 16, 3, 3, 1, 1, 1, 1),  G(4, 32, 40, 40, 32, 3, 3, 1, 1, 1, 32),
                              G(13, 3, 40, 40, 3, 3, 3, 1, 1, 1, 3), G(8, 64, 12, 12, 64, 1, 1, 1, 0, 1, 1)};
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        apus_tensor *in[3];
        make_operands(&large[i], in);
        size_t bytes;
        apus_set_num_threads(1);
        char *expected = results(&large[i], in, &bytes);
        CHECK(bytes > 0);
        for (int t = 2; t <= 3; t++) {
            apus_set_num_threads(t);
            caller c = {.g = &large[i], .in = in, .expected = expected};
            call_again(&c);
            CHECK(c.same);
        }
        caller callers[4];
        pthread_t threads[4];
        for (int t = 0; t < 4; t++) {
            callers[t] = (caller){.g = &large[i], .in = in, .expected = expected};
            CHECK(pthread_create(&threads[t], NULL, call_again, &callers[t]) == 0);
        }
        for (int t = 0; t < 4; t++) {
            pthread_join(threads[t], NULL);
            CHECK(callers[t].same);
        }
        free(expected);
        for (int k = 0; k < 3; k++) apus_tensor_release(in[k]);
    }
    apus_set_num_threads(0);
}

static void test_instruction_sets(void) {
    const char *sets[] = {"baseline", "avx2", "avx512"}, *best = apus_cpu_isa();
    for (int i = 0; i < 3; i++) {
        if (apus_cpu_set_isa(sets[i]) != APUS_STATUS_ok) continue;
        for (size_t k = 0; k < COUNT; k += 3) check_geometry(&geometries[k], APUS_DTYPE_float32, true, false, 1e-5);
    }
    CHECK_OK(apus_cpu_set_isa(best));
}

static void test_empty_batch(void) {
    apus_conv2d_options o = {SIZE, {1, 1}, {1, 1}, {1, 1}, 1};
    int64_t in[4] = {0, 2, 5, 5}, weights[4] = {3, 2, 3, 3}, out[4] = {0, 3, 5, 5};
    apus_tensor *input = make(APUS_DTYPE_float32, 4, in, false), *weight = make(APUS_DTYPE_float32, 4, weights, false);
    apus_tensor *grad = make(APUS_DTYPE_float32, 4, out, false), *result = NULL, *dx = NULL, *dw = NULL;
    CHECK_OK(apus_conv2d(&result, input, weight, NULL, &o));
    CHECK(memcmp(apus_tensor_shape(result), out, sizeof out) == 0);
    CHECK_OK(apus_conv2d_input_grad(&dx, 4, in, grad, weight, &o));
    CHECK_OK(apus_conv2d_weight_grad(&dw, weights, grad, input, &o));
    CHECK(apus_tensor_numel(dx) == 0);
    for (int i = 0; i < 54; i++) CHECK(check_at(dw, i) == 0);
    apus_tensor_release(input), apus_tensor_release(weight), apus_tensor_release(grad);
    apus_tensor_release(result), apus_tensor_release(dx), apus_tensor_release(dw);
}

/// The output may be the input itself, strided, or of another float dtype.
static void test_out(void) {
    apus_conv2d_options o = {SIZE, {1, 1}, {1, 1}, {1, 1}, 1};
    int64_t in[4] = {2, 3, 6, 6}, weights[4] = {3, 3, 3, 3};
    apus_tensor *input = make(APUS_DTYPE_float32, 4, in, false), *weight = make(APUS_DTYPE_float32, 4, weights, false);
    apus_tensor *expected = NULL, *strided = make(APUS_DTYPE_float64, 4, in, true);
    CHECK_OK(apus_conv2d(&expected, input, weight, NULL, &o));
    CHECK_OK(apus_conv2d(&strided, input, weight, NULL, &o));
    apus_tensor *target = apus_tensor_retain(input);
    CHECK_OK(apus_conv2d(&target, input, weight, NULL, &o));
    double *a = values_of(expected), *b = values_of(strided), *c = values_of(target);
    CHECK(memcmp(a, b, sizeof(double) * 216) == 0);
    CHECK(memcmp(a, c, sizeof(double) * 216) == 0);
    free(a), free(b), free(c);
    apus_tensor *integers = make(APUS_DTYPE_int32, 4, in, false);
    CHECK_STATUS(apus_conv2d(&integers, input, weight, NULL, &o), APUS_STATUS_dtype);
    CHECK_STATUS(apus_conv2d(&weight, input, weight, NULL, &o), APUS_STATUS_shape);
    apus_tensor_release(input), apus_tensor_release(weight), apus_tensor_release(expected);
    apus_tensor_release(strided), apus_tensor_release(target), apus_tensor_release(integers);
}

static void test_errors(void) {
    apus_conv2d_options good = {SIZE, {1, 1}, {0, 0}, {1, 1}, 1}, o;
    int64_t in[4] = {1, 4, 5, 5}, weights[4] = {6, 4, 3, 3}, out[4] = {1, 6, 3, 3}, four[1] = {4};
    apus_tensor *x = make(APUS_DTYPE_float32, 4, in, false), *w = make(APUS_DTYPE_float32, 4, weights, false);
    apus_tensor *dy = make(APUS_DTYPE_float32, 4, out, false), *b = make(APUS_DTYPE_float32, 1, four, false);
    apus_tensor *ints = make(APUS_DTYPE_int64, 4, in, false), *r = NULL;
    CHECK_STATUS(apus_conv2d(NULL, x, w, NULL, &good), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_conv2d(&r, NULL, w, NULL, &good), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_conv2d(&r, x, NULL, NULL, &good), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_conv2d(&r, x, w, NULL, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_conv2d(&r, ints, w, NULL, &good), APUS_STATUS_dtype);
    CHECK_STATUS(apus_conv2d(&r, x, w, b, &good), APUS_STATUS_shape);
    CHECK_STATUS(apus_conv2d(&r, b, w, NULL, &good), APUS_STATUS_shape);
    CHECK_STATUS(apus_conv2d(&r, x, b, NULL, &good), APUS_STATUS_shape);
    CHECK_STATUS(apus_conv2d(&r, dy, w, NULL, &good), APUS_STATUS_shape);
    CHECK(strstr(apus_last_error(), "[1, 6, 3, 3]") != NULL && strstr(apus_last_error(), "[6, 4, 3, 3]") != NULL);
    const struct {
        apus_conv2d_options options;
        apus_status status;
    } bad[] = {
        {{SIZE - 1, {1, 1}, {0, 0}, {1, 1}, 1}, APUS_STATUS_invalid_argument},
        {{SIZE, {0, 1}, {0, 0}, {1, 1}, 1}, APUS_STATUS_invalid_argument},
        {{SIZE, {1, 1}, {0, -1}, {1, 1}, 1}, APUS_STATUS_invalid_argument},
        {{SIZE, {1, 1}, {0, 0}, {1, 0}, 1}, APUS_STATUS_invalid_argument},
        {{SIZE, {1, 1}, {0, 0}, {1, 1}, 0}, APUS_STATUS_invalid_argument},
        {{SIZE, {1, 1}, {INT64_MAX, 0}, {1, 1}, 1}, APUS_STATUS_invalid_argument},
        {{SIZE, {1, 1}, {0, 0}, {1, 1}, 2}, APUS_STATUS_shape},
        {{SIZE, {1, 1}, {0, 0}, {1, 1}, 5}, APUS_STATUS_shape},
        {{SIZE, {1, 1}, {0, 0}, {3, 1}, 1}, APUS_STATUS_shape},
        {{SIZE, {1, 1}, {2000000000, 2000000000}, {1, 1}, 1}, APUS_STATUS_overflow},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        o = bad[i].options;
        CHECK_STATUS(apus_conv2d(&r, x, w, NULL, &o), bad[i].status);
        CHECK(r == NULL);
    }
    CHECK_STATUS(apus_conv2d_input_grad(&r, 4, in, x, w, &good), APUS_STATUS_shape);
    CHECK_STATUS(apus_conv2d_input_grad(&r, 2, in, dy, w, &good), APUS_STATUS_shape);
    CHECK_STATUS(apus_conv2d_input_grad(&r, 4, NULL, dy, w, &good), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_conv2d_weight_grad(&r, weights, x, x, &good), APUS_STATUS_shape);
    CHECK_STATUS(apus_conv2d_weight_grad(&r, NULL, dy, x, &good), APUS_STATUS_null_argument);
    int64_t negative[4] = {6, 4, -3, 3}, none[4] = {6, 4, 0, 3};
    CHECK(apus_conv2d_weight_grad(&r, negative, dy, x, &good) != APUS_STATUS_ok);
    CHECK_STATUS(apus_conv2d_weight_grad(&r, none, dy, x, &good), APUS_STATUS_shape);
    CHECK(r == NULL);
    apus_tensor_release(x), apus_tensor_release(w), apus_tensor_release(dy), apus_tensor_release(b);
    apus_tensor_release(ints);
}

int main(void) {
    test_definitions();
    test_instruction_sets();
    test_threads_give_same_bits();
    test_empty_batch();
    test_out();
    test_errors();
    check_no_leaks();
    return check_result("conv");
}
