// Reductions, scans and matrix products.
#include "extension.h"

/// What most reductions are given: a tensor, dims (None for all) and whether these are kept.
typedef struct reduction {
    apus_tensor *x;
    int32_t count, dims[APUS_MAX_RANK];
    const int32_t *list; ///< NULL for all dims
    bool keep;
    bool nothing; ///< an empty tuple of dims: every element by itself
} reduction;

static int parse_reduction(const char *function, PyObject *x, PyObject *dims, PyObject *keep, reduction *r) {
    r->x = apuspy_require(function, x);
    if (r->x == NULL) return -1;
    r->count = 0;
    r->list = NULL;
    r->nothing = false;
    if (dims != Py_None) {
        if (apuspy_parse_dims(function, dims, &r->count, r->dims) < 0) return -1;
        r->list = r->dims;
        r->nothing = r->count == 0;
    }
    int is_true = PyObject_IsTrue(keep);
    r->keep = is_true > 0;
    return is_true < 0 ? -1 : 0;
}

/// Over no dims: a leading dim of size 1 is reduced instead, which no result shows.
static apus_status lead(reduction *r, apus_tensor **lifted) {
    *lifted = NULL;
    if (!r->nothing) return APUS_STATUS_ok;
    apus_status status = apus_tensor_unsqueeze(lifted, r->x, 0);
    if (status != APUS_STATUS_ok) return status;
    r->x = *lifted;
    r->dims[0] = 0;
    r->count = 1;
    r->keep = false;
    return APUS_STATUS_ok;
}

/// reduce(number, x, dims, keep, dtype)
static PyObject *reduce(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("reduce", args, count);
    if (apuspy_check_count("reduce", count, 5, 5) < 0) return NULL;
    apus_reduce_op op = (apus_reduce_op)PyLong_AsLong(args[0]);
    if (PyErr_Occurred()) return NULL;
    reduction r;
    apus_dtype dtype;
    if (parse_reduction(apus_reduce_name(op), args[1], args[2], args[3], &r) < 0) return NULL;
    if (args[4] != Py_None && apuspy_parse_dtype(args[4], &dtype) < 0) return NULL;
    apus_tensor *out = NULL, *lifted;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(r.x));
    apus_status status = lead(&r, &lifted);
    if (status == APUS_STATUS_ok)
        status = args[4] == Py_None ? apus_reduce(&out, op, r.x, r.count, r.list, r.keep)
                                    : apus_reduce_as(&out, op, r.x, r.count, r.list, r.keep, dtype);
    apus_tensor_release(lifted);
    apuspy_end(state);
    return apuspy_result(status, out);
}

typedef apus_status (*of_dims)(apus_tensor **out, const reduction *r, double parameter);

static apus_status call_var(apus_tensor **out, const reduction *r, double correction) {
    return apus_var(out, NULL, r->x, r->count, r->list, correction, r->keep);
}
static apus_status call_norm(apus_tensor **out, const reduction *r, double p) {
    return apus_norm(out, r->x, p, r->count, r->list, r->keep);
}
static apus_status call_logsumexp(apus_tensor **out, const reduction *r, double unused) {
    (void)unused;
    return apus_logsumexp(out, r->x, r->count, r->list, r->keep);
}

/// (x, dims, keep, parameter)
static PyObject *with_parameter(const char *function, of_dims call, PyObject *const *args, Py_ssize_t count) {
    reduction r;
    if (apuspy_check_count(function, count, 4, 4) < 0 || parse_reduction(function, args[0], args[1], args[2], &r) < 0)
        return NULL;
    double parameter = PyFloat_AsDouble(args[3]);
    if (parameter == -1 && PyErr_Occurred()) return NULL;
    apus_tensor *out = NULL, *lifted;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(r.x));
    apus_status status = lead(&r, &lifted);
    if (status == APUS_STATUS_ok) status = call(&out, &r, parameter);
    apus_tensor_release(lifted);
    apuspy_end(state);
    return apuspy_result(status, out);
}
static PyObject *var(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("var", args, count);
    return with_parameter("var", call_var, args, count);
}
static PyObject *norm(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("norm", args, count);
    return with_parameter("norm", call_norm, args, count);
}
static PyObject *logsumexp(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("logsumexp", args, count);
    return with_parameter("logsumexp", call_logsumexp, args, count);
}

