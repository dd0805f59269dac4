#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/tensor.h"

static _Thread_local char last_error[1024];
static _Thread_local size_t detail_start; ///< where the message follows a file's name and a place
static _Thread_local int64_t file_offset = -1;

const char *apus_last_error(void) { return last_error; }

const char *apus_last_error_detail(int64_t *offset) {
    if (offset != NULL) *offset = file_offset;
    return last_error + detail_start;
}

apus_status apus_fail(apus_status status, const char *text) {
    return apus__fail(status, "%s", text == NULL ? apus_status_text(status) : text);
}

apus_status apus__fail(apus_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_error, sizeof last_error, format, arguments);
    va_end(arguments);
    detail_start = 0;
    file_offset = -1;
    return status;
}

apus_status apus__fail_at(apus_status status, const char *path, int64_t offset, const char *format, ...) {
    // Of a long path the end tells more, and the message must have room behind it.
    enum { MOST = 512 };
    size_t length = strlen(path);
    const char *shown = length > MOST ? path + length - MOST : path;
    int start = offset < 0 ? snprintf(last_error, sizeof last_error, "%s%s: ", shown == path ? "" : "…", shown)
                           : snprintf(last_error, sizeof last_error, "%s%s: byte %lld: ", shown == path ? "" : "…",
                                      shown, (long long)offset);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_error + start, sizeof last_error - (size_t)start, format, arguments);
    va_end(arguments);
    detail_start = (size_t)start;
    file_offset = offset < 0 ? -1 : offset;
    return status;
}

apus_status apus__check_options(const char *op, const void *options, size_t size) {
    APUS_REQUIRE(op, options);
    size_t given = *(const size_t *)options;
    if (given >= size) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_invalid_argument, "%s: options->size is %zu, where the struct takes %zu bytes", op,
                      given, size);
}

const char *apus_status_text(apus_status status) {
    switch (status) {
#define APUS_STATUS(number, name, text)                                                                                \
    case APUS_STATUS_##name:                                                                                           \
        return text;
#include "apus/status.def"
#undef APUS_STATUS
    }
    return "unknown status";
}

static void append_shape(apus__text *buffer, size_t length, int32_t rank, const int64_t *shape) {
    const size_t capacity = sizeof buffer->text;
    length += (size_t)snprintf(buffer->text + length, capacity - length, "[");
    for (int32_t i = 0; i < rank; i++) {
        if (length > capacity - 32) {
            snprintf(buffer->text + length, capacity - length, "…]");
            return;
        }
        length += (size_t)snprintf(buffer->text + length, capacity - length, "%s%lld", i == 0 ? "" : ", ",
                                   (long long)shape[i]);
    }
    snprintf(buffer->text + length, capacity - length, "]");
}

const char *apus__describe_shape(apus__text *buffer, int32_t rank, const int64_t *shape) {
    append_shape(buffer, 0, rank, shape);
    return buffer->text;
}

const char *apus__describe(apus__text *buffer, const apus_tensor *t) {
    if (t == NULL) {
        snprintf(buffer->text, sizeof buffer->text, "null");
        return buffer->text;
    }
    int length = snprintf(buffer->text, sizeof buffer->text, "%s", apus_dtype_name(t->dtype));
    append_shape(buffer, (size_t)length, t->rank, t->shape);
    return buffer->text;
}
