// The elementwise operators: a callable object for each row of the library's tables, which is a function of the module
// and a method of tensors at once.
#include "extension.h"

#include <structmember.h>

// ---- Computing

/// Tensors that operators take together, with the numbers among them made tensors.
typedef struct inputs {
    apus_tensor *tensors[3];
    apus_tensor *owned[3]; ///< those made here
    int64_t elements;      ///< of the largest
} inputs;

static void release_inputs(inputs *in) {
    for (int i = 0; i < 3; i++) apus_tensor_release(in->owned[i]);
}

/// A 0-d tensor counts in promotion as any other, as the array API standard has it; the library counts it less, as
/// PyTorch does. One dim makes the difference, and broadcasting none.
static apus_status level_ranks(inputs *in, int first, int count) {
    bool flat = false, deep = false, mixed = false;
    const apus_tensor *seen = NULL;
    for (int i = first; i < count; i++) {
        const apus_tensor *t = in->tensors[i];
        if (t == NULL || apus_tensor_is_weak(t)) continue;
        if (apus_tensor_rank(t) == 0)
            flat = true;
        else
            deep = true;
        mixed |= seen != NULL && apus_tensor_dtype(seen) != apus_tensor_dtype(t);
        seen = t;
    }
    for (int i = first; i < count && flat && deep && mixed; i++) {
        const apus_tensor *t = in->tensors[i];
        if (t == NULL || apus_tensor_is_weak(t) || apus_tensor_rank(t) > 0) continue;
        apus_tensor *lifted = NULL;
        apus_status status = apus_tensor_unsqueeze(&lifted, t, 0);
        if (status != APUS_STATUS_ok) return status;
        apus_tensor_release(in->owned[i]);
        in->tensors[i] = in->owned[i] = lifted;
    }
    return APUS_STATUS_ok;
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static PyObject *finish(apus_status status, apus_tensor *result, PyObject *out) {
    if (out == NULL) return apuspy_result(status, result);
    return status == APUS_STATUS_ok ? Py_NewRef(out) : apuspy_raise(status);
}

/// Recorded operations make new tensors, or write their first operand.
static PyObject *record(const char *name, PyObject *const *args, Py_ssize_t count, PyObject *out) {
    char in_place[64];
    if (out != NULL && out != args[0])
        return PyErr_Format(PyExc_RuntimeError, "%s: out= has no derivative; use no_grad()", name);
    snprintf(in_place, sizeof in_place, "%s_", name);
    return apuspy_record(out == NULL ? name : in_place, args, count);
}

PyObject *apuspy_unary(apus_unary_op op, PyObject *x, PyObject *out) {
    if (apuspy_records(x)) return record(apus_unary_name(op), &x, 1, out);
    apuspy_operand operand;
    int kind = apuspy_parse_operand(x, &operand);
    if (kind < 0) return NULL;
    if (kind == 0 || operand.tensor == NULL) {
        apuspy_require(apus_unary_name(op), x);
        return NULL;
    }
    apus_tensor *result = out == NULL ? NULL : apuspy_handle(out);
    PyThreadState *state = apuspy_begin(apus_tensor_numel(operand.tensor));
    apus_status status = apus_unary(&result, op, operand.tensor);
    apuspy_end(state);
    apuspy_release_operand(&operand);
    return finish(status, result, out);
}

static apus_status binary_tensors(apus_tensor **result, apus_binary_op op, apus_tensor *a, apus_tensor *b) {
    if (apus_tensor_dtype(a) == apus_tensor_dtype(b)) return apus_binary(result, op, a, b);
    inputs in = {.tensors = {a, b}};
    apus_status status = level_ranks(&in, 0, 2);
    if (status == APUS_STATUS_ok) status = apus_binary(result, op, in.tensors[0], in.tensors[1]);
    release_inputs(&in);
    return status;
}

static apus_status binary_operands(apus_tensor **result, apus_binary_op op, const apuspy_operand *a,
                                   const apuspy_operand *b) {
    int64_t elements = larger(a->tensor == NULL ? 0 : apus_tensor_numel(a->tensor),
                              b->tensor == NULL ? 0 : apus_tensor_numel(b->tensor));
    PyThreadState *state = apuspy_begin(elements);
    apus_status status = a->tensor == NULL   ? apus_binary_scalar(result, op, b->tensor, &a->number, true)
                         : b->tensor == NULL ? apus_binary_scalar(result, op, a->tensor, &b->number, false)
                                             : binary_tensors(result, op, a->tensor, b->tensor);
    apuspy_end(state);
    return status;
}

PyObject *apuspy_binary(apus_binary_op op, PyObject *a, PyObject *b, PyObject *out) {
    if (apuspy_records(a) || apuspy_records(b)) return record(apus_binary_name(op), (PyObject *[]){a, b}, 2, out);
    apuspy_operand left, right;
    int kind = apuspy_parse_operand(a, &left);
    if (kind < 0) return NULL;
    if (kind == 0) Py_RETURN_NOTIMPLEMENTED;
    kind = apuspy_parse_operand(b, &right);
    PyObject *answer = NULL;
    if (kind == 0 || (left.tensor == NULL && right.tensor == NULL)) {
        answer = Py_NewRef(Py_NotImplemented);
    } else if (kind > 0) {
        apus_tensor *result = out == NULL ? NULL : apuspy_handle(out);
        answer = finish(binary_operands(&result, op, &left, &right), result, out);
        apuspy_release_operand(&right);
    }
    apuspy_release_operand(&left);
    return answer;
}

PyObject *apuspy_matmul(PyObject *a, PyObject *b, PyObject *out) {
    if (apuspy_records(a) || apuspy_records(b)) return record("matmul", (PyObject *[]){a, b}, 2, out);
    apuspy_operand left, right;
    int kind = apuspy_parse_operand(a, &left);
    if (kind < 0) return NULL;
    if (kind == 0 || left.tensor == NULL) Py_RETURN_NOTIMPLEMENTED;
    kind = apuspy_parse_operand(b, &right);
    PyObject *answer = NULL;
    if (kind == 0 || (kind > 0 && right.tensor == NULL)) {
        answer = Py_NewRef(Py_NotImplemented);
    } else if (kind > 0) {
        apus_tensor *result = out == NULL ? NULL : apuspy_handle(out);
        int32_t rank = apus_tensor_rank(left.tensor);
        int64_t inner = rank == 0 ? 1 : apus_tensor_shape(left.tensor)[rank - 1];
        PyThreadState *state =
            apuspy_begin(inner == 0 ? 0 : apus_tensor_numel(left.tensor) / inner * apus_tensor_numel(right.tensor));
        apus_status status = apus_matmul(&result, left.tensor, right.tensor);
        apuspy_end(state);
        answer = finish(status, result, out);
        apuspy_release_operand(&right);
    }
    apuspy_release_operand(&left);
    return answer;
}

static apus_status ternary_operands(apus_tensor **result, apus_ternary_op op, const apuspy_operand operands[3],
                                    const apus_scalar *value) {
    inputs in = {.elements = 0};
    apus_status status = APUS_STATUS_ok;
    for (int i = 0; i < 3 && status == APUS_STATUS_ok; i++) {
        in.tensors[i] = operands[i].tensor;
        if (in.tensors[i] == NULL) status = apus_tensor_scalar(&in.owned[i], &operands[i].number);
        if (in.tensors[i] == NULL) in.tensors[i] = in.owned[i];
        in.elements = larger(in.elements, apus_tensor_numel(in.tensors[i]));
    }
    if (status == APUS_STATUS_ok) status = level_ranks(&in, op == APUS_TERNARY_where, 3);
    if (status == APUS_STATUS_ok) {
        PyThreadState *state = apuspy_begin(in.elements);
        status = apus_ternary(result, op, in.tensors[0], in.tensors[1], in.tensors[2], value);
        apuspy_end(state);
    }
    release_inputs(&in);
    return status;
}

static PyObject *ternary(apus_ternary_op op, PyObject *const *args, PyObject *value, PyObject *out) {
    apuspy_operand operands[3] = {{.keep = NULL}};
    apus_scalar scale = {.kind = APUS_SCALAR_int, .integer = 1};
    int read = 0, kind = 1;
    if (apuspy_any_records(args, 3)) {
        PyObject *all[] = {args[0], args[1], args[2], value};
        return record(apus_ternary_name(op), all, value == NULL ? 3 : 4, out);
    }
    for (; read < 3 && kind > 0; read++) kind = apuspy_parse_operand(args[read], &operands[read]);
    if (kind > 0 && value != NULL) {
        kind = apuspy_parse_scalar(value, &scale);
        if (kind == 0) PyErr_Format(PyExc_TypeError, "%s: value must be a number", apus_ternary_name(op));
    } else if (kind == 0) {
        apuspy_require(apus_ternary_name(op), args[read - 1]);
    }
    PyObject *answer = NULL;
    if (kind > 0) {
        apus_tensor *result = out == NULL ? NULL : apuspy_handle(out);
        answer = finish(ternary_operands(&result, op, operands, &scale), result, out);
    }
    for (int i = 0; i < read; i++) apuspy_release_operand(&operands[i]);
    return answer;
}

// ---- The callable

typedef enum operator_kind { OPERATOR_UNARY, OPERATOR_BINARY, OPERATOR_TERNARY } operator_kind;

typedef struct operator_object {
    PyObject_HEAD vectorcallfunc call;
    operator_kind kind;
    int number;
    bool in_place; ///< writes its first argument
    PyObject *name, *doc, *signature;
} operator_object;

/// What may follow the operands by name.
typedef struct options {
    PyObject *out, *value;
} options;

static int parse_options(const operator_object *self, options *o, PyObject *const *values, PyObject *names) {
    Py_ssize_t count = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (PyUnicode_CompareWithASCIIString(name, "out") == 0 && !self->in_place) {
            o->out = values[i] == Py_None ? NULL : values[i];
        } else if (PyUnicode_CompareWithASCIIString(name, "value") == 0 && self->kind == OPERATOR_TERNARY) {
            o->value = values[i];
        } else {
            PyErr_Format(PyExc_TypeError, "%U() has no argument %R", self->name, name);
            return -1;
        }
    }
    if (o->out == NULL || apuspy_is_tensor(o->out)) return 0;
    PyErr_Format(PyExc_TypeError, "%U: out must be a Tensor, got %.100s", self->name, Py_TYPE(o->out)->tp_name);
    return -1;
}

