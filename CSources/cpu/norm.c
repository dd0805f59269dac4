// Layer and batch normalisation on the CPU.
//
// Gradients of weights and biases are sums over rows or images: these are cut into chunks that follow from the shape
// alone, and the chunks' sums are added in order, so that results do not depend on the number of threads.
#include "cpu/norm.h"

#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"

enum {
    MAX_CHUNKS = 32,
    CHUNK_ELEMENTS = 32 * 1024, // at least
    FLUSH_ROWS = 64,            // rows that add up in the dtype itself before they go to double
    MANY_CHANNELS = 32,         // channels that keep threads busy without chunks
};

typedef struct job {
    const apus__norm_rows *rows;
    const apus__norm_images *images;
    const apus__norm_kernels *kernels;
    size_t size;
    double eps;
    char *out, *out_mean, *out_rstd; ///< `out` is y, or dx
    const char *x, *grad, *weight, *bias, *mean, *rstd;
    double *sums;          ///< of each chunk
    char *scratch;         ///< of each chunk
    int64_t chunk, chunks; ///< rows or images of a chunk, chunks
    const double *first, *second, *scale;
} job;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t pieces(int64_t n, int64_t piece) { return (n + piece - 1) / piece; }

/// Element i of an array that may be absent.
static void *at(const job *j, const char *array, int64_t i) {
    return array == NULL ? NULL : (char *)array + i * (int64_t)j->size;
}

static double get(const job *j, const char *array, int64_t i) {
    return j->size == sizeof(float) ? (double)((const float *)(const void *)array)[i]
                                    : ((const double *)(const void *)array)[i];
}

static void set(const job *j, char *array, int64_t i, double value) {
    if (array == NULL) return;
    if (j->size == sizeof(float))
        ((float *)(void *)array)[i] = (float)value;
    else
        ((double *)(void *)array)[i] = value;
}

/// Items of `elements` each that make a piece of work.
static int64_t grain_of(const job *j, int64_t elements) {
    return larger(1, APUS__GRAIN_BYTES / 2 / (elements * (int64_t)j->size));
}

static apus_status no_memory(void) {
    return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot allocate partial sums");
}

// ---- Layer normalisation

static void layer_norm_rows(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t n = j->rows->length;
    for (int64_t row = begin; row < end; row++)
        j->kernels->layer_norm_row(n, j->eps, at(j, j->out, row * n), at(j, j->out_mean, row), at(j, j->out_rstd, row),
                                   at(j, j->x, row * n), j->weight, j->bias);
}

static apus_status layer_norm(const apus__norm_rows *r, double eps, apus__buffer out, apus__buffer mean,
                              apus__buffer rstd, apus__buffer x, apus__buffer weight, apus__buffer bias) {
    job j = {.rows = r,
             .kernels = apus__norm_kernels_of(r->dtype),
             .size = apus_dtype_size(r->dtype),
             .eps = eps,
             .out = apus__buffer_host(out, r->dtype),
             .out_mean = apus__buffer_host(mean, r->dtype),
             .out_rstd = apus__buffer_host(rstd, r->dtype),
             .x = apus__buffer_host(x, r->dtype),
             .weight = apus__buffer_host(weight, r->dtype),
             .bias = apus__buffer_host(bias, r->dtype)};
    apus__parallel_for(r->rows, grain_of(&j, r->length), layer_norm_rows, &j);
    return APUS_STATUS_ok;
}

static void layer_norm_backward_rows(const job *j, int64_t begin, int64_t end, void *sums) {
    int64_t n = j->rows->length;
    for (int64_t row = begin; row < end; row++)
        j->kernels->layer_norm_backward_row(n, at(j, j->out, row * n), sums, at(j, j->grad, row * n),
                                            at(j, j->x, row * n), j->weight, at(j, j->mean, row), at(j, j->rstd, row));
}

static void layer_norm_backward_plain(void *context, int64_t begin, int64_t end) {
    layer_norm_backward_rows(context, begin, end, NULL);
}

static void layer_norm_backward_chunks(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t n = 2 * j->rows->length;
    for (int64_t chunk = begin; chunk < end; chunk++) {
        double *total = j->sums + chunk * n;
        char *sums = j->scratch + (size_t)(chunk * n) * j->size;
        memset(total, 0, (size_t)n * sizeof *total);
        memset(sums, 0, (size_t)n * j->size);
        int64_t last = smaller((chunk + 1) * j->chunk, j->rows->rows);
        for (int64_t row = chunk * j->chunk; row < last; row += FLUSH_ROWS) {
            layer_norm_backward_rows(j, row, smaller(row + FLUSH_ROWS, last), sums);
            j->kernels->flush(n, total, sums);
        }
    }
}

