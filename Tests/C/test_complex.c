// Functions of complex numbers, against their definitions by real ones, and memory seen as another dtype.
#include "check.h"

enum { COUNT = 7 };

/// Real and imaginary parts of the arguments, none on a branch cut.
static const double arguments[2 * COUNT] = {0.5,  0.25, -1.5,  2,   0.125, -3,    -0.25,
                                            -0.5, 1e-9, -1e-9, 2.5, 0.75,  -0.75, 1.25};

static apus_tensor *complex_of(const double *parts, int64_t count, apus_dtype dtype) {
    apus_tensor *wide = NULL, *t = NULL;
    CHECK_OK(apus_tensor_from_data(&wide, APUS_DTYPE_complex128, 1, &count, parts, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&t, wide, dtype, APUS_DEVICE_CPU));
    apus_tensor_release(wide);
    return t;
}

static apus_tensor *applied(apus_unary_op op, const apus_tensor *x) {
    apus_tensor *y = NULL;
    CHECK_OK(apus_unary(&y, op, x));
    return y;
}

static void check_equal(const apus_tensor *actual, const double *parts, double tolerance) {
    double values[2 * COUNT];
    CHECK_OK(apus_tensor_read(actual, APUS_DTYPE_complex128, values, sizeof values));
    for (int i = 0; i < 2 * COUNT; i++) CHECK_CLOSE(values[i], parts[i], tolerance);
}

typedef void (*definition)(double a, double b, double *out);

static void define_exp(double a, double b, double *out) { out[0] = exp(a) * cos(b), out[1] = exp(a) * sin(b); }
static void define_expm1(double a, double b, double *out) {
    out[0] = expm1(a) * cos(b) - 2 * sin(b / 2) * sin(b / 2), out[1] = exp(a) * sin(b);
}
static void define_log(double a, double b, double *out) { out[0] = log(hypot(a, b)), out[1] = atan2(b, a); }
static void define_log1p(double a, double b, double *out) {
    out[0] = log1p(a * (2 + a) + b * b) / 2, out[1] = atan2(b, 1 + a);
}
static void define_sin(double a, double b, double *out) { out[0] = sin(a) * cosh(b), out[1] = cos(a) * sinh(b); }
static void define_cos(double a, double b, double *out) { out[0] = cos(a) * cosh(b), out[1] = -sin(a) * sinh(b); }
static void define_sinh(double a, double b, double *out) { out[0] = sinh(a) * cos(b), out[1] = cosh(a) * sin(b); }
static void define_cosh(double a, double b, double *out) { out[0] = cosh(a) * cos(b), out[1] = sinh(a) * sin(b); }
static void define_reciprocal(double a, double b, double *out) {
    double square = a * a + b * b;
    out[0] = a / square, out[1] = -b / square;
}
static void define_sign(double a, double b, double *out) { out[0] = a / hypot(a, b), out[1] = b / hypot(a, b); }
static void define_round(double a, double b, double *out) { out[0] = rint(a), out[1] = rint(b); }

static void test_definitions(apus_dtype dtype, double tolerance) {
    static const struct {
        apus_unary_op op;
        definition define;
    } rows[] = {
        {APUS_UNARY_exp, define_exp},     {APUS_UNARY_expm1, define_expm1}, {APUS_UNARY_log, define_log},
        {APUS_UNARY_log1p, define_log1p}, {APUS_UNARY_sin, define_sin},     {APUS_UNARY_cos, define_cos},
        {APUS_UNARY_sinh, define_sinh},   {APUS_UNARY_cosh, define_cosh},   {APUS_UNARY_reciprocal, define_reciprocal},
        {APUS_UNARY_sign, define_sign},   {APUS_UNARY_round, define_round},
    };
    apus_tensor *x = complex_of(arguments, COUNT, dtype);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        double expected[2 * COUNT];
        for (int i = 0; i < COUNT; i++) rows[r].define(arguments[2 * i], arguments[2 * i + 1], expected + 2 * i);
        if (rows[r].op == APUS_UNARY_reciprocal) expected[8] = expected[9] = 5e8;
        apus_tensor *y = applied(rows[r].op, x);
        CHECK(apus_tensor_dtype(y) == dtype);
        check_equal(y, expected, tolerance);
        apus_tensor_release(y);
    }
    apus_tensor_release(x);
}