static PyObject *call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names) {
    const operator_object *self = (operator_object *)callable;
    Py_ssize_t count = PyVectorcall_NARGS(flags), expected = (Py_ssize_t)self->kind + 1;
    if (count != expected)
        return PyErr_Format(PyExc_TypeError, "%U() takes %zd operands, got %zd", self->name, expected, count);
    options o = {.out = NULL};
    if (parse_options(self, &o, args + count, names) < 0) return NULL;
    if (self->in_place) {
        o.out = args[0];
        if (!apuspy_is_tensor(o.out)) return apuspy_require("an operator in place", o.out), NULL;
    }
    if (self->kind == OPERATOR_UNARY) return apuspy_unary((apus_unary_op)self->number, args[0], o.out);
    if (self->kind == OPERATOR_TERNARY) return ternary((apus_ternary_op)self->number, args, o.value, o.out);
    PyObject *answer = apuspy_binary((apus_binary_op)self->number, args[0], args[1], o.out);
    if (answer != Py_NotImplemented) return answer;
    Py_DECREF(answer);
    return PyErr_Format(PyExc_TypeError, "%U: expected tensors, or a tensor and a number, got %.100s and %.100s",
                        self->name, Py_TYPE(args[0])->tp_name, Py_TYPE(args[1])->tp_name);
}

