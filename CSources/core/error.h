// Failing: the one way to return an error, so that a status never goes without its text.
#ifndef APUS_CORE_ERROR_H
#define APUS_CORE_ERROR_H

#include "apus/tensor.h"

/// Records the message for this thread and returns `status`.
apus_status apus__fail(apus_status status, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/// As above for a file: "path: byte 12: message", without the byte where `offset` is negative.
apus_status apus__fail_at(apus_status status, const char *path, int64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

/// Returns from the calling function when the expression fails.
#define APUS_TRY(expression)                                                                                           \
    do {                                                                                                               \
        apus_status apus__status = (expression);                                                                       \
        if (apus__status != APUS_STATUS_ok) return apus__status;                                                       \
    } while (0)

/// Returns an error when a pointer argument is NULL.
#define APUS_REQUIRE(op, pointer)                                                                                      \
    do {                                                                                                               \
        if ((pointer) == NULL) return apus__fail(APUS_STATUS_null_argument, "%s: %s is null", op, #pointer);           \
    } while (0)

/// Fails unless options are there and begin with at least `size`, what their struct takes in this version.
apus_status apus__check_options(const char *op, const void *options, size_t size);

/// Room for a shape or a tensor's description in a message. Longer ones end in an ellipsis.
typedef struct apus__text {
    char text[256];
} apus__text;

/// "[2, 3]". Returns buffer->text.
const char *apus__describe_shape(apus__text *buffer, int32_t rank, const int64_t *shape);
/// "float32[2, 3]". Returns buffer->text.
const char *apus__describe(apus__text *buffer, const apus_tensor *t);

#endif
