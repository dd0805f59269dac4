#include "io/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"

static int next(const apus__json *json) { return json->position < json->length ? json->text[json->position] : -1; }

static void skip_space(apus__json *json) {
    for (int c = next(json); c == ' ' || c == '\n' || c == '\r' || c == '\t'; c = next(json)) json->position++;
}

static apus_status fail_expected(const apus__json *json, const char *expected) {
    int c = next(json);
    char found[16] = "the end";
    if (c > ' ' && c < 0x7f) snprintf(found, sizeof found, "'%c'", c);
    if (c >= 0x7f || (c >= 0 && c <= ' ')) snprintf(found, sizeof found, "byte %d", c);
    return APUS__JSON_FAIL(json, json->position, "expected %s, found %s", expected, found);
}

size_t apus__json_place(apus__json *json) {
    skip_space(json);
    return json->position;
}

bool apus__json_take(apus__json *json, char character) {
    skip_space(json);
    if (next(json) != character) return false;
    json->position++;
    return true;
}

apus_status apus__json_expect(apus__json *json, char character, const char *expected) {
    return apus__json_take(json, character) ? APUS_STATUS_ok : fail_expected(json, expected);
}

apus_status apus__json_end(apus__json *json) {
    skip_space(json);
    return json->position == json->length ? APUS_STATUS_ok : fail_expected(json, "the end of the text");
}

const char *apus__json_kind(apus__json *json) {
    skip_space(json);
    switch (next(json)) {
    case '{': return "an object";
    case '[': return "an array";
    case '"': return "a string";
    case 't':
    case 'f': return "true or false";
    case 'n': return "null";
    case -1: return "the end";
    default: return "a number";
    }
}

// ---- Strings

static apus_status put(apus__json *json, char c) {
    char *grown = apus__grow(json->string, json->string_length, &json->string_capacity, 1);
    if (grown == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: a string is too long");
    json->string = grown;
    json->string[json->string_length++] = c;
    return APUS_STATUS_ok;
}

static apus_status put_scalar(apus__json *json, uint32_t scalar) {
    if (scalar < 0x80) return put(json, (char)scalar);
    int shift = scalar < 0x800 ? 6 : scalar < 0x10000 ? 12 : 18;
    APUS_TRY(put(json, (char)((shift == 6 ? 0xc0 : shift == 12 ? 0xe0 : 0xf0) | scalar >> shift)));
    while ((shift -= 6) >= 0) APUS_TRY(put(json, (char)(0x80 | (scalar >> shift & 0x3f))));
    return APUS_STATUS_ok;
}

static apus_status read_unit(apus__json *json, uint32_t *unit) {
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int c = next(json);
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (c < 0 || digit < 0) return fail_expected(json, "a hexadecimal digit");
        *unit = *unit << 4 | (uint32_t)digit;
        json->position++;
    }
    return APUS_STATUS_ok;
}

/// What follows "\u": four digits, or a surrogate pair of two such escapes.
static apus_status read_unicode(apus__json *json) {
    size_t start = json->position - 2;
    uint32_t high, low;
    APUS_TRY(read_unit(json, &high));
    if (high < 0xd800 || high >= 0xe000) return put_scalar(json, high);
    bool has_partner = high < 0xdc00 && json->length - json->position >= 6 && json->text[json->position] == '\\' &&
                       json->text[json->position + 1] == 'u';
    if (has_partner) {
        json->position += 2;
        APUS_TRY(read_unit(json, &low));
        if (low >= 0xdc00 && low < 0xe000) return put_scalar(json, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
    }
    return APUS__JSON_FAIL(json, start, "a surrogate without its partner");
}

static apus_status read_escape(apus__json *json) {
    static const char escapes[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
    int c = next(json);
    const char *found = c <= 0 ? NULL : strchr(escapes, c);
    if (found == NULL && c != 'u') return fail_expected(json, "an escape");
    json->position++;
    return c == 'u' ? read_unicode(json) : put(json, characters[found - escapes]);
}

apus_status apus__json_string(apus__json *json) {
    skip_space(json);
    size_t start = json->position;
    if (next(json) != '"') return fail_expected(json, "a string");
    json->position++;
    json->string_length = 0;
    for (int c = next(json); c != '"'; c = next(json)) {
        if (c < 0) return fail_expected(json, "'\"' to end the string");
        if (c < 0x20) return fail_expected(json, "a character");
        json->position++;
        APUS_TRY(c == '\\' ? read_escape(json) : put(json, (char)c));
    }
    json->position++;
    if (!apus__is_utf8(json->string == NULL ? "" : json->string, json->string_length))
        return APUS__JSON_FAIL(json, start, "the string is not valid UTF-8");
    APUS_TRY(put(json, '\0'));
    json->string_length--;
    return APUS_STATUS_ok;
}

// ---- Numbers

bool apus__json_size(apus__json *json, int64_t *value) {
    skip_space(json);
    size_t start = json->position, digits = 0;
    bool fits = true;
    *value = 0;
    for (int c = next(json); c >= '0' && c <= '9'; c = next(json), digits++) {
        fits = fits && !__builtin_mul_overflow(*value, 10, value) && !__builtin_add_overflow(*value, c - '0', value);
        json->position++;
    }
    int c = next(json);
    bool is_whole = digits > 0 && (digits == 1 || json->text[start] != '0') && c != '.' && c != 'e' && c != 'E';
    if (!fits || !is_whole) json->position = start;
    return fits && is_whole;
}

void apus__json_free(apus__json *json) { free(json->string); }
