// How partial results are carried: macros that define the loops of an apus__reduce_kernel, for T and F.

// Functions of a row of the table: its map, and the tree of eight mapped elements `s` apart.
#define DEFINE_GROUP(name, G, map, combine)                                                                            \
    static inline G FN(map_##name)(T x) { return (G)(map); }                                                           \
    static inline G FN(pair_##name)(G a, G b) { return (G)(combine); }                                                 \
    static inline G FN(four_##name)(const T *x, int64_t s) {                                                           \
        return FN(pair_##name)(FN(pair_##name)(FN(map_##name)(x[0]), FN(map_##name)(x[s])),                            \
                               FN(pair_##name)(FN(map_##name)(x[2 * s]), FN(map_##name)(x[3 * s])));                   \
    }                                                                                                                  \
    static inline G FN(eight_##name)(const T *x, int64_t s) {                                                          \
        return FN(pair_##name)(FN(four_##name)(x, s), FN(four_##name)(x + 4 * s, s));                                  \
    }

// Lanes that a contiguous run is folded into: a cache line, so that a group of eight lines is read as one stream.
#define LANES ((int64_t)(64 / sizeof(T)))

#define ALWAYS_INLINE inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

// The loops that follow from `begin`, `take` (columns, always inlined) and `join` (merge, always inlined).
#define DEFINE_LOOPS(name, A, fields)                                                                                  \
    static void FN(columns_##name)(int64_t rows, int64_t columns, const void *data, int64_t stride, void *partial,     \
                                   int64_t width) {                                                                    \
        FN(take_##name)(rows, columns, data, stride, partial, width);                                                  \
    }                                                                                                                  \
    static void FN(run_##name)(int64_t n, const void *data, void *partial, int64_t width) {                            \
        A lanes[(fields)*LANES];                                                                                       \
        const T *x = data;                                                                                             \
        int64_t rows = n / LANES, rest = n % LANES;                                                                    \
        FN(begin_##name)(LANES, lanes, LANES);                                                                         \
        FN(take_##name)(rows, LANES, x, LANES, lanes, LANES);                                                          \
        if (rest > 0) FN(columns_##name)(1, rest, x + rows * LANES, 0, lanes, LANES);                                  \
        UNROLL for (int64_t half = LANES / 2; half > 0; half /= 2)                                                     \
            FN(join_##name)(half, lanes, LANES, lanes + half, LANES);                                                  \
        FN(join_##name)(1, partial, width, lanes, LANES);                                                              \
    }                                                                                                                  \
    static void FN(merge_##name)(int64_t n, void *partial, int64_t width, const void *other, int64_t other_width) {    \
        FN(join_##name)(n, partial, width, other, other_width);                                                        \
    }

// One number of type A.
#define DEFINE_PLAIN(name, R, G, A, identity, map, combine, end)                                                       \
    DEFINE_GROUP(name, G, map, combine)                                                                                \
    static inline A FN(both_##name)(A a, A b) { return (A)(combine); }                                                 \
    static void FN(begin_##name)(int64_t n, void *partial, int64_t width) {                                            \
        A *p = partial;                                                                                                \
        (void)width;                                                                                                   \
        for (int64_t i = 0; i < n; i++) p[i] = (A)(identity);                                                          \
    }                                                                                                                  \
    static ALWAYS_INLINE void FN(take_##name)(int64_t rows, int64_t columns, const void *data, int64_t stride,         \
                                              void *partial, int64_t width) {                                          \
        const T *x = data;                                                                                             \
        A *p = partial;                                                                                                \
        (void)width;                                                                                                   \
        for (; rows >= 8; rows -= 8, x += 8 * stride)                                                                  \
            VECTORISE for (int64_t j = 0; j < columns; j++) p[j] =                                                     \
                FN(both_##name)(p[j], (A)FN(eight_##name)(x + j, stride));                                             \
        for (; rows > 0; rows--, x += stride)                                                                          \
            VECTORISE for (int64_t j = 0; j < columns; j++) p[j] = FN(both_##name)(p[j], (A)FN(map_##name)(x[j]));     \
    }                                                                                                                  \
    static ALWAYS_INLINE void FN(join_##name)(int64_t n, void *partial, int64_t width, const void *other,              \
                                              int64_t other_width) {                                                   \
        A *p = partial;                                                                                                \
        const A *q = other;                                                                                            \
        (void)width, (void)other_width;                                                                                \
        VECTORISE for (int64_t i = 0; i < n; i++) p[i] = FN(both_##name)(p[i], q[i]);                                  \
    }                                                                                                                  \
    DEFINE_LOOPS(name, A, 1)                                                                                           \
    static void FN(finish_##name)(int64_t n, void *out, void *second, const void *partial, int64_t width,              \
                                  double count, double correction) {                                                   \
        R *result = out;                                                                                               \
        const A *p = partial;                                                                                          \
        (void)second, (void)width, (void)count, (void)correction;                                                      \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            A a = p[i];                                                                                                \
            result[i] = (R)(end);                                                                                      \
        }                                                                                                              \
    }

// A sum in double and the rounding errors it made, so that long sums of double are as good as short ones.
#define DEFINE_COMPENSATED(name, map)                                                                                  \
    DEFINE_GROUP(name, double, map, a + b)                                                                             \
    static void FN(begin_##name)(int64_t n, void *partial, int64_t width) {                                            \
        double *sum = partial, *lost = sum + width;                                                                    \
        for (int64_t i = 0; i < n; i++) sum[i] = lost[i] = 0;                                                          \
    }                                                                                                                  \
    static ALWAYS_INLINE void FN(take_##name)(int64_t rows, int64_t columns, const void *data, int64_t stride,         \
                                              void *partial, int64_t width) {                                          \
        const T *x = data;                                                                                             \
        double *sum = partial, *lost = sum + width;                                                                    \
        for (; rows >= 8; rows -= 8, x += 8 * stride) VECTORISE for (int64_t j = 0; j < columns; j++) {                \
                double a = sum[j], b = FN(eight_##name)(x + j, stride), s = a + b;                                     \
                lost[j] += sum_error_f64(a, b, s);                                                                     \
                sum[j] = s;                                                                                            \
            }                                                                                                          \
        for (; rows > 0; rows--, x += stride) VECTORISE for (int64_t j = 0; j < columns; j++) {                        \
                double a = sum[j], b = FN(map_##name)(x[j]), s = a + b;                                                \
                lost[j] += sum_error_f64(a, b, s);                                                                     \
                sum[j] = s;                                                                                            \
            }                                                                                                          \
    }                                                                                                                  \
    static ALWAYS_INLINE void FN(join_##name)(int64_t n, void *partial, int64_t width, const void *other,              \
                                              int64_t other_width) {                                                   \
        double *sum = partial, *lost = sum + width;                                                                    \
        const double *other_sum = other, *other_lost = other_sum + other_width;                                        \
        VECTORISE for (int64_t i = 0; i < n; i++) {                                                                    \
            double a = sum[i], b = other_sum[i], s = a + b;                                                            \
            lost[i] += other_lost[i] + sum_error_f64(a, b, s);                                                         \
            sum[i] = s;                                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    DEFINE_LOOPS(name, double, 2)                                                                                      \
    static void FN(finish_##name)(int64_t n, void *out, void *second, const void *partial, int64_t width,              \
                                  double count, double correction) {                                                   \
        double *result = out;                                                                                          \
        const double *sum = partial, *lost = sum + width;                                                              \
        (void)second, (void)correction;                                                                                \
        for (int64_t i = 0; i < n; i++)                                                                                \
            result[i] = (fabs_f64(sum[i]) < (double)APUS_INF_F32 ? sum[i] + lost[i] : sum[i]) / count;                 \
    }
