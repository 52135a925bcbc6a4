/* SPDX-License-Identifier: MIT
 * sound.c - see sound.h. */
#include "sound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/format.h>

#include "system.h"

#ifdef TOOL_SNDFILE
#include <sndfile.h>
#endif
#ifdef TOOL_SAMPLERATE
#include <samplerate.h>
#endif

bool sound_is_named(const char *path)
{
    const size_t length = strlen(path);
    const char *end = length > 4 ? path + length - 4 : "";
    return strcmp(end, ".wav") == 0 || strcmp(end, ".WAV") == 0;
}

void sound_free(tool_sound *sound)
{
    free(sound->samples);
    *sound = (tool_sound){0};
}

/* --- the rate of a model ---------------------------------------------------------------------- */

uint32_t sound_model_rate(const char *path, const char *arch, const char *prefix)
{
    const clrnn_import_desc desc = {.arch = arch, .prefix = prefix};
    clrnn_graph *graph = NULL;
    const double rate = clrnn_graph_import(path, &desc, NULL, &graph) == CLRNN_OK
                            ? clrnn_graph_sample_rate(graph)
                            : 0; /* what is wrong with it is told when it is read to run */
    clrnn_graph_destroy(&graph);
    return rate >= 1 && rate <= 1e6 ? (uint32_t)(rate + 0.5) : 0;
}

/* --- files ------------------------------------------------------------------------------------ */

#ifndef TOOL_SNDFILE

int sound_check(const char *command, const char *path)
{
    return tool_error("%s: %s: this build has no sound files (it was made without libsndfile)",
                      command, path);
}

int sound_read(const char *command, const char *path, uint64_t most, tool_sound *sound)
{
    (void)most;
    *sound = (tool_sound){0};
    return sound_check(command, path);
}

int sound_write(const char *command, const char *path, const tool_sound *sound)
{
    (void)sound;
    return sound_check(command, path);
}

#else

int sound_check(const char *command, const char *path)
{
    (void)command;
    (void)path;
    return TOOL_OK;
}

