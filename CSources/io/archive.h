// What every reader of an archive fills in.
#ifndef APUS_IO_ARCHIVE_H
#define APUS_IO_ARCHIVE_H

#include "io/file.h"
#include "io/index.h"
#include "io/value.h"
#include "io/zip.h"

/// A named tensor in a file.
typedef struct apus__entry {
    char *name;
    apus__layout layout;     ///< its shape is the entry's own
    const char *unsupported; ///< the name of an element type that Apus has not; NULL otherwise
    size_t offset;           ///< where the elements begin: in the file, or in the member of a zip file
    size_t member;           ///< of a zip file
    apus_tensor *tensor;     ///< where it was made on opening
} apus__entry;

struct apus_archive {
    atomic_int references;
    apus_file *file;
    apus_archive_format format;
    apus__entry *entries;
    size_t count, capacity;
    apus__index index; ///< entries by name
    apus_value *metadata;
    apus_value *value;
    apus__zip zip; ///< for .npz
    /// Makes the tensor of an entry.
    apus_status (*tensor)(apus_tensor **out, const apus_archive *archive, const apus__entry *entry);
};

/// Adds an entry. `*repeated` says that the name is there already; then only the first is found by it.
apus_status apus__archive_add(apus__entry **out, apus_archive *archive, const char *name, size_t length,
                              bool *repeated);
/// Sets an entry's layout, with a copy of the shape.
apus_status apus__entry_set_layout(apus__entry *entry, const apus__layout *layout);
/// `tensor` for formats whose elements lie in the file as they are.
apus_status apus__archive_mapped_tensor(apus_tensor **out, const apus_archive *archive, const apus__entry *entry);

// One reader a format: fills in the archive, or fails.
apus_status apus__safetensors_read(apus_archive *archive);
apus_status apus__npy_read(apus_archive *archive);
apus_status apus__npz_read(apus_archive *archive);
apus_status apus__torch_read(apus_archive *archive);
apus_status apus__gguf_read(apus_archive *archive);

#endif
