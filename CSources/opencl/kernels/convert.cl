R"CLSRC(
// Copies from every dtype to the launch's, with the rules of cpu/simd/convert.h: floats become integers by truncation,
// saturating at int64 before they wrap into narrower types; NaN becomes the least int64; anything but zero is true;
// complex numbers lose their imaginary part on the way to real dtypes.

// Of a float or double x of type R.
#define WHOLE(x, R) ((x) >= (R)-9223372036854775808.0f ? (x) < (R)9223372036854775808.0f ? (long)(x) : LONG_MAX : LONG_MIN)
#define WHOLE_UNSIGNED(x, R)                                                                                           \
    ((x) >= (R)9223372036854775808.0f && (x) < (R)18446744073709551616.0f ? (ulong)(x) : (ulong)WHOLE(x, R))

// TO(x, R) of a real x that is computed in R, TO_WHOLE(x) of an integer, TO_COMPLEX(x, R) of a pair.
#if defined(DTYPE_bool)
#define TO(x, R) ((x) != 0)
#define TO_WHOLE(x) ((x) != 0)
#define TO_COMPLEX(v, R) ((v).x != 0 || (v).y != 0)
#elif defined(DTYPE_uint64)
#define TO(x, R) WHOLE_UNSIGNED(x, R)
#define TO_WHOLE(x) ((T)(x))
#elif defined(KIND_INTEGER)
#define TO(x, R) ((T)WHOLE(x, R))
#define TO_WHOLE(x) ((T)(x))
#elif defined(KIND_FLOAT)
#define TO(x, R) ((T)(x))
#define TO_WHOLE(x) ((T)(x))
#else
#define TO(x, R) ((T)((PART)(x), 0))
#define TO_WHOLE(x) ((T)((PART)(x), 0))
#define TO_COMPLEX(v, R) ((T)((PART)(v).x, (PART)(v).y))
#endif
#ifndef TO_COMPLEX
#define TO_COMPLEX(v, R) TO((v).x, R)
#endif

#define CONVERT(name, STORED, READ, RESULT)                                                                            \
    kernel void name(const walk GIVEN(w), global S *out, const global STORED *a) {                                     \
        TAKE(walk, w);                                                                                                 \
        ulong item = get_global_id(0);                                                                                 \
        if (item >= w.items) return;                                                                                   \
        long n = item_length(&w, item), to = locate(&w, item, 0), from = locate(&w, item, 1);                          \
        long to_step = w.o[0].strides[0], from_step = w.o[1].strides[0];                                               \
        if (to_step == 1 && from_step == 1) {                                                                          \
            for (long i = 0; i < n; i++) STORE(out, to + i, RESULT(READ(a, from + i)));                                \
        } else {                                                                                                       \
            for (long i = 0; i < n; i++) STORE(out, to + i * to_step, RESULT(READ(a, from + i * from_step)));          \
        }                                                                                                              \
    }
#define READ_AS_IS(p, i) ((p)[i])
#define READ_HALF(p, i) vload_half(i, p)
#define READ_BFLOAT16(p, i) bfloat16_to_float((p)[i])
#define OF_FLOAT(x) TO(x, float)
#define OF_DOUBLE(x) TO(x, double)
#define OF_FLOAT2(x) TO_COMPLEX(x, float)
#define OF_DOUBLE2(x) TO_COMPLEX(x, double)
CONVERT(from_bool, uchar, READ_AS_IS, TO_WHOLE)
CONVERT(from_uint8, uchar, READ_AS_IS, TO_WHOLE)
CONVERT(from_uint16, ushort, READ_AS_IS, TO_WHOLE)
CONVERT(from_uint32, uint, READ_AS_IS, TO_WHOLE)
CONVERT(from_uint64, ulong, READ_AS_IS, TO_WHOLE)
CONVERT(from_int8, char, READ_AS_IS, TO_WHOLE)
CONVERT(from_int16, short, READ_AS_IS, TO_WHOLE)
CONVERT(from_int32, int, READ_AS_IS, TO_WHOLE)
CONVERT(from_int64, long, READ_AS_IS, TO_WHOLE)
CONVERT(from_float16, half, READ_HALF, OF_FLOAT)
CONVERT(from_bfloat16, ushort, READ_BFLOAT16, OF_FLOAT)
CONVERT(from_float32, float, READ_AS_IS, OF_FLOAT)
CONVERT(from_complex64, float2, READ_AS_IS, OF_FLOAT2)
#ifdef HAS_FLOAT64
CONVERT(from_float64, double, READ_AS_IS, OF_DOUBLE)
CONVERT(from_complex128, double2, READ_AS_IS, OF_DOUBLE2)
#endif

kernel void arange_whole(global S *out, long out_at, long n, long start, long step) {
    long i = get_global_id(0);
    if (i < n) STORE(out, out_at + i, TO_WHOLE(start + i * step));
}
#ifdef HAS_FLOAT64
kernel void arange_real(global S *out, long out_at, long n, double start, double step) {
    long i = get_global_id(0);
    if (i < n) STORE(out, out_at + i, OF_DOUBLE(start + (double)i * step));
}
#endif
)CLSRC"
