// Defines the reductions and arg-reductions of one dtype.
#if defined(KIND_FLOAT)
static inline T abs_(T x) { return FN(fabs)(x); }
static inline T maximum(T a, T b) { return a != a ? a : a > b ? a : b; }
static inline T minimum(T a, T b) { return a != a ? a : a < b ? a : b; }
#include "cpu/simd/reduce_float.h"
#elif defined(KIND_INTEGER)
static inline T maximum(T a, T b) { return a > b ? a : b; }
static inline T minimum(T a, T b) { return a < b ? a : b; }
#endif

#define ROW_PLAIN(name, R, dtype, G, A, identity, map, combine, end)                                                   \
    DEFINE_PLAIN(name, R, G, A, identity, map, combine, end)
#define ROW_COMPENSATED(name, map) DEFINE_COMPENSATED(name, map)
#include "cpu/simd/reduce_rows.h"
#undef ROW_PLAIN
#undef ROW_COMPENSATED

#if !defined(KIND_COMPLEX)
// Earlier elements win among equals and among NaNs; a NaN wins over numbers.
#define DEFINE_ARG(name, relation)                                                                                     \
    static void FN(arg_##name)(int64_t n, const void *data, int64_t row, void *values, int64_t *index) {               \
        const T *x = data;                                                                                             \
        T *best = values;                                                                                              \
        VECTORISE for (int64_t j = 0; j < n; j++) {                                                                    \
            int wins = (x[j] relation best[j]) | ((x[j] != x[j]) & (best[j] == best[j]));                              \
            best[j] = wins ? x[j] : best[j];                                                                           \
            index[j] = wins ? row : index[j];                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void FN(arg_run_##name)(int64_t n, const void *data, void *value, int64_t *index) {                         \
        const T *x = data;                                                                                             \
        T best = x[0];                                                                                                 \
        int64_t place = 0;                                                                                             \
        for (int64_t i = 1; i < n; i++) {                                                                              \
            int wins = (x[i] relation best) | ((x[i] != x[i]) & (best == best));                                       \
            best = wins ? x[i] : best;                                                                                 \
            place = wins ? i : place;                                                                                  \
        }                                                                                                              \
        *(T *)value = best;                                                                                            \
        *index = place;                                                                                                \
    }
DEFINE_ARG(greatest, >)
DEFINE_ARG(least, <)
#undef DEFINE_ARG

static int64_t FN(find)(int64_t n, const void *data, const void *value) {
    const T *x = data, v = *(const T *)value;
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
        int found = 0;
        for (int64_t j = i; j < i + 64; j++) found |= (x[j] == v) | ((x[j] != x[j]) & (v != v));
        if (found) break;
    }
    for (; i < n; i++)
        if (x[i] == v || (x[i] != x[i] && v != v)) return i;
    return n;
}
#endif
