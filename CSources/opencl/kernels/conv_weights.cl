R"CLSRC(
// Behind conv.cl: gradients of weights.

static inline T total_of(N x) {
    T lanes[PARTS];
    keep_lanes(x, lanes);
    for (int step = PARTS / 2; step > 0; step /= 2)
        for (int i = 0; i < step; i++) lanes[i] += lanes[i + step];
    return lanes[0];
}

// Sums over positions of `grad` times the source at the offsets of three weights, both spread to one pitch: what lies
// between rows of grad is 0, which leaves sums as they are while the images are finite. An item takes so many outputs of
// a group and `chunk` images, `images` of them by `positions` at a time, and writes [outputs, inputs, taps] of the chunk.
// Items are blocks of outputs × groups by chunks.
#define WEIGHT_COLUMNS 3
#define WEIGHT_GRAD(name, ROWS_)                                                                                       \
    kernel void name(const convolution GIVEN(c), global T *out, long out_at, const global T *grad, long grad_at,       \
                     const global T *in, long in_at, const global long *offsets, long offsets_at, long length,         \
                     long chunk, long images, long positions) {                                                        \
        TAKE(convolution, c);                                                                                          \
        const long blocks = (c.outputs + ROWS_ - 1) / ROWS_, taps = c.y.taps * c.x.taps, n = c.inputs * taps;          \
        const long block = get_global_id(0), group = block / blocks, row = (block - group * blocks) * ROWS_;           \
        const long part = get_global_id(1), begin = part * chunk, end = min(c.batch, begin + chunk);                   \
        const long step = c.plane * c.y.phases * c.x.phases, rows = min((long)ROWS_, c.outputs - row);                 \
        if (group >= c.groups) return;                                                                                 \
        out += out_at + (part * c.groups + group) * c.outputs * n + row * n;                                           \
        offsets += offsets_at;                                                                                         \
        grad += grad_at + (group * c.outputs + row) * length;                                                          \
        in += in_at + group * c.inputs * step;                                                                         \
        for (long i = 0; i < rows * n; i++) out[i] = 0;                                                                \
        long rows_at[ROWS_];                                                                                           \
        for (int r = 0; r < ROWS_; r++) rows_at[r] = min((long)r, rows - 1) * length;                                  \
        for (long image = begin; image < end; image += images)                                                         \
            for (long first = 0; first < length; first += positions)                                                   \
                for (long column = 0, input = 0, tap = 0; column < n; column += WEIGHT_COLUMNS) {                      \
                    long columns_at[WEIGHT_COLUMNS];                                                                   \
                    for (int j = 0; j < WEIGHT_COLUMNS; j++) {                                                         \
                        columns_at[j] = input * step + offsets[1 + 2 * tap];                                           \
                        if (column + j + 1 < n && ++tap == taps) input++, tap = 0;                                     \
                    }                                                                                                  \
                    N sums[ROWS_][WEIGHT_COLUMNS];                                                                     \
                    _Pragma("unroll") for (int r = 0; r < ROWS_; r++)                                                  \
                        _Pragma("unroll") for (int j = 0; j < WEIGHT_COLUMNS; j++) sums[r][j] = (N)(P)0;               \
                    for (long k = image; k < min(end, image + images); k++) {                                          \
                        const global T *g = grad + k * c.groups * c.outputs * length;                                  \
                        const global T *x = in + k * c.groups * c.inputs * step;                                       \
                        for (long at = first; at < min(length, first + positions); at += LANES) {                      \
                            N right[WEIGHT_COLUMNS];                                                                   \
                            _Pragma("unroll") for (int j = 0; j < WEIGHT_COLUMNS; j++)                                 \
                                right[j] = load_lanes(x + columns_at[j] + at);                                         \
                            _Pragma("unroll") for (int r = 0; r < ROWS_; r++) {                                        \
                                const N left = load_lanes(g + rows_at[r] + at);                                        \
                                _Pragma("unroll") for (int j = 0; j < WEIGHT_COLUMNS; j++)                             \
                                    sums[r][j] = FUSED(left, right[j], sums[r][j]);                                    \
                            }                                                                                          \
                        }                                                                                              \
                    }                                                                                                  \
                    T totals[ROWS_][WEIGHT_COLUMNS];                                                                   \
                    _Pragma("unroll") for (int r = 0; r < ROWS_; r++)                                                  \
                        _Pragma("unroll") for (int j = 0; j < WEIGHT_COLUMNS; j++)                                     \
                            totals[r][j] = total_of(sums[r][j]);                                                       \
                    for (long r = 0; r < rows; r++)                                                                    \
                        for (long j = 0; j < min((long)WEIGHT_COLUMNS, n - column); j++)                               \
                            out[r * n + column + j] += totals[r][j];                                                   \
                }                                                                                                      \
    }
WEIGHT_GRAD(weight_grad, 4)
WEIGHT_GRAD(weight_grad_channel, 1)
)CLSRC"
