// The names that pickles of tensors may use, and what each stands for.
#include "io/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What a name stands for.
typedef enum meaning {
    MEANS_DICT,  ///< OrderedDict(), OrderedDict(pairs), Counter(dict)
    MEANS_TUPLE, ///< torch.Size(tuple)
    MEANS_SET,
    MEANS_COMPLEX,
    MEANS_BYTES,  ///< bytes(), bytearray(text, "latin1")
    MEANS_ENCODE, ///< _codecs.encode(text, "latin1"), how protocol 2 writes bytes
    MEANS_DEVICE, ///< becomes the text "cuda:0"
    MEANS_DTYPE,
    MEANS_STORAGE,
    MEANS_CLASS,     ///< the type of a tensor
    MEANS_TENSOR,    ///< storage, offset, size, stride, …
    MEANS_TENSOR_V3, ///< storage, offset, size, stride, requires_grad, hooks, dtype
    MEANS_PARAMETER, ///< tensor, …
    MEANS_FROM_TYPE, ///< function, class, arguments, state
} meaning;

typedef struct global {
    const char *module, *name;
    meaning meaning;
    int dtype; ///< of a dtype or storage; -1 for the untyped storage
} global;

static const global globals[] = {
    {"collections", "OrderedDict", MEANS_DICT, 0},
    {"collections", "Counter", MEANS_DICT, 0},
    {"torch", "Size", MEANS_TUPLE, 0},
    {"torch", "device", MEANS_DEVICE, 0},
    {"torch", "Tensor", MEANS_CLASS, 0},
    {"torch.nn.parameter", "Parameter", MEANS_CLASS, 0},
    {"torch.nn.parameter", "Buffer", MEANS_CLASS, 0},
    {"__builtin__", "set", MEANS_SET, 0},
    {"builtins", "set", MEANS_SET, 0},
    {"__builtin__", "frozenset", MEANS_SET, 0},
    {"builtins", "frozenset", MEANS_SET, 0},
    {"__builtin__", "complex", MEANS_COMPLEX, 0},
    {"builtins", "complex", MEANS_COMPLEX, 0},
    {"__builtin__", "bytes", MEANS_BYTES, 0},
    {"builtins", "bytes", MEANS_BYTES, 0},
    {"__builtin__", "bytearray", MEANS_BYTES, 0},
    {"builtins", "bytearray", MEANS_BYTES, 0},
    {"_codecs", "encode", MEANS_ENCODE, 0},
    {"torch._utils", "_rebuild_tensor", MEANS_TENSOR, 0},
    {"torch._utils", "_rebuild_tensor_v2", MEANS_TENSOR, 0},
    {"torch._utils", "_rebuild_tensor_v3", MEANS_TENSOR_V3, 0},
    {"torch._utils", "_rebuild_parameter", MEANS_PARAMETER, 0},
    {"torch._utils", "_rebuild_parameter_with_state", MEANS_PARAMETER, 0},
    {"torch._tensor", "_rebuild_from_type_v2", MEANS_FROM_TYPE, 0},
    {"torch.storage", "UntypedStorage", MEANS_STORAGE, -1},
    {"torch", "FloatStorage", MEANS_STORAGE, APUS_DTYPE_float32},
    {"torch", "DoubleStorage", MEANS_STORAGE, APUS_DTYPE_float64},
    {"torch", "HalfStorage", MEANS_STORAGE, APUS_DTYPE_float16},
    {"torch", "BFloat16Storage", MEANS_STORAGE, APUS_DTYPE_bfloat16},
    {"torch", "LongStorage", MEANS_STORAGE, APUS_DTYPE_int64},
    {"torch", "IntStorage", MEANS_STORAGE, APUS_DTYPE_int32},
    {"torch", "ShortStorage", MEANS_STORAGE, APUS_DTYPE_int16},
    {"torch", "CharStorage", MEANS_STORAGE, APUS_DTYPE_int8},
    {"torch", "ByteStorage", MEANS_STORAGE, APUS_DTYPE_uint8},
    {"torch", "BoolStorage", MEANS_STORAGE, APUS_DTYPE_bool},
    {"torch", "ComplexFloatStorage", MEANS_STORAGE, APUS_DTYPE_complex64},
    {"torch", "ComplexDoubleStorage", MEANS_STORAGE, APUS_DTYPE_complex128},
#define APUS_DTYPE(number, name, bytes, kind, dlpack, safetensors) {"torch", #name, MEANS_DTYPE, number},
#include "apus/dtype.def"
#undef APUS_DTYPE
};

