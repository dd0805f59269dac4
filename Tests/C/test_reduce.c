// Reductions, arg-reductions, scans: against plain loops over double, for every dtype, geometry and instruction set.
#include "check.h"

enum { MAX_DIMS = 8 };

static const apus_dtype all_dtypes[] = {APUS_DTYPE_bool,   APUS_DTYPE_uint8,   APUS_DTYPE_uint16,   APUS_DTYPE_uint32,
                                        APUS_DTYPE_uint64, APUS_DTYPE_int8,    APUS_DTYPE_int16,    APUS_DTYPE_int32,
                                        APUS_DTYPE_int64,  APUS_DTYPE_float16, APUS_DTYPE_bfloat16, APUS_DTYPE_float32,
                                        APUS_DTYPE_float64};

static bool is_integral(apus_dtype d) { return d <= APUS_DTYPE_int64; }
static bool is_half(apus_dtype d) { return d == APUS_DTYPE_float16 || d == APUS_DTYPE_bfloat16; }

/// What a dtype's results are good for.
static double tolerance(apus_dtype d) {
    return d == APUS_DTYPE_bfloat16 ? 1e-2 : d == APUS_DTYPE_float16 ? 2e-3 : d == APUS_DTYPE_float32 ? 2e-6 : 1e-12;
}

static double *read_all(const apus_tensor *t) {
    size_t bytes = sizeof(double) * (size_t)apus_tensor_numel(t);
    double *values = malloc(bytes + 1);
    CHECK_OK(apus_tensor_read(t, APUS_DTYPE_float64, values, bytes));
    return values;
}

/// A tensor of small whole numbers, which every dtype holds (negative ones where it can), halved for floats.
static apus_tensor *make(apus_dtype dtype, int32_t rank, const int64_t *shape) {
    int64_t n = 1;
    for (int32_t d = 0; d < rank; d++) n *= shape[d];
    double *values = malloc(sizeof(double) * (size_t)n + 1);
    uint64_t state = 88172645463325252ull;
    for (int64_t i = 0; i < n; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        double v = (double)(state >> 33) / 2147483648.0;
        values[i] = dtype == APUS_DTYPE_bool ? v > 0.4 : apus_dtype_is_signed(dtype) ? floor(v * 15) - 7 : floor(v * 9);
        if (apus_dtype_is_floating_point(dtype)) values[i] *= 0.5;
    }
    apus_tensor *wide = NULL, *t = NULL;
    CHECK_OK(apus_tensor_from_data(&wide, APUS_DTYPE_float64, rank, shape, values, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&t, wide, dtype, APUS_DEVICE_CPU));
    apus_tensor_release(wide);
    free(values);
    return t;
}

/// One of several views of t; NULL where there is no such view.
static apus_tensor *view_of(const apus_tensor *t, int which) {
    apus_tensor *v = NULL, *first = NULL;
    int32_t rank = apus_tensor_rank(t);
    const int64_t *shape = apus_tensor_shape(t);
    switch (which) {
    case 0: CHECK_OK(apus_tensor_alias(&v, t)); break;
    case 1:
        if (rank > 1) CHECK_OK(apus_tensor_transpose(&v, t, 0, rank - 1));
        break;
    case 2:
        if (rank > 0 && shape[rank - 1] > 2) CHECK_OK(apus_tensor_slice(&v, t, -1, 1, shape[rank - 1], 2));
        break;
    case 3:
        if (rank < 2) break;
        CHECK_OK(apus_tensor_slice(&first, t, 0, 0, 1, 1));
        CHECK_OK(apus_tensor_expand(&v, first, rank, shape));
        apus_tensor_release(first);
        break;
    }
    return v;
}
enum { VIEWS = 4 };

/// Where element i of a row-major shape goes when the dims in `mask` are reduced.
static int64_t target_of(int64_t i, int32_t rank, const int64_t *shape, unsigned mask) {
    int64_t place = 0, scale = 1;
    for (int32_t d = rank - 1; d >= 0; d--) {
        if (!(mask >> d & 1)) {
            place += i % shape[d] * scale;
            scale *= shape[d];
        }
        i /= shape[d];
    }
    return place;
}

