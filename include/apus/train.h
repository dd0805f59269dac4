/// Automatic differentiation, layers and optimizers: a second library, libapus_train, written in Swift.
///
///     apus_variable *weight = NULL, *product = NULL, *loss = NULL, *gradient = NULL;
///     apus_variable_new(&weight, some_tensor, true);
///     const apus_argument factors[] = {APUS_VARIABLE(x), APUS_VARIABLE(weight)};
///     apus_operator_call(&product, 1, NULL, apus_operator_find("matmul"), 2, factors);
///     const apus_argument whole[] = {APUS_VARIABLE(product)};
///     apus_operator_call(&loss, 1, NULL, apus_operator_find("sum"), 1, whole);
///     apus_backward(loss, NULL, false, false, 0, NULL);
///     apus_variable_grad(&gradient, weight);
///
/// apus.h does not include this header: libapus needs no Swift, this library carries its own Swift runtime. It uses the
/// process's libapus, so tensors go from one to the other as they are, and the random generator, the number of threads
/// and the memory counters are the same ones.
///
/// Rules that hold for every function:
/// - Whatever can fail returns `apus_status`; the text is in `apus_last_error()`, as for the core. Wrong arguments
/// never
///   end the process; only memory that runs out in the middle of Swift code does.
/// - Outputs come first. `*out` is set to a new reference that the caller releases, and to NULL after a failure. What
/// was
///   in it before is not looked at.
/// - Pointers that a function returns are borrowed: they live as long as the object that was asked.
/// - Handles are reference counted and may be retained and released from any thread; NULL is allowed there. Passing
///   NULL elsewhere gives `APUS_STATUS_null_argument`.
/// - Any function may be called from any thread. Different threads may record operations on shared variables at the
///   same time; writing to memory that another thread uses is the caller's to prevent. Modules, optimizers, schedulers
///   and states are for one thread at a time.
/// - A process that forks uses this library only on one side.
#ifndef APUS_TRAIN_H
#define APUS_TRAIN_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// A tensor with the history of its computation.
typedef struct apus_variable apus_variable;
/// A layer, or a network of layers.
typedef struct apus_module apus_module;
/// What changes parameters by their gradients.
typedef struct apus_optimizer apus_optimizer;
/// What changes an optimizer's learning rates.
typedef struct apus_scheduler apus_scheduler;
/// Named variables and named numbers, in order.
typedef struct apus_state apus_state;
/// A registered callback.
typedef struct apus_hook apus_hook;

// ---- Variables

/// A variable over the tensor's memory, which is shared. It is a leaf; only floats can require grad.
APUS_API APUS_NODISCARD apus_status apus_variable_new(apus_variable **out, const apus_tensor *value,
                                                      bool requires_grad);
/// Adds an owner. Returns `v`.
APUS_API apus_variable *apus_variable_retain(apus_variable *v);
/// Drops an owner; the last one frees. NULL is allowed.
APUS_API void apus_variable_release(apus_variable *v);

/// The current value. Borrowed: retain it to keep it beyond the variable, or beyond `apus_module_to`. NULL for NULL.
/// Writing to it by the core is noticed when a derivative needs what was there.
APUS_API apus_tensor *apus_variable_value(const apus_variable *v);
/// Whether gradients flow to it. false for NULL.
APUS_API bool apus_variable_requires_grad(const apus_variable *v);
/// Whether it was not computed by a recorded operation. false for NULL.
APUS_API bool apus_variable_is_leaf(const apus_variable *v);
/// Makes a leaf require grad, or no longer.
APUS_API APUS_NODISCARD apus_status apus_variable_set_requires_grad(apus_variable *v, bool requires_grad);
/// The name of the operation that made it, e.g. "MulBackward"; empty for a leaf. As `apus_tensor_format` gives text.
APUS_API APUS_NODISCARD apus_status apus_variable_grad_fn(const apus_variable *v, char *buffer, size_t capacity,
                                                          size_t *length);
