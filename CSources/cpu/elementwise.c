// Running elementwise loops over planned operands.
//
// Loops see contiguous data of the dtype they compute in. Operands that are so already are passed as they are; others
// are packed tile by tile on the way in and unpacked on the way out, which does strides, broadcasting and conversion
// at once. Where an operand runs along the second dim (a transposed matrix), tiles are square, so that whole cache
// lines are used.
#include "cpu/elementwise.h"

#include <string.h>

#include "core/parallel.h"
#include "cpu/tile.h"
#include "device/elementwise.h"

// STREAMED: elements of 4 bytes that fill a last-level cache of 16 MiB.
enum { MAX_INPUTS = 3, SQUARE = 16, LARGE_RUN = 32 * 1024, STREAMED = 4 * 1024 * 1024 };

typedef struct job_operand {
    char *data;
    const int64_t *strides;
    apus_dtype dtype, loop_dtype;
    size_t size;
} job_operand;

/// One elementwise call: operand 0 is the output.
typedef struct job {
    const apus__plan *plan;
    apus__loop loop; ///< NULL copies operand 1
    const void *parameter;
    int32_t count;
    job_operand operands[1 + MAX_INPUTS];
    int64_t columns, rows;           ///< of a whole tile
    int64_t column_tiles, row_tiles; ///< tiles along dims 0 and 1
} job;

/// The packed inputs of one worker. A broadcast element stays packed from tile to tile.
typedef struct buffers {
    _Alignas(64) char packed[1 + MAX_INPUTS][APUS__TILE_BYTES];
    const void *repeated[1 + MAX_INPUTS];
    int64_t repeated_count[1 + MAX_INPUTS];
} buffers;

static int64_t stride_of(const job *j, int32_t operand, int32_t dim) {
    return dim < j->plan->rank ? j->operands[operand].strides[dim] : 0;
}

/// Whether the loop can use the operand's own memory for this tile.
static bool is_direct(const job *j, int32_t i, int64_t columns, int64_t rows) {
    const job_operand *o = &j->operands[i];
    if (o->dtype != o->loop_dtype || (columns > 1 && stride_of(j, i, 0) != 1)) return false;
    return rows == 1 || stride_of(j, i, 1) == columns;
}

static void run_tile(const job *j, buffers *b, char *const *at, int64_t columns, int64_t rows) {
    const int64_t n = columns * rows;
    const void *inputs[MAX_INPUTS] = {NULL};
    for (int32_t i = 1; i < j->count; i++) {
        const job_operand *o = &j->operands[i];
        if (is_direct(j, i, columns, rows)) {
            inputs[i - 1] = at[i];
            continue;
        }
        inputs[i - 1] = b->packed[i];
        apus__tile tile = {columns, rows, stride_of(j, i, 0), stride_of(j, i, 1)};
        bool constant = tile.column_stride == 0 && (rows == 1 || tile.row_stride == 0);
        if (!constant) {
            apus__tile_load(b->packed[i], o->loop_dtype, at[i], o->dtype, &tile);
            continue;
        }
        if (b->repeated[i] == at[i] && b->repeated_count[i] >= n) continue;
        _Alignas(16) char value[16];
        apus__tile one = {1, 1, 1, 1};
        apus__tile_load(value, o->loop_dtype, at[i], o->dtype, &one);
        apus__repeat(b->packed[i], value, apus_dtype_size(o->loop_dtype), n);
        b->repeated[i] = at[i];
        b->repeated_count[i] = n;
    }
    const job_operand *out = &j->operands[0];
    bool direct = is_direct(j, 0, columns, rows);
    apus__tile tile = {columns, rows, stride_of(j, 0, 0), stride_of(j, 0, 1)};
    const void *result = inputs[0];
    if (j->loop != NULL) {
        void *target = direct ? at[0] : b->packed[0];
        j->loop(n, target, inputs[0], inputs[1], inputs[2], j->parameter);
        result = target;
        if (direct) return;
    }
    apus__tile_store(at[0], out->dtype, result, out->loop_dtype, &tile);
}

static void run_tiles(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    buffers b;
    memset(b.repeated, 0, sizeof b.repeated);
    for (int64_t index = begin; index < end; index++) {
        int64_t column = index % j->column_tiles * j->columns;
        int64_t rest = index / j->column_tiles;
        int64_t row = rest % j->row_tiles * j->rows;
        rest /= j->row_tiles;
        int64_t offsets[1 + MAX_INPUTS];
        for (int32_t i = 0; i < j->count; i++) offsets[i] = column * stride_of(j, i, 0) + row * stride_of(j, i, 1);
        for (int32_t d = 2; d < j->plan->rank; d++) {
            int64_t place = rest % j->plan->shape[d];
            rest /= j->plan->shape[d];
            for (int32_t i = 0; i < j->count; i++) offsets[i] += place * stride_of(j, i, d);
        }
        char *at[1 + MAX_INPUTS];
        for (int32_t i = 0; i < j->count; i++) at[i] = j->operands[i].data + offsets[i] * (int64_t)j->operands[i].size;
        int64_t height = j->plan->rank > 1 ? j->plan->shape[1] : 1;
        int64_t columns = j->plan->shape[0] - column < j->columns ? j->plan->shape[0] - column : j->columns;
        int64_t rows = height - row < j->rows ? height - row : j->rows;
        run_tile(j, &b, at, columns, rows);
    }
}

