// Picking, placing and joining: values, refusals, the same bits for any number of threads.
#include "check.h"

static apus_tensor *make(apus_dtype dtype, int32_t rank, const int64_t *shape) {
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++) n *= shape[i];
    apus_scalar start = {.kind = APUS_SCALAR_int}, end = start, step = start;
    end.integer = n;
    step.integer = 1;
    apus_tensor *flat = NULL, *typed = NULL, *t = NULL;
    CHECK_OK(apus_tensor_arange(&flat, APUS_DTYPE_int64, &start, &end, &step, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&typed, flat, dtype, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_view(&t, typed, rank, shape));
    apus_tensor_release(flat);
    apus_tensor_release(typed);
    return t;
}

static apus_tensor *floats(int32_t rank, const int64_t *shape) { return make(APUS_DTYPE_float32, rank, shape); }

/// Checks shape and values, and releases.
static void expect(apus_tensor *t, int32_t rank, const int64_t *shape, const double *values) {
    CHECK(t != NULL && apus_tensor_rank(t) == rank);
    for (int32_t i = 0; t != NULL && i < rank; i++) CHECK(apus_tensor_shape(t)[i] == shape[i]);
    for (int64_t i = 0; i < apus_tensor_numel(t); i++) CHECK(check_at(t, i) == values[i]);
    apus_tensor_release(t);
}

#define EXPECT(t, rank, shape, ...) expect(t, rank, (const int64_t[])shape, (const double[])__VA_ARGS__)
#define SHAPE(...)                                                                                                     \
    { __VA_ARGS__ }

static void test_cat(void) {
    int64_t a_shape[] = {2, 2}, b_shape[] = {2, 1}, none[] = {0}, wrong[] = {3, 1};
    apus_tensor *a = make(APUS_DTYPE_int32, 2, a_shape), *b = floats(2, b_shape), *empty = floats(1, none);
    apus_tensor *bad = floats(2, wrong), *out = NULL, *scalar = floats(0, NULL), *left = NULL, *right = NULL;
    const apus_tensor *all[] = {a, empty, b};
    CHECK_OK(apus_cat(&out, 3, all, -1));
    CHECK(apus_tensor_dtype(out) == APUS_DTYPE_float32);
    EXPECT(out, 2, SHAPE(2, 3), {0, 1, 0, 2, 3, 1});
    out = NULL;
    const apus_tensor *unfit[] = {a, bad}, *flat[] = {a, scalar}, *missing[] = {a, NULL}, *empties[] = {empty, empty};
    CHECK_STATUS(apus_cat(&out, 2, unfit, 1), APUS_STATUS_shape);
    CHECK(strstr(apus_last_error(), "tensor 1 has shape [3, 1]") != NULL);
    CHECK_STATUS(apus_cat(&out, 2, flat, 0), APUS_STATUS_shape);
    CHECK_STATUS(apus_cat(&out, 2, missing, 0), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_cat(&out, 0, all, 0), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_cat(&out, 1, all, 2), APUS_STATUS_index);
    CHECK_STATUS(apus_cat(NULL, 1, all, 0), APUS_STATUS_null_argument);
    CHECK(out == NULL);
    CHECK_OK(apus_cat(&out, 2, empties, 0));
    CHECK(apus_tensor_numel(out) == 0 && apus_tensor_rank(out) == 1);
    apus_tensor_release(out);
    // Halves of a tensor swapped within it.
    CHECK_OK(apus_tensor_slice(&left, a, 1, 0, 1, 1));
    CHECK_OK(apus_tensor_slice(&right, a, 1, 1, 2, 1));
    const apus_tensor *swapped[] = {right, left};
    CHECK_OK(apus_cat(&a, 2, swapped, 1));
    apus_tensor_release(left);
    apus_tensor_release(right);
    EXPECT(a, 2, SHAPE(2, 2), {1, 0, 3, 2});
    apus_tensor_release(b);
    apus_tensor_release(bad);
    apus_tensor_release(empty);
    apus_tensor_release(scalar);
}

