// The text of tensors, as PyTorch 2 prints them but for the "torch." of dtypes.
#include "check.h"

/// Checks the text of a tensor and releases it.
static void expect_with(apus_tensor *t, const char *suffix, const char *text) {
    char buffer[4096];
    size_t length = 0;
    CHECK_OK(apus_tensor_format(t, suffix, buffer, sizeof buffer, &length));
    CHECK(length == strlen(text));
    CHECK(strcmp(buffer, text) == 0);
    if (strcmp(buffer, text) != 0) printf("  is:\n%s\n  should be:\n%s\n", buffer, text);
    apus_tensor_release(t);
}

static void expect(apus_tensor *t, const char *text) { expect_with(t, NULL, text); }

static apus_tensor *make(apus_dtype dtype, int32_t rank, const int64_t *shape, const void *data) {
    apus_tensor *t = NULL;
    CHECK_OK(apus_tensor_from_data(&t, dtype, rank, shape, data, APUS_DEVICE_CPU));
    return t;
}

static apus_tensor *count_up(apus_dtype dtype, int32_t rank, const int64_t *shape) {
    apus_scalar start = {.kind = APUS_SCALAR_int}, end = {.kind = APUS_SCALAR_int, .integer = 1},
                step = {.kind = APUS_SCALAR_int, .integer = 1};
    for (int32_t i = 0; i < rank; i++) end.integer *= shape[i];
    apus_tensor *flat = NULL, *t = NULL;
    CHECK_OK(apus_tensor_arange(&flat, dtype, &start, &end, &step, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_view(&t, flat, rank, shape));
    apus_tensor_release(flat);
    return t;
}

#define SHAPE(...) ((int64_t[]){__VA_ARGS__})
#define FLOATS(n, ...) check_floats(1, SHAPE(n), (float[])__VA_ARGS__)

static void test_floats(void) {
    expect(check_floats(0, NULL, (float[]){1.5f}), "tensor(1.5000)");
    expect(check_floats(2, SHAPE(2, 2), (float[]){1, 2, 3, 4}), "tensor([[1., 2.],\n        [3., 4.]])");
    expect(FLOATS(3, {1e-5f, 1, NAN}), "tensor([1.0000e-05, 1.0000e+00,        nan])");
    expect(FLOATS(3, {INFINITY, 1, -0.0f}), "tensor([inf, 1., -0.])");
    expect(FLOATS(2, {1.5e10f, 3}), "tensor([1.5000e+10, 3.0000e+00])");
    expect(FLOATS(3, {0.33333334f, -2.5f, 123.45679f}), "tensor([  0.3333,  -2.5000, 123.4568])");
    expect(FLOATS(1, {-NAN}), "tensor([nan])");
    expect(make(APUS_DTYPE_float16, 1, SHAPE(2), (uint16_t[]){0x2e66, 0x4100}),
           "tensor([0.1000, 2.5000], dtype=float16)");
    expect(make(APUS_DTYPE_float64, 1, SHAPE(1), (double[]){1e300}), "tensor([1.0000e+300], dtype=float64)");
}

static void test_other_kinds(void) {
    expect(make(APUS_DTYPE_int32, 1, SHAPE(2), (int32_t[]){1, 2}), "tensor([1, 2], dtype=int32)");
    expect(make(APUS_DTYPE_int64, 1, SHAPE(2), (int64_t[]){INT64_MIN, 7}),
           "tensor([-9223372036854775808,                    7])");
    expect(make(APUS_DTYPE_uint64, 1, SHAPE(1), (uint64_t[]){UINT64_MAX}),
           "tensor([18446744073709551615], dtype=uint64)");
    expect(make(APUS_DTYPE_bool, 1, SHAPE(2), (bool[]){true, false}), "tensor([ True, False])");
    expect(make(APUS_DTYPE_complex64, 1, SHAPE(2), (float[]){1, 2, -3.5f, -0.25f}),
           "tensor([ 1.0000+2.0000j, -3.5000-0.2500j])");
    expect(make(APUS_DTYPE_complex128, 0, NULL, (double[]){2, 0}), "tensor(2.+0.j, dtype=complex128)");
}

static void test_layout(void) {
    expect(count_up(APUS_DTYPE_float32, 3, SHAPE(2, 3, 4)), "tensor([[[ 0.,  1.,  2.,  3.],\n"
                                                            "         [ 4.,  5.,  6.,  7.],\n"
                                                            "         [ 8.,  9., 10., 11.]],\n"
                                                            "\n"
                                                            "        [[12., 13., 14., 15.],\n"
                                                            "         [16., 17., 18., 19.],\n"
                                                            "         [20., 21., 22., 23.]]])");
    expect(count_up(APUS_DTYPE_int64, 1, SHAPE(30)),
           "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
           "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])");
    expect(count_up(APUS_DTYPE_float32, 1, SHAPE(1200)),
           "tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.1970e+03, 1.1980e+03,\n"
           "        1.1990e+03])");
    expect(count_up(APUS_DTYPE_int64, 2, SHAPE(40, 40)), "tensor([[   0,    1,    2,  ...,   37,   38,   39],\n"
                                                         "        [  40,   41,   42,  ...,   77,   78,   79],\n"
                                                         "        [  80,   81,   82,  ...,  117,  118,  119],\n"
                                                         "        ...,\n"
                                                         "        [1480, 1481, 1482,  ..., 1517, 1518, 1519],\n"
                                                         "        [1520, 1521, 1522,  ..., 1557, 1558, 1559],\n"
                                                         "        [1560, 1561, 1562,  ..., 1597, 1598, 1599]])");
    // Strides do not show.
    apus_tensor *t = count_up(APUS_DTYPE_int64, 2, SHAPE(2, 2)), *turned = NULL;
    CHECK_OK(apus_tensor_transpose(&turned, t, 0, 1));
    apus_tensor_release(t);
    expect(turned, "tensor([[0, 2],\n        [1, 3]])");
}

static void test_suffixes(void) {
    expect_with(FLOATS(1, {1}), "requires_grad=True", "tensor([1.], requires_grad=True)");
    expect_with(count_up(APUS_DTYPE_float64, 1, SHAPE(12)), "requires_grad=True",
                "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11.],\n"
                "       dtype=float64, requires_grad=True)");
    expect_with(make(APUS_DTYPE_int32, 1, SHAPE(1), (int32_t[]){1}), "", "tensor([1], dtype=int32)");
    apus_tensor *t = NULL;
    CHECK_OK(apus_tensor_empty(&t, APUS_DTYPE_float32, 1, SHAPE(0), APUS_DEVICE_CPU));
    expect(t, "tensor([])");
    t = NULL;
    CHECK_OK(apus_tensor_empty(&t, APUS_DTYPE_int64, 2, SHAPE(0, 3), APUS_DEVICE_CPU));
    expect(t, "tensor([], size=(0, 3), dtype=int64)");
}

/// As snprintf does: never more than the capacity, always the whole length.
static void test_buffers(void) {
    const char *whole = "tensor([1., 2.])";
    apus_tensor *t = FLOATS(2, {1, 2}), *invalid = NULL;
    size_t length = 0;
    CHECK_OK(apus_tensor_format(t, NULL, NULL, 0, &length));
    CHECK(length == strlen(whole));
    for (size_t capacity = 1; capacity < 20; capacity++) {
        char buffer[20];
        memset(buffer, '#', sizeof buffer);
        CHECK_OK(apus_tensor_format(t, NULL, buffer, capacity, NULL));
        size_t kept = capacity - 1 < length ? capacity - 1 : length;
        CHECK(strlen(buffer) == kept && strncmp(buffer, whole, kept) == 0);
        CHECK(buffer[capacity] == '#');
    }
    CHECK_STATUS(apus_tensor_format(NULL, NULL, NULL, 0, &length), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_format(t, NULL, NULL, 5, &length), APUS_STATUS_null_argument);
    CHECK_OK(apus_tensor_invalid(&invalid));
    CHECK_STATUS(apus_tensor_format(invalid, NULL, NULL, 0, &length), APUS_STATUS_device);
    apus_tensor_release(invalid);
    apus_tensor_release(t);
}

int main(void) {
    test_floats();
    test_other_kinds();
    test_layout();
    test_suffixes();
    test_buffers();
    check_no_leaks();
    return check_result("format");
}
