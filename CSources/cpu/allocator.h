// The caching allocator behind CPU storage.
#ifndef APUS_CPU_ALLOCATOR_H
#define APUS_CPU_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether freed blocks are kept; off when APUS_CPU_CACHE_LIMIT is 0, so that tools see every block.
bool apus__cpu_caching(void);
/// A block of at least `bytes`, aligned to APUS__ALIGNMENT, and how large it really is. NULL when there is no memory,
/// after the cache was emptied and asked again.
void *apus__cpu_allocate(size_t bytes, size_t *capacity);
/// Takes a block back.
void apus__cpu_free(void *data, size_t capacity);
enum { APUS__HUGE_FROM = 4 * 1024 * 1024 }; ///< from here on blocks start on a huge page's bound

/// Asks the system for huge pages within a block from that size on that is not touched yet.
void apus__cpu_prefer_huge_pages(void *data, size_t bytes);
/// Bytes kept, and how many allocations were served from them.
void apus__cpu_cache_stats(int64_t *bytes, int64_t *hits);

#endif
