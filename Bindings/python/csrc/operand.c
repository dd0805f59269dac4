// What operators are given, and what they raise.
#include "extension.h"

// ---- Errors

PyObject *apuspy_raise(apus_status status) {
    PyObject *type = PyExc_ValueError;
    switch (status) {
    case APUS_STATUS_ok: PyErr_BadInternalCall(); return NULL;
    case APUS_STATUS_null_argument:
    case APUS_STATUS_invalid_argument:
    case APUS_STATUS_shape:
    case APUS_STATUS_read_only: break;
    case APUS_STATUS_dtype: type = PyExc_TypeError; break;
    case APUS_STATUS_index: type = PyExc_IndexError; break;
    case APUS_STATUS_overflow: type = PyExc_OverflowError; break;
    case APUS_STATUS_out_of_memory: type = PyExc_MemoryError; break;
    case APUS_STATUS_unsupported: type = PyExc_NotImplementedError; break;
    case APUS_STATUS_device:
    case APUS_STATUS_backend: type = PyExc_RuntimeError; break;
    }
    PyErr_SetString(type, apus_last_error());
    return NULL;
}

int apuspy_check_count(const char *function, Py_ssize_t given, Py_ssize_t least, Py_ssize_t most) {
    if (given >= least && given <= most) return 0;
    if (least == most)
        PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments, got %zd", function, least, given);
    else
        PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments, got %zd", function, least, most, given);
    return -1;
}

// ---- Numbers

static int parse_integer(PyObject *o, apus_scalar *out) {
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (value == -1 && PyErr_Occurred()) return -1;
    *out = (apus_scalar){.kind = APUS_SCALAR_int, .integer = value};
    if (overflow == 0) return 1;
    unsigned long long large = overflow > 0 ? PyLong_AsUnsignedLongLong(o) : (unsigned long long)-1;
    if (overflow > 0 && !PyErr_Occurred()) {
        *out = (apus_scalar){.kind = APUS_SCALAR_int, .is_unsigned = true, .integer = (int64_t)large};
        return 1;
    }
    PyErr_Clear();
    PyErr_SetString(PyExc_OverflowError, "the integer does not fit in 64 bits");
    return -1;
}

int apuspy_parse_scalar(PyObject *o, apus_scalar *out) {
    if (PyFloat_Check(o)) {
        *out = (apus_scalar){.kind = APUS_SCALAR_float, .real = PyFloat_AS_DOUBLE(o)};
        return 1;
    }
    if (PyBool_Check(o)) {
        *out = (apus_scalar){.kind = APUS_SCALAR_bool, .integer = o == Py_True};
        return 1;
    }
    if (PyLong_Check(o)) return parse_integer(o, out);
    if (PyComplex_Check(o)) {
        Py_complex value = PyComplex_AsCComplex(o);
        *out = (apus_scalar){.kind = APUS_SCALAR_complex, .real = value.real, .imaginary = value.imag};
        return 1;
    }
    return 0;
}

PyObject *apuspy_scalar(const apus_scalar *s) {
    switch (s->kind) {
    case APUS_SCALAR_bool: return PyBool_FromLong(s->integer != 0);
    case APUS_SCALAR_int:
        return s->is_unsigned ? PyLong_FromUnsignedLongLong((unsigned long long)s->integer)
                              : PyLong_FromLongLong(s->integer);
    case APUS_SCALAR_float: return PyFloat_FromDouble(s->real);
    case APUS_SCALAR_complex: break;
    }
    return PyComplex_FromDoubles(s->real, s->imaginary);
}

// ---- Operands

int apuspy_parse_operand(PyObject *o, apuspy_operand *out) {
    out->keep = NULL;
    if (apuspy_is_tensor(o)) {
        out->tensor = apuspy_handle(o);
        return 1;
    }
    out->tensor = NULL;
    int is_number = apuspy_parse_scalar(o, &out->number);
    if (is_number != 0 || !apuspy_is_array(o)) return is_number;
    out->keep = apuspy_from_buffer(o, APUSPY_SHARE_OR_COPY);
    if (out->keep == NULL) return -1;
    out->tensor = apuspy_handle(out->keep);
    return 1;
}

void apuspy_release_operand(apuspy_operand *operand) { Py_CLEAR(operand->keep); }

// ---- Sizes and dims

/// Reads one integer of any kind that Python takes as an index.
static int parse_index(const char *what, PyObject *o, int64_t *out) {
    PyObject *number = PyNumber_Index(o);
    if (number == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            PyErr_Format(PyExc_TypeError, "%s: expected integers, got %.100s", what, Py_TYPE(o)->tp_name);
        }
        return -1;
    }
    *out = PyLong_AsLongLong(number);
    Py_DECREF(number);
    return *out == -1 && PyErr_Occurred() ? -1 : 0;
}

int apuspy_parse_sizes(const char *what, PyObject *o, int32_t *count, int64_t sizes[APUS_MAX_RANK]) {
    if (PyLong_Check(o) || (!PyTuple_Check(o) && !PyList_Check(o) && PyIndex_Check(o) && !PySequence_Check(o))) {
        *count = 1;
        return parse_index(what, o, &sizes[0]);
    }
    if (apuspy_is_tensor(o) && apus_tensor_rank(apuspy_handle(o)) == 0) {
        *count = 1;
        return parse_index(what, o, &sizes[0]);
    }
    PyObject *items = PySequence_Tuple(o); // which an element's own code cannot change
    if (items == NULL) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s: expected an integer or a sequence of integers, got %.100s", what,
                     Py_TYPE(o)->tp_name);
        return -1;
    }
    Py_ssize_t length = PyTuple_GET_SIZE(items);
    int failed = 0;
    if (length > APUS_MAX_RANK) {
        PyErr_Format(PyExc_ValueError, "%s: %zd entries, but a rank is at most %d", what, length, APUS_MAX_RANK);
        failed = -1;
    }
    for (Py_ssize_t i = 0; i < length && failed == 0; i++)
        failed = parse_index(what, PyTuple_GET_ITEM(items, i), &sizes[i]);
    Py_DECREF(items);
    *count = (int32_t)length;
    return failed;
}

int apuspy_parse_dims(const char *what, PyObject *o, int32_t *count, int32_t dims[APUS_MAX_RANK]) {
    int64_t wide[APUS_MAX_RANK];
    if (apuspy_parse_sizes(what, o, count, wide) < 0) return -1;
    for (int32_t i = 0; i < *count; i++) {
        // What is out of every range stays so.
        dims[i] = wide[i] > INT32_MAX ? INT32_MAX : wide[i] < INT32_MIN ? INT32_MIN : (int32_t)wide[i];
    }
    return 0;
}

PyObject *apuspy_sizes(int32_t count, const int64_t *sizes) {
    PyObject *tuple = PyTuple_New(count);
    for (int32_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *size = PyLong_FromLongLong(sizes[i]);
        if (size == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, size);
    }
    return tuple;
}
