// Zip files (APPNOTE.TXT 6.3.9): stored and deflated members, zip64.
#ifndef APUS_IO_ZIP_H
#define APUS_IO_ZIP_H

#include "io/file.h"
#include "io/index.h"
#include "io/writer.h"

typedef struct apus__zip_member {
    const char *name; ///< in the file, not NUL-terminated
    size_t name_length;
    bool deflated;
    uint32_t crc;
    size_t packed, bytes; ///< sizes in the file and unpacked
    size_t header;        ///< of the member, in the file
    size_t offset;        ///< of its packed data
} apus__zip_member;

typedef struct apus__zip {
    apus_file *file; ///< borrowed
    apus__zip_member *members;
    size_t count;
    apus__index index; ///< members by name
} apus__zip;

/// Reads the directory and checks every member's place: inside the file, overlapping no other.
apus_status apus__zip_open(apus__zip *zip, apus_file *file);
void apus__zip_close(apus__zip *zip);
/// The member of that name; NULL where there is none.
const apus__zip_member *apus__zip_find(const apus__zip *zip, const char *name, size_t length);
/// Whether a member's name ends in "/name" or is `name`.
bool apus__zip_name_is(const apus__zip_member *member, const char *name);

/// Unpacks the first `bytes` of a member into `data`, at most all of them; the check sum is verified when all are
/// asked.
apus_status apus__zip_unpack(const apus__zip *zip, const apus__zip_member *member, void *data, size_t bytes);

// ---- Writing

typedef struct apus__zip_writer apus__zip_writer;

/// Begins a zip file at the writer's position, which must be 0. The writer stays the caller's.
apus_status apus__zip_writer_new(apus__zip_writer **out, apus_writer *writer);
/// Begins a member. The data of a stored one starts at a multiple of `alignment` bytes.
apus_status apus__zip_begin(apus__zip_writer *zip, const char *name, bool deflated, size_t alignment);
/// Appends to the member.
apus_status apus__zip_write(apus__zip_writer *zip, const void *data, size_t bytes);
apus_status apus__zip_end(apus__zip_writer *zip);
/// A whole stored member.
apus_status apus__zip_put(apus__zip_writer *zip, const char *name, const void *data, size_t bytes, size_t alignment);
/// Writes the directory.
apus_status apus__zip_finish(apus__zip_writer *zip);
void apus__zip_writer_free(apus__zip_writer *zip);

#endif
