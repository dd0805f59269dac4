// Calling libapus_train in few words.
#ifndef APUS_TESTS_CALL_H
#define APUS_TESTS_CALL_H

#include "apus/train.h"
#include "check.h"

/// The result of an operator of one result; NULL after a failure.
static inline apus_variable *call(const char *name, int32_t count, const apus_argument *arguments) {
    apus_variable *out = NULL;
    CHECK_OK(apus_operator_call(&out, 1, NULL, apus_operator_find(name), count, arguments));
    return out;
}

static inline apus_variable *call1(const char *name, apus_variable *x) {
    const apus_argument arguments[] = {APUS_VARIABLE(x)};
    return call(name, 1, arguments);
}

static inline apus_variable *call2(const char *name, apus_variable *a, apus_variable *b) {
    const apus_argument arguments[] = {APUS_VARIABLE(a), APUS_VARIABLE(b)};
    return call(name, 2, arguments);
}

/// A float32 variable of the given values.
static inline apus_variable *variable(int32_t rank, const int64_t *shape, const float *values, bool requires_grad) {
    apus_tensor *t = check_floats(rank, shape, values);
    apus_variable *v = NULL;
    CHECK_OK(apus_variable_new(&v, t, requires_grad));
    apus_tensor_release(t);
    return v;
}

/// Element i of a variable's value.
static inline double at(const apus_variable *v, int64_t i) { return check_at(apus_variable_value(v), i); }

/// Element i of a variable's gradient; NaN where there is none.
static inline double grad_at(const apus_variable *v, int64_t i) {
    apus_variable *grad = NULL;
    CHECK_OK(apus_variable_grad(&grad, v));
    double value = grad == NULL ? NAN : at(grad, i);
    apus_variable_release(grad);
    return value;
}

/// A perceptron of two layers, 2 → 8 → 1.
static inline apus_module *new_mlp(void) {
    apus_module *parts[3] = {NULL}, *mlp = NULL;
    const apus_argument in[] = {APUS_INT(2), APUS_INT(8)}, out[] = {APUS_INT(8), APUS_INT(1)};
    CHECK_OK(apus_module_new(&parts[0], "Linear", 2, in));
    CHECK_OK(apus_module_new(&parts[1], "Tanh", 0, NULL));
    CHECK_OK(apus_module_new(&parts[2], "Linear", 2, out));
    const apus_argument all[] = {APUS_MODULES(3, parts)};
    CHECK_OK(apus_module_new(&mlp, "Sequential", 1, all));
    for (int i = 0; i < 3; i++) apus_module_release(parts[i]);
    return mlp;
}

/// An optimizer over all of a module's parameters.
static inline apus_optimizer *new_optimizer(const char *kind, const apus_module *module, double lr) {
    apus_state *parameters = NULL;
    apus_variable *list[16];
    CHECK_OK(apus_module_parameters(&parameters, module));
    const int32_t count = apus_state_count(parameters);
    for (int32_t i = 0; i < count; i++) list[i] = apus_state_variable(parameters, i);
    apus_optimizer *optimizer = NULL;
    const apus_argument rate[] = {APUS_FLOAT(lr)};
    CHECK_OK(apus_optimizer_new(&optimizer, kind, count, list, 1, rate));
    apus_state_release(parameters);
    return optimizer;
}

/// One training step; returns the loss before it.
static inline double train_step(apus_module *module, apus_optimizer *optimizer, apus_variable *x, apus_variable *y) {
    apus_variable *output = NULL;
    CHECK_OK(apus_optimizer_zero_grad(optimizer));
    CHECK_OK(apus_module_forward(&output, module, x));
    apus_variable *loss = call2("mse_loss", output, y);
    CHECK_OK(apus_backward(loss, NULL, false, false, 0, NULL));
    CHECK_OK(apus_optimizer_step(optimizer));
    const double value = at(loss, 0);
    apus_variable_release(output);
    apus_variable_release(loss);
    return value;
}

/// Exclusive or: four points and their values.
static inline void new_xor(apus_variable **x, apus_variable **y) {
    const int64_t inputs[] = {4, 2}, outputs[] = {4, 1};
    *x = variable(2, inputs, (float[]){0, 0, 0, 1, 1, 0, 1, 1}, false);
    *y = variable(2, outputs, (float[]){0, 1, 1, 0}, false);
}

#endif
