// Integer matrix products. Wraparound makes signed and unsigned of one width the same, so there is one kernel a width.
#include "cpu/simd/matmul_loops.h"

// Columns of a that are gathered at a time.
#define APUS__DEPTH 256

// Products of the narrow types are made in unsigned int: int would overflow on 65535².
#define APUS__DEFINE_INTEGER_GEMM(T, WIDE)                                                                             \
    static void add_rows_##T(T *restrict c, const T *b, int64_t b_row, const T *a, int64_t k, int64_t n) {             \
        for (; k >= 4; k -= 4, a += 4, b += 4 * b_row) {                                                               \
            const T *b1 = b + b_row, *b2 = b1 + b_row, *b3 = b2 + b_row;                                               \
            WIDE a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];                                                           \
            for (int64_t j = 0; j < n; j++) c[j] = (T)(c[j] + a0 * b[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j]);       \
        }                                                                                                              \
        for (; k > 0; k--, a++, b += b_row) {                                                                          \
            WIDE a0 = a[0];                                                                                            \
            for (int64_t j = 0; j < n; j++) c[j] = (T)(c[j] + a0 * b[j]);                                              \
        }                                                                                                              \
    }                                                                                                                  \
    static void add_dots_##T(T *restrict c, const T *b, int64_t b_column, const T *a, int64_t k, int64_t n) {          \
        for (int64_t j = 0; j < n; j++, b += b_column) {                                                               \
            T sum = 0;                                                                                                 \
            for (int64_t i = 0; i < k; i++) sum = (T)(sum + (WIDE)a[i] * b[i]);                                        \
            c[j] = (T)(c[j] + sum);                                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    static void gemm_##T(const apus__gemm *g) {                                                                        \
        T row[APUS__DEPTH];                                                                                            \
        const T *a = g->a, *b = g->b;                                                                                  \
        T *c = g->c;                                                                                                   \
        T alpha = (T)(int64_t)g->alpha;                                                                                \
        bool by_rows = g->b_column == 1 || (g->n == 1 && g->b_row != 1);                                               \
        for (int64_t k = 0; k < g->k; k += APUS__DEPTH) {                                                              \
            int64_t depth = g->k - k < APUS__DEPTH ? g->k - k : APUS__DEPTH;                                           \
            for (int64_t i = 0; i < g->m; i++) {                                                                       \
                for (int64_t l = 0; l < depth; l++)                                                                    \
                    row[l] = (T)((WIDE)alpha * a[i * g->a_row + (k + l) * g->a_column]);                               \
                if (by_rows)                                                                                           \
                    add_rows_##T(c + i * g->c_row, b + k * g->b_row, g->b_row, row, depth, g->n);                      \
                else                                                                                                   \
                    add_dots_##T(c + i * g->c_row, b + k, g->b_column, row, depth, g->n);                              \
            }                                                                                                          \
        }                                                                                                              \
    }

APUS__DEFINE_INTEGER_GEMM(uint8_t, unsigned)
APUS__DEFINE_INTEGER_GEMM(uint16_t, unsigned)
APUS__DEFINE_INTEGER_GEMM(uint32_t, uint32_t)
APUS__DEFINE_INTEGER_GEMM(uint64_t, uint64_t)

const apus__matmul_loops APUS_ISA_NAME(apus__matmul_loops) = {gemm_uint8_t, gemm_uint16_t, gemm_uint32_t,
                                                              gemm_uint64_t};
