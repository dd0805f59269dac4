#include "core/plan.h"

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/// One dim of the walk, before sorting.
typedef struct plan_dim {
    int64_t size;
    int32_t source; ///< index into the caller's shape
} plan_dim;

/// Whether dim `outer` should be inside dim `inner`: the first operand that moves along both decides.
static bool should_swap(const int64_t *const *strides, int32_t count, plan_dim inner, plan_dim outer) {
    for (int32_t i = 0; i < count; i++) {
        int64_t a = magnitude(strides[i][inner.source]), b = magnitude(strides[i][outer.source]);
        if (a == 0 || b == 0 || a == b) continue;
        return a > b;
    }
    return false;
}

/// Insertion sort, which keeps row-major order among equals. dims[0] is the innermost.
static void sort_dims(plan_dim *dims, int32_t rank, const int64_t *const *strides, int32_t count) {
    for (int32_t i = 1; i < rank; i++) {
        plan_dim moving = dims[i];
        int32_t place = i;
        while (place > 0 && should_swap(strides, count, dims[place - 1], moving)) {
            dims[place] = dims[place - 1];
            place--;
        }
        dims[place] = moving;
    }
}

/// Whether stepping once along `dim` is the same, for every operand, as walking through the plan's last dim.
static bool merges(const apus__plan *plan, const int64_t *const *strides, plan_dim dim) {
    int32_t last = plan->rank - 1;
    for (int32_t i = 0; i < plan->count; i++)
        if (strides[i][dim.source] != plan->operands[i].strides[last] * plan->shape[last]) return false;
    return true;
}

static void single_run(apus__plan *plan, int64_t length, int64_t stride) {
    plan->rank = 1;
    plan->shape[0] = length;
    plan->numel = length;
    for (int32_t i = 0; i < plan->count; i++) plan->operands[i].strides[0] = stride;
}

void apus__plan_simplify(apus__plan *plan, int32_t rank, const int64_t *shape, const int64_t *const *strides) {
    plan_dim dims[APUS_MAX_RANK];
    int32_t used = 0;
    plan->numel = 1;
    for (int32_t d = rank - 1; d >= 0; d--) {
        plan->numel *= shape[d];
        if (shape[d] != 1) dims[used++] = (plan_dim){shape[d], d};
    }
    if (plan->numel <= 1) {
        single_run(plan, plan->numel, 1);
        return;
    }
    sort_dims(dims, used, strides, plan->count);
    plan->rank = 0;
    for (int32_t d = 0; d < used; d++) {
        if (plan->rank > 0 && merges(plan, strides, dims[d])) {
            plan->shape[plan->rank - 1] *= dims[d].size;
            continue;
        }
        plan->shape[plan->rank] = dims[d].size;
        for (int32_t i = 0; i < plan->count; i++) plan->operands[i].strides[plan->rank] = strides[i][dims[d].source];
        plan->rank++;
    }
}

static bool all_contiguous(const apus_tensor *const *tensors, int32_t count, int64_t numel) {
    for (int32_t i = 0; i < count; i++)
        if (!tensors[i]->contiguous || tensors[i]->numel != numel) return false;
    return true;
}

void apus__plan_make(apus__plan *plan, int32_t rank, const int64_t *shape, const apus_tensor *const *tensors,
                     int32_t count) {
    plan->count = count;
    for (int32_t i = 0; i < count; i++) {
        plan->operands[i].dtype = tensors[i]->dtype;
        plan->operands[i].storage = tensors[i]->storage;
        plan->operands[i].offset = tensors[i]->offset;
    }
    int64_t numel = 1;
    for (int32_t d = 0; d < rank; d++) numel *= shape[d];
    if (all_contiguous(tensors, count, numel)) {
        single_run(plan, numel, 1);
        return;
    }
    int64_t broadcast[APUS__MAX_OPERANDS][APUS_MAX_RANK];
    const int64_t *strides[APUS__MAX_OPERANDS];
    for (int32_t i = 0; i < count; i++) {
        const apus_tensor *t = tensors[i];
        for (int32_t d = 0; d < rank; d++) {
            int32_t own = d - (rank - t->rank);
            broadcast[i][d] = own < 0 || t->shape[own] == 1 ? 0 : t->strides[own];
        }
        strides[i] = broadcast[i];
    }
    apus__plan_simplify(plan, rank, shape, strides);
}
