// The machine: opcodes of protocols 2 to 5 (CPython's Lib/pickletools.py describes each).
#include <stdlib.h>
#include <string.h>

#include "io/pickle.h"

enum { MOST_MEMO = 1 << 22 };

// ---- Input

static apus_status take(apus__pickle *p, size_t bytes, const unsigned char **data) {
    if (bytes > p->bytes - p->position)
        return apus__pickle_fail(p, "the pickle is cut short: expected %zu bytes, found %zu", bytes,
                                 p->bytes - p->position);
    *data = p->data + p->position;
    p->position += bytes;
    return APUS_STATUS_ok;
}

static apus_status take_number(apus__pickle *p, size_t width, uint64_t *number) {
    const unsigned char *data;
    APUS_TRY(take(p, width, &data));
    *number = apus__load(data, width);
    return APUS_STATUS_ok;
}

/// A text with its length, of `width` bytes, in front.
static apus_status take_text(apus__pickle *p, size_t width, const char **text, size_t *length) {
    uint64_t count;
    APUS_TRY(take_number(p, width, &count));
    if (count > p->bytes - p->position)
        return apus__pickle_fail(p, "a text of %llu bytes leaves the pickle", (unsigned long long)count);
    *length = (size_t)count;
    return take(p, *length, (const unsigned char **)text);
}

static apus_status take_line(apus__pickle *p, const char **text, size_t *length) {
    const unsigned char *start = p->data + p->position, *end = memchr(start, '\n', p->bytes - p->position);
    if (end == NULL) return apus__pickle_fail(p, "the pickle is cut short in a name");
    *text = (const char *)start;
    *length = (size_t)(end - start);
    p->position += *length + 1;
    return APUS_STATUS_ok;
}

// ---- The stack

/// How many items the stack has above the last mark, or in all.
static size_t available(const apus__pickle *p) {
    return p->stack_count - (p->mark_count == 0 ? 0 : p->marks[p->mark_count - 1]);
}

static apus_status pop(apus__pickle *p, apus_value **value) {
    if (available(p) == 0) return apus__pickle_fail(p, "the pickle takes from an empty stack");
    *value = p->stack[--p->stack_count];
    return APUS_STATUS_ok;
}

static apus_status top(apus__pickle *p, apus_value **value) {
    APUS_TRY(pop(p, value));
    p->stack_count++;
    return APUS_STATUS_ok;
}

static apus_status push_mark(apus__pickle *p) {
    size_t *grown = apus__grow(p->marks, p->mark_count, &p->mark_capacity, sizeof *grown);
    if (grown == NULL) return apus__pickle_fail_memory(p);
    p->marks = grown;
    p->marks[p->mark_count++] = p->stack_count;
    return APUS_STATUS_ok;
}

/// Takes what lies above the last mark, and the mark: `count` items from `items` on, valid until the next push.
static apus_status pop_mark(apus__pickle *p, apus_value ***items, size_t *count) {
    if (p->mark_count == 0) return apus__pickle_fail(p, "the pickle takes a mark that is not there");
    *count = available(p);
    p->stack_count = p->marks[--p->mark_count];
    *items = p->stack == NULL ? NULL : p->stack + p->stack_count;
    return APUS_STATUS_ok;
}

// ---- Opcodes

static apus_status push_bool(apus__pickle *p, bool truth) {
    apus_value *value = NULL;
    apus_scalar scalar = {.kind = APUS_SCALAR_bool, .integer = truth};
    return apus__pickle_push(p, apus_value_scalar(&value, &scalar), value);
}

static apus_status push_int(apus__pickle *p, int64_t integer) {
    apus_value *value = NULL;
    return apus__pickle_push(p, apus__value_int(&value, integer), value);
}

static apus_status push_number(apus__pickle *p, size_t width) {
    uint64_t number;
    APUS_TRY(take_number(p, width, &number));
    return push_int(p, width == 4 ? (int32_t)number : (int64_t)number);
}