/// The reduction by plain loops; returns how many results there are.
static int64_t reference(apus_reduce_op op, const double *x, int32_t rank, const int64_t *shape, unsigned mask,
                         double *out) {
    int64_t n = 1, results = 1;
    for (int32_t d = 0; d < rank; d++) {
        n *= shape[d];
        if (!(mask >> d & 1)) results *= shape[d];
    }
    bool product = op == APUS_REDUCE_prod || op == APUS_REDUCE_all;
    for (int64_t i = 0; i < results; i++)
        out[i] = op == APUS_REDUCE_max ? -INFINITY : op == APUS_REDUCE_min ? INFINITY : product;
    for (int64_t i = 0; i < n; i++) {
        double *o = &out[target_of(i, rank, shape, mask)];
        switch (op) {
        case APUS_REDUCE_sum:
        case APUS_REDUCE_nansum: *o += x[i]; break;
        case APUS_REDUCE_mean: *o += x[i] / (double)(n / results); break;
        case APUS_REDUCE_prod: *o *= x[i]; break;
        case APUS_REDUCE_max: *o = x[i] > *o ? x[i] : *o; break;
        case APUS_REDUCE_min: *o = x[i] < *o ? x[i] : *o; break;
        case APUS_REDUCE_any: *o = *o != 0 || x[i] != 0; break;
        case APUS_REDUCE_all: *o = *o != 0 && x[i] != 0; break;
        case APUS_REDUCE_count_nonzero: *o += x[i] != 0; break;
        case APUS_REDUCE_sum_abs: *o += fabs(x[i]); break;
        case APUS_REDUCE_sum_squares: *o += x[i] * x[i]; break;
        }
    }
    return results;
}

static apus_dtype result_dtype(apus_reduce_op op, apus_dtype d) {
    switch (op) {
    case APUS_REDUCE_sum:
    case APUS_REDUCE_prod:
    case APUS_REDUCE_nansum: return is_integral(d) ? APUS_DTYPE_int64 : d;
    case APUS_REDUCE_any:
    case APUS_REDUCE_all: return APUS_DTYPE_bool;
    case APUS_REDUCE_count_nonzero: return APUS_DTYPE_int64;
    case APUS_REDUCE_sum_abs:
    case APUS_REDUCE_sum_squares: return is_integral(d) ? APUS_DTYPE_float32 : d;
    default: return d;
    }
}

static void check_values(const char *what, const apus_tensor *t, const double *expected, int64_t count, double tol) {
    CHECK(apus_tensor_numel(t) == count);
    double *values = read_all(t);
    int64_t wrong = -1;
    for (int64_t i = 0; i < count && wrong < 0; i++)
        if (!check_close(values[i], expected[i], tol)) wrong = i;
    CHECK(wrong < 0);
    if (wrong >= 0)
        printf("  %s: element %lld is %.9g, expected %.9g\n", what, (long long)wrong, values[wrong], expected[wrong]);
    free(values);
}

static void check_reduction(apus_reduce_op op, const apus_tensor *x, const double *values, unsigned mask) {
    int32_t rank = apus_tensor_rank(x), dims[MAX_DIMS], count = 0;
    apus_dtype dtype = apus_tensor_dtype(x);
    if (op == APUS_REDUCE_mean && is_integral(dtype)) return;
    for (int32_t d = 0; d < rank; d++)
        if (mask >> d & 1) dims[count++] = mask & 1 ? d - rank : d; // both ways of counting
    double *expected = malloc(sizeof(double) * (size_t)apus_tensor_numel(x));
    int64_t results = reference(op, values, rank, apus_tensor_shape(x), mask, expected);
    // A product's result may be too large for the dtype.
    for (int64_t i = 0; op == APUS_REDUCE_prod && i < results; i++)
        if (fabs(expected[i]) > 6e4) goto done;
    apus_tensor *out = NULL;
    bool keep = mask % 3 == 0;
    CHECK_OK(apus_reduce(&out, op, x, count, count == 0 ? NULL : dims, keep));
    CHECK(apus_tensor_rank(out) == (keep ? rank : rank - count));
    CHECK(apus_tensor_dtype(out) == result_dtype(op, dtype));
    check_values(apus_reduce_name(op), out, expected, results, tolerance(apus_tensor_dtype(out)));
    apus_tensor_release(out);
done:
    free(expected);
}

static void test_reductions(void) {
    static const int64_t shapes[][4] = {{5},    {200},     {3, 5},     {70, 9},     {4, 130},
                                        {1, 6}, {3, 4, 5}, {2, 65, 3}, {2, 3, 4, 5}};
    static const int32_t ranks[] = {1, 1, 2, 2, 2, 2, 3, 3, 4};
    for (size_t k = 0; k < sizeof all_dtypes / sizeof *all_dtypes; k++)
        for (size_t s = 0; s < sizeof ranks / sizeof *ranks; s++) {
            apus_tensor *base = make(all_dtypes[k], ranks[s], shapes[s]);
            for (int which = 0; which < VIEWS; which++) {
                apus_tensor *x = view_of(base, which);
                if (x == NULL) continue;
                double *values = read_all(x);
                for (unsigned mask = 1; mask < 1u << ranks[s]; mask++)
                    for (int op = 0; op < APUS_REDUCE_COUNT; op++) check_reduction((apus_reduce_op)op, x, values, mask);
                free(values);
                apus_tensor_release(x);
            }
            apus_tensor_release(base);
        }
}

