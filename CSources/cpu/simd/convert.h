// Conversion loops between all dtypes.
//
// Each dtype is read into the C type it is computed in (`from`) and written from any such type (`to`). Floats become
// integers by truncation; what does not fit int64 saturates there and then wraps into narrower types, so that nothing
// is undefined. NaN becomes the least int64, hence 0 in narrower types. Anything but zero becomes true.

static inline int64_t whole_f64(double x) {
    x = x >= -9223372036854775808.0 ? x : -9223372036854775808.0;
    return x < 9223372036854775808.0 ? (int64_t)x : INT64_MAX;
}
static inline uint64_t whole_u64_f64(double x) {
    return x >= 9223372036854775808.0 && x < 18446744073709551616.0 ? (uint64_t)x : (uint64_t)whole_f64(x);
}
// Inside int32's range the conversion vectorises on every instruction set.
static inline int32_t whole_f32(float x) {
    return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : (int32_t)whole_f64((double)x);
}

#define TO_bool(x) ((x) != 0)
#define TO_float16(x) float_to_half((float)(x))
#define TO_bfloat16(x) float_to_bfloat16((float)(x))
#define TO_complex64(x) ((complex_float)(x))
#define TO_complex128(x) ((complex_double)(x))
#define TO_float32(x) ((float)(x))
#define TO_float64(x) ((double)(x))
#define TO_uint8(x) ((uint8_t)WHOLE(x))
#define TO_uint16(x) ((uint16_t)WHOLE(x))
#define TO_uint32(x) ((uint32_t)WHOLE(x))
#define TO_uint64(x) ((uint64_t)WHOLE_UNSIGNED(x))
#define TO_int8(x) ((int8_t)WHOLE(x))
#define TO_int16(x) ((int16_t)WHOLE(x))
#define TO_int32(x) ((int32_t)WHOLE(x))
#define TO_int64(x) ((int64_t)WHOLE(x))
// Complex numbers lose their imaginary part on the way to real dtypes. Halves arrive here as float.
#define WHOLE(x)                                                                                                       \
    _Generic((x), float                                                                                                \
             : whole_f64, double                                                                                       \
             : whole_f64, complex_float                                                                                \
             : whole_c64, complex_double                                                                               \
             : whole_c128, default                                                                                     \
             : whole_i64)(x)
#define WHOLE_UNSIGNED(x)                                                                                              \
    _Generic((x), float                                                                                                \
             : whole_u64_f64, double                                                                                   \
             : whole_u64_f64, complex_float                                                                            \
             : whole_u64_c64, complex_double                                                                           \
             : whole_u64_c128, default                                                                                 \
             : whole_u64)(x)
static inline int64_t whole_i64(int64_t x) { return x; }
static inline uint64_t whole_u64(uint64_t x) { return x; }
static inline int64_t whole_c64(complex_float x) { return whole_f64((double)crealf(x)); }
static inline int64_t whole_c128(complex_double x) { return whole_f64(creal(x)); }
static inline uint64_t whole_u64_c64(complex_float x) { return whole_u64_f64((double)crealf(x)); }
static inline uint64_t whole_u64_c128(complex_double x) { return whole_u64_f64(creal(x)); }

// Storage types and how they are read.
#define STORED_bool uint8_t
#define STORED_float16 uint16_t
#define STORED_bfloat16 uint16_t
#define STORED_uint8 uint8_t
#define STORED_uint16 uint16_t
#define STORED_uint32 uint32_t
#define STORED_uint64 uint64_t
#define STORED_int8 int8_t
#define STORED_int16 int16_t
#define STORED_int32 int32_t
#define STORED_int64 int64_t
#define STORED_float32 float
#define STORED_float64 double
#define STORED_complex64 complex_float
#define STORED_complex128 complex_double
#define FROM_bool(x) (x)
#define FROM_float16(x) half_to_float(x)
#define FROM_bfloat16(x) bfloat16_to_float(x)
#define FROM_uint8(x) (x)
#define FROM_uint16(x) (x)
#define FROM_uint32(x) (x)
#define FROM_uint64(x) (x)
#define FROM_int8(x) (x)
#define FROM_int16(x) (x)
#define FROM_int32(x) (x)
#define FROM_int64(x) (x)
#define FROM_float32(x) (x)
#define FROM_float64(x) (x)
#define FROM_complex64(x) (x)
#define FROM_complex128(x) (x)

#define CONVERT(to, from)                                                                                              \
    static void convert_to##to##_from##from(int64_t n, void *out, const void *a, const void *b, const void *c,         \
                                            const void *parameter) {                                                   \
        STORED##to *result = out;                                                                                      \
        const STORED##from *x = a;                                                                                     \
        (void)b, (void)c, (void)parameter;                                                                             \
        VECTORISE for (int64_t i = 0; i < n; i++) result[i] = (STORED##to)TO##to(FROM##from(x[i]));                    \
    }
// Names carry their underscore from here on, since `bool` alone would be a macro's name.
#define CONVERT_FROM_ALL(to)                                                                                           \
    CONVERT(to, _bool)                                                                                                 \
    CONVERT(to, _uint8)                                                                                                \
    CONVERT(to, _uint16)                                                                                               \
    CONVERT(to, _uint32)                                                                                               \
    CONVERT(to, _uint64)                                                                                               \
    CONVERT(to, _int8)                                                                                                 \
    CONVERT(to, _int16)                                                                                                \
    CONVERT(to, _int32)                                                                                                \
    CONVERT(to, _int64)                                                                                                \
    CONVERT(to, _float16)                                                                                              \
    CONVERT(to, _bfloat16)                                                                                             \
    CONVERT(to, _float32)                                                                                              \
    CONVERT(to, _float64)                                                                                              \
    CONVERT(to, _complex64)                                                                                            \
    CONVERT(to, _complex128)

#define APUS_DTYPE(number, name, ...) CONVERT_FROM_ALL(_##name)
#include "apus/dtype.def"
#undef APUS_DTYPE
#undef CONVERT

#define CONVERT(to, from) .convert[APUS_DTYPE##to][APUS_DTYPE##from] = convert_to##to##_from##from,
