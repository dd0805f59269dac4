/// Tensors: making, wrapping, viewing, copying, reading.
///
/// Threads: handles may be retained, released and read from any thread at once.
#ifndef APUS_TENSOR_H
#define APUS_TENSOR_H

#include "apus/base.h"

APUS_BEGIN_DECLS

/// A strided view of reference-counted memory on one device.
typedef struct apus_tensor apus_tensor;

/// Called once, from whichever thread drops the last reference, when wrapped memory is no longer used.
typedef void (*apus_deleter)(void *payload);

// ---- Making. All return contiguous tensors that the caller owns. `shape` may be NULL when rank is 0.

/// A tensor whose elements have no particular value.
APUS_API APUS_NODISCARD apus_status apus_tensor_empty(apus_tensor **out, apus_dtype dtype, int32_t rank,
                                                      const int64_t *shape, apus_device device);
/// A tensor of one value, converted to `dtype`.
APUS_API APUS_NODISCARD apus_status apus_tensor_full(apus_tensor **out, apus_dtype dtype, int32_t rank,
                                                     const int64_t *shape, const apus_scalar *value,
                                                     apus_device device);
/// A tensor that copies `shape`'s product of elements from `data`, host memory in row-major order.
APUS_API APUS_NODISCARD apus_status apus_tensor_from_data(apus_tensor **out, apus_dtype dtype, int32_t rank,
                                                          const int64_t *shape, const void *data, apus_device device);
/// A 0-d CPU tensor that takes part in promotion as a weak scalar: bool, int64, float64 or complex128 storage.
APUS_API APUS_NODISCARD apus_status apus_tensor_scalar(apus_tensor **out, const apus_scalar *value);
/// A CPU tensor that shares `data`, host memory aligned to the element size. `strides` may be NULL for row-major order;
/// they may not be negative. `bytes` is what the memory holds from `data` on: every element must lie inside. `deleter`
/// (may be NULL) is called with `payload` exactly once, when the last tensor over the memory goes, and also when this
/// call fails.
APUS_API APUS_NODISCARD apus_status apus_tensor_wrap(apus_tensor **out, apus_dtype dtype, int32_t rank,
                                                     const int64_t *shape, const int64_t *strides, void *data,
                                                     size_t bytes, bool read_only, apus_deleter deleter, void *payload);
/// A 0-d tensor on no device, which every operator refuses: what a binding may hand out in place of a result after an
/// error, so that nothing is computed from it.
APUS_API APUS_NODISCARD apus_status apus_tensor_invalid(apus_tensor **out);
/// start, start + step, … up to but not including end. Integers are computed exactly.
APUS_API APUS_NODISCARD apus_status apus_tensor_arange(apus_tensor **out, apus_dtype dtype, const apus_scalar *start,
                                                       const apus_scalar *end, const apus_scalar *step,
                                                       apus_device device);
/// `steps` values from start to end, both included, evenly spaced.
APUS_API APUS_NODISCARD apus_status apus_tensor_linspace(apus_tensor **out, apus_dtype dtype, double start, double end,
                                                         int64_t steps, apus_device device);
/// n×m with ones on the diagonal.
APUS_API APUS_NODISCARD apus_status apus_tensor_eye(apus_tensor **out, apus_dtype dtype, int64_t n, int64_t m,
                                                    apus_device device);

/// Adds an owner. Returns `t`.
APUS_API apus_tensor *apus_tensor_retain(apus_tensor *t);
/// Drops an owner; the last one frees. NULL is allowed.
APUS_API void apus_tensor_release(apus_tensor *t);

// ---- Metadata. Pointers are borrowed and live as long as the tensor. A NULL tensor reads as empty.

/// The type of the elements; float32 for NULL.
APUS_API apus_dtype apus_tensor_dtype(const apus_tensor *t);
/// Where the memory lies; `APUS_DEVICE_NONE` for NULL and for an invalid tensor.
APUS_API apus_device apus_tensor_device(const apus_tensor *t);
/// How many dims there are.
APUS_API int32_t apus_tensor_rank(const apus_tensor *t);
/// How many elements there are.
APUS_API int64_t apus_tensor_numel(const apus_tensor *t);
/// The sizes of the dims, outermost first. Borrowed; NULL for NULL.
APUS_API const int64_t *apus_tensor_shape(const apus_tensor *t);
/// For each dim, how many elements lie between neighbours; never negative. Borrowed; NULL for NULL.
APUS_API const int64_t *apus_tensor_strides(const apus_tensor *t);
/// Elements between the storage's start and the first element.
APUS_API int64_t apus_tensor_offset(const apus_tensor *t);
/// Bytes of the storage under this view.
APUS_API size_t apus_tensor_storage_bytes(const apus_tensor *t);
/// Whether the elements lie in row-major order without gaps.
APUS_API bool apus_tensor_is_contiguous(const apus_tensor *t);
/// Whether writing to the memory is `APUS_STATUS_read_only`.
APUS_API bool apus_tensor_is_read_only(const apus_tensor *t);
/// Whether the tensor is a weak scalar (see `apus_tensor_scalar`).
APUS_API bool apus_tensor_is_weak(const apus_tensor *t);
/// Whether both look at the same storage.
APUS_API bool apus_tensor_shares_storage(const apus_tensor *a, const apus_tensor *b);
/// Grows by one with every write through the library to the storage under this view.
APUS_API uint64_t apus_tensor_version(const apus_tensor *t);
/// Says that the memory was written to from outside.
APUS_API void apus_tensor_bump_version(apus_tensor *t);
/// For debugging: while on, `apus_tensor_version` reads all of the host memory under the view, and counts a write when
/// the content changed since it was read last and no counted write explains it. So writes through pointers, wrapped
/// memory and DLPack are seen. Process-wide; off at start unless `APUS_CHECK_WRITES=1` is in the environment.
APUS_API void apus_set_write_checks(bool on);
/// Whether write checks are on.
APUS_API bool apus_write_checks(void);
/// The first element in host memory; NULL for a device tensor.
APUS_API void *apus_tensor_data(const apus_tensor *t);

