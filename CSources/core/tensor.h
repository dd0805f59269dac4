// The tensor itself, and what operators need to read their inputs and place their outputs.
#ifndef APUS_CORE_TENSOR_H
#define APUS_CORE_TENSOR_H

#include <stdatomic.h>

#include "core/error.h"
#include "core/storage.h"

/// Ranks up to this keep shape and strides inside the tensor's own allocation.
#define APUS__INLINE_RANK 6

struct apus_tensor {
    atomic_int references;
    apus_dtype dtype;
    int32_t rank;
    bool weak;       ///< a scalar in promotion
    bool contiguous; ///< row-major without gaps
    int64_t numel;
    int64_t offset; ///< elements
    apus_storage *storage;
    int64_t *shape;
    int64_t *strides; ///< elements, never negative
    int64_t dims[2 * APUS__INLINE_RANK];
};

// ---- Reading

/// Bytes of an element, for what is a dtype for sure.
extern const uint8_t apus__dtype_bytes[APUS_DTYPE_COUNT];
static inline size_t apus__item_size(const apus_tensor *t) { return apus__dtype_bytes[t->dtype]; }
/// The first element in host memory. CPU tensors only.
static inline void *apus__host_data(const apus_tensor *t) {
    return (char *)t->storage->data + (size_t)t->offset * apus__item_size(t);
}
static inline bool apus__is_integral(apus_dtype d) { return d <= APUS_DTYPE_int64; } // bool included
/// Checks 'dim' against rank (a 0-d tensor has one dim) and makes it non-negative.
apus_status apus__normalize_dim(const char *op, int32_t *dim, int32_t rank);
/// Marks in `mask` (rank entries) the dims listed, or all of them when count is 0 and dims is NULL. Refuses repetition.
apus_status apus__dims_mask(const char *op, bool *mask, int32_t rank, int32_t count, const int32_t *dims);
/// Fails unless all are on one device. NULL entries are skipped. Weak scalars live anywhere.
apus_status apus__same_device(const char *op, apus_device *device, const apus_tensor *const *inputs, int32_t count);
/// The shape that all broadcast to. `shape` has room for APUS_MAX_RANK. NULL entries are skipped.
apus_status apus__broadcast_shape(const char *op, int32_t *rank, int64_t *shape, const apus_tensor *const *inputs,
                                  int32_t count);
/// The product of the sizes; fails when it, times the element size, leaves 63 bits, or when a size is negative.
apus_status apus__checked_numel(const char *op, int64_t *numel, apus_dtype dtype, int32_t rank, const int64_t *shape);

/// Fails unless every element of the geometry, whose product of sizes is numel, lies inside [0, limit) elements, and
/// when a stride is negative. `*end` gets one more than the last element; 0 when there is none.
apus_status apus__check_extent(const char *op, int64_t *end, int32_t rank, const int64_t *shape, const int64_t *strides,
                               int64_t offset, int64_t numel, int64_t limit);
/// Fails unless `data` is aligned to elements of `dtype`.
apus_status apus__check_aligned(const char *op, const void *data, apus_dtype dtype);
/// The strides of foreign memory: those given, or row-major ones for NULL. A negative one that is never followed,
/// because its dim has one element or the tensor none, is replaced.
void apus__foreign_strides(int64_t *out, int32_t rank, const int64_t *shape, const int64_t *strides, int64_t numel);

// ---- Making

/// A contiguous tensor over new memory.
apus_status apus__tensor_new(apus_tensor **out, const char *op, apus_dtype dtype, int32_t rank, const int64_t *shape,
                             apus_device device);
/// A handle over `storage` (which it retains) with the given geometry.
apus_status apus__tensor_over(apus_tensor **out, apus_storage *storage, apus_dtype dtype, int32_t rank,
                              const int64_t *shape, const int64_t *strides, int64_t offset);
/// A contiguous tensor with t's elements in `dtype`: t itself, retained, where it is one already.
apus_status apus__contiguous_as(apus_tensor **out, const apus_tensor *t, apus_dtype dtype);

/// A weak 0-d tensor on the stack; no release needed, not to outlive its scope.
typedef struct apus__stack_scalar {
    apus_tensor tensor;
    apus_storage storage;
    _Alignas(16) unsigned char value[16];
} apus__stack_scalar;
/// Fails unless the number is there and of a kind that there is.
apus_status apus__check_scalar(const char *op, const apus_scalar *value);
/// `value` must have passed apus__check_scalar.
const apus_tensor *apus__scalar_tensor(apus__stack_scalar *room, const apus_scalar *value);

// ---- Outputs

/// What the kernel that will write an output can do; see apus__output_begin.
typedef enum apus__output_kind {
    APUS__OUTPUT_CONTIGUOUS,  ///< writes a contiguous tensor of exactly the asked dtype that overlaps no input
    APUS__OUTPUT_STRIDED,     ///< writes any strides and converts dtype, overlapping no input
    APUS__OUTPUT_ELEMENTWISE, ///< as strided, and element i of the output depends on elements i of the inputs alone
} apus__output_kind;

/// An output on its way: `tensor` is where the kernel writes.
typedef struct apus__output {
    apus_tensor **slot;
    apus_tensor *tensor;
    bool is_slot; ///< tensor is the caller's own
} apus__output;

/// Finds the place to write: a new tensor when *slot is NULL, the caller's tensor when the kernel can write it as it
/// is, else a temporary. Fails when the caller's tensor has another shape or device, cannot hold `dtype`, is
/// read-only, or lets several indices share an element. inputs may hold NULLs.
apus_status apus__output_begin(apus__output *output, const char *op, apus_tensor **slot, apus__output_kind kind,
                               apus_dtype dtype, int32_t rank, const int64_t *shape, apus_device device,
                               const apus_tensor *const *inputs, int32_t input_count);
/// Ends it: on success hands the tensor over (copying out of a temporary) and counts the write; on failure frees it.
/// Returns `status`, or the copy's.
apus_status apus__output_end(apus__output *output, apus_status status);

/// Checks that `t` may be written to: not read-only, no element shared by several indices.
apus_status apus__check_writable(const char *op, const apus_tensor *t);
/// Counts a write to t's storage.
void apus__mark_written(apus_tensor *t);

/// Whether values of `from` may be stored in `to` without losing their kind (complex to float, float to int and
/// anything to bool are refused), as in PyTorch's out= rule.
bool apus__can_store(apus_dtype from, apus_dtype to);
/// float32 for integers and bool, the dtype itself otherwise.
apus_dtype apus__to_floating(apus_dtype dtype);

#define APUS__COUNT(array) ((int32_t)(sizeof(array) / sizeof((array)[0])))

#endif
