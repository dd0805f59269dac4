// What kernels/lanes.cl is compiled for: a processor's registers, or the size of a tile.
#ifndef APUS_OPENCL_TILING_H
#define APUS_OPENCL_TILING_H

#include "opencl/launch.h"

typedef struct apus__cl_tiling {
    bool is_cpu;
    int64_t rows, columns; ///< of a block of the CPU class, in elements
    int64_t lanes;         ///< elements of a register: half of `columns`
    int64_t tile, block;   ///< of the GPU class
    char options[48];      ///< of the programs
} apus__cl_tiling;

/// For `planes` products of m × n elements on a storage's device.
apus__cl_tiling apus__cl_tiling_of(const apus_storage *storage, apus_dtype dtype, int64_t m, int64_t n, int64_t planes);

#endif
