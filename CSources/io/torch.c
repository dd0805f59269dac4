// Reading what torch.save writes: a zip file of a pickle, and one member a storage.
#include "io/torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_PICKLE = 1 << 28, ///< bytes
    MOST_NAME = 4096,      ///< of a tensor in a tree, and of a storage's member
};

// ---- The zip form

typedef struct reader {
    apus_file *file;
    apus__zip zip;
    const char *prefix; ///< "archive/", not NUL-terminated
    size_t prefix_length;
    bool swapped;
} reader;

static const apus__zip_member *find_member(const reader *r, const char *name) {
    char full[MOST_NAME];
    int length = snprintf(full, sizeof full, "%.*s%s", (int)r->prefix_length, r->prefix, name);
    return length < 0 || length >= MOST_NAME ? NULL : apus__zip_find(&r->zip, full, (size_t)length);
}

static apus_status find_pickle(const apus__zip_member **out, reader *r) {
    for (size_t i = 0; i < r->zip.count; i++) {
        const apus__zip_member *member = &r->zip.members[i];
        if (!apus__zip_name_is(member, "data.pkl")) continue;
        r->prefix = member->name;
        r->prefix_length = member->name_length - strlen("data.pkl");
        if (r->prefix_length > MOST_NAME / 2) break;
        return *out = member, APUS_STATUS_ok;
    }
    return APUS__FILE_FAIL(r->file, r->file->bytes, "is no PyTorch file: the zip file has no data.pkl");
}

static apus_status read_byte_order(reader *r) {
    const apus__zip_member *member = find_member(r, "byteorder");
    char order[8] = "little"; // what it was before it was written down
    if (member != NULL) {
        if (member->bytes >= sizeof order) return APUS__FILE_FAIL(r->file, member->offset, "byteorder is too long");
        APUS_TRY(apus__zip_unpack(&r->zip, member, order, member->bytes));
        order[member->bytes] = '\0';
    }
    r->swapped = strcmp(order, "big") == 0;
    if (r->swapped || strcmp(order, "little") == 0) return APUS_STATUS_ok;
    return APUS__FILE_FAIL(r->file, member->offset, "the byteorder is neither little nor big");
}

static apus_status find_storage(apus_storage **out, void *context, const apus__pickled_storage *storage) {
    reader *r = context;
    char name[MOST_NAME];
    const char *key = apus_value_get_text(storage->key, NULL);
    int length = snprintf(name, sizeof name, "data/%s", key);
    const apus__zip_member *member = length < 0 || length >= MOST_NAME / 2 ? NULL : find_member(r, name);
    if (member == NULL)
        return apus__fail_at(APUS_STATUS_format, r->file->path, storage->place, "there is no storage \"%.100s\"", key);
    if (member->bytes != storage->bytes)
        return APUS__FILE_FAIL(r->file, member->offset, "the storage \"%.100s\" has %zu bytes, expected %zu", key,
                               member->bytes, storage->bytes);
    // Aligned for any tensor that may lie over it.
    if (!member->deflated && !r->swapped)
        return apus__file_storage(out, r->file, member->offset, member->bytes, APUS_DTYPE_float64);
    if (r->swapped && storage->untyped)
        return APUS__FILE_FAIL(r->file, member->offset, "the storage \"%.100s\" has no type and another byte order",
                               key);
    apus_storage *copy = NULL;
    APUS_TRY(apus__storage_new(&copy, member->bytes, APUS_DEVICE_CPU));
    apus_status status = apus__zip_unpack(&r->zip, member, copy->data, member->bytes);
    if (status != APUS_STATUS_ok) {
        apus__storage_release(copy);
        return status;
    }
    size_t width =
        apus_dtype_is_complex(storage->dtype) ? apus_dtype_size(storage->dtype) / 2 : apus_dtype_size(storage->dtype);
    if (r->swapped && width > 1) apus__swap_bytes(copy->data, copy->bytes / width, width);
    *out = copy;
    return APUS_STATUS_ok;
}