static void choose_tiles(job *j) {
    const apus__plan *plan = j->plan;
    int64_t width = plan->shape[0], height = plan->rank > 1 ? plan->shape[1] : 1;
    bool all_direct = true, crosswise = false;
    for (int32_t i = 0; i < j->count; i++) {
        all_direct &= is_direct(j, i, width, 1);
        int64_t inner = stride_of(j, i, 0), outer = stride_of(j, i, 1);
        crosswise |= inner != 0 && inner != 1 && outer == 1;
    }
    if (all_direct && (width >= APUS__TILE_ELEMENTS / 2 || height == 1)) {
        j->columns = width < LARGE_RUN ? width : LARGE_RUN;
        j->rows = 1;
    } else if (crosswise && width > SQUARE && height > 1) {
        j->columns = APUS__TILE_ELEMENTS / SQUARE;
        j->rows = SQUARE;
    } else {
        j->columns = width < APUS__TILE_ELEMENTS ? width : APUS__TILE_ELEMENTS;
        j->rows = APUS__TILE_ELEMENTS / j->columns;
    }
    if (j->columns > width) j->columns = width;
    if (j->rows > height) j->rows = height;
    j->column_tiles = (width + j->columns - 1) / j->columns;
    j->row_tiles = (height + j->rows - 1) / j->rows;
}

/// Whether one call of the loop on the operands' own memory does it all, which spares small operators the rest.
static bool is_one_call(const apus__plan *plan, const apus_dtype *input_dtypes, apus_dtype output_dtype) {
    if (plan->rank != 1 || plan->numel > LARGE_RUN) return false;
    for (int32_t i = 0; i < plan->count; i++) {
        const apus__operand *o = &plan->operands[i];
        if (o->strides[0] != 1 || o->dtype != (i == 0 ? output_dtype : input_dtypes[i - 1])) return false;
    }
    return true;
}

/// `input_dtypes` and `output_dtype` are what the loop reads and writes.
static apus_status run(const apus__plan *plan, apus__loop loop, const apus_dtype *input_dtypes, apus_dtype output_dtype,
                       const void *parameter) {
    if (plan->numel == 0) return APUS_STATUS_ok;
    if (loop != NULL && is_one_call(plan, input_dtypes, output_dtype)) {
        const void *inputs[MAX_INPUTS] = {NULL};
        for (int32_t i = 1; i < plan->count; i++) inputs[i - 1] = apus__plan_host(plan, i);
        loop(plan->numel, apus__plan_host(plan, 0), inputs[0], inputs[1], inputs[2], parameter);
        return APUS_STATUS_ok;
    }
    job j = {.plan = plan, .loop = loop, .parameter = parameter, .count = plan->count};
    for (int32_t i = 0; i < plan->count; i++) {
        const apus__operand *o = &plan->operands[i];
        j.operands[i] = (job_operand){apus__plan_host(plan, i), o->strides, o->dtype,
                                      i == 0 ? output_dtype : input_dtypes[i - 1], apus_dtype_size(o->dtype)};
    }
    choose_tiles(&j);
    int64_t tiles = plan->numel / plan->shape[0] / (plan->rank > 1 ? plan->shape[1] : 1) * j.column_tiles * j.row_tiles;
    int64_t tile_bytes = j.columns * j.rows * (int64_t)j.operands[0].size * plan->count;
    int64_t grain = APUS__GRAIN_BYTES / (tile_bytes > 0 ? tile_bytes : 1);
    apus__parallel_for(tiles, grain < 1 ? 1 : grain, run_tiles, &j);
    return APUS_STATUS_ok;
}

static apus_status unsupported(const char *name, apus_dtype dtype) {
    return apus__fail(APUS_STATUS_dtype, "%s: not implemented for %s on cpu", name, apus_dtype_name(dtype));
}

static apus_status unary(const apus__plan *plan, apus_unary_op op, apus_dtype compute) {
    apus__loop loop = apus__elementwise_loops_current()->unary[op][compute];
    apus_dtype result = apus__unary_gives_bool(op) ? APUS_DTYPE_bool : compute;
    if (loop == NULL) {
        loop = apus__cpu_complex_unary(op, compute);
        if (loop != NULL) result = apus__complex_result(op, compute);
    }
    if (loop == NULL) return unsupported(apus_unary_name(op), compute);
    return run(plan, loop, &compute, result, NULL);
}

/// Whether a result is to be written past the caches: it is a run of its own memory and, with what it is made from,
/// larger than any cache.
static bool is_streamed(const apus__plan *plan, apus_dtype compute) {
    const apus__operand *out = &plan->operands[0];
    if (plan->numel < STREAMED || compute != APUS_DTYPE_float32 || out->dtype != compute) return false;
    if (plan->rank != 1 || out->strides[0] != 1) return false;
    for (int32_t i = 1; i < plan->count; i++)
        if (plan->operands[i].storage == out->storage) return false;
    return (uintptr_t)apus__plan_host(plan, 0) % APUS__STREAM_ALIGNMENT == 0;
}

