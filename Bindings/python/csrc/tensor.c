// The tensor object: its life, its attributes, its text.
#include "extension.h"

// ---- Life

/// Objects of tensors that are gone, kept for those to come: making an object is a good part of a small operator's
/// time.
enum { FREE_OBJECTS = 128 };
static apuspy_tensor *free_objects[FREE_OBJECTS];
static int free_count;

PyObject *apuspy_new(apus_tensor *handle) {
    apuspy_tensor *self;
    if (free_count > 0) {
        self = free_objects[--free_count];
        (void)PyObject_Init((PyObject *)self, &apuspy_tensor_type);
    } else {
        self = PyObject_New(apuspy_tensor, &apuspy_tensor_type);
    }
    if (self == NULL) {
        apus_tensor_release(handle);
        return NULL;
    }
    self->handle = handle;
    self->variable = NULL;
    self->weak_references = NULL;
    return (PyObject *)self;
}

PyObject *apuspy_result(apus_status status, apus_tensor *handle) {
    return status == APUS_STATUS_ok ? apuspy_new(handle) : apuspy_raise(status);
}

static void deallocate(PyObject *o) {
    apuspy_tensor *self = (apuspy_tensor *)o;
    if (self->weak_references != NULL) PyObject_ClearWeakRefs(o);
    apuspy_drop_variable(self);
    apus_tensor_release(self->handle);
    if (Py_TYPE(o) == &apuspy_tensor_type && free_count < FREE_OBJECTS)
        free_objects[free_count++] = self;
    else
        Py_TYPE(o)->tp_free(o);
}

/// Tensor(data): as the functions tensor and asarray, so that a class made of Tensor can be called.
static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"", NULL};
    PyObject *data;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:Tensor", names, &data)) return NULL;
    PyObject *made = apuspy_is_tensor(data)  ? Py_NewRef(data)
                     : apuspy_is_array(data) ? apuspy_from_buffer(data, APUSPY_SHARE_OR_COPY)
                                             : apuspy_from_sequence(data, NULL);
    if (made == NULL) return NULL;
    apus_tensor *handle = NULL;
    apus_status status = apus_tensor_alias(&handle, apuspy_handle(made));
    Py_DECREF(made);
    if (status != APUS_STATUS_ok) return apuspy_raise(status);
    apuspy_tensor *self = (apuspy_tensor *)type->tp_alloc(type, 0);
    if (self == NULL) {
        apus_tensor_release(handle);
        return NULL;
    }
    self->handle = handle;
    return (PyObject *)self;
}

apus_tensor *apuspy_require(const char *function, PyObject *o) {
    if (apuspy_is_tensor(o) && !apuspy_records(o)) return apuspy_handle(o);
    if (apuspy_is_tensor(o)) {
        PyErr_Format(PyExc_RuntimeError, "%s: has no derivative from Python; use detach() or no_grad()", function);
        return NULL;
    }
    PyErr_Format(PyExc_TypeError, "%s: expected a Tensor, got %.100s", function, Py_TYPE(o)->tp_name);
    return NULL;
}

// ---- Text

static PyObject *text_with(const apus_tensor *t, const char *suffix) {
    char room[1024];
    size_t length = 0;
    apus_status status = apus_tensor_format(t, suffix, room, sizeof room, &length);
    if (status != APUS_STATUS_ok) return apuspy_raise(status);
    if (length < sizeof room) return PyUnicode_FromStringAndSize(room, (Py_ssize_t)length);
    char *text = PyMem_Malloc(length + 1);
    if (text == NULL) return PyErr_NoMemory();
    status = apus_tensor_format(t, suffix, text, length + 1, NULL);
    PyObject *result =
        status == APUS_STATUS_ok ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)length) : apuspy_raise(status);
    PyMem_Free(text);
    return result;
}

static PyObject *represent(PyObject *self) {
    if (((apuspy_tensor *)self)->variable == NULL) return text_with(apuspy_handle(self), NULL);
    PyObject *operation = apuspy_grad_fn(self), *text = NULL;
    if (operation == Py_None) {
        text = text_with(apuspy_handle(self), "requires_grad=True");
    } else if (operation != NULL) {
        char suffix[300];
        snprintf(suffix, sizeof suffix, "grad_fn=<%s>", PyUnicode_AsUTF8(operation));
        text = text_with(apuspy_handle(self), suffix);
    }
    Py_XDECREF(operation);
    return text;
}

// ---- Attributes

