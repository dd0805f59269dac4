// Matrix products on the CPU: a grid of tiles that depends on the shapes alone, each computed by one thread.
#include "device/matmul.h"

#include <string.h>

#include "blas/blas.h"
#include "core/parallel.h"
#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/simd/matmul_loops.h"

APUS__DEFINE_LOOPS(apus__matmul_loops, matmul)

// A product is split into so many tiles at most, unless it is large enough to feed more threads.
#define TILES 8
#define TILES_OF_LARGE 16
#define LARGE_WORK (1LL << 31)
// Multiply-adds below which a tile is not split, or joined with its neighbours.
#define TILE_WORK (1LL << 19)
// Rows or columns that a tile keeps at least when it is split.
#define TILE_EXTENT 32
// The same for a vector times a matrix that is read across its rows: a strip of it should be several pages wide.
#define STRIP_EXTENT 1024
// Elements of a dot product that are one piece, and how many pieces there are at most.
#define DOT_PIECE 32768
#define DOT_PIECES 256
// Elements that a kernel adds up in the operands' own precision.
#define DOT_RUN 4096
// Elements of an addend that are worth a thread's copying.
#define COPY_GRAIN 32768

typedef struct job {
    const apus__product *product;
    int64_t tile_m, tile_n; ///< rows and columns of a tile
    int64_t grid_m, grid_n; ///< tiles of a matrix
    bool own;               ///< by Apus's kernels, each matrix one tile
    double partial[DOT_PIECES][2];
} job;

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_least_1(int64_t a) { return a < 1 ? 1 : a; }

/// The product of sizes, held below overflow.
static int64_t work_of(int64_t m, int64_t n, int64_t k) {
    double work = (double)m * (double)n * (double)at_least_1(k);
    return work > 1e18 ? (int64_t)1e18 : (int64_t)work;
}

/// Whether a product with a vector reads strips across the rows of its matrix.
static bool reads_strips(const apus__product *p) {
    return (p->m == 1 && p->b.column_stride == 1) || (p->n == 1 && p->a.row_stride == 1);
}

/// Halves the longer side of the tile while that makes more work for threads. Products with a vector are bound by
/// reading the matrix, so less work is worth a thread.
static void choose_tiles(job *j) {
    const apus__product *p = j->product;
    int64_t m = p->m, n = p->n, tiles = p->batch_count;
    int64_t most = work_of(p->m, p->n, p->k) >= LARGE_WORK ? TILES_OF_LARGE : TILES;
    int64_t least_work = m == 1 || n == 1 ? TILE_WORK / 8 : TILE_WORK;
    int64_t least_extent = reads_strips(p) ? STRIP_EXTENT : TILE_EXTENT;
    while (tiles < most && work_of(m, n, p->k) >= 2 * least_work) {
        int64_t *side = m >= n ? &m : &n;
        if (*side < 2 * least_extent) break;
        *side = divide_up(divide_up(*side, 2), 16) * 16;
        tiles *= 2;
    }
    j->tile_m = m, j->tile_n = n;
    j->grid_m = divide_up(p->m, m), j->grid_n = divide_up(p->n, n);
}

/// The element of `x` at (row, column) of batch entry `entry`.
static char *element(const apus__product *p, const apus__matrices *x, int64_t entry, int64_t row, int64_t column) {
    int64_t offset = row * x->row_stride + column * x->column_stride;
    for (int32_t d = p->batch_rank - 1; d >= 0 && entry != 0; d--) {
        offset += entry % p->batch_shape[d] * x->batch_strides[d];
        entry /= p->batch_shape[d];
    }
    return (char *)apus__buffer_host(x->buffer, p->dtype) + offset * (int64_t)apus_dtype_size(p->dtype);
}

static void copy_row(char *to, const char *from, int64_t stride, int64_t n, size_t size) {
    if (stride == 1) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    int64_t step = stride * (int64_t)size;
    switch (size) {
    case 1:
        for (int64_t i = 0; i < n; i++) memcpy(to + i, from + i * step, 1);
        return;
    case 2:
        for (int64_t i = 0; i < n; i++) memcpy(to + 2 * i, from + i * step, 2);
        return;
    case 4:
        for (int64_t i = 0; i < n; i++) memcpy(to + 4 * i, from + i * step, 4);
        return;
    case 8:
        for (int64_t i = 0; i < n; i++) memcpy(to + 8 * i, from + i * step, 8);
        return;
    default:
        for (int64_t i = 0; i < n; i++) memcpy(to + 16 * i, from + i * step, 16);
    }
}

static void add_integer_product(const apus__gemm *g) {
    const apus__matmul_loops *loops = apus__matmul_loops_current();
    switch (apus_dtype_size(g->dtype)) {
    case 1: loops->gemm8(g); return;
    case 2: loops->gemm16(g); return;
    case 4: loops->gemm32(g); return;
    default: loops->gemm64(g);
    }
}

/// The addend of a tile, on its way to the rows of c.
typedef struct addend_job {
    const job *job;
    const apus__gemm *gemm;
    const char *from;
} addend_job;

static void copy_addend_rows(void *context, int64_t begin, int64_t end) {
    const addend_job *a = context;
    const apus__matrices *addend = &a->job->product->addend;
    int64_t size = (int64_t)apus_dtype_size(a->gemm->dtype);
    for (int64_t i = begin; i < end; i++)
        copy_row((char *)a->gemm->c + i * a->gemm->c_row * size, a->from + i * addend->row_stride * size,
                 addend->column_stride, a->gemm->n, (size_t)size);
}

