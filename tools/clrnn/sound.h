/* SPDX-License-Identifier: MIT
 * sound.h - sound files (libsndfile), and other sample rates (libsamplerate). */
#ifndef TOOL_SOUND_H
#define TOOL_SOUND_H

#include "tool.h"

/* Samples of all channels, interleaved. */
typedef struct tool_sound {
    float *samples; /* [frames,channels], owned */
    size_t frames;
    uint32_t channels;
    uint32_t rate; /* frames a second */
    int format;    /* the library's; 0: 32 bits of float in a .wav */
} tool_sound;

/** Whether a file's name says that it is a sound, .wav. */
bool sound_is_named(const char *path);

/** See that this build has sound files. Returns TOOL_OK or TOOL_BAD_USE. */
int sound_check(const char *command, const char *path);

/** Read at most `most` frames of a file (0: all). Returns TOOL_OK or TOOL_BAD_USE; the sound is the
 *  caller's, to be freed with sound_free in any case. */
int sound_read(const char *command, const char *path, uint64_t most, tool_sound *sound);

/** Write a file, whole or not at all. What cannot be written as it is, samples beyond full scale in
 *  a format of whole numbers or that are not finite, is told in a warning. Returns as sound_read.
 */
int sound_write(const char *command, const char *path, const tool_sound *sound);

/** Change to another rate, and to so many frames (0: as many as there are). Returns as sound_read;
 *  a build without libsamplerate says so. */
int sound_resample(const char *command, const char *path, tool_sound *sound, uint32_t rate,
                   size_t frames);

/** Frames a second that a model is made for; 0: it says nothing. arch, prefix: or NULL. */
uint32_t sound_model_rate(const char *path, const char *arch, const char *prefix);

void sound_free(tool_sound *sound);

#endif
