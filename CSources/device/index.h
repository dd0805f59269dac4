// Picking and placing elements, of the device table.
#ifndef APUS_DEVICE_INDEX_H
#define APUS_DEVICE_INDEX_H

#include "core/plan.h"
#include "device/buffer.h"

/// Slices of a tensor x, named by int64 offsets: slice i of block o is the `inner` elements from
/// o * outer_stride + offsets[i] on. Picked slices are packed as [outer, count, inner].
typedef struct apus__slices {
    apus_dtype dtype;
    int64_t outer, count, inner;
    int64_t outer_stride; ///< of x; blocks do not overlap
} apus__slices;

/// Lines along one dim; the plan walks the others. Operand 0 is what is picked or placed, operand 1 the int64 index,
/// operand 2 the tensor that the index points into. Strides and length are along the dim.
typedef struct apus__lines {
    apus__plan plan;
    int64_t length;
    int64_t strides[3];
} apus__lines;

/// Elements of a mask that are counted together; see `count`.
#define APUS__MASK_CHUNK 16384

/// Indices are checked before any of the functions that use them; these trust them. Outputs overlap no input.
typedef struct apus__index_table {
    /// Looks for an index outside [low, high) in contiguous int64; *outside is the first, where *found.
    apus_status (*check)(apus__buffer index, int64_t count, int64_t low, int64_t high, bool *found, int64_t *outside);
    /// Operand 0 = (or, where add, +=) stride * operand 1, negative ones counted from `size`. Both int64, 0 contiguous.
    apus_status (*offsets)(const apus__plan *plan, int64_t size, int64_t stride, bool add);
    apus_status (*take)(const apus__slices *s, apus__buffer out, apus__buffer x, apus__buffer offsets);
    /// In order of the offsets, where several name one slice.
    apus_status (*put)(const apus__slices *s, apus__buffer x, apus__buffer values, apus__buffer offsets, bool add);
    apus_status (*gather)(const apus__lines *lines);
    /// In order of the source. Operand 2 has the dtype of operand 0.
    apus_status (*scatter)(const apus__lines *lines, bool add);
    /// Contiguous bools: starts[c], int64, becomes the number of true ones before chunk c; one more entry has all.
    apus_status (*count)(apus__buffer mask, int64_t count, apus__buffer starts);
    /// The coordinates of true elements, [all, rank], from the starts.
    apus_status (*positions)(apus__buffer out, apus__buffer mask, int32_t rank, const int64_t *shape,
                             apus__buffer starts);
    /// The elements of contiguous x where the mask is true, from the starts.
    apus_status (*select)(apus__buffer out, apus_dtype dtype, apus__buffer x, apus__buffer mask, int64_t count,
                          apus__buffer starts);
    /// Contiguous matrices: keeps columns from row + diagonal on (upper) or up to it (lower), zeroes the others.
    apus_status (*triangle)(apus__buffer out, apus_dtype dtype, apus__buffer x, int64_t matrices, int64_t rows,
                            int64_t columns, int64_t diagonal, bool upper);
} apus__index_table;

extern const apus__index_table apus__cpu_index;

#endif
