// Storage, tensors, views, copies, promotion, errors.
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static const apus_scalar one = {.kind = APUS_SCALAR_float, .real = 1};

static apus_tensor *iota(int32_t rank, const int64_t *shape) {
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++) n *= shape[i];
    apus_scalar start = {.kind = APUS_SCALAR_int}, end = start, step = start;
    end.integer = n;
    step.integer = 1;
    apus_tensor *flat = NULL, *t = NULL;
    CHECK_OK(apus_tensor_arange(&flat, APUS_DTYPE_float32, &start, &end, &step, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_view(&t, flat, rank, shape));
    apus_tensor_release(flat);
    return t;
}

static void test_sizes(void) {
    apus_tensor *t = NULL;
    int64_t huge[] = {INT64_MAX / 2, 3}, negative[] = {2, -1}, empty_huge[] = {0, INT64_MAX, 2}, many[65] = {0};
    CHECK_STATUS(apus_tensor_empty(&t, APUS_DTYPE_float32, 2, huge, APUS_DEVICE_CPU), APUS_STATUS_overflow);
    CHECK_STATUS(apus_tensor_empty(&t, APUS_DTYPE_float32, 2, negative, APUS_DEVICE_CPU), APUS_STATUS_shape);
    CHECK_STATUS(apus_tensor_empty(&t, APUS_DTYPE_float32, 3, empty_huge, APUS_DEVICE_CPU), APUS_STATUS_overflow);
    CHECK_STATUS(apus_tensor_empty(&t, APUS_DTYPE_float32, 65, many, APUS_DEVICE_CPU), APUS_STATUS_shape);
    CHECK_STATUS(apus_tensor_empty(&t, (apus_dtype)99, 1, many, APUS_DEVICE_CPU), APUS_STATUS_dtype);
    CHECK_STATUS(apus_tensor_empty(&t, APUS_DTYPE_float32, 1, NULL, APUS_DEVICE_CPU), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_empty(NULL, APUS_DTYPE_float32, 1, many, APUS_DEVICE_CPU), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_empty(&t, APUS_DTYPE_float32, 1, many, 7 * 65536), APUS_STATUS_device);
    int64_t too_much[] = {(int64_t)1 << 60};
    CHECK_STATUS(apus_tensor_empty(&t, APUS_DTYPE_uint8, 1, too_much, APUS_DEVICE_CPU), APUS_STATUS_out_of_memory);
    CHECK(strstr(apus_last_error(), "out of memory") != NULL);
    CHECK(t == NULL);
    CHECK_OK(apus_tensor_empty(&t, APUS_DTYPE_complex128, 0, NULL, APUS_DEVICE_CPU));
    CHECK(apus_tensor_numel(t) == 1);
    apus_tensor_release(t);
    t = NULL;
    int64_t full_rank[64];
    for (int i = 0; i < 64; i++) full_rank[i] = i == 63 ? 5 : 1;
    CHECK_OK(apus_tensor_full(&t, APUS_DTYPE_int16, 64, full_rank, &one, APUS_DEVICE_CPU));
    CHECK(check_at(t, 4) == 1);
    apus_tensor_release(t);
}

