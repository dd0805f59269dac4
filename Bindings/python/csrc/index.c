// Indexing with brackets, reading and writing.
//
// A key is worked through from the left over a view that narrows step by step: integers select, slices slice, None puts
// a dim in, tensors are collected and indexed with at the end. A slice with a negative step is the same slice with a
// positive one, and a dim to be reversed afterwards.
#include "extension.h"

typedef struct indexing {
    apus_tensor *view; ///< owned
    int32_t dim;       ///< the view's next dim
    int32_t flip_count, flips[APUS_MAX_RANK];
    int32_t entry_count; ///< for apus_index: NULL for a whole dim
    const apus_tensor *entries[APUS_MAX_RANK];
    int32_t kept_count;
    PyObject *kept[APUS_MAX_RANK]; ///< what owns entries
    bool advanced;                 ///< some entry is a tensor
} indexing;

/// An indexing that nothing is known of; the arrays are not set, as most keys are short.
static void start(indexing *ix) {
    ix->view = NULL;
    ix->dim = ix->flip_count = ix->entry_count = ix->kept_count = 0;
    ix->advanced = false;
}

static void release(indexing *ix) {
    apus_tensor_release(ix->view);
    for (int32_t i = 0; i < ix->kept_count; i++) Py_DECREF(ix->kept[i]);
}

static int check(apus_status status) {
    if (status == APUS_STATUS_ok) return 0;
    apuspy_raise(status);
    return -1;
}

/// Replaces the view by a view of it.
static int become(indexing *ix, apus_status status, apus_tensor *next) {
    if (check(status) < 0) return -1;
    apus_tensor_release(ix->view);
    ix->view = next;
    return 0;
}

static int add_entry(indexing *ix, const apus_tensor *entry) {
    if (ix->entry_count == APUS_MAX_RANK) {
        PyErr_SetString(PyExc_IndexError, "too many indices");
        return -1;
    }
    ix->entries[ix->entry_count++] = entry;
    return 0;
}

static int too_many(const indexing *ix) {
    if (ix->dim < apus_tensor_rank(ix->view)) return 0;
    PyErr_Format(PyExc_IndexError, "too many indices for a tensor of rank %d", (int)apus_tensor_rank(ix->view));
    return -1;
}

/// Reads a Python integer; one that does not fit is out of every range.
static int parse_index(PyObject *item, int64_t *index) {
    *index = PyLong_AsLongLong(item);
    if (*index == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError))
            PyErr_SetString(PyExc_IndexError, "the index does not fit in 64 bits");
        return -1;
    }
    return 0;
}

static int add_integer(indexing *ix, PyObject *item) {
    int64_t index;
    if (parse_index(item, &index) < 0) return -1;
    if (too_many(ix) < 0) return -1;
    apus_tensor *next = NULL;
    apus_status status = apus_tensor_select(&next, ix->view, ix->dim, index);
    return become(ix, status, next);
}

static int add_slice(indexing *ix, PyObject *item) {
    Py_ssize_t start, stop, step;
    if (too_many(ix) < 0 || PySlice_Unpack(item, &start, &stop, &step) < 0) return -1;
    Py_ssize_t count = PySlice_AdjustIndices((Py_ssize_t)apus_tensor_shape(ix->view)[ix->dim], &start, &stop, step);
    if (step < 0) {
        Py_ssize_t last = count > 0 ? start + (count - 1) * step : 0;
        stop = count > 0 ? start + 1 : 0;
        start = last;
        step = step == PY_SSIZE_T_MIN ? PY_SSIZE_T_MAX : -step;
        ix->flips[ix->flip_count++] = ix->dim;
    }
    apus_tensor *next = NULL;
    apus_status status = apus_tensor_slice(&next, ix->view, ix->dim, start, count > 0 ? stop : start, step);
    if (become(ix, status, next) < 0 || add_entry(ix, NULL) < 0) return -1;
    ix->dim++;
    return 0;
}

static int add_new_dim(indexing *ix) {
    apus_tensor *next = NULL;
    apus_status status = apus_tensor_unsqueeze(&next, ix->view, ix->dim);
    if (become(ix, status, next) < 0 || add_entry(ix, NULL) < 0) return -1;
    ix->dim++;
    return 0;
}

