// Blocked products: for a run of k, both operands are packed once, then blocks of the result are multiplied from the
// panels. Blocks and the order of sums follow from the shapes alone.
#include "cpu/gemm.h"

#include "core/parallel.h"
#include "cpu/allocator.h"

APUS__DEFINE_LOOPS(apus__gemm_loops, gemm)

// The depth of a panel.
#define DEPTH 352
// A column panel up to this size stays in the first-level cache while row panels, which are narrower, pass by. A larger
// one passes by a row panel instead.
#define RESIDENT_BYTES (24 * 1024)
// Columns of the right matrix packed at a time, and of a task; a task's column panels stay in the second-level cache.
#define SLAB 4096
#define TASK_COLUMNS 256
// Row panels of a task.
#define TASK_PANELS 8
// Where BLAS is the better choice, measured on Zen 4: fewer multiply-adds than this (products of 400³ are slower here,
// of 512³ as fast or faster), or sides so short that packing is not paid back. A short k is no hindrance.
#define LEAST_WORK (1LL << 27)
#define LEAST_SIDE 512
#define LEAST_DEPTH 64
// Elements that are worth a thread's packing.
#define PACK_GRAIN 16384

typedef struct job {
    const apus__gemm *g;
    const apus__gemm_loops *loops;
    float *a, *b;                      ///< panels
    int64_t first_k, depth;            ///< the run of k
    int64_t first_column, columns;     ///< the slab of n
    int64_t row_panels, column_panels; ///< of the slab
    int64_t task_panels, column_tasks; ///< column panels of a task; tasks along n
} job;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool apus__cpu_gemm_takes(apus_dtype dtype, int64_t m, int64_t n, int64_t k) {
    // Without AVX2 the kernels are slower than OpenBLAS's on x86, and unmeasured on arm64.
    if (apus__isa_current() == APUS__ISA_BASELINE) return false;
    return dtype == APUS_DTYPE_float32 && m >= LEAST_SIDE && n >= LEAST_SIDE && k >= LEAST_DEPTH &&
           (double)m * (double)n * (double)k >= (double)LEAST_WORK;
}

static void pack_a(const job *j, int64_t panel) {
    const apus__gemm *g = j->g;
    int64_t row = panel * j->loops->rows;
    j->loops->pack_rows(smaller(j->loops->rows, g->m - row), j->depth,
                        (const float *)g->a + row * g->a_row + j->first_k * g->a_column, g->a_row, g->a_column,
                        j->a + row * j->depth);
}

static void pack_b(const job *j, int64_t panel) {
    const apus__gemm *g = j->g;
    int64_t column = panel * j->loops->columns;
    j->loops->pack_columns(smaller(j->loops->columns, j->columns - column), j->depth,
                           (const float *)g->b + (j->first_column + column) * g->b_column + j->first_k * g->b_row,
                           g->b_column, g->b_row, j->b + column * j->depth);
}

static void pack_panels(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t t = begin; t < end; t++)
        if (t < j->column_panels)
            pack_b(j, t);
        else
            pack_a(j, t - j->column_panels);
}

/// Row panel p times column panel q.
static void multiply_panels(const job *j, int64_t p, int64_t q) {
    const apus__gemm *g = j->g;
    int64_t rows = j->loops->rows, columns = j->loops->columns;
    j->loops->multiply(j->depth, j->a + p * rows * j->depth, j->b + q * columns * j->depth,
                       (float *)g->c + p * rows * g->c_row + j->first_column + q * columns, g->c_row,
                       smaller(rows, g->m - p * rows), smaller(columns, j->columns - q * columns), (float)g->alpha,
                       g->accumulate || j->first_k > 0);
}

static void multiply_blocks(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    bool columns_stay = j->loops->columns * j->depth * (int64_t)sizeof(float) <= RESIDENT_BYTES;
    for (int64_t t = begin; t < end; t++) {
        int64_t first = t / j->column_tasks * TASK_PANELS, from = t % j->column_tasks * j->task_panels;
        int64_t last = smaller(first + TASK_PANELS, j->row_panels);
        int64_t to = smaller(from + j->task_panels, j->column_panels);
        if (columns_stay) {
            for (int64_t q = from; q < to; q++)
                for (int64_t p = first; p < last; p++) multiply_panels(j, p, q);
        } else {
            for (int64_t p = first; p < last; p++)
                for (int64_t q = from; q < to; q++) multiply_panels(j, p, q);
        }
    }
}

static void multiply_slab(job *j) {
    const apus__gemm *g = j->g;
    j->row_panels = divide_up(g->m, j->loops->rows);
    j->column_panels = divide_up(j->columns, j->loops->columns);
    j->task_panels = divide_up(TASK_COLUMNS, j->loops->columns);
    j->column_tasks = divide_up(j->column_panels, j->task_panels);
    // Runs of k of about the same length.
    int64_t depth = divide_up(g->k, divide_up(g->k, DEPTH));
    for (j->first_k = 0; j->first_k < g->k; j->first_k += depth) {
        j->depth = smaller(depth, g->k - j->first_k);
        apus__parallel_for(j->column_panels + j->row_panels, divide_up(PACK_GRAIN, j->depth * j->loops->columns),
                           pack_panels, j);
        apus__parallel_for(divide_up(j->row_panels, TASK_PANELS) * j->column_tasks, 1, multiply_blocks, j);
    }
}

void apus__cpu_gemm(const apus__gemm *g) {
    job j = {.g = g, .loops = apus__gemm_loops_current()};
    int64_t depth = smaller(g->k, DEPTH), rows = divide_up(g->m, j.loops->rows) * j.loops->rows;
    int64_t columns = divide_up(smaller(g->n, SLAB), j.loops->columns) * j.loops->columns;
    size_t capacity;
    j.a = apus__cpu_allocate((size_t)((rows + columns) * depth) * sizeof(float), &capacity);
    if (j.a == NULL) return apus__blas_gemm(g); // which has its own memory
    j.b = j.a + rows * depth;
    for (j.first_column = 0; j.first_column < g->n; j.first_column += SLAB) {
        j.columns = smaller(SLAB, g->n - j.first_column);
        multiply_slab(&j);
    }
    apus__cpu_free(j.a, capacity);
}
