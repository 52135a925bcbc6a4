/* SPDX-License-Identifier: MIT
 * layer/way.c - see layer/way.h. */
#include "layer/way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/binary_cache.h"
#include "device/context.h"
#include "shape/cell.h"

/* A change of what a way means changes this number. */
enum { format_version = 3, numbers_kept = 8, key_room = 2048 };

/* What the answer depends on, as text. */
static void make_key(const clrnn_context *context, const clrnn_plan_desc *d, char key[key_room])
{
    const clrnn_device_info *info = &context->info;
    const clrnn_network_desc *n = &d->network;
    char options[32 * CLR_OPTIONS] = "";
    for (size_t i = 0, at = 0; i < CLR_OPTIONS; i++)
        at += (size_t)snprintf(options + at, sizeof options - at, " %s %u", clr_options[i].key,
                               clr_option_get(n, &clr_options[i]));
    snprintf(key, key_room,
             "clrnn tune %d, %d.%d.%d\n%s\n%s\n%s\n%s\n%s\n%u groups\n"
             "cell %d I %u H %u L %u D %u nobias %d%s\n"
             "N %u train %d precision %d weights %d",
             format_version, CLRNN_VERSION_MAJOR, CLRNN_VERSION_MINOR, CLRNN_VERSION_PATCH,
             info->platform, info->name, info->vendor, info->version, info->driver,
             info->compute_units, (int)n->cell, n->input_size, n->hidden_size,
             n->num_layers ? n->num_layers : 1, n->bidirectional ? 2u : 1u, n->no_bias, options,
             d->max_batch, d->train, (int)d->precision, (int)d->weights);
}

/* Only a way that plan.c can take. */
static bool plausible(const clrnn_way *w)
{
    const uint32_t most = 1u << 16, most_kept = 1024, most_rows = 384;
    bool cut = w->row_shares >= 1 && w->unit_shares >= 1 && w->row_shares <= most &&
               w->unit_shares <= most;
    bool gemm = w->gemm == CLRNN_GEMM_PACKED || w->gemm == CLRNN_GEMM_CLBLAST;
    bool walk = w->rows <= most_rows && w->helps <= 1 && w->layers >= 1 && w->layers <= 2;
    bool no_walk = w->rows == 0 && w->helps == 0 && w->layers == 0;
    switch (w->strategy) {
    case CLRNN_STRATEGY_PERSISTENT:
        return gemm && cut && walk && (w->row_shares == 1 || w->unit_shares == 1) && w->kept == 0;
    case CLRNN_STRATEGY_RESIDENT:
        return gemm && cut && no_walk && w->kept >= 4 && w->kept <= most_kept;
    case CLRNN_STRATEGY_STEPWISE:
        return gemm && no_walk && w->row_shares == 0 && w->unit_shares == 0 && w->kept == 0;
    default:
        return false;
    }
}

bool clr_way_load(const clrnn_context *context, const clrnn_plan_desc *desc, clrnn_way *way)
{
    char key[key_room];
    clr_binary file;
    uint32_t numbers[numbers_kept];
    make_key(context, desc, key);
    if (!clr_cache_load(context->cache_dir, key, &context->log, &file))
        return false;
    bool whole = file.size == sizeof numbers;
    if (whole) {
        memcpy(numbers, file.data, sizeof numbers);
        *way = (clrnn_way){.strategy = (clrnn_strategy)numbers[0],
                           .gemm = (clrnn_gemm)numbers[1],
                           .row_shares = numbers[2],
                           .unit_shares = numbers[3],
                           .kept = numbers[4],
                           .rows = numbers[5],
                           .helps = numbers[6],
                           .layers = numbers[7]};
    }
    free(file.file);
    return whole && plausible(way);
}

clrnn_status clr_way_store(const clrnn_context *context, const clrnn_plan_desc *desc,
                           const clrnn_way *way)
{
    const uint32_t numbers[numbers_kept] = {(uint32_t)way->strategy,
                                            (uint32_t)way->gemm,
                                            way->row_shares,
                                            way->unit_shares,
                                            way->kept,
                                            way->rows,
                                            way->helps,
                                            way->layers};
    char key[key_room];
    if (!context->cache_dir)
        return CLRNN_OK;
    make_key(context, desc, key);
    return clr_cache_store(context->cache_dir, key, numbers, sizeof numbers, &context->log);
}
