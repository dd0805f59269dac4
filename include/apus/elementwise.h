/// Operators that work element by element, with broadcasting and PyTorch's type promotion.
///
/// Operands are on one device; beside those on another one, 0-d CPU tensors are numbers, as in PyTorch.
///
/// Threads: see apus.h.
#ifndef APUS_ELEMENTWISE_H
#define APUS_ELEMENTWISE_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// Operators of one tensor; unary.def holds what each computes.
typedef enum APUS_SWIFT_ENUM("UnaryOp") apus_unary_op {
#define APUS_UNARY(number, name, class, expression, low, high) APUS_UNARY_##name APUS_SWIFT_CASE(#name) = number,
#include "apus/unary.def"
#undef APUS_UNARY
} apus_unary_op;

/// Operators of two tensors; binary.def holds what each computes.
typedef enum APUS_SWIFT_ENUM("BinaryOp") apus_binary_op {
#define APUS_BINARY(number, name, class, expression, ...) APUS_BINARY_##name APUS_SWIFT_CASE(#name) = number,
#include "apus/binary.def"
#undef APUS_BINARY
} apus_binary_op;

/// Operators of three tensors; ternary.def holds what each computes.
typedef enum APUS_SWIFT_ENUM("TernaryOp") apus_ternary_op {
#define APUS_TERNARY(number, name, class, expression) APUS_TERNARY_##name APUS_SWIFT_CASE(#name) = number,
#include "apus/ternary.def"
#undef APUS_TERNARY
} apus_ternary_op;

enum { APUS_UNARY_COUNT = 60, APUS_BINARY_COUNT = 46, APUS_TERNARY_COUNT = 6 };

/// The operator's name, e.g. "exp"; "invalid" for a number that is none. Static memory.
APUS_API const char *apus_unary_name(apus_unary_op op);
/// As `apus_unary_name`.
APUS_API const char *apus_binary_name(apus_binary_op op);
/// As `apus_unary_name`.
APUS_API const char *apus_ternary_name(apus_ternary_op op);
/// The values that tests draw arguments from; see the tables. Nothing is written for a number that is no operator.
APUS_API void apus_unary_domain(apus_unary_op op, double *low, double *high);
/// As `apus_unary_domain`, for both arguments.
APUS_API void apus_binary_domain(apus_binary_op op, double low[2], double high[2]);

/// out = op(x). Any shape.
APUS_API APUS_NODISCARD apus_status apus_unary(apus_tensor **out, apus_unary_op op, const apus_tensor *x);
/// out = op(a, b), broadcast. Dtypes are promoted; dividing integers by zero is `APUS_STATUS_invalid_argument`.
APUS_API APUS_NODISCARD apus_status apus_binary(apus_tensor **out, apus_binary_op op, const apus_tensor *a,
                                                const apus_tensor *b);
/// out = op(a, b), or op(b, a) where `reversed`. The number is weak in promotion.
APUS_API APUS_NODISCARD apus_status apus_binary_scalar(apus_tensor **out, apus_binary_op op, const apus_tensor *a,
                                                       const apus_scalar *b, bool reversed);
/// out = op(a, b, c), broadcast. `value` is the s of ternary.def and may be NULL for 1.
APUS_API APUS_NODISCARD apus_status apus_ternary(apus_tensor **out, apus_ternary_op op, const apus_tensor *a,
                                                 const apus_tensor *b, const apus_tensor *c, const apus_scalar *value);
/// The dtype of an operation on these two, weak and 0-d tensors counted as PyTorch counts them.
APUS_API APUS_NODISCARD apus_status apus_result_type(apus_dtype *out, const apus_tensor *a, const apus_tensor *b);

APUS_END_DECLS

#endif
