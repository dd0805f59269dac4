// Variables, differentiation, modules, optimizers and states through the C ABI of libapus_train.
#include <malloc.h>
#include <unistd.h>

#include "apus/random.h"
#include "call.h"

static const int64_t three = 3, one = 1;

static void test_variables(void) {
    const float values[] = {1, 2, 3};
    apus_tensor *t = check_floats(1, &three, values);
    apus_variable *x = NULL, *detached = NULL, *grad = NULL;
    CHECK_OK(apus_variable_new(&x, t, true));
    CHECK(apus_variable_requires_grad(x) && apus_variable_is_leaf(x));
    CHECK(apus_tensor_shares_storage(apus_variable_value(x), t));
    apus_tensor_release(t);
    CHECK_OK(apus_variable_grad(&grad, x));
    CHECK(grad == NULL);

    apus_variable *y = call1("square", x), *sum = call1("sum", y);
    char text[32];
    size_t length;
    CHECK_OK(apus_variable_grad_fn(y, text, sizeof text, &length));
    CHECK(strcmp(text, "SquareBackward") == 0 && length == strlen(text));
    CHECK_OK(apus_variable_grad_fn(y, text, 7, &length));
    CHECK(strcmp(text, "Square") == 0 && length == 14);
    CHECK_OK(apus_variable_grad_fn(x, text, sizeof text, NULL));
    CHECK(text[0] == 0);
    CHECK(!apus_variable_is_leaf(y));

    CHECK_OK(apus_variable_retain_grad(y));
    CHECK_OK(apus_backward(sum, NULL, true, false, 0, NULL));
    for (int i = 0; i < 3; i++) CHECK_CLOSE(grad_at(x, i), 2 * values[i], 0);
    CHECK_CLOSE(grad_at(y, 0), 1, 0);
    CHECK_OK(apus_backward(sum, NULL, false, false, 0, NULL));
    for (int i = 0; i < 3; i++) CHECK_CLOSE(grad_at(x, i), 4 * values[i], 0);
    CHECK_STATUS(apus_backward(sum, NULL, false, false, 0, NULL), APUS_STATUS_invalid_argument);
    CHECK_OK(apus_variable_set_grad(x, NULL));
    CHECK(isnan(grad_at(x, 0)));

    CHECK_OK(apus_variable_detach(&detached, y));
    CHECK(!apus_variable_requires_grad(detached) && apus_variable_is_leaf(detached));
    CHECK(apus_tensor_shares_storage(apus_variable_value(detached), apus_variable_value(y)));
    CHECK_OK(apus_variable_set_requires_grad(detached, true));
    CHECK(apus_variable_requires_grad(detached));
    apus_variable *again = apus_variable_retain(x);
    CHECK(again == x);
    apus_variable_release(again);
    apus_variable_release(x);
    apus_variable_release(y);
    apus_variable_release(sum);
    apus_variable_release(detached);
}

static void test_writes_by_the_core_are_noticed(void) {
    apus_variable *x = variable(1, &one, (float[]){2}, true), *copy = call1("clone", x), *y = call1("square", copy);
    const apus_scalar five = {.kind = APUS_SCALAR_float, .real = 5};
    CHECK_OK(apus_tensor_fill(apus_variable_value(copy), &five));
    CHECK_STATUS(apus_backward(y, NULL, false, false, 0, NULL), APUS_STATUS_invalid_argument);
    CHECK(strstr(apus_last_error(), "modified in place") != NULL);
    apus_variable_release(x);
    apus_variable_release(copy);
    apus_variable_release(y);
}