/// Adds the chunks' sums, `n` each, to those of the first.
static void add_chunks(const job *j, int64_t n) {
    for (int64_t chunk = 1; chunk < j->chunks; chunk++)
        for (int64_t i = 0; i < n; i++) j->sums[i] += j->sums[chunk * n + i];
}

static apus_status layer_norm_backward(const apus__norm_rows *r, apus__buffer dx, apus__buffer dweight,
                                       apus__buffer dbias, apus__buffer grad, apus__buffer x, apus__buffer weight,
                                       apus__buffer mean, apus__buffer rstd) {
    job j = {.rows = r,
             .kernels = apus__norm_kernels_of(r->dtype),
             .size = apus_dtype_size(r->dtype),
             .out = apus__buffer_host(dx, r->dtype),
             .grad = apus__buffer_host(grad, r->dtype),
             .x = apus__buffer_host(x, r->dtype),
             .weight = apus__buffer_host(weight, r->dtype),
             .mean = apus__buffer_host(mean, r->dtype),
             .rstd = apus__buffer_host(rstd, r->dtype)};
    if (dweight.storage == NULL && dbias.storage == NULL) {
        if (j.out != NULL) apus__parallel_for(r->rows, grain_of(&j, r->length), layer_norm_backward_plain, &j);
        return APUS_STATUS_ok;
    }
    int64_t n = r->length;
    j.chunk = larger(pieces(r->rows, MAX_CHUNKS), pieces(CHUNK_ELEMENTS, n));
    j.chunks = pieces(r->rows, j.chunk);
    j.sums = malloc((size_t)(2 * n * j.chunks) * (sizeof(double) + j.size));
    if (j.sums == NULL) return no_memory();
    j.scratch = (char *)(j.sums + 2 * n * j.chunks);
    apus__parallel_for(j.chunks, 1, layer_norm_backward_chunks, &j);
    add_chunks(&j, 2 * n);
    char *to_bias = apus__buffer_host(dbias, r->dtype), *to_weight = apus__buffer_host(dweight, r->dtype);
    for (int64_t i = 0; i < n; i++) {
        set(&j, to_bias, i, j.sums[i]);
        set(&j, to_weight, i, j.sums[n + i]);
    }
    free(j.sums);
    return APUS_STATUS_ok;
}

// ---- Batch normalisation: images of one element are rows of channels, others are planes of one channel each.

static void affine_planes(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t size = j->images->size;
    for (int64_t plane = begin; plane < end; plane++) {
        int64_t c = plane % j->images->channels;
        j->kernels->affine_row(size, at(j, j->out, plane * size), at(j, j->x, plane * size), at(j, j->mean, c),
                               at(j, j->rstd, c), at(j, j->weight, c), at(j, j->bias, c));
    }
}

static void affine_rows(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t n = j->images->channels;
    for (int64_t row = begin; row < end; row++)
        j->kernels->affine_columns(n, at(j, j->out, row * n), at(j, j->x, row * n), j->mean, j->rstd, j->weight,
                                   j->bias);
}

static apus_status batch_norm(const apus__norm_images *im, apus__buffer out, apus__buffer x, apus__buffer mean,
                              apus__buffer rstd, apus__buffer weight, apus__buffer bias) {
    job j = {.images = im,
             .kernels = apus__norm_kernels_of(im->dtype),
             .size = apus_dtype_size(im->dtype),
             .out = apus__buffer_host(out, im->dtype),
             .x = apus__buffer_host(x, im->dtype),
             .mean = apus__buffer_host(mean, im->dtype),
             .rstd = apus__buffer_host(rstd, im->dtype),
             .weight = apus__buffer_host(weight, im->dtype),
             .bias = apus__buffer_host(bias, im->dtype)};
    if (im->size == 1)
        apus__parallel_for(im->batch, grain_of(&j, im->channels), affine_rows, &j);
    else
        apus__parallel_for(im->batch * im->channels, grain_of(&j, im->size), affine_planes, &j);
    return APUS_STATUS_ok;
}

/// Items are chunks times channels; their sums lie as [chunk][two][channel].
static void dots_planes(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t channels = j->images->channels, size = j->images->size;
    for (int64_t item = begin; item < end; item++) {
        int64_t chunk = item / channels, c = item % channels;
        double sums[2] = {0, 0};
        int64_t last = smaller((chunk + 1) * j->chunk, j->images->batch);
        for (int64_t image = chunk * j->chunk; image < last; image++) {
            int64_t offset = (image * channels + c) * size;
            j->kernels->dots_row(size, sums, at(j, j->grad, offset), at(j, j->x, offset), at(j, j->mean, c));
        }
        j->sums[chunk * 2 * channels + c] = sums[0];
        j->sums[(chunk * 2 + 1) * channels + c] = sums[1];
    }
}

