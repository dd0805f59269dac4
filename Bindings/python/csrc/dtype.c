// The dtype objects: one for each dtype of the library.
#include "extension.h"

apus_dtype apuspy_default_float = APUS_DTYPE_float32;

typedef struct dtype_object {
    PyObject_HEAD apus_dtype dtype;
} dtype_object;

static PyTypeObject dtype_type;
static dtype_object objects[APUS_DTYPE_COUNT];

PyObject *apuspy_dtype(apus_dtype dtype) { return Py_NewRef((PyObject *)&objects[dtype]); }

apus_dtype apuspy_default_dtype(apus_scalar_kind kind) {
    switch (kind) {
    case APUS_SCALAR_bool: return APUS_DTYPE_bool;
    case APUS_SCALAR_int: return APUS_DTYPE_int64;
    case APUS_SCALAR_float: return apuspy_default_float;
    case APUS_SCALAR_complex: break;
    }
    return apuspy_default_float == APUS_DTYPE_float64 ? APUS_DTYPE_complex128 : APUS_DTYPE_complex64;
}

int apuspy_parse_dtype(PyObject *o, apus_dtype *out) {
    if (Py_TYPE(o) == &dtype_type)
        *out = ((dtype_object *)o)->dtype;
    else if (o == (PyObject *)&PyBool_Type)
        *out = APUS_DTYPE_bool;
    else if (o == (PyObject *)&PyLong_Type)
        *out = apuspy_default_dtype(APUS_SCALAR_int);
    else if (o == (PyObject *)&PyFloat_Type)
        *out = apuspy_default_dtype(APUS_SCALAR_float);
    else if (o == (PyObject *)&PyComplex_Type)
        *out = apuspy_default_dtype(APUS_SCALAR_complex);
    else {
        PyErr_Format(PyExc_TypeError, "expected a dtype such as apus.float32, got %R", o);
        return -1;
    }
    return 0;
}

static apus_dtype dtype_of(PyObject *self) { return ((dtype_object *)self)->dtype; }

static PyObject *represent(PyObject *self) { return PyUnicode_FromFormat("apus.%s", apus_dtype_name(dtype_of(self))); }

/// Pickled by name.
static PyObject *reduce(PyObject *self, PyObject *unused) {
    (void)unused;
    return PyUnicode_FromString(apus_dtype_name(dtype_of(self)));
}

static PyObject *get_name(PyObject *self, void *unused) {
    (void)unused;
    return PyUnicode_FromString(apus_dtype_name(dtype_of(self)));
}
static PyObject *get_itemsize(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromSize_t(apus_dtype_size(dtype_of(self)));
}
static PyObject *get_is_floating_point(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(apus_dtype_is_floating_point(dtype_of(self)));
}
static PyObject *get_is_complex(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(apus_dtype_is_complex(dtype_of(self)));
}
static PyObject *get_is_signed(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(apus_dtype_is_signed(dtype_of(self)));
}

static PyGetSetDef attributes[] = {
    {"name", get_name, NULL, "The name, such as \"float32\".", NULL},
    {"itemsize", get_itemsize, NULL, "Bytes of one element.", NULL},
    {"is_floating_point", get_is_floating_point, NULL, "Whether the elements are real floats.", NULL},
    {"is_complex", get_is_complex, NULL, "Whether the elements are complex.", NULL},
    {"is_signed", get_is_signed, NULL, "Whether the elements may be negative.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject dtype_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "apus.dtype",
    .tp_doc = "The type of a tensor's elements.",
    .tp_basicsize = sizeof(dtype_object),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_repr = represent,
    .tp_getset = attributes,
    .tp_methods = methods,
};

/// The class, and the objects by their names.
int apuspy_add_dtypes(PyObject *module) {
    if (PyType_Ready(&dtype_type) < 0) return -1;
    if (PyModule_AddObjectRef(module, "dtype", (PyObject *)&dtype_type) < 0) return -1;
    for (int i = 0; i < APUS_DTYPE_COUNT; i++) {
        (void)PyObject_Init((PyObject *)&objects[i], &dtype_type);
        objects[i].dtype = (apus_dtype)i;
        if (PyModule_AddObjectRef(module, apus_dtype_name((apus_dtype)i), (PyObject *)&objects[i]) < 0) return -1;
    }
    return 0;
}
