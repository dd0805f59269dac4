// The other entries of the reduce table: what works along lanes.
#ifndef APUS_OPENCL_SCAN_H
#define APUS_OPENCL_SCAN_H

#include "device/reduce.h"
#include "opencl/launch.h"

/// Lanes side by side that an item of the CPU class takes, and the work-groups of the GPU class.
enum { APUS__CL_COLUMNS = 64, APUS__CL_GROUP = 128 };

/// How many elements of a contiguous lane one item, or one work-group of the GPU class, takes: all where there are
/// lanes enough, else `least`.
static inline int64_t apus__cl_chunk(const apus__lanes *l, const apus_storage *storage, int64_t least) {
    enum { MANY_CPU = 16, MANY_GPU = 256 };
    bool many = l->outer >= (apus__cl_is_cpu_class(storage) ? MANY_CPU : MANY_GPU);
    return many || l->length < least ? l->length : least;
}

/// The entries.
apus_status apus__cl_arg_lanes(const apus__lanes *lanes, bool smallest, apus__buffer values, apus__buffer indices,
                               apus__buffer input);
apus_status apus__cl_scan_lanes(const apus__lanes *lanes, apus_scan_op op, apus__buffer out, apus__buffer input);

#endif