static PyObject *get_shape(PyObject *self, void *unused) {
    (void)unused;
    const apus_tensor *t = apuspy_handle(self);
    return apuspy_sizes(apus_tensor_rank(t), apus_tensor_shape(t));
}
static PyObject *get_dtype(PyObject *self, void *unused) {
    (void)unused;
    return apuspy_dtype(apus_tensor_dtype(apuspy_handle(self)));
}
static PyObject *get_device(PyObject *self, void *unused) {
    (void)unused;
    return apuspy_device(apus_tensor_device(apuspy_handle(self)));
}
static PyObject *get_rank(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromLong(apus_tensor_rank(apuspy_handle(self)));
}
static PyObject *get_numel(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromLongLong(apus_tensor_numel(apuspy_handle(self)));
}
static PyObject *get_itemsize(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromSize_t(apus_dtype_size(apus_tensor_dtype(apuspy_handle(self))));
}
static PyObject *get_nbytes(PyObject *self, void *unused) {
    (void)unused;
    const apus_tensor *t = apuspy_handle(self);
    return PyLong_FromLongLong(apus_tensor_numel(t) * (int64_t)apus_dtype_size(apus_tensor_dtype(t)));
}
static PyObject *get_read_only(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(apus_tensor_is_read_only(apuspy_handle(self)));
}
static PyObject *get_version(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(apus_tensor_version(apuspy_handle(self)));
}

/// The last two dims exchanged; `T` and `mT` differ in what ranks they take.
static PyObject *exchange(PyObject *self, int least, int most, const char *advice) {
    const apus_tensor *t = apuspy_handle(self);
    int32_t rank = apus_tensor_rank(t);
    if (apuspy_records(self) && rank >= least && rank <= most) return apuspy_record("exchange", &self, 1);
    if (rank < least || rank > most) return PyErr_Format(PyExc_ValueError, advice, (int)rank);
    apus_tensor *out = NULL;
    apus_status status = rank < 2 ? apus_tensor_alias(&out, t) : apus_tensor_transpose(&out, t, -2, -1);
    return apuspy_result(status, out);
}
static PyObject *get_transposed(PyObject *self, void *unused) {
    (void)unused;
    return exchange(self, 0, 2, "T: needs at most two dims, got %d; use mT or permute_dims");
}
static PyObject *get_matrix_transposed(PyObject *self, void *unused) {
    (void)unused;
    return exchange(self, 2, APUS_MAX_RANK, "mT: needs at least two dims, got %d");
}

