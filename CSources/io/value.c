// Values: making, sharing, reading.
#include "io/value.h"

#include <stdlib.h>
#include <string.h>

#include "io/file.h"

static apus_status fail_memory(void) {
    return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot make a value");
}

static apus_status new_value(apus_value **out, apus_value_kind kind) {
    APUS_REQUIRE("value", out);
    apus_value *value = calloc(1, sizeof *value);
    if (value == NULL) return fail_memory();
    atomic_init(&value->references, 1);
    value->kind = kind;
    *out = value;
    return APUS_STATUS_ok;
}

apus_status apus_value_none(apus_value **out) { return new_value(out, APUS_VALUE_none); }

apus_status apus_value_scalar(apus_value **out, const apus_scalar *scalar) {
    APUS_REQUIRE("value_scalar", scalar);
    static const apus_value_kind kinds[] = {
        [APUS_SCALAR_bool] = APUS_VALUE_bool,
        [APUS_SCALAR_int] = APUS_VALUE_int,
        [APUS_SCALAR_float] = APUS_VALUE_float,
        [APUS_SCALAR_complex] = APUS_VALUE_complex,
    };
    if ((unsigned)scalar->kind > APUS_SCALAR_complex)
        return apus__fail(APUS_STATUS_invalid_argument, "value_scalar: %d is no kind of number", (int)scalar->kind);
    APUS_TRY(new_value(out, kinds[scalar->kind]));
    apus_value *value = *out;
    value->scalar = *scalar;
    value->number_key[0] = 0xff;
    value->number_key[1] = scalar->is_unsigned;
    memcpy(value->number_key + 2, &scalar->integer, sizeof scalar->integer);
    return APUS_STATUS_ok;
}

apus_status apus__value_int(apus_value **out, int64_t integer) {
    apus_scalar scalar = {.kind = APUS_SCALAR_int, .integer = integer};
    return apus_value_scalar(out, &scalar);
}

static apus_status new_text(apus_value **out, apus_value_kind kind, const void *data, size_t length) {
    if (length > 0) APUS_REQUIRE("value", data);
    char *copy = length == SIZE_MAX ? NULL : malloc(length + 1);
    if (copy == NULL) return fail_memory();
    if (length > 0) memcpy(copy, data, length);
    copy[length] = '\0';
    apus_status status = new_value(out, kind);
    if (status != APUS_STATUS_ok) {
        free(copy);
        return status;
    }
    (*out)->text.data = copy;
    (*out)->text.length = length;
    return APUS_STATUS_ok;
}

apus_status apus_value_string(apus_value **out, const char *text, size_t length) {
    if (length > 0) APUS_REQUIRE("value_string", text);
    if (!apus__is_utf8(text, length))
        return apus__fail(APUS_STATUS_invalid_argument, "value_string: the text is not UTF-8");
    return new_text(out, APUS_VALUE_string, text, length);
}

apus_status apus_value_bytes(apus_value **out, const void *data, size_t length) {
    return new_text(out, APUS_VALUE_bytes, data, length);
}

apus_status apus_value_dtype(apus_value **out, apus_dtype dtype) {
    if (apus_dtype_size(dtype) == 0) return apus__fail(APUS_STATUS_dtype, "value_dtype: %d is no dtype", (int)dtype);
    APUS_TRY(new_value(out, APUS_VALUE_dtype));
    (*out)->dtype = dtype;
    return APUS_STATUS_ok;
}

apus_status apus_value_tensor(apus_value **out, apus_tensor *tensor) {
    APUS_REQUIRE("value_tensor", tensor);
    APUS_TRY(new_value(out, APUS_VALUE_tensor));
    (*out)->tensor = apus_tensor_retain(tensor);
    return APUS_STATUS_ok;
}

apus_status apus_value_container(apus_value **out, apus_value_kind kind) {
    if (kind < APUS_VALUE_list || kind > APUS_VALUE_dict)
        return apus__fail(APUS_STATUS_invalid_argument, "value_container: %d is no kind of container", (int)kind);
    return new_value(out, kind);
}

// ---- Containers

/// The text a dict finds a key by; NULL for keys that are not compared.
static const char *key_text(const apus_value *key, size_t *length) {
    switch (key->kind) {
    case APUS_VALUE_string: *length = key->text.length; return key->text.data;
    case APUS_VALUE_bool:
    case APUS_VALUE_int: *length = sizeof key->number_key; return (const char *)key->number_key;
    default: return NULL;
    }
}

static const char *key_text_at(const void *items, size_t i, size_t *length) {
    return key_text(((const apus__items *)items)->values[2 * i], length);
}

static apus_status push(apus__items *items, apus_value *value) {
    apus_value **grown = apus__grow(items->values, items->count, &items->capacity, sizeof *grown);
    if (grown == NULL) return fail_memory();
    items->values = grown;
    items->values[items->count++] = apus_value_retain(value);
    return APUS_STATUS_ok;
}

apus_status apus_value_append(apus_value *container, apus_value *item) {
    APUS_REQUIRE("value_append", container);
    APUS_REQUIRE("value_append", item);
    if (container->kind < APUS_VALUE_list || container->kind == APUS_VALUE_dict || item == container)
        return apus__fail(APUS_STATUS_invalid_argument,
                          "value_append: needs a list, tuple or set, not the item itself");
    return push(&container->items, item);
}

