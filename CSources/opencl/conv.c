// Convolution on OpenCL devices: here the GPU class and the choice; the CPU class is in conv_cpu.c.
#include "device/conv.h"

#include <string.h>

#include "opencl/conv.h"

enum { PIECE_TILES = 256, PIECE = 1024, GROUP = 128 };

static const apus__cl_family tiles_family = {"conv_tiles", {apus__cl_common, apus__cl_lanes, apus__cl_conv_tiles}};
const apus__cl_family apus__cl_conv_prepare_family = {
    "conv_prepare", {apus__cl_common, apus__cl_lanes, apus__cl_conv, apus__cl_conv_prepare}};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

apus_status apus__cl_conv_launch(const apus__cl_conv_call *c, const apus__cl_family *family, const char *kernel,
                                 int64_t items, int64_t planes, int64_t local, const apus__cl_argument *arguments,
                                 int32_t count) {
    return apus__cl_run(&(apus__cl_launch){.storage = c->storage,
                                           .family = family,
                                           .dtype = c->conv->dtype,
                                           .options = c->tiling.options,
                                           .kernel = kernel,
                                           .items = {items, planes},
                                           .local = {local, 1},
                                           .arguments = arguments,
                                           .argument_count = count});
}

apus_status apus__cl_conv_add_pieces(const apus__cl_conv_call *c, apus__buffer out, apus__buffer partial,
                                     int64_t pieces, int64_t n) {
    const apus__cl_argument arguments[] = {apus__cl_buffer(out), apus__cl_buffer(partial), apus__cl_long(pieces),
                                           apus__cl_long(n)};
    const apus__cl_family *family = c->tiling.is_cpu ? &apus__cl_conv_prepare_family : &tiles_family;
    return apus__cl_conv_launch(c, family, "add_pieces", n, 1, c->tiling.is_cpu ? 16 : GROUP, arguments,
                                APUS__COUNT(arguments));
}

// ---- The GPU class

/// The struct of the same name in kernels/conv.cl.
typedef struct geometry {
    int64_t batch, groups, inputs, outputs;
    int64_t in[2], out[2], kernel[2], stride[2], padding[2], dilation[2];
} geometry;

static geometry geometry_of(const apus__conv *v) {
    geometry g = {.batch = v->batch,
                  .groups = v->groups,
                  .inputs = v->in_channels / v->groups,
                  .outputs = v->out_channels / v->groups};
    for (int i = 0; i < 2; i++) {
        g.in[i] = v->in[i], g.out[i] = v->out[i], g.kernel[i] = v->kernel[i];
        g.stride[i] = v->stride[i], g.padding[i] = v->padding[i], g.dilation[i] = v->dilation[i];
    }
    return g;
}

static int64_t tiles_of(const apus__cl_conv_call *c, int64_t rows, int64_t columns) {
    return divide_up(rows, c->tiling.tile) * divide_up(columns, c->tiling.tile);
}

/// One work-group a tile.
static apus_status launch_tiles(const apus__cl_conv_call *c, const char *kernel, int64_t tiles, int64_t planes,
                                const apus__cl_argument *arguments, int32_t count) {
    int64_t side = c->tiling.tile / c->tiling.block;
    return apus__cl_conv_launch(c, &tiles_family, kernel, tiles * side * side, planes, side * side, arguments, count);
}

static apus_status weight_grad_on_gpu(const apus__cl_conv_call *c, apus__buffer out, apus__buffer grad,
                                      apus__buffer input) {
    const geometry g = geometry_of(c->conv);
    int64_t columns = g.inputs * g.kernel[0] * g.kernel[1], count = g.groups * g.outputs * columns;
    int64_t tiles = tiles_of(c, g.outputs, columns), k = g.batch * g.out[0] * g.out[1];
    int64_t pieces = larger(1, smaller(PIECE_TILES / (tiles * g.groups), k / PIECE)), depth = divide_up(k, pieces);
    pieces = divide_up(k, depth);
    apus__buffer to = out;
    if (pieces > 1)
        APUS_TRY(apus__cl_temporary(&to, c->storage, (size_t)(pieces * count) * apus_dtype_size(c->conv->dtype)));
    const apus__cl_argument arguments[] = {apus__cl_struct(&g, sizeof g), apus__cl_buffer(to), apus__cl_buffer(grad),
                                           apus__cl_buffer(input), apus__cl_long(depth)};
    apus_status status = launch_tiles(c, "weight_grad", tiles, pieces * g.groups, arguments, APUS__COUNT(arguments));
    if (pieces == 1) return status;
    if (status == APUS_STATUS_ok) status = apus__cl_conv_add_pieces(c, out, to, pieces, count);
    apus__storage_release(to.storage);
    return status;
}

