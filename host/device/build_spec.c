/* SPDX-License-Identifier: MIT
 * device/build_spec.c - see device/build_spec.h. */
#include "device/build_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/context.h"
#include "device/launch.h"
#include "device/list.h"

static int compare_defines(const void *a, const void *b)
{
    return strcmp(((const clr_define *)a)->name, ((const clr_define *)b)->name);
}

/* Those that no define decides. No -cl-fast-relaxed-math, which would allow the compiler to hide
 * NaN and infinity, and no -cl-denorms-are-zero. */
static size_t begin_options(const clrnn_device_info *info, const clr_define *defines, size_t count,
                            char *options, size_t room)
{
    long language = 120;
    for (size_t i = 0; i < count; i++)
        if (strcmp(defines[i].name, CLR_LANGUAGE) == 0)
            language = defines[i].value;
    return (size_t)snprintf(
        options, room, "-cl-std=CL%ld.%ld %s", language / 100, language % 100 / 10,
        info->rounded_division ? "-cl-fp32-correctly-rounded-divide-sqrt" : "-DROUNDED_DIVISION=0");
}

/* The options of the compiler, to be freed; NULL: no memory. */
static char *make_options(const clrnn_device_info *info, const clr_define *defines, size_t count)
{
    size_t room = 80; /* begin_options */
    for (size_t i = 0; i < count; i++)
        room += strlen(defines[i].name) + 28; /* " -D", "=", a long */
    clr_define *sorted = clr_calloc(count, sizeof *sorted);
    char *options = sorted ? clr_calloc(room, 1) : NULL;
    if (options) {
        size_t used = begin_options(info, defines, count, options, room);
        if (count) {
            memcpy(sorted, defines, count * sizeof *sorted);
            qsort(sorted, count, sizeof *sorted, compare_defines);
        }
        for (size_t i = 0; i < count; i++)
            if (strcmp(sorted[i].name, CLR_LANGUAGE) != 0)
                used += (size_t)snprintf(options + used, room - used, " -D%s=%ld", sorted[i].name,
                                         sorted[i].value);
    }
    free(sorted);
    return options;
}

/* To be freed; NULL: no memory. */
static char *join_sources(const clr_source *const *sources, size_t count)
{
    size_t room = 1, used = 0;
    for (size_t i = 0; i < count; i++)
        room += sources[i]->length;
    char *text = clr_calloc(room, 1);
    for (size_t i = 0; text && i < count; i++) {
        memcpy(text + used, sources[i]->text, sources[i]->length);
        used += sources[i]->length;
    }
    return text;
}

/* Lines, to be freed; NULL: no memory. */
static char *make_key(const clrnn_device_info *info, const char *platform_version,
                      const clr_build_spec *spec)
{
    const char *const lines[] = {info->platform, platform_version, info->name,    info->vendor,
                                 info->version,  info->driver,     spec->options, spec->source};
    size_t room = 64;
    for (size_t i = 0; i < CLR_COUNT(lines); i++)
        room += strlen(lines[i]) + 1;
    char *key = clr_calloc(room, 1);
    if (!key)
        return NULL;
    size_t used = (size_t)snprintf(key, room, "clrnn %d.%d.%d", CLRNN_VERSION_MAJOR,
                                   CLRNN_VERSION_MINOR, CLRNN_VERSION_PATCH);
    for (size_t i = 0; i < CLR_COUNT(lines); i++)
        used += (size_t)snprintf(key + used, room - used, "\n%s", lines[i]);
    return key;
}

clrnn_status clr_build_spec_make(const clrnn_context *context, const clr_source *const *sources,
                                 size_t source_count, const clr_define *defines,
                                 size_t define_count, clr_build_spec *spec)
{
    char *platform_version = NULL;
    clrnn_status status = clr_platform_text(&context->log, context->info.platform_id,
                                            CL_PLATFORM_VERSION, &platform_version);
    *spec = (clr_build_spec){.name = source_count ? sources[source_count - 1]->name : ""};
    if (status != CLRNN_OK)
        return status;
    if (source_count > CLR_MOST_SOURCES) {
        free(platform_version);
        return clr_fail(&context->log, CLRNN_ERR_UNSUPPORTED,
                        "the program %s has %zu files, %d are most", spec->name, source_count,
                        CLR_MOST_SOURCES);
    }
    for (size_t i = 0; i < source_count; i++)
        spec->texts[spec->text_count++] = sources[i]->text;
    spec->options = make_options(&context->info, defines, define_count);
    spec->source = join_sources(sources, source_count);
    if (spec->options && spec->source)
        spec->key = make_key(&context->info, platform_version, spec);
    free(platform_version);
    return spec->key ? CLRNN_OK
                     : clr_fail(&context->log, CLRNN_ERR_MEMORY, "no memory for the program %s",
                                spec->name);
}

void clr_build_spec_free(clr_build_spec *spec)
{
    free(spec->options);
    free(spec->source);
    free(spec->key);
}
