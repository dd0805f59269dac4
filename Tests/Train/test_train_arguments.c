// Wrong arguments: every operator and constructor of the tables is called, by its signature, with arguments that fit
// and arguments that do not. Whatever comes of it is a status; nothing ends the process.
#include <sys/resource.h>

#include "call.h"

// ---- Chance, the same in every run

static uint64_t chance_state = 88172645463325252u;

static uint64_t chance(uint64_t bound) {
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return chance_state % bound;
}

#define PICK(array) ((array)[chance(sizeof(array) / sizeof *(array))])

// ---- What arguments are drawn from

enum { POOL = 15, LIST = 6 };
static apus_variable *pool[POOL];
static apus_module *modules[2];

static const int64_t integers[] = {
    INT64_MIN,        INT64_MIN + 1,    -((int64_t)1 << 31) - 1, -3,       -2, -1, 0, 0, 1, 1, 2, 2, 3, 4,
    (int64_t)1 << 31, (int64_t)1 << 62, INT64_MAX - 1,           INT64_MAX};
static const int64_t small_integers[] = {-2, -1, 0, 1, 1, 2, 2, 3, 4};
static const double numbers[] = {0, 1, -1, 0.5, 0.9, 2, 1e-5, 1e300, -1e300, 1e19, NAN, INFINITY, -INFINITY};
static const char *const texts[] = {"", "mean", "none", "sum", "batchmean", "tanh", "\xff\xfe", "nonsense"};

/// Whether arguments are drawn that are likely to fit; every other round. Variables then come from one family.
static bool is_friendly;
static const int families[][4] = {{2, 3, 10, 12}, {1, 9, 11, 1}, {4, 7, 4, 7},     {6, 9, 6, 9}, {8, 8, 8, 8},
                                  {3, 10, 3, 10}, {0, 1, 9, 2},  {12, 12, 12, 12}, {3, 9, 3, 3}};
static const int *family = families[0];

static void begin_round(int round) {
    is_friendly = round % 2 == 0;
    family = PICK(families);
}

static int64_t draw_integer(void) {
    if (is_friendly) return (int64_t)chance(4);
    return chance(3) == 0 ? PICK(integers) : PICK(small_integers);
}

static apus_variable *new_variable(apus_dtype dtype, int32_t rank, const int64_t *shape, bool requires_grad) {
    apus_tensor *t = NULL;
    const apus_scalar zero = {.kind = APUS_SCALAR_int};
    CHECK_OK(apus_tensor_full(&t, dtype, rank, shape, &zero, APUS_DEVICE_CPU));
    apus_variable *v = NULL;
    for (int64_t i = 0; dtype == APUS_DTYPE_float32 && i < apus_tensor_numel(t); i++)
        ((float *)apus_tensor_data(t))[i] = (float)i / 4 - 1;
    CHECK_OK(apus_variable_new(&v, t, requires_grad));
    apus_tensor_release(t);
    return v;
}

static void fill_pool(void) {
    const int64_t sizes[][4] = {{3}, {2, 3}, {2, 3, 4, 4}, {0, 3}, {3, 3}, {1, 3, 5, 5}, {2, 3, 3}};
    const int64_t extremes[] = {INT64_MIN, -1, INT64_MAX};
    int n = 0;
    pool[n++] = new_variable(APUS_DTYPE_float32, 0, NULL, true);
    pool[n++] = new_variable(APUS_DTYPE_float32, 1, sizes[0], true);
    pool[n++] = new_variable(APUS_DTYPE_float32, 2, sizes[1], true);
    pool[n++] = new_variable(APUS_DTYPE_float32, 2, sizes[1], false);
    pool[n++] = new_variable(APUS_DTYPE_float32, 4, sizes[2], true);
    pool[n++] = new_variable(APUS_DTYPE_float32, 2, sizes[3], true);
    pool[n++] = new_variable(APUS_DTYPE_float64, 2, sizes[4], true);
    pool[n++] = new_variable(APUS_DTYPE_float32, 4, sizes[5], false);
    pool[n++] = new_variable(APUS_DTYPE_float32, 3, sizes[6], true);
    pool[n++] = new_variable(APUS_DTYPE_int64, 1, sizes[0], false);
    pool[n++] = new_variable(APUS_DTYPE_int64, 2, sizes[1], false);
    pool[n++] = new_variable(APUS_DTYPE_bool, 1, sizes[0], false);
    pool[n++] = new_variable(APUS_DTYPE_bool, 2, sizes[1], false);
    pool[n++] = new_variable(APUS_DTYPE_float16, 2, sizes[1], true);
    apus_tensor *t = check_ints(1, sizes[0], extremes);
    CHECK_OK(apus_variable_new(&pool[n++], t, false));
    apus_tensor_release(t);
    CHECK(n == POOL);
}

