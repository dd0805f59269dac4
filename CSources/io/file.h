// Files in memory, and tensors over them.
#ifndef APUS_IO_FILE_H
#define APUS_IO_FILE_H

#include "apus/io.h"
#include "core/tensor.h"

struct apus_file {
    atomic_int references;
    char *path;
    unsigned char *data;
    size_t bytes;
    bool read_only;
    apus_deleter deleter; ///< for foreign memory; mapped memory is unmapped
    void *payload;
    bool mapped;
};

/// How a tensor's elements lie in a file.
typedef struct apus__layout {
    apus_dtype dtype;
    int32_t rank;
    const int64_t *shape;
    bool columns_first; ///< the first dim is the innermost
    bool swapped;       ///< the bytes of each number are in the other order
} apus__layout;

/// Fails for a place in `file`; `offset` as in apus__fail_at.
#define APUS__FILE_FAIL(file, offset, ...)                                                                             \
    apus__fail_at(APUS_STATUS_format, (file)->path, (int64_t)(offset), __VA_ARGS__)

/// Bytes the elements take; fails, naming the place, where that or a product of sizes does not fit in 63 bits.
apus_status apus__layout_bytes(size_t *bytes, const char *path, int64_t place, const apus__layout *layout);
/// The tensor whose elements begin at `offset`; the caller has checked that they lie inside the file.
apus_status apus__file_tensor(apus_tensor **out, apus_file *file, const apus__layout *layout, size_t offset);
/// The tensor over a storage that holds the elements as they lay in a file, from byte `offset`, a multiple of their
/// size, to its end: swaps them, in place, if needed.
apus_status apus__layout_tensor(apus_tensor **out, apus_storage *storage, const apus__layout *layout, size_t offset);
/// Storage over a part of the file, or a copy of it where its place is not aligned for `dtype`.
apus_status apus__file_storage(apus_storage **out, apus_file *file, size_t offset, size_t bytes, apus_dtype dtype);
/// Fails unless all bytes are 0 or 1; `offset` is where they lie, negative where that says nothing.
apus_status apus__check_bools(const char *path, int64_t offset, const void *data, size_t count, const char *name);
/// Reverses the bytes of each of `count` numbers of `width` bytes.
void apus__swap_bytes(void *data, size_t count, size_t width);
/// Whether `length` bytes are UTF-8 without NUL, as names must be.
bool apus__is_name(const char *text, size_t length);
/// Whether `length` bytes are UTF-8.
bool apus__is_utf8(const char *text, size_t length);

/// Reads little-endian numbers at any place.
static inline uint64_t apus__load(const unsigned char *data, size_t width) {
    uint64_t value = 0;
    for (size_t i = width; i-- > 0;) value = value << 8 | data[i];
    return value;
}

/// Makes room in a growing array for one more than `count` items of `size` bytes. NULL when there is no memory; the old
/// array is then as it was.
void *apus__grow(void *items, size_t count, size_t *capacity, size_t size);

#endif
