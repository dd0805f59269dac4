// Archives: finding out a file's format, and what all of them have in common.
#include "io/archive.h"

#include <stdlib.h>
#include <string.h>

// ---- Opening

static bool begins_with(const apus_file *file, const char *magic, size_t length) {
    return file->bytes >= length && memcmp(file->data, magic, length) == 0;
}

/// A pickle of protocol 2 or later begins so; what torch wrote before 1.6 is a row of them.
static bool is_pickle(const apus_file *file) {
    return file->bytes >= 2 && file->data[0] == 0x80 && file->data[1] >= 2 && file->data[1] <= 5;
}

/// A safetensors file begins with the header's length, then the header.
static bool is_safetensors(const apus_file *file) {
    return file->bytes >= 9 && file->data[8] == '{' && apus__load(file->data, 8) <= file->bytes - 8;
}

/// A zip file is PyTorch's when it has a pickle, else NumPy's.
static apus_status detect_zip(apus_archive_format *out, apus_file *file) {
    apus__zip zip = {0};
    apus_status status = apus__zip_open(&zip, file);
    bool has_pickle = false;
    for (size_t i = 0; status == APUS_STATUS_ok && i < zip.count && !has_pickle; i++)
        has_pickle = apus__zip_name_is(&zip.members[i], "data.pkl");
    apus__zip_close(&zip);
    *out = has_pickle ? APUS_ARCHIVE_torch : APUS_ARCHIVE_npz;
    return status;
}

static apus_status detect(apus_archive_format *out, apus_file *file) {
    if (begins_with(file, "\x93NUMPY", 6)) return *out = APUS_ARCHIVE_npy, APUS_STATUS_ok;
    if (begins_with(file, "GGUF", 4)) return *out = APUS_ARCHIVE_gguf, APUS_STATUS_ok;
    if (begins_with(file, "PK\3\4", 4) || begins_with(file, "PK\5\6", 4)) return detect_zip(out, file);
    if (is_safetensors(file)) return *out = APUS_ARCHIVE_safetensors, APUS_STATUS_ok;
    if (is_pickle(file)) return *out = APUS_ARCHIVE_torch, APUS_STATUS_ok;
    return APUS__FILE_FAIL(file, 0, "is in none of the formats safetensors, npy, npz, torch and gguf");
}

static apus_status fill(apus_archive *archive, apus_archive_format format) {
    if (format == APUS_ARCHIVE_detect) APUS_TRY(detect(&format, archive->file));
    archive->format = format;
    switch (format) {
    case APUS_ARCHIVE_safetensors: return apus__safetensors_read(archive);
    case APUS_ARCHIVE_npy: return apus__npy_read(archive);
    case APUS_ARCHIVE_npz: return apus__npz_read(archive);
    case APUS_ARCHIVE_torch: return apus__torch_read(archive);
    case APUS_ARCHIVE_gguf: return apus__gguf_read(archive);
    case APUS_ARCHIVE_detect: break;
    }
    return apus__fail(APUS_STATUS_invalid_argument, "archive: %d is no format", (int)format);
}

