// The library as a whole: versions, threads, memory; and the tables' names.
#include "extension.h"

static PyObject *set_num_threads(PyObject *module, PyObject *o) {
    (void)module;
    long count = PyLong_AsLong(o);
    if (count == -1 && PyErr_Occurred()) return NULL;
    if (count < 0 || count > INT32_MAX) return PyErr_Format(PyExc_ValueError, "set_num_threads: %ld threads", count);
    apus_set_num_threads((int32_t)count);
    Py_RETURN_NONE;
}
static PyObject *get_num_threads(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromLong(apus_get_num_threads());
}

static PyObject *memory_stats(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    apus_memory_stats s;
    apus_status status = apus_cpu_memory_stats(&s);
    if (status != APUS_STATUS_ok) return apuspy_raise(status);
    return Py_BuildValue("{s:L,s:L,s:L,s:L,s:L,s:L}", "in_use", (long long)s.in_use, "cached", (long long)s.cached,
                         "peak", (long long)s.peak, "count", (long long)s.count, "allocations",
                         (long long)s.allocations, "cache_hits", (long long)s.cache_hits);
}
static PyObject *empty_cache(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    apus_cpu_empty_cache();
    Py_RETURN_NONE;
}

static PyObject *version(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyUnicode_FromString(apus_version());
}
static PyObject *cpu_isa(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyUnicode_FromString(apus_cpu_isa());
}

static PyObject *set_default_dtype(PyObject *module, PyObject *o) {
    (void)module;
    apus_dtype dtype;
    if (apuspy_parse_dtype(o, &dtype) < 0) return NULL;
    if (!apus_dtype_is_floating_point(dtype))
        return PyErr_Format(PyExc_TypeError, "set_default_dtype: expected a floating-point dtype, got %s",
                            apus_dtype_name(dtype));
    apuspy_default_float = dtype;
    Py_RETURN_NONE;
}
static PyObject *get_default_dtype(PyObject *module, PyObject *kind) {
    (void)module;
    long value = PyLong_AsLong(kind);
    if (value < APUS_SCALAR_bool || value > APUS_SCALAR_complex)
        return PyErr_Format(PyExc_ValueError, "there is no kind %ld", value);
    return apuspy_dtype(apuspy_default_dtype((apus_scalar_kind)value));
}

static PyObject *promote_types(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    apus_dtype a, b;
    if (apuspy_check_count("promote_types", count, 2, 2) < 0 || apuspy_parse_dtype(args[0], &a) < 0 ||
        apuspy_parse_dtype(args[1], &b) < 0)
        return NULL;
    return apuspy_dtype(apus_promote_types(a, b));
}

/// reductions(): the names in the library's table, in its order.
static PyObject *reductions(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    PyObject *names = PyTuple_New(APUS_REDUCE_COUNT);
    for (int i = 0; names != NULL && i < APUS_REDUCE_COUNT; i++) {
        PyObject *name = PyUnicode_FromString(apus_reduce_name((apus_reduce_op)i));
        if (name == NULL)
            Py_CLEAR(names);
        else
            PyTuple_SET_ITEM(names, i, name);
    }
    return names;
}

static PyObject *shares_storage(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("shares_storage", count, 2, 2) < 0) return NULL;
    const apus_tensor *a = apuspy_require("shares_storage", args[0]), *b = apuspy_require("shares_storage", args[1]);
    return a == NULL || b == NULL ? NULL : PyBool_FromLong(apus_tensor_shares_storage(a, b));
}

/// extend(name, object): an attribute of every tensor, made in Python.
static PyObject *extend(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("extend", count, 2, 2) < 0) return NULL;
    if (PyDict_SetItem(apuspy_tensor_type.tp_dict, args[0], args[1]) < 0) return NULL;
    PyType_Modified(&apuspy_tensor_type);
    Py_RETURN_NONE;
}

PyMethodDef apuspy_library_functions[] = {
    {"set_num_threads", set_num_threads, METH_O,
     "set_num_threads(count, /)\n--\n\nHow many threads operators may use; 0 for the default."},
    {"get_num_threads", get_num_threads, METH_NOARGS, "get_num_threads()\n--\n\nHow many threads operators may use."},
    {"memory_stats", memory_stats, METH_NOARGS,
     "memory_stats()\n--\n\nWhat the CPU's tensors take, in bytes and blocks."},
    {"empty_cache", empty_cache, METH_NOARGS, "empty_cache()\n--\n\nGives cached memory back to the system."},
    {"version", version, METH_NOARGS, NULL},
    {"cpu_isa", cpu_isa, METH_NOARGS, "cpu_isa()\n--\n\nThe instruction set that the kernels run with."},
    {"set_default_dtype", set_default_dtype, METH_O,
     "set_default_dtype(dtype, /)\n--\n\nThe dtype that Python's floats become."},
    {"default_dtype", get_default_dtype, METH_O, NULL},
    {"promote_types", (PyCFunction)(void (*)(void))promote_types, METH_FASTCALL,
     "promote_types(type1, type2, /)\n--\n\nThe smallest dtype that both can be converted to."},
    {"reductions", reductions, METH_NOARGS, NULL},
    {"shares_storage", (PyCFunction)(void (*)(void))shares_storage, METH_FASTCALL, NULL},
    {"extend", (PyCFunction)(void (*)(void))extend, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