static apus_status read_zip(apus__pickle *pickle, reader *r) {
    const apus__zip_member *member = NULL;
    APUS_TRY(apus__zip_open(&r->zip, r->file));
    APUS_TRY(find_pickle(&member, r));
    APUS_TRY(read_byte_order(r));
    if (member->bytes > MOST_PICKLE)
        return APUS__FILE_FAIL(r->file, member->offset, "data.pkl has %zu bytes, at most %d are read", member->bytes,
                               MOST_PICKLE);
    unsigned char *data = malloc(member->bytes + 1);
    if (data == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot read %s", r->file->path);
    apus_status status = apus__zip_unpack(&r->zip, member, data, member->bytes);
    pickle->data = data;
    pickle->bytes = member->bytes;
    pickle->base = member->deflated ? -1 : (int64_t)member->offset;
    if (status == APUS_STATUS_ok) status = apus__pickle_read(pickle);
    if (status == APUS_STATUS_ok && pickle->position < pickle->bytes)
        status = apus__pickle_fail(pickle, "more follows the pickle");
    if (status == APUS_STATUS_ok) status = apus__pickle_resolve(pickle, find_storage, r);
    free(data);
    return status;
}

// ---- The tensors of a tree by name

typedef struct namer {
    apus_archive *archive;
    char name[MOST_NAME];
} namer;

static apus_status add_tensors(namer *n, const apus_value *value, size_t length);

/// Adds what lies under a key, whose text is joined to the name so far.
static apus_status add_under(namer *n, const apus_value *value, size_t length, const char *key, size_t key_length) {
    size_t dot = length > 0 ? 1 : 0;
    if (length + dot + key_length >= MOST_NAME)
        return apus__fail_at(APUS_STATUS_format, n->archive->file->path, -1, "a tensor's name is longer than %d bytes",
                             MOST_NAME);
    if (!apus__is_name(key, key_length))
        return apus__fail_at(APUS_STATUS_format, n->archive->file->path, -1, "a tensor's name holds the character NUL");
    if (dot > 0) n->name[length] = '.';
    memcpy(n->name + length + dot, key, key_length);
    return add_tensors(n, value, length + dot + key_length);
}

/// Keys that are no text are named by their number, others by their place.
static apus_status add_items(namer *n, const apus_value *value, size_t length) {
    for (size_t i = 0; i < apus_value_count(value); i++) {
        char number[24];
        size_t key_length;
        const apus_value *key = apus_value_key(value, i), *item = apus_value_item(value, i);
        if (apus_value_get_kind(item) != APUS_VALUE_tensor && !apus__is_container(item)) continue;
        const char *text = apus_value_get_text(key, &key_length);
        bool is_number = apus_value_get_kind(key) == APUS_VALUE_int;
        if (text == NULL) {
            key_length = (size_t)snprintf(number, sizeof number, "%lld",
                                          is_number ? (long long)key->scalar.integer : (long long)i);
            text = number;
        }
        APUS_TRY(add_under(n, item, length, text, key_length));
    }
    return APUS_STATUS_ok;
}

static apus_status add_tensors(namer *n, const apus_value *value, size_t length) {
    if (apus_value_get_kind(value) != APUS_VALUE_tensor) return add_items(n, value, length);
    apus__entry *entry;
    bool repeated;
    const apus_tensor *t = value->tensor;
    APUS_TRY(apus__archive_add(&entry, n->archive, n->name, length, &repeated));
    entry->tensor = apus_tensor_retain(value->tensor);
    apus__layout layout = {.dtype = t->dtype, .rank = t->rank, .shape = t->shape};
    return apus__entry_set_layout(entry, &layout);
}

apus_status apus__torch_read(apus_archive *archive) {
    apus_file *file = archive->file;
    reader r = {.file = file};
    apus__pickle pickle = {.path = file->path};
    bool is_zip = file->bytes >= 2 && memcmp(file->data, "PK", 2) == 0;
    apus_status status = is_zip ? read_zip(&pickle, &r) : apus__torch_read_legacy(&pickle, archive);
    if (status == APUS_STATUS_ok) archive->value = apus_value_retain(pickle.root);
    apus__pickle_free(&pickle);
    apus__zip_close(&r.zip);
    if (status != APUS_STATUS_ok) return status;
    namer n = {.archive = archive};
    return add_tensors(&n, archive->value, 0);
}
