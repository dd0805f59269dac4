// Reading zip files. Nothing that a member or the directory says is believed before it was compared with the file.
#include "io/zip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    END_BYTES = 22,     ///< the end record without its comment
    LOCATOR_BYTES = 20, ///< what points to the zip64 end record
    END64_BYTES = 56,
    CENTRAL_BYTES = 46,
    LOCAL_BYTES = 30,
    LARGEST_COMMENT = 65535,
    LARGEST_RATIO = 1032, ///< deflate cannot shrink data further than this
    END_MARK = 0x06054b50,
    LOCATOR_MARK = 0x07064b50,
    END64_MARK = 0x06064b50,
    CENTRAL_MARK = 0x02014b50,
    LOCAL_MARK = 0x04034b50,
};

/// Where the directory is.
typedef struct directory {
    uint64_t count, bytes, offset;
} directory;

static bool has_mark(const apus_file *file, size_t offset, uint32_t mark, size_t bytes) {
    return offset <= file->bytes && file->bytes - offset >= bytes && apus__load(file->data + offset, 4) == mark;
}

/// The end record, searched backwards: a comment of unknown length follows it.
static apus_status find_end(size_t *out, const apus_file *file) {
    size_t last = file->bytes < END_BYTES ? 0 : file->bytes - END_BYTES;
    size_t first = last > LARGEST_COMMENT ? last - LARGEST_COMMENT : 0;
    for (size_t at = last + 1; at-- > first;) {
        if (!has_mark(file, at, END_MARK, END_BYTES)) continue;
        if (apus__load(file->data + at + 20, 2) != file->bytes - at - END_BYTES) continue;
        return *out = at, APUS_STATUS_ok;
    }
    return APUS__FILE_FAIL(file, file->bytes, "is cut short or no zip file: it has no end record");
}

static apus_status find_directory(directory *out, const apus_file *file) {
    size_t end;
    APUS_TRY(find_end(&end, file));
    const unsigned char *record = file->data + end;
    if (apus__load(record + 4, 2) != 0 && apus__load(record + 4, 2) != 0xffff)
        return APUS__FILE_FAIL(file, end + 4, "is one part of a zip file of several, which is not supported");
    *out = (directory){apus__load(record + 10, 2), apus__load(record + 12, 4), apus__load(record + 16, 4)};
    size_t limit = end;
    if (end >= LOCATOR_BYTES && has_mark(file, end - LOCATOR_BYTES, LOCATOR_MARK, LOCATOR_BYTES)) {
        uint64_t at = apus__load(file->data + end - LOCATOR_BYTES + 8, 8);
        if (at > end - LOCATOR_BYTES || end - LOCATOR_BYTES - at < END64_BYTES ||
            !has_mark(file, (size_t)at, END64_MARK, END64_BYTES))
            return APUS__FILE_FAIL(file, end - LOCATOR_BYTES, "the zip64 end record is not where it should be");
        record = file->data + at;
        *out = (directory){apus__load(record + 32, 8), apus__load(record + 40, 8), apus__load(record + 48, 8)};
        limit = (size_t)at;
    }
    if (out->offset > limit || out->bytes > limit - out->offset)
        return APUS__FILE_FAIL(file, end, "the zip directory lies outside the file");
    if (out->count > out->bytes / CENTRAL_BYTES)
        return APUS__FILE_FAIL(file, end, "the zip directory is too small for %llu members",
                               (unsigned long long)out->count);
    return APUS_STATUS_ok;
}

/// Replaces the sizes that do not fit in 32 bits by those of the zip64 field.
static apus_status read_zip64(const apus_file *file, size_t at, const unsigned char *extra, size_t length,
                              uint64_t *bytes, uint64_t *packed, uint64_t *header) {
    uint64_t *wanted[] = {bytes, packed, header};
    bool missing = *bytes == UINT32_MAX || *packed == UINT32_MAX || *header == UINT32_MAX;
    while (missing && length >= 4) {
        size_t id = apus__load(extra, 2), size = apus__load(extra + 2, 2);
        if (size > length - 4) break;
        if (id == 1) {
            const unsigned char *field = extra + 4;
            missing = false;
            for (int i = 0; i < 3 && !missing; i++) {
                if (*wanted[i] != UINT32_MAX) continue;
                missing = (size_t)(extra + 4 + size - field) < 8;
                if (!missing) *wanted[i] = apus__load(field, 8);
                field += 8;
            }
            break;
        }
        extra += 4 + size;
        length -= 4 + size;
    }
    if (missing) return APUS__FILE_FAIL(file, at, "a zip member lacks its 64-bit sizes");
    return APUS_STATUS_ok;
}

