// Attention and its gradients on OpenCL devices against the CPU's: masks, shared heads, strides, hidden keys.
#include "check_opencl.h"

typedef struct sizes {
    int64_t batch, heads, shared, queries, keys, width, value_width;
} sizes;

/// No mask, bool and float masks of several shapes, and one whose first query sees nothing.
enum { MASKS = 5 };

static operand make_mask(int which, apus_dtype dtype, const sizes *s) {
    const int64_t shapes[MASKS][4] = {{0},
                                      {s->batch, s->heads, s->queries, s->keys},
                                      {s->batch, 1, 1, s->keys},
                                      {1, s->heads, s->queries, 1},
                                      {1, 1, s->queries, s->keys}};
    if (which == 0) return (operand){NULL, NULL};
    if (which == 3) return check_operand(dtype, 4, shapes[3], -1, 1);
    operand mask = check_operand(APUS_DTYPE_bool, 4, shapes[which], 0, 2);
    if (which != 4) return mask;
    apus_tensor *const sides[] = {mask.cpu, mask.device};
    for (int i = 0; i < 2; i++) {
        const apus_scalar no = {.kind = APUS_SCALAR_bool};
        apus_tensor *row = NULL;
        CHECK_OK(apus_tensor_select(&row, sides[i], 2, 0));
        CHECK_OK(apus_tensor_fill(row, &no));
        apus_tensor_release(row);
    }
    return mask;
}

/// As heads often are: made as [batch, length, heads, width].
static operand make_heads(apus_dtype dtype, int64_t batch, int64_t heads, int64_t length, int64_t width, bool turned) {
    const int64_t plain[] = {batch, heads, length, width}, other[] = {batch, length, heads, width};
    if (!turned) return check_operand(dtype, 4, plain, -1, 1);
    return check_transpose(check_operand(dtype, 4, other, -1, 1), 1, 2);
}

static void check_case(apus_dtype dtype, const sizes *s, int which, bool causal, bool turned) {
    operand q = make_heads(dtype, s->batch, s->heads, s->queries, s->width, turned);
    operand k = make_heads(dtype, s->batch, s->shared, s->keys, s->width, turned);
    operand v = make_heads(dtype, s->batch, s->shared, s->keys, s->value_width, turned);
    operand grad = make_heads(dtype, s->batch, s->heads, s->queries, s->value_width, turned);
    operand mask = make_mask(which, dtype, s), out = {NULL, NULL}, sums = {NULL, NULL};
    double tolerance = 4 * check_tolerance(dtype);
    CHECK_OK(apus_attention(&out.cpu, &sums.cpu, q.cpu, k.cpu, v.cpu, mask.cpu, 0.7, causal));
    CHECK_OK(apus_attention(&out.device, &sums.device, q.device, k.device, v.device, mask.device, 0.7, causal));
    // All gradients, then each alone.
    for (int wanted = 7; wanted > 0; wanted = wanted == 7 ? 4 : wanted / 2) {
        operand dq = {NULL, NULL}, dk = {NULL, NULL}, dv = {NULL, NULL};
        CHECK_OK(apus_attention_backward(wanted & 1 ? &dq.cpu : NULL, wanted & 2 ? &dk.cpu : NULL,
                                         wanted & 4 ? &dv.cpu : NULL, grad.cpu, q.cpu, k.cpu, v.cpu, mask.cpu, out.cpu,
                                         sums.cpu, 0.7, causal));
        CHECK_OK(apus_attention_backward(wanted & 1 ? &dq.device : NULL, wanted & 2 ? &dk.device : NULL,
                                         wanted & 4 ? &dv.device : NULL, grad.device, q.device, k.device, v.device,
                                         mask.device, out.device, sums.device, 0.7, causal));
        if (wanted & 1) check_result_pair("dq", dq, tolerance);
        if (wanted & 2) check_result_pair("dk", dk, tolerance);
        if (wanted & 4) check_result_pair("dv", dv, tolerance);
    }
    check_result_pair("out", out, tolerance);
    check_result_pair("logsumexp", sums, tolerance);
    const operand all[] = {q, k, v, grad, mask};
    for (int i = 0; i < 5; i++) check_release(all[i]);
}

/// Many leading dims, and nothing to attend to.
static void test_shapes(void) {
    const int64_t deep[] = {2, 1, 2, 2, 3, 5, 4}, none[] = {0, 4}, flat[] = {3, 4};
    operand q = check_operand(APUS_DTYPE_float32, 7, deep, -1, 1), out = {NULL, NULL};
    CHECK_OK(apus_attention(&out.cpu, NULL, q.cpu, q.cpu, q.cpu, NULL, 0.5, true));
    CHECK_OK(apus_attention(&out.device, NULL, q.device, q.device, q.device, NULL, 0.5, true));
    check_result_pair("leading dims", out, 2e-5);
    check_release(q);
    q = check_operand(APUS_DTYPE_float32, 2, flat, -1, 1);
    operand k = check_operand(APUS_DTYPE_float32, 2, none, -1, 1), sums = {NULL, NULL}, dq = {NULL, NULL};
    out = (operand){NULL, NULL};
    CHECK_OK(apus_attention(&out.cpu, &sums.cpu, q.cpu, k.cpu, k.cpu, NULL, 0.5, false));
    CHECK_OK(apus_attention(&out.device, &sums.device, q.device, k.device, k.device, NULL, 0.5, false));
    CHECK_OK(
        apus_attention_backward(&dq.cpu, NULL, NULL, q.cpu, q.cpu, k.cpu, k.cpu, NULL, out.cpu, sums.cpu, 0.5, false));
    CHECK_OK(apus_attention_backward(&dq.device, NULL, NULL, q.device, q.device, k.device, k.device, NULL, out.device,
                                     sums.device, 0.5, false));
    check_result_pair("no keys", out, 0);
    check_result_pair("no keys", sums, 0);
    check_result_pair("no keys", dq, 0);
    check_release(q);
    check_release(k);
}

int main(void) {
    if (!check_opencl_begin("test_opencl_attention")) return 0;
    // Of one query; of all heads together; of shared heads.
    static const sizes all[] = {{1, 1, 1, 1, 1, 1, 1}, {2, 3, 3, 5, 7, 4, 6}, {2, 4, 2, 13, 33, 8, 8}};
    // Head by head in blocks of queries: hidden keys, fewer keys than queries, and more.
    static const sizes large[] = {{1, 2, 1, 600, 530, 5, 3}, {1, 1, 1, 530, 700, 16, 8}};
    static const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16};
    for (int d = 0; d < (check_is_simulated() ? 1 : (int)(sizeof dtypes / sizeof *dtypes)); d++) {
        if (!check_computes(dtypes[d])) continue;
        for (int s = 0; s < (check_is_simulated() ? 2 : (int)(sizeof all / sizeof *all)); s++)
            for (int which = 0; which < MASKS; which++)
                for (int causal = 0; causal < 2; causal++)
                    check_case(dtypes[d], &all[s], which, causal, (s + which) % 2);
        for (int s = 0; s < (int)(sizeof large / sizeof *large) && !check_is_simulated(); s++)
            for (int which = 0; which < MASKS; which += 2) check_case(dtypes[d], &large[s], which, true, s == 0);
    }
    test_shapes();
    return check_opencl_end("test_opencl_attention");
}
