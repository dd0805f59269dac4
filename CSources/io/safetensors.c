// safetensors: 8 bytes with the header's length, a JSON header, the data (https://github.com/huggingface/safetensors).
#include <stdlib.h>
#include <string.h>

#include "io/archive.h"
#include "io/json.h"
#include "io/safetensors.h"

static const char metadata_key[] = APUS__SAFETENSORS_METADATA;

/// Where one of a tensor's bytes begin and end, and where the header speaks of it.
typedef struct range {
    size_t begin, end, place, entry;
} range;

typedef struct reader {
    apus_archive *archive;
    apus__json json;
    size_t data_start, data_bytes;
    range *ranges;
    size_t count, capacity;
} reader;

/// A tensor as the header describes it.
typedef struct description {
    int dtype; ///< -1 until it is known
    int32_t rank;
    bool has_shape, has_offsets;
    int64_t shape[APUS_MAX_RANK];
    int64_t offsets[2];
    size_t offsets_place;
} description;

static apus_status read_metadata(reader *r) {
    apus__json *json = &r->json;
    size_t place = apus__json_place(json);
    if (!apus__json_take(json, '{'))
        return APUS__JSON_FAIL(json, place, "expected %s to be an object, found %s", metadata_key,
                               apus__json_kind(json));
    if (apus__json_take(json, '}')) return APUS_STATUS_ok;
    do {
        apus_value *key = NULL, *value = NULL;
        size_t name_place = apus__json_place(json);
        APUS_TRY(apus__json_string(json));
        if (apus_value_find(r->archive->metadata, json->string) != NULL)
            return APUS__JSON_FAIL(json, name_place, "the name \"%s\" appears twice", json->string);
        APUS_TRY(apus_value_string(&key, json->string, json->string_length));
        apus_status status = apus__json_expect(json, ':', "':'");
        place = apus__json_place(json);
        if (status == APUS_STATUS_ok && strcmp(apus__json_kind(json), "a string") != 0)
            status = APUS__JSON_FAIL(json, place, "expected the metadata \"%s\" to be a string, found %s",
                                     apus_value_get_text(key, NULL), apus__json_kind(json));
        if (status == APUS_STATUS_ok) status = apus__json_string(json);
        if (status == APUS_STATUS_ok) status = apus_value_string(&value, json->string, json->string_length);
        if (status == APUS_STATUS_ok) status = apus_value_insert(r->archive->metadata, key, value);
        apus_value_release(key);
        apus_value_release(value);
        APUS_TRY(status);
    } while (apus__json_take(json, ','));
    return apus__json_expect(json, '}', "',' or '}'");
}

static apus_status read_dtype(apus__json *json, int *out) {
    size_t place = apus__json_place(json);
    if (strcmp(apus__json_kind(json), "a string") != 0)
        return APUS__JSON_FAIL(json, place, "expected a dtype, found %s", apus__json_kind(json));
    APUS_TRY(apus__json_string(json));
    for (*out = 0; *out < APUS_DTYPE_COUNT; (*out)++)
        if (strcmp(apus_dtype_safetensors_name((apus_dtype)*out), json->string) == 0) return APUS_STATUS_ok;
    return APUS__JSON_FAIL(json, place, "the dtype \"%s\" is not supported", json->string);
}

/// An array of at most `limit` integers from 0 up; `*count` may be more, then the rest was only checked.
static apus_status read_sizes(apus__json *json, const char *what, const char *name, int64_t *sizes, int32_t limit,
                              int64_t *count) {
    size_t place = apus__json_place(json);
    *count = 0;
    if (!apus__json_take(json, '['))
        return APUS__JSON_FAIL(json, place, "expected the %s of \"%s\" to be an array, found %s", what, name,
                               apus__json_kind(json));
    if (apus__json_take(json, ']')) return APUS_STATUS_ok;
    do {
        int64_t size;
        place = apus__json_place(json);
        if (!apus__json_size(json, &size))
            return APUS__JSON_FAIL(json, place, "expected the %s of \"%s\" to hold integers from 0 up", what, name);
        if (*count < limit) sizes[*count] = size;
        ++*count;
    } while (apus__json_take(json, ','));
    return apus__json_expect(json, ']', "',' or ']'");
}

