/* SPDX-License-Identifier: MIT
 * model/pickle.c - see model/pickle.h. The opcodes: Python's Lib/pickletools.py. */
#include "model/pickle.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "model/pickle_globals.h"
#include "model/pickle_stack.h"
#include "model/tensors.h"

/* --- arguments in the file ------------------------------------------------------------------- */

static const unsigned char *take(clr_pickle_machine *m, size_t bytes)
{
    static const unsigned char zeros[16];
    if (bytes <= (size_t)(m->end - m->at)) {
        m->at += bytes;
        return m->at - bytes;
    }
    clr_pickle_fail(m, "it ends");
    m->at = m->end;
    return zeros;
}

/* An unsigned little-endian number. */
static uint64_t number(clr_pickle_machine *m, size_t bytes)
{
    const unsigned char *from = take(m, bytes);
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | from[i];
    return value;
}

/* Bytes whose length comes before them, in `width` bytes. */
static void push_text(clr_pickle_machine *m, size_t width, clr_pickled_kind kind)
{
    const uint64_t size = number(m, width);
    if (size > (uint64_t)(m->end - m->at)) {
        clr_pickle_fail(m, "a string beyond the end");
        return;
    }
    const char *from = (const char *)take(m, (size_t)size);
    clr_pickled *value = clr_pickle_make(m, kind);
    if (!value)
        return;
    value->text = clr_arena_copy(m->arena, from, (size_t)size);
    value->size = (size_t)size;
    if (!value->text)
        clr_pickle_no_memory(m);
    else if (kind == CLR_PICKLED_TEXT && !clr_utf8_valid(value->text, value->size))
        clr_pickle_fail(m, "a string that is not UTF-8");
    clr_pickle_push(m, value);
}

static void op_text(clr_pickle_machine *m, unsigned width)
{
    push_text(m, width, CLR_PICKLED_TEXT);
}

static void op_bytes(clr_pickle_machine *m, unsigned width)
{
    push_text(m, width, CLR_PICKLED_BYTES);
}

static void push_integer(clr_pickle_machine *m, int64_t integer)
{
    clr_pickled *value = clr_pickle_make(m, CLR_PICKLED_INTEGER);
    if (value)
        value->integer = integer;
    clr_pickle_push(m, value);
}

static void op_bool(clr_pickle_machine *m, unsigned is)
{
    push_integer(m, is);
    if (m->status == CLRNN_OK)
        clr_pickle_top(m)->kind = CLR_PICKLED_BOOL;
}

static void push_real(clr_pickle_machine *m, double real)
{
    clr_pickled *value = clr_pickle_make(m, CLR_PICKLED_REAL);
    if (value)
        value->real = real;
    clr_pickle_push(m, value);
}

/* Two's complement of any length; beyond 64 bits it is a real number. */
static void op_long(clr_pickle_machine *m, unsigned width)
{
    const uint64_t size = number(m, width);
    if (size > 255) {
        clr_pickle_fail(m, "a number of more than 255 bytes");
        return;
    }
    const unsigned char *from = take(m, (size_t)size);
    if (m->status != CLRNN_OK)
        return;
    const bool negative = size > 0 && from[size - 1] & 0x80;
    uint64_t low = negative ? UINT64_MAX : 0;
    double real = negative ? -1 : 0;
    for (size_t i = (size_t)size; i-- > 0;) {
        low = low << 8 | from[i];
        real = i + 1 == size && negative ? from[i] - 256.0 : real * 256 + from[i];
    }
    if (size <= 8)
        push_integer(m, (int64_t)low);
    else
        push_real(m, real);
}

static void op_float(clr_pickle_machine *m, unsigned width)
{
    const unsigned char *from = take(m, width);
    uint64_t bits = 0;
    double real;
    for (size_t i = 0; i < width; i++)
        bits = bits << 8 | from[i];
    memcpy(&real, &bits, sizeof real);
    push_real(m, real);
}

/* --- globals --------------------------------------------------------------------------------- */

static void push_global(clr_pickle_machine *m, const char *module, const char *name)
{
    char full[2 * CLR_SHOWN + 16];
    const clr_pickle_global *global = clr_pickle_global_find(module, name);
    clr_pickled *value = clr_pickle_make(m, CLR_PICKLED_GLOBAL);
    if (m->status != CLRNN_OK)
        return;
    if (!global) {
        snprintf(full, sizeof full, "%s.%s", clr_show(module).text, clr_show(name).text);
        m->status =
            clr_fail(m->log, CLRNN_ERR_FORMAT,
                     "%s: refused: it uses %s, which is neither a tensor, a dictionary, a "
                     "list, a number nor text; write it with torch.save(model.state_dict(), "
                     "..)",
                     m->file, full);
        return;
    }
    value->global = global;
    clr_pickle_push(m, value);
}

