/* SPDX-License-Identifier: MIT
 * run_sound.h - sounds that `clrnn run` reads and writes. */
#ifndef TOOL_RUN_SOUND_H
#define TOOL_RUN_SOUND_H

#include "graph_pass.h"
#include "sound.h"

/* Zero-initialise. */
typedef struct run_sound {
    tool_sound about; /* what comes in, all alike; without samples */
    const char *from; /* the file, or NULL */
    uint32_t rate;    /* steps a second of the model; 0: unknown */
} run_sound;

/** Read a sound as a set of one array [frames,channels], at the model's rate. Returns an exit code;
 *  *set is the caller's. */
int run_sound_load(run_sound *sound, const char *path, clrnn_tensors **set);

/** Write an output (name "": the first that has as many channels as what came in), at the rate of
 *  what came in, and say so on stdout. Returns an exit code. */
int run_sound_save(const run_sound *sound, const graph_pass *pass, const clrnn_tensors *outputs,
                   const char *name, const char *path);

#endif
