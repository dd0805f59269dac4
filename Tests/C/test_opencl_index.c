// Picking and placing on OpenCL devices against the CPU's, to the last bit: sums go in the order of the sources.
#include "check_opencl.h"

static operand indices(int32_t rank, const int64_t *shape, int64_t low, int64_t high) {
    return check_operand(APUS_DTYPE_int64, rank, shape, (double)low, (double)high);
}

static void check_slices(apus_dtype dtype, const int64_t shape[3], int32_t dim, int64_t count) {
    operand x = check_operand(dtype, 3, shape, -9, 9), i = indices(1, &count, 0, shape[dim]);
    int64_t wide[3] = {shape[0], shape[1], shape[2]};
    wide[dim] = count;
    operand source = check_operand(dtype, 3, wide, -9, 9), out = {NULL, NULL};
    CHECK_OK(apus_index_select(&out.cpu, x.cpu, dim, i.cpu));
    CHECK_OK(apus_index_select(&out.device, x.device, dim, i.device));
    check_result_pair("index_select", out, 0);
    out = (operand){NULL, NULL};
    CHECK_OK(apus_index_add(&out.cpu, x.cpu, dim, i.cpu, source.cpu, 1));
    CHECK_OK(apus_index_add(&out.device, x.device, dim, i.device, source.device, 1));
    check_result_pair("index_add", out, 0);
    check_release(x);
    check_release(i);
    check_release(source);
}

static void check_lines(apus_dtype dtype, const int64_t shape[3], int32_t dim, int64_t count, bool sliced) {
    int64_t wide[3] = {shape[0], shape[1], shape[2]};
    wide[dim] = count;
    operand x = check_operand(dtype, 3, shape, -9, 9), i = indices(3, wide, 0, shape[dim] - sliced);
    operand source = check_operand(dtype, 3, wide, -9, 9), out = {NULL, NULL};
    if (sliced) x = check_slice(x, dim, 1);
    CHECK_OK(apus_gather(&out.cpu, x.cpu, dim, i.cpu));
    CHECK_OK(apus_gather(&out.device, x.device, dim, i.device));
    check_result_pair("gather", out, 0);
    for (int add = 0; add < 2; add++) {
        out = (operand){NULL, NULL};
        CHECK_OK(apus_scatter(&out.cpu, x.cpu, dim, i.cpu, source.cpu, add == 1));
        CHECK_OK(apus_scatter(&out.device, x.device, dim, i.device, source.device, add == 1));
        check_result_pair(add == 1 ? "scatter_add" : "scatter", out, 0);
    }
    check_release(x);
    check_release(i);
    check_release(source);
}

static void check_advanced(apus_dtype dtype, bool accumulate) {
    const int64_t shape[] = {6, 7, 5}, places[] = {4, 3}, values_shape[] = {4, 3, 5};
    operand x = check_operand(dtype, 3, shape, -9, 9), a = indices(2, places, -6, 6), b = indices(2, places, 0, 7);
    operand values = check_operand(dtype, 3, values_shape, -9, 9), out = {NULL, NULL};
    const apus_tensor *const cpu[] = {a.cpu, b.cpu}, *const there[] = {a.device, b.device};
    CHECK_OK(apus_index(&out.cpu, x.cpu, 2, cpu));
    CHECK_OK(apus_index(&out.device, x.device, 2, there));
    check_result_pair("index", out, 0);
    out = (operand){NULL, NULL};
    CHECK_OK(apus_index_put(&out.cpu, x.cpu, 2, cpu, values.cpu, accumulate));
    CHECK_OK(apus_index_put(&out.device, x.device, 2, there, values.device, accumulate));
    check_result_pair("index_put", out, 0);
    check_release(x);
    check_release(a);
    check_release(b);
    check_release(values);
}

