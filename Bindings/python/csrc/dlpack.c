// DLPack's capsules.
#include "extension.h"

#include <apus/dlpack.h>

static const char versioned_name[] = "dltensor_versioned", plain_name[] = "dltensor";

// A capsule that nobody consumed still owns its tensor.

static void destroy_versioned(PyObject *capsule) {
    if (!PyCapsule_IsValid(capsule, versioned_name)) return;
    apus_dlpack_versioned *managed = PyCapsule_GetPointer(capsule, versioned_name);
    managed->deleter(managed);
}
static void destroy_plain(PyObject *capsule) {
    if (!PyCapsule_IsValid(capsule, plain_name)) return;
    apus_dlpack_managed *managed = PyCapsule_GetPointer(capsule, plain_name);
    managed->deleter(managed);
}

/// BufferError is what the protocol expects of an export that is not possible.
static PyObject *refuse(void) {
    PyErr_SetString(PyExc_BufferError, apus_last_error());
    return NULL;
}

/// to_dlpack(x, versioned, copy)
static PyObject *to_dlpack(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (apuspy_check_count("to_dlpack", count, 3, 3) < 0) return NULL;
    if (apuspy_is_tensor(args[0]) && ((apuspy_tensor *)args[0])->variable != NULL)
        return PyErr_Format(PyExc_BufferError, "__dlpack__: the tensor requires a gradient; use .detach()");
    const apus_tensor *t = apuspy_require("__dlpack__", args[0]);
    if (t == NULL) return NULL;
    bool copy = args[2] == Py_True;
    PyObject *capsule;
    if (args[1] == Py_True) {
        apus_dlpack_versioned *managed = NULL;
        if (apus_tensor_to_dlpack_versioned(&managed, t, copy) != APUS_STATUS_ok) return refuse();
        capsule = PyCapsule_New(managed, versioned_name, destroy_versioned);
        if (capsule == NULL) managed->deleter(managed);
    } else {
        apus_dlpack_managed *managed = NULL;
        if (apus_tensor_to_dlpack(&managed, t, copy) != APUS_STATUS_ok) return refuse();
        capsule = PyCapsule_New(managed, plain_name, destroy_plain);
        if (capsule == NULL) managed->deleter(managed);
    }
    return capsule;
}

/// dlpack_device(x): the protocol's numbers for the device.
static PyObject *dlpack_device(PyObject *module, PyObject *o) {
    (void)module;
    const apus_tensor *t = apuspy_require("__dlpack_device__", o);
    if (t == NULL) return NULL;
    int32_t type, index;
    apus_status status = apus_tensor_dlpack_device(&type, &index, t);
    return status == APUS_STATUS_ok ? Py_BuildValue("(ii)", (int)type, (int)index) : apuspy_raise(status);
}

/// What owns the memory of an imported capsule may be a Python object, whose deleter then wants the interpreter lock.
/// It takes the lock itself, as DLPack lets any thread call it, so that nothing is to be done here.
static PyObject *from_capsule(PyObject *module, PyObject *capsule) {
    (void)module;
    apus_tensor *out = NULL;
    if (PyCapsule_IsValid(capsule, versioned_name)) {
        apus_dlpack_versioned *managed = PyCapsule_GetPointer(capsule, versioned_name);
        if (PyCapsule_SetName(capsule, "used_dltensor_versioned") < 0) return NULL;
        return apuspy_result(apus_tensor_from_dlpack_versioned(&out, managed), out);
    }
    if (PyCapsule_IsValid(capsule, plain_name)) {
        apus_dlpack_managed *managed = PyCapsule_GetPointer(capsule, plain_name);
        if (PyCapsule_SetName(capsule, "used_dltensor") < 0) return NULL;
        return apuspy_result(apus_tensor_from_dlpack(&out, managed), out);
    }
    return PyErr_Format(PyExc_TypeError, "from_dlpack: expected a DLPack capsule that was not used before, got %R",
                        capsule);
}

PyMethodDef apuspy_dlpack_functions[] = {
    {"to_dlpack", (PyCFunction)(void (*)(void))to_dlpack, METH_FASTCALL, NULL},
    {"dlpack_device", dlpack_device, METH_O, NULL},
    {"from_capsule", from_capsule, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
