// Lists the loops of one dtype as initialisers of the table; see elementwise_rows.h.
#define UNARY(number, function, R, expression) .unary[number][DTYPE] = function,
#define BINARY(number, function, R, expression) .binary[number][DTYPE] = function,
#define TERNARY(number, function, R, expression) .ternary[number][DTYPE] = function,
#define SELECT TERNARY
#include "cpu/simd/elementwise_rows.h"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef SELECT
