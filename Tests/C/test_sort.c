// Sorting, topk and kthvalue: against a stable sort of doubles, for every dtype, geometry and number of threads.
#include "check.h"

static const apus_dtype dtypes[] = {APUS_DTYPE_bool,   APUS_DTYPE_uint8,   APUS_DTYPE_uint16,   APUS_DTYPE_uint32,
                                    APUS_DTYPE_uint64, APUS_DTYPE_int8,    APUS_DTYPE_int16,    APUS_DTYPE_int32,
                                    APUS_DTYPE_int64,  APUS_DTYPE_float16, APUS_DTYPE_bfloat16, APUS_DTYPE_float32,
                                    APUS_DTYPE_float64};
enum { DTYPES = 13 };

/// Values that every dtype of the kind holds, among them equal ones; floats with NaN, infinities and both zeros.
static apus_tensor *make(apus_dtype dtype, int32_t rank, const int64_t *shape) {
    static const double specials[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, -1};
    int64_t n = 1;
    for (int32_t d = 0; d < rank; d++) n *= shape[d];
    double *values = malloc(sizeof(double) * (size_t)n + 1);
    uint64_t state = 88172645463325252ull;
    for (int64_t i = 0; i < n; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        int64_t v = (int64_t)(state >> 40) % 121;
        values[i] = dtype == APUS_DTYPE_bool      ? (double)(v & 1)
                    : apus_dtype_is_signed(dtype) ? (double)(v - 60)
                                                  : (double)v;
        if (!apus_dtype_is_floating_point(dtype)) continue;
        values[i] /= 4;
        if ((state >> 20) % 16 == 0) values[i] = specials[(state >> 25) % 7];
    }
    apus_tensor *wide = NULL, *t = NULL;
    CHECK_OK(apus_tensor_from_data(&wide, APUS_DTYPE_float64, rank, shape, values, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&t, wide, dtype, APUS_DEVICE_CPU));
    apus_tensor_release(wide);
    free(values);
    return t;
}

/// One of several views of t.
static apus_tensor *view_of(const apus_tensor *t, int which) {
    apus_tensor *v = NULL, *first = NULL;
    int32_t rank = apus_tensor_rank(t);
    const int64_t *shape = apus_tensor_shape(t);
    switch (which) {
    case 0: CHECK_OK(apus_tensor_alias(&v, t)); break;
    case 1: CHECK_OK(apus_tensor_transpose(&v, t, 0, -1)); break;
    case 2: CHECK_OK(apus_tensor_slice(&v, t, -1, 1, shape[rank - 1], 2)); break;
    default:
        CHECK_OK(apus_tensor_slice(&first, t, 0, 0, 1, 1));
        CHECK_OK(apus_tensor_expand(&v, first, rank, shape));
        apus_tensor_release(first);
    }
    return v;
}
enum { VIEWS = 4 };

typedef struct entry {
    double value;
    int64_t index;
} entry;

static int compare(const void *left, const void *right) {
    const entry *a = left, *b = right;
    int greater = isnan(a->value) ? !isnan(b->value) : a->value > b->value;
    int less = isnan(b->value) ? !isnan(a->value) : a->value < b->value;
    return greater - less;
}
static int compare_up(const void *a, const void *b) {
    int order = compare(a, b);
    return order != 0 ? order : ((const entry *)a)->index > ((const entry *)b)->index ? 1 : -1;
}
static int compare_down(const void *a, const void *b) {
    int order = compare(b, a);
    return order != 0 ? order : ((const entry *)a)->index > ((const entry *)b)->index ? 1 : -1;
}

static double *read_all(const apus_tensor *t) {
    size_t bytes = sizeof(double) * (size_t)apus_tensor_numel(t);
    double *values = malloc(bytes + 1);
    CHECK_OK(apus_tensor_read(t, APUS_DTYPE_float64, values, bytes));
    return values;
}

