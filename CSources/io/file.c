// Mapping files, wrapping memory, and putting tensors over both.
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static apus_status fail_system(const char *path, const char *action) {
    return apus__fail_at(APUS_STATUS_io, path, -1, "cannot %s: %s", action, strerror(errno));
}

static apus_status new_file(apus_file **out, const char *path) {
    apus_file *file = calloc(1, sizeof *file);
    char *copy = file == NULL ? NULL : strdup(path);
    if (copy == NULL) {
        free(file);
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot open %s", path);
    }
    atomic_init(&file->references, 1);
    file->path = copy;
    *out = file;
    return APUS_STATUS_ok;
}

static apus_status map(apus_file *file, int descriptor, bool copy_on_write) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return fail_system(file->path, "read");
    if (!S_ISREG(status.st_mode)) return apus__fail_at(APUS_STATUS_io, file->path, -1, "is not a regular file");
    file->bytes = (size_t)status.st_size;
    file->read_only = !copy_on_write;
    if (file->bytes == 0) return APUS_STATUS_ok;
    int protection = copy_on_write ? PROT_READ | PROT_WRITE : PROT_READ;
    void *start = mmap(NULL, file->bytes, protection, MAP_PRIVATE, descriptor, 0);
    if (start == MAP_FAILED) return fail_system(file->path, "map");
    file->data = start;
    file->mapped = true;
    return APUS_STATUS_ok;
}

apus_status apus_file_map(apus_file **out, const char *path, bool copy_on_write) {
    APUS_REQUIRE("file_map", out);
    APUS_REQUIRE("file_map", path);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return fail_system(path, "open");
    apus_file *file = NULL;
    apus_status status = new_file(&file, path);
    if (status == APUS_STATUS_ok) status = map(file, descriptor, copy_on_write);
    close(descriptor);
    if (status != APUS_STATUS_ok) {
        apus_file_release(file);
        return status;
    }
    *out = file;
    return APUS_STATUS_ok;
}

apus_status apus_file_wrap(apus_file **out, const char *name, void *data, size_t bytes, bool read_only,
                           apus_deleter deleter, void *payload) {
    apus_file *file = NULL;
    apus_status status = APUS_STATUS_ok;
    if (out == NULL || name == NULL || (data == NULL && bytes > 0))
        status = apus__fail(APUS_STATUS_null_argument, "file_wrap: %s is null",
                            out == NULL    ? "out"
                            : name == NULL ? "name"
                                           : "data");
    if (status == APUS_STATUS_ok) status = new_file(&file, name);
    if (status != APUS_STATUS_ok) {
        if (deleter != NULL) deleter(payload);
        return status;
    }
    file->data = data;
    file->bytes = bytes;
    file->read_only = read_only;
    file->deleter = deleter;
    file->payload = payload;
    *out = file;
    return APUS_STATUS_ok;
}

apus_file *apus_file_retain(apus_file *file) {
    if (file != NULL) atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

void apus_file_release(apus_file *file) {
    if (file == NULL || atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) != 1) return;
    if (file->mapped) munmap(file->data, file->bytes);
    if (file->deleter != NULL) file->deleter(file->payload);
    free(file->path);
    free(file);
}

const char *apus_file_path(const apus_file *file) { return file == NULL ? NULL : file->path; }
const void *apus_file_data(const apus_file *file) { return file == NULL ? NULL : file->data; }
size_t apus_file_bytes(const apus_file *file) { return file == NULL ? 0 : file->bytes; }

// ---- Tensors

apus_status apus__layout_bytes(size_t *bytes, const char *path, int64_t place, const apus__layout *layout) {
    int64_t numel;
    if (layout->rank > APUS_MAX_RANK)
        return apus__fail_at(APUS_STATUS_format, path, place, "a tensor of %d dims: at most %d are possible",
                             layout->rank, APUS_MAX_RANK);
    if (apus__checked_numel("read", &numel, layout->dtype, layout->rank, layout->shape) != APUS_STATUS_ok) {
        apus__text text;
        return apus__fail_at(APUS_STATUS_format, path, place, "a tensor of shape %s is too large to address",
                             apus__describe_shape(&text, layout->rank, layout->shape));
    }
    *bytes = (size_t)numel * apus_dtype_size(layout->dtype);
    return APUS_STATUS_ok;
}

static void set_strides(int64_t *strides, const apus__layout *layout) {
    int64_t stride = 1;
    for (int32_t i = 0; i < layout->rank; i++) {
        int32_t dim = layout->columns_first ? i : layout->rank - 1 - i;
        strides[dim] = stride;
        if (layout->shape[dim] > 1) stride *= layout->shape[dim];
    }
}

void apus__swap_bytes(void *data, size_t count, size_t width) {
    unsigned char *bytes = data;
    for (size_t i = 0; i < count; i++, bytes += width) {
        for (size_t low = 0, high = width - 1; low < high; low++, high--) {
            unsigned char swap = bytes[low];
            bytes[low] = bytes[high];
            bytes[high] = swap;
        }
    }
}

/// What must be aligned, and is one number to swap: a complex element is two.
static size_t number_size(apus_dtype dtype) {
    return apus_dtype_is_complex(dtype) ? apus_dtype_size(dtype) / 2 : apus_dtype_size(dtype);
}

