// Matrix products against straightforward loops.
#include <complex.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "check.h"

static uint32_t seed = 1;
static int random_below(int n) {
    seed = seed * 1664525u + 1013904223u;
    return (int)(seed >> 16) % n;
}

static int64_t count_of(int32_t rank, const int64_t *shape) {
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++) n *= shape[i];
    return n;
}

enum layout { PLAIN, TRANSPOSED, SLICED, EXPANDED, LAYOUTS };

/// Whole numbers from -4 to 4 (0 to 8 where unsigned), in the given memory layout.
static apus_tensor *make(apus_dtype dtype, int32_t rank, const int64_t *shape, enum layout layout) {
    int64_t whole[8];
    for (int32_t i = 0; i < rank; i++) {
        whole[i] = layout == SLICED ? 2 * shape[i] + 3 : shape[i];
        if (layout == EXPANDED && i < rank - 2 && shape[i] > 0) whole[i] = 1;
    }
    if (layout == TRANSPOSED && rank > 1) whole[rank - 1] = shape[rank - 2], whole[rank - 2] = shape[rank - 1];
    int64_t n = count_of(rank, whole);
    double complex *values = malloc(sizeof(double complex) * (size_t)(n + 1));
    bool is_signed = apus_dtype_is_signed(dtype);
    for (int64_t i = 0; i < n; i++) {
        values[i] = random_below(9) - (is_signed ? 4 : 0);
        if (apus_dtype_is_complex(dtype)) values[i] += I * (random_below(9) - 4);
    }
    apus_tensor *t = NULL, *next = NULL;
    if (apus_dtype_is_complex(dtype)) {
        CHECK_OK(apus_tensor_from_data(&next, APUS_DTYPE_complex128, rank, whole, values, APUS_DEVICE_CPU));
    } else {
        for (int64_t i = 0; i < n; i++) ((double *)values)[i] = creal(values[i]);
        CHECK_OK(apus_tensor_from_data(&next, APUS_DTYPE_float64, rank, whole, values, APUS_DEVICE_CPU));
    }
    free(values);
    CHECK_OK(apus_tensor_to(&t, next, dtype, APUS_DEVICE_CPU));
    apus_tensor_release(next);
    next = NULL;
    if (layout == TRANSPOSED && rank > 1) {
        CHECK_OK(apus_tensor_transpose(&next, t, -1, -2));
        apus_tensor_release(t), t = next;
    }
    for (int32_t i = 0; layout == SLICED && i < rank; i++) {
        next = NULL;
        CHECK_OK(apus_tensor_slice(&next, t, i, 1, 1 + 2 * shape[i], 2));
        apus_tensor_release(t), t = next;
    }
    if (layout == EXPANDED) {
        CHECK_OK(apus_tensor_expand(&next, t, rank, shape));
        apus_tensor_release(t), t = next;
    }
    return t;
}

/// All elements, converted to complex128. The caller frees.
static double complex *values_of(const apus_tensor *t) {
    size_t bytes = sizeof(double complex) * (size_t)apus_tensor_numel(t);
    double complex *values = malloc(bytes + 1);
    CHECK_OK(apus_tensor_read(t, APUS_DTYPE_complex128, values, bytes));
    return values;
}

/// A tensor seen as a batch of matrices.
typedef struct view {
    int64_t rows, columns;
    int32_t batch_rank;
    const int64_t *batch;
    double complex *values;
} view;

static view view_of(const apus_tensor *t, bool is_left) {
    int32_t rank = apus_tensor_rank(t);
    const int64_t *shape = apus_tensor_shape(t);
    view v = {.batch_rank = rank > 2 ? rank - 2 : 0, .batch = shape, .values = values_of(t)};
    v.rows = rank > 1 ? shape[rank - 2] : is_left ? 1 : shape[0];
    v.columns = rank > 1 || is_left ? shape[rank - 1] : 1;
    return v;
}

