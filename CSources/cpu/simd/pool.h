// Pooling kernels: the loops of pool_type.h for float32 and float64.
#include "cpu/simd/window.h"

static tap pool_tap(const apus__pool *p, int64_t i, int64_t j) {
    return tap_at(p->in, p->out, p->stride, p->padding, p->dilation, i, j);
}

// Outputs that are worked on at a time, the elements of their arrays, which vectors may run over, and how many outputs
// a loop of known length takes.
enum { CHUNK = 256, ROOM = CHUNK + 16, LANES = 16 };

#define T float
#define INDEX uint32_t
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define NAME(x) x##_f32
#include "cpu/simd/pool_type.h"
#undef T
#undef INDEX
#undef EVEN_LANES
#undef NAME

#define T double
#define INDEX uint64_t
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define NAME(x) x##_f64
#include "cpu/simd/pool_type.h"
#undef T
#undef INDEX
#undef EVEN_LANES
#undef NAME

const apus__pool_loops APUS_ISA_NAME(apus__pool_loops) = {.float32 = KERNELS_f32, .float64 = KERNELS_f64};
