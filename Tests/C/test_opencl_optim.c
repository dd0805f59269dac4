// Optimizer steps on OpenCL devices against the CPU's.
#include "check_opencl.h"

static void check_sgd(apus_dtype dtype, int64_t n, const apus_sgd_options *options, bool moves) {
    operand p = check_operand(dtype, 1, &n, -1, 1), g = check_operand(dtype, 1, &n, -1, 1);
    operand m = check_operand(dtype, 1, &n, -1, 1);
    CHECK_OK(apus_sgd_step(p.cpu, g.cpu, moves ? m.cpu : NULL, options));
    CHECK_OK(apus_sgd_step(p.device, g.device, moves ? m.device : NULL, options));
    check_result_pair("sgd", p, check_tolerance(dtype));
    check_result_pair("momentum", m, check_tolerance(dtype));
    check_release(g);
}

static void check_adam(apus_dtype dtype, int64_t n, const apus_adam_options *options, bool greatest) {
    operand o[5];
    for (int i = 0; i < 5; i++) o[i] = check_operand(dtype, 1, &n, i < 3 ? -1 : 0, 1);
    for (int i = 0; i < 3; i++) { // several steps, so that differences would grow
        CHECK_OK(apus_adam_step(o[0].cpu, o[1].cpu, o[2].cpu, o[3].cpu, greatest ? o[4].cpu : NULL, options));
        CHECK_OK(
            apus_adam_step(o[0].device, o[1].device, o[2].device, o[3].device, greatest ? o[4].device : NULL, options));
    }
    for (int i = 0; i < 5; i++) check_result_pair("adam", o[i], check_tolerance(dtype));
}

int main(void) {
    if (!check_opencl_begin("test_opencl_optim")) return 0;
    const int64_t sizes[] = {1, 15, 16, 17, 70001};
    const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16};
    const apus_sgd_options
        plain = {.size = sizeof(apus_sgd_options), .lr = 0.1, .weight_decay = 0.01, .maximize = true},
        first = {.size = sizeof(apus_sgd_options), .lr = 0.1, .momentum = 0.9, .dampening = 0.1, .first_step = true},
        nesterov = {
            .size = sizeof(apus_sgd_options), .lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true};
    const apus_adam_options adam = {.size = sizeof(apus_adam_options),
                                    .lr = 1e-3,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .eps = 1e-8,
                                    .step = 3},
                            decoupled = {.size = sizeof(apus_adam_options),
                                         .lr = 1e-3,
                                         .beta1 = 0.2,
                                         .beta2 = 0.999,
                                         .eps = 1e-8,
                                         .weight_decay = 0.1,
                                         .decoupled = true,
                                         .maximize = true,
                                         .step = 1};
    for (int d = 0; d < 3; d++)
        for (int i = 0; i < 5 && check_computes(dtypes[d]); i++) {
            check_sgd(dtypes[d], sizes[i], &plain, false);
            check_sgd(dtypes[d], sizes[i], &first, true);
            check_sgd(dtypes[d], sizes[i], &nesterov, true);
            check_adam(dtypes[d], sizes[i], &adam, false);
            check_adam(dtypes[d], sizes[i], &decoupled, true);
        }
    return check_opencl_end("test_opencl_optim");
}
