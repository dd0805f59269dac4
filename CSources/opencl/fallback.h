// Operators that the device lacks run on the CPU: operands are seen in host memory while the CPU's function works on
// them. Counted by name, refused in strict mode; see apus/opencl.h.
//
// The tables below do that for every entry of a family. A family that gains kernels has a table of its own, whose
// missing entries are taken from here:
//
//     const apus__norm_table apus__cl_norm_table = {.softmax = softmax, .layer_norm = apus__fallback_norm_layer_norm,
//     …};
#ifndef APUS_OPENCL_FALLBACK_H
#define APUS_OPENCL_FALLBACK_H

#include "device/attention.h"
#include "device/conv.h"
#include "device/device.h"
#include "device/elementwise.h"
#include "device/index.h"
#include "device/matmul.h"
#include "device/norm.h"
#include "device/optim.h"
#include "device/pool.h"
#include "device/random.h"
#include "device/reduce.h"
#include "device/sort.h"

enum { APUS__FALLBACK_OPERANDS = 10 };

/// The storages of one operator, seen from the host.
typedef struct apus__fallback {
    int32_t count;
    struct {
        apus_storage *storage; ///< on the device
        apus_storage host;     ///< the same bytes
        bool written, mapped;
    } operands[APUS__FALLBACK_OPERANDS];
} apus__fallback;

/// Counts `name`, or fails in strict mode.
apus_status apus__fallback_begin(apus__fallback *f, const char *name);
/// Replaces *storage, where it is on a device, by its host image. One storage has one image.
apus_status apus__fallback_see(apus__fallback *f, apus_storage **storage, bool written);
/// Writes back what may have been written and gives the images up. Returns `status`, or its own failure.
apus_status apus__fallback_end(apus__fallback *f, apus_status status);

// The entries, for tables that have kernels for the others.
apus_status apus__fallback_unary(const apus__plan *plan, apus_unary_op op, apus_dtype compute);
apus_status apus__fallback_binary(const apus__plan *plan, apus_binary_op op, apus_dtype compute);
apus_status apus__fallback_matmul_multiply(const apus__product *product);
apus_status apus__fallback_conv_forward(const apus__conv *conv, apus__buffer out, apus__buffer input,
                                        apus__buffer weight, apus__buffer bias);
apus_status apus__fallback_conv_input_grad(const apus__conv *conv, apus__buffer out, apus__buffer grad,
                                           apus__buffer weight);
apus_status apus__fallback_conv_weight_grad(const apus__conv *conv, apus__buffer out, apus__buffer grad,
                                            apus__buffer input);
apus_status apus__fallback_pool_max(const apus__pool *pool, apus__buffer out, apus__buffer indices, apus__buffer input);
apus_status apus__fallback_pool_max_backward(const apus__pool *pool, apus__buffer out, apus__buffer grad,
                                             apus__buffer indices);
apus_status apus__fallback_pool_average(const apus__pool *pool, apus__buffer out, apus__buffer input);
apus_status apus__fallback_pool_average_backward(const apus__pool *pool, apus__buffer out, apus__buffer grad);
apus_status apus__fallback_norm_softmax(const apus__lanes *lanes, bool logarithm, apus__buffer out, apus__buffer input);
apus_status apus__fallback_norm_softmax_backward(const apus__lanes *lanes, bool logarithm, apus__buffer out,
                                                 apus__buffer grad, apus__buffer result);
apus_status apus__fallback_norm_layer_norm(const apus__norm_rows *rows, double eps, apus__buffer out, apus__buffer mean,
                                           apus__buffer rstd, apus__buffer x, apus__buffer weight, apus__buffer bias);
apus_status apus__fallback_norm_layer_norm_backward(const apus__norm_rows *rows, apus__buffer dx, apus__buffer dweight,
                                                    apus__buffer dbias, apus__buffer grad, apus__buffer x,
                                                    apus__buffer weight, apus__buffer mean, apus__buffer rstd);