/* A line of text in the file, without its end. */
static const char *take_line(clr_pickle_machine *m)
{
    const unsigned char *end = memchr(m->at, '\n', (size_t)(m->end - m->at));
    if (!end) {
        clr_pickle_fail(m, "a line without end");
        return "";
    }
    const char *line = clr_arena_copy(m->arena, (const char *)m->at, (size_t)(end - m->at));
    m->at = end + 1;
    if (!line)
        clr_pickle_no_memory(m);
    return line ? line : "";
}

/* The names of a global are two lines, or two texts on the stack. */
static void op_global(clr_pickle_machine *m, unsigned lines)
{
    const char *module = lines ? take_line(m) : NULL;
    if (lines) {
        push_global(m, module, take_line(m));
        return;
    }
    const clr_pickled *name = clr_pickle_pop(m), *from = clr_pickle_pop(m);
    if (name->kind == CLR_PICKLED_TEXT && from->kind == CLR_PICKLED_TEXT)
        push_global(m, from->text, name->text);
    else
        clr_pickle_fail(m, "a global without name");
}

static void op_call(clr_pickle_machine *m, unsigned none)
{
    (void)none;
    const clr_pickled *args = clr_pickle_pop(m), *global = clr_pickle_pop(m);
    clr_pickled *result = clr_pickle_make(m, CLR_PICKLED_NONE);
    if (m->status != CLRNN_OK)
        return;
    if (args->kind != CLR_PICKLED_TUPLE || global->kind != CLR_PICKLED_GLOBAL ||
        !global->global->call) {
        clr_pickle_fail(m, "a call of what is no function");
        return;
    }
    clr_pickle_call c = {m->log, m->file, m->arena, args, result};
    m->status = global->global->call(&c);
    clr_pickle_push(m, result);
}

static void op_persistent(clr_pickle_machine *m, unsigned none)
{
    (void)none;
    const clr_pickled *id = clr_pickle_pop(m);
    clr_pickled *result = clr_pickle_make(m, CLR_PICKLED_NONE);
    if (id->kind != CLR_PICKLED_TUPLE)
        clr_pickle_fail(m, "a persistent id that is no storage");
    if (m->status != CLRNN_OK)
        return;
    clr_pickle_call c = {m->log, m->file, m->arena, id, result};
    m->status = clr_pickle_storage(&c);
    if (m->status == CLRNN_OK) {
        result->storage->next = m->storages;
        m->storages = result->storage;
    }
    clr_pickle_push(m, result);
}

/* Attributes of an object: of an ordered dictionary, as torch.nn.Module.state_dict makes it, the
 * versions of its modules. */
static void op_build(clr_pickle_machine *m, unsigned none)
{
    (void)none;
    const clr_pickled *state = clr_pickle_pop(m), *object = clr_pickle_top(m);
    if (m->status == CLRNN_OK && object->kind != CLR_PICKLED_OTHER &&
        (object->kind != CLR_PICKLED_DICT || state->kind != CLR_PICKLED_DICT || state->count != 2 ||
         !clr_pickled_get(state, "_metadata")))
        clr_pickle_fail(m, "an object with attributes");
}

/* --- the opcodes ----------------------------------------------------------------------------- */

/* One value to the LIST, a key and a value to the DICT, below it. */
static void append_one(clr_pickle_machine *m, unsigned kind)
{
    clr_pickled *items[2] = {NULL, NULL};
    const uint32_t count = kind == CLR_PICKLED_DICT ? 2 : 1;
    for (uint32_t i = count; i-- > 0;)
        items[i] = clr_pickle_pop(m);
    clr_pickled *to = clr_pickle_top(m);
    if (to->kind != kind)
        clr_pickle_fail(m, "what is appended to is another thing");
    if (m->status == CLRNN_OK)
        clr_pickle_append(m, to, items, count);
}

static void op_make(clr_pickle_machine *m, unsigned kind)
{
    clr_pickle_push(m, clr_pickle_make(m, (clr_pickled_kind)kind));
}

static void op_unsigned(clr_pickle_machine *m, unsigned bytes)
{
    push_integer(m, (int64_t)number(m, bytes));
}

static void op_int(clr_pickle_machine *m, unsigned bytes)
{
    push_integer(m, (int32_t)(uint32_t)number(m, bytes));
}

static void op_collect(clr_pickle_machine *m, unsigned kind)
{
    clr_pickle_collect(m, (clr_pickled_kind)kind);
}

static void op_append_all(clr_pickle_machine *m, unsigned kind)
{
    clr_pickle_append_all(m, (clr_pickled_kind)kind);
}

/* PROTO and FRAME say nothing that is needed. */
static void op_skip(clr_pickle_machine *m, unsigned bytes)
{
    (void)number(m, bytes);
}

static void op_stop(clr_pickle_machine *m, unsigned none)
{
    (void)none;
    m->stopped = true;
}

static void op_pop(clr_pickle_machine *m, unsigned none)
{
    (void)none;
    (void)clr_pickle_pop(m);
}

static void op_pop_mark(clr_pickle_machine *m, unsigned none)
{
    (void)none;
    m->stack.count = clr_pickle_pop_mark(m);
}

