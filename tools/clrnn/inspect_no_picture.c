/* SPDX-License-Identifier: MIT
 * inspect_no_picture.c - a build without cairo: see inspect.h. */
#include "inspect.h"

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
