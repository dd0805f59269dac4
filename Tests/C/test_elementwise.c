// Every row of the operator tables: each dtype, layout and instruction set against the plain contiguous float64 result.
#include "check.h"

static const char *const isas[] = {"baseline", "neon", "avx2", "avx512"};
static uint64_t state = 88172645463325252u;

static double draw(double low, double high) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return low + (high - low) * (double)(state >> 11) * 0x1p-53;
}

static apus_tensor *random_tensor(apus_dtype dtype, int32_t rank, const int64_t *shape, double low, double high) {
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++) n *= shape[i];
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    bool whole = !apus_dtype_is_floating_point(dtype);
    for (int64_t i = 0; i < n; i++) {
        values[i] = draw(low, high);
        if (whole) values[i] = floor(values[i]);
        if (!apus_dtype_is_signed(dtype)) values[i] = fabs(values[i]);
    }
    apus_tensor *wide = NULL, *t = NULL;
    CHECK_OK(apus_tensor_from_data(&wide, APUS_DTYPE_float64, rank, shape, values, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&t, wide, dtype, APUS_DEVICE_CPU));
    apus_tensor_release(wide);
    free(values);
    return t;
}

static double tolerance_of(apus_dtype dtype) {
    switch (dtype) {
    case APUS_DTYPE_float16: return 2e-3;
    case APUS_DTYPE_bfloat16: return 1.6e-2;
    case APUS_DTYPE_float32: return 2e-6;
    default: return 1e-13;
    }
}

/// All elements within tolerance; prints the operator's name when not.
static void check_all_close(const char *name, const apus_tensor *actual, const apus_tensor *expected,
                            double tolerance) {
    int64_t n = apus_tensor_numel(expected);
    double *a = malloc(sizeof(double) * (size_t)(n + 1)), *b = malloc(sizeof(double) * (size_t)(n + 1));
    CHECK(apus_tensor_numel(actual) == n);
    CHECK_OK(apus_tensor_read(actual, APUS_DTYPE_float64, a, sizeof(double) * (size_t)n));
    CHECK_OK(apus_tensor_read(expected, APUS_DTYPE_float64, b, sizeof(double) * (size_t)n));
    int64_t bad = -1;
    for (int64_t i = 0; i < n && bad < 0; i++)
        if (!check_close(a[i], b[i], tolerance)) bad = i;
    if (bad >= 0)
        printf("%s (%s, %s): element %lld is %.9g, expected %.9g\n", name, apus_cpu_isa(),
               apus_dtype_name(apus_tensor_dtype(actual)), (long long)bad, a[bad], b[bad]);
    CHECK(bad < 0);
    free(a);
    free(b);
}

/// A transposed view, so that nothing is contiguous.
static apus_tensor *turned(const apus_tensor *t) {
    apus_tensor *v = NULL;
    CHECK_OK(apus_tensor_transpose(&v, t, 0, 1));
    return v;
}

static void test_unary_row(apus_unary_op op, apus_dtype dtype) {
    double low, high;
    apus_unary_domain(op, &low, &high);
    int64_t shape[] = {23, 41};
    apus_tensor *x = random_tensor(dtype, 2, shape, low, high), *y = NULL, *z = NULL, *wide = NULL, *reference = NULL;
    if (apus_unary(&y, op, x) != APUS_STATUS_ok) {
        CHECK(strstr(apus_last_error(), apus_unary_name(op)) != NULL);
        apus_tensor_release(x);
        return;
    }
    const char *name = apus_unary_name(op);
    // The strided result is the contiguous one, turned.
    apus_tensor *xt = turned(x), *yt = turned(y);
    CHECK_OK(apus_unary(&z, op, xt));
    check_all_close(name, z, yt, 0);
    apus_tensor_release(z), z = NULL;
    bool is_bits = op == APUS_UNARY_bitwise_not;
    if (!is_bits && dtype != APUS_DTYPE_bool) {
        CHECK_OK(apus_tensor_to(&wide, x, APUS_DTYPE_float64, APUS_DEVICE_CPU));
        CHECK_OK(apus_unary(&reference, op, wide));
        if (apus_tensor_dtype(y) == dtype && !apus_dtype_is_floating_point(dtype) && !apus_dtype_is_signed(dtype)) {
            // -x and the like wrap around in unsigned dtypes.
            apus_tensor *wrapped = NULL;
            CHECK_OK(apus_tensor_to(&wrapped, reference, dtype, APUS_DEVICE_CPU));
            apus_tensor_release(reference);
            reference = wrapped;
        }
        check_all_close(
            name, y, reference,
            tolerance_of(apus_tensor_dtype(y) == APUS_DTYPE_bool ? APUS_DTYPE_float64 : apus_tensor_dtype(y)));
    }
    // In place, where the result fits.
    if (apus_tensor_dtype(y) == dtype) {
        CHECK_OK(apus_unary(&x, op, x));
        check_all_close(name, x, y, 0);
    }
    apus_tensor_release(wide);
    apus_tensor_release(reference);
    apus_tensor_release(xt);
    apus_tensor_release(yt);
    apus_tensor_release(x);
    apus_tensor_release(y);
}

