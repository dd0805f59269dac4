// Reduction loops of one instruction set, generated from reduce.def.
#include <complex.h>

#include "cpu/simd/math.h"
#include "cpu/simd/vectorise.h"

typedef float _Complex complex_float;
typedef double _Complex complex_double;

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define FN(name) PASTE(name, F)
#define K(value) ((T)(value))

// What the table's expressions name, for the dtype at hand.
#define mul_(a, b) ((a) * (b))
#define eq_(a, b) ((a) == (b))
#define abs_ FN(abs_)
#define maximum FN(maximum)
#define minimum FN(minimum)
#define LOWEST PASTE(LOWEST, F)
#define HIGHEST PASTE(HIGHEST, F)

#define LOWEST_f32 (-APUS_INF_F32)
#define LOWEST_f64 (-(double)APUS_INF_F32)
#define LOWEST_u8 0
#define LOWEST_u16 0
#define LOWEST_u32 0
#define LOWEST_u64 0
#define LOWEST_i8 INT8_MIN
#define LOWEST_i16 INT16_MIN
#define LOWEST_i32 INT32_MIN
#define LOWEST_i64 INT64_MIN
#define HIGHEST_f32 APUS_INF_F32
#define HIGHEST_f64 (double)APUS_INF_F32
#define HIGHEST_u8 UINT8_MAX
#define HIGHEST_u16 UINT16_MAX
#define HIGHEST_u32 UINT32_MAX
#define HIGHEST_u64 UINT64_MAX
#define HIGHEST_i8 INT8_MAX
#define HIGHEST_i16 INT16_MAX
#define HIGHEST_i32 INT32_MAX
#define HIGHEST_i64 INT64_MAX

// Eight elements are added in GROUP before they join a partial result in WIDE.
#define GROUP_f32 float
#define GROUP_f64 double
#define GROUP_u8 int32_t
#define GROUP_u16 int32_t
#define GROUP_u32 int64_t
#define GROUP_u64 int64_t
#define GROUP_i8 int32_t
#define GROUP_i16 int32_t
#define GROUP_i32 int64_t
#define GROUP_i64 int64_t
#define GROUP_c64 complex_float
#define GROUP_c128 complex_double
#define WIDE_f32 double
#define WIDE_f64 double
#define WIDE_c64 complex_double
#define WIDE_c128 complex_double

#include "cpu/simd/reduce_kinds.h"

#define TYPE_FILE "cpu/simd/reduce_define.h"
#include "cpu/simd/elementwise_types.h"
#undef TYPE_FILE
#include "cpu/simd/scan.h"

const apus__reduce_loops APUS_ISA_NAME(apus__reduce_loops) = {
#define TYPE_FILE "cpu/simd/reduce_table.h"
#include "cpu/simd/elementwise_types.h"
#undef TYPE_FILE
    SCAN_KERNELS};
