// Python's pickles, read without executing anything: the few opcodes and the fixed list of names that checkpoints use.
//
// A name stands for something this reader does itself; any other is refused. Memory and time are bounded by the
// pickle's length: lengths are checked against what follows, and the finished tree is walked once with a limit on depth
// and on visits, so that objects that refer to one another cannot grow it beyond measure.
#ifndef APUS_IO_PICKLE_H
#define APUS_IO_PICKLE_H

#include "io/file.h"
#include "io/value.h"

/// A storage that a pickle refers to.
typedef struct apus__pickled_storage {
    apus_value *key; ///< a string
    apus_dtype dtype;
    bool untyped; ///< bytes, whatever the tensors over them are
    size_t bytes;
    int64_t place;
    apus_storage *storage; ///< once it is found
    bool checked;          ///< bools are 0 or 1
} apus__pickled_storage;

/// A tensor over such a storage.
typedef struct apus__pickled_tensor {
    apus_value *value;
    size_t storage;
    apus_dtype dtype;
    int32_t rank;
    int64_t *shape; ///< then the strides, in the same block
    int64_t offset; ///< elements
    int64_t place;
} apus__pickled_tensor;

typedef struct apus__pickle {
    // What is read: set by the caller.
    const char *path;
    int64_t base; ///< what the data's start is called in messages; negative where places say nothing
    const unsigned char *data;
    size_t bytes, position;
    // What came out.
    apus_value *root; ///< its tensors are made by apus__pickle_resolve
    apus__pickled_storage *storages;
    size_t storage_count, storage_capacity;
    apus__index storage_index;
    apus__pickled_tensor *tensors;
    size_t tensor_count, tensor_capacity;
    // The machine: every object made, and what borrows them.
    apus_value **objects, **stack, **memo;
    size_t object_count, object_capacity, stack_count, stack_capacity, memo_count, memo_capacity;
    size_t copies; ///< items and bytes that calls copied
    size_t *marks;
    size_t mark_count, mark_capacity;
} apus__pickle;

/// Fails at the opcode before `position`.
apus_status apus__pickle_fail(const apus__pickle *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

apus_status apus__pickle_fail_memory(const apus__pickle *p);

/// Reads one pickle from `position` on, which then stands behind it.
apus_status apus__pickle_read(apus__pickle *p);
/// Finds a storage; the caller owns `*out`.
typedef apus_status (*apus__storage_finder)(apus_storage **out, void *context, const apus__pickled_storage *storage);
/// Finds the storages, then makes the tensors in the tree.
apus_status apus__pickle_resolve(apus__pickle *p, apus__storage_finder find, void *context);
/// Frees all but what others own.
void apus__pickle_free(apus__pickle *p);

// ---- Between the machine, the objects and the names

/// Runs the opcodes up to the end of one pickle. The object that is left is borrowed.
apus_status apus__pickle_run(apus__pickle *p, apus_value **root);

/// Kinds of values that only live while a pickle is read; `scalar.integer` is the position in a table.
enum {
    APUS__PICKLE_GLOBAL = APUS_VALUE_dict + 1, ///< a name
    APUS__PICKLE_STORAGE,
    APUS__PICKLE_TENSOR, ///< becomes an APUS_VALUE_tensor
};

/// Takes over `value` (NULL after a failure) and puts it on the stack.
apus_status apus__pickle_push(apus__pickle *p, apus_status status, apus_value *value);
/// An object that only the machine knows.
apus_status apus__pickle_push_internal(apus__pickle *p, int kind, int64_t integer);
/// Counts what a call copies. An honest pickle copies what it holds about once; one that copies the same object again
/// and again is refused.
apus_status apus__pickle_count_copies(apus__pickle *p, size_t count);
/// Puts an object that exists on the stack.
apus_status apus__pickle_push_again(apus__pickle *p, apus_value *value);
/// Pushes what the name stands for.
apus_status apus__pickle_global(apus__pickle *p, const char *module, size_t module_length, const char *name,
                                size_t name_length);
/// Pushes what calling `function` gives.
apus_status apus__pickle_call(apus__pickle *p, const apus_value *function, apus_value *arguments);
/// Pushes the storage of a persistent id.
apus_status apus__pickle_persistent(apus__pickle *p, const apus_value *id);
/// "module.name" of a global.
const char *apus__pickle_global_name(const apus_value *global);

#endif