/// LONG1: a two's complement number of any length; here it must fit in 64 bits, signed or not.
static apus_status push_long(apus__pickle *p) {
    uint64_t length;
    const unsigned char *data;
    APUS_TRY(take_number(p, 1, &length));
    APUS_TRY(take(p, (size_t)length, &data));
    if (length > 9 || (length == 9 && data[8] != 0))
        return apus__pickle_fail(p, "an integer of %llu bytes does not fit in 64 bits", (unsigned long long)length);
    size_t width = length < 8 ? (size_t)length : 8;
    uint64_t bits = apus__load(data, width);
    bool is_negative = length > 0 && length < 9 && (data[width - 1] & 0x80) != 0;
    if (is_negative && width < 8) bits |= UINT64_MAX << 8 * width;
    apus_scalar scalar = {.kind = APUS_SCALAR_int, .integer = (int64_t)bits};
    scalar.is_unsigned = !is_negative && scalar.integer < 0;
    apus_value *value = NULL;
    return apus__pickle_push(p, apus_value_scalar(&value, &scalar), value);
}

static apus_status push_float(apus__pickle *p) {
    const unsigned char *data;
    unsigned char swapped[8];
    apus_value *value = NULL;
    apus_scalar scalar = {.kind = APUS_SCALAR_float};
    APUS_TRY(take(p, 8, &data));
    for (int i = 0; i < 8; i++) swapped[i] = data[7 - i];
    memcpy(&scalar.real, swapped, 8);
    return apus__pickle_push(p, apus_value_scalar(&value, &scalar), value);
}

static apus_status push_unicode(apus__pickle *p, size_t width) {
    const char *text;
    size_t length;
    apus_value *value = NULL;
    APUS_TRY(take_text(p, width, &text, &length));
    if (!apus__is_utf8(text, length)) return apus__pickle_fail(p, "a text is not UTF-8");
    return apus__pickle_push(p, apus_value_string(&value, text, length), value);
}

/// Bytes; or a text of Python 2, which is one as far as it is UTF-8.
static apus_status push_bytes(apus__pickle *p, size_t width, bool is_text) {
    const char *text;
    size_t length;
    apus_value *value = NULL;
    APUS_TRY(take_text(p, width, &text, &length));
    if (is_text && apus__is_utf8(text, length))
        return apus__pickle_push(p, apus_value_string(&value, text, length), value);
    return apus__pickle_push(p, apus_value_bytes(&value, text, length), value);
}

static apus_status push_container(apus__pickle *p, apus_value_kind kind) {
    apus_value *value = NULL;
    return apus__pickle_push(p, apus_value_container(&value, kind), value);
}

/// A container of the items that were `count` on top of the stack before they were popped.
static apus_status push_filled(apus__pickle *p, apus_value_kind kind, apus_value **items, size_t count) {
    apus_value *value = NULL;
    apus_status status = apus_value_container(&value, kind);
    for (size_t i = 0; i < count && status == APUS_STATUS_ok; i++) status = apus_value_append(value, items[i]);
    if (status != APUS_STATUS_ok) apus_value_release(value), value = NULL;
    return apus__pickle_push(p, status, value);
}

static apus_status push_tuple(apus__pickle *p, size_t count) {
    if (available(p) < count) return apus__pickle_fail(p, "the pickle takes from an empty stack");
    p->stack_count -= count;
    return push_filled(p, APUS_VALUE_tuple, p->stack + p->stack_count, count);
}

static apus_status push_marked(apus__pickle *p, apus_value_kind kind) {
    apus_value **items;
    size_t count;
    APUS_TRY(pop_mark(p, &items, &count));
    return push_filled(p, kind, items, count);
}

/// Adds items to the list or set below them.
static apus_status append(apus__pickle *p, apus_value_kind kind, apus_value **items, size_t count) {
    apus_value *container;
    APUS_TRY(top(p, &container));
    if (container->kind != kind) return apus__pickle_fail(p, "the pickle appends to something that is no list or set");
    for (size_t i = 0; i < count; i++) {
        if (items[i] == container) return apus__pickle_fail(p, "a list holds itself");
        APUS_TRY(apus_value_append(container, items[i]));
    }
    return APUS_STATUS_ok;
}

/// Sets pairs of the dict below them.
static apus_status set_items(apus__pickle *p, apus_value **items, size_t count) {
    apus_value *dict;
    APUS_TRY(top(p, &dict));
    if (dict->kind != APUS_VALUE_dict || count % 2 != 0)
        return apus__pickle_fail(p, "the pickle sets items of something that is no dict, or half a pair");
    for (size_t i = 0; i < count; i += 2) {
        if (items[i] == dict || items[i + 1] == dict) return apus__pickle_fail(p, "a dict holds itself");
        APUS_TRY(apus_value_insert(dict, items[i], items[i + 1]));
    }
    return APUS_STATUS_ok;
}

