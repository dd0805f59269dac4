// What the tests of OpenCL operators share: the same call on the CPU and on the device, and its results compared.
#ifndef APUS_TESTS_CHECK_OPENCL_H
#define APUS_TESTS_CHECK_OPENCL_H

#include <stdint.h>

#include "check.h"

static apus_device device;
static apus_opencl_info info;
static uint64_t check_state = 88172645463325252u;

static inline double check_draw(double low, double high) {
    check_state ^= check_state << 13;
    check_state ^= check_state >> 7;
    check_state ^= check_state << 17;
    return low + (high - low) * (double)(check_state >> 11) * 0x1p-53;
}

static inline bool check_is_whole(apus_dtype d) {
    return !apus_dtype_is_floating_point(d) && !apus_dtype_is_complex(d);
}

/// Finds the device and turns strict mode on: what is tested has kernels. False, with a word, where there is no device.
static inline bool check_opencl_begin(const char *name) {
    if (apus_opencl_device_count() == 0) {
        printf("%s: skipped, there is no OpenCL device\n", name);
        return false;
    }
    if (apus_opencl_default_device(&device) != APUS_STATUS_ok) device = APUS_DEVICE_OPENCL;
    CHECK_OK(apus_opencl_device_info(&info, device - APUS_DEVICE_OPENCL));
    printf("%s, kernels of class %s\n", info.name, info.kernel_class == APUS_OPENCL_CLASS_cpu ? "cpu" : "gpu");
    apus_opencl_set_fallback_strict(true);
    return true;
}

static inline bool check_computes(apus_dtype d) {
    return info.has_float64 || (d != APUS_DTYPE_float64 && d != APUS_DTYPE_complex128);
}

/// Mesa's llvmpipe ends loops after 65,535 rounds.
static inline bool check_is_llvmpipe(void) { return strncmp(info.name, "llvmpipe", strlen("llvmpipe")) == 0; }

/// A simulator takes minutes for what a device does in a second: small shapes for it.
static inline bool check_is_simulated(void) { return strstr(info.name, "Oclgrind") != NULL; }

/// Whether a case of so many steps is asked of the device: a simulator gets small ones, in float32 alone.
static inline bool check_is_asked(apus_dtype dtype, int64_t steps) {
    if (check_is_simulated() && (dtype != APUS_DTYPE_float32 || steps > 20000)) return false;
    return check_computes(dtype);
}

/// The elements of a shape.
static inline int64_t check_elements(int32_t rank, const int64_t *shape) {
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++) n *= shape[i];
    return n;
}

/// An operand in both places, in the same layout.
typedef struct operand {
    apus_tensor *cpu, *device;
} operand;

/// Values in [low, high), whole ones for integers, none negative for unsigned dtypes.
static inline operand check_operand(apus_dtype dtype, int32_t rank, const int64_t *shape, double low, double high) {
    int64_t n = check_elements(rank, shape), parts = apus_dtype_is_complex(dtype) ? 2 : 1;
    double *values = malloc(sizeof(double) * (size_t)(parts * n + 1));
    for (int64_t i = 0; i < parts * n; i++) {
        values[i] = check_draw(low, high);
        if (check_is_whole(dtype)) values[i] = floor(values[i]);
        if (!apus_dtype_is_signed(dtype)) values[i] = fabs(values[i]);
    }
    operand o = {NULL, NULL};
    apus_tensor *wide = NULL;
    apus_dtype from = parts == 2 ? APUS_DTYPE_complex128 : APUS_DTYPE_float64;
    CHECK_OK(apus_tensor_from_data(&wide, from, rank, shape, values, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&o.cpu, wide, dtype, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&o.device, o.cpu, dtype, device));
    apus_tensor_release(wide);
    free(values);
    return o;
}

static inline void check_release(operand o) {
    apus_tensor_release(o.cpu);
    apus_tensor_release(o.device);
}

/// From index 1 on along a dim, in steps: an offset and a stride.
static inline operand check_slice(operand o, int32_t dim, int64_t step) {
    operand s = {NULL, NULL};
    CHECK_OK(apus_tensor_slice(&s.cpu, o.cpu, dim, 1, INT64_MAX, step));
    CHECK_OK(apus_tensor_slice(&s.device, o.device, dim, 1, INT64_MAX, step));
    check_release(o);
    return s;
}

