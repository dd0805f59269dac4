// What the tests of file formats share: fixtures, temporary files, and the formula of their elements.
#ifndef APUS_TESTS_CHECK_FILES_H
#define APUS_TESTS_CHECK_FILES_H

#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

/// The path of a fixture. Valid until the next call.
static inline const char *fixture(const char *name) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", FORMATS_FOLDER, name);
    return path;
}

/// The path of a file of this test's own, in a folder that goes with remove_temporary. Valid until the next call.
static inline const char *temporary(const char *name) {
    static char folder[256], path[512];
    if (folder[0] == '\0') {
        const char *root = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/apus-test-XXXXXX", root == NULL ? "/tmp" : root);
        if (mkdtemp(folder) == NULL) abort();
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/// Writes a file of the test's own.
static inline const char *write_temporary(const char *name, const void *data, size_t bytes) {
    const char *path = temporary(name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, bytes, file) != bytes || fclose(file) != 0) abort();
    return path;
}

/// Removes the files named, then their folder, which must be empty then: writers leave nothing else behind.
static inline void remove_temporary(int count, const char *const *names) {
    for (int i = 0; i < count; i++) unlink(temporary(names[i]));
    char folder[512];
    snprintf(folder, sizeof folder, "%s", temporary(""));
    folder[strlen(folder) - 1] = '\0';
    CHECK(rmdir(folder) == 0);
}

/// Opens an archive; NULL after a failed check.
static inline apus_archive *open_archive(const char *path, apus_archive_format format) {
    apus_archive *archive = NULL;
    CHECK_OK(apus_archive_open(&archive, path, format, false));
    return archive;
}

/// The tensor of that name; NULL after a failed check.
static inline apus_tensor *tensor_named(const apus_archive *archive, const char *name) {
    apus_tensor *t = NULL;
    int64_t index = apus_archive_find(archive, name);
    CHECK(index >= 0);
    if (index < 0) printf("there is no %s\n", name);
    if (index >= 0) CHECK_OK(apus_archive_tensor(&t, archive, (size_t)index));
    return t;
}

/// Element i of the fixtures' arrays.
static inline double formula(int64_t i, apus_dtype dtype) {
    if (dtype == APUS_DTYPE_bool) return i % 3 == 0;
    bool is_unsigned = !apus_dtype_is_signed(dtype);
    double value = is_unsigned ? 7.0 * (double)i : (double)i / 2 - 3;
    bool is_whole = !apus_dtype_is_floating_point(dtype) && !apus_dtype_is_complex(dtype);
    return is_whole ? trunc(value) : value;
}

/// Checks a tensor's dtype, its shape [2, 3] and its elements; of complex ones, the imaginary part is i.
static inline void check_formula(const apus_tensor *t, apus_dtype dtype) {
    if (t == NULL) return;
    CHECK(apus_tensor_dtype(t) == dtype);
    CHECK(apus_tensor_rank(t) == 2 && apus_tensor_shape(t)[0] == 2 && apus_tensor_shape(t)[1] == 3);
    double values[12] = {0};
    bool is_complex = apus_dtype_is_complex(dtype);
    apus_dtype wide = is_complex ? APUS_DTYPE_complex128 : APUS_DTYPE_float64;
    CHECK_OK(apus_tensor_read(t, wide, values, (is_complex ? 12 : 6) * sizeof(double)));
    for (int64_t i = 0; i < 6; i++) {
        CHECK(values[is_complex ? 2 * i : i] == formula(i, dtype));
        if (is_complex) CHECK(values[2 * i + 1] == (double)i);
    }
}

/// Whether two tensors have the same dtype, shape and bytes.
static inline bool same_tensor(const apus_tensor *a, const apus_tensor *b) {
    if (a == NULL || b == NULL || apus_tensor_dtype(a) != apus_tensor_dtype(b) ||
        apus_tensor_rank(a) != apus_tensor_rank(b))
        return false;
    for (int32_t i = 0; i < apus_tensor_rank(a); i++)
        if (apus_tensor_shape(a)[i] != apus_tensor_shape(b)[i]) return false;
    size_t bytes = (size_t)apus_tensor_numel(a) * apus_dtype_size(apus_tensor_dtype(a));
    char *left = malloc(bytes + 1), *right = malloc(bytes + 1);
    bool same =
        left != NULL && right != NULL && apus_tensor_read(a, apus_tensor_dtype(a), left, bytes) == APUS_STATUS_ok &&
        apus_tensor_read(b, apus_tensor_dtype(b), right, bytes) == APUS_STATUS_ok && memcmp(left, right, bytes) == 0;
    free(left);
    free(right);
    return same;
}

#endif