static void test_grad(void) {
    // d(x³)/dx = 3x², and again 6x; inputs and outputs that have nothing to do with each other.
    apus_variable *x = variable(1, &one, (float[]){2}, true), *other = variable(1, &one, (float[]){1}, true);
    const apus_argument cube[] = {APUS_VARIABLE(x), APUS_INT(3)};
    apus_variable *y = call("pow", 2, cube), *first = NULL, *second = NULL, *results[2] = {NULL};
    CHECK_OK(apus_grad(&first, 1, &y, NULL, 1, &x, false, true, false));
    CHECK_CLOSE(at(first, 0), 12, 1e-6);
    CHECK_OK(apus_grad(&second, 1, &first, NULL, 1, &x, true, false, false));
    CHECK_CLOSE(at(second, 0), 12, 1e-6);
    apus_variable *inputs[] = {x, other};
    CHECK_STATUS(apus_grad(results, 1, &y, NULL, 2, inputs, true, false, false), APUS_STATUS_invalid_argument);
    CHECK(results[0] == NULL && results[1] == NULL);
    CHECK_OK(apus_grad(results, 1, &y, &other, 2, inputs, true, false, true));
    CHECK_CLOSE(at(results[0], 0), 12, 1e-6);
    CHECK(results[1] == NULL);

    CHECK_OK(apus_backward(y, other, false, false, 1, &other));
    CHECK(isnan(grad_at(x, 0)));
    apus_variable_release(x);
    apus_variable_release(other);
    apus_variable_release(y);
    apus_variable_release(first);
    apus_variable_release(second);
    apus_variable_release(results[0]);
}

static void test_grad_mode(void) {
    apus_variable *x = variable(1, &one, (float[]){2}, true);
    CHECK(apus_grad_enabled());
    CHECK(apus_set_grad_enabled(false) == true);
    apus_variable *unrecorded = call1("exp", x);
    CHECK(!apus_variable_requires_grad(unrecorded) && !apus_grad_enabled());
    CHECK(apus_set_grad_enabled(true) == false);
    apus_variable *recorded = call1("exp", x);
    CHECK(apus_variable_requires_grad(recorded));
    apus_variable_release(x);
    apus_variable_release(unrecorded);
    apus_variable_release(recorded);
}

// ---- Callbacks

typedef struct counter {
    int calls, deletions;
} counter;

static apus_status double_it(void *payload, apus_variable *gradient, apus_variable **replacement) {
    ((counter *)payload)->calls++;
    const apus_argument arguments[] = {APUS_VARIABLE(gradient), APUS_FLOAT(2)};
    CHECK(!apus_grad_enabled());
    *replacement = call("mul", 2, arguments);
    return APUS_STATUS_ok;
}

static apus_status fail(void *payload, apus_variable *gradient, apus_variable **replacement) {
    (void)payload, (void)gradient, (void)replacement;
    return apus_fail(APUS_STATUS_unsupported, "the hook says no");
}

static void count_deletion(void *payload) { ((counter *)payload)->deletions++; }

static void test_hooks(void) {
    counter counted = {0, 0};
    apus_variable *x = variable(1, &one, (float[]){3}, true), *y = call1("square", x);
    apus_hook *hook = NULL, *failing = NULL;
    CHECK_OK(apus_variable_add_hook(&hook, x, double_it, &counted, count_deletion));
    CHECK_OK(apus_backward(y, NULL, true, false, 0, NULL));
    CHECK(counted.calls == 1);
    CHECK_CLOSE(grad_at(x, 0), 12, 0);
    CHECK(apus_grad_enabled());
    CHECK_OK(apus_hook_remove(hook));
    CHECK_OK(apus_hook_remove(hook));
    CHECK(counted.deletions == 1);
    CHECK_OK(apus_variable_add_hook(&failing, x, fail, NULL, NULL));
    CHECK_STATUS(apus_backward(y, NULL, true, false, 0, NULL), APUS_STATUS_unsupported);
    CHECK(strcmp(apus_last_error(), "the hook says no") == 0);
    apus_hook_release(hook);
    apus_hook_release(failing);
    apus_variable_release(x);
    apus_variable_release(y);

    // The deleter is called when the call fails, too.
    hook = NULL;
    CHECK_STATUS(apus_variable_add_hook(&hook, NULL, double_it, &counted, count_deletion), APUS_STATUS_null_argument);
    CHECK(hook == NULL && counted.deletions == 2);
}

