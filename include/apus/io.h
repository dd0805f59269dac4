/// Files of tensors: safetensors, NumPy's .npy and .npz, PyTorch's .pt, GGUF, CSV; mapped where that is possible.
///
/// Every reader treats its file as hostile: whatever a file says about lengths, shapes and places is checked against
/// what it holds before anything is allocated, and nothing in it is executed. Errors name the file and the byte (see
/// `apus_last_error_detail`): `APUS_STATUS_io` where the system refuses, `APUS_STATUS_format` where the content is
/// wrong.
///
/// Writers write beside the place and rename: the file appears whole or not at all, and one that was there before is
/// replaced only when the new one is on the disk.
///
/// Threads: files and archives are reference counted and may be used from any thread at once.
#ifndef APUS_IO_H
#define APUS_IO_H

#include "apus/value.h"

APUS_BEGIN_DECLS

// ---- Memory of files

/// A file's content in memory.
typedef struct apus_file apus_file;

/// Maps a regular file. Pages are read when they are first touched. With `copy_on_write`, tensors over it may be
/// written to, which changes their memory and never the file; otherwise they are read-only. A file that another program
/// shortens while it is mapped makes its reader crash, as everywhere; one that is replaced by renaming does not.
APUS_API APUS_NODISCARD apus_status apus_file_map(apus_file **out, const char *path, bool copy_on_write);
/// Memory in place of a file; `name` stands for its path in messages. `deleter` (may be NULL) is called with `payload`
/// exactly once, when the last owner goes, and also when this call fails.
APUS_API APUS_NODISCARD apus_status apus_file_wrap(apus_file **out, const char *name, void *data, size_t bytes,
                                                   bool read_only, apus_deleter deleter, void *payload);
APUS_API apus_file *apus_file_retain(apus_file *file);
/// Drops an owner; tensors over the file are owners too. NULL is allowed.
APUS_API void apus_file_release(apus_file *file);
/// The path it was opened by. Borrowed.
APUS_API const char *apus_file_path(const apus_file *file);
/// The content; NULL where it is empty. Borrowed.
APUS_API const void *apus_file_data(const apus_file *file);
APUS_API size_t apus_file_bytes(const apus_file *file);
/// A row-major tensor of the elements from byte `offset` on, in the machine's byte order. It shares the file's memory,
/// which stays as long as the tensor lives; where the place is not aligned for the dtype it is a copy.
APUS_API APUS_NODISCARD apus_status apus_file_tensor(apus_tensor **out, apus_file *file, apus_dtype dtype, int32_t rank,
                                                     const int64_t *shape, size_t offset);

/// A file on its way to its place.
typedef struct apus_writer apus_writer;

/// Opens a new file in the directory of `path`, under another name.
APUS_API APUS_NODISCARD apus_status apus_writer_open(apus_writer **out, const char *path);
/// Appends `bytes`.
APUS_API APUS_NODISCARD apus_status apus_writer_write(apus_writer *writer, const void *data, size_t bytes);
/// Ends the writer, which is freed. With `commit`, and when all was written, the file is put on the disk and takes its
/// place; otherwise, and on failure, nothing is left of it. A NULL writer is allowed.
APUS_API APUS_NODISCARD apus_status apus_writer_close(apus_writer *writer, bool commit);

// ---- Archives: files of named tensors

typedef struct apus_archive apus_archive;

/// The formats that archives are read from.
typedef enum APUS_SWIFT_ENUM("ArchiveFormat") apus_archive_format {
    APUS_ARCHIVE_detect APUS_SWIFT_CASE("detect") = 0,           ///< by the content
    APUS_ARCHIVE_safetensors APUS_SWIFT_CASE("safetensors") = 1, ///< metadata: the strings of `__metadata__`
    /// One tensor with an empty name. '<V2', which ml_dtypes writes for it, is read as bfloat16.
    APUS_ARCHIVE_npy APUS_SWIFT_CASE("npy") = 2,
    /// NumPy's zip of .npy files, stored or deflated; names are without ".npy".
    APUS_ARCHIVE_npz APUS_SWIFT_CASE("npz") = 3,
    /// What `torch.save` writes, since 1.6 a zip file, before that a row of pickles. The value is the whole tree; the
    /// tensors are all in it, under their keys joined by dots ("optimizer.state.0.exp_avg"). Tensors that share a
    /// storage in the file share it here.
    APUS_ARCHIVE_torch APUS_SWIFT_CASE("torch") = 4,
    /// Metadata of all types, where arrays of numbers are tensors; tensors of a quantised type are listed and refused.
    APUS_ARCHIVE_gguf APUS_SWIFT_CASE("gguf") = 5,
} apus_archive_format;

