// Elementwise operators on OpenCL devices. A program is one row of the operator tables for one dtype: with all rows in
// one, PoCL needs several times as long for each kernel. Operands of other dtypes are converted beforehand, results
// afterwards.
#include "opencl/elementwise.h"

#include <string.h>

#include "device/elementwise.h"

// A row of the tables as text, UNARY_real(unary_exp, exp(x)) and so on, behind the macros that make a kernel of it.
#define ROW(kernel, text)                                                                                              \
    {                                                                                                                  \
        kernel, { APUS__CL_ROW_SOURCES, text }                                                                         \
    }
static const apus__cl_family unary_families[APUS_UNARY_COUNT] = {
#define APUS_UNARY(number, name, class, expression, low, high)                                                         \
    [number] = ROW("unary_" #name, "UNARY_" #class "(unary_" #name ", " #expression ")\n"),
#include "apus/unary.def"
#undef APUS_UNARY
};
static const apus__cl_family binary_families[APUS_BINARY_COUNT] = {
#define APUS_BINARY(number, name, class, expression, ...)                                                              \
    [number] = ROW("binary_" #name, "BINARY_" #class "(binary_" #name ", " #expression ")\n"),
#include "apus/binary.def"
#undef APUS_BINARY
};
static const apus__cl_family ternary_families[APUS_TERNARY_COUNT] = {
#define APUS_TERNARY(number, name, class, expression)                                                                  \
    [number] = ROW("ternary_" #name, "TERNARY_" #class "(ternary_" #name ", " #expression ")\n"),
#include "apus/ternary.def"
#undef APUS_TERNARY
};

// Rows of device/complex.def, for the complex dtypes.
#define COMPLEX_ROW(kernel, text)                                                                                      \
    {                                                                                                                  \
        kernel, { APUS__CL_ROW_SOURCES, apus__cl_complex, text }                                                       \
    }
static const apus__cl_family complex_unary_families[APUS_UNARY_COUNT] = {
#define APUS_COMPLEX_UNARY(name, result, expression)                                                                   \
    [APUS_UNARY_##name] = COMPLEX_ROW("unary_" #name, "COMPLEX_UNARY_" #result "(unary_" #name ", " #expression ")"    \
                                                      "\n"),
#define APUS_COMPLEX_BINARY(name, expression)
#include "device/complex.def"
#undef APUS_COMPLEX_UNARY
#undef APUS_COMPLEX_BINARY
};
static const apus__cl_family complex_binary_families[APUS_BINARY_COUNT] = {
#define APUS_COMPLEX_UNARY(name, result, expression)
#define APUS_COMPLEX_BINARY(name, expression)                                                                          \
    [APUS_BINARY_##name] = COMPLEX_ROW("binary_" #name, "COMPLEX_BINARY(binary_" #name ", " #expression ")\n"),
#include "device/complex.def"
#undef APUS_COMPLEX_UNARY
#undef APUS_COMPLEX_BINARY
};

/// One call: which row, and which dtypes its operands have in the kernel.
typedef struct call {
    const apus__cl_family *family;
    apus_dtype program;                 ///< the dtype that is stored in the program at hand
    apus_dtype dtypes[APUS__CL_WALKED]; ///< of the operands in the kernel, the output first
    const uint64_t *parameter;          ///< ternary.def's s, or NULL
    int64_t width;                      ///< elements that a kernel takes at once
} call;

enum { GIVES_SAME = -1 };

/// How many elements kernels take at once; W in common.cl for the GPU class.
static int64_t gpu_width(apus_dtype dtype) {
    if (dtype == APUS_DTYPE_float64) return 2;
    return apus_dtype_is_floating_point(dtype) ? 4 : 1;
}

static apus_status run_part(void *context, apus__cl_walk *walk, const apus__plan *plan) {
    const call *c = context;
    apus__cl_argument arguments[1 + APUS__CL_WALKED + 2] = {apus__cl_struct(walk, sizeof *walk)};
    int32_t count = 1;
    for (int32_t k = 0; k < plan->count; k++) {
        const apus__operand *o = &plan->operands[k];
        bool is_number = walk->o[k].is_number;
        if (is_number) apus__cl_number_bits(walk->o[k].bits, apus__cl_compute_dtype(c->dtypes[k]), o);
        arguments[count++] = apus__cl_memory(is_number ? NULL : o->storage);
    }
    for (int i = 0; i < 2 && c->parameter != NULL; i++) arguments[count++] = apus__cl_long((int64_t)c->parameter[i]);
    return apus__cl_run(&(apus__cl_launch){.storage = plan->operands[0].storage,
                                           .family = c->family,
                                           .dtype = c->program,
                                           .kernel = c->family->name,
                                           .items = {walk->items},
                                           .arguments = arguments,
                                           .argument_count = count});
}

apus_dtype apus__cl_compute_dtype(apus_dtype dtype) {
    if (dtype == APUS_DTYPE_bool) return APUS_DTYPE_uint8;
    return dtype == APUS_DTYPE_float16 || dtype == APUS_DTYPE_bfloat16 ? APUS_DTYPE_float32 : dtype;
}

/// The dtype of the program: the operands' own where all that matter share one that is computed as asked, so that
/// narrow floats and bool need no conversion.
static apus_dtype program_dtype(const apus__plan *plan, apus_dtype compute, int32_t first_input, bool gives_same) {
    apus_dtype found = compute;
    bool any = false;
    for (int32_t k = gives_same ? 0 : first_input; k < plan->count; k++) {
        const apus__operand *o = &plan->operands[k];
        if ((k > 0 && k < first_input) || apus__cl_is_number(o)) continue;
        if (any && o->dtype != found) return compute;
        found = o->dtype;
        any = true;
    }
    return apus__cl_compute_dtype(found) == compute ? found : compute;
}

/// Runs with every operand in the kernel's dtype. Operands of `plan` that are not the given ones are for the caller to
/// release, failed or not.
static apus_status run_staged(const call *c, apus__plan *plan, const apus__plan *given) {
    for (int32_t k = 1; k < plan->count; k++) {
        if (apus__cl_is_number(&plan->operands[k])) continue;
        if (given->operands[k].dtype != c->dtypes[k] || apus__cl_is_crosswise(given, k))
            APUS_TRY(apus__cl_stage(&plan->operands[k], given, k, c->dtypes[k]));
    }
    bool converts = given->operands[0].dtype != c->dtypes[0];
    if (converts)
        APUS_TRY(apus__cl_temporary_operand(&plan->operands[0], given, given->operands[0].storage, c->dtypes[0], NULL));
    APUS_TRY(apus__cl_walk_plan(plan, c->width, run_part, (void *)c));
    if (!converts) return APUS_STATUS_ok;
    apus__plan back = *given;
    back.count = 2;
    back.operands[1] = plan->operands[0];
    return apus__cl_copy(&back);
}

/// `result` is the dtype that the kernel gives, or GIVES_SAME for that of the program.
static apus_status run(call *c, const apus__plan *given, apus_dtype compute, int32_t first_input, int result) {
    if (given->numel == 0) return APUS_STATUS_ok;
    c->program = program_dtype(given, compute, first_input, result == GIVES_SAME);
    c->width = gpu_width(c->program);
    c->dtypes[0] = result == GIVES_SAME ? c->program : (apus_dtype)result;
    for (int32_t k = 1; k < given->count; k++) c->dtypes[k] = k < first_input ? APUS_DTYPE_bool : c->program;
    apus__plan plan = *given;
    apus_status status = run_staged(c, &plan, given);
    for (int32_t k = 0; k < plan.count; k++)
        if (plan.operands[k].storage != given->operands[k].storage) apus__storage_release(plan.operands[k].storage);
    return status;
}

static apus_status unary(const apus__plan *plan, apus_unary_op op, apus_dtype compute) {
    bool is_complex = apus_dtype_is_complex(compute) && apus__unary_has_complex(op);
    apus_dtype result = is_complex ? apus__complex_result(op, compute) : compute;
    return run(&(call){.family = is_complex ? &complex_unary_families[op] : &unary_families[op]}, plan, compute, 1,
               apus__unary_gives_bool(op) ? APUS_DTYPE_bool
               : result != compute        ? (int)result
                                          : GIVES_SAME);
}

static apus_status binary(const apus__plan *plan, apus_binary_op op, apus_dtype compute) {
    bool is_complex = apus_dtype_is_complex(compute) && apus__binary_has_complex(op);
    return run(&(call){.family = is_complex ? &complex_binary_families[op] : &binary_families[op]}, plan, compute, 1,
               apus__binary_gives_bool(op) ? APUS_DTYPE_bool : GIVES_SAME);
}

apus_status apus__cl_row(const apus__plan *plan, const apus__cl_family *family, apus_dtype compute) {
    const uint64_t unused[2] = {0, 0};
    return run(&(call){.family = family, .parameter = plan->count == 4 ? unused : NULL}, plan, compute, 1, GIVES_SAME);
}

static apus_status ternary(const apus__plan *plan, apus_ternary_op op, apus_dtype compute, const apus_scalar *value) {
    const apus_scalar one = {.kind = APUS_SCALAR_int, .integer = 1};
    apus__stack_scalar room;
    const apus_tensor *t = apus__scalar_tensor(&room, value == NULL ? &one : value);
    uint64_t bits[2];
    apus__cl_number_bits(bits, compute, &(apus__operand){.dtype = t->dtype, .storage = t->storage});
    return run(&(call){.family = &ternary_families[op], .parameter = bits}, plan, compute,
               op == APUS_TERNARY_where ? 2 : 1, GIVES_SAME);
}

const apus__elementwise_table apus__cl_elementwise_table = {
    .fill = apus__cl_fill,
    .copy = apus__cl_copy,
    .unary = unary,
    .binary = binary,
    .ternary = ternary,
    .arange = apus__cl_arange,
};
