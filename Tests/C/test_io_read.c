// Reading what PyTorch, NumPy, safetensors and gguf wrote (Tests/Fixtures/make_formats.py).
#include "check_files.h"

/// Each tensor of a .pt file is that of its twin, and there are no others.
static void check_twins(const char *name) {
    char torch_name[64], twin_name[64];
    snprintf(torch_name, sizeof torch_name, "%s.pt", name);
    snprintf(twin_name, sizeof twin_name, "%s.safetensors", name);
    apus_archive *torch = open_archive(fixture(torch_name), APUS_ARCHIVE_detect);
    apus_archive *twin = open_archive(fixture(twin_name), APUS_ARCHIVE_detect);
    CHECK(apus_archive_get_format(torch) == APUS_ARCHIVE_torch);
    CHECK(apus_archive_retain(torch) == torch);
    apus_archive_release(torch);
    CHECK(apus_archive_get_format(twin) == APUS_ARCHIVE_safetensors);
    CHECK(apus_archive_count(torch) == apus_archive_count(twin) && apus_archive_count(twin) > 0);
    for (size_t i = 0; i < apus_archive_count(twin); i++) {
        apus_tensor *expected = NULL, *actual = tensor_named(torch, apus_archive_name(twin, i));
        CHECK_OK(apus_archive_tensor(&expected, twin, i));
        if (!same_tensor(actual, expected)) printf("%s: %s differs\n", name, apus_archive_name(twin, i));
        CHECK(same_tensor(actual, expected));
        apus_tensor_release(expected);
        apus_tensor_release(actual);
    }
    apus_archive_release(twin);
    apus_archive_release(torch);
}

static void test_torch(void) {
    static const char *const names[] = {"model", "model_legacy", "sgd", "adamw", "shared", "shared_legacy", "dtypes"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) check_twins(names[i]);

    apus_archive *adamw = open_archive(fixture("adamw.pt"), APUS_ARCHIVE_torch);
    const apus_value *root = apus_archive_value(adamw), *optimizer = apus_value_find(root, "optimizer");
    apus_scalar epoch = {0};
    CHECK_OK(apus_value_get_scalar(apus_value_find(root, "epoch"), &epoch));
    CHECK(epoch.kind == APUS_SCALAR_int && epoch.integer == 3);
    const apus_value *group = apus_value_item(apus_value_find(optimizer, "param_groups"), 0), *betas;
    betas = apus_value_find(group, "betas");
    apus_scalar beta = {0};
    CHECK(apus_value_get_kind(betas) == APUS_VALUE_tuple && apus_value_count(betas) == 2);
    CHECK_OK(apus_value_get_scalar(apus_value_item(betas, 1), &beta));
    CHECK(beta.real == 0.999);
    // A tensor outlives its archive.
    apus_tensor *t = tensor_named(adamw, "optimizer.state.0.exp_avg");
    apus_archive_release(adamw);
    CHECK(t != NULL && apus_tensor_is_read_only(t) && isfinite(check_at(t, 0)));
    apus_tensor_release(t);
}

static void test_torch_sharing(void) {
    static const char *const names[] = {"shared.pt", "shared_legacy.pt"};
    for (int i = 0; i < 2; i++) {
        apus_archive *archive = NULL;
        CHECK_OK(apus_archive_open(&archive, fixture(names[i]), APUS_ARCHIVE_detect, true));
        apus_tensor *base = tensor_named(archive, "base"), *row = tensor_named(archive, "row"), *one = NULL;
        apus_tensor *transposed = tensor_named(archive, "transposed");
        CHECK(apus_tensor_shares_storage(base, row) && apus_tensor_shares_storage(base, transposed));
        CHECK(apus_tensor_strides(transposed)[0] == 1 && apus_tensor_strides(transposed)[1] == 4);
        // Written to one, seen in the other, and not in the file.
        apus_scalar hundred = {.kind = APUS_SCALAR_int, .integer = 100};
        CHECK_OK(apus_tensor_select(&one, row, 0, 2));
        CHECK_OK(apus_tensor_fill(one, &hundred));
        CHECK(check_at(base, 6) == 100 && check_at(transposed, 7) == 100);
        apus_tensor_release(one);
        apus_tensor_release(base);
        apus_tensor_release(row);
        apus_tensor_release(transposed);
        apus_archive_release(archive);
    }
    check_twins("shared");
}

