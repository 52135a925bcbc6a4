/* SPDX-License-Identifier: MIT
 * format/state_probes.h - which of the formats of names or of JSON a file has, seen without the
 * libraries that read them. */
#ifndef CLR_FORMAT_STATE_PROBES_H
#define CLR_FORMAT_STATE_PROBES_H

#include "format/format.h"

clr_match clr_pytorch_probe(const clr_format_file *file);
clr_match clr_rtneural_probe(const clr_format_file *file);
clr_match clr_nam_probe(const clr_format_file *file);
clr_match clr_keras_probe(const clr_format_file *file);
clr_match clr_npz_probe(const clr_format_file *file);
clr_match clr_state_json_probe(const clr_format_file *file);

#endif
