// DLPack out and in: layouts, flags, refusals, and deleters that run exactly once.
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

#include "core/tensor.h"

static atomic_int deleted;

static void count_managed(apus_dlpack_managed *self) {
    (void)self;
    atomic_fetch_add(&deleted, 1);
}

static void count_versioned(apus_dlpack_versioned *self) {
    (void)self;
    atomic_fetch_add(&deleted, 1);
}

/// Six float32 numbers as somebody else would hand them over.
static float six[6];
static int64_t two_by_three[2] = {2, 3};

static apus_dlpack_versioned foreign(void) {
    for (int i = 0; i < 6; i++) six[i] = (float)i;
    return (apus_dlpack_versioned){
        .major = APUS_DLPACK_MAJOR,
        .minor = 9, // a later minor version changes nothing that is read
        .deleter = count_versioned,
        .tensor = {.data = six,
                   .device_type = APUS_DLPACK_CPU,
                   .rank = 2,
                   .code = APUS_DLPACK_float,
                   .bits = 32,
                   .lanes = 1,
                   .shape = two_by_three},
    };
}

static void test_every_dtype(void) {
    int64_t shape[] = {2, 3};
    for (int d = 0; d < APUS_DTYPE_COUNT; d++) {
        apus_scalar value = {.kind = APUS_SCALAR_int, .integer = 1};
        apus_tensor *t = NULL, *back = NULL;
        apus_dlpack_versioned *managed = NULL;
        CHECK_OK(apus_tensor_full(&t, (apus_dtype)d, 2, shape, &value, APUS_DEVICE_CPU));
        CHECK_OK(apus_tensor_to_dlpack_versioned(&managed, t, false));
        CHECK(managed->major == 1 && managed->flags == 0);
        CHECK(managed->tensor.bits == 8 * apus_dtype_size((apus_dtype)d) && managed->tensor.lanes == 1);
        CHECK(managed->tensor.data == apus_tensor_data(t) && managed->tensor.byte_offset == 0);
        CHECK_OK(apus_tensor_from_dlpack_versioned(&back, managed));
        CHECK(apus_tensor_dtype(back) == (apus_dtype)d && apus_tensor_data(back) == apus_tensor_data(t));
        CHECK(!apus_tensor_is_read_only(back) && apus_tensor_is_contiguous(back));
        apus_tensor_release(t);
        CHECK_OK(apus_tensor_fill(back, &value)); // the memory outlives the first handle
        apus_tensor_release(back);
    }
}