/// The matrix of v that index `entry` of the batch shape `batch` meets.
static const double complex *matrix_at(const view *v, int64_t entry, int32_t rank, const int64_t *batch) {
    int64_t at = 0, step = 1;
    for (int32_t d = rank - 1, e = v->batch_rank - 1; e >= 0; d--, e--) {
        at += (v->batch[e] == 1 ? 0 : entry % batch[d]) * step;
        step *= v->batch[e];
        entry /= batch[d];
    }
    return v->values + at * v->rows * v->columns;
}

/// out = alpha * a @ b + beta * c, where the caller has broadcast c to out's shape (NULL: none).
static void check_product(const apus_tensor *out, const apus_tensor *a, const apus_tensor *b, double alpha,
                          const apus_tensor *c, double beta, double tolerance) {
    view left = view_of(a, true), right = view_of(b, false);
    double complex *actual = values_of(out), *addend = c == NULL ? NULL : values_of(c);
    int64_t m = left.rows, k = left.columns, n = right.columns;
    int32_t rank = left.batch_rank > right.batch_rank ? left.batch_rank : right.batch_rank;
    int64_t batch[8], entries = 1;
    for (int32_t d = 0; d < rank; d++) {
        int32_t i = left.batch_rank - rank + d, j = right.batch_rank - rank + d;
        int64_t x = i < 0 ? 1 : left.batch[i], y = j < 0 ? 1 : right.batch[j];
        batch[d] = x == 1 ? y : x;
        entries *= batch[d];
    }
    CHECK(apus_tensor_numel(out) == entries * m * n);
    int64_t wrong = 0;
    for (int64_t e = 0; e < entries; e++) {
        const double complex *x = matrix_at(&left, e, rank, batch), *y = matrix_at(&right, e, rank, batch);
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double complex sum = 0, have = actual[(e * m + i) * n + j];
                for (int64_t l = 0; l < k; l++) sum += x[i * k + l] * y[l * n + j];
                sum = alpha * sum + (addend == NULL ? 0 : beta * addend[(e * m + i) * n + j]);
                wrong += !(cabs(have - sum) <= tolerance * fmax(1, cabs(sum)));
            }
    }
    CHECK(wrong == 0);
    free(left.values), free(right.values), free(actual), free(addend);
}

typedef struct shapes {
    int32_t a_rank;
    int64_t a[4];
    int32_t b_rank;
    int64_t b[4];
} shapes;

static const shapes cases[] = {
    {1, {5}, 1, {5}},
    {1, {0}, 1, {0}},
    {1, {7}, 2, {7, 3}},
    {2, {3, 7}, 1, {7}},
    {2, {1, 1}, 2, {1, 1}},
    {2, {2, 3}, 2, {3, 4}},
    {2, {17, 33}, 2, {33, 19}},
    {2, {64, 64}, 2, {64, 64}},
    {2, {70, 40}, 2, {40, 130}},
    {2, {1, 60}, 2, {60, 50}},
    {2, {50, 60}, 2, {60, 1}},
    {2, {4, 1}, 2, {1, 5}},
    {2, {0, 3}, 2, {3, 4}},
    {2, {2, 0}, 2, {0, 4}},
    {2, {2, 3}, 2, {3, 0}},
    {1, {6}, 3, {4, 6, 3}},
    {3, {4, 3, 6}, 1, {6}},
    {3, {4, 3, 6}, 2, {6, 5}},
    {3, {4, 1, 6}, 2, {6, 5}},
    {2, {3, 6}, 3, {4, 6, 5}},
    {3, {4, 3, 6}, 3, {4, 6, 5}},
    {3, {1, 3, 6}, 3, {4, 6, 5}},
    {3, {4, 3, 6}, 3, {1, 6, 5}},
    {4, {2, 1, 3, 6}, 3, {4, 6, 5}},
    {4, {2, 4, 3, 6}, 4, {2, 1, 6, 5}},
    {3, {0, 3, 6}, 3, {1, 6, 5}},
    {3, {3, 2, 0}, 3, {3, 0, 4}},
};

