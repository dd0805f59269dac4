// Pooling on OpenCL devices.
#include "device/pool.h"

#include "opencl/launch.h"

enum { ITEM_ELEMENTS = 4096 /* what an item of the CPU class takes at least */ };

static const apus__cl_family max_family = {"pool_max", {apus__cl_common, apus__cl_pooling, apus__cl_pool_max}};
static const apus__cl_family average_family = {"pool_average",
                                               {apus__cl_common, apus__cl_pooling, apus__cl_pool_average}};

/// The struct `pooling` of kernels/pool.cl.
typedef struct pooling {
    int64_t planes, in[2], out[2], kernel[2], stride[2], padding[2], dilation[2], count_include_pad;
} pooling;

static pooling pooling_of(const apus__pool *p) {
    pooling g = {.planes = p->planes, .count_include_pad = p->count_include_pad};
    for (int i = 0; i < 2; i++) {
        g.in[i] = p->in[i], g.out[i] = p->out[i], g.kernel[i] = p->kernel[i];
        g.stride[i] = p->stride[i], g.padding[i] = p->padding[i], g.dilation[i] = p->dilation[i];
    }
    return g;
}

/// A kernel over planes of `size` elements: by chunks of planes where `by_plane` or on CPUs, else an item an element.
static apus_status launch(const apus__pool *p, const apus__cl_family *family, const char *kernel, int64_t size,
                          bool by_plane, const apus__cl_argument *operands, int32_t count) {
    const pooling g = pooling_of(p);
    const apus_storage *storage = operands[0].value.buffer.storage;
    bool is_cpu = apus__cl_is_cpu_class(storage);
    int64_t chunk = is_cpu && size < ITEM_ELEMENTS ? ITEM_ELEMENTS / size : 1;
    apus__cl_argument arguments[8] = {apus__cl_struct(&g, sizeof g)};
    for (int32_t i = 0; i < count; i++) arguments[1 + i] = operands[i];
    arguments[1 + count] = apus__cl_long(chunk);
    return apus__cl_run(
        &(apus__cl_launch){.storage = storage,
                           .family = family,
                           .dtype = p->dtype,
                           .kernel = kernel,
                           .items = {is_cpu || by_plane ? (p->planes + chunk - 1) / chunk : p->planes * size},
                           .local = {is_cpu ? 1 : 0},
                           .arguments = arguments,
                           .argument_count = count + 2});
}

/// Two by two elements, none of them beside the image.
static bool is_of_four(const apus__pool *p) {
    bool is = true;
    for (int i = 0; i < 2; i++)
        is = is && p->kernel[i] == 2 && p->dilation[i] == 1 && p->padding[i] == 0 &&
             (p->out[i] - 1) * p->stride[i] + 2 <= p->in[i];
    return is;
}

static apus_status max(const apus__pool *p, apus__buffer out, apus__buffer indices, apus__buffer input) {
    const apus__cl_argument operands[] = {apus__cl_buffer(out), apus__cl_buffer(indices), apus__cl_buffer(input)};
    return launch(p, &max_family, is_of_four(p) ? "max_pool_of_four" : "max_pool", p->out[0] * p->out[1], false,
                  operands, APUS__COUNT(operands));
}

static apus_status average(const apus__pool *p, apus__buffer out, apus__buffer input) {
    const apus__cl_argument operands[] = {apus__cl_buffer(out), apus__cl_buffer(input)};
    return launch(p, &average_family, "average_pool", p->out[0] * p->out[1], false, operands, APUS__COUNT(operands));
}

static apus_status average_backward(const apus__pool *p, apus__buffer out, apus__buffer grad) {
    const apus__cl_argument operands[] = {apus__cl_buffer(out), apus__cl_buffer(grad)};
    return launch(p, &average_family, "average_pool_backward", p->in[0] * p->in[1], false, operands,
                  APUS__COUNT(operands));
}

static apus_status clear_flag(const apus__pool *p, apus__buffer bad) {
    const apus__cl_argument arguments[] = {apus__cl_buffer(bad)};
    return apus__cl_run(&(apus__cl_launch){.storage = bad.storage,
                                           .family = &max_family,
                                           .dtype = p->dtype,
                                           .kernel = "clear_flag",
                                           .items = {1},
                                           .arguments = arguments,
                                           .argument_count = APUS__COUNT(arguments)});
}

/// Waits for the kernel: whether an index is wrong has to be known.
static apus_status max_backward_checked(const apus__pool *p, apus__buffer out, apus__buffer grad, apus__buffer indices,
                                        apus__buffer bad) {
    APUS_TRY(clear_flag(p, bad));
    const apus__cl_argument operands[] = {apus__cl_buffer(out), apus__cl_buffer(grad), apus__cl_buffer(indices),
                                          apus__cl_buffer(bad)};
    APUS_TRY(launch(p, &max_family, "max_pool_backward", p->in[0] * p->in[1], true, operands, APUS__COUNT(operands)));
    int32_t is_bad;
    APUS_TRY(apus__cl_read(bad.storage, 0, &is_bad, sizeof is_bad));
    if (!is_bad) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_index, "max_pool2d_backward: an index is outside the %lldx%lld plane",
                      (long long)p->in[0], (long long)p->in[1]);
}

static apus_status max_backward(const apus__pool *p, apus__buffer out, apus__buffer grad, apus__buffer indices) {
    apus__buffer bad;
    APUS_TRY(apus__cl_temporary(&bad, out.storage, sizeof(int32_t)));
    apus_status status = max_backward_checked(p, out, grad, indices, bad);
    apus__storage_release(bad.storage);
    return status;
}

const apus__pool_table apus__cl_pool_table = {
    .max = max,
    .max_backward = max_backward,
    .average = average,
    .average_backward = average_backward,
};
