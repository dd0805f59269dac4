// Attention on OpenCL devices: blocks of scores, made by the matrix products that the device has, and kernels over
// their rows. Never more than one block of scores is kept, so that memory grows with the sequence and not with its
// square.
#include "device/attention.h"

#include "device/matmul.h"
#include "opencl/launch.h"

extern const apus__matmul_table apus__cl_matmul_table;

static const apus__cl_family family = {"attention", {apus__cl_common, apus__cl_norm, apus__cl_attention}};

enum {
    PART_RANK = 3,        // dims of the heads that products and kernels walk; MASK_RANK in kernels/attention.cl
    GPU_BLOCK = 32 << 20, // bytes of scores
    CPU_BLOCK = 4 << 20,  // that caches hold
    LEAST_ROWS = 64,      // of a block
    CAUSAL_ROWS = 256,    // of a block, so that hidden keys are mostly passed over
    ROW_ELEMENTS = 8192,  // what an item of the CPU class takes at least
    GROUP = 128,          // items of the GPU class that share a row; as in kernels/norm.cl
};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// ---- Parts: some heads with all their queries, or a few queries of one head

typedef struct part {
    apus__attention a;   ///< of the part alone; its batch has at most PART_RANK dims
    int64_t head, query; ///< its first ones
    const apus__attention *whole;
    apus__buffer scores; ///< [heads, queries, keys]
    apus__buffer slopes; ///< the same; backward only
    apus__buffer dk, dv; ///< room for products that are added to the gradients; backward only
    const apus__attention_grads *g;
    apus__buffer out, logsumexp; ///< of the whole call
    bool adds;                   ///< dk and dv have values already
} part;

typedef apus_status (*part_function)(part *p);

/// How far head `head` is from the first one. Shared heads are numbered by the head divided by `group`.
static int64_t head_at(const apus__attention *a, const apus__heads *h, int64_t head, int64_t group) {
    int64_t at = 0;
    for (int32_t d = a->batch_rank - 1; d >= 0; d--) {
        int64_t place = head % a->batch_shape[d];
        head /= a->batch_shape[d];
        at += (d == a->batch_rank - 1 ? place / group : place) * h->batch_strides[d];
    }
    return at;
}

static void begin_heads(apus__heads *h, const apus__attention *a, int64_t head, int64_t group, int64_t row,
                        int32_t rank) {
    h->buffer.offset += head_at(a, h, head, group) + row * h->row_stride;
    for (int32_t d = 0; d < rank; d++) h->batch_strides[d] = h->batch_strides[a->batch_rank - rank + d];
}

/// Makes p the part from a head and a query on, of the `rank` innermost dims and `count` indices of their first.
static void begin_part(part *p, const apus__attention *a, int64_t head, int32_t rank, int64_t count, int64_t query,
                       int64_t queries) {
    p->a = *a;
    p->head = head, p->query = query;
    p->a.queries = queries;
    p->a.batch_rank = rank;
    p->a.batch_count = 1;
    for (int32_t d = 0; d < rank; d++) {
        p->a.batch_shape[d] = d == 0 ? count : a->batch_shape[a->batch_rank - rank + d];
        p->a.batch_count *= p->a.batch_shape[d];
    }
    begin_heads(&p->a.q, a, head, 1, query, rank);
    begin_heads(&p->a.k, a, head, a->group, 0, rank);
    begin_heads(&p->a.v, a, head, a->group, 0, rank);
    begin_heads(&p->a.mask, a, head, 1, query, rank);
    if (rank == 0) p->a.group = 1;
}

/// Heads that fit a block together, all of their queries.
static apus_status run_heads(part *p, const apus__attention *a, int32_t rank, int64_t count, part_function run) {
    int64_t size = rank == 0 ? 1 : a->batch_shape[a->batch_rank - rank], inner = 1;
    for (int32_t d = 1; d < rank; d++) inner *= a->batch_shape[a->batch_rank - rank + d];
    for (int64_t head = 0; head < a->batch_count; head += size * inner)
        for (int64_t first = 0; first < size; first += count) {
            begin_part(p, a, head + first * inner, rank, smaller(count, size - first), 0, a->queries);
            p->adds = false;
            APUS_TRY(run(p));
        }
    return APUS_STATUS_ok;
}

/// Head by head, the last queries first: these see all keys that any sees.
static apus_status run_queries(part *p, const apus__attention *a, int64_t rows, part_function run) {
    for (int64_t head = 0; head < a->batch_count; head++)
        for (int64_t block = divide_up(a->queries, rows) - 1; block >= 0; block--) {
            int64_t query = block * rows, queries = smaller(rows, a->queries - query);
            begin_part(p, a, head, 0, 1, query, queries);
            p->adds = head % a->group != 0 || query + queries < a->queries;
            if (a->causal && p->adds) p->a.keys = smaller(a->keys, query + queries);
            APUS_TRY(run(p));
        }
    return APUS_STATUS_ok;
}