static apus_status binary(const apus__plan *plan, apus_binary_op op, apus_dtype compute) {
    const apus__elementwise_loops *loops = apus__elementwise_loops_current();
    apus__loop loop = loops->binary[op][compute];
    if (loop == NULL) loop = apus__cpu_complex_binary(op, compute);
    if (loop == NULL) return unsupported(apus_binary_name(op), compute);
    if (loops->stream[op] != NULL && is_streamed(plan, compute)) loop = loops->stream[op];
    const apus_dtype inputs[] = {compute, compute};
    return run(plan, loop, inputs, apus__binary_gives_bool(op) ? APUS_DTYPE_bool : compute, NULL);
}

/// Writes a number into `room` as one element of `dtype`.
static void scalar_element(void *room, apus_dtype dtype, const apus_scalar *value) {
    apus__stack_scalar stack;
    const apus_tensor *t = apus__scalar_tensor(&stack, value);
    apus__tile one = {1, 1, 1, 1};
    apus__tile_load(room, dtype, apus__host_data(t), t->dtype, &one);
}

static apus_status ternary(const apus__plan *plan, apus_ternary_op op, apus_dtype compute, const apus_scalar *value) {
    apus__loop loop = apus__elementwise_loops_current()->ternary[op][compute];
    if (loop == NULL) return unsupported(apus_ternary_name(op), compute);
    const apus_dtype inputs[] = {op == APUS_TERNARY_where ? APUS_DTYPE_bool : compute, compute, compute};
    _Alignas(16) char parameter[16];
    if (value != NULL) scalar_element(parameter, compute, value);
    return run(plan, loop, inputs, compute, value == NULL ? NULL : parameter);
}

static apus_status copy(const apus__plan *plan) {
    const apus__operand *to = &plan->operands[0], *from = &plan->operands[1];
    bool contiguous = plan->rank == 1 && to->strides[0] == 1 && from->strides[0] == 1;
    if (contiguous && to->dtype != from->dtype) {
        // The conversion itself is the loop, so that nothing is packed.
        apus__loop convert = apus__elementwise_loops_current()->convert[to->dtype][from->dtype];
        return run(plan, convert, &from->dtype, to->dtype, NULL);
    }
    return run(plan, NULL, &from->dtype, from->dtype, NULL);
}

static apus_status fill(const apus__plan *plan, const apus_scalar *value) {
    apus__stack_scalar stack;
    const apus_tensor *t = apus__scalar_tensor(&stack, value);
    apus__plan with_value = *plan;
    with_value.count = 2;
    apus__operand *o = &with_value.operands[1];
    o->dtype = t->dtype;
    o->storage = t->storage;
    o->offset = 0;
    memset(o->strides, 0, sizeof(int64_t) * (size_t)plan->rank);
    return run(&with_value, NULL, &plan->operands[0].dtype, plan->operands[0].dtype, NULL);
}

// ---- arange

typedef struct arange_job {
    const apus__plan *plan;
    const apus_scalar *start, *step;
} arange_job;

static double real_value(const apus_scalar *s) { return s->kind >= APUS_SCALAR_float ? s->real : (double)s->integer; }

static void arange_range(void *context, int64_t begin, int64_t end) {
    const arange_job *j = context;
    bool whole = j->start->kind < APUS_SCALAR_float && j->step->kind < APUS_SCALAR_float;
    apus_dtype dtype = j->plan->operands[0].dtype, from = whole ? APUS_DTYPE_int64 : APUS_DTYPE_float64;
    union {
        int64_t whole[APUS__TILE_ELEMENTS];
        double real[APUS__TILE_ELEMENTS];
    } values;
    double start = real_value(j->start), step = real_value(j->step);
    for (int64_t at = begin; at < end; at += APUS__TILE_ELEMENTS) {
        int64_t n = end - at < APUS__TILE_ELEMENTS ? end - at : APUS__TILE_ELEMENTS;
        for (int64_t i = 0; i < n; i++) {
            if (whole)
                values.whole[i] = j->start->integer + (at + i) * j->step->integer;
            else
                values.real[i] = start + (double)(at + i) * step;
        }
        apus__tile tile = {n, 1, 1, n};
        apus__tile_store(apus__plan_host(j->plan, 0) + at * (int64_t)apus_dtype_size(dtype), dtype, &values, from,
                         &tile);
    }
}

static apus_status arange(const apus__plan *plan, const apus_scalar *start, const apus_scalar *step) {
    arange_job j = {plan, start, step};
    apus__parallel_for(plan->numel, LARGE_RUN, arange_range, &j);
    return APUS_STATUS_ok;
}

const apus__elementwise_table apus__cpu_elementwise = {
    .fill = fill,
    .copy = copy,
    .unary = unary,
    .binary = binary,
    .ternary = ternary,
    .arange = arange,
};
