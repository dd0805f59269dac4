/// OpenCL devices: what there is, their memory, and which operators ran on the CPU instead.
///
/// Tensors live on the device `APUS_DEVICE_OPENCL + index`. Devices are ordered GPU, accelerator, CPU, then by memory.
/// libOpenCL is opened at the first call that asks for a device; without one there are simply no devices.
///
/// Environment: `APUS_OPENCL_DEVICE` ("platform:index", part of a platform's name and the number of a device among
/// those of the platforms that match; ":index" counts all) chooses the default device. `APUS_OPENCL_CLASS` ("cpu" or
/// "gpu") forces the kernels made for that class. `APUS_OPENCL_FLOAT64=0` hides that devices compute in float64, to try
/// what runs without it. `APUS_OPENCL_MEMORY_LIMIT` (bytes) bounds a device's memory.
/// `APUS_OPENCL_FALLBACK=error` turns strict mode on. `APUS_OPENCL_CACHE` names the directory that keeps compiled
/// programs, "0" keeps none; by default it is apus/opencl in the user's cache directory. NVIDIA's driver and PoCL keep
/// programs by themselves: of the first none are written, of the second only by `apus_opencl_save_programs`.
///
/// Threads: every function here may be called from any thread. A child of fork() cannot use devices that its parent
/// opened; every call there is `APUS_STATUS_device`.
#ifndef APUS_OPENCL_H
#define APUS_OPENCL_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

#define APUS_OPENCL_NAME 128

/// Which kernels a device runs: long vectors in few work-items, or many work-items side by side.
typedef enum apus_opencl_class {
    APUS_OPENCL_CLASS_cpu = 0,
    APUS_OPENCL_CLASS_gpu = 1,
} apus_opencl_class;

/// What a device is and can do.
typedef struct apus_opencl_info {
    char name[APUS_OPENCL_NAME];
    char vendor[APUS_OPENCL_NAME];
    char driver[APUS_OPENCL_NAME];  ///< the driver's version
    char version[APUS_OPENCL_NAME]; ///< the device's OpenCL version
    int64_t memory;                 ///< bytes
    int64_t local_memory;           ///< bytes a work-group may share
    int64_t max_work_group;         ///< items
    int32_t compute_units;
    apus_opencl_class kernel_class;
    bool is_cpu;         ///< the processor itself, as PoCL offers it: never the default device
    bool has_float64;    ///< whether operators compute in float64
    bool has_float16;    ///< whether the device computes in half; operators never need it
    bool unified_memory; ///< shares the host's memory
    bool local_is_fast;  ///< the work-group's memory is a memory of its own
} apus_opencl_info;

/// How many devices there are; 0 without OpenCL.
APUS_API int32_t apus_opencl_device_count(void);
/// Describes a device.
APUS_API APUS_NODISCARD apus_status apus_opencl_device_info(apus_opencl_info *out, int32_t index);
/// The device that `APUS_OPENCL_DEVICE` names, else the first that is no CPU. `APUS_STATUS_device` where there is none.
APUS_API APUS_NODISCARD apus_status apus_opencl_default_device(apus_device *out);

/// Waits until everything that was asked of the device is done, and gives an error that came late. Does nothing for the
/// CPU, whose operators are done when they return.
APUS_API APUS_NODISCARD apus_status apus_synchronize(apus_device device);

/// What tensors on a device take. `in_use` counts whole blocks.
APUS_API APUS_NODISCARD apus_status apus_opencl_memory_stats(apus_memory_stats *out, int32_t index);
/// Bounds what a device gives out; 0 restores nine tenths of its memory. What is over the limit already stays.
APUS_API APUS_NODISCARD apus_status apus_opencl_set_memory_limit(int32_t index, int64_t bytes);
/// Gives buffers that are kept for reuse back to the driver.
APUS_API APUS_NODISCARD apus_status apus_opencl_empty_cache(int32_t index);
/// Writes compiled programs to the cache directory now, rather than at some synchronization to come.
APUS_API APUS_NODISCARD apus_status apus_opencl_save_programs(int32_t index);