static inline operand check_transpose(operand o, int32_t a, int32_t b) {
    operand s = {NULL, NULL};
    CHECK_OK(apus_tensor_transpose(&s.cpu, o.cpu, a, b));
    CHECK_OK(apus_tensor_transpose(&s.device, o.device, a, b));
    check_release(o);
    return s;
}

/// How far a result of the dtype may be from the CPU's, as a share of the largest element.
static inline double check_tolerance(apus_dtype dtype) {
    switch (dtype) {
    case APUS_DTYPE_float16: return 2e-3;
    case APUS_DTYPE_bfloat16: return 1.6e-2;
    case APUS_DTYPE_float32:
    case APUS_DTYPE_complex64: return 4e-6;
    case APUS_DTYPE_float64:
    case APUS_DTYPE_complex128: return 1e-13;
    default: return 0;
    }
}

static inline bool check_is_near(double a, double b, double distance) {
    return isnan(a) || isnan(b) ? isnan(a) && isnan(b) : a == b || fabs(a - b) <= distance;
}

/// The device's result is the CPU's within `tolerance` of `magnitude` or its largest element. Releases both.
static inline void check_result_near(const char *what, operand o, double tolerance, double magnitude) {
    CHECK(o.cpu != NULL && o.device != NULL);
    if (o.cpu == NULL || o.device == NULL) return;
    apus_dtype dtype = apus_tensor_dtype(o.cpu);
    CHECK(apus_tensor_device(o.device) == device);
    CHECK(apus_tensor_dtype(o.device) == dtype && apus_tensor_numel(o.device) == apus_tensor_numel(o.cpu));
    bool whole = check_is_whole(dtype);
    int64_t n = apus_tensor_numel(o.cpu) * (whole ? 1 : 2), bad = -1;
    apus_dtype wide = whole ? APUS_DTYPE_int64 : APUS_DTYPE_complex128;
    double *a = malloc((size_t)n * 8 + 1), *b = malloc((size_t)n * 8 + 1), largest = magnitude;
    apus_tensor *home = NULL;
    CHECK_OK(apus_tensor_to(&home, o.device, dtype, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_read(home, wide, a, (size_t)n * 8));
    CHECK_OK(apus_tensor_read(o.cpu, wide, b, (size_t)n * 8));
    for (int64_t i = 0; i < n && !whole; i++)
        if (isfinite(b[i])) largest = fmax(largest, fabs(b[i]));
    for (int64_t i = 0; i < n && bad < 0; i++)
        if (whole ? memcmp(&a[i], &b[i], 8) != 0 : !check_is_near(a[i], b[i], tolerance * largest)) bad = i;
    CHECK(bad < 0);
    if (bad >= 0)
        printf("%s (%s): number %lld of %lld is %.9g, expected %.9g\n", what, apus_dtype_name(dtype), (long long)bad,
               (long long)n, whole ? (double)((int64_t *)a)[bad] : a[bad],
               whole ? (double)((int64_t *)b)[bad] : b[bad]);
    apus_tensor_release(home);
    free(a);
    free(b);
    check_release(o);
}

static inline void check_result_pair(const char *what, operand o, double tolerance) {
    check_result_near(what, o, tolerance, 1);
}

/// The same bits from run to run.
static inline void check_same_bits(const apus_tensor *a, const apus_tensor *b) {
    size_t bytes = (size_t)apus_tensor_numel(a) * apus_dtype_size(apus_tensor_dtype(a));
    char *x = malloc(bytes + 1), *y = malloc(bytes + 1);
    CHECK_OK(apus_tensor_read(a, apus_tensor_dtype(a), x, bytes));
    CHECK_OK(apus_tensor_read(b, apus_tensor_dtype(b), y, bytes));
    CHECK(memcmp(x, y, bytes) == 0);
    free(x);
    free(y);
}

static inline int check_opencl_end(const char *name) {
    CHECK(apus_opencl_fallback_count() == 0);
    apus_memory_stats stats;
    CHECK_OK(apus_opencl_memory_stats(&stats, device - APUS_DEVICE_OPENCL));
    CHECK(stats.count == 0);
    check_no_leaks();
    return check_result(name);
}

#endif