apus_status apus__layout_tensor(apus_tensor **out, apus_storage *storage, const apus__layout *layout, size_t offset) {
    int64_t strides[APUS_MAX_RANK];
    size_t width = number_size(layout->dtype);
    if (layout->swapped) apus__swap_bytes((char *)storage->data + offset, (storage->bytes - offset) / width, width);
    set_strides(strides, layout);
    return apus__tensor_over(out, storage, layout->dtype, layout->rank, layout->shape, strides,
                             (int64_t)(offset / apus_dtype_size(layout->dtype)));
}

static void release_file(void *file) { apus_file_release(file); }

apus_status apus__file_storage(apus_storage **out, apus_file *file, size_t offset, size_t bytes, apus_dtype dtype) {
    unsigned char *data = bytes == 0 ? NULL : file->data + offset;
    if (bytes > 0 && (uintptr_t)data % number_size(dtype) == 0) {
        APUS_TRY(apus__storage_wrap(out, data, bytes, APUS_DEVICE_CPU, file->read_only, release_file, file));
        apus_file_retain(file);
        return APUS_STATUS_ok;
    }
    APUS_TRY(apus__storage_new(out, bytes, APUS_DEVICE_CPU));
    if (bytes > 0) memcpy((*out)->data, data, bytes);
    return APUS_STATUS_ok;
}

/// A copy of a part of the file.
static apus_status copy_storage(apus_storage **out, const apus_file *file, size_t offset, size_t bytes) {
    APUS_TRY(apus__storage_new(out, bytes, APUS_DEVICE_CPU));
    if (bytes > 0) memcpy((*out)->data, file->data + offset, bytes);
    return APUS_STATUS_ok;
}

apus_status apus__file_tensor(apus_tensor **out, apus_file *file, const apus__layout *layout, size_t offset) {
    size_t bytes;
    apus_storage *storage = NULL;
    APUS_TRY(apus__layout_bytes(&bytes, file->path, (int64_t)offset, layout));
    APUS_TRY(layout->swapped ? copy_storage(&storage, file, offset, bytes)
                             : apus__file_storage(&storage, file, offset, bytes, layout->dtype));
    apus_status status = apus__layout_tensor(out, storage, layout, 0);
    apus__storage_release(storage);
    return status;
}

apus_status apus_file_tensor(apus_tensor **out, apus_file *file, apus_dtype dtype, int32_t rank, const int64_t *shape,
                             size_t offset) {
    APUS_REQUIRE("file_tensor", out);
    APUS_REQUIRE("file_tensor", file);
    if (*out != NULL)
        return apus__fail(APUS_STATUS_invalid_argument, "file_tensor: *out is not null; it is always a new tensor");
    int64_t numel;
    APUS_TRY(apus__checked_numel("file_tensor", &numel, dtype, rank, shape));
    size_t bytes = (size_t)numel * apus_dtype_size(dtype);
    apus__text text;
    if (offset > file->bytes || bytes > file->bytes - offset)
        return apus__fail_at(APUS_STATUS_format, file->path, (int64_t)offset,
                             "%s%s takes %zu bytes from here on, which the file of %zu does not hold",
                             apus_dtype_name(dtype), apus__describe_shape(&text, rank, shape), bytes, file->bytes);
    if (dtype == APUS_DTYPE_bool && bytes > 0)
        APUS_TRY(apus__check_bools(file->path, (int64_t)offset, file->data + offset, bytes, ""));
    apus__layout layout = {.dtype = dtype, .rank = rank, .shape = shape};
    return apus__file_tensor(out, file, &layout, offset);
}

// ---- Checks

apus_status apus__check_bools(const char *path, int64_t offset, const void *data, size_t count, const char *name) {
    const unsigned char *bytes = data;
    unsigned char all = 0;
    for (size_t i = 0; i < count; i++) all |= bytes[i];
    if (all <= 1) return APUS_STATUS_ok;
    size_t bad = 0;
    while (bytes[bad] <= 1) bad++;
    return apus__fail_at(APUS_STATUS_format, path, offset < 0 ? -1 : offset + (int64_t)bad,
                         "the tensor \"%s\" holds %u, expected 0 or 1", name, bytes[bad]);
}

/// The length of the valid UTF-8 sequence that begins at `text`; 0 where there is none (RFC 3629, section 4).
static size_t sequence_length(const unsigned char *text, size_t length) {
    unsigned char first = text[0];
    if (first < 0x80) return 1;
    size_t count = first >= 0xc2 && first < 0xe0   ? 2
                   : first >= 0xe0 && first < 0xf0 ? 3
                   : first >= 0xf0 && first < 0xf5 ? 4
                                                   : 0;
    if (count == 0 || count > length) return 0;
    for (size_t i = 1; i < count; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    // Overlong forms, surrogates, and what lies beyond the last plane.
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) || (first == 0xf0 && text[1] < 0x90) ||
        (first == 0xf4 && text[1] > 0x8f))
        return 0;
    return count;
}

bool apus__is_utf8(const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        size_t step = sequence_length((const unsigned char *)text + i, length - i);
        if (step == 0) return false;
        i += step;
    }
    return true;
}

bool apus__is_name(const char *text, size_t length) {
    return memchr(text, '\0', length) == NULL && apus__is_utf8(text, length);
}

void *apus__grow(void *items, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) return items;
    size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    if (wanted > SIZE_MAX / size) return NULL;
    void *grown = realloc(items, wanted * size);
    if (grown != NULL) *capacity = wanted;
    return grown;
}
