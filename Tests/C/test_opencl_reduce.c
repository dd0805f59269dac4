// Reductions, extremes with their places, and scans on OpenCL devices against the CPU's.
#include "check_opencl.h"

/// A shape, how it is seen, and the dims that are reduced.
typedef struct layout {
    int32_t rank;
    int64_t shape[4];
    int32_t slice, step; ///< dim to cut from 1 on in steps, where step is not 0
    int32_t swap[2];     ///< dims that change places
    int32_t count, dims[4];
} layout;

static const layout layouts[] = {
    {1, {1}, 0, 0, {0, 0}, 0, {0}},
    {1, {15}, 0, 0, {0, 0}, 0, {0}},
    {1, {16}, 0, 0, {0, 0}, 0, {0}},
    {1, {17}, 0, 0, {0, 0}, 1, {0}},
    {2, {7, 211}, 0, 0, {0, 0}, 1, {1}},
    {2, {211, 67}, 0, 0, {0, 0}, 1, {0}},
    {2, {64, 128}, 0, 0, {0, 0}, 1, {0}},
    {2, {37, 19}, 0, 0, {0, 1}, 1, {1}},       // turned
    {2, {9, 131}, 1, 1, {0, 0}, 1, {1}},       // behind an offset
    {2, {9, 401}, 1, 2, {0, 0}, 1, {1}},       // in steps, along the reduced dim
    {2, {33, 151}, 1, 2, {0, 0}, 1, {0}},      // and along the kept one
    {3, {5, 300, 7}, 0, 0, {0, 0}, 1, {1}},    // few columns
    {3, {5, 11, 70}, 0, 0, {0, 0}, 2, {0, 2}}, // a kept dim between
    {4, {3, 4, 5, 6}, 0, 0, {1, 2}, 2, {1, 3}},
};
static const layout large[] = {
    {1, {400009}, 0, 0, {0, 0}, 0, {0}},          // parts of a row
    {2, {3, 140001}, 0, 0, {0, 0}, 1, {1}},       //
    {2, {9001, 70}, 0, 0, {0, 0}, 1, {0}},        // parts of columns
    {2, {70001, 3}, 0, 0, {0, 0}, 1, {1}},        // many rows
    {3, {3, 41, 40000}, 0, 0, {0, 2}, 2, {0, 1}}, // steps of several dims
};

static operand make(const layout *l, apus_dtype dtype, double low, double high) {
    operand o = check_operand(dtype, l->rank, l->shape, low, high);
    if (l->step != 0) o = check_slice(o, l->slice, l->step);
    if (l->swap[0] != l->swap[1]) o = check_transpose(o, l->swap[0], l->swap[1]);
    return o;
}

static void check_row(const layout *l, apus_reduce_op op, apus_dtype dtype, bool keep_dim) {
    // Products stay small, and what is true is rare enough to matter.
    double low = op == APUS_REDUCE_prod ? 1 : -3, high = op == APUS_REDUCE_prod ? 1.01 : 3;
    operand x = make(l, dtype, low, high), out = {NULL, NULL};
    apus_status wanted = apus_reduce(&out.cpu, op, x.cpu, l->count, l->dims, keep_dim);
    CHECK_STATUS(apus_reduce(&out.device, op, x.device, l->count, l->dims, keep_dim), wanted);
    if (wanted == APUS_STATUS_ok)
        check_result_pair(apus_reduce_name(op), out, check_tolerance(apus_tensor_dtype(out.cpu)));
    check_release(x);
}

/// Every layout in float32; in other dtypes, which take turns, three.
static void test_table(void) {
    const int32_t count = (int32_t)(sizeof layouts / sizeof layouts[0]);
    const char *tests = getenv("APUS_TESTS");
    bool full = tests != NULL && strcmp(tests, "full") == 0;
    for (int op = 0; op < APUS_REDUCE_COUNT; op++)
        for (int32_t d = 0; d < APUS_DTYPE_COUNT; d++) {
            bool all = d == APUS_DTYPE_float32 || (op == APUS_REDUCE_sum && !check_is_simulated()) || full;
            bool turn = all || d == (op * 4 + 1) % APUS_DTYPE_COUNT || d == (op * 7 + 3) % APUS_DTYPE_COUNT;
            if (!turn || !check_computes((apus_dtype)d)) continue;
            for (int32_t i = all ? 0 : 4; i < (all ? count : 7); i++)
                check_row(&layouts[i], (apus_reduce_op)op, (apus_dtype)d, i % 2 == 0);
        }
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        if (check_is_simulated()) {
            check_row(&large[i], APUS_REDUCE_sum, APUS_DTYPE_float32, false);
            continue;
        }
        const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_bool, APUS_DTYPE_int32, APUS_DTYPE_complex64};
        for (int d = 0; d < 4; d++) check_row(&large[i], APUS_REDUCE_sum, dtypes[d], false);
        check_row(&large[i], APUS_REDUCE_max, APUS_DTYPE_float32, false);
        check_row(&large[i], APUS_REDUCE_count_nonzero, APUS_DTYPE_float32, false);
    }
}