static const apus_value *item(const apus_value *value, size_t i) { return apus_value_item(value, i); }

static bool is_int(const apus_value *value, int64_t integer, bool is_unsigned) {
    apus_scalar s = {0};
    return apus_value_get_kind(value) == APUS_VALUE_int && apus_value_get_scalar(value, &s) == APUS_STATUS_ok &&
           s.integer == integer && s.is_unsigned == is_unsigned;
}

static bool is_text(const apus_value *value, apus_value_kind kind, const char *text, size_t length) {
    size_t found;
    const char *data = apus_value_get_text(value, &found);
    return apus_value_get_kind(value) == kind && found == length && memcmp(data, text, length) == 0;
}

/// The dict of values_2.pt and values_5.pt.
static void check_values(const apus_value *root) {
    apus_scalar s = {0};
    apus_dtype dtype = APUS_DTYPE_bool;
    CHECK(apus_value_count(root) == 19);
    CHECK(apus_value_get_kind(apus_value_find(root, "none")) == APUS_VALUE_none &&
          apus_value_find(root, "none") != NULL);
    CHECK_OK(apus_value_get_scalar(apus_value_find(root, "true"), &s));
    CHECK(s.kind == APUS_SCALAR_bool && s.integer == 1);
    CHECK(is_int(apus_value_find(root, "int"), -5, false));
    CHECK(is_int(apus_value_find(root, "large"), (int64_t)1 << 40, false));
    CHECK(is_int(apus_value_find(root, "huge"), -1, true));
    CHECK(is_int(apus_value_find(root, "negative"), INT64_MIN, false));
    CHECK_OK(apus_value_get_scalar(apus_value_find(root, "float"), &s));
    CHECK(s.kind == APUS_SCALAR_float && s.real == 0.1);
    CHECK_OK(apus_value_get_scalar(apus_value_find(root, "complex"), &s));
    CHECK(s.kind == APUS_SCALAR_complex && s.real == 1 && s.imaginary == 2);
    CHECK(is_text(apus_value_find(root, "text"), APUS_VALUE_string, "é", strlen("é")));
    CHECK(is_text(apus_value_find(root, "bytes"), APUS_VALUE_bytes, "\0\xe9", 2));
    CHECK(is_text(apus_value_find(root, "no bytes"), APUS_VALUE_bytes, "", 0));
    CHECK(is_text(apus_value_find(root, "device"), APUS_VALUE_string, "cuda:1", 6));
    CHECK_OK(apus_value_get_dtype(apus_value_find(root, "dtype"), &dtype));
    CHECK(dtype == APUS_DTYPE_bfloat16);
    const apus_value *set = apus_value_find(root, "set"), *tuple = apus_value_find(root, "tuple");
    CHECK(apus_value_get_kind(set) == APUS_VALUE_set && apus_value_count(set) == 2 && is_int(item(set, 1), 2, false));
    CHECK(apus_value_get_kind(tuple) == APUS_VALUE_tuple && apus_value_get_kind(item(tuple, 1)) == APUS_VALUE_tuple);
    CHECK(apus_value_count(item(item(tuple, 1), 1)) == 0);
    const apus_value *list = apus_value_find(root, "list"), *size = apus_value_find(root, "size");
    CHECK(apus_value_get_kind(list) == APUS_VALUE_list && is_int(item(item(list, 1), 0), 2, false));
    CHECK(apus_value_get_kind(size) == APUS_VALUE_tuple && is_int(item(size, 1), 3, false));
    const apus_value *ordered = apus_value_find(root, "ordered");
    CHECK(is_text(apus_value_key(ordered, 0), APUS_VALUE_string, "b", 1) && is_int(item(ordered, 1), 2, false));
    CHECK(is_int(apus_value_key(root, 18), 7, false) && is_text(item(root, 18), APUS_VALUE_string, "seven", 5));
}

