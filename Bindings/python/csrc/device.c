// The device objects.
#include "extension.h"

typedef struct device_object {
    PyObject_HEAD apus_device device;
} device_object;

static PyTypeObject device_type;
static device_object *cpu;

static const char *type_name(apus_device device) { return device < APUS_DEVICE_OPENCL ? "cpu" : "opencl"; }
static int index_of(apus_device device) { return device % APUS_DEVICE_OPENCL; }

PyObject *apuspy_device(apus_device device) {
    if (device == APUS_DEVICE_CPU) return Py_NewRef((PyObject *)cpu);
    device_object *self = PyObject_New(device_object, &device_type);
    if (self != NULL) self->device = device;
    return (PyObject *)self;
}

/// "cpu", "cpu:0", "opencl" or "opencl:1".
static int parse_text(const char *text, apus_device *out) {
    const char *colon = strchr(text, ':');
    size_t length = colon == NULL ? strlen(text) : (size_t)(colon - text);
    char *end = NULL;
    long index = colon == NULL ? 0 : strtol(colon + 1, &end, 10);
    bool is_number = colon == NULL || (end != colon + 1 && *end == '\0' && index >= 0 && index < APUS_DEVICE_OPENCL);
    if (is_number && length == 3 && memcmp(text, "cpu", 3) == 0 && index == 0) {
        *out = APUS_DEVICE_CPU;
        return 0;
    }
    if (is_number && length == 6 && memcmp(text, "opencl", 6) == 0) {
        *out = APUS_DEVICE_OPENCL + (apus_device)index;
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "'%.100s' is no device; devices are cpu, opencl:0, opencl:1 and so on", text);
    return -1;
}

int apuspy_parse_device(PyObject *o, apus_device *out) {
    *out = APUS_DEVICE_CPU;
    if (o == NULL || o == Py_None) return 0;
    if (Py_TYPE(o) == &device_type) {
        *out = ((device_object *)o)->device;
        return 0;
    }
    if (!PyUnicode_Check(o)) {
        PyErr_Format(PyExc_TypeError, "expected a device, got %R", o);
        return -1;
    }
    const char *text = PyUnicode_AsUTF8(o);
    return text == NULL ? -1 : parse_text(text, out);
}

static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    (void)type;
    static char *names[] = {"device", NULL};
    PyObject *text;
    apus_device device;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:device", names, &text)) return NULL;
    return apuspy_parse_device(text, &device) < 0 ? NULL : apuspy_device(device);
}

static PyObject *represent(PyObject *self) {
    apus_device device = ((device_object *)self)->device;
    if (device == APUS_DEVICE_CPU) return PyUnicode_FromString("device(type='cpu')");
    return PyUnicode_FromFormat("device(type='%s', index=%d)", type_name(device), index_of(device));
}
static PyObject *text_of(PyObject *self) {
    apus_device device = ((device_object *)self)->device;
    if (device == APUS_DEVICE_CPU) return PyUnicode_FromString("cpu");
    return PyUnicode_FromFormat("%s:%d", type_name(device), index_of(device));
}

static PyObject *compare(PyObject *a, PyObject *b, int comparison) {
    if (Py_TYPE(b) != &device_type || (comparison != Py_EQ && comparison != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
    bool equal = ((device_object *)a)->device == ((device_object *)b)->device;
    return PyBool_FromLong(equal == (comparison == Py_EQ));
}
static Py_hash_t hash(PyObject *self) { return ((device_object *)self)->device + 1; }

static PyObject *reduce(PyObject *self, PyObject *unused) {
    (void)unused;
    return Py_BuildValue("O(N)", (PyObject *)&device_type, text_of(self));
}
static PyObject *get_type(PyObject *self, void *unused) {
    (void)unused;
    return PyUnicode_FromString(type_name(((device_object *)self)->device));
}
static PyObject *get_index(PyObject *self, void *unused) {
    (void)unused;
    apus_device device = ((device_object *)self)->device;
    if (device == APUS_DEVICE_CPU) Py_RETURN_NONE;
    return PyLong_FromLong(index_of(device));
}

static PyGetSetDef attributes[] = {
    {"type", get_type, NULL, "\"cpu\" or \"opencl\".", NULL},
    {"index", get_index, NULL, "Which of its kind; None for the CPU.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject device_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "apus.device",
    .tp_doc = "device(device)\n--\n\nWhere a tensor's elements are: \"cpu\", or an OpenCL device such as \"opencl:0\".",
    .tp_basicsize = sizeof(device_object),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = make,
    .tp_repr = represent,
    .tp_str = text_of,
    .tp_richcompare = compare,
    .tp_hash = hash,
    .tp_getset = attributes,
    .tp_methods = methods,
};

int apuspy_add_devices(PyObject *module) {
    if (PyType_Ready(&device_type) < 0) return -1;
    cpu = PyObject_New(device_object, &device_type);
    if (cpu == NULL) return -1;
    cpu->device = APUS_DEVICE_CPU;
    return PyModule_AddObjectRef(module, "device", (PyObject *)&device_type);
}