static apus_status make_room(part *p, const apus__attention *a, int64_t elements) {
    const apus_storage *beside = a->q.buffer.storage;
    size_t size = apus_dtype_size(a->dtype);
    APUS_TRY(apus__cl_temporary(&p->scores, beside, (size_t)larger(1, elements) * size));
    if (p->g == NULL) return APUS_STATUS_ok;
    size_t shared = (size_t)larger(1, a->batch_count / a->group * a->keys) * size;
    APUS_TRY(apus__cl_temporary(&p->slopes, beside, (size_t)larger(1, elements) * size));
    if (p->g->dk.storage != NULL) APUS_TRY(apus__cl_temporary(&p->dk, beside, shared * (size_t)a->width));
    if (p->g->dv.storage != NULL) APUS_TRY(apus__cl_temporary(&p->dv, beside, shared * (size_t)a->value_width));
    return APUS_STATUS_ok;
}

/// Runs all parts of a call.
static apus_status run_parts(part *p, const apus__attention *a, part_function run) {
    p->whole = a;
    int32_t rank = (int32_t)smaller(PART_RANK, a->batch_rank);
    int64_t bytes = apus__cl_is_cpu_class(a->q.buffer.storage) ? CPU_BLOCK : GPU_BLOCK;
    int64_t most = bytes / (int64_t)apus_dtype_size(a->dtype), step = rank == 1 ? a->group : 1;
    int64_t scores = a->queries * a->keys, rows = larger(LEAST_ROWS, most / larger(1, a->keys));
    for (int32_t d = 1; d < rank; d++) scores *= a->batch_shape[a->batch_rank - rank + d];
    if (a->causal && a->queries >= 2 * CAUSAL_ROWS) rows = smaller(rows, CAUSAL_ROWS);
    rows = smaller(rows, a->queries);
    int64_t count = most / larger(1, scores) / step * step;
    bool by_heads = count > 0 && rows == a->queries;
    if (rank > 0) count = smaller(count, a->batch_shape[a->batch_rank - rank]);
    apus_status status = make_room(p, a, by_heads ? scores * larger(1, count) : rows * a->keys);
    if (status == APUS_STATUS_ok)
        status = by_heads ? run_heads(p, a, rank, larger(1, count), run) : run_queries(p, a, rows, run);
    apus__buffer *const all[] = {&p->scores, &p->slopes, &p->dk, &p->dv};
    for (int i = 0; i < APUS__COUNT(all); i++)
        if (all[i]->storage != NULL) apus__storage_release(all[i]->storage);
    return status;
}

// ---- Products

/// Matrices of a part's heads: strides of its batch's dims, the last of which is split into shared heads and those that
/// share one.
typedef struct matrices {
    apus__buffer buffer;
    int64_t row, column;
    int64_t batch[PART_RANK + 1];
} matrices;

static matrices heads_matrices(const part *p, const apus__heads *h, bool shared) {
    matrices m = {.buffer = h->buffer, .row = h->row_stride, .column = 1};
    int32_t last = p->a.batch_rank - 1;
    for (int32_t d = 0; d < last; d++) m.batch[d] = h->batch_strides[d];
    if (last < 0) return m;
    m.batch[last] = h->batch_strides[last] * (shared ? 1 : p->a.group);
    m.batch[last + 1] = shared ? 0 : h->batch_strides[last];
    return m;
}

/// Contiguous ones of `rows` × `width`, one a head, or one a shared head.
static matrices packed(const part *p, apus__buffer buffer, int64_t rows, int64_t width, bool shared) {
    apus__heads h = {.buffer = buffer, .row_stride = width};
    int64_t step = rows * width;
    for (int32_t d = p->a.batch_rank - 1; d >= 0; d--) {
        h.batch_strides[d] = step;
        step *= shared && d == p->a.batch_rank - 1 ? p->a.batch_shape[d] / p->a.group : p->a.batch_shape[d];
    }
    return heads_matrices(p, &h, shared);
}

/// Contiguous data of the whole call with a row of `width` a query, from the part's first on.
static apus__buffer at_queries(const part *p, apus__buffer buffer, int64_t width) {
    buffer.offset += (p->head * p->whole->queries + p->query) * width;
    return buffer;
}

/// The same with a row a key.
static apus__buffer at_keys(const part *p, apus__buffer buffer, int64_t width) {
    buffer.offset += p->head / p->whole->group * p->whole->keys * width;
    return buffer;
}

static matrices transposed(matrices m) {
    int64_t row = m.row;
    m.row = m.column, m.column = row;
    return m;
}

