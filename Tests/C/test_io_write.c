// Files and values; writing each format and reading it again; CSV; what is refused.
#include "check_files.h"

#include <locale.h>

/// A tensor [2, 3] of the fixtures' formula.
static apus_tensor *formula_tensor(apus_dtype dtype) {
    double values[12];
    bool is_complex = apus_dtype_is_complex(dtype);
    for (int64_t i = 0; i < 6; i++) {
        values[is_complex ? 2 * i : i] = formula(i, dtype);
        if (is_complex) values[2 * i + 1] = (double)i;
    }
    int64_t shape[] = {2, 3};
    apus_tensor *wide = NULL, *t = NULL;
    CHECK_OK(apus_tensor_from_data(&wide, is_complex ? APUS_DTYPE_complex128 : APUS_DTYPE_float64, 2, shape, values,
                                   APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&t, wide, dtype, APUS_DEVICE_CPU));
    apus_tensor_release(wide);
    return t;
}

// Every dtype, then a strided, an empty and a 0-d tensor.
enum { COUNT = APUS_DTYPE_COUNT + 3 };

static void make_tensors(const char **names, apus_tensor **tensors) {
    for (int d = 0; d < APUS_DTYPE_COUNT; d++) {
        names[d] = apus_dtype_name((apus_dtype)d);
        tensors[d] = formula_tensor((apus_dtype)d);
    }
    static const int64_t empty[] = {0, 4};
    apus_scalar half = {.kind = APUS_SCALAR_float, .real = 2.5};
    names[APUS_DTYPE_COUNT] = "columns";
    names[APUS_DTYPE_COUNT + 1] = "empty";
    names[APUS_DTYPE_COUNT + 2] = "scalar é";
    tensors[APUS_DTYPE_COUNT] = tensors[APUS_DTYPE_COUNT + 1] = tensors[APUS_DTYPE_COUNT + 2] = NULL;
    CHECK_OK(apus_tensor_transpose(&tensors[APUS_DTYPE_COUNT], tensors[APUS_DTYPE_int32], 0, 1));
    CHECK_OK(apus_tensor_empty(&tensors[APUS_DTYPE_COUNT + 1], APUS_DTYPE_float32, 2, empty, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_full(&tensors[APUS_DTYPE_COUNT + 2], APUS_DTYPE_float64, 0, NULL, &half, APUS_DEVICE_CPU));
}

static void check_archive(const char *path, apus_archive_format format, const char *const *names,
                          apus_tensor *const *tensors) {
    apus_archive *archive = open_archive(path, APUS_ARCHIVE_detect);
    CHECK(apus_archive_get_format(archive) == format && apus_archive_count(archive) == COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        apus_tensor *t = tensor_named(archive, names[i]);
        apus_dtype dtype = APUS_DTYPE_bool;
        CHECK(strcmp(apus_archive_name(archive, i), names[i]) == 0);
        CHECK_OK(apus_archive_dtype(&dtype, archive, i));
        CHECK(dtype == apus_tensor_dtype(tensors[i]) && apus_archive_rank(archive, i) == apus_tensor_rank(tensors[i]));
        CHECK(same_tensor(t, tensors[i]));
        apus_tensor_release(t);
    }
    apus_archive_release(archive);
}

static void test_round_trips(void) {
    const char *names[COUNT];
    apus_tensor *tensors[COUNT];
    make_tensors(names, tensors);
    const apus_tensor *const *all = (const apus_tensor *const *)tensors;
    apus_value *dict = NULL;
    CHECK_OK(apus_value_container(&dict, APUS_VALUE_dict));
    for (int i = 0; i < COUNT; i++) {
        apus_value *key = NULL, *value = NULL;
        CHECK_OK(apus_value_string(&key, names[i], strlen(names[i])));
        CHECK_OK(apus_value_tensor(&value, tensors[i]));
        CHECK_OK(apus_value_insert(dict, key, value));
        apus_value_release(key);
        apus_value_release(value);
    }
    for (int again = 0; again < 2; again++) { // over a file that is there
        CHECK_OK(apus_safetensors_save(temporary("a"), COUNT, names, all, NULL));
        check_archive(temporary("a"), APUS_ARCHIVE_safetensors, names, tensors);
        CHECK_OK(apus_npz_save(temporary("a"), COUNT, names, all, false));
        check_archive(temporary("a"), APUS_ARCHIVE_npz, names, tensors);
        CHECK_OK(apus_npz_save(temporary("a"), COUNT, names, all, true));
        check_archive(temporary("a"), APUS_ARCHIVE_npz, names, tensors);
        CHECK_OK(apus_torch_save(temporary("a"), dict));
        check_archive(temporary("a"), APUS_ARCHIVE_torch, names, tensors);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK_OK(apus_npy_save(temporary("a"), tensors[i]));
        apus_archive *archive = open_archive(temporary("a"), APUS_ARCHIVE_detect);
        apus_tensor *t = tensor_named(archive, "");
        CHECK(same_tensor(t, tensors[i]));
        apus_tensor_release(t);
        apus_archive_release(archive);
    }
    // None at all.
    CHECK_OK(apus_safetensors_save(temporary("a"), 0, NULL, NULL, NULL));
    apus_archive *none = open_archive(temporary("a"), APUS_ARCHIVE_detect);
    CHECK(apus_archive_count(none) == 0);
    apus_archive_release(none);
    CHECK_OK(apus_npz_save(temporary("a"), 0, NULL, NULL, false));
    none = open_archive(temporary("a"), APUS_ARCHIVE_detect);
    CHECK(apus_archive_count(none) == 0);
    apus_archive_release(none);
    apus_value_release(dict);
    for (int i = 0; i < COUNT; i++) apus_tensor_release(tensors[i]);
}

/// Tensors over one storage are so again; a part of a storage alone is written alone.
static void test_torch_sharing(void) {
    int64_t shape[] = {100};
    apus_scalar one = {.kind = APUS_SCALAR_float, .real = 1};
    apus_tensor *base = NULL, *part = NULL, *bytes = NULL;
    CHECK_OK(apus_tensor_full(&base, APUS_DTYPE_float32, 1, shape, &one, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_slice(&part, base, 0, 10, 14, 2));
    apus_value *list = NULL, *value = NULL;
    CHECK_OK(apus_value_container(&list, APUS_VALUE_list));
    CHECK_OK(apus_value_tensor(&value, part));
    CHECK_OK(apus_value_append(list, value));
    apus_value_release(value), value = NULL;
    CHECK_OK(apus_torch_save(temporary("a"), list));
    apus_archive *archive = open_archive(temporary("a"), APUS_ARCHIVE_torch);
    apus_tensor *t = tensor_named(archive, "0");
    CHECK(apus_tensor_storage_bytes(t) == 8 && same_tensor(t, part));
    apus_tensor_release(t);
    apus_archive_release(archive);

    CHECK_OK(apus_value_tensor(&value, base));
    CHECK_OK(apus_value_append(list, value));
    apus_value_release(value), value = NULL;
    CHECK_OK(apus_torch_save(temporary("a"), list));
    archive = open_archive(temporary("a"), APUS_ARCHIVE_torch);
    t = tensor_named(archive, "0");
    apus_tensor *whole = tensor_named(archive, "1");
    CHECK(apus_tensor_shares_storage(t, whole) && apus_tensor_offset(t) == 10 && apus_tensor_strides(t)[0] == 2);
    CHECK(same_tensor(whole, base));
    apus_tensor_release(t);
    apus_tensor_release(whole);
    apus_archive_release(archive);

    // A container nested beyond measure is refused, not followed.
    apus_value *deep = apus_value_retain(list);
    for (int i = 0; i < 200; i++) {
        apus_value *outer = NULL;
        CHECK_OK(apus_value_container(&outer, APUS_VALUE_list));
        CHECK_OK(apus_value_append(outer, deep));
        apus_value_release(deep);
        deep = outer;
    }
    CHECK_STATUS(apus_torch_save(temporary("a"), deep), APUS_STATUS_invalid_argument);
    CHECK(strstr(apus_last_error(), "nested deeper than 100") != NULL);
    apus_value_release(deep);
    apus_value_release(list);
    apus_tensor_release(base);
    apus_tensor_release(part);
    apus_tensor_release(bytes);
}

static void test_metadata(void) {
    apus_value *dict = NULL, *key = NULL, *text = NULL, *number = NULL;
    apus_scalar one = {.kind = APUS_SCALAR_int, .integer = 1};
    CHECK_OK(apus_value_container(&dict, APUS_VALUE_dict));
    CHECK_OK(apus_value_string(&key, "k\"\\\n\x01", 5));
    CHECK_OK(apus_value_string(&text, "é\0", 3));
    CHECK_OK(apus_value_scalar(&number, &one));
    CHECK_OK(apus_value_insert(dict, key, text));
    CHECK_OK(apus_safetensors_save(temporary("a"), 0, NULL, NULL, dict));
    apus_archive *archive = open_archive(temporary("a"), APUS_ARCHIVE_safetensors);
    size_t length;
    const char *found = apus_value_get_text(apus_value_find(apus_archive_metadata(archive), "k\"\\\n\x01"), &length);
    CHECK(length == 3 && found != NULL && memcmp(found, "é\0", 3) == 0);
    apus_archive_release(archive);
    CHECK_OK(apus_value_insert(dict, key, number)); // in place of the text
    CHECK(apus_value_count(dict) == 1);
    CHECK_STATUS(apus_safetensors_save(temporary("a"), 0, NULL, NULL, dict), APUS_STATUS_invalid_argument);
    apus_value_release(dict);
    apus_value_release(key);
    apus_value_release(text);
    apus_value_release(number);
}

static void test_values(void) {
    apus_value *list = NULL, *dict = NULL, *none = NULL, *bad = NULL;
    apus_scalar s;
    CHECK_OK(apus_value_container(&list, APUS_VALUE_list));
    CHECK_OK(apus_value_container(&dict, APUS_VALUE_dict));
    CHECK_OK(apus_value_none(&none));
    CHECK_STATUS(apus_value_append(list, list), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_value_append(dict, none), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_value_insert(list, none, none), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_value_insert(dict, none, dict), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_value_append(list, NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_value_container(&bad, APUS_VALUE_int), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_value_string(&bad, "\xff", 1), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_value_string(&bad, "\xed\xa0\x80", 3), APUS_STATUS_invalid_argument); // a surrogate
    CHECK_STATUS(apus_value_get_scalar(none, &s), APUS_STATUS_dtype);
    CHECK(bad == NULL && apus_value_get_kind(NULL) == APUS_VALUE_none && apus_value_item(list, 0) == NULL);
    for (int64_t i = 0; i < 1000; i++) {
        apus_value *key = NULL;
        s = (apus_scalar){.kind = APUS_SCALAR_int, .integer = i % 500};
        CHECK_OK(apus_value_scalar(&key, &s));
        CHECK_OK(apus_value_insert(dict, key, none));
        apus_value_release(key);
    }
    CHECK(apus_value_count(dict) == 500);
    apus_value *bytes = NULL, *dtype = NULL;
    size_t length = 0;
    apus_dtype which = APUS_DTYPE_bool;
    CHECK_OK(apus_value_bytes(&bytes, "a\0b", 3));
    CHECK(memcmp(apus_value_get_text(bytes, &length), "a\0b", 3) == 0 && length == 3);
    CHECK_OK(apus_value_dtype(&dtype, APUS_DTYPE_bfloat16));
    CHECK_OK(apus_value_get_dtype(dtype, &which));
    CHECK(which == APUS_DTYPE_bfloat16);
    CHECK_STATUS(apus_value_get_dtype(bytes, &which), APUS_STATUS_dtype);
    apus_value_release(bytes);
    apus_value_release(dtype);
    apus_value_release(list);
    apus_value_release(dict);
    apus_value_release(none);
}

static void count_release(void *payload) { ++*(int *)payload; }

static void test_files(void) {
    float numbers[] = {1, 2, 3, 4};
    const char *path = write_temporary("b", numbers, sizeof numbers);
    apus_file *file = NULL;
    apus_tensor *t = NULL, *odd = NULL;
    int64_t two[] = {2}, five[] = {5};
    apus_scalar nine = {.kind = APUS_SCALAR_int, .integer = 9};
    CHECK_OK(apus_file_map(&file, path, false));
    CHECK(apus_file_bytes(file) == 16 && memcmp(apus_file_data(file), numbers, 16) == 0);
    CHECK(strcmp(apus_file_path(file), path) == 0 && apus_file_retain(file) == file);
    apus_file_release(file);
    CHECK_OK(apus_file_tensor(&t, file, APUS_DTYPE_float32, 1, two, 8));
    CHECK_OK(apus_file_tensor(&odd, file, APUS_DTYPE_uint16, 1, two, 3)); // a copy
    CHECK(!apus_tensor_is_read_only(odd));
    apus_tensor_release(odd), odd = NULL;
    CHECK_STATUS(apus_file_tensor(&odd, file, APUS_DTYPE_float32, 1, five, 0), APUS_STATUS_format);
    CHECK_STATUS(apus_file_tensor(&odd, file, APUS_DTYPE_float32, 1, two, 17), APUS_STATUS_format);
    CHECK_STATUS(apus_file_tensor(&odd, file, APUS_DTYPE_bool, 1, two, 2), APUS_STATUS_format);
    apus_file_release(file), file = NULL;
    unlink(path);
    CHECK(check_at(t, 1) == 4); // the tensor keeps the memory
    CHECK_STATUS(apus_tensor_fill(t, &nine), APUS_STATUS_read_only);
    apus_tensor_release(t), t = NULL;

    write_temporary("b", numbers, sizeof numbers);
    CHECK_OK(apus_file_map(&file, temporary("b"), true));
    CHECK_OK(apus_file_tensor(&t, file, APUS_DTYPE_float32, 1, two, 8));
    CHECK_OK(apus_tensor_fill(t, &nine));
    apus_tensor_release(t), t = NULL;
    apus_file_release(file), file = NULL;
    CHECK_OK(apus_file_map(&file, temporary("b"), false));
    CHECK(memcmp(apus_file_data(file), numbers, 16) == 0); // the file is as it was
    apus_file_release(file), file = NULL;

    int released = 0;
    CHECK_OK(apus_file_wrap(&file, "memory", numbers, sizeof numbers, false, count_release, &released));
    CHECK_OK(apus_file_tensor(&t, file, APUS_DTYPE_float32, 1, two, 0));
    apus_file_release(file), file = NULL;
    CHECK(released == 0 && apus_tensor_data(t) == numbers);
    apus_tensor_release(t);
    CHECK(released == 1);
    CHECK_STATUS(apus_file_wrap(&file, NULL, numbers, 1, false, count_release, &released), APUS_STATUS_null_argument);
    CHECK(released == 2 && file == NULL);

    CHECK_STATUS(apus_file_map(&file, temporary("none"), false), APUS_STATUS_io);
    CHECK(strstr(apus_last_error(), "none: cannot open: No such file") != NULL);
    int64_t offset = 0;
    CHECK(strcmp(apus_last_error_detail(&offset), "cannot open: No such file or directory") == 0 && offset == -1);
    CHECK_STATUS(apus_file_map(&file, temporary(""), false), APUS_STATUS_io);
    CHECK_STATUS(apus_tensor_fill(NULL, &nine), APUS_STATUS_null_argument);
    CHECK(apus_last_error_detail(NULL) == apus_last_error());
    char long_path[3000];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    CHECK_STATUS(apus_file_map(&file, long_path, false), APUS_STATUS_io);
    CHECK(strstr(apus_last_error_detail(NULL), "cannot open") != NULL);
}

static void test_writer(void) {
    apus_writer *writer = NULL;
    write_temporary("b", "old", 3);
    CHECK_OK(apus_writer_open(&writer, temporary("b")));
    CHECK_OK(apus_writer_write(writer, "new", 3));
    CHECK_OK(apus_writer_close(writer, false));
    apus_file *file = NULL;
    CHECK_OK(apus_file_map(&file, temporary("b"), false));
    CHECK(apus_file_bytes(file) == 3 && memcmp(apus_file_data(file), "old", 3) == 0);
    apus_file_release(file);
    writer = NULL;
    const char *refused[] = {"no/a", "x/", ""};
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(apus_writer_open(&writer, i == 2 ? "" : temporary(refused[i])), APUS_STATUS_io);
        CHECK(writer == NULL);
    }
    // A place that a folder has.
    CHECK_OK(apus_writer_open(&writer, temporary("c")));
    CHECK(mkdir(temporary("c"), 0777) == 0);
    CHECK_STATUS(apus_writer_close(writer, true), APUS_STATUS_io);
    CHECK(rmdir(temporary("c")) == 0);
    CHECK_OK(apus_writer_close(NULL, true));
}

static void test_refused(void) {
    int64_t one[] = {1};
    float value = 1;
    apus_tensor *t = check_floats(1, one, &value);
    const apus_tensor *two[] = {t, t}, *missing[] = {t, NULL};
    const char *same[] = {"a", "a"}, *reserved[] = {"__metadata__", "b"}, *names[] = {"a", "b"}, *bad[] = {"a", "\xff"};
    CHECK_STATUS(apus_safetensors_save(temporary("no"), 2, same, two, NULL), APUS_STATUS_invalid_argument);
    CHECK(strstr(apus_last_error(), "no: cannot write: the name \"a\" is taken") != NULL);
    CHECK_STATUS(apus_safetensors_save(temporary("no"), 2, reserved, two, NULL), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_npz_save(temporary("no"), 2, same, two, true), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_npz_save(temporary("no"), 2, bad, two, true), APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_npz_save(temporary("no"), 2, names, missing, true), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_npz_save(temporary("no"), 2, NULL, two, true), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_npy_save(temporary("no"), NULL), APUS_STATUS_null_argument);
    CHECK_STATUS(apus_torch_save(temporary("no"), NULL), APUS_STATUS_null_argument);
    apus_tensor *invalid = NULL;
    CHECK_OK(apus_tensor_invalid(&invalid));
    CHECK_STATUS(apus_npy_save(temporary("no"), invalid), APUS_STATUS_device);
    apus_tensor_release(invalid);
    apus_tensor_release(t);
    apus_archive *archive = NULL;
    CHECK_STATUS(apus_archive_open(&archive, write_temporary("b", "text", 4), APUS_ARCHIVE_detect, false),
                 APUS_STATUS_format);
    CHECK_STATUS(apus_archive_open(&archive, temporary("b"), (apus_archive_format)99, false),
                 APUS_STATUS_invalid_argument);
    CHECK_STATUS(apus_archive_open(&archive, write_temporary("b", "", 0), APUS_ARCHIVE_detect, false),
                 APUS_STATUS_format);
    CHECK(archive == NULL && apus_archive_count(NULL) == 0 && apus_archive_find(NULL, "a") == -1);
}

// ---- CSV

static apus_status read_csv(apus_tensor **out, apus_value **header, const char *text, apus_dtype dtype,
                            const apus_csv_options *options) {
    apus_file *file = NULL;
    *out = NULL;
    CHECK_OK(apus_file_wrap(&file, "table.csv", (char *)text, strlen(text), true, NULL, NULL));
    apus_status status = apus_csv_read(out, header, file, dtype, options);
    apus_file_release(file);
    return status;
}

static void test_csv_reading(void) {
    apus_tensor *t = NULL;
    apus_value *header = NULL;
    apus_csv_options options = {.size = sizeof options, .has_header = true};
    CHECK_OK(read_csv(&t, &header, "\xef\xbb\xbf\"a \"\"b\"\"\",é\r\n 1.5 ,-2e3\r\n\"0.1\",inf\r\n\r\n",
                      APUS_DTYPE_float64, &options));
    CHECK(apus_tensor_shape(t)[0] == 2 && apus_tensor_shape(t)[1] == 2);
    CHECK(check_at(t, 0) == 1.5 && check_at(t, 1) == -2000 && check_at(t, 2) == 0.1 && isinf(check_at(t, 3)));
    CHECK(apus_value_count(header) == 2);
    CHECK(strcmp(apus_value_get_text(apus_value_item(header, 0), NULL), "a \"b\"") == 0);
    apus_value_release(header), header = NULL;
    apus_tensor_release(t);
    options = (apus_csv_options){.size = sizeof options, .separator = ';', .allow_empty = true};
    CHECK_OK(read_csv(&t, NULL, "1;;3\n;5;nan", APUS_DTYPE_float32, &options));
    CHECK(apus_tensor_dtype(t) == APUS_DTYPE_float32 && check_at(t, 2) == 3 && isnan(check_at(t, 1)));
    CHECK(isnan(check_at(t, 3)) && check_at(t, 4) == 5 && isnan(check_at(t, 5)));
    apus_tensor_release(t);
    CHECK_OK(read_csv(&t, NULL, "9223372036854775807,-9223372036854775808\n+1,-0\n", APUS_DTYPE_int64, NULL));
    int64_t integers[4];
    CHECK_OK(apus_tensor_read(t, APUS_DTYPE_int64, integers, sizeof integers));
    CHECK(integers[0] == INT64_MAX && integers[1] == INT64_MIN && integers[2] == 1 && integers[3] == 0);
    apus_tensor_release(t);
    CHECK_OK(read_csv(&t, &header, "", APUS_DTYPE_float32, NULL));
    CHECK(apus_tensor_numel(t) == 0 && apus_value_count(header) == 0);
    apus_value_release(header);
    apus_tensor_release(t);
    // Every way to write a number gives what C's own reader gives.
    static const char *const numbers[] = {
        "0.1",    "123456789012345",     "1234567890123456789",      "1e22", "3.14159265358979", "-.5", "5.",
        "1E-320", "0.30000000000000004", "179769313486231580793e289"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        CHECK_OK(read_csv(&t, NULL, numbers[i], APUS_DTYPE_float64, NULL));
        CHECK(check_at(t, 0) == strtod(numbers[i], NULL));
        apus_tensor_release(t);
    }
}

static void test_csv_refusals(void) {
    static const struct {
        const char *text, *message;
        apus_dtype dtype;
    } refused[] = {
        {"1,2\n3", "table.csv: byte 4: row 2 has 1 fields, expected 2", APUS_DTYPE_float32},
        {"1,2\n3,x", "table.csv: byte 6: row 2, column 2: \"x\" is no number", APUS_DTYPE_float32},
        {"1,,2", "byte 2: row 1, column 2: \"\" is no number", APUS_DTYPE_float32},
        {"0x10", "is no number", APUS_DTYPE_float64},
        {"nan(1)", "is no number", APUS_DTYPE_float64},
        {"1 2", "is no number", APUS_DTYPE_float64},
        {"1.5", "row 1, column 1: \"1.5\" is no integer of 64 bits", APUS_DTYPE_int64},
        {"9223372036854775808", "is no integer of 64 bits", APUS_DTYPE_int64},
        {"\"1", "row 1, column 1: the quoted field does not end", APUS_DTYPE_float32},
        {"\"1\"2", "byte 3: row 1, column 1: expected the field's end behind its quote", APUS_DTYPE_float32},
        {"1\n\n2", "byte 2: row 2, column 1: \"\" is no number", APUS_DTYPE_float32},
    };
    apus_tensor *t = NULL;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK_STATUS(read_csv(&t, NULL, refused[i].text, refused[i].dtype, NULL), APUS_STATUS_format);
        if (strstr(apus_last_error(), refused[i].message) == NULL) printf("%s\n", apus_last_error());
        CHECK(strstr(apus_last_error(), refused[i].message) != NULL);
        CHECK(t == NULL);
    }
    CHECK_STATUS(read_csv(&t, NULL, "1", APUS_DTYPE_int8, NULL), APUS_STATUS_dtype);
    apus_csv_options options = {.size = sizeof options, .separator = '1'};
    CHECK_STATUS(read_csv(&t, NULL, "1", APUS_DTYPE_float32, &options), APUS_STATUS_invalid_argument);
}

static void check_text(const char *path, const char *expected) {
    apus_file *file = NULL;
    CHECK_OK(apus_file_map(&file, path, false));
    CHECK(apus_file_bytes(file) == strlen(expected) && memcmp(apus_file_data(file), expected, strlen(expected)) == 0);
    apus_file_release(file);
}

static void test_csv_writing(void) {
    int64_t shape[] = {2, 2};
    float values[] = {0.1f, -2, 1e10f, NAN};
    apus_tensor *t = check_floats(2, shape, values), *column = NULL;
    apus_value *header = NULL, *name = NULL;
    CHECK_OK(apus_value_container(&header, APUS_VALUE_list));
    CHECK_OK(apus_value_string(&name, "a,\"b\"", 5));
    CHECK_OK(apus_value_append(header, name));
    CHECK_OK(apus_value_append(header, name));
    // A locale with another decimal point changes nothing; where there is none such, the test is weaker.
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    CHECK_OK(apus_csv_save(temporary("a"), t, header, NULL));
    check_text(temporary("a"), "\"a,\"\"b\"\"\",\"a,\"\"b\"\"\"\n0.1,-2\n1e+10,nan\n");
    (void)setlocale(LC_ALL, "C");
    CHECK_OK(apus_tensor_select(&column, t, 1, 0));
    CHECK_OK(apus_csv_save(temporary("a"), column, NULL, NULL));
    check_text(temporary("a"), "0.1\n1e+10\n");
    apus_csv_options tab = {.size = sizeof tab, .separator = '\t'};
    apus_tensor *integers = formula_tensor(APUS_DTYPE_int8), *huge = NULL;
    CHECK_OK(apus_csv_save(temporary("a"), integers, NULL, &tab));
    check_text(temporary("a"), "-3\t-2\t-2\n-1\t-1\t0\n");
    apus_scalar top = {.kind = APUS_SCALAR_int, .integer = -1, .is_unsigned = true};
    CHECK_OK(apus_tensor_full(&huge, APUS_DTYPE_uint64, 0, NULL, &top, APUS_DEVICE_CPU));
    CHECK_OK(apus_csv_save(temporary("a"), huge, NULL, NULL));
    check_text(temporary("a"), "18446744073709551615\n");
    CHECK_STATUS(apus_csv_save(temporary("a"), column, header, NULL), APUS_STATUS_shape);
    apus_tensor *complex = formula_tensor(APUS_DTYPE_complex64);
    CHECK_STATUS(apus_csv_save(temporary("a"), complex, NULL, NULL), APUS_STATUS_shape);
    apus_tensor_release(complex);
    apus_tensor_release(huge);
    apus_tensor_release(integers);
    apus_tensor_release(column);
    apus_tensor_release(t);
    apus_value_release(header);
    apus_value_release(name);
}

int main(void) {
    test_round_trips();
    test_torch_sharing();
    test_metadata();
    test_values();
    test_files();
    test_writer();
    test_refused();
    test_csv_reading();
    test_csv_refusals();
    test_csv_writing();
    remove_temporary(2, (const char *const[]){"a", "b"});
    check_no_leaks();
    return check_result("io_write");
}
