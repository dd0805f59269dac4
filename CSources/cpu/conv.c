// Convolution on the CPU: column matrices of a few hundred output pixels, each multiplied while it is in the cache.
//
// A panel is what one matrix product covers: some pixels of one output image, or all pixels of several small images.
// Panels, blocks of channels and chunks of images follow from the shapes alone, so that results do not depend on the
// number of threads. Groups of one channel are not worth a matrix: they run plane by plane.
#include "device/conv.h"

#include <stdatomic.h>
#include <string.h>

#include "blas/blas.h"
#include "core/parallel.h"
#include "cpu/isa.h"
#include "cpu/simd/conv_loops.h"

APUS__DEFINE_LOOPS(apus__conv_loops, conv)

// Bytes of a column matrix, which BLAS packs once more beside it in the second-level cache.
#define PANEL_BYTES (256 * 1024)
// Columns of a panel: enough that the other operand's packing is small, few enough to share out.
#define PANEL_LEAST 128
#define PANEL_MOST 1024
// Tasks to aim for where the work could be cut further.
#define TASKS 8
// Rows of a column matrix that a block of channels has at least.
#define BLOCK_ROWS 64
// Bytes of weight gradients that chunks of images may hold until they are added up.
#define PARTIAL_BYTES (8 * 1024 * 1024)
// Multiply-adds below which work goes to no second thread.
#define PIECE_WORK (1LL << 17)

/// One call: the geometry and what follows from it.
typedef struct job {
    const apus__conv *c;
    const apus__conv_kernels *kernels;
    size_t item;
    int64_t pixels, in_pixels;          ///< of an output plane and of an input plane
    int64_t group_in, group_out;        ///< channels of a group
    int64_t taps;                       ///< weights of a kernel plane
    int64_t depth;                      ///< rows of a group's whole column matrix
    bool pointwise;                     ///< the image is its own column matrix
    int64_t panel_images, panel_pixels; ///< of a panel: several whole images, or pixels of one
    int64_t image_panels, plane_panels; ///< panels along the batch and along a plane
    int64_t block_channels, blocks;     ///< input channels of a block; blocks of a group
    int64_t chunk_images, chunks;       ///< images of a chunk; chunks of the batch
    char *out, *input, *grad, *weight, *bias, *partial;
    atomic_int status;
} job;

/// What a panel covers.
typedef struct panel {
    int64_t image, images;       ///< first image, how many
    int64_t first, last, pixels; ///< pixels of each
    int64_t width;               ///< columns in all
} panel;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void set_panels(job *j) {
    const apus__conv *c = j->c;
    int64_t fits = PANEL_BYTES / (larger(j->depth, j->group_out) * (int64_t)j->item);
    int64_t columns = smaller(larger(fits, PANEL_LEAST), PANEL_MOST);
    if (j->pixels >= PANEL_LEAST / 2 || c->batch == 1) {
        j->panel_images = 1;
        int64_t parts = larger(1, (j->pixels + columns / 2) / columns);
        j->panel_pixels = smaller(j->pixels, divide_up(divide_up(j->pixels, parts), 16) * 16);
    } else {
        j->panel_images = smaller(c->batch, larger(1, columns / j->pixels));
        j->panel_pixels = j->pixels;
    }
    j->image_panels = divide_up(c->batch, j->panel_images);
    j->plane_panels = divide_up(j->pixels, j->panel_pixels);
}

/// Cuts a group's channels into about `parts` blocks.
static void set_blocks(job *j, int64_t parts) {
    int64_t least = smaller(j->group_in, divide_up(BLOCK_ROWS, j->taps));
    j->block_channels = larger(least, divide_up(j->group_in, larger(1, parts)));
    j->blocks = divide_up(j->group_in, j->block_channels);
}

