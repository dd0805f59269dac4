// Writing what torch.load(weights_only=True) reads: the members and the pickle that torch.save writes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/value.h"
#include "io/zip.h"

enum {
    MOST_DEPTH = 100,
    ALIGNMENT = 64, ///< of storages in the file, as there
};

/// A storage of the file: a whole storage where several tensors lie over it, else one tensor's elements.
typedef struct stored {
    const apus_storage *storage;
    const apus_tensor *tensor;
    apus_dtype dtype;
    bool shared;
} stored;

typedef struct pickler {
    const char *path;
    unsigned char *data;
    size_t length, capacity;
    bool failed; ///< no memory
    stored *storages;
    size_t count, storage_capacity;
    apus__index index; ///< by the storage's address
} pickler;

/// What torch calls a storage of each dtype; those without a class are written untyped.
static const char *const storage_names[APUS_DTYPE_COUNT] = {
    [APUS_DTYPE_bool] = "BoolStorage",
    [APUS_DTYPE_uint8] = "ByteStorage",
    [APUS_DTYPE_int8] = "CharStorage",
    [APUS_DTYPE_int16] = "ShortStorage",
    [APUS_DTYPE_int32] = "IntStorage",
    [APUS_DTYPE_int64] = "LongStorage",
    [APUS_DTYPE_float16] = "HalfStorage",
    [APUS_DTYPE_bfloat16] = "BFloat16Storage",
    [APUS_DTYPE_float32] = "FloatStorage",
    [APUS_DTYPE_float64] = "DoubleStorage",
    [APUS_DTYPE_complex64] = "ComplexFloatStorage",
    [APUS_DTYPE_complex128] = "ComplexDoubleStorage",
};

// ---- Output

static void put(pickler *p, const void *data, size_t length) {
    while (!p->failed && p->capacity - p->length < length) {
        size_t wanted = p->capacity == 0 ? 4096 : 2 * p->capacity;
        unsigned char *grown = realloc(p->data, wanted);
        p->failed = grown == NULL;
        if (grown == NULL) return;
        p->data = grown;
        p->capacity = wanted;
    }
    if (p->failed || length == 0) return;
    memcpy(p->data + p->length, data, length);
    p->length += length;
}

static void put_byte(pickler *p, int byte) {
    unsigned char one = (unsigned char)byte;
    put(p, &one, 1);
}

static void put_text(pickler *p, const char *text) { put(p, text, strlen(text)); }

static void put_little(pickler *p, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++) put_byte(p, (int)(value >> 8 * i & 0xff));
}

static void put_global(pickler *p, const char *module, const char *name) {
    put_byte(p, 'c');
    put_text(p, module);
    put_byte(p, '\n');
    put_text(p, name);
    put_byte(p, '\n');
}

static void put_int(pickler *p, uint64_t value, bool is_unsigned) {
    if (value <= 0xff) {
        put_byte(p, 'K');
        put_little(p, value, 1);
    } else if (value <= INT32_MAX) {
        put_byte(p, 'J');
        put_little(p, value, 4);
    } else {
        put_byte(p, 0x8a); // LONG1; a ninth byte keeps a number of 64 bits from being negative
        put_byte(p, is_unsigned ? 9 : 8);
        put_little(p, value, 8);
        if (is_unsigned) put_byte(p, 0);
    }
}

static apus_status put_string(pickler *p, const char *text, size_t length) {
    if (length > UINT32_MAX)
        return apus__fail_at(APUS_STATUS_invalid_argument, p->path, -1, "cannot write: a text of %zu bytes", length);
    put_byte(p, 'X');
    put_little(p, length, 4);
    put(p, text, length);
    return APUS_STATUS_ok;
}

static void put_bool(pickler *p, bool truth) { put_byte(p, truth ? 0x88 : 0x89); }

static void put_float(pickler *p, double real) {
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    put_byte(p, 'G');
    for (int i = 7; i >= 0; i--) put_byte(p, (int)(bits >> 8 * i & 0xff));
}

static void put_sizes(pickler *p, int32_t rank, const int64_t *sizes) {
    put_byte(p, '(');
    for (int32_t i = 0; i < rank; i++) put_int(p, (uint64_t)sizes[i], false);
    put_byte(p, 't');
}

// ---- Storages

static const char *storage_address(const void *storages, size_t i, size_t *length) {
    *length = sizeof(apus_storage *);
    return (const char *)&((const stored *)storages)[i].storage;
}

static size_t find_storage(const pickler *p, const apus_storage *storage) {
    return apus__index_find(&p->index, (const char *)&storage, sizeof(apus_storage *), storage_address, p->storages);
}

