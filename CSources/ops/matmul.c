// matmul, addmm and linear: shape and dtype rules of matrix products.
#include "apus/linalg.h"

#include <math.h>
#include <string.h>

#include "apus/elementwise.h"
#include "blas/blas.h"
#include "device/device.h"
#include "device/matmul.h"
#include "ops/store.h"

/// A product on its way: what the caller gave, the shapes it leads to, and the copies that had to be made.
typedef struct call {
    const char *op;
    const apus_tensor *a, *b, *addend; ///< addend may be NULL
    double alpha;
    apus_dtype dtype; ///< of the computation
    int32_t rank;     ///< of the result
    int64_t shape[APUS_MAX_RANK];
    apus__product product;
    apus_tensor *copies[3];
} call;

static apus_status refuse_shapes(const call *c, const char *why) {
    apus__text a, b;
    return apus__fail(APUS_STATUS_shape, "%s: %s: %s and %s", c->op, why, apus__describe(&a, c->a),
                      apus__describe(&b, c->b));
}

// ---- Shapes. A vector takes part as a matrix of one row (a) or one column (b), which the result then lacks.

static int64_t size_from_end(const apus_tensor *t, int32_t i) { return i < t->rank ? t->shape[t->rank - 1 - i] : 1; }

static apus_status set_batch(call *c) {
    apus__product *p = &c->product;
    int32_t rank = c->a->rank > c->b->rank ? c->a->rank : c->b->rank;
    p->batch_rank = rank > 2 ? rank - 2 : 0;
    for (int32_t d = 0; d < p->batch_rank; d++) {
        int64_t x = size_from_end(c->a, rank - 1 - d), y = size_from_end(c->b, rank - 1 - d);
        if (x != y && x != 1 && y != 1) return refuse_shapes(c, "the batches do not broadcast");
        p->batch_shape[d] = x == 1 ? y : x;
    }
    return APUS_STATUS_ok;
}

static apus_status set_shapes(call *c) {
    apus__product *p = &c->product;
    const apus_tensor *a = c->a, *b = c->b;
    if (a->rank == 0 || b->rank == 0) return refuse_shapes(c, "each operand needs at least 1 dim");
    p->m = a->rank > 1 ? a->shape[a->rank - 2] : 1;
    p->k = a->shape[a->rank - 1];
    p->n = b->rank > 1 ? b->shape[b->rank - 1] : 1;
    if (p->k != b->shape[b->rank > 1 ? b->rank - 2 : 0]) return refuse_shapes(c, "the inner sizes differ");
    APUS_TRY(set_batch(c));
    c->rank = p->batch_rank;
    memcpy(c->shape, p->batch_shape, sizeof(int64_t) * (size_t)p->batch_rank);
    if (a->rank > 1) c->shape[c->rank++] = p->m;
    if (b->rank > 1) c->shape[c->rank++] = p->n;
    int64_t numel;
    APUS_TRY(apus__checked_numel(c->op, &numel, c->dtype, c->rank, c->shape));
    p->batch_count = numel == 0 ? 0 : numel / (p->m * p->n);
    return APUS_STATUS_ok;
}

// ---- Operands

/// `t` with one index of each dim that an expand repeated, so that a copy does not repeat the elements.
static apus_status without_repeats(apus_tensor **out, const apus_tensor *t, int32_t dims) {
    int64_t shape[APUS_MAX_RANK];
    for (int32_t d = 0; d < t->rank; d++)
        shape[d] = d < dims && t->strides[d] == 0 && t->shape[d] > 1 ? 1 : t->shape[d];
    return apus__tensor_over(out, t->storage, t->dtype, t->rank, shape, t->strides, t->offset);
}

/// A contiguous copy of `t` in the dtype of the computation, its first `dims` dims without repeats.
static apus_status copy_operand(const call *c, apus_tensor **copy, const apus_tensor *t, int32_t dims) {
    apus_tensor *narrow = NULL;
    APUS_TRY(without_repeats(&narrow, t, dims));
    apus_status status = apus__contiguous_as(copy, narrow, c->dtype);
    apus_tensor_release(narrow);
    return status;
}

