// The functions that take index tensors, and masks.
#include "extension.h"

/// Reads (x, dim, tensor).
static int parse_indexed(const char *function, PyObject *const *args, const apus_tensor **x, int32_t *dim,
                         const apus_tensor **index) {
    int32_t count, dims[APUS_MAX_RANK];
    *x = apuspy_require(function, args[0]);
    if (*x == NULL || apuspy_parse_dims(function, args[1], &count, dims) < 0) return -1;
    *index = apuspy_require(function, args[2]);
    *dim = count > 0 ? dims[0] : 0;
    if (*index != NULL && count != 1) PyErr_Format(PyExc_TypeError, "%s: expected one dim", function);
    return *index == NULL || count != 1 ? -1 : 0;
}

typedef apus_status (*picker)(apus_tensor **, const apus_tensor *, int32_t, const apus_tensor *);

static PyObject *pick(const char *function, picker call, PyObject *const *args, Py_ssize_t given) {
    const apus_tensor *x, *index;
    int32_t dim;
    if (apuspy_check_count(function, given, 3, 3) < 0 || parse_indexed(function, args, &x, &dim, &index) < 0)
        return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(x));
    apus_status status = call(&out, x, dim, index);
    apuspy_end(state);
    return apuspy_result(status, out);
}
static PyObject *index_select(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("index_select", args, count);
    return pick("index_select", apus_index_select, args, count);
}
static PyObject *gather(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("gather", args, count);
    return pick("gather", apus_gather, args, count);
}

/// scatter(x, dim, index, source, add)
static PyObject *scatter(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("scatter", args, given);
    const apus_tensor *x, *index;
    int32_t dim;
    if (apuspy_check_count("scatter", given, 5, 5) < 0 || parse_indexed("scatter", args, &x, &dim, &index) < 0)
        return NULL;
    const apus_tensor *source = apuspy_require("scatter", args[3]);
    if (source == NULL) return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(x));
    apus_status status = apus_scatter(&out, x, dim, index, source, args[4] == Py_True);
    apuspy_end(state);
    return apuspy_result(status, out);
}

/// index_add(x, dim, index, source, alpha)
static PyObject *index_add(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("index_add", args, given);
    const apus_tensor *x, *index;
    int32_t dim;
    if (apuspy_check_count("index_add", given, 5, 5) < 0 || parse_indexed("index_add", args, &x, &dim, &index) < 0)
        return NULL;
    const apus_tensor *source = apuspy_require("index_add", args[3]);
    double alpha = PyFloat_AsDouble(args[4]);
    if (source == NULL || PyErr_Occurred()) return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(x));
    apus_status status = apus_index_add(&out, x, dim, index, source, alpha);
    apuspy_end(state);
    return apuspy_result(status, out);
}

static PyObject *masked_select(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("masked_select", args, given);
    if (apuspy_check_count("masked_select", given, 2, 2) < 0) return NULL;
    const apus_tensor *x = apuspy_require("masked_select", args[0]), *mask = apuspy_require("masked_select", args[1]);
    if (x == NULL || mask == NULL) return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(x));
    apus_status status = apus_masked_select(&out, x, mask);
    apuspy_end(state);
    return apuspy_result(status, out);
}

static PyObject *nonzero(PyObject *module, PyObject *o) {
    (void)module;
    const apus_tensor *x = apuspy_require("nonzero", o);
    if (x == NULL) return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(x));
    apus_status status = apus_nonzero(&out, x);
    apuspy_end(state);
    return apuspy_result(status, out);
}

#define FUNCTION(name)                                                                                                 \
    { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL }
PyMethodDef apuspy_index_functions[] = {
    FUNCTION(index_select), FUNCTION(gather),        FUNCTION(scatter),
    FUNCTION(index_add),    FUNCTION(masked_select), {"nonzero", nonzero, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
#undef FUNCTION
