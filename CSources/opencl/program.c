#include "opencl/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 512 };

/// What every program is compiled with. Nothing that loosens IEEE arithmetic.
static void write_options(char text[MAX_OPTIONS], const apus__cl_device *d, apus_dtype dtype, const char *own) {
    snprintf(text, MAX_OPTIONS, "-cl-std=CL1.2 -w%s -D%s -DDTYPE_%s%s%s %s",
             d->correctly_rounded ? " -cl-fp32-correctly-rounded-divide-sqrt" : "",
             d->info.kernel_class == APUS_OPENCL_CLASS_cpu ? "CPU_CLASS" : "GPU_CLASS", apus_dtype_name(dtype),
             d->info.has_float64 ? " -DHAS_FLOAT64" : "", apus__cl_is_llvmpipe(d) ? " -DCOPY_PARAMETERS" : "", own);
}

static cl_uint count_sources(const apus__cl_family *family) {
    cl_uint count = 0;
    while (count < APUS__CL_MAX_SOURCES && family->sources[count] != NULL) count++;
    return count;
}

// ---- Building

/// Fails with the first lines of the compiler's log.
static apus_status build_failure(const apus__cl_device *d, const apus__cl_program *p, cl_int code) {
    const apus__cl_api *cl = apus__cl();
    size_t bytes = 0;
    (void)cl->GetProgramBuildInfo(p->handle, d->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
    char *log = calloc(1, bytes + 1);
    if (log != NULL) (void)cl->GetProgramBuildInfo(p->handle, d->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
    apus_status status = apus__fail(
        APUS_STATUS_backend, "opencl: building '%s' for %s on %s (driver %s) failed with %s: %.600s", p->family->name,
        apus_dtype_name(p->dtype), d->info.name, d->info.driver, apus__cl_error_name(code), log == NULL ? "" : log);
    free(log);
    return status;
}

static apus_status build_from_source(apus__cl_device *d, apus__cl_program *p, const char *options) {
    const apus__cl_api *cl = apus__cl();
    cl_int code;
    const char *sources[APUS__CL_MAX_SOURCES];
    memcpy(sources, p->family->sources, sizeof sources);
    p->handle = cl->CreateProgramWithSource(d->context, count_sources(p->family), sources, NULL, &code);
    if (code != CL_SUCCESS) return apus__cl_fail("clCreateProgramWithSource", code);
    p->from_file = false;
    code = cl->BuildProgram(p->handle, 1, &d->id, options, NULL, NULL);
    if (code == CL_SUCCESS) return APUS_STATUS_ok;
    apus_status status = build_failure(d, p, code);
    (void)cl->ReleaseProgram(p->handle);
    return status;
}

static bool build_from_file(apus__cl_device *d, apus__cl_program *p, const char *options) {
    const apus__cl_api *cl = apus__cl();
    apus__cl_file_key key = apus__cl_file_key_of(d, p->family, options);
    size_t bytes;
    unsigned char *binary = apus__cl_file_load(d, key, &bytes);
    if (binary == NULL) return false;
    cl_int code, binary_code = CL_SUCCESS;
    const unsigned char *const binaries[] = {binary};
    p->handle = cl->CreateProgramWithBinary(d->context, 1, &d->id, &bytes, (const unsigned char **)binaries,
                                            &binary_code, &code);
    free(binary);
    p->from_file = true;
    if (code == CL_SUCCESS && binary_code == CL_SUCCESS &&
        cl->BuildProgram(p->handle, 1, &d->id, options, NULL, NULL) == CL_SUCCESS)
        return true;
    if (code == CL_SUCCESS) (void)cl->ReleaseProgram(p->handle);
    apus__cl_file_delete(key);
    return false;
}

static apus_status make_program(apus__cl_device *d, const apus__cl_launch *l, apus__cl_program **out) {
    const char *own = l->options == NULL ? "" : l->options;
    apus__cl_program *p = calloc(1, sizeof *p);
    if (p != NULL) p->options = strdup(own);
    if (p == NULL || p->options == NULL) {
        free(p);
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot make an OpenCL program");
    }
    p->family = l->family;
    p->dtype = l->dtype;
    char options[MAX_OPTIONS];
    write_options(options, d, l->dtype, own);
    apus_status status = build_from_file(d, p, options) ? APUS_STATUS_ok : build_from_source(d, p, options);
    if (status != APUS_STATUS_ok) {
        free(p->options);
        free(p);
        return status;
    }
    p->next = d->programs;
    d->programs = p;
    *out = p;
    return APUS_STATUS_ok;
}

static apus_status find_program(apus__cl_device *d, const apus__cl_launch *l, apus__cl_program **out) {
    const char *own = l->options == NULL ? "" : l->options;
    for (apus__cl_program *p = d->programs; p != NULL; p = p->next)
        if (p->family == l->family && p->dtype == l->dtype && strcmp(p->options, own) == 0) {
            *out = p;
            return APUS_STATUS_ok;
        }
    return make_program(d, l, out);
}

// ---- Kernels

/// A file that lacks a kernel is stale in a way its key does not show: the program is compiled again.
static apus_status create_kernel(apus__cl_device *d, apus__cl_program *p, const char *name, cl_kernel *out) {
    const apus__cl_api *cl = apus__cl();
    cl_int code;
    *out = cl->CreateKernel(p->handle, name, &code);
    if (code != CL_SUCCESS && p->from_file) {
        char options[MAX_OPTIONS];
        write_options(options, d, p->dtype, p->options);
        apus__cl_file_delete(apus__cl_file_key_of(d, p->family, options));
        (void)cl->ReleaseProgram(p->handle); // kernels made from it keep it
        APUS_TRY(build_from_source(d, p, options));
        *out = cl->CreateKernel(p->handle, name, &code);
    }
    if (code == CL_SUCCESS) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_backend, "opencl: '%s' has no kernel '%s' for %s: %s", p->family->name, name,
                      apus_dtype_name(p->dtype), apus__cl_error_name(code));
}

apus_status apus__cl_find_kernel(apus__cl_device *d, const apus__cl_launch *l, cl_kernel *out, bool *is_new) {
    *is_new = false;
    apus__cl_program *p;
    APUS_TRY(find_program(d, l, &p));
    for (apus__cl_kernel *k = p->kernels; k != NULL; k = k->next)
        if (k->name == l->kernel || strcmp(k->name, l->kernel) == 0) {
            *out = k->handle;
            return APUS_STATUS_ok;
        }
    apus__cl_kernel *k = malloc(sizeof *k);
    char *name = strdup(l->kernel);
    apus_status status = k == NULL || name == NULL
                             ? apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot make an OpenCL kernel")
                             : create_kernel(d, p, l->kernel, &k->handle);
    if (status != APUS_STATUS_ok) {
        free(k);
        free(name);
        return status;
    }
    k->name = name;
    k->next = p->kernels;
    p->kernels = k;
    p->launched++;
    *out = k->handle;
    *is_new = true;
    return APUS_STATUS_ok;
}

// ---- Saving

static void save(const apus__cl_device *d, apus__cl_program *p) {
    const apus__cl_api *cl = apus__cl();
    char options[MAX_OPTIONS];
    size_t bytes = 0;
    if (cl->GetProgramInfo(p->handle, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) != CL_SUCCESS || bytes == 0)
        return;
    unsigned char *binary = malloc(bytes);
    if (binary == NULL) return;
    write_options(options, d, p->dtype, p->options);
    if (cl->GetProgramInfo(p->handle, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        apus__cl_file_save(d, apus__cl_file_key_of(d, p->family, options), binary, bytes);
    free(binary);
}

/// PoCL keeps compiled kernels by itself, and to hand out a program it first compiles all of its kernels once more.
static bool saves_by_itself(const apus__cl_device *d) {
    return strcmp(d->platform, "Portable Computing Language") == 0;
}

void apus__cl_save_programs(apus__cl_device *d, bool all) {
    if (!all && saves_by_itself(d)) return;
    for (apus__cl_program *p = d->programs; p != NULL; p = p->next) {
        if (p->launched == p->saved_at || (!all && p->launched < 2 * p->saved_at)) continue;
        if (!p->from_file || p->saved_at > 0 || all) save(d, p);
        p->saved_at = p->launched;
    }
}
