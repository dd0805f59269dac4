// A device is a table of tables of functions, one table an operator family. ops/ decides shapes and dtypes and calls
// through it; the device sees buffers, counts and strides.
#ifndef APUS_DEVICE_DEVICE_H
#define APUS_DEVICE_DEVICE_H

#include "core/plan.h"

struct apus__elementwise_table;
struct apus__reduce_table;
struct apus__matmul_table;
struct apus__conv_table;
struct apus__pool_table;
struct apus__norm_table;
struct apus__index_table;
struct apus__random_table;
struct apus__optim_table;
struct apus__sort_table;
struct apus__attention_table;

typedef struct apus__device_table {
    const char *name;
    apus_status (*allocate)(apus_storage *storage, size_t bytes); ///< sets data and capacity
    void (*deallocate)(apus_storage *storage);
    apus_status (*write)(apus_storage *storage, size_t offset, const void *host, size_t bytes);
    apus_status (*read)(const apus_storage *storage, size_t offset, void *host, size_t bytes);
    bool (*computes)(const apus_storage *storage, apus_dtype dtype); ///< whether its kernels do
    const struct apus__elementwise_table *elementwise;
    const struct apus__reduce_table *reduce;
    const struct apus__matmul_table *matmul;
    const struct apus__conv_table *conv;
    const struct apus__pool_table *pool;
    const struct apus__norm_table *norm;
    const struct apus__index_table *index;
    const struct apus__random_table *random;
    const struct apus__optim_table *optim;
    const struct apus__sort_table *sort;
    const struct apus__attention_table *attention;
} apus__device_table;

/// The table of a device, or an error that names it where there is none.
apus_status apus__device_find(const apus__device_table **out, apus_device device);
/// The table of a device that a live tensor is on.
const apus__device_table *apus__device_of(const apus_tensor *t);

extern const apus__device_table apus__cpu;

#endif