static void test_slices(void) {
    int64_t shape[] = {2, 3}, count[] = {4}, two[] = {2};
    apus_tensor *x = floats(2, shape), *out = NULL, *turned = NULL, *small = NULL;
    apus_tensor *index = check_ints(1, count, (int64_t[]){2, 0, 2, 1}), *bad = check_ints(1, two, (int64_t[]){0, 7});
    apus_tensor *negative = check_ints(1, two, (int64_t[]){0, -1});
    CHECK_OK(apus_index_select(&out, x, 1, index));
    EXPECT(out, 2, SHAPE(2, 4), {2, 0, 2, 1, 5, 3, 5, 4});
    CHECK_OK(apus_tensor_transpose(&turned, x, 0, 1));
    CHECK_OK(apus_tensor_to(&small, index, APUS_DTYPE_uint8, APUS_DEVICE_CPU));
    out = NULL;
    CHECK_OK(apus_index_select(&out, turned, 0, small));
    EXPECT(out, 2, SHAPE(4, 2), {2, 5, 0, 3, 2, 5, 1, 4});
    out = NULL;
    CHECK_STATUS(apus_index_select(&out, x, 1, bad), APUS_STATUS_index);
    CHECK(strcmp(apus_last_error(), "index_select: index 7 is out of range for dim 1 with size 3") == 0);
    CHECK_STATUS(apus_index_select(&out, x, 0, negative), APUS_STATUS_index);
    CHECK_STATUS(apus_index_select(&out, x, 0, x), APUS_STATUS_shape);
    CHECK_STATUS(apus_index_select(&out, x, 2, index), APUS_STATUS_index);
    CHECK_STATUS(apus_index_select(&out, NULL, 0, index), APUS_STATUS_null_argument);
    CHECK(out == NULL);

    int64_t source_shape[] = {2, 4};
    apus_tensor *source = floats(2, source_shape);
    CHECK_OK(apus_index_add(&out, x, 1, index, source, 2));
    EXPECT(out, 2, SHAPE(2, 3), {2, 7, 6, 13, 18, 25});
    int64_t half[] = {2, 2};
    apus_tensor *narrow = floats(2, half);
    uint64_t version = apus_tensor_version(x);
    CHECK_STATUS(apus_index_add(&x, x, 1, index, narrow, 1), APUS_STATUS_shape);
    CHECK_STATUS(apus_index_add(&x, x, 1, bad, narrow, 1), APUS_STATUS_index);
    CHECK(check_at(x, 0) == 0 && apus_tensor_version(x) == version); // nothing was written
    CHECK_OK(apus_index_add(&x, x, 1, index, source, 1));
    CHECK(apus_tensor_version(x) == version + 1);
    apus_tensor_release(narrow);
    narrow = make(APUS_DTYPE_int32, 2, source_shape);
    out = NULL;
    CHECK_STATUS(apus_index_add(&out, x, 1, index, narrow, 1), APUS_STATUS_dtype);
    CHECK_STATUS(apus_index_add(&out, narrow, 1, index, narrow, 0.5), APUS_STATUS_invalid_argument);
    apus_tensor_release(narrow);
    EXPECT(x, 2, SHAPE(2, 3), {1, 4, 4, 8, 11, 15});
    apus_tensor_release(turned);
    apus_tensor_release(source);
    apus_tensor_release(small);
    apus_tensor_release(index);
    apus_tensor_release(bad);
    apus_tensor_release(negative);
}

static void test_lines(void) {
    int64_t shape[] = {3, 2}, index_shape[] = {2, 2};
    apus_tensor *x = floats(2, shape), *out = NULL, *ones = NULL, *index, *wide;
    index = check_ints(2, index_shape, (int64_t[]){2, 0, 1, 0});
    CHECK_OK(apus_gather(&out, x, 0, index));
    EXPECT(out, 2, SHAPE(2, 2), {4, 1, 2, 1});
    apus_scalar one = {.kind = APUS_SCALAR_float, .real = 1};
    CHECK_OK(apus_tensor_full(&ones, APUS_DTYPE_float32, 2, index_shape, &one, APUS_DEVICE_CPU));
    out = NULL;
    CHECK_OK(apus_scatter(&out, x, 0, index, ones, true));
    EXPECT(out, 2, SHAPE(3, 2), {0, 3, 3, 3, 5, 5});
    out = NULL;
    CHECK_OK(apus_scatter(&out, x, 0, index, ones, false));
    EXPECT(out, 2, SHAPE(3, 2), {0, 1, 1, 3, 1, 5});
    out = NULL;
    CHECK_STATUS(apus_gather(&out, x, 1, index), APUS_STATUS_index);
    wide = check_ints(2, (int64_t[]){1, 3}, (int64_t[]){0, 0, 0});
    CHECK_STATUS(apus_gather(&out, x, 0, wide), APUS_STATUS_shape);
    CHECK_OK(apus_gather(&out, x, 1, wide));
    EXPECT(out, 2, SHAPE(1, 3), {0, 0, 0});
    out = NULL;
    CHECK_STATUS(apus_scatter(&out, x, 1, wide, ones, true), APUS_STATUS_shape);
    CHECK_STATUS(apus_gather(&out, x, 0, x), APUS_STATUS_dtype);
    CHECK(out == NULL);
    apus_tensor_release(wide);
    apus_tensor_release(index);
    apus_tensor_release(ones);
    apus_tensor_release(x);
}