/// Checks places [first, first + count) of the order along dim; releases the results.
static void check_places(const apus_tensor *x, int32_t dim, int64_t first, int64_t count, bool descending,
                         apus_tensor *values, apus_tensor *indices) {
    const int64_t *shape = apus_tensor_shape(x);
    int64_t length = apus_tensor_rank(x) == 0 ? 1 : shape[dim], inner = 1;
    for (int32_t d = dim + 1; d < apus_tensor_rank(x); d++) inner *= shape[d];
    int64_t outer = length == 0 ? 0 : apus_tensor_numel(x) / length / (inner == 0 ? 1 : inner), wrong = 0;
    double *all = read_all(x), *found = read_all(values), *places = read_all(indices);
    entry *lane = malloc(sizeof(entry) * (size_t)length + 1);
    CHECK(apus_tensor_numel(values) == outer * count * inner && apus_tensor_numel(indices) == outer * count * inner);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            for (int64_t k = 0; k < length; k++) lane[k] = (entry){all[(o * length + k) * inner + i], k};
            qsort(lane, (size_t)length, sizeof *lane, descending ? compare_down : compare_up);
            for (int64_t k = 0; k < count; k++) {
                double value = found[(o * count + k) * inner + i], wanted = lane[first + k].value;
                bool same = isnan(wanted) ? isnan(value) : value == wanted && signbit(value) == signbit(wanted);
                wrong += !same || places[(o * count + k) * inner + i] != (double)lane[first + k].index;
            }
        }
    CHECK(wrong == 0);
    free(all), free(found), free(places), free(lane);
    apus_tensor_release(values);
    apus_tensor_release(indices);
}

static void check_dim(const apus_tensor *x, int32_t dim) {
    int64_t length = apus_tensor_rank(x) == 0 ? 1 : apus_tensor_shape(x)[dim];
    for (int down = 0; down < 2; down++) {
        apus_tensor *values = NULL, *indices = NULL;
        CHECK_OK(apus_sort(&values, &indices, x, dim, down, true));
        check_places(x, dim, 0, length, down, values, indices);
        const int64_t ks[] = {1, 2, length / 3, length};
        for (int i = 0; i < 4; i++) {
            int64_t k = ks[i];
            if (k > length || (k < 1 && apus_tensor_rank(x) == 0)) continue;
            values = indices = NULL;
            CHECK_OK(apus_topk(&values, &indices, x, k, dim, down, true));
            check_places(x, dim, 0, k, down, values, indices);
            if (down || k < 1) continue;
            for (int keep = 0; keep < 2; keep++) {
                values = indices = NULL;
                CHECK_OK(apus_kthvalue(&values, &indices, x, k, dim, keep));
                CHECK(apus_tensor_rank(values) == apus_tensor_rank(x) - (!keep && apus_tensor_rank(x) > 0));
                check_places(x, dim, k - 1, 1, false, values, indices);
            }
        }
    }
}

static void test_layouts(void) {
    static const int64_t shapes[][3] = {{5, 3, 4}, {2, 70, 3}, {3, 2, 700}, {1, 1, 1}, {0, 3, 2}, {2, 0, 3}};
    for (int k = 0; k < DTYPES; k++)
        for (int s = 0; s < 6; s++)
            for (int which = 0; which < VIEWS; which++) {
                if (shapes[s][0] == 0 && which == 3) continue;
                apus_tensor *base = make(dtypes[k], 3, shapes[s]), *x = view_of(base, which);
                for (int32_t dim = 0; dim < 3; dim++) check_dim(x, dim);
                apus_tensor_release(base);
                apus_tensor_release(x);
            }
    apus_tensor *number = make(APUS_DTYPE_float32, 0, NULL);
    check_dim(number, 0);
    apus_tensor_release(number);
}

/// Rows that all threads share, and rows of which only few elements are kept.
static void test_long_rows(void) {
    const int64_t shape[] = {2, 140001}, few[] = {3, 20000};
    for (int k = 1; k < DTYPES; k += 2) {
        apus_tensor *x = make(dtypes[k], 2, shape), *y = make(dtypes[k], 2, few);
        for (int threads = 1; threads < 4; threads += 2) {
            apus_set_num_threads(threads);
            apus_tensor *values = NULL, *indices = NULL;
            CHECK_OK(apus_sort(&values, &indices, x, 1, threads == 1, false));
            check_places(x, 1, 0, shape[1], threads == 1, values, indices);
            const int64_t ks[] = {16, 100, 60000};
            for (int i = 0; i < 3; i++) {
                values = indices = NULL;
                CHECK_OK(apus_topk(&values, &indices, x, ks[i], -1, threads == 1, true));
                check_places(x, 1, 0, ks[i], threads == 1, values, indices);
            }
        }
        check_dim(y, 1);
        apus_tensor_release(x);
        apus_tensor_release(y);
    }
    apus_set_num_threads(0);
}

/// Orders that selections dislike: every element passes the limit, or all are equal.
static void test_sorted_input(void) {
    enum { N = 5000 };
    const int64_t shape[] = {N};
    float up[N], down[N], same[N];
    for (int i = 0; i < N; i++) up[i] = (float)i, down[i] = (float)(N - i), same[i] = 1;
    const float *const all[] = {up, down, same};
    for (int i = 0; i < 3; i++) {
        apus_tensor *x = check_floats(1, shape, all[i]);
        check_dim(x, 0);
        apus_tensor_release(x);
    }
}

