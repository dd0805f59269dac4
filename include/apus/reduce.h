/// Reductions, arg-reductions, scans and the softmax family.
///
/// Threads: see apus.h. Results do not depend on the number of threads. Sums of float32 and float64 carry a wider or
/// compensated partial sum, so that their error does not grow with the number of elements; float16 and bfloat16
/// accumulate in float32.
#ifndef APUS_REDUCE_H
#define APUS_REDUCE_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

/// Reductions; reduce.def holds what each computes.
typedef enum APUS_SWIFT_ENUM("ReduceOp") apus_reduce_op {
#define APUS_REDUCE(number, name, class, identity, map, combine) APUS_REDUCE_##name APUS_SWIFT_CASE(#name) = number,
#include "apus/reduce.def"
#undef APUS_REDUCE
} apus_reduce_op;

enum { APUS_REDUCE_COUNT = 11 };

/// The operator's name; "invalid" for a number that is none. Static memory.
APUS_API const char *apus_reduce_name(apus_reduce_op op);

/// Reduces `count` dims (all of them when count is 0 and dims is NULL). Reduced dims are dropped, or kept with size 1.
/// NaN wins in max and min.
APUS_API APUS_NODISCARD apus_status apus_reduce(apus_tensor **out, apus_reduce_op op, const apus_tensor *x,
                                                int32_t count, const int32_t *dims, bool keep_dim);
/// As above, with the input converted to `dtype` first.
APUS_API APUS_NODISCARD apus_status apus_reduce_as(apus_tensor **out, apus_reduce_op op, const apus_tensor *x,
                                                   int32_t count, const int32_t *dims, bool keep_dim, apus_dtype dtype);
/// sum((x - mean)²) / max(0, n - correction), safe from cancellation. `mean` (may be NULL) gets the mean as well.
APUS_API APUS_NODISCARD apus_status apus_var(apus_tensor **out, apus_tensor **mean, const apus_tensor *x, int32_t count,
                                             const int32_t *dims, double correction, bool keep_dim);
/// (sum |x|^p)^(1/p); p may be 0 (how many are not zero), inf or -inf.
APUS_API APUS_NODISCARD apus_status apus_norm(apus_tensor **out, const apus_tensor *x, double p, int32_t count,
                                              const int32_t *dims, bool keep_dim);
/// log(sum(exp(x))), safe from overflow.
APUS_API APUS_NODISCARD apus_status apus_logsumexp(apus_tensor **out, const apus_tensor *x, int32_t count,
                                                   const int32_t *dims, bool keep_dim);
/// The greatest (or, where `smallest`, least) element along dim and where it stands first (int64). Either output may be
/// NULL as a pointer. NaN wins.
APUS_API APUS_NODISCARD apus_status apus_arg_reduce(apus_tensor **values, apus_tensor **indices, bool smallest,
                                                    const apus_tensor *x, int32_t dim, bool keep_dim);

/// Scans: running sum or product along a dim. Integers and bool add up in int64.
typedef enum APUS_SWIFT_ENUM("ScanOp") apus_scan_op {
    APUS_SCAN_sum APUS_SWIFT_CASE("sum") = 0,
    APUS_SCAN_prod APUS_SWIFT_CASE("prod") = 1,
} apus_scan_op;
/// out = the running sum or product of x along dim, with the shape of x.
APUS_API APUS_NODISCARD apus_status apus_scan(apus_tensor **out, apus_scan_op op, const apus_tensor *x, int32_t dim);

/// exp(x) / sum(exp(x)) along dim, or its logarithm. Floats only.
APUS_API APUS_NODISCARD apus_status apus_softmax(apus_tensor **out, const apus_tensor *x, int32_t dim, bool logarithm);
/// The gradient of the input, from the gradient of the result and the result.
APUS_API APUS_NODISCARD apus_status apus_softmax_backward(apus_tensor **out, const apus_tensor *grad,
                                                          const apus_tensor *result, int32_t dim, bool logarithm);

APUS_END_DECLS

#endif