/// Shapes large enough for several blocks, chunks and threads.
static void test_large(void) {
    static const int64_t shapes[][2] = {{300000, 3}, {3, 300000}, {1100, 1300}, {1, 900001}, {5000, 64}};
    static const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16, APUS_DTYPE_int8,
                                        APUS_DTYPE_bool};
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            apus_tensor *x = make(dtypes[k], 2, shapes[s]);
            double *values = read_all(x);
            for (unsigned mask = 1; mask < 4; mask++) {
                if (!is_half(dtypes[k])) check_reduction(APUS_REDUCE_sum, x, values, mask);
                check_reduction(APUS_REDUCE_mean, x, values, mask);
                check_reduction(APUS_REDUCE_max, x, values, mask);
                check_reduction(APUS_REDUCE_all, x, values, mask);
                check_reduction(APUS_REDUCE_count_nonzero, x, values, mask);
            }
            free(values);
            apus_tensor_release(x);
        }
}

static double reduce_one(apus_reduce_op op, const apus_tensor *x) {
    apus_tensor *out = NULL;
    CHECK_OK(apus_reduce(&out, op, x, 0, NULL, false));
    double value = check_at(out, 0);
    apus_tensor_release(out);
    return value;
}

static void test_specials(void) {
    const float values[] = {1, NAN, -INFINITY, 3, INFINITY};
    const int64_t shape[] = {5}, four[] = {4}, one[] = {1};
    apus_tensor *x = check_floats(1, shape, values), *y = check_floats(1, four, values + 1), *z = NULL;
    CHECK(isnan(reduce_one(APUS_REDUCE_max, x)) && isnan(reduce_one(APUS_REDUCE_min, x)));
    CHECK(isnan(reduce_one(APUS_REDUCE_sum, x)) && isnan(reduce_one(APUS_REDUCE_nansum, y)));
    apus_tensor_release(y);
    y = check_floats(1, one, values + 1);
    CHECK(reduce_one(APUS_REDUCE_nansum, y) == 0);
    CHECK(reduce_one(APUS_REDUCE_any, y) == 1); // NaN is not zero
    // Infinite sums of double are infinite in spite of the compensation.
    CHECK_OK(apus_tensor_to(&z, x, APUS_DTYPE_float64, APUS_DEVICE_CPU));
    apus_tensor *tail = NULL;
    CHECK_OK(apus_tensor_slice(&tail, z, 0, 3, 5, 1));
    CHECK(reduce_one(APUS_REDUCE_sum, tail) == INFINITY);
    apus_tensor_release(tail);
    apus_tensor_release(x);
    apus_tensor_release(y);
    apus_tensor_release(z);
}

static void test_empty_and_scalar(void) {
    const int64_t shape[] = {0, 3};
    const int32_t first = 0, last = 1;
    static const double expected[APUS_REDUCE_COUNT] = {0, 1, NAN, 0, 0, 0, 1, 0, 0, 0, 0};
    apus_tensor *x = NULL, *out = NULL;
    CHECK_OK(apus_tensor_empty(&x, APUS_DTYPE_float32, 2, shape, APUS_DEVICE_CPU));
    for (int op = 0; op < APUS_REDUCE_COUNT; op++) {
        bool extreme = op == APUS_REDUCE_max || op == APUS_REDUCE_min;
        CHECK_STATUS(apus_reduce(&out, (apus_reduce_op)op, x, 1, &first, false),
                     extreme ? APUS_STATUS_shape : APUS_STATUS_ok);
        if (!extreme) {
            CHECK(apus_tensor_numel(out) == 3);
            CHECK_CLOSE(check_at(out, 2), expected[op], 0);
            apus_tensor_release(out);
        }
        out = NULL;
        CHECK_OK(apus_reduce(&out, (apus_reduce_op)op, x, 1, &last, false));
        CHECK(apus_tensor_numel(out) == 0);
        apus_tensor_release(out);
        out = NULL;
    }
    CHECK_OK(apus_var(&out, NULL, x, 0, NULL, 1, false));
    CHECK(isnan(check_at(out, 0)));
    apus_tensor_release(out);
    out = NULL;
    CHECK_OK(apus_logsumexp(&out, x, 1, &first, false));
    CHECK(check_at(out, 0) == -INFINITY);
    apus_tensor_release(out);
    apus_tensor_release(x);
    x = out = NULL;
    // 0-d: one dim that may be named or not
    const double value = 2.5;
    CHECK_OK(apus_tensor_from_data(&x, APUS_DTYPE_float64, 0, NULL, &value, APUS_DEVICE_CPU));
    CHECK(reduce_one(APUS_REDUCE_sum, x) == 2.5 && reduce_one(APUS_REDUCE_max, x) == 2.5);
    const int32_t minus = -1;
    CHECK_OK(apus_reduce(&out, APUS_REDUCE_mean, x, 1, &minus, true));
    CHECK(apus_tensor_rank(out) == 0 && check_at(out, 0) == 2.5);
    apus_tensor_release(out);
    apus_tensor *index = NULL;
    out = NULL;
    CHECK_OK(apus_arg_reduce(&out, &index, false, x, 0, false));
    CHECK(check_at(out, 0) == 2.5 && check_at(index, 0) == 0);
    apus_tensor_release(out);
    apus_tensor_release(index);
    out = NULL;
    CHECK_OK(apus_scan(&out, APUS_SCAN_sum, x, -1));
    CHECK(check_at(out, 0) == 2.5);
    apus_tensor_release(out);
    apus_tensor_release(x);
}

