R"CLSRC(
// Behind matmul.cl, of the GPU class: products by tiles.

// What counts elements within a matrix: 32 bits where that is enough (-DNARROW), which is much faster.
#ifdef NARROW
#define PLACE uint
#else
#define PLACE long
#endif

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
    ALL_OF(i, BLOCK) ALL_OF(j, BLOCK) sums[i][j] = (T)0;
    const PLACE a_row = p.a.row, a_column = p.a.column, b_row = p.b.row, b_column = p.b.column;
#define A_AT(k_, row_) (top + (row_) < p.m ? a[(PLACE)(row_)*a_row + (PLACE)(k_)*a_column] : (T)0)
#define B_AT(k_, column_) (left + (column_) < p.n ? b[(PLACE)(k_)*b_row + (PLACE)(column_)*b_column] : (T)0)
    ADD_TILE_PRODUCTS(sums, first, last, p.a.column == 1, A_AT, p.b.row == 1, B_AT)
    ALL_OF(i, BLOCK) ALL_OF(j, BLOCK) {
        const long row = top + IN_TILE(y_, i), column = left + IN_TILE(x_, j);
        if (row >= p.m || column >= p.n) continue;
        T sum = sums[i][j] * (T)alpha;
        if (addend != 0) sum += addend[row * p.addend.row + column * p.addend.column];
        out[row * p.n + column] = sum;
    }
}
)CLSRC"