static apus_status read_member(reader *r, const char *name, description *d, size_t start) {
    apus__json *json = &r->json;
    size_t name_place = apus__json_place(json);
    APUS_TRY(apus__json_string(json));
    enum {
        DTYPE,
        SHAPE,
        OFFSETS,
        UNKNOWN
    } member = strcmp(json->string, "dtype") == 0          ? DTYPE
               : strcmp(json->string, "shape") == 0        ? SHAPE
               : strcmp(json->string, "data_offsets") == 0 ? OFFSETS
                                                           : UNKNOWN;
    bool is_known[] = {d->dtype >= 0, d->has_shape, d->has_offsets, false};
    if (is_known[member]) return APUS__JSON_FAIL(json, name_place, "the name \"%s\" appears twice", json->string);
    APUS_TRY(apus__json_expect(json, ':', "':'"));
    size_t place = apus__json_place(json);
    int64_t count;
    switch (member) {
    case DTYPE: return read_dtype(json, &d->dtype);
    case SHAPE:
        d->has_shape = true;
        APUS_TRY(read_sizes(json, "shape", name, d->shape, APUS_MAX_RANK, &count));
        if (count > APUS_MAX_RANK)
            return APUS__JSON_FAIL(json, start, "the tensor \"%s\" has %lld dims, at most %d are possible", name,
                                   (long long)count, APUS_MAX_RANK);
        d->rank = (int32_t)count;
        return APUS_STATUS_ok;
    case OFFSETS:
        d->has_offsets = true;
        d->offsets_place = place;
        APUS_TRY(read_sizes(json, "data_offsets", name, d->offsets, 2, &count));
        if (count == 2) return APUS_STATUS_ok;
        return APUS__JSON_FAIL(json, place, "expected the data_offsets of \"%s\" to be two, found %lld", name,
                               (long long)count);
    case UNKNOWN: break;
    }
    return APUS__JSON_FAIL(json, place, "the tensor \"%s\" has an unknown member \"%s\"", name, json->string);
}

static apus_status read_description(reader *r, const char *name, description *d) {
    apus__json *json = &r->json;
    size_t start = apus__json_place(json);
    *d = (description){.dtype = -1};
    if (!apus__json_take(json, '{'))
        return APUS__JSON_FAIL(json, start, "expected the tensor \"%s\" to be an object, found %s", name,
                               apus__json_kind(json));
    if (!apus__json_take(json, '}')) {
        do {
            APUS_TRY(read_member(r, name, d, start));
        } while (apus__json_take(json, ','));
        APUS_TRY(apus__json_expect(json, '}', "',' or '}'"));
    }
    const char *missing = d->dtype < 0 ? "dtype" : !d->has_shape ? "shape" : !d->has_offsets ? "data_offsets" : NULL;
    if (missing != NULL) return APUS__JSON_FAIL(json, start, "the tensor \"%s\" has no %s", name, missing);
    return APUS_STATUS_ok;
}

