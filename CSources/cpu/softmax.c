// Softmax on the CPU: rows, or blocks of columns that stay in the second cache, in parallel.
#include "core/parallel.h"
#include "cpu/norm.h"

enum { MAX_COLUMNS = 512, MIN_COLUMNS = 128, CACHE_BYTES = 256 * 1024 };

typedef struct job {
    const apus__lanes *lanes;
    const apus__norm_kernels *kernels;
    bool logarithm;
    char *out;
    const char *x, *grad; ///< grad is NULL forward
    size_t size;
    int64_t columns, blocks; ///< of a block, blocks along inner
} job;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static void run_rows(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t n = j->lanes->length;
    for (int64_t row = begin; row < end; row++) {
        size_t offset = (size_t)(row * n) * j->size;
        if (j->grad == NULL)
            j->kernels->softmax_row(n, j->logarithm, j->out + offset, j->x + offset);
        else
            j->kernels->softmax_backward_row(n, j->logarithm, j->out + offset, j->grad + offset, j->x + offset);
    }
}

static void run_columns(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    const apus__lanes *l = j->lanes;
    double scratch[2 * MAX_COLUMNS];
    for (int64_t item = begin; item < end; item++) {
        int64_t first = item % j->blocks * j->columns, n = smaller(j->columns, l->inner - first);
        size_t offset = (size_t)(item / j->blocks * l->length * l->inner + first) * j->size;
        if (j->grad == NULL)
            j->kernels->softmax_columns(n, l->length, l->inner, j->logarithm, j->out + offset, j->x + offset, scratch);
        else
            j->kernels->softmax_backward_columns(n, l->length, l->inner, j->logarithm, j->out + offset,
                                                 j->grad + offset, j->x + offset, scratch);
    }
}

static apus_status run(job *j) {
    const apus__lanes *l = j->lanes;
    int64_t lane_bytes = l->length * (int64_t)j->size;
    if (l->inner == 1) {
        apus__parallel_for(l->outer, larger(1, APUS__GRAIN_BYTES / 2 / lane_bytes), run_rows, j);
        return APUS_STATUS_ok;
    }
    j->columns = larger(MIN_COLUMNS, smaller(MAX_COLUMNS, CACHE_BYTES / lane_bytes / MIN_COLUMNS * MIN_COLUMNS));
    j->columns = smaller(j->columns, l->inner);
    j->blocks = (l->inner + j->columns - 1) / j->columns;
    apus__parallel_for(l->outer * j->blocks, larger(1, APUS__GRAIN_BYTES / 2 / (lane_bytes * j->columns)), run_columns,
                       j);
    return APUS_STATUS_ok;
}

apus_status apus__cpu_softmax(const apus__lanes *lanes, bool logarithm, apus__buffer out, apus__buffer input) {
    job j = {.lanes = lanes,
             .kernels = apus__norm_kernels_of(lanes->dtype),
             .logarithm = logarithm,
             .out = apus__buffer_host(out, lanes->dtype),
             .x = apus__buffer_host(input, lanes->dtype),
             .size = apus_dtype_size(lanes->dtype)};
    return run(&j);
}

apus_status apus__cpu_softmax_backward(const apus__lanes *lanes, bool logarithm, apus__buffer out, apus__buffer grad,
                                       apus__buffer result) {
    job j = {.lanes = lanes,
             .kernels = apus__norm_kernels_of(lanes->dtype),
             .logarithm = logarithm,
             .out = apus__buffer_host(out, lanes->dtype),
             .x = apus__buffer_host(result, lanes->dtype),
             .grad = apus__buffer_host(grad, lanes->dtype),
             .size = apus_dtype_size(lanes->dtype)};
    return run(&j);
}
