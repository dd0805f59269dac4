// The helpers that the operator tables' expressions use, for a floating-point T with function suffix F.

static inline T abs_(T x) { return fabs(x); }
static inline T sign_(T x) { return x > K(0) ? K(1) : x < K(0) ? K(-1) : K(0); }
static inline T relu_(T x) { return x < K(0) ? K(0) : x; }
static inline T conj_(T x) { return x; }
// NaN wins in maximum and minimum, loses in fmax and fmin.
static inline T maximum(T a, T b) { return a != a ? a : a > b ? a : b; }
static inline T minimum(T a, T b) { return a != a ? a : a < b ? a : b; }
static inline T fmax_(T a, T b) { return a != a ? b : b != b ? a : a > b ? a : b; }
static inline T fmin_(T a, T b) { return a != a ? b : b != b ? a : a < b ? a : b; }
static inline T clamp_(T x, T low, T high) { return minimum(maximum(x, low), high); }
static inline T softplus_(T x) { return x > K(20) ? x : log1p(exp(x)); }
static inline T isinf_(T x) { return fabs(x) == K(INFINITY); }
static inline T isfinite_(T x) { return fabs(x) < K(INFINITY); }
static inline T signbit_(T x) { return copysign(K(1), x) < K(0); }
static inline T fmod_(T a, T b) { return fmod(a, b); }
static inline T pow_(T a, T b) { return pow(a, b); }
static inline T nextafter_(T a, T b) {
    return sizeof(T) == 4 ? (T)nextafterf((float)a, (float)b) : (T)nextafter((double)a, (double)b);
}

// The remainder takes the divisor's sign, zero's too, as in Python.
static inline T remainder_(T a, T b) {
    T r = fmod(a, b);
    T adjusted = (r < K(0)) != (b < K(0)) ? r + b : r;
    return r == K(0) ? copysign(K(0), b) : adjusted;
}

// The quotient that goes with remainder_, rounded so that a quotient one rounding error off an integer is that integer.
static inline T floor_divide_(T a, T b) {
    T r = fmod(a, b);
    T q = (a - r) / b;
    q = r != K(0) && (r < K(0)) != (b < K(0)) ? q - K(1) : q;
    T whole = floor(q);
    whole = q - whole > K(0.5) ? whole + K(1) : whole;
    whole = q != K(0) ? whole : copysign(K(0), a / b);
    return b == K(0) ? a / b : whole;
}

static inline T logaddexp_(T a, T b) {
    T high = maximum(a, b), low = minimum(a, b);
    // Equal infinities have no difference to take.
    return fabs(high) == K(INFINITY) && high == low ? high : high + log1p(exp(low - high));
}
static inline T logaddexp2_(T a, T b) {
    const T inverse_ln2 = K(1.4426950408889634074);
    T high = maximum(a, b), low = minimum(a, b);
    return fabs(high) == K(INFINITY) && high == low ? high : high + log1p(exp2(low - high)) * inverse_ln2;
}
// From the nearer end, so that weights 0 and 1 give the ends exactly.
static inline T lerp_(T a, T b, T w) { return fabs(w) < K(0.5) ? a + w * (b - a) : b - (b - a) * (K(1) - w); }
static inline T silu_backward_(T g, T x) {
    T s = K(1) / (K(1) + exp(-x));
    return g * s * (K(1) + x * (K(1) - s));
}