static double tolerance_of(apus_dtype dtype) {
    return dtype == APUS_DTYPE_bfloat16 ? 0.01 : dtype == APUS_DTYPE_float16 ? 0.001 : 1e-6;
}

static void test_matmul_everything(void) {
    for (int dtype = APUS_DTYPE_uint8; dtype < APUS_DTYPE_COUNT; dtype++) {
        // Narrow integers wrap: their whole range is tested below.
        if (dtype == APUS_DTYPE_uint8 || dtype == APUS_DTYPE_int8) continue;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
            for (int x = 0; x < LAYOUTS; x++)
                for (int y = 0; y < LAYOUTS; y++) {
                    apus_tensor *a = make((apus_dtype)dtype, cases[i].a_rank, cases[i].a, (enum layout)x);
                    apus_tensor *b = make((apus_dtype)dtype, cases[i].b_rank, cases[i].b, (enum layout)y), *out = NULL;
                    CHECK_OK(apus_matmul(&out, a, b));
                    CHECK((int)apus_tensor_dtype(out) == dtype);
                    check_product(out, a, b, 1, NULL, 0, tolerance_of((apus_dtype)dtype));
                    apus_tensor_release(a), apus_tensor_release(b), apus_tensor_release(out);
                }
    }
}

static void test_integer_wraparound(void) {
    const apus_dtype dtypes[] = {APUS_DTYPE_uint8,  APUS_DTYPE_int8,  APUS_DTYPE_uint16, APUS_DTYPE_int16,
                                 APUS_DTYPE_uint32, APUS_DTYPE_int32, APUS_DTYPE_uint64, APUS_DTYPE_int64};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
        int64_t shape[2] = {19, 19}, size = (int64_t)apus_dtype_size(dtypes[d]), data[19 * 19], sum[19 * 19];
        unsigned char raw[19 * 19 * 8];
        for (int i = 0; i < 19 * 19; i++) data[i] = (int64_t)((uint64_t)random_below(1 << 15) * 0x9e3779b97f4a7c15u);
        for (int i = 0; i < 19 * 19; i++) memcpy(raw + i * size, &data[i], (size_t)size); // little-endian truncation
        for (int i = 0; i < 19; i++)
            for (int j = 0; j < 19; j++) {
                uint64_t s = 0;
                for (int k = 0; k < 19; k++) s += (uint64_t)data[i * 19 + k] * (uint64_t)data[k * 19 + j];
                sum[i * 19 + j] = (int64_t)s;
            }
        apus_tensor *a = NULL, *b = NULL, *transposed = NULL, *out = NULL, *again = NULL;
        CHECK_OK(apus_tensor_from_data(&a, dtypes[d], 2, shape, raw, APUS_DEVICE_CPU));
        CHECK_OK(apus_matmul(&out, a, a));
        CHECK_OK(apus_tensor_transpose(&transposed, a, 0, 1));
        CHECK_OK(apus_tensor_contiguous(&b, transposed));
        apus_tensor_release(transposed), transposed = NULL;
        CHECK_OK(apus_tensor_transpose(&transposed, b, 0, 1));
        CHECK_OK(apus_matmul(&again, transposed, transposed));
        for (int i = 0; i < 19 * 19; i++) {
            CHECK(memcmp((char *)apus_tensor_data(out) + i * size, &sum[i], (size_t)size) == 0);
            CHECK(memcmp((char *)apus_tensor_data(again) + i * size, &sum[i], (size_t)size) == 0);
        }
        apus_tensor_release(a), apus_tensor_release(b), apus_tensor_release(transposed);
        apus_tensor_release(out), apus_tensor_release(again);
    }
}