apus_status apus_archive_read(apus_archive **out, apus_file *file, apus_archive_format format) {
    APUS_REQUIRE("archive_read", out);
    APUS_REQUIRE("archive_read", file);
    apus_archive *archive = calloc(1, sizeof *archive);
    if (archive == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot open %s", file->path);
    atomic_init(&archive->references, 1);
    archive->file = apus_file_retain(file);
    apus_status status = apus_value_container(&archive->metadata, APUS_VALUE_dict);
    if (status == APUS_STATUS_ok) status = fill(archive, format);
    if (status != APUS_STATUS_ok) {
        apus_archive_release(archive);
        return status;
    }
    *out = archive;
    return APUS_STATUS_ok;
}

apus_status apus_archive_open(apus_archive **out, const char *path, apus_archive_format format, bool copy_on_write) {
    APUS_REQUIRE("archive_open", out);
    apus_file *file = NULL;
    APUS_TRY(apus_file_map(&file, path, copy_on_write));
    apus_status status = apus_archive_read(out, file, format);
    apus_file_release(file);
    return status;
}

apus_archive *apus_archive_retain(apus_archive *archive) {
    if (archive != NULL) atomic_fetch_add_explicit(&archive->references, 1, memory_order_relaxed);
    return archive;
}

void apus_archive_release(apus_archive *archive) {
    if (archive == NULL || atomic_fetch_sub_explicit(&archive->references, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < archive->count; i++) {
        apus__entry *entry = &archive->entries[i];
        free(entry->name);
        free((int64_t *)entry->layout.shape);
        apus_tensor_release(entry->tensor);
    }
    free(archive->entries);
    apus__index_free(&archive->index);
    apus__zip_close(&archive->zip);
    apus_value_release(archive->metadata);
    apus_value_release(archive->value);
    apus_file_release(archive->file);
    free(archive);
}

// ---- Filling in

static const char *entry_name(const void *archive, size_t i, size_t *length) {
    const char *name = ((const apus_archive *)archive)->entries[i].name;
    *length = strlen(name);
    return name;
}

apus_status apus__archive_add(apus__entry **out, apus_archive *archive, const char *name, size_t length,
                              bool *repeated) {
    apus__entry *grown = apus__grow(archive->entries, archive->count, &archive->capacity, sizeof *grown);
    if (grown != NULL) archive->entries = grown;
    char *copy = grown == NULL ? NULL : strndup(name, length);
    if (copy == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many tensors");
    apus__entry *entry = &archive->entries[archive->count++];
    *entry = (apus__entry){.name = copy};
    *out = entry;
    *repeated = apus__index_find(&archive->index, copy, length, entry_name, archive) != APUS__NOT_FOUND;
    return *repeated ? APUS_STATUS_ok : apus__index_add(&archive->index, archive->count - 1, entry_name, archive);
}

apus_status apus__entry_set_layout(apus__entry *entry, const apus__layout *layout) {
    int64_t *shape = malloc(sizeof(int64_t) * (size_t)(layout->rank == 0 ? 1 : layout->rank));
    if (shape == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many tensors");
    for (int32_t i = 0; i < layout->rank; i++) shape[i] = layout->shape[i];
    entry->layout = *layout;
    entry->layout.shape = shape;
    return APUS_STATUS_ok;
}

apus_status apus__archive_mapped_tensor(apus_tensor **out, const apus_archive *archive, const apus__entry *entry) {
    apus_file *file = archive->file;
    if (entry->layout.dtype == APUS_DTYPE_bool) {
        size_t bytes;
        APUS_TRY(apus__layout_bytes(&bytes, file->path, (int64_t)entry->offset, &entry->layout));
        if (bytes > 0)
            APUS_TRY(
                apus__check_bools(file->path, (int64_t)entry->offset, file->data + entry->offset, bytes, entry->name));
    }
    return apus__file_tensor(out, file, &entry->layout, entry->offset);
}

// ---- Reading

apus_archive_format apus_archive_get_format(const apus_archive *archive) {
    return archive == NULL ? APUS_ARCHIVE_detect : archive->format;
}

size_t apus_archive_count(const apus_archive *archive) { return archive == NULL ? 0 : archive->count; }

static const apus__entry *entry_at(const apus_archive *archive, size_t index) {
    return archive == NULL || index >= archive->count ? NULL : &archive->entries[index];
}

const char *apus_archive_name(const apus_archive *archive, size_t index) {
    const apus__entry *entry = entry_at(archive, index);
    return entry == NULL ? NULL : entry->name;
}

int64_t apus_archive_find(const apus_archive *archive, const char *name) {
    if (archive == NULL || name == NULL) return -1;
    size_t place = apus__index_find(&archive->index, name, strlen(name), entry_name, archive);
    return place == APUS__NOT_FOUND ? -1 : (int64_t)place;
}

/// The entry, if there is one of a dtype that Apus has.
static apus_status require_entry(const apus__entry **out, const apus_archive *archive, size_t index) {
    APUS_REQUIRE("archive", archive);
    const apus__entry *entry = entry_at(archive, index);
    if (entry == NULL)
        return apus__fail(APUS_STATUS_index, "archive: there is no tensor %zu among %zu", index, archive->count);
    if (entry->unsupported != NULL)
        return apus__fail_at(APUS_STATUS_dtype, archive->file->path, -1,
                             "the tensor \"%s\" is of type %s, which is not supported", entry->name,
                             entry->unsupported);
    *out = entry;
    return APUS_STATUS_ok;
}

apus_status apus_archive_dtype(apus_dtype *out, const apus_archive *archive, size_t index) {
    APUS_REQUIRE("archive_dtype", out);
    const apus__entry *entry;
    APUS_TRY(require_entry(&entry, archive, index));
    *out = entry->layout.dtype;
    return APUS_STATUS_ok;
}

int32_t apus_archive_rank(const apus_archive *archive, size_t index) {
    const apus__entry *entry = entry_at(archive, index);
    return entry == NULL ? 0 : entry->layout.rank;
}

const int64_t *apus_archive_shape(const apus_archive *archive, size_t index) {
    const apus__entry *entry = entry_at(archive, index);
    return entry == NULL ? NULL : entry->layout.shape;
}

apus_status apus_archive_tensor(apus_tensor **out, const apus_archive *archive, size_t index) {
    APUS_REQUIRE("archive_tensor", out);
    const apus__entry *entry;
    APUS_TRY(require_entry(&entry, archive, index));
    if (*out != NULL)
        return apus__fail(APUS_STATUS_invalid_argument, "archive_tensor: *out is not null; it is always a new tensor");
    if (entry->tensor == NULL) return archive->tensor(out, archive, entry);
    *out = apus_tensor_retain(entry->tensor);
    return APUS_STATUS_ok;
}

const apus_value *apus_archive_metadata(const apus_archive *archive) {
    return archive == NULL ? NULL : archive->metadata;
}

const apus_value *apus_archive_value(const apus_archive *archive) { return archive == NULL ? NULL : archive->value; }
