R"CLSRC(
// The helpers that the operator tables' expressions use; the C they must agree with is in cpu/simd/functions_float.h
// and functions_integer.h. Floats are computed as vectors V, where comparisons give -1 in each lane that is true and
// ?: chooses by lane; integers and complex numbers one by one.

// Where drivers fall short in float: PoCL's tanh does not reach 1, its erf is slow, and its sine of a vector is as good as
// the largest lane allows.
#if defined(KIND_FLOAT) && !defined(DTYPE_float64)
#if defined(FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define MULTIPLY_ADD(a, b, c) fma(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif
#define STEP(p, z, c) MULTIPLY_ADD(p, z, K(c))
#ifdef CPU_CLASS
// exp(x) for |x| < 80, without the looks at what overflows; the C is in cpu/simd/math_f32.h.
static inline V exp_moderate(V x) {
    const V n = (x * K(0x1.715476p+0f) + K(0x1.8p23f)) - K(0x1.8p23f);
    const V r = MULTIPLY_ADD(n, K(-0x1.7f7d1cp-20f), MULTIPLY_ADD(n, K(-0x1.62e4p-1f), x));
    V p = K(0.00019949187);
    p = STEP(p, r, 0.001391455);
    p = STEP(p, r, 0.008333202);
    p = STEP(p, r, 0.041666683);
    p = STEP(p, r, 0.16666667);
    p = STEP(p, r, 0.5);
    p = MULTIPLY_ADD(r * r, p, r);
    return (p + K(1)) * PASTE(as_float, W)(PASTE(as_uint, W)(n + K(0x1.8p23f + 127)) << 23);
}
#else
#define exp_moderate(x) exp(x)
#endif
static inline V erf_(V x) {
    V a = fabs(x), z = x * x, c = a > K(4) ? K(4) : a;
    // erf(x) / x - 1 on [0, 1], relative error 2^-28.
    V p = K(-2.1396768e-06);
    p = STEP(p, z, 8.613099e-05);
    p = STEP(p, z, -0.00081163726);
    p = STEP(p, z, 0.0051957252);
    p = STEP(p, z, -0.026856476);
    p = STEP(p, z, 0.112836316);
    p = STEP(p, z, -0.3761263);
    p = STEP(p, z, 0.12837917);
    // -log(erfc(a)) on [1, 4], error relative to erf 2^-28; erf is 1 from 3.92 on.
    V q = K(2.1695623e-05);
    q = STEP(q, c, -0.0004414516);
    q = STEP(q, c, 0.0042051934);
    q = STEP(q, c, -0.025210131);
    q = STEP(q, c, 0.10842184);
    q = STEP(q, c, 0.63321656);
    q = STEP(q, c, 1.1295803);
    q = STEP(q, c, -0.00018846562);
    return copysign(a < K(1) ? x * p + x : K(1) - exp_moderate(-q), x);
}
static inline V tanh_(V x) {
    V a = fabs(x), z = x * x;
    // (tanh(x) / x - 1) / x^2 on [0, 0.6], relative error 2^-32; beyond, 1 - 2 / (exp(2 a) + 1), which is 1 from 9.02 on.
    V p = K(0.0021851698);
    p = STEP(p, z, -0.00822138);
    p = STEP(p, z, 0.02171765);
    p = STEP(p, z, -0.05394971);
    p = STEP(p, z, 0.13333228);
    p = STEP(p, z, -0.3333333);
    V small = x * z * p + x, large = K(1) - K(2) / (exp_moderate(K(2) * (a > K(10) ? K(10) : a)) + K(1));
    return copysign(a < K(0.6) ? small : large, x);
}
#define LANE_BY_LANE(name, function)                                                                                   \
    static inline V name(V x) {                                                                                        \
        if (all(fabs(x) < K(1e4))) return function(x);                                                                 \
        T lanes[W];                                                                                                    \
        VSTORE(x, 0, lanes);                                                                                           \
        for (int i = 0; i < W; i++) lanes[i] = function(lanes[i]);                                                     \
        return VLOAD(0, lanes);                                                                                        \
    }
LANE_BY_LANE(sin_, sin)
LANE_BY_LANE(cos_, cos)
LANE_BY_LANE(tan_, tan)
#define erf(x) erf_(x)
#define tanh(x) tanh_(x)
#define sin(x) sin_(x)
#define cos(x) cos_(x)
#define tan(x) tan_(x)
#endif

