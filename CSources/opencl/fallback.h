// Operators that the device lacks run on the CPU: operands are seen in host memory while the CPU's function works on
// them. Counted by name, refused in strict mode; see apus/opencl.h. No family of
// today needs this; one would write:
//
//     apus__fallback f;
//     apus__buffer out_there = out, x_there = x;
//     APUS_TRY(apus__fallback_begin(&f, "cholesky"));
//     apus_status status = apus__fallback_see(&f, &out_there.storage, true);
//     if (status == APUS_STATUS_ok) status = apus__fallback_see(&f, &x_there.storage, false);
//     if (status == APUS_STATUS_ok) status = apus__cpu_linalg.cholesky(out_there, x_there);
//     return apus__fallback_end(&f, status);
#ifndef APUS_OPENCL_FALLBACK_H
#define APUS_OPENCL_FALLBACK_H

#include "device/buffer.h"

enum { APUS__FALLBACK_OPERANDS = 10 };

/// The storages of one operator, seen from the host.
typedef struct apus__fallback {
    int32_t count;
    struct {
        apus_storage *storage; ///< on the device
        apus_storage host;     ///< the same bytes
        bool written, mapped;
    } operands[APUS__FALLBACK_OPERANDS];
} apus__fallback;

/// Counts `name`, or fails in strict mode.
apus_status apus__fallback_begin(apus__fallback *f, const char *name);
/// Replaces *storage, where it is on a device, by its host image. One storage has one image.
apus_status apus__fallback_see(apus__fallback *f, apus_storage **storage, bool written);
/// Writes back what may have been written and gives the images up. Returns `status`, or its own failure.
apus_status apus__fallback_end(apus__fallback *f, apus_status status);

#endif
