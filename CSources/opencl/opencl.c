// OpenCL devices as the rest of the library sees them. One table serves all of them: storages say which.
#include "opencl/opencl.h"

#include "device/attention.h"
#include "device/conv.h"
#include "device/device.h"
#include "device/elementwise.h"
#include "device/index.h"
#include "device/matmul.h"
#include "device/norm.h"
#include "device/optim.h"
#include "device/pool.h"
#include "device/random.h"
#include "device/reduce.h"
#include "device/sort.h"
#include "opencl/launch.h"

static apus_status allocate(apus_storage *storage, size_t bytes) {
    apus__cl_device *d;
    APUS_TRY(apus__cl_device_open(&d, storage->device - APUS_DEVICE_OPENCL));
    if (bytes == 0) return APUS_STATUS_ok; // no driver makes an empty buffer
    cl_mem memory;
    pthread_mutex_lock(&d->mutex);
    apus_status status = apus__cl_allocate(d, bytes, &memory, &storage->capacity);
    pthread_mutex_unlock(&d->mutex);
    if (status == APUS_STATUS_ok) storage->data = memory;
    return status;
}

static void deallocate(apus_storage *storage) {
    // A child of fork() keeps its copy of the handle; the buffer is its parent's.
    if (apus__cl_is_forked()) return;
    apus__cl_device *d = apus__cl_device_of(storage);
    pthread_mutex_lock(&d->mutex);
    apus__cl_deallocate(d, storage->data, storage->capacity);
    pthread_mutex_unlock(&d->mutex);
}

static bool computes(const apus_storage *storage, apus_dtype dtype) {
    bool is_double = dtype == APUS_DTYPE_float64 || dtype == APUS_DTYPE_complex128;
    return !is_double || apus__cl_device_of(storage)->info.has_float64;
}

extern const apus__elementwise_table apus__cl_elementwise_table;
extern const apus__matmul_table apus__cl_matmul_table;
extern const apus__pool_table apus__cl_pool_table;
extern const apus__conv_table apus__cl_conv_table;
extern const apus__norm_table apus__cl_norm_table;
extern const apus__reduce_table apus__cl_reduce_table;
extern const apus__index_table apus__cl_index_table;
extern const apus__optim_table apus__cl_optim_table;
extern const apus__random_table apus__cl_random_table;
extern const apus__sort_table apus__cl_sort_table;
extern const apus__attention_table apus__cl_attention_table;

const apus__device_table apus__opencl = {
    .name = "opencl",
    .allocate = allocate,
    .deallocate = deallocate,
    .write = apus__cl_write,
    .read = apus__cl_read,
    .computes = computes,
    .elementwise = &apus__cl_elementwise_table,
    .reduce = &apus__cl_reduce_table,
    .matmul = &apus__cl_matmul_table,
    .conv = &apus__cl_conv_table,
    .pool = &apus__cl_pool_table,
    .norm = &apus__cl_norm_table,
    .index = &apus__cl_index_table,
    .random = &apus__cl_random_table,
    .optim = &apus__cl_optim_table,
    .sort = &apus__cl_sort_table,
    .attention = &apus__cl_attention_table,
};

apus_status apus__opencl_find(const apus__device_table **out, apus_device device) {
    apus__cl_device *d;
    APUS_TRY(apus__cl_device_open(&d, device - APUS_DEVICE_OPENCL));
    *out = &apus__opencl;
    return APUS_STATUS_ok;
}
