// Plans as OpenCL kernels see them.
#ifndef APUS_OPENCL_ELEMENTWISE_H
#define APUS_OPENCL_ELEMENTWISE_H

#include "core/plan.h"
#include "opencl/launch.h"

enum { APUS__CL_MAX_RANK = 8, APUS__CL_WALKED = 4 };

/// The struct of the same name in kernels/common.cl.
typedef struct apus__cl_walk {
    int64_t rank, chunk, chunks, items;
    int64_t shape[APUS__CL_MAX_RANK];
    struct {
        int64_t offset, is_number;
        uint64_t bits[2];
        int64_t strides[APUS__CL_MAX_RANK];
    } o[APUS__CL_WALKED];
} apus__cl_walk;

/// What a dtype is computed as.
apus_dtype apus__cl_compute_dtype(apus_dtype dtype);

/// One part of a plan: whole, but for plans of more than APUS__CL_MAX_RANK dims, whose outer dims are walked here.
/// `width` is how many elements a kernel takes at once.
typedef apus_status (*apus__cl_part)(void *context, apus__cl_walk *walk, const apus__plan *plan);
apus_status apus__cl_walk_plan(const apus__plan *plan, int64_t width, apus__cl_part part, void *context);

/// A copy between strides and dtypes, as the table's entry.
apus_status apus__cl_copy(const apus__plan *plan);
apus_status apus__cl_fill(const apus__plan *plan, const apus_scalar *value);
apus_status apus__cl_arange(const apus__plan *plan, const apus_scalar *start, const apus_scalar *step);

/// A plan over one float output and one to three inputs, by a family of one row UNARY_real, BINARY_real or TERNARY_real
/// whose kernel has the family's name.
apus_status apus__cl_row(const apus__plan *plan, const apus__cl_family *family, apus_dtype compute);
/// The text that comes before a row.
#define APUS__CL_ROW_SOURCES apus__cl_common, apus__cl_functions, apus__cl_elementwise
/// The unsigned integer that stands for elements of `bytes`; two of them (option -DPAIR) where there are 16.
apus_dtype apus__cl_unit_of(size_t bytes);

/// Whether operand k runs along another dim than the innermost, so that a turned copy of it is read faster.
bool apus__cl_is_crosswise(const apus__plan *plan, int32_t k);
/// A packed temporary for an operand of the plan; broadcast where `strides` (may be NULL) are 0. Its storage is the
/// caller's to release.
apus_status apus__cl_temporary_operand(apus__operand *o, const apus__plan *plan, const apus_storage *beside,
                                       apus_dtype dtype, const int64_t *strides);
/// A packed copy of operand k in `dtype`. Its storage is the caller's to release.
apus_status apus__cl_stage(apus__operand *staged, const apus__plan *plan, int32_t k, apus_dtype dtype);

/// Whether an operand is a number in host memory, which kernels take by value.
static inline bool apus__cl_is_number(const apus__operand *o) { return o->storage->device == APUS_DEVICE_CPU; }
/// Writes a number operand as one element of `dtype`.
void apus__cl_number_bits(uint64_t bits[2], apus_dtype dtype, const apus__operand *number);

#endif
