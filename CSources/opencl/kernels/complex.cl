R"CLSRC(
// Behind elementwise.cl: the functions of device/complex.def, by the names that its expressions have, and macros that
// make kernels of its rows. Computed in double where the device has it, as on the CPU. Branch cuts and signs of zero
// follow Kahan, "Branch cuts for complex elementary functions" (1987).
//   C, R   a complex number that is computed with, and its parts
#ifdef HAS_FLOAT64
#define R double
#define C double2
#define LARGEST DBL_MAX
#define SMALLEST DBL_MIN
#define EXP_LIMIT 700
#else
#define R PART
#define C T
#define LARGEST FLT_MAX
#define SMALLEST FLT_MIN
#define EXP_LIMIT 80
#endif
#define WIDEN PASTE(convert_, C)
#define NARROW PASTE(convert_, T)

#define creal(z) ((z).x)
#define cimag(z) ((z).y)
#define cabs(z) hypot((z).x, (z).y)
#define is_zero_(z) ((z).x == 0 && (z).y == 0)
static inline C join_(R a, R b) { return (C)(a, b); }
static inline C scale_(C z, R factor) { return z * factor; }
static inline C turn(C z) { return (C)(-z.y, z.x); }      // i z
static inline C turn_back(C z) { return (C)(z.y, -z.x); } // z / i
static inline int is_whole(C z) { return isfinite(z.x) && isfinite(z.y); }

static inline C reciprocal_(C z) {
    R size = fmax(fabs(z.x), fabs(z.y));
    if (size == 0) return (C)(copysign((R)INFINITY, z.x), NAN);
    if (isinf(size)) return (C)(copysign((R)0, z.x), copysign((R)0, -z.y));
    C d = z / size;
    R square = d.x * d.x + d.y * d.y;
    return (C)(d.x, -d.y) / square / size;
}

static inline C sign_(C z) { return is_zero_(z) ? (C)(0) : z / cabs(z); }

static inline C csqrt(C z) {
    R a = fabs(z.x), b = fabs(z.y), size = fmax(a, b), back = 1;
    if (is_zero_(z)) return (C)(0, z.y);
    if (isinf(b)) return (C)(INFINITY, z.y);
    if (isinf(a)) return z.x > 0 ? (C)(INFINITY, isnan(z.y) ? z.y : copysign((R)0, z.y))
                                 : (C)(isnan(z.y) ? z.y : (R)0, copysign((R)INFINITY, z.y));
    // Scaled by a power of four, so that nothing leaves the range.
    if (size > LARGEST / 4) a /= 16, b /= 16, back = 4;
    else if (size < SMALLEST * 0x1p30f) a *= 0x1p60f, b *= 0x1p60f, back = 0x1p-30f;
    R t = sqrt((hypot(a, b) + a) / 2), u = b / (2 * t);
    t *= back, u *= back;
    return z.x >= 0 ? (C)(t, copysign(u, z.y)) : (C)(u, copysign(t, z.y));
}

static inline C clog(C z) {
    R a = fmax(fabs(z.x), fabs(z.y)), b = fmin(fabs(z.x), fabs(z.y)), length;
    if (a > LARGEST / 2 && isfinite(a)) length = log(hypot(a / 2, b / 2)) + (R)0.69314718055994530942;
    else if (a > (R)0.5 && a < 2) length = log1p((a - 1) * (a + 1) + b * b) / 2;
    else length = log(hypot(a, b));
    return (C)(length, atan2(z.y, z.x));
}

static inline C cexp(C z) {
    if (z.y == 0) return (C)(exp(z.x), z.y);
    if (isinf(z.x) && !isfinite(z.y)) return z.x < 0 ? (C)(0) : (C)(INFINITY, NAN);
    R power = exp(z.x), more = 1;
    if (z.x > EXP_LIMIT && isfinite(z.x)) power = more = exp(z.x / 2);
    return (C)(power * cos(z.y) * more, power * sin(z.y) * more);
}

static inline C exp2_(C z) {
    R angle = z.y * (R)0.69314718055994530942;
    if (z.y == 0 || !is_whole(z) || fabs(z.x) > EXP_LIMIT) return cexp((C)(z.x * (R)0.69314718055994530942, angle));
    return exp2(z.x) * (C)(cos(angle), sin(angle));
}

static inline C expm1_(C z) {
    if (z.y == 0) return (C)(expm1(z.x) + 0, z.y);
    if (!is_whole(z)) return cexp(z) - (C)(1, 0);
    R sine = sin(z.y / 2);
    return (C)(expm1(z.x) * cos(z.y) - 2 * sine * sine, exp(z.x) * sin(z.y));
}

static inline C log1p_(C z) {
    if (!(fabs(z.x) < (R)0.5 && fabs(z.y) < (R)0.5)) return clog((C)(1 + z.x, z.y));
    return (C)(log1p(z.x * (2 + z.x) + z.y * z.y) / 2, atan2(z.y, 1 + z.x));
}

