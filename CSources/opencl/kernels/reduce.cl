R"CLSRC(
// Reductions, first part: how partial results are carried. A row of reduce.def, MOMENTS or LOGSUMEXP follows this text
// and defines, for the text behind it,
//   lanes, partial          W partial results side by side, and one
//   begin(), take(), take8()   lanes of nothing; one vector into them; eight vectors at once
//   take_one()              one element into a partial
//   join(), join_lanes()    the second into the first
//   rotated(l, n)           the lanes n further on, in turn
//   lane(l, i)              number i alone
// Behind the row, RESULT is defined as RESULT_<class>, and FINISH(out, at, p, count) as FINISH_<name>, which stores.
// Integers and complex numbers have one lane.

// An output of a narrow float is stored as T with the option WIDE_RESULT.
#if defined(WIDE_RESULT) || defined(DTYPE_float32) || defined(DTYPE_float64)
#define OWN T
#define STORE_OWN(p, i, x) ((p)[i] = (x))
#else
#define OWN S
#define STORE_OWN(p, i, x) STORE(p, i, x)
#endif

#ifdef HAS_FLOAT64
#define REAL double
#else
#define REAL float
#endif

#ifdef KIND_FLOAT
#define LANES(type) PASTE(type, W)
#define SPLAT(x) ((V)(x))
#define FIRST(v) ((v).s0)
#define TO_LANES(type, v) PASTE(PASTE(convert_, type), W)(v)
#else
#define LANES(type) type
#define SPLAT(x) (x)
#define FIRST(v) (v)
#define TO_LANES(type, v) ((type)(v))
#endif

// K of a complex number has no imaginary part.
#ifdef KIND_COMPLEX
#undef K
#define K(value) ((T)(value, 0))
#endif

#ifdef KIND_FLOAT
#define LOWEST K(-INFINITY)
#define HIGHEST K(INFINITY)
#elif defined(KIND_INTEGER)
// Of T, by its size and sign.
#define HIGHEST ((T)((T)-1 < (T)1 ? ((1ul << (8 * sizeof(T) - 1)) - 1) : ~0ul))
#define LOWEST ((T)((T)-1 < (T)1 ? 1ul << (8 * sizeof(T) - 1) : 0ul))
#endif

// A field of lanes as an array.
#ifdef KIND_FLOAT
#define SPILL(type, room, v)                                                                                           \
    type room[2 * W];                                                                                                  \
    VSTORE(v, 0, room);                                                                                                \
    VSTORE(v, 0, room + W)
#define TURNED(type, room, n) VLOAD(0, room + (n))
#else
#define SPILL(type, room, v) type room[1] = {v}
#define TURNED(type, room, n) room[0]
#endif

// ---- One number of type A, that takes the map of each element converted to A

#define SIMPLE(A, identity, map, combine)                                                                              \
    typedef LANES(A) lanes;                                                                                            \
    typedef A partial;                                                                                                 \
    static inline lanes both(lanes a, lanes b) { return combine; }                                                     \
    static inline lanes begin(void) { return (lanes)(identity); }                                                      \
    static inline lanes mapped(V x) { return TO_LANES(A, map); }                                                       \
    static inline void take(lanes *p, V x) { *p = both(*p, mapped(x)); }                                               \
    static inline void take8(lanes *p, V a, V b, V c, V d, V e, V f, V g, V h) {                                       \
        lanes low = both(both(mapped(a), mapped(b)), both(mapped(c), mapped(d)));                                      \
        *p = both(*p, both(low, both(both(mapped(e), mapped(f)), both(mapped(g), mapped(h)))));                        \
    }                                                                                                                  \
    static inline partial lane(const lanes *l, int i) {                                                                \
        SPILL(A, room, *l);                                                                                            \
        return room[i];                                                                                                \
    }                                                                                                                  \
    static inline lanes rotated(const lanes *l, int n) {                                                               \
        SPILL(A, room, *l);                                                                                            \
        return TURNED(A, room, n);                                                                                     \
    }                                                                                                                  \
    static inline void join_lanes(lanes *p, lanes q) { *p = both(*p, q); }                                             \
    static inline void join(partial *p, partial q) { *p = FIRST(both((lanes)(*p), (lanes)(q))); }                      \
    static inline void take_one(partial *p, T x) { join(p, FIRST(mapped(SPLAT(x)))); }

// ---- A sum and the rounding errors it made, so that the error does not grow with the number of elements. With the
// option WIDE_SUMS, of real numbers alone, sums are in REAL instead.

