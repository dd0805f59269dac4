#include "opencl/tiling.h"

#include <stdio.h>

enum {
    LARGE_TILE = 128,
    TILE = 64,
    BLOCK = 8,
    SMALL_TILE = 32,
    SMALL_BLOCK = 4,
    SMALL_SIDE = 32,
    LARGE_GROUP = LARGE_TILE / BLOCK * (LARGE_TILE / BLOCK),
    MAX_PARTS = 16,
};

/// The bytes of a processor's vector registers.
static int64_t register_bytes(const apus_storage *storage) {
    cl_uint floats = 0;
    (void)apus__cl()->GetDeviceInfo(apus__cl_device_of(storage)->id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof floats,
                                    &floats, NULL);
    return floats >= 16 ? 64 : floats >= 8 ? 32 : 16;
}

/// Of 16 registers 12 hold sums, of 32 (64 bytes each) 24. Complex products keep turned operands too.
static apus__cl_tiling cpu_lanes(const apus_storage *storage, apus_dtype dtype) {
    bool is_complex = apus_dtype_is_complex(dtype);
    int64_t bytes = register_bytes(storage), per_element = is_complex ? 2 : 1;
    int64_t parts = bytes * per_element / (int64_t)apus_dtype_size(dtype);
    if (parts > MAX_PARTS) parts = MAX_PARTS;
    apus__cl_tiling l = {.is_cpu = true, .lanes = parts / per_element, .columns = 2 * parts / per_element};
    l.rows = (is_complex ? 4 : 6) * (bytes == 64 ? 2 : 1);
    snprintf(l.options, sizeof l.options, "-DROWS=%d -DPARTS=%d", (int)l.rows, (int)parts);
    return l;
}

/// Large tiles read least, where there are enough of them for every compute unit.
static bool is_large(const apus_storage *storage, apus_dtype dtype, int64_t m, int64_t n, int64_t planes) {
    const apus_opencl_info *info = &apus__cl_device_of(storage)->info;
    return apus_dtype_size(dtype) <= 4 && m >= LARGE_TILE && n >= LARGE_TILE && info->max_work_group >= LARGE_GROUP &&
           m / LARGE_TILE * (n / LARGE_TILE) * planes >= info->compute_units;
}

apus__cl_tiling apus__cl_tiling_of(const apus_storage *storage, apus_dtype dtype, int64_t m, int64_t n,
                                   int64_t planes) {
    if (apus__cl_is_cpu_class(storage)) return cpu_lanes(storage, dtype);
    // Tiles of complex128 would not fit the memory that every work-group has.
    bool small = m <= SMALL_SIDE || n <= SMALL_SIDE || apus_dtype_size(dtype) > 8;
    apus__cl_tiling l = {.tile = small                                    ? SMALL_TILE
                                 : is_large(storage, dtype, m, n, planes) ? LARGE_TILE
                                                                          : TILE,
                         .block = small ? SMALL_BLOCK : BLOCK};
    snprintf(l.options, sizeof l.options, "-DTILE=%d -DBLOCK=%d", (int)l.tile, (int)l.block);
    return l;
}
