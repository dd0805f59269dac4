// Tiles: small two-dimensional pieces of strided operands, packed for contiguous loops.
#ifndef APUS_CPU_TILE_H
#define APUS_CPU_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "apus/base.h"

/// The most elements a tile has: it and its companions stay in the first-level cache.
#define APUS__TILE_ELEMENTS 512
/// Bytes of a tile of the widest dtype.
#define APUS__TILE_BYTES (APUS__TILE_ELEMENTS * 16)

/// Where a tile lies: `rows` runs of `columns` elements; strides in elements.
typedef struct apus__tile {
    int64_t columns, rows;
    int64_t column_stride, row_stride;
} apus__tile;

/// Packs the tile at `source`, converting from dtype `from` to dtype `to`.
void apus__tile_load(void *packed, apus_dtype to, const void *source, apus_dtype from, const apus__tile *tile);
/// Unpacks to the tile at `target`, converting from dtype `from` to dtype `to`.
void apus__tile_store(void *target, apus_dtype to, const void *packed, apus_dtype from, const apus__tile *tile);
/// Fills n packed elements of `size` bytes with the one at `value`.
void apus__repeat(void *packed, const void *value, size_t size, int64_t n);

#endif
