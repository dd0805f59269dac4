// Opens libapus_train in a process that was linked with nothing of it, and differentiates.
#include <dlfcn.h>
#include <stdio.h>

#include "apus/random.h"
#include "apus/train.h"

#define LOAD(library, name)                                                                                            \
    __typeof__(&name) name##_ = (__typeof__(&name))dlsym(library, #name);                                              \
    if (name##_ == NULL) return printf("missing: %s\n", dlerror()), 1

int main(int count, char **arguments) {
    void *train = dlopen(count > 1 ? arguments[1] : "libapus_train.so", RTLD_NOW | RTLD_LOCAL);
    if (train == NULL) return printf("%s\n", dlerror()), 1;
    // Its dependency, found through it: there is one core in the process.
    LOAD(train, apus_tensor_full);
    LOAD(train, apus_tensor_item);
    LOAD(train, apus_tensor_release);
    LOAD(train, apus_variable_new);
    LOAD(train, apus_variable_value);
    LOAD(train, apus_variable_grad);
    LOAD(train, apus_variable_release);
    LOAD(train, apus_operator_find);
    LOAD(train, apus_operator_call);
    LOAD(train, apus_backward);
    LOAD(train, apus_last_error);

    const apus_scalar three = {.kind = APUS_SCALAR_float, .real = 3};
    apus_tensor *t = NULL;
    apus_variable *x = NULL, *y = NULL, *gradient = NULL;
    apus_status status = apus_tensor_full_(&t, APUS_DTYPE_float32, 0, NULL, &three, APUS_DEVICE_CPU);
    if (status == APUS_STATUS_ok) status = apus_variable_new_(&x, t, true);
    const apus_argument argument[] = {APUS_VARIABLE(x)};
    if (status == APUS_STATUS_ok) status = apus_operator_call_(&y, 1, NULL, apus_operator_find_("square"), 1, argument);
    if (status == APUS_STATUS_ok) status = apus_backward_(y, NULL, false, false, 0, NULL);
    if (status == APUS_STATUS_ok) status = apus_variable_grad_(&gradient, x);
    apus_scalar value = {0};
    if (status == APUS_STATUS_ok) status = apus_tensor_item_(apus_variable_value_(gradient), &value);
    if (status != APUS_STATUS_ok || value.real != 6) return printf("failed: %s\n", apus_last_error_()), 1;

    // A wrong call leaves its text where the core's callers look.
    if (apus_backward_(NULL, NULL, false, false, 0, NULL) == APUS_STATUS_ok || apus_last_error_()[0] == 0) return 1;
    apus_tensor_release_(t);
    apus_variable_release_(x);
    apus_variable_release_(y);
    apus_variable_release_(gradient);
    printf("test_train_dlopen: ok\n");
    return 0;
}
