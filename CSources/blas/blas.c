#include "blas/blas.h"

#include <cblas.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// ---- Which kernels

#if defined(__x86_64__)
// Of OpenBLAS builds that choose kernels as they are loaded; others lack them.
void gotoblas_dynamic_init(void) __attribute__((weak));
void gotoblas_dynamic_quit(void) __attribute__((weak));

static const char *core_of_processor(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return NULL;
    bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    return wide ? "SkylakeX" : "Haswell";
}

/// A processor that is newer than the OpenBLAS at hand gets its oldest kernels, a fourth as fast. Here it gets those of
/// the newest relative that has the same instructions. This happens as the library is loaded, when nobody multiplies
/// yet; a program that sets OPENBLAS_CORETYPE has chosen for itself.
__attribute__((constructor)) static void know_new_processors(void) {
    static const char variable[] = "OPENBLAS_CORETYPE", oldest[] = "Prescott";
    if (gotoblas_dynamic_init == NULL || gotoblas_dynamic_quit == NULL || getenv(variable) != NULL) return;
    const char *core = core_of_processor();
    if (core == NULL || strcmp(openblas_get_corename(), oldest) != 0 || setenv(variable, core, 0) != 0) return;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    (void)unsetenv(variable);
}
#endif

// OpenBLAS would split K over as many threads as there are, which changes bits, and would start threads beside the
// pool's. Here it computes on the calling thread; the callers split.
static void use_one_thread(void) { openblas_set_num_threads(1); }

static void set_up(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, use_one_thread);
}

const char *apus_blas_core(void) { return openblas_get_corename(); }

static bool is_row_major(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
    return (column_stride == 1 || columns == 1) && (row_stride >= columns || rows == 1);
}

bool apus__gemm_takes(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
    return is_row_major(rows, columns, row_stride, column_stride) ||
           is_row_major(columns, rows, column_stride, row_stride);
}

/// A matrix as BLAS wants it said.
typedef struct layout {
    CBLAS_TRANSPOSE transpose;
    int64_t stride; ///< the leading dimension
} layout;

static layout layout_of(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
    if (is_row_major(rows, columns, row_stride, column_stride))
        return (layout){CblasNoTrans, rows == 1 ? columns : row_stride};
    return (layout){CblasTrans, columns == 1 ? rows : column_stride};
}

static const void *at(const apus__gemm *g, const void *p, int64_t elements) {
    return (const char *)p + elements * (int64_t)apus_dtype_size(g->dtype);
}

static void clear(const apus__gemm *g) {
    for (int64_t i = 0; i < g->m; i++)
        memset((void *)at(g, g->c, i * g->c_row), 0, (size_t)g->n * apus_dtype_size(g->dtype));
}

static void multiply(const apus__gemm *g, layout a, layout b) {
    int m = (int)g->m, n = (int)g->n, k = (int)g->k, lda = (int)a.stride, ldb = (int)b.stride;
    int ldc = g->m == 1 ? n : (int)g->c_row;
    double beta = g->accumulate ? 1 : 0;
    float alpha32[2] = {(float)g->alpha, 0}, beta32[2] = {(float)beta, 0};
    double alpha64[2] = {g->alpha, 0}, beta64[2] = {beta, 0};
    switch (g->dtype) {
    case APUS_DTYPE_float32:
        cblas_sgemm(CblasRowMajor, a.transpose, b.transpose, m, n, k, alpha32[0], g->a, lda, g->b, ldb, beta32[0], g->c,
                    ldc);
        return;
    case APUS_DTYPE_float64:
        cblas_dgemm(CblasRowMajor, a.transpose, b.transpose, m, n, k, g->alpha, g->a, lda, g->b, ldb, beta, g->c, ldc);
        return;
    case APUS_DTYPE_complex64:
        cblas_cgemm(CblasRowMajor, a.transpose, b.transpose, m, n, k, alpha32, g->a, lda, g->b, ldb, beta32, g->c, ldc);
        return;
    default:
        cblas_zgemm(CblasRowMajor, a.transpose, b.transpose, m, n, k, alpha64, g->a, lda, g->b, ldb, beta64, g->c, ldc);
    }
}

