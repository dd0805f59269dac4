// NumPy's .npz: a zip file of .npy members, stored or deflated.
#include <stdlib.h>
#include <string.h>

#include "io/archive.h"
#include "io/npy.h"

static const char suffix[] = ".npy";

/// Reads the header of a member, unpacking no more than that takes.
static apus_status read_header(apus__npy_header *header, const apus__zip *zip, const apus__zip_member *member) {
    const char *path = zip->file->path;
    int64_t base = (int64_t)member->offset;
    if (!member->deflated) return apus__npy_parse(header, path, base, zip->file->data + member->offset, member->bytes);
    enum { MOST = APUS__NPY_HEADER_LIMIT + 12 };
    size_t bytes = member->bytes < MOST ? member->bytes : MOST;
    unsigned char *start = malloc(bytes + 1);
    if (start == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot read %s", path);
    apus_status status = apus__zip_unpack(zip, member, start, bytes);
    if (status == APUS_STATUS_ok) status = apus__npy_parse(header, path, base, start, bytes);
    free(start);
    return status;
}

static apus_status unpack(apus_tensor **out, const apus_archive *archive, const apus__entry *entry) {
    const apus__zip_member *member = &archive->zip.members[entry->member];
    size_t offset = entry->offset, bytes = member->bytes - offset;
    apus_storage *storage = NULL;
    APUS_TRY(apus__storage_new(&storage, member->bytes, APUS_DEVICE_CPU));
    char *data = storage->data;
    apus_status status = apus__zip_unpack(&archive->zip, member, data, member->bytes);
    if (status == APUS_STATUS_ok && entry->layout.dtype == APUS_DTYPE_bool)
        status = apus__check_bools(archive->file->path, -1, data + offset, bytes, entry->name);
    // The header stays in front, except where the elements would not be aligned then.
    if (status == APUS_STATUS_ok && offset % apus_dtype_size(entry->layout.dtype) != 0) {
        memmove(data, data + offset, bytes);
        offset = 0;
    }
    if (status == APUS_STATUS_ok) status = apus__layout_tensor(out, storage, &entry->layout, offset);
    apus__storage_release(storage);
    return status;
}

static apus_status make_tensor(apus_tensor **out, const apus_archive *archive, const apus__entry *entry) {
    const apus__zip_member *member = &archive->zip.members[entry->member];
    return member->deflated ? unpack(out, archive, entry) : apus__archive_mapped_tensor(out, archive, entry);
}

static apus_status add_member(apus_archive *archive, size_t index) {
    const apus__zip_member *member = &archive->zip.members[index];
    const size_t suffix_length = strlen(suffix);
    const char *name = member->name;
    size_t length = member->name_length;
    int shown = length > 200 ? 200 : (int)length;
    if (length < suffix_length || memcmp(name + length - suffix_length, suffix, suffix_length) != 0)
        return APUS__FILE_FAIL(archive->file, member->header, "\"%.*s\" is no %s member", shown, name, suffix);
    apus__npy_header header;
    APUS_TRY(read_header(&header, &archive->zip, member));
    size_t found = member->bytes - header.data_offset;
    apus__text text;
    if (found != header.data_bytes)
        return APUS__FILE_FAIL(archive->file, member->offset, "\"%.*s\", %s%s, takes %zu bytes, found %zu", shown, name,
                               apus_dtype_name(header.layout.dtype),
                               apus__describe_shape(&text, header.layout.rank, header.shape), header.data_bytes, found);
    apus__entry *entry;
    bool repeated;
    APUS_TRY(apus__archive_add(&entry, archive, name, length - suffix_length, &repeated));
    if (repeated) return APUS__FILE_FAIL(archive->file, member->header, "the name \"%.*s\" appears twice", shown, name);
    entry->member = index;
    entry->offset = member->deflated ? header.data_offset : member->offset + header.data_offset;
    return apus__entry_set_layout(entry, &header.layout);
}

apus_status apus__npz_read(apus_archive *archive) {
    archive->tensor = make_tensor;
    APUS_TRY(apus__zip_open(&archive->zip, archive->file));
    for (size_t i = 0; i < archive->zip.count; i++) APUS_TRY(add_member(archive, i));
    return APUS_STATUS_ok;
}

// ---- Writing

static apus_status write_member(apus__zip_writer *zip, const char *name, const apus_tensor *tensor, bool compressed) {
    enum { ALIGNMENT = 64 }; // of the member, and so of the elements: the header is a multiple of it
    char header[4096];
    char *file_name = malloc(strlen(name) + sizeof suffix);
    apus_tensor *t = NULL;
    if (file_name == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot write \"%s\"", name);
    strcat(strcpy(file_name, name), suffix);
    apus_status status = apus__host_tensor(&t, tensor);
    if (status == APUS_STATUS_ok) status = apus__zip_begin(zip, file_name, compressed, ALIGNMENT);
    if (status == APUS_STATUS_ok) status = apus__zip_write(zip, header, apus__npy_format(header, t));
    if (status == APUS_STATUS_ok)
        status = apus__zip_write(zip, apus__host_data(t), (size_t)t->numel * apus__item_size(t));
    if (status == APUS_STATUS_ok) status = apus__zip_end(zip);
    apus_tensor_release(t);
    free(file_name);
    return status;
}

static apus_status write_members(apus__zip_writer *zip, size_t count, const char *const *names,
                                 const apus_tensor *const *tensors, bool compressed) {
    for (size_t i = 0; i < count; i++) APUS_TRY(write_member(zip, names[i], tensors[i], compressed));
    return apus__zip_finish(zip);
}

apus_status apus_npz_save(const char *path, size_t count, const char *const *names, const apus_tensor *const *tensors,
                          bool compressed) {
    APUS_TRY(apus__check_named(path, count, names, tensors));
    apus_writer *writer = NULL;
    apus__zip_writer *zip = NULL;
    APUS_TRY(apus_writer_open(&writer, path));
    apus_status status = apus__zip_writer_new(&zip, writer);
    if (status == APUS_STATUS_ok) status = write_members(zip, count, names, tensors, compressed);
    apus__zip_writer_free(zip);
    return apus__writer_end(writer, status);
}
