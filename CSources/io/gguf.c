// Reading GGUF (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), versions 2 and 3.
#include <string.h>

#include "io/archive.h"

enum {
    DEFAULT_ALIGNMENT = 32,
    MOST_DIMS = 4,       ///< what the format allows
    MOST_ITEMS = 1 << 24 ///< texts in the metadata, each of which becomes a value of its own
};

/// The types of metadata values, by number.
enum {
    GGUF_UINT8,
    GGUF_INT8,
    GGUF_UINT16,
    GGUF_INT16,
    GGUF_UINT32,
    GGUF_INT32,
    GGUF_FLOAT32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_UINT64,
    GGUF_INT64,
    GGUF_FLOAT64,
    GGUF_TYPES
};

/// Their dtypes; -1 for texts and arrays.
static const int number_dtypes[GGUF_TYPES] = {
    [GGUF_UINT8] = APUS_DTYPE_uint8,
    [GGUF_INT8] = APUS_DTYPE_int8,
    [GGUF_UINT16] = APUS_DTYPE_uint16,
    [GGUF_INT16] = APUS_DTYPE_int16,
    [GGUF_UINT32] = APUS_DTYPE_uint32,
    [GGUF_INT32] = APUS_DTYPE_int32,
    [GGUF_FLOAT32] = APUS_DTYPE_float32,
    [GGUF_BOOL] = APUS_DTYPE_bool,
    [GGUF_STRING] = -1,
    [GGUF_ARRAY] = -1,
    [GGUF_UINT64] = APUS_DTYPE_uint64,
    [GGUF_INT64] = APUS_DTYPE_int64,
    [GGUF_FLOAT64] = APUS_DTYPE_float64,
};

/// The types of tensors, by number; those without a dtype are quantised.
static const struct {
    const char *name;
    int dtype;
} tensor_types[] = {
    [0] = {"F32", APUS_DTYPE_float32},
    [1] = {"F16", APUS_DTYPE_float16},
    [2] = {"Q4_0", -1},
    [3] = {"Q4_1", -1},
    [6] = {"Q5_0", -1},
    [7] = {"Q5_1", -1},
    [8] = {"Q8_0", -1},
    [9] = {"Q8_1", -1},
    [10] = {"Q2_K", -1},
    [11] = {"Q3_K", -1},
    [12] = {"Q4_K", -1},
    [13] = {"Q5_K", -1},
    [14] = {"Q6_K", -1},
    [15] = {"Q8_K", -1},
    [16] = {"IQ2_XXS", -1},
    [17] = {"IQ2_XS", -1},
    [18] = {"IQ3_XXS", -1},
    [19] = {"IQ1_S", -1},
    [20] = {"IQ4_NL", -1},
    [21] = {"IQ3_S", -1},
    [22] = {"IQ2_S", -1},
    [23] = {"IQ4_XS", -1},
    [24] = {"I8", APUS_DTYPE_int8},
    [25] = {"I16", APUS_DTYPE_int16},
    [26] = {"I32", APUS_DTYPE_int32},
    [27] = {"I64", APUS_DTYPE_int64},
    [28] = {"F64", APUS_DTYPE_float64},
    [29] = {"IQ1_M", -1},
    [30] = {"BF16", APUS_DTYPE_bfloat16},
    [34] = {"TQ1_0", -1},
    [35] = {"TQ2_0", -1},
    [39] = {"MXFP4", -1},
};

typedef struct reader {
    apus_archive *archive;
    const apus_file *file;
    size_t position;
    size_t items; ///< values made so far
} reader;

static apus_status take(reader *r, size_t bytes, const unsigned char **data) {
    if (bytes > r->file->bytes - r->position)
        return APUS__FILE_FAIL(r->file, r->position, "is cut short: expected %zu bytes, found %zu", bytes,
                               r->file->bytes - r->position);
    *data = r->file->data + r->position;
    r->position += bytes;
    return APUS_STATUS_ok;
}

static apus_status read_number(reader *r, size_t width, uint64_t *number) {
    const unsigned char *data;
    APUS_TRY(take(r, width, &data));
    *number = apus__load(data, width);
    return APUS_STATUS_ok;
}

static apus_status read_text(reader *r, const char *what, const char **text, size_t *length) {
    uint64_t count;
    size_t place = r->position;
    APUS_TRY(read_number(r, 8, &count));
    if (count > r->file->bytes - r->position)
        return APUS__FILE_FAIL(r->file, place, "%s of %llu bytes leaves the file", what, (unsigned long long)count);
    APUS_TRY(take(r, (size_t)count, (const unsigned char **)text));
    if (!apus__is_utf8(*text, (size_t)count)) return APUS__FILE_FAIL(r->file, place, "%s is not UTF-8", what);
    *length = (size_t)count;
    return APUS_STATUS_ok;
}

