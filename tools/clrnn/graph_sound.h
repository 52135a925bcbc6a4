/* SPDX-License-Identifier: MIT
 * graph_sound.h - a sound in the order of axes that a model has. */
#ifndef TOOL_GRAPH_SOUND_H
#define TOOL_GRAPH_SOUND_H

#include "tool.h"

/** *value, [frames,channels], as input `info` takes it: in *set, made if it is NULL. Channels are
 *  features where there are as many, else rows. Returns: CLRNN_OK, CLRNN_ERR_RANGE (neither: the
 *  log says what there is), CLRNN_ERR_MEMORY */
clrnn_status graph_sound_fit(const clrnn_value_info *info, clrnn_tensors **set,
                             const clrnn_tensor **value);

#endif
