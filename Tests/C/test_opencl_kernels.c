// Kernels and expressions of the caller's own, and the handles for other OpenCL code.
#include "check_opencl.h"

static const char scale_text[] = "kernel void scale(global const float *x, global float *y, float factor, long n) {"
                                 "    long i = get_global_id(0);"
                                 "    if (i < n) y[i] = x[i] * factor;"
                                 "}";

static apus_opencl_argument tensor_argument(apus_tensor *t, bool written) {
    return (apus_opencl_argument){.kind = APUS_OPENCL_ARGUMENT_tensor, .tensor = t, .written = written};
}

static void test_kernel(void) {
    const int64_t n = 1001;
    operand x = check_operand(APUS_DTYPE_float32, 1, &n, -1, 1);
    apus_tensor *y = NULL, *home = NULL, *part = NULL;
    CHECK_OK(apus_tensor_empty(&y, APUS_DTYPE_float32, 1, &n, device));
    const apus_opencl_kernel *kernel = NULL, *again = NULL;
    CHECK_OK(apus_opencl_kernel_new(&kernel, scale_text, "scale"));
    CHECK_OK(apus_opencl_kernel_new(&again, scale_text, "scale"));
    CHECK(kernel == again);
    apus_opencl_argument arguments[] = {tensor_argument(x.device, false),
                                        tensor_argument(y, true),
                                        {.kind = APUS_OPENCL_ARGUMENT_float32, .real = 3},
                                        {.kind = APUS_OPENCL_ARGUMENT_int64, .integer = n}};
    const uint64_t version = apus_tensor_version(y);
    const int64_t local = 4;
    CHECK_OK(apus_opencl_kernel_run(kernel, 4, arguments, 1, &n, NULL));
    CHECK_OK(apus_opencl_kernel_run(kernel, 4, arguments, 1, &n, &local));
    CHECK_OK(apus_synchronize(device));
    CHECK(apus_tensor_version(y) == version + 2);
    CHECK_OK(apus_tensor_to(&home, y, APUS_DTYPE_float32, APUS_DEVICE_CPU));
    const float *in = apus_tensor_data(x.cpu), *out = apus_tensor_data(home);
    for (int64_t i = 0; i < n; i++) CHECK(out[i] == in[i] * 3);

    CHECK_STATUS(apus_opencl_kernel_run(kernel, 3, arguments, 3, &n, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_opencl_kernel_run(kernel, 2, arguments + 2, 1, &n, NULL), APUS_STATUS_invalid_argument);
    CHECK_OK(apus_tensor_slice(&part, y, 0, 1, n, 1));
    arguments[1].tensor = part;
    CHECK_STATUS(apus_opencl_kernel_run(kernel, 4, arguments, 1, &n, NULL), APUS_STATUS_shape);
    arguments[1].tensor = x.cpu;
    CHECK_STATUS(apus_opencl_kernel_run(kernel, 4, arguments, 1, &n, NULL), APUS_STATUS_device);
    arguments[1].tensor = NULL;
    CHECK_STATUS(apus_opencl_kernel_run(kernel, 4, arguments, 1, &n, NULL), APUS_STATUS_null_argument);
    CHECK_OK(apus_opencl_kernel_new(&again, "kernel void wrong(global float *x) { x[0] = nothing; }", "wrong"));
    CHECK_STATUS(apus_opencl_kernel_run(again, 1, arguments, 1, &n, NULL), APUS_STATUS_backend);
    CHECK(strstr(apus_last_error(), "nothing") != NULL);
    apus_tensor_release(part), apus_tensor_release(home), apus_tensor_release(y);
    check_release(x);
}

static void test_expression(void) {
    const int64_t column[] = {3, 1}, row[] = {1, 5};
    operand x = check_operand(APUS_DTYPE_float32, 2, column, -1, 1);
    operand y = check_operand(APUS_DTYPE_float16, 2, row, -1, 1), z = {NULL, NULL};
    const apus_tensor *const inputs[] = {x.device, y.device};
    CHECK_OK(apus_opencl_elementwise(&z.device, "maximum(x, y)", 2, inputs));
    CHECK_OK(apus_binary(&z.cpu, APUS_BINARY_maximum, x.cpu, y.cpu));
    check_result_pair("maximum", z, 0);
    apus_tensor *out = NULL;
    const apus_tensor *const at_home[] = {x.cpu};
    CHECK_STATUS(apus_opencl_elementwise(&out, "x", 1, at_home), APUS_STATUS_device);
    CHECK_STATUS(apus_opencl_elementwise(&out, "x", 4, inputs), APUS_STATUS_invalid_argument);
    CHECK(out == NULL);
    check_release(x), check_release(y);
}

static void test_handles(void) {
    void *context = NULL, *queue = NULL;
    CHECK_OK(apus_opencl_handles(&context, &queue, device - APUS_DEVICE_OPENCL));
    CHECK(context != NULL && queue != NULL && apus_opencl_fallback_strict());
    CHECK_OK(apus_opencl_save_programs(device - APUS_DEVICE_OPENCL));
    CHECK_STATUS(apus_synchronize(APUS_DEVICE_OPENCL + 99), APUS_STATUS_device);
}

int main(void) {
    if (!check_opencl_begin("test_opencl_kernels")) return 0;
    test_kernel();
    test_expression();
    test_handles();
    return check_opencl_end("test_opencl_kernels");
}
