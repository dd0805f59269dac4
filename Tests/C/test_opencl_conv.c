// Convolution and its gradients on OpenCL devices against the CPU's.
#include "check_opencl.h"

typedef struct geometry {
    int64_t batch, channels, height, width, outputs;
    int64_t kernel[2];
    apus_conv2d_options options;
} geometry;

#define G(n, c, h, w, o, kh, kw, s, p, d, g)                                                                           \
    {                                                                                                                  \
        n, c, h, w, o, {kh, kw}, { sizeof(apus_conv2d_options), {s, s}, {p, p}, {d, d}, g }                            \
    }

static const geometry geometries[] = {
    G(1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1),
    G(2, 3, 8, 7, 4, 3, 3, 1, 1, 1, 1),
    G(2, 3, 8, 7, 9, 3, 3, 1, 0, 1, 1),
    G(2, 3, 9, 10, 4, 3, 3, 2, 1, 1, 1),
    G(2, 3, 11, 10, 4, 3, 2, 1, 2, 2, 1),
    G(2, 3, 11, 13, 4, 3, 3, 3, 4, 2, 1),
    G(2, 3, 11, 13, 7, 3, 3, 2, 3, 2, 1), // all taps in one phase
    G(2, 5, 12, 13, 7, 4, 3, 3, 1, 1, 1),
    G(3, 4, 6, 6, 8, 1, 1, 1, 0, 1, 1), // as it lies
    G(2, 4, 3, 5, 8, 1, 1, 1, 0, 1, 1), // fewer positions than a block has
    G(2, 4, 20, 20, 8, 1, 1, 1, 0, 1, 1),
    G(2, 4, 9, 9, 6, 1, 1, 2, 0, 1, 2),
    G(5, 4, 6, 5, 6, 3, 3, 1, 1, 1, 2),
    G(11, 2, 6, 5, 4, 3, 3, 1, 1, 1, 2),
    G(2, 16, 7, 5, 22, 3, 3, 1, 1, 1, 2), // groups of more outputs than a block has
    G(2, 6, 12, 11, 6, 3, 3, 1, 1, 1, 6),
    G(2, 6, 12, 11, 12, 3, 3, 2, 1, 1, 6), // depthwise
    G(2, 3, 40, 5, 3, 5, 3, 1, 2, 2, 3),
    G(70, 1, 8, 8, 3, 3, 3, 1, 1, 1, 1),
    G(33, 2, 4, 4, 5, 3, 3, 1, 1, 1, 1),
    G(300, 2, 3, 3, 5, 3, 3, 2, 1, 1, 1),
    G(1, 2, 70, 60, 3, 3, 3, 1, 1, 1, 1),
    G(2, 40, 14, 14, 70, 3, 3, 1, 1, 1, 1),
    G(1, 2, 1, 50, 3, 1, 7, 1, 3, 1, 1),
    G(1, 2, 3, 3, 3, 5, 5, 1, 2, 1, 1),
    G(2, 2, 5, 5, 3, 2, 2, 7, 1, 1, 1), // strides step over most of it
    G(2, 3, 4, 4, 5, 2, 2, 1, 5, 1, 1),
    G(1, 3, 50, 67, 13, 3, 3, 2, 1, 1, 1),
    G(3, 2, 17, 17, 8, 5, 5, 2, 2, 1, 1),
    G(0, 2, 5, 5, 3, 3, 3, 1, 1, 1, 1),
    G(9, 8, 8, 8, 16, 3, 3, 1, 1, 1, 1),
    {2, 2, 6, 3, 8, {5, 1}, {sizeof(apus_conv2d_options), {1, 1}, {0, 0}, {1, 1}, 1}}, // as it lies, but too short for
                                                                                       // a block
    {2, 2, 9, 8, 8, {3, 1}, {sizeof(apus_conv2d_options), {1, 1}, {0, 0}, {1, 1}, 1}},
    {2, 2, 8, 9, 8, {2, 2}, {sizeof(apus_conv2d_options), {3, 3}, {0, 0}, {1, 1}, 1}},
    {2, 3, 9, 14, 4, {3, 2}, {sizeof(apus_conv2d_options), {1, 2}, {2, 0}, {1, 3}, 1}},
    {2, 4, 13, 9, 7, {2, 3}, {sizeof(apus_conv2d_options), {3, 1}, {0, 1}, {2, 1}, 1}},
};

static int64_t output_size(const geometry *g, int i) {
    int64_t in = i == 0 ? g->height : g->width;
    const apus_conv2d_options *o = &g->options;
    return (in + 2 * o->padding[i] - o->dilation[i] * (g->kernel[i] - 1) - 1) / o->stride[i] + 1;
}

/// An operand, in every second place of a larger one where `spread`.
static operand make(apus_dtype dtype, int32_t rank, const int64_t *shape, bool spread) {
    int64_t whole[4];
    memcpy(whole, shape, sizeof(int64_t) * (size_t)rank);
    if (spread) whole[rank - 1] = 2 * shape[rank - 1] + 1;
    operand o = check_operand(dtype, rank, whole, -1, 1);
    return spread ? check_slice(o, rank - 1, 2) : o;
}

