// Files that appear whole or not at all: written under another name in the same directory, then renamed.
#include "io/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/index.h"

enum {
    BUFFER_BYTES = 64 * 1024,
    ATTEMPTS = 100, ///< names to try
};

struct apus_writer {
    char *path;
    char *directory;
    char *temporary;
    int descriptor;
    size_t position; ///< bytes written, those in the buffer included
    size_t buffered;
    unsigned char buffer[BUFFER_BYTES];
};

static apus_status fail_write(const apus_writer *writer) {
    return apus__fail_at(APUS_STATUS_io, writer->path, -1, "cannot write: %s", strerror(errno));
}

static void free_writer(apus_writer *writer) {
    free(writer->path);
    free(writer->directory);
    free(writer->temporary);
    free(writer);
}

/// Splits the path; room for the temporary name comes with it.
static apus_status set_paths(apus_writer *writer, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (*name == '\0') return apus__fail_at(APUS_STATUS_io, path, -1, "cannot write: not a file name");
    writer->path = strdup(path);
    writer->directory = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    writer->temporary = malloc(strlen(path) + 64);
    if (writer->path == NULL || writer->directory == NULL || writer->temporary == NULL)
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot write %s", path);
    return APUS_STATUS_ok;
}

static apus_status create(apus_writer *writer) {
    const char *name = strrchr(writer->path, '/');
    name = name == NULL ? writer->path : name + 1;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        sprintf(writer->temporary, "%s/.%s.%ld.%d.part", writer->directory, name, (long)getpid(), attempt);
        writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->descriptor >= 0) return APUS_STATUS_ok;
        if (errno != EEXIST) break;
    }
    return fail_write(writer);
}

apus_status apus_writer_open(apus_writer **out, const char *path) {
    APUS_REQUIRE("writer_open", out);
    APUS_REQUIRE("writer_open", path);
    apus_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot write %s", path);
    apus_status status = set_paths(writer, path);
    if (status == APUS_STATUS_ok) status = create(writer);
    if (status != APUS_STATUS_ok) {
        free_writer(writer);
        return status;
    }
    *out = writer;
    return APUS_STATUS_ok;
}

static apus_status write_all(apus_writer *writer, const unsigned char *data, size_t bytes) {
    while (bytes > 0) {
        ssize_t count = write(writer->descriptor, data, bytes);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return fail_write(writer);
        data += count;
        bytes -= (size_t)count;
    }
    return APUS_STATUS_ok;
}

static apus_status flush(apus_writer *writer) {
    size_t bytes = writer->buffered;
    writer->buffered = 0;
    return write_all(writer, writer->buffer, bytes);
}

apus_status apus_writer_write(apus_writer *writer, const void *data, size_t bytes) {
    APUS_REQUIRE("writer_write", writer);
    if (bytes == 0) return APUS_STATUS_ok;
    APUS_REQUIRE("writer_write", data);
    writer->position += bytes;
    if (bytes > BUFFER_BYTES - writer->buffered) APUS_TRY(flush(writer));
    if (bytes >= BUFFER_BYTES) return write_all(writer, data, bytes);
    memcpy(writer->buffer + writer->buffered, data, bytes);
    writer->buffered += bytes;
    return APUS_STATUS_ok;
}

size_t apus__writer_position(const apus_writer *writer) { return writer->position; }
const char *apus__writer_path(const apus_writer *writer) { return writer->path; }

apus_status apus__writer_patch(apus_writer *writer, size_t position, const void *data, size_t bytes) {
    APUS_TRY(flush(writer));
    const unsigned char *rest = data;
    while (bytes > 0) {
        ssize_t count = pwrite(writer->descriptor, rest, bytes, (off_t)position);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return fail_write(writer);
        rest += count;
        position += (size_t)count;
        bytes -= (size_t)count;
    }
    return APUS_STATUS_ok;
}

apus_status apus__writer_zeros(apus_writer *writer, size_t count) {
    static const unsigned char zeros[64];
    for (; count > sizeof zeros; count -= sizeof zeros) APUS_TRY(apus_writer_write(writer, zeros, sizeof zeros));
    return apus_writer_write(writer, zeros, count);
}

/// Makes the renaming itself outlast a power cut, where the system allows it.
static void sync_directory(const apus_writer *writer) {
    int descriptor = open(writer->directory, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    fsync(descriptor);
    close(descriptor);
}

static apus_status commit_file(apus_writer *writer) {
    APUS_TRY(flush(writer));
    if (fsync(writer->descriptor) != 0) return fail_write(writer);
    int descriptor = writer->descriptor;
    writer->descriptor = -1;
    if (close(descriptor) != 0) return fail_write(writer);
    if (rename(writer->temporary, writer->path) != 0) return fail_write(writer);
    sync_directory(writer);
    return APUS_STATUS_ok;
}

apus_status apus_writer_close(apus_writer *writer, bool commit) {
    if (writer == NULL) return APUS_STATUS_ok;
    apus_status status = commit ? commit_file(writer) : APUS_STATUS_ok;
    if (writer->descriptor >= 0) close(writer->descriptor);
    if (!commit || status != APUS_STATUS_ok) unlink(writer->temporary);
    free_writer(writer);
    return status;
}

apus_status apus__writer_end(apus_writer *writer, apus_status status) {
    apus_status closed = apus_writer_close(writer, status == APUS_STATUS_ok);
    return status == APUS_STATUS_ok ? closed : status;
}

apus_status apus__host_tensor(apus_tensor **out, const apus_tensor *t) {
    if (t->storage->device == APUS_DEVICE_CPU) return apus_tensor_contiguous(out, t);
    return apus_tensor_to(out, t, t->dtype, APUS_DEVICE_CPU);
}

/// The names as apus__index sees them.
static const char *name_at(const void *names, size_t i, size_t *length) {
    const char *name = ((const char *const *)names)[i];
    *length = strlen(name);
    return name;
}

apus_status apus__check_named(const char *path, size_t count, const char *const *names,
                              const apus_tensor *const *tensors) {
    APUS_REQUIRE("save", path);
    if (count == 0) return APUS_STATUS_ok;
    APUS_REQUIRE("save", names);
    APUS_REQUIRE("save", tensors);
    apus__index index = {0};
    apus_status status = APUS_STATUS_ok;
    for (size_t i = 0; i < count && status == APUS_STATUS_ok; i++) {
        if (names[i] == NULL || tensors[i] == NULL)
            status =
                apus__fail(APUS_STATUS_null_argument, "save: %s %zu is null", names[i] == NULL ? "name" : "tensor", i);
        else if (!apus__is_utf8(names[i], strlen(names[i])))
            status = apus__fail_at(APUS_STATUS_invalid_argument, path, -1, "cannot write: name %zu is not UTF-8", i);
        else if (apus__index_find(&index, names[i], strlen(names[i]), name_at, names) != APUS__NOT_FOUND)
            status = apus__fail_at(APUS_STATUS_invalid_argument, path, -1, "cannot write: the name \"%s\" is taken",
                                   names[i]);
        else
            status = apus__index_add(&index, i, name_at, names);
    }
    apus__index_free(&index);
    return status;
}
