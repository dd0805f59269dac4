// One entry after the other of the device table, run on the CPU.
#include "opencl/fallback.h"

static apus_status see_buffers(apus__fallback *f, apus__buffer *const *buffers, int32_t count, int32_t written) {
    for (int32_t i = 0; i < count; i++) APUS_TRY(apus__fallback_see(f, &buffers[i]->storage, i < written));
    return APUS_STATUS_ok;
}

static apus_status see_plan(apus__fallback *f, apus__plan *plan, bool first_written) {
    for (int32_t i = 0; i < plan->count; i++)
        APUS_TRY(apus__fallback_see(f, &plan->operands[i].storage, (i == 0) == first_written));
    return APUS_STATUS_ok;
}

/// Returns what `call` does with host images of the buffers, the first `written` of which it writes.
#define ON_CPU(name, written, call, ...)                                                                               \
    apus__buffer *const buffers[] = {__VA_ARGS__};                                                                     \
    apus__fallback f;                                                                                                  \
    APUS_TRY(apus__fallback_begin(&f, name));                                                                          \
    apus_status status = see_buffers(&f, buffers, APUS__COUNT(buffers), written);                                      \
    return apus__fallback_end(&f, status != APUS_STATUS_ok ? status : (call))

/// The same with host images of a plan's operands, of which `first_written` says whether the first or the others are
/// written.
#define PLAN_ON_CPU(name, plan, first_written, call)                                                                   \
    apus__fallback f;                                                                                                  \
    APUS_TRY(apus__fallback_begin(&f, name));                                                                          \
    apus_status status = see_plan(&f, plan, first_written);                                                            \
    return apus__fallback_end(&f, status != APUS_STATUS_ok ? status : (call))

// ---- elementwise

apus_status apus__fallback_unary(const apus__plan *plan, apus_unary_op op, apus_dtype compute) {
    apus__plan seen = *plan;
    PLAN_ON_CPU(apus_unary_name(op), &seen, true, apus__cpu_elementwise.unary(&seen, op, compute));
}

apus_status apus__fallback_binary(const apus__plan *plan, apus_binary_op op, apus_dtype compute) {
    apus__plan seen = *plan;
    PLAN_ON_CPU(apus_binary_name(op), &seen, true, apus__cpu_elementwise.binary(&seen, op, compute));
}

// ---- matmul

apus_status apus__fallback_matmul_multiply(const apus__product *product) {
    apus__product p = *product;
    ON_CPU("matmul", 1, apus__cpu_matmul.multiply(&p), &p.out.buffer, &p.a.buffer, &p.b.buffer, &p.addend.buffer);
}

const apus__matmul_table apus__fallback_matmul = {
    .multiply = apus__fallback_matmul_multiply,
};

// ---- conv

apus_status apus__fallback_conv_forward(const apus__conv *conv, apus__buffer out, apus__buffer input,
                                        apus__buffer weight, apus__buffer bias) {
    ON_CPU("conv", 1, apus__cpu_conv.forward(conv, out, input, weight, bias), &out, &input, &weight, &bias);
}

apus_status apus__fallback_conv_input_grad(const apus__conv *conv, apus__buffer out, apus__buffer grad,
                                           apus__buffer weight) {
    ON_CPU("conv_input_grad", 1, apus__cpu_conv.input_grad(conv, out, grad, weight), &out, &grad, &weight);
}

apus_status apus__fallback_conv_weight_grad(const apus__conv *conv, apus__buffer out, apus__buffer grad,
                                            apus__buffer input) {
    ON_CPU("conv_weight_grad", 1, apus__cpu_conv.weight_grad(conv, out, grad, input), &out, &grad, &input);
}

const apus__conv_table apus__fallback_conv = {
    .forward = apus__fallback_conv_forward,
    .input_grad = apus__fallback_conv_input_grad,
    .weight_grad = apus__fallback_conv_weight_grad,
};

// ---- pool

apus_status apus__fallback_pool_max(const apus__pool *pool, apus__buffer out, apus__buffer indices,
                                    apus__buffer input) {
    ON_CPU("max_pool", 2, apus__cpu_pool.max(pool, out, indices, input), &out, &indices, &input);
}

