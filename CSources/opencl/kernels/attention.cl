R"CLSRC(
// Behind norm.cl: what attention does to the rows of a block of scores, between matrix products.
#define MASK_RANK 3
typedef struct {
    long rows, queries, keys; // rows are those of all heads in order
    long query;               // the first one; later keys are hidden from a query where `causal`
    long causal;
    long rank, shape[MASK_RANK]; // of the heads, outermost first
    long mask[MASK_RANK], mask_row;
} block;

static inline long mask_at(const block *p, long head, long query) {
    long at = query * p->mask_row;
    for (int d = p->rank - 1; d >= 0; d--) {
        at += head % p->shape[d] * p->mask[d];
        head /= p->shape[d];
    }
    return at;
}

#ifdef CPU_CLASS
#define ROWS_KERNEL kernel void
#define MORE , long chunk
#define FOR_ROWS                                                                                                       \
    const long first_ = get_global_id(0) * chunk;                                                                      \
    for (long row = first_; row < min(p.rows, first_ + chunk); row++)
#define EACH(i, n) for (long i = 0; i < (n); i++)
#define IS_FIRST 1
#define ROOM
#else
#define ROWS_KERNEL ROW_KERNEL
#define MORE
#define FOR_ROWS const long row = get_group_id(0);
#define IS_FIRST (get_local_id(0) == 0)
#define ROOM local T room[GROUP];
#endif

#define BEGIN_ROWS                                                                                                     \
    TAKE(block, p);                                                                                                    \
    if (truth != 0) truth += truth_at;                                                                                 \
    if (added != 0) added += added_at;                                                                                 \
    ROOM

// What hides keys from a query: returns how many there are at most, and changes their scores.
static inline long hide(const block *p, long row, global T *s, const global uchar *truth, const global T *added) {
    const long head = row / p->queries, query = row - head * p->queries;
    const long n = p->causal ? min(p->keys, p->query + query + 1) : p->keys, at = mask_at(p, head, query);
    if (truth != 0)
        EACH(i, n) s[i] = truth[at + i] ? s[i] : (T)-INFINITY;
    if (added != 0)
        EACH(i, n) s[i] += added[at + i];
    return n;
}

#define EXPONENT(L) exp(L(s, i) - high)
#define PLAIN(L) L(s, i)
#define SCALED(L) (L(s, i) * scale)
#define SLOPE(L) (L(s, i) * (L(ds, i) - mean))
#define PRODUCT(L) (L(grad, i) * L(out, i))

// Scores become weights.
ROWS_KERNEL attention_soften(const block GIVEN(p), global T *scores, long scores_at, const global uchar *truth,
                             long truth_at, const global T *added, long added_at, global T *logsumexp,
                             long logsumexp_at MORE) {
    BEGIN_ROWS
    FOR_ROWS {
        global T *s = scores + scores_at + row * p.keys;
        const long n = hide(&p, row, s, truth, added);
        T high = -INFINITY, total;
#ifdef CPU_CLASS
        if (n > 0) high = largest_of_row(n, s);
#else
        EACH(i, n) high = LARGER(s[i], high);
        high = group_max(high, room);
#endif
        // A query that sees nothing has no weights.
        const bool sees = high != (T)-INFINITY;
        high = sees ? high : (T)0;
#ifdef CPU_CLASS
        STORE_RUN(s, n, EXPONENT)
        SUM_RUN(total, n, PLAIN)
        const T scale = sees ? 1 / total : (T)0;
        STORE_RUN(s, n, SCALED)
        for (long i = n; i < p.keys; i++) s[i] = 0;
#else
        T part = 0;
        EACH(i, n) {
            s[i] = EXPONENT(LOAD);
            part += s[i];
        }
        total = group_sum(part, room);
        const T scale = sees ? 1 / total : (T)0;
        EACH(i, p.keys) s[i] = i < n ? SCALED(LOAD) : (T)0;
#endif
        if (IS_FIRST) logsumexp[logsumexp_at + row] = sees ? high + log(total) : (T)-INFINITY;
    }
}

// Scores become weights, and the weights' gradients those of scores.
ROWS_KERNEL attention_soften_backward(const block GIVEN(p), global T *scores, long scores_at, global T *slopes,
                                      long slopes_at, const global uchar *truth, long truth_at, const global T *added,
                                      long added_at, const global T *logsumexp, long logsumexp_at,
                                      const global T *grads, long grads_at, const global T *outs, long outs_at,
                                      long width MORE) {
    BEGIN_ROWS
    FOR_ROWS {
        global T *s = scores + scores_at + row * p.keys, *ds = slopes + slopes_at + row * p.keys;
        const global T *grad = grads + grads_at + row * width, *out = outs + outs_at + row * width;
        const long n = hide(&p, row, s, truth, added);
        T high = logsumexp[logsumexp_at + row], mean;
        high = high == (T)-INFINITY ? (T)INFINITY : high;
#ifdef CPU_CLASS
        STORE_RUN(s, n, EXPONENT)
        for (long i = n; i < p.keys; i++) s[i] = 0;
        if (slopes == 0) continue;
        SUM_RUN(mean, width, PRODUCT)
        STORE_RUN(ds, p.keys, SLOPE)
#else
        T part = 0;
        EACH(i, width) part += PRODUCT(LOAD);
        mean = group_sum(part, room);
        EACH(i, p.keys) {
            s[i] = i < n ? EXPONENT(LOAD) : (T)0;
            if (slopes != 0) ds[i] = SLOPE(LOAD);
        }
#endif
    }
}
)CLSRC"
