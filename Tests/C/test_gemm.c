// The packed float32 products against a straightforward loop. Whole numbers make every order of sums exact.
#include "cpu/gemm.h"

#include "check.h"

enum { GAP = 3 }; // elements of c between two rows, which nothing may write

static uint32_t seed = 1;
static float small(void) {
    seed = seed * 1664525u + 1013904223u;
    return (float)((int)(seed >> 24) % 9 - 4);
}

static float *make(int64_t n) {
    float *values = malloc(sizeof(float) * (size_t)n);
    for (int64_t i = 0; i < n; i++) values[i] = small();
    return values;
}

static void check(const apus__gemm *g, const float *before) {
    int64_t c_row = g->c_row;
    bool right = true;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < c_row; j++) {
            float sum = 0, expected = before[i * c_row + j];
            for (int64_t k = 0; k < g->k && j < g->n; k++)
                sum += ((const float *)g->a)[i * g->a_row + k * g->a_column] *
                       ((const float *)g->b)[k * g->b_row + j * g->b_column];
            if (j < g->n) expected = (g->accumulate ? expected : 0) + (float)g->alpha * sum;
            right = right && ((float *)g->c)[i * c_row + j] == expected;
        }
    if (!right) printf("m %d, n %d, k %d on %s\n", (int)g->m, (int)g->n, (int)g->k, apus_cpu_isa());
    CHECK(right);
}

static void test_product(int64_t m, int64_t n, int64_t k, bool a_transposed, bool b_transposed, bool accumulate) {
    float *a = make(m * k), *b = make(k * n), *c = make(m * (n + GAP)),
          *before = malloc(sizeof(float) * (size_t)(m * (n + GAP)));
    // What is not added to must not be read: it may be NaN.
    for (int64_t i = 0; i < m * (n + GAP); i++)
        if (!accumulate && i % (n + GAP) < n) c[i] = NAN;
    memcpy(before, c, sizeof(float) * (size_t)(m * (n + GAP)));
    apus__gemm g = {.dtype = APUS_DTYPE_float32,
                    .m = m,
                    .n = n,
                    .k = k,
                    .a = a,
                    .a_row = a_transposed ? 1 : k,
                    .a_column = a_transposed ? m : 1,
                    .b = b,
                    .b_row = b_transposed ? 1 : n,
                    .b_column = b_transposed ? k : 1,
                    .c = c,
                    .c_row = n + GAP,
                    .alpha = accumulate ? -2 : 1,
                    .accumulate = accumulate};
    apus__cpu_gemm(&g);
    check(&g, before);
    free(a), free(b), free(c), free(before);
}

static void test_shapes(void) {
    // Around a panel, a task and a run of k, in every instruction set's sizes.
    static const int64_t shapes[][3] = {{1, 1, 1},     {1, 33, 5},     {6, 16, 17},   {12, 32, 352},  {13, 31, 353},
                                        {97, 257, 33}, {64, 4097, 10}, {4, 4130, 20}, {50, 70, 1057}, {129, 65, 704}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int way = 0; way < 8; way++)
            test_product(shapes[s][0], shapes[s][1], shapes[s][2], way & 1, way & 2, way & 4);
}

/// Products that go this way through apus_matmul and apus_linear, with an addend and a batch.
static void test_operators(void) {
    int64_t a_shape[3] = {2, 513, 530}, b_shape[2] = {514, 530}, bias_shape[1] = {514};
    CHECK(apus__cpu_gemm_takes(APUS_DTYPE_float32, 513, 514, 530) == (apus__isa_current() != APUS__ISA_BASELINE));
    CHECK(!apus__cpu_gemm_takes(APUS_DTYPE_float64, 513, 514, 530));
    float *a = make(2 * 513 * 530), *b = make(514 * 530), *bias = make(514);
    apus_tensor *x = check_floats(3, a_shape, a), *w = check_floats(2, b_shape, b),
                *v = check_floats(1, bias_shape, bias);
    float *first = NULL;
    for (int threads = 1; threads <= 5; threads += 2) {
        apus_tensor *out = NULL;
        apus_set_num_threads(threads);
        CHECK_OK(apus_linear(&out, x, w, v));
        const float *got = apus_tensor_data(out);
        if (first == NULL) {
            first = malloc(sizeof(float) * 1026 * 514);
            memcpy(first, got, sizeof(float) * 1026 * 514);
        }
        CHECK(memcmp(first, got, sizeof(float) * 1026 * 514) == 0);
        apus_tensor_release(out);
    }
    apus_set_num_threads(0);
    for (int64_t i = 0; i < 1026; i += 37)
        for (int64_t j = 0; j < 514; j += 7) {
            float sum = bias[j];
            for (int64_t k = 0; k < 530; k++) sum += a[i * 530 + k] * b[j * 530 + k];
            CHECK(first[i * 514 + j] == sum);
        }
    apus_tensor_release(x), apus_tensor_release(w), apus_tensor_release(v);
    free(a), free(b), free(bias), free(first);
}

/// Numbers that round, with different numbers of threads: the same bits.
static void test_threads(void) {
    enum { M = 301, N = 700, K = 800 };
    float *a = make(M * K), *b = make(K * N), *c[3];
    for (int64_t i = 0; i < M * K; i++) a[i] /= 3;
    for (int t = 0; t < 3; t++) {
        c[t] = make(M * N);
        apus_set_num_threads(t + 1);
        apus__cpu_gemm(&(apus__gemm){.dtype = APUS_DTYPE_float32,
                                     .m = M,
                                     .n = N,
                                     .k = K,
                                     .a = a,
                                     .a_row = K,
                                     .a_column = 1,
                                     .b = b,
                                     .b_row = N,
                                     .b_column = 1,
                                     .c = c[t],
                                     .c_row = N,
                                     .alpha = 1});
        CHECK(memcmp(c[0], c[t], sizeof(float) * M * N) == 0);
    }
    apus_set_num_threads(0);
    for (int t = 0; t < 3; t++) free(c[t]);
    free(a), free(b);
}

/// OpenBLAS gives processors that it does not know kernels without AVX; the library then chooses others.
static void test_blas_core(void) {
    bool has_avx2 = apus_cpu_set_isa("avx2") == APUS_STATUS_ok;
    if (has_avx2 && getenv("OPENBLAS_CORETYPE") == NULL) CHECK(strcmp(apus_blas_core(), "Prescott") != 0);
}

int main(void) {
    static const char *const sets[] = {"baseline", "neon", "avx2", "avx512"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (apus_cpu_set_isa(sets[i]) != APUS_STATUS_ok) continue;
        test_shapes();
        test_operators();
        test_threads();
    }
    test_blas_core();
    check_no_leaks();
    return check_result("gemm");
}