static void op_again(clr_pickle_machine *m, unsigned none)
{
    (void)none;
    clr_pickle_push(m, clr_pickle_top(m));
}

static void op_get(clr_pickle_machine *m, unsigned bytes)
{
    clr_pickle_get_memo(m, number(m, bytes));
}

static void op_put(clr_pickle_machine *m, unsigned bytes)
{
    clr_pickle_put_memo(m, bytes ? number(m, bytes) : m->memo.count);
}

/* By code; those without `run` are refused. */
static const struct opcode {
    void (*run)(clr_pickle_machine *m, unsigned argument);
    unsigned argument; /* bytes that follow, a kind, a count.. */
} opcodes[256] = {
    ['N'] = {op_make, CLR_PICKLED_NONE},
    [0x88] = {op_bool, true},
    [0x89] = {op_bool, false},
    ['J'] = {op_int, 4},
    ['K'] = {op_unsigned, 1},
    ['M'] = {op_unsigned, 2},
    [0x8a] = {op_long, 1},
    [0x8b] = {op_long, 4},
    ['G'] = {op_float, 8},
    ['X'] = {op_text, 4},
    [0x8c] = {op_text, 1},
    [0x8d] = {op_text, 8},
    ['T'] = {op_text, 4}, /* str of Python 2 */
    ['U'] = {op_text, 1},
    ['B'] = {op_bytes, 4},
    ['C'] = {op_bytes, 1},
    [0x8e] = {op_bytes, 8},
    [0x96] = {op_bytes, 8},
    ['('] = {clr_pickle_push_mark, 0},
    [']'] = {op_make, CLR_PICKLED_LIST},
    [')'] = {op_make, CLR_PICKLED_TUPLE},
    ['}'] = {op_make, CLR_PICKLED_DICT},
    ['l'] = {op_collect, CLR_PICKLED_LIST},
    ['t'] = {op_collect, CLR_PICKLED_TUPLE},
    ['d'] = {op_collect, CLR_PICKLED_DICT},
    [0x85] = {clr_pickle_collect_tuple, 1},
    [0x86] = {clr_pickle_collect_tuple, 2},
    [0x87] = {clr_pickle_collect_tuple, 3},
    ['a'] = {append_one, CLR_PICKLED_LIST},
    ['s'] = {append_one, CLR_PICKLED_DICT},
    ['e'] = {op_append_all, CLR_PICKLED_LIST},
    ['u'] = {op_append_all, CLR_PICKLED_DICT},
    [0x80] = {op_skip, 1},
    [0x95] = {op_skip, 8},
    ['.'] = {op_stop, 0},
    ['0'] = {op_pop, 0},
    ['1'] = {op_pop_mark, 0},
    ['2'] = {op_again, 0},
    ['h'] = {op_get, 1},
    ['j'] = {op_get, 4},
    ['q'] = {op_put, 1},
    ['r'] = {op_put, 4},
    [0x94] = {op_put, 0},
    ['c'] = {op_global, 2},
    [0x93] = {op_global, 0},
    ['R'] = {op_call, 0},
    [0x81] = {op_call, 0},
    ['Q'] = {op_persistent, 0},
    ['b'] = {op_build, 0},
};

static void step(clr_pickle_machine *m)
{
    const unsigned char op = *take(m, 1);
    if (m->status == CLRNN_OK && opcodes[op].run)
        opcodes[op].run(m, opcodes[op].argument);
    else if (m->status == CLRNN_OK)
        m->status = clr_fail(m->log, CLRNN_ERR_FORMAT,
                             "%s: refused: opcode 0x%02x of its data.pkl, which builds none of "
                             "tensors, dictionaries, lists, numbers and text (protocol 2 to 5)",
                             m->file, op);
}

clrnn_status clr_pickle_run(const void *data, size_t bytes, const char *file, const clrnn_log *log,
                            clr_arena *arena, clr_pickled **result, size_t *used,
                            clr_storage_ref **storages)
{
    clr_pickle_machine m = {.log = log, .file = file, .arena = arena, .begin = data, .at = data};
    m.end = m.begin + bytes;
    while (!m.stopped && m.status == CLRNN_OK)
        step(&m);
    clr_pickled *last = m.status == CLRNN_OK ? clr_pickle_pop(&m) : NULL;
    *result = m.status == CLRNN_OK ? last : NULL;
    if (used)
        *used = (size_t)(m.at - m.begin);
    if (storages)
        *storages = m.storages;
    return m.status;
}

clr_pickled *clr_pickled_get(const clr_pickled *dict, const char *key)
{
    for (uint32_t i = dict && dict->kind == CLR_PICKLED_DICT ? dict->count : 0; i >= 2; i -= 2) {
        const clr_pickled *name = dict->items[i - 2];
        if (name->kind == CLR_PICKLED_TEXT && strcmp(name->text, key) == 0)
            return dict->items[i - 1];
    }
    return NULL;
}
