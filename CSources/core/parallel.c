// The thread pool: workers sleep until a loop arrives, then everybody, the caller too, takes pieces until none is left.
#include "core/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "apus/base.h"

enum {
    MAX_THREADS = 256,
    SPINS = 2000, // looks at the work counter before a worker sleeps; waking costs several microseconds
};

static struct {
    pthread_mutex_t use;    // held by the thread whose loop runs
    pthread_mutex_t lock;   // guards what follows
    pthread_cond_t arrived; // a loop has come
    pthread_cond_t finished;
    int workers;            // threads running
    int wanted;             // threads a loop may use, the caller's included; 0 until asked
    atomic_uint generation; // counts loops
    atomic_int busy;        // workers inside the current loop
    int seats;              // workers that may still join it
    // The loop itself
    apus__range_function function;
    void *context;
    int64_t count, grain;
    atomic_int_least64_t next;
} pool = {
    .use = PTHREAD_MUTEX_INITIALIZER,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .arrived = PTHREAD_COND_INITIALIZER,
    .finished = PTHREAD_COND_INITIALIZER,
};

static _Thread_local bool inside_loop;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// A forked child has none of the parent's workers; it starts its own when it needs them.
static void before_fork(void) {
    pthread_mutex_lock(&pool.use);
    pthread_mutex_lock(&pool.lock);
}
static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&pool.use);
}
static void after_fork_in_child(void) {
    pool.workers = 0;
    pthread_cond_init(&pool.arrived, NULL);
    pthread_cond_init(&pool.finished, NULL);
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&pool.use);
}

static int processor_count(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : (int)count;
}

static void initialise(void) {
    const char *asked = getenv("APUS_NUM_THREADS");
    int count = asked == NULL ? 0 : atoi(asked);
    pool.wanted = count < 1 ? processor_count() : count > MAX_THREADS ? MAX_THREADS : count;
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void apus_set_num_threads(int32_t count) {
    pthread_once(&once, initialise);
    pthread_mutex_lock(&pool.use);
    pool.wanted = count < 1 ? processor_count() : count > MAX_THREADS ? MAX_THREADS : count;
    pthread_mutex_unlock(&pool.use);
}

int32_t apus_get_num_threads(void) {
    pthread_once(&once, initialise);
    pthread_mutex_lock(&pool.use);
    int32_t count = pool.wanted;
    pthread_mutex_unlock(&pool.use);
    return count;
}

static void take_pieces(void) {
    for (;;) {
        int64_t begin = atomic_fetch_add_explicit(&pool.next, pool.grain, memory_order_relaxed);
        if (begin >= pool.count) return;
        int64_t end = begin + pool.grain;
        pool.function(pool.context, begin, end < pool.count ? end : pool.count);
    }
}

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void *work(void *unused) {
    (void)unused;
    inside_loop = true;
    unsigned seen = 0;
    for (;;) {
        for (int i = 0; i < SPINS && atomic_load_explicit(&pool.generation, memory_order_acquire) == seen; i++) relax();
        pthread_mutex_lock(&pool.lock);
        while (atomic_load_explicit(&pool.generation, memory_order_relaxed) == seen || pool.seats == 0) {
            seen = atomic_load_explicit(&pool.generation, memory_order_relaxed);
            pthread_cond_wait(&pool.arrived, &pool.lock);
        }
        seen = atomic_load_explicit(&pool.generation, memory_order_relaxed);
        pool.seats--;
        atomic_fetch_add_explicit(&pool.busy, 1, memory_order_relaxed);
        pthread_mutex_unlock(&pool.lock);
        take_pieces();
        // The caller spins on `busy` first, so the last one out wakes it only in case it sleeps.
        if (atomic_fetch_sub_explicit(&pool.busy, 1, memory_order_release) == 1) {
            pthread_mutex_lock(&pool.lock);
            pthread_cond_signal(&pool.finished);
            pthread_mutex_unlock(&pool.lock);
        }
    }
    return NULL;
}

/// Starts workers until there are enough. A system that gives no more threads leaves the loop to those there are.
static void grow(int workers) {
    while (pool.workers < workers) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, NULL) != 0) return;
        pthread_detach(thread);
        pool.workers++;
    }
}

static void run_alone(int64_t count, int64_t grain, apus__range_function function, void *context) {
    for (int64_t begin = 0; begin < count; begin += grain)
        function(context, begin, begin + grain < count ? begin + grain : count);
}

static void run_together(int threads, int64_t count, int64_t grain, apus__range_function function, void *context) {
    pthread_mutex_lock(&pool.lock);
    grow(threads - 1);
    pool.function = function;
    pool.context = context;
    pool.count = count;
    pool.grain = grain;
    pool.seats = threads - 1;
    atomic_store_explicit(&pool.next, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool.generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool.arrived);
    pthread_mutex_unlock(&pool.lock);

    inside_loop = true;
    take_pieces();
    inside_loop = false;

    pthread_mutex_lock(&pool.lock);
    pool.seats = 0; // nobody joins any more
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPINS && atomic_load_explicit(&pool.busy, memory_order_acquire) != 0; i++) relax();
    pthread_mutex_lock(&pool.lock);
    while (atomic_load_explicit(&pool.busy, memory_order_acquire) != 0) pthread_cond_wait(&pool.finished, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

void apus__parallel_for(int64_t count, int64_t grain, apus__range_function function, void *context) {
    if (count <= 0) return;
    if (grain < 1) grain = 1;
    int64_t pieces = (count - 1) / grain + 1;
    if (pieces == 1) {
        function(context, 0, count);
        return;
    }
    pthread_once(&once, initialise);
    if (inside_loop || pthread_mutex_trylock(&pool.use) != 0) {
        run_alone(count, grain, function, context);
        return;
    }
    int threads = pieces < pool.wanted ? (int)pieces : pool.wanted;
    if (threads == 1)
        run_alone(count, grain, function, context);
    else
        run_together(threads, count, grain, function, context);
    pthread_mutex_unlock(&pool.use);
}
