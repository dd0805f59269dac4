// Running sums and products: shape and dtype rules.
#include "apus/reduce.h"
#include "device/device.h"
#include "ops/lanes.h"
#include "ops/store.h"

static const char *const names[] = {"cumsum", "cumprod"};

/// x is of a dtype that is computed in.
static apus_status scan(apus_tensor **out, apus_scan_op op, const apus_tensor *x, int32_t dim) {
    apus__output output;
    APUS_TRY(apus__output_begin(&output, names[op], out, APUS__OUTPUT_CONTIGUOUS, x->dtype, x->rank, x->shape,
                                x->storage->device, &x, 1));
    if (x->numel == 0) return apus__output_end(&output, APUS_STATUS_ok);
    apus_tensor *packed = NULL;
    apus_status status = apus__contiguous_as(&packed, x, x->dtype);
    if (status == APUS_STATUS_ok) {
        const apus__lanes lanes = apus__lanes_of(packed, dim);
        status = apus__device_of(x)->reduce->scan(&lanes, op, apus__buffer_of(output.tensor), apus__buffer_of(packed));
    }
    apus_tensor_release(packed);
    return apus__output_end(&output, status);
}

apus_status apus_scan(apus_tensor **out, apus_scan_op op, const apus_tensor *x, int32_t dim) {
    APUS_REQUIRE("scan", out);
    APUS_REQUIRE("scan", x);
    if ((unsigned)op > APUS_SCAN_prod)
        return apus__fail(APUS_STATUS_invalid_argument, "scan: there is no operator %d", (int)op);
    apus_device device;
    APUS_TRY(apus__same_device(names[op], &device, &x, 1));
    APUS_TRY(apus__normalize_dim(names[op], &dim, x->rank));
    apus_dtype result = apus__is_integral(x->dtype) ? APUS_DTYPE_int64 : x->dtype;
    apus_dtype compute = apus__compute_dtype(result);
    if (x->dtype == compute) return scan(out, op, x, dim);
    apus_tensor *wide, *value = NULL;
    APUS_TRY(apus__contiguous_as(&wide, x, compute));
    apus_status status = scan(result == compute ? out : &value, op, wide, dim);
    if (status == APUS_STATUS_ok && result != compute) status = apus__store_as(names[op], out, result, value);
    apus_tensor_release(wide);
    apus_tensor_release(value);
    return status;
}
