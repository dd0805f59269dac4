// Reading CSV files of numbers (RFC 4180).
#include "io/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_BYTES = 512 }; // the longest number

apus_status apus__csv_options(apus_csv_options *options, const apus_csv_options *given) {
    *options = (apus_csv_options){0};
    if (given != NULL) memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
    if (options->separator == '\0') options->separator = ',';
    if (strchr(" ,;|:\t", options->separator) != NULL) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_invalid_argument,
                      "csv: the separator is none of comma, semicolon, tab, bar, colon and space");
}

apus_status apus__begin_c_locale(apus__c_locale *l) {
    l->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (l->c == (locale_t)0) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot make a locale");
    l->before = uselocale(l->c);
    return APUS_STATUS_ok;
}

void apus__end_c_locale(const apus__c_locale *l) {
    uselocale(l->before);
    freelocale(l->c);
}

typedef struct reader {
    const apus_file *file;
    apus_csv_options options;
    apus_dtype dtype;
    size_t position;
    int64_t row, column, columns; ///< row and column as messages count them; columns is 0 until it is known
    char field[FIELD_BYTES];      ///< the field read last, as far as it fits
    size_t length;
    unsigned char *numbers; ///< of 8 bytes: doubles, or int64
    size_t count, capacity;
} reader;

static apus_status fail_field(const reader *r, size_t place, const char *what) {
    return APUS__FILE_FAIL(r->file, place, "row %lld, column %lld: %s", (long long)r->row, (long long)r->column, what);
}

static int next(const reader *r) { return r->position < r->file->bytes ? r->file->data[r->position] : -1; }

static void put(reader *r, int c) {
    if (r->length < FIELD_BYTES - 1) r->field[r->length] = (char)c;
    r->length++;
}

/// Reads a field up to what ends it: the separator, a line's end or the file's.
static apus_status read_field(reader *r) {
    r->length = 0;
    size_t start = r->position;
    if (next(r) == '"') {
        for (r->position++;; r->position++) {
            int c = next(r);
            if (c < 0) return fail_field(r, start, "the quoted field does not end");
            if (c == '"' && (++r->position, next(r) != '"')) break;
            put(r, c);
        }
    } else {
        for (int c = next(r); c >= 0 && c != r->options.separator && c != '\n' && c != '\r'; c = next(r)) {
            put(r, c);
            r->position++;
        }
    }
    r->field[r->length < FIELD_BYTES ? r->length : FIELD_BYTES - 1] = '\0';
    int c = next(r);
    if (c < 0 || c == r->options.separator || c == '\n' || c == '\r') return APUS_STATUS_ok;
    return fail_field(r, r->position, "expected the field's end behind its quote");
}

/// Passes a line's end; false where there is none here.
static bool take_line_end(reader *r) {
    if (next(r) == '\r' && r->position + 1 < r->file->bytes && r->file->data[r->position + 1] == '\n') r->position++;
    if (next(r) != '\n' && next(r) != '\r') return false;
    r->position++;
    return true;
}

/// Digits with a point or an exponent, or inf and nan; false where C's own reading of numbers is needed or nothing
/// fits.
static bool read_short(const char *text, double *number) {
    // Up to 15 digits and a power of ten up to 22 are exact in a double, and so is one operation on them rounded once.
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool is_negative = *text == '-';
    text += is_negative;
    int64_t digits = 0;
    int count = 0, fraction = 0;
    for (; *text >= '0' && *text <= '9'; text++, count++) digits = 10 * digits + (*text - '0');
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9' && count <= 15; text++, count++, fraction++)
            digits = 10 * digits + (*text - '0');
    if (*text != '\0' || count == 0 || count > 15) return false;
    *number = (double)digits / powers[fraction];
    if (is_negative) *number = -*number;
    return true;
}

static bool parse_float(const reader *r, double *number) {
    if (r->length == 0) return *number = NAN, r->options.allow_empty;
    if (r->length >= FIELD_BYTES) return false;
    if (r->length < 18 && read_short(r->field, number)) return true;
    // strtod also takes hexadecimal numbers and white space.
    if (strspn(r->field, "0123456789+-.eE") < r->length && strspn(r->field, "+-infatyINFATY") < r->length) return false;
    char *end;
    *number = strtod(r->field, &end);
    return end != r->field && *end == '\0';
}

static bool parse_int(const reader *r, int64_t *number) {
    const char *text = r->field;
    bool is_negative = *text == '-';
    text += is_negative || *text == '+';
    *number = 0;
    if (*text == '\0' || r->length >= FIELD_BYTES) return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        int digit = is_negative ? '0' - *text : *text - '0';
        if (__builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, digit, number)) return false;
    }
    return *text == '\0' && strlen(r->field) == r->length;
}

/// Drops spaces and tabs around a number.
static void trim(reader *r) {
    if (r->length >= FIELD_BYTES) return;
    size_t start = strspn(r->field, " \t");
    while (r->length > start && strchr(" \t", r->field[r->length - 1]) != NULL) r->length--;
    memmove(r->field, r->field + start, r->length -= start);
    r->field[r->length] = '\0';
}

