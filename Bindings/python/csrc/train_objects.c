// libapus_train's modules and optimizers, as capsules that Python's classes hold.
#include "train.h"

static const char module_name[] = "apus.module", optimizer_name[] = "apus.optimizer";

static void destroy_module(PyObject *capsule) {
    apuspy_train.module_release(PyCapsule_GetPointer(capsule, module_name));
}
static void destroy_optimizer(PyObject *capsule) {
    apuspy_train.optimizer_release(PyCapsule_GetPointer(capsule, optimizer_name));
}
static apus_module *module_of(PyObject *capsule) { return PyCapsule_GetPointer(capsule, module_name); }
static apus_optimizer *optimizer_of(PyObject *capsule) { return PyCapsule_GetPointer(capsule, optimizer_name); }

static PyObject *done(apus_status status) {
    if (status != APUS_STATUS_ok) return apuspy_raise(status);
    Py_RETURN_NONE;
}

/// signatures("module" or "optimizer"): the texts, a list.
static PyObject *signatures(PyObject *module, PyObject *what) {
    (void)module;
    bool modules = PyUnicode_CompareWithASCIIString(what, "module") == 0;
    int32_t count = modules ? apuspy_train.module_kind_count() : apuspy_train.optimizer_kind_count();
    PyObject *list = PyList_New(count);
    for (int32_t i = 0; list != NULL && i < count; i++) {
        PyObject *text =
            PyUnicode_FromString(modules ? apuspy_train.module_signature(i) : apuspy_train.optimizer_signature(i));
        if (text == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, text);
    }
    return list;
}
static PyObject *operator_signature(PyObject *module, PyObject *name) {
    (void)module;
    const char *text = PyUnicode_AsUTF8(name);
    int32_t op = text == NULL ? -1 : apuspy_train.operator_find(text);
    if (op < 0) Py_RETURN_NONE;
    return PyUnicode_FromString(apuspy_train.operator_signature(op));
}

// ---- Modules

/// module_new(kind, arguments)
static PyObject *module_new(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("module_new", count, 2, 2) < 0) return NULL;
    apuspy_call c = {.count = 0};
    apus_module *made = NULL;
    PyObject *capsule = NULL;
    if (apuspy_pack(&c, args[1]) == 0) {
        apus_status status = apuspy_train.module_new(&made, PyUnicode_AsUTF8(args[0]), c.count, c.arguments);
        capsule = status == APUS_STATUS_ok ? PyCapsule_New(made, module_name, destroy_module) : apuspy_raise(status);
    }
    apuspy_release_call(&c);
    return capsule;
}

/// module_forward(module, x)
static PyObject *module_forward(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("forward", count, 2, 2) < 0) return NULL;
    apus_module *layer = module_of(args[0]);
    apus_variable *x = layer == NULL ? NULL : apuspy_variable("forward", args[1]), *out = NULL;
    if (x == NULL) return NULL;
    PyThreadState *state = apuspy_begin(apus_tensor_numel(apuspy_handle(args[1])) * 64); // a layer does much with each
    apus_status status = apuspy_train.module_forward(&out, layer, x);
    apuspy_end(state);
    apuspy_train.variable_release(x);
    return status == APUS_STATUS_ok ? apuspy_wrap_variable(out) : apuspy_raise(status);
}

/// A state as a list of names and tensors; releases it.
static PyObject *state_list(apus_status status, apus_state *state) {
    if (status != APUS_STATUS_ok) return apuspy_raise(status);
    int32_t count = apuspy_train.state_count(state);
    PyObject *list = PyList_New(count);
    for (int32_t i = 0; list != NULL && i < count; i++) {
        PyObject *tensor = apuspy_wrap_variable(apuspy_train.variable_retain(apuspy_train.state_variable(state, i)));
        PyObject *pair = tensor == NULL ? NULL : Py_BuildValue("(sN)", apuspy_train.state_name(state, i), tensor);
        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, pair);
    }
    apuspy_train.state_release(state);
    return list;
}
static PyObject *module_parameters(PyObject *module, PyObject *capsule) {
    (void)module;
    apus_state *state = NULL;
    if (module_of(capsule) == NULL) return NULL;
    apus_status status = apuspy_train.module_parameters(&state, module_of(capsule));
    return state_list(status, state);
}
static PyObject *module_buffers(PyObject *module, PyObject *capsule) {
    (void)module;
    apus_state *state = NULL;
    if (module_of(capsule) == NULL) return NULL;
    apus_status status = apuspy_train.module_buffers(&state, module_of(capsule));
    return state_list(status, state);
}

