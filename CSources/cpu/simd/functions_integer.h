// The helpers that the operator tables' expressions use, for an integer T with function suffix F.
// Overflow wraps; dividing by zero, which operators refuse beforehand, gives 0 rather than a trap.

static inline T abs_(T x) { return x < K(0) ? K(K(0) - x) : x; }
static inline T sign_(T x) { return K((x > K(0)) - (x < K(0))); }
static inline T relu_(T x) { return x < K(0) ? K(0) : x; }
static inline T conj_(T x) { return x; }
static inline T maximum(T a, T b) { return a > b ? a : b; }
static inline T minimum(T a, T b) { return a < b ? a : b; }
static inline T fmax_(T a, T b) { return a > b ? a : b; }
static inline T fmin_(T a, T b) { return a < b ? a : b; }
static inline T clamp_(T x, T low, T high) { return minimum(maximum(x, low), high); }
static inline T isinf_(T x) { return x != x; }
static inline T isfinite_(T x) { return x == x; }
static inline T signbit_(T x) { return x < K(0); }

// The least value divided by -1 overflows, and traps on some processors.
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
// A shift by the width or more, or by a negative count, shifts everything out.
static inline T shift_left_(T x, T count) {
    return count < K(0) || count >= K(8 * sizeof(T)) ? K(0) : K((uint64_t)x << (uint64_t)count);
}
static inline T shift_right_(T x, T count) {
    return count < K(0) || count >= K(8 * sizeof(T)) ? (x < K(0) ? K(-1) : K(0)) : K(x >> count);
}
