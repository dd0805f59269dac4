// Softmax and the normalisation layers on OpenCL devices against the CPU's.
#include "check_opencl.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_bfloat16};

// ---- Softmax

static const struct {
    int32_t rank, dim;
    int64_t shape[3];
} lanes[] = {
    {1, 0, {1}},         {1, 0, {17}},        {2, 1, {5, 15}},   {2, 1, {3, 16}},    {2, 1, {70, 33}},
    {2, 1, {2, 1, 0}},   {2, 1, {2, 70001}},  {2, 0, {15, 17}},  {2, 0, {131, 16}},  {3, 1, {3, 7, 5}},
    {3, 1, {2, 70, 37}}, {3, 0, {19, 3, 11}}, {3, 2, {0, 3, 4}}, {3, 1, {3, 1, 40}}, {2, 1, {70001, 3}},
};

/// One in place of the other: how the operand lies.
static operand laid_out(apus_dtype dtype, int32_t rank, const int64_t *shape, bool offset, double low, double high) {
    if (!offset) return check_operand(dtype, rank, shape, low, high);
    int64_t whole[4];
    memcpy(whole, shape, sizeof(int64_t) * (size_t)rank);
    whole[0] += 1;
    return check_slice(check_operand(dtype, rank, whole, low, high), 0, 1);
}

static void check_softmax(size_t i, apus_dtype dtype, bool logarithm, bool offset) {
    operand x = laid_out(dtype, lanes[i].rank, lanes[i].shape, offset, -30, 30), y = {NULL, NULL}, dx = {NULL, NULL};
    operand grad = laid_out(dtype, lanes[i].rank, lanes[i].shape, offset, -1, 1);
    CHECK_OK(apus_softmax(&y.cpu, x.cpu, lanes[i].dim, logarithm));
    CHECK_OK(apus_softmax(&y.device, x.device, lanes[i].dim, logarithm));
    CHECK_OK(apus_softmax_backward(&dx.cpu, grad.cpu, y.cpu, lanes[i].dim, logarithm));
    CHECK_OK(apus_softmax_backward(&dx.device, grad.device, y.device, lanes[i].dim, logarithm));
    // exp of a logarithm that is rounded otherwise, times a sum over the lane
    double slack = dtype == APUS_DTYPE_bfloat16 ? 8 : 4;
    check_result_pair(logarithm ? "log_softmax_backward" : "softmax_backward", dx, slack * check_tolerance(dtype));
    check_result_pair(logarithm ? "log_softmax" : "softmax", y, check_tolerance(dtype));
    check_release(x);
    check_release(grad);
}

static void test_softmax(void) {
    for (size_t d = 0; d < COUNT(dtypes); d++)
        for (size_t i = 0; i < COUNT(lanes); i++)
            for (int kind = 0; kind < 4; kind++)
                if (check_is_asked(dtypes[d], check_elements(lanes[i].rank, lanes[i].shape)))
                    check_softmax(i, dtypes[d], kind & 1, kind & 2);
}

/// A NaN or an infinity makes its lane NaN as on the CPU, and no other.
static void test_special_values(void) {
    float values[5 * 37];
    for (int i = 0; i < 5 * 37; i++) values[i] = (float)(i % 7);
    values[3] = NAN, values[37 + 36] = INFINITY, values[2 * 37 + 1] = -INFINITY;
    for (int i = 0; i < 37; i++) values[3 * 37 + i] = -INFINITY;
    for (int32_t dim = 0; dim < 2; dim++)
        for (int logarithm = 0; logarithm < 2; logarithm++) {
            operand x = {check_floats(2, (int64_t[]){5, 37}, values), NULL}, y = {NULL, NULL};
            CHECK_OK(apus_tensor_to(&x.device, x.cpu, APUS_DTYPE_float32, device));
            CHECK_OK(apus_softmax(&y.cpu, x.cpu, dim, logarithm));
            CHECK_OK(apus_softmax(&y.device, x.device, dim, logarithm));
            check_result_pair("softmax of infinities", y, 1e-6);
            check_release(x);
        }
}

// ---- Layer normalisation

/// Bits of `with`: weight, bias, and in the backward pass dx, dweight, dbias.
static void check_layer_norm(apus_dtype dtype, int64_t rows, int64_t n, unsigned with) {
    const int64_t shape[] = {rows, n};
    operand x = laid_out(dtype, 2, shape, with & 1, -1, 3), grad = laid_out(dtype, 2, shape, with & 2, -1, 1);
    operand weight = check_operand(dtype, 1, &n, 0.5, 2), bias = check_operand(dtype, 1, &n, -1, 1),
            none = {NULL, NULL};
    operand w = with & 1 ? weight : none, b = with & 2 ? bias : none;
    operand y = none, mean = none, rstd = none, dx = none, dw = none, db = none;
    CHECK_OK(apus_layer_norm(&y.cpu, &mean.cpu, &rstd.cpu, x.cpu, 1, w.cpu, b.cpu, 1e-5));
    CHECK_OK(apus_layer_norm(&y.device, &mean.device, &rstd.device, x.device, 1, w.device, b.device, 1e-5));
    bool to_x = with & 4, to_weight = with & 8, to_bias = with & 16;
    CHECK_OK(apus_layer_norm_backward(to_x ? &dx.cpu : NULL, to_weight ? &dw.cpu : NULL, to_bias ? &db.cpu : NULL,
                                      grad.cpu, x.cpu, 1, w.cpu, mean.cpu, rstd.cpu));
    CHECK_OK(apus_layer_norm_backward(to_x ? &dx.device : NULL, to_weight ? &dw.device : NULL,
                                      to_bias ? &db.device : NULL, grad.device, x.device, 1, w.device, mean.device,
                                      rstd.device));
    double tolerance = 8 * check_tolerance(dtype);
    // Rows of a few elements may have hardly any variance, whose root amplifies what is rounded.
    check_result_pair("layer_norm", y, n > 8 ? tolerance : 100 * tolerance);
    check_result_pair("layer_norm mean", mean, tolerance);
    check_result_pair("layer_norm rstd", rstd, n > 8 ? tolerance : 100 * tolerance);
    if (to_x) check_result_pair("layer_norm dx", dx, n > 8 ? tolerance : 1000 * tolerance);
    if (to_weight) check_result_pair("layer_norm dweight", dw, n > 8 ? tolerance : 1000 * tolerance);
    if (to_bias) check_result_pair("layer_norm dbias", db, tolerance);
    check_release(x), check_release(grad), check_release(weight), check_release(bias);
}