static void test_promotion(void) {
    const apus_dtype table[][3] = {{APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float64},
                                   {APUS_DTYPE_int32, APUS_DTYPE_float16, APUS_DTYPE_float16},
                                   {APUS_DTYPE_float16, APUS_DTYPE_bfloat16, APUS_DTYPE_float32},
                                   {APUS_DTYPE_int16, APUS_DTYPE_int64, APUS_DTYPE_int64},
                                   {APUS_DTYPE_complex64, APUS_DTYPE_float64, APUS_DTYPE_complex128}};
    int64_t x[3] = {2, 3, 4}, y[2] = {4, 5};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        apus_tensor *a = make(table[i][0], 3, x, PLAIN), *b = make(table[i][1], 2, y, TRANSPOSED), *out = NULL;
        CHECK_OK(apus_matmul(&out, a, b));
        CHECK(apus_tensor_dtype(out) == table[i][2]);
        check_product(out, a, b, 1, NULL, 0, 1e-6);
        apus_tensor_release(a), apus_tensor_release(b), apus_tensor_release(out);
    }
}

static void test_addmm(void) {
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_complex64,
                                 APUS_DTYPE_int32,   APUS_DTYPE_float16, APUS_DTYPE_int64};
    const shapes addends[] = {{2, {6, 7}, 0, {0}}, {1, {7}, 0, {0}},       {2, {6, 1}, 0, {0}},    {1, {1}, 0, {0}},
                              {0, {0}, 0, {0}},    {3, {3, 6, 7}, 1, {0}}, {3, {3, 1, 7}, 1, {0}}, {2, {6, 7}, 1, {0}}};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++)
        for (size_t i = 0; i < sizeof addends / sizeof addends[0]; i++)
            for (int layout = 0; layout < LAYOUTS; layout++) {
                int32_t rank = addends[i].b_rank == 0 ? 2 : 3;
                int64_t x[3] = {3, 6, 5}, y[3] = {3, 5, 7}, z[3] = {3, 6, 7};
                apus_tensor *a = make(dtypes[d], rank, x + 3 - rank, TRANSPOSED);
                apus_tensor *b = make(dtypes[d], rank, y + 3 - rank, SLICED);
                apus_tensor *c = make(dtypes[d], addends[i].a_rank, addends[i].a, (enum layout)layout);
                apus_tensor *whole = NULL, *out = NULL;
                CHECK_OK(apus_tensor_expand(&whole, c, rank, z + 3 - rank));
                CHECK_OK(apus_addmm(&out, c, a, b, 2, 3));
                check_product(out, a, b, 3, whole, 2, tolerance_of(dtypes[d]));
                CHECK_OK(apus_addmm(&out, c, a, b, 1, -1));
                check_product(out, a, b, -1, whole, 1, tolerance_of(dtypes[d]));
                CHECK_OK(apus_addmm(&out, NULL, a, b, 5, 2));
                check_product(out, a, b, 2, NULL, 0, tolerance_of(dtypes[d]));
                apus_tensor_release(a), apus_tensor_release(b), apus_tensor_release(c);
                apus_tensor_release(whole), apus_tensor_release(out);
            }
    float nans[4] = {NAN, NAN, NAN, NAN}, ones[4] = {1, 1, 1, 1};
    int64_t shape[2] = {2, 2};
    apus_tensor *c = check_floats(2, shape, nans), *a = check_floats(2, shape, ones), *out = NULL;
    CHECK_OK(apus_addmm(&out, c, a, a, 0, 1));
    CHECK_CLOSE(check_at(out, 3), 2, 0);
    CHECK_OK(apus_addmm(&c, c, a, a, 0, 1)); // in place
    CHECK_CLOSE(check_at(c, 0), 2, 0);
    CHECK_OK(apus_addmm(&c, c, a, a, 1, 0.5));
    CHECK_CLOSE(check_at(c, 0), 3, 0);
    apus_tensor_release(c), apus_tensor_release(a), apus_tensor_release(out);
}