static void test_advanced(void) {
    int64_t shape[] = {2, 3, 4}, column[] = {2, 1}, row[] = {3};
    apus_tensor *x = floats(3, shape), *out = NULL, *r = check_ints(2, column, (int64_t[]){0, -1});
    apus_tensor *c = check_ints(1, row, (int64_t[]){2, 0, -1}), *far = check_ints(1, row, (int64_t[]){0, 0, 3});
    // Neighbours keep their place.
    const apus_tensor *neighbours[] = {r, c};
    CHECK_OK(apus_index(&out, x, 2, neighbours));
    CHECK(apus_tensor_rank(out) == 3 && apus_tensor_shape(out)[0] == 2 && apus_tensor_shape(out)[1] == 3);
    CHECK(check_at(out, 0) == 8 && check_at(out, 4) == 0 && check_at(out, 23) == 23);
    apus_tensor_release(out), out = NULL;
    // Others go to the front.
    const apus_tensor *apart[] = {r, NULL, c};
    CHECK_OK(apus_index(&out, x, 3, apart));
    CHECK(apus_tensor_shape(out)[0] == 2 && apus_tensor_shape(out)[1] == 3 && apus_tensor_shape(out)[2] == 3);
    CHECK(check_at(out, 0) == 2 && check_at(out, 1) == 6 && check_at(out, 3) == 0 && check_at(out, 17) == 23);
    apus_tensor_release(out), out = NULL;
    const apus_tensor *outside[] = {NULL, far}, *many[] = {r, NULL, NULL, r}, *clash[] = {far, c, x};
    CHECK_STATUS(apus_index(&out, x, 2, outside), APUS_STATUS_index);
    CHECK(strcmp(apus_last_error(), "index: index 3 is out of range for dim 1 with size 3") == 0);
    CHECK_STATUS(apus_index(&out, x, 4, many), APUS_STATUS_index);
    CHECK_STATUS(apus_index(&out, x, 3, clash), APUS_STATUS_index);
    CHECK_STATUS(apus_index(&out, x, 3, (const apus_tensor *[]){c, c, x}), APUS_STATUS_index);
    CHECK_STATUS(apus_index(&out, x, 3, (const apus_tensor *[]){NULL, c, x}), APUS_STATUS_dtype);
    CHECK(out == NULL);
    CHECK_OK(apus_index(&out, x, 0, NULL));
    CHECK(apus_tensor_numel(out) == 24 && check_at(out, 23) == 23);
    apus_tensor_release(out), out = NULL;

    // A mask covers as many dims as it has.
    bool chosen[] = {false, true, false, false, false, true};
    apus_tensor *mask = NULL, *value = NULL, *yes = NULL;
    CHECK_OK(apus_tensor_from_data(&mask, APUS_DTYPE_bool, 2, shape, chosen, APUS_DEVICE_CPU));
    const apus_tensor *masked[] = {mask};
    CHECK_OK(apus_index(&out, x, 1, masked));
    EXPECT(out, 2, SHAPE(2, 4), {4, 5, 6, 7, 20, 21, 22, 23});
    CHECK_STATUS(apus_index(&x, x, 2, (const apus_tensor *[]){NULL, mask}), APUS_STATUS_shape);
    apus_scalar ten = {.kind = APUS_SCALAR_int, .integer = 10};
    CHECK_OK(apus_tensor_scalar(&value, &ten));
    uint64_t version = apus_tensor_version(x);
    CHECK_OK(apus_index_put(&x, x, 1, masked, value, true));
    CHECK(apus_tensor_version(x) == version + 1);
    CHECK(check_at(x, 4) == 14 && check_at(x, 3) == 3 && check_at(x, 23) == 33);
    apus_tensor *four = check_floats(1, (int64_t[]){2}, (float[]){1, 2});
    CHECK_STATUS(apus_index_put(&x, x, 1, masked, four, false), APUS_STATUS_shape);
    apus_tensor_release(four);
    // Repeated places add up, and the dims in front work too.
    four = check_floats(1, (int64_t[]){2}, (float[]){1, 2});
    apus_tensor *twice = check_ints(1, (int64_t[]){2}, (int64_t[]){1, -1});
    CHECK_OK(apus_index_put(&x, x, 3, (const apus_tensor *[]){twice, NULL, twice}, value, false));
    // Places [1, :, 1] and [1, :, 3]
    CHECK(check_at(x, 13) == 10 && check_at(x, 19) == 10 && check_at(x, 14) == 14 && check_at(x, 1) == 1);
    CHECK_STATUS(apus_index_put(&x, x, 3, (const apus_tensor *[]){twice, NULL, twice}, four, false), APUS_STATUS_shape);
    apus_tensor_release(twice);
    apus_tensor_release(four);
    // A mask without dims keeps everything, under a new dim.
    bool truth = true;
    CHECK_OK(apus_tensor_from_data(&yes, APUS_DTYPE_bool, 0, NULL, &truth, APUS_DEVICE_CPU));
    out = NULL;
    CHECK_OK(apus_index(&out, x, 1, (const apus_tensor *[]){yes}));
    CHECK(apus_tensor_rank(out) == 4 && apus_tensor_shape(out)[0] == 1 && check_at(out, 4) == 14);
    apus_tensor_release(out);
    apus_tensor_release(yes);
    apus_tensor_release(value);
    apus_tensor_release(mask);
    apus_tensor_release(r);
    apus_tensor_release(c);
    apus_tensor_release(far);
    apus_tensor_release(x);
}

