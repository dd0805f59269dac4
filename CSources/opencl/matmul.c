// Matrix products on OpenCL devices. How one is cut up follows from its shape and the device's registers alone.
#include "device/matmul.h"

#include <string.h>

#include "opencl/tiling.h"
#include "opencl/launch.h"

enum {
    BATCH_RANK = 4,
    RUN = 352,       // the depth of a panel: a column panel and a few row panels stay in the first cache
    TASK_PANELS = 8, // row panels of a task
    TASK_COLUMNS = 256,
    PACK_LEAST = 24,      // rows that pay for packing the other matrix
    PACK_WORK = 1 << 24,  // multiply-adds that do
    STRIP_WORK = 1 << 16, // multiply-adds that are worth an item
    PIECE = 2048,         // steps of k that are a piece at least, where k is what there is to cut
    PIECE_ITEMS = 32,     // items that keep a processor busy
    PIECE_TILES = 256,    // tiles that keep a GPU busy
    STRIP_LANES = 128,    // registers of a strip; STRIP in kernels/matmul.cl
    FINISH_CHUNK = 1024,
};

// One program each: PoCL takes its time for every kernel of a program.
#define FAMILY(name, source)                                                                                           \
    {                                                                                                                  \
        name, { apus__cl_common, apus__cl_lanes, apus__cl_matmul, source }                                             \
    }
static const apus__cl_family blocks = FAMILY("matmul_blocks", apus__cl_matmul_blocks);
static const apus__cl_family vectors = FAMILY("matmul_vectors", apus__cl_matmul_vectors);
static const apus__cl_family tiles = FAMILY("matmul_tiles", apus__cl_matmul_tiles);
static const apus__cl_family finishing = FAMILY("matmul_finish", apus__cl_matmul_finish);

typedef struct strides {
    int64_t row, column, batch[BATCH_RANK];
} strides;

/// The struct `product` of kernels/matmul.cl.
typedef struct product {
    int64_t m, n, k, batch_count, pieces, depth, run;
    int64_t rank, shape[BATCH_RANK];
    strides a, b, addend;
} product;

/// A product on its way: what kernels read and where they write.
typedef struct call {
    product p;
    apus_dtype dtype;
    const apus_storage *storage; ///< of the device
    apus__cl_tiling tiling;
    apus__buffer out, a, b, addend;
    apus__buffer to; ///< `out`, or the pieces
    double alpha;
} call;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static double work_of(int64_t m, int64_t n, int64_t k) { return (double)m * (double)n * (double)k; }

// ---- Launching

static apus__cl_argument alpha_of(const call *c, double alpha) {
    if (apus_dtype_is_floating_point(c->dtype) || apus_dtype_is_complex(c->dtype))
        return apus__cl_real(c->dtype, alpha);
    return apus__cl_long((int64_t)alpha);
}

static apus_status launch(const call *c, const apus__cl_family *family, const char *kernel, int64_t items,
                          int64_t planes, int64_t local, const apus__cl_argument *arguments, int32_t count) {
    return apus__cl_run(&(apus__cl_launch){.storage = c->storage,
                                           .family = family,
                                           .dtype = c->dtype,
                                           .options = c->tiling.options,
                                           .kernel = kernel,
                                           .items = {items, planes},
                                           .local = {local, 1},
                                           .arguments = arguments,
                                           .argument_count = count});
}