/// The gradient that `apus_backward` gathered. Succeeds with a NULL `*out` where there is none.
APUS_API APUS_NODISCARD apus_status apus_variable_grad(apus_variable **out, const apus_variable *v);
/// Sets or, with NULL, drops the gradient. It must have the variable's shape and dtype.
APUS_API APUS_NODISCARD apus_status apus_variable_set_grad(apus_variable *v, apus_variable *grad);
/// Keeps the gradient of a variable that is not a leaf, too.
APUS_API APUS_NODISCARD apus_status apus_variable_retain_grad(apus_variable *v);
/// The same value without history; memory is shared.
APUS_API APUS_NODISCARD apus_status apus_variable_detach(apus_variable **out, const apus_variable *v);

// ---- Differentiation

/// Whether this thread records operations. It does when it starts.
APUS_API bool apus_grad_enabled(void);
/// Sets it for this thread; returns what it was, to be set again afterwards.
APUS_API bool apus_set_grad_enabled(bool enabled);

/// Adds the gradients of `v` to the `grad` of the leaves it was computed from, or, where count > 0, of `inputs` only.
/// `gradient` is that of what follows with regard to v and may be NULL for one element. The graph's saved tensors are
/// freed unless `retain_graph` or `create_graph`; the latter records the computation of the gradients too.
APUS_API APUS_NODISCARD apus_status apus_backward(apus_variable *v, apus_variable *gradient, bool retain_graph,
                                                  bool create_graph, int32_t count, apus_variable *const *inputs);
/// The gradients of the outputs, summed, with regard to each of the inputs, in out[0 … input_count - 1]. Nothing is
/// added to any `grad`. `gradients` may be NULL, and so may each of its entries, for outputs of one element. An input
/// that the outputs do not depend on is an error, or gives NULL where `allow_unused`.
APUS_API APUS_NODISCARD apus_status apus_grad(apus_variable **out, int32_t output_count, apus_variable *const *outputs,
                                              apus_variable *const *gradients, int32_t input_count,
                                              apus_variable *const *inputs, bool retain_graph, bool create_graph,
                                              bool allow_unused);

/// Called with a gradient, which is borrowed. It may put another one into `*replacement`, which is consumed. Any status
/// but ok ends the backward pass with that status; the text is the callback's to set, by `apus_fail`.
typedef apus_status (*apus_hook_function)(void *payload, apus_variable *gradient, apus_variable **replacement);
/// Calls `function` with the gradient of `v` whenever one has been computed. For leaves that is once in a backward
/// pass, before it is added to `grad`. `deleter` (may be NULL) is called with `payload` once, when the hook can be
/// called no more, and also when this call fails. Releasing the hook's handle leaves the hook in place.
APUS_API APUS_NODISCARD apus_status apus_variable_add_hook(apus_hook **out, apus_variable *v,
                                                           apus_hook_function function, void *payload,
                                                           apus_deleter deleter);
/// Ends the hook. A second call does nothing.
APUS_API APUS_NODISCARD apus_status apus_hook_remove(apus_hook *hook);
APUS_API void apus_hook_release(apus_hook *hook);

/// The derivative of an operation of the caller's own: from the gradients of its outputs (borrowed; NULL for zero) to
/// one for each input, in `input_gradients`, which are NULL at first and consumed. NULL stands for none. `saved` holds
/// the variables given to `apus_record`, borrowed. Any status but ok ends the backward pass with it.
typedef apus_status (*apus_backward_function)(void *payload, int32_t output_count,
                                              apus_variable *const *output_gradients, int32_t saved_count,
                                              apus_variable *const *saved, int32_t input_count,
                                              apus_variable **input_gradients);
/// Records that `outputs`, just computed outside of any recording and without history, came from `inputs` (each may be
/// NULL). Does nothing when no input requires grad or recording is off. A derivative that is written in operators can
/// be differentiated again. `saved` are kept for it: changes made to them in place until then are noticed, and they are
/// freed with the graph. `deleter` as for `apus_variable_add_hook`; where nothing is recorded it is called at once.
APUS_API APUS_NODISCARD apus_status apus_record(const char *name, int32_t input_count, apus_variable *const *inputs,
                                                int32_t output_count, apus_variable *const *outputs,
                                                int32_t saved_count, apus_variable *const *saved,
                                                apus_backward_function backward, void *payload, apus_deleter deleter);

// ---- Arguments