static int parse_one_dim(const char *function, PyObject *o, int32_t *dim) {
    int32_t count, dims[APUS_MAX_RANK];
    if (apuspy_parse_dims(function, o, &count, dims) < 0) return -1;
    if (count != 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected one dim", function);
        return -1;
    }
    *dim = dims[0];
    return 0;
}

/// arg_reduce(smallest, x, dim, keep): values and indices.
static PyObject *arg_reduce(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("arg_reduce", args, count);
    int32_t dim;
    if (apuspy_check_count("arg_reduce", count, 4, 4) < 0) return NULL;
    const apus_tensor *x = apuspy_require("argmax and argmin", args[1]);
    if (x == NULL || parse_one_dim("argmax and argmin", args[2], &dim) < 0) return NULL;
    apus_tensor *values = NULL, *indices = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(x));
    apus_status status = apus_arg_reduce(&values, &indices, args[0] == Py_True, x, dim, args[3] == Py_True);
    apuspy_end(state);
    if (status != APUS_STATUS_ok) return apuspy_raise(status);
    PyObject *first = apuspy_new(values), *second = apuspy_new(indices);
    if (first != NULL && second != NULL) return Py_BuildValue("(NN)", first, second);
    Py_XDECREF(first);
    Py_XDECREF(second);
    return NULL;
}

/// scan(number, x, dim)
static PyObject *scan(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("scan", args, count);
    int32_t dim;
    if (apuspy_check_count("scan", count, 3, 3) < 0) return NULL;
    long op = PyLong_AsLong(args[0]);
    const apus_tensor *x = apuspy_require("cumsum and cumprod", args[1]);
    if (x == NULL || PyErr_Occurred() || parse_one_dim("cumsum and cumprod", args[2], &dim) < 0) return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(x));
    apus_status status = apus_scan(&out, (apus_scan_op)op, x, dim);
    apuspy_end(state);
    return apuspy_result(status, out);
}

/// softmax(x, dim, logarithm)
static PyObject *softmax(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_any_records(args, count)) return apuspy_record("softmax", args, count);
    int32_t dim;
    if (apuspy_check_count("softmax", count, 3, 3) < 0) return NULL;
    const apus_tensor *x = apuspy_require("softmax", args[0]);
    if (x == NULL || parse_one_dim("softmax", args[1], &dim) < 0) return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(x));
    apus_status status = apus_softmax(&out, x, dim, args[2] == Py_True);
    apuspy_end(state);
    return apuspy_result(status, out);
}

static PyObject *matmul(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("matmul", count, 2, 2) < 0) return NULL;
    PyObject *answer = apuspy_matmul(args[0], args[1], NULL);
    if (answer != Py_NotImplemented) return answer;
    Py_DECREF(answer);
    return PyErr_Format(PyExc_TypeError, "matmul: expected two tensors, got %.100s and %.100s",
                        Py_TYPE(args[0])->tp_name, Py_TYPE(args[1])->tp_name);
}

#define FUNCTION(name)                                                                                                 \
    { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL }
PyMethodDef apuspy_reduction_functions[] = {
    FUNCTION(reduce),
    FUNCTION(var),
    FUNCTION(norm),
    FUNCTION(logsumexp),
    FUNCTION(arg_reduce),
    FUNCTION(scan),
    FUNCTION(softmax),
    {"matmul", (PyCFunction)(void (*)(void))matmul, METH_FASTCALL, "matmul(x1, x2, /)\n--\n\nMatrix product."},
    {NULL, NULL, 0, NULL},
};
#undef FUNCTION