static apus_status add_number(reader *r, size_t place) {
    unsigned char *grown = apus__grow(r->numbers, r->count, &r->capacity, 8);
    if (grown == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot read %s", r->file->path);
    r->numbers = grown;
    int64_t integer;
    double real;
    trim(r);
    bool is_int = r->dtype == APUS_DTYPE_int64;
    if (is_int ? !parse_int(r, &integer) : !parse_float(r, &real)) {
        char what[160];
        snprintf(what, sizeof what, "\"%.60s\" is no %s", r->field, is_int ? "integer of 64 bits" : "number");
        return fail_field(r, place, what);
    }
    memcpy(r->numbers + 8 * r->count++, is_int ? (void *)&integer : (void *)&real, 8);
    return APUS_STATUS_ok;
}

static apus_status add_name(reader *r, apus_value *header, size_t place) {
    apus_value *name = NULL;
    if (r->length >= FIELD_BYTES || !apus__is_utf8(r->field, r->length))
        return fail_field(r, place, "the name is too long or not UTF-8");
    APUS_TRY(apus_value_string(&name, r->field, r->length));
    return apus__value_give(header, name);
}

/// One line: names into `header`, or numbers where that is NULL.
static apus_status read_row(reader *r, apus_value *header) {
    size_t start = r->position;
    for (r->column = 1;; r->column++, r->position++) {
        size_t place = r->position;
        APUS_TRY(read_field(r));
        APUS_TRY(header != NULL ? add_name(r, header, place) : add_number(r, place));
        if (next(r) != r->options.separator) break;
    }
    take_line_end(r);
    if (r->columns == 0) r->columns = r->column;
    if (r->columns == r->column) return APUS_STATUS_ok;
    return APUS__FILE_FAIL(r->file, start, "row %lld has %lld fields, expected %lld", (long long)r->row,
                           (long long)r->column, (long long)r->columns);
}

static apus_status read_rows(reader *r, apus_value *header) {
    static const char mark[] = "\xef\xbb\xbf"; // of UTF-8, as spreadsheets write it
    if (r->file->bytes >= 3 && memcmp(r->file->data, mark, 3) == 0) r->position = 3;
    r->row = 1;
    if (r->options.has_header && r->position < r->file->bytes) {
        APUS_TRY(read_row(r, header));
        r->row++;
    }
    size_t end = r->file->bytes;
    while (end > 0 && (r->file->data[end - 1] == '\n' || r->file->data[end - 1] == '\r')) end--;
    for (; r->position < end; r->row++) APUS_TRY(read_row(r, NULL));
    return APUS_STATUS_ok;
}

static apus_status make_tensor(apus_tensor **out, const reader *r) {
    int64_t columns = r->columns, shape[] = {columns == 0 ? 0 : (int64_t)r->count / columns, columns};
    apus_dtype wide = r->dtype == APUS_DTYPE_int64 ? APUS_DTYPE_int64 : APUS_DTYPE_float64;
    apus_tensor *t = NULL;
    APUS_TRY(
        apus_tensor_from_data(&t, wide, 2, shape, r->numbers == NULL ? (void *)shape : r->numbers, APUS_DEVICE_CPU));
    if (wide == r->dtype) return *out = t, APUS_STATUS_ok;
    apus_status status = apus_tensor_to(out, t, r->dtype, APUS_DEVICE_CPU);
    apus_tensor_release(t);
    return status;
}

apus_status apus_csv_read(apus_tensor **out, apus_value **header, const apus_file *file, apus_dtype dtype,
                          const apus_csv_options *options) {
    APUS_REQUIRE("csv_read", out);
    APUS_REQUIRE("csv_read", file);
    if (*out != NULL)
        return apus__fail(APUS_STATUS_invalid_argument, "csv_read: *out is not null; it is always a new tensor");
    if (dtype != APUS_DTYPE_float32 && dtype != APUS_DTYPE_float64 && dtype != APUS_DTYPE_int64)
        return apus__fail(APUS_STATUS_dtype, "csv_read: reads float32, float64 and int64, not %s",
                          apus_dtype_name(dtype));
    reader r = {.file = file, .dtype = dtype};
    APUS_TRY(apus__csv_options(&r.options, options));
    apus_value *names = NULL;
    apus__c_locale locale;
    APUS_TRY(apus_value_container(&names, APUS_VALUE_list));
    apus_status status = apus__begin_c_locale(&locale);
    if (status == APUS_STATUS_ok) {
        status = read_rows(&r, names);
        apus__end_c_locale(&locale);
    }
    if (status == APUS_STATUS_ok) status = make_tensor(out, &r);
    free(r.numbers);
    if (status == APUS_STATUS_ok && header != NULL)
        *header = names;
    else
        apus_value_release(names);
    return status;
}
