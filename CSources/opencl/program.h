// Programs: built at first use, kept in memory for the process and in a directory for the next one.
#ifndef APUS_OPENCL_PROGRAM_H
#define APUS_OPENCL_PROGRAM_H

#include "opencl/launch.h"

typedef struct apus__cl_kernel {
    const char *name;
    cl_kernel handle;
    struct apus__cl_kernel *next;
} apus__cl_kernel;

typedef struct apus__cl_program {
    const apus__cl_family *family;
    apus_dtype dtype;
    char *options; ///< the launch's own; "" where there are none
    cl_program handle;
    apus__cl_kernel *kernels;   ///< made so far, the last one first
    int32_t launched, saved_at; ///< kernels launched so far, and when the program was last saved
    bool from_file;
    struct apus__cl_program *next;
} apus__cl_program;

// All with the device's mutex held.

/// The kernel of a launch; *is_new says that it was made just now.
apus_status apus__cl_find_kernel(apus__cl_device *d, const apus__cl_launch *launch, cl_kernel *out, bool *is_new);
/// Saves the programs that run more kernels than when they were saved last: twice as many, or where `all`, any.
/// Drivers for CPUs compile a kernel when it first runs, so that a program's file is worth more afterwards.
void apus__cl_save_programs(apus__cl_device *d, bool all);

// ---- The files

/// What names a program's file: everything that its binary depends on.
typedef struct apus__cl_file_key {
    uint64_t hash[2];
} apus__cl_file_key;

apus__cl_file_key apus__cl_file_key_of(const apus__cl_device *d, const apus__cl_family *family, const char *options);
/// A binary that was saved, for the caller to free; NULL where there is none that is whole.
unsigned char *apus__cl_file_load(const apus__cl_device *d, apus__cl_file_key key, size_t *bytes);
/// Saves a binary. Failure is no error: the next process compiles.
void apus__cl_file_save(const apus__cl_device *d, apus__cl_file_key key, const unsigned char *binary, size_t bytes);
void apus__cl_file_delete(apus__cl_file_key key);

#endif