static void test_linear(void) {
    const shapes inputs[] = {{1, {9}, 0, {0}},          {2, {4, 9}, 0, {0}}, {3, {2, 3, 9}, 0, {0}},
                             {4, {2, 3, 2, 9}, 0, {0}}, {2, {0, 9}, 0, {0}}, {3, {2, 1, 9}, 0, {0}}};
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_bfloat16, APUS_DTYPE_int32};
    int64_t weight_shape[2] = {5, 9}, bias_shape[1] = {5};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++)
        for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
            for (int layout = 0; layout < LAYOUTS; layout++) {
                apus_tensor *x = make(dtypes[d], inputs[i].a_rank, inputs[i].a, (enum layout)layout);
                apus_tensor *weight = make(dtypes[d], 2, weight_shape, (enum layout)(layout % 3));
                apus_tensor *bias = make(dtypes[d], 1, bias_shape, SLICED), *out = NULL, *plain = NULL;
                apus_tensor *transposed = NULL, *whole = NULL;
                CHECK_OK(apus_linear(&out, x, weight, bias));
                CHECK_OK(apus_linear(&plain, x, weight, NULL));
                CHECK_OK(apus_tensor_transpose(&transposed, weight, 0, 1));
                CHECK_OK(apus_tensor_expand(&whole, bias, apus_tensor_rank(out), apus_tensor_shape(out)));
                check_product(out, x, transposed, 1, whole, 1, tolerance_of(dtypes[d]));
                check_product(plain, x, transposed, 1, NULL, 0, tolerance_of(dtypes[d]));
                apus_tensor_release(x), apus_tensor_release(weight), apus_tensor_release(bias);
                apus_tensor_release(transposed), apus_tensor_release(whole);
                apus_tensor_release(out), apus_tensor_release(plain);
            }
}

static void test_out(void) {
    int64_t shape[2] = {12, 12}, wide[2] = {24, 30};
    apus_tensor *a = make(APUS_DTYPE_float32, 2, shape, PLAIN), *b = make(APUS_DTYPE_float32, 2, shape, PLAIN);
    apus_tensor *copy = NULL, *room = NULL, *part = NULL, *given = NULL, *transposed = NULL;
    CHECK_OK(apus_tensor_to(&copy, a, APUS_DTYPE_float32, APUS_DEVICE_CPU));
    CHECK(copy != a);
    apus_tensor *in_place = copy == NULL ? NULL : apus_tensor_retain(copy);
    CHECK_OK(apus_matmul(&in_place, copy, b)); // the output is an operand
    check_product(in_place, a, b, 1, NULL, 0, 1e-6);
    apus_tensor_release(in_place);

    CHECK_OK(apus_tensor_empty(&room, APUS_DTYPE_float64, 2, wide, APUS_DEVICE_CPU)); // strided, of a wider dtype
    CHECK_OK(apus_tensor_slice(&part, room, 0, 0, 24, 2));
    CHECK_OK(apus_tensor_slice(&given, part, 1, 3, 15, 1));
    uint64_t version = apus_tensor_version(given);
    CHECK_OK(apus_matmul(&given, a, b));
    CHECK(apus_tensor_version(given) > version);
    check_product(given, a, b, 1, NULL, 0, 1e-6);
    CHECK_OK(apus_tensor_transpose(&transposed, a, 0, 1));
    apus_tensor *product = NULL;
    CHECK_OK(apus_matmul(&product, transposed, a));
    apus_tensor *same = apus_tensor_retain(a);
    CHECK_OK(apus_matmul(&same, transposed, a)); // both operands overlap the output
    CHECK(memcmp(apus_tensor_data(product), apus_tensor_data(a), sizeof(float) * 144) == 0);

    CHECK_STATUS(apus_matmul(&room, a, b), APUS_STATUS_shape);
    CHECK(strstr(apus_last_error(), "[12, 12]") != NULL && strstr(apus_last_error(), "[24, 30]") != NULL);
    apus_tensor *integers = make(APUS_DTYPE_int32, 2, shape, PLAIN);
    CHECK_STATUS(apus_matmul(&integers, a, b), APUS_STATUS_dtype);
    apus_tensor_release(a), apus_tensor_release(b), apus_tensor_release(copy), apus_tensor_release(room);
    apus_tensor_release(part), apus_tensor_release(given), apus_tensor_release(transposed);
    apus_tensor_release(product), apus_tensor_release(same), apus_tensor_release(integers);
}

