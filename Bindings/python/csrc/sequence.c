// Nested Python sequences to tensors and back.
#include "extension.h"

/// What the sequences hold.
typedef struct contents {
    int32_t rank;
    int64_t shape[APUS_MAX_RANK];
    int64_t numel;
    apus_scalar_kind kind; ///< the highest met
    bool negative, large;  ///< integers below 0; integers that only uint64 holds
} contents;

/// The elements on the way to one buffer.
typedef struct target {
    apus_dtype dtype; ///< of the buffer: bool, int64, uint64, float32, float64 or complex128
    char *next, *end;
} target;

static int changed(void) {
    PyErr_SetString(PyExc_RuntimeError, "the sequences changed while they were read");
    return -1;
}

static bool is_sequence(PyObject *o) { return PyList_Check(o) || PyTuple_Check(o); }

/// Tensors and arrays among the elements are taken apart. NULL with an exception where `o` is no element either.
static PyObject *as_list(PyObject *o) {
    if (apuspy_is_tensor(o)) return apuspy_to_list(o);
    if (apuspy_is_array(o)) {
        PyObject *tensor = apuspy_from_buffer(o, APUSPY_SHARE_OR_COPY);
        if (tensor == NULL) return NULL;
        PyObject *list = apuspy_to_list(tensor);
        Py_DECREF(tensor);
        return list;
    }
    if (PySequence_Check(o) && !PyUnicode_Check(o) && !PyBytes_Check(o)) return PySequence_List(o);
    if (PyIndex_Check(o)) return PyNumber_Index(o);
    return PyErr_Format(PyExc_TypeError, "cannot make a tensor of %.100s", Py_TYPE(o)->tp_name);
}

// ---- First pass: shape and kind

static int scan(contents *c, PyObject *o, int32_t depth, bool first);

static int scan_number(contents *c, const apus_scalar *s, int32_t depth, bool first) {
    if (first) c->rank = depth;
    if (depth != c->rank) {
        PyErr_SetString(PyExc_ValueError, "the nested sequences have different depths");
        return -1;
    }
    if (s->kind > c->kind) c->kind = s->kind;
    if (s->kind == APUS_SCALAR_int) {
        c->large |= s->is_unsigned;
        c->negative |= !s->is_unsigned && s->integer < 0;
    }
    return 0;
}

static int scan_items(contents *c, PyObject *items, int32_t depth, bool first) {
    Py_ssize_t length = PySequence_Fast_GET_SIZE(items);
    if (depth == APUS_MAX_RANK) {
        PyErr_Format(PyExc_ValueError, "the sequences are nested more than %d deep", APUS_MAX_RANK);
        return -1;
    }
    if (first) {
        c->shape[depth] = length;
        c->rank = depth + 1;
    } else if (depth >= c->rank || c->shape[depth] != length) {
        PyErr_Format(PyExc_ValueError, "the nested sequences have different lengths at depth %d", depth);
        return -1;
    }
    // An element's own code may change the list that it is in.
    for (Py_ssize_t i = 0; i < length; i++) {
        if (i >= PySequence_Fast_GET_SIZE(items)) return changed();
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(items, i));
        int failed = scan(c, item, depth + 1, first && i == 0);
        Py_DECREF(item);
        if (failed < 0) return -1;
    }
    return 0;
}

static int scan(contents *c, PyObject *o, int32_t depth, bool first) {
    if (is_sequence(o)) return scan_items(c, o, depth, first);
    apus_scalar s;
    int is_number = apuspy_parse_scalar(o, &s);
    if (is_number < 0) return -1;
    if (is_number > 0) return scan_number(c, &s, depth, first);
    PyObject *list = as_list(o);
    if (list == NULL) return -1;
    int failed = Py_EnterRecursiveCall(" while reading nested sequences");
    if (failed == 0) {
        failed = scan(c, list, depth, first);
        Py_LeaveRecursiveCall();
    }
    Py_DECREF(list);
    return failed;
}

