// Fresh memory is dear: the kernel hands out zeroed pages one fault at a time, which costs an elementwise operator ten
// times its own work. So freed blocks are kept, in size classes 1/16 of a power of two apart, and handed out again.
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "cpu/allocator.h"

#include <pthread.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#include <unistd.h>

#include "apus/base.h"
#include "core/storage.h"

enum {
    HUGE_PAGE = 2 * 1024 * 1024,
    CLASS_COUNT = 64 * 16,
};

typedef struct free_block {
    struct free_block *next;
} free_block;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static free_block *free_lists[CLASS_COUNT];
static int64_t cached_bytes, cache_limit, hit_count;

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }

static void initialise(void) {
    const char *limit = getenv("APUS_CPU_CACHE_LIMIT");
    if (limit != NULL)
        cache_limit = strtoll(limit, NULL, 10);
    else
        cache_limit = (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE) / 4;
    pthread_atfork(before_fork, after_fork, after_fork);
}

bool apus__cpu_caching(void) {
    pthread_once(&once, initialise);
    return cache_limit > 0;
}

/// The class whose size is the least one >= bytes, which must be at least 16: 16 steps to each power of two.
static int size_class(size_t bytes, size_t *rounded) {
    int exponent = 63 - __builtin_clzll((unsigned long long)bytes);
    size_t step = (size_t)1 << (exponent - 4);
    *rounded = (bytes + step - 1) & ~(step - 1);
    exponent = 63 - __builtin_clzll((unsigned long long)*rounded);
    return exponent * 16 + (int)((*rounded >> (exponent - 4)) & 15);
}

void apus__cpu_prefer_huge_pages(void *data, size_t bytes) {
#if defined(__linux__)
    char *start = (char *)(((uintptr_t)data + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1)),
         *end = (char *)data + bytes;
    if (bytes >= APUS__HUGE_FROM) madvise(start, (size_t)(end - start), MADV_HUGEPAGE);
#else
    (void)data, (void)bytes;
#endif
}

static void *system_allocate(size_t bytes) {
    void *data = NULL;
    size_t alignment = bytes >= APUS__HUGE_FROM ? HUGE_PAGE : APUS__ALIGNMENT;
    if (posix_memalign(&data, alignment, bytes) != 0) return NULL;
    apus__cpu_prefer_huge_pages(data, bytes);
    return data;
}

static void *take_cached(size_t capacity, int index) {
    pthread_mutex_lock(&lock);
    free_block *block = free_lists[index];
    if (block != NULL) {
        free_lists[index] = block->next;
        cached_bytes -= (int64_t)capacity;
        hit_count++;
    }
    pthread_mutex_unlock(&lock);
    return block;
}

void *apus__cpu_allocate(size_t bytes, size_t *capacity) {
    *capacity = bytes < APUS__ALIGNMENT ? APUS__ALIGNMENT : bytes;
    if (!apus__cpu_caching()) return system_allocate(*capacity);
    // Rounding up could pass the largest size; such a request fails all the same.
    if (bytes > PTRDIFF_MAX / 2) return NULL;
    int index = size_class(*capacity, capacity);
    void *data = take_cached(*capacity, index);
    if (data == NULL) data = system_allocate(*capacity);
    if (data != NULL) return data;
    apus_cpu_empty_cache();
    return system_allocate(*capacity);
}

void apus__cpu_free(void *data, size_t capacity) {
    bool kept = false;
    if (apus__cpu_caching()) {
        size_t rounded;
        int index = size_class(capacity, &rounded);
        pthread_mutex_lock(&lock);
        if (cached_bytes + (int64_t)capacity <= cache_limit) {
            free_block *block = data;
            block->next = free_lists[index];
            free_lists[index] = block;
            cached_bytes += (int64_t)capacity;
            kept = true;
        }
        pthread_mutex_unlock(&lock);
    }
    if (!kept) free(data);
}

void apus_cpu_empty_cache(void) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < CLASS_COUNT; i++) {
        while (free_lists[i] != NULL) {
            free_block *block = free_lists[i];
            free_lists[i] = block->next;
            free(block);
        }
    }
    cached_bytes = 0;
    pthread_mutex_unlock(&lock);
}

void apus__cpu_cache_stats(int64_t *bytes, int64_t *hits) {
    pthread_mutex_lock(&lock);
    *bytes = cached_bytes;
    *hits = hit_count;
    pthread_mutex_unlock(&lock);
}
