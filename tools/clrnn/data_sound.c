/* SPDX-License-Identifier: MIT
 * data_sound.c - sounds (.wav) as sequences to learn from. */
#include <stdlib.h>
#include <string.h>

#include "train_data.h"

#ifdef TOOL_SNDFILE
#include <sndfile.h>
#endif

bool data_is_sound(const char *path)
{
    const char *dot = path ? strrchr(path, '.') : NULL;
    return dot && (strcmp(dot, ".wav") == 0 || strcmp(dot, ".WAV") == 0);
}

#ifdef TOOL_SNDFILE
/* Read, and close the file. */
static int take(const char *command, const char *path, const char *name, SNDFILE *file,
                const uint64_t shape[3], clrnn_tensors **set)
{
    const sf_count_t frames = (sf_count_t)(shape[0] * shape[1]);
    float *samples = calloc((size_t)frames * (size_t)shape[2], sizeof *samples);
    const bool whole = samples && sf_readf_float(file, samples, frames) == frames;
    sf_close(file);
    clrnn_status status = whole ? clrnn_tensors_create(tool_log(), set) : CLRNN_OK;
    if (whole && !status)
        status = clrnn_tensors_add(*set, name, CLRNN_DTYPE_F32, 3, shape, samples);
    if (status)
        clrnn_tensors_destroy(set);
    bool room = samples != NULL;
    free(samples);
    return status  ? tool_failed(status)
           : !room ? tool_no_memory()
           : whole ? TOOL_OK
                   : tool_error("%s: %s: cannot read its %lld frames", command, path,
                                (long long)frames);
}

int data_read_sound(const char *command, const char *path, const char *name, uint32_t window,
                    clrnn_tensors **set)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    if (!file)
        return tool_error("%s: %s: %s", command, path, sf_strerror(NULL));
    const uint64_t frames = info.frames > 0 ? (uint64_t)info.frames : 0;
    const uint64_t steps = window ? window : frames;
    const uint64_t shape[] = {steps ? frames / steps : 0, steps, (uint64_t)info.channels};
    if (shape[0] == 0) {
        sf_close(file);
        return tool_error("%s: %s: its %llu frames do not fill one sequence of %llu (--window)",
                          command, path, (unsigned long long)frames, (unsigned long long)steps);
    }
    return take(command, path, name, file, shape, set);
}
#else
int data_read_sound(const char *command, const char *path, const char *name, uint32_t window,
                    clrnn_tensors **set)
{
    (void)name;
    (void)window;
    (void)set;
    return tool_error("%s: %s: this build reads no sound (it was made without libsndfile)", command,
                      path);
}
#endif
