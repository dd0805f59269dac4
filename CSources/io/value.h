// The value tree, and what readers of formats need to build one.
#ifndef APUS_IO_VALUE_H
#define APUS_IO_VALUE_H

#include <stdatomic.h>

#include "apus/value.h"
#include "io/index.h"

/// A container's items. Those of a dict are keys and values in turn.
typedef struct apus__items {
    apus_value **values;
    size_t count, capacity; ///< of `values`
    apus__index index;      ///< a dict's keys that are texts or integers
} apus__items;

struct apus_value {
    atomic_int references;
    apus_value_kind kind;
    union {
        apus_scalar scalar;
        struct {
            char *data; ///< NUL-terminated
            size_t length;
        } text;
        apus_dtype dtype;
        apus_tensor *tensor;
        apus__items items;
    };
    /// What stands for an integer in a dict's index: a byte that no text begins with, then the number.
    unsigned char number_key[10];
    bool is_reached; ///< for the reader of pickles
};

/// Appends and lets go of the caller's `item`, on failure too.
apus_status apus__value_give(apus_value *container, apus_value *item);
/// Inserts and lets go of the caller's `key` and `value`, on failure too.
apus_status apus__value_give_pair(apus_value *dict, apus_value *key, apus_value *value);
/// Inserts under a text, and lets go of `value`.
apus_status apus__value_set(apus_value *dict, const char *key, size_t length, apus_value *value);
/// An integer value.
apus_status apus__value_int(apus_value **out, int64_t integer);
/// Drops a container's items, for containers that may hold themselves.
void apus__value_clear(apus_value *value);
static inline bool apus__is_container(const apus_value *value) {
    return value != NULL && value->kind >= APUS_VALUE_list && value->kind <= APUS_VALUE_dict;
}

#endif