static apus_status read_string_value(reader *r, apus_value **out) {
    const char *text;
    size_t length;
    if (++r->items > MOST_ITEMS) return APUS__FILE_FAIL(r->file, r->position, "holds more than %d values", MOST_ITEMS);
    APUS_TRY(read_text(r, "a text", &text, &length));
    return apus_value_string(out, text, length);
}

/// A number alone.
static apus_status read_number_value(reader *r, int type, apus_value **out) {
    apus_dtype dtype = (apus_dtype)number_dtypes[type];
    uint64_t bits;
    size_t place = r->position, width = apus_dtype_size(dtype);
    APUS_TRY(read_number(r, width, &bits));
    if (dtype == APUS_DTYPE_bool && bits > 1)
        return APUS__FILE_FAIL(r->file, place, "a bool is %llu", (unsigned long long)bits);
    // Sign extension: shifted to the top and back.
    int shift = 64 - 8 * (int)width;
    apus_scalar scalar = {.kind = dtype == APUS_DTYPE_bool ? APUS_SCALAR_bool : APUS_SCALAR_int};
    scalar.integer = apus_dtype_is_signed(dtype) ? (int64_t)(bits << shift) >> shift : (int64_t)bits;
    scalar.is_unsigned = dtype == APUS_DTYPE_uint64 && scalar.integer < 0;
    if (apus_dtype_is_floating_point(dtype)) {
        float single;
        uint32_t low = (uint32_t)bits;
        scalar.kind = APUS_SCALAR_float;
        memcpy(&single, &low, sizeof single);
        memcpy(&scalar.real, &bits, sizeof scalar.real);
        if (width == 4) scalar.real = (double)single;
    }
    return apus_value_scalar(out, &scalar);
}

static apus_status read_texts(reader *r, uint64_t count, apus_value *list) {
    for (uint64_t i = 0; i < count; i++) {
        apus_value *text = NULL;
        APUS_TRY(read_string_value(r, &text));
        APUS_TRY(apus__value_give(list, text));
    }
    return APUS_STATUS_ok;
}

/// An array of numbers becomes a tensor, one of texts a list.
static apus_status read_array_value(reader *r, apus_value **out) {
    uint64_t type, count;
    size_t place = r->position;
    APUS_TRY(read_number(r, 4, &type));
    APUS_TRY(read_number(r, 8, &count));
    if (type == GGUF_STRING) {
        APUS_TRY(apus_value_container(out, APUS_VALUE_list));
        return read_texts(r, count, *out);
    }
    if (type >= GGUF_TYPES || number_dtypes[type] < 0)
        return APUS__FILE_FAIL(r->file, place, "an array of type %llu is not supported", (unsigned long long)type);
    apus_dtype dtype = (apus_dtype)number_dtypes[type];
    if (count > (r->file->bytes - r->position) / apus_dtype_size(dtype))
        return APUS__FILE_FAIL(r->file, place, "an array of %llu numbers leaves the file", (unsigned long long)count);
    apus_tensor *t = NULL;
    int64_t shape[] = {(int64_t)count};
    APUS_TRY(apus_file_tensor(&t, r->archive->file, dtype, 1, shape, r->position));
    r->position += (size_t)count * apus_dtype_size(dtype);
    apus_status status = apus_value_tensor(out, t);
    apus_tensor_release(t);
    return status;
}

static apus_status read_pair(reader *r) {
    const char *key;
    size_t length, place = r->position;
    uint64_t type;
    apus_value *value = NULL;
    APUS_TRY(read_text(r, "a key", &key, &length));
    if (!apus__is_name(key, length)) return APUS__FILE_FAIL(r->file, place, "a key holds the character NUL");
    APUS_TRY(read_number(r, 4, &type));
    if (type >= GGUF_TYPES)
        return APUS__FILE_FAIL(r->file, r->position - 4, "a value of type %llu is unknown", (unsigned long long)type);
    apus_status status = type == GGUF_STRING  ? read_string_value(r, &value)
                         : type == GGUF_ARRAY ? read_array_value(r, &value)
                                              : read_number_value(r, (int)type, &value);
    if (status != APUS_STATUS_ok) {
        apus_value_release(value);
        return status;
    }
    size_t before = apus_value_count(r->archive->metadata);
    APUS_TRY(apus__value_set(r->archive->metadata, key, length, value));
    if (apus_value_count(r->archive->metadata) > before) return APUS_STATUS_ok;
    return APUS__FILE_FAIL(r->file, place, "the key \"%.*s\" appears twice", length > 200 ? 200 : (int)length, key);
}