#ifdef KIND_FLOAT
static inline V abs_(V x) { return fabs(x); }
static inline V sign_(V x) { return x > K(0) ? K(1) : x < K(0) ? K(-1) : K(0); }
static inline V relu_(V x) { return x < K(0) ? K(0) : x; }
static inline V maximum(V a, V b) { return a != a ? a : a > b ? a : b; }
static inline V minimum(V a, V b) { return a != a ? a : a < b ? a : b; }
static inline V fmax_(V a, V b) { return a != a ? b : b != b ? a : a > b ? a : b; }
static inline V fmin_(V a, V b) { return a != a ? b : b != b ? a : a < b ? a : b; }
static inline V clamp_(V x, V low, V high) { return minimum(maximum(x, low), high); }
static inline V softplus_(V x) { return x > K(20) ? x : log1p(exp(x)); }
#define isinf_(x) (fabs(x) == K(INFINITY))
#define isfinite_(x) (fabs(x) < K(INFINITY))
#define signbit_(x) (copysign(K(1), x) < K(0))
#define fmod_(a, b) fmod(a, b)
#define pow_(a, b) pow(a, b)
#define nextafter_(a, b) nextafter(a, b)

static inline V remainder_(V a, V b) {
    V r = fmod(a, b);
    V adjusted = (r < K(0)) != (b < K(0)) ? r + b : r;
    return r == K(0) ? copysign(K(0), b) : adjusted;
}
static inline V floor_divide_(V a, V b) {
    V r = fmod(a, b);
    V q = (a - r) / b;
    q = r != K(0) && (r < K(0)) != (b < K(0)) ? q - K(1) : q;
    V whole = floor(q);
    whole = q - whole > K(0.5) ? whole + K(1) : whole;
    whole = q != K(0) ? whole : copysign(K(0), a / b);
    return b == K(0) ? a / b : whole;
}
static inline V logaddexp_(V a, V b) {
    V high = maximum(a, b), low = minimum(a, b);
    return fabs(high) == K(INFINITY) && high == low ? high : high + log1p(exp(low - high));
}
static inline V logaddexp2_(V a, V b) {
    V high = maximum(a, b), low = minimum(a, b);
    return fabs(high) == K(INFINITY) && high == low ? high
                                                    : high + log1p(exp2(low - high)) * K(1.4426950408889634074);
}
static inline V lerp_(V a, V b, V w) {
    return fabs(w) < K(0.5) ? a + w * (b - a) : b - (b - a) * (K(1) - w);
}
static inline V silu_backward_(V g, V x) {
    V s = K(1) / (K(1) + exp(-x));
    return g * s * (K(1) + x * (K(1) - s));
}

// Winitzki's closed form, right to 2e-3, then two steps of Halley's method, each of which cubes the error. Beyond 1/2
// the error is taken from erfc, where 1 - |y| is exact.
static inline V erfinv(V y) {
    V a = fabs(y), l = log1p(-a * a), h = K(4.3307467508) + l * K(0.5);
    V x = sqrt(sqrt(h * h - l * K(6.8027210884)) - h);
    for (int i = 0; i < 2; i++) {
        V error = a < K(0.5) ? erf(x) - a : (K(1) - a) - erfc(x);
        V u = error * exp(x * x) * K(0.88622692545275801365);
        x -= u / (K(1) + x * u);
    }
    x = a == K(0) ? K(0) : a < K(1) ? x : a == K(1) ? K(INFINITY) : K(NAN);
    return copysign(x, y);
}

// The asymptotic series from 10 on, below by digamma(a + 10) less the sum of 1 / (a + k), and by reflection:
// digamma(-a) = digamma(a) + 1 / a + pi / tan(pi a).
static inline V digamma(V x) {
    V a = fabs(x), sum = K(0);
    for (int k = 9; k >= 0; k--) sum += K(1) / (a + K(k));
    V z = a < K(10) ? a + K(10) : a, w = K(1) / (z * z);
    V p = K(-3617.0 / 8160);
    p = p * w + K(1.0 / 12);
    p = p * w + K(-691.0 / 32760);
    p = p * w + K(1.0 / 132);
    p = p * w + K(-1.0 / 240);
    p = p * w + K(1.0 / 252);
    p = p * w + K(-1.0 / 120);
    p = p * w + K(1.0 / 12);
    V y = log(z) - K(0.5) / z - w * p - (a < K(10) ? sum : K(0));
    V t = a - rint(a);
    V reflected = y + K(1) / a + K(3.14159265358979323846) * cospi(t) / sinpi(t);
    y = x < K(0) ? reflected : y;
    y = a < K(INFINITY) ? y : x > K(0) ? x : K(NAN);
    y = x < K(0) && t == K(0) ? K(NAN) : y;
    return a == K(0) ? copysign(K(INFINITY), -x) : y;
}
#endif