int sound_read(const char *command, const char *path, uint64_t most, tool_sound *sound)
{
    SF_INFO info = {0};
    *sound = (tool_sound){0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    if (!file)
        return tool_error("%s: %s: %s", command, path, sf_strerror(NULL));
    const uint64_t wanted = most && most < (uint64_t)info.frames ? most : (uint64_t)info.frames;
    const bool fits = wanted > 0 && wanted <= INT32_MAX && info.channels > 0 && info.samplerate > 0;
    if (fits)
        sound->samples = calloc((size_t)wanted * (size_t)info.channels, sizeof(float));
    const bool whole = sound->samples && sf_readf_float(file, sound->samples, (sf_count_t)wanted) ==
                                             (sf_count_t)wanted;
    sf_close(file);
    sound->frames = (size_t)wanted;
    sound->channels = (uint32_t)info.channels;
    sound->rate = (uint32_t)info.samplerate;
    sound->format = info.format;
    if (fits && !sound->samples)
        return tool_no_memory();
    return whole ? TOOL_OK
                 : tool_error("%s: %s: %s %lld frames", command, path,
                              fits ? "cannot read its" : "it must have 1 to 2147483647, not",
                              (long long)info.frames);
}

static bool is_float(int format)
{
    const int kind = format & SF_FORMAT_SUBMASK;
    return kind == SF_FORMAT_FLOAT || kind == SF_FORMAT_DOUBLE;
}

/* Samples that can be written, in place of those that cannot; tells of them. */
static void bound(const char *command, const char *path, const tool_sound *sound, int format,
                  float *to)
{
    const size_t count = sound->frames * sound->channels;
    size_t beyond = 0, strange = 0;
    float most = 1;
    for (size_t i = 0; i < count; i++) {
        const float x = sound->samples[i];
        to[i] = x;
        if (!isfinite(x)) {
            strange++;
            to[i] = is_float(format) ? x : 0;
        } else if (fabsf(x) > 1) {
            beyond++;
            most = fabsf(x) > most ? fabsf(x) : most;
            to[i] = is_float(format) ? x : x > 0 ? 1 : -1;
        }
    }
    if (strange)
        tool_warn("%s: %s: %zu of %zu samples are not finite", command, path, strange, count);
    if (beyond)
        tool_warn("%s: %s: %zu of %zu samples %s full scale, the largest by %.1f dB", command, path,
                  beyond, count, is_float(format) ? "go beyond" : "are clipped at",
                  20 * log10((double)most));
}

static int write_file(const char *command, const char *path, const tool_sound *sound,
                      const float *samples, int format)
{
    SF_INFO info = {
        .samplerate = (int)sound->rate, .channels = (int)sound->channels, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    if (!file)
        return tool_error("%s: %s: %s", command, path, sf_strerror(NULL));
    sf_command(file, SFC_SET_CLIPPING, NULL, SF_TRUE);
    const bool whole =
        sf_writef_float(file, samples, (sf_count_t)sound->frames) == (sf_count_t)sound->frames;
    const bool closed = sf_close(file) == 0;
    return whole && closed ? TOOL_OK : tool_error("%s: %s: cannot write all of it", command, path);
}

int sound_write(const char *command, const char *path, const tool_sound *sound)
{
    char place[TOOL_PATH_ROOM], unfinished[TOOL_PATH_ROOM + 8];
    const int format = sound->format ? (sound->format & SF_FORMAT_SUBMASK) | SF_FORMAT_WAV
                                     : SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    if (strlen(path) >= sizeof place)
        return tool_error("%s: %s: the name is too long", command, path);
    strcpy(place, path);
    system_follow(place);
    snprintf(unfinished, sizeof unfinished, "%s.tmp", place);
    float *samples = calloc(sound->frames * sound->channels + 1, sizeof *samples);
    if (!samples)
        return tool_no_memory();
    bound(command, path, sound, format, samples);
    int code = write_file(command, unfinished, sound, samples, format);
    free(samples);
#ifdef _WIN32
    if (!code)
        remove(place);
#endif
    if (!code && rename(unfinished, place) != 0)
        code = tool_error("%s: %s: cannot replace it", command, path);
    if (code)
        remove(unfinished);
    return code;
}

#endif

/* --- rates ------------------------------------------------------------------------------------ */

#ifndef TOOL_SAMPLERATE

int sound_resample(const char *command, const char *path, tool_sound *sound, uint32_t rate,
                   size_t frames)
{
    (void)frames;
    return tool_error("%s: %s: it has %u frames a second, but the model is made for %u, and this "
                      "build was made without libsamplerate; change the file's rate first",
                      command, path, sound->rate, rate);
}

#else

int sound_resample(const char *command, const char *path, tool_sound *sound, uint32_t rate,
                   size_t frames)
{
    const double ratio = (double)rate / sound->rate;
    const double expected = ceil((double)sound->frames * ratio) + 1;
    if (expected > INT32_MAX || sound->frames > INT32_MAX)
        return tool_error("%s: %s: too long at %u frames a second", command, path, rate);
    const size_t count = frames > (size_t)expected ? frames : (size_t)expected;
    float *samples = calloc(count * sound->channels, sizeof *samples);
    if (!samples)
        return tool_no_memory();
    SRC_DATA data = {.data_in = sound->samples,
                     .data_out = samples,
                     .input_frames = (long)sound->frames,
                     .output_frames = (long)expected,
                     .src_ratio = ratio};
    const int error = src_simple(&data, SRC_SINC_BEST_QUALITY, (int)sound->channels);
    free(sound->samples);
    sound->samples = samples;
    sound->rate = rate;
    sound->frames = frames ? frames : (size_t)data.output_frames_gen;
    if (error)
        return tool_error("%s: %s: %s", command, path, src_strerror(error));
    return sound->frames ? TOOL_OK : tool_error("%s: %s: too short to resample", command, path);
}

#endif