static void test_complex(void) {
    const double parts[] = {1, 2, 3, -1, 0, 1};
    const int64_t shape[] = {3};
    for (int wide = 0; wide < 2; wide++) {
        apus_tensor *x = NULL, *c = NULL, *out = NULL;
        apus_dtype dtype = wide ? APUS_DTYPE_complex128 : APUS_DTYPE_complex64;
        CHECK_OK(apus_tensor_from_data(&x, APUS_DTYPE_complex128, 1, shape, parts, APUS_DEVICE_CPU));
        CHECK_OK(apus_tensor_to(&c, x, dtype, APUS_DEVICE_CPU));
        static const struct {
            apus_reduce_op op;
            double real, imaginary;
        } cases[] = {{APUS_REDUCE_sum, 4, 2}, {APUS_REDUCE_mean, 4 / 3.0, 2 / 3.0}, {APUS_REDUCE_prod, -5, 5}};
        for (int i = 0; i < 3; i++) {
            apus_scalar s = {0};
            CHECK_OK(apus_reduce(&out, cases[i].op, c, 0, NULL, false));
            CHECK_OK(apus_tensor_item(out, &s));
            CHECK_CLOSE(s.real, cases[i].real, 1e-6);
            CHECK_CLOSE(s.imaginary, cases[i].imaginary, 1e-6);
            CHECK(apus_tensor_dtype(out) == dtype);
            apus_tensor_release(out);
            out = NULL;
        }
        CHECK(reduce_one(APUS_REDUCE_count_nonzero, c) == 3 && reduce_one(APUS_REDUCE_all, c) == 1);
        CHECK_STATUS(apus_reduce(&out, APUS_REDUCE_max, c, 0, NULL, false), APUS_STATUS_dtype);
        CHECK_STATUS(apus_reduce(&out, APUS_REDUCE_nansum, c, 0, NULL, false), APUS_STATUS_dtype);
        CHECK_STATUS(apus_reduce(&out, APUS_REDUCE_sum_abs, c, 0, NULL, false), APUS_STATUS_dtype);
        CHECK_STATUS(apus_var(&out, NULL, c, 0, NULL, 1, false), APUS_STATUS_dtype);
        CHECK_STATUS(apus_norm(&out, c, 2, 0, NULL, false), APUS_STATUS_dtype);
        CHECK_STATUS(apus_logsumexp(&out, c, 0, NULL, false), APUS_STATUS_dtype);
        CHECK_STATUS(apus_arg_reduce(&out, NULL, false, c, 0, false), APUS_STATUS_dtype);
        CHECK_OK(apus_scan(&out, APUS_SCAN_prod, c, 0));
        apus_tensor_release(out);
        apus_tensor_release(x);
        apus_tensor_release(c);
    }
}

static void test_reduce_as(void) {
    const int64_t shape[] = {3}, values[] = {100, 100, 57};
    apus_tensor *x = check_ints(1, shape, values), *out = NULL;
    CHECK_OK(apus_reduce_as(&out, APUS_REDUCE_mean, x, 0, NULL, false, APUS_DTYPE_float64));
    CHECK(apus_tensor_dtype(out) == APUS_DTYPE_float64);
    CHECK_CLOSE(check_at(out, 0), 257 / 3.0, 1e-15);
    apus_tensor_release(out);
    out = NULL;
    CHECK_OK(apus_reduce_as(&out, APUS_REDUCE_sum, x, 0, NULL, false, APUS_DTYPE_int8));
    CHECK(apus_tensor_dtype(out) == APUS_DTYPE_int8 && check_at(out, 0) == 1); // 257 wraps
    apus_tensor_release(out);
    out = NULL;
    CHECK_OK(apus_reduce_as(&out, APUS_REDUCE_sum, x, 0, NULL, false, APUS_DTYPE_float16));
    CHECK(apus_tensor_dtype(out) == APUS_DTYPE_float16 && check_at(out, 0) == 257);
    apus_tensor_release(out);
    apus_tensor_release(x);
}