/// In strict mode an operator that a device lacks is `APUS_STATUS_unsupported`; otherwise it runs on the CPU.
APUS_API void apus_opencl_set_fallback_strict(bool strict);
APUS_API bool apus_opencl_fallback_strict(void);
/// How often operators ran on the CPU instead of their device, in all.
APUS_API int64_t apus_opencl_fallback_count(void);
/// The i-th operator that did, in order of the first time, and how often. `APUS_STATUS_index` behind the last.
APUS_API APUS_NODISCARD apus_status apus_opencl_fallback_entry(int32_t i, const char **name, int64_t *count);
/// Forgets what was counted.
APUS_API void apus_opencl_fallback_reset(void);

/// The cl_context and cl_command_queue of a device, for other OpenCL code. Not to be released. Commands enqueued there
/// come after those of the operators called before.
APUS_API APUS_NODISCARD apus_status apus_opencl_handles(void **context, void **queue, int32_t index);
/// The cl_mem under a tensor on an OpenCL device; its first element is `apus_tensor_offset` elements in. NULL for other
/// tensors and for those without elements. Valid while the tensor lives.
APUS_API void *apus_opencl_buffer(const apus_tensor *t);

// ---- Kernels of one's own

/// A kernel in OpenCL C. It is compiled when it first runs on a device and kept, as the handle is, until the process
/// ends; the same text and name give the same handle. There is nothing to release.
typedef struct apus_opencl_kernel apus_opencl_kernel;

/// What a parameter of a kernel is set to.
typedef enum apus_opencl_argument_kind {
    APUS_OPENCL_ARGUMENT_tensor = 0,  ///< a pointer to the tensor's first element
    APUS_OPENCL_ARGUMENT_int32 = 1,   ///< int
    APUS_OPENCL_ARGUMENT_int64 = 2,   ///< long
    APUS_OPENCL_ARGUMENT_float32 = 3, ///< float
    APUS_OPENCL_ARGUMENT_float64 = 4, ///< double
} apus_opencl_argument_kind;

/// An argument of `apus_opencl_kernel_run`: one of the last three fields, by its kind.
typedef struct apus_opencl_argument {
    apus_opencl_argument_kind kind;
    bool written;        ///< the kernel writes to the tensor
    apus_tensor *tensor; ///< contiguous, from its storage's first element on, on the device of all the others
    int64_t integer;
    double real;
} apus_opencl_argument;

/// The kernel called `name` in an OpenCL C 1.2 text. The text is not looked at yet.
APUS_API APUS_NODISCARD apus_status apus_opencl_kernel_new(const apus_opencl_kernel **out, const char *source,
                                                           const char *name);
/// Runs a kernel on the device of its tensors, of which there must be one at least, over `items` work-items in one or
/// two dims. They are rounded up to a multiple of `local` (NULL: a size that suits the device), so a kernel must check
/// its index. Does not wait. A text that does not compile is `APUS_STATUS_backend`, with the compiler's log.
APUS_API APUS_NODISCARD apus_status apus_opencl_kernel_run(const apus_opencl_kernel *kernel, int32_t count,
                                                           const apus_opencl_argument *arguments, int32_t dims,
                                                           const int64_t *items, const int64_t *local);
/// out = an expression of one to three tensors, element by element, broadcast and promoted to a float dtype, in one
/// kernel. The expression is OpenCL C in x, y and z, as in unary.def: constants as K(0.5), comparisons by lane with ?:,
/// and besides OpenCL's own functions those of the tables, e.g. maximum(x, y). All tensors are on one OpenCL device.
APUS_API APUS_NODISCARD apus_status apus_opencl_elementwise(apus_tensor **out, const char *expression, int32_t count,
                                                            const apus_tensor *const *inputs);

APUS_END_DECLS

#endif
