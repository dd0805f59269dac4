// Running sums and products.

// A is a running result: `start` where it begins, `step` takes an element x into *p, `value` is what it stands for.
#define DEFINE_SCAN(name, T, A, start, step, value)                                                                    \
    static void scan_begin_##name(int64_t n, void *partial) {                                                          \
        A *p = partial;                                                                                                \
        for (int64_t i = 0; i < n; i++) p[i] = (A)start;                                                               \
    }                                                                                                                  \
    static inline T scan_step_##name(A *p, T x) {                                                                      \
        step;                                                                                                          \
        return (T)(value);                                                                                             \
    }                                                                                                                  \
    static void scan_row_##name(int64_t n, void *out, const void *data, void *partial) {                               \
        const T *x = data;                                                                                             \
        T *result = out;                                                                                               \
        A p = *(A *)partial;                                                                                           \
        for (int64_t i = 0; i < n; i++) result[i] = scan_step_##name(&p, x[i]);                                        \
        *(A *)partial = p;                                                                                             \
    }                                                                                                                  \
    static void scan_columns_##name(int64_t n, void *out, const void *data, void *partial) {                           \
        const T *x = data;                                                                                             \
        T *result = out;                                                                                               \
        A *p = partial;                                                                                                \
        VECTORISE for (int64_t i = 0; i < n; i++) result[i] = scan_step_##name(&p[i], x[i]);                           \
    }

/// A sum and the rounding errors it made.
typedef struct running_sum {
    double sum, lost;
} running_sum;

static inline void running_add(running_sum *p, double x) {
    double s = p->sum + x;
    p->lost += sum_error_f64(p->sum, x, s);
    p->sum = s;
}

static inline double running_value(const running_sum *p) {
    return fabs_f64(p->sum) < (double)APUS_INF_F32 ? p->sum + p->lost : p->sum;
}

DEFINE_SCAN(sum_float32, float, double, 0, *p += x, *p)
DEFINE_SCAN(sum_float64, double, running_sum, {0}, running_add(p, x), running_value(p))
DEFINE_SCAN(sum_int64, int64_t, int64_t, 0, *p += x, *p)
DEFINE_SCAN(sum_complex64, complex_float, complex_double, 0, *p += x, *p)
DEFINE_SCAN(sum_complex128, complex_double, complex_double, 0, *p += x, *p)
DEFINE_SCAN(prod_float32, float, double, 1, *p *= x, *p)
DEFINE_SCAN(prod_float64, double, double, 1, *p *= x, *p)
DEFINE_SCAN(prod_int64, int64_t, int64_t, 1, *p *= x, *p)
DEFINE_SCAN(prod_complex64, complex_float, complex_double, 1, *p *= x, *p)
DEFINE_SCAN(prod_complex128, complex_double, complex_double, 1, *p *= x, *p)

#define SCAN_KERNEL(op, dtype, A)                                                                                      \
    .scan[APUS_SCAN_##op][APUS_DTYPE_##dtype] = {sizeof(A), scan_begin_##op##_##dtype, scan_row_##op##_##dtype,        \
                                                 scan_columns_##op##_##dtype},
#define SCAN_KERNELS                                                                                                   \
    SCAN_KERNEL(sum, float32, double)                                                                                  \
    SCAN_KERNEL(sum, float64, running_sum)                                                                             \
    SCAN_KERNEL(sum, int64, int64_t)                                                                                   \
    SCAN_KERNEL(sum, complex64, complex_double)                                                                        \
    SCAN_KERNEL(sum, complex128, complex_double)                                                                       \
    SCAN_KERNEL(prod, float32, double)                                                                                 \
    SCAN_KERNEL(prod, float64, double)                                                                                 \
    SCAN_KERNEL(prod, int64, int64_t)                                                                                  \
    SCAN_KERNEL(prod, complex64, complex_double)                                                                       \
    SCAN_KERNEL(prod, complex128, complex_double)