static void test_masks(void) {
    int64_t shape[] = {2, 3}, row[] = {3};
    apus_tensor *x = floats(2, shape), *mask = NULL, *out = NULL;
    bool chosen[] = {true, false, true};
    CHECK_OK(apus_tensor_from_data(&mask, APUS_DTYPE_bool, 1, row, chosen, APUS_DEVICE_CPU));
    CHECK_OK(apus_masked_select(&out, x, mask));
    EXPECT(out, 1, SHAPE(4), {0, 2, 3, 5});
    out = NULL;
    CHECK_STATUS(apus_masked_select(&out, x, x), APUS_STATUS_dtype);
    CHECK_OK(apus_nonzero(&out, x));
    EXPECT(out, 2, SHAPE(5, 2), {0, 1, 0, 2, 1, 0, 1, 1, 1, 2});
    apus_tensor_release(mask);
    apus_tensor_release(x);
    apus_tensor *scalar = NULL;
    apus_scalar two = {.kind = APUS_SCALAR_int, .integer = 2};
    CHECK_OK(apus_tensor_scalar(&scalar, &two));
    out = NULL;
    CHECK_OK(apus_nonzero(&out, scalar));
    CHECK(apus_tensor_shape(out)[0] == 1 && apus_tensor_shape(out)[1] == 0);
    apus_tensor_release(out);
    apus_tensor_release(scalar);
    // Many chunks
    int64_t n = 100001, count = 0;
    x = make(APUS_DTYPE_uint8, 1, &n);
    out = NULL;
    CHECK_OK(apus_nonzero(&out, x));
    const int64_t *places = apus_tensor_data(out);
    bool right = true;
    for (int64_t i = 0; i < n; i++)
        if (i % 256 != 0) right &= places[count++] == i;
    CHECK(right && count == apus_tensor_shape(out)[0]);
    apus_tensor_release(out);
    apus_tensor_release(x);
}

