R"CLSRC(
// Behind conv.cl: what convolutions and gradients of weights start with, and where the latter end.

// The kernel's elements that meet outputs: how many in offsets[0], then for each its offset in the source and its number.
kernel void find_taps(const convolution GIVEN(c), global long *offsets, long offsets_at) {
    TAKE(convolution, c);
    if (get_global_id(0) > 0) return;
    offsets += offsets_at;
    long count = 0;
    for (long tap = 0, ky = 0; ky < c.y.taps; ky++)
        for (long kx = 0; kx < c.x.taps; kx++, tap++) {
            long phase_y, phase_x, y, x;
            if (!find_tap(&c.y, c.backward, ky, &phase_y, &y)) continue;
            if (!find_tap(&c.x, c.backward, kx, &phase_x, &x)) continue;
            offsets[1 + 2 * count] = (phase_y * c.x.phases + phase_x) * c.plane + y * c.pitch + x;
            offsets[2 + 2 * count++] = tap;
        }
    offsets[0] = count;
}

// ---- Spreading

typedef struct {
    long planes, rows, pitch, plane; // of the result; `plane` is at least rows * pitch
    long height, width;              // of the source
    long phases_y, phases_x, stride_y, stride_x, padding_y, padding_x;
} spreading;

// An item spreads `chunk` planes. What is behind the last plane becomes 0, since it is read though not used.
kernel void spread(const spreading GIVEN(s), global T *out, long out_at, const global T *in, long in_at, long chunk,
                   long slack) {
    TAKE(spreading, s);
    const long phases = s.phases_y * s.phases_x, all = s.planes * phases;
    const long first = get_global_id(0) * chunk, last = min(all, first + chunk);
    out += out_at;
    for (long item = first; item < last; item++) {
        const long plane = item / phases, phase = item - plane * phases, fy = phase / s.phases_x;
        const long shift_x = phase - fy * s.phases_x - s.padding_x;
        const long low = shift_x >= 0 ? 0 : min(s.pitch, (s.stride_x - 1 - shift_x) / s.stride_x);
        const long high = clamp((s.width - 1 - shift_x + s.stride_x) / s.stride_x, low, s.pitch);
        for (long y = 0; y < s.rows; y++) {
            global T *to = out + item * s.plane + y * s.pitch;
            const long in_y = y * s.stride_y + fy - s.padding_y;
            const bool inside = in_y >= 0 && in_y < s.height;
            const long from_x = inside ? low : s.pitch, until_x = inside ? high : s.pitch;
            const global T *from = in + in_at + (plane * s.height + in_y) * s.width + shift_x;
            for (long x = 0; x < from_x; x++) to[x] = 0;
            if (s.stride_x == 1) {
                for (long x = from_x; x < until_x; x++) to[x] = from[x];
            } else {
                for (long x = from_x; x < until_x; x++) to[x] = from[x * s.stride_x];
            }
            for (long x = until_x; x < s.pitch; x++) to[x] = 0;
        }
        for (long i = s.rows * s.pitch; i < s.plane; i++) out[item * s.plane + i] = 0;
    }
    for (long i = 0; i < slack && last == all && first < all; i++) out[all * s.plane + i] = 0;
}

// Weights as [group, block, tap, input, ROWS]. Items are blocks × taps by groups.
kernel void pack_weights(const convolution GIVEN(c), global T *out, long out_at, const global T *in, long in_at) {
    TAKE(convolution, c);
    const long taps = c.y.taps * c.x.taps, blocks = (c.outputs + ROWS - 1) / ROWS, item = get_global_id(0);
    const long block = item / taps, tap = item - block * taps, group = get_global_id(1);
    if (block >= blocks) return;
    out += out_at + ((group * blocks + block) * taps + tap) * c.inputs * ROWS;
    in += in_at + group * c.inputs * c.outputs * taps + block * ROWS * c.out_step + tap;
    const long rows = min((long)ROWS, c.outputs - block * ROWS);
    for (long i = 0; i < c.inputs; i++)
        for (long r = 0; r < ROWS; r++) out[i * ROWS + r] = r < rows ? in[r * c.out_step + i * c.in_step] : (T)0;
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