static apus_status cube_backward(void *payload, int32_t output_count, apus_variable *const *output_gradients,
                                 int32_t saved_count, apus_variable *const *saved, int32_t input_count,
                                 apus_variable **input_gradients) {
    ((counter *)payload)->calls++;
    CHECK(output_count == 1 && saved_count == 1 && input_count == 1);
    apus_variable *square = call1("square", saved[0]);
    const apus_argument three_times[] = {APUS_VARIABLE(square), APUS_FLOAT(3)};
    apus_variable *slope = call("mul", 2, three_times);
    input_gradients[0] = call2("mul", output_gradients[0], slope);
    apus_variable_release(square);
    apus_variable_release(slope);
    return APUS_STATUS_ok;
}

static void test_record(void) {
    counter counted = {0, 0};
    apus_variable *x = variable(1, &one, (float[]){2}, true), *y = NULL, *first = NULL, *second = NULL;
    y = variable(1, &one, (float[]){8}, false);
    CHECK_OK(apus_record("Cube", 1, &x, 1, &y, 1, &x, cube_backward, &counted, count_deletion));
    char name[32];
    CHECK_OK(apus_variable_grad_fn(y, name, sizeof name, NULL));
    CHECK(strcmp(name, "CubeBackward") == 0);
    CHECK_OK(apus_grad(&first, 1, &y, NULL, 1, &x, false, true, false));
    CHECK_CLOSE(at(first, 0), 12, 0);
    CHECK_OK(apus_grad(&second, 1, &first, NULL, 1, &x, false, false, false));
    CHECK_CLOSE(at(second, 0), 12, 0);
    CHECK(counted.calls == 1);
    CHECK_STATUS(apus_record("Cube", 1, &x, 1, &y, 1, &x, cube_backward, &counted, count_deletion),
                 APUS_STATUS_invalid_argument);
    CHECK(counted.deletions == 1);
    apus_variable_release(x);
    apus_variable_release(y);
    apus_variable_release(first);
    apus_variable_release(second);
    CHECK(counted.deletions == 2);
}

// ---- Operators