static int add_tensor(indexing *ix, PyObject *tensor) {
    const apus_tensor *index = apuspy_handle(tensor);
    apus_dtype dtype = apus_tensor_dtype(index);
    if (apus_dtype_is_floating_point(dtype) || apus_dtype_is_complex(dtype)) {
        PyErr_Format(PyExc_IndexError, "tensors used as indices must be of integers or bool, not %s",
                     apus_dtype_name(dtype));
        return -1;
    }
    int32_t covered = dtype == APUS_DTYPE_bool ? apus_tensor_rank(index) : 1;
    if (ix->dim + covered > apus_tensor_rank(ix->view)) {
        PyErr_Format(PyExc_IndexError, "too many indices for a tensor of rank %d", (int)apus_tensor_rank(ix->view));
        return -1;
    }
    for (int32_t d = 0; dtype == APUS_DTYPE_bool && d < covered; d++) {
        int64_t own = apus_tensor_shape(index)[d], size = apus_tensor_shape(ix->view)[ix->dim + d];
        if (own == size) continue;
        PyErr_Format(PyExc_IndexError, "the mask has size %lld in its dim %d, the tensor %lld in dim %d",
                     (long long)own, (int)d, (long long)size, (int)(ix->dim + d));
        return -1;
    }
    if (add_entry(ix, index) < 0) return -1;
    ix->advanced = true;
    ix->dim += covered;
    return 0;
}

/// How many dims an item covers; -1 with an exception where it is no index.
static int32_t covers(PyObject *item) {
    if (item == Py_None || item == Py_Ellipsis) return 0;
    if (!apuspy_is_tensor(item)) return PyBool_Check(item) ? 0 : 1;
    const apus_tensor *t = apuspy_handle(item);
    return apus_tensor_dtype(t) == APUS_DTYPE_bool ? apus_tensor_rank(t) : 1;
}

static int skip(indexing *ix, int32_t count) {
    for (int32_t i = 0; i < count; i++)
        if (add_entry(ix, NULL) < 0) return -1;
    ix->dim += count;
    return 0;
}

/// Lists, arrays and truth values become tensors; the new ones are kept.
static PyObject *as_index(indexing *ix, PyObject *item) {
    PyObject *made;
    if (PyList_Check(item) || PyTuple_Check(item) || PyBool_Check(item)) {
        made = apuspy_from_sequence(item, NULL);
        apus_dtype integers = APUS_DTYPE_int64;
        if (made != NULL && apus_tensor_numel(apuspy_handle(made)) == 0 && !PyBool_Check(item)) {
            Py_DECREF(made);
            made = apuspy_from_sequence(item, &integers); // an empty list is of indices
        }
    } else if (apuspy_is_array(item)) {
        made = apuspy_from_buffer(item, APUSPY_SHARE_OR_COPY);
    } else {
        return item;
    }
    if (made == NULL) return NULL;
    if (ix->kept_count == APUS_MAX_RANK) {
        Py_DECREF(made);
        return PyErr_Format(PyExc_IndexError, "too many indices");
    }
    return ix->kept[ix->kept_count++] = made;
}

static int add_item(indexing *ix, PyObject *item, int32_t rest) {
    if (item == Py_Ellipsis) return skip(ix, rest);
    if (item == Py_None) return add_new_dim(ix);
    if (PySlice_Check(item)) return add_slice(ix, item);
    if (apuspy_is_tensor(item)) return add_tensor(ix, item);
    if (PyLong_Check(item)) return add_integer(ix, item);
    if (!PyIndex_Check(item)) {
        PyErr_Format(PyExc_TypeError, "indices are integers, slices, None, ..., lists and tensors, not %.100s",
                     Py_TYPE(item)->tp_name);
        return -1;
    }
    PyObject *number = PyNumber_Index(item);
    int failed = number == NULL ? -1 : add_integer(ix, number);
    Py_XDECREF(number);
    return failed;
}

