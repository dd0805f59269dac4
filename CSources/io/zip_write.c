// Writing zip files: in one pass, so that sizes and check sums go into a member's header afterwards. Fields of 64 bits
// are written where 32 do not suffice.
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "io/zip.h"

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    ZIP64_BYTES = 20,                       ///< the field for two 64-bit sizes, with its head
    PAD_BYTES = 4,                          ///< the head of the field that only moves the data
    PAD_ID = 0x4246,                        ///< the field's number in what PyTorch writes
    BLOCK = 256 * 1024,                     ///< bytes summed and written while they are in the cache
    DATE = (2026 - 1980) << 9 | 1 << 5 | 1, ///< one day for all, so that equal content gives equal bytes
};

/// What the directory says about a member.
typedef struct record {
    char *name;
    bool deflated;
    uint32_t crc;
    uint64_t packed, bytes, header;
} record;

struct apus__zip_writer {
    apus_writer *writer;
    record *records;
    size_t count, capacity;
    size_t data_start; ///< of the open member
    z_stream stream;
    bool stream_open;
    unsigned char *packed; ///< room for deflate's output
};

/// Little-endian fields one after the other.
typedef struct fields {
    unsigned char bytes[64];
    size_t length;
} fields;

static void put(fields *f, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++) f->bytes[f->length++] = (unsigned char)(value >> 8 * i);
}

/// What a 32-bit field holds of a size; all ones where a 64-bit one takes its place.
static uint64_t short_size(uint64_t size) { return size >= UINT32_MAX ? UINT32_MAX : size; }

apus_status apus__zip_writer_new(apus__zip_writer **out, apus_writer *writer) {
    apus__zip_writer *zip = calloc(1, sizeof *zip);
    unsigned char *packed = malloc(BLOCK);
    if (zip == NULL || packed == NULL) {
        free(zip);
        free(packed);
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot write a zip file");
    }
    zip->writer = writer;
    zip->packed = packed;
    *out = zip;
    return APUS_STATUS_ok;
}

void apus__zip_writer_free(apus__zip_writer *zip) {
    if (zip == NULL) return;
    if (zip->stream_open) deflateEnd(&zip->stream);
    for (size_t i = 0; i < zip->count; i++) free(zip->records[i].name);
    free(zip->records);
    free(zip->packed);
    free(zip);
}

static void put_common(fields *f, const record *r, unsigned version) {
    put(f, version, 2);
    put(f, 1 << 11, 2); // names are UTF-8
    put(f, r->deflated ? 8 : 0, 2);
    put(f, (uint64_t)DATE << 16, 4);
    put(f, r->crc, 4);
}

/// The member's header up to its name. It always has a field for 64-bit sizes, which are not known yet.
static fields local_header(const record *r, size_t extra) {
    fields f = {.length = 0};
    put(&f, 0x04034b50, 4);
    put_common(&f, r, 45);
    put(&f, UINT32_MAX, 4);
    put(&f, UINT32_MAX, 4);
    put(&f, strlen(r->name), 2);
    put(&f, extra, 2);
    return f;
}

static fields zip64_field(const record *r) {
    fields f = {.length = 0};
    put(&f, 1, 2);
    put(&f, 16, 2);
    put(&f, r->bytes, 8);
    put(&f, r->packed, 8);
    return f;
}