static void test_binary_row(apus_binary_op op, apus_dtype dtype) {
    double low[2], high[2];
    apus_binary_domain(op, low, high);
    if (!apus_dtype_is_floating_point(dtype)) low[1] = fmax(low[1], 1);
    int64_t shape[] = {19, 33}, row[] = {33}, column[] = {19, 1};
    apus_tensor *x = random_tensor(dtype, 2, shape, low[0], high[0]);
    const struct {
        int32_t rank;
        const int64_t *shape;
    } others[] = {{2, shape}, {1, row}, {2, column}, {0, NULL}};
    for (int k = 0; k < 4; k++) {
        apus_tensor *y = random_tensor(dtype, others[k].rank, others[k].shape, low[1], high[1]);
        apus_tensor *out = NULL, *wide = NULL, *full = NULL, *again = NULL, *xw = NULL, *yw = NULL, *reference = NULL;
        if (apus_binary(&out, op, x, y) != APUS_STATUS_ok) {
            CHECK(strstr(apus_last_error(), apus_binary_name(op)) != NULL);
            apus_tensor_release(y);
            break;
        }
        // Broadcasting is expanding.
        CHECK_OK(apus_tensor_expand(&wide, y, 2, shape));
        CHECK_OK(apus_tensor_contiguous(&full, wide));
        CHECK_OK(apus_binary(&again, op, x, full));
        check_all_close(apus_binary_name(op), out, again, 0);
        apus_tensor_release(again), again = NULL;
        apus_tensor *xt = turned(x), *ft = turned(full), *ot = turned(out);
        CHECK_OK(apus_binary(&again, op, xt, ft));
        check_all_close(apus_binary_name(op), again, ot, 0);
        if (dtype == APUS_DTYPE_float16 || dtype == APUS_DTYPE_bfloat16 || dtype == APUS_DTYPE_float32) {
            bool exact = op == APUS_BINARY_nextafter || op == APUS_BINARY_floor_divide || op == APUS_BINARY_remainder ||
                         op == APUS_BINARY_fmod;
            CHECK_OK(apus_tensor_to(&xw, x, APUS_DTYPE_float64, APUS_DEVICE_CPU));
            CHECK_OK(apus_tensor_to(&yw, full, APUS_DTYPE_float64, APUS_DEVICE_CPU));
            CHECK_OK(apus_binary(&reference, op, xw, yw));
            if (!exact) check_all_close(apus_binary_name(op), out, reference, tolerance_of(dtype));
        }
        apus_tensor_release(xt);
        apus_tensor_release(ft);
        apus_tensor_release(ot);
        apus_tensor_release(y);
        apus_tensor_release(out);
        apus_tensor_release(wide);
        apus_tensor_release(full);
        apus_tensor_release(again);
        apus_tensor_release(xw);
        apus_tensor_release(yw);
        apus_tensor_release(reference);
    }
    apus_tensor_release(x);
}

static void test_tables(void) {
    for (int dtype = 0; dtype < APUS_DTYPE_complex64; dtype++) {
        for (int op = 0; op < APUS_UNARY_COUNT; op++) test_unary_row((apus_unary_op)op, (apus_dtype)dtype);
        for (int op = 0; op < APUS_BINARY_COUNT; op++) test_binary_row((apus_binary_op)op, (apus_dtype)dtype);
    }
}

static void test_ternary(void) {
    int64_t shape[] = {4, 5}, row[] = {5};
    apus_tensor *x = random_tensor(APUS_DTYPE_float32, 2, shape, -3, 3),
                *low = random_tensor(APUS_DTYPE_float32, 1, row, -1, -0.5);
    apus_tensor *high = NULL, *out = NULL, *mask = NULL;
    apus_scalar one = {.kind = APUS_SCALAR_float, .real = 1}, three = {.kind = APUS_SCALAR_int, .integer = 3};
    CHECK_OK(apus_tensor_scalar(&high, &one));
    CHECK_OK(apus_ternary(&out, APUS_TERNARY_clamp, x, low, high, NULL));
    for (int i = 0; i < 20; i++) CHECK(check_at(out, i) == fmin(fmax(check_at(x, i), check_at(low, i % 5)), 1));
    apus_tensor_release(out), out = NULL;
    CHECK_OK(apus_binary(&mask, APUS_BINARY_gt, x, low));
    CHECK_OK(apus_ternary(&out, APUS_TERNARY_where, mask, x, high, NULL));
    for (int i = 0; i < 20; i++)
        CHECK(check_at(out, i) == (check_at(x, i) > check_at(low, i % 5) ? check_at(x, i) : 1));
    apus_tensor_release(out), out = NULL;
    CHECK_STATUS(apus_ternary(&out, APUS_TERNARY_where, x, x, x, NULL), APUS_STATUS_dtype);
    CHECK_OK(apus_ternary(&out, APUS_TERNARY_addcmul, x, low, low, &three));
    for (int i = 0; i < 20; i++)
        CHECK_CLOSE(check_at(out, i), check_at(x, i) + 3 * check_at(low, i % 5) * check_at(low, i % 5), 1e-6);
    apus_tensor_release(out);
    apus_tensor_release(mask);
    apus_tensor_release(high);
    apus_tensor_release(low);
    apus_tensor_release(x);
}