static PyObject *bind(PyObject *self, PyObject *object, PyObject *type) {
    (void)type;
    return object == NULL || object == Py_None ? Py_NewRef(self) : PyMethod_New(self, object);
}

static void deallocate(PyObject *o) {
    operator_object *self = (operator_object *)o;
    Py_XDECREF(self->name);
    Py_XDECREF(self->doc);
    Py_XDECREF(self->signature);
    Py_TYPE(o)->tp_free(o);
}

static PyObject *represent(PyObject *o) {
    return PyUnicode_FromFormat("<operator apus.%U>", ((operator_object *)o)->name);
}
static PyObject *reduce(PyObject *o, PyObject *unused) {
    (void)unused;
    return Py_NewRef(((operator_object *)o)->name);
}

static PyMemberDef members[] = {
    {"__name__", T_OBJECT, offsetof(operator_object, name), READONLY, NULL},
    {"__qualname__", T_OBJECT, offsetof(operator_object, name), READONLY, NULL},
    {"__doc__", T_OBJECT, offsetof(operator_object, doc), READONLY, NULL},
    {"__text_signature__", T_OBJECT, offsetof(operator_object, signature), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject operator_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "apus.operator",
    .tp_basicsize = sizeof(operator_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_vectorcall_offset = offsetof(operator_object, call),
    .tp_call = PyVectorcall_Call,
    .tp_descr_get = bind,
    .tp_dealloc = deallocate,
    .tp_repr = represent,
    .tp_members = members,
    .tp_methods = methods,
};

// ---- Making them

static const char *table_name(operator_kind kind, int number) {
    switch (kind) {
    case OPERATOR_UNARY: return apus_unary_name((apus_unary_op)number);
    case OPERATOR_BINARY: return apus_binary_name((apus_binary_op)number);
    case OPERATOR_TERNARY: break;
    }
    return apus_ternary_name((apus_ternary_op)number);
}

static PyObject *new_operator(operator_kind kind, int number, bool in_place) {
    static const char *const operands[] = {"x1", "x1, x2", "x1, x2, x3"};
    operator_object *self = PyObject_New(operator_object, &operator_type);
    if (self == NULL) return NULL;
    const char *name = table_name(kind, number);
    self->call = call;
    self->kind = kind;
    self->number = number;
    self->in_place = in_place;
    self->name = PyUnicode_FromFormat("%s%s", name, in_place ? "_" : "");
    self->doc = in_place ? PyUnicode_FromFormat("%s of the operands, written to the first.", name)
                         : PyUnicode_FromFormat("%s, element by element, with broadcasting and promotion.\n\n`out` is "
                                                "a tensor to write to; without it a new one is made.",
                                                name);
    self->signature = PyUnicode_FromFormat("(%s, /%s%s)", operands[kind], in_place ? "" : ", *, out=None",
                                           kind != OPERATOR_TERNARY ? ""
                                           : in_place               ? ", *, value=1"
                                                                    : ", value=1");
    if (self->name != NULL && self->doc != NULL && self->signature != NULL) return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static int add_operator(PyObject *dictionary, operator_kind kind, int number, bool in_place) {
    PyObject *made = new_operator(kind, number, in_place);
    int failed = made == NULL ? -1 : PyDict_SetItem(dictionary, ((operator_object *)made)->name, made);
    Py_XDECREF(made);
    return failed;
}

/// `operators`: every row of the tables by its name, and in place with an underscore behind it.
int apuspy_add_operators(PyObject *module) {
    static const int counts[] = {APUS_UNARY_COUNT, APUS_BINARY_COUNT, APUS_TERNARY_COUNT};
    if (PyType_Ready(&operator_type) < 0) return -1;
    PyObject *dictionary = PyDict_New();
    if (dictionary == NULL) return -1;
    int failed = 0;
    for (operator_kind kind = OPERATOR_UNARY; kind <= OPERATOR_TERNARY; kind++)
        for (int number = 0; number < counts[kind] && failed == 0; number++) {
            failed = add_operator(dictionary, kind, number, false);
            if (failed == 0) failed = add_operator(dictionary, kind, number, true);
        }
    if (failed == 0) failed = PyModule_AddObjectRef(module, "operators", dictionary);
    Py_DECREF(dictionary);
    return failed;
}
