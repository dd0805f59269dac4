// Elementwise operators: dtype rules and outputs.
#include "device/elementwise.h"

#include <math.h>
#include <string.h>

#include "apus/reduce.h"
#include "device/device.h"

/// What a class of the operator tables accepts and gives.
typedef enum operator_class {
    class_number,
    class_field,
    class_signed_,
    class_signed_field,
    class_real,
    class_real_field,
    class_round,
    class_predicate,
    class_integer,
    class_bits,
    class_compare,
    class_equal,
    class_logic,
    class_select,
} operator_class;

typedef struct unary_row {
    const char *name;
    operator_class class;
    double low, high;
} unary_row;
typedef struct binary_row {
    const char *name;
    operator_class class;
    double domain[4];
} binary_row;
typedef struct ternary_row {
    const char *name;
    operator_class class;
} ternary_row;

static const unary_row unary_rows[APUS_UNARY_COUNT] = {
#define APUS_UNARY(number, name, class, expression, low, high) [number] = {#name, class_##class, low, high},
#include "apus/unary.def"
#undef APUS_UNARY
};
static const binary_row binary_rows[APUS_BINARY_COUNT] = {
#define APUS_BINARY(number, name, class, expression, ...) [number] = {#name, class_##class, {__VA_ARGS__}},
#include "apus/binary.def"
#undef APUS_BINARY
};
static const ternary_row ternary_rows[APUS_TERNARY_COUNT] = {
#define APUS_TERNARY(number, name, class, expression) [number] = {#name, class_##class},
#include "apus/ternary.def"
#undef APUS_TERNARY
};

static bool is_unary(apus_unary_op op) { return (unsigned)op < APUS_UNARY_COUNT; }
static bool is_binary(apus_binary_op op) { return (unsigned)op < APUS_BINARY_COUNT; }
static bool is_ternary(apus_ternary_op op) { return (unsigned)op < APUS_TERNARY_COUNT; }

const char *apus_unary_name(apus_unary_op op) { return is_unary(op) ? unary_rows[op].name : "invalid"; }
const char *apus_binary_name(apus_binary_op op) { return is_binary(op) ? binary_rows[op].name : "invalid"; }
const char *apus_ternary_name(apus_ternary_op op) { return is_ternary(op) ? ternary_rows[op].name : "invalid"; }

void apus_unary_domain(apus_unary_op op, double *low, double *high) {
    if (!is_unary(op) || low == NULL || high == NULL) return;
    *low = unary_rows[op].low;
    *high = unary_rows[op].high;
}

void apus_binary_domain(apus_binary_op op, double low[2], double high[2]) {
    if (!is_binary(op) || low == NULL || high == NULL) return;
    for (int i = 0; i < 2; i++) {
        low[i] = binary_rows[op].domain[2 * i];
        high[i] = binary_rows[op].domain[2 * i + 1];
    }
}

// ---- Complex operands of operators whose class is for real ones

typedef enum complex_result { complex_none, complex_complex, complex_part, complex_bool } complex_result;

static const complex_result complex_unary[APUS_UNARY_COUNT] = {
#define APUS_COMPLEX_UNARY(name, result, expression) [APUS_UNARY_##name] = complex_##result,
#define APUS_COMPLEX_BINARY(name, expression)
#include "device/complex.def"
#undef APUS_COMPLEX_UNARY
#undef APUS_COMPLEX_BINARY
};
static const bool complex_binary[APUS_BINARY_COUNT] = {
#define APUS_COMPLEX_UNARY(name, result, expression)
#define APUS_COMPLEX_BINARY(name, expression) [APUS_BINARY_##name] = true,
#include "device/complex.def"
#undef APUS_COMPLEX_UNARY
#undef APUS_COMPLEX_BINARY
};

bool apus__unary_has_complex(apus_unary_op op) { return complex_unary[op] != complex_none; }
bool apus__binary_has_complex(apus_binary_op op) { return complex_binary[op]; }

