// Sums and the maximum of a row of the float type T, functions named by NAME. Included once a type.
//
// Sums go through LANES lanes of T for a block of elements, then into a double.
#if !defined(LANES)
#define LANES 64
#define BLOCK 1024

// total_a += the sum of `a`, total_b += that of `b`, over i in [0, n). The expressions may assign.
#define ROW_SUMS(n, total_a, a, total_b, b)                                                                            \
    for (int64_t block_ = 0; block_ < (n); block_ += BLOCK) {                                                          \
        T lanes_a_[LANES] = {0}, lanes_b_[LANES] = {0};                                                                \
        int64_t end_ = block_ + BLOCK < (n) ? block_ + BLOCK : (n), i_ = block_;                                       \
        for (; i_ + LANES <= end_; i_ += LANES) VECTORISE for (int64_t lane_ = 0; lane_ < LANES; lane_++) {            \
                int64_t i = i_ + lane_;                                                                                \
                lanes_a_[lane_] += a;                                                                                  \
                lanes_b_[lane_] += b;                                                                                  \
            }                                                                                                          \
        VECTORISE for (int64_t lane_ = 0; lane_ < end_ - i_; lane_++) {                                                \
            int64_t i = i_ + lane_;                                                                                    \
            lanes_a_[lane_] += a;                                                                                      \
            lanes_b_[lane_] += b;                                                                                      \
        }                                                                                                              \
        total_a += NAME(fold)(lanes_a_);                                                                               \
        total_b += NAME(fold)(lanes_b_);                                                                               \
    }
// The same for one sum.
#define ROW_SUM(n, total, a)                                                                                           \
    for (int64_t block_ = 0; block_ < (n); block_ += BLOCK) {                                                          \
        T lanes_[LANES] = {0};                                                                                         \
        int64_t end_ = block_ + BLOCK < (n) ? block_ + BLOCK : (n), i_ = block_;                                       \
        for (; i_ + LANES <= end_; i_ += LANES) VECTORISE for (int64_t lane_ = 0; lane_ < LANES; lane_++) {            \
                int64_t i = i_ + lane_;                                                                                \
                lanes_[lane_] += a;                                                                                    \
            }                                                                                                          \
        VECTORISE for (int64_t lane_ = 0; lane_ < end_ - i_; lane_++) {                                                \
            int64_t i = i_ + lane_;                                                                                    \
            lanes_[lane_] += a;                                                                                        \
        }                                                                                                              \
        total += NAME(fold)(lanes_);                                                                                   \
    }
#endif

static inline double NAME(fold)(T *lanes) {
    for (int half = LANES / 2; half > 0; half /= 2)
        VECTORISE for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return (double)lanes[0];
}

static inline T NAME(larger)(T a, T b) { return a != a ? a : a > b ? a : b; }

static inline T NAME(row_max)(int64_t n, const T *x) {
    T lanes[LANES], best = x[0];
    int64_t first = 0;
    if (n >= LANES) {
        for (int i = 0; i < LANES; i++) lanes[i] = x[i];
        for (first = LANES; first + LANES <= n; first += LANES)
            VECTORISE for (int i = 0; i < LANES; i++) lanes[i] = NAME(larger)(lanes[i], x[first + i]);
        for (int half = LANES / 2; half > 0; half /= 2)
            VECTORISE for (int i = 0; i < half; i++) lanes[i] = NAME(larger)(lanes[i], lanes[i + half]);
        best = lanes[0];
    }
    for (; first < n; first++) best = NAME(larger)(best, x[first]);
    return best;
}
