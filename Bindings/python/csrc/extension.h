// What the parts of the Python extension share.
//
// The extension gives Python the C library's functions in their plain form; the signatures of the array API standard
// and PyTorch's spellings are made of these in Python. Operators are reached by their numbers in the library's tables,
// so that a new line in a table is a new operator here.
//
// Every function that returns a Python object returns a new reference, or NULL with an exception set.
#ifndef APUSPY_EXTENSION_H
#define APUSPY_EXTENSION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <apus/apus.h>

// ---- Objects

/// A tensor. The handle never changes, so that other threads may use it while this one waits.
typedef struct apuspy_tensor {
    PyObject_HEAD apus_tensor *handle;
    struct apus_variable *variable; ///< where a gradient is asked for, else NULL; see train.c
    PyObject *weak_references;
} apuspy_tensor;

extern PyTypeObject apuspy_tensor_type;

static inline int apuspy_is_tensor(PyObject *o) { return PyObject_TypeCheck(o, &apuspy_tensor_type); }
static inline apus_tensor *apuspy_handle(PyObject *o) { return ((apuspy_tensor *)o)->handle; }

/// The tensor behind `o`, which is borrowed; NULL with a TypeError that names `function` where it is none.
apus_tensor *apuspy_require(const char *function, PyObject *o);
/// Wraps a handle, of which it becomes the owner, also on failure.
PyObject *apuspy_new(apus_tensor *handle);
/// The same, where `status` says that the call which made the handle went well; else its exception.
PyObject *apuspy_result(apus_status status, apus_tensor *handle);

/// The object for a dtype; there is one for each.
PyObject *apuspy_dtype(apus_dtype dtype);
/// Reads a dtype: one of the objects above, or Python's bool, int, float or complex. -1 and a TypeError otherwise.
int apuspy_parse_dtype(PyObject *o, apus_dtype *out);
/// The dtype that Python's floats become; its complex partner for complex numbers.
extern apus_dtype apuspy_default_float;
apus_dtype apuspy_default_dtype(apus_scalar_kind kind);

/// The object for a device.
PyObject *apuspy_device(apus_device device);
/// Reads a device object, a text such as "cpu" or "opencl:0", or None for the CPU. -1 and an exception otherwise.
int apuspy_parse_device(PyObject *o, apus_device *out);

// ---- Errors and long calls

/// Raises the exception that stands for a status, with the library's text. Returns NULL.
PyObject *apuspy_raise(apus_status status);

/// Calls over this many elements release the interpreter lock. Taking it back costs some 0.1 µs where nobody wants it,
/// and up to 5 ms where somebody does, which is why short calls keep it.
enum { APUSPY_LONG_CALL = 16384 };

/// Lets other threads run during a long call. `elements` is a guess of its work.
static inline PyThreadState *apuspy_begin(int64_t elements) {
    return elements < APUSPY_LONG_CALL ? NULL : PyEval_SaveThread();
}
static inline void apuspy_end(PyThreadState *state) {
    if (state != NULL) PyEval_RestoreThread(state);
}

// ---- Operands

/// Reads a Python number. 1 where it is one, 0 where it is none (no exception), -1 with an exception.
int apuspy_parse_scalar(PyObject *o, apus_scalar *out);
/// The Python number for a scalar.
PyObject *apuspy_scalar(const apus_scalar *s);

/// Something that an operator takes: a tensor, borrowed or made of an array, or a number.
typedef struct apuspy_operand {
    apus_tensor *tensor; ///< NULL for a number
    PyObject *keep;      ///< what owns `tensor` where it is not borrowed
    apus_scalar number;
} apuspy_operand;

/// Reads an operand. 1 where it is one, 0 where it is none (no exception), -1 with an exception.
int apuspy_parse_operand(PyObject *o, apuspy_operand *out);
void apuspy_release_operand(apuspy_operand *operand);

/// Reads an integer or a sequence of them as sizes or dims. -1 and an exception that names `what` otherwise.
int apuspy_parse_sizes(const char *what, PyObject *o, int32_t *count, int64_t sizes[APUS_MAX_RANK]);
int apuspy_parse_dims(const char *what, PyObject *o, int32_t *count, int32_t dims[APUS_MAX_RANK]);
/// A tuple of sizes.
PyObject *apuspy_sizes(int32_t count, const int64_t *sizes);

/// Checks the number of positional arguments. -1 and a TypeError where it is another.
int apuspy_check_count(const char *function, Py_ssize_t given, Py_ssize_t least, Py_ssize_t most);

// ---- Operators

/// op(a, b) of two operands; `out` is where to write, or NULL for a new tensor. Py_NotImplemented where a or b is no
/// operand.
PyObject *apuspy_binary(apus_binary_op op, PyObject *a, PyObject *b, PyObject *out);
PyObject *apuspy_unary(apus_unary_op op, PyObject *x, PyObject *out);
/// Matrix product of two tensors or arrays; Py_NotImplemented as above.
PyObject *apuspy_matmul(PyObject *a, PyObject *b, PyObject *out);

PyObject *apuspy_subscript(PyObject *self, PyObject *key);
int apuspy_assign_subscript(PyObject *self, PyObject *key, PyObject *value);
PyObject *apuspy_item_at(PyObject *self, Py_ssize_t index);

// ---- Bridges

/// Whether the tensor can be made of `o` by its buffer: an array, not text or bytes.
int apuspy_is_array(PyObject *o);
/// What to do about memory that cannot be shared.
typedef enum apuspy_sharing { APUSPY_SHARE, APUSPY_SHARE_OR_COPY, APUSPY_COPY } apuspy_sharing;
/// A tensor over an object's buffer, or a copy of it.
PyObject *apuspy_from_buffer(PyObject *o, apuspy_sharing sharing);
int apuspy_get_buffer(PyObject *self, Py_buffer *view, int flags);
void apuspy_release_buffer(PyObject *self, Py_buffer *view);

/// A tensor of Python numbers in nested sequences. `dtype` is borrowed and may be NULL: it follows from the numbers.
PyObject *apuspy_from_sequence(PyObject *o, const apus_dtype *dtype);
/// The numbers in nested lists; a number for a 0-d tensor.
PyObject *apuspy_to_list(PyObject *self);

// ---- Gradients

/// Whether operations on `o` are to be recorded now.
bool apuspy_records(PyObject *o);
bool apuspy_any_records(PyObject *const *args, Py_ssize_t count);
/// Runs an operation, named as the function here, so that it is recorded.
PyObject *apuspy_record(const char *name, PyObject *const *args, Py_ssize_t count);
/// The name of the operation that made the tensor, or None.
PyObject *apuspy_grad_fn(PyObject *o);
void apuspy_drop_variable(apuspy_tensor *self);

// ---- Setting up: each adds its part to the module. 0, or -1 with an exception.

int apuspy_add_tensor(PyObject *module);
int apuspy_add_dtypes(PyObject *module);
int apuspy_add_devices(PyObject *module);
int apuspy_add_operators(PyObject *module);
int apuspy_add_random(PyObject *module);

extern PyNumberMethods apuspy_number_methods;
extern PyMethodDef apuspy_creation_functions[], apuspy_view_functions[], apuspy_reduction_functions[],
    apuspy_index_functions[], apuspy_bridge_functions[], apuspy_dlpack_functions[], apuspy_random_functions[],
    apuspy_library_functions[], apuspy_train_functions[], apuspy_train_object_functions[];

#endif
