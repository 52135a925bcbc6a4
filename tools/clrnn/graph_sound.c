/* SPDX-License-Identifier: MIT
 * graph_sound.c - see graph_sound.h. */
#include "graph_sound.h"

#include "graph_words.h"

/* The shape in which a model takes a sound [frames,channels], and whether its samples come channel
 * after channel. False: in none. */
static bool sound_shape(const clrnn_value_info *info, const clrnn_tensor *sound,
                        uint64_t shape[CLRNN_MOST_AXES], bool *planar)
{
    const uint64_t channels = sound->shape[1];
    int time = -1, rows = -1, features = -1;
    uint64_t width = 1;
    for (uint32_t i = 0; i < info->rank; i++) {
        const int64_t size = info->shape[i];
        time = size == CLRNN_STEPS ? (int)i : time;
        rows = size == CLRNN_BATCH ? (int)i : rows;
        features = size > 1 ? (int)i : features;
        width *= size > 0 ? (uint64_t)size : 1;
        shape[i] = size == CLRNN_STEPS ? sound->shape[0] : size == CLRNN_BATCH ? 1 : (uint64_t)size;
    }
    const int axis = width == channels ? features : width == 1 ? rows : -1;
    if (time < 0 || info->ids || (width != channels && axis < 0))
        return false;
    if (width != channels)
        shape[axis] = channels;
    *planar = channels > 1 && axis < time;
    return true;
}

clrnn_status graph_sound_fit(const clrnn_value_info *info, clrnn_tensors **set,
                             const clrnn_tensor **value)
{
    const clrnn_tensor *sound = *value;
    const size_t frames = (size_t)sound->shape[0], channels = (size_t)sound->shape[1];
    uint64_t shape[CLRNN_MOST_AXES];
    bool planar = false;
    char text[600], wanted[200];
    if (!sound_shape(info, sound, shape, &planar)) {
        snprintf(text, sizeof text,
                 "the sound has %zu channel%s, but input '%s' of the model is %s", channels,
                 channels > 1 ? "s (mix them, or take one)" : "", info->name,
                 graph_shape_text(info, wanted));
        return graph_complain(CLRNN_ERR_RANGE, "%s", text);
    }
    clrnn_status status = *set ? CLRNN_OK : clrnn_tensors_create(tool_log(), set);
    if (status == CLRNN_OK)
        status = clrnn_tensors_add(*set, info->name, CLRNN_DTYPE_F32, info->rank, shape,
                                   planar ? NULL : sound->data);
    const clrnn_tensor *made = status == CLRNN_OK ? clrnn_tensors_find(*set, info->name) : NULL;
    for (size_t i = 0; made && planar && i < frames * channels; i++)
        ((float *)made->data)[i % channels * frames + i / channels] =
            ((const float *)sound->data)[i];
    *value = made;
    return status;
}