/// What an argument holds, and which member of its value is read.
enum {
    APUS_ARGUMENT_none = 0,     ///< the parameter's default
    APUS_ARGUMENT_variable = 1, ///< `variable`
    APUS_ARGUMENT_bool = 2,     ///< `integer`
    APUS_ARGUMENT_int = 3,      ///< `integer`
    APUS_ARGUMENT_float = 4,    ///< `real`
    APUS_ARGUMENT_complex = 5,  ///< `reals`: the real and the imaginary part
    APUS_ARGUMENT_text = 6,     ///< `text`, UTF-8
    APUS_ARGUMENT_ints = 7,     ///< `integers`, `count` of them
    APUS_ARGUMENT_floats = 8,   ///< `reals`, `count` of them
    APUS_ARGUMENT_variables =
        9,                      ///< `variables`, `count` of them; NULL entries only where the signature says `tensor?s`
    APUS_ARGUMENT_modules = 10, ///< `modules`, `count` of them
};

/// One argument of an operator or a constructor. Everything it points to is borrowed for the call.
typedef struct apus_argument {
    int32_t kind;
    int32_t count;
    union {
        int64_t integer;
        double real;
        const char *text;
        apus_variable *variable;
        const int64_t *integers;
        const double *reals;
        apus_variable *const *variables;
        apus_module *const *modules;
    } value;
} apus_argument;

// For C; bindings fill the struct themselves.
#define APUS_VARIABLE(v)                                                                                               \
    {                                                                                                                  \
        APUS_ARGUMENT_variable, 1, { .variable = (v) }                                                                 \
    }
#define APUS_BOOL(flag)                                                                                                \
    {                                                                                                                  \
        APUS_ARGUMENT_bool, 1, { .integer = (flag) }                                                                   \
    }
#define APUS_INT(number)                                                                                               \
    {                                                                                                                  \
        APUS_ARGUMENT_int, 1, { .integer = (number) }                                                                  \
    }
#define APUS_FLOAT(number)                                                                                             \
    {                                                                                                                  \
        APUS_ARGUMENT_float, 1, { .real = (number) }                                                                   \
    }
#define APUS_TEXT(string)                                                                                              \
    {                                                                                                                  \
        APUS_ARGUMENT_text, 1, { .text = (string) }                                                                    \
    }
#define APUS_INTS(length, array)                                                                                       \
    {                                                                                                                  \
        APUS_ARGUMENT_ints, (length), { .integers = (array) }                                                          \
    }
#define APUS_VARIABLES(length, array)                                                                                  \
    {                                                                                                                  \
        APUS_ARGUMENT_variables, (length), { .variables = (array) }                                                    \
    }
#define APUS_MODULES(length, array)                                                                                    \
    {                                                                                                                  \
        APUS_ARGUMENT_modules, (length), { .modules = (array) }                                                        \
    }
#define APUS_DEFAULT                                                                                                   \
    {                                                                                                                  \
        APUS_ARGUMENT_none, 0, { .integer = 0 }                                                                        \
    }

// Signatures describe operators, module kinds, optimizer kinds and scheduler kinds, for people and for bindings that
// are generated from them:
//
//     signature  = name "(" [parameter {", " parameter}] ")" [" -> " result]
//     parameter  = name ": " type [" = " default]
//     type       = tensor | tensors | tensor?s | number | operand | bool | int | float | ints | dtype | text | modules,
//                  with "?" behind it where it may be left out without a default
//     default    = a literal: None, True, False, a number, 'text' or [numbers]
//     result     = tensor | tensors
//
// `operand` is a tensor or a number; `number` is a bool, an int, a float or a complex number, weak in promotion. A
// float takes ints too, `ints` an int for a list of one, `tensor` nothing but a variable. A `dtype` is an int.
// Arguments are given by position; those at the end may be left out. A name that ends in "_" says that the first
// argument is written in place and is the result.

// ---- Operators

/// How many operators there are. Their numbers, 0 to count - 1, hold for this build of the library only; names stay.
APUS_API int32_t apus_operator_count(void);
/// The number of the operator of that name; -1 where there is none.
APUS_API int32_t apus_operator_find(const char *name);
/// Its name; NULL for a number that is none. Static memory.
APUS_API const char *apus_operator_name(int32_t op);
/// Its signature, e.g. "matmul(input: tensor, other: tensor) -> tensor"; NULL for a number that is none. Static memory.
APUS_API const char *apus_operator_signature(int32_t op);
/// Runs an operator, recorded where an argument requires grad. `out` has room for `capacity` results; `*produced` (may
/// be NULL) gets how many there are. Where `capacity` is too small nothing is returned, the status is
/// `APUS_STATUS_invalid_argument` and `*produced` says what is needed; where it is larger the rest is set to NULL.
APUS_API APUS_NODISCARD apus_status apus_operator_call(apus_variable **out, int32_t capacity, int32_t *produced,
                                                       int32_t op, int32_t count, const apus_argument *arguments);

