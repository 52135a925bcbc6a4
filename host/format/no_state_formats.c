/* SPDX-License-Identifier: MIT
 * format/no_state_formats.c - a build without cJSON. */
#include "format/state_probes.h"

#define MISSING "cJSON (Meson option safetensors)"

const clr_format clr_format_pytorch = {.name = "pytorch",
                                       .summary = "PyTorch's state_dict, .pt or safetensors",
                                       .endings = {".pt", ".pth", ".bin", ".ckpt"},
                                       .probe = clr_pytorch_probe,
                                       .missing = MISSING};

const clr_format clr_format_rtneural = {.name = "rtneural",
                                        .summary = "RTNeural's JSON",
                                        .endings = {".json"},
                                        .probe = clr_rtneural_probe,
                                        .missing = MISSING};

const clr_format clr_format_nam = {.name = "nam",
                                   .summary = "Neural Amp Modeler, LSTM",
                                   .endings = {".nam"},
                                   .probe = clr_nam_probe,
                                   .missing = MISSING};

const clr_format clr_format_keras = {.name = "keras",
                                     .summary = "Keras's .keras and .h5",
                                     .endings = {".keras", ".h5", ".hdf5"},
                                     .probe = clr_keras_probe,
                                     .missing = MISSING};

const clr_format clr_format_npz = {.name = "npz",
                                   .summary = "NumPy's .npz, by an architecture",
                                   .endings = {".npz"},
                                   .probe = clr_npz_probe,
                                   .missing = MISSING};

const clr_format clr_format_state_json = {.name = "state_json",
                                          .summary = "a state_dict as JSON, also GuitarML's",
                                          .endings = {".json"},
                                          .probe = clr_state_json_probe,
                                          .missing = MISSING};