/// Integers that doubles cannot tell apart.
static void test_wide_integers(void) {
    const int64_t shape[] = {5}, values[] = {INT64_MAX, INT64_MIN, INT64_MAX - 1, -1, 0}, order[] = {1, 3, 4, 2, 0};
    const uint64_t unsigned_values[] = {UINT64_MAX, 0, UINT64_MAX - 1, 1ull << 63, 5};
    const int64_t unsigned_order[] = {1, 4, 3, 2, 0};
    apus_tensor *x = check_ints(1, shape, values), *y = NULL, *indices = NULL;
    CHECK_OK(apus_tensor_from_data(&y, APUS_DTYPE_uint64, 1, shape, unsigned_values, APUS_DEVICE_CPU));
    CHECK_OK(apus_sort(NULL, &indices, x, 0, false, true));
    for (int i = 0; i < 5; i++) CHECK(check_at(indices, i) == (double)order[i]);
    CHECK_OK(apus_sort(NULL, &indices, y, 0, false, true));
    for (int i = 0; i < 5; i++) CHECK(check_at(indices, i) == (double)unsigned_order[i]);
    apus_tensor_release(x);
    apus_tensor_release(y);
    apus_tensor_release(indices);
}

/// Without order, the same elements; outputs that exist are written, whatever their strides.
static void test_outputs(void) {
    const int64_t shape[] = {4, 300}, wanted[] = {20, 4};
    apus_tensor *x = make(APUS_DTYPE_float32, 2, shape), *room = NULL, *turned = NULL, *indices = NULL, *sorted = NULL;
    CHECK_OK(apus_topk(NULL, &indices, x, 20, 1, true, false));
    CHECK_OK(apus_sort(&sorted, NULL, indices, 1, false, true)); // the places, each once
    apus_tensor_release(indices);
    indices = NULL;
    CHECK_OK(apus_topk(NULL, &indices, x, 20, 1, true, true));
    apus_tensor *ordered = NULL;
    CHECK_OK(apus_sort(&ordered, NULL, indices, 1, false, true));
    for (int64_t i = 0; i < 80; i++) CHECK(check_at(sorted, i) == check_at(ordered, i));
    CHECK_OK(apus_tensor_empty(&room, APUS_DTYPE_float64, 2, wanted, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_transpose(&turned, room, 0, 1));
    CHECK_OK(apus_topk(&turned, NULL, x, 20, 1, true, true));
    for (int64_t i = 1; i < 20; i++) CHECK(!(check_at(turned, i - 1) < check_at(turned, i)));
    CHECK_OK(apus_sort(&x, NULL, x, 1, false, true)); // in place
    check_dim(x, 1);
    apus_tensor_release(x);
    apus_tensor_release(room);
    apus_tensor_release(turned);
    apus_tensor_release(indices);
    apus_tensor_release(sorted);
    apus_tensor_release(ordered);
}

static void test_errors(void) {
    const int64_t shape[] = {2, 3}, empty[] = {2, 0};
    apus_tensor *x = make(APUS_DTYPE_float32, 2, shape), *z = NULL, *none = make(APUS_DTYPE_float32, 2, empty);
    apus_tensor *values = NULL, *indices = NULL, *number = make(APUS_DTYPE_float32, 0, NULL);
    CHECK_OK(apus_tensor_to(&z, x, APUS_DTYPE_complex64, APUS_DEVICE_CPU));
    CHECK_STATUS(apus_sort(&values, &indices, NULL, 0, false, true), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_sort(&values, &indices, z, 0, false, true), APUS_STATUS_dtype);
    CHECK_STATUS(apus_sort(&values, &indices, x, 2, false, true), APUS_STATUS_index);
    CHECK_STATUS(apus_topk(&values, &indices, x, 4, 1, true, true), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_topk(&values, &indices, x, -1, 1, true, true), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_topk(&values, &indices, number, 0, 0, true, true), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_kthvalue(&values, &indices, x, 0, 1, true), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_kthvalue(&values, &indices, x, 4, 1, true), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_kthvalue(&values, &indices, x, INT64_MIN, 1, true), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_kthvalue(&values, &indices, none, 1, 1, true), APUS_STATUS_invalid_argument);
    // An output that does not fit takes the other with it.
    CHECK_STATUS(apus_sort(&values, &none, x, 1, false, true), APUS_STATUS_shape);
    CHECK(values == NULL && indices == NULL);
    apus_tensor_release(x);
    apus_tensor_release(z);
    apus_tensor_release(none);
    apus_tensor_release(number);
}

int main(void) {
    test_layouts();
    test_long_rows();
    test_sorted_input();
    test_wide_integers();
    test_outputs();
    test_errors();
    check_no_leaks();
    return check_result("sort");
}