// ---- States

/// An empty state.
APUS_API APUS_NODISCARD apus_status apus_state_new(apus_state **out);
APUS_API apus_state *apus_state_retain(apus_state *state);
APUS_API void apus_state_release(apus_state *state);
/// How many variables there are; 0 for NULL.
APUS_API int32_t apus_state_count(const apus_state *state);
/// The name of variable `i`, borrowed; NULL for an `i` that is none.
APUS_API const char *apus_state_name(const apus_state *state, int32_t i);
/// Variable `i`, borrowed; NULL for an `i` that is none.
APUS_API apus_variable *apus_state_variable(const apus_state *state, int32_t i);
/// Adds a variable, or replaces the one of that name.
APUS_API APUS_NODISCARD apus_status apus_state_set(apus_state *state, const char *name, apus_variable *v);
/// How many numbers there are; 0 for NULL.
APUS_API int32_t apus_state_number_count(const apus_state *state);
/// The name of number `i`, borrowed; NULL for an `i` that is none.
APUS_API const char *apus_state_number_name(const apus_state *state, int32_t i);
/// Number `i`; NaN for an `i` that is none.
APUS_API double apus_state_number(const apus_state *state, int32_t i);
/// Adds a number, or replaces the one of that name.
APUS_API APUS_NODISCARD apus_status apus_state_set_number(apus_state *state, const char *name, double value);
/// Writes a safetensors file; numbers stand in its metadata. The file appears whole or not at all.
APUS_API APUS_NODISCARD apus_status apus_state_save(const apus_state *state, const char *path);
/// Reads a safetensors file. Nothing in it is trusted. Metadata that are not numbers are left out.
APUS_API APUS_NODISCARD apus_status apus_state_load(apus_state **out, const char *path);

// ---- Modules

/// How many kinds of modules there are.
APUS_API int32_t apus_module_kind_count(void);
/// The signature of a kind's constructor, e.g. "Linear(in_features: int, out_features: int, bias: bool = True)"; NULL
/// for a number that is none. Static memory.
APUS_API const char *apus_module_signature(int32_t kind);
/// Makes a module of the kind of that name. Its parameters start as PyTorch's do, drawn from the default generator
/// (`apus_generator_seed(NULL, …)`). `Sequential` takes modules, which it keeps.
APUS_API APUS_NODISCARD apus_status apus_module_new(apus_module **out, const char *kind, int32_t count,
                                                    const apus_argument *arguments);
APUS_API apus_module *apus_module_retain(apus_module *module);
APUS_API void apus_module_release(apus_module *module);
/// Runs the module.
APUS_API APUS_NODISCARD apus_status apus_module_forward(apus_variable **out, apus_module *module,
                                                        const apus_variable *x);
/// The parameters with their names, e.g. "0.weight"; the variables are the module's own.
APUS_API APUS_NODISCARD apus_status apus_module_parameters(apus_state **out, const apus_module *module);
/// The buffers (running statistics and the like) with their names; the variables are the module's own.
APUS_API APUS_NODISCARD apus_status apus_module_buffers(apus_state **out, const apus_module *module);
/// What is to be saved, named as PyTorch names it. Memory is shared with the module.
APUS_API APUS_NODISCARD apus_status apus_module_state(apus_state **out, const apus_module *module);
/// Copies a state into the module's tensors. Unless `strict`, missing and unknown names are let pass; a wrong shape
/// never is, and then nothing is changed.
APUS_API APUS_NODISCARD apus_status apus_module_load_state(apus_module *module, const apus_state *state, bool strict);
/// Switches the module, and all in it, to training or to evaluation.
APUS_API APUS_NODISCARD apus_status apus_module_train(apus_module *module, bool training);
/// false for NULL.
APUS_API bool apus_module_is_training(const apus_module *module);
/// Drops every parameter's gradient.
APUS_API APUS_NODISCARD apus_status apus_module_zero_grad(apus_module *module);
/// Freezes or frees every parameter.
APUS_API APUS_NODISCARD apus_status apus_module_set_requires_grad(apus_module *module, bool requires_grad);
/// Converts the floating-point parameters and buffers. The variables stay the same ones.
APUS_API APUS_NODISCARD apus_status apus_module_to(apus_module *module, apus_dtype dtype);
/// The module's structure, an indented line for each module in it. As `apus_tensor_format` gives text.
APUS_API APUS_NODISCARD apus_status apus_module_describe(const apus_module *module, char *buffer, size_t capacity,
                                                         size_t *length);