#define ADD(p, x)                                                                                                      \
    s = (p)->sum + (x);                                                                                                \
    t = s - (p)->sum;                                                                                                  \
    (p)->lost += ((p)->sum - (s - t)) + ((x)-t);                                                                       \
    (p)->sum = s

#define SUM_FLOAT(identity, map, combine)                                                                              \
    typedef struct {                                                                                                   \
        V sum, lost;                                                                                                   \
    } lanes;                                                                                                           \
    typedef struct {                                                                                                   \
        T sum, lost;                                                                                                   \
    } partial;                                                                                                         \
    static inline V both(V a, V b) { return combine; }                                                                 \
    static inline V mapped(V x) { return map; }                                                                        \
    static inline lanes begin(void) {                                                                                  \
        lanes l = {(V)(0), (V)(0)};                                                                                    \
        return l;                                                                                                      \
    }                                                                                                                  \
    static inline void take(lanes *p, V x) {                                                                           \
        V s, t, y = mapped(x);                                                                                         \
        ADD(p, y);                                                                                                     \
    }                                                                                                                  \
    static inline void take8(lanes *p, V a, V b, V c, V d, V e, V f, V g, V h) {                                       \
        V s, t, low = both(both(mapped(a), mapped(b)), both(mapped(c), mapped(d)));                                    \
        V y = both(low, both(both(mapped(e), mapped(f)), both(mapped(g), mapped(h))));                                 \
        ADD(p, y);                                                                                                     \
    }                                                                                                                  \
    static inline partial lane(const lanes *l, int i) {                                                                \
        SPILL(T, sum, l->sum);                                                                                         \
        SPILL(T, lost, l->lost);                                                                                       \
        partial p = {sum[i], lost[i]};                                                                                 \
        return p;                                                                                                      \
    }                                                                                                                  \
    static inline lanes rotated(const lanes *l, int n) {                                                               \
        SPILL(T, sum, l->sum);                                                                                         \
        SPILL(T, lost, l->lost);                                                                                       \
        lanes r = {TURNED(T, sum, n), TURNED(T, lost, n)};                                                             \
        return r;                                                                                                      \
    }                                                                                                                  \
    static inline void join_lanes(lanes *p, lanes q) {                                                                 \
        V s, t;                                                                                                        \
        ADD(p, q.sum);                                                                                                 \
        p->lost += q.lost;                                                                                             \
    }                                                                                                                  \
    static inline void join(partial *p, partial q) {                                                                   \
        T s, t;                                                                                                        \
        ADD(p, q.sum);                                                                                                 \
        p->lost += q.lost;                                                                                             \
    }                                                                                                                  \
    static inline void take_one(partial *p, T x) {                                                                     \
        partial q = {FIRST(mapped(SPLAT(x))), (T)(0)};                                                                 \
        join(p, q);                                                                                                    \
    }

// ---- The rows

#if defined(KIND_COMPLEX)
#define WIDE_PRODUCT PASTE(REAL, 2)
#undef mul_
#define mul_(a, b) ((WIDE_PRODUCT)((a).x * (b).x - (a).y * (b).y, (a).x * (b).y + (a).y * (b).x))
#undef TO_LANES
#define TO_LANES(type, v) PASTE(convert_, type)(v)
#define IDENTITY_PRODUCT 1, 0
#else
#define IDENTITY_PRODUCT 1
#define WIDE_PRODUCT REAL
#endif

#if defined(KIND_INTEGER)
#define SUM(identity, map, combine) SIMPLE(long, 0, map, combine)
#define PRODUCT(identity, map, combine) SIMPLE(long, 1, map, combine)
#define RESULT_sum long
#define FINISH_SUM(out, at, p, count) ((out)[at] = (p))
#define FINISH_PRODUCT FINISH_SUM
#else
#ifdef WIDE_SUMS
#define SUM(identity, map, combine) SIMPLE(REAL, 0, map, combine)
#define TOTAL(p) TO_LANES(T, p)
#define FINISH_SUM(out, at, p, count) STORE_OWN(out, at, (T)((p) / (count)))
#else
#define SUM SUM_FLOAT
#define TOTAL(p) (fabs((p).sum) < (REAL_PART)INFINITY ? (p).sum + (p).lost : (p).sum)
#define FINISH_SUM(out, at, p, count) STORE_OWN(out, at, TOTAL(p) / (REAL_PART)(count))
#endif
#define PRODUCT(identity, map, combine) SIMPLE(WIDE_PRODUCT, IDENTITY_PRODUCT, map, combine)
#define RESULT_sum OWN
#ifdef KIND_COMPLEX
#define REAL_PART PART
#define FINISH_PRODUCT(out, at, p, count) STORE_OWN(out, at, PASTE(convert_, T)(p))
#else
#define REAL_PART T
#define FINISH_PRODUCT(out, at, p, count) STORE_OWN(out, at, (T)(p))
#endif
#endif