apus_status apus__fallback_pool_max_backward(const apus__pool *pool, apus__buffer out, apus__buffer grad,
                                             apus__buffer indices) {
    ON_CPU("max_pool_backward", 1, apus__cpu_pool.max_backward(pool, out, grad, indices), &out, &grad, &indices);
}

apus_status apus__fallback_pool_average(const apus__pool *pool, apus__buffer out, apus__buffer input) {
    ON_CPU("average_pool", 1, apus__cpu_pool.average(pool, out, input), &out, &input);
}

apus_status apus__fallback_pool_average_backward(const apus__pool *pool, apus__buffer out, apus__buffer grad) {
    ON_CPU("average_pool_backward", 1, apus__cpu_pool.average_backward(pool, out, grad), &out, &grad);
}

const apus__pool_table apus__fallback_pool = {
    .max = apus__fallback_pool_max,
    .max_backward = apus__fallback_pool_max_backward,
    .average = apus__fallback_pool_average,
    .average_backward = apus__fallback_pool_average_backward,
};

// ---- norm

apus_status apus__fallback_norm_softmax(const apus__lanes *lanes, bool logarithm, apus__buffer out,
                                        apus__buffer input) {
    ON_CPU("softmax", 1, apus__cpu_norm.softmax(lanes, logarithm, out, input), &out, &input);
}

apus_status apus__fallback_norm_softmax_backward(const apus__lanes *lanes, bool logarithm, apus__buffer out,
                                                 apus__buffer grad, apus__buffer result) {
    ON_CPU("softmax_backward", 1, apus__cpu_norm.softmax_backward(lanes, logarithm, out, grad, result), &out, &grad,
           &result);
}

apus_status apus__fallback_norm_layer_norm(const apus__norm_rows *rows, double eps, apus__buffer out, apus__buffer mean,
                                           apus__buffer rstd, apus__buffer x, apus__buffer weight, apus__buffer bias) {
    ON_CPU("layer_norm", 3, apus__cpu_norm.layer_norm(rows, eps, out, mean, rstd, x, weight, bias), &out, &mean, &rstd,
           &x, &weight, &bias);
}

apus_status apus__fallback_norm_layer_norm_backward(const apus__norm_rows *rows, apus__buffer dx, apus__buffer dweight,
                                                    apus__buffer dbias, apus__buffer grad, apus__buffer x,
                                                    apus__buffer weight, apus__buffer mean, apus__buffer rstd) {
    ON_CPU("layer_norm_backward", 3,
           apus__cpu_norm.layer_norm_backward(rows, dx, dweight, dbias, grad, x, weight, mean, rstd), &dx, &dweight,
           &dbias, &grad, &x, &weight, &mean, &rstd);
}

apus_status apus__fallback_norm_batch_norm(const apus__norm_images *images, apus__buffer out, apus__buffer x,
                                           apus__buffer mean, apus__buffer rstd, apus__buffer weight,
                                           apus__buffer bias) {
    ON_CPU("batch_norm", 1, apus__cpu_norm.batch_norm(images, out, x, mean, rstd, weight, bias), &out, &x, &mean, &rstd,
           &weight, &bias);
}

apus_status apus__fallback_norm_batch_norm_backward(const apus__norm_images *images, bool training, apus__buffer dx,
                                                    apus__buffer dweight, apus__buffer dbias, apus__buffer grad,
                                                    apus__buffer x, apus__buffer weight, apus__buffer mean,
                                                    apus__buffer rstd) {
    ON_CPU("batch_norm_backward", 3,
           apus__cpu_norm.batch_norm_backward(images, training, dx, dweight, dbias, grad, x, weight, mean, rstd), &dx,
           &dweight, &dbias, &grad, &x, &weight, &mean, &rstd);
}

const apus__norm_table apus__fallback_norm = {
    .softmax = apus__fallback_norm_softmax,
    .softmax_backward = apus__fallback_norm_softmax_backward,
    .layer_norm = apus__fallback_norm_layer_norm,
    .layer_norm_backward = apus__fallback_norm_layer_norm_backward,
    .batch_norm = apus__fallback_norm_batch_norm,
    .batch_norm_backward = apus__fallback_norm_batch_norm_backward,
};

// ---- reduce

