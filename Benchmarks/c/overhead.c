// What one small operator costs through the C ABI: the sum of two float32 tensors of 1 to 16 elements, into a new
// output and into one that is there. One JSON line a case: the least of many rounds, in nanoseconds a call.
#include <stdio.h>
#include <time.h>

#include "apus/apus.h"

enum { ROUNDS = 200, CALLS = 5000 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static apus_status add_new(apus_tensor **out, const apus_tensor *a, const apus_tensor *b) {
    (void)out;
    apus_tensor *sum = NULL;
    apus_status status = apus_binary(&sum, APUS_BINARY_add, a, b);
    apus_tensor_release(sum);
    return status;
}

static apus_status add_into(apus_tensor **out, const apus_tensor *a, const apus_tensor *b) {
    return apus_binary(out, APUS_BINARY_add, a, b);
}

static int measure(const char *name, apus_status (*call)(apus_tensor **, const apus_tensor *, const apus_tensor *),
                   int64_t elements) {
    apus_scalar one = {.kind = APUS_SCALAR_float, .real = 1};
    apus_tensor *t[3] = {NULL};
    for (int i = 0; i < 3; i++)
        if (apus_tensor_full(&t[i], APUS_DTYPE_float32, 1, &elements, &one, APUS_DEVICE_CPU) != APUS_STATUS_ok)
            return 1;
    double best = 1e30;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (int i = 0; i < CALLS; i++)
            if (call(&t[2], t[0], t[1]) != APUS_STATUS_ok) return 1;
        double took = (now() - start) / CALLS;
        if (took < best) best = took;
    }
    printf("{\"workload\": \"c_add_%s\", \"elements\": %lld, \"nanoseconds\": %.1f}\n", name, (long long)elements,
           best);
    for (int i = 0; i < 3; i++) apus_tensor_release(t[i]);
    return 0;
}

int main(void) {
    int failed = 0;
    for (int64_t elements = 1; elements <= 16; elements *= 4) {
        failed |= measure("new", add_new, elements);
        failed |= measure("into", add_into, elements);
    }
    if (failed) fprintf(stderr, "%s\n", apus_last_error());
    return failed;
}