/// A kernel that multiplies: scaled and with the addend, or plain pieces. `more` are its own sizes.
static apus_status launch_product(const call *c, const apus__cl_family *family, const char *kernel, int64_t items,
                                  int64_t local, apus__buffer a, apus__buffer b, const int64_t *more,
                                  int32_t more_count) {
    bool whole = c->p.pieces == 1;
    apus__cl_argument arguments[10] = {apus__cl_struct(&c->p, sizeof c->p),
                                       apus__cl_buffer(c->to),
                                       apus__cl_buffer(a),
                                       apus__cl_buffer(b),
                                       apus__cl_buffer(whole ? c->addend : (apus__buffer){NULL, 0}),
                                       alpha_of(c, whole ? c->alpha : 1)};
    for (int32_t i = 0; i < more_count; i++) arguments[6 + i] = apus__cl_long(more[i]);
    // GPUs bound the second dim of work-groups to 65535.
    int64_t planes = c->p.batch_count * c->p.pieces;
    return launch(c, family, kernel, c->tiling.is_cpu ? items : items * planes, c->tiling.is_cpu ? planes : 1, local,
                  arguments, 6 + more_count);
}

// ---- The CPU class

/// How many matrices an operand has: one where the batch broadcasts it.
static int64_t matrices_of(const call *c, const strides *s) {
    for (int64_t d = 0; d < c->p.rank; d++)
        if (s->batch[d] != 0 && c->p.shape[d] != 1) return c->p.batch_count;
    return 1;
}

/// Packs an operand into panels of `width`; *matrix is how far its matrices are apart, 0 for one.
static apus_status pack(const call *c, apus__buffer *packed, int64_t *matrix, const char *kernel, apus__buffer from,
                        const strides *s, int64_t side, int64_t width) {
    int64_t panels = divide_up(side, width), count = matrices_of(c, s), size = panels * width * c->p.k;
    APUS_TRY(apus__cl_temporary(packed, c->storage, (size_t)(size * count) * apus_dtype_size(c->dtype)));
    *matrix = count == 1 ? 0 : size;
    const apus__cl_argument arguments[] = {apus__cl_struct(&c->p, sizeof c->p), apus__cl_buffer(*packed),
                                           apus__cl_buffer(from)};
    return launch(c, &blocks, kernel, panels * divide_up(c->p.k, c->p.run), count, 1, arguments,
                  APUS__COUNT(arguments));
}

/// Both operands from panels.
static apus_status multiply_panels(const call *c) {
    apus__buffer a = {NULL, 0}, b = {NULL, 0};
    int64_t more[4] = {TASK_PANELS, larger(1, TASK_COLUMNS / c->tiling.columns)};
    apus_status status = pack(c, &a, &more[2], "pack_rows", c->a, &c->p.a, c->p.m, c->tiling.rows);
    if (status == APUS_STATUS_ok)
        status = pack(c, &b, &more[3], "pack_columns", c->b, &c->p.b, c->p.n, c->tiling.columns);
    int64_t tasks = divide_up(divide_up(c->p.m, c->tiling.rows), more[0]) *
                    divide_up(divide_up(c->p.n, c->tiling.columns), more[1]);
    if (status == APUS_STATUS_ok) status = launch_product(c, &blocks, "multiply_panels", tasks, 1, a, b, more, 4);
    apus__storage_release(a.storage);
    apus__storage_release(b.storage);
    return status;
}

/// The left operand from where it is; the right one too, where its columns are contiguous and fill a block.
static apus_status multiply_direct(call *c, bool packs) {
    int64_t strip = (int64_t)(STRIP_WORK / work_of(c->tiling.rows, c->tiling.columns, larger(1, c->p.depth)));
    strip = larger(1, smaller(strip, divide_up(c->p.m, c->tiling.rows))) * c->tiling.rows;
    int64_t more[3] = {strip, packs, 0};
    int64_t items = divide_up(c->p.m, strip) * divide_up(c->p.n, c->tiling.columns);
    if (!packs) return launch_product(c, &blocks, "multiply_direct", items, 1, c->a, c->b, more, 3);
    apus__buffer b = {NULL, 0};
    c->p.run = larger(1, c->p.k);
    apus_status status = pack(c, &b, &more[2], "pack_columns", c->b, &c->p.b, c->p.n, c->tiling.columns);
    if (status == APUS_STATUS_ok) status = launch_product(c, &blocks, "multiply_direct", items, 1, c->a, b, more, 3);
    apus__storage_release(b.storage);
    return status;
}

