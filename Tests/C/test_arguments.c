// Every public function with arguments that no caller should pass: NULL, numbers outside an enum, impossible shapes,
// devices that are not there, invalid tensors. Each call must answer with a status and a text, and leave outputs as
// they were; under sanitizers this also shows that nothing is read or written on the way.
#include "check.h"

static const int32_t no_devices[] = {-1, -65536, 1, 7, 65535, 65536 * 7, INT32_MAX, INT32_MIN};
static const int no_dtypes[] = {-1, APUS_DTYPE_COUNT, 99, INT32_MAX, INT32_MIN};

static apus_tensor *out; // NULL before and after every call that fails

/// A call that must fail, with any status, without making an output.
#define FAILS(call)                                                                                                    \
    do {                                                                                                               \
        apus_status check_s = (call);                                                                                  \
        check_count++;                                                                                                 \
        if (check_s == APUS_STATUS_ok || out != NULL || apus_last_error()[0] == 0) {                                   \
            check_failures++;                                                                                          \
            printf("%s:%d: not refused: %s\n", __FILE__, __LINE__, #call);                                             \
            apus_tensor_release(out);                                                                                  \
            out = NULL;                                                                                                \
        }                                                                                                              \
    } while (0)
/// A call that must fail because a pointer is NULL.
#define NULLS(call)                                                                                                    \
    do {                                                                                                               \
        CHECK_STATUS(call, APUS_STATUS_null_argument);                                                                 \
        CHECK(out == NULL);                                                                                            \
    } while (0)

static const apus_scalar one = {.kind = APUS_SCALAR_float, .real = 1};
static const int64_t two_by_three[] = {2, 3}, image_shape[] = {1, 2, 4, 4}, weight_shape[] = {3, 2, 3, 3};
static apus_tensor *f, *n, *single, *b, *bad, *image, *weight, *channels;

static apus_tensor *ones(apus_dtype dtype, int32_t rank, const int64_t *shape) {
    apus_tensor *t = NULL;
    CHECK_OK(apus_tensor_full(&t, dtype, rank, shape, &one, APUS_DEVICE_CPU));
    return t;
}

static void make(void) {
    int64_t two = 2;
    f = ones(APUS_DTYPE_float32, 2, two_by_three);
    n = ones(APUS_DTYPE_int64, 1, &two);
    single = ones(APUS_DTYPE_float32, 0, NULL);
    b = ones(APUS_DTYPE_bool, 2, two_by_three);
    image = ones(APUS_DTYPE_float32, 4, image_shape);
    weight = ones(APUS_DTYPE_float32, 4, weight_shape);
    channels = ones(APUS_DTYPE_float32, 1, &two);
    CHECK_OK(apus_tensor_invalid(&bad));
}

static void test_makers(void) {
    int64_t negative[] = {2, -1}, huge[] = {INT64_MAX, 2}, many[65] = {0};
    const apus_scalar start = {.kind = APUS_SCALAR_int}, forever = {.kind = APUS_SCALAR_int, .integer = INT64_MAX};
    const apus_scalar step = {.kind = APUS_SCALAR_int, .integer = 1}, strange = {.kind = (apus_scalar_kind)9};
    float data[6] = {0};
    NULLS(apus_tensor_empty(NULL, APUS_DTYPE_float32, 2, two_by_three, 0));
    NULLS(apus_tensor_empty(&out, APUS_DTYPE_float32, 2, NULL, 0));
    NULLS(apus_tensor_full(NULL, APUS_DTYPE_float32, 2, two_by_three, &one, 0));
    NULLS(apus_tensor_full(&out, APUS_DTYPE_float32, 2, NULL, &one, 0));
    NULLS(apus_tensor_full(&out, APUS_DTYPE_float32, 2, two_by_three, NULL, 0));
    NULLS(apus_tensor_from_data(NULL, APUS_DTYPE_float32, 2, two_by_three, data, 0));
    NULLS(apus_tensor_from_data(&out, APUS_DTYPE_float32, 2, NULL, data, 0));
    NULLS(apus_tensor_from_data(&out, APUS_DTYPE_float32, 2, two_by_three, NULL, 0));
    NULLS(apus_tensor_scalar(NULL, &one));
    NULLS(apus_tensor_scalar(&out, NULL));
    NULLS(apus_tensor_invalid(NULL));
    NULLS(apus_tensor_wrap(NULL, APUS_DTYPE_float32, 2, two_by_three, NULL, data, sizeof data, false, NULL, NULL));
    NULLS(apus_tensor_wrap(&out, APUS_DTYPE_float32, 2, NULL, NULL, data, sizeof data, false, NULL, NULL));
    NULLS(apus_tensor_wrap(&out, APUS_DTYPE_float32, 2, two_by_three, NULL, NULL, sizeof data, false, NULL, NULL));
    NULLS(apus_tensor_arange(NULL, APUS_DTYPE_int64, &start, &step, &step, 0));
    NULLS(apus_tensor_arange(&out, APUS_DTYPE_int64, NULL, &step, &step, 0));
    NULLS(apus_tensor_arange(&out, APUS_DTYPE_int64, &start, NULL, &step, 0));
    NULLS(apus_tensor_arange(&out, APUS_DTYPE_int64, &start, &step, NULL, 0));
    NULLS(apus_tensor_linspace(NULL, APUS_DTYPE_float32, 0, 1, 3, 0));
    NULLS(apus_tensor_eye(NULL, APUS_DTYPE_float32, 2, 2, 0));
    NULLS(apus_randperm(NULL, 3, NULL));

    FAILS(apus_tensor_empty(&out, APUS_DTYPE_float32, -1, two_by_three, 0));
    FAILS(apus_tensor_empty(&out, APUS_DTYPE_float32, 65, many, 0));
    FAILS(apus_tensor_empty(&out, APUS_DTYPE_float32, 2, negative, 0));
    FAILS(apus_tensor_empty(&out, APUS_DTYPE_float32, 2, huge, 0));
    FAILS(apus_tensor_full(&out, APUS_DTYPE_uint8, 2, huge, &one, 0));
    FAILS(apus_tensor_full(&out, APUS_DTYPE_uint8, 2, two_by_three, &strange, 0));
    FAILS(apus_tensor_scalar(&out, &strange));
    FAILS(apus_tensor_from_data(&out, APUS_DTYPE_float32, 2, negative, data, 0));
    FAILS(apus_tensor_wrap(&out, APUS_DTYPE_float32, 2, huge, NULL, data, sizeof data, false, NULL, NULL));
    FAILS(apus_tensor_wrap(&out, APUS_DTYPE_float64, 2, two_by_three, NULL, data, sizeof data, false, NULL, NULL));
    FAILS(apus_tensor_arange(&out, APUS_DTYPE_int64, &start, &forever, &step, 0));
    FAILS(apus_tensor_arange(&out, APUS_DTYPE_int64, &start, &strange, &step, 0));
    FAILS(apus_tensor_arange(&out, APUS_DTYPE_int64, &start, &step, &start, 0)); // a step of zero
    FAILS(apus_tensor_linspace(&out, APUS_DTYPE_float32, 0, 1, -1, 0));
    FAILS(apus_tensor_linspace(&out, APUS_DTYPE_float32, 0, 1, INT64_MAX, 0));
    FAILS(apus_tensor_eye(&out, APUS_DTYPE_float32, -1, 2, 0));
    FAILS(apus_tensor_eye(&out, APUS_DTYPE_float32, INT64_MAX, INT64_MAX, 0));
    FAILS(apus_randperm(&out, -1, NULL));
    FAILS(apus_randperm(&out, INT64_MAX, NULL));
    for (size_t i = 0; i < sizeof no_devices / sizeof no_devices[0]; i++) {
        apus_device d = no_devices[i];
        FAILS(apus_tensor_empty(&out, APUS_DTYPE_float32, 2, two_by_three, d));
        FAILS(apus_tensor_full(&out, APUS_DTYPE_float32, 2, two_by_three, &one, d));
        FAILS(apus_tensor_from_data(&out, APUS_DTYPE_float32, 2, two_by_three, data, d));
        FAILS(apus_tensor_arange(&out, APUS_DTYPE_int64, &start, &step, &step, d));
        FAILS(apus_tensor_linspace(&out, APUS_DTYPE_float32, 0, 1, 3, d));
        FAILS(apus_tensor_eye(&out, APUS_DTYPE_float32, 2, 2, d));
        FAILS(apus_tensor_to(&out, f, APUS_DTYPE_float32, d));
    }
    for (size_t i = 0; i < sizeof no_dtypes / sizeof no_dtypes[0]; i++) {
        apus_dtype d = (apus_dtype)no_dtypes[i];
        FAILS(apus_tensor_empty(&out, d, 2, two_by_three, 0));
        FAILS(apus_tensor_full(&out, d, 2, two_by_three, &one, 0));
        FAILS(apus_tensor_from_data(&out, d, 2, two_by_three, data, 0));
        FAILS(apus_tensor_wrap(&out, d, 2, two_by_three, NULL, data, sizeof data, false, NULL, NULL));
        FAILS(apus_tensor_arange(&out, d, &start, &step, &step, 0));
        FAILS(apus_tensor_linspace(&out, d, 0, 1, 3, 0));
        FAILS(apus_tensor_eye(&out, d, 2, 2, 0));
        FAILS(apus_tensor_to(&out, f, d, 0));
        FAILS(apus_tensor_read(f, d, data, sizeof data));
        FAILS(apus_reduce_as(&out, APUS_REDUCE_sum, f, 0, NULL, false, d));
        CHECK(apus_dtype_size(d) == 0 && strcmp(apus_dtype_name(d), "invalid") == 0);
        CHECK(strcmp(apus_dtype_safetensors_name(d), "invalid") == 0);
        CHECK(!apus_dtype_is_floating_point(d) && !apus_dtype_is_complex(d) && !apus_dtype_is_signed(d));
        (void)apus_promote_types(d, APUS_DTYPE_float32);
        (void)apus_promote_types(APUS_DTYPE_float32, d);
    }
}

/// What describes a tensor takes NULL for an empty one.
static void test_metadata(void) {
    CHECK(apus_tensor_dtype(NULL) == APUS_DTYPE_float32 && apus_tensor_device(NULL) == APUS_DEVICE_NONE);
    CHECK(apus_tensor_rank(NULL) == 0 && apus_tensor_numel(NULL) == 0);
    CHECK(apus_tensor_shape(NULL) == NULL && apus_tensor_strides(NULL) == NULL && apus_tensor_data(NULL) == NULL);
    CHECK(apus_tensor_offset(NULL) == 0 && apus_tensor_storage_bytes(NULL) == 0 && apus_tensor_version(NULL) == 0);
    CHECK(apus_tensor_is_contiguous(NULL) && !apus_tensor_is_read_only(NULL) && !apus_tensor_is_weak(NULL));
    CHECK(!apus_tensor_shares_storage(NULL, f) && !apus_tensor_shares_storage(f, NULL));
    CHECK(apus_tensor_retain(NULL) == NULL);
    apus_tensor_release(NULL);
    apus_tensor_bump_version(NULL);
    CHECK(apus_tensor_data(bad) == NULL && apus_tensor_device(bad) == APUS_DEVICE_NONE);
    CHECK(apus_tensor_version(bad) == 0 && apus_tensor_is_read_only(bad));
}

static void test_views(void) {
    const int64_t shape[] = {6}, strides[] = {1}, negative[] = {-2}, huge[] = {INT64_MAX, INT64_MAX};
    const int32_t order[] = {1, 0}, twice[] = {0, 0}, outside[] = {0, 9};
    NULLS(apus_tensor_alias(NULL, f));
    NULLS(apus_tensor_alias(&out, NULL));
    NULLS(apus_tensor_slice(NULL, f, 0, 0, 1, 1));
    NULLS(apus_tensor_slice(&out, NULL, 0, 0, 1, 1));
    NULLS(apus_tensor_select(NULL, f, 0, 0));
    NULLS(apus_tensor_select(&out, NULL, 0, 0));
    NULLS(apus_tensor_transpose(NULL, f, 0, 1));
    NULLS(apus_tensor_transpose(&out, NULL, 0, 1));
    NULLS(apus_tensor_permute(NULL, f, 2, order));
    NULLS(apus_tensor_permute(&out, NULL, 2, order));
    NULLS(apus_tensor_permute(&out, f, 2, NULL));
    NULLS(apus_tensor_expand(NULL, f, 2, two_by_three));
    NULLS(apus_tensor_expand(&out, NULL, 2, two_by_three));
    NULLS(apus_tensor_expand(&out, f, 2, NULL));
    NULLS(apus_tensor_view(NULL, f, 1, shape));
    NULLS(apus_tensor_view(&out, NULL, 1, shape));
    NULLS(apus_tensor_view(&out, f, 1, NULL));
    NULLS(apus_tensor_reshape(NULL, f, 1, shape));
    NULLS(apus_tensor_reshape(&out, NULL, 1, shape));
    NULLS(apus_tensor_reshape(&out, f, 1, NULL));
    NULLS(apus_tensor_unsqueeze(NULL, f, 0));
    NULLS(apus_tensor_unsqueeze(&out, NULL, 0));
    NULLS(apus_tensor_squeeze(NULL, f, 0, NULL));
    NULLS(apus_tensor_squeeze(&out, NULL, 0, NULL));
    NULLS(apus_tensor_squeeze(&out, f, 1, NULL));
    NULLS(apus_tensor_as_strided(NULL, f, 1, shape, strides, 0));
    NULLS(apus_tensor_as_strided(&out, NULL, 1, shape, strides, 0));
    NULLS(apus_tensor_as_strided(&out, f, 1, NULL, strides, 0));
    NULLS(apus_tensor_as_strided(&out, f, 1, shape, NULL, 0));
    NULLS(apus_tensor_diagonal(NULL, f, 0, 0, 1));
    NULLS(apus_tensor_diagonal(&out, NULL, 0, 0, 1));
    NULLS(apus_tensor_unfold(NULL, f, 1, 2, 1));
    NULLS(apus_tensor_unfold(&out, NULL, 1, 2, 1));

    FAILS(apus_tensor_slice(&out, f, 2, 0, 1, 1));
    FAILS(apus_tensor_slice(&out, f, 0, 0, 1, -1));
    FAILS(apus_tensor_select(&out, f, 0, INT64_MIN));
    FAILS(apus_tensor_transpose(&out, f, INT32_MIN, INT32_MAX));
    FAILS(apus_tensor_permute(&out, f, 2, twice));
    FAILS(apus_tensor_permute(&out, f, 2, outside));
    FAILS(apus_tensor_permute(&out, f, -1, order));
    FAILS(apus_tensor_expand(&out, f, -1, two_by_three));
    FAILS(apus_tensor_expand(&out, single, 2, huge));
    FAILS(apus_tensor_expand(&out, f, 1, shape));
    FAILS(apus_tensor_view(&out, f, 1, negative));
    FAILS(apus_tensor_view(&out, f, 2, huge));
    FAILS(apus_tensor_view(&out, f, -1, shape));
    FAILS(apus_tensor_view(&out, f, INT32_MAX, shape));
    FAILS(apus_tensor_reshape(&out, f, 2, huge));
    FAILS(apus_tensor_reshape(&out, f, -1, shape));
    FAILS(apus_tensor_unsqueeze(&out, f, 4));
    FAILS(apus_tensor_squeeze(&out, f, 2, outside));
    FAILS(apus_tensor_squeeze(&out, f, -1, order));
    FAILS(apus_tensor_as_strided(&out, f, 1, shape, strides, INT64_MAX));
    FAILS(apus_tensor_as_strided(&out, f, 2, huge, huge, 0));
    FAILS(apus_tensor_as_strided(&out, f, -1, shape, strides, 0));
    FAILS(apus_tensor_diagonal(&out, f, 0, 0, 0));
    FAILS(apus_tensor_diagonal(&out, f, 0, 0, 5));
    FAILS(apus_tensor_unfold(&out, f, 1, 9, 1));
    FAILS(apus_tensor_unfold(&out, f, 1, -1, 1));
    FAILS(apus_tensor_unfold(&out, f, 1, 1, 0));
    // Offsets beyond the diagonals give an empty view, whatever their size.
    CHECK_OK(apus_tensor_diagonal(&out, f, INT64_MAX, 0, 1));
    apus_tensor_release(out), out = NULL;
    CHECK_OK(apus_tensor_diagonal(&out, f, INT64_MIN, 0, 1));
    apus_tensor_release(out), out = NULL;
    CHECK_OK(apus_tensor_slice(&out, f, 0, INT64_MIN, INT64_MAX, INT64_MAX));
    apus_tensor_release(out), out = NULL;
    // A view does not write into a tensor that is there.
    apus_tensor *taken = f;
    CHECK(apus_tensor_alias(&taken, n) != APUS_STATUS_ok && taken == f);
}

static void test_copying(void) {
    char room[8];
    float data[6];
    apus_scalar value;
    const apus_scalar strange = {.kind = (apus_scalar_kind)9};
    NULLS(apus_tensor_copy(NULL, f));
    NULLS(apus_tensor_copy(f, NULL));
    NULLS(apus_tensor_fill(NULL, &one));
    NULLS(apus_tensor_fill(f, NULL));
    NULLS(apus_tensor_to(NULL, f, APUS_DTYPE_float32, 0));
    NULLS(apus_tensor_to(&out, NULL, APUS_DTYPE_float32, 0));
    NULLS(apus_tensor_contiguous(NULL, f));
    NULLS(apus_tensor_contiguous(&out, NULL));
    NULLS(apus_tensor_item(NULL, &value));
    NULLS(apus_tensor_item(f, NULL));
    NULLS(apus_tensor_read(NULL, APUS_DTYPE_float32, data, sizeof data));
    NULLS(apus_tensor_read(f, APUS_DTYPE_float32, NULL, sizeof data));
    NULLS(apus_tensor_format(NULL, NULL, room, sizeof room, NULL));
    NULLS(apus_tensor_format(f, NULL, NULL, sizeof room, NULL));
    FAILS(apus_tensor_copy(f, n));
    FAILS(apus_tensor_copy(bad, f));
    FAILS(apus_tensor_copy(f, bad));
    FAILS(apus_tensor_fill(bad, &one));
    FAILS(apus_tensor_fill(f, &strange));
    FAILS(apus_tensor_to(&out, bad, APUS_DTYPE_float32, 0));
    FAILS(apus_tensor_item(f, &value));
    FAILS(apus_tensor_item(bad, &value));
    FAILS(apus_tensor_read(f, APUS_DTYPE_float32, data, sizeof data - 1));
    FAILS(apus_tensor_read(bad, APUS_DTYPE_float32, data, sizeof(float)));
    FAILS(apus_tensor_format(bad, NULL, room, sizeof room, NULL));
    CHECK_OK(apus_tensor_format(f, NULL, room, sizeof room, NULL));
    CHECK(strlen(room) < sizeof room);
}

static void test_dlpack(void) {
    apus_dlpack_managed *old = NULL;
    apus_dlpack_versioned *new = NULL;
    int32_t type, index;
    NULLS(apus_tensor_to_dlpack(NULL, f, false));
    NULLS(apus_tensor_to_dlpack(&old, NULL, false));
    NULLS(apus_tensor_to_dlpack_versioned(NULL, f, false));
    NULLS(apus_tensor_to_dlpack_versioned(&new, NULL, false));
    NULLS(apus_tensor_from_dlpack(&out, NULL));
    NULLS(apus_tensor_from_dlpack_versioned(&out, NULL));
    NULLS(apus_tensor_dlpack_device(NULL, &index, f));
    NULLS(apus_tensor_dlpack_device(&type, NULL, f));
    NULLS(apus_tensor_dlpack_device(&type, &index, NULL));
    FAILS(apus_tensor_to_dlpack(&old, bad, false));
    FAILS(apus_tensor_to_dlpack_versioned(&new, bad, true));
    CHECK(old == NULL && new == NULL);
}

static void test_elementwise(void) {
    apus_dtype dtype;
    double low[2], high[2];
    const apus_scalar strange = {.kind = (apus_scalar_kind)9};
    NULLS(apus_unary(NULL, APUS_UNARY_exp, f));
    NULLS(apus_unary(&out, APUS_UNARY_exp, NULL));
    NULLS(apus_binary(NULL, APUS_BINARY_add, f, f));
    NULLS(apus_binary(&out, APUS_BINARY_add, NULL, f));
    NULLS(apus_binary(&out, APUS_BINARY_add, f, NULL));
    NULLS(apus_binary_scalar(NULL, APUS_BINARY_add, f, &one, false));
    NULLS(apus_binary_scalar(&out, APUS_BINARY_add, NULL, &one, false));
    NULLS(apus_binary_scalar(&out, APUS_BINARY_add, f, NULL, true));
    NULLS(apus_ternary(NULL, APUS_TERNARY_where, b, f, f, NULL));
    NULLS(apus_ternary(&out, APUS_TERNARY_where, NULL, f, f, NULL));
    NULLS(apus_ternary(&out, APUS_TERNARY_where, b, NULL, f, NULL));
    NULLS(apus_ternary(&out, APUS_TERNARY_where, b, f, NULL, NULL));
    NULLS(apus_result_type(NULL, f, f));
    NULLS(apus_result_type(&dtype, NULL, f));
    NULLS(apus_result_type(&dtype, f, NULL));
    static const int no_ops[] = {-1, APUS_UNARY_COUNT, 1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof no_ops / sizeof no_ops[0]; i++) {
        FAILS(apus_unary(&out, (apus_unary_op)no_ops[i], f));
        FAILS(apus_binary(&out, (apus_binary_op)no_ops[i], f, f));
        FAILS(apus_binary_scalar(&out, (apus_binary_op)no_ops[i], f, &one, false));
        FAILS(apus_ternary(&out, (apus_ternary_op)no_ops[i], b, f, f, NULL));
        FAILS(apus_reduce(&out, (apus_reduce_op)no_ops[i], f, 0, NULL, false));
        FAILS(apus_scan(&out, (apus_scan_op)no_ops[i], f, 0));
        CHECK(strcmp(apus_unary_name((apus_unary_op)no_ops[i]), "invalid") == 0);
        CHECK(strcmp(apus_binary_name((apus_binary_op)no_ops[i]), "invalid") == 0);
        CHECK(strcmp(apus_ternary_name((apus_ternary_op)no_ops[i]), "invalid") == 0);
        CHECK(strcmp(apus_reduce_name((apus_reduce_op)no_ops[i]), "invalid") == 0);
        apus_unary_domain((apus_unary_op)no_ops[i], low, high);
        apus_binary_domain((apus_binary_op)no_ops[i], low, high);
        CHECK(strlen(apus_status_text((apus_status)no_ops[i])) > 0);
    }
    apus_unary_domain(APUS_UNARY_exp, NULL, NULL);
    apus_binary_domain(APUS_BINARY_add, NULL, NULL);
    FAILS(apus_ternary(&out, APUS_TERNARY_addcmul, f, f, f, &strange));
    FAILS(apus_unary(&out, APUS_UNARY_exp, bad));
    FAILS(apus_unary(&out, APUS_UNARY_floor, bad));
    FAILS(apus_binary(&out, APUS_BINARY_add, f, bad));
    FAILS(apus_binary(&out, APUS_BINARY_add, f, n));
    FAILS(apus_binary(&out, APUS_BINARY_gcd, f, f));
    FAILS(apus_binary_scalar(&out, APUS_BINARY_add, bad, &one, false));
    FAILS(apus_ternary(&out, APUS_TERNARY_where, f, f, f, NULL));
    FAILS(apus_ternary(&out, APUS_TERNARY_clamp, bad, f, f, NULL));
    FAILS(apus_binary_scalar(&out, APUS_BINARY_add, f, &strange, false));
}

static void test_reductions(void) {
    const int32_t outside[] = {5}, twice[] = {0, 0};
    NULLS(apus_reduce(NULL, APUS_REDUCE_sum, f, 0, NULL, false));
    NULLS(apus_reduce(&out, APUS_REDUCE_sum, NULL, 0, NULL, false));
    FAILS(apus_reduce(&out, APUS_REDUCE_sum, f, 1, NULL, false));
    NULLS(apus_reduce_as(NULL, APUS_REDUCE_sum, f, 0, NULL, false, APUS_DTYPE_float64));
    NULLS(apus_reduce_as(&out, APUS_REDUCE_sum, NULL, 0, NULL, false, APUS_DTYPE_float64));
    FAILS(apus_reduce_as(&out, APUS_REDUCE_sum, f, 2, NULL, false, APUS_DTYPE_float64));
    NULLS(apus_var(NULL, NULL, f, 0, NULL, 1, false));
    NULLS(apus_var(&out, NULL, NULL, 0, NULL, 1, false));
    FAILS(apus_var(&out, NULL, f, 1, NULL, 1, false));
    NULLS(apus_norm(NULL, f, 2, 0, NULL, false));
    NULLS(apus_norm(&out, NULL, 2, 0, NULL, false));
    FAILS(apus_norm(&out, f, 2, 1, NULL, false));
    NULLS(apus_logsumexp(NULL, f, 0, NULL, false));
    NULLS(apus_logsumexp(&out, NULL, 0, NULL, false));
    FAILS(apus_logsumexp(&out, f, 1, NULL, false));
    CHECK_OK(apus_arg_reduce(NULL, NULL, false, f, 0, false)); // neither output is asked for
    NULLS(apus_arg_reduce(&out, NULL, false, NULL, 0, false));
    NULLS(apus_scan(NULL, APUS_SCAN_sum, f, 0));
    NULLS(apus_scan(&out, APUS_SCAN_sum, NULL, 0));
    NULLS(apus_softmax(NULL, f, 0, false));
    NULLS(apus_softmax(&out, NULL, 0, false));
    NULLS(apus_softmax_backward(NULL, f, f, 0, false));
    NULLS(apus_softmax_backward(&out, NULL, f, 0, false));
    NULLS(apus_softmax_backward(&out, f, NULL, 0, false));
    FAILS(apus_reduce(&out, APUS_REDUCE_sum, f, 1, outside, false));
    FAILS(apus_reduce(&out, APUS_REDUCE_sum, f, 2, twice, false));
    FAILS(apus_reduce(&out, APUS_REDUCE_sum, f, -1, twice, false));
    FAILS(apus_reduce(&out, APUS_REDUCE_sum, bad, 0, NULL, false));
    FAILS(apus_reduce_as(&out, APUS_REDUCE_sum, bad, 0, NULL, false, APUS_DTYPE_float64));
    FAILS(apus_var(&out, NULL, f, 1, outside, 1, false));
    FAILS(apus_var(&out, NULL, bad, 0, NULL, 1, false));
    FAILS(apus_norm(&out, f, 2, -3, outside, false));
    FAILS(apus_norm(&out, bad, 2, 0, NULL, false));
    FAILS(apus_logsumexp(&out, f, 1, outside, false));
    FAILS(apus_logsumexp(&out, bad, 0, NULL, false));
    FAILS(apus_arg_reduce(&out, NULL, false, f, 2, false));
    FAILS(apus_arg_reduce(&out, NULL, false, bad, 0, false));
    FAILS(apus_scan(&out, APUS_SCAN_sum, f, -3));
    FAILS(apus_scan(&out, APUS_SCAN_sum, bad, 0));
    FAILS(apus_softmax(&out, n, 0, false));
    FAILS(apus_softmax(&out, bad, 0, false));
    FAILS(apus_softmax_backward(&out, f, image, 0, false));
    FAILS(apus_softmax_backward(&out, bad, f, 0, false));
}

static void test_indexing(void) {
    const apus_tensor *pair[] = {f, f}, *gap[] = {f, NULL}, *picks[] = {n, NULL}, *three[] = {n, n, n};
    const int32_t outside[] = {5};
    NULLS(apus_cat(NULL, 2, pair, 0));
    NULLS(apus_cat(&out, 2, NULL, 0));
    NULLS(apus_cat(&out, 2, gap, 0));
    NULLS(apus_index_select(NULL, f, 0, n));
    NULLS(apus_index_select(&out, NULL, 0, n));
    NULLS(apus_index_select(&out, f, 0, NULL));
    NULLS(apus_index_add(NULL, f, 0, n, f, 1));
    NULLS(apus_index_add(&out, NULL, 0, n, f, 1));
    NULLS(apus_index_add(&out, f, 0, NULL, f, 1));
    NULLS(apus_index_add(&out, f, 0, n, NULL, 1));
    NULLS(apus_gather(NULL, f, 0, n));
    NULLS(apus_gather(&out, NULL, 0, n));
    NULLS(apus_gather(&out, f, 0, NULL));
    NULLS(apus_scatter(NULL, f, 0, n, f, false));
    NULLS(apus_scatter(&out, NULL, 0, n, f, false));
    NULLS(apus_scatter(&out, f, 0, NULL, f, false));
    NULLS(apus_scatter(&out, f, 0, n, NULL, false));
    NULLS(apus_index(NULL, f, 2, picks));
    NULLS(apus_index(&out, NULL, 2, picks));
    NULLS(apus_index(&out, f, 2, NULL));
    NULLS(apus_index_put(NULL, f, 2, picks, f, false));
    NULLS(apus_index_put(&out, NULL, 2, picks, f, false));
    NULLS(apus_index_put(&out, f, 2, NULL, f, false));
    NULLS(apus_index_put(&out, f, 2, picks, NULL, false));
    NULLS(apus_masked_select(NULL, f, b));
    NULLS(apus_masked_select(&out, NULL, b));
    NULLS(apus_masked_select(&out, f, NULL));
    NULLS(apus_nonzero(NULL, f));
    NULLS(apus_nonzero(&out, NULL));
    NULLS(apus_flip(NULL, f, 0, NULL));
    NULLS(apus_flip(&out, NULL, 0, NULL));
    NULLS(apus_flip(&out, f, 1, NULL));
    NULLS(apus_triangle(NULL, f, 0, false));
    NULLS(apus_triangle(&out, NULL, 0, false));
    FAILS(apus_cat(&out, 0, pair, 0));
    FAILS(apus_cat(&out, -1, pair, 0));
    FAILS(apus_cat(&out, 2, pair, 7));
    FAILS(apus_index_select(&out, f, 3, n));
    FAILS(apus_index_select(&out, f, 0, f));
    FAILS(apus_index_select(&out, f, 0, b));
    FAILS(apus_index_select(&out, bad, 0, n));
    FAILS(apus_index_add(&out, f, 0, n, image, 1));
    FAILS(apus_index_add(&out, f, 0, bad, f, 1));
    FAILS(apus_gather(&out, f, 0, n));
    FAILS(apus_gather(&out, bad, 0, bad));
    FAILS(apus_scatter(&out, f, 0, n, f, false));
    FAILS(apus_scatter(&out, bad, 0, n, f, false));
    FAILS(apus_index(&out, f, 3, three));
    FAILS(apus_index(&out, f, -1, picks));
    FAILS(apus_index(&out, bad, 1, picks));
    FAILS(apus_index_put(&out, f, 3, three, f, false));
    FAILS(apus_index_put(&out, f, -1, picks, f, false));
    FAILS(apus_index_put(&out, f, 1, picks, image, false));
    FAILS(apus_masked_select(&out, f, n));
    FAILS(apus_masked_select(&out, bad, b));
    FAILS(apus_nonzero(&out, bad));
    FAILS(apus_flip(&out, f, 1, outside));
    FAILS(apus_flip(&out, f, -1, outside));
    FAILS(apus_flip(&out, bad, 0, NULL));
    FAILS(apus_triangle(&out, n, 0, false));
    FAILS(apus_triangle(&out, bad, 0, true));
    CHECK_OK(apus_triangle(&out, f, INT64_MAX, true));
    apus_tensor_release(out), out = NULL;
    CHECK_OK(apus_triangle(&out, f, INT64_MIN, false));
    apus_tensor_release(out), out = NULL;
}

static void test_products(void) {
    NULLS(apus_matmul(NULL, f, f));
    NULLS(apus_matmul(&out, NULL, f));
    NULLS(apus_matmul(&out, f, NULL));
    NULLS(apus_addmm(NULL, f, f, f, 1, 1));
    NULLS(apus_addmm(&out, f, NULL, f, 1, 1));
    NULLS(apus_addmm(&out, f, f, NULL, 1, 1));
    NULLS(apus_linear(NULL, f, f, NULL));
    NULLS(apus_linear(&out, NULL, f, NULL));
    NULLS(apus_linear(&out, f, NULL, NULL));
    FAILS(apus_matmul(&out, f, f));
    FAILS(apus_matmul(&out, f, bad));
    FAILS(apus_matmul(&out, b, b));
    FAILS(apus_addmm(&out, NULL, f, f, 0, 1));
    FAILS(apus_addmm(&out, bad, f, f, 1, 1));
    FAILS(apus_linear(&out, f, n, NULL));
    FAILS(apus_linear(&out, f, f, image));
    FAILS(apus_linear(&out, bad, f, NULL));
}

static void test_convolution(void) {
    const apus_conv2d_options options = {sizeof options, {1, 1}, {1, 1}, {1, 1}, 1}, unset = {0};
    const int64_t negative[] = {3, 2, -3, 3}, huge[] = {INT64_MAX, 2, 3, 3}, many[99] = {0};
    NULLS(apus_conv2d(NULL, image, weight, NULL, &options));
    NULLS(apus_conv2d(&out, NULL, weight, NULL, &options));
    NULLS(apus_conv2d(&out, image, NULL, NULL, &options));
    NULLS(apus_conv2d(&out, image, weight, NULL, NULL));
    NULLS(apus_conv2d_input_grad(NULL, 4, image_shape, image, weight, &options));
    NULLS(apus_conv2d_input_grad(&out, 4, NULL, image, weight, &options));
    NULLS(apus_conv2d_input_grad(&out, 4, image_shape, NULL, weight, &options));
    NULLS(apus_conv2d_input_grad(&out, 4, image_shape, image, NULL, &options));
    NULLS(apus_conv2d_input_grad(&out, 4, image_shape, image, weight, NULL));
    NULLS(apus_conv2d_weight_grad(NULL, weight_shape, image, image, &options));
    NULLS(apus_conv2d_weight_grad(&out, NULL, image, image, &options));
    NULLS(apus_conv2d_weight_grad(&out, weight_shape, NULL, image, &options));
    NULLS(apus_conv2d_weight_grad(&out, weight_shape, image, NULL, &options));
    NULLS(apus_conv2d_weight_grad(&out, weight_shape, image, image, NULL));
    FAILS(apus_conv2d(&out, image, weight, NULL, &unset));
    FAILS(apus_conv2d(&out, bad, weight, NULL, &options));
    FAILS(apus_conv2d(&out, image, bad, NULL, &options));
    FAILS(apus_conv2d(&out, image, weight, bad, &options));
    FAILS(apus_conv2d_input_grad(&out, -1, image_shape, image, weight, &options));
    FAILS(apus_conv2d_input_grad(&out, 99, many, image, weight, &options));
    FAILS(apus_conv2d_input_grad(&out, 4, image_shape, bad, weight, &options));
    FAILS(apus_conv2d_weight_grad(&out, negative, image, image, &options));
    FAILS(apus_conv2d_weight_grad(&out, huge, image, image, &options));
    FAILS(apus_conv2d_weight_grad(&out, weight_shape, bad, image, &options));
}

static void test_pooling(void) {
    const apus_pool2d_options options = {sizeof options, {2, 2}, {2, 2}, {0, 0}, {1, 1}, false, true}, unset = {0};
    const int64_t negative[] = {1, 2, -4, 4};
    NULLS(apus_max_pool2d(NULL, NULL, image, &options));
    NULLS(apus_max_pool2d(&out, NULL, NULL, &options));
    NULLS(apus_max_pool2d(&out, NULL, image, NULL));
    NULLS(apus_max_pool2d_backward(NULL, image, image, 4, image_shape));
    NULLS(apus_max_pool2d_backward(&out, NULL, image, 4, image_shape));
    NULLS(apus_max_pool2d_backward(&out, image, NULL, 4, image_shape));
    NULLS(apus_max_pool2d_backward(&out, image, image, 4, NULL));
    NULLS(apus_avg_pool2d(NULL, image, &options));
    NULLS(apus_avg_pool2d(&out, NULL, &options));
    NULLS(apus_avg_pool2d(&out, image, NULL));
    NULLS(apus_avg_pool2d_backward(NULL, image, 4, image_shape, &options));
    NULLS(apus_avg_pool2d_backward(&out, NULL, 4, image_shape, &options));
    NULLS(apus_avg_pool2d_backward(&out, image, 4, NULL, &options));
    NULLS(apus_avg_pool2d_backward(&out, image, 4, image_shape, NULL));
    FAILS(apus_max_pool2d(&out, NULL, image, &unset));
    FAILS(apus_max_pool2d(&out, NULL, bad, &options));
    FAILS(apus_max_pool2d_backward(&out, image, n, -1, image_shape));
    FAILS(apus_max_pool2d_backward(&out, image, n, 4, negative));
    FAILS(apus_max_pool2d_backward(&out, bad, n, 4, image_shape));
    FAILS(apus_avg_pool2d(&out, bad, &options));
    FAILS(apus_avg_pool2d_backward(&out, image, -1, image_shape, &options));
    FAILS(apus_avg_pool2d_backward(&out, image, 4, negative, &options));
    FAILS(apus_avg_pool2d_backward(&out, bad, 4, image_shape, &options));
}

static void test_normalisation(void) {
    apus_tensor *s[2] = {NULL};
    NULLS(apus_batch_norm(NULL, &s[0], &s[1], image, NULL, NULL, NULL, NULL, true, 0.1, 1e-5));
    NULLS(apus_batch_norm(&out, &s[0], &s[1], NULL, NULL, NULL, NULL, NULL, true, 0.1, 1e-5));
    NULLS(apus_batch_norm(&out, &s[0], &s[1], image, NULL, NULL, NULL, channels, false, 0.1, 1e-5));
    NULLS(apus_batch_norm(&out, &s[0], &s[1], image, NULL, NULL, channels, NULL, false, 0.1, 1e-5));
    NULLS(apus_batch_norm_backward(&out, NULL, NULL, NULL, image, NULL, channels, channels, true));
    NULLS(apus_batch_norm_backward(&out, NULL, NULL, image, NULL, NULL, channels, channels, true));
    NULLS(apus_batch_norm_backward(&out, NULL, NULL, image, image, NULL, NULL, channels, true));
    NULLS(apus_batch_norm_backward(&out, NULL, NULL, image, image, NULL, channels, NULL, true));
    NULLS(apus_layer_norm(NULL, NULL, NULL, f, 1, NULL, NULL, 1e-5));
    NULLS(apus_layer_norm(&out, NULL, NULL, NULL, 1, NULL, NULL, 1e-5));
    NULLS(apus_layer_norm_backward(&out, NULL, NULL, NULL, f, 1, NULL, f, f));
    NULLS(apus_layer_norm_backward(&out, NULL, NULL, f, NULL, 1, NULL, f, f));
    NULLS(apus_layer_norm_backward(&out, NULL, NULL, f, f, 1, NULL, NULL, f));
    NULLS(apus_layer_norm_backward(&out, NULL, NULL, f, f, 1, NULL, f, NULL));
    FAILS(apus_batch_norm(&out, &s[0], &s[1], bad, NULL, NULL, NULL, NULL, true, 0.1, 1e-5));
    FAILS(apus_batch_norm(&out, &s[0], &s[1], image, f, NULL, NULL, NULL, true, 0.1, 1e-5));
    FAILS(apus_batch_norm(&out, &s[0], &s[1], n, NULL, NULL, NULL, NULL, true, 0.1, 1e-5));
    FAILS(apus_batch_norm_backward(&out, NULL, NULL, image, image, NULL, f, channels, true));
    FAILS(apus_batch_norm_backward(&out, NULL, NULL, bad, image, NULL, channels, channels, true));
    FAILS(apus_layer_norm(&out, NULL, NULL, f, 0, NULL, NULL, 1e-5));
    FAILS(apus_layer_norm(&out, NULL, NULL, f, 3, NULL, NULL, 1e-5));
    FAILS(apus_layer_norm(&out, NULL, NULL, f, -1, NULL, NULL, 1e-5));
    FAILS(apus_layer_norm(&out, NULL, NULL, f, 1, image, NULL, 1e-5));
    FAILS(apus_layer_norm(&out, NULL, NULL, bad, 1, NULL, NULL, 1e-5));
    FAILS(apus_layer_norm_backward(&out, NULL, NULL, f, f, 5, NULL, f, f));
    FAILS(apus_layer_norm_backward(&out, NULL, NULL, f, image, 1, NULL, f, f));
    CHECK(s[0] == NULL && s[1] == NULL);
}

static void test_optimizers(void) {
    const apus_sgd_options sgd = {.size = sizeof sgd, .lr = 1}, no_sgd = {0};
    const apus_adam_options adam = {.size = sizeof adam, .lr = 1, .step = 1}, no_adam = {0};
    NULLS(apus_sgd_step(NULL, f, NULL, &sgd));
    NULLS(apus_sgd_step(f, NULL, NULL, &sgd));
    NULLS(apus_sgd_step(f, f, NULL, NULL));
    NULLS(apus_adam_step(NULL, f, f, f, NULL, &adam));
    NULLS(apus_adam_step(f, NULL, f, f, NULL, &adam));
    NULLS(apus_adam_step(f, f, NULL, f, NULL, &adam));
    NULLS(apus_adam_step(f, f, f, NULL, NULL, &adam));
    NULLS(apus_adam_step(f, f, f, f, NULL, NULL));
    FAILS(apus_sgd_step(f, f, NULL, &no_sgd));
    FAILS(apus_sgd_step(f, n, NULL, &sgd));
    FAILS(apus_sgd_step(bad, bad, NULL, &sgd));
    FAILS(apus_adam_step(f, f, f, f, NULL, &no_adam));
    FAILS(apus_adam_step(f, f, f, image, NULL, &adam));
    FAILS(apus_adam_step(bad, bad, bad, bad, NULL, &adam));
}

static void test_random(void) {
    apus_generator *g = NULL;
    uint64_t seed = 1, position = 1;
    NULLS(apus_generator_new(NULL, 1));
    CHECK(apus_generator_retain(NULL) == NULL);
    apus_generator_release(NULL);
    CHECK_OK(apus_generator_new(&g, 7));
    apus_generator_get_state(g, NULL, NULL);
    apus_generator_get_state(g, &seed, &position);
    CHECK(seed == 7 && position == 0);
    apus_generator_seed(g, 8);
    apus_generator_set_state(g, 9, UINT64_MAX);
    apus_generator_release(apus_generator_retain(g));
    apus_generator_release(g);
    NULLS(apus_uniform(NULL, 0, 1, NULL));
    NULLS(apus_normal(NULL, 0, 1, NULL));
    NULLS(apus_randint(NULL, 0, 1, NULL));
    NULLS(apus_bernoulli(NULL, 0.5, NULL));
    FAILS(apus_uniform(n, 0, 1, NULL));
    FAILS(apus_uniform(f, 1, 0, NULL));
    FAILS(apus_uniform(bad, 0, 1, NULL));
    FAILS(apus_normal(f, 0, -1, NULL));
    FAILS(apus_normal(bad, 0, 1, NULL));
    FAILS(apus_randint(n, 5, 5, NULL));
    FAILS(apus_randint(b, 0, 300, NULL));
    FAILS(apus_randint(bad, 0, 2, NULL));
    FAILS(apus_bernoulli(f, 1.5, NULL));
    FAILS(apus_bernoulli(f, NAN, NULL));
    FAILS(apus_bernoulli(bad, 0.5, NULL));
}

static void test_runtime(void) {
    int32_t threads = apus_get_num_threads();
    apus_set_num_threads(-5);
    CHECK(apus_get_num_threads() >= 1);
    apus_set_num_threads(INT32_MAX);
    CHECK(apus_get_num_threads() >= 1);
    apus_set_num_threads(0);
    CHECK(apus_get_num_threads() >= 1 && threads >= 1);
    NULLS(apus_cpu_memory_stats(NULL));
    NULLS(apus_cpu_set_isa(NULL));
    FAILS(apus_cpu_set_isa("z80"));
    bool checks = apus_write_checks();
    apus_set_write_checks(checks);
    CHECK(strlen(apus_version()) > 0 && strlen(apus_cpu_isa()) > 0);
    CHECK(apus_cpu_name() != NULL && apus_blas_core() != NULL);
    apus_cpu_empty_cache();
    apus_cpu_reset_peak();
}

int main(void) {
    make();
    test_makers();
    test_metadata();
    test_views();
    test_copying();
    test_dlpack();
    test_elementwise();
    test_reductions();
    test_indexing();
    test_products();
    test_convolution();
    test_pooling();
    test_normalisation();
    test_optimizers();
    test_random();
    test_runtime();
    apus_tensor *all[] = {f, n, single, b, bad, image, weight, channels};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) apus_tensor_release(all[i]);
    check_no_leaks();
    return check_result("arguments");
}
