// Reading a pickle: the objects that come out of it, and what is checked of the whole.
#include "io/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_OBJECTS = 1 << 22,
    MOST_DEPTH = 100,
    MOST_VISITS = 1 << 24,
};

apus_status apus__pickle_fail(const apus__pickle *p, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int64_t place = p->base < 0 ? -1 : p->base + (int64_t)p->position - (p->position > 0);
    return apus__fail_at(APUS_STATUS_format, p->path, place, "%s", text);
}

apus_status apus__pickle_fail_memory(const apus__pickle *p) {
    return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot read %s", p->path);
}

// ---- Objects

apus_status apus__pickle_push_again(apus__pickle *p, apus_value *value) {
    apus_value **grown = apus__grow(p->stack, p->stack_count, &p->stack_capacity, sizeof *grown);
    if (grown == NULL) return apus__pickle_fail_memory(p);
    p->stack = grown;
    p->stack[p->stack_count++] = value;
    return APUS_STATUS_ok;
}

apus_status apus__pickle_push(apus__pickle *p, apus_status status, apus_value *value) {
    APUS_TRY(status);
    apus_value **grown = apus__grow(p->objects, p->object_count, &p->object_capacity, sizeof *grown);
    if (grown == NULL || p->object_count == MOST_OBJECTS) {
        if (grown != NULL) p->objects = grown;
        apus_value_release(value);
        return grown == NULL ? apus__pickle_fail_memory(p)
                             : apus__pickle_fail(p, "the pickle makes more than %d objects", MOST_OBJECTS);
    }
    p->objects = grown;
    p->objects[p->object_count++] = value;
    return apus__pickle_push_again(p, value);
}

apus_status apus__pickle_push_internal(apus__pickle *p, int kind, int64_t integer) {
    apus_value *value = NULL;
    APUS_TRY(apus__value_int(&value, integer));
    value->kind = (apus_value_kind)kind;
    return apus__pickle_push(p, APUS_STATUS_ok, value);
}

apus_status apus__pickle_count_copies(apus__pickle *p, size_t count) {
    if (count > 4 * p->bytes || (p->copies += count) > 4 * p->bytes)
        return apus__pickle_fail(p, "the pickle copies its objects too often");
    return APUS_STATUS_ok;
}

// ---- The whole

typedef struct walk {
    const apus__pickle *p;
    size_t visits;
} walk;

/// Walks the tree as a reader will, so that no later walk is deep, long or endless, and meets only real values.
static apus_status check_tree(walk *w, apus_value *value, int depth) {
    if (++w->visits > MOST_VISITS) return apus__pickle_fail(w->p, "the objects refer to one another too often");
    if (depth > MOST_DEPTH) return apus__pickle_fail(w->p, "the objects are nested deeper than %d", MOST_DEPTH);
    value->is_reached = true;
    if ((int)value->kind == APUS__PICKLE_GLOBAL)
        return apus__pickle_fail(w->p, "the data holds %s itself", apus__pickle_global_name(value));
    if ((int)value->kind == APUS__PICKLE_STORAGE)
        return apus__pickle_fail(w->p, "the data holds a storage without a tensor");
    if (value->kind < APUS_VALUE_list || value->kind > APUS_VALUE_dict) return APUS_STATUS_ok;
    for (size_t i = 0; i < value->items.count; i++) APUS_TRY(check_tree(w, value->items.values[i], depth + 1));
    return APUS_STATUS_ok;
}

/// Lets the machine's objects go. Containers that the result does not hold are emptied first: they may hold one
/// another.
static void drop_objects(apus__pickle *p) {
    for (size_t i = 0; i < p->object_count; i++)
        if (!p->objects[i]->is_reached || p->root == NULL) apus__value_clear(p->objects[i]);
    for (size_t i = 0; i < p->object_count; i++) apus_value_release(p->objects[i]);
    p->object_count = p->stack_count = p->mark_count = p->memo_count = 0;
    if (p->memo_capacity > 0) memset(p->memo, 0, p->memo_capacity * sizeof *p->memo);
}

static apus_status run(apus__pickle *p) {
    apus_value *root = NULL;
    APUS_TRY(apus__pickle_run(p, &root));
    walk w = {.p = p};
    APUS_TRY(check_tree(&w, root, 0));
    p->root = apus_value_retain(root);
    return APUS_STATUS_ok;
}

apus_status apus__pickle_read(apus__pickle *p) {
    apus_value_release(p->root);
    p->root = NULL;
    apus_status status = run(p);
    drop_objects(p);
    return status;
}

void apus__pickle_free(apus__pickle *p) {
    for (size_t i = 0; i < p->storage_count; i++) {
        apus_value_release(p->storages[i].key);
        apus__storage_release(p->storages[i].storage);
    }
    for (size_t i = 0; i < p->tensor_count; i++) {
        apus_value_release(p->tensors[i].value);
        free(p->tensors[i].shape);
    }
    apus_value_release(p->root);
    apus__index_free(&p->storage_index);
    void *blocks[] = {p->storages, p->tensors, p->objects, p->stack, p->memo, p->marks};
    for (int32_t i = 0; i < APUS__COUNT(blocks); i++) free(blocks[i]);
}
