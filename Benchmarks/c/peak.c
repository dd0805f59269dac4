// How much of what the processor can do a matrix product reaches: float multiply-adds that wait for nothing, on all
// threads, in 256 and 512 bit registers, and beside them (in the same rounds) products of square matrices. One JSON
// line a case. No product of any library can be faster than the larger peak, so peak / product is the most that another
// implementation's time could be above ours.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "apus/apus.h"
#include "core/parallel.h"

enum { ROUNDS = 15, STEPS = 1 << 20, SUMS = 12, SIZES = 3 };
static const int64_t sizes[SIZES] = {512, 1024, 2048};

typedef struct peak {
    const char *name;
    int width; // floats in a register
    int there; // whether the processor has it
    void (*run)(void *, int64_t, int64_t);
} peak;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// Twelve sums, so that a multiply-add need not wait for the one before: enough for a latency of four to six cycles and
// two units. Each thread keeps its sums in registers; the end of the loop makes them look used.
#define MULTIPLY_ADDS(name, bytes, attribute)                                                                          \
    attribute static void name(void *unused, int64_t begin, int64_t end) {                                             \
        typedef float vector __attribute__((vector_size(bytes)));                                                      \
        (void)unused;                                                                                                  \
        vector sums[SUMS] = {{0}}, x = {0}, y = {0};                                                                   \
        for (int64_t i = begin; i < end; i++)                                                                          \
            for (int step = 0; step < STEPS; step++) {                                                                 \
                __asm__ volatile("" : "+v"(x), "+v"(y));                                                               \
                for (int s = 0; s < SUMS; s++) sums[s] = x * y + sums[s];                                              \
            }                                                                                                          \
        for (int s = 0; s < SUMS; s++) __asm__ volatile("" : : "v"(sums[s]));                                          \
    }
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT ON
MULTIPLY_ADDS(in_256_bits, 32, __attribute__((target("avx2,fma"))))
MULTIPLY_ADDS(in_512_bits, 64, __attribute__((target("avx512f"))))
#endif

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double median(double times[ROUNDS]) {
    qsort(times, ROUNDS, sizeof(double), ascending);
    return times[ROUNDS / 2];
}

static int multiply(int64_t size, double *seconds) {
    const int64_t shape[] = {size, size};
    const apus_scalar half = {.kind = APUS_SCALAR_float, .real = 0.5};
    apus_tensor *x = NULL, *out = NULL;
    apus_status status = apus_tensor_full(&x, APUS_DTYPE_float32, 2, shape, &half, APUS_DEVICE_CPU);
    double start = now();
    if (status == APUS_STATUS_ok) status = apus_matmul(&out, x, x);
    *seconds = now() - start;
    apus_tensor_release(out);
    apus_tensor_release(x);
    return status != APUS_STATUS_ok;
}

int main(void) {
    const int threads = apus_get_num_threads();
    peak peaks[] = {
#if defined(__x86_64__)
        {"avx2", 8, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), in_256_bits},
        {"avx512", 16, __builtin_cpu_supports("avx512f"), in_512_bits},
#endif
        {NULL, 0, 0, NULL},
    };
    double products[SIZES][ROUNDS], sums[sizeof peaks / sizeof *peaks][ROUNDS];
    for (int round = -1; round < ROUNDS; round++) { // the first is not counted
        const int at = round < 0 ? 0 : round;
        for (int i = 0; i < SIZES; i++)
            if (multiply(sizes[i], &products[i][at])) return fprintf(stderr, "%s\n", apus_last_error()), 1;
        for (int p = 0; peaks[p].name; p++) {
            if (!peaks[p].there) continue;
            double start = now();
            apus__parallel_for(threads, 1, peaks[p].run, NULL);
            sums[p][at] = now() - start;
        }
    }
    double most = 0;
    for (int p = 0; peaks[p].name; p++) {
        if (!peaks[p].there) continue;
        double rate = 2.0 * threads * STEPS * SUMS * peaks[p].width / median(sums[p]) * 1e-9;
        most = rate > most ? rate : most;
        printf("{\"peak\": \"%s\", \"threads\": %d, \"gflops\": %.1f}\n", peaks[p].name, threads, rate);
    }
    for (int i = 0; i < SIZES; i++) {
        double n = (double)sizes[i], rate = 2 * n * n * n / median(products[i]) * 1e-9;
        printf("{\"gemm\": %d, \"threads\": %d, \"gflops\": %.1f, \"peak_over_gemm\": %.2f}\n", (int)n, threads, rate,
               most / rate);
    }
    return 0;
}