/// Describes `t`, whose last two dims (one for a vector) are the matrix, with batch dims broadcast.
static void describe_matrices(const call *c, apus__matrices *x, const apus_tensor *t, bool is_row) {
    const apus__product *p = &c->product;
    x->buffer = apus__buffer_of(t);
    if (t->rank > 1) {
        x->row_stride = t->strides[t->rank - 2], x->column_stride = t->strides[t->rank - 1];
    } else {
        int64_t stride = t->rank == 1 ? t->strides[0] : 0;
        x->row_stride = is_row ? 0 : stride, x->column_stride = is_row ? stride : 0;
    }
    for (int32_t d = 0; d < p->batch_rank; d++) {
        int32_t from = t->rank - 2 - p->batch_rank + d;
        x->batch_strides[d] = from < 0 || t->shape[from] == 1 ? 0 : t->strides[from];
    }
}

static apus_status prepare_factor(call *c, apus__matrices *x, int which, const apus_tensor *t, int64_t rows,
                                  int64_t columns) {
    bool is_row = which == 0;
    describe_matrices(c, x, t, is_row);
    if (t->dtype == c->dtype && apus__gemm_takes(rows, columns, x->row_stride, x->column_stride)) return APUS_STATUS_ok;
    APUS_TRY(copy_operand(c, &c->copies[which], t, t->rank - 2));
    describe_matrices(c, x, c->copies[which], is_row);
    return APUS_STATUS_ok;
}

/// The addend broadcasts to batch × m × n, in which no dim is left out.
static apus_status prepare_addend(call *c) {
    apus__product *p = &c->product;
    const apus_tensor *t = c->addend;
    if (t == NULL) return APUS_STATUS_ok;
    for (int32_t i = 0; i < t->rank; i++) {
        int64_t size = size_from_end(t, i);
        int64_t whole = i == 0                  ? p->n
                        : i == 1                ? p->m
                        : i - 2 < p->batch_rank ? p->batch_shape[p->batch_rank + 1 - i]
                                                : 1;
        if (size == whole && i < p->batch_rank + 2) continue;
        if (size != 1 || i >= p->batch_rank + 2) {
            apus__text have, want;
            return apus__fail(APUS_STATUS_shape, "%s: %s does not broadcast to the product's shape %s", c->op,
                              apus__describe(&have, t), apus__describe_shape(&want, c->rank, c->shape));
        }
    }
    if (t->dtype != c->dtype) {
        APUS_TRY(copy_operand(c, &c->copies[2], t, t->rank));
        t = c->copies[2];
    }
    describe_matrices(c, &p->addend, t, true);
    if (t->rank > 0 && t->shape[t->rank - 1] == 1) p->addend.column_stride = 0;
    if (t->rank > 1 && t->shape[t->rank - 2] == 1) p->addend.row_stride = 0;
    return APUS_STATUS_ok;
}

// ---- Folding a batch into the rows: one large product instead of many small ones.

/// Whether batch and rows of x are evenly spaced, and by how much. Broadcast ones are, by 0.
static bool rows_step(const apus__product *p, const apus__matrices *x, int64_t *step) {
    int64_t rows = 1;
    bool first = true;
    *step = 0;
    for (int32_t d = p->batch_rank; d >= 0; d--) {
        int64_t size = d == p->batch_rank ? p->m : p->batch_shape[d];
        int64_t stride = d == p->batch_rank ? x->row_stride : x->batch_strides[d];
        if (size == 1) continue;
        if (first)
            *step = stride;
        else if (stride != *step * rows)
            return false;
        first = false;
        rows *= size;
    }
    return true;
}

static void fold_batch(apus__product *p) {
    int64_t a_step, addend_step = 0, rows = p->m * p->batch_count;
    if (p->batch_count == 1) p->batch_rank = 0;
    if (p->batch_rank == 0) return;
    for (int32_t d = 0; d < p->batch_rank; d++)
        if (p->b.batch_strides[d] != 0) return;
    if (!rows_step(p, &p->a, &a_step) || !apus__gemm_takes(rows, p->k, a_step, p->a.column_stride)) return;
    if (p->addend.buffer.storage != NULL && !rows_step(p, &p->addend, &addend_step)) return;
    p->m = rows;
    p->a.row_stride = a_step, p->addend.row_stride = addend_step;
    p->batch_rank = 0, p->batch_count = 1;
}

