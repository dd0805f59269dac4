// Making tensors.
#include "extension.h"

/// dtype and device, the last two of a function's arguments; None where left open.
typedef struct kind {
    bool has_dtype;
    apus_dtype dtype;
    apus_device device;
} kind;

static int parse_kind(PyObject *const *args, kind *k) {
    k->has_dtype = args[0] != Py_None;
    if (k->has_dtype && apuspy_parse_dtype(args[0], &k->dtype) < 0) return -1;
    return apuspy_parse_device(args[1], &k->device);
}

static int require_number(const char *function, PyObject *o, apus_scalar *s) {
    if (apuspy_is_tensor(o)) {
        apus_status status = apus_tensor_item(apuspy_handle(o), s);
        if (status == APUS_STATUS_ok) return 0;
        apuspy_raise(status);
        return -1;
    }
    int is_number = apuspy_parse_scalar(o, s);
    if (is_number == 0)
        PyErr_Format(PyExc_TypeError, "%s: expected a number, got %.100s", function, Py_TYPE(o)->tp_name);
    return is_number == 1 ? 0 : -1;
}

static PyObject *empty(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    int32_t rank;
    int64_t shape[APUS_MAX_RANK];
    kind k;
    if (apuspy_check_count("empty", count, 3, 3) < 0 || apuspy_parse_sizes("empty: shape", args[0], &rank, shape) < 0 ||
        parse_kind(args + 1, &k) < 0)
        return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_empty(&out, k.has_dtype ? k.dtype : apuspy_default_float, rank, shape, k.device);
    return apuspy_result(status, out);
}

static PyObject *full(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    int32_t rank;
    int64_t shape[APUS_MAX_RANK];
    apus_scalar value;
    kind k;
    if (apuspy_check_count("full", count, 4, 4) < 0 || apuspy_parse_sizes("full: shape", args[0], &rank, shape) < 0 ||
        require_number("full", args[1], &value) < 0 || parse_kind(args + 2, &k) < 0)
        return NULL;
    int64_t elements = 1;
    for (int32_t i = 0; i < rank && elements < APUSPY_LONG_CALL; i++)
        elements *= shape[i] > APUSPY_LONG_CALL ? APUSPY_LONG_CALL : shape[i];
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(elements);
    apus_status status =
        apus_tensor_full(&out, k.has_dtype ? k.dtype : apuspy_default_dtype(value.kind), rank, shape, &value, k.device);
    apuspy_end(state);
    return apuspy_result(status, out);
}

static PyObject *arange(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    apus_scalar bounds[3];
    kind k;
    if (apuspy_check_count("arange", count, 5, 5) < 0) return NULL;
    for (int i = 0; i < 3; i++)
        if (require_number("arange", args[i], &bounds[i]) < 0) return NULL;
    if (parse_kind(args + 3, &k) < 0) return NULL;
    bool whole = true;
    for (int i = 0; i < 3; i++) whole &= bounds[i].kind < APUS_SCALAR_float;
    if (!k.has_dtype) k.dtype = apuspy_default_dtype(whole ? APUS_SCALAR_int : APUS_SCALAR_float);
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_arange(&out, k.dtype, &bounds[0], &bounds[1], &bounds[2], k.device);
    return apuspy_result(status, out);
}

static PyObject *linspace(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    kind k;
    if (apuspy_check_count("linspace", count, 5, 5) < 0) return NULL;
    double start = PyFloat_AsDouble(args[0]), end = PyFloat_AsDouble(args[1]);
    long long steps = PyLong_AsLongLong(args[2]);
    if (PyErr_Occurred() || parse_kind(args + 3, &k) < 0) return NULL;
    apus_tensor *out = NULL;
    apus_status status =
        apus_tensor_linspace(&out, k.has_dtype ? k.dtype : apuspy_default_float, start, end, steps, k.device);
    return apuspy_result(status, out);
}

static PyObject *from_sequence(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    kind k = {.has_dtype = false};
    if (apuspy_check_count("from_sequence", count, 2, 2) < 0) return NULL;
    k.has_dtype = args[1] != Py_None;
    if (k.has_dtype && apuspy_parse_dtype(args[1], &k.dtype) < 0) return NULL;
    return apuspy_from_sequence(args[0], k.has_dtype ? &k.dtype : NULL);
}

/// A contiguous copy in a dtype on a device.
static PyObject *to(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("to", args, count);
    if (apuspy_check_count("to", count, 3, 3) < 0) return NULL;
    const apus_tensor *t = apuspy_require("to", args[0]);
    kind k;
    if (t == NULL || parse_kind(args + 1, &k) < 0) return NULL;
    if (args[2] == Py_None) k.device = apus_tensor_device(t);
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(t));
    apus_status status = apus_tensor_to(&out, t, k.has_dtype ? k.dtype : apus_tensor_dtype(t), k.device);
    apuspy_end(state);
    return apuspy_result(status, out);
}

static PyObject *contiguous(PyObject *module, PyObject *o) {
    (void)module;
    if (apuspy_records(o)) return apuspy_record("contiguous", &o, 1);
    const apus_tensor *t = apuspy_require("contiguous", o);
    if (t == NULL) return NULL;
    if (apus_tensor_is_contiguous(t)) return Py_NewRef(o);
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(t));
    apus_status status = apus_tensor_contiguous(&out, t);
    apuspy_end(state);
    return apuspy_result(status, out);
}

/// Writes a tensor's or a number's elements into a tensor, converted and broadcast.
static PyObject *copy_into(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("copy_into", args, count);
    if (apuspy_check_count("copy_", count, 2, 2) < 0) return NULL;
    apus_tensor *t = apuspy_require("copy_", args[0]);
    apuspy_operand source;
    if (t == NULL) return NULL;
    int is_operand = apuspy_parse_operand(args[1], &source);
    if (is_operand < 0) return NULL;
    if (is_operand == 0)
        return PyErr_Format(PyExc_TypeError, "copy_: expected a tensor or a number, got %.100s",
                            Py_TYPE(args[1])->tp_name);
    PyThreadState *state = apuspy_begin(apus_tensor_numel(t));
    apus_status status =
        source.tensor == NULL ? apus_tensor_fill(t, &source.number) : apus_tensor_copy(t, source.tensor);
    apuspy_end(state);
    apuspy_release_operand(&source);
    return status == APUS_STATUS_ok ? Py_NewRef(args[0]) : apuspy_raise(status);
}

#define FUNCTION(name)                                                                                                 \
    { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL }
PyMethodDef apuspy_creation_functions[] = {
    FUNCTION(empty),
    FUNCTION(full),
    FUNCTION(arange),
    FUNCTION(linspace),
    FUNCTION(from_sequence),
    FUNCTION(to),
    {"contiguous", contiguous, METH_O, NULL},
    FUNCTION(copy_into),
    {NULL, NULL, 0, NULL},
};
#undef FUNCTION
