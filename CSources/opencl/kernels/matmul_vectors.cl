R"CLSRC(
// Behind matmul.cl, of the CPU class: products with a row vector.

#define STRIP (128 * LANES)

// sums[j] += x[i] * y[i * step + j] for `rows` rows.
static inline void add_rows(T *sums, const T *x, const global T *y, long step, const int rows, long width) {
    long j = 0;
    for (; j + LANES <= width; j += LANES) {
        N sum = kept_lanes(sums + j);
#pragma unroll
        for (int i = 0; i < rows; i++) {
            const N row = load_lanes(y + i * step + j);
            sum = multiply_add(x[i], row, TURNED(row), sum);
        }
        keep_lanes(sum, sums + j);
    }
    for (; j < width; j++)
        for (int i = 0; i < rows; i++) sums[j] = multiply_add_one(x[i], y[i * step + j], sums[j]);
}

// b's columns are contiguous. An item adds up a strip of columns, four rows of b at a time.
kernel void multiply_strips(const product GIVEN(p), global T *out, long out_at, const global T *a, long a_at,
                            const global T *b, long b_at, const global T *addend, long addend_at, ALPHA alpha) {
    TAKE(product, p);
    const long column = get_global_id(0) * STRIP, plane = get_global_id(1);
    if (column >= p.n) return;
    const long piece = plane / p.batch_count, entry = plane - piece * p.batch_count;
    const long width = min((long)STRIP, p.n - column);
    const long first = piece * p.depth, last = min(p.k, first + p.depth), step = p.a.column;
    a += a_at + batch_at(&p, p.a.batch, entry);
    b += b_at + batch_at(&p, p.b.batch, entry) + column;
    out += out_at + plane * p.n + column;
    if (addend != 0) addend += addend_at + batch_at(&p, p.addend.batch, entry) + column * p.addend.column;
    T sums[STRIP];
    for (long j = 0; j < width; j++) sums[j] = (T)0;
    long k = first;
    for (; k + 4 <= last; k += 4) {
        const T x[4] = {a[k * step], a[(k + 1) * step], a[(k + 2) * step], a[(k + 3) * step]};
        add_rows(sums, x, b + k * p.b.row, p.b.row, 4, width);
    }
    for (; k < last; k++) {
        const T x = a[k * step];
        add_rows(sums, &x, b + k * p.b.row, p.b.row, 1, width);
    }
    for (long j = 0; j < width; j++)
        out[j] = sums[j] * (T)alpha + (addend == 0 ? (T)0 : addend[j * p.addend.column]);
}

// The vector and b's columns are contiguous along k. An item takes four columns.
#ifndef KIND_COMPLEX
#define DOTS 4
static inline T total_of(N x) {
    T lanes[PARTS];
    keep_lanes(x, lanes);
    for (int step = PARTS / 2; step > 0; step /= 2)
        for (int i = 0; i < step; i++) lanes[i] += lanes[i + step];
    return lanes[0];
}

kernel void multiply_dots(const product GIVEN(p), global T *out, long out_at, const global T *a, long a_at,
                          const global T *b, long b_at, const global T *addend, long addend_at, ALPHA alpha) {
    TAKE(product, p);
    const long column = get_global_id(0) * DOTS, plane = get_global_id(1);
    if (column >= p.n) return;
    const long piece = plane / p.batch_count, entry = plane - piece * p.batch_count;
    const long first = piece * p.depth, depth = min(p.depth, p.k - first), count = min((long)DOTS, p.n - column);
    a += a_at + batch_at(&p, p.a.batch, entry) + first;
    b += b_at + batch_at(&p, p.b.batch, entry) + first;
    out += out_at + plane * p.n + column;
    if (addend != 0) addend += addend_at + batch_at(&p, p.addend.batch, entry) + column * p.addend.column;
    N sums[DOTS][2];
    const global T *columns[DOTS];
#pragma unroll
    for (int j = 0; j < DOTS; j++) {
        sums[j][0] = sums[j][1] = (N)(P)0;
        columns[j] = b + min(column + j, p.n - 1) * p.b.column;
    }
    long k = 0;
    for (; k + 2 * LANES <= depth; k += 2 * LANES) {
        const N x0 = load_lanes(a + k), x1 = load_lanes(a + k + LANES);
#pragma unroll
        for (int j = 0; j < DOTS; j++) {
            sums[j][0] = FUSED(x0, load_lanes(columns[j] + k), sums[j][0]);
            sums[j][1] = FUSED(x1, load_lanes(columns[j] + k + LANES), sums[j][1]);
        }
    }
    T totals[DOTS];
#pragma unroll
    for (int j = 0; j < DOTS; j++) totals[j] = total_of(sums[j][0] + sums[j][1]);
    for (; k < depth; k++)
#pragma unroll
        for (int j = 0; j < DOTS; j++) totals[j] += a[k] * columns[j][k];
    for (long j = 0; j < count; j++)
        out[j] = totals[j] * (T)alpha + (addend == 0 ? (T)0 : addend[j * p.addend.column]);
}
#endif
)CLSRC"