static apus_status add_storage(pickler *p, const apus_tensor *t) {
    size_t place = find_storage(p, t->storage);
    if (place != APUS__NOT_FOUND) {
        if (p->storages[place].dtype != t->dtype)
            return apus__fail_at(APUS_STATUS_invalid_argument, p->path, -1,
                                 "cannot write: tensors of %s and %s share one storage",
                                 apus_dtype_name(p->storages[place].dtype), apus_dtype_name(t->dtype));
        p->storages[place].shared = true;
        return APUS_STATUS_ok;
    }
    stored *grown = apus__grow(p->storages, p->count, &p->storage_capacity, sizeof *grown);
    if (grown == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many storages");
    p->storages = grown;
    p->storages[p->count++] = (stored){.storage = t->storage, .tensor = t, .dtype = t->dtype};
    return apus__index_add(&p->index, p->count - 1, storage_address, p->storages);
}

/// Finds the storages of all tensors below, and that nothing is nested too deep to read back.
static apus_status collect(pickler *p, const apus_value *value, int depth) {
    if (depth > MOST_DEPTH)
        return apus__fail_at(APUS_STATUS_invalid_argument, p->path, -1,
                             "cannot write: values are nested deeper than %d", MOST_DEPTH);
    if (value->kind == APUS_VALUE_tensor) {
        if (value->tensor->storage->device == APUS_DEVICE_NONE)
            return apus__fail(APUS_STATUS_device, "torch_save: a tensor is the result of a failed operation");
        return add_storage(p, value->tensor);
    }
    if (!apus__is_container(value)) return APUS_STATUS_ok;
    for (size_t i = 0; i < value->items.count; i++) APUS_TRY(collect(p, value->items.values[i], depth + 1));
    return APUS_STATUS_ok;
}

/// How many elements the file holds of it.
static int64_t stored_numel(const stored *s) {
    return s->shared ? (int64_t)(s->storage->bytes / apus_dtype_size(s->dtype)) : s->tensor->numel;
}

// ---- Values

/// _rebuild_tensor_v2(storage, offset, size, stride, False, OrderedDict()), or _v3 with an untyped storage and a dtype.
static void put_tensor(pickler *p, const apus_tensor *t) {
    size_t place = find_storage(p, t->storage);
    const stored *s = &p->storages[place];
    const char *class = storage_names[t->dtype];
    char key[24];
    int64_t strides[APUS_MAX_RANK], stride = 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        strides[i] = s->shared ? t->strides[i] : stride;
        if (t->shape[i] > 1) stride *= t->shape[i];
    }
    put_global(p, "torch._utils", class == NULL ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
    put_text(p, "((");
    (void)put_string(p, "storage", strlen("storage"));
    put_global(p, class == NULL ? "torch.storage" : "torch", class == NULL ? "UntypedStorage" : class);
    (void)put_string(p, key, (size_t)snprintf(key, sizeof key, "%zu", place));
    (void)put_string(p, "cpu", strlen("cpu"));
    put_int(p, (uint64_t)stored_numel(s) * (class == NULL ? apus_dtype_size(t->dtype) : 1), false);
    put_text(p, "tQ");
    put_int(p, s->shared ? (uint64_t)t->offset : 0, false);
    put_sizes(p, t->rank, t->shape);
    put_sizes(p, t->rank, strides);
    put_bool(p, false);
    put_global(p, "collections", "OrderedDict");
    put_text(p, ")R");
    if (class == NULL) put_global(p, "torch", apus_dtype_name(t->dtype));
    put_text(p, "tR");
}

static void put_bytes(pickler *p, const char *data, size_t length) {
    if (length == 0) {
        put_global(p, "__builtin__", "bytes");
        put_text(p, ")R");
        return;
    }
    // Protocol 2 has no bytes: a text of the code points up to 255, to be encoded.
    size_t encoded = 0;
    for (size_t i = 0; i < length; i++) encoded += 1 + ((unsigned char)data[i] >= 0x80);
    put_global(p, "_codecs", "encode");
    put_text(p, "(X");
    put_little(p, encoded, 4);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c >= 0x80) put_byte(p, 0xc0 | c >> 6);
        put_byte(p, c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    (void)put_string(p, "latin1", strlen("latin1"));
    put_text(p, "tR");
}

static void put_complex(pickler *p, const apus_scalar *scalar) {
    put_global(p, "__builtin__", "complex");
    put_float(p, scalar->real);
    put_float(p, scalar->imaginary);
    put_byte(p, 0x86);
    put_byte(p, 'R');
}

static apus_status put_value(pickler *p, const apus_value *value);

static apus_status put_all(pickler *p, const apus_value *value) {
    for (size_t i = 0; i < value->items.count; i++) APUS_TRY(put_value(p, value->items.values[i]));
    return APUS_STATUS_ok;
}

static apus_status put_container(pickler *p, const apus_value *value, const char *begin, const char *end) {
    put_text(p, begin);
    APUS_TRY(put_all(p, value));
    put_text(p, end);
    return APUS_STATUS_ok;
}

static apus_status put_value(pickler *p, const apus_value *value) {
    switch (value->kind) {
    case APUS_VALUE_none: put_byte(p, 'N'); break;
    case APUS_VALUE_bool: put_bool(p, value->scalar.integer != 0); break;
    case APUS_VALUE_int: put_int(p, (uint64_t)value->scalar.integer, value->scalar.is_unsigned); break;
    case APUS_VALUE_float: put_float(p, value->scalar.real); break;
    case APUS_VALUE_complex: put_complex(p, &value->scalar); break;
    case APUS_VALUE_string: return put_string(p, value->text.data, value->text.length);
    case APUS_VALUE_bytes:
        if (value->text.length > UINT32_MAX / 2)
            return apus__fail_at(APUS_STATUS_invalid_argument, p->path, -1, "cannot write: %zu bytes in one value",
                                 value->text.length);
        put_bytes(p, value->text.data, value->text.length);
        break;
    case APUS_VALUE_dtype: put_global(p, "torch", apus_dtype_name(value->dtype)); break;
    case APUS_VALUE_tensor: put_tensor(p, value->tensor); break;
    case APUS_VALUE_list: return put_container(p, value, "](", "e");
    case APUS_VALUE_tuple: return put_container(p, value, "(", "t");
    case APUS_VALUE_dict: return put_container(p, value, "}(", "u");
    case APUS_VALUE_set: put_global(p, "__builtin__", "set"); return put_container(p, value, "](", "e\x85R");
    }
    return APUS_STATUS_ok;
}

static apus_status pickle(pickler *p, const apus_value *value) {
    APUS_TRY(collect(p, value, 0));
    put_text(p, "\x80\x02");
    APUS_TRY(put_value(p, value));
    put_byte(p, '.');
    return p->failed ? apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot write %s", p->path)
                     : APUS_STATUS_ok;
}

// ---- The file

static apus_status write_storage(apus__zip_writer *zip, const stored *s, size_t key) {
    char name[40];
    const int64_t numel = stored_numel(s), one = 1;
    apus_tensor *whole = NULL, *t = NULL;
    snprintf(name, sizeof name, "archive/data/%zu", key);
    if (s->shared) APUS_TRY(apus__tensor_over(&whole, (apus_storage *)s->storage, s->dtype, 1, &numel, &one, 0));
    apus_status status = apus__host_tensor(&t, s->shared ? whole : s->tensor);
    if (status == APUS_STATUS_ok)
        status = apus__zip_put(zip, name, apus__host_data(t), (size_t)numel * apus_dtype_size(s->dtype), ALIGNMENT);
    apus_tensor_release(t);
    apus_tensor_release(whole);
    return status;
}

static apus_status put_note(apus__zip_writer *zip, const char *name, const char *text) {
    return apus__zip_put(zip, name, text, strlen(text), ALIGNMENT);
}

static apus_status write_members(apus__zip_writer *zip, const pickler *p) {
    APUS_TRY(apus__zip_put(zip, "archive/data.pkl", p->data, p->length, ALIGNMENT));
    APUS_TRY(put_note(zip, "archive/.format_version", "1"));
    APUS_TRY(put_note(zip, "archive/.storage_alignment", "64"));
    APUS_TRY(put_note(zip, "archive/byteorder", "little"));
    for (size_t i = 0; i < p->count; i++) APUS_TRY(write_storage(zip, &p->storages[i], i));
    APUS_TRY(put_note(zip, "archive/version", "3\n"));
    return apus__zip_finish(zip);
}

static apus_status write_file(const pickler *p) {
    apus_writer *writer = NULL;
    apus__zip_writer *zip = NULL;
    APUS_TRY(apus_writer_open(&writer, p->path));
    apus_status status = apus__zip_writer_new(&zip, writer);
    if (status == APUS_STATUS_ok) status = write_members(zip, p);
    apus__zip_writer_free(zip);
    return apus__writer_end(writer, status);
}

apus_status apus_torch_save(const char *path, const apus_value *value) {
    APUS_REQUIRE("torch_save", path);
    APUS_REQUIRE("torch_save", value);
    pickler p = {.path = path};
    apus_status status = pickle(&p, value);
    if (status == APUS_STATUS_ok) status = write_file(&p);
    free(p.data);
    free(p.storages);
    apus__index_free(&p.index);
    return status;
}
