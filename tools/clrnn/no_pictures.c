/* SPDX-License-Identifier: MIT
 * no_pictures.c - a build without cairo: see inspect.h and compare.h. */
#include "compare.h"

bool inspect_has_pictures(void)
{
    return false;
}

int inspect_picture(const inspect_view *view, const char *path)
{
    (void)view;
    return tool_error("inspect: %s: this build makes no pictures", path);
}

int inspect_flow_picture(const inspect_flow *flows, size_t count, const char *path)
{
    (void)flows;
    (void)count;
    return tool_error("inspect: %s: this build makes no pictures", path);
}

uint8_t *compare_picture(const compare_job *job, int which, bool dark, size_t *bytes)
{
    (void)job;
    (void)which;
    (void)dark;
    *bytes = 0;
    return NULL;
}
