/* SPDX-License-Identifier: MIT
 * model/torch.c - what torch.save has written: a ZIP archive of a pickle, data.pkl, and of
 * storages, data/KEY. The old container, a row of pickles, is named as such.
 *
 * Of a checkpoint ({'epoch': 3, 'state_dict': {..}}) the state_dict gives the tensors; names of
 * dictionaries within dictionaries stand one behind the other, "encoder.weight". Numbers and texts
 * become metadata. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/tensors.h"
#include "model/torch.h"

enum {
    MOST_DEPTH = 32,
    MOST_STEPS = 1 << 20, /* values looked at: they may be part of each other many times over */
    MOST_METADATA = 256
};

/* --- the tensors among the values ------------------------------------------------------------- */

static clrnn_status damaged(const clr_torch *r, const char *what)
{
    return clr_fail(&r->set->log, CLRNN_ERR_FORMAT, "%s: damaged: %s", r->file, what);
}

static clrnn_status grow(clr_torch *r)
{
    if (r->set->count < r->room)
        return CLRNN_OK;
    const size_t room = 2 * r->room + 64;
    clr_tensor_ref **larger = clr_arena_get(&r->arena, room * sizeof *larger);
    if (!larger)
        return clr_torch_no_memory(r);
    if (r->set->count > 0)
        memcpy(larger, r->refs, r->set->count * sizeof *larger);
    r->refs = larger;
    r->room = room;
    return CLRNN_OK;
}

/* A tensor without its data yet. */
static clrnn_status add_tensor(clr_torch *r, clr_tensor_ref *ref)
{
    clrnn_tensor tensor = {.dtype = ref->dtype, .rank = ref->rank};
    memcpy(tensor.shape, ref->shape, sizeof tensor.shape);
    if (!clr_tensor_measure(&tensor) || tensor.bytes > r->left)
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                        "%s: refused: with tensor %s %s it would take far more memory than the "
                        "file",
                        r->file, clr_show(r->name).text,
                        clr_show_shape(ref->rank, ref->shape).text);
    r->left -= tensor.bytes;
    char *name = clr_tensors_keep(r->set, strlen(r->name) + 1);
    clrnn_status status = name ? grow(r) : clr_torch_no_memory(r);
    if (status != CLRNN_OK)
        return status;
    strcpy(name, r->name);
    tensor.name = name;
    r->refs[r->set->count] = ref;
    return clr_tensors_append(r->set, &tensor);
}

static clrnn_status add_metadata(clr_torch *r, const clr_pickled *value)
{
    char number[CLR_DECIMAL_ROOM];
    const char *text = number;
    if (!*r->name || r->set->metadata_count >= MOST_METADATA)
        return CLRNN_OK;
    if (value->kind == CLR_PICKLED_TEXT)
        text = value->text;
    else if (value->kind == CLR_PICKLED_REAL)
        clr_decimal_write(number, 17, value->real);
    else if (value->kind == CLR_PICKLED_BOOL)
        text = value->integer ? "true" : "false";
    else if (value->kind == CLR_PICKLED_INTEGER)
        snprintf(number, sizeof number, "%" PRId64, value->integer);
    else
        return CLRNN_OK;
    return clrnn_tensors_set_metadata(r->set, r->name, text);
}

static clrnn_status walk(clr_torch *r, const clr_pickled *value, const clr_pickled *only,
                         unsigned depth);

/* The part `key` of a value, or number `index`. */
static clrnn_status walk_part(clr_torch *r, const clr_pickled *key, uint32_t index,
                              const clr_pickled *value, const clr_pickled *only, unsigned depth)
{
    const size_t used = strlen(r->name), room = sizeof r->name - used;
    int put = 0;
    if (key && key->kind == CLR_PICKLED_TEXT)
        put = snprintf(r->name + used, room, "%s%s", used ? "." : "", key->text);
    else
        put = snprintf(r->name + used, room, "%s%" PRId64, used ? "." : "",
                       key ? key->integer : (int64_t)index);
    clrnn_status status = put >= 0 && (size_t)put < room
                              ? walk(r, value, only, depth + 1)
                              : damaged(r, "a name of more than 511 bytes");
    r->name[used] = 0;
    return status;
}

static bool is_key(const clr_pickled *key)
{
    return key->kind == CLR_PICKLED_INTEGER ||
           (key->kind == CLR_PICKLED_TEXT && strlen(key->text) == key->size);
}

static bool is_alone(const clr_pickled *value)
{
    return value->kind != CLR_PICKLED_DICT && value->kind != CLR_PICKLED_LIST &&
           value->kind != CLR_PICKLED_TUPLE && value->kind != CLR_PICKLED_TENSOR;
}

/* What has no name, as a vocabulary's number of the character NUL, is left out where no tensor can
 * be below it. */
static clrnn_status walk_dict(clr_torch *r, const clr_pickled *dict, const clr_pickled *only,
                              unsigned depth)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < dict->count && status == CLRNN_OK; i += 2) {
        const clr_pickled *key = dict->items[i], *value = dict->items[i + 1];
        if (is_key(key))
            status = walk_part(r, key, 0, value, only, depth);
        else if (!only && !is_alone(value))
            status = damaged(r, "a key that is neither text nor a number");
    }
    return status;
}