/// Without float64, means of 100 and deviations of 0.5 from them are carried in float32.
static double wide_tolerance(apus_dtype dtype) { return (info.has_float64 ? 1 : 4) * check_tolerance(dtype); }

static void check_statistics(const layout *l, apus_dtype dtype) {
    operand x = make(l, dtype, 99, 101), var = {NULL, NULL}, mean = {NULL, NULL}, sum = {NULL, NULL};
    CHECK_OK(apus_var(&var.cpu, &mean.cpu, x.cpu, l->count, l->dims, 1, false));
    CHECK_OK(apus_var(&var.device, &mean.device, x.device, l->count, l->dims, 1, false));
    CHECK_OK(apus_logsumexp(&sum.cpu, x.cpu, l->count, l->dims, true));
    CHECK_OK(apus_logsumexp(&sum.device, x.device, l->count, l->dims, true));
    check_result_pair("var", var, wide_tolerance(dtype));
    check_result_pair("mean", mean, check_tolerance(dtype));
    check_result_pair("logsumexp", sum, check_tolerance(dtype));
    var = (operand){NULL, NULL};
    CHECK_OK(apus_var(&var.cpu, NULL, x.cpu, l->count, l->dims, 0, true));
    CHECK_OK(apus_var(&var.device, NULL, x.device, l->count, l->dims, 0, true));
    check_result_pair("var alone", var, wide_tolerance(dtype));
    check_release(x);
}

static void test_statistics(void) {
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_bfloat16, APUS_DTYPE_float64};
    for (int d = 0; d < 3; d++) {
        for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
            if (check_is_asked(dtypes[d], 1)) check_statistics(&layouts[i], dtypes[d]);
    }
    for (size_t i = 0; i < sizeof large / sizeof large[0] && !check_is_simulated(); i++)
        check_statistics(&large[i], APUS_DTYPE_float32);
}

/// With a dtype to compute in.
static void test_dtypes(void) {
    const apus_dtype pairs[][2] = {{APUS_DTYPE_float16, APUS_DTYPE_float32},
                                   {APUS_DTYPE_int32, APUS_DTYPE_float32},
                                   {APUS_DTYPE_float32, APUS_DTYPE_int64},
                                   {APUS_DTYPE_int8, APUS_DTYPE_int8}};
    const int64_t shape[] = {11, 300};
    const int32_t dim = 1;
    for (int i = 0; i < 4; i++) {
        operand x = check_operand(pairs[i][0], 2, shape, -40, 40), out = {NULL, NULL};
        CHECK_OK(apus_reduce_as(&out.cpu, APUS_REDUCE_sum, x.cpu, 1, &dim, false, pairs[i][1]));
        CHECK_OK(apus_reduce_as(&out.device, APUS_REDUCE_sum, x.device, 1, &dim, false, pairs[i][1]));
        check_result_pair("sum as", out, check_tolerance(pairs[i][1]));
        check_release(x);
    }
}

/// NaN wins, infinities stay, and a long sum is as exact as a short one.
static void test_values(void) {
    float values[70] = {0};
    const int64_t shape[] = {1, 70};
    const double specials[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 70; j++) values[j] = (float)j - 20;
        values[33] = (float)specials[i];
        operand x = {check_floats(2, shape, values), NULL}, out = {NULL, NULL};
        CHECK_OK(apus_tensor_to(&x.device, x.cpu, APUS_DTYPE_float32, device));
        for (int op = 0; op < APUS_REDUCE_COUNT; op++) {
            CHECK_OK(apus_reduce(&out.cpu, (apus_reduce_op)op, x.cpu, 0, NULL, false));
            CHECK_OK(apus_reduce(&out.device, (apus_reduce_op)op, x.device, 0, NULL, false));
            check_result_pair(apus_reduce_name((apus_reduce_op)op), out, 1e-5);
            out = (operand){NULL, NULL};
        }
        CHECK_OK(apus_logsumexp(&out.cpu, x.cpu, 0, NULL, false));
        CHECK_OK(apus_logsumexp(&out.device, x.device, 0, NULL, false));
        check_result_pair("logsumexp", out, 1e-6);
        check_release(x);
    }
    if (check_is_simulated()) return;
    const apus_scalar tenth = {.kind = APUS_SCALAR_float, .real = 0.1};
    const int64_t many[] = {5000003};
    apus_tensor *x = NULL, *sum = NULL, *again = NULL;
    CHECK_OK(apus_tensor_full(&x, APUS_DTYPE_float32, 1, many, &tenth, device));
    CHECK_OK(apus_reduce(&sum, APUS_REDUCE_sum, x, 0, NULL, false));
    CHECK_OK(apus_reduce(&again, APUS_REDUCE_sum, x, 0, NULL, false));
    CHECK_CLOSE(check_at(sum, 0), (double)0.1f * 5000003, 1.2e-7);
    check_same_bits(sum, again);
    apus_tensor_release(x);
    apus_tensor_release(sum);
    apus_tensor_release(again);
}