static apus_status multiply_on_cpu(call *c) {
    product *p = &c->p;
    if (p->m == 1 && p->b.column == 1 && p->n >= c->tiling.columns)
        return launch_product(c, &vectors, "multiply_strips", divide_up(p->n, STRIP_LANES * c->tiling.lanes), 1, c->a,
                              c->b, NULL, 0);
    if (p->m == 1 && p->b.row == 1 && p->a.column == 1 && !apus_dtype_is_complex(c->dtype))
        return launch_product(c, &vectors, "multiply_dots", divide_up(p->n, 4), 1, c->a, c->b, NULL, 0);
    bool packs = p->b.column != 1 || p->n < c->tiling.columns;
    if (p->m < PACK_LEAST || work_of(p->m, p->n, p->k) < PACK_WORK) return multiply_direct(c, packs);
    return multiply_panels(c);
}

// ---- All

/// k is cut where there is too little else to share out.
static void cut(call *c) {
    product *p = &c->p;
    int64_t tasks = p->batch_count, most = PIECE_ITEMS;
    if (c->tiling.is_cpu) {
        int64_t column = p->m == 1 ? c->tiling.lanes * (p->b.column == 1 ? STRIP_LANES : 2) : TASK_COLUMNS;
        tasks *= divide_up(p->m, c->tiling.rows * TASK_PANELS) * divide_up(p->n, column);
    } else {
        tasks *= divide_up(p->m, c->tiling.tile) * divide_up(p->n, c->tiling.tile);
        most = PIECE_TILES;
    }
    p->run = divide_up(larger(1, p->k), divide_up(larger(1, p->k), RUN));
    int64_t pieces = larger(1, smaller(most / tasks, p->k / PIECE));
    p->depth = divide_up(divide_up(larger(1, p->k), pieces), p->run) * p->run;
    p->pieces = larger(1, divide_up(p->k, p->depth));
}

static apus_status finish(const call *c) {
    int64_t chunk = c->tiling.is_cpu ? FINISH_CHUNK : 1;
    const apus__cl_argument arguments[] = {
        apus__cl_struct(&c->p, sizeof c->p), apus__cl_buffer(c->out), apus__cl_buffer(c->to),
        apus__cl_buffer(c->addend),          alpha_of(c, c->alpha),   apus__cl_long(chunk)};
    return launch(c, &finishing, "finish", divide_up(c->p.batch_count * c->p.m * c->p.n, chunk), 1,
                  c->tiling.is_cpu ? 1 : 128, arguments, APUS__COUNT(arguments));
}

/// Whether 32 bits count the elements of each matrix.
static bool is_narrow(const product *p) {
    return p->m * p->a.row + p->k * p->a.column <= UINT32_MAX && p->k * p->b.row + p->n * p->b.column <= UINT32_MAX;
}

static apus_status multiply_part(call *c) {
    product *p = &c->p;
    c->tiling = apus__cl_tiling_of(c->storage, c->dtype, p->m, p->n, p->batch_count);
    if (!c->tiling.is_cpu && is_narrow(p)) strcat(c->tiling.options, " -DNARROW");
    cut(c);
    c->to = c->out;
    if (p->pieces > 1) {
        size_t bytes = (size_t)(p->pieces * p->batch_count * p->m * p->n) * apus_dtype_size(c->dtype);
        APUS_TRY(apus__cl_temporary(&c->to, c->storage, bytes));
    }
    apus_status status = APUS_STATUS_ok;
    if (c->tiling.is_cpu) {
        status = multiply_on_cpu(c);
    } else {
        int64_t side = c->tiling.tile / c->tiling.block,
                count = divide_up(p->m, c->tiling.tile) * divide_up(p->n, c->tiling.tile);
        status = launch_product(c, &tiles, "multiply_tiles", count * side * side, side * side, c->a, c->b, NULL, 0);
    }
    if (p->pieces == 1) return status;
    if (status == APUS_STATUS_ok) status = finish(c);
    apus__storage_release(c->to.storage);
    return status;
}

