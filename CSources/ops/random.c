// Random tensors: the rules for bounds and dtypes, and how much of the stream a call takes.
#include "apus/random.h"

#include <math.h>

#include "device/device.h"
#include "device/random.h"

/// A distribution with its numbers, to be drawn on the target's device.
typedef struct distribution {
    apus_status (*draw)(const apus__random_table *table, const apus__random_target *target,
                        const struct distribution *d);
    int64_t words; ///< of the stream, for each element
    double a, b;
    int64_t low;
    uint64_t range;
} distribution;

static apus_status draw_uniform(const apus__random_table *table, const apus__random_target *t, const distribution *d) {
    return table->uniform(t, d->a, d->b);
}
static apus_status draw_normal(const apus__random_table *table, const apus__random_target *t, const distribution *d) {
    return table->normal(t, d->a, d->b);
}
static apus_status draw_integers(const apus__random_table *table, const apus__random_target *t, const distribution *d) {
    return table->integers(t, d->low, d->range);
}
static apus_status draw_bernoulli(const apus__random_table *table, const apus__random_target *t,
                                  const distribution *d) {
    return table->bernoulli(t, d->a);
}
static apus_status draw_permutation(const apus__random_table *table, const apus__random_target *t,
                                    const distribution *d) {
    (void)d;
    return table->permutation(t);
}

/// Blocks that hold `count` draws.
static uint64_t blocks_of(int64_t count, int64_t words) {
    uint64_t per_block = APUS__BLOCK_WORDS / (uint64_t)words;
    return ((uint64_t)count + per_block - 1) / per_block;
}

static apus_status draw_contiguous(apus_tensor *t, const distribution *d, apus_generator *g) {
    apus__random_target target = {t->dtype, t->numel, apus__buffer_of(t),
                                  apus__generator_take(g, blocks_of(t->numel, d->words))};
    return d->draw(apus__device_of(t)->random, &target, d);
}

/// Fills a checked tensor. Strides do not matter: what is not contiguous is drawn apart and copied.
static apus_status fill(const char *op, apus_tensor *t, const distribution *d, apus_generator *g) {
    APUS_TRY(apus__check_writable(op, t));
    if (t->numel == 0) return APUS_STATUS_ok;
    if (t->contiguous) {
        APUS_TRY(draw_contiguous(t, d, g));
        apus__mark_written(t);
        return APUS_STATUS_ok;
    }
    apus_tensor *packed = NULL;
    APUS_TRY(apus__tensor_new(&packed, op, t->dtype, t->rank, t->shape, t->storage->device));
    apus_status status = draw_contiguous(packed, d, g);
    if (status == APUS_STATUS_ok) status = apus_tensor_copy(t, packed);
    apus_tensor_release(packed);
    return status;
}

static apus_status check_target(const char *op, const apus_tensor *t, bool only_floats) {
    APUS_REQUIRE(op, t);
    apus_device device;
    APUS_TRY(apus__same_device(op, &device, &t, 1));
    bool fits = only_floats ? apus_dtype_is_floating_point(t->dtype) : !apus_dtype_is_complex(t->dtype);
    if (fits) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_dtype, "%s: not defined for %s", op, apus_dtype_name(t->dtype));
}

/// The greatest finite number of a float dtype.
static double greatest(apus_dtype dtype) {
    switch (dtype) {
    case APUS_DTYPE_float16: return 65504;
    case APUS_DTYPE_bfloat16: return 0x1.fep127;
    case APUS_DTYPE_float32: return 0x1.fffffep127;
    default: return 0x1.fffffffffffffp1023;
    }
}

static int64_t float_words(apus_dtype dtype) { return dtype == APUS_DTYPE_float64 ? 2 : 1; }

