R"CLSRC(
// Softmax and the normalisation layers. Sums go through runs of a vector's lanes, then add the runs up, so that they lose
// as little as pairwise ones.
//
// Expressions are macros of the way to read: E(LOADV) is that of the W elements from i on, E(LOAD) that of element i.
#define SUM_BLOCK 64

static inline T total_of(V x) {
    T lanes[W];
    VSTORE(x, 0, lanes);
    for (int step = W / 2; step > 0; step /= 2)
        for (int i = 0; i < step; i++) lanes[i] += lanes[i + step];
    return lanes[0];
}

#define SUM_RUN(total, n, E)                                                                                           \
    {                                                                                                                  \
        V sum_ = (V)(T)0;                                                                                              \
        T rest_ = 0;                                                                                                   \
        long i = 0;                                                                                                    \
        while (i + W <= (n)) {                                                                                         \
            V part_ = (V)(T)0;                                                                                         \
            const long end_ = min((n)-W, i + (SUM_BLOCK - 1) * W);                                                     \
            for (; i <= end_; i += W) part_ += E(LOADV);                                                               \
            sum_ += part_;                                                                                             \
        }                                                                                                              \
        for (; i < (n); i++) rest_ += E(LOAD);                                                                         \
        total = total_of(sum_) + rest_;                                                                                \
    }

#define STORE_RUN(y, n, E)                                                                                             \
    {                                                                                                                  \
        long i = 0;                                                                                                    \
        for (; i + W <= (n); i += W) STOREV(y, i, E(LOADV));                                                           \
        for (; i < (n); i++) STORE(y, i, E(LOAD));                                                                     \
    }

// Past the caches where `all` elements, the rows together, are more than these hold.
#define STREAM_RUN(y, n, all, E)                                                                                       \
    {                                                                                                                  \
        const int large_ = IS_LARGE(all);                                                                              \
        long i = 0;                                                                                                    \
        for (; i + W <= (n); i += W) {                                                                                 \
            STORE_BLOCK(y, i, E(LOADV), large_);                                                                       \
        }                                                                                                              \
        for (; i < (n); i++) STORE(y, i, E(LOAD));                                                                     \
    }

// NaN wins.
#define LARGER(a, b) ((((a) > (b)) | ((a) != (a))) ? (a) : (b))

#ifdef CPU_CLASS
#define GRADIENT(L) L(g, i)
#define GRADIENT_DISTANCE(L) (L(g, i) * (L(x, i) - mean))
#define WITH_GRADIENT(L) (L(plain, i) + L(g, i))

static inline T largest_of_row(long n, const global T *x) {
    T best = x[0];
    long i = 0;
    if (n >= W) {
        V lanes = LOADV(x, 0);
        for (i = W; i + W <= n; i += W) {
            const V next = LOADV(x, i);
            lanes = LARGER(lanes, next);
        }
        T kept[W];
        VSTORE(lanes, 0, kept);
        best = kept[0];
        for (int lane = 1; lane < W; lane++) best = LARGER(best, kept[lane]);
    }
    for (; i < n; i++) best = LARGER(best, x[i]);
    return best;
}
#endif

// ---- Chunks of sums
static inline T sum_of_chunks(const global T *sums, long chunks, long step) {
    T total = 0;
    for (long first = 0; first < chunks; first += SUM_BLOCK) {
        T part = 0;
        for (long k = first; k < min(chunks, first + SUM_BLOCK); k++) part += sums[k * step];
        total += part;
    }
    return total;
}

#ifdef GPU_CLASS

// ---- A row is a work-group's

#define GROUP 128
#define ROW_KERNEL kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void

static inline T group_sum(T x, local T *room) {
    const int item = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    room[item] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = GROUP / 2; step > 0; step /= 2) {
        if (item < step) room[item] += room[item + step];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return room[0];
}

static inline T group_max(T x, local T *room) {
    const int item = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    room[item] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = GROUP / 2; step > 0; step /= 2) {
        if (item < step) room[item] = LARGER(room[item], room[item + step]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return room[0];
}

// The item's part of a row of n elements.
#define EACH(i, n) for (long i = get_local_id(0); i < (n); i += GROUP)

#endif
)CLSRC"
