// Random numbers on OpenCL devices, bit for bit the CPU's.
#include "device/random.h"

#include <math.h>

#include "cpu/random_range.h"
#include "opencl/launch.h"

#define APUS_SHARED_F32(...) #__VA_ARGS__ "\n"
#define APUS_SHARED_F64(...)
static const char normal_f32[] =
#include "core/normal.def"
    ;
#undef APUS_SHARED_F32
#undef APUS_SHARED_F64
#define APUS_SHARED_F32(...)
#define APUS_SHARED_F64(...) #__VA_ARGS__ "\n"
static const char normal_f64[] =
#include "core/normal.def"
    ;
static const apus__cl_family narrow = {"random",
                                       {apus__cl_common, apus__cl_random, normal_f32, apus__cl_random_kernels}};
static const apus__cl_family wide = {"random64",
                                     {apus__cl_common, apus__cl_random, normal_f64, apus__cl_random_kernels}};

enum { CPU_GROUPS = 64, COMMON = 5 };

/// A kernel over the target's elements, `words` words each; its own arguments are from arguments[COMMON] on.
static apus_status draw(const apus__random_target *t, const char *kernel, int64_t words, apus__cl_argument *arguments,
                        int32_t own) {
    bool is_wide = t->dtype == APUS_DTYPE_float64, cpu = apus__cl_is_cpu_class(t->buffer.storage);
    int64_t groups = cpu ? CPU_GROUPS : 1, lanes = !cpu ? 1 : is_wide ? 8 : 16;
    int64_t elements = groups * lanes * APUS__BLOCK_WORDS / words;
    arguments[0] = apus__cl_buffer(t->buffer);
    arguments[1] = apus__cl_long(t->count);
    arguments[2] = apus__cl_long((int64_t)t->stream.seed);
    arguments[3] = apus__cl_long((int64_t)t->stream.position);
    arguments[4] = apus__cl_long(groups);
    return apus__cl_run(&(apus__cl_launch){.storage = t->buffer.storage,
                                           .family = is_wide ? &wide : &narrow,
                                           .dtype = t->dtype,
                                           .kernel = kernel,
                                           .items = {(t->count + elements - 1) / elements},
                                           .arguments = arguments,
                                           .argument_count = COMMON + own});
}

static int64_t float_words(apus_dtype dtype) { return dtype == APUS_DTYPE_float64 ? 2 : 1; }

static apus_status uniform(const apus__random_target *t, double low, double high) {
    apus__uniform_range range = apus__uniform_range_of(t->dtype, low, high);
    apus__cl_argument arguments[] = {[COMMON] = apus__cl_real(t->dtype, range.low),
                                     apus__cl_real(t->dtype, range.width),
                                     apus__cl_real(t->dtype, range.top),
                                     apus__cl_int(range.bits)};
    return draw(t, "draw_uniform", float_words(t->dtype), arguments, 4);
}

static apus_status normal(const apus__random_target *t, double mean, double std) {
    apus__cl_argument arguments[] = {[COMMON] = apus__cl_real(t->dtype, mean), apus__cl_real(t->dtype, std)};
    return draw(t, "draw_normal", float_words(t->dtype), arguments, 2);
}

static apus_status integers(const apus__random_target *t, int64_t low, uint64_t range) {
    int64_t words = apus__integer_words(range);
    apus__cl_argument arguments[] = {[COMMON] = apus__cl_long(low), apus__cl_long((int64_t)range)};
    return draw(t, words == 2 ? "draw_wide_integers" : "draw_integers", words, arguments, 2);
}

static apus_status bernoulli(const apus__random_target *t, double p) {
    apus__cl_argument arguments[] = {[COMMON] = apus__cl_long((int64_t)rint(p * 0x1p32))};
    return draw(t, "draw_bernoulli", 1, arguments, 1);
}

/// Each step of the shuffle needs the one before it, so the host makes the order and sends it over.
static apus_status permutation(const apus__random_target *t) {
    size_t bytes = (size_t)t->count * sizeof(int64_t);
    apus__random_target host = *t;
    host.buffer.offset = 0;
    APUS_TRY(apus__storage_new(&host.buffer.storage, bytes, APUS_DEVICE_CPU));
    apus_status status = apus__cpu_random.permutation(&host);
    if (status == APUS_STATUS_ok)
        status = apus__cl_write(t->buffer.storage, (size_t)t->buffer.offset * sizeof(int64_t),
                                host.buffer.storage->data, bytes);
    apus__storage_release(host.buffer.storage);
    return status;
}

const apus__random_table apus__cl_random_table = {
    .uniform = uniform,
    .normal = normal,
    .integers = integers,
    .bernoulli = bernoulli,
    .permutation = permutation,
};