apus_dtype apus__complex_result(apus_unary_op op, apus_dtype dtype) {
    switch (complex_unary[op]) {
    case complex_none:
    case complex_complex: break;
    case complex_part: return dtype == APUS_DTYPE_complex64 ? APUS_DTYPE_float32 : APUS_DTYPE_float64;
    case complex_bool: return APUS_DTYPE_bool;
    }
    return dtype;
}

/// The dtype loops compute in for operands of this dtype.
static apus_dtype compute_dtype(apus_dtype dtype) {
    if (dtype == APUS_DTYPE_bool) return APUS_DTYPE_uint8;
    if (dtype == APUS_DTYPE_float16 || dtype == APUS_DTYPE_bfloat16) return APUS_DTYPE_float32;
    return dtype;
}

/// Checks that a class takes operands of the (promoted) dtype and says what it computes them as and what comes out.
static apus_status resolve(const char *name, operator_class class, apus_dtype dtype, apus_dtype *compute,
                           apus_dtype *result) {
    bool complex = apus_dtype_is_complex(dtype), integral = apus__is_integral(dtype),
         is_bool = dtype == APUS_DTYPE_bool;
    bool accepted = true;
    apus_dtype operands = dtype;
    *result = dtype;
    switch (class) {
    case class_field: break;
    case class_number:
    case class_select: accepted = class == class_select || !complex; break;
    case class_signed_: accepted = !complex && !is_bool; break;
    case class_signed_field: accepted = !is_bool; break;
    case class_real:
    case class_real_field:
        accepted = class == class_real_field || !complex;
        operands = *result = apus__to_floating(dtype);
        break;
    case class_round: accepted = !complex && !is_bool; break;
    case class_integer: accepted = integral && !is_bool; break;
    case class_bits: accepted = integral; break;
    case class_predicate:
    case class_compare:
    case class_logic:
        accepted = !complex;
        *result = APUS_DTYPE_bool;
        break;
    case class_equal: *result = APUS_DTYPE_bool; break;
    }
    if (!accepted) return apus__fail(APUS_STATUS_dtype, "%s: not defined for %s", name, apus_dtype_name(dtype));
    *compute = compute_dtype(operands);
    return APUS_STATUS_ok;
}

typedef apus_status (*launch)(const apus__elementwise_table *table, const apus__plan *plan, int op, apus_dtype compute,
                              const apus_scalar *value);

static apus_status launch_unary(const apus__elementwise_table *table, const apus__plan *plan, int op,
                                apus_dtype compute, const apus_scalar *value) {
    (void)value;
    return table->unary(plan, (apus_unary_op)op, compute);
}
static apus_status launch_binary(const apus__elementwise_table *table, const apus__plan *plan, int op,
                                 apus_dtype compute, const apus_scalar *value) {
    (void)value;
    return table->binary(plan, (apus_binary_op)op, compute);
}
static apus_status launch_ternary(const apus__elementwise_table *table, const apus__plan *plan, int op,
                                  apus_dtype compute, const apus_scalar *value) {
    return table->ternary(plan, (apus_ternary_op)op, compute, value);
}

/// The device of the operands. 0-d ones on the CPU are numbers, whose value any device takes.
static apus_status device_of(const char *name, apus_device *device, const apus_tensor *const *inputs, int32_t count) {
    const apus_tensor *placed[3] = {NULL};
    for (int32_t i = 0; i < count; i++)
        if (inputs[i]->rank > 0 || inputs[i]->storage->device != APUS_DEVICE_CPU) placed[i] = inputs[i];
    return apus__same_device(name, device, placed, count);
}