// ---- Second pass: values

static int put_number(target *t, const apus_scalar *s) {
    if (t->next == t->end) return changed();
    bool whole = s->kind < APUS_SCALAR_float;
    double real = !whole ? s->real : s->is_unsigned ? (double)(uint64_t)s->integer : (double)s->integer;
    switch (t->dtype) {
    case APUS_DTYPE_bool: *t->next = s->integer != 0; break;
    case APUS_DTYPE_float32: {
        float narrow = (float)real;
        memcpy(t->next, &narrow, 4);
        break;
    }
    case APUS_DTYPE_float64: memcpy(t->next, &real, 8); break;
    case APUS_DTYPE_complex128:
        memcpy(t->next, &real, 8);
        memcpy(t->next + 8, &s->imaginary, 8);
        break;
    default: memcpy(t->next, &s->integer, 8);
    }
    t->next += apus_dtype_size(t->dtype);
    return 0;
}

static int put(target *t, PyObject *o) {
    if (is_sequence(o)) {
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); i++) {
            PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(o, i));
            int failed = put(t, item);
            Py_DECREF(item);
            if (failed < 0) return -1;
        }
        return 0;
    }
    apus_scalar s;
    int is_number = apuspy_parse_scalar(o, &s);
    if (is_number < 0) return -1;
    if (is_number > 0) return put_number(t, &s);
    PyObject *list = as_list(o);
    int failed = list == NULL ? -1 : put(t, list);
    Py_XDECREF(list);
    return failed;
}

static apus_dtype buffer_dtype(const contents *c) {
    switch (c->kind) {
    case APUS_SCALAR_bool: return APUS_DTYPE_bool;
    case APUS_SCALAR_int: return c->large ? APUS_DTYPE_uint64 : APUS_DTYPE_int64;
    case APUS_SCALAR_float: return APUS_DTYPE_float64;
    case APUS_SCALAR_complex: break;
    }
    return APUS_DTYPE_complex128;
}

/// Integers that the dtype asked for cannot hold.
static int check_range(const contents *c, const int64_t *values, apus_dtype dtype) {
    bool integers = c->kind == APUS_SCALAR_int && dtype != APUS_DTYPE_bool && !apus_dtype_is_floating_point(dtype) &&
                    !apus_dtype_is_complex(dtype);
    if (!integers || dtype == (c->large ? APUS_DTYPE_uint64 : APUS_DTYPE_int64)) return 0;
    int bits = 8 * (int)apus_dtype_size(dtype);
    bool is_signed = apus_dtype_is_signed(dtype), fits = !(is_signed ? c->large : c->negative);
    if (bits < 64) {
        int64_t most = ((int64_t)1 << (bits - is_signed)) - 1, least = is_signed ? -most - 1 : 0;
        for (int64_t i = 0; i < c->numel && fits; i++) fits = !c->large && values[i] >= least && values[i] <= most;
    }
    if (fits) return 0;
    PyErr_Format(PyExc_OverflowError, "an integer does not fit in %s", apus_dtype_name(dtype));
    return -1;
}

