// One hostile input through one reader: what the mutation test and the fuzzers do with each.
#ifndef APUS_TESTS_HOSTILE_H
#define APUS_TESTS_HOSTILE_H

#include <string.h>

#include "apus/apus.h"
#include "io/pickle.h"

/// The readers; the last two are no archives. A bare pickle is what a zip file guards by a check sum.
typedef enum hostile_reader {
    HOSTILE_safetensors,
    HOSTILE_npy,
    HOSTILE_npz,
    HOSTILE_torch,
    HOSTILE_legacy,
    HOSTILE_gguf,
    HOSTILE_csv,
    HOSTILE_pickle,
    HOSTILE_COUNT,
} hostile_reader;

enum {
    HOSTILE_MOST_READ = 1 << 16,  ///< elements; a tensor of stride 0 may have any number of them
    HOSTILE_MOST_BYTES = 1 << 20, ///< of a storage that a bare pickle asks for
};

/// Touches every element.
static inline void hostile_touch(const apus_tensor *t) {
    int64_t numel = apus_tensor_numel(t);
    if (t == NULL || numel > HOSTILE_MOST_READ) return;
    size_t bytes = (size_t)numel * apus_dtype_size(apus_tensor_dtype(t));
    void *data = malloc(bytes + 1);
    if (data != NULL && apus_tensor_read(t, apus_tensor_dtype(t), data, bytes) == APUS_STATUS_ok && bytes > 0)
        *(volatile unsigned char *)data;
    free(data);
}

/// Walks a tree as far as `budget` visits.
static inline void hostile_walk(const apus_value *value, int *budget) {
    if (--*budget < 0) return;
    hostile_touch(apus_value_get_tensor(value));
    size_t length;
    const char *text = apus_value_get_text(value, &length);
    if (text != NULL) *(const volatile char *)(text + length);
    for (size_t i = 0; i < apus_value_count(value) && *budget > 0; i++) {
        hostile_walk(apus_value_key(value, i), budget);
        hostile_walk(apus_value_item(value, i), budget);
    }
}

static inline apus_status hostile_read_archive(apus_file *file, apus_archive_format format) {
    apus_archive *archive = NULL;
    APUS_TRY(apus_archive_read(&archive, file, format));
    int budget = 10000;
    for (size_t i = 0; i < apus_archive_count(archive) && i < 100; i++) {
        apus_tensor *t = NULL;
        if (apus_archive_tensor(&t, archive, i) == APUS_STATUS_ok) hostile_touch(t);
        (void)apus_archive_find(archive, apus_archive_name(archive, i));
        apus_tensor_release(t);
    }
    hostile_walk(apus_archive_metadata(archive), &budget);
    hostile_walk(apus_archive_value(archive), &budget);
    apus_archive_release(archive);
    return APUS_STATUS_ok;
}

static inline apus_status hostile_read_csv(const apus_file *file) {
    static const apus_csv_options all = {.size = sizeof all, .separator = ',', .has_header = true, .allow_empty = true};
    for (int i = 0; i < 3; i++) {
        apus_tensor *t = NULL;
        apus_value *header = NULL;
        apus_dtype dtype = i == 0 ? APUS_DTYPE_float32 : i == 1 ? APUS_DTYPE_float64 : APUS_DTYPE_int64;
        APUS_TRY(apus_csv_read(&t, &header, file, dtype, i == 1 ? &all : NULL));
        hostile_touch(t);
        apus_tensor_release(t);
        apus_value_release(header);
    }
    return APUS_STATUS_ok;
}

/// Any storage, of zeros.
static inline apus_status hostile_storage(apus_storage **out, void *context, const apus__pickled_storage *storage) {
    (void)context;
    if (storage->bytes > HOSTILE_MOST_BYTES) return apus__fail(APUS_STATUS_format, "a storage too large for the test");
    APUS_TRY(apus__storage_new(out, storage->bytes, APUS_DEVICE_CPU));
    memset((*out)->data, 0, storage->bytes);
    return APUS_STATUS_ok;
}

static inline apus_status hostile_read_pickle(const unsigned char *data, size_t bytes) {
    apus__pickle pickle = {.path = "hostile", .data = data, .bytes = bytes};
    apus_status status = apus__pickle_read(&pickle);
    if (status == APUS_STATUS_ok) status = apus__pickle_resolve(&pickle, hostile_storage, NULL);
    int budget = 10000;
    if (status == APUS_STATUS_ok) hostile_walk(pickle.root, &budget);
    apus__pickle_free(&pickle);
    return status;
}

/// Reads an input and everything that is found in it. The input is a block of exactly its size, so that a sanitizer
/// sees every byte that is read beyond it.
static inline apus_status hostile_read(hostile_reader reader, const void *input, size_t bytes) {
    static const apus_archive_format formats[] = {
        [HOSTILE_safetensors] = APUS_ARCHIVE_safetensors,
        [HOSTILE_npy] = APUS_ARCHIVE_npy,
        [HOSTILE_npz] = APUS_ARCHIVE_npz,
        [HOSTILE_torch] = APUS_ARCHIVE_torch,
        [HOSTILE_legacy] = APUS_ARCHIVE_torch,
        [HOSTILE_gguf] = APUS_ARCHIVE_gguf,
    };
    void *data = malloc(bytes == 0 ? 1 : bytes);
    if (data == NULL) return APUS_STATUS_out_of_memory;
    if (bytes > 0) memcpy(data, input, bytes);
    apus_status status;
    apus_file *file = NULL;
    if (reader == HOSTILE_pickle) {
        status = hostile_read_pickle(data, bytes);
        free(data);
        return status;
    }
    APUS_TRY(apus_file_wrap(&file, "hostile", data, bytes, false, free, data));
    status = reader == HOSTILE_csv ? hostile_read_csv(file) : hostile_read_archive(file, formats[reader]);
    apus_file_release(file);
    return status;
}

#endif
