// Convolution by kernels of the CPU class: see kernels/conv.cl for how images are spread and parted into phases.
#include "opencl/conv.h"

#define FAMILY(name, source)                                                                                           \
    {                                                                                                                  \
        name, { apus__cl_common, apus__cl_lanes, apus__cl_conv, source }                                               \
    }
static const apus__cl_family outputs_family = FAMILY("conv_outputs", apus__cl_conv_outputs);
static const apus__cl_family weights_family = FAMILY("conv_weights", apus__cl_conv_weights);

enum {
    SPREAD_ELEMENTS = 8192, // what an item spreads at least
    STRIP = 256,            // positions that an item takes at least
    LEAST_RUN = 8,          // inputs that are added up at a time
    MOST_RUN = 192,
    RUN_WEIGHTS = 576,       // weights of an output that they have about
    ITEMS = 32,              // that keep the processor busy
    SPAN = 4,                // blocks of positions that convolve_channel takes at a time
    FEW_OUTPUTS = 3,         // of a group, up to which each is computed alone
    WEIGHT_ROWS = 4,         // outputs of an item of weight_grad
    WEIGHT_POSITIONS = 1024, // that it takes at a time
};

typedef struct axis {
    int64_t count, taps, stride, dilation, phase, base, first, step, phases;
} axis;

/// The struct of the same name in kernels/conv.cl.
typedef struct convolution {
    int64_t batch, groups, inputs, outputs, backward, pitch, plane, out_size[2], out_step, in_step;
    axis axes[2];
} convolution;

/// The struct of the same name in kernels/conv.cl.
typedef struct spreading {
    int64_t planes, rows, pitch, plane;
    int64_t size[2], phases[2], stride[2], padding[2];
} spreading;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t positions_of(const convolution *v) { return (v->axes[0].count - 1) * v->pitch + v->axes[1].count; }

// ---- Geometry

/// The result's rows (or columns) from the input's phases: one for each remainder, unless all taps fall on the first.
static axis forward_axis(const apus__conv *c, int i) {
    bool is_even = c->kernel[i] == 1 || c->dilation[i] % c->stride[i] == 0;
    return (axis){.count = c->out[i],
                  .taps = c->kernel[i],
                  .stride = c->stride[i],
                  .dilation = c->dilation[i],
                  .step = 1,
                  .phases = is_even ? 1 : c->stride[i]};
}

/// How far a tap reaches back in the gradient.
static int64_t reach_of(const apus__conv *c, int i) { return c->dilation[i] * (c->kernel[i] - 1) / c->stride[i]; }

/// The input's rows (or columns) of one phase, from the gradient with a border of reach_of. Perhaps none.
static axis backward_axis(const apus__conv *c, int i, int64_t phase) {
    int64_t stride = c->stride[i], padding = c->padding[i];
    int64_t first = padding > phase ? divide_up(padding - phase, stride) : 0;
    int64_t end = c->in[i] + padding > phase ? divide_up(c->in[i] + padding - phase, stride) : 0;
    return (axis){.count = larger(0, end - first),
                  .taps = c->kernel[i],
                  .stride = stride,
                  .dilation = c->dilation[i],
                  .phase = phase,
                  .base = first + reach_of(c, i),
                  .first = first * stride + phase - padding,
                  .step = stride,
                  .phases = 1};
}

/// The table of the kernel's elements; see kernels/conv.cl.
static apus_status find_taps(const apus__cl_conv_call *c, const convolution *v, apus__buffer *offsets) {
    int64_t taps = v->axes[0].taps * v->axes[1].taps;
    APUS_TRY(apus__cl_temporary(offsets, c->storage, (size_t)(1 + 2 * taps) * sizeof(int64_t)));
    const apus__cl_argument arguments[] = {apus__cl_struct(v, sizeof *v), apus__cl_buffer(*offsets)};
    apus_status status =
        apus__cl_conv_launch(c, &apus__cl_conv_prepare_family, "find_taps", 1, 1, 1, arguments, APUS__COUNT(arguments));
    if (status != APUS_STATUS_ok) apus__storage_release(offsets->storage);
    return status;
}

// ---- Spreading

