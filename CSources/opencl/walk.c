#include <string.h>

#include "cpu/tile.h"
#include "opencl/elementwise.h"

enum { CPU_CHUNK = 2048 };

static void set_operand(apus__cl_walk *walk, const apus__plan *plan, int32_t k, int32_t rank, const int64_t *place) {
    const apus__operand *o = &plan->operands[k];
    walk->o[k].offset = o->offset;
    walk->o[k].is_number = apus__cl_is_number(o);
    memcpy(walk->o[k].strides, o->strides, sizeof(int64_t) * (size_t)rank);
    for (int32_t d = rank; d < plan->rank; d++) walk->o[k].offset += place[d] * o->strides[d];
}

/// Steps to the next place of dims [first, rank); false behind the last.
static bool advance(const apus__plan *plan, int32_t first, int64_t *place) {
    for (int32_t d = first; d < plan->rank; d++) {
        if (++place[d] < plan->shape[d]) return true;
        place[d] = 0;
    }
    return false;
}

apus_status apus__cl_walk_plan(const apus__plan *plan, int64_t width, apus__cl_part part, void *context) {
    if (plan->numel == 0) return APUS_STATUS_ok;
    int32_t rank = plan->rank < APUS__CL_MAX_RANK ? plan->rank : APUS__CL_MAX_RANK;
    apus__cl_walk walk = {.rank = rank};
    walk.chunk = apus__cl_is_cpu_class(plan->operands[0].storage) ? CPU_CHUNK : width;
    walk.chunks = (plan->shape[0] + walk.chunk - 1) / walk.chunk;
    walk.items = walk.chunks;
    for (int32_t d = 0; d < rank; d++) {
        walk.shape[d] = plan->shape[d];
        if (d > 0) walk.items *= plan->shape[d];
    }
    int64_t place[APUS_MAX_RANK] = {0};
    do {
        for (int32_t k = 0; k < plan->count; k++) set_operand(&walk, plan, k, rank, place);
        APUS_TRY(part(context, &walk, plan));
    } while (advance(plan, rank, place));
    return APUS_STATUS_ok;
}

void apus__cl_number_bits(uint64_t bits[2], apus_dtype dtype, const apus__operand *number) {
    const apus__tile one = {1, 1, 1, 1};
    bits[0] = bits[1] = 0;
    const char *source = (const char *)number->storage->data + number->offset * (int64_t)apus_dtype_size(number->dtype);
    apus__tile_load(bits, dtype, source, number->dtype, &one);
}
