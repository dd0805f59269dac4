R"CLSRC(
// Reductions, second part, behind the row: runs of elements.
#ifdef KIND_FLOAT
static inline V load_lanes(const global S *x, long at, long stride, long count) {
    if (stride == 1 && count >= W) return LOADV(x, at);
    T part[W];
    for (int i = 0; i < W; i++) part[i] = LOAD(x, at + min((long)i, count - 1) * stride);
    return VLOAD(0, part);
}
#else
#define load_lanes(x, at, stride, count) LOAD(x, at)
#endif

static inline partial fold(lanes l) {
    for (int apart = W / 2; apart > 0; apart /= 2) join_lanes(&l, rotated(&l, apart));
    return lane(&l, 0);
}

static inline partial nothing(void) {
    lanes l = begin();
    return lane(&l, 0);
}

// Elements `stride` apart: whole vectors of them into l, the others into p.
static inline void take_run(lanes *l, partial *p, const global S *x, long at, long n, long stride) {
    long i = 0;
    x += at;
#ifdef KIND_INTEGER
    lanes a = *l;
    if (stride == 1)
        for (; i < n; i++) take(&a, LOAD(x, i));
    else
        for (; i < n; i++) take(&a, LOAD(x, i * stride));
    *l = a;
#else
#define NEXT(k) LOADV(x, i + (k)*W)
    if (stride == 1)
        for (; i + 8 * W <= n; i += 8 * W)
            take8(l, NEXT(0), NEXT(1), NEXT(2), NEXT(3), NEXT(4), NEXT(5), NEXT(6), NEXT(7));
#undef NEXT
    for (; i + W <= n; i += W) take(l, load_lanes(x, i * stride, stride, W));
    for (; i < n; i++) take_one(p, LOAD(x, i * stride));
#endif
}
)CLSRC"
