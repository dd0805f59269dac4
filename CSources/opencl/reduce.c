// Reductions on OpenCL devices. A program is one row of reduce.def, the moments or log(sum(exp(x))), for one dtype of
// the input. Sums of floats carry their rounding errors along, in the dtype itself, so that devices without float64 are
// as exact as the CPU.
//
// As on the CPU there are two walks, by whether the innermost dim is reduced or kept, both through any strides. Few
// outputs are cut into parts whose partial results are joined in order; all sizes follow from the shape and the class
// of kernels alone, so that results are the same each time.
#include "device/reduce.h"

#include <string.h>

#include "opencl/elementwise.h"
#include "opencl/scan.h"

enum {
    RANK = 8,           // dims of each kind in one launch
    COLUMNS = 2048,     // outputs an item of the CPU class has side by side: two pages of each row
    GROUP = 128,        // of the GPU class
    PARTIAL_BYTES = 32, // the largest partial result
    MAX_PARTS = 128,
    MANY_PARTS = 16, // that a work-group joins
};

/// The struct `reduction` of kernels/reduce_kernels.cl.
typedef struct apus__cl_reduction {
    int64_t count, elements, items;
    int64_t width, blocks;
    int64_t depth, along, steps, part_steps, parts;
    int64_t x_at, out_at, second_at;
    int64_t kept_rank, reduced_rank;
    int64_t kept[RANK], kept_strides[RANK], out_strides[RANK], second_strides[RANK];
    int64_t reduced[RANK], reduced_strides[RANK];
} apus__cl_reduction;

#define FAMILY(name, row)                                                                                              \
    {                                                                                                                  \
        name, {                                                                                                        \
            apus__cl_common, apus__cl_functions, apus__cl_reduce, row, apus__cl_reduce_runs, apus__cl_reduce_kernels   \
        }                                                                                                              \
    }
