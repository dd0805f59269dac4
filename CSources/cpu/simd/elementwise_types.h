// Includes TYPE_FILE once for each dtype that loops compute in.
#define KIND_FLOAT
#define T float
#define F f32
#define DTYPE APUS_DTYPE_float32
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#define T double
#define F f64
#define DTYPE APUS_DTYPE_float64
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#undef KIND_FLOAT

#define KIND_INTEGER
#define T uint8_t
#define F u8
#define DTYPE APUS_DTYPE_uint8
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#define T uint16_t
#define F u16
#define DTYPE APUS_DTYPE_uint16
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#define T uint32_t
#define F u32
#define DTYPE APUS_DTYPE_uint32
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#define T uint64_t
#define F u64
#define DTYPE APUS_DTYPE_uint64
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#define T int8_t
#define F i8
#define DTYPE APUS_DTYPE_int8
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#define T int16_t
#define F i16
#define DTYPE APUS_DTYPE_int16
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#define T int32_t
#define F i32
#define DTYPE APUS_DTYPE_int32
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#define T int64_t
#define F i64
#define DTYPE APUS_DTYPE_int64
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#undef KIND_INTEGER

#define KIND_COMPLEX
#define T complex_float
#define F c64
#define DTYPE APUS_DTYPE_complex64
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#define T complex_double
#define F c128
#define DTYPE APUS_DTYPE_complex128
#include TYPE_FILE
#undef T
#undef F
#undef DTYPE
#undef KIND_COMPLEX
