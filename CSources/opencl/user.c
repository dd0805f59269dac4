// Kernels of the caller's own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/elementwise.h"

/// A family made at run time. Programs are found by their family's address, so none is ever freed.
struct apus_opencl_kernel {
    apus__cl_family family;
    char *text, *name;
    apus_opencl_kernel *next;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static apus_opencl_kernel *kernels;

static apus_opencl_kernel *make(const char *text, const char *name, bool is_row) {
    apus_opencl_kernel *k = calloc(1, sizeof *k);
    if (k == NULL) return NULL;
    k->text = strdup(text);
    k->name = strdup(name);
    if (k->text == NULL || k->name == NULL) {
        free(k->text);
        free(k->name);
        free(k);
        return NULL;
    }
    k->family =
        is_row ? (apus__cl_family){k->name, {APUS__CL_ROW_SOURCES, k->text}} : (apus__cl_family){k->name, {k->text}};
    k->next = kernels;
    kernels = k;
    return k;
}

/// The kernel of that text and name, made where there is none yet.
static apus_status find(const apus_opencl_kernel **out, const char *text, const char *name, bool is_row) {
    pthread_mutex_lock(&mutex);
    apus_opencl_kernel *k = kernels;
    while (k != NULL && (strcmp(k->text, text) != 0 || strcmp(k->name, name) != 0)) k = k->next;
    if (k == NULL) k = make(text, name, is_row);
    pthread_mutex_unlock(&mutex);
    if (k == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot keep an OpenCL kernel");
    *out = k;
    return APUS_STATUS_ok;
}

apus_status apus_opencl_kernel_new(const apus_opencl_kernel **out, const char *source, const char *name) {
    APUS_REQUIRE("opencl kernel", out);
    APUS_REQUIRE("opencl kernel", source);
    APUS_REQUIRE("opencl kernel", name);
    return find(out, source, name, false);
}

// ---- Running

enum { MAX_ARGUMENTS = 64 };

/// Checks a tensor argument against the device of those before it.
static apus_status check_tensor(const char *name, int32_t i, const apus_opencl_argument *a,
                                const apus_storage **storage) {
    const apus_tensor *t = a->tensor;
    if (t == NULL) return apus__fail(APUS_STATUS_null_argument, "%s: tensor argument %d is null", name, (int)i);
    apus__text text;
    if (t->storage == NULL || t->storage->device < APUS_DEVICE_OPENCL)
        return apus__fail(APUS_STATUS_device, "%s: argument %d, %s, is not on an OpenCL device", name, (int)i,
                          apus__describe(&text, t));
    if (*storage != NULL && (*storage)->device != t->storage->device)
        return apus__fail(APUS_STATUS_device, "%s: argument %d is on opencl:%d, others on opencl:%d", name, (int)i,
                          (int)(t->storage->device - APUS_DEVICE_OPENCL),
                          (int)((*storage)->device - APUS_DEVICE_OPENCL));
    if (!t->contiguous || t->offset != 0)
        return apus__fail(APUS_STATUS_shape, "%s: argument %d, %s, is a view; pass a contiguous copy", name, (int)i,
                          apus__describe(&text, t));
    *storage = t->storage;
    return a->written ? apus__check_writable(name, t) : APUS_STATUS_ok;
}

static apus_status set_argument(const char *name, int32_t i, const apus_opencl_argument *a, apus__cl_argument *out,
                                const apus_storage **storage) {
    switch (a->kind) {
    case APUS_OPENCL_ARGUMENT_tensor:
        APUS_TRY(check_tensor(name, i, a, storage));
        *out = apus__cl_memory(a->tensor->storage);
        return APUS_STATUS_ok;
    case APUS_OPENCL_ARGUMENT_int32: *out = apus__cl_int((int32_t)a->integer); return APUS_STATUS_ok;
    case APUS_OPENCL_ARGUMENT_int64: *out = apus__cl_long(a->integer); return APUS_STATUS_ok;
    case APUS_OPENCL_ARGUMENT_float32: *out = apus__cl_real(APUS_DTYPE_float32, a->real); return APUS_STATUS_ok;
    case APUS_OPENCL_ARGUMENT_float64: *out = apus__cl_real(APUS_DTYPE_float64, a->real); return APUS_STATUS_ok;
    }
    return apus__fail(APUS_STATUS_invalid_argument, "%s: argument %d is of no kind there is, %d", name, (int)i,
                      (int)a->kind);
}

apus_status apus_opencl_kernel_run(const apus_opencl_kernel *kernel, int32_t count,
                                   const apus_opencl_argument *arguments, int32_t dims, const int64_t *items,
                                   const int64_t *local) {
    APUS_REQUIRE("opencl kernel", kernel);
    const char *name = kernel->name;
    APUS_REQUIRE(name, arguments);
    APUS_REQUIRE(name, items);
    if (count < 1 || count > MAX_ARGUMENTS)
        return apus__fail(APUS_STATUS_invalid_argument, "%s: expected 1 to %d arguments, got %d", name, MAX_ARGUMENTS,
                          (int)count);
    if (dims < 1 || dims > 2)
        return apus__fail(APUS_STATUS_invalid_argument, "%s: expected work-items in 1 or 2 dims, got %d", name,
                          (int)dims);
    apus__cl_argument set[MAX_ARGUMENTS];
    const apus_storage *storage = NULL;
    for (int32_t i = 0; i < count; i++) APUS_TRY(set_argument(name, i, &arguments[i], &set[i], &storage));
    if (storage == NULL)
        return apus__fail(APUS_STATUS_invalid_argument, "%s: no argument is a tensor, so no device is named", name);
    apus__cl_launch launch = {.storage = storage,
                              .family = &kernel->family,
                              .dtype = APUS_DTYPE_float32,
                              .kernel = name,
                              .arguments = set,
                              .argument_count = count};
    for (int32_t i = 0; i < dims; i++) {
        if (items[i] < 0 || (local != NULL && local[i] < 1))
            return apus__fail(APUS_STATUS_invalid_argument,
                              "%s: a number of work-items is negative or a local size below 1", name);
        if (items[i] == 0) return APUS_STATUS_ok;
        launch.items[i] = items[i];
        if (local != NULL) launch.local[i] = local[i];
    }
    APUS_TRY(apus__cl_run(&launch));
    for (int32_t i = 0; i < count; i++)
        if (arguments[i].kind == APUS_OPENCL_ARGUMENT_tensor && arguments[i].written)
            apus__mark_written(arguments[i].tensor);
    return APUS_STATUS_ok;
}

// ---- Expressions

/// The row of an expression: its kernel is called `expression`.
static apus_status find_row(const apus_opencl_kernel **out, const char *expression, int32_t count) {
    static const char *const kinds[] = {"UNARY", "BINARY", "TERNARY"};
    static const char name[] = "expression";
    int length = snprintf(NULL, 0, "%s_real(%s, (%s))\n", kinds[count - 1], name, expression);
    char *text = malloc((size_t)length + 1);
    if (text == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot keep an OpenCL kernel");
    snprintf(text, (size_t)length + 1, "%s_real(%s, (%s))\n", kinds[count - 1], name, expression);
    apus_status status = find(out, text, name, true);
    free(text);
    return status;
}

apus_status apus_opencl_elementwise(apus_tensor **out, const char *expression, int32_t count,
                                    const apus_tensor *const *inputs) {
    static const char op[] = "opencl elementwise";
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, expression);
    APUS_REQUIRE(op, inputs);
    if (count < 1 || count > 3)
        return apus__fail(APUS_STATUS_invalid_argument, "%s: expected 1 to 3 tensors, got %d", op, (int)count);
    apus_dtype dtype = APUS_DTYPE_bool;
    for (int32_t i = 0; i < count; i++) {
        APUS_REQUIRE(op, inputs[i]);
        dtype = i == 0 ? inputs[i]->dtype : apus_promote_types(dtype, inputs[i]->dtype);
    }
    if (apus_dtype_is_complex(dtype)) return apus__fail(APUS_STATUS_dtype, "%s: not defined for complex numbers", op);
    dtype = apus__to_floating(dtype);
    apus_device device;
    APUS_TRY(apus__same_device(op, &device, inputs, count));
    if (device < APUS_DEVICE_OPENCL)
        return apus__fail(APUS_STATUS_device, "%s: the tensors are not on an OpenCL device", op);
    int32_t rank;
    int64_t shape[APUS_MAX_RANK];
    APUS_TRY(apus__broadcast_shape(op, &rank, shape, inputs, count));
    const apus_opencl_kernel *row;
    APUS_TRY(find_row(&row, expression, count));
    apus__output output;
    APUS_TRY(apus__output_begin(&output, op, out, APUS__OUTPUT_ELEMENTWISE, dtype, rank, shape, device, inputs, count));
    const apus_tensor *tensors[4] = {output.tensor};
    for (int32_t i = 0; i < count; i++) tensors[i + 1] = inputs[i];
    apus__plan plan;
    apus__plan_make(&plan, rank, shape, tensors, count + 1);
    return apus__output_end(&output, apus__cl_row(&plan, &row->family, apus__cl_compute_dtype(dtype)));
}
