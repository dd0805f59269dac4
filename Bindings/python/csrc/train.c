// Automatic differentiation, by the second library, libapus_train. It is opened when it is first asked for, so that a
// program which computes without gradients does not load it.
//
// A tensor that requires a gradient carries the library's variable. The functions of this extension hand such a tensor,
// while recording is on, to a function in Python that calls the same operator there; what has no derivative refuses it.
#include "train.h"

#include <dlfcn.h>

apuspy_train_table apuspy_train;
static PyObject *recorder; ///< called with an operation's name and its arguments

/// load_train(path, recorder)
static PyObject *load_train(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("load_train", count, 2, 2) < 0) return NULL;
    const char *path = PyUnicode_AsUTF8(args[0]);
    if (path == NULL) return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return PyErr_Format(PyExc_ImportError, "libapus_train: %s", dlerror());
#define F(name)                                                                                                        \
    apuspy_train.name = (__typeof__(apuspy_train.name))dlsym(library, "apus_" #name);                                  \
    if (apuspy_train.name == NULL) return PyErr_Format(PyExc_ImportError, "libapus_train: it lacks apus_" #name);
    APUSPY_TRAIN_FUNCTIONS(F)
#undef F
    Py_XSETREF(recorder, Py_NewRef(args[1]));
    Py_RETURN_NONE;
}

// ---- Tensors and variables

static apus_variable *variable_of(PyObject *o) { return ((apuspy_tensor *)o)->variable; }

void apuspy_drop_variable(apuspy_tensor *self) {
    if (self->variable != NULL) apuspy_train.variable_release(self->variable);
    self->variable = NULL;
}

bool apuspy_records(PyObject *o) {
    return apuspy_is_tensor(o) && variable_of(o) != NULL && apuspy_train.grad_enabled();
}

bool apuspy_any_records(PyObject *const *args, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++)
        if (apuspy_records(args[i])) return true;
    return false;
}

PyObject *apuspy_record(const char *name, PyObject *const *args, Py_ssize_t count) {
    PyObject *operation = PyUnicode_FromString(name), *values = PyTuple_New(count + 1), *result = NULL;
    if (operation != NULL && values != NULL) {
        PyTuple_SET_ITEM(values, 0, Py_NewRef(operation));
        for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(values, i + 1, Py_NewRef(args[i]));
        result = PyObject_Call(recorder, values, NULL);
    }
    Py_XDECREF(operation);
    Py_XDECREF(values);
    return result;
}

/// A tensor for a variable, which it takes over; without it where no gradient is asked for.
PyObject *apuspy_wrap_variable(apus_variable *v) {
    PyObject *made = apuspy_new(apus_tensor_retain(apuspy_train.variable_value(v)));
    if (made != NULL && apuspy_train.variable_requires_grad(v))
        ((apuspy_tensor *)made)->variable = v;
    else
        apuspy_train.variable_release(v);
    return made;
}

static PyObject *wrap_result(apus_status status, apus_variable *v) {
    if (status != APUS_STATUS_ok) return apuspy_raise(status);
    if (v == NULL) Py_RETURN_NONE;
    return apuspy_wrap_variable(v);
}

/// The tensor's variable, or a new one of its own; the caller releases it. NULL with an exception.
apus_variable *apuspy_variable(const char *function, PyObject *o) {
    if (!apuspy_is_tensor(o)) {
        PyErr_Format(PyExc_TypeError, "%s: expected a Tensor, got %.100s", function, Py_TYPE(o)->tp_name);
        return NULL;
    }
    if (variable_of(o) != NULL) return apuspy_train.variable_retain(variable_of(o));
    apus_variable *made = NULL;
    apus_status status = apuspy_train.variable_new(&made, apuspy_handle(o), false);
    if (status != APUS_STATUS_ok) apuspy_raise(status);
    return made;
}

// ---- Operators

/// The results in a tuple, or the only one by itself.
static PyObject *wrap_all(apus_variable **results, int32_t count, bool many) {
    if (!many) return apuspy_wrap_variable(results[0]);
    PyObject *tuple = PyTuple_New(count);
    for (int32_t i = 0; i < count; i++) {
        PyObject *item = apuspy_wrap_variable(results[i]);
        if (tuple != NULL && item != NULL)
            PyTuple_SET_ITEM(tuple, i, item);
        else
            Py_XDECREF(item);
        if (item == NULL) Py_CLEAR(tuple);
    }
    return tuple;
}

/// Where the operator has written its first argument: that tensor, with the history it now has.
static PyObject *written(PyObject *self, apus_variable *result) {
    apuspy_drop_variable((apuspy_tensor *)self);
    if (apuspy_train.variable_requires_grad(result))
        ((apuspy_tensor *)self)->variable = result;
    else
        apuspy_train.variable_release(result);
    return Py_NewRef(self);
}