static int add_all(indexing *ix, PyObject *const *items, Py_ssize_t count) {
    PyObject *ready[2 * APUS_MAX_RANK];
    int32_t covered = 0, ellipses = 0;
    if (count > 2 * APUS_MAX_RANK) {
        PyErr_SetString(PyExc_IndexError, "too many indices");
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        ready[i] = as_index(ix, items[i]);
        if (ready[i] == NULL) return -1;
        covered += covers(ready[i]);
        ellipses += ready[i] == Py_Ellipsis;
    }
    int32_t rest = apus_tensor_rank(ix->view) - covered;
    if (ellipses > 1 || rest < 0) {
        if (ellipses > 1)
            PyErr_SetString(PyExc_IndexError, "an index may hold one ellipsis");
        else
            PyErr_Format(PyExc_IndexError, "too many indices for a tensor of rank %d", (int)apus_tensor_rank(ix->view));
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (add_item(ix, ready[i], rest) < 0) return -1;
    return 0;
}

static int resolve(indexing *ix, PyObject *self, PyObject *key) {
    if (check(apus_tensor_alias(&ix->view, apuspy_handle(self))) < 0) return -1;
    if (PyTuple_Check(key)) return add_all(ix, &PyTuple_GET_ITEM(key, 0), PyTuple_GET_SIZE(key));
    return add_all(ix, &key, 1);
}

/// The view with the dims of negative steps reversed, and indexed with the tensors.
static apus_status take(apus_tensor **out, const indexing *ix) {
    apus_tensor *reversed = NULL;
    apus_status status = APUS_STATUS_ok;
    if (ix->flip_count > 0) status = apus_flip(&reversed, ix->view, ix->flip_count, ix->flips);
    const apus_tensor *from = ix->flip_count > 0 ? reversed : ix->view;
    if (status == APUS_STATUS_ok && ix->advanced) {
        status = apus_index(out, from, ix->entry_count, ix->entries);
        apus_tensor_release(reversed);
    } else if (status == APUS_STATUS_ok) {
        *out = ix->flip_count > 0 ? reversed : apus_tensor_retain(ix->view);
    }
    return status;
}

/// The commonest keys: one integer, or one slice without a step.
static PyObject *take_simple(PyObject *self, PyObject *key) {
    const apus_tensor *t = apuspy_handle(self);
    apus_tensor *out = NULL;
    apus_status status;
    if (PyLong_CheckExact(key)) {
        int64_t index;
        if (parse_index(key, &index) < 0) return NULL;
        status = apus_tensor_select(&out, t, 0, index);
    } else {
        Py_ssize_t begin, end, step;
        if (PySlice_Unpack(key, &begin, &end, &step) < 0) return NULL;
        status = apus_tensor_slice(&out, t, 0, begin, end, 1);
    }
    return apuspy_result(status, out);
}

PyObject *apuspy_subscript(PyObject *self, PyObject *key) {
    if (apuspy_records(self)) return apuspy_record("subscript", (PyObject *[]){self, key}, 2);
    bool is_simple = PyLong_CheckExact(key) || (PySlice_Check(key) && ((PySliceObject *)key)->step == Py_None);
    if (is_simple && apus_tensor_rank(apuspy_handle(self)) > 0) return take_simple(self, key);
    indexing ix;
    start(&ix);
    PyObject *result = NULL;
    if (resolve(&ix, self, key) == 0) {
        apus_tensor *out = NULL;
        bool copies = ix.advanced || ix.flip_count > 0;
        PyThreadState *state = apuspy_begin(copies ? apus_tensor_numel(ix.view) : 0);
        apus_status status = take(&out, &ix);
        apuspy_end(state);
        result = apuspy_result(status, out);
    }
    release(&ix);
    return result;
}

PyObject *apuspy_item_at(PyObject *self, Py_ssize_t index) {
    if (apuspy_records(self)) {
        PyObject *key = PyLong_FromSsize_t(index);
        PyObject *result = key == NULL ? NULL : apuspy_record("subscript", (PyObject *[]){self, key}, 2);
        Py_XDECREF(key);
        return result;
    }
    apus_tensor *out = NULL;
    apus_status status = apus_tensor_select(&out, apuspy_handle(self), 0, index);
    return apuspy_result(status, out);
}

// ---- Writing

/// Leading dims of size 1 that the target lacks are dropped, as NumPy does.
static apus_status fit(apus_tensor **out, const apus_tensor *value, int32_t rank) {
    int32_t dims[APUS_MAX_RANK], count = 0;
    for (int32_t d = 0; d < apus_tensor_rank(value) - rank && apus_tensor_shape(value)[d] == 1; d++) dims[count++] = d;
    if (count == 0) return apus_tensor_alias(out, value);
    return apus_tensor_squeeze(out, value, count, dims);
}

/// Written where dims are reversed: the value is reversed instead.
static apus_status put_reversed(const indexing *ix, const apus_tensor *value) {
    apus_tensor *seen = NULL, *reversed = NULL;
    apus_status status = apus_tensor_expand(&seen, value, apus_tensor_rank(ix->view), apus_tensor_shape(ix->view));
    if (status == APUS_STATUS_ok) status = apus_flip(&reversed, seen, ix->flip_count, ix->flips);
    if (status == APUS_STATUS_ok) status = apus_tensor_copy(ix->view, reversed);
    apus_tensor_release(seen);
    apus_tensor_release(reversed);
    return status;
}

/// Written where tensors index and dims are reversed: to a copy, which is written back.
static apus_status put_indexed(indexing *ix, const apus_tensor *value) {
    if (ix->flip_count == 0) return apus_index_put(&ix->view, ix->view, ix->entry_count, ix->entries, value, false);
    apus_tensor *reversed = NULL, *back = NULL;
    apus_status status = apus_flip(&reversed, ix->view, ix->flip_count, ix->flips);
    if (status == APUS_STATUS_ok)
        status = apus_index_put(&reversed, reversed, ix->entry_count, ix->entries, value, false);
    if (status == APUS_STATUS_ok) status = apus_flip(&back, reversed, ix->flip_count, ix->flips);
    if (status == APUS_STATUS_ok) status = apus_tensor_copy(ix->view, back);
    apus_tensor_release(reversed);
    apus_tensor_release(back);
    return status;
}

/// The value in the dtype of what it is written to.
static apus_status typed_value(apus_tensor **out, const apuspy_operand *value, const apus_tensor *target) {
    apus_dtype dtype = apus_tensor_dtype(target);
    apus_device device = apus_tensor_device(target);
    if (value->tensor == NULL) return apus_tensor_full(out, dtype, 0, NULL, &value->number, device);
    if (apus_tensor_dtype(value->tensor) == dtype && apus_tensor_device(value->tensor) == device)
        return apus_tensor_alias(out, value->tensor);
    return apus_tensor_to(out, value->tensor, dtype, device);
}

static apus_status put(indexing *ix, const apuspy_operand *value) {
    if (!ix->advanced && value->tensor == NULL) return apus_tensor_fill(ix->view, &value->number);
    apus_tensor *typed = NULL, *fitted = NULL;
    apus_status status = APUS_STATUS_ok;
    if (!ix->advanced && ix->flip_count == 0) {
        status = fit(&fitted, value->tensor, apus_tensor_rank(ix->view));
        if (status == APUS_STATUS_ok) status = apus_tensor_copy(ix->view, fitted);
    } else {
        status = typed_value(&typed, value, ix->view);
        if (status == APUS_STATUS_ok)
            status = fit(&fitted, typed, ix->advanced ? APUS_MAX_RANK : apus_tensor_rank(ix->view));
        if (status == APUS_STATUS_ok) status = ix->advanced ? put_indexed(ix, fitted) : put_reversed(ix, fitted);
    }
    apus_tensor_release(typed);
    apus_tensor_release(fitted);
    return status;
}

int apuspy_assign_subscript(PyObject *self, PyObject *key, PyObject *value) {
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "elements of a tensor cannot be deleted");
        return -1;
    }
    if (apuspy_records(self) || apuspy_records(value)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "writing by a key has no derivative from Python; use no_grad(), or where()");
        return -1;
    }
    apuspy_operand operand;
    PyObject *made = NULL;
    int is_operand = apuspy_parse_operand(value, &operand);
    if (is_operand == 0) {
        made = apuspy_from_sequence(value, NULL);
        is_operand = made == NULL ? -1 : apuspy_parse_operand(made, &operand);
    }
    if (is_operand < 0) return -1;
    indexing ix;
    start(&ix);
    int failed = resolve(&ix, self, key);
    if (failed == 0) {
        PyThreadState *state = apuspy_begin(apus_tensor_numel(ix.view));
        apus_status status = put(&ix, &operand);
        apuspy_end(state);
        failed = check(status);
    }
    release(&ix);
    apuspy_release_operand(&operand);
    Py_XDECREF(made);
    return failed;
}