/// g(f(x)) is x for these.
static void test_inverses(apus_dtype dtype, double tolerance) {
    static const apus_unary_op pairs[][2] = {
        {APUS_UNARY_sqrt, APUS_UNARY_square}, {APUS_UNARY_asin, APUS_UNARY_sin},   {APUS_UNARY_acos, APUS_UNARY_cos},
        {APUS_UNARY_atan, APUS_UNARY_tan},    {APUS_UNARY_asinh, APUS_UNARY_sinh}, {APUS_UNARY_acosh, APUS_UNARY_cosh},
        {APUS_UNARY_atanh, APUS_UNARY_tanh},  {APUS_UNARY_log2, APUS_UNARY_exp2},  {APUS_UNARY_log, APUS_UNARY_exp},
    };
    apus_tensor *x = complex_of(arguments, COUNT, dtype);
    for (size_t r = 0; r < sizeof pairs / sizeof pairs[0]; r++) {
        apus_tensor *y = applied(pairs[r][0], x), *z = applied(pairs[r][1], y);
        check_equal(z, arguments, tolerance);
        apus_tensor_release(y);
        apus_tensor_release(z);
    }
    apus_tensor_release(x);
}

static void test_results_of_other_dtypes(void) {
    const double parts[] = {3, 4, NAN, 0, 0, INFINITY, 0, 0};
    apus_tensor *x = complex_of(parts, 4, APUS_DTYPE_complex64), *y = applied(APUS_UNARY_abs, x);
    CHECK(apus_tensor_dtype(y) == APUS_DTYPE_float32 && check_at(y, 0) == 5 && isinf(check_at(y, 2)));
    apus_tensor_release(y);
    static const struct {
        apus_unary_op op;
        int expected[4];
    } rows[] = {{APUS_UNARY_isnan, {0, 1, 0, 0}},
                {APUS_UNARY_isinf, {0, 0, 1, 0}},
                {APUS_UNARY_isfinite, {1, 0, 0, 1}},
                {APUS_UNARY_logical_not, {0, 0, 0, 1}}};
    for (int r = 0; r < 4; r++) {
        y = applied(rows[r].op, x);
        CHECK(apus_tensor_dtype(y) == APUS_DTYPE_bool);
        for (int i = 0; i < 4; i++) CHECK(check_at(y, i) == rows[r].expected[i]);
        apus_tensor_release(y);
    }
    // Operators without a meaning for complex numbers still refuse them.
    y = NULL;
    CHECK_STATUS(apus_unary(&y, APUS_UNARY_floor, x), APUS_STATUS_dtype);
    CHECK_STATUS(apus_unary(&y, APUS_UNARY_erf, x), APUS_STATUS_dtype);
    CHECK_STATUS(apus_binary(&y, APUS_BINARY_maximum, x, x), APUS_STATUS_dtype);
    apus_tensor_release(x);
}

/// x^2 by pow is x * x, and so on; strided and in place as well.
static void test_powers(void) {
    apus_tensor *x = complex_of(arguments, COUNT, APUS_DTYPE_complex128), *y = NULL, *product = NULL;
    const apus_scalar three = {.kind = APUS_SCALAR_float, .real = 3}, zero = {.kind = APUS_SCALAR_float};
    CHECK_OK(apus_binary_scalar(&y, APUS_BINARY_pow, x, &three, false));
    CHECK_OK(apus_binary(&product, APUS_BINARY_mul, x, x));
    CHECK_OK(apus_binary(&product, APUS_BINARY_mul, product, x));
    double parts[2 * COUNT];
    CHECK_OK(apus_tensor_read(product, APUS_DTYPE_complex128, parts, sizeof parts));
    check_equal(y, parts, 1e-13);
    CHECK_OK(apus_binary_scalar(&y, APUS_BINARY_pow, x, &zero, false));
    for (int i = 0; i < 2 * COUNT; i++) parts[i] = i % 2 == 0;
    check_equal(y, parts, 0);
    apus_tensor *alternate = NULL, *root = NULL;
    CHECK_OK(apus_tensor_slice(&alternate, x, 0, 0, COUNT, 2));
    CHECK_OK(apus_unary(&root, APUS_UNARY_sqrt, alternate));
    CHECK_OK(apus_unary(&alternate, APUS_UNARY_sqrt, alternate));
    CHECK_OK(apus_binary(&root, APUS_BINARY_sub, root, alternate));
    for (int i = 0; i < 4; i++) CHECK(check_at(root, i) == 0);
    apus_tensor_release(x);
    apus_tensor_release(y);
    apus_tensor_release(product);
    apus_tensor_release(alternate);
    apus_tensor_release(root);
}