static apus_status read_tensor(reader *r) {
    const char *name;
    size_t length, place = r->position;
    uint64_t rank, type, offset, dims[MOST_DIMS];
    apus__entry *entry;
    bool repeated;
    APUS_TRY(read_text(r, "a tensor's name", &name, &length));
    if (!apus__is_name(name, length)) return APUS__FILE_FAIL(r->file, place, "a name holds the character NUL");
    APUS_TRY(apus__archive_add(&entry, r->archive, name, length, &repeated));
    if (repeated) return APUS__FILE_FAIL(r->file, place, "the name \"%s\" appears twice", entry->name);
    APUS_TRY(read_number(r, 4, &rank));
    if (rank > MOST_DIMS)
        return APUS__FILE_FAIL(r->file, r->position - 4, "the tensor \"%s\" has %llu dims, at most %d are possible",
                               entry->name, (unsigned long long)rank, MOST_DIMS);
    for (uint64_t i = 0; i < rank; i++) APUS_TRY(read_number(r, 8, &dims[i]));
    APUS_TRY(read_number(r, 4, &type));
    APUS_TRY(read_number(r, 8, &offset));
    if (type >= sizeof tensor_types / sizeof *tensor_types || tensor_types[type].name == NULL)
        return APUS__FILE_FAIL(r->file, r->position - 12, "the tensor \"%s\" is of an unknown type %llu", entry->name,
                               (unsigned long long)type);
    // Dims are written innermost first.
    int64_t shape[MOST_DIMS];
    for (uint64_t i = 0; i < rank; i++) {
        if (dims[i] > INT64_MAX) return APUS__FILE_FAIL(r->file, place, "the tensor \"%s\" is too large", entry->name);
        shape[rank - 1 - i] = (int64_t)dims[i];
    }
    bool is_known = tensor_types[type].dtype >= 0;
    apus__layout layout = {.rank = (int32_t)rank,
                           .shape = shape,
                           .dtype = is_known ? (apus_dtype)tensor_types[type].dtype : APUS_DTYPE_uint8};
    entry->unsupported = is_known ? NULL : tensor_types[type].name;
    if (offset > r->file->bytes)
        return APUS__FILE_FAIL(r->file, r->position - 8, "the tensor \"%s\" lies outside the file", entry->name);
    entry->offset = (size_t)offset;
    return apus__entry_set_layout(entry, &layout);
}

/// Moves the tensors' offsets to the file's start and checks that they lie inside.
static apus_status place_tensors(reader *r, uint64_t alignment) {
    size_t start = (r->position + (size_t)alignment - 1) / (size_t)alignment * (size_t)alignment;
    size_t space = start <= r->file->bytes ? r->file->bytes - start : 0;
    for (size_t i = 0; i < r->archive->count; i++) {
        apus__entry *entry = &r->archive->entries[i];
        size_t bytes = 0;
        if (entry->unsupported == NULL)
            APUS_TRY(apus__layout_bytes(&bytes, r->file->path, (int64_t)r->position, &entry->layout));
        if (entry->offset % alignment != 0 || (bytes > 0 && (entry->offset > space || bytes > space - entry->offset)))
            return APUS__FILE_FAIL(r->file, r->file->bytes,
                                   "the tensor \"%s\" lies outside the file, or not at a multiple of %llu", entry->name,
                                   (unsigned long long)alignment);
        entry->offset += start;
    }
    return APUS_STATUS_ok;
}

apus_status apus__gguf_read(apus_archive *archive) {
    reader r = {.archive = archive, .file = archive->file};
    uint64_t magic, version, tensors, pairs;
    archive->tensor = apus__archive_mapped_tensor;
    APUS_TRY(read_number(&r, 4, &magic));
    if (magic != 0x46554747) return APUS__FILE_FAIL(r.file, 0, "is no GGUF file");
    APUS_TRY(read_number(&r, 4, &version));
    if (version != 2 && version != 3)
        return APUS__FILE_FAIL(r.file, 4, "is GGUF version %llu, or big-endian; little-endian 2 and 3 are supported",
                               (unsigned long long)version);
    APUS_TRY(read_number(&r, 8, &tensors));
    APUS_TRY(read_number(&r, 8, &pairs));
    for (uint64_t i = 0; i < pairs; i++) APUS_TRY(read_pair(&r));
    for (uint64_t i = 0; i < tensors; i++) APUS_TRY(read_tensor(&r));
    apus_scalar alignment = {.integer = DEFAULT_ALIGNMENT};
    const apus_value *given = apus_value_find(archive->metadata, "general.alignment");
    if (given != NULL &&
        (apus_value_get_scalar(given, &alignment) != APUS_STATUS_ok || alignment.kind != APUS_SCALAR_int ||
         alignment.integer <= 0 || alignment.integer > 1 << 20 || (alignment.integer & (alignment.integer - 1)) != 0))
        return APUS__FILE_FAIL(r.file, r.position, "general.alignment is no power of two up to 2^20");
    return place_tensors(&r, (uint64_t)alignment.integer);
}