static void test_errors(void) {
    int64_t a_shape[] = {2, 3}, b_shape[] = {4}, empty[] = {0, 3};
    apus_tensor *a = random_tensor(APUS_DTYPE_float32, 2, a_shape, 0, 1),
                *b = random_tensor(APUS_DTYPE_float32, 1, b_shape, 0, 1);
    apus_tensor *out = NULL, *zero = NULL, *none = NULL;
    CHECK_STATUS(apus_binary(&out, APUS_BINARY_add, a, b), APUS_STATUS_shape);
    CHECK(strstr(apus_last_error(), "add: shapes [2, 3] and [4] do not broadcast") != NULL);
    CHECK_STATUS(apus_binary(&out, APUS_BINARY_add, a, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_binary(NULL, APUS_BINARY_add, a, a), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_unary(&out, (apus_unary_op)1000, a), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_binary(&out, APUS_BINARY_bitwise_and, a, a), APUS_STATUS_dtype);
    CHECK_STATUS(apus_binary(&b, APUS_BINARY_add, a, a), APUS_STATUS_shape);
    apus_scalar nought = {.kind = APUS_SCALAR_int}, seven = {.kind = APUS_SCALAR_int, .integer = 7};
    CHECK_OK(apus_tensor_full(&zero, APUS_DTYPE_int32, 2, a_shape, &seven, APUS_DEVICE_CPU));
    CHECK_STATUS(apus_binary_scalar(&out, APUS_BINARY_floor_divide, zero, &nought, false),
                 APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_binary(&zero, APUS_BINARY_add, a, a), APUS_STATUS_dtype);
    CHECK(out == NULL);
    none = random_tensor(APUS_DTYPE_float32, 2, empty, 0, 1);
    CHECK_OK(apus_unary(&out, APUS_UNARY_exp, none));
    CHECK(apus_tensor_numel(out) == 0);
    apus_tensor_release(out);
    apus_tensor_release(none);
    apus_tensor_release(zero);
    apus_tensor_release(a);
    apus_tensor_release(b);
}

/// Large operands take the path with several threads; bits must not depend on how many.
static void test_thread_bits(void) {
    int64_t shape[] = {700, 901};
    apus_tensor *x = random_tensor(APUS_DTYPE_float32, 2, shape, -4, 4), *xt = turned(x), *one = NULL, *two = NULL;
    for (int op = 0; op < APUS_UNARY_COUNT; op++) {
        if (op == APUS_UNARY_bitwise_not) continue;
        apus_set_num_threads(1);
        CHECK_OK(apus_unary(&one, (apus_unary_op)op, xt));
        apus_set_num_threads(2);
        CHECK_OK(apus_unary(&two, (apus_unary_op)op, xt));
        size_t bytes = (size_t)apus_tensor_numel(one) * apus_dtype_size(apus_tensor_dtype(one));
        CHECK(memcmp(apus_tensor_data(one), apus_tensor_data(two), bytes) == 0);
        apus_tensor_release(one), one = NULL;
        apus_tensor_release(two), two = NULL;
    }
    apus_set_num_threads(0);
    apus_tensor_release(xt);
    apus_tensor_release(x);
}

/// Results larger than the caches are written past them: the same bits as those of an ordinary loop, to the last one.
static void test_large_results(void) {
    const int64_t shape[] = {4 * 1024 * 1024 + 37};
    apus_tensor *x = random_tensor(APUS_DTYPE_float32, 1, shape, -4, 4);
    apus_tensor *y = random_tensor(APUS_DTYPE_float32, 1, shape, 0.5, 4);
    for (int op = APUS_BINARY_add; op <= APUS_BINARY_div; op++) {
        apus_tensor *z = NULL, *in_place = NULL;
        CHECK_OK(apus_binary(&z, (apus_binary_op)op, x, y));
        CHECK_OK(apus_tensor_to(&in_place, x, APUS_DTYPE_float32, APUS_DEVICE_CPU));
        CHECK_OK(apus_binary(&in_place, (apus_binary_op)op, in_place, y));
        CHECK(memcmp(apus_tensor_data(z), apus_tensor_data(in_place), (size_t)shape[0] * sizeof(float)) == 0);
        apus_tensor_release(z);
        apus_tensor_release(in_place);
    }
    apus_tensor_release(x);
    apus_tensor_release(y);
}

int main(void) {
    for (int i = 0; i < 4; i++) {
        if (apus_cpu_set_isa(isas[i]) == APUS_STATUS_ok) {
            test_tables();
            test_large_results();
        }
    }
    test_ternary();
    test_errors();
    test_thread_bits();
    check_no_leaks();
    return check_result("elementwise");
}