static void dots_rows(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t n = j->images->channels;
    for (int64_t chunk = begin; chunk < end; chunk++) {
        double *sums = j->sums + chunk * 2 * n;
        memset(sums, 0, (size_t)(2 * n) * sizeof *sums);
        int64_t last = smaller((chunk + 1) * j->chunk, j->images->batch);
        for (int64_t row = chunk * j->chunk; row < last; row++)
            j->kernels->dots_columns(n, sums, at(j, j->grad, row * n), at(j, j->x, row * n), j->mean);
    }
}

static void spread_planes(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t size = j->images->size;
    for (int64_t plane = begin; plane < end; plane++) {
        int64_t c = plane % j->images->channels;
        j->kernels->spread_row(size, at(j, j->out, plane * size), at(j, j->grad, plane * size),
                               at(j, j->x, plane * size), at(j, j->mean, c), j->first + c, j->second + c, j->scale + c);
    }
}

static void spread_rows(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    int64_t n = j->images->channels;
    for (int64_t row = begin; row < end; row++)
        j->kernels->spread_columns(n, at(j, j->out, row * n), at(j, j->grad, row * n), at(j, j->x, row * n), j->mean,
                                   j->first, j->second, j->scale);
}

/// Chunks of images for the sums; planes of many channels need none.
static void choose_chunks(job *j) {
    const apus__norm_images *im = j->images;
    int64_t image = im->channels * im->size;
    j->chunk = larger(pieces(im->batch, MAX_CHUNKS), pieces(CHUNK_ELEMENTS, image));
    if (im->size > 1 && im->channels >= MANY_CHANNELS) j->chunk = im->batch;
    j->chunks = pieces(im->batch, j->chunk);
}

static void find_dots(job *j) {
    const apus__norm_images *im = j->images;
    if (im->size == 1)
        apus__parallel_for(j->chunks, 1, dots_rows, j);
    else
        apus__parallel_for(j->chunks * im->channels, grain_of(j, smaller(j->chunk, im->batch) * im->size), dots_planes,
                           j);
    add_chunks(j, 2 * im->channels);
}

/// Turns the sums of each channel into the factors of the input's gradient, in the place of a second chunk.
static void find_factors(job *j, bool training, char *dweight, char *dbias) {
    int64_t channels = j->images->channels;
    double n = (double)(j->images->batch * j->images->size);
    double *first = j->sums, *second = j->sums + channels, *scale = second + channels;
    for (int64_t c = 0; c < channels; c++) {
        double rstd = get(j, j->rstd, c), plain = first[c], dot = second[c];
        set(j, dbias, c, plain);
        set(j, dweight, c, dot * rstd);
        first[c] = training ? plain / n : 0;
        second[c] = training ? dot * rstd * rstd / n : 0;
        scale[c] = j->weight == NULL ? rstd : rstd * get(j, j->weight, c);
    }
    j->first = first;
    j->second = second;
    j->scale = scale;
}

static apus_status batch_norm_backward(const apus__norm_images *im, bool training, apus__buffer dx,
                                       apus__buffer dweight, apus__buffer dbias, apus__buffer grad, apus__buffer x,
                                       apus__buffer weight, apus__buffer mean, apus__buffer rstd) {
    job j = {.images = im,
             .kernels = apus__norm_kernels_of(im->dtype),
             .size = apus_dtype_size(im->dtype),
             .out = apus__buffer_host(dx, im->dtype),
             .grad = apus__buffer_host(grad, im->dtype),
             .x = apus__buffer_host(x, im->dtype),
             .weight = apus__buffer_host(weight, im->dtype),
             .mean = apus__buffer_host(mean, im->dtype),
             .rstd = apus__buffer_host(rstd, im->dtype)};
    choose_chunks(&j);
    j.sums = malloc((size_t)(larger(j.chunks, 2) * 2 * im->channels) * sizeof(double));
    if (j.sums == NULL) return no_memory();
    find_dots(&j);
    find_factors(&j, training, apus__buffer_host(dweight, im->dtype), apus__buffer_host(dbias, im->dtype));
    if (j.out != NULL && im->size == 1)
        apus__parallel_for(im->batch, grain_of(&j, im->channels), spread_rows, &j);
    else if (j.out != NULL)
        apus__parallel_for(im->batch * im->channels, grain_of(&j, im->size), spread_planes, &j);
    free(j.sums);
    return APUS_STATUS_ok;
}

const apus__norm_table apus__cpu_norm = {
    .softmax = apus__cpu_softmax,
    .softmax_backward = apus__cpu_softmax_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .batch_norm = batch_norm,
    .batch_norm_backward = batch_norm_backward,
};
