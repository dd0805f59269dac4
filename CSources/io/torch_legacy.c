// Reading what torch.save wrote before PyTorch 1.6.
#include <string.h>

#include "io/torch.h"

/// A pickle of the long 0x1950a86a20f9469cfc6c.
static const unsigned char magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

enum { PROTOCOL = 1001 };

/// Checks the three pickles before the data.
static apus_status read_head(apus__pickle *p) {
    if (p->bytes < sizeof magic || memcmp(p->data, magic, sizeof magic) != 0)
        return apus__fail_at(APUS_STATUS_format, p->path, 0,
                             "is no PyTorch file: expected a zip file or its magic number");
    p->position = sizeof magic;
    APUS_TRY(apus__pickle_read(p));
    if (p->root->kind != APUS_VALUE_int || p->root->scalar.integer != PROTOCOL)
        return apus__pickle_fail(p, "expected protocol %d of torch.save", PROTOCOL);
    APUS_TRY(apus__pickle_read(p));
    const apus_value *is_little = apus_value_find(p->root, "little_endian");
    if (is_little == NULL || is_little->kind != APUS_VALUE_bool)
        return apus__pickle_fail(p, "expected a dict that says little_endian");
    if (is_little->scalar.integer == 0) return apus__pickle_fail(p, "big-endian files of this form are not supported");
    return APUS_STATUS_ok;
}

/// A storage's data lies here: takes hold of it there.
static apus_status read_storage(apus__pickle *p, apus_file *file, apus__pickled_storage *s) {
    size_t width = apus_dtype_size(s->dtype), rest = p->bytes - p->position;
    const char *key = apus_value_get_text(s->key, NULL);
    if (rest < 8 || apus__load(p->data + p->position, 8) != s->bytes / width)
        return APUS__FILE_FAIL(file, p->position, "expected the %zu elements of the storage \"%.100s\"",
                               s->bytes / width, key);
    p->position += 8;
    if (rest - 8 < s->bytes)
        return APUS__FILE_FAIL(file, p->position, "the storage \"%.100s\" is cut short: expected %zu bytes, found %zu",
                               key, s->bytes, rest - 8);
    APUS_TRY(apus__file_storage(&s->storage, file, p->position, s->bytes, APUS_DTYPE_float64));
    p->position += s->bytes;
    return APUS_STATUS_ok;
}

static const char *storage_key(const void *storages, size_t i, size_t *length) {
    return apus_value_get_text(((const apus__pickled_storage *)storages)[i].key, length);
}

/// The storages follow in the order of a list of keys.
static apus_status read_storages(apus__pickle *p, apus_file *file, const apus_value *keys) {
    if (keys->kind != APUS_VALUE_list) return apus__pickle_fail(p, "expected a list of storages");
    for (size_t i = 0; i < apus_value_count(keys); i++) {
        size_t length, place = APUS__NOT_FOUND;
        const char *key = apus_value_get_text(apus_value_item(keys, i), &length);
        if (key != NULL) place = apus__index_find(&p->storage_index, key, length, storage_key, p->storages);
        if (place == APUS__NOT_FOUND || p->storages[place].storage != NULL)
            return apus__pickle_fail(p, "storage %zu of the list is not in the data, or twice in the list", i);
        APUS_TRY(read_storage(p, file, &p->storages[place]));
    }
    return APUS_STATUS_ok;
}

/// All were found by read_storages.
static apus_status find_storage(apus_storage **out, void *context, const apus__pickled_storage *storage) {
    const apus_file *file = context;
    if (storage->storage == NULL)
        return APUS__FILE_FAIL(file, storage->place, "there is no storage \"%.100s\"",
                               apus_value_get_text(storage->key, NULL));
    *out = storage->storage;
    return APUS_STATUS_ok;
}

apus_status apus__torch_read_legacy(apus__pickle *p, apus_archive *archive) {
    p->data = archive->file->data;
    p->bytes = archive->file->bytes;
    APUS_TRY(read_head(p));
    APUS_TRY(apus__pickle_read(p));
    apus_value *data = p->root;
    p->root = NULL;
    apus_status status = apus__pickle_read(p);
    if (status == APUS_STATUS_ok) status = read_storages(p, archive->file, p->root);
    if (status == APUS_STATUS_ok && p->position < p->bytes)
        status = APUS__FILE_FAIL(archive->file, p->position, "expected the end of the file, found %zu bytes more",
                                 p->bytes - p->position);
    apus_value_release(p->root);
    p->root = data;
    return status == APUS_STATUS_ok ? apus__pickle_resolve(p, find_storage, archive->file) : status;
}