static inline C csinh(C z) { return z.y == 0 ? (C)(sinh(z.x), z.y) : (C)(sinh(z.x) * cos(z.y), cosh(z.x) * sin(z.y)); }
static inline C ccosh(C z) {
    return z.y == 0 ? (C)(cosh(z.x), z.y * copysign((R)1, z.x)) : (C)(cosh(z.x) * cos(z.y), sinh(z.x) * sin(z.y));
}
static inline C csin(C z) { return turn_back(csinh(turn(z))); }
static inline C ccos(C z) { return ccosh(turn(z)); }

static inline C tanh_(C z) {
    if (isinf(z.x)) return (C)(copysign((R)1, z.x), copysign((R)0, isfinite(z.y) ? sin(2 * z.y) : z.y));
    if (fabs(z.x) > 22) return (C)(copysign((R)1, z.x), 4 * sin(z.y) * cos(z.y) * exp(-2 * fabs(z.x)));
    R t = tan(z.y), b = 1 + t * t, s = sinh(z.x), r = sqrt(1 + s * s), whole = 1 + b * s * s;
    return isinf(t) ? (C)(r / s, 1 / t) : (C)(b * r * s / whole, t / whole);
}
static inline C ctan(C z) { return turn_back(tanh_(turn(z))); }

static inline C casin(C z) {
    C a = csqrt((C)(1 - z.x, -z.y)), b = csqrt((C)(1 + z.x, z.y));
    return (C)(atan2(z.x, a.x * b.x - a.y * b.y), asinh(a.x * b.y - a.y * b.x));
}
static inline C cacos(C z) {
    C a = csqrt((C)(1 - z.x, -z.y)), b = csqrt((C)(1 + z.x, z.y));
    return (C)(2 * atan2(a.x, b.x), asinh(b.x * a.y - b.y * a.x));
}
static inline C cacosh(C z) {
    C a = csqrt((C)(z.x - 1, z.y)), b = csqrt((C)(z.x + 1, z.y));
    return (C)(asinh(a.x * b.x + a.y * b.y), 2 * atan2(a.y, b.x));
}
static inline C casinh(C z) { return turn_back(casin(turn(z))); }

static inline C catanh(C z) {
    const R most = sqrt(LARGEST) / 4, quarter_turn = (R)1.57079632679489661923;
    R side = copysign((R)1, z.x), a = fabs(z.x), b = -side * z.y, c = fabs(b) + 1 / most;
    C w;
    if (a > most || fabs(b) > most) w = (C)(reciprocal_((C)(a, b)).x, copysign(quarter_turn, b));
    else if (a == 1)
        w = (C)(log(sqrt(sqrt(4 + b * b)) / sqrt(c)), copysign(quarter_turn + atan(c / 2), b) / 2);
    else
        w = (C)(log1p(4 * a / ((1 - a) * (1 - a) + c * c)) / 4, atan2(2 * b, (1 - a) * (1 + a) - c * c) / 2);
    return (C)(side * w.x, -side * w.y);
}
static inline C catan(C z) { return turn_back(catanh(turn(z))); }

static inline C sigmoid_(C z) { return reciprocal_((C)(1, 0) + cexp(-z)); }

static inline C pow_(C x, C y) {
    if (is_zero_(y)) return (C)(1, 0);
    if (is_zero_(x) && y.x > 0) return (C)(0);
    C l = clog(x);
    return cexp((C)(y.x * l.x - y.y * l.y, y.x * l.y + y.y * l.x));
}

#define RESULT_REAL PART
#define PUT_REAL(p, at, stride, count, value, large) ((p)[at] = (value))
#define COMPLEX_UNARY(name, R, conversion, expression)                                                                 \
    kernel void name(const walk GIVEN(w), global RESULT_##R *out, const global S *a) {                                 \
        TAKE(walk, w);                                                                                                 \
        BEGIN;                                                                                                         \
        OPERAND(1, V, NUMBER);                                                                                         \
        for (long i = 0; i < n; i += W) {                                                                              \
            const C x = WIDEN(READ(1, a, load));                                                                       \
            WRITE(R, conversion(expression));                                                                          \
        }                                                                                                              \
    }
#define COMPLEX_UNARY_complex(name, e) COMPLEX_UNARY(name, SAME, NARROW, e)
#define COMPLEX_UNARY_part(name, e) COMPLEX_UNARY(name, REAL, (PART), e)
#define COMPLEX_UNARY_bool(name, e) COMPLEX_UNARY(name, TRUTH, , e)
#define COMPLEX_BINARY(name, expression)                                                                               \
    kernel void name(const walk GIVEN(w), global S *out, const global S *a, const global S *b) {                       \
        TAKE(walk, w);                                                                                                 \
        BEGIN;                                                                                                         \
        OPERAND(1, V, NUMBER);                                                                                         \
        OPERAND(2, V, NUMBER);                                                                                         \
        for (long i = 0; i < n; i += W) {                                                                              \
            const C x = WIDEN(READ(1, a, load)), y = WIDEN(READ(2, b, load));                                          \
            WRITE(SAME, NARROW(expression));                                                                           \
        }                                                                                                              \
    }
)CLSRC"
