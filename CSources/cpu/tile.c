#include "cpu/tile.h"

#include <string.h>

#include "cpu/elementwise.h"

typedef struct element16 {
    uint64_t words[2];
} element16;

// The shorter stride goes inside, so that each cache line is visited once; a reversed run vectorises by itself.
#define DEFINE_MOVES(name, T)                                                                                          \
    static void gather_##name(T *packed, const T *source, const apus__tile *t) {                                       \
        if (t->row_stride < t->column_stride) {                                                                        \
            for (int64_t c = 0; c < t->columns; c++)                                                                   \
                for (int64_t r = 0; r < t->rows; r++)                                                                  \
                    packed[r * t->columns + c] = source[r * t->row_stride + c * t->column_stride];                     \
            return;                                                                                                    \
        }                                                                                                              \
        if (t->column_stride == -1) {                                                                                  \
            for (int64_t r = 0; r < t->rows; r++)                                                                      \
                for (int64_t c = 0; c < t->columns; c++) packed[r * t->columns + c] = source[r * t->row_stride - c];   \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t r = 0; r < t->rows; r++)                                                                          \
            for (int64_t c = 0; c < t->columns; c++)                                                                   \
                packed[r * t->columns + c] = source[r * t->row_stride + c * t->column_stride];                         \
    }                                                                                                                  \
    static void scatter_##name(T *target, const T *packed, const apus__tile *t) {                                      \
        for (int64_t r = 0; r < t->rows; r++)                                                                          \
            for (int64_t c = 0; c < t->columns; c++)                                                                   \
                target[r * t->row_stride + c * t->column_stride] = packed[r * t->columns + c];                         \
    }                                                                                                                  \
    static void repeat_##name(T *packed, T value, int64_t n) {                                                         \
        for (int64_t i = 0; i < n; i++) packed[i] = value;                                                             \
    }
DEFINE_MOVES(1, uint8_t)
DEFINE_MOVES(2, uint16_t)
DEFINE_MOVES(4, uint32_t)
DEFINE_MOVES(8, uint64_t)
DEFINE_MOVES(16, element16)

void apus__repeat(void *packed, const void *value, size_t size, int64_t n) {
    switch (size) {
    case 1: repeat_1(packed, *(const uint8_t *)value, n); return;
    case 2: repeat_2(packed, *(const uint16_t *)value, n); return;
    case 4: repeat_4(packed, *(const uint32_t *)value, n); return;
    case 8: repeat_8(packed, *(const uint64_t *)value, n); return;
    default: repeat_16(packed, *(const element16 *)value, n); return;
    }
}

static void gather(void *packed, const void *source, size_t size, const apus__tile *tile) {
    switch (size) {
    case 1: gather_1(packed, source, tile); return;
    case 2: gather_2(packed, source, tile); return;
    case 4: gather_4(packed, source, tile); return;
    case 8: gather_8(packed, source, tile); return;
    default: gather_16(packed, source, tile); return;
    }
}

static void scatter(void *target, const void *packed, size_t size, const apus__tile *tile) {
    switch (size) {
    case 1: scatter_1(target, packed, tile); return;
    case 2: scatter_2(target, packed, tile); return;
    case 4: scatter_4(target, packed, tile); return;
    case 8: scatter_8(target, packed, tile); return;
    default: scatter_16(target, packed, tile); return;
    }
}

static void copy_rows(char *target, int64_t target_stride, const char *source, int64_t source_stride, size_t size,
                      const apus__tile *tile) {
    for (int64_t r = 0; r < tile->rows; r++)
        memcpy(target + r * target_stride * (int64_t)size, source + r * source_stride * (int64_t)size,
               (size_t)tile->columns * size);
}

void apus__tile_load(void *packed, apus_dtype to, const void *source, apus_dtype from, const apus__tile *tile) {
    size_t size = apus_dtype_size(from);
    apus__loop convert = from == to ? NULL : apus__elementwise_loops_current()->convert[to][from];
    bool runs = tile->column_stride == 1 || tile->columns == 1;
    if (convert == NULL && runs) {
        copy_rows(packed, tile->columns, source, tile->row_stride, size, tile);
        return;
    }
    if (convert == NULL) {
        gather(packed, source, size, tile);
        return;
    }
    if (runs && tile->rows == 1) {
        convert(tile->columns, packed, source, NULL, NULL, NULL);
        return;
    }
    _Alignas(64) char gathered[APUS__TILE_BYTES];
    gather(gathered, source, size, tile);
    convert(tile->columns * tile->rows, packed, gathered, NULL, NULL, NULL);
}

void apus__tile_store(void *target, apus_dtype to, const void *packed, apus_dtype from, const apus__tile *tile) {
    size_t size = apus_dtype_size(to);
    apus__loop convert = from == to ? NULL : apus__elementwise_loops_current()->convert[to][from];
    bool runs = tile->column_stride == 1 || tile->columns == 1;
    if (convert != NULL && runs && tile->rows == 1) {
        convert(tile->columns, target, packed, NULL, NULL, NULL);
        return;
    }
    _Alignas(64) char converted[APUS__TILE_BYTES];
    if (convert != NULL) {
        convert(tile->columns * tile->rows, converted, packed, NULL, NULL, NULL);
        packed = converted;
    }
    if (runs)
        copy_rows(target, tile->row_stride, packed, tile->columns, size, tile);
    else
        scatter(target, packed, size, tile);
}
