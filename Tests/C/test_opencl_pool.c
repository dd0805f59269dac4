// Pooling on OpenCL devices against the CPU's.
#include "check_opencl.h"

typedef struct geometry {
    int64_t shape[4];
    apus_pool2d_options options;
} geometry;

#define G(n, c, h, w, k, s, p, d, ceil, pad)                                                                           \
    {                                                                                                                  \
        {n, c, h, w}, { sizeof(apus_pool2d_options), {k, k}, {s, s}, {p, p}, {d, d}, ceil, pad }                       \
    }

static const geometry geometries[] = {
    G(1, 1, 1, 1, 1, 1, 0, 1, false, false),
    G(2, 3, 8, 8, 2, 2, 0, 1, false, false),
    G(2, 3, 9, 7, 3, 2, 1, 1, true, true),
    G(2, 3, 9, 7, 3, 2, 1, 1, true, false),
    G(3, 5, 17, 16, 3, 1, 1, 1, false, true),
    G(2, 2, 13, 15, 2, 3, 1, 3, true, false),
    G(1, 2, 2, 2, 2, 1, 1, 3, false, false), // windows that miss the image
    G(130, 16, 4, 4, 2, 2, 0, 1, false, false),
    G(1, 2, 70, 61, 5, 3, 2, 1, false, true),
    G(0, 2, 5, 5, 2, 2, 0, 1, false, false),
    {{2, 3, 11, 19}, {sizeof(apus_pool2d_options), {3, 2}, {2, 3}, {1, 0}, {2, 1}, true, false}},
};

static operand make(apus_dtype dtype, const int64_t *shape, bool spread) {
    int64_t whole[4];
    memcpy(whole, shape, sizeof whole);
    if (spread) whole[3] = 2 * shape[3] + 1;
    operand o = check_operand(dtype, 4, whole, -1, 1);
    return spread ? check_slice(o, 3, 2) : o;
}

static void check_max(const geometry *g, apus_dtype dtype, bool spread) {
    operand x = make(dtype, g->shape, spread), none = {NULL, NULL}, y = none, indices = none, plain = none, dx = none;
    CHECK_OK(apus_max_pool2d(&y.cpu, &indices.cpu, x.cpu, &g->options));
    CHECK_OK(apus_max_pool2d(&y.device, &indices.device, x.device, &g->options));
    CHECK_OK(apus_max_pool2d(&plain.cpu, NULL, x.cpu, &g->options));
    CHECK_OK(apus_max_pool2d(&plain.device, NULL, x.device, &g->options));
    operand grad = make(dtype, apus_tensor_shape(y.cpu), spread);
    CHECK_OK(apus_max_pool2d_backward(&dx.cpu, grad.cpu, indices.cpu, 4, g->shape));
    CHECK_OK(apus_max_pool2d_backward(&dx.device, grad.device, indices.device, 4, g->shape));
    check_result_pair("max_pool2d", y, 0);
    check_result_pair("max_pool2d indices", indices, 0);
    check_result_pair("max_pool2d without indices", plain, 0);
    check_result_pair("max_pool2d_backward", dx, check_tolerance(dtype));
    check_release(x), check_release(grad);
}

static void check_average(const geometry *g, apus_dtype dtype, bool spread) {
    apus_pool2d_options options = g->options;
    options.dilation[0] = options.dilation[1] = 1;
    for (int i = 0; i < 2; i++)
        if (options.padding[i] > options.kernel[i] / 2) options.padding[i] = options.kernel[i] / 2;
    operand x = make(dtype, g->shape, spread), none = {NULL, NULL}, y = none, dx = none;
    if (g->shape[2] < options.kernel[0]) options.kernel[0] = options.kernel[1] = 2;
    CHECK_OK(apus_avg_pool2d(&y.cpu, x.cpu, &options));
    CHECK_OK(apus_avg_pool2d(&y.device, x.device, &options));
    operand grad = make(dtype, apus_tensor_shape(y.cpu), spread);
    CHECK_OK(apus_avg_pool2d_backward(&dx.cpu, grad.cpu, 4, g->shape, &options));
    CHECK_OK(apus_avg_pool2d_backward(&dx.device, grad.device, 4, g->shape, &options));
    check_result_pair("avg_pool2d", y, check_tolerance(dtype));
    check_result_pair("avg_pool2d_backward", dx, check_tolerance(dtype));
    check_release(x), check_release(grad);
}

/// NaN wins, the later of equals does not, and a plane of -inf has an index of its own.
static void test_special_values(void) {
    const float values[16] = {1, 1, NAN, 2, 1, 1, 3, NAN, -INFINITY, -INFINITY, 0, -0.0f, -INFINITY, -INFINITY, 0, 0};
    const apus_pool2d_options options = {sizeof options, {2, 2}, {2, 2}, {0, 0}, {1, 1}, false, false};
    operand x = {check_floats(4, (int64_t[]){1, 1, 4, 4}, values), NULL}, y = {NULL, NULL}, indices = {NULL, NULL};
    CHECK_OK(apus_tensor_to(&x.device, x.cpu, APUS_DTYPE_float32, device));
    CHECK_OK(apus_max_pool2d(&y.cpu, &indices.cpu, x.cpu, &options));
    CHECK_OK(apus_max_pool2d(&y.device, &indices.device, x.device, &options));
    check_result_pair("max_pool2d of NaN", y, 0);
    check_result_pair("indices of NaN", indices, 0);
    check_release(x);
}

/// An index outside the plane is an error on the device too.
static void test_wrong_index(void) {
    const int64_t shape[] = {1, 1, 2, 2}, wrong[] = {0, 4, 1, 2};
    operand grad = check_operand(APUS_DTYPE_float32, 4, shape, 0, 1);
    apus_tensor *indices = NULL, *there = NULL, *dx = NULL;
    CHECK_OK(apus_tensor_from_data(&indices, APUS_DTYPE_int64, 4, shape, wrong, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&there, indices, APUS_DTYPE_int64, device));
    CHECK_STATUS(apus_max_pool2d_backward(&dx, grad.device, there, 4, shape), APUS_STATUS_index);
    CHECK(dx == NULL);
    apus_tensor_release(indices);
    apus_tensor_release(there);
    check_release(grad);
}

int main(void) {
    if (!check_opencl_begin("test_opencl_pool")) return 0;
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16};
    for (int d = 0; d < 3; d++)
        for (size_t i = 0; i < sizeof geometries / sizeof geometries[0] && check_computes(dtypes[d]); i++)
            for (int spread = 0; spread < 2; spread++) {
                check_max(&geometries[i], dtypes[d], spread);
                check_average(&geometries[i], dtypes[d], spread);
            }
    test_special_values();
    test_wrong_index();
    return check_opencl_end("test_opencl_pool");
}