static void test_outputs(void) {
    const int64_t shape[] = {2, 3}, three[] = {3}, two[] = {2};
    const float values[] = {1, 2, 3, 4, 5, 6};
    const int32_t first = 0;
    apus_tensor *x = check_floats(2, shape, values), *column = NULL, *wide = NULL, *row = NULL;
    // Into a strided view of another dtype
    CHECK_OK(apus_tensor_empty(&wide, APUS_DTYPE_float64, 2, (int64_t[]){3, 2}, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_select(&column, wide, 1, 1));
    CHECK_OK(apus_reduce(&column, APUS_REDUCE_sum, x, 1, &first, false));
    CHECK(check_at(column, 0) == 5 && check_at(column, 2) == 9);
    // Over the input itself
    CHECK_OK(apus_tensor_select(&row, x, 0, 0));
    CHECK_OK(apus_reduce(&row, APUS_REDUCE_sum, x, 1, &first, false));
    CHECK(check_at(x, 0) == 5 && check_at(x, 2) == 9 && check_at(x, 3) == 4);
    CHECK_OK(apus_scan(&x, APUS_SCAN_sum, x, 1));
    CHECK(check_at(x, 0) == 5 && check_at(x, 1) == 12 && check_at(x, 2) == 21 && check_at(x, 5) == 15);
    apus_tensor *wrong = NULL, *whole = NULL;
    CHECK_OK(apus_tensor_empty(&wrong, APUS_DTYPE_float32, 1, two, APUS_DEVICE_CPU));
    CHECK_STATUS(apus_reduce(&wrong, APUS_REDUCE_sum, x, 1, &first, false), APUS_STATUS_shape);
    CHECK_OK(apus_tensor_empty(&whole, APUS_DTYPE_int64, 1, three, APUS_DEVICE_CPU));
    CHECK_STATUS(apus_reduce(&whole, APUS_REDUCE_sum, x, 1, &first, false), APUS_STATUS_dtype);
    apus_tensor_release(x);
    apus_tensor_release(column);
    apus_tensor_release(wide);
    apus_tensor_release(row);
    apus_tensor_release(wrong);
    apus_tensor_release(whole);
}

static void test_errors(void) {
    const int64_t shape[] = {2, 3}, ints[] = {1, 2, 3, 4, 5, 6};
    const int32_t twice[] = {0, -2}, far = 2;
    apus_tensor *x = check_ints(2, shape, ints), *out = NULL;
    CHECK_STATUS(apus_reduce(NULL, APUS_REDUCE_sum, x, 0, NULL, false), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_reduce(&out, APUS_REDUCE_sum, NULL, 0, NULL, false), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_reduce(&out, (apus_reduce_op)99, x, 0, NULL, false), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_reduce(&out, APUS_REDUCE_sum, x, 2, twice, false), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_reduce(&out, APUS_REDUCE_sum, x, 1, NULL, false), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_reduce(&out, APUS_REDUCE_sum, x, 1, &far, false), APUS_STATUS_index);
    CHECK_STATUS(apus_reduce(&out, APUS_REDUCE_mean, x, 0, NULL, false), APUS_STATUS_dtype);
    CHECK(strstr(apus_last_error(), "mean") != NULL && strstr(apus_last_error(), "int64") != NULL);
    CHECK_STATUS(apus_reduce_as(&out, APUS_REDUCE_sum, x, 0, NULL, false, (apus_dtype)77), APUS_STATUS_dtype);
    CHECK_STATUS(apus_var(&out, NULL, x, 0, NULL, 1, false), APUS_STATUS_dtype);
    CHECK_STATUS(apus_norm(&out, x, 2, 0, NULL, false), APUS_STATUS_dtype);
    CHECK_STATUS(apus_arg_reduce(&out, NULL, false, x, 2, false), APUS_STATUS_index);
    CHECK_STATUS(apus_scan(&out, (apus_scan_op)7, x, 0), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_scan(&out, APUS_SCAN_sum, x, -3), APUS_STATUS_index);
    CHECK(out == NULL);
    CHECK(strcmp(apus_reduce_name(APUS_REDUCE_nansum), "nansum") == 0);
    CHECK(strcmp(apus_reduce_name((apus_reduce_op)-1), "invalid") == 0);
    apus_tensor_release(x);
}

// ---- Variance, norms, log(sum(exp(x)))

static void test_var(void) {
    static const int64_t shape[] = {37, 70, 3};
    static const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16};
    for (int k = 0; k < 3; k++)
        for (int which = 0; which < VIEWS; which++)
            for (unsigned mask = 1; mask < 8; mask++) {
                apus_tensor *base = make(dtypes[k], 3, shape), *x = view_of(base, which), *out = NULL, *mean = NULL;
                int32_t dims[3], count = 0;
                for (int32_t d = 0; d < 3; d++)
                    if (mask >> d & 1) dims[count++] = d;
                int64_t n = apus_tensor_numel(x);
                double *values = read_all(x), *means = malloc(sizeof(double) * (size_t)n),
                       *vars = calloc((size_t)n, sizeof(double));
                const int64_t *s = apus_tensor_shape(x);
                int64_t results = reference(APUS_REDUCE_mean, values, 3, s, mask, means);
                for (int64_t i = 0; i < n; i++) {
                    int64_t o = target_of(i, 3, s, mask);
                    vars[o] += (values[i] - means[o]) * (values[i] - means[o]) / ((double)(n / results) - 1);
                }
                CHECK_OK(apus_var(&out, &mean, x, count, dims, 1, false));
                check_values("var", out, vars, results, tolerance(dtypes[k]));
                check_values("mean", mean, means, results, tolerance(dtypes[k]));
                apus_tensor_release(out);
                apus_tensor_release(mean);
                apus_tensor_release(x);
                apus_tensor_release(base);
                free(values), free(means), free(vars);
            }
    const int64_t two[] = {2};
    const float values[] = {1, 3};
    static const double corrections[] = {0, 1, 2, 3}, expected[] = {1, 2, INFINITY, INFINITY};
    apus_tensor *x = check_floats(1, two, values), *out = NULL;
    for (int i = 0; i < 4; i++) {
        CHECK_OK(apus_var(&out, NULL, x, 0, NULL, corrections[i], false));
        CHECK_CLOSE(check_at(out, 0), expected[i], 1e-7);
        apus_tensor_release(out);
        out = NULL;
    }
    apus_tensor_release(x);
}

