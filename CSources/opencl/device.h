// OpenCL devices: enumeration, what they can do, their queue and their memory.
#ifndef APUS_OPENCL_DEVICE_H
#define APUS_OPENCL_DEVICE_H

#include <pthread.h>

#include "apus/opencl.h"
#include "opencl/api.h"

struct apus__cl_program;

/// A buffer that is free for reuse, in a list of its size.
typedef struct apus__cl_block {
    cl_mem memory;
    size_t capacity;
    struct apus__cl_block *next;
} apus__cl_block;

/// Sizes below 1 MiB have a list for each multiple of 512 bytes; larger ones 16 lists an octave.
enum { APUS__CL_SMALL_LISTS = 2048, APUS__CL_LISTS = APUS__CL_SMALL_LISTS + 44 * 16 };

typedef struct apus__cl_pool {
    int64_t limit;
    apus_memory_stats stats;
    apus__cl_block *free[APUS__CL_LISTS];
} apus__cl_pool;

typedef struct apus__cl_device {
    int32_t index;
    cl_device_id id;
    apus_opencl_info info;
    char platform[APUS_OPENCL_NAME];
    cl_ulong alignment, max_allocation;
    cl_uint vendor_id;
    bool correctly_rounded; ///< division and square root of float32

    // From here on set when the device is opened.
    bool open;
    pthread_mutex_t mutex; ///< over {pool, programs, set arguments, enqueue}
    cl_context context;
    cl_command_queue queue; ///< in order, so what was freed may be handed out at once
    int32_t unflushed;      ///< commands since the last flush
    apus__cl_pool pool;
    struct apus__cl_program *programs;
} apus__cl_device;

/// Device number `index` (apus_device less APUS_DEVICE_OPENCL), opened; an error that names it where there is none.
/// Devices live until the process ends: drivers crash when they are taken down at exit.
apus_status apus__cl_device_open(apus__cl_device **out, int32_t index);
/// The open device that a storage is on.
apus__cl_device *apus__cl_device_of(const apus_storage *storage);
/// Mesa's driver for CPUs. It runs work-items as the lanes of a vector, so the GPU class suits it; it ends loops after
/// 65,535 rounds; and it reads structs that kernels are given by value wrongly within branches (TAKE in common.cl).
bool apus__cl_is_llvmpipe(const apus__cl_device *d);

/// Fails where the process is a child of one that had opened a device: no driver survives a fork.
apus_status apus__cl_check_fork(void);
bool apus__cl_is_forked(void);

// The functions below are called with the device's mutex held.

/// A buffer of at least `bytes` (not 0); *capacity is what it really has.
apus_status apus__cl_allocate(apus__cl_device *d, size_t bytes, cl_mem *memory, size_t *capacity);
/// Takes a buffer back. Commands that use it may still be in the queue.
void apus__cl_deallocate(apus__cl_device *d, cl_mem memory, size_t capacity);
/// Counts a command and flushes the queue after a few, since nothing else makes a driver start.
void apus__cl_enqueued(apus__cl_device *d);

#endif