static const apus__cl_family families[APUS_REDUCE_COUNT] = {
#define APUS_REDUCE(number, name, class, identity, map, combine)                                                       \
    [number] = FAMILY("reduce_" #name, "REDUCE_" #name "(" #identity ", " #map ", " #combine                           \
                                       ")\n#define RESULT RESULT_" #class "\n#define FINISH FINISH_" #name "\n"),
#include "apus/reduce.def"
#undef APUS_REDUCE
};
static const apus__cl_family moments_family = FAMILY("moments", "MOMENTS\n#define RESULT OWN\n"
                                                                "#define MOMENTS_RESULT\n");
static const apus__cl_family logsumexp_family = FAMILY("logsumexp", "LOGSUMEXP\n#define RESULT OWN\n"
                                                                    "#define FINISH FINISH_logsumexp\n");

/// What a row's class says of its result: see reduce.def.
static const enum result_class {
    class_sum,
    class_real,
    class_extreme,
    class_logic,
    class_count
} classes[] = {
#define APUS_REDUCE(number, name, class, ...) [number] = class_##class,
#include "apus/reduce.def"
#undef APUS_REDUCE
};

/// The dtype that kernels store, where the input's is `program` and floats are stored as `own`.
static apus_dtype stored_dtype(const apus__reduction *r, apus_dtype own) {
    if (r->kind != APUS__REDUCTION_TABLE) return own;
    bool whole = !apus_dtype_is_floating_point(r->compute) && !apus_dtype_is_complex(r->compute);
    switch (classes[r->op]) {
    case class_sum: return whole ? APUS_DTYPE_int64 : own;
    case class_logic: return APUS_DTYPE_bool;
    case class_count: return APUS_DTYPE_int64;
    default: return own;
    }
}

static const apus__cl_family *family_of(const apus__reduction *r) {
    switch (r->kind) {
    case APUS__REDUCTION_MOMENTS: return &moments_family;
    case APUS__REDUCTION_LOGSUMEXP: return &logsumexp_family;
    case APUS__REDUCTION_TABLE: break;
    }
    return &families[r->op == APUS_REDUCE_mean ? APUS_REDUCE_sum : r->op];
}

// ---- Geometry

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t pieces(int64_t n, int64_t piece) { return (n + piece - 1) / piece; }

/// Dims of the plan by kind; false where there are too many for one launch.
static bool sort_dims(apus__cl_reduction *g, const apus__plan *plan) {
    const apus__operand *x = &plan->operands[0], *out = &plan->operands[1], *second = &plan->operands[plan->count - 1];
    g->count = g->elements = 1;
    g->x_at = x->offset, g->out_at = out->offset, g->second_at = second->offset;
    for (int32_t d = 0; d < plan->rank; d++) {
        bool kept = out->strides[d] != 0;
        int64_t *rank = kept ? &g->kept_rank : &g->reduced_rank;
        *(kept ? &g->count : &g->elements) *= plan->shape[d];
        if (++*rank > RANK) continue;
        (kept ? g->kept : g->reduced)[*rank - 1] = plan->shape[d];
        (kept ? g->kept_strides : g->reduced_strides)[*rank - 1] = x->strides[d];
        if (!kept) continue;
        g->out_strides[*rank - 1] = out->strides[d];
        g->second_strides[*rank - 1] = second->strides[d];
    }
    if (g->kept_rank == 0) g->kept[g->kept_rank++] = 1;
    if (g->reduced_rank == 0) g->reduced[g->reduced_rank++] = 1;
    return g->kept_rank <= RANK && g->reduced_rank <= RANK;
}

/// How many parts make enough work where `groups` outputs or blocks of them do not.
static int64_t parts_for(int64_t groups, int64_t enough, int64_t elements, int64_t least) {
    return groups >= enough ? 1 : larger(1, smaller(pieces(elements, least), enough / groups + 1));
}

static void cut_steps(apus__cl_reduction *g, int64_t depth, int64_t parts) {
    g->depth = smaller(g->reduced[0], larger(depth, 1));
    g->along = pieces(g->reduced[0], g->depth);
    g->steps = g->along * (g->elements / g->reduced[0]);
    g->part_steps = pieces(g->steps, parts);
    g->parts = pieces(g->steps, g->part_steps);
}

static void cut_for_cpu(apus__cl_reduction *g, bool by_rows) {
    enum { STEP = 64 * 1024, ITEM = 16 * 1024, MANY = 16 };
    g->width = by_rows ? larger(1, smaller(ITEM / g->elements, g->count)) : COLUMNS;
    g->blocks = by_rows ? pieces(g->count, g->width) : pieces(g->kept[0], COLUMNS);
    int64_t blocks = by_rows ? g->blocks : g->blocks * (g->count / g->kept[0]);
    int64_t across = by_rows ? g->width : smaller(COLUMNS, g->kept[0]);
    int64_t most = by_rows ? MAX_PARTS : MANY / blocks + 1;
    int64_t parts = blocks >= MANY ? 1 : larger(1, smaller(pieces(across * g->elements, STEP), most));
    int64_t depth = by_rows ? STEP : larger(8, STEP / across);
    cut_steps(g, smaller(depth, larger(1, pieces(g->elements, parts))), parts);
    g->items = blocks * g->parts;
}

static void cut_for_gpu(apus__cl_reduction *g, bool by_rows) {
    enum { GROUPS = 2048, ROW_PART = 8192, COLUMN_PART = 64 };
    int64_t groups = by_rows ? g->count : pieces(g->count, GROUP);
    int64_t parts = parts_for(groups, GROUPS, g->elements, by_rows ? ROW_PART : COLUMN_PART);
    cut_steps(g, pieces(g->elements, parts), parts);
    g->items = g->count * g->parts * (by_rows ? GROUP : 1);
}

// ---- Launching

typedef struct reduce_call {
    const apus__reduction *reduction;
    const char *options;
    apus__plan plan; ///< with operands as the kernels take them
} reduce_call;

static apus_status launch(const reduce_call *c, const apus__cl_reduction *g, apus__buffer partials, bool merge,
                          bool by_rows) {
    const apus__plan *plan = &c->plan;
    const apus_storage *storage = plan->operands[0].storage;
    apus__cl_argument arguments[6] = {apus__cl_struct(g, sizeof *g)};
    int32_t count = 1;
    if (!merge) arguments[count++] = apus__cl_memory(plan->operands[0].storage);
    arguments[count++] = apus__cl_memory(plan->operands[1].storage);
    arguments[count++] = apus__cl_memory(plan->count == 3 ? plan->operands[2].storage : NULL);
    arguments[count++] = apus__cl_memory(partials.storage);
    apus_dtype real = apus__cl_device_of(storage)->info.has_float64 ? APUS_DTYPE_float64 : APUS_DTYPE_float32;
    arguments[count++] = apus__cl_real(real, c->reduction->correction);
    bool grouped = !apus__cl_is_cpu_class(storage) && (merge ? g->parts >= MANY_PARTS : by_rows);
    const char *kernel = !merge    ? (by_rows ? "reduce_rows" : "reduce_columns")
                         : grouped ? "reduce_merge_group"
                                   : "reduce_merge";
    return apus__cl_run(&(apus__cl_launch){.storage = storage,
                                           .family = family_of(c->reduction),
                                           .dtype = plan->operands[0].dtype,
                                           .options = c->options,
                                           .kernel = kernel,
                                           .items = {merge ? g->count * (grouped ? GROUP : 1) : g->items},
                                           .local = {apus__cl_is_cpu_class(storage) ? 1 : GROUP},
                                           .arguments = arguments,
                                           .argument_count = count});
}

static apus_status launch_all(const reduce_call *c, apus__cl_reduction *g) {
    enum { SHORT = 64 };
    const apus__plan *plan = &c->plan;
    bool cpu = apus__cl_is_cpu_class(plan->operands[0].storage);
    // Work-groups of the GPU class are wasted on short rows.
    bool by_rows = plan->operands[1].strides[0] == 0 && (cpu || g->elements >= SHORT);
    (cpu ? cut_for_cpu : cut_for_gpu)(g, by_rows);
    const apus__reduction *r = c->reduction;
    if (r->kind == APUS__REDUCTION_TABLE && r->op != APUS_REDUCE_mean) g->elements = 1; // what sums are divided by
    apus__buffer partials = {NULL, 0};
    if (g->parts == 1) return launch(c, g, partials, false, by_rows);
    APUS_TRY(apus__cl_temporary(&partials, plan->operands[0].storage, (size_t)(g->parts * g->count) * PARTIAL_BYTES));
    apus_status status = launch(c, g, partials, false, by_rows);
    if (status == APUS_STATUS_ok) status = launch(c, g, partials, true, by_rows);
    apus__storage_release(partials.storage);
    return status;
}

// ---- Operands that the kernels do not take as they are

/// Copies a dense result to output k of the plan.
static apus_status deliver(const apus__plan *plan, int32_t k, const apus__operand *from) {
    apus__plan back = {.count = 2, .operands = {plan->operands[k], *from}};
    int64_t shape[APUS_MAX_RANK], strides[2][APUS_MAX_RANK];
    int32_t rank = 0;
    for (int32_t d = plan->rank - 1; d >= 0; d--) {
        if (from->strides[d] == 0) continue;
        shape[rank] = plan->shape[d];
        strides[0][rank] = plan->operands[k].strides[d];
        strides[1][rank++] = from->strides[d];
    }
    const int64_t *const both[] = {strides[0], strides[1]};
    apus__plan_simplify(&back, rank, shape, both);
    return apus__cl_copy(&back);
}

/// Dense temporaries for the outputs of `plan`, which has the strides of `given`; and back to those of `given`.
static apus_status make_outputs(apus__plan *plan, const apus__plan *given, apus_dtype dtype) {
    for (int32_t k = 1; k < given->count; k++)
        APUS_TRY(apus__cl_temporary_operand(&plan->operands[k], given, given->operands[0].storage, dtype,
                                            given->operands[k].strides));
    return APUS_STATUS_ok;
}

static apus_status deliver_all(const apus__plan *plan, const apus__plan *given) {
    for (int32_t k = 1; k < given->count; k++) APUS_TRY(deliver(given, k, &plan->operands[k]));
    return APUS_STATUS_ok;
}

/// Releases what `plan` has in other storage than `given`.
static void release_temporaries(const apus__plan *plan, const apus__plan *given) {
    for (int32_t k = 0; k < plan->count; k++)
        if (plan->operands[k].storage != given->operands[k].storage) apus__storage_release(plan->operands[k].storage);
}

static apus_status run(reduce_call *c, const apus__plan *given, apus__cl_reduction *g) {
    const apus__reduction *r = c->reduction;
    apus__plan *plan = &c->plan;
    apus_dtype input = given->operands[0].dtype, output = given->operands[1].dtype;
    apus_dtype program = apus__cl_compute_dtype(input) == r->compute ? input : r->compute;
    // A narrow float's sum may be asked for in float32.
    bool wide = program != r->compute && output == r->compute;
    apus_dtype stored = stored_dtype(r, wide ? r->compute : program);
    c->options = wide && apus_dtype_is_floating_point(program) ? "-DWIDE_RESULT" : NULL;
    if (program != input) APUS_TRY(apus__cl_stage(&plan->operands[0], given, 0, program));
    if (stored != output) APUS_TRY(make_outputs(plan, given, stored));
    (void)sort_dims(g, plan);
    APUS_TRY(launch_all(c, g));
    return stored == output ? APUS_STATUS_ok : deliver_all(plan, given);
}

static apus_status reduce(const apus__reduction *r);

/// With the input packed, its reduced dims inside, so that there are two: for plans of very many dims.
static apus_status reduce_packed(const apus__reduction *r, const apus__cl_reduction *g) {
    const apus__plan *given = &r->plan;
    apus__plan sorted = *given;
    int32_t at = 0;
    for (int reduced = 1; reduced >= 0; reduced--)
        for (int32_t d = 0; d < given->rank; d++) {
            if ((given->operands[1].strides[d] == 0) != (reduced == 1)) continue;
            sorted.shape[at] = given->shape[d];
            for (int32_t k = 0; k < given->count; k++) sorted.operands[k].strides[at] = given->operands[k].strides[d];
            at++;
        }
    apus__plan packed = sorted;
    apus_status status = apus__cl_stage(&packed.operands[0], &sorted, 0, given->operands[0].dtype);
    if (status == APUS_STATUS_ok) status = make_outputs(&packed, &sorted, given->operands[1].dtype);
    if (status == APUS_STATUS_ok) {
        apus__reduction flat = *r;
        flat.plan = packed;
        flat.plan.rank = 2;
        flat.plan.shape[0] = g->elements, flat.plan.shape[1] = g->count;
        for (int32_t k = 0; k < packed.count; k++) {
            flat.plan.operands[k].strides[0] = k == 0;
            flat.plan.operands[k].strides[1] = k == 0 ? g->elements : 1;
        }
        status = reduce(&flat);
    }
    if (status == APUS_STATUS_ok) status = deliver_all(&packed, &sorted);
    release_temporaries(&packed, &sorted);
    return status;
}

static apus_status reduce(const apus__reduction *r) {
    apus__cl_reduction g = {0};
    reduce_call c = {.reduction = r, .plan = r->plan};
    if (!sort_dims(&g, &r->plan)) return reduce_packed(r, &g);
    memset(&g, 0, sizeof g);
    apus_status status = run(&c, &r->plan, &g);
    release_temporaries(&c.plan, &r->plan);
    return status;
}

const apus__reduce_table apus__cl_reduce_table = {
    .reduce = reduce,
    .arg = apus__cl_arg_lanes,
    .scan = apus__cl_scan_lanes,
};