static void test_torch_values(void) {
    static const char *const names[] = {"values_2.pt", "values_5.pt"};
    for (int i = 0; i < 2; i++) {
        apus_archive *archive = open_archive(fixture(names[i]), APUS_ARCHIVE_detect);
        CHECK(apus_archive_count(archive) == 0);
        check_values(apus_archive_value(archive));
        // Written here and read again, it is the same.
        CHECK_OK(apus_torch_save(temporary("values.pt"), apus_archive_value(archive)));
        apus_archive_release(archive);
        archive = open_archive(temporary("values.pt"), APUS_ARCHIVE_torch);
        check_values(apus_archive_value(archive));
        apus_archive_release(archive);
    }
    // A whole module is code, and is refused by its name.
    apus_archive *module = NULL;
    CHECK_STATUS(apus_archive_open(&module, fixture("module.pt"), APUS_ARCHIVE_detect, false), APUS_STATUS_format);
    CHECK(strstr(apus_last_error(), "\"torch.nn.modules.linear.Linear\" is not among the names that are read") != NULL);
    CHECK(strstr(apus_last_error(), "module.pt: byte ") != NULL);
    CHECK(module == NULL);
}

static void test_npz(void) {
    static const char *const files[] = {"stored.npz", "deflated.npz"}, *const kinds[] = {"", "big ", "columns "};
    for (int f = 0; f < 2; f++) {
        apus_archive *archive = open_archive(fixture(files[f]), APUS_ARCHIVE_detect);
        CHECK(apus_archive_get_format(archive) == APUS_ARCHIVE_npz && apus_archive_count(archive) == 45);
        for (int k = 0; k < 3; k++) {
            for (int d = 0; d < APUS_DTYPE_COUNT; d++) {
                if (d == APUS_DTYPE_bfloat16) continue;
                char name[64];
                snprintf(name, sizeof name, "%s%s", kinds[k], apus_dtype_name((apus_dtype)d));
                apus_tensor *t = tensor_named(archive, name);
                check_formula(t, (apus_dtype)d);
                if (k == 2 && t != NULL) CHECK(apus_tensor_strides(t)[0] == 1 && apus_tensor_strides(t)[1] == 2);
                apus_tensor_release(t);
            }
        }
        apus_tensor *empty = tensor_named(archive, "empty"), *scalar = tensor_named(archive, "scalar");
        apus_tensor *row = tensor_named(archive, "long");
        CHECK(apus_tensor_numel(empty) == 0 && apus_tensor_shape(empty)[1] == 4);
        CHECK(apus_tensor_rank(scalar) == 0 && check_at(scalar, 0) == 2.5);
        CHECK(check_at(row, 999) == formula(999, APUS_DTYPE_float32));
        apus_tensor_release(empty);
        apus_tensor_release(scalar);
        apus_tensor_release(row);
        apus_archive_release(archive);
    }
    apus_archive *zip64 = open_archive(fixture("zip64.npz"), APUS_ARCHIVE_detect);
    apus_tensor *a = tensor_named(zip64, "a");
    CHECK(apus_tensor_numel(a) == 6 && check_at(a, 5) == -0.5);
    apus_tensor_release(a);
    apus_archive_release(zip64);
}

static void test_npy(void) {
    static const struct {
        const char *name;
        apus_dtype dtype;
    } files[] = {{"float32.npy", APUS_DTYPE_float32},
                 {"version2.npy", APUS_DTYPE_float64},
                 {"version3.npy", APUS_DTYPE_float64}};
    for (int i = 0; i < 3; i++) {
        apus_archive *archive = open_archive(fixture(files[i].name), APUS_ARCHIVE_detect);
        apus_tensor *t = tensor_named(archive, "");
        check_formula(t, files[i].dtype);
        CHECK(apus_tensor_is_read_only(t)); // mapped
        apus_tensor_release(t);
        apus_archive_release(archive);
    }
    apus_archive *archive = open_archive(fixture("bfloat16.npy"), APUS_ARCHIVE_npy);
    apus_tensor *t = tensor_named(archive, "");
    CHECK(apus_tensor_dtype(t) == APUS_DTYPE_bfloat16 && check_at(t, 5) == -0.5);
    apus_tensor_release(t);
    apus_archive_release(archive);
    static const struct {
        const char *name, *message;
    } refused[] = {
        {"objects.npy", "the dtype \"|O\" is Python objects, which are never read"},
        {"structured.npy", "structured, which is not supported"},
        {"text.npy", "the dtype \"<U2\" is not supported"},
    };
    for (int i = 0; i < 3; i++) {
        archive = NULL;
        CHECK_STATUS(apus_archive_open(&archive, fixture(refused[i].name), APUS_ARCHIVE_detect, false),
                     APUS_STATUS_format);
        CHECK(strstr(apus_last_error(), refused[i].message) != NULL);
    }
}

