// Copies, conversions, fills and ranges on OpenCL devices.
#include <string.h>

#include "device/device.h"
#include "device/elementwise.h"
#include "opencl/elementwise.h"

enum { TILE = 16, CPU_SIDE = 64, CROSSWISE_ELEMENTS = 4096 }; // TILE and SIDE of kernels/move.cl

static const apus__cl_family move_family = {"move", {apus__cl_common, apus__cl_move}};
static const apus__cl_family convert_family = {"convert", {apus__cl_common, apus__cl_convert}};

// ---- Copies that keep the dtype go by its size

apus_dtype apus__cl_unit_of(size_t bytes) {
    return bytes == 1   ? APUS_DTYPE_uint8
           : bytes == 2 ? APUS_DTYPE_uint16
           : bytes == 4 ? APUS_DTYPE_uint32
                        : APUS_DTYPE_uint64;
}

/// A kernel over a walk, its buffers' offsets counted in the walk.
static apus_status run_walk(const apus__plan *plan, const apus__cl_walk *walk, const apus__cl_family *family,
                            apus_dtype dtype, const char *options, const char *kernel) {
    apus__cl_argument arguments[1 + APUS__CL_WALKED] = {apus__cl_struct(walk, sizeof *walk)};
    int32_t count = 1;
    for (int32_t k = 0; k < plan->count; k++)
        if (!walk->o[k].is_number) arguments[count++] = apus__cl_memory(plan->operands[k].storage);
    return apus__cl_run(&(apus__cl_launch){.storage = plan->operands[0].storage,
                                           .family = family,
                                           .dtype = dtype,
                                           .options = options,
                                           .kernel = kernel,
                                           .items = {walk->items},
                                           .arguments = arguments,
                                           .argument_count = count});
}

static apus_status move_part(void *context, apus__cl_walk *walk, const apus__plan *plan) {
    size_t bytes = apus_dtype_size(plan->operands[0].dtype);
    return run_walk(plan, walk, &move_family, apus__cl_unit_of(bytes), bytes == 16 ? "-DPAIR" : NULL, context);
}

/// The dim along which operand k is contiguous, where it is not along dim 0 and tiles would pay; else 0.
static int32_t crosswise_dim(const apus__plan *plan, int32_t k) {
    const apus__operand *o = &plan->operands[k];
    if (o->strides[0] == 0 || o->strides[0] == 1 || plan->shape[0] < TILE || plan->numel < CROSSWISE_ELEMENTS) return 0;
    for (int32_t d = 1; d < plan->rank; d++)
        if (o->strides[d] == 1 && plan->shape[d] >= TILE) return d;
    return 0;
}

bool apus__cl_is_crosswise(const apus__plan *plan, int32_t k) { return crosswise_dim(plan, k) != 0; }

static void swap_dims(apus__plan *plan, int32_t a, int32_t b) {
    int64_t size = plan->shape[a];
    plan->shape[a] = plan->shape[b];
    plan->shape[b] = size;
    for (int32_t k = 0; k < plan->count; k++) {
        int64_t *strides = plan->operands[k].strides, stride = strides[a];
        strides[a] = strides[b];
        strides[b] = stride;
    }
}

static apus_status turn_part(void *context, apus__cl_walk *walk, const apus__plan *plan) {
    (void)context;
    size_t bytes = apus_dtype_size(plan->operands[0].dtype);
    bool cpu = apus__cl_is_cpu_class(plan->operands[0].storage);
    int64_t side = cpu ? CPU_SIDE : TILE, items = cpu ? 1 : TILE;
    walk->chunks = (walk->shape[1] + side - 1) / side;
    int64_t columns = (walk->shape[0] + side - 1) / side, rows = walk->chunks;
    for (int64_t d = 2; d < walk->rank; d++) rows *= walk->shape[d];
    const apus__cl_argument arguments[] = {apus__cl_struct(walk, sizeof *walk),
                                           apus__cl_memory(plan->operands[0].storage),
                                           apus__cl_memory(plan->operands[1].storage)};
    return apus__cl_run(&(apus__cl_launch){.storage = plan->operands[0].storage,
                                           .family = &move_family,
                                           .dtype = apus__cl_unit_of(bytes),
                                           .options = bytes == 16 ? "-DPAIR" : NULL,
                                           .kernel = "turn",
                                           .items = {columns * items, rows * items},
                                           .local = {items, items},
                                           .arguments = arguments,
                                           .argument_count = APUS__COUNT(arguments)});
}

