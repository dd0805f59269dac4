R"CLSRC(
// Behind matmul.cl, of the CPU class: products by blocks of rows.

// ---- Storing a block

// Where a block goes: its first element and that of the addend, NULL where there is none.
typedef struct {
    global T *to;
    const global T *addend;
    ALPHA alpha;
    bool adds, ends; // adds what is there; is the last to write, and so scales and adds the addend
} target;

static inline N finished(const product *p, const target *t, N sum, long i, long column) {
    global T *to = t->to + i * p->n + column;
    if (t->adds) sum += load_lanes(to);
    if (!t->ends) return sum;
    sum *= (N)(P)t->alpha;
    return t->addend == 0 ? sum : sum + load_lanes(t->addend + i * p->addend.row + column);
}

// Columns [from, until) of the first `rows` rows.
static inline void store_edge(const product *p, const target *t, const T *sums, long rows, long from, long until) {
    for (long i = 0; i < rows; i++)
        for (long j = from; j < until; j++) {
            T sum = sums[i * COLUMNS + j];
            if (t->adds) sum += t->to[i * p->n + j];
            if (t->ends) sum *= (T)t->alpha;
            if (t->ends && t->addend != 0) sum += t->addend[i * p->addend.row + j * p->addend.column];
            t->to[i * p->n + j] = sum;
        }
}

static inline void store_block(const product *p, const target *t, N sums[ROWS][2], long rows, long from, long until) {
    if (rows < ROWS || from > 0 || until < COLUMNS || (t->addend != 0 && p->addend.column != 1)) {
        T edge[ROWS * COLUMNS];
        keep_block(edge, sums);
        store_edge(p, t, edge, rows, from, until);
        return;
    }
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        store_lanes(finished(p, t, sums[i][0], i, 0), t->to + i * p->n);
        store_lanes(finished(p, t, sums[i][1], i, LANES), t->to + i * p->n + LANES);
    }
}

// ---- From where the matrices are

// An item multiplies a strip of rows with COLUMNS columns; items are strips × blocks of columns by batch × pieces. b's
// columns are contiguous: as they come (panel = COLUMNS; the last block begins further left), or packed in panels.
kernel void multiply_direct(const product GIVEN(p), global T *out, long out_at, const global T *a, long a_at,
                            const global T *b, long b_at, const global T *addend, long addend_at, ALPHA alpha,
                            long strip, long b_packed, long b_matrix) {
    TAKE(product, p);
    const long strips = (p.m + strip - 1) / strip, blocks = (p.n + COLUMNS - 1) / COLUMNS;
    const long item = get_global_id(0), plane = get_global_id(1), block = item / strips;
    if (block >= blocks) return;
    const long piece = plane / p.batch_count, entry = plane - piece * p.batch_count;
    const long first = piece * p.depth, depth = min(p.depth, p.k - first);
    const long column = b_packed ? block * COLUMNS : min(block * COLUMNS, p.n - COLUMNS);
    const long from = block * COLUMNS - column, until = min((long)COLUMNS, p.n - column);
    const long b_step = b_packed ? COLUMNS : p.b.row;
    a += a_at + batch_at(&p, p.a.batch, entry) + first * p.a.column;
    b += b_at + first * b_step + (b_packed ? entry * b_matrix + block * COLUMNS * p.k
                                           : batch_at(&p, p.b.batch, entry) + column);
    out += out_at + plane * p.m * p.n + column;
    if (addend != 0) addend += addend_at + batch_at(&p, p.addend.batch, entry) + column * p.addend.column;
    const long last = min(p.m, (item - block * strips + 1) * strip);
    for (long row = (item - block * strips) * strip; row < last; row += ROWS) {
        long at[ROWS];
#pragma unroll
        for (int i = 0; i < ROWS; i++) at[i] = min(row + i, p.m - 1) * p.a.row;
        N sums[ROWS][2];
        clear_block(sums);
        add_products(sums, depth, a, at, p.a.column, b, b_step);
        const target t = {out + row * p.n, addend == 0 ? 0 : addend + row * p.addend.row, alpha, false, true};
        store_block(&p, &t, sums, min((long)ROWS, last - row), from, until);
    }
}

