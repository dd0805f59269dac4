// Elementwise loops of one instruction set, generated from the operator tables.
#include <complex.h>

#include "cpu/elementwise.h"
#include "cpu/simd/math.h"
#include "cpu/simd/vectorise.h"

typedef float _Complex complex_float;
typedef double _Complex complex_double;

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define FN(name) PASTE(name, F)
#define K(value) ((T)(value))
#define mul_(a, b) ((a) * (b))
#define div_(a, b) ((a) / (b))
#define eq_(a, b) ((a) == (b))

// In the tables' expressions a function's name stands for the version of the dtype at hand.
#define exp FN(exp)
#define exp2 FN(exp2)
#define expm1 FN(expm1)
#define log FN(log)
#define log2 FN(log2)
#define log10 FN(log10)
#define log1p FN(log1p)
#define sin FN(sin)
#define cos FN(cos)
#define tan FN(tan)
#define asin FN(asin)
#define acos FN(acos)
#define atan FN(atan)
#define sinh FN(sinh)
#define cosh FN(cosh)
#define tanh FN(tanh)
#define asinh FN(asinh)
#define acosh FN(acosh)
#define atanh FN(atanh)
#define erf FN(erf)
#define erfc FN(erfc)
#define erfinv FN(erfinv)
#define lgamma FN(lgamma)
#define digamma FN(digamma)
#define sqrt FN(sqrt)
#define floor FN(floor)
#define ceil FN(ceil)
#define trunc FN(trunc)
#define rint FN(rint)
#define atan2 FN(atan2)
#define hypot FN(hypot)
#define copysign FN(copysign)
#define fabs FN(fabs)
#define fmod FN(fmod)
#define pow FN(pow)
#define quotient FN(quotient)
#define abs_ FN(abs_)
#define sign_ FN(sign_)
#define relu_ FN(relu_)
#define conj_ FN(conj_)
#define maximum FN(maximum)
#define minimum FN(minimum)
#define fmax_ FN(fmax_)
#define fmin_ FN(fmin_)
#define clamp_ FN(clamp_)
#define softplus_ FN(softplus_)
#define isinf_ FN(isinf_)
#define isfinite_ FN(isfinite_)
#define signbit_ FN(signbit_)
#define fmod_ FN(fmod_)
#define pow_ FN(pow_)
#define nextafter_ FN(nextafter_)
#define remainder_ FN(remainder_)
#define floor_divide_ FN(floor_divide_)
#define logaddexp_ FN(logaddexp_)
#define logaddexp2_ FN(logaddexp2_)
#define gcd_ FN(gcd_)
#define lcm_ FN(lcm_)
#define shift_left_ FN(shift_left_)
#define shift_right_ FN(shift_right_)
#define lerp_ FN(lerp_)
#define silu_backward_ FN(silu_backward_)

#define TYPE_FILE "cpu/simd/elementwise_define.h"
#include "cpu/simd/elementwise_types.h"
#undef TYPE_FILE
#include "cpu/simd/convert.h"
#include "cpu/simd/elementwise_stream.h"

const apus__elementwise_loops APUS_ISA_NAME(apus__elementwise_loops) = {
#define TYPE_FILE "cpu/simd/elementwise_table.h"
#include "cpu/simd/elementwise_types.h"
#undef TYPE_FILE
#define APUS_BINARY(number, name, class, expression, ...) STREAM_##class(.stream[number] = stream_##name, )
#include "apus/binary.def"
#undef APUS_BINARY
#define APUS_DTYPE(number, name, ...) CONVERT_FROM_ALL(_##name)
#include "apus/dtype.def"
#undef APUS_DTYPE
};
