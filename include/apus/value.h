/// Values as files hold them around tensors: numbers, texts, lists, dicts, in a tree.
///
/// Threads: values are reference counted and may be read from any thread at once; only containers change, and only by
/// `append` and `insert`, while no other thread looks at them.
#ifndef APUS_VALUE_H
#define APUS_VALUE_H

#include "apus/tensor.h"

APUS_BEGIN_DECLS

typedef struct apus_value apus_value;

/// What a value is.
typedef enum APUS_SWIFT_ENUM("ValueKind") apus_value_kind {
    APUS_VALUE_none APUS_SWIFT_CASE("none") = 0,
    APUS_VALUE_bool APUS_SWIFT_CASE("bool") = 1,
    APUS_VALUE_int APUS_SWIFT_CASE("int") = 2,
    APUS_VALUE_float APUS_SWIFT_CASE("float") = 3,
    APUS_VALUE_complex APUS_SWIFT_CASE("complex") = 4,
    APUS_VALUE_string APUS_SWIFT_CASE("string") = 5, ///< UTF-8
    APUS_VALUE_bytes APUS_SWIFT_CASE("bytes") = 6,
    APUS_VALUE_dtype APUS_SWIFT_CASE("dtype") = 7,
    APUS_VALUE_tensor APUS_SWIFT_CASE("tensor") = 8,
    APUS_VALUE_list APUS_SWIFT_CASE("list") = 9,
    APUS_VALUE_tuple APUS_SWIFT_CASE("tuple") = 10,
    APUS_VALUE_set APUS_SWIFT_CASE("set") = 11,
    APUS_VALUE_dict APUS_SWIFT_CASE("dict") = 12, ///< keys and values in order
} apus_value_kind;

// ---- Making. The caller owns what it gets.

APUS_API APUS_NODISCARD apus_status apus_value_none(apus_value **out);
/// A bool, int, float or complex number, by the scalar's kind.
APUS_API APUS_NODISCARD apus_status apus_value_scalar(apus_value **out, const apus_scalar *scalar);
/// A copy of `length` bytes of valid UTF-8.
APUS_API APUS_NODISCARD apus_status apus_value_string(apus_value **out, const char *text, size_t length);
/// A copy of `length` bytes.
APUS_API APUS_NODISCARD apus_status apus_value_bytes(apus_value **out, const void *data, size_t length);
APUS_API APUS_NODISCARD apus_status apus_value_dtype(apus_value **out, apus_dtype dtype);
/// The tensor itself, retained.
APUS_API APUS_NODISCARD apus_status apus_value_tensor(apus_value **out, apus_tensor *tensor);
/// An empty list, tuple, set or dict.
APUS_API APUS_NODISCARD apus_status apus_value_container(apus_value **out, apus_value_kind kind);
/// Adds `item`, retained, to the end of a list, tuple or set. A container may not be put into itself.
APUS_API APUS_NODISCARD apus_status apus_value_append(apus_value *container, apus_value *item);
/// Sets `key` of a dict, both retained. A string, an integer or a bool that is there already keeps its place and gets
/// the new value; other keys are not compared.
APUS_API APUS_NODISCARD apus_status apus_value_insert(apus_value *dict, apus_value *key, apus_value *value);

/// Adds an owner. Returns `value`.
APUS_API apus_value *apus_value_retain(apus_value *value);
/// Drops an owner; the last one frees. NULL is allowed.
APUS_API void apus_value_release(apus_value *value);

// ---- Reading. What is returned is borrowed and lives as long as the value. A NULL value reads as none.

APUS_API apus_value_kind apus_value_get_kind(const apus_value *value);
/// The number of a bool, int, float or complex value; fails with `APUS_STATUS_dtype` for others.
APUS_API APUS_NODISCARD apus_status apus_value_get_scalar(const apus_value *value, apus_scalar *out);
/// The bytes of a string (NUL-terminated) or of bytes; NULL for other values. `length` may be NULL.
APUS_API const char *apus_value_get_text(const apus_value *value, size_t *length);
/// The dtype of a dtype value; fails with `APUS_STATUS_dtype` for others.
APUS_API APUS_NODISCARD apus_status apus_value_get_dtype(const apus_value *value, apus_dtype *out);
/// The tensor of a tensor value; NULL for other values.
APUS_API apus_tensor *apus_value_get_tensor(const apus_value *value);
/// How many items a container has; 0 for other values.
APUS_API size_t apus_value_count(const apus_value *value);
/// Item `index` of a list, tuple or set, or the value at that place of a dict; NULL outside.
APUS_API const apus_value *apus_value_item(const apus_value *value, size_t index);
/// The key at a place of a dict; NULL outside, and for other values.
APUS_API const apus_value *apus_value_key(const apus_value *value, size_t index);
/// The value of a dict under a NUL-terminated string; NULL where there is none.
APUS_API const apus_value *apus_value_find(const apus_value *value, const char *key);

APUS_END_DECLS

#endif