#ifdef KIND_INTEGER
static inline T abs_(T x) { return x < K(0) ? K(K(0) - x) : x; }
static inline T sign_(T x) { return K((x > K(0)) - (x < K(0))); }
static inline T relu_(T x) { return x < K(0) ? K(0) : x; }
static inline T maximum(T a, T b) { return a > b ? a : b; }
static inline T minimum(T a, T b) { return a < b ? a : b; }
static inline T fmax_(T a, T b) { return a > b ? a : b; }
static inline T fmin_(T a, T b) { return a < b ? a : b; }
static inline T clamp_(T x, T low, T high) { return minimum(maximum(x, low), high); }
#define isinf_(x) ((x) != (x))
#define isfinite_(x) ((x) == (x))
#define signbit_(x) ((x) < K(0))

static inline T quotient(T a, T b) {
    return b == K(0) ? K(0) : K(b + K(1)) == K(0) && K(-1) < K(0) ? K(K(0) - a) : K(a / b);
}
static inline T fmod_(T a, T b) { return b == K(0) ? K(0) : K(a - quotient(a, b) * b); }
static inline T remainder_(T a, T b) {
    T r = fmod_(a, b);
    return r != K(0) && (r < K(0)) != (b < K(0)) ? K(r + b) : r;
}
static inline T floor_divide_(T a, T b) {
    T q = quotient(a, b);
    return fmod_(a, b) != K(0) && (a < K(0)) != (b < K(0)) ? K(q - K(1)) : q;
}
static inline T pow_(T base, T exponent) {
    if (exponent < K(0))
        return base == K(1) ? K(1) : K(base + K(1)) == K(0) ? (exponent % K(2) == K(0) ? K(1) : base) : K(0);
    T result = K(1);
    while (exponent != K(0)) {
        if (exponent % K(2) != K(0)) result = K(result * base);
        base = K(base * base);
        exponent = K(exponent / K(2));
    }
    return result;
}
static inline T gcd_(T a, T b) {
    a = abs_(a);
    b = abs_(b);
    while (b != K(0)) {
        T r = fmod_(a, b);
        a = b;
        b = r;
    }
    return a;
}
static inline T lcm_(T a, T b) {
    T divisor = gcd_(a, b);
    return divisor == K(0) ? K(0) : K(abs_(quotient(a, divisor)) * abs_(b));
}
static inline T shift_left_(T x, T count) {
    return count < K(0) || (ulong)count >= 8 * sizeof(T) ? K(0) : K((ulong)x << (ulong)count);
}
static inline T shift_right_(T x, T count) {
    return count < K(0) || (ulong)count >= 8 * sizeof(T) ? (x < K(0) ? K(-1) : K(0)) : K(x >> count);
}
#endif

// Products, quotients and equality of the rows that take complex numbers.
#ifdef KIND_COMPLEX
static inline T conj_(T x) { return (T)(x.x, -x.y); }
static inline T mul_(T a, T b) { return (T)(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }
// Scaled by the divisor's size, so that no square overflows.
static inline T div_(T a, T b) {
    PART scale = fmax(fabs(b.x), fabs(b.y));
    T d = b / scale;
    PART norm = d.x * d.x + d.y * d.y;
    T q = (T)(a.x * d.x + a.y * d.y, a.y * d.x - a.x * d.y) / norm / scale;
    return scale == 0 ? a / (T)(scale, scale) : q;
}
#define eq_(a, b) ((a).x == (b).x && (a).y == (b).y)
#else
#define conj_(x) (x)
#define mul_(a, b) ((a) * (b))
#define div_(a, b) ((a) / (b))
#define eq_(a, b) ((a) == (b))
#endif
)CLSRC"
