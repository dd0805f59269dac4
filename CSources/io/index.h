// Finding items of an array by their text: a hash table of positions. The texts stay where they are.
#ifndef APUS_IO_INDEX_H
#define APUS_IO_INDEX_H

#include "core/error.h"

#define APUS__NOT_FOUND SIZE_MAX

typedef struct apus__index {
    size_t *slots; ///< positions plus one; 0 where free
    size_t capacity, count;
} apus__index;

/// The text of item i of an array, which `items` leads to.
typedef const char *(*apus__index_text)(const void *items, size_t i, size_t *length);

/// The position of the item with that text, or APUS__NOT_FOUND.
size_t apus__index_find(const apus__index *index, const char *text, size_t length, apus__index_text text_of,
                        const void *items);
/// Adds the item at `position`, whose text is not there yet.
apus_status apus__index_add(apus__index *index, size_t position, apus__index_text text_of, const void *items);
void apus__index_free(apus__index *index);

#endif