static apus_status start_deflate(apus__zip_writer *zip) {
    zip->stream = (z_stream){0};
    if (deflateInit2(&zip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot deflate");
    zip->stream_open = true;
    return APUS_STATUS_ok;
}

apus_status apus__zip_begin(apus__zip_writer *zip, const char *name, bool deflated, size_t alignment) {
    record *grown = apus__grow(zip->records, zip->count, &zip->capacity, sizeof *grown);
    if (grown != NULL) zip->records = grown;
    char *copy = grown == NULL ? NULL : strdup(name);
    if (copy == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many zip members");
    size_t header = apus__writer_position(zip->writer), length = strlen(name);
    if (length > UINT16_MAX) {
        free(copy);
        return apus__fail_at(APUS_STATUS_invalid_argument, apus__writer_path(zip->writer), -1,
                             "cannot write: a name of %zu bytes", length);
    }
    record *r = &zip->records[zip->count++];
    *r = (record){.name = copy, .deflated = deflated, .header = header};
    size_t data = header + LOCAL_BYTES + length + ZIP64_BYTES + PAD_BYTES,
           pad = PAD_BYTES + (alignment - data % alignment) % alignment;
    fields local = local_header(r, ZIP64_BYTES + pad), zip64 = zip64_field(r), padding = {.length = 0};
    put(&padding, PAD_ID, 2);
    put(&padding, pad - PAD_BYTES, 2);
    APUS_TRY(apus_writer_write(zip->writer, local.bytes, local.length));
    APUS_TRY(apus_writer_write(zip->writer, name, length));
    APUS_TRY(apus_writer_write(zip->writer, zip64.bytes, zip64.length));
    APUS_TRY(apus_writer_write(zip->writer, padding.bytes, padding.length));
    APUS_TRY(apus__writer_zeros(zip->writer, pad - PAD_BYTES));
    zip->data_start = apus__writer_position(zip->writer);
    return deflated ? start_deflate(zip) : APUS_STATUS_ok;
}

/// Feeds a block to deflate and writes what comes out.
static apus_status deflate_block(apus__zip_writer *zip, const unsigned char *data, size_t bytes, int flush) {
    z_stream *stream = &zip->stream;
    stream->next_in = (unsigned char *)data;
    stream->avail_in = (unsigned)bytes;
    do {
        stream->next_out = zip->packed;
        stream->avail_out = BLOCK;
        deflate(stream, flush); // cannot fail on a stream that was made well and has room
        APUS_TRY(apus_writer_write(zip->writer, zip->packed, BLOCK - stream->avail_out));
    } while (stream->avail_out == 0);
    return APUS_STATUS_ok;
}

apus_status apus__zip_write(apus__zip_writer *zip, const void *data, size_t bytes) {
    record *r = &zip->records[zip->count - 1];
    const unsigned char *rest = data;
    r->bytes += bytes;
    while (bytes > 0) {
        size_t step = bytes < BLOCK ? bytes : BLOCK;
        r->crc = (uint32_t)crc32_z(r->crc, rest, step);
        APUS_TRY(r->deflated ? deflate_block(zip, rest, step, Z_NO_FLUSH) : apus_writer_write(zip->writer, rest, step));
        rest += step;
        bytes -= step;
    }
    return APUS_STATUS_ok;
}

apus_status apus__zip_end(apus__zip_writer *zip) {
    record *r = &zip->records[zip->count - 1];
    if (r->deflated) {
        APUS_TRY(deflate_block(zip, NULL, 0, Z_FINISH));
        deflateEnd(&zip->stream);
        zip->stream_open = false;
    }
    r->packed = apus__writer_position(zip->writer) - zip->data_start;
    fields crc = {.length = 0}, zip64 = zip64_field(r);
    put(&crc, r->crc, 4);
    APUS_TRY(apus__writer_patch(zip->writer, (size_t)r->header + 14, crc.bytes, crc.length));
    return apus__writer_patch(zip->writer, (size_t)r->header + LOCAL_BYTES + strlen(r->name), zip64.bytes,
                              zip64.length);
}

apus_status apus__zip_put(apus__zip_writer *zip, const char *name, const void *data, size_t bytes, size_t alignment) {
    APUS_TRY(apus__zip_begin(zip, name, false, alignment));
    APUS_TRY(apus__zip_write(zip, data, bytes));
    return apus__zip_end(zip);
}

/// A member's line in the directory, with 64-bit fields only for what needs them.
static apus_status put_record(apus_writer *writer, const record *r) {
    fields f = {.length = 0}, long_sizes = {.length = 0};
    uint64_t sizes[] = {r->bytes, r->packed, r->header};
    for (int i = 0; i < 3; i++)
        if (sizes[i] >= UINT32_MAX) put(&long_sizes, sizes[i], 8);
    put(&f, 0x02014b50, 4);
    put(&f, 45, 2);
    put_common(&f, r, 45);
    put(&f, short_size(r->packed), 4);
    put(&f, short_size(r->bytes), 4);
    put(&f, strlen(r->name), 2);
    put(&f, long_sizes.length == 0 ? 0 : 4 + long_sizes.length, 2);
    put(&f, 0, 2); // comment, disk, attributes
    put(&f, 0, 2);
    put(&f, 0, 2);
    put(&f, 0, 4);
    put(&f, short_size(r->header), 4);
    APUS_TRY(apus_writer_write(writer, f.bytes, f.length));
    APUS_TRY(apus_writer_write(writer, r->name, strlen(r->name)));
    if (long_sizes.length == 0) return APUS_STATUS_ok;
    fields head = {.length = 0};
    put(&head, 1, 2);
    put(&head, long_sizes.length, 2);
    APUS_TRY(apus_writer_write(writer, head.bytes, head.length));
    return apus_writer_write(writer, long_sizes.bytes, long_sizes.length);
}

apus_status apus__zip_finish(apus__zip_writer *zip) {
    uint64_t start = apus__writer_position(zip->writer);
    for (size_t i = 0; i < zip->count; i++) APUS_TRY(put_record(zip->writer, &zip->records[i]));
    uint64_t end = apus__writer_position(zip->writer);
    fields f = {.length = 0};
    if (start >= UINT32_MAX || end - start >= UINT32_MAX || zip->count >= UINT16_MAX) {
        put(&f, 0x06064b50, 4);
        put(&f, 44, 8); // bytes that follow
        put(&f, 45, 2);
        put(&f, 45, 2);
        put(&f, 0, 8); // disks
        put(&f, zip->count, 8);
        put(&f, zip->count, 8);
        put(&f, end - start, 8);
        put(&f, start, 8);
        APUS_TRY(apus_writer_write(zip->writer, f.bytes, f.length));
        f.length = 0;
        put(&f, 0x07064b50, 4);
        put(&f, 0, 4);
        put(&f, end, 8);
        put(&f, 1, 4);
        APUS_TRY(apus_writer_write(zip->writer, f.bytes, f.length));
        f.length = 0;
    }
    uint64_t count = zip->count >= UINT16_MAX ? UINT16_MAX : zip->count;
    put(&f, 0x06054b50, 4);
    put(&f, 0, 4); // disks
    put(&f, count, 2);
    put(&f, count, 2);
    put(&f, short_size(end - start), 4);
    put(&f, short_size(start), 4);
    put(&f, 0, 2);
    return apus_writer_write(zip->writer, f.bytes, f.length);
}
