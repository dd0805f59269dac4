// Pooling on the CPU: plane by plane, planes shared out.
#include "device/pool.h"

#include <stdatomic.h>

#include "core/parallel.h"
#include "cpu/isa.h"
#include "cpu/simd/pool_loops.h"

APUS__DEFINE_LOOPS(apus__pool_loops, pool)

/// One call. `small` is on the side of the result, `large` on the side of the input.
typedef struct job {
    const apus__pool *pool;
    const apus__pool_kernels *kernels;
    char *small, *large;
    int64_t *indices;
    atomic_bool bad_index;
} job;

static job make_job(const apus__pool *p, apus__buffer small, apus__buffer large, apus__buffer indices) {
    const apus__pool_loops *loops = apus__pool_loops_current();
    return (job){.pool = p,
                 .kernels = p->dtype == APUS_DTYPE_float32 ? &loops->float32 : &loops->float64,
                 .small = apus__buffer_host(small, p->dtype),
                 .large = apus__buffer_host(large, p->dtype),
                 .indices = apus__buffer_host(indices, APUS_DTYPE_int64)};
}

static void *small_plane(const job *j, int64_t i) {
    return j->small + i * j->pool->out[0] * j->pool->out[1] * (int64_t)apus_dtype_size(j->pool->dtype);
}

static void *large_plane(const job *j, int64_t i) {
    return j->large + i * j->pool->in[0] * j->pool->in[1] * (int64_t)apus_dtype_size(j->pool->dtype);
}

static int64_t *index_plane(const job *j, int64_t i) { return j->indices + i * j->pool->out[0] * j->pool->out[1]; }

static void run(job *j, apus__range_function function) {
    const apus__pool *p = j->pool;
    double bytes =
        (double)apus_dtype_size(p->dtype) *
        ((double)(p->in[0] * p->in[1]) + (double)(p->out[0] * p->out[1]) * (double)p->kernel[0] * (double)p->kernel[1]);
    int64_t grain = bytes >= APUS__GRAIN_BYTES ? 1 : (int64_t)(APUS__GRAIN_BYTES / bytes);
    apus__parallel_for(p->planes, grain, function, j);
}

static void max_planes(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t i = begin; i < end; i++)
        if (j->indices == NULL)
            j->kernels->max(j->pool, small_plane(j, i), large_plane(j, i));
        else
            j->kernels->max_indices(j->pool, small_plane(j, i), index_plane(j, i), large_plane(j, i));
}

static apus_status max(const apus__pool *p, apus__buffer out, apus__buffer indices, apus__buffer input) {
    // The kernels count the positions of a window in as many bits as an element has.
    double reach = ((double)(p->kernel[0] - 1) * (double)p->dilation[0] + 1) * (double)p->in[1];
    if (indices.storage != NULL && p->dtype == APUS_DTYPE_float32 && reach > UINT32_MAX)
        return apus__fail(APUS_STATUS_unsupported, "max_pool2d: indices of windows that span %.0f elements", reach);
    job j = make_job(p, out, input, indices);
    run(&j, max_planes);
    return APUS_STATUS_ok;
}

static void max_backward_planes(void *context, int64_t begin, int64_t end) {
    job *j = context;
    for (int64_t i = begin; i < end; i++)
        if (!j->kernels->max_backward(j->pool, large_plane(j, i), small_plane(j, i), index_plane(j, i)))
            atomic_store(&j->bad_index, true);
}

static apus_status max_backward(const apus__pool *p, apus__buffer out, apus__buffer grad, apus__buffer indices) {
    job j = make_job(p, grad, out, indices);
    run(&j, max_backward_planes);
    if (atomic_load(&j.bad_index))
        return apus__fail(APUS_STATUS_index, "max_pool2d_backward: an index is outside the %lldx%lld plane",
                          (long long)p->in[0], (long long)p->in[1]);
    return APUS_STATUS_ok;
}

static void average_planes(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t i = begin; i < end; i++) j->kernels->average(j->pool, small_plane(j, i), large_plane(j, i));
}

static apus_status average(const apus__pool *p, apus__buffer out, apus__buffer input) {
    job j = make_job(p, out, input, (apus__buffer){NULL, 0});
    run(&j, average_planes);
    return APUS_STATUS_ok;
}

static void average_backward_planes(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t i = begin; i < end; i++) j->kernels->average_backward(j->pool, large_plane(j, i), small_plane(j, i));
}

static apus_status average_backward(const apus__pool *p, apus__buffer out, apus__buffer grad) {
    job j = make_job(p, grad, out, (apus__buffer){NULL, 0});
    run(&j, average_backward_planes);
    return APUS_STATUS_ok;
}

const apus__pool_table apus__cpu_pool = {max, max_backward, average, average_backward};