// ---- Views: new handles over the same storage, no element is copied. `*out` must be NULL.

/// The same view again, as a handle of its own.
APUS_API APUS_NODISCARD apus_status apus_tensor_alias(apus_tensor **out, const apus_tensor *t);
/// Elements start, start + step, … before end along dim. Bounds are clamped as in Python; step must be positive.
APUS_API APUS_NODISCARD apus_status apus_tensor_slice(apus_tensor **out, const apus_tensor *t, int32_t dim,
                                                      int64_t start, int64_t end, int64_t step);
/// The sub-tensor at `index` of `dim`, which is dropped.
APUS_API APUS_NODISCARD apus_status apus_tensor_select(apus_tensor **out, const apus_tensor *t, int32_t dim,
                                                       int64_t index);
/// Exchanges two dims.
APUS_API APUS_NODISCARD apus_status apus_tensor_transpose(apus_tensor **out, const apus_tensor *t, int32_t dim0,
                                                          int32_t dim1);
/// `dims` holds each of the tensor's dims once.
APUS_API APUS_NODISCARD apus_status apus_tensor_permute(apus_tensor **out, const apus_tensor *t, int32_t count,
                                                        const int32_t *dims);
/// Broadcasts to `shape`; -1 keeps a size.
APUS_API APUS_NODISCARD apus_status apus_tensor_expand(apus_tensor **out, const apus_tensor *t, int32_t rank,
                                                       const int64_t *shape);
/// A view of another shape; one size may be -1. Fails with `APUS_STATUS_shape` where the strides do not allow it.
APUS_API APUS_NODISCARD apus_status apus_tensor_view(apus_tensor **out, const apus_tensor *t, int32_t rank,
                                                     const int64_t *shape);
/// As `apus_tensor_view`, but copies where a view is not possible.
APUS_API APUS_NODISCARD apus_status apus_tensor_reshape(apus_tensor **out, const apus_tensor *t, int32_t rank,
                                                        const int64_t *shape);
/// Puts a dim of size 1 at `dim`, from -rank - 1 to rank.
APUS_API APUS_NODISCARD apus_status apus_tensor_unsqueeze(apus_tensor **out, const apus_tensor *t, int32_t dim);
/// Drops the given dims where their size is 1; all such dims when count is 0 and dims NULL.
APUS_API APUS_NODISCARD apus_status apus_tensor_squeeze(apus_tensor **out, const apus_tensor *t, int32_t count,
                                                        const int32_t *dims);
/// Any view inside the storage; strides may not be negative.
APUS_API APUS_NODISCARD apus_status apus_tensor_as_strided(apus_tensor **out, const apus_tensor *t, int32_t rank,
                                                           const int64_t *shape, const int64_t *strides,
                                                           int64_t offset);
/// The diagonal of dims dim0 and dim1 as a new last dim; offset > 0 is above the main one.
APUS_API APUS_NODISCARD apus_status apus_tensor_diagonal(apus_tensor **out, const apus_tensor *t, int64_t offset,
                                                         int32_t dim0, int32_t dim1);
/// The same memory seen as elements of another dtype. Where their sizes differ, the last dim grows or shrinks by the
/// ratio; it must have stride 1, and what is put together must be whole and aligned. Only bool is seen as bool.
APUS_API APUS_NODISCARD apus_status apus_tensor_view_dtype(apus_tensor **out, const apus_tensor *t, apus_dtype dtype);
/// Windows of `size` elements, `step` apart, along dim; the window is a new last dim.
APUS_API APUS_NODISCARD apus_status apus_tensor_unfold(apus_tensor **out, const apus_tensor *t, int32_t dim,
                                                       int64_t size, int64_t step);

// ---- Copying and reading.

/// Writes src into dst, converting dtype and broadcasting shape. They may overlap.
APUS_API APUS_NODISCARD apus_status apus_tensor_copy(apus_tensor *dst, const apus_tensor *src);
/// Sets every element, converting the value.
APUS_API APUS_NODISCARD apus_status apus_tensor_fill(apus_tensor *t, const apus_scalar *value);
/// A contiguous copy in the given dtype and device.
APUS_API APUS_NODISCARD apus_status apus_tensor_to(apus_tensor **out, const apus_tensor *t, apus_dtype dtype,
                                                   apus_device device);
/// The tensor itself (one more owner) when it is contiguous, else a contiguous copy.
APUS_API APUS_NODISCARD apus_status apus_tensor_contiguous(apus_tensor **out, const apus_tensor *t);
/// Reads the only element of a one-element tensor.
APUS_API APUS_NODISCARD apus_status apus_tensor_item(const apus_tensor *t, apus_scalar *out);
/// Copies every element in row-major order, converted to `dtype`, into `bytes` of host memory, which must fit exactly.
APUS_API APUS_NODISCARD apus_status apus_tensor_read(const apus_tensor *t, apus_dtype dtype, void *data, size_t bytes);
/// The text PyTorch would print, NUL-terminated, at most `capacity` bytes with the NUL. `*length` (may be NULL) gets
/// the length of the whole text. `suffix` (may be NULL) is put before the closing parenthesis, e.g.
/// "requires_grad=True".
APUS_API APUS_NODISCARD apus_status apus_tensor_format(const apus_tensor *t, const char *suffix, char *buffer,
                                                       size_t capacity, size_t *length);

APUS_END_DECLS

#endif
