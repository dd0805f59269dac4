// Attention on the CPU: tiles of queries and keys whose scores stay in the second-level cache (Dao et al.,
// arXiv:2205.14135). Tiles and the order of sums follow from the shapes alone.
#include "cpu/attention.h"

#include <math.h>
#include <string.h>

#include "blas/blas.h"
#include "core/parallel.h"
#include "cpu/allocator.h"

enum {
    TILE_QUERIES = 128,
    TILE_KEYS = 256,
    FEW_HEADS = 8, // the gradients of fewer are split by tiles, which computes scores twice
};

typedef struct job {
    const apus__attention *a;
    const apus__attention_kernels *kernels;
    size_t size; ///< bytes of an element
    char *out, *logsumexp;
    char *grad, *dq, *dk, *dv; ///< gradients not wanted are NULL
    int64_t query_tiles, key_tiles;
    atomic_bool out_of_memory;
} job;

/// A tile of a head's scores.
typedef struct tile {
    int64_t head;
    int64_t query, queries; ///< the first one, and how many
    int64_t key, keys;
} tile;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// ---- Where things are

/// Row `row` of a head. Shared heads are numbered by the head divided by `group`.
static char *row_of(const job *j, const apus__heads *h, apus_dtype dtype, int64_t head, int64_t row, int64_t group) {
    int64_t offset = row * h->row_stride;
    for (int32_t d = j->a->batch_rank - 1; d >= 0; d--) {
        int64_t place = head % j->a->batch_shape[d];
        head /= j->a->batch_shape[d];
        offset += (d == j->a->batch_rank - 1 ? place / group : place) * h->batch_strides[d];
    }
    return (char *)apus__buffer_host(h->buffer, dtype) + offset * (int64_t)apus_dtype_size(dtype);
}

static char *q_of(const job *j, const tile *t) { return row_of(j, &j->a->q, j->a->dtype, t->head, t->query, 1); }
static char *k_of(const job *j, const tile *t) {
    return row_of(j, &j->a->k, j->a->dtype, t->head, t->key, j->a->group);
}
static char *v_of(const job *j, const tile *t) {
    return row_of(j, &j->a->v, j->a->dtype, t->head, t->key, j->a->group);
}

/// Row `row` of matrix `matrix` among contiguous ones; NULL for NULL.
static char *packed_row(const job *j, char *data, int64_t matrix, int64_t rows, int64_t row, int64_t width) {
    return data == NULL ? NULL : data + (size_t)((matrix * rows + row) * width) * j->size;
}

/// The tile's first row in contiguous data with a row of `width` a query.
static char *at_queries(const job *j, char *data, const tile *t, int64_t width) {
    return packed_row(j, data, t->head, j->a->queries, t->query, width);
}

/// The same with a row a key. Heads that share keys follow one another, so that the number of a shared head is the
/// head's divided by `group`.
static char *at_keys(const job *j, char *data, const tile *t, int64_t width) {
    return packed_row(j, data, t->head / j->a->group, j->a->keys, t->key, width);
}

// ---- Products

/// A matrix operand: rows of contiguous columns, or that transposed.
typedef struct matrix {
    const void *data;
    int64_t stride;
    bool transposed;
} matrix;

static void multiply(const job *j, int64_t m, int64_t n, int64_t k, double alpha, matrix a, matrix b, void *c,
                     int64_t c_row, bool accumulate) {
    const apus__gemm gemm = {
        .dtype = j->a->dtype,
        .m = m,
        .n = n,
        .k = k,
        .a = a.data,
        .a_row = a.transposed ? 1 : a.stride,
        .a_column = a.transposed ? a.stride : 1,
        .b = b.data,
        .b_row = b.transposed ? 1 : b.stride,
        .b_column = b.transposed ? b.stride : 1,
        .c = c,
        .c_row = c_row,
        .alpha = alpha,
        .accumulate = accumulate,
    };
    apus__blas_gemm(&gemm);
}

