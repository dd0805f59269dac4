// Matrix products on OpenCL devices against the CPU's.
#include "check_opencl.h"

enum layout { PLAIN, TURNED, SLICED, LAYOUTS };

/// A batch of matrices in a layout; what is not plain starts behind an offset.
static operand make(apus_dtype dtype, int32_t rank, const int64_t *shape, enum layout layout) {
    int64_t whole[8];
    memcpy(whole, shape, sizeof(int64_t) * (size_t)rank);
    if (layout == TURNED && rank > 1) whole[rank - 1] = shape[rank - 2], whole[rank - 2] = shape[rank - 1];
    if (layout == TURNED || (layout == SLICED && rank > 1)) whole[0] += 1;
    if (layout == SLICED) whole[rank - 1] = shape[rank - 1] * 2 + 1;
    operand o = check_operand(dtype, rank, whole, -4, 4);
    if (layout == SLICED) o = check_slice(o, rank - 1, 2);
    if (layout != PLAIN && rank > 1) o = check_slice(o, 0, 1);
    if (layout == TURNED && rank == 1) o = check_slice(o, 0, 1);
    if (layout == TURNED && rank > 1) o = check_transpose(o, rank - 1, rank - 2);
    return o;
}

typedef struct shapes {
    int32_t a_rank, b_rank;
    int64_t a[7], b[7];
} shapes;

static const shapes products[] = {
    {2, 2, {1, 1}, {1, 1}},
    {2, 2, {15, 16}, {16, 17}},
    {2, 2, {16, 15}, {15, 16}},
    {2, 2, {17, 17}, {17, 15}},
    {2, 2, {7, 13}, {13, 3}},
    {2, 2, {31, 37}, {37, 41}},
    {2, 2, {64, 64}, {64, 64}},
    {2, 2, {5, 0}, {0, 7}},
    {2, 2, {0, 5}, {5, 7}},
    {1, 2, {37}, {37, 300}},
    {1, 2, {301}, {301, 5}},
    {2, 1, {41, 37}, {37}},
    {1, 1, {1001}, {1001}},
    {3, 3, {3, 5, 7}, {3, 7, 9}},
    {3, 2, {3, 5, 7}, {7, 9}},
    {4, 3, {2, 1, 5, 7}, {3, 7, 18}},
    {4, 4, {1, 3, 6, 7}, {2, 1, 7, 17}},
    {3, 1, {2, 5, 300}, {300}},
    {6, 6, {2, 3, 1, 2, 4, 5}, {2, 1, 3, 2, 5, 6}},
    {7, 7, {2, 1, 3, 1, 2, 3, 4}, {1, 2, 1, 3, 1, 4, 17}}, // more dims of a batch than kernels walk
};
static const shapes large[] = {
    {2, 2, {3, 2003}, {2003, 2}},                                       // pieces few enough for a simulator
    {2, 2, {101, 401}, {401, 103}},                                     // panels
    {2, 2, {97, 1500}, {1500, 67}},                                     // several runs
    {3, 3, {2, 90, 130}, {1, 130, 70}}, {2, 2, {20, 9000}, {9000, 24}}, // pieces
    {2, 2, {200, 600}, {600, 300}},     {1, 2, {5000}, {5000, 150}},
    {2, 1, {3, 5003}, {5003}},          {1, 1, {100003}, {100003}},
};

/// Multiply-adds.
static int64_t work_of(const shapes *s) {
    return check_elements(s->a_rank, s->a) * (s->b_rank == 1 ? 1 : s->b[s->b_rank - 1]);
}

static void check_product(const shapes *s, apus_dtype dtype, enum layout first, enum layout second) {
    operand a = make(dtype, s->a_rank, s->a, first), b = make(dtype, s->b_rank, s->b, second);
    operand product = {NULL, NULL};
    CHECK_OK(apus_matmul(&product.cpu, a.cpu, b.cpu));
    CHECK_OK(apus_matmul(&product.device, a.device, b.device));
    char what[96];
    snprintf(what, sizeof what, "matmul %lldx%lld, layouts %d %d", (long long)s->a[0], (long long)s->a[1], first,
             second);
    // What a sum of so many terms usually comes to, and what its rounding goes by: some come out small.
    double magnitude = fmax(1, 4 * sqrt((double)s->a[s->a_rank - 1]));
    check_result_near(what, product, 2 * check_tolerance(dtype), magnitude);
    check_release(a);
    check_release(b);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/// Every size of integers once: a program is compiled for each dtype, which takes its time. A simulator has few
/// layouts.
static void test_products(void) {
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_complex64, APUS_DTYPE_float64,
                                 APUS_DTYPE_int32,   APUS_DTYPE_bfloat16,  APUS_DTYPE_complex128,
                                 APUS_DTYPE_int64,   APUS_DTYPE_uint8,     APUS_DTYPE_int16};
    for (size_t d = 0; d < COUNT(dtypes); d++) {
        int count = d < 2 && !check_is_simulated() ? LAYOUTS * LAYOUTS : 2;
        for (size_t i = 0; i < COUNT(products); i++)
            for (int layouts = 0; layouts < count && check_is_asked(dtypes[d], work_of(&products[i])); layouts++)
                check_product(&products[i], dtypes[d], layouts % LAYOUTS, layouts / LAYOUTS);
        for (size_t i = 0; i < COUNT(large) && d < 4; i++)
            for (int layouts = 0; layouts < LAYOUTS && check_is_asked(dtypes[d], work_of(&large[i])); layouts++)
                check_product(&large[i], dtypes[d], layouts, (layouts + 1) % LAYOUTS);
    }
}

