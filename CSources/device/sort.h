// Order along rows, of the device table.
#ifndef APUS_DEVICE_SORT_H
#define APUS_DEVICE_SORT_H

#include "device/buffer.h"

/// Which places of each row's order are wanted: `count` of them from place `first` on. NaN is the greatest.
typedef struct apus__ranking {
    apus_dtype dtype;     ///< any real one
    int64_t rows, length; ///< of contiguous data; nothing is empty
    int64_t first, count;
    bool descending;
    bool sorted; ///< the wanted places in order, else in any
    bool stable; ///< equal elements must keep their order
} apus__ranking;

typedef struct apus__sort_table {
    /// values and indices (int64) are [rows, count]; either may be absent. They overlap no input.
    apus_status (*rank)(const apus__ranking *ranking, apus__buffer values, apus__buffer indices, apus__buffer input);
} apus__sort_table;

extern const apus__sort_table apus__cpu_sort;

#endif