/// call_operator(name, arguments, many): runs an operator of libapus_train. Lists among the arguments are tuples.
static PyObject *call_operator(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    enum { MOST_RESULTS = 256 };
    if (apuspy_check_count("call_operator", count, 3, 3) < 0) return NULL;
    const char *name = PyUnicode_AsUTF8(args[0]);
    if (name == NULL) return NULL;
    int32_t op = apuspy_train.operator_find(name);
    if (op < 0)
        return PyErr_Format(PyExc_NotImplementedError, "%s: has no derivative from Python; use detach() or no_grad()",
                            name);
    apuspy_call c = {.count = 0};
    apus_variable *results[MOST_RESULTS] = {NULL};
    int32_t produced = 0;
    PyObject *answer = NULL;
    if (apuspy_pack(&c, args[1]) == 0) {
        PyThreadState *state = apuspy_begin(c.elements);
        apus_status status = apuspy_train.operator_call(results, MOST_RESULTS, &produced, op, c.count, c.arguments);
        apuspy_end(state);
        if (status != APUS_STATUS_ok)
            apuspy_raise(status);
        else if (name[strlen(name) - 1] == '_' && produced == 1)
            answer = written(PyTuple_GET_ITEM(args[1], 0), results[0]);
        else
            answer = wrap_all(results, produced, args[2] == Py_True);
    }
    apuspy_release_call(&c);
    return answer;
}

// ---- What tensors say and do

/// track(x, requires_grad): makes x ask for a gradient, or no longer.
static PyObject *track(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("requires_grad_", count, 2, 2) < 0) return NULL;
    if (!apuspy_is_tensor(args[0])) return apuspy_require("requires_grad_", args[0]), NULL;
    apuspy_tensor *self = (apuspy_tensor *)args[0];
    bool wanted = PyObject_IsTrue(args[1]);
    apus_status status = APUS_STATUS_ok;
    if (self->variable == NULL && wanted)
        status = apuspy_train.variable_new(&self->variable, self->handle, true);
    else if (self->variable != NULL && !wanted) {
        status = apuspy_train.variable_set_requires_grad(self->variable, false);
        if (status == APUS_STATUS_ok) apuspy_drop_variable(self);
    }
    return status == APUS_STATUS_ok ? Py_NewRef(args[0]) : apuspy_raise(status);
}

static PyObject *requires_grad(PyObject *module, PyObject *o) {
    (void)module;
    return PyBool_FromLong(apuspy_is_tensor(o) && variable_of(o) != NULL);
}
static PyObject *is_leaf(PyObject *module, PyObject *o) {
    (void)module;
    return PyBool_FromLong(!apuspy_is_tensor(o) || variable_of(o) == NULL ||
                           apuspy_train.variable_is_leaf(variable_of(o)));
}

PyObject *apuspy_grad_fn(PyObject *o) {
    char text[256] = "";
    if (!apuspy_is_tensor(o) || variable_of(o) == NULL) Py_RETURN_NONE;
    apus_status status = apuspy_train.variable_grad_fn(variable_of(o), text, sizeof text, NULL);
    if (status != APUS_STATUS_ok) return apuspy_raise(status);
    if (text[0] == '\0') Py_RETURN_NONE;
    return PyUnicode_FromString(text);
}
static PyObject *grad_fn(PyObject *module, PyObject *o) {
    (void)module;
    return apuspy_grad_fn(o);
}

static PyObject *get_grad(PyObject *module, PyObject *o) {
    (void)module;
    if (!apuspy_is_tensor(o) || variable_of(o) == NULL) Py_RETURN_NONE;
    apus_variable *v = NULL;
    apus_status status = apuspy_train.variable_grad(&v, variable_of(o));
    return wrap_result(status, v);
}
/// set_grad(x, gradient or None)
static PyObject *set_grad(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("grad", count, 2, 2) < 0) return NULL;
    if (!apuspy_is_tensor(args[0]) || variable_of(args[0]) == NULL)
        return args[1] == Py_None ? Py_NewRef(Py_None)
                                  : PyErr_Format(PyExc_ValueError, "grad: the tensor does not require a gradient");
    apus_variable *v = args[1] == Py_None ? NULL : apuspy_variable("grad", args[1]);
    if (v == NULL && args[1] != Py_None) return NULL;
    apus_status status = apuspy_train.variable_set_grad(variable_of(args[0]), v);
    if (v != NULL) apuspy_train.variable_release(v);
    return status == APUS_STATUS_ok ? Py_NewRef(Py_None) : apuspy_raise(status);
}
static PyObject *retain_grad(PyObject *module, PyObject *o) {
    (void)module;
    if (!apuspy_is_tensor(o) || variable_of(o) == NULL)
        return PyErr_Format(PyExc_ValueError, "retain_grad: the tensor does not require a gradient");
    apus_status status = apuspy_train.variable_retain_grad(variable_of(o));
    return status == APUS_STATUS_ok ? Py_NewRef(Py_None) : apuspy_raise(status);
}
/// detach(x): the same memory without history.
static PyObject *detach(PyObject *module, PyObject *o) {
    (void)module;
    if (!apuspy_is_tensor(o)) return apuspy_require("detach", o), NULL;
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_alias(&out, apuspy_handle(o));
    return apuspy_result(status, out);
}

