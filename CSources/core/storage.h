// Storage: reference-counted memory on one device, and the caching allocator behind CPU storage.
#ifndef APUS_CORE_STORAGE_H
#define APUS_CORE_STORAGE_H

#include <stdatomic.h>

#include "apus/tensor.h"

/// CPU memory starts at a multiple of this, a cache line and the widest vector.
#define APUS__ALIGNMENT 64

typedef struct apus_storage {
    atomic_int references;
    apus_device device;
    bool read_only;
    atomic_uint_fast64_t version; ///< writes so far; views of one storage share it
    void *data;                   ///< host memory, or the device's own handle
    size_t bytes;                 ///< what tensors may use
    size_t capacity;              ///< what the allocator gave; 0 for foreign memory
    apus_deleter deleter;         ///< foreign memory only
    void *payload;
    bool is_checked; ///< the next two hold what the latest write check saw
    uint64_t checksum, checked_version;
} apus_storage;

/// Drops one of the references; returns whether it was the last. An only owner need not count down, since nobody is
/// left who could count up: that spares small operators a locked instruction.
static inline bool apus__drop_reference(atomic_int *references) {
    return atomic_load_explicit(references, memory_order_acquire) == 1 ||
           atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}

/// New memory of at least `bytes` on `device`.
apus_status apus__storage_new(apus_storage **out, size_t bytes, apus_device device);
/// Foreign memory, of the host unless `device` says otherwise; `deleter` runs when the last reference goes (not when
/// this call fails).
apus_status apus__storage_wrap(apus_storage **out, void *data, size_t bytes, apus_device device, bool read_only,
                               apus_deleter deleter, void *payload);
apus_storage *apus__storage_retain(apus_storage *storage);
void apus__storage_release(apus_storage *storage);

/// Counts a write when the content of CPU storage changed since this was called last and no counted write explains it.
void apus__count_outside_writes(apus_storage *storage);

#endif
