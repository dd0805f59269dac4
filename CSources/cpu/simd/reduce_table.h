// Enters the loops of one dtype into the table.
#define KERNEL(name, dtype, A, count)                                                                                  \
    {                                                                                                                  \
        dtype, sizeof(A), count, FN(begin_##name), FN(columns_##name), FN(run_##name), FN(merge_##name),               \
            FN(finish_##name)                                                                                          \
    }
#define ROW_PLAIN(name, R, dtype, G, A, identity, map, combine, end)                                                   \
    .table[APUS_REDUCE_##name][DTYPE] = KERNEL(name, dtype, A, 1),
#define ROW_COMPENSATED(name, map) .table[APUS_REDUCE_##name][DTYPE] = KERNEL(name, DTYPE, double, 2),
#include "cpu/simd/reduce_rows.h"
#undef ROW_PLAIN
#undef ROW_COMPENSATED
#if defined(KIND_FLOAT)
.moments[DTYPE] = KERNEL(moments, APUS_DTYPE_float64, double, 3),
    .logsumexp[DTYPE] = KERNEL(logsumexp, APUS_DTYPE_float64, double, 2),
#endif
#if !defined(KIND_COMPLEX)
    .arg[0][DTYPE] = {FN(arg_greatest), FN(arg_run_greatest), FN(find)},
    .arg[1][DTYPE] = {FN(arg_least), FN(arg_run_least), FN(find)},
#endif
#undef KERNEL
