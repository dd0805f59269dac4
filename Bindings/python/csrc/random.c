// Random numbers.
#include "extension.h"

typedef struct generator_object {
    PyObject_HEAD apus_generator *generator;
} generator_object;

static PyTypeObject generator_type;

static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"device", NULL};
    PyObject *device = Py_None;
    apus_device place;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:Generator", names, &device)) return NULL;
    if (apuspy_parse_device(device, &place) < 0) return NULL;
    generator_object *self = (generator_object *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    apus_status status = apus_generator_new(&self->generator, 67280421310721);
    if (status == APUS_STATUS_ok) return (PyObject *)self;
    Py_DECREF(self);
    return apuspy_raise(status);
}
static void deallocate(PyObject *self) {
    apus_generator_release(((generator_object *)self)->generator);
    Py_TYPE(self)->tp_free(self);
}

/// The library's generator; NULL, with *failed unset, for the process's own.
static apus_generator *generator_of(PyObject *o, int *failed) {
    *failed = o != Py_None && !PyObject_TypeCheck(o, &generator_type);
    if (*failed) PyErr_Format(PyExc_TypeError, "expected a Generator, got %.100s", Py_TYPE(o)->tp_name);
    return *failed || o == Py_None ? NULL : ((generator_object *)o)->generator;
}

static PyObject *seed_with(apus_generator *generator, PyObject *seed) {
    unsigned long long value = PyLong_AsUnsignedLongLongMask(seed);
    if (PyErr_Occurred()) return NULL;
    apus_generator_seed(generator, value);
    Py_RETURN_NONE;
}
static PyObject *manual_seed(PyObject *self, PyObject *seed) {
    PyObject *done = seed_with(((generator_object *)self)->generator, seed);
    if (done == NULL) return NULL;
    Py_DECREF(done);
    return Py_NewRef(self);
}
static PyObject *state_of(apus_generator *generator) {
    uint64_t seed, position;
    apus_generator_get_state(generator, &seed, &position);
    return Py_BuildValue("(KK)", (unsigned long long)seed, (unsigned long long)position);
}
static PyObject *restore(apus_generator *generator, PyObject *state) {
    unsigned long long seed, position;
    if (!PyArg_ParseTuple(state, "KK:set_state", &seed, &position)) return NULL;
    apus_generator_set_state(generator, seed, position);
    Py_RETURN_NONE;
}
static PyObject *get_state(PyObject *self, PyObject *unused) {
    (void)unused;
    return state_of(((generator_object *)self)->generator);
}
static PyObject *set_state(PyObject *self, PyObject *state) {
    return restore(((generator_object *)self)->generator, state);
}

static PyMethodDef methods[] = {
    {"manual_seed", manual_seed, METH_O, "manual_seed($self, seed, /)\n--\n\nStarts the stream anew. Returns itself."},
    {"get_state", get_state, METH_NOARGS, "get_state($self, /)\n--\n\nThe seed and the position, a tuple."},
    {"set_state", set_state, METH_O, "set_state($self, state, /)\n--\n\nGoes back to what get_state gave."},
    {NULL, NULL, 0, NULL},
};
static PyTypeObject generator_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "apus.Generator",
    .tp_doc = "Generator(device=None)\n--\n\nA stream of random numbers of its own.",
    .tp_basicsize = sizeof(generator_object),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = make,
    .tp_dealloc = deallocate,
    .tp_methods = methods,
};

static PyObject *default_seed(PyObject *module, PyObject *seed) {
    (void)module;
    return seed_with(NULL, seed);
}
static PyObject *default_state(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return state_of(NULL);
}
static PyObject *set_default_state(PyObject *module, PyObject *state) {
    (void)module;
    return restore(NULL, state);
}

typedef apus_status (*filler)(apus_tensor *t, double a, double b, apus_generator *generator);

static apus_status fill_bernoulli(apus_tensor *t, double p, double unused, apus_generator *generator) {
    (void)unused;
    return apus_bernoulli(t, p, generator);
}

/// (t, a, b, generator): fills t, which it returns.
static PyObject *fill(const char *function, filler call, PyObject *const *args, Py_ssize_t count) {
    if (apuspy_check_count(function, count, 4, 4) < 0) return NULL;
    apus_tensor *t = apuspy_require(function, args[0]);
    int failed;
    double a = PyFloat_AsDouble(args[1]), b = PyFloat_AsDouble(args[2]);
    apus_generator *generator = generator_of(args[3], &failed);
    if (t == NULL || failed || PyErr_Occurred()) return NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(t));
    apus_status status = call(t, a, b, generator);
    apuspy_end(state);
    return status == APUS_STATUS_ok ? Py_NewRef(args[0]) : apuspy_raise(status);
}
static PyObject *uniform(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return fill("uniform_", apus_uniform, args, count);
}
static PyObject *normal(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return fill("normal_", apus_normal, args, count);
}
static PyObject *bernoulli(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return fill("bernoulli_", fill_bernoulli, args, count);
}
/// randint(t, low, high, generator)
static PyObject *randint(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("randint", count, 4, 4) < 0) return NULL;
    apus_tensor *t = apuspy_require("randint", args[0]);
    int failed;
    long long low = PyLong_AsLongLong(args[1]), high = PyLong_AsLongLong(args[2]);
    apus_generator *generator = generator_of(args[3], &failed);
    if (t == NULL || failed || PyErr_Occurred()) return NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(t));
    apus_status status = apus_randint(t, low, high, generator);
    apuspy_end(state);
    return status == APUS_STATUS_ok ? Py_NewRef(args[0]) : apuspy_raise(status);
}
/// randperm(n, generator)
static PyObject *randperm(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("randperm", count, 2, 2) < 0) return NULL;
    int failed;
    long long n = PyLong_AsLongLong(args[0]);
    apus_generator *generator = generator_of(args[1], &failed);
    if (failed || PyErr_Occurred()) return NULL;
    apus_tensor *out = NULL;
    PyThreadState *state = apuspy_begin(n);
    apus_status status = apus_randperm(&out, n, generator);
    apuspy_end(state);
    return apuspy_result(status, out);
}

int apuspy_add_random(PyObject *module) {
    if (PyType_Ready(&generator_type) < 0) return -1;
    return PyModule_AddObjectRef(module, "Generator", (PyObject *)&generator_type);
}

#define FUNCTION(name)                                                                                                 \
    { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL }
PyMethodDef apuspy_random_functions[] = {
    {"manual_seed", default_seed, METH_O, NULL},
    {"get_rng_state", default_state, METH_NOARGS, NULL},
    {"set_rng_state", set_default_state, METH_O, NULL},
    FUNCTION(uniform),
    FUNCTION(normal),
    FUNCTION(bernoulli),
    FUNCTION(randint),
    FUNCTION(randperm),
    {NULL, NULL, 0, NULL},
};
#undef FUNCTION