static bool is_flat(const apus__plan *plan) {
    return plan->rank == 1 && plan->operands[0].strides[0] == 1 && plan->operands[1].strides[0] == 1;
}

static apus_status copy_flat(const apus__plan *plan) {
    const apus__operand *to = &plan->operands[0], *from = &plan->operands[1];
    size_t size = apus_dtype_size(to->dtype);
    return apus__cl_copy_bytes(to->storage, (size_t)to->offset * size, from->storage, (size_t)from->offset * size,
                               (size_t)plan->numel * size);
}

static apus_status copy_same(const apus__plan *plan) {
    if (is_flat(plan) && plan->operands[0].storage != plan->operands[1].storage) return copy_flat(plan);
    int32_t along = plan->operands[0].strides[0] == 1 ? crosswise_dim(plan, 1) : 0;
    const apus_opencl_info *info = &apus__cl_device_of(plan->operands[0].storage)->info;
    bool has_room = info->kernel_class == APUS_OPENCL_CLASS_cpu || info->max_work_group >= TILE * TILE;
    if (along == 0 || !has_room) return apus__cl_walk_plan(plan, 1, move_part, "move");
    apus__plan turned = *plan;
    swap_dims(&turned, 1, along);
    return apus__cl_walk_plan(&turned, 1, turn_part, NULL);
}

// ---- Copies that convert

static apus_status convert_part(void *context, apus__cl_walk *walk, const apus__plan *plan) {
    (void)context;
    static const char *const kernels[APUS_DTYPE_COUNT] = {
#define APUS_DTYPE(number, name, ...) [number] = "from_" #name,
#include "apus/dtype.def"
#undef APUS_DTYPE
    };
    apus_dtype from = plan->operands[1].dtype;
    APUS_TRY(apus__cl_check_dtype(plan->operands[0].storage, kernels[from], from));
    return run_walk(plan, walk, &convert_family, plan->operands[0].dtype, NULL, kernels[from]);
}

apus_status apus__cl_temporary_operand(apus__operand *o, const apus__plan *plan, const apus_storage *beside,
                                       apus_dtype dtype, const int64_t *strides) {
    int64_t numel = 1, packed[APUS_MAX_RANK];
    for (int32_t d = 0; d < plan->rank; d++) {
        packed[d] = strides != NULL && strides[d] == 0 ? 0 : numel;
        if (packed[d] != 0) numel *= plan->shape[d];
    }
    memcpy(o->strides, packed, sizeof(int64_t) * (size_t)plan->rank);
    o->dtype = dtype;
    o->offset = 0;
    return apus__storage_new(&o->storage, (size_t)numel * apus_dtype_size(dtype), beside->device);
}

apus_status apus__cl_stage(apus__operand *staged, const apus__plan *plan, int32_t k, apus_dtype dtype) {
    const apus__operand *o = &plan->operands[k];
    APUS_TRY(apus__cl_temporary_operand(staged, plan, plan->operands[0].storage, dtype, o->strides));
    // Where the operand repeats itself, once is enough.
    apus__plan part = {.count = 2};
    int64_t shape[APUS_MAX_RANK], strides[2][APUS_MAX_RANK];
    const apus__operand *const operands[] = {staged, o};
    int32_t rank = 0;
    for (int32_t d = plan->rank - 1; d >= 0; d--) {
        if (o->strides[d] == 0) continue;
        shape[rank] = plan->shape[d];
        for (int i = 0; i < 2; i++) strides[i][rank] = operands[i]->strides[d];
        rank++;
    }
    for (int i = 0; i < 2; i++) part.operands[i] = *operands[i];
    const int64_t *const both[] = {strides[0], strides[1]};
    apus__plan_simplify(&part, rank, shape, both);
    apus_status status = apus__cl_copy(&part);
    if (status == APUS_STATUS_ok) return status;
    apus__storage_release(staged->storage);
    staged->storage = o->storage;
    return status;
}