// ---- Scores

/// The tile of a head that begins at a query and a key.
static tile tile_at(const job *j, int64_t head, int64_t query, int64_t key) {
    tile t = {head, query, smaller(TILE_QUERIES, j->a->queries - query), key, smaller(TILE_KEYS, j->a->keys - key)};
    // Later keys are seen by no query of the tile.
    if (j->a->causal) t.keys = smaller(t.keys, t.query + t.queries - key);
    return t;
}

static void mask_row(const job *j, const tile *t, int64_t row, char *s) {
    const apus__attention *a = j->a;
    if (a->mask.buffer.storage != NULL) {
        apus_dtype dtype = a->mask_is_bool ? APUS_DTYPE_bool : a->dtype;
        const char *mask = row_of(j, &a->mask, dtype, t->head, t->query + row, 1);
        mask += t->key * (int64_t)apus_dtype_size(dtype);
        if (a->mask_is_bool)
            j->kernels->forbid(t->keys, s, (const uint8_t *)mask);
        else
            j->kernels->add_mask(t->keys, s, mask);
    }
    int64_t seen = t->query + row + 1 - t->key;
    if (a->causal && seen < t->keys) {
        seen = seen < 0 ? 0 : seen;
        j->kernels->forbid_all(t->keys - seen, s + (size_t)seen * j->size);
    }
}

/// The tile's scores, one row of TILE_KEYS a query.
static void score(const job *j, const tile *t, char *s) {
    const apus__attention *a = j->a;
    multiply(j, t->queries, t->keys, a->width, a->scale, (matrix){q_of(j, t), a->q.row_stride, false},
             (matrix){k_of(j, t), a->k.row_stride, true}, s, TILE_KEYS, false);
    if (a->mask.buffer.storage == NULL && (!a->causal || t->key + t->keys <= t->query + 1)) return;
    for (int64_t row = 0; row < t->queries; row++) mask_row(j, t, row, s + (size_t)(row * TILE_KEYS) * j->size);
}

// ---- Forward

static double read_at(const job *j, const char *data, int64_t i) {
    return j->size == sizeof(float) ? (double)((const float *)(const void *)data)[i]
                                    : ((const double *)(const void *)data)[i];
}

static void write_at(const job *j, char *data, int64_t i, double value) {
    if (j->size == sizeof(float))
        ((float *)(void *)data)[i] = (float)value;
    else
        ((double *)(void *)data)[i] = value;
}

/// All keys for one tile of queries; room for a tile of scores at `s`.
static void attend(const job *j, int64_t head, int64_t query, char *s) {
    const apus__attention *a = j->a;
    double high[TILE_QUERIES], total[TILE_QUERIES];
    tile t = tile_at(j, head, query, 0);
    char *out = at_queries(j, j->out, &t, a->value_width), *logsumexp = at_queries(j, j->logsumexp, &t, 1);
    size_t out_row = (size_t)a->value_width * j->size;
    for (int64_t i = 0; i < t.queries; i++) high[i] = -INFINITY, total[i] = 0;
    memset(out, 0, (size_t)t.queries * out_row);
    for (int64_t key = 0; key < a->keys; key += TILE_KEYS) {
        t = tile_at(j, head, query, key);
        if (t.keys <= 0) break;
        score(j, &t, s);
        for (int64_t i = 0; i < t.queries; i++) {
            double factor = j->kernels->soften(t.keys, s + (size_t)(i * TILE_KEYS) * j->size, &high[i], &total[i]);
            if (key > 0 && factor != 1) j->kernels->rescale(a->value_width, out + (size_t)i * out_row, factor);
        }
        multiply(j, t.queries, a->value_width, t.keys, 1, (matrix){s, TILE_KEYS, false},
                 (matrix){v_of(j, &t), a->v.row_stride, false}, out, a->value_width, key > 0);
    }
    for (int64_t i = 0; i < t.queries; i++) {
        // A query that sees nothing has zeros already; its logsumexp is -infinity.
        if (total[i] != 0) j->kernels->rescale(a->value_width, out + (size_t)i * out_row, 1 / total[i]);
        write_at(j, logsumexp, i, total[i] == 0 ? -INFINITY : high[i] + log(total[i]));
    }
}

