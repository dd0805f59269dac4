// The thread pool.
#ifndef APUS_CORE_PARALLEL_H
#define APUS_CORE_PARALLEL_H

#include <stdint.h>

typedef void (*apus__range_function)(void *context, int64_t begin, int64_t end);

/// Calls function(context, begin, end) over [0, count) in pieces of at most `grain`, each piece once, on the pool's
/// threads and the caller's. Returns when all are done. Pieces start at multiples of `grain`, whatever the number of
/// threads, so that a function that depends on piece bounds gives the same bits. One piece, a call from inside
/// another, or a pool that another application thread is using: everything runs on the caller's thread.
void apus__parallel_for(int64_t count, int64_t grain, apus__range_function function, void *context);

/// Bytes of work below which a second thread does not pay.
#define APUS__GRAIN_BYTES (128 * 1024)

#endif