static apus_status fill_part(void *context, apus__cl_walk *walk, const apus__plan *plan) {
    memcpy(walk->o[1].bits, context, sizeof walk->o[1].bits);
    size_t bytes = apus_dtype_size(plan->operands[0].dtype);
    return run_walk(plan, walk, &move_family, apus__cl_unit_of(bytes), bytes == 16 ? "-DPAIR" : NULL, "spread");
}

static apus_status spread_number(const apus__plan *plan, const apus__operand *number) {
    uint64_t bits[2];
    apus__cl_number_bits(bits, plan->operands[0].dtype, number);
    apus__plan target = *plan;
    target.count = 1;
    return apus__cl_walk_plan(&target, 1, fill_part, bits);
}

apus_status apus__cl_copy(const apus__plan *plan) {
    if (plan->numel == 0) return APUS_STATUS_ok;
    const apus__operand *to = &plan->operands[0], *from = &plan->operands[1];
    if (apus__cl_is_number(from)) return spread_number(plan, from);
    if (to->dtype == from->dtype) return copy_same(plan);
    if (crosswise_dim(plan, 1) == 0) return apus__cl_walk_plan(plan, 1, convert_part, NULL);
    apus__plan staged = *plan;
    APUS_TRY(apus__cl_stage(&staged.operands[1], plan, 1, from->dtype));
    apus_status status = apus__cl_walk_plan(&staged, 1, convert_part, NULL);
    apus__storage_release(staged.operands[1].storage);
    return status;
}

// ---- Fills and ranges

apus_status apus__cl_fill(const apus__plan *plan, const apus_scalar *value) {
    if (plan->numel == 0) return APUS_STATUS_ok;
    apus__stack_scalar room;
    const apus_tensor *t = apus__scalar_tensor(&room, value);
    return spread_number(plan, &(apus__operand){.dtype = t->dtype, .storage = t->storage});
}

static double real_value(const apus_scalar *s) { return s->kind >= APUS_SCALAR_float ? s->real : (double)s->integer; }

/// Where the device has no float64, the host makes the numbers.
static apus_status arange_on_host(const apus__plan *plan, const apus_scalar *start, const apus_scalar *step) {
    const apus__operand *o = &plan->operands[0];
    size_t size = apus_dtype_size(o->dtype);
    apus__plan host = *plan;
    host.operands[0].offset = 0;
    APUS_TRY(apus__storage_new(&host.operands[0].storage, (size_t)plan->numel * size, APUS_DEVICE_CPU));
    apus_status status = apus__cpu.elementwise->arange(&host, start, step);
    if (status == APUS_STATUS_ok)
        status = apus__cl_write(o->storage, (size_t)o->offset * size, host.operands[0].storage->data,
                                (size_t)plan->numel * size);
    apus__storage_release(host.operands[0].storage);
    return status;
}

apus_status apus__cl_arange(const apus__plan *plan, const apus_scalar *start, const apus_scalar *step) {
    if (plan->numel == 0) return APUS_STATUS_ok;
    const apus__operand *o = &plan->operands[0];
    bool whole = start->kind < APUS_SCALAR_float && step->kind < APUS_SCALAR_float;
    if (!whole && !apus__cl_device_of(o->storage)->info.has_float64) return arange_on_host(plan, start, step);
    const apus__buffer out = {o->storage, o->offset};
    const apus__cl_argument arguments[] = {
        apus__cl_buffer(out), apus__cl_long(plan->numel),
        whole ? apus__cl_long(start->integer) : apus__cl_real(APUS_DTYPE_float64, real_value(start)),
        whole ? apus__cl_long(step->integer) : apus__cl_real(APUS_DTYPE_float64, real_value(step))};
    return apus__cl_run(&(apus__cl_launch){.storage = o->storage,
                                           .family = &convert_family,
                                           .dtype = o->dtype,
                                           .kernel = whole ? "arange_whole" : "arange_real",
                                           .items = {plan->numel},
                                           .arguments = arguments,
                                           .argument_count = APUS__COUNT(arguments)});
}
