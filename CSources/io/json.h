// Reading JSON (RFC 8259) piece by piece, for headers whose grammar the caller knows. Nothing is built but the text of
// the string read last, so that a hostile text costs no more than its own length.
#ifndef APUS_IO_JSON_H
#define APUS_IO_JSON_H

#include "core/error.h"

typedef struct apus__json {
    const char *path; ///< for messages
    const unsigned char *text;
    size_t length, position;
    int64_t base; ///< what the text's start is called in messages
    char *string; ///< the string read last, NUL-terminated
    size_t string_length, string_capacity;
} apus__json;

/// Fails at a place in the text.
#define APUS__JSON_FAIL(json, place, ...)                                                                              \
    apus__fail_at(APUS_STATUS_format, (json)->path, (json)->base + (int64_t)(place), __VA_ARGS__)

/// Where the next value begins.
size_t apus__json_place(apus__json *json);
/// Whether the next character, after white space, is `character`; passes it then.
bool apus__json_take(apus__json *json, char character);
/// As above, or an error that says what stands there instead of `expected`.
apus_status apus__json_expect(apus__json *json, char character, const char *expected);
/// Fails where more than white space follows.
apus_status apus__json_end(apus__json *json);
/// What the next value is, in words.
const char *apus__json_kind(apus__json *json);
/// Reads a string into `json->string`, decoded and checked to be UTF-8.
apus_status apus__json_string(apus__json *json);
/// Reads an integer from 0 up that fits; false, at the value's start, for anything else.
bool apus__json_size(apus__json *json, int64_t *value);
void apus__json_free(apus__json *json);

#endif
