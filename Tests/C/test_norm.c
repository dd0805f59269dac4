// Softmax, layer and batch normalisation and their gradients: against plain loops over double.
#include "check.h"

static const apus_dtype dtypes[] = {APUS_DTYPE_float32, APUS_DTYPE_float64, APUS_DTYPE_float16, APUS_DTYPE_bfloat16};
enum { DTYPES = 4 };
static const double tolerances[DTYPES] = {1e-5, 1e-12, 4e-3, 3e-2};

/// Numbers between -1 and 1 that all dtypes hold, different for each seed.
static apus_tensor *make(apus_dtype dtype, int32_t rank, const int64_t *shape, uint64_t seed) {
    int64_t n = 1;
    for (int32_t d = 0; d < rank; d++) n *= shape[d];
    double *values = malloc(sizeof(double) * (size_t)n + 1);
    uint64_t state = 88172645463325252ull + seed * 7919;
    for (int64_t i = 0; i < n; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        values[i] = (double)(int64_t)(state % 255) / 128 - 1;
    }
    apus_tensor *wide = NULL, *t = NULL;
    CHECK_OK(apus_tensor_from_data(&wide, APUS_DTYPE_float64, rank, shape, values, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&t, wide, dtype, APUS_DEVICE_CPU));
    apus_tensor_release(wide);
    free(values);
    return t;
}

static double *read_all(const apus_tensor *t) {
    if (t == NULL) return NULL;
    size_t bytes = sizeof(double) * (size_t)apus_tensor_numel(t);
    double *values = malloc(bytes + 1);
    CHECK_OK(apus_tensor_read(t, APUS_DTYPE_float64, values, bytes));
    return values;
}

/// Checks values and releases the tensor.
static void check_values(const char *what, apus_tensor *t, const double *expected, int64_t count, double tol) {
    CHECK(apus_tensor_numel(t) == count);
    double *values = read_all(t);
    int64_t wrong = -1;
    for (int64_t i = 0; i < count && wrong < 0; i++)
        if (!check_close(values[i], expected[i], tol)) wrong = i;
    CHECK(wrong < 0);
    if (wrong >= 0)
        printf("  %s: element %lld is %.9g, expected %.9g\n", what, (long long)wrong, values[wrong], expected[wrong]);
    free(values);
    apus_tensor_release(t);
}

static double *room(int64_t n) { return calloc((size_t)n + 1, sizeof(double)); }

// ---- Softmax

static void check_softmax(apus_dtype dtype, double tol, int32_t rank, const int64_t *shape, int32_t dim, bool turned) {
    apus_tensor *base = make(dtype, rank, shape, 1), *x = NULL, *y = NULL, *dx = NULL;
    CHECK_OK(apus_tensor_transpose(&x, base, 0, turned ? rank - 1 : 0));
    const int64_t *s = apus_tensor_shape(x);
    apus_tensor *grad = make(dtype, rank, s, 2);
    int64_t n = apus_tensor_numel(x), inner = 1, length = s[dim];
    for (int32_t d = dim + 1; d < rank; d++) inner *= s[d];
    for (int logarithm = 0; logarithm < 2; logarithm++) {
        double *values = read_all(x), *g = read_all(grad), *expected = room(n), *gradient = room(n);
        for (int64_t lane = 0; lane < n / length; lane++) {
            int64_t first = lane / inner * length * inner + lane % inner;
            double sum = 0, dot = 0;
            for (int64_t i = 0; i < length; i++) sum += exp(values[first + i * inner]);
            for (int64_t i = 0; i < length; i++) {
                int64_t at = first + i * inner;
                expected[at] = logarithm ? values[at] - log(sum) : exp(values[at]) / sum;
                dot += logarithm ? g[at] : g[at] * expected[at];
            }
            for (int64_t i = 0; i < length; i++) {
                int64_t at = first + i * inner;
                gradient[at] = logarithm ? g[at] - exp(expected[at]) * dot : expected[at] * (g[at] - dot);
            }
        }
        CHECK_OK(apus_softmax(&y, x, dim - (logarithm ? rank : 0), logarithm));
        CHECK_OK(apus_softmax_backward(&dx, grad, y, dim, logarithm));
        CHECK(apus_tensor_dtype(y) == dtype && apus_tensor_dtype(dx) == dtype);
        check_values("softmax", y, expected, n, tol);
        check_values("softmax_backward", dx, gradient, n, tol * sqrt((double)length));
        y = dx = NULL;
        free(values), free(g), free(expected), free(gradient);
    }
    apus_tensor_release(base);
    apus_tensor_release(x);
    apus_tensor_release(grad);
}