/// Makes the spread planes, unless it fails, with room behind them for reads of `slack` elements.
static apus_status spread(const apus__cl_conv_call *c, const spreading *s, apus__buffer from, int64_t slack,
                          apus__buffer *to) {
    int64_t planes = s->planes * s->phases[0] * s->phases[1], chunk = larger(1, SPREAD_ELEMENTS / s->plane);
    size_t bytes = (size_t)(planes * s->plane + slack) * apus_dtype_size(c->conv->dtype);
    apus__buffer room;
    APUS_TRY(apus__cl_temporary(&room, c->storage, bytes));
    const apus__cl_argument arguments[] = {apus__cl_struct(s, sizeof *s), apus__cl_buffer(room), apus__cl_buffer(from),
                                           apus__cl_long(chunk), apus__cl_long(slack)};
    apus_status status = apus__cl_conv_launch(c, &apus__cl_conv_prepare_family, "spread", divide_up(planes, chunk), 1,
                                              1, arguments, APUS__COUNT(arguments));
    if (status == APUS_STATUS_ok)
        *to = room;
    else
        apus__storage_release(room.storage);
    return status;
}

/// The input, as `axes` read it.
static spreading spread_input(const apus__conv *c, const axis axes[2]) {
    spreading s = {.planes = c->batch * c->in_channels};
    for (int i = 0; i < 2; i++) {
        s.size[i] = c->in[i], s.phases[i] = axes[i].phases, s.stride[i] = c->stride[i], s.padding[i] = c->padding[i];
    }
    s.rows = c->out[0] + reach_of(c, 0), s.pitch = c->out[1] + reach_of(c, 1);
    s.plane = s.rows * s.pitch;
    return s;
}

/// The gradient with the border that backward_axis counts on.
static spreading spread_grad(const apus__conv *c) {
    spreading s = {.planes = c->batch * c->out_channels, .phases = {1, 1}, .stride = {1, 1}};
    for (int i = 0; i < 2; i++) s.size[i] = c->out[i], s.padding[i] = reach_of(c, i);
    s.rows = (c->in[0] + c->padding[0] - 1) / c->stride[0] + 1 + reach_of(c, 0);
    s.pitch = (c->in[1] + c->padding[1] - 1) / c->stride[1] + 1 + reach_of(c, 1);
    s.plane = s.rows * s.pitch;
    return s;
}

/// Whether the planes are the source as it is.
static bool is_in_place(const spreading *s) {
    bool same = s->rows == s->size[0] && s->pitch == s->size[1];
    for (int i = 0; i < 2; i++) same &= s->padding[i] == 0 && s->stride[i] == 1;
    return same;
}

// ---- Outputs

/// An operation on spread planes: `source`, which is not the caller's buffer where `owned`, and packed weights.
typedef struct pass {
    const apus__cl_conv_call *call;
    convolution v;
    spreading s;
    apus__buffer out, source, weight, bias;
    bool few, owns_source, owns_weight;
} pass;

static apus_status begin(pass *p, apus__buffer source, apus__buffer weight) {
    p->v.pitch = p->s.pitch, p->v.plane = p->s.plane;
    p->few = p->v.outputs <= FEW_OUTPUTS;
    p->source = source, p->weight = weight;
    // Blocks read beyond the last plane, unless there are positions enough for them to begin further left.
    bool one_phase = !p->v.backward || (p->v.axes[0].stride == 1 && p->v.axes[1].stride == 1);
    bool fits = !p->few && one_phase && positions_of(&p->v) >= p->call->tiling.columns;
    if (!fits || !is_in_place(&p->s)) {
        APUS_TRY(spread(p->call, &p->s, source, SPAN * p->call->tiling.columns, &p->source));
        p->owns_source = true;
    }
    if (p->few) return APUS_STATUS_ok;
    int64_t rows = p->call->tiling.rows, blocks = divide_up(p->v.outputs, rows),
            taps = p->v.axes[0].taps * p->v.axes[1].taps;
    size_t bytes = (size_t)(p->v.groups * blocks * taps * p->v.inputs * rows) * apus_dtype_size(p->call->conv->dtype);
    APUS_TRY(apus__cl_temporary(&p->weight, p->call->storage, bytes));
    p->owns_weight = true;
    const apus__cl_argument arguments[] = {apus__cl_struct(&p->v, sizeof p->v), apus__cl_buffer(p->weight),
                                           apus__cl_buffer(weight)};
    return apus__cl_conv_launch(p->call, &apus__cl_conv_prepare_family, "pack_weights", blocks * taps, p->v.groups, 1,
                                arguments, APUS__COUNT(arguments));
}