apus_status apus_value_insert(apus_value *dict, apus_value *key, apus_value *value) {
    APUS_REQUIRE("value_insert", dict);
    APUS_REQUIRE("value_insert", key);
    APUS_REQUIRE("value_insert", value);
    if (dict->kind != APUS_VALUE_dict || key == dict || value == dict)
        return apus__fail(APUS_STATUS_invalid_argument, "value_insert: needs a dict, not the key or value itself");
    apus__items *items = &dict->items;
    size_t length = 0;
    const char *text = key_text(key, &length);
    size_t place = text == NULL ? APUS__NOT_FOUND : apus__index_find(&items->index, text, length, key_text_at, items);
    if (place != APUS__NOT_FOUND) {
        apus_value_release(items->values[2 * place + 1]);
        items->values[2 * place + 1] = apus_value_retain(value);
        return APUS_STATUS_ok;
    }
    APUS_TRY(push(items, key));
    apus_status status = push(items, value);
    if (status == APUS_STATUS_ok && text != NULL)
        status = apus__index_add(&items->index, items->count / 2 - 1, key_text_at, items);
    if (status != APUS_STATUS_ok) { // only whole pairs that can be found stay
        while (items->count % 2 != 0 || (items->count > 0 && items->values[items->count - 2] == key))
            apus_value_release(items->values[--items->count]);
    }
    return status;
}

apus_status apus__value_give(apus_value *container, apus_value *item) {
    apus_status status = apus_value_append(container, item);
    apus_value_release(item);
    return status;
}

apus_status apus__value_give_pair(apus_value *dict, apus_value *key, apus_value *value) {
    apus_status status = apus_value_insert(dict, key, value);
    apus_value_release(key);
    apus_value_release(value);
    return status;
}

apus_status apus__value_set(apus_value *dict, const char *key, size_t length, apus_value *value) {
    apus_value *name = NULL;
    apus_status status = apus_value_string(&name, key, length);
    if (status == APUS_STATUS_ok) return apus__value_give_pair(dict, name, value);
    apus_value_release(value);
    return status;
}

// ---- Owners

apus_value *apus_value_retain(apus_value *value) {
    if (value != NULL) atomic_fetch_add_explicit(&value->references, 1, memory_order_relaxed);
    return value;
}

void apus__value_clear(apus_value *value) {
    if (!apus__is_container(value)) return;
    apus__items items = value->items;
    value->items = (apus__items){0};
    for (size_t i = 0; i < items.count; i++) apus_value_release(items.values[i]);
    free(items.values);
    apus__index_free(&items.index);
}

void apus_value_release(apus_value *value) {
    if (value == NULL || atomic_fetch_sub_explicit(&value->references, 1, memory_order_acq_rel) != 1) return;
    if (value->kind == APUS_VALUE_string || value->kind == APUS_VALUE_bytes) free(value->text.data);
    if (value->kind == APUS_VALUE_tensor) apus_tensor_release(value->tensor);
    apus__value_clear(value);
    free(value);
}

// ---- Reading

apus_value_kind apus_value_get_kind(const apus_value *value) { return value == NULL ? APUS_VALUE_none : value->kind; }

apus_status apus_value_get_scalar(const apus_value *value, apus_scalar *out) {
    APUS_REQUIRE("value_get_scalar", out);
    apus_value_kind kind = apus_value_get_kind(value);
    if (kind < APUS_VALUE_bool || kind > APUS_VALUE_complex)
        return apus__fail(APUS_STATUS_dtype, "value_get_scalar: the value is no number");
    *out = value->scalar;
    return APUS_STATUS_ok;
}

const char *apus_value_get_text(const apus_value *value, size_t *length) {
    apus_value_kind kind = apus_value_get_kind(value);
    bool is_text = kind == APUS_VALUE_string || kind == APUS_VALUE_bytes;
    if (length != NULL) *length = is_text ? value->text.length : 0;
    return is_text ? value->text.data : NULL;
}

apus_status apus_value_get_dtype(const apus_value *value, apus_dtype *out) {
    APUS_REQUIRE("value_get_dtype", out);
    if (apus_value_get_kind(value) != APUS_VALUE_dtype)
        return apus__fail(APUS_STATUS_dtype, "value_get_dtype: the value is no dtype");
    *out = value->dtype;
    return APUS_STATUS_ok;
}

apus_tensor *apus_value_get_tensor(const apus_value *value) {
    return apus_value_get_kind(value) == APUS_VALUE_tensor ? value->tensor : NULL;
}

size_t apus_value_count(const apus_value *value) {
    if (!apus__is_container(value)) return 0;
    return value->kind == APUS_VALUE_dict ? value->items.count / 2 : value->items.count;
}

const apus_value *apus_value_item(const apus_value *value, size_t index) {
    if (index >= apus_value_count(value)) return NULL;
    return value->items.values[value->kind == APUS_VALUE_dict ? 2 * index + 1 : index];
}

const apus_value *apus_value_key(const apus_value *value, size_t index) {
    if (apus_value_get_kind(value) != APUS_VALUE_dict || index >= apus_value_count(value)) return NULL;
    return value->items.values[2 * index];
}

const apus_value *apus_value_find(const apus_value *value, const char *key) {
    if (apus_value_get_kind(value) != APUS_VALUE_dict || key == NULL) return NULL;
    size_t place = apus__index_find(&value->items.index, key, strlen(key), key_text_at, &value->items);
    return place == APUS__NOT_FOUND ? NULL : value->items.values[2 * place + 1];
}
