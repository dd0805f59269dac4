// Defines the loops of one dtype; see elementwise_rows.h.
#if defined(KIND_FLOAT)
#include "cpu/simd/functions_float.h"
#elif defined(KIND_INTEGER)
#include "cpu/simd/functions_integer.h"
#else
#include "cpu/simd/functions_complex.h"
#endif

#define LOOP(function, R, READ, expression)                                                                            \
    static void function(int64_t n, void *out, const void *a, const void *b, const void *c, const void *parameter) {   \
        R *result = out;                                                                                               \
        (void)a, (void)b, (void)c, (void)parameter;                                                                    \
        READ_NUMBER_##READ;                                                                                            \
        VECTORISE for (int64_t i = 0; i < n; i++) {                                                                    \
            READ_##READ;                                                                                               \
            result[i] = (R)(expression);                                                                               \
        }                                                                                                              \
    }
#define READ_NUMBER_unary
#define READ_NUMBER_binary
#define READ_NUMBER_select
#define READ_NUMBER_ternary                                                                                            \
    const T s = parameter == NULL ? K(1) : *(const T *)parameter;                                                      \
    (void)s
#define READ_unary const T x = ((const T *)a)[i]
#define READ_binary const T x = ((const T *)a)[i], y = ((const T *)b)[i]
#define READ_ternary const T x = ((const T *)a)[i], y = ((const T *)b)[i], z = ((const T *)c)[i]
#define READ_select                                                                                                    \
    const uint8_t x = ((const uint8_t *)a)[i];                                                                         \
    const T y = ((const T *)b)[i], z = ((const T *)c)[i]

#define UNARY(number, function, R, expression) LOOP(function, R, unary, expression)
#define BINARY(number, function, R, expression) LOOP(function, R, binary, expression)
#define TERNARY(number, function, R, expression) LOOP(function, R, ternary, expression)
#define SELECT(number, function, R, expression) LOOP(function, R, select, expression)
#include "cpu/simd/elementwise_rows.h"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef SELECT
#undef LOOP
#undef READ_NUMBER_unary
#undef READ_NUMBER_binary
#undef READ_NUMBER_select
#undef READ_NUMBER_ternary
#undef READ_unary
#undef READ_binary
#undef READ_ternary
#undef READ_select
