// Reading and writing .npy (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
#include "io/npy.h"

#include <stdio.h>
#include <string.h>

#include "io/archive.h"

// ---- The header's dict. It is a Python literal; this is the part of the grammar that NumPy writes.

typedef struct parser {
    const char *path;
    int64_t base;
    const unsigned char *text;
    size_t position, end;
    apus__npy_header *header;
    bool has_descr, has_order, has_shape;
} parser;

static apus_status fail_here(const parser *p, const char *expected) {
    return apus__fail_at(APUS_STATUS_format, p->path, p->base + (int64_t)p->position,
                         "the .npy header is malformed: expected %s", expected);
}

static void skip_space(parser *p) {
    while (p->position < p->end && strchr(" \t\n", p->text[p->position]) != NULL && p->text[p->position] != '\0')
        p->position++;
}

static bool take(parser *p, char c) {
    skip_space(p);
    if (p->position == p->end || p->text[p->position] != c) return false;
    p->position++;
    return true;
}

static bool take_word(parser *p, const char *word) {
    skip_space(p);
    size_t length = strlen(word);
    if (p->end - p->position < length || memcmp(p->text + p->position, word, length) != 0) return false;
    p->position += length;
    return true;
}

/// A quoted text without escapes.
static apus_status read_string(parser *p, const char *expected, const char **text, size_t *length) {
    skip_space(p);
    char quote = p->position < p->end ? (char)p->text[p->position] : '\0';
    if (quote != '\'' && quote != '"') return fail_here(p, expected);
    size_t start = ++p->position;
    while (p->position < p->end && p->text[p->position] != quote && p->text[p->position] != '\\') p->position++;
    if (p->position == p->end || p->text[p->position] == '\\') return fail_here(p, "the end of the text");
    *text = (const char *)p->text + start;
    *length = p->position++ - start;
    return APUS_STATUS_ok;
}

static apus_status fail_descr(const parser *p, size_t place, const char *descr, size_t length, const char *why) {
    return apus__fail_at(APUS_STATUS_format, p->path, p->base + (int64_t)place, "the dtype \"%.*s\" is %s",
                         length > 64 ? 64 : (int)length, descr, why);
}

/// "<f4": byte order, kind, bytes.
static apus_status read_descr(parser *p) {
    static const struct {
        char text[4];
        apus_dtype dtype;
    } kinds[] = {
        {"b1", APUS_DTYPE_bool},    {"u1", APUS_DTYPE_uint8},     {"u2", APUS_DTYPE_uint16},
        {"u4", APUS_DTYPE_uint32},  {"u8", APUS_DTYPE_uint64},    {"i1", APUS_DTYPE_int8},
        {"i2", APUS_DTYPE_int16},   {"i4", APUS_DTYPE_int32},     {"i8", APUS_DTYPE_int64},
        {"f2", APUS_DTYPE_float16}, {"V2", APUS_DTYPE_bfloat16},  {"f4", APUS_DTYPE_float32},
        {"f8", APUS_DTYPE_float64}, {"c8", APUS_DTYPE_complex64}, {"c16", APUS_DTYPE_complex128},
    };
    skip_space(p);
    size_t place = p->position, length;
    const char *descr;
    if (p->position < p->end && p->text[p->position] == '[')
        return fail_descr(p, place, "[…]", strlen("[…]"), "structured, which is not supported");
    APUS_TRY(read_string(p, "a dtype", &descr, &length));
    char order = length > 0 ? descr[0] : '\0';
    if (length >= 2 && memcmp(descr, "|O", 2) == 0)
        return fail_descr(p, place, descr, length, "Python objects, which are never read");
    if (order != '<' && order != '>' && order != '|' && order != '=')
        return fail_descr(p, place, descr, length, "not supported");
    for (int32_t i = 0; i < APUS__COUNT(kinds); i++) {
        if (length - 1 != strlen(kinds[i].text) || memcmp(descr + 1, kinds[i].text, length - 1) != 0) continue;
        p->header->layout.dtype = kinds[i].dtype;
        p->header->layout.swapped = order == '>' && apus_dtype_size(kinds[i].dtype) > 1;
        return APUS_STATUS_ok;
    }
    return fail_descr(p, place, descr, length, "not supported");
}