/// The member that the directory's record at `at` describes. `limit` is the directory's start.
static apus_status read_member(apus__zip_member *member, const apus_file *file, size_t at, size_t limit) {
    const unsigned char *record = file->data + at;
    size_t name_length = apus__load(record + 28, 2), extra = apus__load(record + 30, 2);
    unsigned method = (unsigned)apus__load(record + 10, 2);
    uint64_t packed = apus__load(record + 20, 4), bytes = apus__load(record + 24, 4),
             header = apus__load(record + 42, 4);
    const char *name = (const char *)record + CENTRAL_BYTES;
    if (!apus__is_name(name, name_length)) return APUS__FILE_FAIL(file, at, "a zip member's name is not UTF-8");
    int shown = name_length > 200 ? 200 : (int)name_length;
    if ((record[8] & 1) != 0)
        return APUS__FILE_FAIL(file, at, "\"%.*s\" is encrypted, which is not supported", shown, name);
    if (method != 0 && method != 8)
        return APUS__FILE_FAIL(file, at, "\"%.*s\" is compressed by method %u; stored and deflated are supported",
                               shown, name, method);
    APUS_TRY(read_zip64(file, at, record + CENTRAL_BYTES + name_length, extra, &bytes, &packed, &header));
    if (header > limit || limit - header < LOCAL_BYTES || !has_mark(file, (size_t)header, LOCAL_MARK, LOCAL_BYTES))
        return APUS__FILE_FAIL(file, at, "\"%.*s\" is not where the directory says", shown, name);
    const unsigned char *local = file->data + header;
    size_t start = (size_t)header + LOCAL_BYTES + apus__load(local + 26, 2) + apus__load(local + 28, 2);
    if (start > limit || packed > limit - start)
        return APUS__FILE_FAIL(file, at, "\"%.*s\" does not lie inside the file", shown, name);
    if (apus__load(local + 26, 2) != name_length || memcmp(local + LOCAL_BYTES, name, name_length) != 0)
        return APUS__FILE_FAIL(file, header, "the directory calls this member \"%.*s\", its header another name", shown,
                               name);
    bool fits = method == 0 ? bytes == packed : bytes / LARGEST_RATIO <= packed;
    if (!fits)
        return APUS__FILE_FAIL(file, at, "\"%.*s\" cannot hold %llu bytes in %llu", shown, name,
                               (unsigned long long)bytes, (unsigned long long)packed);
    *member = (apus__zip_member){name,           name_length,   method == 8,    (uint32_t)apus__load(record + 16, 4),
                                 (size_t)packed, (size_t)bytes, (size_t)header, start};
    return APUS_STATUS_ok;
}

static int compare_places(const void *left, const void *right) {
    const apus__zip_member *a = *(const apus__zip_member *const *)left, *b = *(const apus__zip_member *const *)right;
    return (a->header > b->header) - (a->header < b->header);
}

