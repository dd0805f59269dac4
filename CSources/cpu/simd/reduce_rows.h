// Expands reduce.def for one dtype: ROW_PLAIN and ROW_COMPENSATED, defined by the includer, are called for each row
// that the kind of dtype has. A row without its line REDUCE_<name> here does not compile.
//
// Mean is a sum that cpu/reduce.c divides, and no integer is NaN.
#define SKIP(name, identity, map, combine)
#if defined(KIND_INTEGER)
#define SUM(name, identity, map, combine)                                                                              \
    ROW_PLAIN(name, int64_t, APUS_DTYPE_int64, PASTE(GROUP, F), int64_t, identity, map, combine, a)
#define PRODUCT(name, identity, map, combine)                                                                          \
    ROW_PLAIN(name, int64_t, APUS_DTYPE_int64, int64_t, int64_t, identity, map, combine, a)
#define ON_REAL(what) what
#define ON_FLOAT(what) SKIP
#else
#define WIDE_SUM(name, identity, map, combine)                                                                         \
    ROW_PLAIN(name, T, DTYPE, PASTE(GROUP, F), PASTE(WIDE, F), identity, map, combine, a / count)
#define PRODUCT(name, identity, map, combine)                                                                          \
    ROW_PLAIN(name, T, DTYPE, PASTE(WIDE, F), PASTE(WIDE, F), identity, map, combine, a)
#define COMPENSATED_SUM(name, identity, map, combine) ROW_COMPENSATED(name, map)
#define SUM_f32 WIDE_SUM
#define SUM_f64 COMPENSATED_SUM
#define SUM_c64 WIDE_SUM
#define SUM_c128 WIDE_SUM
#define SUM PASTE(SUM, F)
#if defined(KIND_FLOAT)
#define ON_REAL(what) what
#define ON_FLOAT(what) what
#else
#define ON_REAL(what) SKIP
#define ON_FLOAT(what) SKIP
#endif
#endif
#define EXTREME(name, identity, map, combine) ROW_PLAIN(name, T, DTYPE, T, T, identity, map, combine, a)
#define LOGIC(name, identity, map, combine)                                                                            \
    ROW_PLAIN(name, uint8_t, APUS_DTYPE_bool, uint8_t, uint8_t, identity, map, combine, a)
#define COUNT(name, identity, map, combine)                                                                            \
    ROW_PLAIN(name, int64_t, APUS_DTYPE_int64, uint8_t, int64_t, identity, map, combine, a)

#define REDUCE_sum SUM
#define REDUCE_prod PRODUCT
#define REDUCE_mean SKIP
#define REDUCE_max ON_REAL(EXTREME)
#define REDUCE_min ON_REAL(EXTREME)
#define REDUCE_any LOGIC
#define REDUCE_all LOGIC
#define REDUCE_count_nonzero COUNT
#define REDUCE_sum_abs ON_FLOAT(SUM)
#define REDUCE_sum_squares ON_FLOAT(SUM)
#define REDUCE_nansum ON_FLOAT(SUM)

#define APUS_REDUCE(number, name, class, identity, map, combine) REDUCE_##name(name, identity, map, combine)
#include "apus/reduce.def"
#undef APUS_REDUCE

#undef SKIP
#undef SUM
#undef PRODUCT
#undef ON_REAL
#undef ON_FLOAT
#undef WIDE_SUM
#undef COMPENSATED_SUM
#undef SUM_f32
#undef SUM_f64
#undef SUM_c64
#undef SUM_c128
#undef EXTREME
#undef LOGIC
#undef COUNT
#undef REDUCE_sum
#undef REDUCE_prod
#undef REDUCE_mean
#undef REDUCE_max
#undef REDUCE_min
#undef REDUCE_any
#undef REDUCE_all
#undef REDUCE_count_nonzero
#undef REDUCE_sum_abs
#undef REDUCE_sum_squares
#undef REDUCE_nansum