/// Maps and opens a file. `copy_on_write` as for `apus_file_map`.
APUS_API APUS_NODISCARD apus_status apus_archive_open(apus_archive **out, const char *path, apus_archive_format format,
                                                      bool copy_on_write);
/// Opens what `file`, which the archive retains, holds.
APUS_API APUS_NODISCARD apus_status apus_archive_read(apus_archive **out, apus_file *file, apus_archive_format format);
APUS_API apus_archive *apus_archive_retain(apus_archive *archive);
/// Drops an owner; tensors stay valid. NULL is allowed.
APUS_API void apus_archive_release(apus_archive *archive);

/// The format it was found to have.
APUS_API apus_archive_format apus_archive_get_format(const apus_archive *archive);
/// How many tensors there are, in the file's order.
APUS_API size_t apus_archive_count(const apus_archive *archive);
/// A tensor's name; NULL outside. Borrowed.
APUS_API const char *apus_archive_name(const apus_archive *archive, size_t index);
/// The place of a name; -1 where there is none. Where a name occurs twice (in .pt files only), the first.
APUS_API int64_t apus_archive_find(const apus_archive *archive, const char *name);
/// A tensor's dtype. Fails with `APUS_STATUS_dtype`, naming it, for one that Apus does not have.
APUS_API APUS_NODISCARD apus_status apus_archive_dtype(apus_dtype *out, const apus_archive *archive, size_t index);
/// A tensor's rank; 0 outside.
APUS_API int32_t apus_archive_rank(const apus_archive *archive, size_t index);
/// A tensor's shape; NULL outside. Borrowed.
APUS_API const int64_t *apus_archive_shape(const apus_archive *archive, size_t index);
/// A tensor. It shares the file's memory where the file holds it uncompressed, in the machine's byte order and at an
/// aligned place, and is a copy otherwise. Columns-first arrays have columns-first strides. What is shared is not read,
/// so a zip's check sums are verified for copies alone; but bools are always checked to be 0 or 1.
APUS_API APUS_NODISCARD apus_status apus_archive_tensor(apus_tensor **out, const apus_archive *archive, size_t index);
/// What the file says about itself: a dict with string keys, maybe empty. Borrowed.
APUS_API const apus_value *apus_archive_metadata(const apus_archive *archive);
/// The whole content of a .pt file; NULL for other formats. Borrowed.
APUS_API const apus_value *apus_archive_value(const apus_archive *archive);

// ---- Writing. Tensors may have any dtype and strides and be on any device; names must be different UTF-8 texts.

/// `metadata` (may be NULL) is a dict of strings.
APUS_API APUS_NODISCARD apus_status apus_safetensors_save(const char *path, size_t count, const char *const *names,
                                                          const apus_tensor *const *tensors,
                                                          const apus_value *metadata);
/// Version 1.0 (2.0 where the header is too long for it), row-major. bfloat16 is written as '<V2', as ml_dtypes does.
APUS_API APUS_NODISCARD apus_status apus_npy_save(const char *path, const apus_tensor *tensor);
/// As `numpy.savez`, or `numpy.savez_compressed`.
APUS_API APUS_NODISCARD apus_status apus_npz_save(const char *path, size_t count, const char *const *names,
                                                  const apus_tensor *const *tensors, bool compressed);
/// A file that `torch.load(path, weights_only=True)` reads. Tensors that share a storage do so there too.
APUS_API APUS_NODISCARD apus_status apus_torch_save(const char *path, const apus_value *value);

// ---- CSV

/// How a CSV file is read and written. Zero is the default of each field but `size`.
typedef struct apus_csv_options {
    uint32_t size;    ///< sizeof(apus_csv_options)
    char separator;   ///< 0 means a comma
    bool has_header;  ///< whether the first row is names
    bool allow_empty; ///< whether an empty field is NaN rather than an error; floats only
} apus_csv_options;

/// Reads rows of numbers into a tensor [rows, columns] of float32, float64 or int64. Fields may be quoted; lines end in
/// LF or CRLF; blank lines at the end are skipped. Every row must have as many fields as the first. `header` (may be
/// NULL) gets a list of the column names, empty without a header; the caller owns it. `options` may be NULL.
/// float32 is rounded from float64. Errors name row and column, counted from 1.
APUS_API APUS_NODISCARD apus_status apus_csv_read(apus_tensor **out, apus_value **header, const apus_file *file,
                                                  apus_dtype dtype, const apus_csv_options *options);
/// Writes a tensor of rank 0 to 2 (a row a line; rank 1 is a column) and any real dtype, with the shortest digits that
/// give the same number back. `header` (may be NULL) is a list of column names.
APUS_API APUS_NODISCARD apus_status apus_csv_save(const char *path, const apus_tensor *tensor, const apus_value *header,
                                                  const apus_csv_options *options);

APUS_END_DECLS

#endif
