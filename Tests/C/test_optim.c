// Optimizer steps against the same formulas in double, written out plainly.
#include "check.h"

enum { N = 257, STEPS = 5 };

/// A tensor of the dtype from doubles; every other element of a wider one where `strided`.
static apus_tensor *make(apus_dtype dtype, const double *values, bool strided) {
    int64_t n = N, wide_shape[] = {N, 2};
    apus_tensor *exact = NULL, *t = NULL, *wide = NULL;
    CHECK_OK(apus_tensor_from_data(&exact, APUS_DTYPE_float64, 1, &n, values, APUS_DEVICE_CPU));
    if (!strided) {
        CHECK_OK(apus_tensor_to(&t, exact, dtype, APUS_DEVICE_CPU));
    } else {
        CHECK_OK(apus_tensor_empty(&wide, dtype, 2, wide_shape, APUS_DEVICE_CPU));
        CHECK_OK(apus_tensor_select(&t, wide, 1, 1));
        CHECK_OK(apus_tensor_copy(t, exact));
        apus_tensor_release(wide);
    }
    apus_tensor_release(exact);
    return t;
}

static double number(int i, int step) { return sin(i * 12.9898 + step * 78.233) * 2; }

static double tolerance_of(apus_dtype dtype) {
    return dtype == APUS_DTYPE_float64 ? 1e-14 : dtype == APUS_DTYPE_float32 ? 1e-6 : 0.05;
}

static void compare(const apus_tensor *t, const double *expected) {
    double values[N];
    CHECK_OK(apus_tensor_read(t, APUS_DTYPE_float64, values, sizeof values));
    for (int i = 0; i < N; i += 16) CHECK_CLOSE(values[i], expected[i], tolerance_of(apus_tensor_dtype(t)));
}

static void run_sgd(apus_dtype dtype, apus_sgd_options o, bool strided) {
    double p[N], m[N], grad[N];
    for (int i = 0; i < N; i++) p[i] = number(i, -1), m[i] = NAN; // the first step does not read it
    apus_tensor *param = make(dtype, p, strided), *momentum = make(dtype, m, strided);
    for (int step = 0; step < STEPS; step++) {
        o.first_step = step == 0;
        for (int i = 0; i < N; i++) {
            grad[i] = number(i, step);
            double g = (o.maximize ? -grad[i] : grad[i]) + o.weight_decay * p[i];
            if (o.momentum != 0) {
                m[i] = step == 0 ? g : o.momentum * m[i] + (1 - o.dampening) * g;
                g = o.nesterov ? g + o.momentum * m[i] : m[i];
            }
            p[i] -= o.lr * g;
        }
        apus_tensor *g = make(dtype, grad, strided);
        uint64_t version = apus_tensor_version(param);
        CHECK_OK(apus_sgd_step(param, g, o.momentum != 0 ? momentum : NULL, &o));
        CHECK(apus_tensor_version(param) == version + 1);
        apus_tensor_release(g);
    }
    compare(param, p);
    if (o.momentum != 0) compare(momentum, m);
    apus_tensor_release(param);
    apus_tensor_release(momentum);
}

static void run_adam(apus_dtype dtype, apus_adam_options o, bool amsgrad, bool strided) {
    double p[N], m[N] = {0}, v[N] = {0}, most[N] = {0}, grad[N];
    for (int i = 0; i < N; i++) p[i] = number(i, -1);
    apus_tensor *param = make(dtype, p, strided), *first = make(dtype, m, strided);
    apus_tensor *second = make(dtype, v, false), *greatest = make(dtype, most, strided);
    for (int step = 1; step <= STEPS; step++) {
        o.step = step;
        double correction1 = 1 - pow(o.beta1, step), correction2 = 1 - pow(o.beta2, step);
        for (int i = 0; i < N; i++) {
            grad[i] = number(i, step);
            double g = o.maximize ? -grad[i] : grad[i];
            if (o.decoupled)
                p[i] *= 1 - o.lr * o.weight_decay;
            else
                g += o.weight_decay * p[i];
            m[i] = o.beta1 * m[i] + (1 - o.beta1) * g;
            v[i] = o.beta2 * v[i] + (1 - o.beta2) * g * g;
            most[i] = fmax(most[i], v[i]);
            p[i] -= o.lr / correction1 * m[i] / (sqrt(amsgrad ? most[i] : v[i]) / sqrt(correction2) + o.eps);
        }
        apus_tensor *g = make(dtype, grad, strided);
        CHECK_OK(apus_adam_step(param, g, first, second, amsgrad ? greatest : NULL, &o));
        apus_tensor_release(g);
    }
    compare(param, p);
    compare(first, m);
    compare(second, v);
    if (amsgrad) compare(greatest, most);
    apus_tensor_release(param);
    apus_tensor_release(first);
    apus_tensor_release(second);
    apus_tensor_release(greatest);
}

