R"CLSRC(
// out = alpha * a @ b + addend. k is cut into `pieces` of `depth`; where there are several, `out` is [pieces, batch, m, n]
// of plain products, which `finish` adds up in order.
#define BATCH_RANK 4
typedef struct {
    long m, n, k, batch_count, pieces, depth;
    long run; // steps of k that are one run of packed panels; divides depth
    long rank, shape[BATCH_RANK]; // of the batch, innermost first
    struct {
        long row, column, batch[BATCH_RANK];
    } a, b, addend;
} product;

#ifdef KIND_INTEGER
#define ALPHA long
#else
#define ALPHA P
#endif

static inline long batch_at(const product *p, const long *strides, ulong entry) {
    long at = 0;
    for (int d = 0; d < p->rank; d++) {
        ulong rest = divide(entry, p->shape[d]);
        at += (long)(entry - rest * p->shape[d]) * strides[d];
        entry = rest;
    }
    return at;
}
)CLSRC"