static PyGetSetDef attributes[] = {
    {"shape", get_shape, NULL, "The sizes, a tuple.", NULL},
    {"dtype", get_dtype, NULL, "The type of the elements.", NULL},
    {"device", get_device, NULL, "Where the elements are.", NULL},
    {"ndim", get_rank, NULL, "How many dims there are.", NULL},
    {"size", get_numel, NULL, "How many elements there are.", NULL},
    {"itemsize", get_itemsize, NULL, "Bytes of one element.", NULL},
    {"nbytes", get_nbytes, NULL, "Bytes of all elements.", NULL},
    {"T", get_transposed, NULL, "A view with the two dims exchanged; fewer dims stay.", NULL},
    {"mT", get_matrix_transposed, NULL, "A view with the last two dims exchanged.", NULL},
    {"read_only", get_read_only, NULL, "Whether writing is refused: the memory belongs to a read-only object.", NULL},
    {"_version", get_version, NULL, "Grows with every write through the library to this memory.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

// ---- Conversions to Python's types

static PyObject *item(PyObject *self, PyObject *unused) {
    (void)unused;
    apus_scalar s;
    apus_status status = apus_tensor_item(apuspy_handle(self), &s);
    return status == APUS_STATUS_ok ? apuspy_scalar(&s) : apuspy_raise(status);
}

static PyObject *to_list(PyObject *self, PyObject *unused) {
    (void)unused;
    return apuspy_to_list(self);
}

static PyObject *to_complex(PyObject *self, PyObject *unused) {
    PyObject *number = item(self, unused);
    if (number == NULL) return NULL;
    PyObject *result = PyObject_CallOneArg((PyObject *)&PyComplex_Type, number);
    Py_DECREF(number);
    return result;
}

static PyObject *strides(PyObject *self, PyObject *unused) {
    (void)unused;
    const apus_tensor *t = apuspy_handle(self);
    return apuspy_sizes(apus_tensor_rank(t), apus_tensor_strides(t));
}
static PyObject *storage_offset(PyObject *self, PyObject *unused) {
    (void)unused;
    return PyLong_FromLongLong(apus_tensor_offset(apuspy_handle(self)));
}
static PyObject *is_contiguous(PyObject *self, PyObject *unused) {
    (void)unused;
    return PyBool_FromLong(apus_tensor_is_contiguous(apuspy_handle(self)));
}
static PyObject *data_pointer(PyObject *self, PyObject *unused) {
    (void)unused;
    return PyLong_FromVoidPtr(apus_tensor_data(apuspy_handle(self)));
}

static PyMethodDef methods[] = {
    {"item", item, METH_NOARGS, "item($self, /)\n--\n\nThe only element as a Python number."},
    {"tolist", to_list, METH_NOARGS,
     "tolist($self, /)\n--\n\nThe elements in nested lists; a number for a 0-d tensor."},
    {"stride", strides, METH_NOARGS, "stride($self, /)\n--\n\nElements from one index to the next, for each dim."},
    {"storage_offset", storage_offset, METH_NOARGS,
     "storage_offset($self, /)\n--\n\nElements before the first in the memory."},
    {"is_contiguous", is_contiguous, METH_NOARGS,
     "is_contiguous($self, /)\n--\n\nWhether the elements lie in row-major order without gaps."},
    {"data_ptr", data_pointer, METH_NOARGS, "data_ptr($self, /)\n--\n\nThe address of the first element."},
    {"__complex__", to_complex, METH_NOARGS, "__complex__($self, /)\n--\n\n"},
    {NULL, NULL, 0, NULL},
};

// ---- Sequence and mapping

static Py_ssize_t length(PyObject *self) {
    const apus_tensor *t = apuspy_handle(self);
    if (apus_tensor_rank(t) > 0) return (Py_ssize_t)apus_tensor_shape(t)[0];
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
    return -1;
}

static PyObject *iterate(PyObject *self) {
    if (apus_tensor_rank(apuspy_handle(self)) > 0) return PySeqIter_New(self);
    PyErr_SetString(PyExc_TypeError, "iteration over a 0-d tensor");
    return NULL;
}

/// Whether any element equals the value.
static int contains(PyObject *self, PyObject *value) {
    PyObject *equal = apuspy_binary(APUS_BINARY_eq, self, value, NULL);
    if (equal == Py_NotImplemented) {
        Py_DECREF(equal);
        return 0;
    }
    if (equal == NULL) return -1;
    apus_tensor *any = NULL;
    apus_scalar answer = {0};
    apus_status status = apus_reduce(&any, APUS_REDUCE_any, apuspy_handle(equal), 0, NULL, false);
    if (status == APUS_STATUS_ok) status = apus_tensor_item(any, &answer);
    apus_tensor_release(any);
    Py_DECREF(equal);
    if (status == APUS_STATUS_ok) return answer.integer != 0;
    apuspy_raise(status);
    return -1;
}

static PyObject *compare(PyObject *a, PyObject *b, int comparison) {
    static const apus_binary_op operators[] = {
        [Py_LT] = APUS_BINARY_lt, [Py_LE] = APUS_BINARY_le, [Py_EQ] = APUS_BINARY_eq,
        [Py_NE] = APUS_BINARY_ne, [Py_GT] = APUS_BINARY_gt, [Py_GE] = APUS_BINARY_ge,
    };
    return apuspy_binary(operators[comparison], a, b, NULL);
}

/// By identity: == compares the elements.
static Py_hash_t hash(PyObject *self) {
    Py_hash_t value = (Py_hash_t)((uintptr_t)self >> 4);
    return value == -1 ? -2 : value;
}

static PySequenceMethods sequence_methods = {.sq_length = length, .sq_item = apuspy_item_at, .sq_contains = contains};
static PyMappingMethods mapping_methods = {
    .mp_length = length, .mp_subscript = apuspy_subscript, .mp_ass_subscript = apuspy_assign_subscript};
static PyBufferProcs buffer_methods = {.bf_getbuffer = apuspy_get_buffer, .bf_releasebuffer = apuspy_release_buffer};

PyTypeObject apuspy_tensor_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "apus.Tensor",
    .tp_doc = "Tensor(data, /)\n--\n\nElements of one dtype in as many dims as wanted, on one device.",
    .tp_basicsize = sizeof(apuspy_tensor),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_weaklistoffset = offsetof(apuspy_tensor, weak_references),
    .tp_new = make,
    .tp_dealloc = deallocate,
    .tp_repr = represent,
    .tp_hash = hash,
    .tp_richcompare = compare,
    .tp_iter = iterate,
    .tp_as_number = &apuspy_number_methods,
    .tp_as_sequence = &sequence_methods,
    .tp_as_mapping = &mapping_methods,
    .tp_as_buffer = &buffer_methods,
    .tp_getset = attributes,
    .tp_methods = methods,
};

int apuspy_add_tensor(PyObject *module) {
    if (PyType_Ready(&apuspy_tensor_type) < 0) return -1;
    return PyModule_AddObjectRef(module, "Tensor", (PyObject *)&apuspy_tensor_type);
}