static void set_up(job *j, const apus__conv *c) {
    const apus__conv_loops *loops = apus__conv_loops_current();
    j->c = c;
    j->kernels = c->dtype == APUS_DTYPE_float32 ? &loops->float32 : &loops->float64;
    j->item = apus_dtype_size(c->dtype);
    j->pixels = c->out[0] * c->out[1], j->in_pixels = c->in[0] * c->in[1];
    j->group_in = c->in_channels / c->groups, j->group_out = c->out_channels / c->groups;
    j->taps = c->kernel[0] * c->kernel[1];
    j->depth = j->group_in * j->taps;
    j->pointwise = j->taps == 1 && c->stride[0] == 1 && c->stride[1] == 1 && c->padding[0] == 0 && c->padding[1] == 0;
    set_panels(j);
}

static panel panel_at(const job *j, int64_t index) {
    int64_t image = index / j->plane_panels * j->panel_images, first = index % j->plane_panels * j->panel_pixels;
    panel p = {.image = image,
               .images = smaller(j->panel_images, j->c->batch - image),
               .first = first,
               .last = smaller(first + j->panel_pixels, j->pixels)};
    p.pixels = p.last - p.first;
    p.width = p.images * p.pixels;
    return p;
}

static char *at(const job *j, char *base, int64_t elements) { return base + elements * (int64_t)j->item; }

static char *image_plane(const job *j, char *images, int64_t image, int64_t channel) {
    return at(j, images, (image * j->c->in_channels + channel) * j->in_pixels);
}

static char *result_plane(const job *j, char *results, int64_t image, int64_t channel) {
    return at(j, results, (image * j->c->out_channels + channel) * j->pixels);
}

/// Pieces of at least PIECE_WORK multiply-adds, when one task has `work`.
static void run(job *j, int64_t tasks, int64_t work, apus__range_function function) {
    apus__parallel_for(tasks, larger(1, PIECE_WORK / larger(1, work)), function, j);
}

// ---- Matrices of a panel. A panel of one image is multiplied where it lies; of several, by way of a copy.

typedef struct matrix {
    char *data;
    int64_t step;
} matrix;

/// Whether the image's own pixels stand for the panel's column matrix.
static bool is_in_place(const job *j, const panel *p) { return j->pointwise && p->images == 1; }

/// The column matrix of `channels` channels from `channel` on, in `room` unless the image is one already.
static matrix columns_of(const job *j, const panel *p, int64_t channel, int64_t channels, char *room) {
    if (is_in_place(j, p)) return (matrix){at(j, image_plane(j, j->input, p->image, channel), p->first), j->in_pixels};
    for (int64_t i = 0; i < p->images; i++)
        j->kernels->gather(j->c, at(j, room, i * p->pixels), p->width, image_plane(j, j->input, p->image + i, channel),
                           channels, p->first, p->last);
    return (matrix){room, p->width};
}

/// A group's rows of a result or its gradient, for writing (see put_result) or reading.
static matrix result_of(const job *j, const panel *p, char *results, int64_t group, char *room) {
    if (p->images > 1) return (matrix){room, p->width};
    return (matrix){at(j, result_plane(j, results, p->image, group * j->group_out), p->first), j->pixels};
}

static void copy_results(const job *j, const panel *p, char *results, int64_t group, char *room, bool to_room) {
    if (p->images == 1) return;
    for (int64_t o = 0; o < j->group_out; o++)
        for (int64_t i = 0; i < p->images; i++) {
            char *plane = at(j, result_plane(j, results, p->image + i, group * j->group_out + o), p->first);
            char *copy = at(j, room, o * p->width + i * p->pixels);
            memcpy(to_room ? copy : plane, to_room ? plane : copy, (size_t)p->pixels * j->item);
        }
}

static char *group_weight(const job *j, int64_t group) { return at(j, j->weight, group * j->group_out * j->depth); }

/// Memory for one panel's matrices: `rows` rows of columns and, for several images, the group's results.
static apus_storage *panel_room(job *j, int64_t rows, char **columns, char **results) {
    int64_t width = j->panel_images * j->panel_pixels;
    int64_t in_columns = j->pointwise && j->panel_images == 1 ? 0 : rows * width;
    int64_t in_results = j->panel_images == 1 ? 0 : j->group_out * width;
    apus_storage *room = NULL;
    apus_status status = apus__storage_new(&room, (size_t)(in_columns + in_results) * j->item + 1, APUS_DEVICE_CPU);
    if (status != APUS_STATUS_ok) {
        atomic_store(&j->status, (int)status);
        return NULL;
    }
    *columns = room->data;
    *results = at(j, room->data, in_columns);
    return room;
}