static void check_geometry(const geometry *g, apus_dtype dtype, bool spread) {
    int64_t in[4] = {g->batch, g->channels, g->height, g->width};
    int64_t out[4] = {g->batch, g->outputs, output_size(g, 0), output_size(g, 1)};
    int64_t weights[4] = {g->outputs, g->channels / g->options.groups, g->kernel[0], g->kernel[1]};
    operand x = make(dtype, 4, in, spread), weight = make(dtype, 4, weights, spread), none = {NULL, NULL};
    operand bias = make(dtype, 1, &g->outputs, spread), grad = make(dtype, 4, out, spread);
    operand y = none, plain = none, dx = none, dw = none, again = none;
    CHECK_OK(apus_conv2d(&y.cpu, x.cpu, weight.cpu, bias.cpu, &g->options));
    CHECK_OK(apus_conv2d(&y.device, x.device, weight.device, bias.device, &g->options));
    CHECK_OK(apus_conv2d(&plain.cpu, x.cpu, weight.cpu, NULL, &g->options));
    CHECK_OK(apus_conv2d(&plain.device, x.device, weight.device, NULL, &g->options));
    CHECK_OK(apus_conv2d_input_grad(&dx.cpu, 4, in, grad.cpu, weight.cpu, &g->options));
    CHECK_OK(apus_conv2d_input_grad(&dx.device, 4, in, grad.device, weight.device, &g->options));
    CHECK_OK(apus_conv2d_weight_grad(&dw.cpu, weights, grad.cpu, x.cpu, &g->options));
    CHECK_OK(apus_conv2d_weight_grad(&dw.device, weights, grad.device, x.device, &g->options));
    CHECK_OK(apus_conv2d_weight_grad(&again.device, weights, grad.device, x.device, &g->options));
    check_same_bits(dw.device, again.device);
    apus_tensor_release(again.device);
    char what[96];
    snprintf(what, sizeof what, "conv2d %d: %lldx%lldx%lldx%lld", (int)(g - geometries), (long long)in[0],
             (long long)in[1], (long long)in[2], (long long)in[3]);
    double tolerance = check_tolerance(dtype);
    check_result_pair(what, y, tolerance);
    check_result_pair(what, plain, tolerance);
    memcpy(what, "grad_x", 6);
    check_result_pair(what, dx, tolerance);
    memcpy(what, "grad_w", 6);
    check_result_pair(what, dw, 4 * tolerance);
    check_release(x), check_release(weight), check_release(bias), check_release(grad);
}

/// An infinity spoils the outputs that meet it and no others.
static void test_special_values(void) {
    float values[2 * 6 * 7];
    for (int i = 0; i < 2 * 6 * 7; i++) values[i] = (float)(i % 5);
    values[0] = INFINITY, values[41] = NAN, values[83] = -INFINITY;
    operand x = {check_floats(4, (int64_t[]){1, 2, 6, 7}, values), NULL}, y = {NULL, NULL}, z = {NULL, NULL};
    operand weight = check_operand(APUS_DTYPE_float32, 4, (int64_t[]){8, 2, 3, 3}, 0.5, 1);
    operand channel = check_operand(APUS_DTYPE_float32, 4, (int64_t[]){2, 1, 3, 3}, 0.5, 1);
    apus_conv2d_options options = {sizeof options, {1, 1}, {1, 1}, {1, 1}, 1};
    CHECK_OK(apus_tensor_to(&x.device, x.cpu, APUS_DTYPE_float32, device));
    CHECK_OK(apus_conv2d(&y.cpu, x.cpu, weight.cpu, NULL, &options));
    CHECK_OK(apus_conv2d(&y.device, x.device, weight.device, NULL, &options));
    options.groups = 2;
    CHECK_OK(apus_conv2d(&z.cpu, x.cpu, channel.cpu, NULL, &options));
    CHECK_OK(apus_conv2d(&z.device, x.device, channel.device, NULL, &options));
    check_result_pair("conv2d of infinities", y, 1e-5);
    check_result_pair("depthwise of infinities", z, 1e-5);
    check_release(x), check_release(weight), check_release(channel);
}

/// Few enough multiply-adds for a simulator.
static bool is_small(const geometry *g) {
    enum { SIMULATED_WORK = 100000 };
    return g->batch * g->outputs * output_size(g, 0) * output_size(g, 1) * (g->channels / g->options.groups) *
               g->kernel[0] * g->kernel[1] <=
           SIMULATED_WORK;
}

int main(void) {
    if (!check_opencl_begin("test_opencl_conv")) return 0;
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16};
    for (int d = 0; d < (check_is_simulated() ? 1 : 3); d++)
        for (size_t i = 0; i < sizeof geometries / sizeof geometries[0] && check_computes(dtypes[d]); i++)
            for (int spread = 0; spread < 2; spread++)
                if (!check_is_simulated() || (spread == 0 && is_small(&geometries[i])))
                    check_geometry(&geometries[i], dtypes[d], spread);
    test_special_values();
    return check_opencl_end("test_opencl_conv");
}