// ---- The product

static void describe_output(apus__product *p, const apus_tensor *out) {
    p->out.buffer = apus__buffer_of(out);
    p->out.row_stride = p->n, p->out.column_stride = 1;
    int64_t stride = p->m * p->n;
    for (int32_t d = p->batch_rank - 1; d >= 0; stride *= p->batch_shape[d--]) p->out.batch_strides[d] = stride;
}

static apus_status run(call *c, const apus_tensor *out) {
    apus__product *p = &c->product;
    if (out->numel == 0) return APUS_STATUS_ok;
    const apus__device_table *device = apus__device_of(out);
    if (device->matmul == NULL)
        return apus__fail(APUS_STATUS_unsupported, "%s: device %s has no matrix products", c->op, device->name);
    APUS_TRY(prepare_factor(c, &p->a, 0, c->a, p->m, p->k));
    APUS_TRY(prepare_factor(c, &p->b, 1, c->b, p->k, p->n));
    APUS_TRY(prepare_addend(c));
    describe_output(p, out);
    fold_batch(p);
    return device->matmul->multiply(p);
}

static apus_status multiply(call *c, apus_tensor **out) {
    c->product.dtype = c->dtype;
    c->product.alpha = c->alpha;
    const apus_tensor *inputs[] = {c->a, c->b, c->addend};
    apus_device device;
    APUS_TRY(apus__same_device(c->op, &device, inputs, APUS__COUNT(inputs)));
    APUS_TRY(set_shapes(c));
    apus__output output;
    APUS_TRY(apus__output_begin(&output, c->op, out, APUS__OUTPUT_CONTIGUOUS, c->dtype, c->rank, c->shape, device,
                                inputs, APUS__COUNT(inputs)));
    apus_status status = run(c, output.tensor);
    for (int i = 0; i < APUS__COUNT(c->copies); i++) apus_tensor_release(c->copies[i]);
    return apus__output_end(&output, status);
}

/// Computes in c->dtype's compute dtype and stores in c->dtype.
static apus_status multiply_as(call *c, apus_tensor **out) {
    apus_dtype dtype = c->dtype;
    if (dtype == APUS_DTYPE_bool) return apus__fail(APUS_STATUS_dtype, "%s: bool has no matrix product", c->op);
    c->dtype = apus__compute_dtype(dtype);
    if (c->dtype == dtype) return multiply(c, out);
    apus_tensor *wide = NULL;
    APUS_TRY(multiply(c, &wide));
    apus_status status = apus__store_as(c->op, out, dtype, wide);
    apus_tensor_release(wide);
    return status;
}

/// Promotes `dtype` by one more operand: as with a tensor of that dtype and one dim.
static apus_status promote_with(apus_dtype *dtype, const apus_tensor *t) {
    if (t == NULL) return APUS_STATUS_ok;
    int64_t one[2] = {1, 1};
    apus_tensor stand_in = {.dtype = *dtype, .rank = 1, .numel = 1, .shape = &one[0], .strides = &one[1]};
    return apus_result_type(dtype, &stand_in, t);
}

apus_status apus_matmul(apus_tensor **out, const apus_tensor *a, const apus_tensor *b) {
    APUS_REQUIRE("matmul", out);
    APUS_REQUIRE("matmul", a);
    APUS_REQUIRE("matmul", b);
    call c = {.op = "matmul", .a = a, .b = b, .alpha = 1};
    APUS_TRY(apus_result_type(&c.dtype, a, b));
    return multiply_as(&c, out);
}

