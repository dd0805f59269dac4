#include "opencl/api.h"

#include <dlfcn.h>
#include <pthread.h>

static apus__cl_api functions;
static bool available;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *open_library(void) {
    static const char *const names[] = {
        "libOpenCL.so.1",
        "libOpenCL.so",
        "/System/Library/Frameworks/OpenCL.framework/OpenCL",
    };
    void *library = NULL;
    for (int32_t i = 0; i < APUS__COUNT(names) && library == NULL; i++) library = dlopen(names[i], RTLD_NOW);
    return library;
}

static void load(void) {
    void *library = open_library();
    if (library == NULL) return;
    available = true;
#define X(name)                                                                                                        \
    functions.name = (__typeof__(functions.name))dlsym(library, "cl" #name);                                           \
    available = available && functions.name != NULL;
    APUS__CL_FUNCTIONS(X)
#undef X
}

const apus__cl_api *apus__cl(void) {
    pthread_once(&once, load);
    return available ? &functions : NULL;
}

const char *apus__cl_error_name(cl_int code) {
    switch (code) {
#define NAME(name)                                                                                                     \
    case name: return #name;
        NAME(CL_SUCCESS)
        NAME(CL_DEVICE_NOT_FOUND)
        NAME(CL_DEVICE_NOT_AVAILABLE)
        NAME(CL_COMPILER_NOT_AVAILABLE)
        NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE)
        NAME(CL_OUT_OF_RESOURCES)
        NAME(CL_OUT_OF_HOST_MEMORY)
        NAME(CL_MEM_COPY_OVERLAP)
        NAME(CL_BUILD_PROGRAM_FAILURE)
        NAME(CL_MAP_FAILURE)
        NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET)
        NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
        NAME(CL_COMPILE_PROGRAM_FAILURE)
        NAME(CL_LINKER_NOT_AVAILABLE)
        NAME(CL_LINK_PROGRAM_FAILURE)
        NAME(CL_INVALID_VALUE)
        NAME(CL_INVALID_DEVICE)
        NAME(CL_INVALID_CONTEXT)
        NAME(CL_INVALID_QUEUE_PROPERTIES)
        NAME(CL_INVALID_COMMAND_QUEUE)
        NAME(CL_INVALID_HOST_PTR)
        NAME(CL_INVALID_MEM_OBJECT)
        NAME(CL_INVALID_BINARY)
        NAME(CL_INVALID_BUILD_OPTIONS)
        NAME(CL_INVALID_PROGRAM)
        NAME(CL_INVALID_PROGRAM_EXECUTABLE)
        NAME(CL_INVALID_KERNEL_NAME)
        NAME(CL_INVALID_KERNEL)
        NAME(CL_INVALID_ARG_INDEX)
        NAME(CL_INVALID_ARG_VALUE)
        NAME(CL_INVALID_ARG_SIZE)
        NAME(CL_INVALID_KERNEL_ARGS)
        NAME(CL_INVALID_WORK_DIMENSION)
        NAME(CL_INVALID_WORK_GROUP_SIZE)
        NAME(CL_INVALID_WORK_ITEM_SIZE)
        NAME(CL_INVALID_GLOBAL_OFFSET)
        NAME(CL_INVALID_OPERATION)
        NAME(CL_INVALID_BUFFER_SIZE)
        NAME(CL_INVALID_GLOBAL_WORK_SIZE)
#undef NAME
    case -1001: return "CL_PLATFORM_NOT_FOUND_KHR";
    default: return "an unknown OpenCL error";
    }
}

bool apus__cl_is_memory_error(cl_int code) {
    return code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES || code == CL_OUT_OF_HOST_MEMORY ||
           code == CL_INVALID_BUFFER_SIZE;
}

apus_status apus__cl_fail(const char *call, cl_int code) {
    return apus__fail(apus__cl_is_memory_error(code) ? APUS_STATUS_out_of_memory : APUS_STATUS_backend,
                      "opencl: %s failed with %s (%d)", call, apus__cl_error_name(code), code);
}