/// A column vector is the row vector of the transposed product, which walks b in strips.
static void turn(call *c) {
    product *p = &c->p;
    strides a = p->a;
    apus__buffer buffer = c->a;
    p->a = p->b, c->a = c->b;
    p->b = a, c->b = buffer;
    int64_t m = p->m, row;
    p->m = p->n, p->n = m;
    strides *const all[] = {&p->a, &p->b, &p->addend};
    for (int i = 0; i < APUS__COUNT(all); i++) {
        row = all[i]->row;
        all[i]->row = all[i]->column, all[i]->column = row;
    }
}

static strides strides_of(const apus__matrices *x) {
    return (strides){.row = x->row_stride, .column = x->column_stride};
}

/// Joins the batch's dims as far as they go: an operand's dims in `sizes` and `steps`, innermost first.
static int32_t join_batch(const apus__product *from, int64_t *sizes, int64_t (*steps)[3]) {
    int32_t rank = 0;
    for (int32_t d = from->batch_rank - 1; d >= 0; d--) {
        const int64_t size = from->batch_shape[d];
        const int64_t step[3] = {from->a.batch_strides[d], from->b.batch_strides[d], from->addend.batch_strides[d]};
        bool joins = rank > 0;
        for (int i = 0; i < 3 && joins; i++) joins = step[i] == steps[rank - 1][i] * sizes[rank - 1];
        if (size == 1) continue;
        if (joins) {
            sizes[rank - 1] *= size;
            continue;
        }
        sizes[rank] = size;
        memcpy(steps[rank++], step, sizeof step);
    }
    return rank;
}

/// Batch dims behind the BATCH_RANK innermost are walked here.
static apus_status multiply_parts(const call *whole, int32_t rank, const int64_t *sizes, int64_t (*steps)[3]) {
    int64_t parts = 1;
    for (int32_t d = BATCH_RANK; d < rank; d++) parts *= sizes[d];
    for (int64_t part = 0; part < parts; part++) {
        call c = *whole;
        int64_t rest = part;
        for (int32_t d = BATCH_RANK; d < rank; rest /= sizes[d++]) {
            c.a.offset += rest % sizes[d] * steps[d][0];
            c.b.offset += rest % sizes[d] * steps[d][1];
            c.addend.offset += rest % sizes[d] * steps[d][2];
        }
        c.out.offset += part * c.p.batch_count * c.p.m * c.p.n;
        APUS_TRY(multiply_part(&c));
    }
    return APUS_STATUS_ok;
}

static apus_status multiply(const apus__product *from) {
    call c = {.p = {.m = from->m, .n = from->n, .k = from->k, .batch_count = 1},
              .dtype = from->dtype,
              .storage = from->out.buffer.storage,
              .out = from->out.buffer,
              .a = from->a.buffer,
              .b = from->b.buffer,
              .addend = from->addend.buffer,
              .alpha = from->alpha};
    c.p.a = strides_of(&from->a), c.p.b = strides_of(&from->b), c.p.addend = strides_of(&from->addend);
    int64_t sizes[APUS_MAX_RANK], steps[APUS_MAX_RANK][3];
    int32_t rank = join_batch(from, sizes, steps);
    c.p.rank = smaller(rank, BATCH_RANK);
    for (int32_t d = 0; d < c.p.rank; d++) {
        c.p.shape[d] = sizes[d];
        c.p.batch_count *= sizes[d];
        c.p.a.batch[d] = steps[d][0], c.p.b.batch[d] = steps[d][1], c.p.addend.batch[d] = steps[d][2];
    }
    if (c.p.n == 1 && c.p.m > 1) turn(&c);
    return multiply_parts(&c, rank, sizes, steps);
}

const apus__matmul_table apus__cl_matmul_table = {.multiply = multiply};