/// Of a product: the head among those that share one, or all.
enum { ALL_HEADS = -1 };

static apus__matrices operand(const part *p, const matrices *m, int64_t member) {
    apus__matrices o = {.buffer = m->buffer, .row_stride = m->row, .column_stride = m->column};
    int32_t rank = p->a.batch_rank;
    for (int32_t d = 0; d <= rank && rank > 0; d++) o.batch_strides[d] = m->batch[d];
    if (member > 0) o.buffer.offset += member * m->batch[rank];
    return o;
}

/// out = alpha * a @ b + addend, out and the addend contiguous.
static apus_status multiply(const part *p, const int64_t sizes[3], double alpha, apus__buffer out, matrices a,
                            matrices b, int64_t member, apus__buffer addend) {
    if (sizes[0] == 0 || sizes[1] == 0) return APUS_STATUS_ok;
    int32_t rank = p->a.batch_rank, last = rank - 1;
    apus__product product = {.dtype = p->a.dtype,
                             .m = sizes[0],
                             .n = sizes[1],
                             .k = sizes[2],
                             .batch_rank = rank == 0             ? 0
                                           : member == ALL_HEADS ? rank + 1
                                                                 : rank,
                             .batch_count = member == ALL_HEADS ? p->a.batch_count : p->a.batch_count / p->a.group,
                             .out = {.buffer = out, .row_stride = sizes[1], .column_stride = 1},
                             .a = operand(p, &a, member),
                             .b = operand(p, &b, member),
                             .alpha = alpha};
    for (int32_t d = 0; d < rank; d++) product.batch_shape[d] = p->a.batch_shape[d];
    if (rank > 0) product.batch_shape[last] /= p->a.group, product.batch_shape[rank] = p->a.group;
    if (addend.storage != NULL) {
        matrices m = packed(p, addend, sizes[0], sizes[1], member != ALL_HEADS);
        product.addend = operand(p, &m, 0);
    }
    return apus__cl_matmul_table.multiply(&product);
}

/// scores = scale * q @ kᵀ.
static apus_status score(const part *p) {
    const apus__attention *a = &p->a;
    return multiply(p, (int64_t[]){a->queries, a->keys, a->width}, a->scale, p->scores, heads_matrices(p, &a->q, false),
                    transposed(heads_matrices(p, &a->k, true)), ALL_HEADS, (apus__buffer){NULL, 0});
}

// ---- Rows of scores

/// The struct `block` of kernels/attention.cl.
typedef struct block {
    int64_t rows, queries, keys, query, causal;
    int64_t rank, shape[PART_RANK], mask[PART_RANK], mask_row;
} block;

static block block_of(const part *p) {
    const apus__attention *a = &p->a;
    block b = {.rows = a->batch_count * a->queries,
               .queries = a->queries,
               .keys = a->keys,
               .query = p->query,
               .causal = a->causal,
               .rank = a->batch_rank,
               .mask_row = a->mask.row_stride};
    for (int32_t d = 0; d < a->batch_rank; d++) {
        b.shape[d] = a->batch_shape[d];
        b.mask[d] = a->mask.batch_strides[d];
    }
    return b;
}

/// Runs a kernel over the rows; `arguments` have room for one more.
static apus_status launch_rows(const part *p, const char *kernel, int64_t rows, apus__cl_argument *arguments,
                               int32_t count) {
    bool is_cpu = apus__cl_is_cpu_class(p->scores.storage);
    int64_t chunk = larger(1, ROW_ELEMENTS / larger(1, p->a.keys));
    if (is_cpu) arguments[count++] = apus__cl_long(chunk);
    return apus__cl_run(&(apus__cl_launch){.storage = p->scores.storage,
                                           .family = &family,
                                           .dtype = p->a.dtype,
                                           .kernel = kernel,
                                           .items = {is_cpu ? divide_up(rows, chunk) : rows * GROUP},
                                           .local = {is_cpu ? 1 : GROUP},
                                           .arguments = arguments,
                                           .argument_count = count});
}

static apus__buffer truth_of(const apus__attention *a) {
    return a->mask_is_bool ? a->mask.buffer : (apus__buffer){NULL, 0};
}
static apus__buffer added_of(const apus__attention *a) {
    return a->mask_is_bool ? (apus__buffer){NULL, 0} : a->mask.buffer;
}

static apus_status soften(const part *p) {
    const block b = block_of(p);
    apus__cl_argument arguments[] = {apus__cl_struct(&b, sizeof b),
                                     apus__cl_buffer(p->scores),
                                     apus__cl_buffer(truth_of(&p->a)),
                                     apus__cl_buffer(added_of(&p->a)),
                                     apus__cl_buffer(at_queries(p, p->logsumexp, 1)),
                                     apus__cl_long(0)};
    return launch_rows(p, "attention_soften", b.rows, arguments, APUS__COUNT(arguments) - 1);
}

