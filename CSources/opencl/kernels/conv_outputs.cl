R"CLSRC(
// Behind conv.cl: results of convolutions, and gradients of inputs.

// Lanes [from, COLUMNS) of the outputs from position `at` on, into a plane of the result: values + shift, or added to
// what is there.
static inline void store_outputs(const convolution *c, global T *plane, const T *values, long at, long from, T shift,
                                 bool adds) {
    long y = divide(at + from, c->pitch), x = at + from - y * c->pitch;
    for (long i = from; i < COLUMNS && y < c->y.count; y++, x = 0) {
        global T *to = plane + (c->y.first + y * c->y.step) * c->out_width + c->x.first + x * c->x.step;
        const long end = min((long)COLUMNS, i + c->pitch - x), n = min(end - i, c->x.count - x);
        if (adds) {
            for (long j = 0; j < n; j++) to[j * c->x.step] += values[i + j];
        } else if (c->x.step == 1) {
            for (long j = 0; j < n; j++) to[j] = values[i + j] + shift;
        } else {
            for (long j = 0; j < n; j++) to[j * c->x.step] = values[i + j] + shift;
        }
        i = end;
    }
}

// The same for whole blocks of outputs that lie as they were counted.
static inline void store_whole(N sums[ROWS][2], global T *to, long size, const T *shifts, bool adds) {
#pragma unroll
    for (int r = 0; r < ROWS; r++, to += size) {
        store_lanes(sums[r][0] + (adds ? load_lanes(to) : (N)shifts[r]), to);
        store_lanes(sums[r][1] + (adds ? load_lanes(to + LANES) : (N)shifts[r]), to + LANES);
    }
}

// An item makes `width` blocks of ROWS outputs of an image at `strip` positions, from `run` inputs at a time: either what
// these have at a position stays in the first cache while the blocks' weights pass by, or (weights_stay) a block's weights
// do while the positions pass by. Items are strips × widths × groups by images.
kernel void convolve(const convolution GIVEN(c), global T *out, long out_at, const global T *in, long in_at,
                     const global T *weight, long weight_at, const global T *bias, long bias_at,
                     const global long *offsets, long offsets_at, long strip, long width, long run,
                     long weights_stay) {
    TAKE(convolution, c);
    const long blocks = (c.outputs + ROWS - 1) / ROWS, taps = c.y.taps * c.x.taps, image = get_global_id(1);
    const long widths = (blocks + width - 1) / width, positions = (c.y.count - 1) * c.pitch + c.x.count;
    const long item = get_global_id(0), part = item / (widths * c.groups), place = item - part * widths * c.groups;
    const long group = place / widths, first = (place - group * widths) * width, last = min(blocks, first + width);
    if (part * strip >= positions) return;
    const long step = c.plane * c.y.phases * c.x.phases, size = c.out_height * c.out_width;
    const long end = min(positions, (part + 1) * strip);
    const bool whole = c.pitch == c.x.count && c.x.step == 1 && c.y.step == 1;
    offsets += offsets_at;
    in += in_at + (image * c.groups + group) * c.inputs * step;
    out += out_at + (image * c.groups + group) * c.outputs * size;
    weight += weight_at + group * blocks * taps * c.inputs * ROWS;
    if (bias != 0) bias += bias_at + group * c.outputs;
    const long steps = (end - part * strip + COLUMNS - 1) / COLUMNS, tasks = steps * (last - first);
    for (long input = 0; input == 0 || input < c.inputs; input += run)
        for (long task = 0; task < tasks; task++) {
            const long whole_steps = task / (weights_stay ? steps : last - first);
            const long rest = task - whole_steps * (weights_stay ? steps : last - first);
            const long position = part * strip + (weights_stay ? rest : whole_steps) * COLUMNS;
            const long block = first + (weights_stay ? whole_steps : rest);
            // The last block begins further left: nothing may lie behind the source.
            const long at = positions >= COLUMNS ? min(position, positions - COLUMNS) : position;
            const long row = block * ROWS, rows = min((long)ROWS, c.outputs - row);
            N sums[ROWS][2];
            clear_block(sums);
            for (long k = 0; k < offsets[0]; k++) {
                const long from = input * step + offsets[1 + 2 * k] + at, tap = offsets[2 + 2 * k];
                add_packed_products(sums, min(run, c.inputs - input),
                                    weight + ((block * taps + tap) * c.inputs + input) * ROWS, in + from, step);
            }
            T shifts[ROWS];
            for (int r = 0; r < ROWS; r++) shifts[r] = bias == 0 || r >= rows ? (T)0 : bias[row + r];
            if (whole && rows == ROWS && at == position && at + COLUMNS <= positions) {
                store_whole(sums, out + row * size + at, size, shifts, input > 0);
                continue;
            }
            T edge[ROWS * COLUMNS];
            keep_block(edge, sums);
            for (long r = 0; r < rows; r++)
                store_outputs(&c, out + (row + r) * size, edge + r * COLUMNS, at, position - at, shifts[r], input > 0);
        }
}

// The same for groups of few outputs: an item makes one, several blocks of positions at a time, from weights as they are.
// Items are strips × channels by images.
#define SPAN 4
kernel void convolve_channel(const convolution GIVEN(c), global T *out, long out_at, const global T *in, long in_at,
                             const global T *weight, long weight_at, const global T *bias, long bias_at,
                             const global long *offsets, long offsets_at, long strip) {
    TAKE(convolution, c);
    const long channels = c.groups * c.outputs, taps = c.y.taps * c.x.taps, image = get_global_id(1);
    const long positions = (c.y.count - 1) * c.pitch + c.x.count, item = get_global_id(0);
    const long part = item / channels, channel = item - part * channels, group = channel / c.outputs;
    if (part * strip >= positions) return;
    const long step = c.plane * c.y.phases * c.x.phases;
    in += in_at + (image * c.groups + group) * c.inputs * step;
    out += out_at + (image * channels + channel) * c.out_height * c.out_width;
    weight += weight_at + group * c.inputs * c.outputs * taps + (channel - group * c.outputs) * c.out_step;
    offsets += offsets_at;
    const T shift = bias == 0 ? (T)0 : bias[bias_at + channel];
    for (long position = part * strip; position < min(positions, (part + 1) * strip); position += SPAN * COLUMNS) {
        N sums[SPAN][2];
#pragma unroll
        for (int v = 0; v < SPAN; v++) sums[v][0] = sums[v][1] = (N)(P)0;
        for (long k = 0; k < offsets[0]; k++)
            for (long i = 0; i < c.inputs; i++) {
                const T w = weight[i * c.in_step + offsets[2 + 2 * k]];
                const global T *from = in + i * step + offsets[1 + 2 * k] + position;
#pragma unroll
                for (int v = 0; v < SPAN; v++) {
                    sums[v][0] = FUSED((N)w, load_lanes(from + v * COLUMNS), sums[v][0]);
                    sums[v][1] = FUSED((N)w, load_lanes(from + v * COLUMNS + LANES), sums[v][1]);
                }
            }
        T edge[COLUMNS];
#pragma unroll
        for (int v = 0; v < SPAN; v++) {
            keep_lanes(sums[v][0], edge);
            keep_lanes(sums[v][1], edge + LANES);
            const long at = position + v * COLUMNS;
            if (at < positions) store_outputs(&c, out, edge, at, 0, shift, false);
        }
    }
}
)CLSRC"
