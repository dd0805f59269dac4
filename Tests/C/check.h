// The few words the C tests are written in.
#ifndef APUS_TESTS_CHECK_H
#define APUS_TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apus/apus.h"

static int check_failures;
static int check_count;

/// Counts a check and prints it when it fails.
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        check_count++;                                                                                                 \
        if (!(condition)) {                                                                                            \
            check_failures++;                                                                                          \
            printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                                             \
        }                                                                                                              \
    } while (0)

/// Checks that two numbers are within `tolerance`, absolute or relative; equal infinities and NaNs are close.
#define CHECK_CLOSE(actual, expected, tolerance)                                                                       \
    do {                                                                                                               \
        double check_a = (actual), check_b = (expected);                                                               \
        check_count++;                                                                                                 \
        if (!check_close(check_a, check_b, tolerance)) {                                                               \
            check_failures++;                                                                                          \
            printf("%s:%d: failed: %s is %.9g, expected %.9g\n", __FILE__, __LINE__, #actual, check_a, check_b);       \
        }                                                                                                              \
    } while (0)

/// Checks the status that a call returns.
#define CHECK_STATUS(call, expected)                                                                                   \
    do {                                                                                                               \
        apus_status check_s = (call);                                                                                  \
        check_count++;                                                                                                 \
        if (check_s != (expected)) {                                                                                   \
            check_failures++;                                                                                          \
            printf("%s:%d: failed: %s is '%s' (%s)\n", __FILE__, __LINE__, #call, apus_status_text(check_s),           \
                   apus_last_error());                                                                                 \
        }                                                                                                              \
    } while (0)
#define CHECK_OK(call) CHECK_STATUS(call, APUS_STATUS_ok)

static inline int check_close(double a, double b, double tolerance) {
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (isinf(a) || isinf(b)) return a == b;
    double scale = fmax(1.0, fmax(fabs(a), fabs(b)));
    return fabs(a - b) <= tolerance * scale;
}

/// A float32 tensor of the given values.
static inline apus_tensor *check_floats(int32_t rank, const int64_t *shape, const float *values) {
    apus_tensor *t = NULL;
    CHECK_OK(apus_tensor_from_data(&t, APUS_DTYPE_float32, rank, shape, values, APUS_DEVICE_CPU));
    return t;
}

/// An int64 tensor of the given values.
static inline apus_tensor *check_ints(int32_t rank, const int64_t *shape, const int64_t *values) {
    apus_tensor *t = NULL;
    CHECK_OK(apus_tensor_from_data(&t, APUS_DTYPE_int64, rank, shape, values, APUS_DEVICE_CPU));
    return t;
}

/// Element i, in row-major order, of any real tensor.
static inline double check_at(const apus_tensor *t, int64_t i) {
    double value = NAN;
    double *all = malloc(sizeof(double) * (size_t)apus_tensor_numel(t));
    if (all != NULL &&
        apus_tensor_read(t, APUS_DTYPE_float64, all, sizeof(double) * (size_t)apus_tensor_numel(t)) == APUS_STATUS_ok)
        value = all[i];
    free(all);
    return value;
}

/// Every live storage is a leak at the end of a test.
static inline void check_no_leaks(void) {
    apus_memory_stats stats;
    CHECK_OK(apus_cpu_memory_stats(&stats));
    CHECK(stats.count == 0);
    CHECK(stats.in_use == 0);
}

/// Prints the count and gives main's result.
static inline int check_result(const char *name) {
    printf("%s: %d checks, %d failed\n", name, check_count, check_failures);
    return check_failures != 0;
}

#endif