static void attend_tiles(void *context, int64_t begin, int64_t end) {
    job *j = context;
    size_t capacity;
    char *s = apus__cpu_allocate(TILE_QUERIES * TILE_KEYS * j->size, &capacity);
    if (s == NULL) {
        atomic_store_explicit(&j->out_of_memory, true, memory_order_relaxed);
        return;
    }
    for (int64_t item = begin; item < end; item++)
        attend(j, item / j->query_tiles, item % j->query_tiles * TILE_QUERIES, s);
    apus__cpu_free(s, capacity);
}

static job job_of(const apus__attention *a) {
    return (job){
        .a = a,
        .kernels = apus__attention_kernels_of(a->dtype),
        .size = apus_dtype_size(a->dtype),
        .query_tiles = divide_up(a->queries, TILE_QUERIES),
        .key_tiles = divide_up(a->keys, TILE_KEYS),
    };
}

static apus_status end(const job *j) {
    if (j->out_of_memory) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: no room for a tile of scores");
    return APUS_STATUS_ok;
}

static apus_status forward(const apus__attention *a, apus__buffer out, apus__buffer logsumexp) {
    job j = job_of(a);
    j.out = apus__buffer_host(out, a->dtype);
    j.logsumexp = apus__buffer_host(logsumexp, a->dtype);
    apus__parallel_for(a->batch_count * j.query_tiles, 1, attend_tiles, &j);
    return end(&j);
}

// ---- Backward

/// Adds one tile's part to the gradients: dq where `queries`, dk and dv where `keys`; room for two tiles of scores.
static void attend_backward(const job *j, const tile *t, bool queries, bool keys, char *w) {
    const apus__attention *a = j->a;
    char *dw = w + TILE_QUERIES * TILE_KEYS * j->size;
    const char *grad = at_queries(j, j->grad, t, a->value_width), *out = at_queries(j, j->out, t, a->value_width);
    const char *logsumexp = at_queries(j, j->logsumexp, t, 1);
    char *dq = queries ? at_queries(j, j->dq, t, a->width) : NULL;
    char *dk = keys ? at_keys(j, j->dk, t, a->width) : NULL;
    char *dv = keys ? at_keys(j, j->dv, t, a->value_width) : NULL;
    score(j, t, w);
    for (int64_t i = 0; i < t->queries; i++)
        j->kernels->weigh(t->keys, w + (size_t)(i * TILE_KEYS) * j->size, read_at(j, logsumexp, i));
    if (dv != NULL)
        multiply(j, t->keys, a->value_width, t->queries, 1, (matrix){w, TILE_KEYS, true},
                 (matrix){grad, a->value_width, false}, dv, a->value_width, true);
    if (dq == NULL && dk == NULL) return;
    multiply(j, t->queries, t->keys, a->value_width, 1, (matrix){grad, a->value_width, false},
             (matrix){v_of(j, t), a->v.row_stride, true}, dw, TILE_KEYS, false);
    for (int64_t i = 0; i < t->queries; i++) {
        size_t row = (size_t)(i * a->value_width) * j->size, scores = (size_t)(i * TILE_KEYS) * j->size;
        double mean = j->kernels->dot(a->value_width, grad + row, out + row);
        j->kernels->soften_backward(t->keys, dw + scores, w + scores, mean);
    }
    if (dq != NULL)
        multiply(j, t->queries, a->width, t->keys, a->scale, (matrix){dw, TILE_KEYS, false},
                 (matrix){k_of(j, t), a->k.row_stride, false}, dq, a->width, true);
    if (dk != NULL)
        multiply(j, t->keys, a->width, t->queries, a->scale, (matrix){dw, TILE_KEYS, true},
                 (matrix){q_of(j, t), a->q.row_stride, false}, dk, a->width, true);
}

