/* SPDX-License-Identifier: MIT
 * layer/exec_config.c - see layer/exec_config.h. */
#include "layer/exec_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/binary_cache.h"
#include "device/context.h"
#include "device/program.h"
#include "math/clblast.h"
#include "shape/cell.h"

/* A change of what a config means changes this number. */
enum { format_version = 3, numbers_kept = 8, key_room = 2048 };

/* What the answer depends on, as text. */
static void make_key(const clrnn_context *context, const clrnn_plan_desc *d, char key[key_room])
{
    const clrnn_device_info *info = &context->info;
    const clrnn_network_desc *n = &d->network;
    char options[(16 + CLR_OPTION_ROOM) * CLR_OPTIONS] = "", value[CLR_OPTION_ROOM];
    for (size_t i = 0, at = 0; i < CLR_OPTIONS; i++) {
        clr_option_write(n, &clr_options[i], value);
        if (clr_option_get(n, &clr_options[i]))
            at += (size_t)snprintf(options + at, sizeof options - at, " %s %s", clr_options[i].key,
                                   value);
    }
    snprintf(key, key_room,
             "clrnn tune %d, %d.%d.%d\n%s\n%s\n%s\n%s\n%s\n%u groups\n"
             "cell %d I %u H %u L %u D %u nobias %d single %d reverse %d merge %d%s\n"
             "N %u train %d precision %d weights %d",
             format_version, CLRNN_VERSION_MAJOR, CLRNN_VERSION_MINOR, CLRNN_VERSION_PATCH,
             info->platform, info->name, info->vendor, info->version, info->driver,
             info->compute_units, (int)n->cell, n->input_size, n->hidden_size,
             n->num_layers ? n->num_layers : 1, n->bidirectional ? 2u : 1u, n->no_bias,
             n->single_bias, n->reverse, (int)n->merge, options, d->max_batch, d->train,
             (int)d->precision, (int)d->weights);
}

const uint32_t clr_exec_config_kept[CLR_EXEC_CONFIG_KEPT] = {128, 64, 32};
const uint32_t clr_exec_config_rows[CLR_EXEC_CONFIG_ROWS] = {24, 96};

/* Whether it is one of the numbers over `divisor`. */
static bool one_of(uint32_t number, const uint32_t *numbers, size_t count, uint32_t divisor)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found = found || numbers[i] / divisor == number;
    return found;
}

/* Only one that clrnn_tune would try on this device: a file may say anything, and what it says is
 * compiled, some of it for half a minute. */
static bool plausible(const clrnn_context *context, const clrnn_plan_desc *d,
                      const clrnn_exec_config *w)
{
    const bool cpu = context->info.type & CL_DEVICE_TYPE_CPU;
    const uint32_t directions = d->network.bidirectional ? 2 : 1;
    /* As many groups as are co-resident, which is at most one for each compute unit. */
    uint64_t groups = (uint64_t)w->row_parts * w->unit_parts;
    bool cut = groups == 1 || (groups > 1 && groups <= context->info.compute_units / directions);
    bool usable = clr_clblast_usable(context, NULL);
    bool packed = w->gemm == CLRNN_GEMM_PACKED && (cpu || !usable);
    bool gemm = packed || (w->gemm == CLRNN_GEMM_CLBLAST && usable);
    bool rows = w->rows == 0 || (clr_compiles(context) &&
                                 one_of(w->rows, clr_exec_config_rows, CLR_EXEC_CONFIG_ROWS, 1));
    bool no_scan = w->rows == 0 && w->steals == 0 && w->layers == 0;
    switch (w->strategy) {
    case CLRNN_STRATEGY_PERSISTENT:
        return cpu && packed && cut && rows && w->steals <= 1 && w->layers >= 1 && w->layers <= 2 &&
               (w->row_parts == 1 || w->unit_parts == 1) && w->kept == 0;
    case CLRNN_STRATEGY_RESIDENT:
        return !cpu && gemm && cut && no_scan &&
               one_of(w->kept, clr_exec_config_kept, CLR_EXEC_CONFIG_KEPT,
                      d->precision == CLRNN_F64 ? 2 : 1);
    case CLRNN_STRATEGY_FUSED:
        return !cpu && gemm && no_scan && w->row_parts == 0 && w->unit_parts == 0 && w->kept == 0;
    case CLRNN_STRATEGY_STEPWISE:
        return gemm && no_scan && w->row_parts == 0 && w->unit_parts == 0 && w->kept == 0;
    default:
        return false;
    }
}

bool clr_exec_config_load(const clrnn_context *context, const clrnn_plan_desc *desc,
                          clrnn_exec_config *config)
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
        *config = (clrnn_exec_config){.strategy = (clrnn_strategy)numbers[0],
                                      .gemm = (clrnn_gemm)numbers[1],
                                      .row_parts = numbers[2],
                                      .unit_parts = numbers[3],
                                      .kept = numbers[4],
                                      .rows = numbers[5],
                                      .steals = numbers[6],
                                      .layers = numbers[7]};
    }
    free(file.file);
    bool good = whole && plausible(context, desc, config);
    if (!good)
        clr_log(&context->log, CLRNN_LOG_WARN,
                "a measured execution config is ignored: clrnn_tune would not try it on this "
                "device; measure anew");
    return good;
}

clrnn_status clr_exec_config_store(const clrnn_context *context, const clrnn_plan_desc *desc,
                                   const clrnn_exec_config *config)
{
    const uint32_t numbers[numbers_kept] = {(uint32_t)config->strategy,
                                            (uint32_t)config->gemm,
                                            config->row_parts,
                                            config->unit_parts,
                                            config->kept,
                                            config->rows,
                                            config->steals,
                                            config->layers};
    char key[key_room];
    if (!context->cache_dir)
        return CLRNN_OK;
    make_key(context, desc, key);
    return clr_cache_store(context->cache_dir, key, numbers, sizeof numbers, &context->log);
}

/* --- as text --------------------------------------------------------------------------------- */

double clrnn_exec_config_seconds(const clrnn_exec_config *config)
{
    return config ? config->seconds : 0;
}

int clrnn_exec_config_format(const clrnn_exec_config *config, char *text, size_t size)
{
    static const char *const strategies[] = {"auto", "stepwise", "persistent", "resident", "fused"};
    static const char *const gemms[] = {"auto", "clblast", "packed"};
    size = text ? size : 0;
    if (size)
        text[0] = 0;
    if (!config)
        return -1;
    const struct {
        const char *key;
        uint32_t value;
    } numbers[] = {{"row_parts", config->row_parts}, {"unit_parts", config->unit_parts},
                   {"kept", config->kept},           {"rows", config->rows},
                   {"steals", config->steals},       {"layers", config->layers}};
    int at = snprintf(text, size, "strategy=%s,gemm=%s", strategies[config->strategy],
                      gemms[config->gemm]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && at >= 0; i++) {
        size_t room = (size_t)at < size ? size - (size_t)at : 0;
        if (numbers[i].value)
            at +=
                snprintf(room ? text + at : NULL, room, ",%s=%u", numbers[i].key, numbers[i].value);
    }
    return at;
}
