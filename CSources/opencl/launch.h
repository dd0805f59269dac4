// Launching kernels: what a family of operators needs to run on OpenCL devices.
//
// A family is a list of OpenCL C texts and the functions of its table. In ten lines:
//
//     static const apus__cl_family family = {"scale", {apus__cl_common, apus__cl_scale}}; // opencl/sources.h
//
//     static apus_status scale(apus_dtype dtype, int64_t n, double factor, apus__buffer out, apus__buffer x) {
//         const apus__cl_argument arguments[] = {
//             apus__cl_buffer(out), apus__cl_buffer(x), apus__cl_long(n), apus__cl_real(dtype, factor)};
//         return apus__cl_run(&(apus__cl_launch){.storage = out.storage, .family = &family, .dtype = dtype,
//             .kernel = "scale", .items = {n}, .arguments = arguments, .argument_count = APUS__COUNT(arguments)});
//     }
//
// and kernels/scale.cl, where common.cl has named the dtype's types (T computes, S is stored):
//
//     kernel void scale(global S *out, long out_at, global const S *x, long x_at, long n, T factor) {
//         long i = get_global_id(0);
//         if (i < n) STORE(out, out_at + i, LOAD(x, x_at + i) * factor);
//     }
//
// Rules: a buffer is two parameters, the pointer and the offset of its first element. Global sizes are rounded up to
// the local size, so every kernel checks its index. Local sizes are fixed (APUS__CL_LOCAL where the launch gives none):
// PoCL compiles a kernel anew for each. CPU_CLASS or GPU_CLASS is defined for each program; the first wants few items
// that each run through contiguous data with vloadW/vstoreW, the second neighbouring items on neighbouring elements.
// A struct parameter is written GIVEN(name), and TAKE(type, name) is the kernel's first line: see common.cl.
// Never cast a pointer to a vector's: views are aligned to elements only. Programs are built at first use, all kernels
// of a family and dtype at once.
#ifndef APUS_OPENCL_LAUNCH_H
#define APUS_OPENCL_LAUNCH_H

#include "device/buffer.h"
#include "opencl/device.h"
#include "opencl/sources.h"

enum { APUS__CL_MAX_SOURCES = 8, APUS__CL_LOCAL_CPU = 4, APUS__CL_LOCAL_GPU = 128 };

/// OpenCL C texts that are compiled together, in this order. One static object a family: programs are found by it.
typedef struct apus__cl_family {
    const char *name; ///< in messages and files
    const char *sources[APUS__CL_MAX_SOURCES];
} apus__cl_family;

/// What a kernel parameter is set to.
typedef struct apus__cl_argument {
    enum { APUS__CL_BUFFER, APUS__CL_MEMORY, APUS__CL_VALUE, APUS__CL_POINTER, APUS__CL_SHARED } kind;
    size_t bytes;
    union {
        apus__buffer buffer;
        const void *pointer;
        int64_t whole;
        int32_t narrow;
        float single;
        double real;
    } value;
} apus__cl_argument;

/// A pointer and an offset, NULL and 0 where there is no such operand.
static inline apus__cl_argument apus__cl_buffer(apus__buffer buffer) {
    return (apus__cl_argument){.kind = APUS__CL_BUFFER, .value.buffer = buffer};
}
/// The pointer alone, where offsets go another way.
static inline apus__cl_argument apus__cl_memory(apus_storage *storage) {
    return (apus__cl_argument){.kind = APUS__CL_MEMORY, .value.buffer = {storage, 0}};
}
static inline apus__cl_argument apus__cl_long(int64_t value) {
    return (apus__cl_argument){.kind = APUS__CL_VALUE, .bytes = 8, .value.whole = value};
}
static inline apus__cl_argument apus__cl_int(int32_t value) {
    return (apus__cl_argument){.kind = APUS__CL_VALUE, .bytes = 4, .value.narrow = value};
}
/// A double where the dtype computes in float64, a float else.
static inline apus__cl_argument apus__cl_real(apus_dtype dtype, double value) {
    if (dtype == APUS_DTYPE_float64 || dtype == APUS_DTYPE_complex128)
        return (apus__cl_argument){.kind = APUS__CL_VALUE, .bytes = 8, .value.real = value};
    return (apus__cl_argument){.kind = APUS__CL_VALUE, .bytes = 4, .value.single = (float)value};
}
/// A struct by value, of fields that C and OpenCL C lay out alike: 64-bit ones alone.
static inline apus__cl_argument apus__cl_struct(const void *value, size_t bytes) {
    return (apus__cl_argument){.kind = APUS__CL_POINTER, .bytes = bytes, .value.pointer = value};
}
/// Memory that a work-group shares (a `local` pointer).
static inline apus__cl_argument apus__cl_shared(size_t bytes) {
    return (apus__cl_argument){.kind = APUS__CL_SHARED, .bytes = bytes};
}

typedef struct apus__cl_launch {
    const apus_storage *storage; ///< of the device to run on
    const apus__cl_family *family;
    apus_dtype dtype;    ///< of S and T in common.cl
    const char *options; ///< more "-D…", or NULL; programs are kept per family, dtype and options
    const char *kernel;
    int64_t items[2]; ///< work-items; 0 in the second is one dimension
    int64_t local[2]; ///< 0: APUS__CL_LOCAL_CPU or _GPU × 1
    const apus__cl_argument *arguments;
    int32_t argument_count;
} apus__cl_launch;

/// Enqueues a kernel, its program built first where that has not happened. Fails where the device does not compute in
/// the dtype. Returns before the kernel is done; errors that come later are given by a later call.
apus_status apus__cl_run(const apus__cl_launch *launch);

/// Whether the storage's device runs the kernels of the CPU class.
static inline bool apus__cl_is_cpu_class(const apus_storage *storage) {
    return apus__cl_device_of(storage)->info.kernel_class == APUS_OPENCL_CLASS_cpu;
}

/// Temporary device memory of the operator at hand; release it with apus__storage_release once its last kernel is
/// enqueued.
static inline apus_status apus__cl_temporary(apus__buffer *out, const apus_storage *beside, size_t bytes) {
    out->offset = 0;
    return apus__storage_new(&out->storage, bytes, beside->device);
}

/// Fails, naming `what`, where the storage's device does not compute in the dtype.
apus_status apus__cl_check_dtype(const apus_storage *storage, const char *what, apus_dtype dtype);

/// Enqueues a copy between storages of one device.
apus_status apus__cl_copy_bytes(apus_storage *to, size_t to_offset, const apus_storage *from, size_t from_offset,
                                size_t bytes);
/// Blocking copies between host and device memory.
apus_status apus__cl_read(const apus_storage *storage, size_t offset, void *host, size_t bytes);
apus_status apus__cl_write(apus_storage *storage, size_t offset, const void *host, size_t bytes);

#endif