static apus_status read_order(parser *p) {
    bool is_true = take_word(p, "True");
    if (!is_true && !take_word(p, "False")) return fail_here(p, "True or False");
    p->header->layout.columns_first = is_true;
    return APUS_STATUS_ok;
}

static apus_status read_size(parser *p, int64_t *size) {
    skip_space(p);
    size_t start = p->position;
    *size = 0;
    for (; p->position < p->end && p->text[p->position] >= '0' && p->text[p->position] <= '9'; p->position++)
        if (__builtin_mul_overflow(*size, 10, size) || __builtin_add_overflow(*size, p->text[p->position] - '0', size))
            return fail_here(p, "a size that fits in 64 bits");
    return p->position > start ? APUS_STATUS_ok : fail_here(p, "a size");
}

/// "()", "(3,)" or "(3, 4)".
static apus_status read_shape(parser *p) {
    apus__layout *layout = &p->header->layout;
    if (!take(p, '(')) return fail_here(p, "a tuple");
    bool comma = true;
    for (layout->rank = 0; !take(p, ')'); layout->rank++) {
        if (!comma) return fail_here(p, "',' or ')'");
        if (layout->rank == APUS_MAX_RANK) return fail_here(p, "at most 64 dims");
        APUS_TRY(read_size(p, &p->header->shape[layout->rank]));
        comma = take(p, ',');
    }
    if (layout->rank == 1 && !comma) return fail_here(p, "',' after the only size of a tuple");
    return APUS_STATUS_ok;
}

static apus_status read_pair(parser *p) {
    const char *key;
    size_t length;
    APUS_TRY(read_string(p, "a key", &key, &length));
    bool is_descr = length == 5 && memcmp(key, "descr", 5) == 0;
    bool is_order = length == 13 && memcmp(key, "fortran_order", 13) == 0;
    bool is_shape = length == 5 && memcmp(key, "shape", 5) == 0;
    bool *known = is_descr ? &p->has_descr : is_order ? &p->has_order : is_shape ? &p->has_shape : NULL;
    if (known == NULL || *known) return fail_here(p, "each of descr, fortran_order and shape once");
    *known = true;
    if (!take(p, ':')) return fail_here(p, "':'");
    return is_descr ? read_descr(p) : is_order ? read_order(p) : read_shape(p);
}

static apus_status read_dict(parser *p) {
    if (!take(p, '{')) return fail_here(p, "'{'");
    bool comma = true;
    while (!take(p, '}')) {
        if (!comma) return fail_here(p, "',' or '}'");
        APUS_TRY(read_pair(p));
        comma = take(p, ',');
    }
    if (!p->has_descr || !p->has_order || !p->has_shape) return fail_here(p, "descr, fortran_order and shape");
    skip_space(p);
    return p->position == p->end ? APUS_STATUS_ok : fail_here(p, "the header's end");
}

apus_status apus__npy_parse(apus__npy_header *header, const char *path, int64_t base, const unsigned char *data,
                            size_t bytes) {
    if (bytes < 10 || memcmp(data, "\x93NUMPY", 6) != 0)
        return apus__fail_at(APUS_STATUS_format, path, base, "is no .npy file: expected its magic and version");
    unsigned version = data[6];
    if (version < 1 || version > 3 || data[7] != 0)
        return apus__fail_at(APUS_STATUS_format, path, base + 6,
                             "is .npy version %u.%u; 1.0, 2.0 and 3.0 are supported", version, data[7]);
    size_t start = version == 1 ? 10 : 12;
    size_t length = bytes < start ? SIZE_MAX : apus__load(data + 8, start - 8);
    if (length > APUS__NPY_HEADER_LIMIT || length > bytes - start)
        return apus__fail_at(APUS_STATUS_format, path, base + 8,
                             "the .npy header is cut short, or longer than %d bytes", APUS__NPY_HEADER_LIMIT);
    *header = (apus__npy_header){.data_offset = start + length};
    header->layout.shape = header->shape;
    parser p = {.path = path, .base = base, .text = data, .position = start, .end = start + length, .header = header};
    APUS_TRY(read_dict(&p));
    return apus__layout_bytes(&header->data_bytes, path, base + (int64_t)start, &header->layout);
}