static apus_tensor *fractions(apus_dtype dtype, int32_t rank, const int64_t *shape) {
    apus_tensor *whole = make(APUS_DTYPE_float64, rank, shape, PLAIN), *t = NULL;
    double *values = apus_tensor_data(whole);
    for (int64_t i = 0; i < apus_tensor_numel(whole); i++) values[i] = random_below(1 << 15) / 3.0 - 5000;
    CHECK_OK(apus_tensor_to(&t, whole, dtype, APUS_DEVICE_CPU));
    apus_tensor_release(whole);
    return t;
}

/// Sizes that are split into several tiles or pieces.
static const shapes large[] = {
    {2, {300, 257}, 2, {257, 310}}, {2, {1, 600}, 2, {600, 3000}},      {2, {900, 800}, 1, {800}},
    {1, {200000}, 1, {200000}},     {3, {24, 60, 70}, 3, {24, 70, 40}}, {3, {24, 60, 70}, 2, {70, 40}},
};

static void test_threads_give_same_bits(void) {
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_complex64, APUS_DTYPE_float16};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++)
        for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
            apus_tensor *a = fractions(dtypes[d], large[i].a_rank, large[i].a);
            apus_tensor *b = fractions(dtypes[d], large[i].b_rank, large[i].b), *out[3] = {NULL, NULL, NULL};
            for (int t = 0; t < 3; t++) {
                apus_set_num_threads(t + 1);
                CHECK_OK(apus_matmul(&out[t], a, b));
            }
            size_t bytes = (size_t)apus_tensor_numel(out[0]) * apus_dtype_size(dtypes[d]);
            for (int t = 1; t < 3; t++) CHECK(memcmp(apus_tensor_data(out[0]), apus_tensor_data(out[t]), bytes) == 0);
            apus_tensor_release(a), apus_tensor_release(b);
            for (int t = 0; t < 3; t++) apus_tensor_release(out[t]);
        }
    apus_set_num_threads(0);
}

static void test_long_dot(void) {
    enum { N = 100003 };
    int64_t shape[1] = {N};
    apus_tensor *a = fractions(APUS_DTYPE_float32, 1, shape), *b = fractions(APUS_DTYPE_float32, 1, shape), *out = NULL;
    const float *x = apus_tensor_data(a), *y = apus_tensor_data(b);
    double sum = 0, size = 0;
    for (int i = 0; i < N; i++) sum += (double)x[i] * y[i], size += fabs((double)x[i] * y[i]);
    CHECK_OK(apus_matmul(&out, a, b));
    CHECK(fabs(check_at(out, 0) - sum) < 1e-6 * size);
    apus_tensor_release(a), apus_tensor_release(b), apus_tensor_release(out);
}

typedef struct caller {
    const apus_tensor *a, *b, *expected;
    bool same;
} caller;

static void *call_again(void *context) {
    caller *c = context;
    c->same = true;
    size_t bytes = (size_t)apus_tensor_numel(c->expected) * sizeof(float);
    for (int i = 0; i < 20; i++) {
        apus_tensor *out = NULL;
        if (apus_matmul(&out, c->a, c->b) != APUS_STATUS_ok)
            c->same = false;
        else
            c->same &= memcmp(apus_tensor_data(out), apus_tensor_data(c->expected), bytes) == 0;
        apus_tensor_release(out);
    }
    return NULL;
}