static void test_softmax(void) {
    static const int64_t shapes[][3] = {{4, 10, 1}, {3, 5, 7}, {2, 300, 3}, {1, 2, 1030}, {700, 2, 40}};
    for (int k = 0; k < DTYPES; k++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int32_t dim = 0; dim < 3; dim++)
                for (int turned = 0; turned < 2; turned++)
                    check_softmax(dtypes[k], tolerances[k], 3, shapes[s], dim, turned);
}

static void test_softmax_specials(void) {
    const float values[] = {-INFINITY, -INFINITY, -INFINITY, 0, 1e30f, -1e30f, NAN, 0};
    const double expected[] = {NAN, NAN, 0, 1, 1, 0, NAN, NAN};
    const int64_t shape[] = {4, 2}, empty_shape[] = {3, 0}, ints[] = {1, 2};
    apus_tensor *x = check_floats(2, shape, values), *y = NULL, *turned = NULL, *scalar = NULL;
    CHECK_OK(apus_softmax(&y, x, 1, false));
    check_values("special rows", y, expected, 8, 1e-7);
    y = NULL;
    CHECK_OK(apus_tensor_transpose(&turned, x, 0, 1));
    CHECK_OK(apus_softmax(&y, turned, 0, false));
    apus_tensor *back = NULL;
    CHECK_OK(apus_tensor_transpose(&back, y, 0, 1));
    check_values("special columns", back, expected, 8, 1e-7);
    apus_tensor_release(y);
    apus_tensor_release(turned);
    // In place
    CHECK_OK(apus_softmax(&x, x, 1, false));
    check_values("in place", x, expected, 8, 1e-7);
    x = y = NULL;
    CHECK_OK(apus_tensor_empty(&x, APUS_DTYPE_float32, 2, empty_shape, APUS_DEVICE_CPU));
    CHECK_OK(apus_softmax(&y, x, 1, false));
    CHECK(apus_tensor_numel(y) == 0);
    apus_tensor_release(x);
    apus_tensor_release(y);
    x = y = NULL;
    const double three = 3;
    CHECK_OK(apus_tensor_from_data(&scalar, APUS_DTYPE_float64, 0, NULL, &three, APUS_DEVICE_CPU));
    CHECK_OK(apus_softmax(&y, scalar, -1, false));
    CHECK(check_at(y, 0) == 1);
    apus_tensor_release(y);
    y = NULL;
    x = check_ints(1, shape + 1, ints);
    CHECK_STATUS(apus_softmax(&y, x, 0, false), APUS_STATUS_dtype);
    CHECK_STATUS(apus_softmax(&y, scalar, 1, false), APUS_STATUS_index);
    CHECK_STATUS(apus_softmax(&y, NULL, 0, false), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_softmax_backward(&y, x, scalar, 0, false), APUS_STATUS_shape);
    CHECK_STATUS(apus_softmax_backward(&y, NULL, scalar, 0, false), APUS_STATUS_null_argument);
    apus_tensor_release(x);
    apus_tensor_release(scalar);
}

// ---- Normalisation: one reference for both. Element i belongs to group[i], and to parameter[i].

typedef struct problem {
    int64_t n, groups, parameters;
    int64_t *group, *parameter;
    double *x, *grad, *weight, *bias; ///< weight and bias may be NULL
    double *mean, *rstd, *y, *dx, *dweight, *dbias;
} problem;

