// The tensor's operator symbols.
#include "extension.h"

#define BINARY(slot, op)                                                                                               \
    static PyObject *slot(PyObject *a, PyObject *b) { return apuspy_binary(APUS_BINARY_##op, a, b, NULL); }            \
    static PyObject *inplace_##slot(PyObject *a, PyObject *b) { return apuspy_binary(APUS_BINARY_##op, a, b, a); }

BINARY(add, add)
BINARY(subtract, sub)
BINARY(multiply, mul)
BINARY(true_divide, div)
BINARY(floor_divide, floor_divide)
BINARY(modulo, remainder)
BINARY(lshift, bitwise_left_shift)
BINARY(rshift, bitwise_right_shift)
BINARY(and, bitwise_and)
BINARY(or, bitwise_or)
BINARY(xor, bitwise_xor)
#undef BINARY

static PyObject *power_into(PyObject *a, PyObject *b, PyObject *modulus, PyObject *out) {
    if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
    return apuspy_binary(APUS_BINARY_pow, a, b, out);
}
static PyObject *power(PyObject *a, PyObject *b, PyObject *modulus) { return power_into(a, b, modulus, NULL); }
static PyObject *inplace_power(PyObject *a, PyObject *b, PyObject *modulus) { return power_into(a, b, modulus, a); }

static PyObject *matrix_multiply(PyObject *a, PyObject *b) { return apuspy_matmul(a, b, NULL); }
static PyObject *inplace_matrix_multiply(PyObject *a, PyObject *b) { return apuspy_matmul(a, b, a); }

static PyObject *negative(PyObject *a) { return apuspy_unary(APUS_UNARY_neg, a, NULL); }
static PyObject *absolute(PyObject *a) { return apuspy_unary(APUS_UNARY_abs, a, NULL); }
static PyObject *invert(PyObject *a) { return apuspy_unary(APUS_UNARY_bitwise_not, a, NULL); }
/// A tensor of its own, as NumPy's and the standard's; PyTorch's is the tensor itself.
static PyObject *positive(PyObject *a) {
    if (apuspy_records(a)) return apuspy_record("clone", &a, 1);
    apus_tensor *out = NULL;
    const apus_tensor *t = apuspy_handle(a);
    apus_status status = apus_tensor_to(&out, t, apus_tensor_dtype(t), apus_tensor_device(t));
    return apuspy_result(status, out);
}

static int read_item(PyObject *a, apus_scalar *s) {
    apus_status status = apus_tensor_item(apuspy_handle(a), s);
    if (status == APUS_STATUS_ok) return 0;
    apuspy_raise(status);
    return -1;
}

static int truth(PyObject *a) {
    apus_scalar s;
    if (apus_tensor_numel(apuspy_handle(a)) != 1) {
        PyErr_SetString(
            PyExc_ValueError,
            "the truth value of a tensor that has not exactly one element is ambiguous; use any() or all()");
        return -1;
    }
    if (read_item(a, &s) < 0) return -1;
    return s.integer != 0 || s.real != 0 || s.imaginary != 0;
}

static PyObject *converted(PyObject *a, PyObject *(*convert)(PyObject *)) {
    apus_scalar s;
    if (read_item(a, &s) < 0) return NULL;
    if (s.kind == APUS_SCALAR_complex)
        return PyErr_Format(PyExc_TypeError, "a complex tensor is no real number; use complex()");
    PyObject *number = apuspy_scalar(&s);
    if (number == NULL) return NULL;
    PyObject *result = convert(number);
    Py_DECREF(number);
    return result;
}
static PyObject *to_int(PyObject *a) { return converted(a, PyNumber_Long); }
static PyObject *to_float(PyObject *a) { return converted(a, PyNumber_Float); }

static PyObject *to_index(PyObject *a) {
    apus_dtype dtype = apus_tensor_dtype(apuspy_handle(a));
    if (apus_dtype_is_floating_point(dtype) || apus_dtype_is_complex(dtype) || dtype == APUS_DTYPE_bool)
        return PyErr_Format(PyExc_TypeError, "only integer tensors of one element are indices, not %s",
                            apus_dtype_name(dtype));
    if (apus_tensor_numel(apuspy_handle(a)) != 1)
        return PyErr_Format(PyExc_TypeError, "only integer tensors of one element are indices");
    return converted(a, PyNumber_Long);
}

PyNumberMethods apuspy_number_methods = {
    .nb_add = add,
    .nb_subtract = subtract,
    .nb_multiply = multiply,
    .nb_true_divide = true_divide,
    .nb_floor_divide = floor_divide,
    .nb_remainder = modulo,
    .nb_power = power,
    .nb_matrix_multiply = matrix_multiply,
    .nb_lshift = lshift,
    .nb_rshift = rshift,
    .nb_and = and,
    .nb_or = or
    ,
    .nb_xor = xor,
    .nb_inplace_add = inplace_add,
    .nb_inplace_subtract = inplace_subtract,
    .nb_inplace_multiply = inplace_multiply,
    .nb_inplace_true_divide = inplace_true_divide,
    .nb_inplace_floor_divide = inplace_floor_divide,
    .nb_inplace_remainder = inplace_modulo,
    .nb_inplace_power = inplace_power,
    .nb_inplace_matrix_multiply = inplace_matrix_multiply,
    .nb_inplace_lshift = inplace_lshift,
    .nb_inplace_rshift = inplace_rshift,
    .nb_inplace_and = inplace_and,
    .nb_inplace_or = inplace_or,
    .nb_inplace_xor = inplace_xor,
    .nb_negative = negative,
    .nb_positive = positive,
    .nb_absolute = absolute,
    .nb_invert = invert,
    .nb_bool = truth,
    .nb_int = to_int,
    .nb_float = to_float,
    .nb_index = to_index,
};