/// A mean far from zero must not cost the variance its digits.
static void test_var_offset(void) {
    enum { N = 100000 };
    const int64_t shape[] = {N};
    float *values = malloc(N * sizeof(float));
    for (int i = 0; i < N; i++) values[i] = 10000.0f + (float)(i % 2);
    apus_tensor *x = check_floats(1, shape, values), *out = NULL;
    CHECK_OK(apus_var(&out, NULL, x, 0, NULL, 0, false));
    CHECK_CLOSE(check_at(out, 0), 0.25, 1e-7);
    apus_tensor_release(x);
    apus_tensor_release(out);
    free(values);
}

static void test_norm(void) {
    const int64_t shape[] = {3, 70};
    static const double orders[] = {0, 1, 2, 3, 0.5, INFINITY, -INFINITY};
    const int32_t last = 1;
    apus_tensor *x = make(APUS_DTYPE_float32, 2, shape);
    double *values = read_all(x);
    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
        double p = orders[k], expected[3];
        for (int r = 0; r < 3; r++) {
            double sum = 0, high = 0, low = INFINITY;
            for (int i = 0; i < 70; i++) {
                double a = fabs(values[r * 70 + i]);
                sum += p == 0 ? a != 0 : pow(a, p);
                high = fmax(high, a);
                low = fmin(low, a);
            }
            expected[r] = isinf(p) ? p > 0 ? high : low : p == 0 ? sum : pow(sum, 1 / p);
        }
        apus_tensor *out = NULL;
        CHECK_OK(apus_norm(&out, x, p, 1, &last, false));
        check_values("norm", out, expected, 3, 1e-5);
        apus_tensor_release(out);
    }
    apus_tensor *empty = NULL, *out = NULL;
    CHECK_OK(apus_tensor_slice(&empty, x, 1, 0, 0, 1));
    CHECK_OK(apus_norm(&out, empty, 2, 1, &last, false));
    CHECK(check_at(out, 0) == 0);
    apus_tensor_release(out);
    out = NULL;
    CHECK_STATUS(apus_norm(&out, empty, INFINITY, 1, &last, false), APUS_STATUS_shape);
    CHECK_STATUS(apus_norm(&out, x, NAN, 1, &last, false), APUS_STATUS_invalid_argument);
    apus_tensor_release(x);
    apus_tensor_release(empty);
    free(values);
}

static void test_logsumexp(void) {
    const float values[] = {1000, 1000, -INFINITY, -INFINITY, INFINITY, 1, NAN, 0, -1000, -1001};
    const double expected[] = {1000 + log(2), -INFINITY, INFINITY, NAN, -1000 + log1p(exp(-1))};
    const int64_t shape[] = {5, 2};
    const int32_t last = 1;
    apus_tensor *x = check_floats(2, shape, values), *out = NULL;
    CHECK_OK(apus_logsumexp(&out, x, 1, &last, false));
    check_values("logsumexp", out, expected, 5, 1e-6);
    apus_tensor_release(out);
    apus_tensor_release(x);
    const int64_t big[] = {3, 1000};
    for (unsigned mask = 1; mask < 4; mask++)
        for (int wide = 0; wide < 2; wide++) {
            x = make(wide ? APUS_DTYPE_float64 : APUS_DTYPE_float32, 2, big), out = NULL;
            int32_t dims[2], count = 0;
            for (int32_t d = 0; d < 2; d++)
                if (mask >> d & 1) dims[count++] = d;
            double *v = read_all(x), *sums = calloc(3000, sizeof(double));
            for (int64_t i = 0; i < 3000; i++) sums[target_of(i, 2, big, mask)] += exp(v[i]);
            int64_t results = mask == 1 ? 1000 : mask == 2 ? 3 : 1;
            for (int64_t i = 0; i < results; i++) sums[i] = log(sums[i]);
            CHECK_OK(apus_logsumexp(&out, x, count, dims, false));
            check_values("logsumexp", out, sums, results, wide ? 1e-13 : 1e-6);
            apus_tensor_release(x);
            apus_tensor_release(out);
            free(v), free(sums);
        }
}

