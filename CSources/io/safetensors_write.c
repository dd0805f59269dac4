// Writing safetensors.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"
#include "io/value.h"
#include "io/writer.h"

enum { ALIGNMENT = 64 }; // of the data's start, and so of the widest elements

static const char metadata_key[] = APUS__SAFETENSORS_METADATA;

/// A text that grows.
typedef struct text {
    char *data;
    size_t length, capacity;
    bool failed;
} text;

static void put_bytes(text *t, const char *data, size_t length) {
    while (!t->failed && t->capacity - t->length < length + 1) {
        size_t wanted = t->capacity == 0 ? 1024 : 2 * t->capacity;
        char *grown = realloc(t->data, wanted);
        t->failed = grown == NULL;
        if (grown == NULL) return;
        t->data = grown;
        t->capacity = wanted;
    }
    if (t->failed) return;
    memcpy(t->data + t->length, data, length);
    t->length += length;
}

static void put(text *t, const char *data) { put_bytes(t, data, strlen(data)); }

static void put_number(text *t, uint64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    put(t, digits);
}

static void put_quoted(text *t, const char *data, size_t length) {
    put(t, "\"");
    for (size_t i = 0; i < length; i++) {
        char escape[8];
        unsigned char c = (unsigned char)data[i];
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c < 0x20)
            snprintf(escape, sizeof escape, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\u%04x", c);
        else
            snprintf(escape, sizeof escape, "%c", c);
        put(t, escape);
    }
    put(t, "\"");
}

/// Where a tensor's data goes.
typedef struct placed {
    size_t index, width, begin, end;
} placed;

/// Wide elements first: then each tensor starts at a multiple of its element size, without gaps.
static int compare_width(const void *left, const void *right) {
    const placed *a = left, *b = right;
    if (a->width != b->width) return a->width > b->width ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static int compare_index(const void *left, const void *right) {
    const placed *a = left, *b = right;
    return (a->index > b->index) - (a->index < b->index);
}

static placed *place_all(size_t count, const apus_tensor *const *tensors) {
    placed *places = calloc(count + 1, sizeof *places);
    if (places == NULL) return NULL;
    for (size_t i = 0; i < count; i++) places[i] = (placed){.index = i, .width = apus__item_size(tensors[i])};
    qsort(places, count, sizeof *places, compare_width);
    for (size_t i = 0, end = 0; i < count; i++) {
        places[i].begin = end;
        places[i].end = end += (size_t)tensors[places[i].index]->numel * places[i].width;
    }
    return places;
}

static int compare_keys(const void *left, const void *right) {
    const apus_value *a = **(apus_value *const *const *)left, *b = **(apus_value *const *const *)right;
    return strcmp(a->text.data, b->text.data);
}

/// The metadata's members, by name, so that equal content gives equal bytes.
static apus_status put_metadata(text *header, const char *path, const apus_value *metadata) {
    if (metadata == NULL || apus_value_get_kind(metadata) == APUS_VALUE_none) return APUS_STATUS_ok;
    size_t count = apus_value_count(metadata);
    bool is_text = metadata->kind == APUS_VALUE_dict;
    for (size_t i = 0; i < count && is_text; i++)
        is_text = apus_value_get_kind(apus_value_key(metadata, i)) == APUS_VALUE_string &&
                  apus_value_get_kind(apus_value_item(metadata, i)) == APUS_VALUE_string;
    if (!is_text)
        return apus__fail_at(APUS_STATUS_invalid_argument, path, -1,
                             "cannot write: the metadata is no dict of strings");
    if (count == 0) return APUS_STATUS_ok;
    apus_value ***pairs = malloc(count * sizeof *pairs);
    if (pairs == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too much metadata");
    for (size_t i = 0; i < count; i++) pairs[i] = &metadata->items.values[2 * i];
    qsort(pairs, count, sizeof *pairs, compare_keys);
    put_quoted(header, metadata_key, strlen(metadata_key));
    for (size_t i = 0; i < count; i++) {
        put(header, i == 0 ? ":{" : ",");
        put_quoted(header, pairs[i][0]->text.data, pairs[i][0]->text.length);
        put(header, ":");
        put_quoted(header, pairs[i][1]->text.data, pairs[i][1]->text.length);
    }
    put(header, "}");
    free(pairs);
    return APUS_STATUS_ok;
}

static void put_tensor(text *header, const char *name, const apus_tensor *t, const placed *place) {
    if (header->length > 1) put(header, ",");
    put_quoted(header, name, strlen(name));
    put(header, ":{\"dtype\":\"");
    put(header, apus_dtype_safetensors_name(t->dtype));
    put(header, "\",\"shape\":[");
    for (int32_t i = 0; i < t->rank; i++) {
        if (i > 0) put(header, ",");
        put_number(header, (uint64_t)t->shape[i]);
    }
    put(header, "],\"data_offsets\":[");
    put_number(header, place->begin);
    put(header, ",");
    put_number(header, place->end);
    put(header, "]}");
}

/// `places` in the order of the names.
static apus_status make_header(text *header, const char *path, size_t count, const char *const *names,
                               const apus_tensor *const *tensors, const placed *places, const apus_value *metadata) {
    put(header, "{");
    APUS_TRY(put_metadata(header, path, metadata));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], metadata_key) == 0)
            return apus__fail_at(APUS_STATUS_invalid_argument, path, -1, "cannot write: the name \"%s\" is taken",
                                 names[i]);
        put_tensor(header, names[i], tensors[i], &places[i]);
    }
    put(header, "}");
    while (!header->failed && (header->length + 8) % ALIGNMENT != 0) put(header, " ");
    if (header->failed) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many tensors");
    if (header->length > APUS__SAFETENSORS_HEADER_LIMIT)
        return apus__fail_at(APUS_STATUS_invalid_argument, path, -1, "cannot write: the header would take %zu bytes",
                             header->length);
    return APUS_STATUS_ok;
}

static apus_status write_file(apus_writer *writer, const text *header, size_t count, const apus_tensor *const *tensors,
                              const placed *places) {
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)header->length >> 8 * i);
    APUS_TRY(apus_writer_write(writer, length, sizeof length));
    APUS_TRY(apus_writer_write(writer, header->data, header->length));
    for (size_t i = 0; i < count; i++) {
        apus_tensor *t = NULL;
        APUS_TRY(apus__host_tensor(&t, tensors[places[i].index]));
        apus_status status = apus_writer_write(writer, apus__host_data(t), places[i].end - places[i].begin);
        apus_tensor_release(t);
        APUS_TRY(status);
    }
    return APUS_STATUS_ok;
}

apus_status apus_safetensors_save(const char *path, size_t count, const char *const *names,
                                  const apus_tensor *const *tensors, const apus_value *metadata) {
    APUS_TRY(apus__check_named(path, count, names, tensors));
    text header = {0};
    apus_writer *writer = NULL;
    placed *places = place_all(count, tensors);
    apus_status status = APUS_STATUS_ok;
    if (places == NULL) status = apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many tensors");
    if (status == APUS_STATUS_ok) {
        qsort(places, count, sizeof *places, compare_index);
        status = make_header(&header, path, count, names, tensors, places, metadata);
    }
    if (status == APUS_STATUS_ok) status = apus_writer_open(&writer, path);
    if (status == APUS_STATUS_ok) {
        qsort(places, count, sizeof *places, compare_width);
        status = apus__writer_end(writer, write_file(writer, &header, count, tensors, places));
    }
    free(places);
    free(header.data);
    return status;
}
