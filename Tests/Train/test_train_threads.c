// Several threads at once: each trains a model of its own, all read shared variables, and modes and errors are their
// own.
#include <pthread.h>

#include "call.h"

enum { THREADS = 8, STEPS = 300 };

static apus_variable *shared; // read by all

typedef struct outcome {
    int index, failures;
    double loss, gradient;
} outcome;

static void *work(void *payload) {
    outcome *mine = payload;
    apus_variable *x, *y;
    new_xor(&x, &y);
    apus_module *mlp = new_mlp();
    // The same start in all threads, whatever the generator's turn was.
    apus_state *parameters = NULL;
    mine->failures += apus_module_parameters(&parameters, mlp) != APUS_STATUS_ok;
    for (int32_t i = 0; i < apus_state_count(parameters); i++) {
        apus_tensor *value = apus_variable_value(apus_state_variable(parameters, i));
        float *elements = apus_tensor_data(value);
        for (int64_t k = 0; k < apus_tensor_numel(value); k++) elements[k] = (float)sin((double)(k * 5 + i));
        apus_tensor_bump_version(value);
    }
    apus_state_release(parameters);
    apus_optimizer *optimizer = new_optimizer("Adam", mlp, 0.02);
    for (int step = 0; step < STEPS; step++) mine->loss = train_step(mlp, optimizer, x, y);

    // A graph over a shared leaf, with the gradient returned rather than gathered in it.
    apus_variable *square = call1("square", shared), *sum = call1("sum", square), *gradient = NULL;
    mine->failures += apus_grad(&gradient, 1, &sum, NULL, 1, &shared, false, false, false) != APUS_STATUS_ok;
    mine->gradient = at(gradient, 1);

    // This thread's own mode and text.
    if (mine->index % 2 == 0) apus_set_grad_enabled(false);
    for (int i = 0; i < 200; i++) {
        apus_variable *z = call1("exp", shared);
        mine->failures += apus_variable_requires_grad(z) != (mine->index % 2 != 0);
        apus_variable_release(z);
        char path[32];
        snprintf(path, sizeof path, "no-file-%d", mine->index);
        apus_state *state = NULL;
        mine->failures += apus_state_load(&state, path) == APUS_STATUS_ok;
        mine->failures += strstr(apus_last_error(), path) == NULL;
    }
    apus_variable *variables[] = {x, y, square, sum, gradient};
    for (int i = 0; i < 5; i++) apus_variable_release(variables[i]);
    apus_optimizer_release(optimizer);
    apus_module_release(mlp);
    return NULL;
}

int main(void) {
    const int64_t two = 2;
    shared = variable(1, &two, (float[]){1, 4}, true);
    pthread_t threads[THREADS];
    outcome outcomes[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        outcomes[i].index = i;
        CHECK(pthread_create(&threads[i], NULL, work, &outcomes[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        CHECK(outcomes[i].failures == 0);
        CHECK(outcomes[i].loss == outcomes[0].loss);
        CHECK_CLOSE(outcomes[i].gradient, 8, 0);
    }
    CHECK(outcomes[0].loss < 0.2);
    CHECK(apus_grad_enabled());
    CHECK(isnan(grad_at(shared, 0)));
    apus_variable_release(shared);
    check_no_leaks();
    return check_result("test_train_threads");
}
