/// DLPack: sharing tensors with NumPy, PyTorch, JAX, CuPy and whoever else speaks it, without a copy.
///
/// The structs have the layout that the specification (version 1, https://dmlc.github.io/dlpack) fixes, under names of
/// our own, so that a program may include its header as well and cast between the two.
///
/// Threads: every function here may be called from any thread, and so may the deleters that it hands out. The deleter
/// of an imported tensor is called from whichever thread drops the last tensor over its memory.
#ifndef APUS_DLPACK_H
#define APUS_DLPACK_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// The version that `apus_tensor_to_dlpack_versioned` writes. Any minor version of this major one is read.
#define APUS_DLPACK_MAJOR 1
#define APUS_DLPACK_MINOR 0

/// Kinds of elements. The numbers are the specification's.
typedef enum apus_dlpack_code {
    APUS_DLPACK_int = 0,
    APUS_DLPACK_uint = 1,
    APUS_DLPACK_float = 2,
    APUS_DLPACK_opaque = 3,
    APUS_DLPACK_bfloat = 4,
    APUS_DLPACK_complex = 5,
    APUS_DLPACK_bool = 6,
} apus_dlpack_code;

/// Kinds of devices, as far as Apus has them. The numbers are the specification's.
typedef enum apus_dlpack_device_type {
    APUS_DLPACK_CPU = 1,
    APUS_DLPACK_OPENCL = 4,
} apus_dlpack_device_type;

/// What `flags` of a versioned tensor may hold.
typedef enum apus_dlpack_flag {
    APUS_DLPACK_READ_ONLY = 1, ///< the consumer must not write
    APUS_DLPACK_COPIED = 2,    ///< the producer made a copy for this consumer alone
} apus_dlpack_flag;

/// A strided view. It owns nothing.
typedef struct apus_dlpack_tensor {
    void *data;          ///< host address, or the device's handle; may be NULL when there are no elements
    int32_t device_type; ///< an apus_dlpack_device_type, or one that Apus lacks
    int32_t device_id;
    int32_t rank;
    uint8_t code; ///< an apus_dlpack_code, or one that Apus lacks
    uint8_t bits; ///< of one lane
    uint16_t lanes;
    int64_t *shape;
    int64_t *strides;     ///< in elements; NULL for row-major order
    uint64_t byte_offset; ///< from `data` to the first element
} apus_dlpack_tensor;

/// A view with its owner, as up to version 0.8: what Python's capsule "dltensor" holds.
typedef struct apus_dlpack_managed {
    apus_dlpack_tensor tensor;
    void *context;                                     ///< the producer's own
    void (*deleter)(struct apus_dlpack_managed *self); ///< called once when done with it, from any thread; may be NULL
} apus_dlpack_managed;

/// A view with its owner, from version 1 on: what Python's capsule "dltensor_versioned" holds.
typedef struct apus_dlpack_versioned {
    uint32_t major; ///< with another major version, only what stands up to `deleter` may be read
    uint32_t minor;
    void *context; ///< the producer's own
    void (*deleter)(
        struct apus_dlpack_versioned *self); ///< called once when done with it, from any thread; may be NULL
    uint64_t flags;                          ///< apus_dlpack_flag, or-ed
    apus_dlpack_tensor tensor;
} apus_dlpack_versioned;

// ---- Out. The caller owns `*out` and either hands it to a consumer or calls `(*out)->deleter(*out)`, once. Until then
// it keeps the memory alive. Writes on either side are seen on the other, but not counted in `apus_tensor_version`.
// On a CPU `data` is the address of the first element; on an OpenCL device it is the cl_mem, and `byte_offset` leads to
// the first element. A NULL pointer is `APUS_STATUS_null_argument`, an invalid tensor `APUS_STATUS_device`.

/// Exports t with its strides; where `copy`, a contiguous copy of it, marked as such.
APUS_API APUS_NODISCARD apus_status apus_tensor_to_dlpack_versioned(apus_dlpack_versioned **out, const apus_tensor *t,
                                                                    bool copy);
/// As above in the old form, which cannot say that memory is read-only: for a read-only tensor without `copy` it fails
/// with `APUS_STATUS_read_only`.
APUS_API APUS_NODISCARD apus_status apus_tensor_to_dlpack(apus_dlpack_managed **out, const apus_tensor *t, bool copy);
/// Where an export of t would lie: an apus_dlpack_device_type and the device's index among its kind.
APUS_API APUS_NODISCARD apus_status apus_tensor_dlpack_device(int32_t *type, int32_t *index, const apus_tensor *t);

// ---- In. `*out` becomes a tensor over the same memory that the caller owns. `managed` is consumed: its deleter is
// called exactly once, when the last tensor over the memory goes, and also when the call fails. Refused are
// - memory that is not the host's: APUS_STATUS_device;
// - elements that no dtype stands for, and more than one lane: APUS_STATUS_dtype;
// - negative strides, save those that are never followed: APUS_STATUS_shape (copy first);
// - memory that is not aligned to its elements: APUS_STATUS_invalid_argument (copy first);
// - sizes that leave 63 bits: APUS_STATUS_overflow; a negative size or a rank above 64: APUS_STATUS_shape;
// - another major version: APUS_STATUS_unsupported;
// - NULL where there are elements: APUS_STATUS_null_argument.

/// Imports; with `APUS_DLPACK_READ_ONLY` set, writing through the tensor is an error.
APUS_API APUS_NODISCARD apus_status apus_tensor_from_dlpack_versioned(apus_tensor **out,
                                                                      apus_dlpack_versioned *managed);
/// Imports the old form. The tensor is writable, as this form has no way to say otherwise.
APUS_API APUS_NODISCARD apus_status apus_tensor_from_dlpack(apus_tensor **out, apus_dlpack_managed *managed);

APUS_END_DECLS

#endif
