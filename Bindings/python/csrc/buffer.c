// Memory shared by Python's buffer protocol: with NumPy's arrays, array.array, memoryview, ctypes, mmap.
#include "extension.h"

#include <ctype.h>

// ---- Out

static const char *format_of(apus_dtype dtype) {
    switch (dtype) {
    case APUS_DTYPE_bool: return "?";
    case APUS_DTYPE_uint8: return "B";
    case APUS_DTYPE_uint16: return "H";
    case APUS_DTYPE_uint32: return "I";
    case APUS_DTYPE_uint64: return sizeof(long) == 8 ? "L" : "Q";
    case APUS_DTYPE_int8: return "b";
    case APUS_DTYPE_int16: return "h";
    case APUS_DTYPE_int32: return "i";
    case APUS_DTYPE_int64: return sizeof(long) == 8 ? "l" : "q";
    case APUS_DTYPE_float16: return "e";
    case APUS_DTYPE_bfloat16: break;
    case APUS_DTYPE_float32: return "f";
    case APUS_DTYPE_float64: return "d";
    case APUS_DTYPE_complex64: return "Zf";
    case APUS_DTYPE_complex128: return "Zd";
    }
    return NULL;
}

/// Why a tensor cannot be shown as the consumer asks; NULL where it can.
static const char *refusal(const apus_tensor *t, int flags) {
    if (apus_tensor_device(t) != APUS_DEVICE_CPU) return "the tensor is not in the CPU's memory; use .cpu()";
    if ((flags & PyBUF_WRITABLE) != 0 && apus_tensor_is_read_only(t)) return "the tensor is read-only";
    if ((flags & PyBUF_FORMAT) != 0 && format_of(apus_tensor_dtype(t)) == NULL)
        return "buffers have no format for bfloat16; use .to(apus.float32)";
    bool any_strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES;
    bool needs_rows = !any_strides || (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS;
    if (needs_rows && !apus_tensor_is_contiguous(t)) return "the tensor is not contiguous; use .contiguous()";
    if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && apus_tensor_rank(t) > 1)
        return "the tensor is not contiguous in column order";
    if ((flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS && !apus_tensor_is_contiguous(t))
        return "the tensor is not contiguous; use .contiguous()";
    return NULL;
}

int apuspy_get_buffer(PyObject *self, Py_buffer *view, int flags) {
    static char nothing[16];
    const apus_tensor *t = apuspy_handle(self);
    const char *why =
        ((apuspy_tensor *)self)->variable != NULL ? "the tensor requires a gradient; use .detach()" : refusal(t, flags);
    view->obj = NULL;
    if (why != NULL) {
        PyErr_SetString(PyExc_BufferError, why);
        return -1;
    }
    int32_t rank = apus_tensor_rank(t);
    Py_ssize_t size = (Py_ssize_t)apus_dtype_size(apus_tensor_dtype(t));
    Py_ssize_t *dims = PyMem_Malloc(sizeof *dims * 2 * (size_t)(rank > 0 ? rank : 1));
    if (dims == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int32_t i = 0; i < rank; i++) {
        dims[i] = (Py_ssize_t)apus_tensor_shape(t)[i];
        dims[rank + i] = (Py_ssize_t)apus_tensor_strides(t)[i] * size;
    }
    view->buf = apus_tensor_numel(t) == 0 ? nothing : apus_tensor_data(t);
    view->obj = Py_NewRef(self);
    view->len = (Py_ssize_t)apus_tensor_numel(t) * size;
    view->readonly = apus_tensor_is_read_only(t);
    view->itemsize = size;
    view->format = (flags & PyBUF_FORMAT) != 0 ? (char *)format_of(apus_tensor_dtype(t)) : NULL;
    view->ndim = rank;
    view->shape = (flags & PyBUF_ND) == PyBUF_ND ? dims : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? dims + rank : NULL;
    view->suboffsets = NULL;
    view->internal = dims;
    return 0;
}

void apuspy_release_buffer(PyObject *self, Py_buffer *view) {
    (void)self;
    PyMem_Free(view->internal);
}

// ---- In

int apuspy_is_array(PyObject *o) {
    return PyObject_CheckBuffer(o) && !PyBytes_Check(o) && !PyByteArray_Check(o) && !apuspy_is_tensor(o);
}

static bool is_native(char order) {
    const uint16_t one = 1;
    bool little = *(const char *)&one == 1;
    return order == '@' || order == '=' || order == (little ? '<' : '>') || (order == '!' && !little);
}

/// The dtype of a buffer's elements; -1 with an exception where there is none.
static int dtype_of(const Py_buffer *view, apus_dtype *dtype) {
    const char *format = view->format == NULL ? "B" : view->format, *code = format;
    bool has_order = strchr("@=<>!", *code) != NULL && *code != '\0';
    if (has_order && !is_native(*code) && view->itemsize > 1) {
        PyErr_SetString(PyExc_ValueError, "the array is not in this machine's byte order; convert it first, as by "
                                          "a.astype(a.dtype.newbyteorder('='))");
        return -1;
    }
    code += has_order;
    bool complex = *code == 'Z';
    code += complex;
    for (int i = 0; i < APUS_DTYPE_COUNT; i++) {
        apus_dtype candidate = (apus_dtype)i;
        const char *own = format_of(candidate);
        if (own == NULL || (Py_ssize_t)apus_dtype_size(candidate) != view->itemsize || code[0] == '\0' ||
            code[1] != '\0')
            continue;
        bool same = complex ? own[0] == 'Z' && own[1] == code[0] : own[0] == code[0];
        // Integers have several letters, of which the size tells.
        if (!complex && strchr("bhilqn", code[0]) != NULL) same = strchr("bhilq", own[0]) != NULL;
        if (!complex && strchr("BHILQN", code[0]) != NULL) same = strchr("BHILQ", own[0]) != NULL;
        if (!same) continue;
        *dtype = candidate;
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "no dtype stands for elements of format '%.50s'", format);
    return -1;
}

/// A buffer that a tensor keeps.
typedef struct loan {
    Py_buffer view;
} loan;

/// The last tensor over the memory is gone, in whatever thread.
static void give_back(void *payload) {
    loan *l = payload;
    if (!Py_IsInitialized()) return; // the interpreter is gone, and the memory with the process
    PyGILState_STATE state = PyGILState_Ensure();
    PyBuffer_Release(&l->view);
    PyMem_Free(l);
    PyGILState_Release(state);
}

/// Why the memory cannot be shared; NULL where it can. `strides` get the elements' counts.
static const char *cannot_share(const Py_buffer *view, apus_dtype dtype, int64_t *strides) {
    Py_ssize_t part = apus_dtype_is_complex(dtype) ? view->itemsize / 2 : view->itemsize;
    for (int i = 0; i < view->ndim && view->len > 0; i++) {
        Py_ssize_t stride = view->strides[i];
        if (view->shape[i] > 1 && stride < 0)
            return "an array with negative strides cannot be shared; copy it first, as by a.copy()";
        if (view->shape[i] > 1 && stride % view->itemsize != 0)
            return "the array's strides are no multiple of its element size; copy it first, as by a.copy()";
        strides[i] = view->shape[i] > 1 ? stride / view->itemsize : 1;
    }
    if (view->len > 0 && (uintptr_t)view->buf % (size_t)part != 0)
        return "the array is not aligned to its elements; copy it first, as by a.copy()";
    if (view->suboffsets != NULL) return "a buffer of pointers cannot be shared";
    return NULL;
}

/// Bytes from the first element to behind the last.
static size_t extent(const Py_buffer *view, const int64_t *strides) {
    int64_t last = 0;
    for (int i = 0; i < view->ndim; i++) last += (view->shape[i] - 1) * strides[i];
    return view->len == 0 ? 0 : (size_t)(last + 1) * (size_t)view->itemsize;
}

static PyObject *share(loan *l, apus_dtype dtype, const int64_t *strides) {
    int64_t shape[APUS_MAX_RANK], packed[APUS_MAX_RANK];
    const Py_buffer *view = &l->view;
    bool empty = view->len == 0;
    for (int i = 0; i < view->ndim; i++) {
        shape[i] = view->shape[i];
        packed[i] = empty ? 0 : strides[i];
    }
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_wrap(&out, dtype, view->ndim, shape, empty ? NULL : packed, view->buf,
                                          extent(view, strides), view->readonly, give_back, l);
    return apuspy_result(status, out);
}

static PyObject *copy(const Py_buffer *view, apus_dtype dtype) {
    int64_t shape[APUS_MAX_RANK];
    for (int i = 0; i < view->ndim; i++) shape[i] = view->shape[i];
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_empty(&out, dtype, view->ndim, shape, APUS_DEVICE_CPU);
    if (status != APUS_STATUS_ok) return apuspy_raise(status);
    if (view->len > 0 && PyBuffer_ToContiguous(apus_tensor_data(out), (Py_buffer *)view, view->len, 'C') < 0) {
        apus_tensor_release(out);
        return NULL;
    }
    return apuspy_new(out);
}

static PyObject *from_view(loan *l, apuspy_sharing sharing, const apus_dtype *as) {
    apus_dtype dtype;
    int64_t strides[APUS_MAX_RANK];
    PyObject *result = NULL;
    const char *why = NULL;
    if (as != NULL)
        dtype = *as;
    else if (dtype_of(&l->view, &dtype) < 0)
        goto failed;
    if (l->view.ndim > APUS_MAX_RANK) {
        PyErr_Format(PyExc_ValueError, "the array has %d dims, a tensor at most %d", l->view.ndim, APUS_MAX_RANK);
        goto failed;
    }
    why = cannot_share(&l->view, dtype, strides);
    if (why == NULL && sharing != APUSPY_COPY) return share(l, dtype, strides);
    if (why != NULL && sharing == APUSPY_SHARE)
        PyErr_SetString(PyExc_ValueError, why);
    else
        result = copy(&l->view, dtype);
failed:
    PyBuffer_Release(&l->view);
    PyMem_Free(l);
    return result;
}

static PyObject *from_buffer_as(PyObject *o, apuspy_sharing sharing, const apus_dtype *as) {
    loan *l = PyMem_Malloc(sizeof *l);
    if (l == NULL) return PyErr_NoMemory();
    if (PyObject_GetBuffer(o, &l->view, PyBUF_FULL_RO) == 0) return from_view(l, sharing, as);
    PyMem_Free(l);
    return NULL;
}

PyObject *apuspy_from_buffer(PyObject *o, apuspy_sharing sharing) { return from_buffer_as(o, sharing, NULL); }

// ---- Functions

/// from_buffer(object, share: True, False or None for where possible, dtype of elements of the same size, or None)
static PyObject *from_buffer(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("from_buffer", count, 3, 3) < 0) return NULL;
    apuspy_sharing sharing = args[1] == Py_None   ? APUSPY_SHARE_OR_COPY
                             : args[1] == Py_True ? APUSPY_SHARE
                                                  : APUSPY_COPY;
    apus_dtype dtype;
    if (args[2] == Py_None) return from_buffer_as(args[0], sharing, NULL);
    return apuspy_parse_dtype(args[2], &dtype) < 0 ? NULL : from_buffer_as(args[0], sharing, &dtype);
}