static void test_concurrent_callers(void) {
    const shapes sizes[] = {{2, {200, 150}, 2, {150, 180}},
                            {2, {20, 30}, 2, {30, 16}},
                            {2, {1, 300}, 2, {300, 200}},
                            {3, {16, 20, 20}, 3, {16, 20, 20}}};
    for (int i = 0; i < 4; i++) {
        apus_tensor *a = fractions(APUS_DTYPE_float32, sizes[i].a_rank, sizes[i].a), *expected = NULL;
        apus_tensor *b = fractions(APUS_DTYPE_float32, sizes[i].b_rank, sizes[i].b);
        CHECK_OK(apus_matmul(&expected, a, b));
        caller callers[4];
        pthread_t threads[4];
        for (int t = 0; t < 4; t++) {
            callers[t] = (caller){.a = a, .b = b, .expected = expected};
            CHECK(pthread_create(&threads[t], NULL, call_again, &callers[t]) == 0);
        }
        for (int t = 0; t < 4; t++) {
            pthread_join(threads[t], NULL);
            CHECK(callers[t].same);
        }
        apus_tensor_release(a), apus_tensor_release(b), apus_tensor_release(expected);
    }
}

/// Strides beyond BLAS's 32-bit int, over memory that is reserved but hardly touched.
static void test_wide_strides(void) {
    const int64_t stride = (1LL << 31) + 16, shape[2] = {3, 4}, strides[2] = {stride, 1};
    const size_t bytes = (size_t)(2 * stride + 4) * sizeof(float);
    float *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) memory[i * stride + j] = (float)(random_below(9) - 4);
    apus_tensor *wide = NULL, *transposed = NULL, *square = NULL;
    CHECK_OK(apus_tensor_wrap(&wide, APUS_DTYPE_float32, 2, shape, strides, memory, bytes, false, NULL, NULL));
    CHECK_OK(apus_tensor_transpose(&transposed, wide, 0, 1));
    int64_t left[2] = {5, 3}, right[2] = {4, 5}, vector[1] = {3};
    apus_tensor *a = make(APUS_DTYPE_float32, 2, left, PLAIN), *b = make(APUS_DTYPE_float32, 2, right, PLAIN);
    apus_tensor *v = make(APUS_DTYPE_float32, 1, vector, PLAIN), *out[5] = {NULL};
    CHECK_OK(apus_matmul(&out[0], a, wide));
    check_product(out[0], a, wide, 1, NULL, 0, 1e-6);
    CHECK_OK(apus_matmul(&out[1], wide, b));
    check_product(out[1], wide, b, 1, NULL, 0, 1e-6);
    CHECK_OK(apus_matmul(&out[2], wide, transposed));
    check_product(out[2], wide, transposed, 1, NULL, 0, 1e-6);
    CHECK_OK(apus_matmul(&out[3], transposed, wide));
    check_product(out[3], transposed, wide, 1, NULL, 0, 1e-6);
    CHECK_OK(apus_matmul(&out[4], v, wide));
    check_product(out[4], v, wide, 1, NULL, 0, 1e-6);
    CHECK_OK(apus_tensor_select(&square, wide, 1, 2));
    apus_tensor *dot = NULL;
    CHECK_OK(apus_matmul(&dot, square, v));
    check_product(dot, square, v, 1, NULL, 0, 1e-6);
    for (int i = 0; i < 5; i++) apus_tensor_release(out[i]);
    apus_tensor_release(dot), apus_tensor_release(square), apus_tensor_release(wide);
    apus_tensor_release(transposed), apus_tensor_release(a), apus_tensor_release(b), apus_tensor_release(v);
    munmap(memory, bytes);
}

static void expect_text(const char *first, const char *second) {
    CHECK(strstr(apus_last_error(), first) != NULL);
    CHECK(strstr(apus_last_error(), second) != NULL);
}