/// Broadcasts, places the output, plans and runs.
static apus_status run(apus_tensor **out, const char *name, launch start, int op, apus_dtype compute, apus_dtype result,
                       const apus_tensor *const *inputs, int32_t count, const apus_scalar *value) {
    apus_device device;
    APUS_TRY(device_of(name, &device, inputs, count));
    int32_t rank;
    int64_t shape[APUS_MAX_RANK];
    APUS_TRY(apus__broadcast_shape(name, &rank, shape, inputs, count));
    apus__output output;
    APUS_TRY(
        apus__output_begin(&output, name, out, APUS__OUTPUT_ELEMENTWISE, result, rank, shape, device, inputs, count));
    const apus_tensor *tensors[4] = {output.tensor};
    for (int32_t i = 0; i < count; i++) tensors[i + 1] = inputs[i];
    apus__plan plan;
    apus__plan_make(&plan, rank, shape, tensors, count + 1);
    const apus__device_table *table = apus__device_of(output.tensor);
    return apus__output_end(&output, start(table->elementwise, &plan, op, compute, value));
}

/// Rounding leaves integers as they are; what is left of them behind the point is zero.
static apus_status round_integers(apus_tensor **out, apus_unary_op op, const apus_tensor *x) {
    apus__output output;
    APUS_TRY(apus__output_begin(&output, apus_unary_name(op), out, APUS__OUTPUT_ELEMENTWISE, x->dtype, x->rank,
                                x->shape, x->storage->device, &x, 1));
    const apus_scalar zero = {.kind = APUS_SCALAR_int};
    apus_status status =
        op == APUS_UNARY_frac ? apus_tensor_fill(output.tensor, &zero) : apus_tensor_copy(output.tensor, x);
    return apus__output_end(&output, status);
}

apus_status apus_unary(apus_tensor **out, apus_unary_op op, const apus_tensor *x) {
    const char *name = apus_unary_name(op);
    APUS_REQUIRE(name, out);
    APUS_REQUIRE(name, x);
    if (!is_unary(op)) return apus__fail(APUS_STATUS_invalid_argument, "unary: there is no operator %d", (int)op);
    // Not of a truth value is its opposite, not the complement of its byte.
    if (op == APUS_UNARY_bitwise_not && x->dtype == APUS_DTYPE_bool) op = APUS_UNARY_logical_not;
    if (apus_dtype_is_complex(x->dtype) && complex_unary[op] != complex_none)
        return run(out, name, launch_unary, (int)op, x->dtype, apus__complex_result(op, x->dtype), &x, 1, NULL);
    apus_dtype compute, result;
    APUS_TRY(resolve(name, unary_rows[op].class, x->dtype, &compute, &result));
    bool bool_arithmetic =
        x->dtype == APUS_DTYPE_bool && (unary_rows[op].class == class_number || unary_rows[op].class == class_field);
    if (bool_arithmetic) return apus__fail(APUS_STATUS_dtype, "%s: not defined for bool", name);
    if (unary_rows[op].class == class_round && apus__is_integral(x->dtype)) return round_integers(out, op, x);
    return run(out, name, launch_unary, (int)op, compute, result, &x, 1, NULL);
}

/// Integer division has no result for a zero divisor.
static apus_status refuse_zero(const char *name, const apus_tensor *divisor) {
    apus_tensor *all = NULL;
    APUS_TRY(apus_reduce(&all, APUS_REDUCE_all, divisor, 0, NULL, false));
    apus_scalar answer;
    apus_status status = apus_tensor_item(all, &answer);
    apus_tensor_release(all);
    APUS_TRY(status);
    if (answer.integer == 0) return apus__fail(APUS_STATUS_invalid_argument, "%s: integer division by zero", name);
    return APUS_STATUS_ok;
}

static bool divides(apus_binary_op op) {
    return op == APUS_BINARY_floor_divide || op == APUS_BINARY_remainder || op == APUS_BINARY_fmod;
}

apus_status apus_binary(apus_tensor **out, apus_binary_op op, const apus_tensor *a, const apus_tensor *b) {
    const char *name = apus_binary_name(op);
    APUS_REQUIRE(name, out);
    APUS_REQUIRE(name, a);
    APUS_REQUIRE(name, b);
    if (!is_binary(op)) return apus__fail(APUS_STATUS_invalid_argument, "binary: there is no operator %d", (int)op);
    apus_dtype dtype, compute, result;
    APUS_TRY(apus_result_type(&dtype, a, b));
    if (apus_dtype_is_complex(dtype) && complex_binary[op])
        compute = result = dtype;
    else
        APUS_TRY(resolve(name, binary_rows[op].class, dtype, &compute, &result));
    if (divides(op) && apus__is_integral(compute)) APUS_TRY(refuse_zero(name, b));
    const apus_tensor *inputs[] = {a, b};
    return run(out, name, launch_binary, (int)op, compute, result, inputs, 2, NULL);
}