static void empty_pool(void) {
    for (int i = 0; i < POOL; i++) {
        // A gradient that was itself recorded holds on to what it came from, and that to its gradient.
        CHECK_OK(apus_variable_set_grad(pool[i], NULL));
        apus_variable_release(pool[i]);
    }
}

// ---- Arguments by signature

typedef struct storage {
    int64_t integers[LIST];
    double reals[LIST];
    apus_variable *variables[LIST];
} storage;

static apus_argument draw_argument(int32_t kind, storage *room) {
    apus_argument argument = {kind, is_friendly ? 1 + (int32_t)chance(2) : (int32_t)chance(LIST), {.integer = 0}};
    for (int i = 0; i < LIST; i++) {
        room->integers[i] = draw_integer();
        room->reals[i] = PICK(numbers);
        room->variables[i] = is_friendly ? pool[family[chance(4)]] : chance(20) == 0 ? NULL : pool[chance(POOL)];
    }
    switch (kind) {
    case APUS_ARGUMENT_variable: argument.value.variable = room->variables[0]; break;
    case APUS_ARGUMENT_bool: argument.value.integer = (int64_t)chance(2); break;
    case APUS_ARGUMENT_int: argument.value.integer = room->integers[0]; break;
    case APUS_ARGUMENT_float: argument.value.real = room->reals[0]; break;
    case APUS_ARGUMENT_text: argument.value.text = texts[is_friendly ? 1 + chance(2) : chance(8)]; break;
    case APUS_ARGUMENT_complex:
    case APUS_ARGUMENT_floats: argument.value.reals = room->reals; break;
    case APUS_ARGUMENT_ints: argument.value.integers = room->integers; break;
    case APUS_ARGUMENT_variables: argument.value.variables = room->variables; break;
    case APUS_ARGUMENT_modules:
        argument.value.modules = modules;
        argument.count = (int32_t)chance(3);
        break;
    default: break;
    }
    if (is_friendly) return argument;
    if (chance(60) == 0) argument.value.text = NULL;
    if (chance(60) == 0) argument.count = -1;
    return argument;
}