PyObject *apuspy_from_sequence(PyObject *o, const apus_dtype *dtype) {
    contents c = {.numel = 1};
    if (scan(&c, o, 0, true) < 0) return NULL;
    for (int32_t i = 0; i < c.rank; i++) c.numel *= c.shape[i];
    apus_dtype own = c.numel == 0 ? apuspy_default_float : apuspy_default_dtype(c.kind);
    if (c.numel > 0 && c.large && c.kind == APUS_SCALAR_int) own = APUS_DTYPE_uint64;
    if (c.numel > 0 && c.large && c.negative && c.kind == APUS_SCALAR_int)
        return PyErr_Format(PyExc_OverflowError, "no integer dtype holds both negative numbers and such above 2^63");
    apus_dtype wanted = dtype == NULL ? own : *dtype;
    target t = {.dtype = buffer_dtype(&c)};
    if (t.dtype == APUS_DTYPE_float64 && wanted == APUS_DTYPE_float32) t.dtype = wanted; // the usual case in one go
    size_t bytes = (size_t)c.numel * apus_dtype_size(t.dtype);
    char *buffer = PyMem_Malloc(bytes > 0 ? bytes : 1);
    if (buffer == NULL) return PyErr_NoMemory();
    t.next = buffer;
    t.end = buffer + bytes;
    apus_tensor *read = NULL, *out = NULL;
    PyObject *result = NULL;
    if (put(&t, o) == 0 && (t.next == t.end || changed() == 0) &&
        check_range(&c, (int64_t *)(void *)buffer, wanted) == 0) {
        apus_status status = apus_tensor_from_data(&read, t.dtype, c.rank, c.shape, buffer, APUS_DEVICE_CPU);
        if (status == APUS_STATUS_ok && wanted != t.dtype) status = apus_tensor_to(&out, read, wanted, APUS_DEVICE_CPU);
        if (status == APUS_STATUS_ok && wanted == t.dtype) out = apus_tensor_retain(read);
        apus_tensor_release(read);
        result = apuspy_result(status, out);
    }
    PyMem_Free(buffer);
    return result;
}

// ---- And back

static apus_scalar number_at(const char *data, apus_dtype dtype, int64_t place) {
    apus_scalar s = {.kind = APUS_SCALAR_int};
    const char *at = data + (size_t)place * apus_dtype_size(dtype);
    switch (dtype) {
    case APUS_DTYPE_bool:
        s.kind = APUS_SCALAR_bool;
        s.integer = *at != 0;
        break;
    case APUS_DTYPE_float64:
        s.kind = APUS_SCALAR_float;
        memcpy(&s.real, at, 8);
        break;
    case APUS_DTYPE_complex128:
        s.kind = APUS_SCALAR_complex;
        memcpy(&s.real, at, 8);
        memcpy(&s.imaginary, at + 8, 8);
        break;
    default: s.is_unsigned = dtype == APUS_DTYPE_uint64; memcpy(&s.integer, at, 8);
    }
    return s;
}

static PyObject *list_of(const apus_tensor *t, const char *data, apus_dtype dtype, int32_t dim, int64_t *place) {
    if (dim == apus_tensor_rank(t)) {
        const apus_scalar s = number_at(data, dtype, (*place)++);
        return apuspy_scalar(&s);
    }
    int64_t length = apus_tensor_shape(t)[dim];
    PyObject *list = PyList_New((Py_ssize_t)length);
    for (int64_t i = 0; list != NULL && i < length; i++) {
        PyObject *item = list_of(t, data, dtype, dim + 1, place);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

PyObject *apuspy_to_list(PyObject *self) {
    const apus_tensor *t = apuspy_handle(self);
    apus_dtype dtype = apus_tensor_dtype(t);
    apus_dtype wide = apus_dtype_is_complex(dtype)                             ? APUS_DTYPE_complex128
                      : apus_dtype_is_floating_point(dtype)                    ? APUS_DTYPE_float64
                      : dtype == APUS_DTYPE_bool || dtype == APUS_DTYPE_uint64 ? dtype
                                                                               : APUS_DTYPE_int64;
    size_t bytes = (size_t)apus_tensor_numel(t) * apus_dtype_size(wide);
    char *data = PyMem_Malloc(bytes > 0 ? bytes : 1);
    if (data == NULL) return PyErr_NoMemory();
    apus_status status = apus_tensor_read(t, wide, data, bytes);
    int64_t place = 0;
    PyObject *list = status == APUS_STATUS_ok ? list_of(t, data, wide, 0, &place) : apuspy_raise(status);
    PyMem_Free(data);
    return list;
}
