R"CLSRC(
// Random numbers, second part: an item draws `groups` times LANES blocks, whose words are for the elements in order.
#define ARGUMENTS global S *out, long out_at, long count, ulong seed, ulong position, long groups
#define EACH_GROUP(elements)                                                                                           \
    long first = (long)get_global_id(0) * groups * LANES;                                                              \
    for (long group = first; group < first + groups * LANES && group * (elements) < count; group += LANES)

// The lanes of values that belong to one block each, in the elements' order.
#if LANES == 1
#define FOUR(v, room) room[0] = v[0], room[1] = v[1], room[2] = v[2], room[3] = v[3]
#define TWO(v, room) room[0] = v[0], room[1] = v[1]
#elif LANES == 16
#define QUAD(v, i) v[0].s##i, v[1].s##i, v[2].s##i, v[3].s##i
#define QUADS(v, type, a, b, c, d) (PASTE(type, 16))(QUAD(v, a), QUAD(v, b), QUAD(v, c), QUAD(v, d))
#define FOUR_OF(type, v, room)                                                                                         \
    vstore16(QUADS(v, type, 0, 4, 8, c), 0, room), vstore16(QUADS(v, type, 1, 5, 9, d), 1, room),                      \
        vstore16(QUADS(v, type, 2, 6, a, e), 2, room), vstore16(QUADS(v, type, 3, 7, b, f), 3, room)
#else
#define FOUR_OF(type, v, room)                                                                                         \
    do {                                                                                                               \
        for (int k = 0; k < 4; k++) {                                                                                  \
            type lane[8];                                                                                              \
            vstore8(v[k], 0, lane);                                                                                    \
            for (int j = 0; j < 8; j++) room[4 * j + k] = lane[j];                                                     \
        }                                                                                                              \
    } while (0)
#define PAIR(v, i) v[0].s##i, v[1].s##i
#define TWO(v, room)                                                                                                   \
    vstore8((double8)(PAIR(v, 0), PAIR(v, 1), PAIR(v, 2), PAIR(v, 3)), 0, room),                                       \
        vstore8((double8)(PAIR(v, 4), PAIR(v, 5), PAIR(v, 6), PAIR(v, 7)), 1, room)
#endif
#if LANES == 1
#define FOUR_OF(type, v, room) FOUR(v, room)
#endif

#ifdef KIND_FLOAT
static inline void store_all(global S *out, long at, const T *room, long n, long rest, int large) {
    long i = 0;
    n = min(n, rest);
    for (; i + W <= n; i += W) {
        STORE_BLOCK(out, at + i, VLOAD(0, room + i), large);
    }
    for (; i < n; i++) STORE(out, at + i, room[i]);
}

#ifdef DTYPE_float64
static inline void wide_words(ulong group, ulong seed, ulong position, WORD64 words[2]) {
    WORD32 w[4];
    blocks(position + group, seed, w);
    words[0] = MANY(convert_ulong)(w[0]) | MANY(convert_ulong)(w[1]) << 32;
    words[1] = MANY(convert_ulong)(w[2]) | MANY(convert_ulong)(w[3]) << 32;
}
kernel void draw_uniform(ARGUMENTS, double low, double width, double top, int bits) {
    EACH_GROUP(2) {
        WORD64 w[2];
        wide_words(group, seed, position, w);
        REAL64 v[2];
        double room[2 * LANES];
        for (int k = 0; k < 2; k++) {
            v[k] = low + double_of_53(w[k] >> 11) * 0x1p-53 * width;
            v[k] = v[k] < top ? v[k] : (REAL64)(top);
        }
        TWO(v, room);
        store_all(out, out_at + group * 2, room, 2 * LANES, count - group * 2, IS_LARGE(count));
    }
}
kernel void draw_normal(ARGUMENTS, double mean, double std) {
    EACH_GROUP(2) {
        WORD64 w[2];
        wide_words(group, seed, position, w);
        REAL64 v[2];
        double room[2 * LANES];
        pair_f64(w[0], w[1], &v[0], &v[1]);
        for (int k = 0; k < 2; k++) v[k] = mean + std * v[k];
        TWO(v, room);
        store_all(out, out_at + group * 2, room, 2 * LANES, count - group * 2, IS_LARGE(count));
    }
}
#else
kernel void draw_uniform(ARGUMENTS, float low, float width, float top, int bits) {
    float unit = as_float((uint)(127 - bits) << 23);
    EACH_GROUP(4) {
        WORD32 w[4];
        blocks(position + group, seed, w);
        REAL32 v[4];
        float room[4 * LANES];
        for (int k = 0; k < 4; k++) {
            v[k] = low + signed_f32(w[k] >> (uint)(32 - bits)) * unit * width;
            v[k] = v[k] < top ? v[k] : (REAL32)(top);
        }
        FOUR_OF(float, v, room);
        store_all(out, out_at + group * 4, room, 4 * LANES, count - group * 4, IS_LARGE(count));
    }
}
kernel void draw_normal(ARGUMENTS, float mean, float std) {
    EACH_GROUP(4) {
        WORD32 w[4];
        blocks(position + group, seed, w);
        REAL32 v[4];
        float room[4 * LANES];
        pair_f32(w[0], w[1], &v[0], &v[1]);
        pair_f32(w[2], w[3], &v[2], &v[3]);
        for (int k = 0; k < 4; k++) v[k] = mean + std * v[k];
        FOUR_OF(float, v, room);
        store_all(out, out_at + group * 4, room, 4 * LANES, count - group * 4, IS_LARGE(count));
    }
}
#endif
#endif

#define WORDS                                                                                                          \
    WORD32 w[4];                                                                                                       \
    uint words[4 * LANES];                                                                                             \
    blocks(position + group, seed, w);                                                                                 \
    FOUR_OF(uint, w, words)

// Below `range` values from low on; a word each, or two where the range is 0 (2^64) or needs them.
kernel void draw_integers(ARGUMENTS, ulong low, ulong range) {
    EACH_GROUP(4) {
        WORDS;
        long n = min(4l * LANES, count - group * 4);
        for (long i = 0; i < n; i++) STORE(out, out_at + group * 4 + i, (T)(long)(low + (words[i] * range >> 32)));
    }
}
kernel void draw_wide_integers(ARGUMENTS, ulong low, ulong range) {
    EACH_GROUP(2) {
        WORDS;
        long n = min(2l * LANES, count - group * 2);
        for (long i = 0; i < n; i++) {
            ulong word = words[2 * i] | (ulong)words[2 * i + 1] << 32;
            STORE(out, out_at + group * 2 + i, (T)(long)(low + (range == 0 ? word : mul_hi(word, range))));
        }
    }
}

// Whether words are below the limit, which may be 2^32.
kernel void draw_bernoulli(ARGUMENTS, ulong limit) {
    EACH_GROUP(4) {
        WORDS;
        long n = min(4l * LANES, count - group * 4);
        for (long i = 0; i < n; i++) STORE(out, out_at + group * 4 + i, (T)(words[i] < limit));
    }
}
)CLSRC"