static PyObject *grad_enabled(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyBool_FromLong(apuspy_train.grad_enabled == NULL || apuspy_train.grad_enabled());
}
static PyObject *set_grad_enabled(PyObject *module, PyObject *o) {
    (void)module;
    return PyBool_FromLong(apuspy_train.set_grad_enabled(PyObject_IsTrue(o)));
}

/// Variables of a tuple's tensors, of which None gives NULL. NULL with an exception; the caller frees.
apus_variable **apuspy_variables(const char *function, PyObject *tuple) {
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    apus_variable **list = PyMem_Calloc((size_t)count + 1, sizeof *list);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        if (PyTuple_GET_ITEM(tuple, i) == Py_None) continue;
        list[i] = apuspy_variable(function, PyTuple_GET_ITEM(tuple, i));
        if (list[i] != NULL) continue;
        while (i-- > 0)
            if (list[i] != NULL) apuspy_train.variable_release(list[i]);
        PyMem_Free(list);
        return NULL;
    }
    if (list == NULL && !PyErr_Occurred()) PyErr_NoMemory();
    return list;
}
void apuspy_release_variables(apus_variable **list, Py_ssize_t count) {
    for (Py_ssize_t i = 0; list != NULL && i < count; i++)
        if (list[i] != NULL) apuspy_train.variable_release(list[i]);
    PyMem_Free(list);
}

/// backward(x, gradient or None, retain_graph, create_graph, inputs)
static PyObject *backward(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("backward", count, 5, 5) < 0) return NULL;
    Py_ssize_t input_count = PyTuple_GET_SIZE(args[4]);
    apus_variable *v = apuspy_variable("backward", args[0]), *gradient = NULL;
    apus_variable **inputs = v == NULL ? NULL : apuspy_variables("backward", args[4]);
    if (inputs != NULL && args[1] != Py_None) gradient = apuspy_variable("backward", args[1]);
    if (inputs != NULL && (gradient != NULL || args[1] == Py_None)) {
        PyThreadState *state = PyEval_SaveThread(); // a graph may be long, however small its end
        apus_status status =
            apuspy_train.backward(v, gradient, args[2] == Py_True, args[3] == Py_True, (int32_t)input_count, inputs);
        PyEval_RestoreThread(state);
        if (status != APUS_STATUS_ok) apuspy_raise(status);
    }
    if (v != NULL) apuspy_train.variable_release(v);
    if (gradient != NULL) apuspy_train.variable_release(gradient);
    apuspy_release_variables(inputs, input_count);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/// grad(outputs, gradients, inputs, retain_graph, create_graph, allow_unused)
static PyObject *grad(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("grad", count, 6, 6) < 0) return NULL;
    Py_ssize_t outputs = PyTuple_GET_SIZE(args[0]), gradients = PyTuple_GET_SIZE(args[1]),
               inputs = PyTuple_GET_SIZE(args[2]);
    if (gradients != outputs)
        return PyErr_Format(PyExc_ValueError, "grad: %zd outputs, but %zd gradients", outputs, gradients);
    apus_variable **of = apuspy_variables("grad", args[0]),
                  **with = of == NULL ? NULL : apuspy_variables("grad", args[1]);
    apus_variable **by = with == NULL ? NULL : apuspy_variables("grad", args[2]);
    apus_variable **results = by == NULL ? NULL : PyMem_Calloc((size_t)inputs + 1, sizeof *results);
    PyObject *answer = NULL;
    if (results != NULL) {
        PyThreadState *state = PyEval_SaveThread();
        apus_status status = apuspy_train.grad(results, (int32_t)outputs, of, with, (int32_t)inputs, by,
                                               args[3] == Py_True, args[4] == Py_True, args[5] == Py_True);
        PyEval_RestoreThread(state);
        answer = status == APUS_STATUS_ok ? PyTuple_New(inputs) : apuspy_raise(status);
        for (Py_ssize_t i = 0; answer != NULL && i < inputs; i++)
            PyTuple_SET_ITEM(answer, i, wrap_result(APUS_STATUS_ok, results[i]));
    }
    PyMem_Free(results);
    apuspy_release_variables(of, outputs);
    apuspy_release_variables(with, gradients);
    apuspy_release_variables(by, inputs);
    return answer;
}

#define FUNCTION(name)                                                                                                 \
    { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL }
PyMethodDef apuspy_train_functions[] = {
    FUNCTION(load_train),
    FUNCTION(call_operator),
    FUNCTION(track),
    {"requires_grad", requires_grad, METH_O, NULL},
    {"is_leaf", is_leaf, METH_O, NULL},
    {"grad_fn", grad_fn, METH_O, NULL},
    {"get_grad", get_grad, METH_O, NULL},
    FUNCTION(set_grad),
    {"retain_grad", retain_grad, METH_O, NULL},
    {"detach", detach, METH_O, NULL},
    {"grad_enabled", grad_enabled, METH_NOARGS, NULL},
    {"set_grad_enabled", set_grad_enabled, METH_O, NULL},
    FUNCTION(backward),
    FUNCTION(grad),
    {NULL, NULL, 0, NULL},
};
#undef FUNCTION
