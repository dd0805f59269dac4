// Where a kernel's array starts: a storage of its device and an offset in elements.
#ifndef APUS_DEVICE_BUFFER_H
#define APUS_DEVICE_BUFFER_H

#include "core/tensor.h"

typedef struct apus__buffer {
    apus_storage *storage; ///< NULL where there is no such operand
    int64_t offset;
} apus__buffer;

/// The buffer under t; none for NULL.
static inline apus__buffer apus__buffer_of(const apus_tensor *t) {
    return t == NULL ? (apus__buffer){NULL, 0} : (apus__buffer){t->storage, t->offset};
}

/// The first element in host memory, NULL where there is none. CPU buffers only.
static inline void *apus__buffer_host(apus__buffer buffer, apus_dtype dtype) {
    return buffer.storage == NULL ? NULL
                                  : (char *)buffer.storage->data + buffer.offset * (int64_t)apus_dtype_size(dtype);
}

#endif
