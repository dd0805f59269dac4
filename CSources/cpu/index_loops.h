// Innermost loops of picking and placing: by element size where elements only move, by dtype where they are added.
#ifndef APUS_CPU_INDEX_LOOPS_H
#define APUS_CPU_INDEX_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#include "apus/base.h"

/// A rectangle of a line walk: `rows` × `columns`, the order in which elements are placed. Strides in elements: of
/// what is picked or placed, of the index, and of the pointed-into tensor, along rows and columns; `scale` is that
/// tensor's stride along the indexed dim.
typedef struct apus__line_tile {
    int64_t rows, columns;
    int64_t row[3], column[3];
    int64_t scale;
} apus__line_tile;

/// Slices of `width` elements, named by offsets and packed one after another.
typedef struct apus__slice_tile {
    const int64_t *offsets;
    int64_t count, width;
    int64_t begin, end; ///< when placing slices of more than one element, offsets outside are left to others
} apus__slice_tile;

typedef void (*apus__line_loop)(const apus__line_tile *t, void *picked, const int64_t *index, void *x);
typedef void (*apus__slice_loop)(const apus__slice_tile *t, void *packed, void *x);
typedef void (*apus__select_loop)(int64_t n, void *out, int64_t room, const void *x, const uint8_t *mask);

/// Loops that move elements of one size.
typedef struct apus__move_loops {
    apus__line_loop gather, scatter;
    apus__slice_loop take, put;
    apus__select_loop select;
} apus__move_loops;

/// Loops that add elements of one dtype.
typedef struct apus__add_loops {
    apus__line_loop scatter;
    apus__slice_loop put;
} apus__add_loops;

const apus__move_loops *apus__move_loops_of(size_t size);
extern const apus__add_loops apus__add_loops_of[APUS_DTYPE_COUNT];

#endif
