// The text of a tensor, as PyTorch prints it with its default options.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tensor.h"

enum {
    LINE_WIDTH = 80,
    THRESHOLD = 1000, // elements; larger tensors show their edges only
    EDGE_ITEMS = 3,
    NUMBER_SIZE = 512, // the longest is 1.8e308 without an exponent, 310 digits
};

// ---- Writing

/// The text so far: what fits goes to the buffer, all of it is counted.
typedef struct writer {
    char *buffer;
    size_t capacity, length;
    size_t line;    ///< where the last line starts
    size_t surplus; ///< what PyTorch adds to that line's length
} writer;

static void put_char(writer *w, char c) {
    if (w->length + 1 < w->capacity) w->buffer[w->length] = c;
    w->length++;
    if (c == '\n') w->line = w->length;
}

static void put(writer *w, const char *text) {
    while (*text != '\0') put_char(w, *text++);
}

static void put_repeated(writer *w, char c, int64_t count) {
    for (int64_t i = 0; i < count; i++) put_char(w, c);
}

// ---- Numbers

/// How a tensor's numbers are written: by its kind, and for floats by what they are.
typedef struct style {
    bool is_float, is_unsigned, is_bool;
    bool whole, scientific; ///< floats without a fraction; floats far apart, large or small
    int width;
} style;

typedef union number {
    int64_t integer;
    double real;
} number;

/// A program may have set a locale with another decimal point.
static void restore_point(char *text) {
    char *to = text;
    bool in_point = false;
    for (; *text != '\0'; text++) {
        bool usual = strchr("0123456789+-.einfa", *text) != NULL;
        if (usual)
            *to++ = *text;
        else if (!in_point)
            *to++ = '.';
        in_point = !usual;
    }
    *to = '\0';
}

static int write_float(char *text, const style *s, double x) {
    if (isnan(x)) return snprintf(text, NUMBER_SIZE, "nan");
    const char *format = s->scientific ? "%.4e" : s->whole ? "%.0f" : "%.4f";
    snprintf(text, NUMBER_SIZE, format, x);
    restore_point(text);
    if (s->whole && !s->scientific && isfinite(x)) strcat(text, ".");
    return (int)strlen(text);
}

static int write_number(char *text, const style *s, number x) {
    if (s->is_float) return write_float(text, s, x.real);
    if (s->is_bool) return snprintf(text, NUMBER_SIZE, x.integer != 0 ? "True" : "False");
    return snprintf(text, NUMBER_SIZE, s->is_unsigned ? "%llu" : "%lld", (long long)x.integer);
}

/// Chooses how all of the given numbers, `step` apart, are written.
static void choose_style(style *s, const number *numbers, int64_t count, int step) {
    s->width = 1;
    s->whole = true;
    s->scientific = false;
    double least = INFINITY, most = 0;
    for (int64_t i = 0; s->is_float && i < count; i++) {
        double x = fabs(numbers[i * step].real);
        if (!isfinite(x) || x == 0) continue;
        least = fmin(least, x);
        most = fmax(most, x);
        s->whole = s->whole && x == floor(x);
    }
    if (most > 0) s->scientific = most / least > 1000 || most > 1e8 || least < 1e-4;
    for (int64_t i = 0; i < count; i++) {
        number x = numbers[i * step];
        if (s->is_float && (!isfinite(x.real) || x.real == 0)) continue;
        char text[NUMBER_SIZE];
        int length = write_number(text, s, x);
        if (length > s->width) s->width = length;
    }
}

static void put_number(writer *w, const style *s, number x) {
    char text[NUMBER_SIZE];
    int length = write_number(text, s, x);
    put_repeated(w, ' ', s->width - length);
    put(w, text);
}

// ---- Elements

/// The numbers that are shown, in row-major order of `shown`: all, or the edges of the dims that are cut.
typedef struct content {
    number *numbers; ///< two for a complex element
    int32_t rank;
    bool cut[APUS_MAX_RANK];
    int64_t shown[APUS_MAX_RANK]; ///< elements along a dim
    int64_t steps[APUS_MAX_RANK]; ///< elements from one place of a dim to the next
    bool is_complex;
    style real, imaginary;
} content;

