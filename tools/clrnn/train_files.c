/* SPDX-License-Identifier: MIT
 * train_files.c - the files of `clrnn train`: that none is lost, and that a text is one. */
#include <stdlib.h>
#include <string.h>

#include "train.h"

/* What is written must be neither read nor written twice; only the checkpoint may be both. */
static int check_overlaps(const train_options *o)
{
    const tool_file all[] = {{"--save", o->save, true},        {"--log", o->log, true},
                             {"--data", o->data, false},       {"--targets", o->targets, false},
                             {"--lengths", o->lengths, false}, {"--mask", o->mask, false},
                             {"--parts", o->parts, false},     {"--model", o->model, false}};
    size_t count = sizeof all / sizeof *all;
    tool_file *files = calloc(o->texts.count + count, sizeof *files);
    if (!files)
        return tool_no_memory();
    memcpy(files, all, sizeof all);
    for (size_t i = 0; i < o->texts.count; i++)
        files[count++] = (tool_file){"--text", o->texts.items[i], false};
    int code = tool_check_files("train", files, count);
    free(files);
    const tool_file checkpoint = {"--resume", o->resume, false};
    const tool_file log[] = {{"--log", o->log, true}, checkpoint};
    const tool_file save[] = {{"--save", o->save, true}, checkpoint};
    if (!code)
        code = tool_check_files("train", log, 2);
    if (!code && o->resume && !tool_same_file(o->save, o->resume))
        code = tool_check_files("train", save, 2);
    return code;
}

static bool is_checkpoint(const char *path)
{
    cJSON *header = tool_read_header(path);
    cJSON *metadata = cJSON_GetObjectItemCaseSensitive(header, "__metadata__");
    bool found = cJSON_GetObjectItemCaseSensitive(metadata, "clrnn.train.step") != NULL;
    cJSON_Delete(header);
    return found;
}

/* What is there is replaced only where that has been said: by --resume, or by --force. */
static int check_replaced(const train_options *o)
{
    bool exists = !o->force && tool_file_exists(o->save);
    if (exists && !o->resume)
        return tool_error("train: --save %s: the file exists; add --resume %s to go on with it, or "
                          "--force to replace it",
                          o->save, o->save);
    if (exists && !tool_same_file(o->save, o->resume) && !is_checkpoint(o->save))
        return tool_error("train: --save %s: the file exists and is no checkpoint; add --force to "
                          "replace it",
                          o->save);
    if (o->log && !o->resume && !o->force && tool_file_exists(o->log))
        return tool_error("train: --log %s: the file exists; add --force to replace it", o->log);
    return TOOL_OK;
}

int train_check_files(const train_options *o)
{
    const tool_file save = {"--save", o->save, true}, log = {"--log", o->log, true};
    const char *dot = strrchr(o->save, '.');
    if (dot && strcmp(dot, ".npy") == 0)
        return tool_error("train: --save %s: a checkpoint is a .safetensors file", o->save);
    int code = check_overlaps(o);
    if (!code)
        code = tool_check_output("train", &save, true);
    if (!code && o->log)
        code = tool_check_output("train", &log, false);
    return code ? code : check_replaced(o);
}

/* A header's length in 8 bytes, from the least on, and the header, which is JSON. */
static bool is_safetensors(const unsigned char *data, size_t size)
{
    uint64_t length = 0;
    for (size_t i = 8; i-- > 0 && size > 8;)
        length = length << 8 | data[i];
    return size > 8 && length <= size - 8 && data[8] == '{';
}

int train_check_text(const char *path, const char *data, size_t size)
{
    const char *zero = size ? memchr(data, 0, size) : NULL;
    const char *kind = NULL;
    if (size >= 6 && memcmp(data, "\x93NUMPY", 6) == 0)
        kind = "an array (.npy)";
    else if (is_safetensors((const unsigned char *)data, size))
        kind = "a .safetensors file";
    else if (zero && size > 1 &&
             (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0))
        kind = "UTF-16 text; save it as UTF-8";
    if (kind)
        return tool_error("train: --text %s: this is %s; --binary learns its bytes all the same",
                          path, kind);
    if (zero)
        return tool_error("train: --text %s: byte %zu is zero, so this is no text; --binary learns "
                          "its bytes all the same",
                          path, (size_t)(zero - data));
    return TOOL_OK;
}
