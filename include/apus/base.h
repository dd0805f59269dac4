/// Version, status codes, dtypes, devices, scalars, threads, memory and CPU information.
///
/// Threads: every function here may be called from any thread.
#ifndef APUS_BASE_H
#define APUS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define APUS_BEGIN_DECLS extern "C" {
#define APUS_END_DECLS }
#else
#define APUS_BEGIN_DECLS
#define APUS_END_DECLS
#endif

#if defined(_WIN32)
#define APUS_API
#else
#define APUS_API __attribute__((visibility("default")))
#endif

#if defined(__GNUC__) || defined(__clang__)
#define APUS_NODISCARD __attribute__((warn_unused_result))
#else
#define APUS_NODISCARD
#endif

// A closed enum becomes a Swift enum of this name, so that a switch over it must be exhaustive; its cases are named as
// in the tables.
#if defined(__clang__)
#define APUS_SWIFT_ENUM(name) __attribute__((enum_extensibility(closed), swift_name(name)))
#define APUS_SWIFT_CASE(name) __attribute__((swift_name(name)))
#else
#define APUS_SWIFT_ENUM(name)
#define APUS_SWIFT_CASE(name)
#endif

#define APUS_VERSION_MAJOR 0
#define APUS_VERSION_MINOR 1
#define APUS_VERSION_PATCH 0

/// The highest rank a tensor may have.
#define APUS_MAX_RANK 64

APUS_BEGIN_DECLS

/// The outcome of a call; see status.def. `APUS_STATUS_ok` is 0.
typedef enum APUS_SWIFT_ENUM("Status") apus_status {
#define APUS_STATUS(number, name, text) APUS_STATUS_##name APUS_SWIFT_CASE(#name) = number,
#include "apus/status.def"
#undef APUS_STATUS
} apus_status;

/// The type of a tensor's elements; see dtype.def.
typedef enum APUS_SWIFT_ENUM("DType") apus_dtype {
#define APUS_DTYPE(number, name, bytes, kind, dlpack, safetensors) APUS_DTYPE_##name APUS_SWIFT_CASE(#name) = number,
#include "apus/dtype.def"
#undef APUS_DTYPE
} apus_dtype;

/// How many dtypes there are.
#define APUS_DTYPE_COUNT 15

/// A device: its type times 65536 plus its index. The CPU is 0.
typedef int32_t apus_device;
#define APUS_DEVICE_CPU 0
#define APUS_DEVICE_NONE (-1)
#define APUS_DEVICE_OPENCL 65536

/// Library version as "major.minor.patch". Static memory.
APUS_API const char *apus_version(void);

/// A short text for a status. Static memory.
APUS_API const char *apus_status_text(apus_status status);

/// What went wrong in this thread's latest failed call: one line that names the operator, the shapes and the dtypes.
/// Valid until the next failure in this thread. Empty if nothing failed yet.
APUS_API const char *apus_last_error(void);
/// The same without the file's name and the place in it, for errors about files: `*offset` (may be NULL) gets the byte,
/// or -1 where none is named. For all other errors it is the very pointer `apus_last_error` gives.
APUS_API const char *apus_last_error_detail(int64_t *offset);
/// Makes `text`, at most 1023 bytes of it, this thread's last error, and returns `status`. For libraries built on this
/// one and for callbacks, so that there is one place to look.
APUS_API apus_status apus_fail(apus_status status, const char *text);

/// Bytes an element of `dtype` takes; 0 for a value that is no dtype.
APUS_API size_t apus_dtype_size(apus_dtype dtype);
/// "float32" and so on; "invalid" for a value that is no dtype. Static memory.
APUS_API const char *apus_dtype_name(apus_dtype dtype);
/// The name safetensors files use, e.g. "F32"; "invalid" for a value that is no dtype. Static memory.
APUS_API const char *apus_dtype_safetensors_name(apus_dtype dtype);
/// Whether elements are real floats; false for a value that is no dtype.
APUS_API bool apus_dtype_is_floating_point(apus_dtype dtype);
/// Whether elements are complex; false for a value that is no dtype.
APUS_API bool apus_dtype_is_complex(apus_dtype dtype);
/// Whether elements can be negative; false for a value that is no dtype.
APUS_API bool apus_dtype_is_signed(apus_dtype dtype);

/// The smallest dtype both can be converted to by PyTorch's promotion rules; `a` where one is no dtype.
APUS_API apus_dtype apus_promote_types(apus_dtype a, apus_dtype b);

/// The kind of a Python- or Swift-like number.
typedef enum apus_scalar_kind {
    APUS_SCALAR_bool = 0,
    APUS_SCALAR_int = 1,
    APUS_SCALAR_float = 2,
    APUS_SCALAR_complex = 3,
} apus_scalar_kind;

/// A number outside any tensor. In promotion it is weak: its kind matters, its size does not, so an int added to a
/// float16 tensor gives float16. bool and int use `integer`; float uses `real`; complex uses `real` and `imaginary`.
/// An unsigned 64-bit value above the signed range is stored by its bits with `is_unsigned` set.
typedef struct apus_scalar {
    apus_scalar_kind kind;
    bool is_unsigned;
    int64_t integer;
    double real;
    double imaginary;
} apus_scalar;

/// How many threads operators may use. 0 restores the default, the number of processors. Results do not depend on it.
APUS_API void apus_set_num_threads(int32_t count);
/// How many threads operators use now, at least 1.
APUS_API int32_t apus_get_num_threads(void);

/// What CPU storage takes, in bytes and blocks.
typedef struct apus_memory_stats {
    int64_t in_use;      ///< bytes in live storages
    int64_t cached;      ///< bytes kept for reuse
    int64_t peak;        ///< the most `in_use` has been
    int64_t count;       ///< live storages
    int64_t allocations; ///< storages made since start
    int64_t cache_hits;  ///< of those, served from the cache
} apus_memory_stats;

/// Reads the CPU allocator's counters. The cache is bounded by `APUS_CPU_CACHE_LIMIT` (bytes; default a quarter of
/// the machine's memory); 0 turns it off.
APUS_API APUS_NODISCARD apus_status apus_cpu_memory_stats(apus_memory_stats *out);
/// Gives every cached block back to the system.
APUS_API void apus_cpu_empty_cache(void);
/// Makes `peak` start again from what is in use.
APUS_API void apus_cpu_reset_peak(void);

/// The instruction set the kernels run with: "baseline", "avx2", "avx512" or "neon". `APUS_CPU_ISA` in the environment
/// forces a lower one. Static memory.
APUS_API const char *apus_cpu_isa(void);
/// Switches to the named instruction set, for tests and comparisons. Fails with `APUS_STATUS_unsupported` when the
/// machine lacks it. Not for use while operators run.
APUS_API APUS_NODISCARD apus_status apus_cpu_set_isa(const char *name);
/// The processor's own name, e.g. "AMD EPYC". Static memory.
APUS_API const char *apus_cpu_name(void);
/// The core that OpenBLAS picked its kernels for, e.g. "SkylakeX". Static memory.
APUS_API const char *apus_blas_core(void);

APUS_END_DECLS

#endif