/* Tensors below a value; with `only` numbers and texts alone, and not in that. */
static clrnn_status walk(clr_torch *r, const clr_pickled *value, const clr_pickled *only,
                         unsigned depth)
{
    if (depth > MOST_DEPTH || r->steps++ > MOST_STEPS)
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                        "%s: refused: dictionaries more than %d deep, or of more than %d parts",
                        r->file, MOST_DEPTH, MOST_STEPS);
    if (value == only)
        return CLRNN_OK;
    if (value->kind == CLR_PICKLED_DICT)
        return walk_dict(r, value, only, depth);
    if (value->kind == CLR_PICKLED_TENSOR)
        return only ? CLRNN_OK : add_tensor(r, value->tensor);
    if (value->kind != CLR_PICKLED_LIST && value->kind != CLR_PICKLED_TUPLE)
        return add_metadata(r, value);
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < value->count && status == CLRNN_OK; i++)
        status = walk_part(r, NULL, i, value->items[i], only, depth);
    return status;
}

static bool has_tensors(const clr_pickled *dict)
{
    for (uint32_t i = 0; dict->kind == CLR_PICKLED_DICT && i < dict->count; i += 2)
        if (dict->items[i + 1]->kind == CLR_PICKLED_TENSOR)
            return true;
    return false;
}

/* The state_dict of a checkpoint, as trainers call it; else the whole. */
static const clr_pickled *state_dict(const clr_pickled *root)
{
    static const char *const keys[] = {"state_dict", "model_state_dict", "model_state", "model",
                                       "net",        "network",          "weights",     "params"};
    for (unsigned depth = 0; depth < 4; depth++) {
        const clr_pickled *next = NULL;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !next; i++)
            next = clr_pickled_get(root, keys[i]);
        /* A loss may lie beside it as a tensor, but a module's weight is no dictionary. */
        if (!next || next->kind != CLR_PICKLED_DICT || (has_tensors(root) && !has_tensors(next)))
            break;
        root = next;
    }
    return root;
}

clrnn_status clr_torch_find_tensors(clr_torch *r, const clr_pickled *root)
{
    const clr_pickled *states = state_dict(root);
    clrnn_status status = walk(r, states, NULL, 0);
    if (status == CLRNN_OK && states != root)
        status = walk(r, root, states, 0);
    if (status != CLRNN_OK)
        return status;
    if (r->set->count == 0)
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT, "%s: there are no tensors in it", r->file);
    return CLRNN_OK;
}

/* --- the archive ------------------------------------------------------------------------------ */

bool clr_torch_find(const clr_zip *zip, clr_zip_entry *pickle)
{
    static const char name[] = "data.pkl";
    const size_t length = sizeof name - 1;
    for (int64_t i = 0; i < zip->entries; i++) {
        const char *found = clr_zip_at(zip, (uint64_t)i, pickle) == CLRNN_OK ? pickle->name : "";
        const size_t size = strlen(found);
        if (size >= length && strcmp(found + size - length, name) == 0 &&
            (size == length || found[size - length - 1] == '/'))
            return true;
    }
    return false;
}

/* An entry beside data.pkl. */
static bool has_entry(const clr_torch *r, const char *name, clr_zip_entry *entry)
{
    char full[CLR_TORCH_NAME];
    snprintf(full, sizeof full, "%s%s", r->folder, name);
    return clr_zip_find(r->zip, full, entry);
}

static clrnn_status check_kind(const clr_torch *r, const clr_zip_entry *pickle)
{
    clr_zip_entry entry;
    void *order = NULL;
    if (has_entry(r, "constants.pkl", &entry) || has_entry(r, "code/", &entry))
        return clr_fail(&r->set->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: a TorchScript archive, which is a program; in Python write its "
                        "tensors: torch.save(torch.jit.load(..).state_dict(), ..)",
                        r->file);
    if (has_entry(r, "byteorder", &entry) && entry.size < 16) {
        clrnn_status status = clr_zip_read(r->zip, &entry, &order);
        const bool big = status == CLRNN_OK && strcmp(order, "big") == 0;
        free(order);
        if (status != CLRNN_OK || big)
            return status != CLRNN_OK ? status
                                      : clr_fail(&r->set->log, CLRNN_ERR_UNSUPPORTED,
                                                 "%s: written by a big-endian machine", r->file);
    }
    return pickle->size <= CLR_TORCH_VALUES && pickle->size <= clr_zip_most(r->zip)
               ? CLRNN_OK
               : clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                          "%s: refused: its data.pkl would unpack to %" PRIu64 " bytes", r->file,
                          pickle->size);
}

clrnn_status clr_torch_read(clrnn_tensors *set, const clr_zip *zip, const clr_zip_entry *pickle)
{
    void *data = NULL;
    clr_pickled *root = NULL;
    const size_t length = strlen(pickle->name) - strlen("data.pkl");
    clr_torch *r = clr_calloc(1, sizeof *r);
    char *folder = clr_calloc(length + 1, 1);
    clrnn_status status = CLRNN_ERR_MEMORY;
    if (!r || !folder) {
        (void)clr_fail(&set->log, status, "%s: no memory", zip->file);
        goto done;
    }
    memcpy(folder, pickle->name, length);
    *r = (clr_torch){.set = set, .zip = zip, .file = zip->file, .folder = folder};
    r->arena.most = CLR_TORCH_VALUES;
    r->left = clr_zip_most(zip);
    status = check_kind(r, pickle);
    if (status == CLRNN_OK)
        status = clr_zip_read(zip, pickle, &data);
    if (status == CLRNN_OK)
        status = clr_pickle_run(data, (size_t)pickle->size, zip->file, &set->log, &r->arena, &root,
                                NULL, NULL);
    free(data);
    if (status == CLRNN_OK)
        status = clr_torch_find_tensors(r, root);
    if (status == CLRNN_OK)
        status = clr_torch_read_data(r);
    clr_arena_free(&r->arena);
done:
    free(folder);
    free(r);
    return status;
}
