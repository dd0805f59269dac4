// Finding writes that go past the library, by the content of storages; see apus_set_write_checks.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/tensor.h"

enum { UNKNOWN = -1, OFF, ON };

static atomic_int mode = UNKNOWN;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool apus_write_checks(void) {
    int now = atomic_load_explicit(&mode, memory_order_relaxed);
    if (now != UNKNOWN) return now == ON;
    const char *wish = getenv("APUS_CHECK_WRITES");
    int expected = UNKNOWN, start = wish != NULL && strcmp(wish, "1") == 0 ? ON : OFF;
    atomic_compare_exchange_strong(&mode, &expected, start);
    return atomic_load_explicit(&mode, memory_order_relaxed) == ON;
}

void apus_set_write_checks(bool on) { atomic_store(&mode, on ? ON : OFF); }

/// A checksum in which every byte counts with its place.
static uint64_t checksum(const char *data, size_t bytes) {
    uint64_t sum = bytes, word = 0;
    for (; bytes >= sizeof word; data += sizeof word, bytes -= sizeof word) {
        memcpy(&word, data, sizeof word);
        sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
        sum ^= sum >> 29;
    }
    word = 0;
    if (bytes > 0) memcpy(&word, data, bytes);
    return (sum ^ word) * 0x9E3779B97F4A7C15u;
}

void apus__count_outside_writes(apus_storage *storage) {
    if (storage->device != APUS_DEVICE_CPU || storage->bytes == 0) return;
    pthread_mutex_lock(&lock);
    uint64_t sum = checksum(storage->data, storage->bytes);
    uint64_t version = atomic_load_explicit(&storage->version, memory_order_relaxed);
    // A counted write explains any change; one that was not counted is a write now.
    if (storage->is_checked && storage->checked_version == version && storage->checksum != sum)
        version = atomic_fetch_add_explicit(&storage->version, 1, memory_order_relaxed) + 1;
    storage->is_checked = true;
    storage->checked_version = version;
    storage->checksum = sum;
    pthread_mutex_unlock(&lock);
}