/// addend: its rank and shape, which broadcast to 33 × 35.
static void check_addmm(apus_dtype dtype, int32_t rank, const int64_t *shape, enum layout layout, int64_t k,
                        double beta, double alpha) {
    operand a = make(dtype, 2, (int64_t[]){33, k}, PLAIN), b = make(dtype, 2, (int64_t[]){k, 35}, TURNED);
    operand c = make(dtype, rank, shape, layout), result = {NULL, NULL};
    CHECK_OK(apus_addmm(&result.cpu, c.cpu, a.cpu, b.cpu, beta, alpha));
    CHECK_OK(apus_addmm(&result.device, c.device, a.device, b.device, beta, alpha));
    check_result_near("addmm", result, 2 * check_tolerance(dtype), fmax(1, 4 * sqrt((double)k)));
    check_release(a);
    check_release(b);
    check_release(c);
}

static void test_addends(void) {
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float16, APUS_DTYPE_int64, APUS_DTYPE_complex64};
    for (size_t d = 0; d < COUNT(dtypes); d++)
        for (int layout = 0; layout < LAYOUTS && check_is_asked(dtypes[d], 1); layout++) {
            check_addmm(dtypes[d], 2, (int64_t[]){33, 35}, layout, 19, 1, 1);
            check_addmm(dtypes[d], 2, (int64_t[]){33, 1}, layout, 19, 2, -3);
            if (check_is_asked(dtypes[d], 33 * 35 * 400)) check_addmm(dtypes[d], 1, (int64_t[]){35}, layout, 400, 1, 2);
            check_addmm(dtypes[d], 1, (int64_t[]){1}, layout, 0, 3, 1);
            if (check_is_asked(dtypes[d], 33 * 35 * 5000))
                check_addmm(dtypes[d], 2, (int64_t[]){33, 35}, layout, 5000, 2, 3);
        }
}

static void test_linear(void) {
    for (int64_t rows = 1; rows < 200; rows = rows * 3 + 1) {
        operand x = make(APUS_DTYPE_float32, 2, (int64_t[]){rows, 130}, PLAIN), y = {NULL, NULL}, again = {NULL, NULL};
        operand weight = make(APUS_DTYPE_float32, 2, (int64_t[]){10, 130}, PLAIN);
        operand bias = make(APUS_DTYPE_float32, 1, (int64_t[]){10}, SLICED);
        CHECK_OK(apus_linear(&y.cpu, x.cpu, weight.cpu, bias.cpu));
        CHECK_OK(apus_linear(&y.device, x.device, weight.device, bias.device));
        CHECK_OK(apus_linear(&again.device, x.device, weight.device, bias.device));
        check_same_bits(y.device, again.device);
        apus_tensor_release(again.device);
        check_result_near("linear", y, check_tolerance(APUS_DTYPE_float32), 40);
        check_release(x);
        check_release(weight);
        check_release(bias);
    }
}

/// Infinities and NaNs stay where they belong: what is read beyond an edge does not count.
static void test_special_values(void) {
    float values[7 * 9];
    for (int i = 0; i < 7 * 9; i++) values[i] = 1;
    values[5] = INFINITY, values[20] = NAN, values[62] = -INFINITY;
    operand a = {check_floats(2, (int64_t[]){7, 9}, values), NULL}, b = {NULL, NULL}, product = {NULL, NULL};
    CHECK_OK(apus_tensor_to(&a.device, a.cpu, APUS_DTYPE_float32, device));
    CHECK_OK(apus_tensor_transpose(&b.cpu, a.cpu, 0, 1));
    CHECK_OK(apus_tensor_transpose(&b.device, a.device, 0, 1));
    CHECK_OK(apus_matmul(&product.cpu, a.cpu, b.cpu));
    CHECK_OK(apus_matmul(&product.device, a.device, b.device));
    check_result_pair("infinities", product, 1e-6);
    check_release(a);
    check_release(b);
}

int main(void) {
    if (!check_opencl_begin("test_opencl_matmul")) return 0;
    test_products();
    test_addends();
    test_linear();
    test_special_values();
    return check_opencl_end("test_opencl_matmul");
}