/// More dims than one launch walks.
static void test_many_dims(void) {
    int64_t shape[18];
    int32_t dims[9], order[18];
    for (int32_t i = 0; i < 18; i++) shape[i] = i == 3 ? 3 : 2, order[i] = 17 - i;
    for (int32_t i = 0; i < 9; i++) dims[i] = 2 * i;
    operand x = check_operand(APUS_DTYPE_float32, 18, shape, -2, 2), turned = {NULL, NULL}, out = {NULL, NULL};
    CHECK_OK(apus_tensor_permute(&turned.cpu, x.cpu, 18, order));
    CHECK_OK(apus_tensor_permute(&turned.device, x.device, 18, order));
    CHECK_OK(apus_reduce(&out.cpu, APUS_REDUCE_sum, turned.cpu, 9, dims, false));
    CHECK_OK(apus_reduce(&out.device, APUS_REDUCE_sum, turned.device, 9, dims, false));
    check_result_pair("many dims", out, 1e-6);
    check_release(x);
    check_release(turned);
}

// ---- Along one dim

static void check_lanes(apus_dtype dtype, int32_t rank, const int64_t *shape, int32_t dim) {
    operand x = check_operand(dtype, rank, shape, -20, 20), values, places, sums = {NULL, NULL};
    for (int smallest = 0; smallest < 2 && !apus_dtype_is_complex(dtype); smallest++) {
        values = places = (operand){NULL, NULL};
        CHECK_OK(apus_arg_reduce(&values.cpu, &places.cpu, smallest == 1, x.cpu, dim, false));
        CHECK_OK(apus_arg_reduce(&values.device, &places.device, smallest == 1, x.device, dim, false));
        check_result_pair("extreme", values, 0);
        check_result_pair("its place", places, 0);
    }
    CHECK_OK(apus_scan(&sums.cpu, APUS_SCAN_sum, x.cpu, dim));
    CHECK_OK(apus_scan(&sums.device, APUS_SCAN_sum, x.device, dim));
    check_result_pair("cumsum", sums, check_tolerance(dtype));
    check_release(x);
    x = check_operand(dtype, rank, shape, 1, 1.001);
    sums = (operand){NULL, NULL};
    CHECK_OK(apus_scan(&sums.cpu, APUS_SCAN_prod, x.cpu, dim));
    CHECK_OK(apus_scan(&sums.device, APUS_SCAN_prod, x.device, dim));
    // Without float64, each of up to 200,003 products is rounded to float32. Of factors this near to 1 that is biased:
    // NumPy's float32, multiplied in the order of the CPU class, is 5e-5 too small after each chunk of 32,768.
    check_result_pair("cumprod", sums, (info.has_float64 ? 2 : 100) * check_tolerance(dtype));
    check_release(x);
}

static void test_lanes(void) {
    const int64_t shapes[][3] = {{1, 1, 1}, {3, 15, 1}, {3, 17, 5}, {5, 16, 70}, {1, 211, 64}, {300, 7, 1}};
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_int64,    APUS_DTYPE_bfloat16,
                                 APUS_DTYPE_uint8,   APUS_DTYPE_bool,    APUS_DTYPE_complex64};
    for (int d = 0; d < 7; d++)
        for (int i = 0; i < 6; i++)
            if (check_is_asked(dtypes[d], 1)) check_lanes(dtypes[d], 3, shapes[i], 1);
    const int64_t longs[][2] = {{1, 200003}, {3, 70001}, {20, 3001}};
    for (int d = 0; d < 3; d++)
        for (int i = 0; i < 3; i++)
            if (check_is_asked(dtypes[d], i == 1 ? 1 : longs[i][1])) check_lanes(dtypes[d], 2, longs[i], 1);
}

/// The first of equal elements, and the first NaN.
static void test_places(void) {
    float values[500];
    const int64_t shape[] = {1, 500};
    for (int special = 0; special < 2; special++) {
        for (int i = 0; i < 500; i++) values[i] = (float)(i % 100);
        if (special == 1) values[211] = values[317] = NAN;
        operand x = {check_floats(2, shape, values), NULL};
        CHECK_OK(apus_tensor_to(&x.device, x.cpu, APUS_DTYPE_float32, device));
        for (int smallest = 0; smallest < 2; smallest++) {
            apus_tensor *places = NULL;
            CHECK_OK(apus_arg_reduce(NULL, &places, smallest == 1, x.device, 1, false));
            CHECK(check_at(places, 0) == (special == 1 ? 211 : smallest == 1 ? 0 : 99));
            apus_tensor_release(places);
        }
        check_release(x);
    }
}

int main(void) {
    if (!check_opencl_begin("test_opencl_reduce")) return 0;
    test_table();
    test_statistics();
    test_dtypes();
    test_values();
    test_many_dims();
    test_lanes();
    test_places();
    return check_opencl_end("test_opencl_reduce");
}