/// from_bytes(object, dtype): the bytes of its buffer, contiguous, as a 1-d tensor that shares them.
static PyObject *from_bytes(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    apus_dtype dtype;
    if (apuspy_check_count("from_bytes", count, 2, 2) < 0 || apuspy_parse_dtype(args[1], &dtype) < 0) return NULL;
    loan *l = PyMem_Malloc(sizeof *l);
    if (l == NULL) return PyErr_NoMemory();
    if (PyObject_GetBuffer(args[0], &l->view, PyBUF_SIMPLE) < 0) {
        PyMem_Free(l);
        return NULL;
    }
    int64_t length = l->view.len / (int64_t)apus_dtype_size(dtype);
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_wrap(&out, dtype, 1, &length, NULL, l->view.buf, (size_t)l->view.len,
                                          l->view.readonly, give_back, l);
    return apuspy_result(status, out);
}

/// is_array(object): whether a tensor can be made of its buffer, as far as its kind tells.
static PyObject *is_array(PyObject *module, PyObject *o) {
    (void)module;
    return PyBool_FromLong(apuspy_is_array(o));
}

/// span(x): the memory from x's first element to its last, as a 1-d tensor.
static PyObject *span(PyObject *module, PyObject *o) {
    (void)module;
    const apus_tensor *t = apuspy_require("span", o);
    if (t == NULL) return NULL;
    int64_t length = apus_tensor_numel(t) == 0 ? 0 : 1, stride = 1;
    for (int32_t i = 0; i < apus_tensor_rank(t) && length > 0; i++)
        length += (apus_tensor_shape(t)[i] - 1) * apus_tensor_strides(t)[i];
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_as_strided(&out, t, 1, &length, &stride, apus_tensor_offset(t));
    return apuspy_result(status, out);
}

PyMethodDef apuspy_bridge_functions[] = {
    {"from_buffer", (PyCFunction)(void (*)(void))from_buffer, METH_FASTCALL, NULL},
    {"from_bytes", (PyCFunction)(void (*)(void))from_bytes, METH_FASTCALL, NULL},
    {"is_array", is_array, METH_O, NULL},
    {"span", span, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