#define RESULT_real OWN
#define RESULT_extreme S
#define RESULT_logic uchar
#define RESULT_count long
#define FINISH_PLAIN(out, at, p, count) ((out)[at] = (p))
#define FINISH_sum FINISH_SUM
#define FINISH_nansum FINISH_SUM
#define FINISH_mean FINISH_SUM
#define FINISH_sum_abs FINISH_SUM
#define FINISH_sum_squares FINISH_SUM
#define FINISH_prod FINISH_PRODUCT
#define FINISH_max(out, at, p, count) STORE(out, at, p)
#define FINISH_min(out, at, p, count) STORE(out, at, p)
#define FINISH_any FINISH_PLAIN
#define FINISH_all FINISH_PLAIN
#define FINISH_count_nonzero FINISH_PLAIN
#define FINISH_logsumexp(out, at, p, count) STORE_OWN(out, at, (T)(log((p).sum) + (p).high))


// What lanes stand for, of the rows that scans use.
#ifdef KIND_INTEGER
#define VALUE_sum(l) (l)
#else
#define VALUE_sum TOTAL
#endif
#define VALUE_prod(l) TO_LANES(T, l)

#ifdef DTYPE_float64
#define TRUTH long
#else
#define TRUTH int
#endif

#define REDUCE_sum(identity, map, combine) SUM(identity, map, combine)
#define REDUCE_mean(identity, map, combine) SUM(identity, map, combine)
#define REDUCE_nansum(identity, map, combine) SUM(identity, map, combine)
#define REDUCE_sum_abs(identity, map, combine) SUM(identity, map, combine)
#define REDUCE_sum_squares(identity, map, combine) SUM(identity, map, combine)
#define REDUCE_prod(identity, map, combine) PRODUCT(identity, map, combine)
#define REDUCE_max(identity, map, combine) SIMPLE(T, identity, map, combine)
#define REDUCE_min(identity, map, combine) SIMPLE(T, identity, map, combine)
// Lanes that are true are 1 for what follows, not -1.
#define REDUCE_any(identity, map, combine) SIMPLE(TRUTH, identity, (map)&1, combine)
#define REDUCE_all(identity, map, combine) SIMPLE(TRUTH, identity, (map)&1, combine)
#define REDUCE_count_nonzero(identity, map, combine) SIMPLE(long, identity, (map)&1, combine)

// ---- Moments: the mean, the sum of squared deviations from it, and how many elements they stand for; groups are
// joined by the rule of Chan, Golub and LeVeque (1979)

#define WIDE(v) TO_LANES(REAL, v)
#define MOMENTS_TYPE(type, N, name)                                                                                    \
    typedef struct {                                                                                                   \
        N mean, squares;                                                                                               \
        REAL count;                                                                                                    \
    } type;                                                                                                            \
    static inline void name(type *p, type q) {                                                                         \
        REAL all = p->count + q.count, share = q.count / (all > 0 ? all : 1), cross = p->count * share;                \
        N delta = q.mean - p->mean;                                                                                    \
        p->mean += delta * share;                                                                                      \
        p->squares += q.squares + delta * delta * cross;                                                               \
        p->count = all;                                                                                                \
    }
