// Generators and distributions: Philox's published vectors, streams, moments, bounds, the same bits everywhere.
#include "check.h"
#include "core/random.h"

/// Known answers that come with Random123 (Salmon et al.).
static void test_philox(void) {
    static const struct {
        uint32_t counter[4], key[2], block[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (int i = 0; i < 3; i++) {
        uint32_t block[4];
        apus__philox(block, known[i].counter, known[i].key);
        CHECK(memcmp(block, known[i].block, sizeof block) == 0);
    }
}

static apus_tensor *empty(apus_dtype dtype, int64_t n) {
    apus_tensor *t = NULL;
    CHECK_OK(apus_tensor_empty(&t, dtype, 1, &n, APUS_DEVICE_CPU));
    return t;
}

/// The stream's words are what elements are made of.
static void test_stream(void) {
    apus_generator *g = NULL;
    CHECK_OK(apus_generator_new(&g, 0x0123456789abcdefu));
    uint64_t seed, position, start = 0xfffffffffffffffeu; // the counter wraps on the way
    apus_generator_set_state(g, 0x0123456789abcdefu, start);
    apus_tensor *t = empty(APUS_DTYPE_int64, 19);
    CHECK_OK(apus_randint(t, 0, (int64_t)1 << 32, g));
    apus_generator_get_state(g, &seed, &position);
    CHECK(seed == 0x0123456789abcdefu && position == start + 5);
    for (uint32_t i = 0; i < 19; i++) {
        uint64_t number = start + i / 4;
        uint32_t counter[4] = {(uint32_t)number, (uint32_t)(number >> 32), 0, 0}, block[4];
        uint32_t key[2] = {0x89abcdef, 0x01234567};
        apus__philox(block, counter, key);
        CHECK(((int64_t *)apus_tensor_data(t))[i] == block[i % 4]);
    }
    // 64-bit draws take twice as much; nothing takes nothing.
    CHECK_OK(apus_randint(t, INT64_MIN, INT64_MAX, g));
    apus_generator_get_state(g, NULL, &position);
    CHECK(position == start + 5 + 10);
    apus_tensor *none = empty(APUS_DTYPE_float32, 0);
    CHECK_OK(apus_uniform(none, 0, 1, g));
    apus_generator_get_state(g, NULL, &position);
    CHECK(position == start + 15);
    apus_tensor_release(none);
    // The same seed gives the same numbers, in one call or with a restored state, and whatever the strides.
    apus_tensor *a = empty(APUS_DTYPE_float32, 1001), *b = NULL, *wide = NULL;
    int64_t pairs[] = {1001, 2};
    CHECK_OK(apus_tensor_empty(&wide, APUS_DTYPE_float32, 2, pairs, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_select(&b, wide, 1, 1));
    apus_generator_seed(g, 5);
    CHECK_OK(apus_normal(a, 0, 1, g));
    apus_generator_set_state(g, 5, 0);
    uint64_t version = apus_tensor_version(b);
    CHECK_OK(apus_normal(b, 0, 1, g));
    CHECK(apus_tensor_version(b) == version + 1);
    bool same = true;
    for (int64_t i = 0; i < 1001; i++)
        same &= ((float *)apus_tensor_data(a))[i] == ((float *)apus_tensor_data(wide))[2 * i + 1];
    CHECK(same);
    apus_tensor_release(a);
    apus_tensor_release(b);
    apus_tensor_release(wide);
    apus_tensor_release(t);
    CHECK(apus_generator_retain(g) == g);
    apus_generator_release(g);
    apus_generator_release(g);
    apus_generator_release(NULL);
    // The default generator
    apus_generator_seed(NULL, 3);
    apus_generator_get_state(NULL, &seed, &position);
    CHECK(seed == 3 && position == 0);
}

typedef apus_status (*fill)(apus_tensor *t, apus_generator *g);
static apus_status fill_uniform(apus_tensor *t, apus_generator *g) { return apus_uniform(t, -3, 2, g); }
static apus_status fill_normal(apus_tensor *t, apus_generator *g) { return apus_normal(t, 1, 2, g); }
static apus_status fill_integers(apus_tensor *t, apus_generator *g) { return apus_randint(t, 0, 2, g); }
static apus_status fill_bernoulli(apus_tensor *t, apus_generator *g) { return apus_bernoulli(t, 0.25, g); }

/// Bits are the same with every instruction set and any number of threads.
static void test_same_bits(void) {
    static const fill fills[] = {fill_uniform, fill_normal, fill_integers, fill_bernoulli};
    static const char *const sets[] = {"baseline", "avx2", "avx512"};
    const char *best = apus_cpu_isa();
    int64_t n = 70001;
    for (int d = 0; d < APUS_DTYPE_COUNT; d++) {
        for (int f = 0; f < 4; f++) {
            apus_tensor *first = empty((apus_dtype)d, n), *t = empty((apus_dtype)d, n);
            size_t bytes = (size_t)n * apus_dtype_size((apus_dtype)d);
            apus_generator_seed(NULL, 11);
            if (fills[f](first, NULL) == APUS_STATUS_ok) {
                for (int i = 0; i < 6; i++) {
                    if (apus_cpu_set_isa(sets[i / 2]) != APUS_STATUS_ok) continue;
                    apus_set_num_threads(i % 2 == 0 ? 1 : 3);
                    apus_generator_seed(NULL, 11);
                    CHECK_OK(fills[f](t, NULL));
                    CHECK(memcmp(apus_tensor_data(first), apus_tensor_data(t), bytes) == 0);
                }
                CHECK_OK(apus_cpu_set_isa(best));
            } else {
                CHECK(apus_dtype_is_complex((apus_dtype)d) || f < 2);
            }
            apus_tensor_release(first);
            apus_tensor_release(t);
        }
    }
    apus_set_num_threads(0);
}

typedef struct moments {
    double mean, deviation, least, most;
} moments;

static moments moments_of(const apus_tensor *t) {
    int64_t n = apus_tensor_numel(t);
    double *x = malloc(sizeof(double) * (size_t)n), sum = 0, squares = 0;
    moments m = {.least = INFINITY, .most = -INFINITY};
    CHECK_OK(apus_tensor_read(t, APUS_DTYPE_float64, x, sizeof(double) * (size_t)n));
    for (int64_t i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
        m.least = fmin(m.least, x[i]);
        m.most = fmax(m.most, x[i]);
    }
    free(x);
    m.mean = sum / (double)n;
    m.deviation = sqrt(squares / (double)n - m.mean * m.mean);
    return m;
}

static void test_distributions(void) {
    static const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16,
                                        APUS_DTYPE_bfloat16};
    apus_generator_seed(NULL, 1);
    for (int i = 0; i < 4; i++) {
        apus_tensor *t = empty(dtypes[i], 200000);
        double coarse = dtypes[i] == APUS_DTYPE_bfloat16 ? 0.02 : 0.006;
        CHECK_OK(apus_uniform(t, -1, 2, NULL));
        moments m = moments_of(t);
        CHECK(m.least >= -1 && m.most < 2);
        CHECK_CLOSE(m.mean, 0.5, coarse);
        CHECK_CLOSE(m.deviation, 3 / sqrt(12), coarse);
        CHECK_OK(apus_normal(t, 0.5, 2, NULL));
        m = moments_of(t);
        CHECK_CLOSE(m.mean, 0.5, 0.02);
        CHECK_CLOSE(m.deviation, 2, 0.01);
        CHECK(m.most > 7 && m.least < -6 && m.most < 16);
        // A range of two neighbours has one value, an empty one its bound.
        CHECK_OK(apus_uniform(t, 1, 1, NULL));
        m = moments_of(t);
        CHECK(m.least == 1 && m.most == 1);
        CHECK_OK(apus_bernoulli(t, 0.25, NULL));
        m = moments_of(t);
        CHECK(m.least == 0 && m.most == 1);
        CHECK_CLOSE(m.mean, 0.25, 0.005);
        CHECK_OK(apus_bernoulli(t, 1, NULL));
        CHECK(moments_of(t).least == 1);
        CHECK_OK(apus_bernoulli(t, 0, NULL));
        CHECK(moments_of(t).most == 0);
        apus_tensor_release(t);
    }
    apus_tensor *small = empty(APUS_DTYPE_int8, 100000), *bytes = empty(APUS_DTYPE_uint64, 1000);
    CHECK_OK(apus_randint(small, -128, 128, NULL));
    moments m = moments_of(small);
    CHECK(m.least == -128 && m.most == 127);
    CHECK_CLOSE(m.mean, -0.5, 1.0);
    CHECK_OK(apus_randint(bytes, 0, INT64_MAX, NULL));
    m = moments_of(bytes);
    CHECK_CLOSE(m.mean / 0x1p62, 1, 0.1);
    apus_tensor_release(small);
    apus_tensor_release(bytes);
}

/// Normal numbers against libm, from the words that the text of device/random.h says.
static void test_normal_accuracy(void) {
    enum { N = 4096 };
    apus_tensor *words = empty(APUS_DTYPE_int64, 2 * N), *single = empty(APUS_DTYPE_float32, 2 * N);
    apus_tensor *wide = empty(APUS_DTYPE_float64, N);
    apus_generator_seed(NULL, 17);
    CHECK_OK(apus_randint(words, 0, (int64_t)1 << 32, NULL));
    apus_generator_seed(NULL, 17);
    CHECK_OK(apus_normal(single, 0, 1, NULL));
    apus_generator_seed(NULL, 17);
    CHECK_OK(apus_normal(wide, 0, 1, NULL));
    const uint64_t *w = apus_tensor_data(words);
    double worst_single = 0, worst_wide = 0;
    for (int i = 0; i < N; i++) {
        double u = ((double)w[2 * i] + 0.5) * 0x1p-32, angle = (double)(w[2 * i + 1] >> 8) * 0x1p-24 * 2 * M_PI;
        double radius = sqrt(-2 * log(u)); // the float of u is coarser, up to 2^-24
        const float *s = (const float *)apus_tensor_data(single) + 2 * i;
        worst_single = fmax(worst_single, fabs(s[0] - radius * cos(angle)) / radius);
        worst_single = fmax(worst_single, fabs(s[1] - radius * sin(angle)) / radius);
    }
    for (int i = 0; i < N / 2; i++) {
        uint64_t a = w[4 * i] | w[4 * i + 1] << 32, b = w[4 * i + 2] | w[4 * i + 3] << 32;
        double u = (double)((a >> 11) + 1) * 0x1p-53, angle = (double)(b >> 12) * 0x1p-52 * 2 * M_PI;
        double radius = sqrt(-2 * log(u));
        const double *s = (const double *)apus_tensor_data(wide) + 2 * i;
        worst_wide = fmax(worst_wide, fabs(s[0] - radius * cos(angle)));
        worst_wide = fmax(worst_wide, fabs(s[1] - radius * sin(angle)));
    }
    CHECK(worst_single < 1e-4 && worst_wide < 1e-14);
    apus_tensor_release(words);
    apus_tensor_release(single);
    apus_tensor_release(wide);
}

static void test_permutation(void) {
    int64_t n = 5000;
    apus_tensor *t = NULL, *again = NULL;
    apus_generator_seed(NULL, 2);
    CHECK_OK(apus_randperm(&t, n, NULL));
    bool *seen = calloc((size_t)n, 1), fits = true;
    int64_t fixed = 0;
    const int64_t *order = apus_tensor_data(t);
    for (int64_t i = 0; i < n; i++) {
        fits &= order[i] >= 0 && order[i] < n && !seen[order[i]];
        if (order[i] >= 0 && order[i] < n) seen[order[i]] = true;
        fixed += order[i] == i;
    }
    free(seen);
    CHECK(fits && fixed < 10);
    CHECK_OK(apus_randperm(&again, n, NULL));
    CHECK(memcmp(order, apus_tensor_data(again), sizeof(int64_t) * (size_t)n) != 0);
    CHECK_STATUS(apus_randperm(&again, 3, NULL), APUS_STATUS_shape);
    apus_tensor_release(again), again = NULL;
    CHECK_STATUS(apus_randperm(&again, -1, NULL), APUS_STATUS_invalid_argument);
    CHECK_OK(apus_randperm(&again, 0, NULL));
    CHECK(apus_tensor_numel(again) == 0);
    apus_tensor_release(again);
    apus_tensor_release(t);
}

static void test_refusals(void) {
    apus_tensor *t = empty(APUS_DTYPE_float32, 4), *whole = empty(APUS_DTYPE_int8, 4), *wide = NULL, *flag, *none;
    none = empty(APUS_DTYPE_complex64, 4);
    flag = empty(APUS_DTYPE_bool, 4);
    int64_t shape[] = {3, 4};
    CHECK_OK(apus_tensor_expand(&wide, t, 2, shape));
    CHECK_STATUS(apus_uniform(NULL, 0, 1, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_uniform(t, 1, 0, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_uniform(t, 0, INFINITY, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_uniform(t, NAN, 1, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_uniform(t, -3e38, 3e38, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_uniform(whole, 0, 1, NULL), APUS_STATUS_dtype);
    CHECK_STATUS(apus_uniform(wide, 0, 1, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_normal(t, 0, -1, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_normal(whole, 0, 1, NULL), APUS_STATUS_dtype);
    CHECK_STATUS(apus_randint(whole, 0, 129, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_randint(whole, 5, 5, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_randint(t, 0, (1 << 24) + 2, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_randint(flag, 0, 3, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_randint(none, 0, 3, NULL), APUS_STATUS_dtype);
    CHECK_STATUS(apus_bernoulli(t, 1.5, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_bernoulli(t, NAN, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_generator_new(NULL, 0), APUS_STATUS_null_argument);
    apus_tensor_release(t);
    apus_tensor_release(whole);
    apus_tensor_release(wide);
    apus_tensor_release(flag);
    apus_tensor_release(none);
}

int main(void) {
    test_philox();
    test_stream();
    test_same_bits();
    test_distributions();
    test_normal_accuracy();
    test_permutation();
    test_refusals();
    check_no_leaks();
    return check_result("random");
}
