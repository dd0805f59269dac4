// What a backward pass could gain from running independent branches side by side: two chains of operators without
// edges between them, one after the other, in step (both meet after every operator, as an engine that keeps the order
// of sums would have it) and apart (they meet at the end: the most that can be had). Beside each other, operators do
// not split their own work. One JSON line a case: microseconds for one operator of each chain, and how many times
// faster than one after the other.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "apus/apus.h"
#include "core/parallel.h"

enum { ROUNDS = 15, LENGTH = 50, BRANCHES = 2, WAYS = 3 };

typedef apus_status (*node)(apus_tensor **out, const apus_tensor *x);

typedef struct chains {
    node run;
    apus_tensor *x[BRANCHES];
    int length;
} chains;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static apus_status product(apus_tensor **out, const apus_tensor *x) { return apus_binary(out, APUS_BINARY_mul, x, x); }
static apus_status curve(apus_tensor **out, const apus_tensor *x) { return apus_unary(out, APUS_UNARY_tanh, x); }
static apus_status matrix(apus_tensor **out, const apus_tensor *x) { return apus_matmul(out, x, x); }

static void run_branches(void *context, int64_t begin, int64_t end) {
    chains *c = context;
    for (int64_t b = begin; b < end; b++)
        for (int i = 0; i < c->length; i++) {
            apus_tensor *out = NULL;
            if (c->run(&out, c->x[b]) != APUS_STATUS_ok) abort();
            apus_tensor_release(out);
        }
}

static void one_after_the_other(chains *c) {
    c->length = LENGTH;
    run_branches(c, 0, BRANCHES);
}
static void in_step(chains *c) {
    c->length = 1;
    for (int i = 0; i < LENGTH; i++) apus__parallel_for(BRANCHES, 1, run_branches, c);
}
static void apart(chains *c) {
    c->length = LENGTH;
    apus__parallel_for(BRANCHES, 1, run_branches, c);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(const char *name, node run, int32_t rank, int64_t size) {
    void (*const ways[WAYS])(chains *) = {one_after_the_other, in_step, apart};
    chains c = {.run = run};
    const int64_t shape[] = {size, size};
    const apus_scalar half = {.kind = APUS_SCALAR_float, .real = 0.5};
    for (int b = 0; b < BRANCHES; b++)
        if (apus_tensor_full(&c.x[b], APUS_DTYPE_float32, rank, shape, &half, APUS_DEVICE_CPU) != APUS_STATUS_ok)
            return 1;
    double times[WAYS][ROUNDS];
    for (int round = -1; round < ROUNDS; round++) // the first is not counted
        for (int w = 0; w < WAYS; w++) {
            double start = now();
            ways[w](&c);
            if (round >= 0) times[w][round] = (now() - start) / LENGTH;
        }
    for (int w = 0; w < WAYS; w++) qsort(times[w], ROUNDS, sizeof(double), ascending);
    const double *alone = times[0], *step = times[1], *best = times[2];
    printf("{\"operator\": \"%s\", \"size\": %lld, \"microseconds\": %.2f, \"in_step\": %.2f, \"apart\": %.2f}\n", name,
           (long long)size, alone[ROUNDS / 2], alone[ROUNDS / 2] / step[ROUNDS / 2],
           alone[ROUNDS / 2] / best[ROUNDS / 2]);
    for (int b = 0; b < BRANCHES; b++) apus_tensor_release(c.x[b]);
    return 0;
}

int main(void) {
    int failed = 0;
    for (int64_t n = 1 << 6; n <= 1 << 20; n *= 4) failed |= measure("mul", product, 1, n);
    for (int64_t n = 1 << 6; n <= 1 << 20; n *= 4) failed |= measure("tanh", curve, 1, n);
    for (int64_t n = 16; n <= 512; n *= 2) failed |= measure("matmul", matrix, 2, n);
    if (failed) fprintf(stderr, "%s\n", apus_last_error());
    return failed;
}
