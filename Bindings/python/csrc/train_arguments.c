// Arguments for libapus_train.
#include "train.h"

void apuspy_release_call(apuspy_call *c) {
    for (int32_t i = 0; i < c->count; i++) {
        const apus_argument *a = &c->arguments[i];
        if (a->kind == APUS_ARGUMENT_variables)
            for (int32_t k = 0; k < a->count; k++) apuspy_train.variable_release(((apus_variable **)c->rooms[i])[k]);
        if (c->single[i] != NULL) apuspy_train.variable_release(c->single[i]);
        PyMem_Free(c->rooms[i]);
    }
}

static void count_elements(apuspy_call *c, PyObject *tensor) {
    int64_t elements = apus_tensor_numel(apuspy_handle(tensor));
    if (elements > c->elements) c->elements = elements;
}

/// A list of tensors (None among them), integers or floats.
static int add_list(apuspy_call *c, int32_t place, PyObject *list) {
    apus_argument *a = &c->arguments[place];
    Py_ssize_t count = PyTuple_GET_SIZE(list);
    bool tensors = false, floats = false;
    for (Py_ssize_t i = 0; i < count; i++) {
        tensors |= apuspy_is_tensor(PyTuple_GET_ITEM(list, i)) || PyTuple_GET_ITEM(list, i) == Py_None;
        floats |= PyFloat_Check(PyTuple_GET_ITEM(list, i));
    }
    void *room = PyMem_Calloc((size_t)count + 1, 8);
    if (room == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    c->rooms[place] = room;
    a->kind = tensors ? APUS_ARGUMENT_variables : floats ? APUS_ARGUMENT_floats : APUS_ARGUMENT_ints;
    a->value.integers = room;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(list, i);
        a->count = (int32_t)i; // what is to be released after a failure
        if (tensors && item == Py_None) continue;
        if (tensors) {
            apus_variable *v = apuspy_variable("operator", item);
            if (v == NULL) return -1;
            ((apus_variable **)room)[i] = v;
            count_elements(c, item);
        } else if (floats) {
            ((double *)room)[i] = PyFloat_AsDouble(item);
        } else {
            PyObject *number = PyNumber_Index(item);
            if (number != NULL) ((int64_t *)room)[i] = PyLong_AsLongLong(number);
            Py_XDECREF(number);
        }
        if (PyErr_Occurred()) return -1;
    }
    a->count = (int32_t)count;
    return 0;
}

static int add_number(apuspy_call *c, int32_t place, const apus_scalar *s) {
    apus_argument *a = &c->arguments[place];
    if (s->kind == APUS_SCALAR_complex) {
        double *parts = c->rooms[place] = PyMem_Malloc(2 * sizeof *parts);
        if (parts == NULL) return -1;
        parts[0] = s->real;
        parts[1] = s->imaginary;
        *a = (apus_argument){.kind = APUS_ARGUMENT_complex, .count = 2, .value.reals = parts};
    } else if (s->kind == APUS_SCALAR_float) {
        *a = (apus_argument){.kind = APUS_ARGUMENT_float, .count = 1, .value.real = s->real};
    } else {
        *a = (apus_argument){.kind = s->kind == APUS_SCALAR_bool ? APUS_ARGUMENT_bool : APUS_ARGUMENT_int,
                             .count = 1,
                             .value.integer = s->integer};
    }
    return 0;
}

static int add_argument(apuspy_call *c, int32_t place, PyObject *o) {
    apus_argument *a = &c->arguments[place];
    apus_scalar s;
    apus_dtype dtype;
    if (o == Py_None) return 0;
    if (apuspy_is_tensor(o)) {
        c->single[place] = apuspy_variable("operator", o);
        *a = (apus_argument){.kind = APUS_ARGUMENT_variable, .count = 1, .value.variable = c->single[place]};
        count_elements(c, o);
        return c->single[place] == NULL ? -1 : 0;
    }
    if (PyTuple_Check(o)) return add_list(c, place, o);
    int is_number = apuspy_parse_scalar(o, &s);
    if (is_number != 0) return is_number < 0 ? -1 : add_number(c, place, &s);
    if (PyUnicode_Check(o)) {
        *a = (apus_argument){.kind = APUS_ARGUMENT_text, .count = 1, .value.text = PyUnicode_AsUTF8(o)};
        return a->value.text == NULL ? -1 : 0;
    }
    if (apuspy_parse_dtype(o, &dtype) < 0) return -1;
    *a = (apus_argument){.kind = APUS_ARGUMENT_int, .count = 1, .value.integer = dtype};
    return 0;
}

int apuspy_pack(apuspy_call *c, PyObject *arguments) {
    Py_ssize_t count = PyTuple_GET_SIZE(arguments);
    if (count > APUSPY_MOST_ARGUMENTS) {
        PyErr_Format(PyExc_TypeError, "%zd arguments are too many", count);
        return -1;
    }
    c->count = (int32_t)count;
    for (Py_ssize_t i = 0; i < count; i++)
        if (add_argument(c, (int32_t)i, PyTuple_GET_ITEM(arguments, i)) < 0) return -1;
    return 0;
}