apus_status apus__fallback_norm_batch_norm(const apus__norm_images *images, apus__buffer out, apus__buffer x,
                                           apus__buffer mean, apus__buffer rstd, apus__buffer weight,
                                           apus__buffer bias);
apus_status apus__fallback_norm_batch_norm_backward(const apus__norm_images *images, bool training, apus__buffer dx,
                                                    apus__buffer dweight, apus__buffer dbias, apus__buffer grad,
                                                    apus__buffer x, apus__buffer weight, apus__buffer mean,
                                                    apus__buffer rstd);
apus_status apus__fallback_reduce_reduce(const apus__reduction *reduction);
apus_status apus__fallback_reduce_arg(const apus__lanes *lanes, bool smallest, apus__buffer values,
                                      apus__buffer indices, apus__buffer input);
apus_status apus__fallback_reduce_scan(const apus__lanes *lanes, apus_scan_op op, apus__buffer out, apus__buffer input);
apus_status apus__fallback_index_check(apus__buffer index, int64_t count, int64_t low, int64_t high, bool *found,
                                       int64_t *outside);
apus_status apus__fallback_index_offsets(const apus__plan *plan, int64_t size, int64_t stride, bool add);
apus_status apus__fallback_index_take(const apus__slices *s, apus__buffer out, apus__buffer x, apus__buffer offsets);
apus_status apus__fallback_index_put(const apus__slices *s, apus__buffer x, apus__buffer values, apus__buffer offsets,
                                     bool add);
apus_status apus__fallback_index_gather(const apus__lines *lines);
apus_status apus__fallback_index_scatter(const apus__lines *lines, bool add);
apus_status apus__fallback_index_count(apus__buffer mask, int64_t count, apus__buffer starts);
apus_status apus__fallback_index_positions(apus__buffer out, apus__buffer mask, int32_t rank, const int64_t *shape,
                                           apus__buffer starts);
apus_status apus__fallback_index_select(apus__buffer out, apus_dtype dtype, apus__buffer x, apus__buffer mask,
                                        int64_t count, apus__buffer starts);
apus_status apus__fallback_index_triangle(apus__buffer out, apus_dtype dtype, apus__buffer x, int64_t matrices,
                                          int64_t rows, int64_t columns, int64_t diagonal, bool upper);
apus_status apus__fallback_random_uniform(const apus__random_target *t, double low, double high);
apus_status apus__fallback_random_normal(const apus__random_target *t, double mean, double std);
apus_status apus__fallback_random_integers(const apus__random_target *t, int64_t low, uint64_t range);
apus_status apus__fallback_random_bernoulli(const apus__random_target *t, double p);
apus_status apus__fallback_random_permutation(const apus__random_target *t);
apus_status apus__fallback_optim_sgd(const apus__sgd *step, apus_dtype dtype, int64_t count, apus__buffer param,
                                     apus__buffer grad, apus__buffer momentum);
apus_status apus__fallback_optim_adam(const apus__adam *step, apus_dtype dtype, int64_t count, apus__buffer param,
                                      apus__buffer grad, apus__buffer first, apus__buffer second,
                                      apus__buffer greatest);

apus_status apus__fallback_sort_rank(const apus__ranking *ranking, apus__buffer values, apus__buffer indices,
                                     apus__buffer input);
apus_status apus__fallback_attention_forward(const apus__attention *a, apus__buffer out, apus__buffer logsumexp);
apus_status apus__fallback_attention_backward(const apus__attention *a, const apus__attention_grads *g);

extern const apus__reduce_table apus__fallback_reduce;
extern const apus__matmul_table apus__fallback_matmul;
extern const apus__conv_table apus__fallback_conv;
extern const apus__pool_table apus__fallback_pool;
extern const apus__norm_table apus__fallback_norm;
extern const apus__index_table apus__fallback_index;
extern const apus__random_table apus__fallback_random;
extern const apus__optim_table apus__fallback_optim;
extern const apus__sort_table apus__fallback_sort;
extern const apus__attention_table apus__fallback_attention;

#endif