/// A kind that the type, which `text` begins with, accepts; now and then any other.
static int32_t draw_kind(const char *text) {
    if (!is_friendly && chance(25) == 0) return (int32_t)chance(13) - 1;
    static const struct {
        const char *type;
        int32_t kinds[4];
    } table[] = {
        {"tensors", {9, 9, 9, 9}}, {"tensor?s", {9, 9, 9, 9}}, {"tensor", {1, 1, 1, 1}}, {"number", {2, 3, 4, 5}},
        {"operand", {1, 1, 3, 4}}, {"bool", {2, 2, 2, 2}},     {"ints", {7, 7, 7, 3}},   {"int", {3, 3, 3, 3}},
        {"float", {4, 4, 4, 3}},   {"dtype", {3, 3, 3, 3}},    {"text", {6, 6, 6, 6}},   {"modules", {10, 10, 10, 10}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strncmp(text, table[i].type, strlen(table[i].type)) == 0) return PICK(table[i].kinds);
    CHECK(!"a type in the signature that this test does not know");
    return 0;
}

enum { MOST = 12 };

/// Draws arguments for a signature; returns how many.
static int32_t draw_arguments(const char *signature, apus_argument *arguments, storage *rooms) {
    int32_t count = 0;
    const char *end = strrchr(signature, ')');
    for (const char *at = strchr(signature, ':'); at != NULL && at < end && count < MOST; at = strchr(at + 1, ':')) {
        const int32_t kind = strchr(at, '=') != NULL && chance(is_friendly ? 2 : 4) == 0 ? 0 : draw_kind(at + 2);
        arguments[count] = draw_argument(kind, &rooms[count]);
        count++;
    }
    if (!is_friendly && chance(30) == 0) count += (int32_t)chance(3) - 1;
    return count;
}

// ---- The tables

/// Walks back from a result where that does not take long.
static void walk_back(apus_variable *v) {
    if (!apus_variable_requires_grad(v) || apus_tensor_numel(apus_variable_value(v)) > 1 << 16) return;
    apus_variable *gradient = chance(2) == 0 ? NULL : call1("clone", v), *detached = NULL;
    if (gradient != NULL) CHECK_OK(apus_variable_detach(&detached, gradient));
    (void)!apus_backward(v, detached, false, chance(4) == 0, 0, NULL);
    apus_variable_release(gradient);
    apus_variable_release(detached);
}

static int succeeded, failed;

static void test_operator(int32_t op) {
    apus_argument arguments[MOST + 1];
    storage rooms[MOST + 1];
    memset(arguments, 0, sizeof arguments);
    const int32_t count = draw_arguments(apus_operator_signature(op), arguments, rooms);
    apus_variable *out[8] = {NULL};
    int32_t produced = -1;
    const apus_status status = apus_operator_call(out, 8, &produced, op, count, arguments);
    status == APUS_STATUS_ok ? succeeded++ : failed++;
    if (status != APUS_STATUS_ok) CHECK(apus_last_error()[0] != 0 && strchr(apus_last_error(), '\n') == NULL);
    for (int i = 0; i < 8; i++) {
        CHECK(status == APUS_STATUS_ok || out[i] == NULL);
        if (out[i] == NULL) continue;
        walk_back(out[i]);
        apus_variable_release(out[i]);
    }
}

static void test_all_operators(int rounds) {
    for (int32_t op = 0; op < apus_operator_count(); op++) {
        const char *name = apus_operator_name(op);
        const int before = succeeded;
        fill_pool();
        // As many rounds as it takes for one call to succeed: else the operator's own code would not be reached.
        for (int round = 0; round < rounds || (succeeded == before && round < 100000); round++) {
            begin_round(round < rounds ? round : 0);
            test_operator(op);
            // What is written in place is not as it was.
            if (name[strlen(name) - 1] == '_' || round % 50 == 49) empty_pool(), fill_pool();
        }
        empty_pool();
        if (succeeded == before) printf("%s: no call succeeded\n", name);
        CHECK(succeeded > before);
    }
    CHECK(failed > 0);
}

static void test_all_modules(int rounds) {
    for (int32_t kind = 0; kind < apus_module_kind_count(); kind++) {
        const char *signature = apus_module_signature(kind);
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(signature, "("), signature);
        int made = 0;
        for (int round = 0; round < rounds; round++) {
            begin_round(round);
            apus_argument arguments[MOST + 1];
            storage rooms[MOST + 1];
            memset(arguments, 0, sizeof arguments);
            const int32_t count = draw_arguments(signature, arguments, rooms);
            apus_module *module = NULL;
            if (apus_module_new(&module, name, count, arguments) != APUS_STATUS_ok) {
                CHECK(module == NULL);
                continue;
            }
            made++;
            if (chance(2) == 0) CHECK_OK(apus_module_train(module, false));
            for (int i = 0; i < POOL; i++) {
                apus_variable *out = NULL;
                (void)!apus_module_forward(&out, module, pool[i]);
                if (out != NULL) walk_back(out);
                apus_variable_release(out);
            }
            char text[64];
            CHECK_OK(apus_module_describe(module, text, sizeof text, NULL));
            CHECK_OK(apus_module_zero_grad(module));
            apus_module_release(module);
        }
        CHECK(made > 0);
    }
}

static void test_all_optimizers(int rounds) {
    const int32_t kinds = apus_optimizer_kind_count(), schedules = apus_scheduler_kind_count();
    for (int round = 0; round < rounds; round++) {
        const char *signature = apus_optimizer_signature((int32_t)chance((uint64_t)kinds));
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(signature, "("), signature);
        apus_argument arguments[MOST + 1];
        storage rooms[MOST + 1];
        memset(arguments, 0, sizeof arguments);
        int32_t count = draw_arguments(signature, arguments, rooms);
        apus_optimizer *optimizer = NULL;
        const int32_t first = (int32_t)chance(POOL);
        (void)!apus_optimizer_new(&optimizer, name, (int32_t)chance((uint64_t)(POOL - first)), pool + first, count,
                                  arguments);
        if (optimizer == NULL) continue;
        signature = apus_scheduler_signature((int32_t)chance((uint64_t)schedules));
        snprintf(name, sizeof name, "%.*s", (int)strcspn(signature, "("), signature);
        memset(arguments, 0, sizeof arguments);
        count = draw_arguments(signature, arguments, rooms);
        apus_scheduler *scheduler = NULL;
        (void)!apus_scheduler_new(&scheduler, name, optimizer, count, arguments);
        for (int step = 0; step < 3; step++) {
            (void)!apus_optimizer_step(optimizer);
            if (scheduler != NULL) (void)!apus_scheduler_step(scheduler);
        }
        apus_state *state = NULL;
        CHECK_OK(apus_optimizer_state(&state, optimizer));
        CHECK_OK(apus_optimizer_load_state(optimizer, state));
        apus_state_release(state);
        apus_scheduler_release(scheduler);
        apus_optimizer_release(optimizer);
    }
}