static void test_layer_norm(void) {
    static const int64_t sizes[][2] = {{1, 1}, {1, 17}, {15, 16}, {131, 15}, {3, 1000}, {700, 33}, {5000, 3}};
    for (size_t d = 0; d < COUNT(dtypes); d++)
        for (size_t i = 0; i < COUNT(sizes); i++)
            for (unsigned with = 4; with < 32; with += d == 0 && !check_is_simulated() ? 1 : 9)
                if (check_is_asked(dtypes[d], sizes[i][0] * sizes[i][1]))
                    check_layer_norm(dtypes[d], sizes[i][0], sizes[i][1], with);
}

// ---- Batch normalisation

static void check_batch_norm(apus_dtype dtype, const int64_t *shape, int32_t rank, unsigned with, bool training) {
    operand x = laid_out(dtype, rank, shape, with & 1, -1, 3), grad = laid_out(dtype, rank, shape, with & 2, -1, 1);
    operand weight = check_operand(dtype, 1, &shape[1], 0.5, 2), bias = check_operand(dtype, 1, &shape[1], -1, 1);
    operand run_mean = check_operand(dtype, 1, &shape[1], -1, 1), run_var = check_operand(dtype, 1, &shape[1], 0.5, 2);
    operand none = {NULL, NULL}, w = with & 1 ? weight : none, b = with & 2 ? bias : none;
    operand y = none, mean = none, rstd = none, dx = none, dw = none, db = none;
    CHECK_OK(apus_batch_norm(&y.cpu, &mean.cpu, &rstd.cpu, x.cpu, w.cpu, b.cpu, run_mean.cpu, run_var.cpu, training,
                             0.1, 1e-5));
    CHECK_OK(apus_batch_norm(&y.device, &mean.device, &rstd.device, x.device, w.device, b.device, run_mean.device,
                             run_var.device, training, 0.1, 1e-5));
    bool to_x = with & 4, to_weight = with & 8, to_bias = with & 16;
    CHECK_OK(apus_batch_norm_backward(to_x ? &dx.cpu : NULL, to_weight ? &dw.cpu : NULL, to_bias ? &db.cpu : NULL,
                                      grad.cpu, x.cpu, w.cpu, mean.cpu, rstd.cpu, training));
    CHECK_OK(apus_batch_norm_backward(to_x ? &dx.device : NULL, to_weight ? &dw.device : NULL,
                                      to_bias ? &db.device : NULL, grad.device, x.device, w.device, mean.device,
                                      rstd.device, training));
    double tolerance = 8 * check_tolerance(dtype);
    check_result_pair("batch_norm", y, tolerance);
    check_result_pair("batch_norm mean", mean, tolerance);
    check_result_pair("batch_norm rstd", rstd, tolerance);
    if (to_x) check_result_pair("batch_norm dx", dx, tolerance);
    if (to_weight) check_result_pair("batch_norm dweight", dw, tolerance);
    if (to_bias) check_result_pair("batch_norm dbias", db, tolerance);
    check_result_pair("running mean", run_mean, tolerance);
    check_result_pair("running variance", run_var, tolerance);
    check_release(x), check_release(grad), check_release(weight), check_release(bias);
}

static void test_batch_norm(void) {
    static const struct {
        int32_t rank;
        int64_t shape[4];
    } images[] = {{2, {17, 1}},       {2, {31, 17}},        {2, {300, 40}},     {3, {5, 3, 7}},
                  {4, {9, 16, 5, 3}}, {4, {2, 40, 16, 16}}, {4, {200, 3, 2, 1}}};
    apus_opencl_set_fallback_strict(false); // the statistics are another family's
    for (size_t d = 0; d < COUNT(dtypes); d++)
        for (size_t i = 0; i < COUNT(images); i++)
            for (unsigned with = 0; with < 32; with += d == 0 && !check_is_simulated() ? 3 : 9)
                for (int training = 0;
                     training < 2 && check_is_asked(dtypes[d], check_elements(images[i].rank, images[i].shape));
                     training++)
                    check_batch_norm(dtypes[d], images[i].shape, images[i].rank, with | 4, training);
    for (int32_t i = 0;; i++) {
        const char *name;
        int64_t count;
        if (apus_opencl_fallback_entry(i, &name, &count) != APUS_STATUS_ok) break;
        CHECK(strstr(name, "norm") == NULL && strstr(name, "softmax") == NULL);
    }
    apus_opencl_fallback_reset();
}

int main(void) {
    if (!check_opencl_begin("test_opencl_norm")) return 0;
    test_softmax();
    test_special_values();
    test_layer_norm();
    test_batch_norm();
    return check_opencl_end("test_opencl_norm");
}
