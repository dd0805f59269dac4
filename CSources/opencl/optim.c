// Optimizer steps on OpenCL devices.
#include "device/optim.h"

#include "opencl/launch.h"

enum { CHUNK = 4096, VECTOR = 4 };

static const apus__cl_family family = {"optim", {apus__cl_common, apus__cl_optim}};

static int64_t chunk_of(const apus_storage *storage, apus_dtype dtype) {
    if (apus__cl_is_cpu_class(storage)) return CHUNK;
    return dtype == APUS_DTYPE_float64 ? VECTOR / 2 : VECTOR;
}

static apus_status run(const char *kernel, apus_dtype dtype, int64_t count, const apus_storage *storage,
                       apus__cl_argument *arguments, int32_t argument_count) {
    int64_t chunk = chunk_of(storage, dtype);
    arguments[0] = apus__cl_long(count);
    arguments[1] = apus__cl_long(chunk);
    return apus__cl_run(&(apus__cl_launch){.storage = storage,
                                           .family = &family,
                                           .dtype = dtype,
                                           .kernel = kernel,
                                           .items = {(count + chunk - 1) / chunk},
                                           .arguments = arguments,
                                           .argument_count = argument_count});
}

static apus_status sgd(const apus__sgd *s, apus_dtype dtype, int64_t count, apus__buffer param, apus__buffer grad,
                       apus__buffer momentum) {
    apus__cl_argument arguments[] = {[2] = apus__cl_buffer(param),        apus__cl_buffer(grad),
                                     apus__cl_buffer(momentum),           apus__cl_real(dtype, s->rate),
                                     apus__cl_real(dtype, s->decay),      apus__cl_real(dtype, s->momentum),
                                     apus__cl_real(dtype, s->undampened), apus__cl_int(s->maximize),
                                     apus__cl_int(s->first_step),         apus__cl_int(s->nesterov)};
    return run("sgd_step", dtype, count, param.storage, arguments, APUS__COUNT(arguments));
}

static apus_status adam(const apus__adam *s, apus_dtype dtype, int64_t count, apus__buffer param, apus__buffer grad,
                        apus__buffer first, apus__buffer second, apus__buffer greatest) {
    apus__cl_argument arguments[] = {[2] = apus__cl_buffer(param),
                                     apus__cl_buffer(grad),
                                     apus__cl_buffer(first),
                                     apus__cl_buffer(second),
                                     apus__cl_buffer(greatest),
                                     apus__cl_real(dtype, s->decay),
                                     apus__cl_real(dtype, s->shrink),
                                     apus__cl_real(dtype, s->eps),
                                     apus__cl_real(dtype, s->step_size),
                                     apus__cl_real(dtype, 1 - s->beta1),
                                     apus__cl_real(dtype, s->beta2),
                                     apus__cl_real(dtype, 1 - s->beta2),
                                     apus__cl_real(dtype, s->root_correction),
                                     apus__cl_int(s->maximize)};
    return run("adam_step", dtype, count, param.storage, arguments, APUS__COUNT(arguments));
}

const apus__optim_table apus__cl_optim_table = {.sgd = sgd, .adam = adam};