static void multiply_tile(const job *j, int64_t entry, int64_t row, int64_t column) {
    const apus__product *p = j->product;
    size_t size = apus_dtype_size(p->dtype);
    apus__gemm g = {.dtype = p->dtype,
                    .m = p->m - row < j->tile_m ? p->m - row : j->tile_m,
                    .n = p->n - column < j->tile_n ? p->n - column : j->tile_n,
                    .k = p->k,
                    .a = element(p, &p->a, entry, row, 0),
                    .a_row = p->a.row_stride,
                    .a_column = p->a.column_stride,
                    .b = element(p, &p->b, entry, 0, column),
                    .b_row = p->b.row_stride,
                    .b_column = p->b.column_stride,
                    .c = element(p, &p->out, entry, row, column),
                    .c_row = p->out.row_stride,
                    .alpha = p->alpha,
                    .accumulate = p->addend.buffer.storage != NULL};
    bool integral = apus__is_integral(p->dtype);
    if (g.accumulate) {
        addend_job addend = {j, &g, element(p, &p->addend, entry, row, column)};
        apus__parallel_for(g.m, divide_up(COPY_GRAIN, g.n), copy_addend_rows, &addend);
    } else if (integral) {
        for (int64_t i = 0; i < g.m; i++) memset((char *)g.c + i * g.c_row * (int64_t)size, 0, (size_t)g.n * size);
    }
    if (integral)
        add_integer_product(&g);
    else if (j->own)
        apus__cpu_gemm(&g);
    else
        apus__blas_gemm(&g);
}

static void multiply_tiles(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t t = begin; t < end; t++) {
        int64_t entry = t / (j->grid_m * j->grid_n), tile = t % (j->grid_m * j->grid_n);
        multiply_tile(j, entry, tile / j->grid_n * j->tile_m, tile % j->grid_n * j->tile_n);
    }
}

static void add_dot_pieces(void *context, int64_t begin, int64_t end) {
    job *j = context;
    const apus__product *p = j->product;
    int64_t piece = j->tile_m;
    for (int64_t t = begin; t < end; t++) {
        double sum[2] = {0, 0}, run[2];
        int64_t last = p->k - t * piece < piece ? p->k : (t + 1) * piece;
        for (int64_t i = t * piece; i < last; i += DOT_RUN) {
            apus__blas_dot(p->dtype, last - i < DOT_RUN ? last - i : DOT_RUN, element(p, &p->a, 0, 0, i),
                           p->a.column_stride, element(p, &p->b, 0, i, 0), p->b.row_stride, run);
            sum[0] += run[0], sum[1] += run[1];
        }
        j->partial[t][0] = sum[0], j->partial[t][1] = sum[1];
    }
}

/// A lone dot product without addend: the one case in which k is what there is to split.
static void multiply_vectors(job *j) {
    const apus__product *p = j->product;
    j->tile_m = at_least_1(divide_up(divide_up(p->k, DOT_PIECES), DOT_PIECE)) * DOT_PIECE;
    int64_t pieces = divide_up(p->k, j->tile_m);
    apus__parallel_for(pieces, 4, add_dot_pieces, j);
    double sum[2] = {0, 0};
    for (int64_t t = 0; t < pieces; t++) sum[0] += j->partial[t][0], sum[1] += j->partial[t][1];
    void *out = apus__buffer_host(p->out.buffer, p->dtype);
    bool single = p->dtype == APUS_DTYPE_float32 || p->dtype == APUS_DTYPE_complex64;
    int parts = apus_dtype_is_complex(p->dtype) ? 2 : 1;
    for (int i = 0; i < parts; i++)
        if (single)
            ((float *)out)[i] = (float)(p->alpha * sum[i]);
        else
            ((double *)out)[i] = p->alpha * sum[i];
}

/// Whether BLAS's dot kernels take the strides.
static bool is_dot(const apus__product *p) {
    return p->m == 1 && p->n == 1 && p->batch_count == 1 && p->addend.buffer.storage == NULL &&
           !apus__is_integral(p->dtype) && p->a.column_stride < INT32_MAX / 2 && p->b.row_stride < INT32_MAX / 2;
}

static apus_status multiply(const apus__product *product) {
    job j = {.product = product};
    if (is_dot(product)) {
        multiply_vectors(&j);
        return APUS_STATUS_ok;
    }
    j.own = apus__cpu_gemm_takes(product->dtype, product->m, product->n, product->k);
    if (j.own) {
        j.tile_m = product->m, j.tile_n = product->n, j.grid_m = j.grid_n = 1;
        // Few matrices share their insides out among the threads, many are a thread's each.
        if (product->batch_count < TILES)
            multiply_tiles(&j, 0, product->batch_count);
        else
            apus__parallel_for(product->batch_count, 1, multiply_tiles, &j);
        return APUS_STATUS_ok;
    }
    choose_tiles(&j);
    int64_t work = work_of(j.tile_m, j.tile_n, product->k);
    apus__parallel_for(product->batch_count * j.grid_m * j.grid_n, at_least_1(TILE_WORK / work), multiply_tiles, &j);
    return APUS_STATUS_ok;
}

const apus__matmul_table apus__cpu_matmul = {.multiply = multiply};