/// `fixed`: mean and rstd are given and no function of x.
static void solve(problem *p, double eps, bool fixed) {
    double *count = room(p->groups), *plain = room(p->groups), *dot = room(p->groups);
    for (int64_t i = 0; i < p->n; i++) count[p->group[i]]++;
    if (!fixed) {
        for (int64_t i = 0; i < p->n; i++) p->mean[p->group[i]] += p->x[i] / count[p->group[i]];
        for (int64_t i = 0; i < p->n; i++) {
            double d = p->x[i] - p->mean[p->group[i]];
            p->rstd[p->group[i]] += d * d / count[p->group[i]];
        }
        for (int64_t k = 0; k < p->groups; k++) p->rstd[k] = 1 / sqrt(p->rstd[k] + eps);
    }
    for (int64_t i = 0; i < p->n; i++) {
        int64_t k = p->group[i], c = p->parameter[i];
        double normal = (p->x[i] - p->mean[k]) * p->rstd[k], w = p->weight == NULL ? 1 : p->weight[c];
        p->y[i] = normal * w + (p->bias == NULL ? 0 : p->bias[c]);
        p->dweight[c] += p->grad[i] * normal;
        p->dbias[c] += p->grad[i];
        plain[k] += p->grad[i] * w;
        dot[k] += p->grad[i] * w * normal;
    }
    for (int64_t i = 0; i < p->n; i++) {
        int64_t k = p->group[i], c = p->parameter[i];
        double normal = (p->x[i] - p->mean[k]) * p->rstd[k], w = p->weight == NULL ? 1 : p->weight[c];
        double share = fixed ? 0 : (plain[k] + normal * dot[k]) / count[k];
        p->dx[i] = (p->grad[i] * w - share) * p->rstd[k];
    }
    free(count), free(plain), free(dot);
}

static problem new_problem(const apus_tensor *x, const apus_tensor *grad, const apus_tensor *weight,
                           const apus_tensor *bias, int64_t groups, int64_t parameters) {
    int64_t n = apus_tensor_numel(x);
    return (problem){.n = n,
                     .groups = groups,
                     .parameters = parameters,
                     .group = malloc(sizeof(int64_t) * (size_t)n),
                     .parameter = malloc(sizeof(int64_t) * (size_t)n),
                     .x = read_all(x),
                     .grad = read_all(grad),
                     .weight = read_all(weight),
                     .bias = read_all(bias),
                     .mean = room(groups),
                     .rstd = room(groups),
                     .y = room(n),
                     .dx = room(n),
                     .dweight = room(parameters),
                     .dbias = room(parameters)};
}

static void free_problem(problem *p) {
    free(p->group), free(p->parameter), free(p->x), free(p->grad), free(p->weight), free(p->bias);
    free(p->mean), free(p->rstd), free(p->y), free(p->dx), free(p->dweight), free(p->dbias);
}

static void check_layer_norm(int k, int32_t rank, const int64_t *shape, int32_t count, int affine, bool turned) {
    apus_tensor *base = make(dtypes[k], rank, shape, 3), *x = NULL, *weight = NULL, *bias = NULL;
    CHECK_OK(apus_tensor_transpose(&x, base, 0, turned ? rank - 1 : 0));
    const int64_t *s = apus_tensor_shape(x), *last = s + (rank - count);
    apus_tensor *grad = make(dtypes[k], rank, s, 4);
    if (affine > 0) weight = make(dtypes[k], count, last, 5);
    if (affine > 1) bias = make(dtypes[k], count, last, 6);
    int64_t length = 1;
    for (int32_t d = 0; d < count; d++) length *= last[d];
    int64_t n = apus_tensor_numel(x), rows = n / length;
    problem p = new_problem(x, grad, weight, bias, rows, length);
    for (int64_t i = 0; i < n; i++) p.group[i] = i / length, p.parameter[i] = i % length;
    solve(&p, 1e-3, false);
    apus_tensor *y = NULL, *mean = NULL, *rstd = NULL, *dx = NULL, *dweight = NULL, *dbias = NULL, *only = NULL;
    double tol = tolerances[k], wide = tol * sqrt((double)rows);
    CHECK_OK(apus_layer_norm(&y, &mean, &rstd, x, count, weight, bias, 1e-3));
    CHECK(apus_tensor_dtype(y) == dtypes[k] && apus_tensor_rank(mean) == rank);
    CHECK(apus_tensor_dtype(mean) == (k == 1 ? APUS_DTYPE_float64 : APUS_DTYPE_float32));
    CHECK_OK(apus_layer_norm_backward(&dx, &dweight, &dbias, grad, x, count, weight, mean, rstd));
    CHECK_OK(apus_layer_norm_backward(&only, NULL, NULL, grad, x, count, weight, mean, rstd));
    check_values("layer_norm", y, p.y, n, tol * 4);
    check_values("mean", mean, p.mean, rows, tol);
    check_values("rstd", rstd, p.rstd, rows, tol);
    check_values("dx", dx, p.dx, n, tol * 10);
    check_values("dx alone", only, p.dx, n, tol * 10);
    check_values("dweight", dweight, p.dweight, length, wide);
    check_values("dbias", dbias, p.dbias, length, wide);
    only = NULL;
    CHECK_OK(apus_layer_norm(&only, NULL, NULL, x, count, weight, bias, 1e-3));
    check_values("layer_norm alone", only, p.y, n, tol * 4);
    free_problem(&p);
    apus_tensor_release(base);
    apus_tensor_release(x);
    apus_tensor_release(grad);
    apus_tensor_release(weight);
    apus_tensor_release(bias);
}

