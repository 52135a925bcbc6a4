/* SPDX-License-Identifier: MIT
 * run_sound.c - see run_sound.h. */
#include "run_sound.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"

/* --- in --------------------------------------------------------------------------------------- */

/* The rate of the model, once it is known: its own, or that of what it is given. */
static int take_rate(run_sound *s, const char *path, tool_sound *sound)
{
    const uint32_t own = s->rate ? s->rate : sound->rate;
    if (s->from && (sound->rate != s->about.rate || sound->frames != s->about.frames))
        return tool_error("run: %s: it has %zu frames, %u a second, but %s %zu, %u a second", path,
                          sound->frames, sound->rate, s->from, s->about.frames, s->about.rate);
    s->about = *sound;
    s->about.samples = NULL;
    s->from = path;
    s->rate = own;
    if (own == sound->rate)
        return TOOL_OK;
    int code = sound_resample("run", path, sound, own, 0);
    if (!code)
        tool_warn("run: %s: %u frames a second, but the model is made for %u: changed to that, and "
                  "back in what is written",
                  path, s->about.rate, own);
    return code;
}

int run_sound_load(run_sound *s, const char *path, clrnn_tensors **set)
{
    tool_sound sound;
    int code = sound_read("run", path, 0, &sound);
    if (!code)
        code = take_rate(s, path, &sound);
    const uint64_t shape[] = {sound.frames, sound.channels};
    clrnn_status status = code ? CLRNN_OK : clrnn_tensors_create(tool_log(), set);
    if (!code && !status)
        status = clrnn_tensors_add(*set, "", CLRNN_DTYPE_F32, 2, shape, sound.samples);
    sound_free(&sound);
    return status ? tool_failed(status) : code;
}

/* --- out -------------------------------------------------------------------------------------- */

/* Channels of an output as a sound: what is not time. 0: it has no axis of time. */
static size_t channels_of(const graph_pass *pass, const clrnn_tensors *outputs, size_t output)
{
    const clrnn_tensor *t = clrnn_tensors_at(outputs, output);
    const int axis = t && output < GRAPH_ARRAYS ? pass->timed[output] : -1;
    return axis < 0 || t->shape[axis] == 0 ? 0 : t->count / (size_t)t->shape[axis];
}

/* Output k of the model, or SIZE_MAX: without a name the first one that has as many channels as
 * what came in. */
static size_t sound_output(const run_sound *s, const graph_pass *pass, const clrnn_tensors *outputs,
                           const char *name)
{
    const size_t wanted = s->from ? s->about.channels : 1;
    for (size_t i = 0; i < clrnn_tensors_count(outputs); i++)
        if (*name ? strcmp(clrnn_tensors_at(outputs, i)->name, name) == 0
                  : channels_of(pass, outputs, i) == wanted)
            return i;
    return SIZE_MAX;
}

/* An output [outer,T,inner] as frames of outer*inner channels. */
static int interleave(const run_sound *s, const clrnn_tensor *t, int axis, tool_sound *sound)
{
    size_t T = (size_t)t->shape[axis], inner = 1;
    float *numbers = run_reals(t, sizeof(float));
    for (uint32_t i = (uint32_t)axis + 1; i < t->rank; i++)
        inner *= (size_t)t->shape[i];
    const size_t channels = t->count / T;
    *sound = (tool_sound){.samples = calloc(t->count, sizeof(float)),
                          .frames = T,
                          .channels = (uint32_t)channels,
                          .rate = s->rate,
                          .format = s->about.format};
    for (size_t i = 0; numbers && sound->samples && i < t->count; i++)
        sound->samples[i / inner % T * channels + i / inner / T * inner + i % inner] = numbers[i];
    free(numbers);
    return numbers && sound->samples ? TOOL_OK : tool_no_memory();
}

int run_sound_save(const run_sound *s, const graph_pass *pass, const clrnn_tensors *outputs,
                   const char *name, const char *path)
{
    enum { most = 32 };
    const size_t output = sound_output(s, pass, outputs, name);
    const size_t channels = output == SIZE_MAX ? 0 : channels_of(pass, outputs, output);
    tool_sound sound = {0};
    if (channels == 0 || channels > most)
        return tool_error("run: --out %s: %s of the model is a sound of 1 to %d channels", path,
                          *name ? "that output" : "no output", most);
    if (!s->rate)
        return tool_error("run: --out %s: nothing says how many steps a second has; give a .wav, "
                          "or write .npy",
                          path);
    int code = interleave(s, clrnn_tensors_at(outputs, output), pass->timed[output], &sound);
    if (!code && s->from && s->about.rate != s->rate)
        code = sound_resample("run", path, &sound, s->about.rate, s->about.frames);
    if (!code)
        code = sound_write("run", path, &sound);
    if (!code)
        printf("%s %zu frames of %u channel%s, %u a second -> %s\n",
               clrnn_tensors_at(outputs, output)->name, sound.frames, sound.channels,
               sound.channels > 1 ? "s" : "", sound.rate, path);
    sound_free(&sound);
    return code;
}
