// Views, and the functions that move elements without changing them.
#include "extension.h"

/// Whether the tensor and `count` arguments are there. NULL with an exception otherwise.
static apus_tensor *begin(const char *function, PyObject *const *args, Py_ssize_t given, Py_ssize_t expected) {
    return apuspy_check_count(function, given, expected, expected) < 0 ? NULL : apuspy_require(function, args[0]);
}

static int parse_int(const char *function, PyObject *o, int64_t *out) {
    int32_t count;
    int64_t sizes[APUS_MAX_RANK];
    if (apuspy_parse_sizes(function, o, &count, sizes) < 0) return -1;
    if (count != 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected one integer", function);
        return -1;
    }
    *out = sizes[0];
    return 0;
}
static int parse_dim(const char *function, PyObject *o, int32_t *out) {
    int32_t count, dims[APUS_MAX_RANK];
    if (apuspy_parse_dims(function, o, &count, dims) < 0) return -1;
    if (count != 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected one dim", function);
        return -1;
    }
    *out = dims[0];
    return 0;
}

static PyObject *alias(PyObject *module, PyObject *o) {
    (void)module;
    if (apuspy_records(o)) return apuspy_record("alias", &o, 1);
    const apus_tensor *t = apuspy_require("alias", o);
    if (t == NULL) return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_alias(&out, t);
    return apuspy_result(status, out);
}

typedef apus_status (*to_shape)(apus_tensor **, const apus_tensor *, int32_t, const int64_t *);

static PyObject *with_shape(const char *function, to_shape call, PyObject *const *args, Py_ssize_t given) {
    const apus_tensor *t = begin(function, args, given, 2);
    int32_t rank;
    int64_t shape[APUS_MAX_RANK];
    if (t == NULL || apuspy_parse_sizes(function, args[1], &rank, shape) < 0) return NULL;
    apus_tensor *out = NULL;
    apus_status status = call(&out, t, rank, shape);
    return apuspy_result(status, out);
}
static PyObject *view(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("view", args, count);
    return with_shape("view", apus_tensor_view, args, count);
}
static PyObject *reshape(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("reshape", args, count);
    return with_shape("reshape", apus_tensor_reshape, args, count);
}
static PyObject *expand(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("expand", args, count);
    return with_shape("expand", apus_tensor_expand, args, count);
}

static PyObject *permute(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("permute", args, given);
    const apus_tensor *t = begin("permute", args, given, 2);
    int32_t count, dims[APUS_MAX_RANK];
    if (t == NULL || apuspy_parse_dims("permute", args[1], &count, dims) < 0) return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_permute(&out, t, count, dims);
    return apuspy_result(status, out);
}

static PyObject *transpose(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("transpose", args, given);
    const apus_tensor *t = begin("transpose", args, given, 3);
    int32_t dims[2];
    if (t == NULL || parse_dim("transpose", args[1], &dims[0]) < 0 || parse_dim("transpose", args[2], &dims[1]) < 0)
        return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_transpose(&out, t, dims[0], dims[1]);
    return apuspy_result(status, out);
}

static PyObject *unsqueeze(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("unsqueeze", args, given);
    const apus_tensor *t = begin("unsqueeze", args, given, 2);
    int32_t dim;
    if (t == NULL || parse_dim("unsqueeze", args[1], &dim) < 0) return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_unsqueeze(&out, t, dim);
    return apuspy_result(status, out);
}

/// Dims None are all dims.
static PyObject *squeeze(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("squeeze", args, given);
    const apus_tensor *t = begin("squeeze", args, given, 2);
    int32_t count = 0, dims[APUS_MAX_RANK];
    if (t == NULL || (args[1] != Py_None && apuspy_parse_dims("squeeze", args[1], &count, dims) < 0)) return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_squeeze(&out, t, count, args[1] == Py_None ? NULL : dims);
    return apuspy_result(status, out);
}

static PyObject *narrow(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("narrow", args, given);
    const apus_tensor *t = begin("slice", args, given, 5);
    int32_t dim;
    int64_t bounds[3];
    if (t == NULL || parse_dim("slice", args[1], &dim) < 0) return NULL;
    for (int i = 0; i < 3; i++)
        if (parse_int("slice", args[2 + i], &bounds[i]) < 0) return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_slice(&out, t, dim, bounds[0], bounds[1], bounds[2]);
    return apuspy_result(status, out);
}

static PyObject *as_strided(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("as_strided", args, given);
    const apus_tensor *t = begin("as_strided", args, given, 4);
    int32_t rank, count;
    int64_t shape[APUS_MAX_RANK], strides[APUS_MAX_RANK], offset;
    if (t == NULL || apuspy_parse_sizes("as_strided: size", args[1], &rank, shape) < 0 ||
        apuspy_parse_sizes("as_strided: stride", args[2], &count, strides) < 0 ||
        parse_int("as_strided: storage_offset", args[3], &offset) < 0)
        return NULL;
    if (rank != count)
        return PyErr_Format(PyExc_ValueError, "as_strided: %d sizes, but %d strides", (int)rank, (int)count);
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_as_strided(&out, t, rank, shape, strides, offset);
    return apuspy_result(status, out);
}

