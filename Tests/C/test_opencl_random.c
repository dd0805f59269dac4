// Random numbers on OpenCL devices: the CPU's, bit for bit.
#include "check_opencl.h"

enum draw { UNIFORM, NORMAL, INTEGERS, WIDE_INTEGERS, BERNOULLI, ALWAYS, DRAWS };

static apus_status draw(apus_tensor *t, enum draw d, apus_generator *g) {
    apus_dtype dtype = apus_tensor_dtype(t);
    switch (d) {
    case UNIFORM: return apus_uniform(t, -1, 2.5, g);
    case NORMAL: return apus_normal(t, 0.5, 2, g);
    case INTEGERS: return apus_randint(t, 0, dtype == APUS_DTYPE_bool ? 2 : 100, g);
    case WIDE_INTEGERS:
        return dtype == APUS_DTYPE_int64 ? apus_randint(t, INT64_MIN, INT64_MAX, g)
                                         : apus_randint(t, -((int64_t)1 << 50), (int64_t)1 << 50, g);
    case BERNOULLI: return apus_bernoulli(t, 0.3, g);
    default: return apus_bernoulli(t, 1, g);
    }
}

static bool takes(apus_dtype dtype, enum draw d) {
    if (d <= NORMAL) return apus_dtype_is_floating_point(dtype);
    return d != WIDE_INTEGERS || dtype == APUS_DTYPE_int64 || dtype == APUS_DTYPE_float64;
}

/// Twice from one generator, the second time behind an offset.
static void check_draw_of(apus_dtype dtype, enum draw d, int64_t n) {
    const int64_t whole = n + 3;
    apus_generator *generators[2] = {NULL, NULL};
    apus_tensor *all[2] = {NULL, NULL}, *part[2] = {NULL, NULL};
    for (int side = 0; side < 2; side++) {
        CHECK_OK(apus_generator_new(&generators[side], 42));
        CHECK_OK(apus_tensor_empty(&all[side], dtype, 1, &whole, side == 0 ? APUS_DEVICE_CPU : device));
        CHECK_OK(draw(all[side], d, generators[side]));
        CHECK_OK(apus_tensor_slice(&part[side], all[side], 0, 1, n + 1, 1));
        CHECK_OK(draw(part[side], d, generators[side]));
        apus_generator_release(generators[side]);
    }
    int before = check_failures;
    check_same_bits(all[0], all[1]);
    if (check_failures > before) printf("draw %d of %lld %s differs\n", (int)d, (long long)n, apus_dtype_name(dtype));
    for (int side = 0; side < 2; side++) {
        apus_tensor_release(part[side]);
        apus_tensor_release(all[side]);
    }
}

static void test_draws(void) {
    const int64_t sizes[] = {1, 15, 16, 17, 1003, 70001};
    for (int32_t d = 0; d <= APUS_DTYPE_float64; d++)
        for (int k = 0; k < 6; k++) {
            bool every = d == APUS_DTYPE_float32 || d == APUS_DTYPE_float64 || d == APUS_DTYPE_int64 || k == 4;
            for (int kind = 0; kind < DRAWS && every; kind++)
                if (check_computes((apus_dtype)d) && takes((apus_dtype)d, (enum draw)kind))
                    check_draw_of((apus_dtype)d, (enum draw)kind, sizes[k]);
        }
}

static void test_permutation(void) {
    const int64_t n = 1009;
    apus_generator *g = NULL, *h = NULL;
    apus_tensor *expected = NULL, *order = NULL;
    CHECK_OK(apus_generator_new(&g, 7));
    CHECK_OK(apus_generator_new(&h, 7));
    CHECK_OK(apus_tensor_empty(&order, APUS_DTYPE_int64, 1, &n, device));
    CHECK_OK(apus_randperm(&expected, n, g));
    CHECK_OK(apus_randperm(&order, n, h));
    CHECK(apus_tensor_device(order) == device);
    check_same_bits(expected, order);
    apus_tensor_release(expected);
    apus_tensor_release(order);
    apus_generator_release(g);
    apus_generator_release(h);
}

int main(void) {
    if (!check_opencl_begin("test_opencl_random")) return 0;
    test_draws();
    test_permutation();
    return check_opencl_end("test_opencl_random");
}