static void put_element(writer *w, const content *c, int64_t place) {
    if (!c->is_complex) {
        put_number(w, &c->real, c->numbers[place]);
        return;
    }
    put_number(w, &c->real, c->numbers[2 * place]);
    char text[NUMBER_SIZE];
    write_number(text, &c->imaginary, c->numbers[2 * place + 1]);
    if (text[0] != '-') put_char(w, '+');
    put(w, text);
    put_char(w, 'j');
}

/// A row of elements, broken into lines; the text behind its bracket starts at column `indent` + 1.
static void put_row(writer *w, const content *c, int64_t place, int indent) {
    int element = c->real.width + 2 + (c->is_complex ? c->imaginary.width + 1 : 0);
    int64_t per_line = (LINE_WIDTH - indent) / element, count = c->shown[c->rank - 1], column = 0;
    bool cut = c->cut[c->rank - 1];
    if (per_line < 1) per_line = 1;
    put_char(w, '[');
    for (int64_t i = 0; i < count + cut; i++) {
        if (i > 0) put(w, ",");
        if (i > 0 && column == per_line) {
            put_char(w, '\n');
            put_repeated(w, ' ', indent + 1);
            column = 0;
        } else if (i > 0) {
            put_char(w, ' ');
        }
        column++;
        if (cut && i == EDGE_ITEMS)
            put(w, " ...");
        else
            put_element(w, c, place + i - (cut && i > EDGE_ITEMS));
    }
    put_char(w, ']');
}

static void put_elements(writer *w, const content *c, int32_t dim, int64_t place, int indent) {
    if (dim == c->rank) {
        put_element(w, c, place);
        return;
    }
    if (dim == c->rank - 1) {
        put_row(w, c, place, indent);
        return;
    }
    put_char(w, '[');
    for (int64_t i = 0; i < c->shown[dim]; i++) {
        for (int part = c->cut[dim] && i == EDGE_ITEMS ? 0 : 1; part < 2; part++) {
            if (i > 0) {
                put_char(w, ',');
                put_repeated(w, '\n', c->rank - dim - 1);
                put_repeated(w, ' ', indent + 1);
            }
            if (part == 0)
                put(w, "...");
            else
                put_elements(w, c, dim + 1, place + i * c->steps[dim], indent + 1);
        }
    }
    put_char(w, ']');
}

/// A view of the elements that are shown. A cut dim is seen as two blocks of edge items.
static apus_status view_shown(apus_tensor **out, content *c, const apus_tensor *t) {
    int64_t shape[APUS_MAX_RANK], strides[APUS_MAX_RANK];
    int32_t rank = 0;
    bool cuts = t->numel > THRESHOLD;
    c->rank = t->rank;
    for (int32_t d = 0; d < t->rank; d++) {
        c->cut[d] = cuts && t->shape[d] > 2 * EDGE_ITEMS;
        c->shown[d] = c->cut[d] ? 2 * EDGE_ITEMS : t->shape[d];
        if (c->cut[d]) {
            shape[rank] = 2;
            strides[rank++] = (t->shape[d] - EDGE_ITEMS) * t->strides[d];
        }
        // Sizes of 1 are left out, so that the rank, with two dims for each of those cut, stays in bounds.
        if (t->shape[d] == 1) continue;
        shape[rank] = c->cut[d] ? EDGE_ITEMS : t->shape[d];
        strides[rank++] = t->strides[d];
    }
    int64_t step = 1;
    for (int32_t d = t->rank - 1; d >= 0; d--) {
        c->steps[d] = step;
        step *= c->shown[d];
    }
    return apus__tensor_over(out, t->storage, t->dtype, rank, shape, strides, t->offset);
}

/// The dtype that numbers are read as.
static apus_dtype read_dtype(apus_dtype dtype) {
    if (apus_dtype_is_complex(dtype)) return APUS_DTYPE_complex128;
    if (apus_dtype_is_floating_point(dtype)) return APUS_DTYPE_float64;
    return dtype == APUS_DTYPE_uint64 ? dtype : APUS_DTYPE_int64;
}