/// The remainder has the divisor's sign, zero's too.
static void test_zero_remainders(void) {
    const int64_t shape[] = {2};
    apus_tensor *x = check_floats(1, shape, (float[]){-0.0f, 0.0f}), *y = check_floats(1, shape, (float[]){1, -1});
    apus_tensor *r = NULL;
    CHECK_OK(apus_binary(&r, APUS_BINARY_remainder, x, y));
    CHECK(!signbit(check_at(r, 0)) && signbit(check_at(r, 1)));
    apus_tensor_release(x);
    apus_tensor_release(y);
    apus_tensor_release(r);
}

static void test_view_dtype(void) {
    apus_tensor *x = complex_of(arguments, COUNT, APUS_DTYPE_complex128), *column = NULL, *parts = NULL, *back = NULL;
    CHECK_OK(apus_tensor_unsqueeze(&column, x, -1));
    CHECK_OK(apus_tensor_view_dtype(&parts, column, APUS_DTYPE_float64));
    CHECK(apus_tensor_rank(parts) == 2 && apus_tensor_shape(parts)[0] == COUNT && apus_tensor_shape(parts)[1] == 2);
    for (int i = 0; i < 2 * COUNT; i++) CHECK(check_at(parts, i) == arguments[i]);
    CHECK_OK(apus_tensor_view_dtype(&back, parts, APUS_DTYPE_complex128));
    CHECK(apus_tensor_data(back) == apus_tensor_data(x) && apus_tensor_shape(back)[1] == 1);
    apus_tensor_release(back), back = NULL;

    // A slice that starts at the second element; one whose elements do not lie side by side; odd sizes and offsets.
    apus_tensor *slice = NULL, *odd = NULL;
    CHECK_OK(apus_tensor_slice(&slice, column, 0, 1, COUNT, 2));
    CHECK_OK(apus_tensor_view_dtype(&back, slice, APUS_DTYPE_int64));
    CHECK(apus_tensor_offset(back) == 2 && apus_tensor_strides(back)[0] == 4 && apus_tensor_shape(back)[1] == 2);
    apus_tensor_release(back), back = NULL;
    apus_tensor_release(slice), slice = NULL;
    CHECK_OK(apus_tensor_slice(&slice, x, 0, 0, COUNT, 2));
    CHECK_STATUS(apus_tensor_view_dtype(&back, slice, APUS_DTYPE_float32), APUS_STATUS_shape);
    CHECK_OK(apus_tensor_slice(&odd, parts, 1, 1, 2, 1));
    CHECK_STATUS(apus_tensor_view_dtype(&back, odd, APUS_DTYPE_complex128), APUS_STATUS_shape);
    CHECK_STATUS(apus_tensor_view_dtype(&back, x, APUS_DTYPE_bool), APUS_STATUS_dtype);
    CHECK_STATUS(apus_tensor_view_dtype(&back, x, (apus_dtype)99), APUS_STATUS_dtype);
    CHECK(back == NULL);

    apus_tensor *scalar = NULL, *bits = NULL;
    const apus_scalar one = {.kind = APUS_SCALAR_float, .real = 1};
    CHECK_OK(apus_tensor_full(&scalar, APUS_DTYPE_float32, 0, NULL, &one, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_view_dtype(&bits, scalar, APUS_DTYPE_int32));
    CHECK(check_at(bits, 0) == 0x3f800000);
    CHECK_STATUS(apus_tensor_view_dtype(&back, scalar, APUS_DTYPE_int16), APUS_STATUS_shape);
    apus_tensor_release(x);
    apus_tensor_release(column);
    apus_tensor_release(parts);
    apus_tensor_release(slice);
    apus_tensor_release(odd);
    apus_tensor_release(scalar);
    apus_tensor_release(bits);
}

int main(void) {
    test_definitions(APUS_DTYPE_complex128, 1e-13);
    test_definitions(APUS_DTYPE_complex64, 1e-5);
    test_inverses(APUS_DTYPE_complex128, 1e-12);
    test_inverses(APUS_DTYPE_complex64, 1e-4);
    test_results_of_other_dtypes();
    test_powers();
    test_zero_remainders();
    test_view_dtype();
    check_no_leaks();
    return check_result("complex");
}