static bool is_text(const char *text, size_t length, const char *expected) {
    return strlen(expected) == length && memcmp(text, expected, length) == 0;
}

const char *apus__pickle_global_name(const apus_value *value) { return globals[value->scalar.integer].name; }

apus_status apus__pickle_global(apus__pickle *p, const char *module, size_t module_length, const char *name,
                                size_t name_length) {
    for (int32_t i = 0; i < APUS__COUNT(globals); i++) {
        if (!is_text(module, module_length, globals[i].module) || !is_text(name, name_length, globals[i].name))
            continue;
        apus_value *value = NULL;
        if (globals[i].meaning == MEANS_DTYPE)
            return apus__pickle_push(p, apus_value_dtype(&value, (apus_dtype)globals[i].dtype), value);
        return apus__pickle_push_internal(p, APUS__PICKLE_GLOBAL, i);
    }
    return apus__pickle_fail(p, "\"%.*s.%.*s\" is not among the names that are read",
                             module_length > 100 ? 100 : (int)module_length, module,
                             name_length > 100 ? 100 : (int)name_length, name);
}

// ---- Arguments

static apus_value *argument(const apus_value *arguments, size_t i) {
    return i < arguments->items.count ? arguments->items.values[i] : NULL;
}

static bool is_kind(const apus_value *value, int kind) { return value != NULL && (int)value->kind == kind; }

/// A whole number from 0 up.
static bool get_size(const apus_value *value, int64_t *size) {
    if (!is_kind(value, APUS_VALUE_int) || value->scalar.is_unsigned || value->scalar.integer < 0) return false;
    *size = value->scalar.integer;
    return true;
}

static bool get_sizes(const apus_value *tuple, int64_t *sizes) {
    for (size_t i = 0; i < tuple->items.count; i++)
        if (!get_size(tuple->items.values[i], &sizes[i])) return false;
    return true;
}

static apus_status fail_arguments(const apus__pickle *p, const apus_value *function) {
    return apus__pickle_fail(p, "the arguments of %s are not what it takes", apus__pickle_global_name(function));
}

// ---- Storages

static const char *storage_key(const void *storages, size_t i, size_t *length) {
    return apus_value_get_text(((const apus__pickled_storage *)storages)[i].key, length);
}

