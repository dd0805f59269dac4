// A small network learns exclusive or.
#include <apus/apus.h>
#include <apus/train.h>
#include <stdio.h>
#include <stdlib.h>

static void check(apus_status status) {
    if (status == APUS_STATUS_ok) return;
    fprintf(stderr, "%s\n", apus_last_error());
    exit(1);
}

static apus_variable *points(int64_t rows, int64_t columns, const float *values) {
    const int64_t shape[] = {rows, columns};
    apus_tensor *tensor = NULL;
    apus_variable *variable = NULL;
    check(apus_tensor_from_data(&tensor, APUS_DTYPE_float32, 2, shape, values, APUS_DEVICE_CPU));
    check(apus_variable_new(&variable, tensor, false));
    apus_tensor_release(tensor);
    return variable;
}

int main(void) {
    apus_generator_seed(NULL, 7);
    apus_variable *x = points(4, 2, (float[]){0, 0, 0, 1, 1, 0, 1, 1}), *target = points(4, 1, (float[]){0, 1, 1, 0});

    apus_module *layers[3] = {NULL}, *net = NULL;
    check(apus_module_new(&layers[0], "Linear", 2, (apus_argument[]){APUS_INT(2), APUS_INT(8)}));
    check(apus_module_new(&layers[1], "Tanh", 0, NULL));
    check(apus_module_new(&layers[2], "Linear", 2, (apus_argument[]){APUS_INT(8), APUS_INT(1)}));
    check(apus_module_new(&net, "Sequential", 1, (apus_argument[]){APUS_MODULES(3, layers)}));

    apus_state *parameters = NULL;
    check(apus_module_parameters(&parameters, net));
    apus_variable *list[4];
    for (int32_t i = 0; i < 4; i++) list[i] = apus_state_variable(parameters, i);
    apus_optimizer *optimizer = NULL;
    check(apus_optimizer_new(&optimizer, "Adam", 4, list, 1, (apus_argument[]){APUS_FLOAT(0.02)}));

    const int32_t mse_loss = apus_operator_find("mse_loss");
    for (int step = 0; step <= 1000; step++) {
        apus_variable *output = NULL, *loss = NULL;
        check(apus_module_forward(&output, net, x));
        const apus_argument arguments[] = {APUS_VARIABLE(output), APUS_VARIABLE(target)};
        check(apus_operator_call(&loss, 1, NULL, mse_loss, 2, arguments));
        apus_scalar value;
        check(apus_tensor_item(apus_variable_value(loss), &value));
        if (step % 250 == 0) printf("step %4d  loss %.6f\n", step, value.real);
        check(apus_optimizer_zero_grad(optimizer));
        check(apus_backward(loss, NULL, false, false, 0, NULL));
        check(apus_optimizer_step(optimizer));
        apus_variable_release(output);
        apus_variable_release(loss);
    }

    for (int i = 0; i < 3; i++) apus_module_release(layers[i]);
    apus_optimizer_release(optimizer);
    apus_state_release(parameters);
    apus_module_release(net);
    apus_variable_release(x);
    apus_variable_release(target);
    return 0;
}
