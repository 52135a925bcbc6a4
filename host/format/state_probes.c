/* SPDX-License-Identifier: MIT
 * format/state_probes.c - see format/state_probes.h. */
#include "format/state_probes.h"

#include <string.h>

#include "format/hdf5/h5.h"
#include "model/tensors.h"

static bool is_safetensors(const clr_format_file *file)
{
    uint64_t header = 0;
    for (int i = 7; i >= 0 && file->bytes > 8; i--)
        header = header << 8 | file->data[i];
    return header >= 2 && header <= file->bytes - 8 && file->data[8] == '{';
}

/* safetensors with a description are asked for before. */
clr_match clr_pytorch_probe(const clr_format_file *file)
{
    return is_safetensors(file) || clr_zip_has(file, "data.pkl", true) ||
                   clr_zip_has(file, CLR_TORCH_PROGRAM, true) ||
                   clr_is_pickle(file->data, file->bytes)
               ? CLR_MATCH_YES
               : CLR_MATCH_NO;
}

clr_match clr_rtneural_probe(const clr_format_file *file)
{
    return clr_json_has(file, "in_shape") && clr_json_has(file, "layers") ? CLR_MATCH_YES
                                                                          : CLR_MATCH_NO;
}

clr_match clr_nam_probe(const clr_format_file *file)
{
    return clr_json_has(file, "architecture") && clr_json_has(file, "config") &&
                   clr_json_has(file, "weights")
               ? CLR_MATCH_YES
               : CLR_MATCH_NO;
}

clr_match clr_keras_probe(const clr_format_file *file)
{
    return clr_h5_is(file->data, file->bytes) || (clr_zip_has(file, "config.json", false) &&
                                                  clr_zip_has(file, "model.weights.h5", false))
               ? CLR_MATCH_YES
               : CLR_MATCH_NO;
}

clr_match clr_npz_probe(const clr_format_file *file)
{
    return clr_zip_has(file, ".npy", true) ? CLR_MATCH_YES : CLR_MATCH_NO;
}

/* Any object of arrays may be one: the last format that is asked. */
clr_match clr_state_json_probe(const clr_format_file *file)
{
    const char *text = (const char *)file->data;
    return clr_json_has(file, "state_dict")       ? CLR_MATCH_YES
           : text[strspn(text, " \t\r\n")] == '{' ? CLR_MATCH_MAYBE
                                                  : CLR_MATCH_NO;
}