apus_status apus__fallback_reduce_reduce(const apus__reduction *reduction) {
    static const char *const names[] = {[APUS__REDUCTION_MOMENTS] = "var", [APUS__REDUCTION_LOGSUMEXP] = "logsumexp"};
    apus__reduction r = *reduction;
    PLAN_ON_CPU(r.kind == APUS__REDUCTION_TABLE ? apus_reduce_name(r.op) : names[r.kind], &r.plan, false,
                apus__cpu_reduce.reduce(&r));
}

apus_status apus__fallback_reduce_arg(const apus__lanes *lanes, bool smallest, apus__buffer values,
                                      apus__buffer indices, apus__buffer input) {
    ON_CPU("arg_reduce", 2, apus__cpu_reduce.arg(lanes, smallest, values, indices, input), &values, &indices, &input);
}

apus_status apus__fallback_reduce_scan(const apus__lanes *lanes, apus_scan_op op, apus__buffer out,
                                       apus__buffer input) {
    ON_CPU("scan", 1, apus__cpu_reduce.scan(lanes, op, out, input), &out, &input);
}

const apus__reduce_table apus__fallback_reduce = {
    .reduce = apus__fallback_reduce_reduce,
    .arg = apus__fallback_reduce_arg,
    .scan = apus__fallback_reduce_scan,
};

// ---- index

apus_status apus__fallback_index_check(apus__buffer index, int64_t count, int64_t low, int64_t high, bool *found,
                                       int64_t *outside) {
    ON_CPU("index_check", 0, apus__cpu_index.check(index, count, low, high, found, outside), &index);
}

apus_status apus__fallback_index_offsets(const apus__plan *plan, int64_t size, int64_t stride, bool add) {
    apus__plan seen = *plan;
    PLAN_ON_CPU("index_offsets", &seen, true, apus__cpu_index.offsets(&seen, size, stride, add));
}

apus_status apus__fallback_index_take(const apus__slices *s, apus__buffer out, apus__buffer x, apus__buffer offsets) {
    ON_CPU("index_take", 1, apus__cpu_index.take(s, out, x, offsets), &out, &x, &offsets);
}

apus_status apus__fallback_index_put(const apus__slices *s, apus__buffer x, apus__buffer values, apus__buffer offsets,
                                     bool add) {
    ON_CPU("index_put", 1, apus__cpu_index.put(s, x, values, offsets, add), &x, &values, &offsets);
}

apus_status apus__fallback_index_gather(const apus__lines *lines) {
    apus__lines seen = *lines;
    PLAN_ON_CPU("gather", &seen.plan, true, apus__cpu_index.gather(&seen));
}

apus_status apus__fallback_index_scatter(const apus__lines *lines, bool add) {
    apus__lines seen = *lines;
    apus__fallback f;
    APUS_TRY(apus__fallback_begin(&f, "scatter"));
    apus_status status = apus__fallback_see(&f, &seen.plan.operands[2].storage, true);
    if (status == APUS_STATUS_ok) status = see_plan(&f, &seen.plan, true);
    return apus__fallback_end(&f, status != APUS_STATUS_ok ? status : apus__cpu_index.scatter(&seen, add));
}

apus_status apus__fallback_index_count(apus__buffer mask, int64_t count, apus__buffer starts) {
    ON_CPU("mask_count", 1, apus__cpu_index.count(mask, count, starts), &starts, &mask);
}

apus_status apus__fallback_index_positions(apus__buffer out, apus__buffer mask, int32_t rank, const int64_t *shape,
                                           apus__buffer starts) {
    ON_CPU("nonzero", 1, apus__cpu_index.positions(out, mask, rank, shape, starts), &out, &mask, &starts);
}

apus_status apus__fallback_index_select(apus__buffer out, apus_dtype dtype, apus__buffer x, apus__buffer mask,
                                        int64_t count, apus__buffer starts) {
    ON_CPU("masked_select", 1, apus__cpu_index.select(out, dtype, x, mask, count, starts), &out, &x, &mask, &starts);
}

apus_status apus__fallback_index_triangle(apus__buffer out, apus_dtype dtype, apus__buffer x, int64_t matrices,
                                          int64_t rows, int64_t columns, int64_t diagonal, bool upper) {
    ON_CPU("triangle", 1, apus__cpu_index.triangle(out, dtype, x, matrices, rows, columns, diagonal, upper), &out, &x);
}