static apus_status push_marked_dict(apus__pickle *p) {
    apus_value **items, *dict = NULL;
    size_t count;
    APUS_TRY(pop_mark(p, &items, &count));
    apus_status status =
        count % 2 != 0 ? apus__pickle_fail(p, "a dict has half a pair") : apus_value_container(&dict, APUS_VALUE_dict);
    for (size_t i = 0; i + 1 < count && status == APUS_STATUS_ok; i += 2)
        status = apus_value_insert(dict, items[i], items[i + 1]);
    if (status != APUS_STATUS_ok) apus_value_release(dict), dict = NULL;
    return apus__pickle_push(p, status, dict);
}

static apus_status put_memo(apus__pickle *p, uint64_t index) {
    apus_value *value;
    APUS_TRY(top(p, &value));
    // An honest index counts the opcodes that came before, each of which took a byte or more.
    if (index >= MOST_MEMO || index > p->position)
        return apus__pickle_fail(p, "the memo's place %llu is too far", (unsigned long long)index);
    while (p->memo_capacity <= index) {
        size_t capacity = p->memo_capacity == 0 ? 64 : 2 * p->memo_capacity;
        apus_value **grown = realloc(p->memo, capacity * sizeof *grown);
        if (grown == NULL) return apus__pickle_fail_memory(p);
        memset(grown + p->memo_capacity, 0, (capacity - p->memo_capacity) * sizeof *grown);
        p->memo = grown;
        p->memo_capacity = capacity;
    }
    if (p->memo[index] == NULL) p->memo_count++;
    p->memo[index] = value;
    return APUS_STATUS_ok;
}

static apus_status put_memo_at(apus__pickle *p, size_t width) {
    uint64_t index;
    APUS_TRY(take_number(p, width, &index));
    return put_memo(p, index);
}

static apus_status push_memo(apus__pickle *p, size_t width) {
    uint64_t index;
    APUS_TRY(take_number(p, width, &index));
    if (index >= p->memo_capacity || p->memo[index] == NULL)
        return apus__pickle_fail(p, "the memo has nothing at %llu", (unsigned long long)index);
    return apus__pickle_push_again(p, p->memo[index]);
}

static apus_status push_global(apus__pickle *p) {
    const char *module, *name;
    size_t module_length, name_length;
    APUS_TRY(take_line(p, &module, &module_length));
    APUS_TRY(take_line(p, &name, &name_length));
    return apus__pickle_global(p, module, module_length, name, name_length);
}

static apus_status push_stack_global(apus__pickle *p) {
    apus_value *module, *name;
    APUS_TRY(pop(p, &name));
    APUS_TRY(pop(p, &module));
    size_t module_length, name_length;
    const char *module_text = apus_value_get_text(module, &module_length);
    const char *name_text = apus_value_get_text(name, &name_length);
    if (module_text == NULL || name_text == NULL) return apus__pickle_fail(p, "a global's name is no text");
    return apus__pickle_global(p, module_text, module_length, name_text, name_length);
}

static apus_status call(apus__pickle *p) {
    apus_value *function, *arguments;
    APUS_TRY(pop(p, &arguments));
    APUS_TRY(pop(p, &function));
    if ((int)function->kind != APUS__PICKLE_GLOBAL || arguments->kind != APUS_VALUE_tuple)
        return apus__pickle_fail(p, "the pickle calls something that is no function");
    return apus__pickle_call(p, function, arguments);
}

/// The state of a dict or a tensor is what Python programs hung on it; it is not kept.
static apus_status build(apus__pickle *p) {
    apus_value *state, *object;
    APUS_TRY(pop(p, &state));
    APUS_TRY(top(p, &object));
    if (object->kind == APUS_VALUE_dict || (int)object->kind == APUS__PICKLE_TENSOR) return APUS_STATUS_ok;
    return apus__pickle_fail(p, "the pickle sets the state of something that has none");
}

static apus_status push_persistent(apus__pickle *p) {
    apus_value *id;
    APUS_TRY(pop(p, &id));
    return apus__pickle_persistent(p, id);
}