apus_status apus_uniform(apus_tensor *t, double low, double high, apus_generator *g) {
    APUS_TRY(check_target("uniform", t, true));
    double limit = greatest(t->dtype);
    if (!(low <= high) || !(low >= -limit) || !(high <= limit) || !(high - low <= limit))
        return apus__fail(APUS_STATUS_invalid_argument, "uniform: [%g, %g) is no range of %s", low, high,
                          apus_dtype_name(t->dtype));
    distribution d = {.draw = draw_uniform, .words = float_words(t->dtype), .a = low, .b = high};
    return fill("uniform", t, &d, g);
}

apus_status apus_normal(apus_tensor *t, double mean, double std, apus_generator *g) {
    APUS_TRY(check_target("normal", t, true));
    if (!(std >= 0)) return apus__fail(APUS_STATUS_invalid_argument, "normal: std must not be negative, got %g", std);
    distribution d = {.draw = draw_normal, .words = float_words(t->dtype), .a = mean, .b = std};
    return fill("normal", t, &d, g);
}

/// The integers that a dtype holds exactly, without a gap. The upper end of uint64 is beyond int64.
static void exact_integers(apus_dtype dtype, int64_t *least, int64_t *most) {
    int bits = 0; // of the magnitude
    switch (dtype) {
    case APUS_DTYPE_bool: *least = 0, *most = 1; return;
    case APUS_DTYPE_float16: bits = 11; break;
    case APUS_DTYPE_bfloat16: bits = 8; break;
    case APUS_DTYPE_float32: bits = 24; break;
    case APUS_DTYPE_float64: bits = 53; break;
    default: {
        int width = 8 * (int)apus_dtype_size(dtype);
        bool is_signed = apus_dtype_is_signed(dtype);
        *most = (int64_t)(UINT64_MAX >> (64 - (width == 64 || is_signed ? width - 1 : width)));
        *least = is_signed ? -*most - 1 : 0;
        return;
    }
    }
    *most = (int64_t)1 << bits;
    *least = -*most;
}

apus_status apus_randint(apus_tensor *t, int64_t low, int64_t high, apus_generator *g) {
    APUS_TRY(check_target("randint", t, false));
    if (low >= high)
        return apus__fail(APUS_STATUS_invalid_argument, "randint: [%lld, %lld) holds no integer", (long long)low,
                          (long long)high);
    int64_t least, most;
    exact_integers(t->dtype, &least, &most);
    if (low < least || high - 1 > most)
        return apus__fail(APUS_STATUS_invalid_argument, "randint: %s does not hold all integers of [%lld, %lld)",
                          apus_dtype_name(t->dtype), (long long)low, (long long)high);
    uint64_t range = (uint64_t)high - (uint64_t)low;
    distribution d = {.draw = draw_integers, .words = apus__integer_words(range), .low = low, .range = range};
    return fill("randint", t, &d, g);
}

apus_status apus_bernoulli(apus_tensor *t, double p, apus_generator *g) {
    APUS_TRY(check_target("bernoulli", t, false));
    if (!(p >= 0 && p <= 1))
        return apus__fail(APUS_STATUS_invalid_argument, "bernoulli: p must be from 0 to 1, got %g", p);
    distribution d = {.draw = draw_bernoulli, .words = 1, .a = p};
    return fill("bernoulli", t, &d, g);
}

apus_status apus_randperm(apus_tensor **out, int64_t n, apus_generator *g) {
    APUS_REQUIRE("randperm", out);
    if (n < 0)
        return apus__fail(APUS_STATUS_invalid_argument, "randperm: n must not be negative, got %lld", (long long)n);
    apus_device device = *out == NULL ? APUS_DEVICE_CPU : (*out)->storage->device;
    apus__output output;
    APUS_TRY(apus__output_begin(&output, "randperm", out, APUS__OUTPUT_CONTIGUOUS, APUS_DTYPE_int64, 1, &n, device,
                                NULL, 0));
    distribution d = {.draw = draw_permutation, .words = 2};
    return apus__output_end(&output, n == 0 ? APUS_STATUS_ok : draw_contiguous(output.tensor, &d, g));
}