/// Powers that a cheaper operator computes; APUS_UNARY_COUNT where there is none.
static int cheaper_power(const apus_tensor *base, const apus_scalar *exponent) {
    bool whole = exponent->kind == APUS_SCALAR_int;
    double e = whole ? (double)exponent->integer : exponent->kind == APUS_SCALAR_float ? exponent->real : NAN;
    bool is_float = apus_dtype_is_floating_point(base->dtype);
    if (e == 2 && (is_float || (whole && base->dtype != APUS_DTYPE_bool))) return APUS_UNARY_square;
    if (e == 0.5 && is_float) return APUS_UNARY_sqrt;
    if (e == -1 && is_float) return APUS_UNARY_reciprocal;
    return APUS_UNARY_COUNT;
}

apus_status apus_binary_scalar(apus_tensor **out, apus_binary_op op, const apus_tensor *a, const apus_scalar *b,
                               bool reversed) {
    APUS_REQUIRE(apus_binary_name(op), a);
    APUS_TRY(apus__check_scalar(apus_binary_name(op), b));
    if (op == APUS_BINARY_pow && !reversed) {
        int cheaper = cheaper_power(a, b);
        if (cheaper < APUS_UNARY_COUNT) return apus_unary(out, (apus_unary_op)cheaper, a);
        if (b->kind == APUS_SCALAR_int && b->integer < 0 && apus__is_integral(a->dtype))
            return apus__fail(APUS_STATUS_invalid_argument, "pow: integers to the negative power %lld are not integers",
                              (long long)b->integer);
    }
    apus__stack_scalar room;
    const apus_tensor *scalar = apus__scalar_tensor(&room, b);
    return reversed ? apus_binary(out, op, scalar, a) : apus_binary(out, op, a, scalar);
}

/// The dtype of three operands: that of the first two's result with the third.
static apus_status result_type_of_three(apus_dtype *out, const apus_tensor *a, const apus_tensor *b,
                                        const apus_tensor *c) {
    APUS_TRY(apus_result_type(out, a, b));
    apus_tensor both = a->rank >= b->rank ? *a : *b;
    both.dtype = *out;
    both.weak = a->weak && b->weak;
    return apus_result_type(out, &both, c);
}

apus_status apus_ternary(apus_tensor **out, apus_ternary_op op, const apus_tensor *a, const apus_tensor *b,
                         const apus_tensor *c, const apus_scalar *value) {
    const char *name = apus_ternary_name(op);
    APUS_REQUIRE(name, out);
    APUS_REQUIRE(name, a);
    APUS_REQUIRE(name, b);
    APUS_REQUIRE(name, c);
    if (!is_ternary(op)) return apus__fail(APUS_STATUS_invalid_argument, "ternary: there is no operator %d", (int)op);
    if (value != NULL) APUS_TRY(apus__check_scalar(name, value));
    bool select = ternary_rows[op].class == class_select;
    apus_dtype dtype, compute, result;
    if (select && a->dtype != APUS_DTYPE_bool)
        return apus__fail(APUS_STATUS_dtype, "%s: the condition must be bool, got %s", name, apus_dtype_name(a->dtype));
    APUS_TRY(select ? apus_result_type(&dtype, b, c) : result_type_of_three(&dtype, a, b, c));
    APUS_TRY(resolve(name, ternary_rows[op].class, dtype, &compute, &result));
    const apus_tensor *inputs[] = {a, b, c};
    return run(out, name, launch_ternary, (int)op, compute, result, inputs, 3, value);
}