apus_status apus__npy_read(apus_archive *archive) {
    const apus_file *file = archive->file;
    apus__npy_header header;
    apus__entry *entry;
    bool repeated;
    APUS_TRY(apus__npy_parse(&header, file->path, 0, file->data, file->bytes));
    apus__text text;
    size_t found = file->bytes - header.data_offset;
    if (found != header.data_bytes)
        return APUS__FILE_FAIL(file, header.data_offset, "%s%s takes %zu bytes, found %zu",
                               apus_dtype_name(header.layout.dtype),
                               apus__describe_shape(&text, header.layout.rank, header.shape), header.data_bytes, found);
    APUS_TRY(apus__archive_add(&entry, archive, "", 0, &repeated));
    entry->offset = header.data_offset;
    archive->tensor = apus__archive_mapped_tensor;
    return apus__entry_set_layout(entry, &header.layout);
}

// ---- Writing

static const char *descr_of(apus_dtype dtype) {
    static const char *const names[APUS_DTYPE_COUNT] = {
        [APUS_DTYPE_bool] = "|b1",    [APUS_DTYPE_uint8] = "|u1",     [APUS_DTYPE_uint16] = "<u2",
        [APUS_DTYPE_uint32] = "<u4",  [APUS_DTYPE_uint64] = "<u8",    [APUS_DTYPE_int8] = "|i1",
        [APUS_DTYPE_int16] = "<i2",   [APUS_DTYPE_int32] = "<i4",     [APUS_DTYPE_int64] = "<i8",
        [APUS_DTYPE_float16] = "<f2", [APUS_DTYPE_bfloat16] = "<V2",  [APUS_DTYPE_float32] = "<f4",
        [APUS_DTYPE_float64] = "<f8", [APUS_DTYPE_complex64] = "<c8", [APUS_DTYPE_complex128] = "<c16",
    };
    return names[dtype];
}

size_t apus__npy_format(char *header, const apus_tensor *t) {
    // A rank of 64 gives at most 64 numbers of 19 digits, so version 1.0's 16-bit length always suffices.
    enum { START = 10, ALIGNMENT = 64 };
    char *end = header + START;
    end += sprintf(end, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr_of(t->dtype));
    for (int32_t i = 0; i < t->rank; i++) end += sprintf(end, "%s%lld", i == 0 ? "" : ", ", (long long)t->shape[i]);
    end += sprintf(end, "%s), }", t->rank == 1 ? "," : "");
    while ((size_t)(end - header + 1) % ALIGNMENT != 0) *end++ = ' ';
    *end++ = '\n';
    size_t length = (size_t)(end - header);
    memcpy(header, "\x93NUMPY\1", 8);
    header[8] = (char)((length - START) & 0xff);
    header[9] = (char)((length - START) >> 8);
    return length;
}

apus_status apus_npy_save(const char *path, const apus_tensor *tensor) {
    APUS_REQUIRE("npy_save", path);
    APUS_REQUIRE("npy_save", tensor);
    char header[4096];
    apus_tensor *t = NULL;
    apus_writer *writer = NULL;
    APUS_TRY(apus__host_tensor(&t, tensor));
    apus_status status = apus_writer_open(&writer, path);
    if (status == APUS_STATUS_ok) {
        status = apus_writer_write(writer, header, apus__npy_format(header, t));
        if (status == APUS_STATUS_ok)
            status = apus_writer_write(writer, apus__host_data(t), (size_t)t->numel * apus__item_size(t));
        status = apus__writer_end(writer, status);
    }
    apus_tensor_release(t);
    return status;
}