// ---- Optimizers

APUS_API int32_t apus_optimizer_kind_count(void);
/// The signature of a kind's constructor without its parameters, e.g. "SGD(lr: float = 0.001, …)"; NULL for a number
/// that is none. Static memory. An argument's name is the option's.
APUS_API const char *apus_optimizer_signature(int32_t kind);
/// An optimizer over `parameter_count` leaves, as its first group.
APUS_API APUS_NODISCARD apus_status apus_optimizer_new(apus_optimizer **out, const char *kind, int32_t parameter_count,
                                                       apus_variable *const *parameters, int32_t count,
                                                       const apus_argument *arguments);
APUS_API apus_optimizer *apus_optimizer_retain(apus_optimizer *optimizer);
APUS_API void apus_optimizer_release(apus_optimizer *optimizer);
/// Adds a group with the optimizer's options, to be changed by `apus_optimizer_set`.
APUS_API APUS_NODISCARD apus_status apus_optimizer_add_group(apus_optimizer *optimizer, int32_t parameter_count,
                                                             apus_variable *const *parameters);
/// How many groups there are; 0 for NULL.
APUS_API int32_t apus_optimizer_group_count(const apus_optimizer *optimizer);
/// An option of a group: "lr", "weight_decay", "momentum" and so on. Flags are 0 or 1.
APUS_API APUS_NODISCARD apus_status apus_optimizer_get(const apus_optimizer *optimizer, int32_t group,
                                                       const char *option, double *out);
/// Changes an option of a group, or, where `group` is -1, of all.
APUS_API APUS_NODISCARD apus_status apus_optimizer_set(apus_optimizer *optimizer, int32_t group, const char *option,
                                                       double value);
/// Changes every parameter that has a gradient.
APUS_API APUS_NODISCARD apus_status apus_optimizer_step(apus_optimizer *optimizer);
/// Drops every parameter's gradient.
APUS_API APUS_NODISCARD apus_status apus_optimizer_zero_grad(apus_optimizer *optimizer);
/// All that a later run needs to go on from here. Memory is shared with the optimizer.
APUS_API APUS_NODISCARD apus_status apus_optimizer_state(apus_state **out, const apus_optimizer *optimizer);
/// Takes up a state of an optimizer of the same kind over parameters of the same shapes; tensors are copied. Where it
/// does not fit nothing is changed.
APUS_API APUS_NODISCARD apus_status apus_optimizer_load_state(apus_optimizer *optimizer, const apus_state *state);

// ---- Schedulers

APUS_API int32_t apus_scheduler_kind_count(void);
/// The signature of a kind's constructor without its optimizer, e.g. "StepLR(step_size: int, gamma: float = 0.1)"; NULL
/// for a number that is none. Static memory.
APUS_API const char *apus_scheduler_signature(int32_t kind);
/// A scheduler, which keeps the optimizer.
APUS_API APUS_NODISCARD apus_status apus_scheduler_new(apus_scheduler **out, const char *kind,
                                                       apus_optimizer *optimizer, int32_t count,
                                                       const apus_argument *arguments);
APUS_API apus_scheduler *apus_scheduler_retain(apus_scheduler *scheduler);
APUS_API void apus_scheduler_release(apus_scheduler *scheduler);
/// Moves on by one and sets the rates.
APUS_API APUS_NODISCARD apus_status apus_scheduler_step(apus_scheduler *scheduler);
/// Where the schedule stands, as numbers.
APUS_API APUS_NODISCARD apus_status apus_scheduler_state(apus_state **out, const apus_scheduler *scheduler);
APUS_API APUS_NODISCARD apus_status apus_scheduler_load_state(apus_scheduler *scheduler, const apus_state *state);

APUS_END_DECLS

#endif
