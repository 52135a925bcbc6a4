/* SPDX-License-Identifier: MIT
 * data_sound.c - sounds (.wav) as sequences to learn from. */
#include "sound.h"
#include "train_data.h"

bool data_is_sound(const char *path)
{
    return path && sound_is_named(path);
}

/* The frames as parts of `steps` each. */
static int cut(const char *command, const char *path, const char *name, const tool_sound *sound,
               uint64_t steps, clrnn_tensors **set)
{
    const uint64_t shape[] = {steps ? sound->frames / steps : 0, steps, sound->channels};
    if (shape[0] == 0)
        return tool_error("%s: %s: its %zu frames do not fill one sequence of %llu (--window)",
                          command, path, sound->frames, (unsigned long long)steps);
    clrnn_status status = clrnn_tensors_create(tool_log(), set);
    if (!status)
        status = clrnn_tensors_add(*set, name, CLRNN_DTYPE_F32, 3, shape, sound->samples);
    if (status)
        clrnn_tensors_destroy(set);
    return status ? tool_failed(status) : TOOL_OK;
}

int data_read_sound(const char *command, const char *path, const char *name, uint32_t window,
                    uint32_t *rate, clrnn_tensors **set)
{
    tool_sound sound = {0};
    int code = sound_check(command, path);
    if (!code)
        code = sound_read(command, path, 0, &sound);
    if (!code && *rate && *rate != sound.rate)
        code = tool_error("%s: %s: it has %u frames a second, the other sound %u; change the rate "
                          "of one first",
                          command, path, sound.rate, *rate);
    *rate = sound.rate;
    if (!code)
        code = cut(command, path, name, &sound, window ? window : sound.frames, set);
    sound_free(&sound);
    return code;
}
