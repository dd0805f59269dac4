// Storage: making, sharing, counting.
#include "core/storage.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "cpu/allocator.h"
#include "device/device.h"
#include "opencl/opencl.h"

enum { SMALL_BYTES = 4096 }; // up to here data follows the header in one malloc, which the C library serves well

static atomic_int_least64_t in_use, peak, made, freed;

static void count_new(const apus_storage *storage) {
    if (storage->device != APUS_DEVICE_CPU) return;
    int64_t now =
        atomic_fetch_add_explicit(&in_use, (int64_t)storage->bytes, memory_order_relaxed) + (int64_t)storage->bytes;
    int64_t seen = atomic_load_explicit(&peak, memory_order_relaxed);
    while (now > seen &&
           !atomic_compare_exchange_weak_explicit(&peak, &seen, now, memory_order_relaxed, memory_order_relaxed)) {
    }
    atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
}

static void count_gone(const apus_storage *storage) {
    if (storage->device != APUS_DEVICE_CPU) return;
    atomic_fetch_sub_explicit(&in_use, (int64_t)storage->bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&freed, 1, memory_order_relaxed);
}

static void set_header(apus_storage *storage, size_t bytes, apus_device device) {
    memset(storage, 0, sizeof *storage);
    atomic_init(&storage->references, 1);
    storage->device = device;
    storage->bytes = bytes;
}

/// Header and data in one block; `capacity` 0 says that data needs no freeing of its own.
static apus_storage *new_small(size_t bytes) {
    apus_storage *storage = malloc(sizeof *storage + APUS__ALIGNMENT + bytes);
    if (storage == NULL) return NULL;
    set_header(storage, bytes, APUS_DEVICE_CPU);
    uintptr_t end = (uintptr_t)(storage + 1);
    storage->data = (void *)((end + APUS__ALIGNMENT - 1) & ~(uintptr_t)(APUS__ALIGNMENT - 1));
    return storage;
}

apus_status apus__storage_new(apus_storage **out, size_t bytes, apus_device device) {
    apus_storage *storage = NULL;
    if (device == APUS_DEVICE_CPU && bytes <= SMALL_BYTES && apus__cpu_caching()) {
        storage = new_small(bytes);
        if (storage == NULL)
            return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot allocate %zu bytes", bytes);
    } else {
        const apus__device_table *table;
        APUS_TRY(apus__device_find(&table, device));
        storage = malloc(sizeof *storage);
        if (storage == NULL)
            return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot allocate %zu bytes", bytes);
        set_header(storage, bytes, device);
        apus_status status = table->allocate(storage, bytes);
        if (status != APUS_STATUS_ok) {
            free(storage);
            return status;
        }
    }
    count_new(storage);
    *out = storage;
    return APUS_STATUS_ok;
}

apus_status apus__storage_wrap(apus_storage **out, void *data, size_t bytes, apus_device device, bool read_only,
                               apus_deleter deleter, void *payload) {
    apus_storage *storage = malloc(sizeof *storage);
    if (storage == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot wrap %zu bytes", bytes);
    set_header(storage, bytes, device);
    storage->data = data;
    storage->read_only = read_only;
    storage->deleter = deleter;
    storage->payload = payload;
    count_new(storage);
    *out = storage;
    return APUS_STATUS_ok;
}

apus_storage *apus__storage_retain(apus_storage *storage) {
    atomic_fetch_add_explicit(&storage->references, 1, memory_order_relaxed);
    return storage;
}

void apus__storage_release(apus_storage *storage) {
    if (storage == NULL || !apus__drop_reference(&storage->references)) return;
    count_gone(storage);
    if (storage->deleter != NULL) storage->deleter(storage->payload);
    // Not through apus__device_find, which may refuse a device on which memory is still to be freed.
    if (storage->capacity != 0)
        (storage->device >= APUS_DEVICE_OPENCL ? &apus__opencl : &apus__cpu)->deallocate(storage);
    free(storage);
}

apus_status apus_cpu_memory_stats(apus_memory_stats *out) {
    APUS_REQUIRE("memory_stats", out);
    out->in_use = atomic_load(&in_use);
    out->peak = atomic_load(&peak);
    int64_t gone = atomic_load(&freed); // before `made`, so that the difference is not negative
    out->allocations = atomic_load(&made);
    out->count = out->allocations - gone;
    apus__cpu_cache_stats(&out->cached, &out->cache_hits);
    return APUS_STATUS_ok;
}

void apus_cpu_reset_peak(void) { atomic_store(&peak, atomic_load(&in_use)); }