/// Members that share bytes are how a small file claims to hold a great deal.
static apus_status check_overlap(const apus__zip *zip) {
    const apus__zip_member **sorted = malloc(zip->count * sizeof *sorted);
    if (sorted == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many zip members");
    for (size_t i = 0; i < zip->count; i++) sorted[i] = &zip->members[i];
    qsort(sorted, zip->count, sizeof *sorted, compare_places);
    apus_status status = APUS_STATUS_ok;
    for (size_t i = 1; i < zip->count && status == APUS_STATUS_ok; i++)
        if (sorted[i]->header < sorted[i - 1]->offset + sorted[i - 1]->packed)
            status = APUS__FILE_FAIL(zip->file, sorted[i]->header, "two zip members overlap");
    free(sorted);
    return status;
}

static const char *member_name(const void *zip, size_t i, size_t *length) {
    const apus__zip_member *member = &((const apus__zip *)zip)->members[i];
    *length = member->name_length;
    return member->name;
}

const apus__zip_member *apus__zip_find(const apus__zip *zip, const char *name, size_t length) {
    size_t place = apus__index_find(&zip->index, name, length, member_name, zip);
    return place == APUS__NOT_FOUND ? NULL : &zip->members[place];
}

static apus_status read_members(apus__zip *zip, const directory *where) {
    const apus_file *file = zip->file;
    size_t at = (size_t)where->offset, end = at + (size_t)where->bytes;
    for (; zip->count < where->count; zip->count++) {
        if (end - at < CENTRAL_BYTES || !has_mark(file, at, CENTRAL_MARK, CENTRAL_BYTES))
            return APUS__FILE_FAIL(file, at, "expected a record of the zip directory");
        const unsigned char *record = file->data + at;
        size_t size =
            CENTRAL_BYTES + apus__load(record + 28, 2) + apus__load(record + 30, 2) + apus__load(record + 32, 2);
        if (end - at < size) return APUS__FILE_FAIL(file, at, "a record of the zip directory is cut short");
        apus__zip_member *member = &zip->members[zip->count];
        APUS_TRY(read_member(member, file, at, (size_t)where->offset));
        if (apus__zip_find(zip, member->name, member->name_length) != NULL)
            return APUS__FILE_FAIL(file, at, "the name \"%.*s\" appears twice",
                                   member->name_length > 200 ? 200 : (int)member->name_length, member->name);
        APUS_TRY(apus__index_add(&zip->index, zip->count, member_name, zip));
        at += size;
    }
    return zip->count == 0 ? APUS_STATUS_ok : check_overlap(zip);
}

apus_status apus__zip_open(apus__zip *zip, apus_file *file) {
    directory where;
    *zip = (apus__zip){.file = file};
    APUS_TRY(find_directory(&where, file));
    zip->members = malloc(((size_t)where.count + 1) * sizeof *zip->members);
    if (zip->members == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many zip members");
    return read_members(zip, &where);
}

void apus__zip_close(apus__zip *zip) {
    free(zip->members);
    apus__index_free(&zip->index);
    *zip = (apus__zip){0};
}

bool apus__zip_name_is(const apus__zip_member *member, const char *name) {
    size_t length = strlen(name);
    if (member->name_length < length || memcmp(member->name + member->name_length - length, name, length) != 0)
        return false;
    return member->name_length == length || member->name[member->name_length - length - 1] == '/';
}

// ---- Unpacking

static apus_status check_crc(const apus__zip *zip, const apus__zip_member *member, const void *data) {
    if (crc32_z(0, data, member->bytes) == member->crc) return APUS_STATUS_ok;
    return APUS__FILE_FAIL(zip->file, member->offset, "\"%.*s\" is damaged: its check sum differs",
                           member->name_length > 200 ? 200 : (int)member->name_length, member->name);
}

/// Inflates until `*out` bytes came or the stream ends. Returns zlib's last word, and what is left of input and output.
static int inflate_into(z_stream *stream, size_t *in, unsigned char *data, size_t *out) {
    int result = Z_OK;
    stream->next_out = data;
    while (result == Z_OK && *out > 0) { // zlib counts in 32 bits
        unsigned in_step = *in > 1u << 30 ? 1u << 30 : (unsigned)*in;
        unsigned out_step = *out > 1u << 30 ? 1u << 30 : (unsigned)*out;
        stream->avail_in = in_step;
        stream->avail_out = out_step;
        result = inflate(stream, Z_NO_FLUSH);
        *in -= in_step - stream->avail_in;
        *out -= out_step - stream->avail_out;
    }
    return result;
}

static apus_status inflate_some(const apus__zip *zip, const apus__zip_member *member, unsigned char *data,
                                size_t bytes) {
    z_stream stream = {.next_in = zip->file->data + member->offset};
    int result = inflateInit2(&stream, -MAX_WBITS);
    size_t in = member->packed, out = bytes;
    if (result == Z_OK) {
        result = inflate_into(&stream, &in, data, &out);
        if (result == Z_OK && out == 0 && bytes == member->bytes) { // now the stream must end
            unsigned char surplus;
            size_t more = 1;
            result = inflate_into(&stream, &in, &surplus, &more);
            if (more == 0) result = Z_DATA_ERROR;
        }
        inflateEnd(&stream);
    }
    if (result == Z_MEM_ERROR)
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot inflate %s", zip->file->path);
    if (out == 0 && (result == Z_STREAM_END || (result == Z_OK && bytes < member->bytes))) return APUS_STATUS_ok;
    return APUS__FILE_FAIL(zip->file, member->offset + member->packed - in,
                           "the deflated data is damaged or of another length");
}

apus_status apus__zip_unpack(const apus__zip *zip, const apus__zip_member *member, void *data, size_t bytes) {
    if (bytes > member->bytes)
        return APUS__FILE_FAIL(zip->file, member->offset, "\"%.*s\" is cut short: expected %zu bytes, found %zu",
                               member->name_length > 200 ? 200 : (int)member->name_length, member->name, bytes,
                               member->bytes);
    if (member->deflated)
        APUS_TRY(inflate_some(zip, member, data, bytes));
    else if (bytes > 0)
        memcpy(data, zip->file->data + member->offset, bytes);
    return bytes == member->bytes ? check_crc(zip, member, data) : APUS_STATUS_ok;
}
