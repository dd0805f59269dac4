// The CPU as a device.
#include <string.h>

#include "core/error.h"
#include "cpu/allocator.h"
#include "device/device.h"

static apus_status allocate(apus_storage *storage, size_t bytes) {
    storage->data = apus__cpu_allocate(bytes, &storage->capacity);
    if (storage->data != NULL) return APUS_STATUS_ok;
    apus_memory_stats stats;
    APUS_TRY(apus_cpu_memory_stats(&stats));
    return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot allocate %zu bytes on cpu (%lld in use)", bytes,
                      (long long)stats.in_use);
}

static void deallocate(apus_storage *storage) { apus__cpu_free(storage->data, storage->capacity); }

static apus_status write_host(apus_storage *storage, size_t offset, const void *host, size_t bytes) {
    if (bytes != 0) memcpy((char *)storage->data + offset, host, bytes);
    return APUS_STATUS_ok;
}

static apus_status read_host(const apus_storage *storage, size_t offset, void *host, size_t bytes) {
    if (bytes != 0) memcpy(host, (const char *)storage->data + offset, bytes);
    return APUS_STATUS_ok;
}

extern const struct apus__elementwise_table apus__cpu_elementwise;
extern const struct apus__reduce_table apus__cpu_reduce;
extern const struct apus__matmul_table apus__cpu_matmul;
extern const struct apus__conv_table apus__cpu_conv;
extern const struct apus__pool_table apus__cpu_pool;
extern const struct apus__norm_table apus__cpu_norm;
extern const struct apus__index_table apus__cpu_index;
extern const struct apus__random_table apus__cpu_random;
extern const struct apus__optim_table apus__cpu_optim;
extern const struct apus__sort_table apus__cpu_sort;
extern const struct apus__attention_table apus__cpu_attention;

static bool computes(const apus_storage *storage, apus_dtype dtype) {
    (void)storage;
    (void)dtype;
    return true;
}

const apus__device_table apus__cpu = {
    .name = "cpu",
    .allocate = allocate,
    .deallocate = deallocate,
    .write = write_host,
    .read = read_host,
    .computes = computes,
    .elementwise = &apus__cpu_elementwise,
    .reduce = &apus__cpu_reduce,
    .matmul = &apus__cpu_matmul,
    .conv = &apus__cpu_conv,
    .pool = &apus__cpu_pool,
    .norm = &apus__cpu_norm,
    .index = &apus__cpu_index,
    .random = &apus__cpu_random,
    .optim = &apus__cpu_optim,
    .sort = &apus__cpu_sort,
    .attention = &apus__cpu_attention,
};