/// The status of the tasks; the message is made again here, on the caller's thread.
static apus_status finish(job *j) {
    apus_status status = (apus_status)atomic_load(&j->status);
    return status == APUS_STATUS_ok ? status : apus__fail(status, "conv2d: no memory for a panel of columns");
}

// ---- Forward

static void forward_panel(const job *j, int64_t group, const panel *p, char *room, char *result_room) {
    matrix result = result_of(j, p, j->out, group, result_room);
    if (j->bias != NULL)
        j->kernels->fill(result.data, result.step, j->group_out, p->width, at(j, j->bias, group * j->group_out));
    matrix columns = columns_of(j, p, group * j->group_in, j->group_in, room);
    apus__blas_gemm(&(apus__gemm){.dtype = j->c->dtype,
                                  .m = j->group_out,
                                  .n = p->width,
                                  .k = j->depth,
                                  .a = group_weight(j, group),
                                  .a_row = j->depth,
                                  .a_column = 1,
                                  .b = columns.data,
                                  .b_row = columns.step,
                                  .b_column = 1,
                                  .c = result.data,
                                  .c_row = result.step,
                                  .alpha = 1,
                                  .accumulate = j->bias != NULL});
    copy_results(j, p, j->out, group, result_room, false);
}

static void forward_panels(void *context, int64_t begin, int64_t end) {
    job *j = context;
    char *columns, *results;
    apus_storage *room = panel_room(j, j->depth, &columns, &results);
    if (room == NULL) return;
    for (int64_t t = begin; t < end; t++) {
        panel p = panel_at(j, t / j->c->groups);
        forward_panel(j, t % j->c->groups, &p, columns, results);
    }
    apus__storage_release(room);
}

static void forward_planes(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t t = begin; t < end; t++) {
        int64_t image = t / j->c->out_channels, channel = t % j->c->out_channels;
        char *plane = result_plane(j, j->out, image, channel);
        j->kernels->fill(plane, 0, 1, j->pixels, j->bias == NULL ? NULL : at(j, j->bias, channel));
        j->kernels->plane_forward(j->c, plane, image_plane(j, j->input, image, channel / j->group_out),
                                  at(j, j->weight, channel * j->taps));
    }
}

static apus_status forward(const apus__conv *c, apus__buffer out, apus__buffer input, apus__buffer weight,
                           apus__buffer bias) {
    job j = {.out = apus__buffer_host(out, c->dtype),
             .input = apus__buffer_host(input, c->dtype),
             .weight = apus__buffer_host(weight, c->dtype),
             .bias = apus__buffer_host(bias, c->dtype)};
    set_up(&j, c);
    if (j.group_in == 1 && c->groups > 1)
        run(&j, c->batch * c->out_channels, j.pixels * j.taps, forward_planes);
    else
        run(&j, j.image_panels * j.plane_panels * c->groups, j.group_out * j.depth * j.panel_images * j.panel_pixels,
            forward_panels);
    return finish(&j);
}

// ---- Gradient of the input: columns of gradients, added into the image. One task owns the channels it adds to.

