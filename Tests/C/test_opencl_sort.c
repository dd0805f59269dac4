// Sorting, topk and kthvalue on OpenCL devices against the CPU's, element by element and index by index.
#include "check_opencl.h"

/// With equal elements; floats with NaN, infinities and both zeros.
static operand make(apus_dtype dtype, int32_t rank, const int64_t *shape) {
    operand o = check_operand(dtype, rank, shape, -40, 40);
    if (!apus_dtype_is_floating_point(dtype)) return o;
    static const double specials[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1};
    for (int64_t i = 0; i < 6; i++) {
        const int64_t count = apus_tensor_numel(o.cpu);
        apus_tensor *const sides[] = {o.cpu, o.device};
        for (int s = 0; s < 2; s++) {
            apus_tensor *flat = NULL, *some = NULL;
            const apus_scalar value = {.kind = APUS_SCALAR_float, .real = specials[i]};
            CHECK_OK(apus_tensor_reshape(&flat, sides[s], 1, &count));
            CHECK_OK(apus_tensor_slice(&some, flat, 0, 7 * i + 1, INT64_MAX, 61));
            CHECK_OK(apus_tensor_fill(some, &value));
            apus_tensor_release(flat);
            apus_tensor_release(some);
        }
    }
    return o;
}

/// A bitwise comparison would ask for one NaN's bits: both sides hold the same.
static void check_pair(const char *what, operand values, operand indices) {
    check_result_pair(what, values, 0);
    check_result_pair(what, indices, 0);
}

static void check_rows(operand x, int32_t dim, bool down) {
    int64_t length = apus_tensor_shape(x.cpu)[dim];
    operand values = {NULL, NULL}, indices = {NULL, NULL};
    CHECK_OK(apus_sort(&values.cpu, &indices.cpu, x.cpu, dim, down, true));
    CHECK_OK(apus_sort(&values.device, &indices.device, x.device, dim, down, true));
    check_pair("sort", values, indices);
    const int64_t ks[] = {1, 5, length / 2, length};
    for (int i = 0; i < 4; i++) {
        if (ks[i] < 1 || ks[i] > length) continue;
        values = indices = (operand){NULL, NULL};
        CHECK_OK(apus_topk(&values.cpu, &indices.cpu, x.cpu, ks[i], dim, down, true));
        CHECK_OK(apus_topk(&values.device, &indices.device, x.device, ks[i], dim, down, true));
        check_pair("topk", values, indices);
        values = indices = (operand){NULL, NULL};
        CHECK_OK(apus_kthvalue(&values.cpu, &indices.cpu, x.cpu, ks[i], dim, down));
        CHECK_OK(apus_kthvalue(&values.device, &indices.device, x.device, ks[i], dim, down));
        check_pair("kthvalue", values, indices);
    }
}

static void check_shape(apus_dtype dtype, int32_t rank, const int64_t *shape, bool turned) {
    operand x = make(dtype, rank, shape);
    if (turned) x = check_transpose(check_slice(x, 0, 1), 0, rank - 1);
    for (int32_t dim = 0; dim < rank; dim++) check_rows(x, dim, (dim + turned) % 2 == 0);
    check_release(x);
}

int main(void) {
    if (!check_opencl_begin("test_opencl_sort")) return 0;
    static const int64_t small[] = {3, 70, 5}, rows[] = {40, 300}, one[] = {1, 1}, longer[] = {2, 1500};
    static const apus_dtype dtypes[] = {APUS_DTYPE_bool,   APUS_DTYPE_uint8,   APUS_DTYPE_uint16,   APUS_DTYPE_uint32,
                                        APUS_DTYPE_uint64, APUS_DTYPE_int8,    APUS_DTYPE_int16,    APUS_DTYPE_int32,
                                        APUS_DTYPE_int64,  APUS_DTYPE_float16, APUS_DTYPE_bfloat16, APUS_DTYPE_float32,
                                        APUS_DTYPE_float64};
    for (int k = 0; k < (int)(sizeof dtypes / sizeof *dtypes); k++) {
        bool simulated = check_is_simulated(); // two dtypes, then
        if (!check_computes(dtypes[k]) ||
            (simulated && dtypes[k] != APUS_DTYPE_uint8 && dtypes[k] != APUS_DTYPE_float32))
            continue;
        for (int turned = 0; turned < 2; turned++) {
            check_shape(dtypes[k], 3, small, turned);
            check_shape(dtypes[k], 2, rows, turned);
            if (!turned) check_shape(dtypes[k], 2, one, false);
            if (k >= 9 && !simulated) check_shape(dtypes[k], 2, longer, turned);
        }
    }
    if (!check_is_simulated()) {
        // Blocks of the CPU class, several of them.
        static const int64_t huge[] = {2, 200001};
        const apus_dtype wide[] = {APUS_DTYPE_float32, APUS_DTYPE_int64};
        for (int k = 0; k < 2; k++) {
            operand x = make(wide[k], 2, huge);
            check_rows(x, 1, k == 0);
            check_release(x);
        }
    }
    return check_opencl_end("test_opencl_sort");
}
