/* SPDX-License-Identifier: MIT
 * math/cell.c - see math/cell.h. */
#include "math/cell.h"

#include "device/launch.h"
#include "math/sources.h"

clrnn_status clr_cell_program(clrnn_context *context, const clr_network *network,
                              clrnn_precision precision, clrnn_storage storage,
                              const clr_source *const *strategy, size_t source_count,
                              const clr_define *own, size_t own_count, cl_program *program)
{
    /* One row for each cell: its source, indexed by clrnn_cell. */
    const clr_source *const cells[] = {[CLRNN_CELL_LSTM] = &clr_cl_lstm,
                                       [CLRNN_CELL_GRU] = &clr_cl_gru,
                                       [CLRNN_CELL_RNN] = &clr_cl_rnn};
    const clrnn_network_desc *d = &network->desc;
    const clr_source *sources[12] = {&clr_cl_prelude, cells[d->cell]};
    for (size_t i = 0; i < source_count; i++)
        sources[2 + i] = strategy[i];
    clr_define defines[12] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64},
                              {"BIAS", !d->no_bias},
                              {"PROJECTED", d->proj_size > 0},
                              {"STORAGE", storage}};
    size_t count = 4;
    if (d->cell == CLRNN_CELL_RNN)
        defines[count++] = (clr_define){"CELL_RELU", d->nonlinearity == CLRNN_RELU};
    if (d->cell == CLRNN_CELL_GRU) {
        defines[count++] = (clr_define){"CELL_RESET_BEFORE", d->gru_reset == CLRNN_RESET_BEFORE};
        defines[count++] = (clr_define){"CELL_KEEPS", d->gru_update == CLRNN_UPDATE_KEEPS};
    }
    for (size_t i = 0; i < own_count; i++)
        defines[count++] = own[i];
    return clr_program_get(context, sources, 2 + source_count, defines, count, program);
}