static apus_status add_range(reader *r, size_t entry, const description *d) {
    range *grown = apus__grow(r->ranges, r->count, &r->capacity, sizeof *grown);
    if (grown == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many tensors");
    r->ranges = grown;
    r->ranges[r->count++] =
        (range){r->data_start + (size_t)d->offsets[0], r->data_start + (size_t)d->offsets[1], d->offsets_place, entry};
    return APUS_STATUS_ok;
}

static apus_status read_entry(reader *r, size_t index) {
    description d;
    const char *name = r->archive->entries[index].name;
    APUS_TRY(read_description(r, name, &d));
    long long begin = (long long)d.offsets[0], end = (long long)d.offsets[1];
    if (begin > end || (size_t)end > r->data_bytes)
        return APUS__JSON_FAIL(&r->json, d.offsets_place,
                               "the tensor \"%s\" lies outside the file: data_offsets [%lld, %lld] of %zu", name, begin,
                               end, r->data_bytes);
    apus__entry *entry = &r->archive->entries[index];
    apus__layout layout = {.dtype = (apus_dtype)d.dtype, .rank = d.rank, .shape = d.shape};
    size_t bytes;
    APUS_TRY(apus__layout_bytes(&bytes, r->json.path, r->json.base + (int64_t)d.offsets_place, &layout));
    apus__text text;
    if (bytes != (size_t)(end - begin))
        return APUS__JSON_FAIL(
            &r->json, d.offsets_place, "the tensor \"%s\", %s %s, does not fill its data_offsets [%lld, %lld]", name,
            apus_dtype_safetensors_name(layout.dtype), apus__describe_shape(&text, d.rank, d.shape), begin, end);
    entry->offset = r->data_start + (size_t)begin;
    APUS_TRY(apus__entry_set_layout(entry, &layout));
    return add_range(r, index, &d);
}

static apus_status read_header(reader *r) {
    apus__json *json = &r->json;
    if (json->length == 0 || json->text[0] != '{') return APUS__JSON_FAIL(json, 0, "expected '{' to begin the header");
    json->position = 1;
    bool has_metadata = false, repeated = false;
    if (apus__json_take(json, '}')) return apus__json_end(json);
    do {
        size_t place = apus__json_place(json);
        APUS_TRY(apus__json_string(json));
        bool is_metadata = strcmp(json->string, metadata_key) == 0;
        apus__entry *entry = NULL;
        if (!apus__is_name(json->string, json->string_length))
            return APUS__JSON_FAIL(json, place, "a name holds the character NUL");
        if (!is_metadata) APUS_TRY(apus__archive_add(&entry, r->archive, json->string, json->string_length, &repeated));
        if (repeated || (is_metadata && has_metadata))
            return APUS__JSON_FAIL(json, place, "the name \"%s\" appears twice", json->string);
        has_metadata = has_metadata || is_metadata;
        APUS_TRY(apus__json_expect(json, ':', "':'"));
        APUS_TRY(is_metadata ? read_metadata(r) : read_entry(r, r->archive->count - 1));
    } while (apus__json_take(json, ','));
    APUS_TRY(apus__json_expect(json, '}', "',' or '}'"));
    return apus__json_end(json);
}

static int compare_ranges(const void *left, const void *right) {
    const range *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return (a->entry > b->entry) - (a->entry < b->entry);
}

/// Tensors must lie one after the other and fill the file.
static apus_status check_layout(reader *r) {
    if (r->count > 0) qsort(r->ranges, r->count, sizeof *r->ranges, compare_ranges);
    size_t end = r->data_start;
    for (size_t i = 0; i < r->count; i++) {
        const range *it = &r->ranges[i];
        if (it->begin != end)
            return APUS__JSON_FAIL(&r->json, it->place, "the tensor \"%s\" %s", r->archive->entries[it->entry].name,
                                   it->begin < end ? "overlaps another tensor" : "leaves a gap before it");
        end = it->end;
    }
    size_t rest = r->data_start + r->data_bytes - end;
    if (rest > 0)
        return APUS__FILE_FAIL(r->archive->file, end, "expected the end of the file, found %zu bytes more", rest);
    return APUS_STATUS_ok;
}

apus_status apus__safetensors_read(apus_archive *archive) {
    const apus_file *file = archive->file;
    if (file->bytes < 8)
        return APUS__FILE_FAIL(file, file->bytes, "the header is cut short: a safetensors file has at least 8 bytes");
    uint64_t length = apus__load(file->data, 8);
    if (length > APUS__SAFETENSORS_HEADER_LIMIT)
        return APUS__FILE_FAIL(file, 0, "expected a header of at most %d bytes, found %llu",
                               APUS__SAFETENSORS_HEADER_LIMIT, (unsigned long long)length);
    if (length > file->bytes - 8)
        return APUS__FILE_FAIL(file, file->bytes, "the header is cut short: expected %llu bytes, found %zu",
                               (unsigned long long)length, file->bytes - 8);
    archive->tensor = apus__archive_mapped_tensor;
    reader r = {
        .archive = archive,
        .json = {.path = file->path, .text = file->data + 8, .length = (size_t)length, .base = 8},
        .data_start = 8 + (size_t)length,
        .data_bytes = file->bytes - 8 - (size_t)length,
    };
    apus_status status = read_header(&r);
    if (status == APUS_STATUS_ok) status = check_layout(&r);
    free(r.ranges);
    apus__json_free(&r.json);
    return status;
}