/// Adds one panel's part to the channels of a block.
static void input_grad_panel(const job *j, const panel *p, int64_t group, int64_t channel, int64_t channels, char *room,
                             char *result_room) {
    copy_results(j, p, j->grad, group, result_room, true);
    matrix grad = result_of(j, p, j->grad, group, result_room);
    bool in_place = is_in_place(j, p);
    int64_t first_channel = group * j->group_in + channel;
    matrix columns = {room, p->width};
    if (in_place) columns = (matrix){at(j, image_plane(j, j->out, p->image, first_channel), p->first), j->in_pixels};
    apus__blas_gemm(&(apus__gemm){.dtype = j->c->dtype,
                                  .m = channels * j->taps,
                                  .n = p->width,
                                  .k = j->group_out,
                                  .a = at(j, group_weight(j, group), channel * j->taps),
                                  .a_row = 1,
                                  .a_column = j->depth,
                                  .b = grad.data,
                                  .b_row = grad.step,
                                  .b_column = 1,
                                  .c = columns.data,
                                  .c_row = columns.step,
                                  .alpha = 1});
    if (in_place) return;
    for (int64_t i = 0; i < p->images; i++)
        j->kernels->scatter(j->c, image_plane(j, j->out, p->image + i, first_channel), at(j, room, i * p->pixels),
                            p->width, channels, p->first, p->last);
}

static void input_grad_tasks(void *context, int64_t begin, int64_t end) {
    job *j = context;
    char *columns, *results;
    apus_storage *room = panel_room(j, j->block_channels * j->taps, &columns, &results);
    if (room == NULL) return;
    for (int64_t t = begin; t < end; t++) {
        int64_t block = t % j->blocks, group = t / j->blocks % j->c->groups, images = t / j->blocks / j->c->groups;
        int64_t channel = block * j->block_channels, channels = smaller(j->block_channels, j->group_in - channel);
        for (int64_t i = 0; i < j->plane_panels; i++) {
            panel p = panel_at(j, images * j->plane_panels + i);
            for (int64_t image = 0; i == 0 && !is_in_place(j, &p) && image < p.images; image++)
                j->kernels->fill(image_plane(j, j->out, p.image + image, group * j->group_in + channel), 0, 1,
                                 channels * j->in_pixels, NULL);
            input_grad_panel(j, &p, group, channel, channels, columns, results);
        }
    }
    apus__storage_release(room);
}

static void input_grad_planes(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t t = begin; t < end; t++) {
        int64_t image = t / j->c->in_channels, channel = t % j->c->in_channels;
        char *plane = image_plane(j, j->out, image, channel);
        j->kernels->fill(plane, 0, 1, j->in_pixels, NULL);
        for (int64_t o = channel * j->group_out; o < (channel + 1) * j->group_out; o++)
            j->kernels->plane_input_grad(j->c, plane, result_plane(j, j->grad, image, o),
                                         at(j, j->weight, o * j->taps));
    }
}

static apus_status input_grad(const apus__conv *c, apus__buffer out, apus__buffer grad, apus__buffer weight) {
    job j = {.out = apus__buffer_host(out, c->dtype),
             .grad = apus__buffer_host(grad, c->dtype),
             .weight = apus__buffer_host(weight, c->dtype)};
    set_up(&j, c);
    if (j.group_in == 1 && c->groups > 1) {
        run(&j, c->batch * c->in_channels, j.pixels * j.taps * j.group_out, input_grad_planes);
        return finish(&j);
    }
    set_blocks(&j, divide_up(TASKS, j.image_panels * c->groups));
    run(&j, j.image_panels * c->groups * j.blocks, j.group_out * j.block_channels * j.taps * j.panel_images * j.pixels,
        input_grad_tasks);
    return finish(&j);
}

// ---- Gradient of the weight: each chunk of images gives a partial one; they are added in order.

