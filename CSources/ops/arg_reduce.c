// The greatest or least element along a dim and where it stands: shape and dtype rules.
#include "apus/reduce.h"
#include "device/device.h"
#include "ops/lanes.h"
#include "ops/store.h"

/// x in the dtype that is searched in, contiguous. Truth values are bytes already.
static apus_status prepare(apus_tensor **packed, const apus_tensor *x) {
    return apus__contiguous_as(packed, x, apus__compute_dtype(x->dtype));
}

static apus_status search(apus_tensor *values, apus_tensor *indices, bool smallest, const apus_tensor *packed,
                          int32_t dim) {
    if (packed->numel == 0) return APUS_STATUS_ok;
    apus__lanes lanes = apus__lanes_of(packed, dim);
    if (lanes.dtype == APUS_DTYPE_bool) lanes.dtype = APUS_DTYPE_uint8;
    return apus__device_of(packed)->reduce->arg(&lanes, smallest, apus__buffer_of(values), apus__buffer_of(indices),
                                                apus__buffer_of(packed));
}

apus_status apus_arg_reduce(apus_tensor **values, apus_tensor **indices, bool smallest, const apus_tensor *x,
                            int32_t dim, bool keep_dim) {
    const char *op = "arg_reduce";
    APUS_REQUIRE(op, x);
    apus_device device;
    APUS_TRY(apus__same_device(op, &device, &x, 1));
    APUS_TRY(apus__normalize_dim(op, &dim, x->rank));
    apus__text text;
    if (apus_dtype_is_complex(x->dtype))
        return apus__fail(APUS_STATUS_dtype, "%s: complex numbers have no order, got %s", op, apus__describe(&text, x));
    if (x->rank > 0 && x->shape[dim] == 0)
        return apus__fail(APUS_STATUS_shape, "%s: there is none of no elements along dim %d of %s", op, dim,
                          apus__describe(&text, x));
    int32_t rank = 0;
    int64_t shape[APUS_MAX_RANK];
    for (int32_t d = 0; d < x->rank; d++)
        if (d != dim || keep_dim) shape[rank++] = d == dim ? 1 : x->shape[d];
    apus_tensor *packed = NULL, *best = NULL, *places = NULL;
    apus_status status = prepare(&packed, x);
    if (status == APUS_STATUS_ok) status = apus__tensor_new(&best, op, packed->dtype, rank, shape, device);
    if (status == APUS_STATUS_ok) status = apus__tensor_new(&places, op, APUS_DTYPE_int64, rank, shape, device);
    if (status == APUS_STATUS_ok) status = search(best, places, smallest, packed, dim);
    apus_tensor_release(packed);
    bool made_values = values != NULL && *values == NULL;
    status = apus__deliver(op, values, x->dtype, best, status);
    status = apus__deliver(op, indices, APUS_DTYPE_int64, places, status);
    if (status != APUS_STATUS_ok && made_values) {
        apus_tensor_release(*values);
        *values = NULL;
    }
    return status;
}