// ---- Arg-reductions and scans

static void check_arg(const apus_tensor *x, int32_t dim, bool smallest) {
    int32_t rank = apus_tensor_rank(x);
    const int64_t *shape = apus_tensor_shape(x);
    int64_t n = apus_tensor_numel(x), inner = 1, length = shape[dim];
    for (int32_t d = dim + 1; d < rank; d++) inner *= shape[d];
    double *values = read_all(x), *best = malloc(sizeof(double) * (size_t)n),
           *place = malloc(sizeof(double) * (size_t)n);
    for (int64_t o = 0; o < n / length; o++) {
        const double *lane = values + o / inner * length * inner + o % inner;
        place[o] = 0;
        for (int64_t i = 1; i < length; i++) {
            double a = lane[i * inner], b = lane[(int64_t)place[o] * inner];
            if (smallest ? a < b : a > b) place[o] = (double)i;
        }
        best[o] = lane[(int64_t)place[o] * inner];
    }
    apus_tensor *v = NULL, *index = NULL;
    CHECK_OK(apus_arg_reduce(&v, &index, smallest, x, dim, dim % 2 == 0));
    CHECK(apus_tensor_dtype(v) == apus_tensor_dtype(x) && apus_tensor_dtype(index) == APUS_DTYPE_int64);
    check_values("extreme", v, best, n / length, 0);
    check_values("index", index, place, n / length, 0);
    apus_tensor_release(v);
    apus_tensor_release(index);
    free(values), free(best), free(place);
}

static void test_arg(void) {
    static const int64_t shapes[][3] = {{3, 5, 7}, {2, 200, 3}, {1, 1, 200001}, {2, 1, 90}};
    for (size_t k = 0; k < sizeof all_dtypes / sizeof *all_dtypes; k++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            apus_tensor *base = make(all_dtypes[k], 3, shapes[s]);
            for (int which = 0; which < VIEWS; which++) {
                apus_tensor *x = view_of(base, which);
                for (int32_t dim = 0; dim < 3; dim++) check_arg(x, dim, k % 2 == 0);
                apus_tensor_release(x);
            }
            apus_tensor_release(base);
        }
    // NaN wins, the first of them; of equals the first; also past a block of the search.
    enum { N = 100 };
    float values[N] = {0};
    const int64_t shape[] = {N}, empty_shape[] = {0, 2};
    for (int nan = 0; nan < 2; nan++)
        for (int length = 10; length <= N; length += N - 10) {
            values[5] = values[7] = nan ? NAN : 2;
            apus_tensor *all = check_floats(1, shape, values), *x = NULL, *index = NULL;
            CHECK_OK(apus_tensor_slice(&x, all, 0, 0, length, 1));
            CHECK_OK(apus_arg_reduce(NULL, &index, false, x, 0, false));
            CHECK(check_at(index, 0) == 5);
            apus_tensor_release(all);
            apus_tensor_release(x);
            apus_tensor_release(index);
        }
    apus_tensor *empty = NULL, *v = NULL;
    CHECK_OK(apus_tensor_empty(&empty, APUS_DTYPE_float32, 2, empty_shape, APUS_DEVICE_CPU));
    CHECK_STATUS(apus_arg_reduce(&v, NULL, false, empty, 0, false), APUS_STATUS_shape);
    CHECK_OK(apus_arg_reduce(&v, NULL, false, empty, 1, false));
    CHECK(apus_tensor_numel(v) == 0);
    apus_tensor_release(empty);
    apus_tensor_release(v);
}