static void check_masks(apus_dtype dtype, int32_t rank, const int64_t *shape) {
    operand x = check_operand(dtype, rank, shape, -9, 9), mask = check_operand(APUS_DTYPE_bool, rank, shape, 0, 1.4);
    operand out = {NULL, NULL};
    CHECK_OK(apus_masked_select(&out.cpu, x.cpu, mask.cpu));
    CHECK_OK(apus_masked_select(&out.device, x.device, mask.device));
    check_result_pair("masked_select", out, 0);
    out = (operand){NULL, NULL};
    CHECK_OK(apus_nonzero(&out.cpu, mask.cpu));
    CHECK_OK(apus_nonzero(&out.device, mask.device));
    check_result_pair("nonzero", out, 0);
    for (int upper = 0; upper < 2 && rank >= 2; upper++)
        for (int64_t diagonal = -3; diagonal <= 3; diagonal += 3) {
            out = (operand){NULL, NULL};
            CHECK_OK(apus_triangle(&out.cpu, x.cpu, diagonal, upper == 1));
            CHECK_OK(apus_triangle(&out.device, x.device, diagonal, upper == 1));
            check_result_pair("triangle", out, 0);
        }
    check_release(x);
    check_release(mask);
}

/// Compiling takes drivers for CPUs long: one dtype a size and kind, all where APUS_TESTS is "full".
static bool is_turn(apus_dtype dtype) {
    const char *tests = getenv("APUS_TESTS");
    if (tests != NULL && strcmp(tests, "full") == 0) return true;
    return dtype == APUS_DTYPE_bool || dtype == APUS_DTYPE_int16 || dtype == APUS_DTYPE_float16 ||
           dtype == APUS_DTYPE_float32 || dtype == APUS_DTYPE_int64 || dtype == APUS_DTYPE_complex128;
}

static void test_dtypes(void) {
    const int64_t shape[] = {5, 7, 17}, one[] = {1, 1, 1}, plain[] = {13, 16};
    for (int32_t d = 0; d < APUS_DTYPE_COUNT; d++) {
        apus_dtype dtype = (apus_dtype)d;
        if (!check_is_asked(dtype, 1) || !is_turn(dtype)) continue;
        for (int32_t dim = 0; dim < 3; dim++) {
            check_slices(dtype, shape, dim, 15);
            check_lines(dtype, shape, dim, dim == 0 ? 5 : dim == 1 ? 7 : 16, dim == 1);
        }
        check_slices(dtype, one, 1, 1);
        check_advanced(dtype, d % 2 == 0);
        check_masks(dtype, 2, plain);
    }
}

/// Sizes at which work is shared out, with many sources for each place.
static void test_sizes(void) {
    const int64_t rows[] = {1, 101, 67}, flat[] = {1, 1, 503}, tall[] = {307, 3, 1}, many[] = {3, 20011};
    const int64_t none[] = {2, 3, 0};
    check_slices(APUS_DTYPE_float32, rows, 1, check_is_simulated() ? 203 : 2003);
    const int64_t sources = check_is_simulated() ? 3001 : check_is_llvmpipe() ? 20011 : 40009;
    const int64_t picks = check_is_simulated() ? 901 : 9001;
    check_slices(APUS_DTYPE_float32, flat, 2, sources);
    check_slices(APUS_DTYPE_float32, none, 1, 2);
    check_lines(APUS_DTYPE_float32, flat, 2, sources, false);
    check_lines(APUS_DTYPE_float32, tall, 0, picks, false);
    check_lines(APUS_DTYPE_int16, tall, 0, picks, true);
    if (check_is_asked(APUS_DTYPE_float32, check_elements(2, many))) check_masks(APUS_DTYPE_float32, 2, many);
    check_masks(APUS_DTYPE_float32, 3, rows);
}

static void test_errors(void) {
    const int64_t shape[] = {4, 3}, n = 5000;
    operand x = check_operand(APUS_DTYPE_float32, 2, shape, -1, 1), i = indices(1, &n, 0, 4),
            bad = indices(1, &n, 4, 9);
    apus_tensor *out = NULL;
    CHECK_OK(apus_index_select(&out, x.device, 0, i.device));
    apus_tensor_release(out);
    out = NULL;
    CHECK_STATUS(apus_index_select(&out, x.device, 0, bad.device), APUS_STATUS_index);
    CHECK(out == NULL);
    check_release(x);
    check_release(i);
    check_release(bad);
}

int main(void) {
    if (!check_opencl_begin("test_opencl_index")) return 0;
    test_dtypes();
    test_sizes();
    test_errors();
    return check_opencl_end("test_opencl_index");
}