static apus_status launch_outputs(const pass *p, apus__buffer offsets) {
    const convolution *v = &p->v;
    int64_t positions = positions_of(v), block = p->call->tiling.columns * (p->few ? SPAN : 1);
    int64_t blocks = p->few ? v->outputs : divide_up(v->outputs, p->call->tiling.rows);
    // Positions are shared out first, then blocks.
    int64_t wanted = divide_up(ITEMS, v->groups * v->batch);
    int64_t strips = larger(1, smaller(divide_up(positions, STRIP), wanted));
    int64_t strip = divide_up(divide_up(positions, strips), block) * block;
    int64_t width = p->few ? 1 : divide_up(blocks, smaller(blocks, divide_up(wanted, strips)));
    int64_t run = larger(LEAST_RUN, smaller(MOST_RUN, RUN_WEIGHTS / (v->axes[0].taps * v->axes[1].taps)));
    // Which is read again and again, and so had better be the smaller one.
    bool weights_stay = strip < width * p->call->tiling.rows * v->axes[0].taps * v->axes[1].taps;
    const apus__cl_argument arguments[] = {
        apus__cl_struct(v, sizeof *v), apus__cl_buffer(p->out),  apus__cl_buffer(p->source),
        apus__cl_buffer(p->weight),    apus__cl_buffer(p->bias), apus__cl_buffer(offsets),
        apus__cl_long(strip),          apus__cl_long(width),     apus__cl_long(run),
        apus__cl_long(weights_stay)};
    return apus__cl_conv_launch(p->call, &outputs_family, p->few ? "convolve_channel" : "convolve",
                                divide_up(positions, strip) * divide_up(blocks, width) * v->groups, v->batch, 1,
                                arguments, APUS__COUNT(arguments) - (p->few ? 3 : 0));
}

static apus_status run(const pass *p) {
    if (p->v.axes[0].count == 0 || p->v.axes[1].count == 0) return APUS_STATUS_ok;
    apus__buffer offsets;
    APUS_TRY(find_taps(p->call, &p->v, &offsets));
    apus_status status = launch_outputs(p, offsets);
    apus__storage_release(offsets.storage);
    return status;
}

static void end(pass *p) {
    if (p->owns_source) apus__storage_release(p->source.storage);
    if (p->owns_weight) apus__storage_release(p->weight.storage);
}

apus_status apus__cl_conv_forward_on_cpu(const apus__cl_conv_call *c, apus__buffer out, apus__buffer input,
                                         apus__buffer weight, apus__buffer bias) {
    const apus__conv *conv = c->conv;
    int64_t inputs = conv->in_channels / conv->groups, taps = conv->kernel[0] * conv->kernel[1];
    pass p = {.call = c,
              .v = {.batch = conv->batch,
                    .groups = conv->groups,
                    .inputs = inputs,
                    .outputs = conv->out_channels / conv->groups,
                    .out_size = {conv->out[0], conv->out[1]},
                    .out_step = inputs * taps,
                    .in_step = taps,
                    .axes = {forward_axis(conv, 0), forward_axis(conv, 1)}},
              .out = out,
              .bias = bias};
    p.s = spread_input(conv, p.v.axes);
    apus_status status = begin(&p, input, weight);
    if (status == APUS_STATUS_ok) status = run(&p);
    end(&p);
    return status;
}

apus_status apus__cl_conv_input_grad_on_cpu(const apus__cl_conv_call *c, apus__buffer out, apus__buffer grad,
                                            apus__buffer weight) {
    const apus__conv *conv = c->conv;
    int64_t outputs = conv->in_channels / conv->groups, taps = conv->kernel[0] * conv->kernel[1];
    pass p = {.call = c,
              .v = {.batch = conv->batch,
                    .groups = conv->groups,
                    .inputs = conv->out_channels / conv->groups,
                    .outputs = outputs,
                    .backward = 1,
                    .out_size = {conv->in[0], conv->in[1]},
                    .out_step = taps,
                    .in_step = outputs * taps,
                    .axes = {backward_axis(conv, 0, 0), backward_axis(conv, 1, 0)}},
              .s = spread_grad(conv),
              .out = out};
    apus_status status = begin(&p, grad, weight);
    for (int64_t y = 0; y < conv->stride[0] && status == APUS_STATUS_ok; y++)
        for (int64_t x = 0; x < conv->stride[1] && status == APUS_STATUS_ok; x++) {
            p.v.axes[0] = backward_axis(conv, 0, y), p.v.axes[1] = backward_axis(conv, 1, x);
            status = run(&p);
        }
    end(&p);
    return status;
}

