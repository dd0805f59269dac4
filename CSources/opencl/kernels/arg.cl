R"CLSRC(
// The greatest element (with the option SMALLEST, the least) of lanes and where it first stands; NaN wins over numbers.
#ifdef SMALLEST
#define BEATS(a, b) ((a) < (b))
#define extreme minimum
#else
#define BEATS(a, b) ((a) > (b))
#define extreme maximum
#endif
#ifdef KIND_FLOAT
#define IS_NAN(x) ((x) != (x))
#else
#define IS_NAN(x) 0
#endif
#define WINS(x, best) (BEATS(x, best) | (IS_NAN(x) & !IS_NAN(best)))

// Lanes are contiguous and cut into chunks, each an item of the CPU class and a work-group of the GPU class. Results
// are numbered by lane, then by chunk.
#ifdef CPU_CLASS
static inline T best_of(const global S *x, long n) {
    T best = x[0];
    long i = 0;
#ifdef KIND_FLOAT
    V b = (V)(best);
    for (; i + 4 * W <= n; i += 4 * W)
        b = extreme(b, extreme(extreme(LOADV(x, i), LOADV(x, i + W)), extreme(LOADV(x, i + 2 * W), LOADV(x, i + 3 * W))));
    T room[W];
    VSTORE(b, 0, room);
    for (int k = 0; k < W; k++) best = WINS(room[k], best) ? room[k] : best;
    for (; i < n; i++) best = WINS(x[i], best) ? x[i] : best;
#else
    for (; i < n; i++) best = extreme(best, x[i]);
#endif
    return best;
}
static inline long find(const global S *x, long n, T best) {
    long i = 0;
    for (; i + 64 <= n; i += 64) {
        int found = 0;
        for (int j = 0; j < 64; j++) found |= (x[i + j] == best) | (IS_NAN(x[i + j]) & IS_NAN(best));
        if (found) break;
    }
    while (i < n && x[i] != best && !(IS_NAN(x[i]) && IS_NAN(best))) i++;
    return i;
}
kernel void arg_rows(const global S *x, long x_at, long length, long chunk, long chunks, long items, global S *values,
                     long values_at, global long *indices, long indices_at) {
    ulong item = get_global_id(0);
    if (item >= items) return;
    ulong row = divide(item, chunks);
    long first = (long)(item - row * chunks) * chunk, n = min(chunk, length - first);
    const global S *run = x + x_at + row * length + first;
    T best = best_of(run, n);
    values[values_at + item] = best;
    indices[indices_at + item] = first + find(run, n, best);
}
#define COLUMNS 64
#else
#define GROUP 128
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void arg_rows(const global S *x, long x_at, long length,
                                                                        long chunk, long chunks, long items,
                                                                        global S *values, long values_at,
                                                                        global long *indices, long indices_at) {
    local T shared[GROUP];
    local long places[GROUP];
    int me = get_local_id(0);
    ulong group = get_group_id(0), row = divide(group, chunks);
    long first = (long)(group - row * chunks) * chunk, n = min(chunk, length - first);
    const global S *run = x + x_at + row * length + first;
    long place = min((long)me, n - 1); // the last element again, where there are more items than elements
    T best = run[place];
    for (long i = me + GROUP; i < n; i += GROUP) {
        T v = run[i];
        bool wins = WINS(v, best);
        best = wins ? v : best;
        place = wins ? i : place;
    }
    shared[me] = best;
    places[me] = place;
    for (int apart = GROUP / 2; apart > 0; apart /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (me < apart) {
            T a = shared[me], b = shared[me + apart];
            bool equal = a == b || (IS_NAN(a) && IS_NAN(b));
            if (WINS(b, a) || (equal && places[me + apart] < places[me])) {
                shared[me] = b;
                places[me] = places[me + apart];
            }
        }
    }
    if (me != 0) return;
    values[values_at + group] = shared[0];
    indices[indices_at + group] = first + places[0];
}
#define COLUMNS 1
#endif

// The best of each lane's chunks, of which the first of equal ones wins.
kernel void arg_merge(const global S *parts, const global long *part_indices, long chunks, long rows, global S *values,
                      long values_at, global long *indices, long indices_at) {
    long row = get_global_id(0);
    if (row >= rows) return;
    long best = row * chunks;
    for (long i = best + 1; i < (row + 1) * chunks; i++) best = WINS(parts[i], parts[best]) ? i : best;
    values[values_at + row] = parts[best];
    indices[indices_at + row] = part_indices[best];
}

// Lanes side by side.
kernel void arg_columns(const global S *x, long x_at, long length, long inner, long blocks, long items,
                        global S *values, long values_at, global long *indices, long indices_at) {
    ulong item = get_global_id(0);
    if (item >= items) return;
    ulong outer = divide(item, blocks);
    long first = (long)(item - outer * blocks) * COLUMNS, n = min((long)COLUMNS, inner - first);
    const global S *run = x + x_at + outer * length * inner + first;
    T best[COLUMNS];
    long place[COLUMNS];
    for (long j = 0; j < n; j++) {
        best[j] = run[j];
        place[j] = 0;
    }
    for (long row = 1; row < length; row++)
        for (long j = 0; j < n; j++) {
            T v = run[row * inner + j];
            bool wins = WINS(v, best[j]);
            best[j] = wins ? v : best[j];
            place[j] = wins ? row : place[j];
        }
    for (long j = 0; j < n; j++) {
        values[values_at + outer * inner + first + j] = best[j];
        indices[indices_at + outer * inner + first + j] = place[j];
    }
}
)CLSRC"