/// y += alpha * matrix @ x, y being c.
static void multiply_vector(const apus__gemm *g, layout matrix, int64_t rows, int64_t columns, const void *a,
                            const void *x, int64_t x_stride, int64_t y_stride) {
    float alpha32[2] = {(float)g->alpha, 0}, one32[2] = {1, 0};
    double alpha64[2] = {g->alpha, 0}, one64[2] = {1, 0};
    int m = (int)(matrix.transpose == CblasNoTrans ? rows : columns), lda = (int)matrix.stride;
    int n = (int)(matrix.transpose == CblasNoTrans ? columns : rows), incx = (int)x_stride, incy = (int)y_stride;
    switch (g->dtype) {
    case APUS_DTYPE_float32:
        cblas_sgemv(CblasRowMajor, matrix.transpose, m, n, alpha32[0], a, lda, x, incx, 1, g->c, incy);
        return;
    case APUS_DTYPE_float64:
        cblas_dgemv(CblasRowMajor, matrix.transpose, m, n, g->alpha, a, lda, x, incx, 1, g->c, incy);
        return;
    case APUS_DTYPE_complex64:
        cblas_cgemv(CblasRowMajor, matrix.transpose, m, n, alpha32, a, lda, x, incx, one32, g->c, incy);
        return;
    default: cblas_zgemv(CblasRowMajor, matrix.transpose, m, n, alpha64, a, lda, x, incx, one64, g->c, incy);
    }
}

/// Runs g one index of a dim at a time, for strides that BLAS's int cannot hold: that dim then has size 1.
static void multiply_rows(const apus__gemm *g) {
    apus__gemm row = *g;
    row.m = 1;
    for (int64_t i = 0; i < g->m; i++) {
        row.a = at(g, g->a, i * g->a_row);
        row.c = (void *)at(g, g->c, i * g->c_row);
        apus__blas_gemm(&row);
    }
}

static void multiply_columns(const apus__gemm *g) {
    apus__gemm column = *g;
    column.n = 1;
    for (int64_t j = 0; j < g->n; j++) {
        column.b = at(g, g->b, j * g->b_column);
        column.c = (void *)at(g, g->c, j);
        apus__blas_gemm(&column);
    }
}

/// Adds up products over `step` of k at a time.
static void multiply_depth(const apus__gemm *g, int64_t step) {
    apus__gemm part = *g;
    for (int64_t k = 0; k < g->k; k += step) {
        part.k = g->k - k < step ? g->k - k : step;
        part.a = at(g, g->a, k * g->a_column);
        part.b = at(g, g->b, k * g->b_row);
        apus__blas_gemm(&part);
        part.accumulate = true;
    }
}

void apus__blas_gemm(const apus__gemm *g) {
    set_up();
    if (g->m == 0 || g->n == 0) return;
    if (g->k == 0) {
        if (!g->accumulate) clear(g);
        return;
    }
    layout a = layout_of(g->m, g->k, g->a_row, g->a_column), b = layout_of(g->k, g->n, g->b_row, g->b_column);
    bool wide_a = a.stride > INT_MAX, wide_b = b.stride > INT_MAX, wide_c = g->c_row > INT_MAX;
    const int64_t longest = 1 << 30;
    if (g->k > longest) return multiply_depth(g, longest);
    if (g->m > longest || (g->m > 1 && (wide_c || (wide_a && a.transpose == CblasNoTrans)))) return multiply_rows(g);
    if (g->n > longest || (g->n > 1 && wide_b && b.transpose == CblasTrans)) return multiply_columns(g);
    if (g->k > 1 && (wide_a || wide_b)) return multiply_depth(g, 1);
    if (g->m > 1 && g->n > 1) return multiply(g, a, b);
    // The vector kernels scale y by beta before they add to it, NaN included: start from zeros instead.
    if (!g->accumulate) clear(g);
    if (g->n == 1)
        return multiply_vector(g, a, g->m, g->k, g->a, g->b, g->k == 1 ? 1 : g->b_row, g->m == 1 ? 1 : g->c_row);
    layout transposed = {b.transpose == CblasNoTrans ? CblasTrans : CblasNoTrans, b.stride};
    multiply_vector(g, transposed, g->n, g->k, g->b, g->a, g->k == 1 ? 1 : g->a_column, 1);
}

void apus__blas_dot(apus_dtype dtype, int64_t n, const void *a, int64_t a_stride, const void *b, int64_t b_stride,
                    double result[2]) {
    set_up();
    int count = (int)n, inca = (int)a_stride, incb = (int)b_stride;
    float single[2];
    result[1] = 0;
    switch (dtype) {
    case APUS_DTYPE_float32: result[0] = cblas_sdot(count, a, inca, b, incb); return;
    case APUS_DTYPE_float64: result[0] = cblas_ddot(count, a, inca, b, incb); return;
    case APUS_DTYPE_complex64:
        cblas_cdotu_sub(count, a, inca, b, incb, single);
        result[0] = single[0], result[1] = single[1];
        return;
    default: cblas_zdotu_sub(count, a, inca, b, incb, result);
    }
}
