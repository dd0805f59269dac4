// Running sums and products on the CPU: independent lanes in parallel.
#include "core/parallel.h"
#include "cpu/reduce.h"

enum { COLUMNS = 512 }; // lanes that run side by side

typedef struct job {
    const apus__lanes *lanes;
    const apus__scan_kernel *kernel;
    char *out;
    const char *input;
    size_t size;
} job;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void scan_rows(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    _Alignas(16) char partial[16];
    for (int64_t i = begin; i < end; i++) {
        size_t offset = (size_t)(i * j->lanes->length) * j->size;
        j->kernel->begin(1, partial);
        j->kernel->row(j->lanes->length, j->out + offset, j->input + offset, partial);
    }
}

static void scan_columns(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t inner = j->lanes->inner, blocks = (inner + COLUMNS - 1) / COLUMNS;
    _Alignas(64) char partial[COLUMNS * 16];
    for (int64_t item = begin; item < end; item++) {
        int64_t first = item % blocks * COLUMNS, n = smaller(COLUMNS, inner - first);
        j->kernel->begin(n, partial);
        for (int64_t row = 0; row < j->lanes->length; row++) {
            size_t offset = (size_t)((item / blocks * j->lanes->length + row) * inner + first) * j->size;
            j->kernel->columns(n, j->out + offset, j->input + offset, partial);
        }
    }
}

apus_status apus__cpu_scan(const apus__lanes *l, apus_scan_op op, apus__buffer out, apus__buffer input) {
    job j = {.lanes = l,
             .kernel = &apus__reduce_loops_current()->scan[op][l->dtype],
             .out = apus__buffer_host(out, l->dtype),
             .input = apus__buffer_host(input, l->dtype),
             .size = apus_dtype_size(l->dtype)};
    if (j.kernel->row == NULL)
        return apus__fail(APUS_STATUS_dtype, "scan: not implemented for %s on cpu", apus_dtype_name(l->dtype));
    bool rows = l->inner == 1;
    int64_t items = rows ? l->outer : l->outer * ((l->inner + COLUMNS - 1) / COLUMNS);
    int64_t bytes = l->length * (int64_t)j.size * smaller(l->inner, COLUMNS), grain = APUS__GRAIN_BYTES / bytes;
    apus__parallel_for(items, grain < 1 ? 1 : grain, rows ? scan_rows : scan_columns, &j);
    return APUS_STATUS_ok;
}