// ---- The gradient of the weight

/// Sums over the images' chunks: launches weight_grad into `to`, which holds the pieces.
static apus_status launch_weights(const apus__cl_conv_call *c, const convolution *v, apus__buffer to, apus__buffer grad,
                                  apus__buffer source, int64_t length, int64_t chunk) {
    bool few = v->outputs == 1;
    apus__buffer offsets;
    APUS_TRY(find_taps(c, v, &offsets));
    const apus__cl_argument arguments[] = {
        apus__cl_struct(v, sizeof *v),  apus__cl_buffer(to),
        apus__cl_buffer(grad),          apus__cl_buffer(source),
        apus__cl_buffer(offsets),       apus__cl_long(length),
        apus__cl_long(chunk),           apus__cl_long(larger(1, WEIGHT_POSITIONS / length)),
        apus__cl_long(WEIGHT_POSITIONS)};
    apus_status status = apus__cl_conv_launch(c, &weights_family, few ? "weight_grad_channel" : "weight_grad",
                                              v->groups * divide_up(v->outputs, few ? 1 : WEIGHT_ROWS),
                                              divide_up(v->batch, chunk), 1, arguments, APUS__COUNT(arguments));
    apus__storage_release(offsets.storage);
    return status;
}

static apus_status sum_weights(const apus__cl_conv_call *c, const convolution *v, apus__buffer out, apus__buffer grad,
                               apus__buffer source, int64_t length) {
    int64_t items = v->groups * divide_up(v->outputs, WEIGHT_ROWS);
    int64_t chunk = divide_up(v->batch, smaller(v->batch, divide_up(ITEMS, items)));
    int64_t pieces = divide_up(v->batch, chunk);
    if (pieces == 1) return launch_weights(c, v, out, grad, source, length, chunk);
    int64_t count = v->groups * v->outputs * v->inputs * v->axes[0].taps * v->axes[1].taps;
    apus__buffer to;
    APUS_TRY(apus__cl_temporary(&to, c->storage, (size_t)(pieces * count) * apus_dtype_size(c->conv->dtype)));
    apus_status status = launch_weights(c, v, to, grad, source, length, chunk);
    if (status == APUS_STATUS_ok) status = apus__cl_conv_add_pieces(c, out, to, pieces, count);
    apus__storage_release(to.storage);
    return status;
}

apus_status apus__cl_conv_weight_grad_on_cpu(const apus__cl_conv_call *c, apus__buffer out, apus__buffer grad,
                                             apus__buffer input) {
    const apus__conv *conv = c->conv;
    convolution v = {.batch = conv->batch,
                     .groups = conv->groups,
                     .inputs = conv->in_channels / conv->groups,
                     .outputs = conv->out_channels / conv->groups,
                     .axes = {forward_axis(conv, 0), forward_axis(conv, 1)}};
    const spreading s = spread_input(conv, v.axes);
    v.pitch = s.pitch, v.plane = s.plane;
    // The gradient in rows of the input's pitch, zeros between them and behind the last.
    int64_t lanes = c->tiling.lanes, length = divide_up(conv->out[0] * s.pitch, lanes) * lanes;
    const spreading rows = {.planes = conv->batch * conv->out_channels,
                            .rows = conv->out[0],
                            .pitch = s.pitch,
                            .plane = length,
                            .size = {conv->out[0], conv->out[1]},
                            .phases = {1, 1},
                            .stride = {1, 1}};
    // Where nothing lies between rows, before or behind them, the operands are read as they are.
    bool plain = s.pitch == conv->out[1] && length == conv->out[0] * conv->out[1];
    bool plain_input = plain && is_in_place(&s);
    apus__buffer source = input, spread_grad = grad;
    if (!plain_input) APUS_TRY(spread(c, &s, input, length - conv->out[0] * s.pitch + s.pitch, &source));
    apus_status status = plain ? APUS_STATUS_ok : spread(c, &rows, grad, 0, &spread_grad);
    if (status == APUS_STATUS_ok) status = sum_weights(c, &v, out, spread_grad, source, length);
    if (spread_grad.storage != grad.storage) apus__storage_release(spread_grad.storage);
    if (!plain_input) apus__storage_release(source.storage);
    return status;
}