static void test_layouts(void) {
    int64_t shape[] = {4, 6};
    apus_scalar zero = {.kind = APUS_SCALAR_int}, seven = {.kind = APUS_SCALAR_int, .integer = 7};
    apus_tensor *t = NULL, *columns = NULL, *view = NULL, *wide = NULL, *back = NULL;
    CHECK_OK(apus_tensor_full(&t, APUS_DTYPE_int32, 2, shape, &zero, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_slice(&columns, t, 1, 1, 6, 2));
    CHECK_OK(apus_tensor_transpose(&view, columns, 0, 1));
    apus_dlpack_managed *managed = NULL;
    CHECK_OK(apus_tensor_to_dlpack(&managed, view, false));
    CHECK(managed->tensor.rank == 2 && managed->tensor.shape[0] == 3 && managed->tensor.shape[1] == 4);
    CHECK(managed->tensor.strides[0] == 2 && managed->tensor.strides[1] == 6);
    CHECK(managed->tensor.data == (int32_t *)apus_tensor_data(t) + 1);
    CHECK_OK(apus_tensor_from_dlpack(&back, managed));
    CHECK_OK(apus_tensor_fill(back, &seven));
    CHECK(check_at(t, 1) == 7 && check_at(t, 0) == 0 && check_at(t, 23) == 7);
    apus_tensor_release(back), back = NULL;

    // A copy is compact, its own, and says so.
    apus_dlpack_versioned *copy = NULL;
    CHECK_OK(apus_tensor_to_dlpack_versioned(&copy, view, true));
    CHECK(copy->flags == APUS_DLPACK_COPIED && copy->tensor.strides[0] == 4);
    CHECK(copy->tensor.data != apus_tensor_data(view) && ((int32_t *)copy->tensor.data)[11] == 7);
    copy->deleter(copy);

    // Stride 0 is shared as it is, and stays unwritable.
    int64_t expanded[] = {5, 4, 6};
    CHECK_OK(apus_tensor_expand(&wide, t, 3, expanded));
    CHECK_OK(apus_tensor_to_dlpack(&managed, wide, false));
    CHECK_OK(apus_tensor_from_dlpack(&back, managed));
    CHECK(apus_tensor_strides(back)[0] == 0 && apus_tensor_storage_bytes(back) == 24 * sizeof(int32_t));
    CHECK_STATUS(apus_tensor_fill(back, &seven), APUS_STATUS_invalid_argument);
    apus_tensor_release(back), back = NULL;
    apus_tensor_release(wide), apus_tensor_release(view), apus_tensor_release(columns), apus_tensor_release(t);
}

static void test_scalars_and_empties(void) {
    int64_t empty[] = {2, 0, 3};
    apus_tensor *t = NULL, *back = NULL;
    apus_dlpack_versioned *managed = NULL;
    CHECK_OK(apus_tensor_empty(&t, APUS_DTYPE_float64, 3, empty, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to_dlpack_versioned(&managed, t, false));
    CHECK(managed->tensor.data == NULL && managed->tensor.shape[1] == 0);
    CHECK_OK(apus_tensor_from_dlpack_versioned(&back, managed));
    CHECK(apus_tensor_rank(back) == 3 && apus_tensor_numel(back) == 0 && apus_tensor_storage_bytes(back) == 0);
    apus_tensor_release(back), back = NULL;
    apus_tensor_release(t), t = NULL;

    apus_scalar pi = {.kind = APUS_SCALAR_float, .real = 3.25};
    CHECK_OK(apus_tensor_full(&t, APUS_DTYPE_float64, 0, NULL, &pi, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to_dlpack_versioned(&managed, t, false));
    CHECK(managed->tensor.rank == 0);
    managed->tensor.shape = managed->tensor.strides = NULL; // as some producers have it
    CHECK_OK(apus_tensor_from_dlpack_versioned(&back, managed));
    CHECK(check_at(back, 0) == 3.25);
    apus_tensor_release(back);
    apus_tensor_release(t);
}

static void test_foreign(void) {
    apus_tensor *t = NULL;
    atomic_store(&deleted, 0);
    apus_dlpack_versioned managed = foreign();
    CHECK_OK(apus_tensor_from_dlpack_versioned(&t, &managed));
    CHECK(apus_tensor_data(t) == six && apus_tensor_is_contiguous(t) && check_at(t, 5) == 5);
    six[5] = 50;
    CHECK(check_at(t, 5) == 50);
    apus_tensor *view = NULL;
    CHECK_OK(apus_tensor_select(&view, t, 0, 1));
    apus_tensor_release(t), t = NULL;
    CHECK(atomic_load(&deleted) == 0);
    apus_tensor_release(view);
    CHECK(atomic_load(&deleted) == 1);

    // Offsets lead into the memory; strides that nobody follows may be anything.
    int64_t pair[] = {1, 2}, strides[] = {-7, 3};
    managed = foreign();
    managed.tensor.shape = pair, managed.tensor.strides = strides, managed.tensor.byte_offset = 8;
    managed.flags = APUS_DLPACK_READ_ONLY | APUS_DLPACK_COPIED;
    CHECK_OK(apus_tensor_from_dlpack_versioned(&t, &managed));
    CHECK(check_at(t, 0) == 2 && check_at(t, 1) == 5 && apus_tensor_storage_bytes(t) == 16);
    CHECK(apus_tensor_strides(t)[0] == 2 && apus_tensor_strides(t)[1] == 3);
    apus_scalar one = {.kind = APUS_SCALAR_int, .integer = 1};
    CHECK(apus_tensor_is_read_only(t));
    CHECK_STATUS(apus_tensor_fill(t, &one), APUS_STATUS_read_only);
    apus_dlpack_versioned *again = NULL;
    apus_dlpack_managed *old = NULL;
    CHECK_OK(apus_tensor_to_dlpack_versioned(&again, t, false));
    CHECK(again->flags == APUS_DLPACK_READ_ONLY);
    again->deleter(again);
    CHECK_STATUS(apus_tensor_to_dlpack(&old, t, false), APUS_STATUS_read_only);
    CHECK(old == NULL);
    CHECK_OK(apus_tensor_to_dlpack(&old, t, true));
    CHECK(((float *)old->tensor.data)[1] == 5);
    old->deleter(old);
    apus_tensor_release(t), t = NULL;
    CHECK(atomic_load(&deleted) == 2);

    managed = foreign();
    managed.deleter = NULL; // static memory
    CHECK_OK(apus_tensor_from_dlpack_versioned(&t, &managed));
    apus_tensor_release(t), t = NULL;
    apus_dlpack_managed legacy = {.tensor = foreign().tensor, .deleter = count_managed};
    CHECK_OK(apus_tensor_from_dlpack(&t, &legacy));
    CHECK(check_at(t, 4) == 4);
    apus_tensor_release(t);
    CHECK(atomic_load(&deleted) == 3);
}

/// Imports `managed`, which must fail, naming `word`, with the deleter called.
static void refuse(apus_dlpack_versioned managed, apus_status expected, const char *word) {
    apus_tensor *t = NULL;
    atomic_store(&deleted, 0);
    CHECK_STATUS(apus_tensor_from_dlpack_versioned(&t, &managed), expected);
    CHECK(t == NULL && atomic_load(&deleted) == 1);
    CHECK(strstr(apus_last_error(), word) != NULL);
    if (strstr(apus_last_error(), word) == NULL) printf("  '%s' is not in: %s\n", word, apus_last_error());
}

static void test_refusals(void) {
    apus_dlpack_versioned m = foreign();
    m.major = 2;
    refuse(m, APUS_STATUS_unsupported, "version 2.9");
    int64_t back[] = {-3, 1}, far[] = {INT64_MAX, INT64_MAX}, wide[] = {1, INT64_MAX / 6};
    m = foreign(), m.tensor.strides = back;
    refuse(m, APUS_STATUS_shape, "copy the data first");
    m = foreign(), m.tensor.strides = far;
    refuse(m, APUS_STATUS_overflow, "too large");
    m = foreign(), m.tensor.strides = wide;
    refuse(m, APUS_STATUS_overflow, "too large");
    m = foreign(), m.tensor.lanes = 4;
    refuse(m, APUS_STATUS_dtype, "4 lanes");
    m = foreign(), m.tensor.lanes = 0;
    refuse(m, APUS_STATUS_dtype, "0 lanes");
    m = foreign(), m.tensor.bits = 4;
    refuse(m, APUS_STATUS_dtype, "float (2) with 4 bits");
    m = foreign(), m.tensor.code = APUS_DLPACK_opaque;
    refuse(m, APUS_STATUS_dtype, "opaque");
    m = foreign(), m.tensor.code = 12, m.tensor.bits = 8;
    refuse(m, APUS_STATUS_dtype, "float8_e5m2");
    m = foreign(), m.tensor.code = 200;
    refuse(m, APUS_STATUS_dtype, "unknown (200)");
    m = foreign(), m.tensor.device_type = 2; // CUDA
    refuse(m, APUS_STATUS_device, "device type 2");
    m = foreign(), m.tensor.device_type = APUS_DLPACK_OPENCL;
    refuse(m, APUS_STATUS_device, "device type 4");
    m = foreign(), m.tensor.data = (char *)six + 1;
    refuse(m, APUS_STATUS_invalid_argument, "not aligned to 4 bytes");
    m = foreign(), m.tensor.byte_offset = 2;
    refuse(m, APUS_STATUS_invalid_argument, "not aligned");
    m = foreign(), m.tensor.byte_offset = UINT64_MAX - 3;
    refuse(m, APUS_STATUS_overflow, "offset");
    m = foreign(), m.tensor.data = NULL;
    refuse(m, APUS_STATUS_null_argument, "data");
    m = foreign(), m.tensor.shape = NULL;
    refuse(m, APUS_STATUS_null_argument, "shape");
    int64_t negative[] = {2, -3}, huge[] = {INT64_MAX, 4}, many[65] = {0};
    m = foreign(), m.tensor.shape = negative;
    refuse(m, APUS_STATUS_shape, "negative");
    m = foreign(), m.tensor.shape = huge;
    refuse(m, APUS_STATUS_overflow, "too large");
    m = foreign(), m.tensor.shape = many, m.tensor.rank = 65;
    refuse(m, APUS_STATUS_shape, "rank 65");
    m = foreign(), m.tensor.rank = -1;
    refuse(m, APUS_STATUS_shape, "rank -1");
}

static void test_arguments(void) {
    int64_t shape[] = {2};
    apus_tensor *t = NULL, *invalid = NULL;
    apus_dlpack_versioned *versioned = NULL;
    apus_dlpack_managed *managed = NULL;
    int32_t type = 0, index = -1;
    CHECK_OK(apus_tensor_empty(&t, APUS_DTYPE_uint8, 1, shape, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_invalid(&invalid));
    CHECK_STATUS(apus_tensor_to_dlpack_versioned(NULL, t, false), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_to_dlpack_versioned(&versioned, NULL, false), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_to_dlpack_versioned(&versioned, invalid, false), APUS_STATUS_device);
    CHECK_STATUS(apus_tensor_to_dlpack(NULL, t, false), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_to_dlpack(&managed, NULL, false), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_to_dlpack(&managed, invalid, true), APUS_STATUS_device);
    CHECK_STATUS(apus_tensor_from_dlpack(&t, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_from_dlpack_versioned(&t, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_dlpack_device(NULL, &index, t), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_dlpack_device(&type, NULL, t), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_dlpack_device(&type, &index, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_dlpack_device(&type, &index, invalid), APUS_STATUS_device);
    CHECK_OK(apus_tensor_dlpack_device(&type, &index, t));
    CHECK(type == APUS_DLPACK_CPU && index == 0 && versioned == NULL && managed == NULL);
    atomic_store(&deleted, 0);
    apus_dlpack_versioned m = foreign();
    apus_dlpack_managed legacy = {.tensor = m.tensor, .deleter = count_managed};
    CHECK_STATUS(apus_tensor_from_dlpack_versioned(NULL, &m), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_tensor_from_dlpack(NULL, &legacy), APUS_STATUS_null_argument);
    CHECK(atomic_load(&deleted) == 2);
    apus_tensor_release(t), apus_tensor_release(invalid);
}

/// Memory of an OpenCL device leaves by its handle, once all that was asked for is done.
static void test_device_export(void) {
    if (apus_opencl_device_count() == 0) {
        printf("test_dlpack: there is no OpenCL device, so none is exported\n");
        return;
    }
    const int64_t shape[] = {4, 4};
    const apus_scalar two = {.kind = APUS_SCALAR_int, .integer = 2};
    apus_tensor *whole = NULL, *t = NULL;
    apus_dlpack_versioned *managed = NULL;
    CHECK_OK(apus_tensor_full(&whole, APUS_DTYPE_float32, 2, shape, &two, APUS_DEVICE_OPENCL));
    CHECK_OK(apus_tensor_slice(&t, whole, 1, 3, 4, 1));
    CHECK_OK(apus_tensor_to_dlpack_versioned(&managed, t, false));
    CHECK(managed->tensor.device_type == APUS_DLPACK_OPENCL && managed->tensor.device_id == 0);
    CHECK(managed->tensor.data == apus_opencl_buffer(t) && managed->tensor.byte_offset == 12);
    CHECK(managed->tensor.shape[1] == 1 && managed->tensor.strides[0] == 4);
    apus_tensor_release(t);
    apus_tensor_release(whole);
    managed->deleter(managed);
}

// ---- Threads

enum { THREADS = 4, ROUNDS = 2000 };

/// Exports, imports and drops one shared tensor; the last owner may be any of the threads.
static void *round_trips(void *shared) {
    for (int i = 0; i < ROUNDS; i++) {
        apus_dlpack_versioned *managed = NULL;
        apus_tensor *t = NULL;
        if (apus_tensor_to_dlpack_versioned(&managed, shared, false) != APUS_STATUS_ok ||
            apus_tensor_from_dlpack_versioned(&t, managed) != APUS_STATUS_ok)
            return shared;
        apus_tensor_release(t);
    }
    apus_tensor_release(shared);
    return NULL;
}

static void test_threads(void) {
    atomic_store(&deleted, 0);
    apus_dlpack_versioned managed = foreign();
    apus_tensor *t = NULL;
    CHECK_OK(apus_tensor_from_dlpack_versioned(&t, &managed));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, round_trips, apus_tensor_retain(t)) == 0);
    apus_tensor_release(t);
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        CHECK(failed == NULL);
    }
    CHECK(atomic_load(&deleted) == 1);
}

int main(void) {
    test_every_dtype();
    test_layouts();
    test_scalars_and_empties();
    test_foreign();
    test_refusals();
    test_arguments();
    test_device_export();
    test_threads();
    check_no_leaks();
    return check_result("dlpack");
}
