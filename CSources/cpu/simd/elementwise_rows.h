// Expands the operator tables for one dtype. Before inclusion:
//   T, F, DTYPE    the C type, its function suffix, its enumerator
//   KIND_FLOAT, KIND_INTEGER or KIND_COMPLEX
//   UNARY(number, function, result type, expression) and BINARY, TERNARY likewise: what to make of a row
// Each class of the tables is then one line below: whether this kind of dtype takes it, and what the result's type is.

#define SKIP(number, function, type, expression)

#define UNARY_real ON_FLOAT(UNARY)
#define UNARY_number ON_REAL(UNARY)
#define UNARY_field UNARY
#define UNARY_round ON_FLOAT(UNARY)
#define UNARY_predicate ON_REAL(UNARY)
#define UNARY_bits ON_INTEGER(UNARY)

#define BINARY_number ON_REAL(BINARY)
#define BINARY_field BINARY
#define BINARY_signed_ ON_REAL(BINARY)
#define BINARY_signed_field BINARY
#define BINARY_real ON_FLOAT(BINARY)
#define BINARY_real_field ON_FIELD(BINARY)
#define BINARY_integer ON_INTEGER(BINARY)
#define BINARY_bits ON_INTEGER(BINARY)
#define BINARY_compare ON_REAL(BINARY)
#define BINARY_equal BINARY
#define BINARY_logic ON_REAL(BINARY)

#define TERNARY_number ON_REAL(TERNARY)
#define TERNARY_signed_ ON_REAL(TERNARY)
#define TERNARY_real ON_FLOAT(TERNARY)
#define TERNARY_select SELECT

#define RESULT_real T
#define RESULT_number T
#define RESULT_field T
#define RESULT_round T
#define RESULT_bits T
#define RESULT_signed_ T
#define RESULT_signed_field T
#define RESULT_real_field T
#define RESULT_integer T
#define RESULT_predicate uint8_t
#define RESULT_compare uint8_t
#define RESULT_equal uint8_t
#define RESULT_logic uint8_t

#if defined(KIND_FLOAT)
#define ON_FLOAT(what) what
#define ON_INTEGER(what) SKIP
#define ON_REAL(what) what
#define ON_FIELD(what) what
#elif defined(KIND_INTEGER)
#define ON_FLOAT(what) SKIP
#define ON_INTEGER(what) what
#define ON_REAL(what) what
#define ON_FIELD(what) SKIP
#else
#define ON_FLOAT(what) SKIP
#define ON_INTEGER(what) SKIP
#define ON_REAL(what) SKIP
#define ON_FIELD(what) what
#endif

#define APUS_UNARY(number, name, class, expression, low, high)                                                         \
    UNARY_##class(number, FN(unary_##name), RESULT_##class, expression)
#include "apus/unary.def"
#undef APUS_UNARY

#define APUS_BINARY(number, name, class, expression, ...)                                                              \
    BINARY_##class(number, FN(binary_##name), RESULT_##class, expression)
#include "apus/binary.def"
#undef APUS_BINARY

#define APUS_TERNARY(number, name, class, expression) TERNARY_##class(number, FN(ternary_##name), T, expression)
#include "apus/ternary.def"
#undef APUS_TERNARY

#undef SKIP
#undef ON_FLOAT
#undef ON_INTEGER
#undef ON_REAL
#undef ON_FIELD
#undef UNARY_real
#undef UNARY_number
#undef UNARY_field
#undef UNARY_round
#undef UNARY_predicate
#undef UNARY_bits
#undef BINARY_number
#undef BINARY_field
#undef BINARY_signed_
#undef BINARY_signed_field
#undef BINARY_real
#undef BINARY_real_field
#undef BINARY_integer
#undef BINARY_bits
#undef BINARY_compare
#undef BINARY_equal
#undef BINARY_logic
#undef TERNARY_number
#undef TERNARY_signed_
#undef TERNARY_real
#undef TERNARY_select
#undef RESULT_real
#undef RESULT_number
#undef RESULT_field
#undef RESULT_round
#undef RESULT_bits
#undef RESULT_signed_
#undef RESULT_signed_field
#undef RESULT_real_field
#undef RESULT_integer
#undef RESULT_predicate
#undef RESULT_compare
#undef RESULT_equal
#undef RESULT_logic
