R"CLSRC(
// 2-d convolution and its gradients on GPUs.
//
// Products of matrices whose right side is read from the images as it is needed. A work-group is a tile; groups are
// tiles by the groups of the convolution (and pieces of k).
typedef struct {
    long batch, groups, inputs, outputs; // inputs and outputs of a group
    long in_height, in_width, out_height, out_width;
    long kernel_y, kernel_x, stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x;
} geometry;

#define TILE_KERNEL kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
#define CLEAR_TILE                                                                                                     \
    T sums[BLOCK][BLOCK];                                                                                              \
    ALL_OF(i, BLOCK) ALL_OF(j, BLOCK) sums[i][j] = (T)0

// What counts elements and places: 32 bits where that is enough (-DNARROW), which is much faster.
#ifdef NARROW
#define COUNT uint
#define PLACE int
#define OVER(a, b) ((uint)(a) / (uint)(b))
#else
#define COUNT ulong
#define PLACE long
#define OVER(a, b) divide(a, b)
#endif

// The input that kernel element `tap` of output `pixel` (of all images) meets, of channel i of a group.
static inline T input_at(const geometry *g, const global T *in, long group, uint i, uint tap, COUNT pixel) {
    const COUNT width = g->out_width, height = g->out_height, line = OVER(pixel, width), image = OVER(line, height);
    const uint ky = tap / (uint)g->kernel_x, kx = tap - ky * (uint)g->kernel_x;
    const PLACE in_height = g->in_height, in_width = g->in_width;
    const PLACE y = (PLACE)(line - image * height) * (PLACE)g->stride_y + (PLACE)(ky * (uint)g->dilation_y) -
                    (PLACE)g->padding_y;
    const PLACE x = (PLACE)(pixel - line * width) * (PLACE)g->stride_x + (PLACE)(kx * (uint)g->dilation_x) -
                    (PLACE)g->padding_x;
    if (y < 0 || x < 0 || y >= in_height || x >= in_width) return 0;
    return in[(((PLACE)(image * (COUNT)g->groups + (COUNT)group) * (PLACE)g->inputs + (PLACE)i) * in_height + y) *
                  in_width +
              x];
}

// The gradient of the output whose kernel element `tap` meets input `pixel`, of channel o of a group.
static inline T output_at(const geometry *g, const global T *grad, long group, uint o, uint tap, COUNT pixel) {
    const COUNT width = g->in_width, height = g->in_height, line = OVER(pixel, width), image = OVER(line, height);
    const uint ky = tap / (uint)g->kernel_x, kx = tap - ky * (uint)g->kernel_x;
    const PLACE up = (PLACE)(line - image * height) + (PLACE)g->padding_y - (PLACE)(ky * (uint)g->dilation_y);
    const PLACE left = (PLACE)(pixel - line * width) + (PLACE)g->padding_x - (PLACE)(kx * (uint)g->dilation_x);
    if (up < 0 || left < 0) return 0;
    const PLACE stride_y = g->stride_y, stride_x = g->stride_x, out_height = g->out_height, out_width = g->out_width;
    const PLACE y = OVER(up, stride_y), x = OVER(left, stride_x);
    if (y * stride_y != up || x * stride_x != left || y >= out_height || x >= out_width) return 0;
    return grad[(((PLACE)(image * (COUNT)g->groups + (COUNT)group) * (PLACE)g->outputs + (PLACE)o) * out_height + y) *
                    out_width +
                x];
}

TILE_KERNEL convolve(const geometry GIVEN(g), global T *out, long out_at, const global T *in, long in_at,
                     const global T *weight, long weight_at, const global T *bias, long bias_at) {
    TAKE(geometry, g);
    const long size = g.out_height * g.out_width, pixels = g.batch * size, tiles = (pixels + TILE - 1) / TILE;
    const uint taps = (uint)(g.kernel_y * g.kernel_x);
    const long depth = g.inputs * taps, group = get_group_id(1), tile = get_group_id(0);
    const long top = tile / tiles * TILE, left = (tile - tile / tiles * tiles) * TILE;
    in += in_at;
    weight += weight_at + (group * g.outputs + top) * depth;
    CLEAR_TILE;
#define WEIGHT_AT(k_, row_) (top + (row_) < g.outputs ? weight[(row_)*depth + (k_)] : (T)0)
#define INPUT_AT(k_, column_)                                                                                          \
    (left + (column_) < pixels ? input_at(&g, in, group, (uint)(k_) / taps, (uint)(k_) % taps, left + (column_)) : (T)0)
    ADD_TILE_PRODUCTS(sums, 0, depth, true, WEIGHT_AT, false, INPUT_AT)
    ALL_OF(j, BLOCK) {
        const long pixel = left + IN_TILE(x_, j), image = pixel / size;
        ALL_OF(i, BLOCK) {
            const long row = top + IN_TILE(y_, i), channel = group * g.outputs + row;
            if (row >= g.outputs || pixel >= pixels) continue;
            out[out_at + (image * g.groups * g.outputs + channel) * size + pixel - image * size] =
                sums[i][j] + (bias == 0 ? (T)0 : bias[bias_at + channel]);
        }
    }
}