static apus_status read_content(content *c, const apus_tensor *t) {
    apus_tensor *shown = NULL;
    APUS_TRY(view_shown(&shown, c, t));
    int64_t numel = shown->numel;
    size_t bytes = (size_t)numel * apus_dtype_size(read_dtype(t->dtype));
    c->numbers = malloc(bytes == 0 ? 1 : bytes);
    apus_status status = c->numbers == NULL
                             ? apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot format a tensor")
                             : apus_tensor_read(shown, read_dtype(t->dtype), c->numbers, bytes);
    apus_tensor_release(shown);
    APUS_TRY(status);
    c->is_complex = apus_dtype_is_complex(t->dtype);
    c->real = (style){
        .is_float = c->is_complex || apus_dtype_is_floating_point(t->dtype),
        .is_unsigned = t->dtype == APUS_DTYPE_uint64,
        .is_bool = t->dtype == APUS_DTYPE_bool,
    };
    c->imaginary = c->real;
    choose_style(&c->real, c->numbers, numel, c->is_complex ? 2 : 1);
    if (c->is_complex) choose_style(&c->imaginary, c->numbers + 1, numel, 2);
    return APUS_STATUS_ok;
}

// ---- What follows the elements

/// Adds ", suffix", on a new line where the last one has no room.
static void put_suffix(writer *w, const char *suffix, int indent) {
    size_t used = w->length - w->line + w->surplus;
    if (used + strlen(suffix) + 2 > LINE_WIDTH) {
        put(w, ",\n");
        put_repeated(w, ' ', indent);
        w->surplus = 0;
    } else {
        put(w, ", ");
    }
    put(w, suffix);
}

/// "size=(0, 3)"
static void put_size(writer *w, const apus_tensor *t, int indent) {
    char text[32 * APUS_MAX_RANK] = "size=(", *end = text + strlen(text);
    for (int32_t d = 0; d < t->rank; d++) end += sprintf(end, "%s%lld", d == 0 ? "" : ", ", (long long)t->shape[d]);
    strcpy(end, ")");
    put_suffix(w, text, indent);
}

static void put_suffixes(writer *w, const apus_tensor *t, const char *suffix, int indent) {
    char text[64];
    apus_device device = t->storage->device;
    bool is_usual = t->dtype == APUS_DTYPE_float32 ||
                    (t->numel > 0 &&
                     (t->dtype == APUS_DTYPE_complex64 || t->dtype == APUS_DTYPE_int64 || t->dtype == APUS_DTYPE_bool));
    if (device != APUS_DEVICE_CPU) {
        snprintf(text, sizeof text, "device='opencl:%d'", device % APUS_DEVICE_OPENCL);
        put_suffix(w, text, indent);
    }
    if (t->numel == 0 && t->rank != 1) put_size(w, t, indent);
    if (!is_usual) {
        snprintf(text, sizeof text, "dtype=%s", apus_dtype_name(t->dtype));
        put_suffix(w, text, indent);
    }
    if (suffix != NULL && suffix[0] != '\0') put_suffix(w, suffix, indent);
}

apus_status apus_tensor_format(const apus_tensor *t, const char *suffix, char *buffer, size_t capacity,
                               size_t *length) {
    APUS_REQUIRE("format", t);
    if (capacity > 0) APUS_REQUIRE("format", buffer);
    content c = {.numbers = NULL};
    apus_status status = read_content(&c, t);
    if (status == APUS_STATUS_ok) {
        writer w = {.buffer = buffer, .capacity = capacity, .surplus = 2};
        static const char prefix[] = "tensor(";
        const int indent = sizeof prefix - 1;
        put(&w, prefix);
        if (t->numel == 0)
            put(&w, "[]");
        else
            put_elements(&w, &c, 0, 0, indent);
        put_suffixes(&w, t, suffix, indent);
        put_char(&w, ')');
        if (capacity > 0) buffer[w.length < capacity ? w.length : capacity - 1] = '\0';
        if (length != NULL) *length = w.length;
    }
    free(c.numbers);
    return status;
}