static apus_status skip_protocol(apus__pickle *p) {
    uint64_t protocol;
    APUS_TRY(take_number(p, 1, &protocol));
    if (protocol >= 2 && protocol <= 5) return APUS_STATUS_ok;
    return apus__pickle_fail(p, "the pickle's protocol is %llu; 2 to 5 are supported", (unsigned long long)protocol);
}

static apus_status step(apus__pickle *p, unsigned char opcode) {
    apus_value **items, *value = NULL;
    const unsigned char *skipped;
    size_t count;
    switch (opcode) {
    case 0x80: return skip_protocol(p);
    case 0x95: return take(p, 8, &skipped); // FRAME
    case 'N': return apus__pickle_push(p, apus_value_none(&value), value);
    case 0x88: return push_bool(p, true);
    case 0x89: return push_bool(p, false);
    case 'J': return push_number(p, 4);
    case 'K': return push_number(p, 1);
    case 'M': return push_number(p, 2);
    case 0x8a: return push_long(p);
    case 'G': return push_float(p);
    case 'X': return push_unicode(p, 4);
    case 0x8c: return push_unicode(p, 1);
    case 0x8d: return push_unicode(p, 8);
    case 'T': return push_bytes(p, 4, true);
    case 'U': return push_bytes(p, 1, true);
    case 'B': return push_bytes(p, 4, false);
    case 'C': return push_bytes(p, 1, false);
    case 0x8e:
    case 0x96: return push_bytes(p, 8, false); // bytes, bytearray
    case '}': return push_container(p, APUS_VALUE_dict);
    case ']': return push_container(p, APUS_VALUE_list);
    case ')': return push_container(p, APUS_VALUE_tuple);
    case 0x8f: return push_container(p, APUS_VALUE_set);
    case '(': return push_mark(p);
    case '0': return available(p) == 0 && p->mark_count > 0 ? pop_mark(p, &items, &count) : pop(p, &value);
    case '1': return pop_mark(p, &items, &count);
    case '2': APUS_TRY(top(p, &value)); return apus__pickle_push_again(p, value);
    case 't': return push_marked(p, APUS_VALUE_tuple);
    case 'l': return push_marked(p, APUS_VALUE_list);
    case 0x91: return push_marked(p, APUS_VALUE_set); // frozenset
    case 'd': return push_marked_dict(p);
    case 0x85: return push_tuple(p, 1);
    case 0x86: return push_tuple(p, 2);
    case 0x87: return push_tuple(p, 3);
    case 'a': APUS_TRY(pop(p, &value)); return append(p, APUS_VALUE_list, &value, 1);
    case 'e': APUS_TRY(pop_mark(p, &items, &count)); return append(p, APUS_VALUE_list, items, count);
    case 0x90: APUS_TRY(pop_mark(p, &items, &count)); return append(p, APUS_VALUE_set, items, count);
    case 's':
        if (available(p) < 2) return apus__pickle_fail(p, "the pickle takes from an empty stack");
        p->stack_count -= 2;
        return set_items(p, p->stack + p->stack_count, 2);
    case 'u': APUS_TRY(pop_mark(p, &items, &count)); return set_items(p, items, count);
    case 'q': return put_memo_at(p, 1);
    case 'r': return put_memo_at(p, 4);
    case 0x94: return put_memo(p, p->memo_count);
    case 'h': return push_memo(p, 1);
    case 'j': return push_memo(p, 4);
    case 'c': return push_global(p);
    case 0x93: return push_stack_global(p);
    case 'R':
    case 0x81: return call(p); // REDUCE, NEWOBJ
    case 'b': return build(p);
    case 'Q': return push_persistent(p);
    default: return apus__pickle_fail(p, "the opcode 0x%02x is not supported", opcode);
    }
}

apus_status apus__pickle_run(apus__pickle *p, apus_value **root) {
    for (;;) {
        const unsigned char *opcode;
        APUS_TRY(take(p, 1, &opcode));
        if (*opcode == '.') break;
        APUS_TRY(step(p, *opcode));
    }
    if (p->mark_count > 0) return apus__pickle_fail(p, "the pickle ends inside a container");
    APUS_TRY(pop(p, root));
    return p->stack_count == 0 ? APUS_STATUS_ok : apus__pickle_fail(p, "the pickle leaves objects on its stack");
}