static void test_views(void) {
    int64_t shape[] = {3, 4, 5};
    apus_tensor *t = iota(3, shape), *v = NULL;
    CHECK_OK(apus_tensor_slice(&v, t, 1, -3, 100, 2));
    CHECK(apus_tensor_shape(v)[1] == 2);
    CHECK(check_at(v, 5) == 15);
    CHECK(apus_tensor_shares_storage(v, t));
    apus_tensor_release(v), v = NULL;
    CHECK_STATUS(apus_tensor_slice(&v, t, 0, 0, 1, 0), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_tensor_slice(&v, t, 3, 0, 1, 1), APUS_STATUS_index);
    CHECK_OK(apus_tensor_select(&v, t, -1, -1));
    CHECK(apus_tensor_rank(v) == 2 && check_at(v, 11) == 59);
    apus_tensor_release(v), v = NULL;
    CHECK_STATUS(apus_tensor_select(&v, t, 0, 3), APUS_STATUS_index);
    CHECK(strstr(apus_last_error(), "index 3 is out of range for dim 0 with size 3") != NULL);

    int32_t order[] = {2, 0, -2};
    CHECK_OK(apus_tensor_permute(&v, t, 3, order));
    CHECK(apus_tensor_shape(v)[0] == 5 && check_at(v, 1) == 5 && check_at(v, 12) == 1);
    int64_t flat[] = {-1};
    apus_tensor *r = NULL;
    CHECK_STATUS(apus_tensor_view(&r, v, 1, flat), APUS_STATUS_shape);
    CHECK_OK(apus_tensor_reshape(&r, v, 1, flat));
    CHECK(check_at(r, 12) == 1 && !apus_tensor_shares_storage(r, v));
    apus_tensor_release(r), r = NULL;
    int64_t split[] = {5, 3, 2, 2};
    CHECK_OK(apus_tensor_view(&r, v, 4, split));
    CHECK(apus_tensor_shares_storage(r, v) && check_at(r, 12) == 1);
    apus_tensor_release(r), r = NULL;
    apus_tensor_release(v), v = NULL;
    int32_t twice[] = {0, 0, 1};
    CHECK_STATUS(apus_tensor_permute(&v, t, 3, twice), APUS_STATUS_invalid_argument);
    int64_t wrong[] = {7, -1}, ambiguous[] = {-1, -1};
    CHECK_STATUS(apus_tensor_reshape(&v, t, 2, wrong), APUS_STATUS_shape);
    CHECK_STATUS(apus_tensor_reshape(&v, t, 2, ambiguous), APUS_STATUS_shape);

    int64_t wide[] = {2, 3, 4, 5}, bad[] = {3, 4, 6};
    CHECK_OK(apus_tensor_expand(&v, t, 4, wide));
    CHECK(apus_tensor_numel(v) == 120 && check_at(v, 60) == 0);
    CHECK_STATUS(apus_tensor_fill(v, &one), APUS_STATUS_invalid_argument);
    apus_tensor_release(v), v = NULL;
    CHECK_STATUS(apus_tensor_expand(&v, t, 3, bad), APUS_STATUS_shape);

    CHECK_OK(apus_tensor_diagonal(&v, t, 1, 1, 2));
    CHECK(apus_tensor_rank(v) == 2 && apus_tensor_shape(v)[1] == 4 && check_at(v, 1) == 7);
    apus_tensor_release(v), v = NULL;
    CHECK_OK(apus_tensor_diagonal(&v, t, -9, 0, 1));
    CHECK(apus_tensor_numel(v) == 0);
    apus_tensor_release(v), v = NULL;
    CHECK_OK(apus_tensor_unfold(&v, t, 2, 3, 2));
    CHECK(apus_tensor_rank(v) == 4 && apus_tensor_shape(v)[2] == 2 && check_at(v, 3) == 2);
    apus_tensor_release(v), v = NULL;
    CHECK_OK(apus_tensor_unsqueeze(&v, t, -1));
    CHECK_OK(apus_tensor_squeeze(&r, v, 0, NULL));
    CHECK(apus_tensor_rank(v) == 4 && apus_tensor_rank(r) == 3);
    apus_tensor_release(v), v = NULL;
    apus_tensor_release(r), r = NULL;
    int64_t window[] = {2, 2}, strides[] = {1, 20}, outside[] = {1, 60}, back[] = {1, -1};
    CHECK_OK(apus_tensor_as_strided(&v, t, 2, window, strides, 3));
    CHECK(check_at(v, 1) == 23);
    apus_tensor_release(v), v = NULL;
    CHECK_STATUS(apus_tensor_as_strided(&v, t, 2, window, outside, 0), APUS_STATUS_shape);
    CHECK_STATUS(apus_tensor_as_strided(&v, t, 2, window, back, 0), APUS_STATUS_shape);
    CHECK_STATUS(apus_tensor_as_strided(&v, t, 2, window, strides, -1), APUS_STATUS_invalid_argument);
    CHECK(v == NULL);

    // A view outlives the tensor it was taken from.
    CHECK_OK(apus_tensor_select(&v, t, 0, 2));
    apus_tensor_release(t);
    CHECK(check_at(v, 19) == 59);
    apus_tensor_release(v);
}