// ---- The table

/// Whether 32 bits count the elements of every operand, the pixels that a tile may reach behind the last, and places in
/// padded images.
static bool is_narrow(const apus__conv *v) {
    int64_t most = larger(v->in_channels, v->out_channels), in = v->in[0] * v->in[1], out = v->out[0] * v->out[1];
    int64_t all = larger(v->batch * most * larger(in, out),
                         v->out_channels * v->in_channels / v->groups * v->kernel[0] * v->kernel[1]);
    for (int i = 0; i < 2; i++) all = larger(all, larger(v->in[i] + 2 * v->padding[i], v->stride[i]));
    return all < INT32_MAX / 2;
}

/// `rows` × `columns` is the product that a GPU computes for each group.
static apus__cl_conv_call call_of(const apus__conv *v, apus__buffer out, int64_t rows, int64_t columns) {
    apus__cl_conv_call c = {v, out.storage, apus__cl_tiling_of(out.storage, v->dtype, rows, columns, v->groups)};
    if (!c.tiling.is_cpu && is_narrow(v)) strcat(c.tiling.options, " -DNARROW");
    return c;
}

static apus_status forward(const apus__conv *v, apus__buffer out, apus__buffer input, apus__buffer weight,
                           apus__buffer bias) {
    const geometry g = geometry_of(v);
    int64_t pixels = g.batch * g.out[0] * g.out[1];
    const apus__cl_conv_call c = call_of(v, out, g.outputs, pixels);
    if (c.tiling.is_cpu) return apus__cl_conv_forward_on_cpu(&c, out, input, weight, bias);
    const apus__cl_argument arguments[] = {apus__cl_struct(&g, sizeof g), apus__cl_buffer(out), apus__cl_buffer(input),
                                           apus__cl_buffer(weight), apus__cl_buffer(bias)};
    return launch_tiles(&c, "convolve", tiles_of(&c, g.outputs, pixels), g.groups, arguments, APUS__COUNT(arguments));
}

static apus_status input_grad(const apus__conv *v, apus__buffer out, apus__buffer grad, apus__buffer weight) {
    const geometry g = geometry_of(v);
    int64_t pixels = g.batch * g.in[0] * g.in[1];
    const apus__cl_conv_call c = call_of(v, out, g.inputs, pixels);
    if (c.tiling.is_cpu) return apus__cl_conv_input_grad_on_cpu(&c, out, grad, weight);
    const apus__cl_argument arguments[] = {apus__cl_struct(&g, sizeof g), apus__cl_buffer(out), apus__cl_buffer(grad),
                                           apus__cl_buffer(weight)};
    return launch_tiles(&c, "input_grad", tiles_of(&c, g.inputs, pixels), g.groups, arguments, APUS__COUNT(arguments));
}

static apus_status weight_grad(const apus__conv *v, apus__buffer out, apus__buffer grad, apus__buffer input) {
    const geometry g = geometry_of(v);
    const apus__cl_conv_call c = call_of(v, out, g.outputs, g.inputs * g.kernel[0] * g.kernel[1]);
    return c.tiling.is_cpu ? apus__cl_conv_weight_grad_on_cpu(&c, out, grad, input)
                           : weight_grad_on_gpu(&c, out, grad, input);
}

const apus__conv_table apus__cl_conv_table = {
    .forward = forward,
    .input_grad = input_grad,
    .weight_grad = weight_grad,
};