static void weight_grad_tasks(void *context, int64_t begin, int64_t end) {
    job *j = context;
    char *columns, *results;
    apus_storage *room = panel_room(j, j->block_channels * j->taps, &columns, &results);
    if (room == NULL) return;
    for (int64_t t = begin; t < end; t++) {
        int64_t block = t % j->blocks, group = t / j->blocks % j->c->groups, chunk = t / j->blocks / j->c->groups;
        int64_t channel = block * j->block_channels, channels = smaller(j->block_channels, j->group_in - channel);
        int64_t first = chunk * j->chunk_images * j->plane_panels;
        int64_t last = smaller((chunk + 1) * j->chunk_images, j->image_panels) * j->plane_panels;
        char *target = chunk == 0 ? j->out : at(j, j->partial, (chunk - 1) * j->c->out_channels * j->depth);
        for (int64_t i = first; i < last; i++) {
            panel p = panel_at(j, i);
            copy_results(j, &p, j->grad, group, results, true);
            matrix grad = result_of(j, &p, j->grad, group, results);
            matrix seen = columns_of(j, &p, group * j->group_in + channel, channels, columns);
            apus__blas_gemm(&(apus__gemm){.dtype = j->c->dtype,
                                          .m = j->group_out,
                                          .n = channels * j->taps,
                                          .k = p.width,
                                          .a = grad.data,
                                          .a_row = grad.step,
                                          .a_column = 1,
                                          .b = seen.data,
                                          .b_row = 1,
                                          .b_column = seen.step,
                                          .c = at(j, target, group * j->group_out * j->depth + channel * j->taps),
                                          .c_row = j->depth,
                                          .alpha = 1,
                                          .accumulate = i > first});
        }
    }
    apus__storage_release(room);
}

static void add_partials(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t chunk = 1; chunk < j->chunks; chunk++)
        j->kernels->add(at(j, j->out, begin), at(j, j->partial, (chunk - 1) * j->c->out_channels * j->depth + begin),
                        end - begin);
}

static void weight_grad_planes(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t t = begin; t < end; t++) {
        int64_t o = t % j->c->out_channels, chunk = t / j->c->out_channels;
        int64_t first = chunk * j->chunk_images, last = smaller(first + j->chunk_images, j->c->batch);
        char *target = chunk == 0 ? j->out : at(j, j->partial, (chunk - 1) * j->c->out_channels * j->taps);
        char *kernel = at(j, target, o * j->taps);
        j->kernels->fill(kernel, 0, 1, j->taps, NULL);
        for (int64_t image = first; image < last; image++)
            j->kernels->plane_kernel_grad(j->c, kernel, result_plane(j, j->grad, image, o),
                                          image_plane(j, j->input, image, o / j->group_out));
    }
}

/// Chunks of images cost memory for their partial gradients, blocks of channels cost packing: chunks first.
static void set_chunks(job *j) {
    int64_t bytes = larger(1, j->c->out_channels * j->depth * (int64_t)j->item);
    int64_t most = larger(1, smaller(TASKS, PARTIAL_BYTES / bytes));
    j->chunk_images = divide_up(j->image_panels, smaller(j->image_panels, most));
    j->chunks = divide_up(j->image_panels, j->chunk_images);
    set_blocks(j, divide_up(TASKS, j->c->groups * j->chunks));
}

static apus_status weight_grad(const apus__conv *c, apus__buffer out, apus__buffer grad, apus__buffer input) {
    job j = {.out = apus__buffer_host(out, c->dtype),
             .grad = apus__buffer_host(grad, c->dtype),
             .input = apus__buffer_host(input, c->dtype)};
    set_up(&j, c);
    bool planes = j.group_in == 1 && c->groups > 1;
    if (planes) {
        j.chunk_images = divide_up(c->batch, smaller(c->batch, divide_up(TASKS, c->out_channels)));
        j.chunks = divide_up(c->batch, j.chunk_images);
    } else {
        set_chunks(&j);
    }
    int64_t weights = c->out_channels * j.depth;
    apus_storage *partial = NULL;
    if (j.chunks > 1) {
        APUS_TRY(apus__storage_new(&partial, (size_t)((j.chunks - 1) * weights) * j.item, APUS_DEVICE_CPU));
        j.partial = partial->data;
    }
    if (planes)
        run(&j, j.chunks * c->out_channels, j.pixels * j.taps * j.chunk_images, weight_grad_planes);
    else
        run(&j, j.chunks * c->groups * j.blocks,
            j.group_out * j.block_channels * j.taps * j.pixels * j.panel_images * j.chunk_images, weight_grad_tasks);
    if (j.chunks > 1) apus__parallel_for(weights, 16384, add_partials, &j);
    apus__storage_release(partial);
    return finish(&j);
}

const apus__conv_table apus__cpu_conv = {forward, input_grad, weight_grad};
