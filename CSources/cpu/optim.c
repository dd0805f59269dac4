// Optimizer steps on the CPU: loops over pieces.
#include "cpu/optim.h"

#include "core/parallel.h"

enum { MAX_OPERANDS = 5 };

typedef struct step_job {
    const apus__sgd *sgd; ///< or adam
    const apus__adam *adam;
    const apus__optim_kernels *kernels;
    size_t size;
    char *operands[MAX_OPERANDS]; ///< in the order of the loops' arguments
} step_job;

static void step_range(void *context, int64_t begin, int64_t end) {
    const step_job *j = context;
    char *at[MAX_OPERANDS];
    for (int i = 0; i < MAX_OPERANDS; i++)
        at[i] = j->operands[i] == NULL ? NULL : j->operands[i] + begin * (int64_t)j->size;
    if (j->sgd != NULL)
        j->kernels->sgd(j->sgd, end - begin, at[0], at[1], at[2]);
    else
        j->kernels->adam(j->adam, end - begin, at[0], at[1], at[2], at[3], at[4]);
}

static apus_status run(step_job *j, apus_dtype dtype, int64_t count, const apus__buffer *buffers, int buffer_count) {
    const apus__optim_loops *loops = apus__optim_loops_current();
    j->kernels = dtype == APUS_DTYPE_float32 ? &loops->float32 : &loops->float64;
    j->size = apus_dtype_size(dtype);
    for (int i = 0; i < buffer_count; i++) j->operands[i] = apus__buffer_host(buffers[i], dtype);
    apus__parallel_for(count, APUS__GRAIN_BYTES / (int64_t)j->size, step_range, j);
    return APUS_STATUS_ok;
}

static apus_status sgd(const apus__sgd *step, apus_dtype dtype, int64_t count, apus__buffer param, apus__buffer grad,
                       apus__buffer momentum) {
    const apus__buffer buffers[] = {param, grad, momentum};
    step_job j = {.sgd = step};
    return run(&j, dtype, count, buffers, 3);
}

static apus_status adam(const apus__adam *step, apus_dtype dtype, int64_t count, apus__buffer param, apus__buffer grad,
                        apus__buffer first, apus__buffer second, apus__buffer greatest) {
    const apus__buffer buffers[] = {param, grad, first, second, greatest};
    step_job j = {.adam = step};
    return run(&j, dtype, count, buffers, 5);
}

const apus__optim_table apus__cpu_optim = {.sgd = sgd, .adam = adam};