apus_status apus_linear(apus_tensor **out, const apus_tensor *x, const apus_tensor *weight, const apus_tensor *bias) {
    APUS_REQUIRE("linear", out);
    APUS_REQUIRE("linear", x);
    APUS_REQUIRE("linear", weight);
    apus__text have, want;
    if (weight->rank != 2)
        return apus__fail(APUS_STATUS_shape, "linear: weight needs 2 dims [out, in], not %s",
                          apus__describe(&have, weight));
    if (x->rank == 0 || x->shape[x->rank - 1] != weight->shape[1])
        return apus__fail(APUS_STATUS_shape, "linear: the last size of %s is not the last size of weight %s",
                          apus__describe(&have, x), apus__describe(&want, weight));
    if (bias != NULL && (bias->rank != 1 || bias->shape[0] != weight->shape[0]))
        return apus__fail(APUS_STATUS_shape, "linear: bias %s does not fit weight %s", apus__describe(&have, bias),
                          apus__describe(&want, weight));
    call c = {.op = "linear", .a = x, .addend = bias, .alpha = 1};
    APUS_TRY(apus_result_type(&c.dtype, x, weight));
    APUS_TRY(promote_with(&c.dtype, bias));
    apus_tensor *transposed = NULL;
    APUS_TRY(apus_tensor_transpose(&transposed, weight, 0, 1));
    c.b = transposed;
    apus_status status = multiply_as(&c, out);
    apus_tensor_release(transposed);
    return status;
}

static apus_status check_addmm(const apus_tensor *a, const apus_tensor *b, apus_dtype dtype, double beta,
                               double alpha) {
    apus__text first, second;
    bool same = a->rank == b->rank && a->rank >= 2;
    for (int32_t d = 0; same && d < a->rank - 2; d++) same = a->shape[d] == b->shape[d];
    if (!same)
        return apus__fail(APUS_STATUS_shape, "addmm: expected two matrices or batches of one size, not %s and %s",
                          apus__describe(&first, a), apus__describe(&second, b));
    // Up to 2^53 every whole number is a double, and the wraparound of larger ones would be no one's intent.
    bool whole = alpha == rint(alpha) && beta == rint(beta) && fabs(alpha) <= 0x1p53 && fabs(beta) <= 0x1p53;
    if (apus__is_integral(dtype) && !whole)
        return apus__fail(APUS_STATUS_invalid_argument,
                          "addmm: beta %g and alpha %g must be whole numbers for a product in %s", beta, alpha,
                          apus_dtype_name(dtype));
    return APUS_STATUS_ok;
}

/// beta * c in the dtype of the computation.
static apus_status scale_addend(apus_tensor **out, const apus_tensor *c, apus_dtype dtype, double beta) {
    apus_scalar factor = {.kind = APUS_SCALAR_float, .real = beta};
    if (apus__is_integral(dtype)) factor = (apus_scalar){.kind = APUS_SCALAR_int, .integer = (int64_t)beta};
    apus_tensor *converted = NULL;
    APUS_TRY(apus_tensor_to(&converted, c, dtype, c->storage->device));
    apus_status status = apus_binary_scalar(out, APUS_BINARY_mul, converted, &factor, false);
    apus_tensor_release(converted);
    return status;
}

apus_status apus_addmm(apus_tensor **out, const apus_tensor *c, const apus_tensor *a, const apus_tensor *b, double beta,
                       double alpha) {
    APUS_REQUIRE("addmm", out);
    APUS_REQUIRE("addmm", a);
    APUS_REQUIRE("addmm", b);
    call product = {.op = "addmm", .a = a, .b = b, .addend = beta == 0 ? NULL : c, .alpha = alpha};
    APUS_TRY(apus_result_type(&product.dtype, a, b));
    APUS_TRY(promote_with(&product.dtype, c));
    APUS_TRY(check_addmm(a, b, product.dtype, beta, alpha));
    if (product.dtype == APUS_DTYPE_bool || product.addend == NULL || beta == 1) return multiply_as(&product, out);
    apus_tensor *scaled = NULL;
    APUS_TRY(scale_addend(&scaled, c, apus__compute_dtype(product.dtype), beta));
    product.addend = scaled;
    apus_status status = multiply_as(&product, out);
    apus_tensor_release(scaled);
    return status;
}
