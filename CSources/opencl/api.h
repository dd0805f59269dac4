// The OpenCL 1.2 functions that Apus uses, from a libOpenCL that is opened when it is first asked for.
//
// Nothing links against libOpenCL: where there is none, or no platform, there are simply no devices.
#ifndef APUS_OPENCL_API_H
#define APUS_OPENCL_API_H

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

#include "core/tensor.h"

#define APUS__CL_FUNCTIONS(X)                                                                                          \
    X(GetPlatformIDs)                                                                                                  \
    X(GetPlatformInfo)                                                                                                 \
    X(GetDeviceIDs)                                                                                                    \
    X(GetDeviceInfo)                                                                                                   \
    X(CreateContext)                                                                                                   \
    X(CreateCommandQueue)                                                                                              \
    X(CreateBuffer)                                                                                                    \
    X(ReleaseMemObject)                                                                                                \
    X(CreateProgramWithSource)                                                                                         \
    X(CreateProgramWithBinary)                                                                                         \
    X(BuildProgram)                                                                                                    \
    X(GetProgramInfo)                                                                                                  \
    X(GetProgramBuildInfo)                                                                                             \
    X(ReleaseProgram)                                                                                                  \
    X(CreateKernel)                                                                                                    \
    X(SetKernelArg)                                                                                                    \
    X(GetKernelWorkGroupInfo)                                                                                          \
    X(EnqueueNDRangeKernel)                                                                                            \
    X(EnqueueReadBuffer)                                                                                               \
    X(EnqueueWriteBuffer)                                                                                              \
    X(EnqueueCopyBuffer)                                                                                               \
    X(EnqueueFillBuffer)                                                                                               \
    X(EnqueueMapBuffer)                                                                                                \
    X(EnqueueUnmapMemObject)                                                                                           \
    X(Flush)                                                                                                           \
    X(Finish)

typedef struct apus__cl_api {
#define X(name) __typeof__(&cl##name) name;
    APUS__CL_FUNCTIONS(X)
#undef X
} apus__cl_api;

/// The functions, or NULL where the machine has no libOpenCL or one that lacks a function of OpenCL 1.2.
const apus__cl_api *apus__cl(void);

/// "CL_OUT_OF_RESOURCES" and so on.
const char *apus__cl_error_name(cl_int code);

/// Fails with the call's name and the code's, as out_of_memory where the code says so.
apus_status apus__cl_fail(const char *call, cl_int code) __attribute__((cold));

/// Whether the code says that memory ran out. Some drivers notice only when a kernel starts.
bool apus__cl_is_memory_error(cl_int code);

#endif
