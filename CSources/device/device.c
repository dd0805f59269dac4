#include "device/device.h"

#include "core/error.h"
#include "opencl/opencl.h"

apus_status apus__device_find(const apus__device_table **out, apus_device device) {
    if (device == APUS_DEVICE_CPU) {
        *out = &apus__cpu;
        return APUS_STATUS_ok;
    }
    if (device == APUS_DEVICE_NONE)
        return apus__fail(APUS_STATUS_device, "the tensor is invalid: an earlier operator failed");
    if (device >= APUS_DEVICE_OPENCL && device < 2 * APUS_DEVICE_OPENCL) return apus__opencl_find(out, device);
    return apus__fail(APUS_STATUS_device, "device %d:%d is not available", device / APUS_DEVICE_OPENCL,
                      device % APUS_DEVICE_OPENCL);
}

const apus__device_table *apus__device_of(const apus_tensor *t) {
    return t->storage->device >= APUS_DEVICE_OPENCL ? &apus__opencl : &apus__cpu;
}
