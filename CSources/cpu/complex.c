// Elementwise loops over complex numbers that the C library's functions compute; see device/complex.def. They are the
// same for every instruction set.
#include <complex.h>
#include <math.h>

#include "cpu/elementwise.h"

typedef double _Complex wide;

// ---- What <complex.h> lacks

/// real + i imaginary with both parts as they are; that sum itself would change signs of zero and spread NaN.
static wide join_(double real, double imaginary) {
    union {
        double parts[2];
        wide whole;
    } both = {{real, imaginary}};
    return both.whole;
}

/// Both parts by themselves: a product of complex numbers would make NaN of an infinity beside a zero.
static wide scale_(wide x, double factor) { return join_(creal(x) * factor, cimag(x) * factor); }

static bool is_zero_(wide x) { return x == 0; }
static wide reciprocal_(wide x) { return 1 / x; }
static wide sigmoid_(wide x) { return 1 / (1 + cexp(-x)); }

static wide sign_(wide x) {
    if (x == 0) return 0;
    double length = cabs(x);
    return join_(creal(x) / length, cimag(x) / length);
}

static wide exp2_(wide x) { return cexp(scale_(x, 0.69314718055994530942)); }

/// exp(a + ib) - 1 = expm1(a) cos(b) - 2 sin²(b / 2) + i exp(a) sin(b), which cancels nothing near zero.
static wide expm1_(wide x) {
    double a = creal(x), b = cimag(x);
    if (b == 0) return join_(expm1(a) + 0.0, b); // never -0
    if (!isfinite(a) || !isfinite(b)) {
        wide power = cexp(x);
        return join_(creal(power) - 1, cimag(power));
    }
    double half = sin(b / 2);
    return join_(expm1(a) * cos(b) - 2 * half * half, exp(a) * sin(b));
}

/// |1 + x|² - 1 = a (2 + a) + b², of which log1p is taken near zero.
static wide log1p_(wide x) {
    double a = creal(x), b = cimag(x);
    if (!(fabs(a) < 0.5 && fabs(b) < 0.5)) return clog(join_(1 + a, b));
    return join_(log1p(a * (2 + a) + b * b) / 2, atan2(b, 1 + a));
}

/// Far to either side the imaginary part is a zero, whose sign is that of sin(2b), as Annex G of the C standard has it.
static wide tanh_(wide x) {
    double a = creal(x), b = cimag(x);
    if (!isinf(a)) return ctanh(x);
    return join_(copysign(1, a), copysign(0, isfinite(b) ? sin(2 * b) : b));
}

static wide pow_(wide x, wide y) {
    if (y == 0) return 1;
    if (x == 0 && creal(y) > 0) return 0;
    return cpow(x, y);
}

// ---- The loops

#define LOOP(function, T, R, READ, expression)                                                                         \
    static void function(int64_t n, void *out, const void *a, const void *b, const void *c, const void *parameter) {   \
        (void)b, (void)c, (void)parameter;                                                                             \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            READ(T);                                                                                                   \
            ((R *)out)[i] = (R)(expression);                                                                           \
        }                                                                                                              \
    }
#define READ_UNARY(T) const wide x = ((const T *)a)[i]
#define READ_BINARY(T) const wide x = ((const T *)a)[i], y = ((const T *)b)[i]
#define RESULT_complex(T, part) T
#define RESULT_part(T, part) part
#define RESULT_bool(T, part) uint8_t
#define APUS_COMPLEX_UNARY(name, result, expression)                                                                   \
    LOOP(unary_##name##_c64, float _Complex, RESULT_##result(float _Complex, float), READ_UNARY, expression)           \
    LOOP(unary_##name##_c128, wide, RESULT_##result(wide, double), READ_UNARY, expression)
#define APUS_COMPLEX_BINARY(name, expression)                                                                          \
    LOOP(binary_##name##_c64, float _Complex, float _Complex, READ_BINARY, expression)                                 \
    LOOP(binary_##name##_c128, wide, wide, READ_BINARY, expression)
#include "device/complex.def"
#undef APUS_COMPLEX_UNARY
#undef APUS_COMPLEX_BINARY

static const apus__loop unary_loops[APUS_UNARY_COUNT][2] = {
#define APUS_COMPLEX_UNARY(name, result, expression) [APUS_UNARY_##name] = {unary_##name##_c64, unary_##name##_c128},
#define APUS_COMPLEX_BINARY(name, expression)
#include "device/complex.def"
#undef APUS_COMPLEX_UNARY
#undef APUS_COMPLEX_BINARY
};
static const apus__loop binary_loops[APUS_BINARY_COUNT][2] = {
#define APUS_COMPLEX_UNARY(name, result, expression)
#define APUS_COMPLEX_BINARY(name, expression) [APUS_BINARY_##name] = {binary_##name##_c64, binary_##name##_c128},
#include "device/complex.def"
#undef APUS_COMPLEX_UNARY
#undef APUS_COMPLEX_BINARY
};

apus__loop apus__cpu_complex_unary(apus_unary_op op, apus_dtype dtype) {
    return apus_dtype_is_complex(dtype) ? unary_loops[op][dtype == APUS_DTYPE_complex128] : NULL;
}
apus__loop apus__cpu_complex_binary(apus_binary_op op, apus_dtype dtype) {
    return apus_dtype_is_complex(dtype) ? binary_loops[op][dtype == APUS_DTYPE_complex128] : NULL;
}
