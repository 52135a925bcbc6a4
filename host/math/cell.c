/* SPDX-License-Identifier: MIT
 * math/cell.c - see math/cell.h. */
#include "math/cell.h"

#include <string.h>

#include "device/launch.h"
#include "math/sources.h"

/* By clrnn_cell. */
#define SOURCE(id, name) [CLRNN_CELL_##id] = &clr_cl_##name,
static const clr_source *const cells[] = {CLR_CELLS(SOURCE)};

uint32_t clr_cell_options(const clr_network *network)
{
    uint32_t options = network->biases ? OPTION_BIAS : 0;
    if (network->biases == 1)
        options |= OPTION_ONE_BIAS;
    if (network->resets)
        options |= OPTION_RESETS;
    for (const clr_cell_option *o = clr_options; o < clr_options + CLR_OPTIONS; o++)
        if (clr_option_get(&network->desc, o))
            options |= o->bit;
    return options & OPTIONS_RARE ? options | OPTION_RARE : options;
}

clrnn_status clr_cell_program(clrnn_context *context, const clr_network *network,
                              clrnn_precision precision, clrnn_storage storage,
                              const clr_source *const *strategy, size_t source_count,
                              const clr_define *own, size_t own_count, cl_program *program)
{
    const clrnn_network_desc *d = &network->desc;
    const clr_source *sources[19] = {&clr_cl_prelude, &clr_cl_philox,     &clr_cl_function,
                                     &clr_cl_cell,    &clr_cl_activation, &clr_cl_zoneout,
                                     cells[d->cell]};
    const size_t before = 7;
    for (size_t i = 0; i < source_count; i++)
        sources[before + i] = strategy[i];
    clr_define defines[9 + CLR_OPTIONS] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64},
                                           {"STORAGE", storage}};
    size_t count = 2;
    const uint32_t options = clr_cell_options(network);
    bool says = false; /* the strategy, what is known of the options */
    for (size_t i = 0; i < own_count; i++)
        says = says || strcmp(own[i].name, "OPTIONS") == 0;
    if (clr_compiles(context) && !says) /* else kernels read the launch's */
        defines[count++] =
            options & OPTION_RARE ? (clr_define){"RARE", 1} : (clr_define){"OPTIONS", options};
    for (const clr_cell_option *o = clr_options; o < clr_options + CLR_OPTIONS; o++)
        if (o->define && clr_cell_has(network->cell, o))
            defines[count++] = (clr_define){o->define, clr_option_get(d, o) == o->defined};
    for (size_t i = 0; i < own_count; i++)
        defines[count++] = own[i];
    return clr_program_get(context, sources, before + source_count, defines, count, program);
}
