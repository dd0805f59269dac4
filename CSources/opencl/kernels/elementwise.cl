R"CLSRC(
// Elementwise kernels: one for each row of the operator tables. The rows follow this text as
// UNARY_<class>(kernel, expression), BINARY_<class>(…) and TERNARY_<class>(…). Kernels have longer names than their
// operators, since a driver may have macros of these.
//
// An item walks its run in blocks of W elements, all of which the expression takes at once. Whole blocks of contiguous
// operands are loaded as vectors, others element by element into one; a number fills all lanes.

static inline V number_of(const walk_operand *o) {
#if defined(DTYPE_float64)
    return (V)(as_double(o->bits[0]));
#elif defined(DTYPE_complex64)
    return as_float2(o->bits[0]);
#elif defined(DTYPE_complex128)
    return (T)(as_double(o->bits[0]), as_double(o->bits[1]));
#elif defined(KIND_FLOAT)
    return (V)(as_float((uint)o->bits[0]));
#else
    return (T)o->bits[0];
#endif
}

#ifdef KIND_FLOAT
static inline V load(const global S *p, long at, long stride, long count) {
    if (stride == 1 && count >= W) return LOADV(p, at);
    if (stride == 0) return (V)(LOAD(p, at));
    T part[W];
    for (int i = 0; i < W; i++) part[i] = LOAD(p, at + min((long)i, count - 1) * stride);
    return VLOAD(0, part);
}
static inline void store(global S *p, long at, long stride, long count, V x, int large) {
    if (stride == 1 && count >= W) {
        STORE_BLOCK(p, at, x, large);
        return;
    }
    T part[W];
    VSTORE(x, 0, part);
    for (int i = 0; i < W && i < count; i++) STORE(p, at + i * stride, part[i]);
}
#ifdef DTYPE_float64
#define LANE_INT long
#else
#define LANE_INT int
#endif
// Lanes are 0 or -1.
static inline void store_truth(global uchar *p, long at, long stride, long count, PASTE(LANE_INT, W) x, int large) {
    PASTE(uchar, W) truth = PASTE(convert_uchar, W)(x & 1);
    if (stride == 1 && count >= W) {
        VSTORE(truth, 0, p + at);
        return;
    }
    uchar part[W];
    VSTORE(truth, 0, part);
    for (int i = 0; i < W && i < count; i++) p[at + i * stride] = part[i];
}
static inline PASTE(LANE_INT, W) load_truth(const global uchar *p, long at, long stride, long count) {
    if (stride == 1 && count >= W) return PASTE(PASTE(convert_, LANE_INT), W)(VLOAD(0, p + at)) != 0;
    LANE_INT part[W];
    for (int i = 0; i < W; i++) part[i] = p[at + min((long)i, count - 1) * stride];
    return VLOAD(0, part) != 0;
}
#define MASK PASTE(LANE_INT, W)
#define NUMBER_MASK(o) ((MASK)((o).bits[0] != 0 ? -1 : 0))
#else
#define load(p, at, stride, count) LOAD(p, at)
#define store(p, at, stride, count, x, large) STORE(p, at, x)
#define store_truth(p, at, stride, count, x, large) ((p)[at] = (x) != 0)
#define load_truth(p, at, stride, count) ((p)[at] != 0)
#define MASK int
#define NUMBER_MASK(o) ((o).bits[0] != 0)
#endif