#define MOMENTS                                                                                                        \
    typedef LANES(REAL) wide;                                                                                          \
    MOMENTS_TYPE(lanes, wide, join_lanes)                                                                              \
    MOMENTS_TYPE(partial, REAL, join)                                                                                  \
    static inline lanes begin(void) {                                                                                  \
        lanes l = {(wide)(0), (wide)(0), 0};                                                                           \
        return l;                                                                                                      \
    }                                                                                                                  \
    static inline void take(lanes *p, V x) {                                                                           \
        lanes q = {WIDE(x), (wide)(0), 1};                                                                             \
        join_lanes(p, q);                                                                                              \
    }                                                                                                                  \
    static inline void take8(lanes *p, V xa, V xb, V xc, V xd, V xe, V xf, V xg, V xh) {                               \
        wide a = WIDE(xa), b = WIDE(xb), c = WIDE(xc), d = WIDE(xd);                                                   \
        wide e = WIDE(xe), f = WIDE(xf), g = WIDE(xg), h = WIDE(xh);                                                   \
        wide m = (((a + b) + (c + d)) + ((e + f) + (g + h))) * (REAL)0.125f;                                           \
        a -= m, b -= m, c -= m, d -= m, e -= m, f -= m, g -= m, h -= m;                                                \
        lanes q = {m, ((a * a + b * b) + (c * c + d * d)) + ((e * e + f * f) + (g * g + h * h)), 8};                   \
        join_lanes(p, q);                                                                                              \
    }                                                                                                                  \
    static inline partial lane(const lanes *l, int i) {                                                                \
        SPILL(REAL, mean, l->mean);                                                                                    \
        SPILL(REAL, squares, l->squares);                                                                              \
        partial p = {mean[i], squares[i], l->count};                                                                   \
        return p;                                                                                                      \
    }                                                                                                                  \
    static inline lanes rotated(const lanes *l, int n) {                                                               \
        SPILL(REAL, mean, l->mean);                                                                                    \
        SPILL(REAL, squares, l->squares);                                                                              \
        lanes r = {TURNED(REAL, mean, n), TURNED(REAL, squares, n), l->count};                                         \
        return r;                                                                                                      \
    }                                                                                                                  \
    static inline void take_one(partial *p, T x) {                                                                     \
        partial q = {(REAL)x, 0, 1};                                                                                   \
        join(p, q);                                                                                                    \
    }

// ---- The greatest element so far and the sum of exp(x - greatest); an element that is the greatest counts 1 whatever
// it is, so infinities need no care

#define BELOW(x, top) exp((x) == (top) ? K(0) : (x) - (top))
#define LOGSUMEXP                                                                                                      \
    typedef LANES(REAL) wide;                                                                                          \
    typedef struct {                                                                                                   \
        V high;                                                                                                        \
        wide sum;                                                                                                      \
    } lanes;                                                                                                           \
    typedef struct {                                                                                                   \
        REAL high, sum;                                                                                                \
    } partial;                                                                                                         \
    static inline lanes begin(void) {                                                                                  \
        lanes l = {K(-INFINITY), (wide)(0)};                                                                           \
        return l;                                                                                                      \
    }                                                                                                                  \
    static inline void join_lanes(lanes *p, lanes q) {                                                                 \
        V top = maximum(p->high, q.high);                                                                              \
        p->sum = p->sum * WIDE(BELOW(p->high, top)) + q.sum * WIDE(BELOW(q.high, top));                                \
        p->high = top;                                                                                                 \
    }                                                                                                                  \
    static inline void take(lanes *p, V x) {                                                                           \
        lanes q = {x, (wide)(1)};                                                                                      \
        join_lanes(p, q);                                                                                              \
    }                                                                                                                  \
    static inline void take8(lanes *p, V a, V b, V c, V d, V e, V f, V g, V h) {                                       \
        V top = maximum(maximum(maximum(a, b), maximum(c, d)), maximum(maximum(e, f), maximum(g, h)));                 \
        top = maximum(p->high, top);                                                                                   \
        V s = ((BELOW(a, top) + BELOW(b, top)) + (BELOW(c, top) + BELOW(d, top))) +                                    \
              ((BELOW(e, top) + BELOW(f, top)) + (BELOW(g, top) + BELOW(h, top)));                                     \
        p->sum = p->sum * WIDE(BELOW(p->high, top)) + WIDE(s);                                                         \
        p->high = top;                                                                                                 \
    }                                                                                                                  \
    static inline partial lane(const lanes *l, int i) {                                                                \
        SPILL(T, high, l->high);                                                                                       \
        SPILL(REAL, sum, l->sum);                                                                                      \
        partial p = {(REAL)high[i], sum[i]};                                                                           \
        return p;                                                                                                      \
    }                                                                                                                  \
    static inline lanes rotated(const lanes *l, int n) {                                                               \
        SPILL(T, high, l->high);                                                                                       \
        SPILL(REAL, sum, l->sum);                                                                                      \
        lanes r = {TURNED(T, high, n), TURNED(REAL, sum, n)};                                                          \
        return r;                                                                                                      \
    }                                                                                                                  \
    static inline void join(partial *p, partial q) {                                                                   \
        REAL a = p->high, b = q.high, top = a != a ? a : a > b ? a : b;                                                \
        p->sum = p->sum * exp(a == top ? 0 : a - top) + q.sum * exp(b == top ? 0 : b - top);                           \
        p->high = top;                                                                                                 \
    }                                                                                                                  \
    static inline void take_one(partial *p, T x) {                                                                     \
        partial q = {(REAL)x, 1};                                                                                      \
        join(p, q);                                                                                                    \
    }
)CLSRC"