// ---- Every other function

static void test_null(void) {
    const apus_status null = APUS_STATUS_null_argument;
    apus_variable *v = pool[1], *out = (apus_variable *)&out, *none = NULL;
    apus_state *state = NULL;
    apus_module *module = NULL;
    apus_optimizer *optimizer = NULL;
    apus_scheduler *scheduler = NULL;
    apus_hook *hook = NULL;
    double number;
    CHECK_OK(apus_state_new(&state));
    CHECK_STATUS(apus_variable_new(NULL, apus_variable_value(v), false), null);
    CHECK_STATUS(apus_variable_new(&out, NULL, false), null);
    CHECK(out == NULL);
    CHECK_STATUS(apus_variable_set_requires_grad(NULL, true), null);
    CHECK_STATUS(apus_variable_grad_fn(NULL, NULL, 0, NULL), null);
    CHECK_OK(apus_variable_grad_fn(v, NULL, 0, NULL));
    CHECK_STATUS(apus_variable_grad(NULL, v), null);
    CHECK_STATUS(apus_variable_grad(&out, NULL), null);
    CHECK_STATUS(apus_variable_set_grad(NULL, v), null);
    CHECK_STATUS(apus_variable_retain_grad(NULL), null);
    CHECK_STATUS(apus_variable_detach(&out, NULL), null);
    CHECK_STATUS(apus_variable_detach(NULL, v), null);
    CHECK(apus_variable_value(NULL) == NULL && apus_variable_retain(NULL) == NULL);
    CHECK(!apus_variable_requires_grad(NULL) && !apus_variable_is_leaf(NULL));
    apus_variable_release(NULL);

    CHECK_STATUS(apus_backward(NULL, NULL, false, false, 0, NULL), null);
    CHECK_STATUS(apus_backward(v, NULL, false, false, 1, NULL), null);
    CHECK_STATUS(apus_backward(v, NULL, false, false, 1, &none), null);
    CHECK_STATUS(apus_backward(v, NULL, false, false, -1, &v), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_backward(v, NULL, false, false, 0, NULL), APUS_STATUS_shape);
    CHECK_STATUS(apus_backward(v, pool[2], false, false, 0, NULL), APUS_STATUS_shape);
    CHECK_STATUS(apus_backward(pool[3], NULL, false, false, 0, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_grad(NULL, 1, &v, NULL, 1, &v, false, false, false), null);
    CHECK_STATUS(apus_grad(&out, 1, NULL, NULL, 1, &v, false, false, false), null);
    CHECK_STATUS(apus_grad(&out, 1, &v, NULL, 1, &none, false, false, false), null);
    CHECK_STATUS(apus_grad(&out, 0, NULL, NULL, 1, &v, false, false, false), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_variable_add_hook(&hook, v, NULL, NULL, NULL), null);
    CHECK_STATUS(apus_hook_remove(NULL), null);
    apus_hook_release(NULL);
    CHECK_STATUS(apus_record(NULL, 1, &v, 1, &v, 0, NULL, NULL, NULL, NULL), null);
    CHECK_STATUS(apus_record("name", 1, &v, 1, &none, 0, NULL, NULL, NULL, NULL), null);
    CHECK_STATUS(apus_record("name", 1, &v, 1, &pool[3], 0, NULL, NULL, NULL, NULL), null);

    const int32_t exp = apus_operator_find("exp");
    CHECK_STATUS(apus_operator_call(NULL, 1, NULL, exp, 0, NULL), null);
    CHECK_STATUS(apus_operator_call(&out, 1, NULL, exp, 1, NULL), null);
    CHECK_STATUS(apus_operator_call(&out, -1, NULL, exp, 0, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_operator_call(&out, 1, NULL, exp, 0, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_operator_call(&out, 1, NULL, -1, 0, NULL), APUS_STATUS_index);
    CHECK_STATUS(apus_operator_call(&out, 1, NULL, INT32_MAX, 0, NULL), APUS_STATUS_index);
    const apus_argument fits[] = {APUS_VARIABLE(v)};
    CHECK_STATUS(apus_operator_call(NULL, 0, NULL, exp, 1, fits), APUS_STATUS_invalid_argument);

    CHECK_STATUS(apus_state_new(NULL), null);
    CHECK_STATUS(apus_state_set(NULL, "x", v), null);
    CHECK_STATUS(apus_state_set(state, NULL, v), null);
    CHECK_STATUS(apus_state_set(state, "x", NULL), null);
    CHECK_STATUS(apus_state_set_number(NULL, "x", 1), null);
    CHECK_STATUS(apus_state_set_number(state, NULL, 1), null);
    CHECK_STATUS(apus_state_save(NULL, "x"), null);
    CHECK_STATUS(apus_state_save(state, NULL), null);
    CHECK(apus_state_save(state, "/no such folder/file") != APUS_STATUS_ok);
    apus_state *loaded = NULL;
    CHECK_STATUS(apus_state_load(&loaded, NULL), null);
    CHECK_STATUS(apus_state_load(NULL, "x"), null);
    CHECK(apus_state_load(&loaded, "/no such file") != APUS_STATUS_ok && loaded == NULL);
    CHECK(apus_state_load(&loaded, "/dev/null") != APUS_STATUS_ok && loaded == NULL);
    CHECK(apus_state_count(NULL) == 0 && apus_state_number_count(NULL) == 0);
    CHECK(apus_state_name(NULL, 0) == NULL && apus_state_variable(NULL, 0) == NULL);
    CHECK(apus_state_number_name(NULL, 0) == NULL && isnan(apus_state_number(NULL, 0)));
    CHECK(apus_state_retain(NULL) == NULL);
    apus_state_release(NULL);

    CHECK_STATUS(apus_module_new(NULL, "ReLU", 0, NULL), null);
    CHECK_STATUS(apus_module_new(&module, NULL, 0, NULL), null);
    CHECK_STATUS(apus_module_new(&module, "none such", 0, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_module_new(&module, "Linear", 0, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_module_new(&module, "Linear", 2, NULL), null);
    CHECK_STATUS(apus_module_forward(&out, NULL, v), null);
    CHECK_STATUS(apus_module_forward(&out, modules[0], NULL), null);
    CHECK_STATUS(apus_module_forward(NULL, modules[0], v), null);
    CHECK_STATUS(apus_module_parameters(&loaded, NULL), null);
    CHECK_STATUS(apus_module_parameters(NULL, modules[0]), null);
    CHECK_STATUS(apus_module_buffers(&loaded, NULL), null);
    CHECK_STATUS(apus_module_state(&loaded, NULL), null);
    CHECK_STATUS(apus_module_load_state(NULL, state, true), null);
    CHECK_STATUS(apus_module_load_state(modules[0], NULL, true), null);
    CHECK_STATUS(apus_module_train(NULL, true), null);
    CHECK_STATUS(apus_module_zero_grad(NULL), null);
    CHECK_STATUS(apus_module_set_requires_grad(NULL, true), null);
    CHECK_STATUS(apus_module_to(NULL, APUS_DTYPE_float32), null);
    CHECK_STATUS(apus_module_to(modules[0], (apus_dtype)77), APUS_STATUS_dtype);
    CHECK_STATUS(apus_module_to(modules[0], APUS_DTYPE_int32), APUS_STATUS_dtype);
    CHECK_STATUS(apus_module_describe(NULL, NULL, 0, NULL), null);
    CHECK(!apus_module_is_training(NULL) && apus_module_retain(NULL) == NULL);
    apus_module_release(NULL);

    CHECK_STATUS(apus_optimizer_new(NULL, "SGD", 1, &v, 0, NULL), null);
    CHECK_STATUS(apus_optimizer_new(&optimizer, NULL, 1, &v, 0, NULL), null);
    CHECK_STATUS(apus_optimizer_new(&optimizer, "SGD", 1, NULL, 0, NULL), null);
    CHECK_STATUS(apus_optimizer_new(&optimizer, "none such", 1, &v, 0, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_optimizer_add_group(NULL, 1, &v), null);
    CHECK_STATUS(apus_optimizer_get(NULL, 0, "lr", &number), null);
    CHECK_STATUS(apus_optimizer_set(NULL, 0, "lr", 1), null);
    CHECK_STATUS(apus_optimizer_step(NULL), null);
    CHECK_STATUS(apus_optimizer_zero_grad(NULL), null);
    CHECK_STATUS(apus_optimizer_state(&loaded, NULL), null);
    CHECK_STATUS(apus_optimizer_load_state(NULL, state), null);
    CHECK(apus_optimizer_group_count(NULL) == 0 && apus_optimizer_retain(NULL) == NULL);
    CHECK(apus_optimizer_signature(-1) == NULL && apus_scheduler_signature(1000) == NULL);
    apus_optimizer_release(NULL);
    CHECK_OK(apus_optimizer_new(&optimizer, "SGD", 1, &v, 0, NULL));
    CHECK_STATUS(apus_optimizer_get(optimizer, 1, "lr", &number), APUS_STATUS_index);
    CHECK_STATUS(apus_optimizer_get(optimizer, -1, "lr", &number), APUS_STATUS_index);
    CHECK_STATUS(apus_optimizer_get(optimizer, 0, "none such", &number), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_optimizer_get(optimizer, 0, "lr", NULL), null);
    CHECK_STATUS(apus_optimizer_get(optimizer, 0, NULL, &number), null);
    CHECK_STATUS(apus_optimizer_set(optimizer, 2, "lr", 1), APUS_STATUS_index);
    CHECK_STATUS(apus_optimizer_set(optimizer, 0, "none such", 1), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_optimizer_load_state(optimizer, NULL), null);
    CHECK_STATUS(apus_optimizer_load_state(optimizer, state), APUS_STATUS_invalid_argument);

    CHECK_STATUS(apus_scheduler_new(&scheduler, "StepLR", NULL, 0, NULL), null);
    CHECK_STATUS(apus_scheduler_new(NULL, "StepLR", optimizer, 0, NULL), null);
    CHECK_STATUS(apus_scheduler_new(&scheduler, NULL, optimizer, 0, NULL), null);
    CHECK_STATUS(apus_scheduler_new(&scheduler, "StepLR", optimizer, 0, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_scheduler_step(NULL), null);
    CHECK_STATUS(apus_scheduler_state(&loaded, NULL), null);
    CHECK_STATUS(apus_scheduler_load_state(NULL, state), null);
    CHECK(apus_scheduler_retain(NULL) == NULL);
    apus_scheduler_release(NULL);
    apus_optimizer_release(optimizer);
    apus_state_release(state);
}

/// Modules in modules, deeper than is allowed.
static void test_nesting(void) {
    apus_module *inner = NULL;
    CHECK_OK(apus_module_new(&inner, "ReLU", 0, NULL));
    int depth = 0;
    for (; depth < 1000; depth++) {
        apus_module *outer = NULL;
        const apus_argument one[] = {APUS_MODULES(1, &inner)};
        const apus_status status = apus_module_new(&outer, "Sequential", 1, one);
        if (status != APUS_STATUS_ok) break;
        apus_module_release(inner);
        inner = outer;
    }
    CHECK(depth == 99);
    apus_module_release(inner);
}

int main(int count, char **arguments) {
    // What asks for more than this is told that there is none.
    const struct rlimit limit = {(rlim_t)6 << 30, (rlim_t)6 << 30};
    setrlimit(RLIMIT_AS, &limit);
    const int rounds = count > 1 ? atoi(arguments[1]) : 200;
    CHECK_OK(apus_module_new(&modules[0], "ReLU", 0, NULL));
    CHECK_OK(apus_module_new(&modules[1], "Flatten", 0, NULL));
    fill_pool();
    test_null();
    test_nesting();
    test_all_modules(rounds);
    test_all_optimizers(rounds * 5);
    empty_pool();
    test_all_operators(rounds);
    printf("%d calls of operators succeeded, %d failed\n", succeeded, failed);
    apus_module_release(modules[0]);
    apus_module_release(modules[1]);
    check_no_leaks();
    return check_result("test_train_arguments");
}
