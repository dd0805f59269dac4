#include "cpu/index_loops.h"

#include <complex.h>
#include <string.h>

#include "cpu/simd/math.h"

typedef struct element16 {
    uint64_t words[2];
} element16;

// Rows whose picked elements, and whose indices, lie one after another get a loop without strides. The tile is copied,
// since what is stored might be part of it as far as the compiler knows.
#define WALK_LINES(T, statement)                                                                                       \
    const apus__line_tile l = *t;                                                                                      \
    bool plain = l.column[0] == 1 && l.column[1] == 1 && l.column[2] == 0 && l.scale == 1;                             \
    for (int64_t r = 0; r < l.rows; r++) {                                                                             \
        T *a = (T *)picked + r * l.row[0], *b = (T *)x + r * l.row[2];                                                 \
        const int64_t *i = index + r * l.row[1];                                                                       \
        for (int64_t c = 0; plain && c < l.columns; c++) {                                                             \
            T *from = a + c, *to = b + i[c];                                                                           \
            statement;                                                                                                 \
        }                                                                                                              \
        for (int64_t c = 0; !plain && c < l.columns; c++) {                                                            \
            T *from = a + c * l.column[0], *to = b + i[c * l.column[1]] * l.scale + c * l.column[2];                   \
            statement;                                                                                                 \
        }                                                                                                              \
    }

#define WALK_SLICES(T, statement)                                                                                      \
    const apus__slice_tile s = *t;                                                                                     \
    T *a = packed, *b = x;                                                                                             \
    for (int64_t i = 0; i < s.count; i++) {                                                                            \
        T *from = a + i * s.width, *to = b + s.offsets[i];                                                             \
        statement;                                                                                                     \
    }

/// Single elements are worth a loop of their own.
#define WALK_ELEMENTS_OR_SLICES(T, element, slice)                                                                     \
    if (t->width == 1) {                                                                                               \
        WALK_SLICES(T, element)                                                                                        \
        return;                                                                                                        \
    }                                                                                                                  \
    WALK_SLICES(T, slice)

#define IN_RANGE (s.offsets[i] >= s.begin && s.offsets[i] < s.end)

/// Longer runs are memcpy's.
enum { SHORT_RUN = 16 };

#define DEFINE_MOVES(size, T)                                                                                          \
    static void gather_##size(const apus__line_tile *t, void *picked, const int64_t *index, void *x) {                 \
        WALK_LINES(T, *from = *to)                                                                                     \
    }                                                                                                                  \
    static void scatter_##size(const apus__line_tile *t, void *picked, const int64_t *index, void *x) {                \
        WALK_LINES(T, *to = *from)                                                                                     \
    }                                                                                                                  \
    static inline void move_##size(T *to, const T *from, int64_t n) {                                                  \
        if (n > SHORT_RUN) {                                                                                           \
            memcpy(to, from, (size_t)n * sizeof(T));                                                                   \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t c = 0; c < n; c++) to[c] = from[c];                                                               \
    }                                                                                                                  \
    static void take_##size(const apus__slice_tile *t, void *packed, void *x) {                                        \
        WALK_ELEMENTS_OR_SLICES(T, *from = *to, move_##size(from, to, s.width))                                        \
    }                                                                                                                  \
    static void put_##size(const apus__slice_tile *t, void *packed, void *x) {                                         \
        WALK_ELEMENTS_OR_SLICES(T, *to = *from, if (IN_RANGE) move_##size(to, from, s.width))                          \
    }                                                                                                                  \
    static void select_##size(int64_t n, void *out, int64_t room, const void *x, const uint8_t *mask) {                \
        T *to = out;                                                                                                   \
        const T *from = x;                                                                                             \
        int64_t used = 0;                                                                                              \
        /* Every element is written where the next chosen one belongs, and stays there if it is chosen. */             \
        for (int64_t i = 0; i < n && used < room; i++) {                                                               \
            to[used] = from[i];                                                                                        \
            used += mask[i] != 0;                                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static const apus__move_loops moves_##size = {gather_##size, scatter_##size, take_##size, put_##size,              \
                                                  select_##size};
DEFINE_MOVES(1, uint8_t)
DEFINE_MOVES(2, uint16_t)
DEFINE_MOVES(4, uint32_t)
DEFINE_MOVES(8, uint64_t)
DEFINE_MOVES(16, element16)

const apus__move_loops *apus__move_loops_of(size_t size) {
    switch (size) {
    case 1: return &moves_1;
    case 2: return &moves_2;
    case 4: return &moves_4;
    case 8: return &moves_8;
    default: return &moves_16;
    }
}

typedef float _Complex complex_float;
typedef double _Complex complex_double;

// Halves are added in float32.
static inline uint16_t sum_float16(uint16_t a, uint16_t b) {
    return float_to_half(half_to_float(a) + half_to_float(b));
}
static inline uint16_t sum_bfloat16(uint16_t a, uint16_t b) {
    return float_to_bfloat16(bfloat16_to_float(a) + bfloat16_to_float(b));
}

#define SUM(a, b) (a) + (b)
#define EITHER(a, b) ((a) | (b)) != 0

#define DEFINE_ADDS(name, T, sum)                                                                                      \
    static void scatter_add_##name(const apus__line_tile *t, void *picked, const int64_t *index, void *x) {            \
        WALK_LINES(T, *to = (T)(sum(*to, *from)))                                                                      \
    }                                                                                                                  \
    static inline void add_##name(T *to, const T *from, int64_t n) {                                                   \
        for (int64_t c = 0; c < n; c++) to[c] = (T)(sum(to[c], from[c]));                                              \
    }                                                                                                                  \
    static void put_add_##name(const apus__slice_tile *t, void *packed, void *x) {                                     \
        WALK_ELEMENTS_OR_SLICES(T, *to = (T)(sum(*to, *from)), if (IN_RANGE) add_##name(to, from, s.width))            \
    }
DEFINE_ADDS(bool, uint8_t, EITHER)
DEFINE_ADDS(uint8, uint8_t, SUM)
DEFINE_ADDS(uint16, uint16_t, SUM)
DEFINE_ADDS(uint32, uint32_t, SUM)
DEFINE_ADDS(uint64, uint64_t, SUM)
DEFINE_ADDS(int8, int8_t, SUM)
DEFINE_ADDS(int16, int16_t, SUM)
DEFINE_ADDS(int32, int32_t, SUM)
DEFINE_ADDS(int64, int64_t, SUM)
DEFINE_ADDS(float16, uint16_t, sum_float16)
DEFINE_ADDS(bfloat16, uint16_t, sum_bfloat16)
DEFINE_ADDS(float32, float, SUM)
DEFINE_ADDS(float64, double, SUM)
DEFINE_ADDS(complex64, complex_float, SUM)
DEFINE_ADDS(complex128, complex_double, SUM)

const apus__add_loops apus__add_loops_of[APUS_DTYPE_COUNT] = {
#define APUS_DTYPE(number, name, ...) [number] = {scatter_add_##name, put_add_##name},
#include "apus/dtype.def"
#undef APUS_DTYPE
};