static void test_safetensors(void) {
    apus_archive *archive = open_archive(fixture("bfloat16.safetensors"), APUS_ARCHIVE_detect);
    apus_tensor *weight = tensor_named(archive, "weight"), *n = tensor_named(archive, "n");
    check_formula(weight, APUS_DTYPE_bfloat16);
    CHECK(apus_tensor_rank(n) == 0 && check_at(n, 0) == 7);
    CHECK(apus_archive_find(archive, "nothing") == -1);
    const apus_value *metadata = apus_archive_metadata(archive);
    CHECK(apus_value_count(metadata) == 2 && is_text(apus_value_find(metadata, "é"), APUS_VALUE_string, "\"\n", 2));
    CHECK(apus_archive_value(archive) == NULL);
    apus_tensor_release(weight);
    apus_tensor_release(n);
    apus_archive_release(archive);
}

static void test_gguf(void) {
    apus_archive *archive = open_archive(fixture("tiny.gguf"), APUS_ARCHIVE_detect);
    static const struct {
        const char *name;
        apus_dtype dtype;
    } tensors[] = {{"f32", APUS_DTYPE_float32},   {"f16", APUS_DTYPE_float16}, {"f64", APUS_DTYPE_float64},
                   {"bf16", APUS_DTYPE_bfloat16}, {"int8", APUS_DTYPE_int8},   {"int16", APUS_DTYPE_int16},
                   {"int32", APUS_DTYPE_int32},   {"int64", APUS_DTYPE_int64}};
    CHECK(apus_archive_get_format(archive) == APUS_ARCHIVE_gguf && apus_archive_count(archive) == 9);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        apus_tensor *t = tensor_named(archive, tensors[i].name);
        check_formula(t, tensors[i].dtype);
        CHECK(apus_tensor_is_read_only(t));
        apus_tensor_release(t);
    }
    apus_tensor *quantised = NULL;
    apus_dtype dtype;
    int64_t q8 = apus_archive_find(archive, "q8");
    CHECK_STATUS(apus_archive_tensor(&quantised, archive, (size_t)q8), APUS_STATUS_dtype);
    CHECK(strstr(apus_last_error(), "the tensor \"q8\" is of type Q8_0") != NULL);
    CHECK_STATUS(apus_archive_dtype(&dtype, archive, (size_t)q8), APUS_STATUS_dtype);
    CHECK(apus_archive_rank(archive, (size_t)q8) == 2 && apus_archive_shape(archive, (size_t)q8)[1] == 32);
    const apus_value *metadata = apus_archive_metadata(archive);
    apus_scalar s = {0};
    CHECK(is_int(apus_value_find(metadata, "answer"), 42, false));
    CHECK(is_int(apus_value_find(metadata, "negative"), -5, false));
    CHECK(is_int(apus_value_find(metadata, "huge"), -1, true));
    CHECK_OK(apus_value_get_scalar(apus_value_find(metadata, "half"), &s));
    CHECK(s.kind == APUS_SCALAR_float && s.real == 0.5);
    CHECK_OK(apus_value_get_scalar(apus_value_find(metadata, "tenth"), &s));
    CHECK(s.real == 0.1);
    CHECK_OK(apus_value_get_scalar(apus_value_find(metadata, "yes"), &s));
    CHECK(s.kind == APUS_SCALAR_bool && s.integer == 1);
    CHECK(is_text(apus_value_find(metadata, "general.architecture"), APUS_VALUE_string, "test", 4));
    const apus_value *tokens = apus_value_find(metadata, "tokens");
    CHECK(apus_value_count(tokens) == 3 && is_text(item(tokens, 1), APUS_VALUE_string, "bc", 2));
    const apus_tensor *numbers = apus_value_get_tensor(apus_value_find(metadata, "numbers"));
    CHECK(apus_tensor_numel(numbers) == 3 && check_at(numbers, 2) == 3);
    apus_archive_release(archive);
}

int main(void) {
    test_torch();
    test_torch_sharing();
    test_torch_values();
    test_npz();
    test_npy();
    test_safetensors();
    test_gguf();
    remove_temporary(1, (const char *const[]){"values.pt"});
    check_no_leaks();
    return check_result("io_read");
}