/// module_train(module, training)
static PyObject *module_train(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("train", count, 2, 2) < 0 || module_of(args[0]) == NULL) return NULL;
    return done(apuspy_train.module_train(module_of(args[0]), PyObject_IsTrue(args[1]) == 1));
}
static PyObject *module_describe(PyObject *module, PyObject *capsule) {
    (void)module;
    char text[4096];
    if (module_of(capsule) == NULL) return NULL;
    apus_status status = apuspy_train.module_describe(module_of(capsule), text, sizeof text, NULL);
    return status == APUS_STATUS_ok ? PyUnicode_FromString(text) : apuspy_raise(status);
}

// ---- Optimizers

/// optimizer_new(kind, parameters, arguments)
static PyObject *optimizer_new(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("optimizer_new", count, 3, 3) < 0) return NULL;
    Py_ssize_t parameter_count = PyTuple_GET_SIZE(args[1]);
    apus_variable **parameters = apuspy_variables("optimizer", args[1]);
    apuspy_call c = {.count = 0};
    apus_optimizer *made = NULL;
    PyObject *capsule = NULL;
    if (parameters != NULL && apuspy_pack(&c, args[2]) == 0) {
        apus_status status = apuspy_train.optimizer_new(&made, PyUnicode_AsUTF8(args[0]), (int32_t)parameter_count,
                                                        parameters, c.count, c.arguments);
        capsule =
            status == APUS_STATUS_ok ? PyCapsule_New(made, optimizer_name, destroy_optimizer) : apuspy_raise(status);
    }
    apuspy_release_call(&c);
    apuspy_release_variables(parameters, parameter_count);
    return capsule;
}
static PyObject *optimizer_step(PyObject *module, PyObject *capsule) {
    (void)module;
    apus_optimizer *optimizer = optimizer_of(capsule);
    if (optimizer == NULL) return NULL;
    PyThreadState *state = PyEval_SaveThread();
    apus_status status = apuspy_train.optimizer_step(optimizer);
    PyEval_RestoreThread(state);
    return done(status);
}
static PyObject *optimizer_zero_grad(PyObject *module, PyObject *capsule) {
    (void)module;
    if (optimizer_of(capsule) == NULL) return NULL;
    return done(apuspy_train.optimizer_zero_grad(optimizer_of(capsule)));
}
/// optimizer_get(optimizer, option)
static PyObject *optimizer_get(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    double value = 0;
    if (apuspy_check_count("optimizer_get", count, 2, 2) < 0 || optimizer_of(args[0]) == NULL) return NULL;
    apus_status status = apuspy_train.optimizer_get(optimizer_of(args[0]), 0, PyUnicode_AsUTF8(args[1]), &value);
    return status == APUS_STATUS_ok ? PyFloat_FromDouble(value) : apuspy_raise(status);
}
/// optimizer_set(optimizer, option, value): in all groups.
static PyObject *optimizer_set(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("optimizer_set", count, 3, 3) < 0 || optimizer_of(args[0]) == NULL) return NULL;
    double value = PyFloat_AsDouble(args[2]);
    if (PyErr_Occurred()) return NULL;
    return done(apuspy_train.optimizer_set(optimizer_of(args[0]), -1, PyUnicode_AsUTF8(args[1]), value));
}

#define FUNCTION(name)                                                                                                 \
    { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL }
PyMethodDef apuspy_train_object_functions[] = {
    {"signatures", signatures, METH_O, NULL},
    {"operator_signature", operator_signature, METH_O, NULL},
    FUNCTION(module_new),
    FUNCTION(module_forward),
    {"module_parameters", module_parameters, METH_O, NULL},
    {"module_buffers", module_buffers, METH_O, NULL},
    FUNCTION(module_train),
    {"module_describe", module_describe, METH_O, NULL},
    FUNCTION(optimizer_new),
    {"optimizer_step", optimizer_step, METH_O, NULL},
    {"optimizer_zero_grad", optimizer_zero_grad, METH_O, NULL},
    FUNCTION(optimizer_get),
    FUNCTION(optimizer_set),
    {NULL, NULL, 0, NULL},
};
#undef FUNCTION
