// What the parts that bind libapus_train share: its functions, and arguments on their way to it.
#ifndef APUSPY_TRAIN_H
#define APUSPY_TRAIN_H

#include "extension.h"

#include <apus/train.h>

#define APUSPY_TRAIN_FUNCTIONS(F)                                                                                      \
    F(variable_new)                                                                                                    \
    F(variable_retain)                                                                                                 \
    F(variable_release)                                                                                                \
    F(variable_value)                                                                                                  \
    F(variable_requires_grad)                                                                                          \
    F(variable_is_leaf)                                                                                                \
    F(variable_set_requires_grad)                                                                                      \
    F(variable_grad_fn)                                                                                                \
    F(variable_grad)                                                                                                   \
    F(variable_set_grad)                                                                                               \
    F(variable_retain_grad)                                                                                            \
    F(grad_enabled)                                                                                                    \
    F(set_grad_enabled)                                                                                                \
    F(backward)                                                                                                        \
    F(grad)                                                                                                            \
    F(operator_find)                                                                                                   \
    F(operator_call)                                                                                                   \
    F(operator_signature)                                                                                              \
    F(module_kind_count)                                                                                               \
    F(module_signature)                                                                                                \
    F(module_new)                                                                                                      \
    F(module_release)                                                                                                  \
    F(module_forward)                                                                                                  \
    F(module_parameters)                                                                                               \
    F(module_buffers)                                                                                                  \
                                                                                                                       \
    F(module_train)                                                                                                    \
    F(module_describe)                                                                                                 \
    F(optimizer_kind_count)                                                                                            \
    F(optimizer_signature)                                                                                             \
    F(optimizer_new)                                                                                                   \
    F(optimizer_release)                                                                                               \
    F(optimizer_step)                                                                                                  \
    F(optimizer_zero_grad)                                                                                             \
    F(optimizer_get)                                                                                                   \
    F(optimizer_set)                                                                                                   \
    F(state_release)                                                                                                   \
    F(state_count)                                                                                                     \
    F(state_name)                                                                                                      \
    F(state_variable)

/// The library's functions; all NULL before it is loaded.
typedef struct apuspy_train_table {
#define F(name) __typeof__(&apus_##name) name;
    APUSPY_TRAIN_FUNCTIONS(F)
#undef F
} apuspy_train_table;
extern apuspy_train_table apuspy_train;

enum { APUSPY_MOST_ARGUMENTS = 16 };

/// Arguments on their way, and what they point to.
typedef struct apuspy_call {
    int32_t count;
    apus_argument arguments[APUSPY_MOST_ARGUMENTS];
    void *rooms[APUSPY_MOST_ARGUMENTS]; ///< lists
    apus_variable *single[APUSPY_MOST_ARGUMENTS];
    int64_t elements; ///< of the largest tensor
} apuspy_call;

/// Reads a tuple of arguments, in which lists are tuples. -1 and an exception on failure; to be released either way.
int apuspy_pack(apuspy_call *c, PyObject *arguments);
void apuspy_release_call(apuspy_call *c);

/// A tensor for a variable, which it takes over; without it where no gradient is asked for.
PyObject *apuspy_wrap_variable(apus_variable *v);
/// The tensor's variable, or a new one of its own; the caller releases it. NULL with an exception.
apus_variable *apuspy_variable(const char *function, PyObject *o);
/// Variables of a tuple's tensors, of which None gives NULL. NULL with an exception.
apus_variable **apuspy_variables(const char *function, PyObject *tuple);
void apuspy_release_variables(apus_variable **list, Py_ssize_t count);

#endif