/// ("storage", class, key, location, elements, None)
apus_status apus__pickle_persistent(apus__pickle *p, const apus_value *id) {
    bool is_tuple = is_kind(id, APUS_VALUE_tuple) && id->items.count >= 5;
    apus_value *const *items = is_tuple ? id->items.values : NULL;
    size_t length, key_length;
    int64_t count;
    const char *type = is_tuple ? apus_value_get_text(items[0], &length) : NULL;
    if (type == NULL || !is_text(type, length, "storage") || !is_kind(items[1], APUS__PICKLE_GLOBAL) ||
        !is_kind(items[2], APUS_VALUE_string) || !get_size(items[4], &count))
        return apus__pickle_fail(p, "a persistent id describes no storage");
    const global *class = &globals[items[1]->scalar.integer];
    if (class->meaning != MEANS_STORAGE) return apus__pickle_fail(p, "%s is no class of storages", class->name);
    if (id->items.count > 5 && items[5]->kind != APUS_VALUE_none)
        return apus__pickle_fail(p, "views of storages, from before PyTorch 0.4, are not supported");
    apus_dtype dtype = class->dtype < 0 ? APUS_DTYPE_uint8 : (apus_dtype) class->dtype;
    size_t bytes;
    if (__builtin_mul_overflow((size_t)count, apus_dtype_size(dtype), &bytes) || bytes > INT64_MAX)
        return apus__pickle_fail(p, "a storage of %lld elements is too large", (long long)count);
    const char *key = apus_value_get_text(items[2], &key_length);
    size_t place = apus__index_find(&p->storage_index, key, key_length, storage_key, p->storages);
    if (place != APUS__NOT_FOUND) {
        if (p->storages[place].dtype != dtype || p->storages[place].bytes != bytes)
            return apus__pickle_fail(p, "the storage \"%.100s\" is described in two ways", key);
        return apus__pickle_push_internal(p, APUS__PICKLE_STORAGE, (int64_t)place);
    }
    apus__pickled_storage *grown = apus__grow(p->storages, p->storage_count, &p->storage_capacity, sizeof *grown);
    if (grown == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many storages");
    p->storages = grown;
    p->storages[p->storage_count++] =
        (apus__pickled_storage){.key = apus_value_retain(items[2]),
                                .dtype = dtype,
                                .untyped = class->dtype < 0,
                                .bytes = bytes,
                                .place = p->base < 0 ? -1 : p->base + (int64_t)p->position - 1};
    APUS_TRY(apus__index_add(&p->storage_index, p->storage_count - 1, storage_key, p->storages));
    return apus__pickle_push_internal(p, APUS__PICKLE_STORAGE, (int64_t)p->storage_count - 1);
}

// ---- Tensors

static apus_status call_tensor(apus__pickle *p, const apus_value *function, const apus_value *arguments, bool is_v3) {
    const apus_value *storage = argument(arguments, 0), *size = argument(arguments, 2),
                     *stride = argument(arguments, 3);
    const apus_value *dtype = argument(arguments, 6);
    apus__pickled_tensor t = {.place = p->base < 0 ? -1 : p->base + (int64_t)p->position - 1};
    if (!is_kind(storage, APUS__PICKLE_STORAGE) || !get_size(argument(arguments, 1), &t.offset) ||
        !is_kind(size, APUS_VALUE_tuple) || !is_kind(stride, APUS_VALUE_tuple) ||
        size->items.count != stride->items.count || (is_v3 && !is_kind(dtype, APUS_VALUE_dtype)))
        return fail_arguments(p, function);
    if (size->items.count > APUS_MAX_RANK)
        return apus__pickle_fail(p, "a tensor has %zu dims, at most %d are possible", size->items.count, APUS_MAX_RANK);
    APUS_TRY(apus__pickle_count_copies(p, 2 * size->items.count));
    t.storage = (size_t)storage->scalar.integer;
    t.rank = (int32_t)size->items.count;
    t.dtype = is_v3 ? dtype->dtype : p->storages[t.storage].dtype;
    if (!is_v3 && p->storages[t.storage].untyped) return fail_arguments(p, function);
    apus__pickled_tensor *grown = apus__grow(p->tensors, p->tensor_count, &p->tensor_capacity, sizeof *grown);
    if (grown != NULL) p->tensors = grown;
    t.shape = grown == NULL ? NULL : malloc(sizeof(int64_t) * (2 * (size_t)t.rank + 1));
    if (t.shape == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: too many tensors");
    bool are_sizes = get_sizes(size, t.shape) && get_sizes(stride, t.shape + t.rank);
    apus_status status = are_sizes ? apus__pickle_push_internal(p, APUS__PICKLE_TENSOR, (int64_t)p->tensor_count)
                                   : fail_arguments(p, function);
    if (status != APUS_STATUS_ok) {
        free(t.shape);
        return status;
    }
    t.value = apus_value_retain(p->stack[p->stack_count - 1]);
    p->tensors[p->tensor_count++] = t;
    return APUS_STATUS_ok;
}

/// Bools that are neither 0 nor 1 are refused once a storage.
static apus_status check_bools(const apus__pickle *p, apus__pickled_storage *s) {
    if (s->checked) return APUS_STATUS_ok;
    s->checked = true;
    return apus__check_bools(p->path, -1, s->storage->data, s->bytes, apus_value_get_text(s->key, NULL));
}

static apus_status make_tensor(apus__pickle *p, apus__pickled_tensor *t) {
    apus__pickled_storage *s = &p->storages[t->storage];
    apus__layout layout = {.dtype = t->dtype, .rank = t->rank, .shape = t->shape};
    size_t bytes;
    APUS_TRY(apus__layout_bytes(&bytes, p->path, t->place, &layout));
    size_t width = apus_dtype_size(t->dtype);
    apus__text text;
    int64_t end;
    if (apus__check_extent("read", &end, t->rank, t->shape, t->shape + t->rank, t->offset, (int64_t)(bytes / width),
                           (int64_t)(s->bytes / width)) != APUS_STATUS_ok)
        return apus__fail_at(APUS_STATUS_format, p->path, t->place,
                             "a tensor %s%s leaves its storage \"%.100s\" of %zu bytes", apus_dtype_name(t->dtype),
                             apus__describe_shape(&text, t->rank, t->shape), apus_value_get_text(s->key, NULL),
                             s->bytes);
    if (t->dtype == APUS_DTYPE_bool) APUS_TRY(check_bools(p, s));
    apus_tensor *tensor = NULL;
    int64_t offset = bytes == 0 ? 0 : t->offset; // an empty tensor may begin anywhere
    APUS_TRY(apus__tensor_over(&tensor, s->storage, t->dtype, t->rank, t->shape, t->shape + t->rank, offset));
    t->value->kind = APUS_VALUE_tensor;
    t->value->tensor = tensor;
    return APUS_STATUS_ok;
}

apus_status apus__pickle_resolve(apus__pickle *p, apus__storage_finder find, void *context) {
    for (size_t i = 0; i < p->storage_count; i++) APUS_TRY(find(&p->storages[i].storage, context, &p->storages[i]));
    for (size_t i = 0; i < p->tensor_count; i++) APUS_TRY(make_tensor(p, &p->tensors[i]));
    return APUS_STATUS_ok;
}

// ---- Everything else

/// Code points up to 255 as bytes.
static apus_status push_latin1(apus__pickle *p, const apus_value *function, const apus_value *text) {
    size_t length, count = 0;
    const char *data = apus_value_get_text(text, &length);
    if (data == NULL) return fail_arguments(p, function);
    APUS_TRY(apus__pickle_count_copies(p, length));
    char *bytes = malloc(length + 1);
    if (bytes == NULL) return apus__fail(APUS_STATUS_out_of_memory, "out of memory: a text is too long");
    bool fits = true;
    for (size_t i = 0; i < length && fits; i++) {
        unsigned char c = (unsigned char)data[i];
        fits = c < 0x80 || c == 0xc2 || c == 0xc3; // the text is UTF-8
        bytes[count++] = fits && c >= 0x80 ? (char)((c & 3) << 6 | ((unsigned char)data[++i] & 0x3f)) : (char)c;
    }
    apus_value *value = NULL;
    apus_status status = fits ? apus_value_bytes(&value, bytes, count) : fail_arguments(p, function);
    free(bytes);
    return apus__pickle_push(p, status, value);
}

static apus_status call_bytes(apus__pickle *p, const apus_value *function, const apus_value *arguments) {
    apus_value *value = NULL, *first = argument(arguments, 0);
    if (first == NULL) return apus__pickle_push(p, apus_value_bytes(&value, NULL, 0), value);
    if (is_kind(first, APUS_VALUE_bytes)) return apus__pickle_push_again(p, first);
    return is_kind(first, APUS_VALUE_string) ? push_latin1(p, function, first) : fail_arguments(p, function);
}

/// An empty dict, a dict's pairs, or a list of pairs.
static apus_status call_dict(apus__pickle *p, const apus_value *function, const apus_value *arguments) {
    apus_value *dict = NULL, *first = argument(arguments, 0);
    APUS_TRY(apus__pickle_count_copies(p, apus_value_count(first)));
    apus_status status = apus_value_container(&dict, APUS_VALUE_dict);
    bool is_dict = is_kind(first, APUS_VALUE_dict);
    bool is_fitting = first == NULL || is_dict || is_kind(first, APUS_VALUE_list);
    for (size_t i = 0; first != NULL && is_fitting && status == APUS_STATUS_ok && i < apus_value_count(first); i++) {
        apus_value *const *pair = &first->items.values[is_dict ? 2 * i : i];
        if (!is_dict) {
            is_fitting =
                (is_kind(*pair, APUS_VALUE_tuple) || is_kind(*pair, APUS_VALUE_list)) && (*pair)->items.count == 2;
            if (!is_fitting) break;
            pair = (*pair)->items.values;
        }
        status = apus_value_insert(dict, pair[0], pair[1]);
    }
    if (!is_fitting && status == APUS_STATUS_ok) status = fail_arguments(p, function);
    if (status != APUS_STATUS_ok) apus_value_release(dict), dict = NULL;
    return apus__pickle_push(p, status, dict);
}

/// A tuple or set of another container's items.
static apus_status call_container(apus__pickle *p, const apus_value *function, const apus_value *arguments,
                                  apus_value_kind kind) {
    apus_value *value = NULL, *first = argument(arguments, 0);
    if (first != NULL && (!apus__is_container(first) || first->kind == APUS_VALUE_dict))
        return fail_arguments(p, function);
    APUS_TRY(apus__pickle_count_copies(p, apus_value_count(first)));
    apus_status status = apus_value_container(&value, kind);
    for (size_t i = 0; first != NULL && status == APUS_STATUS_ok && i < first->items.count; i++)
        status = apus_value_append(value, first->items.values[i]);
    if (status != APUS_STATUS_ok) apus_value_release(value), value = NULL;
    return apus__pickle_push(p, status, value);
}

static apus_status call_complex(apus__pickle *p, const apus_value *function, const apus_value *arguments) {
    const apus_value *real = argument(arguments, 0), *imaginary = argument(arguments, 1);
    if (!is_kind(real, APUS_VALUE_float) || !is_kind(imaginary, APUS_VALUE_float)) return fail_arguments(p, function);
    apus_scalar scalar = {.kind = APUS_SCALAR_complex, .real = real->scalar.real, .imaginary = imaginary->scalar.real};
    apus_value *value = NULL;
    return apus__pickle_push(p, apus_value_scalar(&value, &scalar), value);
}

static apus_status call_device(apus__pickle *p, const apus_value *function, const apus_value *arguments) {
    const apus_value *index = argument(arguments, 1);
    const char *type = apus_value_get_text(argument(arguments, 0), NULL);
    int64_t number;
    if (type == NULL || (index != NULL && !get_size(index, &number))) return fail_arguments(p, function);
    char name[64];
    if (index == NULL)
        snprintf(name, sizeof name, "%.20s", type);
    else
        snprintf(name, sizeof name, "%.20s:%lld", type, (long long)number);
    apus_value *value = NULL;
    if (!apus__is_utf8(name, strlen(name))) return fail_arguments(p, function);
    return apus__pickle_push(p, apus_value_string(&value, name, strlen(name)), value);
}

/// The tensor itself: a parameter is a tensor that requires grad, which is no part of the data.
static apus_status call_parameter(apus__pickle *p, const apus_value *function, const apus_value *arguments) {
    apus_value *tensor = argument(arguments, 0);
    if (!is_kind(tensor, APUS__PICKLE_TENSOR)) return fail_arguments(p, function);
    return apus__pickle_push_again(p, tensor);
}

static apus_status call_from_type(apus__pickle *p, const apus_value *function, const apus_value *arguments) {
    const apus_value *inner = argument(arguments, 0), *class = argument(arguments, 1);
    apus_value *inner_arguments = argument(arguments, 2);
    if (!is_kind(inner, APUS__PICKLE_GLOBAL) || !is_kind(class, APUS__PICKLE_GLOBAL) ||
        globals[class->scalar.integer].meaning != MEANS_CLASS || !is_kind(inner_arguments, APUS_VALUE_tuple) ||
        globals[inner->scalar.integer].meaning == MEANS_FROM_TYPE)
        return fail_arguments(p, function);
    return apus__pickle_call(p, inner, inner_arguments);
}

apus_status apus__pickle_call(apus__pickle *p, const apus_value *function, apus_value *arguments) {
    switch (globals[function->scalar.integer].meaning) {
    case MEANS_DICT: return call_dict(p, function, arguments);
    case MEANS_TUPLE: return call_container(p, function, arguments, APUS_VALUE_tuple);
    case MEANS_SET: return call_container(p, function, arguments, APUS_VALUE_set);
    case MEANS_COMPLEX: return call_complex(p, function, arguments);
    case MEANS_BYTES: return call_bytes(p, function, arguments);
    case MEANS_ENCODE: return push_latin1(p, function, argument(arguments, 0));
    case MEANS_DEVICE: return call_device(p, function, arguments);
    case MEANS_TENSOR: return call_tensor(p, function, arguments, false);
    case MEANS_TENSOR_V3: return call_tensor(p, function, arguments, true);
    case MEANS_PARAMETER: return call_parameter(p, function, arguments);
    case MEANS_FROM_TYPE: return call_from_type(p, function, arguments);
    case MEANS_DTYPE:
    case MEANS_STORAGE:
    case MEANS_CLASS: break;
    }
    return apus__pickle_fail(p, "the pickle calls %s, which is only named in data", apus__pickle_global_name(function));
}
