// What every device needs to know of the operator tables.
#include "device/elementwise.h"

// Whether the operators of a class give bool rather than what they compute in.
enum {
    bool_number = 0,
    bool_field = 0,
    bool_signed_ = 0,
    bool_signed_field = 0,
    bool_real = 0,
    bool_real_field = 0,
    bool_round = 0,
    bool_integer = 0,
    bool_bits = 0,
    bool_predicate = 1,
    bool_compare = 1,
    bool_equal = 1,
    bool_logic = 1,
};

bool apus__unary_gives_bool(apus_unary_op op) {
    static const bool gives[APUS_UNARY_COUNT] = {
#define APUS_UNARY(number, name, class, expression, low, high) [number] = bool_##class,
#include "apus/unary.def"
#undef APUS_UNARY
    };
    return gives[op];
}

bool apus__binary_gives_bool(apus_binary_op op) {
    static const bool gives[APUS_BINARY_COUNT] = {
#define APUS_BINARY(number, name, class, expression, ...) [number] = bool_##class,
#include "apus/binary.def"
#undef APUS_BINARY
    };
    return gives[op];
}
