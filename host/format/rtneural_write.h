/* SPDX-License-Identifier: MIT
 * format/rtneural_write.h - a graph as RTNeural's JSON, where it has that form. */
#ifndef CLR_FORMAT_RTNEURAL_WRITE_H
#define CLR_FORMAT_RTNEURAL_WRITE_H

#include <clrnn/graph_parameters.h>

/** clr_format's write. The graph must be one row of layers that RTNeural knows, from features over
 *  time. Returns: as clrnn_graph_export; CLRNN_ERR_UNSUPPORTED names the node and why. */
clrnn_status clr_rtneural_write(const clrnn_graph *graph, const char *path, const clrnn_log *log);

#endif
