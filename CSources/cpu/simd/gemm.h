// The micro-kernel of float32 products and the packing that feeds it, for one instruction set.

#if defined(APUS_ISA_AVX512)
enum { ROWS = 12, VECTORS = 2, WIDTH = 16 };
#elif defined(APUS_ISA_AVX2)
enum { ROWS = 6, VECTORS = 2, WIDTH = 8 };
#elif defined(__aarch64__)
enum { ROWS = 8, VECTORS = 3, WIDTH = 4 };
#else
enum { ROWS = 6, VECTORS = 2, WIDTH = 4 };
#endif
enum { COLUMNS = VECTORS * WIDTH };

// As wide as a register, and aligned like its elements: rows of c start anywhere.
typedef float vector __attribute__((vector_size(WIDTH * sizeof(float)), aligned(sizeof(float))));

// Sums stay in registers, so every loop over them has to be unrolled; products and sums are fused where that exists.
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#define FUSED _Pragma("clang fp contract(fast)")
#define KERNEL
#else
#define UNROLLED _Pragma("GCC unroll 16")
#define FUSED
#define KERNEL __attribute__((optimize("fp-contract=fast")))
#endif

typedef float quad __attribute__((vector_size(4 * sizeof(float)), aligned(sizeof(float))));

/// Four elements each of four rows, transposed on the way.
static inline void pack_square(const float *from, int64_t step, float *to, int64_t panel) {
    quad a = *(const quad *)from, b = *(const quad *)(from + step);
    quad c = *(const quad *)(from + 2 * step), d = *(const quad *)(from + 3 * step);
    quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(quad *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(quad *)(to + panel) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(quad *)(to + 2 * panel) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(quad *)(to + 3 * panel) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

static inline void pack(int64_t panel, int64_t count, int64_t depth, const float *from, int64_t step,
                        int64_t depth_step, float *to) {
    if (count == panel && step == 1) {
        for (int64_t k = 0; k < depth; k++) memcpy(to + k * panel, from + k * depth_step, (size_t)panel * sizeof *to);
        return;
    }
    if (count < panel) memset(to, 0, (size_t)(panel * depth) * sizeof *to);
    // Runs of 16 elements of each row: whole cache lines are read, and what is written stays in the first-level cache.
    for (int64_t first = 0; first < depth; first += 16) {
        int64_t last = depth - first < 16 ? depth : first + 16;
        int64_t i = 0;
        if (depth_step == 1 && last - first == 16)
            for (; i + 4 <= count; i += 4)
                for (int64_t k = first; k < last; k += 4)
                    pack_square(from + i * step + k, step, to + k * panel + i, panel);
        for (; i < count; i++)
            for (int64_t k = first; k < last; k++) to[k * panel + i] = from[i * step + k * depth_step];
    }
}

static void pack_rows(int64_t count, int64_t depth, const float *from, int64_t step, int64_t depth_step, float *to) {
    pack(ROWS, count, depth, from, step, depth_step, to);
}

static void pack_columns(int64_t count, int64_t depth, const float *from, int64_t step, int64_t depth_step, float *to) {
    pack(COLUMNS, count, depth, from, step, depth_step, to);
}

/// What lies beside the edge of c is computed too, and not stored.
static void store_edge(const float *sums, float *c, int64_t c_row, int64_t m, int64_t n, float alpha, int accumulate) {
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            float product = alpha * sums[i * COLUMNS + j];
            c[i * c_row + j] = accumulate ? c[i * c_row + j] + product : product;
        }
}

KERNEL static void multiply(int64_t depth, const float *a, const float *b, float *c, int64_t c_row, int64_t m,
                            int64_t n, float alpha, int accumulate) {
    FUSED
    // The rows of c come from further away than the panels: they are asked for before they are needed.
    for (int64_t i = 0; i < m; i++) {
        __builtin_prefetch(c + i * c_row, 1);
        if (n == COLUMNS) __builtin_prefetch(c + i * c_row + COLUMNS - 1, 1);
    }
    vector sums[ROWS][VECTORS] = {0};
    for (int64_t k = 0; k < depth; k++, a += ROWS, b += COLUMNS) {
        vector row[VECTORS];
        UNROLLED for (int v = 0; v < VECTORS; v++) row[v] = *(const vector *)(b + v * WIDTH);
        UNROLLED for (int i = 0; i < ROWS; i++) {
            UNROLLED for (int v = 0; v < VECTORS; v++) sums[i][v] += a[i] * row[v];
        }
    }
    if (m < ROWS || n < COLUMNS) {
        float edge[ROWS * COLUMNS];
        UNROLLED for (int i = 0; i < ROWS; i++) {
            UNROLLED for (int v = 0; v < VECTORS; v++) * (vector *)(edge + i * COLUMNS + v * WIDTH) = sums[i][v];
        }
        store_edge(edge, c, c_row, m, n, alpha, accumulate);
        return;
    }
    UNROLLED for (int i = 0; i < ROWS; i++) {
        UNROLLED for (int v = 0; v < VECTORS; v++) {
            vector *to = (vector *)(c + i * c_row + v * WIDTH);
            *to = accumulate ? *to + alpha * sums[i][v] : alpha * sums[i][v];
        }
    }
}

const apus__gemm_loops APUS_ISA_NAME(apus__gemm_loops) = {ROWS, COLUMNS, pack_rows, pack_columns, multiply};