const apus__index_table apus__fallback_index = {
    .check = apus__fallback_index_check,
    .offsets = apus__fallback_index_offsets,
    .take = apus__fallback_index_take,
    .put = apus__fallback_index_put,
    .gather = apus__fallback_index_gather,
    .scatter = apus__fallback_index_scatter,
    .count = apus__fallback_index_count,
    .positions = apus__fallback_index_positions,
    .select = apus__fallback_index_select,
    .triangle = apus__fallback_index_triangle,
};

// ---- random

apus_status apus__fallback_random_uniform(const apus__random_target *t, double low, double high) {
    apus__random_target target = *t;
    ON_CPU("uniform", 1, apus__cpu_random.uniform(&target, low, high), &target.buffer);
}

apus_status apus__fallback_random_normal(const apus__random_target *t, double mean, double std) {
    apus__random_target target = *t;
    ON_CPU("normal", 1, apus__cpu_random.normal(&target, mean, std), &target.buffer);
}

apus_status apus__fallback_random_integers(const apus__random_target *t, int64_t low, uint64_t range) {
    apus__random_target target = *t;
    ON_CPU("integers", 1, apus__cpu_random.integers(&target, low, range), &target.buffer);
}

apus_status apus__fallback_random_bernoulli(const apus__random_target *t, double p) {
    apus__random_target target = *t;
    ON_CPU("bernoulli", 1, apus__cpu_random.bernoulli(&target, p), &target.buffer);
}

apus_status apus__fallback_random_permutation(const apus__random_target *t) {
    apus__random_target target = *t;
    ON_CPU("permutation", 1, apus__cpu_random.permutation(&target), &target.buffer);
}

const apus__random_table apus__fallback_random = {
    .uniform = apus__fallback_random_uniform,
    .normal = apus__fallback_random_normal,
    .integers = apus__fallback_random_integers,
    .bernoulli = apus__fallback_random_bernoulli,
    .permutation = apus__fallback_random_permutation,
};

// ---- optim

apus_status apus__fallback_optim_sgd(const apus__sgd *step, apus_dtype dtype, int64_t count, apus__buffer param,
                                     apus__buffer grad, apus__buffer momentum) {
    ON_CPU("sgd_step", 2, apus__cpu_optim.sgd(step, dtype, count, param, grad, momentum), &param, &momentum, &grad);
}

apus_status apus__fallback_optim_adam(const apus__adam *step, apus_dtype dtype, int64_t count, apus__buffer param,
                                      apus__buffer grad, apus__buffer first, apus__buffer second,
                                      apus__buffer greatest) {
    ON_CPU("adam_step", 4, apus__cpu_optim.adam(step, dtype, count, param, grad, first, second, greatest), &param,
           &first, &second, &greatest, &grad);
}

const apus__optim_table apus__fallback_optim = {
    .sgd = apus__fallback_optim_sgd,
    .adam = apus__fallback_optim_adam,
};

// ---- sort

apus_status apus__fallback_sort_rank(const apus__ranking *ranking, apus__buffer values, apus__buffer indices,
                                     apus__buffer input) {
    ON_CPU("sort", 2, apus__cpu_sort.rank(ranking, values, indices, input), &values, &indices, &input);
}

const apus__sort_table apus__fallback_sort = {
    .rank = apus__fallback_sort_rank,
};

// ---- attention

apus_status apus__fallback_attention_forward(const apus__attention *attention, apus__buffer out,
                                             apus__buffer logsumexp) {
    apus__attention a = *attention;
    ON_CPU("attention", 2, apus__cpu_attention.forward(&a, out, logsumexp), &out, &logsumexp, &a.q.buffer, &a.k.buffer,
           &a.v.buffer, &a.mask.buffer);
}

apus_status apus__fallback_attention_backward(const apus__attention *attention, const apus__attention_grads *grads) {
    apus__attention a = *attention;
    apus__attention_grads g = *grads;
    ON_CPU("attention_backward", 3, apus__cpu_attention.backward(&a, &g), &g.dq, &g.dk, &g.dv, &g.grad, &g.out,
           &g.logsumexp, &a.q.buffer, &a.k.buffer, &a.v.buffer, &a.mask.buffer);
}

const apus__attention_table apus__fallback_attention = {
    .forward = apus__fallback_attention_forward,
    .backward = apus__fallback_attention_backward,
};