TILE_KERNEL input_grad(const geometry GIVEN(g), global T *out, long out_at, const global T *grad, long grad_at,
                       const global T *weight, long weight_at) {
    TAKE(geometry, g);
    const long size = g.in_height * g.in_width, pixels = g.batch * size, tiles = (pixels + TILE - 1) / TILE;
    const uint taps = (uint)(g.kernel_y * g.kernel_x);
    const long depth = g.outputs * taps, group = get_group_id(1), tile = get_group_id(0);
    const long top = tile / tiles * TILE, left = (tile - tile / tiles * tiles) * TILE;
    grad += grad_at;
    weight += weight_at + (group * g.outputs * g.inputs + top) * taps;
    CLEAR_TILE;
#define TURNED_WEIGHT_AT(k_, row_)                                                                                     \
    (top + (row_) < g.inputs ? weight[((uint)(k_) / taps * g.inputs + (row_)) * taps + (uint)(k_) % taps] : (T)0)
#define OUTPUT_AT(k_, column_)                                                                                         \
    (left + (column_) < pixels ? output_at(&g, grad, group, (uint)(k_) / taps, (uint)(k_) % taps, left + (column_))    \
                               : (T)0)
    ADD_TILE_PRODUCTS(sums, 0, depth, true, TURNED_WEIGHT_AT, false, OUTPUT_AT)
    ALL_OF(j, BLOCK) {
        const long pixel = left + IN_TILE(x_, j), image = pixel / size;
        ALL_OF(i, BLOCK) {
            const long row = top + IN_TILE(y_, i), channel = group * g.inputs + row;
            if (row >= g.inputs || pixel >= pixels) continue;
            out[out_at + (image * g.groups * g.inputs + channel) * size + pixel - image * size] = sums[i][j];
        }
    }
}

// out is [pieces, outputs of all groups, inputs, taps], a piece the sum over `depth` pixels.
TILE_KERNEL weight_grad(const geometry GIVEN(g), global T *out, long out_at, const global T *grad, long grad_at,
                        const global T *in, long in_at, long depth) {
    TAKE(geometry, g);
    const uint taps = (uint)(g.kernel_y * g.kernel_x);
    const long columns = g.inputs * taps, tiles = (columns + TILE - 1) / TILE, tile = get_group_id(0);
    const long piece = get_group_id(1) / g.groups, group = get_group_id(1) - piece * g.groups;
    const long size = g.out_height * g.out_width, first = piece * depth, last = min(first + depth, g.batch * size);
    const long top = tile / tiles * TILE, left = (tile - tile / tiles * tiles) * TILE;
    in += in_at;
    grad += grad_at + (group * g.outputs + top) * size;
    CLEAR_TILE;
#define GRAD_AT(k_, row_)                                                                                              \
    (top + (row_) < g.outputs                                                                                          \
         ? grad[((PLACE)OVER(k_, size) * (PLACE)(g.groups * g.outputs) + (row_)) * (PLACE)size + (PLACE)(k_) -         \
                (PLACE)OVER(k_, size) * (PLACE)size]                                                                   \
         : (T)0)
#define COLUMN_AT(k_, column_)                                                                                         \
    (left + (column_) < columns ? input_at(&g, in, group, (uint)(left + (column_)) / taps,                             \
                                           (uint)(left + (column_)) % taps, k_)                                        \
                                : (T)0)
    ADD_TILE_PRODUCTS(sums, first, last, true, GRAD_AT, true, COLUMN_AT)
    out += out_at + (piece * g.groups + group) * g.outputs * columns;
    ALL_OF(i, BLOCK) ALL_OF(j, BLOCK) {
        const long row = top + IN_TILE(y_, i), column = left + IN_TILE(x_, j);
        if (row < g.outputs && column < columns) out[row * columns + column] = sums[i][j];
    }
}

// Adds up `pieces` of n elements, in order.
kernel void add_pieces(global T *out, long out_at, const global T *partial, long partial_at, long pieces, long n) {
    const long i = get_global_id(0);
    if (i >= n) return;
    T sum = partial[partial_at + i];
    for (long piece = 1; piece < pieces; piece++) sum += partial[partial_at + piece * n + i];
    out[out_at + i] = sum;
}
)CLSRC"