static void test_scan(void) {
    static const int64_t shape[] = {4, 6, 9};
    for (size_t k = 0; k < sizeof all_dtypes / sizeof *all_dtypes; k++)
        for (int which = 0; which < VIEWS; which++)
            for (int32_t dim = 0; dim < 3; dim++)
                for (int op = 0; op < 2; op++) {
                    apus_dtype dtype = all_dtypes[k];
                    if (op == 1 && is_half(dtype)) continue;
                    apus_tensor *base = make(dtype, 3, shape), *x = view_of(base, which), *out = NULL;
                    int64_t n = apus_tensor_numel(x), inner = 1;
                    for (int32_t d = dim + 1; d < 3; d++) inner *= apus_tensor_shape(x)[d];
                    double *values = read_all(x);
                    for (int64_t i = 0; i < n; i++)
                        if (i / inner % apus_tensor_shape(x)[dim] != 0)
                            values[i] = op == 0 ? values[i] + values[i - inner] : values[i] * values[i - inner];
                    CHECK_OK(apus_scan(&out, (apus_scan_op)op, x, dim));
                    CHECK(apus_tensor_dtype(out) == (is_integral(dtype) ? APUS_DTYPE_int64 : dtype));
                    check_values("scan", out, values, n, tolerance(dtype));
                    apus_tensor_release(base);
                    apus_tensor_release(x);
                    apus_tensor_release(out);
                    free(values);
                }
}

// ---- Laws

static void test_accuracy(void) {
    const int64_t n = 10000000, shape[] = {n};
    const apus_scalar tenth = {.kind = APUS_SCALAR_float, .real = 0.1};
    for (int wide = 0; wide < 2; wide++) {
        apus_tensor *x = NULL, *columns = NULL, *out = NULL;
        CHECK_OK(
            apus_tensor_full(&x, wide ? APUS_DTYPE_float64 : APUS_DTYPE_float32, 1, shape, &tenth, APUS_DEVICE_CPU));
        double exact = (wide ? 0.1 : (double)0.1f) * (double)n, law = wide ? 1e-15 : 1e-7;
        CHECK(fabs(reduce_one(APUS_REDUCE_sum, x) / exact - 1) < law);
        CHECK_OK(apus_tensor_view(&columns, x, 2, (int64_t[]){n / 5, 5}));
        const int32_t first = 0;
        CHECK_OK(apus_reduce(&out, APUS_REDUCE_sum, columns, 1, &first, false));
        CHECK(fabs(check_at(out, 4) / (exact / 5) - 1) < law);
        apus_tensor_release(out);
        out = NULL;
        CHECK_OK(apus_scan(&out, APUS_SCAN_sum, x, 0));
        apus_tensor *last = NULL;
        CHECK_OK(apus_tensor_select(&last, out, 0, -1));
        CHECK(fabs(check_at(last, 0) / exact - 1) < law);
        apus_tensor_release(last);
        apus_tensor_release(out);
        apus_tensor_release(columns);
        apus_tensor_release(x);
    }
}

static bool same_bits(const apus_tensor *a, const apus_tensor *b) {
    size_t bytes = (size_t)apus_tensor_numel(a) * apus_dtype_size(apus_tensor_dtype(a));
    return memcmp(apus_tensor_data(a), apus_tensor_data(b), bytes) == 0;
}

static void test_threads(void) {
    static const int64_t shapes[][2] = {{1, 3000001}, {3, 700000}, {700000, 3}, {1500, 1400}};
    static const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16};
    for (int k = 0; k < 3; k++)
        for (int s = 0; s < 4; s++)
            for (unsigned mask = 1; mask < 4; mask++) {
                apus_tensor *x = make(dtypes[k], 2, shapes[s]), *out[2][4] = {{NULL}};
                const int32_t both[] = {0, 1}, *dims = mask == 2 ? both + 1 : both, count = mask == 3 ? 2 : 1;
                for (int t = 0; t < 2; t++) {
                    apus_set_num_threads(t + 1);
                    CHECK_OK(apus_reduce(&out[t][0], APUS_REDUCE_mean, x, count, dims, false));
                    CHECK_OK(apus_var(&out[t][1], NULL, x, count, dims, 1, false));
                    CHECK_OK(apus_logsumexp(&out[t][2], x, count, dims, false));
                    CHECK_OK(apus_arg_reduce(NULL, &out[t][3], false, x, dims[0], false));
                }
                for (int i = 0; i < 4; i++) {
                    CHECK(same_bits(out[0][i], out[1][i]));
                    apus_tensor_release(out[0][i]);
                    apus_tensor_release(out[1][i]);
                }
                apus_tensor_release(x);
            }
    apus_set_num_threads(0);
}

int main(void) {
    static const char *const sets[] = {"baseline", "avx2", "avx512", "neon"};
    char best[16];
    snprintf(best, sizeof best, "%s", apus_cpu_isa());
    for (int i = 0; i < 4; i++) {
        if (apus_cpu_set_isa(sets[i]) != APUS_STATUS_ok) continue;
        test_reductions();
        test_large();
        test_specials();
        test_var();
        test_var_offset();
        test_norm();
        test_logsumexp();
        test_arg();
        test_scan();
    }
    CHECK_OK(apus_cpu_set_isa(best));
    test_empty_and_scalar();
    test_complex();
    test_reduce_as();
    test_outputs();
    test_errors();
    test_accuracy();
    test_threads();
    check_no_leaks();
    return check_result("reduce");
}
