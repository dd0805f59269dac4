R"CLSRC(
// Random numbers, first part: Philox blocks, and the words for core/normal.def, which follows. LANES blocks are drawn
// side by side (CPU class), or one.
#ifdef CPU_CLASS
#ifdef DTYPE_float64
#define LANES 8
#define NUMBERS (ulong8)(0, 1, 2, 3, 4, 5, 6, 7)
#else
#define LANES 16
// In the order in which FOUR_OF of random_kernels.cl moves nothing from one fourth of a vector to another.
#define NUMBERS (ulong16)(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
#endif
#define MANY(type) PASTE(type, LANES)
#else
#define LANES 1
#define NUMBERS 0ul
#define MANY(type) type
#endif

#define REAL32 MANY(float)
#define WORD32 MANY(uint)
#define REAL64 MANY(double)
#define WORD64 MANY(ulong)
#define bits_f32(x) MANY(as_uint)(x)
#define from_bits_u32(x) MANY(as_float)(x)
#define bits_f64(x) MANY(as_ulong)(x)
#define from_bits_u64(x) MANY(as_double)(x)
#define signed_f32(word) MANY(convert_float)(MANY(as_int)(word))
#define shifted_f32(word, bits) MANY(convert_float)(MANY(as_int)(word) >> (bits))
#define root_f32(x) sqrt(x)
#define root_f64(x) sqrt(x)
#define RANDOM static inline

// Words of blocks number, number + 1, …: the counter's words are kept in 64-bit lanes, whose upper halves are left to
// hold anything.
static inline void blocks(ulong number, ulong seed, WORD32 words[4]) {
    WORD64 n = number + NUMBERS, c0 = n, c1 = n >> 32, c2 = (WORD64)(0), c3 = (WORD64)(0);
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        WORD64 a = (c0 & 0xfffffffful) * 0xD2511F53ul, b = (c2 & 0xfffffffful) * 0xCD9E8D57ul;
        c0 = (b >> 32) ^ c1 ^ (ulong)k0;
        c2 = (a >> 32) ^ c3 ^ (ulong)k1;
        c1 = b;
        c3 = a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = MANY(convert_uint)(c0 & 0xfffffffful);
    words[1] = MANY(convert_uint)(c1 & 0xfffffffful);
    words[2] = MANY(convert_uint)(c2 & 0xfffffffful);
    words[3] = MANY(convert_uint)(c3 & 0xfffffffful);
}
)CLSRC"