static apus_status soften_backward(const part *p, bool slopes) {
    const block b = block_of(p);
    apus__cl_argument arguments[] = {apus__cl_struct(&b, sizeof b),
                                     apus__cl_buffer(p->scores),
                                     apus__cl_buffer(slopes ? p->slopes : (apus__buffer){NULL, 0}),
                                     apus__cl_buffer(truth_of(&p->a)),
                                     apus__cl_buffer(added_of(&p->a)),
                                     apus__cl_buffer(at_queries(p, p->g->logsumexp, 1)),
                                     apus__cl_buffer(at_queries(p, p->g->grad, p->a.value_width)),
                                     apus__cl_buffer(at_queries(p, p->g->out, p->a.value_width)),
                                     apus__cl_long(p->a.value_width),
                                     apus__cl_long(0)};
    return launch_rows(p, "attention_soften_backward", b.rows, arguments, APUS__COUNT(arguments) - 1);
}

// ---- Forward

static apus_status forward_part(part *p) {
    const apus__attention *a = &p->a;
    APUS_TRY(score(p));
    APUS_TRY(soften(p));
    return multiply(p, (int64_t[]){a->queries, a->value_width, a->keys}, 1, at_queries(p, p->out, a->value_width),
                    packed(p, p->scores, a->queries, a->keys, false), heads_matrices(p, &a->v, true), ALL_HEADS,
                    (apus__buffer){NULL, 0});
}

static apus_status forward(const apus__attention *a, apus__buffer out, apus__buffer logsumexp) {
    part p = {.out = out, .logsumexp = logsumexp};
    return run_parts(&p, a, forward_part);
}

// ---- Backward

/// Adds alpha * leftᵀ @ right, a product a head, to the gradient of shared heads' keys or values.
static apus_status add_to_keys(const part *p, double alpha, apus__buffer left, matrices right, int64_t width,
                               apus__buffer gradient, apus__buffer room) {
    const apus__attention *a = &p->a;
    const int64_t sizes[] = {a->keys, width, a->queries};
    matrices turned = transposed(packed(p, left, a->queries, a->keys, false));
    size_t size = apus_dtype_size(a->dtype), bytes = (size_t)(a->batch_count / a->group * a->keys * width) * size;
    for (int64_t member = 0; member < a->group; member++) {
        if (member == 0 && !p->adds) {
            APUS_TRY(multiply(p, sizes, alpha, gradient, turned, right, member, (apus__buffer){NULL, 0}));
            continue;
        }
        APUS_TRY(multiply(p, sizes, alpha, room, turned, right, member, gradient));
        APUS_TRY(apus__cl_copy_bytes(gradient.storage, (size_t)gradient.offset * size, room.storage,
                                     (size_t)room.offset * size, bytes));
    }
    return APUS_STATUS_ok;
}

static apus_status backward_part(part *p) {
    const apus__attention *a = &p->a;
    const apus__attention_grads *g = p->g;
    bool slopes = g->dq.storage != NULL || g->dk.storage != NULL;
    matrices grad = packed(p, at_queries(p, g->grad, a->value_width), a->queries, a->value_width, false);
    APUS_TRY(score(p));
    if (slopes)
        APUS_TRY(multiply(p, (int64_t[]){a->queries, a->keys, a->value_width}, 1, p->slopes, grad,
                          transposed(heads_matrices(p, &a->v, true)), ALL_HEADS, (apus__buffer){NULL, 0}));
    APUS_TRY(soften_backward(p, slopes));
    if (g->dv.storage != NULL && a->keys > 0)
        APUS_TRY(add_to_keys(p, 1, p->scores, grad, a->value_width, at_keys(p, g->dv, a->value_width), p->dv));
    if (g->dk.storage != NULL && a->keys > 0)
        APUS_TRY(add_to_keys(p, a->scale, p->slopes, heads_matrices(p, &a->q, false), a->width,
                             at_keys(p, g->dk, a->width), p->dk));
    if (g->dq.storage == NULL) return APUS_STATUS_ok;
    return multiply(p, (int64_t[]){a->queries, a->width, a->keys}, a->scale, at_queries(p, g->dq, a->width),
                    packed(p, p->slopes, a->queries, a->keys, false), heads_matrices(p, &a->k, true), ALL_HEADS,
                    (apus__buffer){NULL, 0});
}

static apus_status backward(const apus__attention *a, const apus__attention_grads *g) {
    part p = {.g = g};
    return run_parts(&p, a, backward_part);
}

const apus__attention_table apus__cl_attention_table = {.forward = forward, .backward = backward};