static void test_flip_and_triangle(void) {
    int64_t shape[] = {2, 3};
    int32_t dims[] = {-1, 0};
    apus_tensor *x = floats(2, shape), *out = NULL;
    CHECK_OK(apus_flip(&out, x, 1, dims));
    EXPECT(out, 2, SHAPE(2, 3), {2, 1, 0, 5, 4, 3});
    CHECK_OK(apus_flip(&x, x, 2, dims));
    out = NULL;
    CHECK_OK(apus_triangle(&out, x, 0, false));
    EXPECT(out, 2, SHAPE(2, 3), {5, 0, 0, 2, 1, 0});
    out = NULL;
    CHECK_OK(apus_triangle(&out, x, INT64_MIN, true));
    EXPECT(out, 2, SHAPE(2, 3), {5, 4, 3, 2, 1, 0});
    CHECK_OK(apus_triangle(&x, x, 1, true));
    EXPECT(x, 2, SHAPE(2, 3), {0, 4, 3, 0, 0, 0});
    int64_t line[] = {3};
    x = floats(1, line);
    out = NULL;
    CHECK_STATUS(apus_triangle(&out, x, 0, true), APUS_STATUS_shape);
    CHECK_STATUS(apus_flip(&out, x, 1, (int32_t[]){1}), APUS_STATUS_index);
    CHECK_STATUS(apus_flip(&out, x, 2, (int32_t[]){0, -1}), APUS_STATUS_invalid_argument);
    apus_tensor_release(x);
}

static void test_every_dtype(void) {
    int64_t shape[] = {40, 3}, n = 7;
    apus_tensor *index = check_ints(1, &n, (int64_t[]){3, 0, 3, 1, 39, 3, 0});
    for (int d = 0; d < APUS_DTYPE_COUNT; d++) {
        apus_dtype dtype = (apus_dtype)d;
        apus_tensor *x = make(dtype, 2, shape), *picked = NULL, *sum = NULL;
        CHECK_OK(apus_index_select(&picked, x, 0, index));
        CHECK(check_at(picked, 3) == check_at(x, 0) && check_at(picked, 14) == check_at(x, 119));
        CHECK_OK(apus_index_add(&sum, x, 0, index, picked, 1));
        double expected = dtype == APUS_DTYPE_bool ? 1 : 4 * 9;
        CHECK(check_at(sum, 9) == expected);
        apus_tensor_release(sum);
        apus_tensor_release(picked);
        apus_tensor_release(x);
    }
    apus_tensor_release(index);
}

/// Sums of many floats at few places depend on the order: it must not depend on threads.
static void test_threads(void) {
    int64_t rows = 20000, wide[] = {rows, 48}, table[] = {50, 48}, lines[] = {rows, 50};
    apus_tensor *index = NULL, *source = NULL, *zeros = NULL, *places = NULL, *flat_index = NULL, *flat = NULL;
    apus_scalar zero = {.kind = APUS_SCALAR_int};
    apus_generator *g = NULL;
    CHECK_OK(apus_generator_new(&g, 1));
    CHECK_OK(apus_tensor_empty(&index, APUS_DTYPE_int64, 1, &rows, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_empty(&source, APUS_DTYPE_float32, 2, wide, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_empty(&places, APUS_DTYPE_int64, 2, lines, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_full(&zeros, APUS_DTYPE_float32, 2, table, &zero, APUS_DEVICE_CPU));
    CHECK_OK(apus_randint(index, 0, 50, g));
    CHECK_OK(apus_randint(places, 0, 50, g));
    CHECK_OK(apus_normal(source, 0, 1, g));
    CHECK_OK(apus_tensor_slice(&flat_index, places, 1, 0, 48, 1));
    float results[2][2][50 * 48];
    for (int threads = 1; threads <= 2; threads++) {
        apus_set_num_threads(threads == 1 ? 1 : 5);
        apus_tensor *sum = NULL, *scattered = NULL;
        CHECK_OK(apus_index_add(&sum, zeros, 0, index, source, 1));
        CHECK_OK(apus_scatter(&scattered, zeros, 0, flat_index, source, true));
        memcpy(results[threads - 1][0], apus_tensor_data(sum), sizeof results[0][0]);
        memcpy(results[threads - 1][1], apus_tensor_data(scattered), sizeof results[0][1]);
        apus_tensor_release(sum);
        apus_tensor_release(scattered);
    }
    CHECK(memcmp(results[0], results[1], sizeof results[0]) == 0);
    apus_set_num_threads(0);
    apus_generator_release(g);
    apus_tensor_release(flat);
    apus_tensor_release(flat_index);
    apus_tensor_release(places);
    apus_tensor_release(index);
    apus_tensor_release(source);
    apus_tensor_release(zeros);
}

int main(void) {
    test_cat();
    test_slices();
    test_lines();
    test_advanced();
    test_masks();
    test_flip_and_triangle();
    test_every_dtype();
    test_threads();
    check_no_leaks();
    return check_result("index");
}
