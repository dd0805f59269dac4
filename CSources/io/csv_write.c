// Writing tensors as CSV.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/csv.h"

/// The shortest digits that read back as the same number.
static int format_float(char *text, size_t capacity, double real, bool is_single) {
    int length = 0;
    for (int digits = is_single ? 6 : 15; digits <= 17; digits++) {
        length = snprintf(text, capacity, "%.*g", digits, real);
        if (is_single ? strtof(text, NULL) == (float)real : strtod(text, NULL) == real) break;
        if (isnan(real)) break;
    }
    return length;
}

static int format_number(char *text, size_t capacity, const void *numbers, int64_t i, apus_dtype as, bool is_single) {
    if (as == APUS_DTYPE_float64) return format_float(text, capacity, ((const double *)numbers)[i], is_single);
    if (as == APUS_DTYPE_uint64)
        return snprintf(text, capacity, "%llu", (unsigned long long)((const uint64_t *)numbers)[i]);
    return snprintf(text, capacity, "%lld", (long long)((const int64_t *)numbers)[i]);
}

static apus_status write_name(apus_writer *writer, const char *text, size_t length, char separator) {
    bool is_quoted = length == 0 || strpbrk(text, "\"\r\n") != NULL || strchr(text, separator) != NULL;
    if (is_quoted) APUS_TRY(apus_writer_write(writer, "\"", 1));
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') APUS_TRY(apus_writer_write(writer, "\"", 1));
        APUS_TRY(apus_writer_write(writer, text + i, 1));
    }
    return is_quoted ? apus_writer_write(writer, "\"", 1) : APUS_STATUS_ok;
}

static apus_status write_header(apus_writer *writer, const apus_value *header, char separator) {
    for (size_t i = 0; i < apus_value_count(header); i++) {
        size_t length;
        const char *text = apus_value_get_text(apus_value_item(header, i), &length);
        if (text == NULL)
            return apus__fail_at(APUS_STATUS_invalid_argument, apus__writer_path(writer), -1,
                                 "cannot write: column name %zu is no text", i);
        if (i > 0) APUS_TRY(apus_writer_write(writer, &separator, 1));
        APUS_TRY(write_name(writer, text, length, separator));
    }
    return apus_value_count(header) == 0 ? APUS_STATUS_ok : apus_writer_write(writer, "\n", 1);
}

static apus_status write_rows(apus_writer *writer, const apus_tensor *t, const void *numbers, apus_dtype as,
                              char separator) {
    int64_t columns = t->rank == 2 ? t->shape[1] : 1;
    bool is_single = apus__item_size(t) <= 4;
    for (int64_t i = 0; i < t->numel; i++) {
        char text[40];
        int length = format_number(text, sizeof text - 1, numbers, i, as, is_single);
        text[length] = (i + 1) % columns == 0 ? '\n' : separator;
        APUS_TRY(apus_writer_write(writer, text, (size_t)length + 1));
    }
    return APUS_STATUS_ok;
}

static apus_status write_file(const char *path, const apus_tensor *t, const void *numbers, apus_dtype as,
                              const apus_value *header, char separator) {
    apus_writer *writer = NULL;
    apus__c_locale locale;
    APUS_TRY(apus_writer_open(&writer, path));
    apus_status status = apus__begin_c_locale(&locale);
    if (status == APUS_STATUS_ok) {
        status = write_header(writer, header, separator);
        if (status == APUS_STATUS_ok) status = write_rows(writer, t, numbers, as, separator);
        apus__end_c_locale(&locale);
    }
    return apus__writer_end(writer, status);
}

apus_status apus_csv_save(const char *path, const apus_tensor *tensor, const apus_value *header,
                          const apus_csv_options *options) {
    APUS_REQUIRE("csv_save", path);
    APUS_REQUIRE("csv_save", tensor);
    apus__text text;
    if (tensor->rank > 2 || apus_dtype_is_complex(tensor->dtype))
        return apus__fail(APUS_STATUS_shape, "csv_save: writes real tensors of rank 0 to 2, not %s",
                          apus__describe(&text, tensor));
    int64_t columns = tensor->rank == 2 ? tensor->shape[1] : 1;
    if (header != NULL && (int64_t)apus_value_count(header) != columns)
        return apus__fail(APUS_STATUS_shape, "csv_save: %zu column names for %lld columns", apus_value_count(header),
                          (long long)columns);
    apus_dtype as = apus_dtype_is_floating_point(tensor->dtype) ? APUS_DTYPE_float64
                    : tensor->dtype == APUS_DTYPE_uint64        ? APUS_DTYPE_uint64
                                                                : APUS_DTYPE_int64;
    size_t bytes = (size_t)tensor->numel * 8;
    apus_csv_options effective;
    APUS_TRY(apus__csv_options(&effective, options));
    void *numbers = malloc(bytes + 1);
    if (numbers == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot write %s", path);
    apus_status status = apus_tensor_read(tensor, as, numbers, bytes);
    if (status == APUS_STATUS_ok) status = write_file(path, tensor, numbers, as, header, effective.separator);
    free(numbers);
    return status;
}