static void test_steps(void) {
    static const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16,
                                        APUS_DTYPE_bfloat16};
    for (int i = 0; i < 4 * 2; i++) {
        apus_dtype dtype = dtypes[i / 2];
        bool strided = i % 2 == 1;
        run_sgd(dtype, (apus_sgd_options){.size = sizeof(apus_sgd_options), .lr = 0.1}, strided);
        run_sgd(dtype,
                (apus_sgd_options){.size = sizeof(apus_sgd_options), .lr = 0.1, .weight_decay = 0.2, .maximize = true},
                strided);
        run_sgd(dtype,
                (apus_sgd_options){.size = sizeof(apus_sgd_options), .lr = 0.1, .momentum = 0.9, .dampening = 0.3},
                strided);
        run_sgd(
            dtype,
            (apus_sgd_options){
                .size = sizeof(apus_sgd_options), .lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.1},
            strided);
        apus_adam_options adam = {.size = sizeof adam, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-3};
        run_adam(dtype, adam, false, strided);
        adam.weight_decay = 0.1;
        run_adam(dtype, adam, true, strided);
        adam.decoupled = adam.maximize = true;
        adam.beta1 = 0.4;
        run_adam(dtype, adam, true, strided);
    }
}

/// Bits do not depend on threads or the instruction set.
static void test_same_bits(void) {
    static const char *const sets[] = {"baseline", "avx2", "avx512"};
    const char *best = apus_cpu_isa();
    int64_t n = 200003;
    size_t bytes = sizeof(float) * (size_t)n;
    apus_tensor *start = NULL, *grad = NULL, *result = NULL;
    CHECK_OK(apus_tensor_empty(&start, APUS_DTYPE_float32, 1, &n, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_empty(&grad, APUS_DTYPE_float32, 1, &n, APUS_DEVICE_CPU));
    CHECK_OK(apus_uniform(start, 0, 1, NULL));
    CHECK_OK(apus_normal(grad, 0, 1, NULL));
    for (int i = 0; i < 6; i++) {
        if (apus_cpu_set_isa(sets[i / 2]) != APUS_STATUS_ok) continue;
        apus_set_num_threads(i % 2 == 0 ? 1 : 3);
        apus_tensor *p = NULL, *m = NULL, *v = NULL;
        CHECK_OK(apus_tensor_to(&p, start, APUS_DTYPE_float32, APUS_DEVICE_CPU));
        CHECK_OK(apus_tensor_to(&m, start, APUS_DTYPE_float32, APUS_DEVICE_CPU));
        CHECK_OK(apus_tensor_to(&v, start, APUS_DTYPE_float32, APUS_DEVICE_CPU));
        apus_adam_options o = {
            .size = sizeof o, .lr = 0.1, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.1, .step = 3};
        apus_sgd_options s = {.size = sizeof s, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true};
        CHECK_OK(apus_adam_step(p, grad, m, v, NULL, &o));
        CHECK_OK(apus_sgd_step(p, grad, m, &s));
        if (result == NULL)
            result = apus_tensor_retain(p);
        else
            CHECK(memcmp(apus_tensor_data(result), apus_tensor_data(p), bytes) == 0);
        apus_tensor_release(p);
        apus_tensor_release(m);
        apus_tensor_release(v);
    }
    CHECK_OK(apus_cpu_set_isa(best));
    apus_set_num_threads(0);
    apus_tensor_release(result);
    apus_tensor_release(start);
    apus_tensor_release(grad);
}

static void test_refusals(void) {
    double zeros[N] = {0};
    int64_t one = 1;
    apus_tensor *p = make(APUS_DTYPE_float32, zeros, false), *g = make(APUS_DTYPE_float32, zeros, false);
    apus_tensor *wide = make(APUS_DTYPE_float64, zeros, false), *whole = make(APUS_DTYPE_int32, zeros, false);
    apus_tensor *small = check_floats(1, &one, (float[]){1});
    apus_sgd_options sgd = {.size = sizeof sgd, .lr = 1}, moving = sgd, nesterov = sgd, shorter = sgd;
    moving.momentum = 0.5, nesterov.nesterov = true, shorter.size--;
    apus_adam_options adam = {.size = sizeof adam, .lr = 1, .beta1 = 0.9, .beta2 = 0.9, .step = 0};
    CHECK_STATUS(apus_sgd_step(NULL, g, NULL, &sgd), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_sgd_step(p, NULL, NULL, &sgd), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_sgd_step(p, g, NULL, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_sgd_step(p, g, NULL, &shorter), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_sgd_step(p, g, NULL, &moving), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_sgd_step(p, g, NULL, &nesterov), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_sgd_step(p, wide, NULL, &sgd), APUS_STATUS_dtype);
    CHECK_STATUS(apus_sgd_step(p, small, NULL, &sgd), APUS_STATUS_shape);
    CHECK_STATUS(apus_sgd_step(p, g, small, &moving), APUS_STATUS_shape);
    CHECK_STATUS(apus_sgd_step(whole, whole, NULL, &sgd), APUS_STATUS_dtype);
    CHECK_STATUS(apus_adam_step(p, g, g, g, NULL, &adam), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_adam_step(p, g, NULL, g, NULL, &adam), APUS_STATUS_null_argument);
    apus_tensor_release(p);
    apus_tensor_release(g);
    apus_tensor_release(wide);
    apus_tensor_release(whole);
    apus_tensor_release(small);
}

int main(void) {
    test_steps();
    test_same_bits();
    test_refusals();
    check_no_leaks();
    return check_result("optim");
}