static void test_errors(void) {
    int64_t s23[2] = {2, 3}, s45[2] = {4, 5}, s4[1] = {4}, s223[3] = {2, 2, 3}, s332[3] = {3, 3, 2}, s22[2] = {2, 2};
    apus_tensor *a = make(APUS_DTYPE_float32, 2, s23, PLAIN), *b = make(APUS_DTYPE_float32, 2, s45, PLAIN);
    apus_tensor *scalar = make(APUS_DTYPE_float32, 0, NULL, PLAIN), *bools = make(APUS_DTYPE_bool, 2, s22, PLAIN);
    apus_tensor *v = make(APUS_DTYPE_float32, 1, s4, PLAIN), *out = NULL;
    apus_tensor *x = make(APUS_DTYPE_float32, 3, s223, PLAIN), *y = make(APUS_DTYPE_float32, 3, s332, PLAIN);
    apus_tensor *ints = make(APUS_DTYPE_int32, 2, s22, PLAIN);
    CHECK_STATUS(apus_matmul(NULL, a, b), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_matmul(&out, NULL, b), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_matmul(&out, a, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_matmul(&out, a, b), APUS_STATUS_shape);
    expect_text("[2, 3]", "[4, 5]");
    CHECK_STATUS(apus_matmul(&out, a, v), APUS_STATUS_shape);
    CHECK_STATUS(apus_matmul(&out, v, a), APUS_STATUS_shape);
    CHECK_STATUS(apus_matmul(&out, scalar, a), APUS_STATUS_shape);
    CHECK_STATUS(apus_matmul(&out, a, scalar), APUS_STATUS_shape);
    CHECK_STATUS(apus_matmul(&out, x, y), APUS_STATUS_shape);
    expect_text("[2, 2, 3]", "[3, 3, 2]");
    CHECK_STATUS(apus_matmul(&out, bools, bools), APUS_STATUS_dtype);
    CHECK_STATUS(apus_linear(&out, a, b, NULL), APUS_STATUS_shape);
    expect_text("[2, 3]", "[4, 5]");
    CHECK_STATUS(apus_linear(&out, a, v, NULL), APUS_STATUS_shape);
    CHECK_STATUS(apus_linear(&out, a, a, v), APUS_STATUS_shape);
    CHECK_STATUS(apus_linear(&out, scalar, a, NULL), APUS_STATUS_shape);
    CHECK_STATUS(apus_linear(&out, a, NULL, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_addmm(&out, NULL, a, v, 1, 1), APUS_STATUS_shape);
    CHECK_STATUS(apus_addmm(&out, NULL, x, y, 1, 1), APUS_STATUS_shape);
    CHECK_STATUS(apus_addmm(&out, v, ints, ints, 1, 1), APUS_STATUS_shape);
    CHECK_STATUS(apus_addmm(&out, NULL, ints, ints, 1, 0.5), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_addmm(&out, ints, ints, ints, 0.5, 1), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_addmm(&out, NULL, bools, bools, 1, 1), APUS_STATUS_dtype);
    CHECK_STATUS(apus_addmm(&out, NULL, NULL, bools, 1, 1), APUS_STATUS_null_argument);
    CHECK(out == NULL);
    apus_tensor_release(a), apus_tensor_release(b), apus_tensor_release(scalar), apus_tensor_release(bools);
    apus_tensor_release(v), apus_tensor_release(x), apus_tensor_release(y), apus_tensor_release(ints);
}

int main(void) {
    test_matmul_everything();
    test_integer_wraparound();
    test_promotion();
    test_addmm();
    test_linear();
    test_out();
    test_threads_give_same_bits();
    test_long_dot();
    test_concurrent_callers();
    test_wide_strides();
    test_errors();
    CHECK(strlen(apus_blas_core()) > 0);
    check_no_leaks();
    return check_result("matmul");
}