// A number keeps its value; any other operand is read where the block is.
#define READ(k, p, loader)                                                                                             \
    (w.o[k].is_number ? number##k : loader(p, at##k + i * w.o[k].strides[0], w.o[k].strides[0], n - i))
#define BEGIN                                                                                                          \
    ulong item = get_global_id(0);                                                                                     \
    if (item >= w.items) return;                                                                                       \
    const int large = IS_LARGE(w.items * w.chunk);                                                                     \
    long n = item_length(&w, item), at0 = locate(&w, item, 0)
#define OPERAND(k, type, read_number)                                                                                  \
    long at##k = locate(&w, item, k);                                                                                  \
    type number##k = read_number(w.o[k])
#define NUMBER(o) number_of(&(o))
#define RESULT_SAME S
#define RESULT_TRUTH uchar
#define PUT_SAME store
#define PUT_TRUTH store_truth
#define WRITE(R, value) \
    PUT_##R(out, at0 + i * w.o[0].strides[0], w.o[0].strides[0], n - i, value, large)

#define UNARY(name, R, expression)                                                                                     \
    kernel void name(const walk GIVEN(w), global RESULT_##R *out, const global S *a) {                                 \
        TAKE(walk, w);                                                                                                 \
        BEGIN;                                                                                                         \
        OPERAND(1, V, NUMBER);                                                                                         \
        for (long i = 0; i < n; i += W) {                                                                              \
            const V x = READ(1, a, load);                                                                              \
            WRITE(R, expression);                                                                                      \
        }                                                                                                              \
    }
#define BINARY(name, R, expression)                                                                                    \
    kernel void name(const walk GIVEN(w), global RESULT_##R *out, const global S *a, const global S *b) {              \
        TAKE(walk, w);                                                                                                 \
        BEGIN;                                                                                                         \
        OPERAND(1, V, NUMBER);                                                                                         \
        OPERAND(2, V, NUMBER);                                                                                         \
        for (long i = 0; i < n; i += W) {                                                                              \
            const V x = READ(1, a, load), y = READ(2, b, load);                                                        \
            WRITE(R, expression);                                                                                      \
        }                                                                                                              \
    }
#define TERNARY_OF(name, R, FIRST, first_type, first_number, first_load, expression)                                   \
    kernel void name(const walk GIVEN(w), global S *out, const global FIRST *a, const global S *b,                     \
                               const global S *c, ulong s0, ulong s1) {                                                \
        TAKE(walk, w);                                                                                                 \
        BEGIN;                                                                                                         \
        OPERAND(1, first_type, first_number);                                                                          \
        OPERAND(2, V, NUMBER);                                                                                         \
        OPERAND(3, V, NUMBER);                                                                                         \
        walk_operand parameter;                                                                                        \
        parameter.bits[0] = s0;                                                                                        \
        parameter.bits[1] = s1;                                                                                        \
        const V s = number_of(&parameter);                                                                             \
        (void)s;                                                                                                       \
        for (long i = 0; i < n; i += W) {                                                                              \
            const first_type x = READ(1, a, first_load);                                                               \
            const V y = READ(2, b, load), z = READ(3, c, load);                                                        \
            WRITE(R, expression);                                                                                      \
        }                                                                                                              \
    }
#define TERNARY(name, R, expression) TERNARY_OF(name, R, S, V, NUMBER, load, expression)
#define SELECT(name, R, expression) TERNARY_OF(name, R, uchar, MASK, NUMBER_MASK, load_truth, expression)

// Which classes a kind of dtype takes, as in cpu/simd/elementwise_rows.h. Results are of the same dtype or truth values.
#define SKIP(name, R, expression)
#if defined(KIND_FLOAT)
#define ON_FLOAT(what) what
#define ON_INTEGER(what) SKIP
#define ON_REAL(what) what
#define ON_FIELD(what) what
#elif defined(KIND_INTEGER)
#define ON_FLOAT(what) SKIP
#define ON_INTEGER(what) what
#define ON_REAL(what) what
#define ON_FIELD(what) SKIP
#else
#define ON_FLOAT(what) SKIP
#define ON_INTEGER(what) SKIP
#define ON_REAL(what) SKIP
#define ON_FIELD(what) what
#endif
#define UNARY_real(name, e) ON_FLOAT(UNARY)(name, SAME, e)
#define UNARY_number(name, e) ON_REAL(UNARY)(name, SAME, e)
#define UNARY_field(name, e) UNARY(name, SAME, e)
#define UNARY_round(name, e) ON_FLOAT(UNARY)(name, SAME, e)
#define UNARY_predicate(name, e) ON_REAL(UNARY)(name, TRUTH, e)
#define UNARY_bits(name, e) ON_INTEGER(UNARY)(name, SAME, e)
#define BINARY_number(name, e) ON_REAL(BINARY)(name, SAME, e)
#define BINARY_field(name, e) BINARY(name, SAME, e)
#define BINARY_signed_(name, e) ON_REAL(BINARY)(name, SAME, e)
#define BINARY_signed_field(name, e) BINARY(name, SAME, e)
#define BINARY_real(name, e) ON_FLOAT(BINARY)(name, SAME, e)
#define BINARY_real_field(name, e) ON_FIELD(BINARY)(name, SAME, e)
#define BINARY_integer(name, e) ON_INTEGER(BINARY)(name, SAME, e)
#define BINARY_bits(name, e) ON_INTEGER(BINARY)(name, SAME, e)
#define BINARY_compare(name, e) ON_REAL(BINARY)(name, TRUTH, e)
#define BINARY_equal(name, e) BINARY(name, TRUTH, e)
#define BINARY_logic(name, e) ON_REAL(BINARY)(name, TRUTH, e)
#define TERNARY_number(name, e) ON_REAL(TERNARY)(name, SAME, e)
#define TERNARY_signed_(name, e) ON_REAL(TERNARY)(name, SAME, e)
#define TERNARY_real(name, e) ON_FLOAT(TERNARY)(name, SAME, e)
#define TERNARY_select(name, e) SELECT(name, SAME, e)
)CLSRC"