static void test_operators(void) {
    const int32_t count = apus_operator_count();
    CHECK(count > 200);
    for (int32_t op = 0; op < count; op++) {
        const char *name = apus_operator_name(op), *signature = apus_operator_signature(op);
        CHECK(apus_operator_find(name) == op);
        CHECK(strncmp(signature, name, strlen(name)) == 0 && signature[strlen(name)] == '(');
    }
    CHECK(apus_operator_find("none such") == -1 && apus_operator_find(NULL) == -1);
    CHECK(apus_operator_name(-1) == NULL && apus_operator_signature(count) == NULL);

    // Several results, into room of every size.
    const int64_t shape[] = {4, 3};
    apus_variable *x = variable(2, shape, (float[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, true), *parts[4];
    const apus_argument split[] = {APUS_VARIABLE(x), APUS_INT(3)};
    int32_t produced = -1;
    CHECK_OK(apus_operator_call(parts, 4, &produced, apus_operator_find("split"), 2, split));
    CHECK(produced == 2 && parts[2] == NULL && parts[3] == NULL);
    CHECK_CLOSE(at(parts[1], 2), 12, 0);
    apus_variable_release(parts[0]);
    apus_variable_release(parts[1]);
    CHECK_STATUS(apus_operator_call(parts, 1, &produced, apus_operator_find("split"), 2, split),
                 APUS_STATUS_invalid_argument);
    CHECK(produced == 2 && parts[0] == NULL);

    // Defaults, lists, text, optional tensors, and numbers on either side.
    const int64_t axes[] = {0, -1};
    const apus_argument all[] = {APUS_VARIABLE(x), APUS_INTS(2, axes), APUS_BOOL(true)};
    apus_variable *sum = call("sum", 3, all);
    CHECK_CLOSE(at(sum, 0), 78, 0);
    CHECK(apus_tensor_rank(apus_variable_value(sum)) == 2);
    const apus_argument reversed[] = {APUS_INT(1), APUS_VARIABLE(x)};
    apus_variable *difference = call("sub", 2, reversed);
    CHECK_CLOSE(at(difference, 11), -11, 0);
    const apus_argument loss[] = {APUS_VARIABLE(x), APUS_VARIABLE(x), APUS_TEXT("sum")};
    apus_variable *zero = call("mse_loss", 3, loss);
    CHECK_CLOSE(at(zero, 0), 0, 0);
    const apus_argument clamp[] = {APUS_VARIABLE(x), APUS_DEFAULT, APUS_FLOAT(2.5)};
    apus_variable *clamped = call("clamp", 3, clamp);
    CHECK_CLOSE(at(clamped, 5), 2.5, 0);
    apus_variable *no_index[] = {NULL, NULL};
    const apus_argument index[] = {APUS_VARIABLE(x), APUS_VARIABLES(2, no_index)};
    apus_variable *whole = call("index", 2, index);
    CHECK_CLOSE(at(whole, 11), 12, 0);

    // In place: the result is the first argument.
    apus_variable *copy = call1("clone", x), *same = call1("neg_", copy);
    CHECK(copy == same);
    CHECK_CLOSE(at(copy, 1), -2, 0);
    apus_variable *list[] = {x, sum, difference, zero, clamped, whole, copy, same};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) apus_variable_release(list[i]);
}

// ---- Training

static void test_training(const char *kind, double lr, int steps) {
    apus_generator_seed(NULL, 7);
    apus_variable *x, *y;
    new_xor(&x, &y);
    apus_module *mlp = new_mlp();
    apus_optimizer *optimizer = new_optimizer(kind, mlp, lr);
    double loss = 1;
    for (int step = 0; step < steps; step++) loss = train_step(mlp, optimizer, x, y);
    if (!(loss < 1e-3)) printf("%s: loss %g\n", kind, loss);
    CHECK(loss < 1e-3);
    apus_optimizer_release(optimizer);
    apus_module_release(mlp);
    apus_variable_release(x);
    apus_variable_release(y);
}

/// One step of each optimizer beside its formula.
static void test_step_values(void) {
    apus_variable *w = variable(1, &one, (float[]){1}, true);
    apus_optimizer *sgd = NULL;
    const apus_argument momentum[] = {APUS_FLOAT(0.1), APUS_FLOAT(0.9)};
    CHECK_OK(apus_optimizer_new(&sgd, "SGD", 1, &w, 2, momentum));
    double p = 1, m = 0;
    for (int i = 0; i < 3; i++) {
        apus_variable *loss = call1("square", w);
        CHECK_OK(apus_optimizer_zero_grad(sgd));
        CHECK_OK(apus_backward(loss, NULL, false, false, 0, NULL));
        CHECK_OK(apus_optimizer_step(sgd));
        apus_variable_release(loss);
        m = 0.9 * m + 2 * p;
        p -= 0.1 * m;
        CHECK_CLOSE(at(w, 0), p, 1e-6);
    }
    apus_optimizer_release(sgd);
    apus_variable_release(w);
}

static void test_modules(void) {
    CHECK(apus_module_kind_count() > 30);
    CHECK(strcmp(apus_module_signature(0), "Sequential(modules: modules)") == 0);
    CHECK(apus_module_signature(-1) == NULL);
    apus_module *mlp = new_mlp(), *other = new_mlp();
    char text[256];
    CHECK_OK(apus_module_describe(mlp, text, sizeof text, NULL));
    CHECK(strstr(text, "(0): Linear(2, 8, bias=true)") != NULL);

    apus_state *parameters = NULL, *buffers = NULL, *state = NULL, *loaded = NULL;
    CHECK_OK(apus_module_parameters(&parameters, mlp));
    CHECK(apus_state_count(parameters) == 4);
    CHECK(strcmp(apus_state_name(parameters, 2), "2.weight") == 0);
    CHECK(apus_state_name(parameters, 4) == NULL && apus_state_variable(parameters, -1) == NULL);
    CHECK(apus_variable_requires_grad(apus_state_variable(parameters, 0)));
    CHECK_OK(apus_module_buffers(&buffers, mlp));
    CHECK(apus_state_count(buffers) == 0);

    // By a file into another module.
    char path[] = "/tmp/apus-train-XXXXXX";
    close(mkstemp(path));
    CHECK_OK(apus_module_state(&state, mlp));
    CHECK_OK(apus_state_set_number(state, "epoch", 0.1));
    CHECK_OK(apus_state_save(state, path));
    CHECK_OK(apus_state_load(&loaded, path));
    CHECK(apus_state_count(loaded) == 4 && apus_state_number_count(loaded) == 1);
    CHECK(apus_state_number(loaded, 0) == 0.1 && strcmp(apus_state_number_name(loaded, 0), "epoch") == 0);
    CHECK(isnan(apus_state_number(loaded, 1)));
    CHECK_OK(apus_module_load_state(other, loaded, true));
    apus_variable *x, *y, *a = NULL, *b = NULL;
    new_xor(&x, &y);
    CHECK_OK(apus_module_forward(&a, mlp, x));
    CHECK_OK(apus_module_forward(&b, other, x));
    for (int i = 0; i < 4; i++) CHECK(at(a, i) == at(b, i));
    CHECK_OK(apus_state_set(loaded, "unknown", x));
    CHECK_STATUS(apus_module_load_state(other, loaded, true), APUS_STATUS_invalid_argument);
    CHECK(strstr(apus_last_error(), "unknown") != NULL && strchr(apus_last_error(), '\n') == NULL);
    CHECK_OK(apus_module_load_state(other, loaded, false));
    remove(path);

    CHECK(apus_module_is_training(mlp));
    CHECK_OK(apus_module_train(mlp, false));
    CHECK(!apus_module_is_training(mlp));
    CHECK_OK(apus_module_set_requires_grad(mlp, false));
    CHECK(!apus_variable_requires_grad(apus_state_variable(parameters, 0)));
    CHECK_OK(apus_module_zero_grad(mlp));
    CHECK_OK(apus_module_to(mlp, APUS_DTYPE_float64));
    CHECK(apus_tensor_dtype(apus_variable_value(apus_state_variable(parameters, 0))) == APUS_DTYPE_float64);
    apus_state *states[] = {parameters, buffers, state, loaded};
    for (int i = 0; i < 4; i++) apus_state_release(states[i]);
    apus_variable *variables[] = {x, y, a, b};
    for (int i = 0; i < 4; i++) apus_variable_release(variables[i]);
    apus_module_release(mlp);
    apus_module_release(other);
}

/// Goes on from a state bit for bit, with a schedule.
static void test_optimizer_state(void) {
    apus_variable *x, *y;
    new_xor(&x, &y);
    apus_module *mlp = new_mlp();
    apus_optimizer *adam = new_optimizer("AdamW", mlp, 0.01);
    apus_scheduler *schedule = NULL, *fresh = NULL;
    const apus_argument step[] = {APUS_INT(2), APUS_FLOAT(0.5)};
    CHECK_OK(apus_scheduler_new(&schedule, "StepLR", adam, 2, step));
    double rate = 0;
    for (int i = 0; i < 5; i++) {
        train_step(mlp, adam, x, y);
        CHECK_OK(apus_scheduler_step(schedule));
    }
    CHECK_OK(apus_optimizer_get(adam, 0, "lr", &rate));
    CHECK_CLOSE(rate, 0.0025, 1e-12);

    apus_state *model = NULL, *state = NULL, *place = NULL;
    CHECK_OK(apus_module_state(&model, mlp));
    CHECK_OK(apus_optimizer_state(&state, adam));
    CHECK_OK(apus_scheduler_state(&place, schedule));
    apus_module *mlp2 = new_mlp();
    CHECK_OK(apus_module_load_state(mlp2, model, true));
    apus_optimizer *adam2 = new_optimizer("AdamW", mlp2, 0.01);
    CHECK_OK(apus_scheduler_new(&fresh, "StepLR", adam2, 2, step));
    CHECK_OK(apus_optimizer_load_state(adam2, state));
    CHECK_OK(apus_scheduler_load_state(fresh, place));
    for (int i = 0; i < 4; i++) {
        CHECK(train_step(mlp, adam, x, y) == train_step(mlp2, adam2, x, y));
        CHECK_OK(apus_scheduler_step(schedule));
        CHECK_OK(apus_scheduler_step(fresh));
    }
    apus_optimizer *sgd = new_optimizer("SGD", mlp2, 0.01);
    CHECK_STATUS(apus_optimizer_load_state(sgd, state), APUS_STATUS_invalid_argument);

    CHECK(apus_optimizer_group_count(adam) == 1);
    CHECK_OK(apus_optimizer_add_group(adam, 1, &x));
    CHECK(apus_optimizer_group_count(adam) == 2);
    CHECK_STATUS(apus_optimizer_add_group(adam, 1, &x), APUS_STATUS_invalid_argument);
    CHECK(apus_optimizer_group_count(adam) == 2);
    CHECK_OK(apus_optimizer_set(adam, 1, "lr", 3));
    CHECK_OK(apus_optimizer_get(adam, 0, "lr", &rate));
    CHECK(rate != 3);
    CHECK_OK(apus_optimizer_set(adam, -1, "weight_decay", 0.5));
    CHECK_OK(apus_optimizer_get(adam, 1, "weight_decay", &rate));
    CHECK(rate == 0.5);
    apus_state *states[] = {model, state, place};
    for (int i = 0; i < 3; i++) apus_state_release(states[i]);
    apus_scheduler_release(schedule);
    apus_scheduler_release(fresh);
    apus_optimizer_release(adam);
    apus_optimizer_release(adam2);
    apus_optimizer_release(sgd);
    apus_module_release(mlp);
    apus_module_release(mlp2);
    apus_variable_release(x);
    apus_variable_release(y);
}

static size_t heap_in_use(void) { return mallinfo2().uordblks; }

/// Ten thousand steps take no more memory than a hundred.
static void test_memory_stays_flat(void) {
    apus_variable *x, *y;
    new_xor(&x, &y);
    apus_module *mlp = new_mlp();
    apus_optimizer *optimizer = new_optimizer("Adam", mlp, 0.001);
    for (int step = 0; step < 100; step++) train_step(mlp, optimizer, x, y);
    apus_memory_stats before, after;
    CHECK_OK(apus_cpu_memory_stats(&before));
    const size_t heap = heap_in_use();
    for (int step = 0; step < 10000; step++) train_step(mlp, optimizer, x, y);
    CHECK_OK(apus_cpu_memory_stats(&after));
    CHECK(before.count == after.count && before.in_use == after.in_use);
    CHECK(heap_in_use() < heap + 16384);
    apus_optimizer_release(optimizer);
    apus_module_release(mlp);
    apus_variable_release(x);
    apus_variable_release(y);
}

/// A long chain is walked and freed without recursion.
static void test_deep_graph(void) {
    apus_variable *x = variable(1, &one, (float[]){1}, true), *y = apus_variable_retain(x);
    for (int i = 0; i < 200000; i++) {
        apus_variable *next = call1("neg", y);
        apus_variable_release(y);
        y = next;
    }
    CHECK_OK(apus_backward(y, NULL, true, false, 0, NULL));
    CHECK_CLOSE(grad_at(x, 0), 1, 0);
    apus_variable_release(y);
    apus_variable_release(x);
}

int main(void) {
    test_variables();
    test_writes_by_the_core_are_noticed();
    test_grad();
    test_grad_mode();
    test_hooks();
    test_record();
    test_operators();
    test_training("SGD", 0.5, 3000);
    test_training("Adam", 0.02, 1000);
    test_training("AdamW", 0.02, 2000);
    test_step_values();
    test_modules();
    test_optimizer_state();
    test_memory_stays_flat();
    test_deep_graph();
    check_no_leaks();
    return check_result("test_train");
}