/// Copies from every layout to every layout, checked element by element.
static void test_copies(void) {
    int64_t shape[] = {37, 45}, turned[] = {45, 37};
    apus_tensor *t = iota(2, shape), *v = NULL, *dst = NULL, *w = NULL;
    CHECK_OK(apus_tensor_transpose(&v, t, 0, 1));
    CHECK_OK(apus_tensor_contiguous(&dst, v));
    bool right = true;
    for (int64_t i = 0; i < 45; i++)
        for (int64_t j = 0; j < 37; j++) right &= ((float *)apus_tensor_data(dst))[i * 37 + j] == (float)(j * 45 + i);
    CHECK(right);
    apus_tensor_release(dst), dst = NULL;
    CHECK_OK(apus_tensor_full(&dst, APUS_DTYPE_int32, 2, shape, &one, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_transpose(&w, dst, 0, 1));
    CHECK_OK(apus_tensor_copy(w, v));
    CHECK(check_at(dst, 37 * 45 - 1) == 37 * 45 - 1 && check_at(dst, 46) == 46);
    apus_tensor_release(w), w = NULL;
    apus_tensor_release(v), v = NULL;
    apus_tensor_release(dst), dst = NULL;
    CHECK_STATUS(apus_tensor_copy(t, NULL), APUS_STATUS_null_argument);
    CHECK_OK(apus_tensor_full(&dst, APUS_DTYPE_float32, 2, turned, &one, APUS_DEVICE_CPU));
    CHECK_STATUS(apus_tensor_copy(t, dst), APUS_STATUS_shape);
    apus_tensor_release(dst), dst = NULL;
    // Shifting within one storage reads everything before it writes.
    apus_tensor *to = NULL, *from = NULL;
    CHECK_OK(apus_tensor_slice(&to, t, 0, 1, 37, 1));
    CHECK_OK(apus_tensor_slice(&from, t, 0, 0, 36, 1));
    CHECK_OK(apus_tensor_copy(to, from));
    CHECK(check_at(t, 44) == 44 && check_at(t, 45) == 0 && check_at(t, 37 * 45 - 1) == 36 * 45 - 1);
    apus_tensor_release(to);
    apus_tensor_release(from);
    apus_tensor_release(t);
}

/// Casts between all dtypes keep small whole numbers, in any layout.
static void test_casts(void) {
    double values[6] = {0, 1, 2, 3, 100, 5};
    int64_t shape[] = {2, 3};
    apus_tensor *source = NULL;
    CHECK_OK(apus_tensor_from_data(&source, APUS_DTYPE_float64, 2, shape, values, APUS_DEVICE_CPU));
    for (int from = 0; from < APUS_DTYPE_COUNT; from++) {
        apus_tensor *a = NULL, *turned = NULL;
        CHECK_OK(apus_tensor_to(&a, source, (apus_dtype)from, APUS_DEVICE_CPU));
        CHECK_OK(apus_tensor_transpose(&turned, a, 0, 1));
        for (int to = 0; to < APUS_DTYPE_COUNT; to++) {
            apus_tensor *b = NULL;
            CHECK_OK(apus_tensor_to(&b, turned, (apus_dtype)to, APUS_DEVICE_CPU));
            for (int i = 0; i < 6; i++) {
                double expected = values[(i % 2) * 3 + i / 2];
                if (from == APUS_DTYPE_bool || to == APUS_DTYPE_bool) expected = expected != 0;
                CHECK(check_at(b, i) == expected);
            }
            apus_tensor_release(b);
        }
        apus_tensor_release(turned);
        apus_tensor_release(a);
    }
    apus_tensor_release(source);
    // Nothing is undefined at the edges.
    double edges[] = {NAN, INFINITY, -INFINITY, 1e300, -1.5, 300};
    CHECK_OK((source = NULL, apus_tensor_from_data(&source, APUS_DTYPE_float64, 2, shape, edges, APUS_DEVICE_CPU)));
    for (int to = 0; to < APUS_DTYPE_COUNT; to++) {
        apus_tensor *b = NULL;
        CHECK_OK(apus_tensor_to(&b, source, (apus_dtype)to, APUS_DEVICE_CPU));
        if (to == APUS_DTYPE_int8) CHECK(check_at(b, 4) == -1 && check_at(b, 5) == 44);
        if (to == APUS_DTYPE_bool) CHECK(check_at(b, 0) == 1);
        if (to == APUS_DTYPE_float16) CHECK(isinf(check_at(b, 3)) && isnan(check_at(b, 0)));
        apus_tensor_release(b);
    }
    apus_tensor_release(source);
}

static int deleted;
static void count_deletion(void *payload) { deleted += *(int *)payload; }

static void test_wrapping(void) {
    float data[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    int64_t shape[] = {3, 2}, strides[] = {4, 2}, far[] = {6, 1}, back[] = {-4, 1};
    int by = 1;
    apus_tensor *t = NULL, *v = NULL;
    CHECK_OK(
        apus_tensor_wrap(&t, APUS_DTYPE_float32, 2, shape, strides, data, sizeof data, false, count_deletion, &by));
    CHECK(check_at(t, 3) == 6);
    CHECK_OK(apus_tensor_fill(t, &one));
    CHECK(data[2] == 1 && data[1] == 1 - 0.0f);
    data[10] = 42;
    CHECK(check_at(t, 5) == 42);
    CHECK_OK(apus_tensor_select(&v, t, 0, 0));
    apus_tensor_release(t), t = NULL;
    CHECK(deleted == 0);
    apus_tensor_release(v), v = NULL;
    CHECK(deleted == 1);
    // The deleter runs once on failure too.
    CHECK_STATUS(apus_tensor_wrap(&t, APUS_DTYPE_float32, 2, shape, far, data, sizeof data, false, count_deletion, &by),
                 APUS_STATUS_shape);
    CHECK_STATUS(
        apus_tensor_wrap(&t, APUS_DTYPE_float32, 2, shape, back, data, sizeof data, false, count_deletion, &by),
        APUS_STATUS_shape);
    CHECK_STATUS(
        apus_tensor_wrap(&t, APUS_DTYPE_float32, 2, shape, NULL, (char *)data + 1, 40, false, count_deletion, &by),
        APUS_STATUS_invalid_argument);
    CHECK(deleted == 4 && t == NULL);
    CHECK_OK(apus_tensor_wrap(&t, APUS_DTYPE_float32, 2, shape, NULL, data, sizeof data, true, NULL, NULL));
    CHECK_STATUS(apus_tensor_fill(t, &one), APUS_STATUS_read_only);
    CHECK_STATUS(apus_unary(&t, APUS_UNARY_exp, t), APUS_STATUS_read_only);
    apus_tensor_release(t);
}

static void test_promotion(void) {
    CHECK(apus_promote_types(APUS_DTYPE_uint8, APUS_DTYPE_int8) == APUS_DTYPE_int16);
    CHECK(apus_promote_types(APUS_DTYPE_int64, APUS_DTYPE_float16) == APUS_DTYPE_float16);
    CHECK(apus_promote_types(APUS_DTYPE_float16, APUS_DTYPE_bfloat16) == APUS_DTYPE_float32);
    CHECK(apus_promote_types(APUS_DTYPE_float64, APUS_DTYPE_complex64) == APUS_DTYPE_complex128);
    CHECK(apus_promote_types(APUS_DTYPE_uint32, APUS_DTYPE_int32) == APUS_DTYPE_int64);
    apus_tensor *t = NULL, *weak = NULL, *out = NULL;
    int64_t shape[] = {2};
    apus_scalar half = {.kind = APUS_SCALAR_float, .real = 0.5};
    CHECK_OK(apus_tensor_full(&t, APUS_DTYPE_float16, 1, shape, &one, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_scalar(&weak, &half));
    CHECK(apus_tensor_is_weak(weak));
    CHECK_OK(apus_binary(&out, APUS_BINARY_add, t, weak));
    CHECK(apus_tensor_dtype(out) == APUS_DTYPE_float16 && check_at(out, 1) == 1.5);
    apus_tensor_release(out), out = NULL;
    apus_tensor_release(t), t = NULL;
    CHECK_OK(apus_tensor_full(&t, APUS_DTYPE_int64, 1, shape, &one, APUS_DEVICE_CPU));
    CHECK_OK(apus_binary_scalar(&out, APUS_BINARY_mul, t, &half, false));
    CHECK(apus_tensor_dtype(out) == APUS_DTYPE_float32 && check_at(out, 0) == 0.5);
    apus_tensor_release(out);
    apus_tensor_release(t);
    apus_tensor_release(weak);
}

static void test_formulas(void) {
    apus_tensor *t = NULL;
    apus_scalar a = {.kind = APUS_SCALAR_int, .integer = 10}, b = {.kind = APUS_SCALAR_int, .integer = -1},
                c = {.kind = APUS_SCALAR_int, .integer = -3}, zero = {.kind = APUS_SCALAR_int};
    CHECK_OK(apus_tensor_arange(&t, APUS_DTYPE_int64, &a, &b, &c, APUS_DEVICE_CPU));
    CHECK(apus_tensor_numel(t) == 4 && check_at(t, 3) == 1);
    apus_tensor_release(t), t = NULL;
    CHECK_STATUS(apus_tensor_arange(&t, APUS_DTYPE_int64, &a, &b, &zero, APUS_DEVICE_CPU),
                 APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_tensor_arange(&t, APUS_DTYPE_int64, &b, &a, &c, APUS_DEVICE_CPU), APUS_STATUS_invalid_argument);
    CHECK_OK(apus_tensor_linspace(&t, APUS_DTYPE_float32, 0, 1, 7, APUS_DEVICE_CPU));
    CHECK(check_at(t, 6) == 1);
    apus_tensor_release(t), t = NULL;
    CHECK_OK(apus_tensor_eye(&t, APUS_DTYPE_bool, 2, 3, APUS_DEVICE_CPU));
    CHECK(check_at(t, 0) == 1 && check_at(t, 4) == 1 && check_at(t, 5) == 0);
    apus_tensor_release(t), t = NULL;
    CHECK_OK(apus_tensor_invalid(&t));
    apus_tensor *out = NULL;
    CHECK_STATUS(apus_unary(&out, APUS_UNARY_exp, t), APUS_STATUS_device);
    CHECK_STATUS(apus_tensor_fill(t, &one), APUS_STATUS_device);
    CHECK_STATUS(apus_tensor_item(t, &a), APUS_STATUS_device);
    apus_tensor_release(t);
}

static void test_memory(void) {
    apus_memory_stats before, after;
    int64_t shape[] = {1 << 20};
    apus_tensor *t = NULL;
    CHECK_OK(apus_tensor_empty(&t, APUS_DTYPE_float32, 1, shape, APUS_DEVICE_CPU));
    CHECK((uintptr_t)apus_tensor_data(t) % 64 == 0);
    CHECK_OK(apus_cpu_memory_stats(&before));
    CHECK(before.in_use == 4 << 20 && before.count == 1 && before.peak >= before.in_use);
    apus_tensor_release(t), t = NULL;
    CHECK_OK(apus_cpu_memory_stats(&after));
    bool caching = after.cached > 0;
    CHECK_OK(apus_tensor_empty(&t, APUS_DTYPE_float32, 1, shape, APUS_DEVICE_CPU));
    CHECK_OK(apus_cpu_memory_stats(&after));
    if (caching) CHECK(after.cache_hits == before.cache_hits + 1);
    uint64_t version = apus_tensor_version(t);
    CHECK_OK(apus_tensor_fill(t, &one));
    CHECK(apus_tensor_version(t) == version + 1);
    apus_tensor_release(t);
    apus_cpu_empty_cache();
    CHECK_OK(apus_cpu_memory_stats(&after));
    CHECK(after.cached == 0 && after.count == 0);
}

// ---- Threads

static void *add_many(void *context) {
    apus_tensor *shared = context;
    for (int i = 0; i < 50; i++) {
        apus_tensor *sum = NULL;
        if (apus_binary(&sum, APUS_BINARY_add, shared, shared) != APUS_STATUS_ok) return "failed";
        if (((float *)apus_tensor_data(sum))[12345] != 2 * 12345.0f) return "wrong";
        apus_tensor_release(sum);
    }
    return NULL;
}

static void test_threads(void) {
    int64_t shape[] = {1 << 18};
    apus_tensor *shared = iota(1, shape);
    apus_set_num_threads(2);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, add_many, shared) == 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        CHECK(result == NULL);
    }
    // A forked child computes too, with workers of its own.
    pid_t child = fork();
    if (child == 0) _exit(add_many(shared) != NULL);
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    apus_set_num_threads(0);
    apus_tensor_release(shared);
}

/// Writes past the library are not counted, unless they are looked for.
static void test_write_checks(void) {
    int64_t shape[] = {3};
    float numbers[] = {1, 2, 3};
    apus_tensor *t = NULL, *view = NULL;
    bool before = apus_write_checks();
    apus_set_write_checks(false);
    CHECK_OK(apus_tensor_wrap(&t, APUS_DTYPE_float32, 1, shape, NULL, numbers, sizeof numbers, false, NULL, NULL));
    CHECK_OK(apus_tensor_slice(&view, t, 0, 0, 2, 1));
    CHECK(apus_tensor_version(view) == 0);
    numbers[2] = 9;
    CHECK(apus_tensor_version(view) == 0);
    apus_set_write_checks(true);
    CHECK(apus_write_checks() && apus_tensor_version(view) == 0);
    numbers[2] = 8; // outside the view, but in the memory under it
    CHECK(apus_tensor_version(view) == 1 && apus_tensor_version(t) == 1);
    CHECK_OK(apus_tensor_fill(view, &one)); // counted once, not twice
    CHECK(apus_tensor_version(view) == 2 && apus_tensor_version(view) == 2);
    apus_set_write_checks(before);
    apus_tensor_release(view), apus_tensor_release(t);
}

static void test_errors_of_others(void) {
    CHECK(apus_fail(APUS_STATUS_shape, "a callback's own words") == APUS_STATUS_shape);
    CHECK(strcmp(apus_last_error(), "a callback's own words") == 0);
    CHECK(apus_fail(APUS_STATUS_dtype, NULL) == APUS_STATUS_dtype);
    CHECK(strcmp(apus_last_error(), apus_status_text(APUS_STATUS_dtype)) == 0);
}

int main(void) {
    test_errors_of_others();
    test_sizes();
    test_views();
    test_copies();
    test_casts();
    test_wrapping();
    test_promotion();
    test_formulas();
    test_memory();
    test_threads();
    test_write_checks();
    check_no_leaks();
    return check_result("core");
}