// ---- From panels. A run of k holds all panels of a matrix, each `width` wide, step after step.

static inline void pack_panel(global T *to, const global T *from, long count, const int width, long depth, long step,
                              long k_step) {
    if (count == width && step == 1) {
        for (long k = 0; k < depth; k++)
            for (int i = 0; i < width; i++) to[k * width + i] = from[k * k_step + i];
        return;
    }
    if (count < width)
        for (long i = 0; i < depth * width; i++) to[i] = (T)0;
    // Sixteen elements of each row: lines are read whole, and what is written stays in the cache.
    for (long first = 0; first < depth; first += 16) {
        const long last = min(first + 16, depth);
        for (long i = 0; i < count; i++)
            for (long k = first; k < last; k++) to[k * width + i] = from[i * step + k * k_step];
    }
}

// Items are panels × runs by matrices.
#define PACK(name, width, side, step, k_step, operand)                                                                 \
    kernel void name(const product GIVEN(p), global T *to, long to_at, const global T *from, long from_at) {           \
        TAKE(product, p);                                                                                              \
        const long panels = (p.side + width - 1) / width, item = get_global_id(0), run = item / panels;                \
        const long panel = item - run * panels, first = run * p.run, depth = min(p.run, p.k - first);                  \
        if (first >= p.k) return;                                                                                      \
        to += to_at + (get_global_id(1) * p.k + first) * panels * width + panel * width * depth;                       \
        from += from_at + batch_at(&p, p.operand.batch, get_global_id(1)) + panel * width * p.operand.step +           \
                first * p.operand.k_step;                                                                              \
        pack_panel(to, from, min((long)width, p.side - panel * width), width, depth, p.operand.step,                   \
                   p.operand.k_step);                                                                                  \
    }
PACK(pack_rows, ROWS, m, row, column, a)
PACK(pack_columns, COLUMNS, n, column, row, b)

// An item multiplies `task_rows` row panels with `task_columns` column panels, run by run. Items are tasks by batch ×
// pieces.
kernel void multiply_panels(const product GIVEN(p), global T *out, long out_at, const global T *a, long a_at,
                            const global T *b, long b_at, const global T *addend, long addend_at, ALPHA alpha,
                            long task_rows, long task_columns, long a_matrix, long b_matrix) {
    TAKE(product, p);
    const long row_panels = (p.m + ROWS - 1) / ROWS, column_panels = (p.n + COLUMNS - 1) / COLUMNS;
    const long row_tasks = (row_panels + task_rows - 1) / task_rows;
    const long item = get_global_id(0), plane = get_global_id(1), task = item / row_tasks;
    const long piece = plane / p.batch_count, entry = plane - piece * p.batch_count;
    const long first_row = (item - task * row_tasks) * task_rows, last_row = min(first_row + task_rows, row_panels);
    const long first_column = task * task_columns, last_column = min(first_column + task_columns, column_panels);
    const long begin = piece * p.depth, end = min(begin + p.depth, p.k);
    a += a_at + entry * a_matrix;
    b += b_at + entry * b_matrix;
    out += out_at + plane * p.m * p.n;
    if (addend != 0) addend += addend_at + batch_at(&p, p.addend.batch, entry);
    for (long first = begin; first < end; first += p.run) {
        const long depth = min(p.run, end - first);
        for (long q = first_column; q < last_column; q++)
            for (long r = first_row; r < last_row; r++) {
                N sums[ROWS][2];
                clear_block(sums);
                add_packed_products(sums, depth, a + (first * row_panels + r * depth) * ROWS,
                                    b + (first * column_panels + q * depth) * COLUMNS, COLUMNS);
                const long row = r * ROWS, column = q * COLUMNS;
                const target t = {out + row * p.n + column,
                                  addend == 0 ? 0 : addend + row * p.addend.row + column * p.addend.column, alpha,
                                  first > begin, first + depth == end};
                store_block(&p, &t, sums, min((long)ROWS, p.m - row), 0, min((long)COLUMNS, p.n - column));
            }
    }
}
)CLSRC"
