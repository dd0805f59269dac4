R"CLSRC(
// Behind matmul.cl, of the GPU class: products by tiles.

// A work-group is a tile; groups are batch × pieces × tiles.
kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
multiply_tiles(const product GIVEN(p), global T *out, long out_at, const global T *a, long a_at, const global T *b,
               long b_at, const global T *addend, long addend_at, ALPHA alpha) {
    TAKE(product, p);
    const long tiles = (p.n + TILE - 1) / TILE, all = tiles * ((p.m + TILE - 1) / TILE);
    const long plane = get_group_id(0) / all, group = get_group_id(0) - plane * all;
    const long piece = plane / p.batch_count, entry = plane - piece * p.batch_count;
    const long first = piece * p.depth, last = min(p.k, first + p.depth);
    const long top = group / tiles * TILE, left = (group - group / tiles * tiles) * TILE;
    a += a_at + batch_at(&p, p.a.batch, entry) + top * p.a.row;
    b += b_at + batch_at(&p, p.b.batch, entry) + left * p.b.column;
    out += out_at + plane * p.m * p.n;
    if (addend != 0) addend += addend_at + batch_at(&p, p.addend.batch, entry);
    T sums[BLOCK][BLOCK];
    for (int i = 0; i < BLOCK; i++)
        for (int j = 0; j < BLOCK; j++) sums[i][j] = (T)0;
#define A_AT(row_, k_) (top + (row_) < p.m ? a[(row_)*p.a.row + (k_)*p.a.column] : (T)0)
#define B_AT(k_, column_) (left + (column_) < p.n ? b[(k_)*p.b.row + (column_)*p.b.column] : (T)0)
    ADD_TILE_PRODUCTS(sums, first, last, p.a.column == 1, A_AT, p.b.row == 1, B_AT)
    for (int i = 0; i < BLOCK; i++)
        for (int j = 0; j < BLOCK; j++) {
            const long row = top + y_ + i * SIDE, column = left + x_ + j * SIDE;
            if (row >= p.m || column >= p.n) continue;
            T sum = sums[i][j] * (T)alpha;
            if (addend != 0) sum += addend[row * p.addend.row + column * p.addend.column];
            out[row * p.n + column] = sum;
        }
}
)CLSRC"