static void test_layer_norm(void) {
    static const int64_t shapes[][3] = {{2, 3, 8}, {5, 1, 70}, {1, 200, 300}, {3, 4, 1100}};
    for (int k = 0; k < DTYPES; k++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int32_t count = 1; count <= 3; count++)
                for (int affine = 0; affine < 3; affine++)
                    check_layer_norm(k, 3, shapes[s], count, affine, affine == 1);
}

static void check_batch_norm(int k, int32_t rank, const int64_t *shape, int affine, bool training, bool turned) {
    apus_tensor *base = make(dtypes[k], rank, shape, 7), *x = NULL, *weight = NULL, *bias = NULL;
    CHECK_OK(apus_tensor_transpose(&x, base, 0, turned ? rank - 1 : 0));
    const int64_t *s = apus_tensor_shape(x), channels = s[1];
    apus_tensor *grad = make(dtypes[k], rank, s, 8), *running_mean = NULL, *running_var = NULL;
    if (affine > 0) weight = make(dtypes[k], 1, &channels, 9);
    if (affine > 1) bias = make(dtypes[k], 1, &channels, 10);
    apus_dtype statistics = k == 1 ? APUS_DTYPE_float64 : APUS_DTYPE_float32;
    const apus_scalar half = {.kind = APUS_SCALAR_float, .real = 0.5};
    CHECK_OK(apus_tensor_full(&running_mean, statistics, 1, &channels, &half, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_full(&running_var, statistics, 1, &channels, &half, APUS_DEVICE_CPU));
    int64_t n = apus_tensor_numel(x), size = 1;
    for (int32_t d = 2; d < rank; d++) size *= s[d];
    double each = (double)(n / channels), eps = 1e-3, momentum = 0.3;
    problem p = new_problem(x, grad, weight, bias, channels, channels);
    for (int64_t i = 0; i < n; i++) p.group[i] = p.parameter[i] = i / size % channels;
    for (int64_t c = 0; c < channels && !training; c++) p.mean[c] = 0.5, p.rstd[c] = 1 / sqrt(0.5 + eps);
    solve(&p, eps, !training);
    double *moved_mean = room(channels), *moved_var = room(channels);
    for (int64_t c = 0; c < channels; c++) {
        double var = 1 / (p.rstd[c] * p.rstd[c]) - eps;
        moved_mean[c] = training ? 0.5 * (1 - momentum) + momentum * p.mean[c] : 0.5;
        moved_var[c] = training ? 0.5 * (1 - momentum) + momentum * var * each / (each - 1) : 0.5;
    }
    apus_tensor *y = NULL, *mean = NULL, *rstd = NULL, *dx = NULL, *dweight = NULL, *dbias = NULL, *only = NULL;
    double tol = tolerances[k], wide = tol * sqrt(each);
    CHECK_OK(apus_batch_norm(&y, &mean, &rstd, x, weight, bias, running_mean, running_var, training, momentum, eps));
    CHECK(apus_tensor_dtype(y) == dtypes[k] && apus_tensor_dtype(mean) == statistics);
    CHECK_OK(apus_batch_norm_backward(&dx, &dweight, &dbias, grad, x, weight, mean, rstd, training));
    CHECK_OK(apus_batch_norm_backward(NULL, &only, NULL, grad, x, weight, mean, rstd, training));
    check_values("batch_norm", y, p.y, n, tol * 4);
    check_values("mean", mean, p.mean, channels, tol);
    check_values("rstd", rstd, p.rstd, channels, tol);
    check_values("running mean", running_mean, moved_mean, channels, tol);
    check_values("running var", running_var, moved_var, channels, tol);
    check_values("dx", dx, p.dx, n, tol * 10);
    check_values("dweight", dweight, p.dweight, channels, wide);
    check_values("dweight alone", only, p.dweight, channels, wide);
    check_values("dbias", dbias, p.dbias, channels, wide);
    free(moved_mean), free(moved_var);
    free_problem(&p);
    apus_tensor_release(base);
    apus_tensor_release(x);
    apus_tensor_release(grad);
    apus_tensor_release(weight);
    apus_tensor_release(bias);
}

static void test_batch_norm(void) {
    static const int64_t shapes[][4] = {{6, 4},       {500, 90},       {3, 2, 5},      {70, 40, 9},
                                        {2, 3, 4, 5}, {3, 33, 17, 30}, {2, 1, 300, 40}};
    static const int32_t ranks[] = {2, 2, 3, 3, 4, 4, 4};
    for (int k = 0; k < DTYPES; k++)
        for (int s = 0; s < 7; s++)
            for (int affine = 0; affine < 3; affine++)
                for (int training = 0; training < 2; training++)
                    check_batch_norm(k, ranks[s], shapes[s], affine, training, affine == 2);
}

static void test_empty(void) {
    const int64_t shape[] = {0, 3, 2}, channels[] = {3};
    apus_tensor *x = NULL, *y = NULL, *mean = NULL, *rstd = NULL, *dx = NULL, *dweight = NULL;
    CHECK_OK(apus_tensor_empty(&x, APUS_DTYPE_float32, 3, shape, APUS_DEVICE_CPU));
    CHECK_OK(apus_batch_norm(&y, &mean, &rstd, x, NULL, NULL, NULL, NULL, true, 0.1, 1e-5));
    CHECK(apus_tensor_numel(y) == 0 && apus_tensor_shape(mean)[0] == channels[0]);
    CHECK_OK(apus_batch_norm_backward(&dx, &dweight, NULL, x, x, NULL, mean, rstd, true));
    CHECK(apus_tensor_numel(dx) == 0 && check_at(dweight, 2) == 0);
    apus_tensor_release(y);
    apus_tensor_release(mean);
    apus_tensor_release(rstd);
    apus_tensor_release(dx);
    apus_tensor_release(dweight);
    y = mean = rstd = dx = dweight = NULL;
    CHECK_OK(apus_layer_norm(&y, &mean, &rstd, x, 1, NULL, NULL, 1e-5));
    CHECK_OK(apus_layer_norm_backward(&dx, &dweight, NULL, y, x, 1, NULL, mean, rstd));
    CHECK(apus_tensor_numel(y) == 0 && check_at(dweight, 1) == 0);
    apus_tensor_release(x);
    apus_tensor_release(y);
    apus_tensor_release(mean);
    apus_tensor_release(rstd);
    apus_tensor_release(dx);
    apus_tensor_release(dweight);
}

static void test_errors(void) {
    const int64_t shape[] = {2, 3}, single[] = {1, 3}, two[] = {2}, three[] = {3}, ints[] = {1, 2, 3};
    apus_tensor *x = make(APUS_DTYPE_float32, 2, shape, 1), *one = make(APUS_DTYPE_float32, 2, single, 1), *y = NULL;
    apus_tensor *w2 = make(APUS_DTYPE_float32, 1, two, 1), *w3 = make(APUS_DTYPE_float32, 1, three, 1);
    apus_tensor *whole = check_ints(1, three, ints), *mean = NULL, *rstd = NULL;
    CHECK_STATUS(apus_layer_norm(&y, NULL, NULL, x, 3, NULL, NULL, 1e-5), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_layer_norm(&y, NULL, NULL, x, 0, NULL, NULL, 1e-5), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_layer_norm(&y, NULL, NULL, x, 1, w2, NULL, 1e-5), APUS_STATUS_shape);
    CHECK_STATUS(apus_layer_norm(&y, NULL, NULL, whole, 1, NULL, NULL, 1e-5), APUS_STATUS_dtype);
    CHECK_STATUS(apus_layer_norm(&y, NULL, NULL, NULL, 1, NULL, NULL, 1e-5), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_layer_norm_backward(&y, NULL, NULL, x, x, 1, NULL, w3, w3), APUS_STATUS_shape);
    CHECK_STATUS(apus_batch_norm(&y, &mean, &rstd, w3, NULL, NULL, NULL, NULL, true, 0.1, 1e-5), APUS_STATUS_shape);
    CHECK_STATUS(apus_batch_norm(&y, &mean, &rstd, x, w2, NULL, NULL, NULL, true, 0.1, 1e-5), APUS_STATUS_shape);
    CHECK_STATUS(apus_batch_norm(&y, &mean, &rstd, x, NULL, NULL, w2, NULL, true, 0.1, 1e-5), APUS_STATUS_shape);
    CHECK_STATUS(apus_batch_norm(&y, &mean, &rstd, x, NULL, NULL, whole, NULL, true, 0.1, 1e-5), APUS_STATUS_dtype);
    CHECK_STATUS(apus_batch_norm(&y, &mean, &rstd, one, NULL, NULL, NULL, NULL, true, 0.1, 1e-5), APUS_STATUS_shape);
    CHECK_STATUS(apus_batch_norm(&y, &mean, &rstd, x, NULL, NULL, w3, NULL, false, 0.1, 1e-5),
                 APUS_STATUS_null_argument);
    CHECK_STATUS(apus_batch_norm_backward(&y, NULL, NULL, one, x, NULL, w3, w3, true), APUS_STATUS_shape);
    CHECK_STATUS(apus_batch_norm_backward(&y, NULL, NULL, x, x, NULL, NULL, w3, true), APUS_STATUS_null_argument);
    CHECK(y == NULL && mean == NULL && rstd == NULL);
    // An output that does not fit takes the others with it.
    CHECK_STATUS(apus_layer_norm(&y, &w2, NULL, x, 1, NULL, NULL, 1e-5), APUS_STATUS_shape);
    CHECK(y == NULL);
    apus_tensor_release(x);
    apus_tensor_release(one);
    apus_tensor_release(w2);
    apus_tensor_release(w3);
    apus_tensor_release(whole);
}

static bool same_bits(const apus_tensor *a, const apus_tensor *b) {
    size_t bytes = (size_t)apus_tensor_numel(a) * apus_dtype_size(apus_tensor_dtype(a));
    return memcmp(apus_tensor_data(a), apus_tensor_data(b), bytes) == 0;
}

static void test_threads(void) {
    static const int64_t shapes[][3] = {{1000, 40, 1}, {50, 30, 200}, {200, 3, 500}};
    for (int s = 0; s < 3; s++) {
        enum { RESULTS = 8 };
        apus_tensor *x = make(APUS_DTYPE_float32, 3, shapes[s], 1), *grad = make(APUS_DTYPE_float32, 3, shapes[s], 2);
        apus_tensor *out[2][RESULTS] = {{NULL}};
        for (int t = 0; t < 2; t++) {
            apus_tensor **o = out[t], *y = NULL, *mean = NULL, *rstd = NULL;
            apus_set_num_threads(t + 1);
            CHECK_OK(apus_softmax(&o[0], x, 1, false));
            CHECK_OK(apus_softmax(&o[1], x, 0, true));
            CHECK_OK(apus_layer_norm(&y, &mean, &rstd, x, 2, NULL, NULL, 1e-5));
            CHECK_OK(apus_layer_norm_backward(&o[2], &o[3], &o[4], grad, x, 2, NULL, mean, rstd));
            apus_tensor_release(y);
            apus_tensor_release(mean);
            apus_tensor_release(rstd);
            y = mean = rstd = NULL;
            CHECK_OK(apus_batch_norm(&y, &mean, &rstd, x, NULL, NULL, NULL, NULL, true, 0.1, 1e-5));
            CHECK_OK(apus_batch_norm_backward(&o[5], &o[6], &o[7], grad, x, NULL, mean, rstd, true));
            apus_tensor_release(y);
            apus_tensor_release(mean);
            apus_tensor_release(rstd);
        }
        for (int i = 0; i < RESULTS; i++) {
            CHECK(same_bits(out[0][i], out[1][i]));
            apus_tensor_release(out[0][i]);
            apus_tensor_release(out[1][i]);
        }
        apus_tensor_release(x);
        apus_tensor_release(grad);
    }
    apus_set_num_threads(0);
}

int main(void) {
    static const char *const sets[] = {"baseline", "avx2", "avx512", "neon"};
    char best[16];
    snprintf(best, sizeof best, "%s", apus_cpu_isa());
    for (int i = 0; i < 4; i++) {
        if (apus_cpu_set_isa(sets[i]) != APUS_STATUS_ok) continue;
        test_softmax();
        test_softmax_specials();
        test_layer_norm();
        test_batch_norm();
    }
    CHECK_OK(apus_cpu_set_isa(best));
    test_empty();
    test_errors();
    test_threads();
    check_no_leaks();
    return check_result("norm");
}
