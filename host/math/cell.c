/* SPDX-License-Identifier: MIT
 * math/cell.c - see math/cell.h. */
#include "math/cell.h"

#include "device/launch.h"
#include "math/sources.h"

uint32_t clr_cell_options(const clr_network *network)
{
    const clrnn_network_desc *d = &network->desc;
    uint32_t options = 0;
    if (!d->no_bias)
        options |= OPTION_BIAS;
    if (d->proj_size > 0)
        options |= OPTION_PROJECTED;
    if (clr_network_cell(network, 0, 0).params != CLR_ABSENT)
        options |= OPTION_PARAMS;
    if (d->nonlinearity == CLRNN_RELU)
        options |= OPTION_RELU;
    if (d->gru_update == CLRNN_UPDATE_KEEPS)
        options |= OPTION_KEEPS;
    return options;
}

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
    const clr_source *sources[12] = {&clr_cl_prelude, &clr_cl_cell, cells[d->cell]};
    const size_t before = 3;
    for (size_t i = 0; i < source_count; i++)
        sources[before + i] = strategy[i];
    clr_define defines[12] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64}, {"STORAGE", storage}};
    size_t count = 2;
    if (!context->options_from_launch)
        defines[count++] = (clr_define){"OPTIONS", clr_cell_options(network)};
    if (d->cell == CLRNN_CELL_GRU)
        defines[count++] = (clr_define){"CELL_RESET_BEFORE", d->gru_reset == CLRNN_RESET_BEFORE};
    for (size_t i = 0; i < own_count; i++)
        defines[count++] = own[i];
    return clr_program_get(context, sources, before + source_count, defines, count, program);
}
