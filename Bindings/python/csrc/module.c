// The module apus._core.
#include "extension.h"

static int add_functions(PyObject *module) {
    PyMethodDef *const parts[] = {
        apuspy_creation_functions, apuspy_view_functions,         apuspy_reduction_functions, apuspy_index_functions,
        apuspy_bridge_functions,   apuspy_dlpack_functions,       apuspy_random_functions,    apuspy_library_functions,
        apuspy_train_functions,    apuspy_train_object_functions,
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (PyModule_AddFunctions(module, parts[i]) < 0) return -1;
    return 0;
}

static int (*const steps[])(PyObject *) = {
    apuspy_add_tensor, apuspy_add_dtypes, apuspy_add_devices, apuspy_add_operators, apuspy_add_random, add_functions,
};

PyMODINIT_FUNC PyInit__core(void) {
    static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "apus._core",
                                     .m_doc = "The C library for Python, in its plain form.", .m_size = -1};
    PyObject *module = PyModule_Create(&definition);
    for (size_t i = 0; module != NULL && i < sizeof steps / sizeof steps[0]; i++)
        if (steps[i](module) < 0) Py_CLEAR(module);
    return module;
}