static PyObject *diagonal(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("diagonal", args, given);
    const apus_tensor *t = begin("diagonal", args, given, 4);
    int64_t offset;
    int32_t dims[2];
    if (t == NULL || parse_int("diagonal", args[1], &offset) < 0 || parse_dim("diagonal", args[2], &dims[0]) < 0 ||
        parse_dim("diagonal", args[3], &dims[1]) < 0)
        return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_diagonal(&out, t, offset, dims[0], dims[1]);
    return apuspy_result(status, out);
}

static PyObject *unfold(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("unfold", args, given);
    const apus_tensor *t = begin("unfold", args, given, 4);
    int32_t dim;
    int64_t size, step;
    if (t == NULL || parse_dim("unfold", args[1], &dim) < 0 || parse_int("unfold", args[2], &size) < 0 ||
        parse_int("unfold", args[3], &step) < 0)
        return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_unfold(&out, t, dim, size, step);
    return apuspy_result(status, out);
}

/// view_dtype(x, dtype)
static PyObject *view_dtype(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    const apus_tensor *t = begin("view", args, given, 2);
    apus_dtype dtype;
    if (t == NULL || apuspy_parse_dtype(args[1], &dtype) < 0) return NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_view_dtype(&out, t, dtype);
    return apuspy_result(status, out);
}

static PyObject *flip(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("flip", args, given);
    const apus_tensor *t = begin("flip", args, given, 2);
    int32_t count, dims[APUS_MAX_RANK];
    if (t == NULL || apuspy_parse_dims("flip", args[1], &count, dims) < 0) return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(t));
    apus_status status = apus_flip(&out, t, count, dims);
    apuspy_end(state);
    return apuspy_result(status, out);
}

static PyObject *triangle(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    if (apuspy_any_records(args, given)) return apuspy_record("triangle", args, given);
    const apus_tensor *t = begin("tril and triu", args, given, 3);
    int64_t offset;
    if (t == NULL || parse_int("tril and triu", args[1], &offset) < 0) return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(t));
    apus_status status = apus_triangle(&out, t, offset, args[2] == Py_True);
    apuspy_end(state);
    return apuspy_result(status, out);
}

static PyObject *cat(PyObject *module, PyObject *const *args, Py_ssize_t given) {
    (void)module;
    int32_t dim;
    if (given == 2 && PyTuple_Check(args[0]) &&
        apuspy_any_records(&PyTuple_GET_ITEM(args[0], 0), PyTuple_GET_SIZE(args[0])))
        return apuspy_record("cat", args, given);
    if (apuspy_check_count("cat", given, 2, 2) < 0 || parse_dim("cat", args[1], &dim) < 0) return NULL;
    PyObject *items = PySequence_Fast(args[0], "cat: expected a sequence of tensors");
    if (items == NULL) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    const apus_tensor **tensors = PyMem_Malloc((size_t)(count > 0 ? count : 1) * sizeof *tensors);
    PyObject *result = NULL;
    int64_t elements = 0;
    Py_ssize_t read = 0;
    for (; tensors != NULL && read < count; read++) {
        tensors[read] = apuspy_require("cat", PySequence_Fast_GET_ITEM(items, read));
        if (tensors[read] == NULL) break;
        elements += apus_tensor_numel(tensors[read]);
    }
    if (tensors == NULL) {
        PyErr_NoMemory();
    } else if (read == count) {
        apus_tensor *out = NULL;
        // A list could change while others run, a tuple that this call owns cannot.
        PyThreadState *state = apuspy_begin(PyTuple_Check(items) ? elements : 0);
        apus_status status = apus_cat(&out, (int32_t)count, tensors, dim);
        apuspy_end(state);
        result = apuspy_result(status, out);
    }
    PyMem_Free(tensors);
    Py_DECREF(items);
    return result;
}

#define FUNCTION(name)                                                                                                 \
    { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL }
PyMethodDef apuspy_view_functions[] = {
    {"alias", alias, METH_O, NULL},
    FUNCTION(view),
    FUNCTION(reshape),
    FUNCTION(expand),
    FUNCTION(permute),
    FUNCTION(transpose),
    FUNCTION(unsqueeze),
    FUNCTION(squeeze),
    FUNCTION(narrow),
    FUNCTION(as_strided),
    FUNCTION(diagonal),
    FUNCTION(unfold),
    FUNCTION(view_dtype),
    FUNCTION(flip),
    FUNCTION(triangle),
    FUNCTION(cat),
    {NULL, NULL, 0, NULL},
};
#undef FUNCTION
