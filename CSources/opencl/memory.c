// Device memory: a pool of buffers with its own accounting, since drivers report nothing and allocate lazily.
#include <stdlib.h>

#include "cpu/allocator.h"
#include "opencl/device.h"

enum { SMALL_STEP = 512, SMALL_BYTES = APUS__CL_SMALL_LISTS * SMALL_STEP, MANTISSA_BITS = 4, SMALL_OCTAVES = 20 };

/// The list that serves a size, and the size that its buffers have: at most a sixteenth more than was asked for.
static int32_t list_of(size_t bytes, size_t *capacity) {
    if (bytes <= SMALL_BYTES) {
        size_t steps = (bytes + SMALL_STEP - 1) / SMALL_STEP;
        *capacity = steps * SMALL_STEP;
        return (int32_t)steps - 1;
    }
    int octave = 63 - __builtin_clzll(bytes), shift = octave - MANTISSA_BITS;
    size_t rounded = (bytes + ((size_t)1 << shift) - 1) >> shift; // 16 to 32, the last being 16 of the next octave
    *capacity = rounded << shift;
    return APUS__CL_SMALL_LISTS + (octave - SMALL_OCTAVES) * 16 + (int32_t)rounded - 16;
}

static void drop_list(apus__cl_device *d, int32_t list) {
    while (d->pool.free[list] != NULL) {
        apus__cl_block *block = d->pool.free[list];
        d->pool.free[list] = block->next;
        d->pool.stats.cached -= (int64_t)block->capacity;
        (void)apus__cl()->ReleaseMemObject(block->memory); // once the commands that use it are done
        free(block);
    }
}

/// Drops held buffers, the largest first, until `bytes` more fit.
static void make_room(apus__cl_device *d, int64_t bytes) {
    apus__cl_pool *p = &d->pool;
    for (int32_t list = APUS__CL_LISTS - 1; list >= 0 && p->stats.in_use + p->stats.cached + bytes > p->limit; list--)
        drop_list(d, list);
}

static bool take_held(apus__cl_device *d, int32_t list, cl_mem *memory) {
    apus__cl_block *block = d->pool.free[list];
    if (block == NULL) return false;
    d->pool.free[list] = block->next;
    d->pool.stats.cached -= (int64_t)block->capacity;
    d->pool.stats.cache_hits++;
    *memory = block->memory;
    free(block);
    return true;
}

/// Where the processor is the device, columns of large matrices take a page a row, which small pages make slow.
static void prefer_huge_pages(apus__cl_device *d, size_t bytes, cl_mem memory) {
    if (bytes < APUS__HUGE_FROM) return;
    cl_int code;
    // Its address is known at once; nothing is read or written.
    void *data = apus__cl()->EnqueueMapBuffer(d->queue, memory, CL_FALSE, CL_MAP_READ | CL_MAP_WRITE, 0, bytes, 0, NULL,
                                              NULL, &code);
    if (code != CL_SUCCESS) return;
    apus__cpu_prefer_huge_pages(data, bytes);
    (void)apus__cl()->EnqueueUnmapMemObject(d->queue, memory, data, 0, NULL, NULL);
}

static cl_int create(apus__cl_device *d, size_t capacity, cl_mem *memory) {
    cl_int code;
    *memory = apus__cl()->CreateBuffer(d->context, CL_MEM_READ_WRITE, capacity, NULL, &code);
    if (code == CL_SUCCESS && d->info.is_cpu) prefer_huge_pages(d, capacity, *memory);
    return code;
}

/// A new buffer: when there is no room, once more after held buffers are gone and the device is idle.
static apus_status create_or_retry(apus__cl_device *d, size_t bytes, size_t capacity, cl_mem *memory) {
    const apus__cl_pool *p = &d->pool;
    bool fits = capacity <= d->max_allocation && p->stats.in_use + (int64_t)capacity <= p->limit;
    cl_int code = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    if (fits) {
        make_room(d, (int64_t)capacity);
        code = create(d, capacity, memory);
    }
    if (fits && code != CL_SUCCESS && apus__cl_is_memory_error(code)) {
        for (int32_t list = 0; list < APUS__CL_LISTS; list++) drop_list(d, list);
        (void)apus__cl()->Finish(d->queue);
        code = create(d, capacity, memory);
    }
    if (code == CL_SUCCESS) return APUS_STATUS_ok;
    if (!apus__cl_is_memory_error(code)) return apus__cl_fail("clCreateBuffer", code);
    return apus__fail(APUS_STATUS_out_of_memory,
                      "out of memory: cannot allocate %zu bytes on opencl:%d (%lld in use, %lld kept for reuse, limit "
                      "%lld, largest buffer %llu)",
                      bytes, d->index, (long long)p->stats.in_use, (long long)p->stats.cached, (long long)p->limit,
                      (unsigned long long)d->max_allocation);
}

apus_status apus__cl_allocate(apus__cl_device *d, size_t bytes, cl_mem *memory, size_t *capacity) {
    apus__cl_pool *p = &d->pool;
    if (bytes > (size_t)INT64_MAX / 2)
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot allocate %zu bytes on opencl:%d", bytes,
                          d->index);
    int32_t list = list_of(bytes, capacity);
    if (!take_held(d, list, memory)) APUS_TRY(create_or_retry(d, bytes, *capacity, memory));
    p->stats.in_use += (int64_t)*capacity;
    p->stats.count++;
    p->stats.allocations++;
    if (p->stats.in_use > p->stats.peak) p->stats.peak = p->stats.in_use;
    return APUS_STATUS_ok;
}

void apus__cl_deallocate(apus__cl_device *d, cl_mem memory, size_t capacity) {
    apus__cl_pool *p = &d->pool;
    p->stats.in_use -= (int64_t)capacity;
    p->stats.count--;
    apus__cl_block *block = malloc(sizeof *block);
    if (block == NULL) {
        (void)apus__cl()->ReleaseMemObject(memory);
        return;
    }
    size_t same;
    int32_t list = list_of(capacity, &same);
    *block = (apus__cl_block){memory, capacity, p->free[list]};
    p->free[list] = block;
    p->stats.cached += (int64_t)capacity;
}

// ---- For the caller

apus_status apus_opencl_memory_stats(apus_memory_stats *out, int32_t index) {
    APUS_REQUIRE("opencl_memory_stats", out);
    apus__cl_device *d;
    APUS_TRY(apus__cl_device_open(&d, index));
    pthread_mutex_lock(&d->mutex);
    *out = d->pool.stats;
    pthread_mutex_unlock(&d->mutex);
    return APUS_STATUS_ok;
}

apus_status apus_opencl_set_memory_limit(int32_t index, int64_t bytes) {
    if (bytes < 0)
        return apus__fail(APUS_STATUS_invalid_argument, "opencl_set_memory_limit: %lld is negative", (long long)bytes);
    apus__cl_device *d;
    APUS_TRY(apus__cl_device_open(&d, index));
    int64_t whole = d->info.memory / 10 * 9;
    pthread_mutex_lock(&d->mutex);
    d->pool.limit = bytes > 0 && bytes < whole ? bytes : whole;
    make_room(d, 0);
    pthread_mutex_unlock(&d->mutex);
    return APUS_STATUS_ok;
}

apus_status apus_opencl_empty_cache(int32_t index) {
    apus__cl_device *d;
    APUS_TRY(apus__cl_device_open(&d, index));
    pthread_mutex_lock(&d->mutex);
    for (int32_t list = 0; list < APUS__CL_LISTS; list++) drop_list(d, list);
    pthread_mutex_unlock(&d->mutex);
    return APUS_STATUS_ok;
}