/// Runs all tiles of a shared head between the given keys; the gradients of its queries come with them or do not.
static void run_keys(const job *j, int64_t shared, int64_t first_key, int64_t last_key, bool queries, char *room) {
    const apus__attention *a = j->a;
    for (int64_t head = shared * a->group; head < (shared + 1) * a->group; head++)
        for (int64_t key = first_key; key < last_key; key += TILE_KEYS)
            for (int64_t query = 0; query < a->queries; query += TILE_QUERIES) {
                tile t = tile_at(j, head, query, key);
                if (t.keys > 0) attend_backward(j, &t, queries, true, room);
            }
}

static void clear(const job *j, char *data, int64_t elements) {
    if (data != NULL) memset(data, 0, (size_t)elements * j->size);
}

/// The items of a loop: shared heads; tiles of keys; tiles of queries.
typedef void (*backward_item)(const job *j, int64_t item, char *room);

static void shared_head_item(const job *j, int64_t shared, char *room) {
    run_keys(j, shared, 0, j->a->keys, j->dq != NULL, room);
}

static void keys_item(const job *j, int64_t item, char *room) {
    int64_t key = item % j->key_tiles * TILE_KEYS;
    run_keys(j, item / j->key_tiles, key, smaller(key + TILE_KEYS, j->a->keys), false, room);
}

static void queries_item(const job *j, int64_t item, char *room) {
    int64_t query = item % j->query_tiles * TILE_QUERIES;
    for (int64_t key = 0; key < j->a->keys; key += TILE_KEYS) {
        tile t = tile_at(j, item / j->query_tiles, query, key);
        if (t.keys > 0) attend_backward(j, &t, true, false, room);
    }
}

typedef struct backward_loop {
    job *j;
    backward_item run;
} backward_loop;

static void run_items(void *context, int64_t begin, int64_t end) {
    const backward_loop *l = context;
    size_t capacity;
    char *room = apus__cpu_allocate(2 * TILE_QUERIES * TILE_KEYS * l->j->size, &capacity);
    if (room == NULL) {
        atomic_store_explicit(&l->j->out_of_memory, true, memory_order_relaxed);
        return;
    }
    for (int64_t item = begin; item < end; item++) l->run(l->j, item, room);
    apus__cpu_free(room, capacity);
}

static void run_loop(job *j, int64_t count, backward_item run) {
    backward_loop l = {j, run};
    apus__parallel_for(count, 1, run_items, &l);
}

static apus_status backward(const apus__attention *a, const apus__attention_grads *g) {
    job j = job_of(a);
    j.out = apus__buffer_host(g->out, a->dtype);
    j.logsumexp = apus__buffer_host(g->logsumexp, a->dtype);
    j.grad = apus__buffer_host(g->grad, a->dtype);
    j.dq = apus__buffer_host(g->dq, a->dtype);
    j.dk = apus__buffer_host(g->dk, a->dtype);
    j.dv = apus__buffer_host(g->dv, a->dtype);
    int64_t shared = a->batch_count / a->group;
    clear(&j, j.dq, a->batch_count * a->queries * a->width);
    clear(&j, j.dk, shared * a->keys * a->width);
    clear(&j, j.dv, shared * a->keys * a->value_width);
    if (shared >= FEW_HEADS) {
        run_loop(&j, shared, shared_head_item);
        return end(&j);
    }
    if (j.dk != NULL || j.dv != NULL) run_loop(&j, shared * j.key_tiles, keys_item);
    if (j.dq != NULL) run_loop(&j, a->batch_count * j.query_tiles, queries_item);
    return end(&j);
}

const apus__attention_table apus__cpu_attention = {.forward = forward, .backward = backward};
