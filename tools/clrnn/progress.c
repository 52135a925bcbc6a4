/* SPDX-License-Identifier: MIT
 * progress.c - a progress bar on stderr, only where that is a terminal. */
#include <stdio.h>
#include <string.h>

#include "system.h"
#include "tool.h"

#define INTERVAL  0.1 /* seconds from one drawing to the next */
#define BAR_WIDTH 24

static bool drawn;
static double drawn_at = -1;

bool tool_progress_visible(void)
{
    static int visible = -1;
    if (visible < 0)
        visible = system_has_terminal();
    return visible == 1;
}

void tool_progress(double part, const char *text)
{
    double now = tool_seconds();
    if (!tool_progress_visible() || (drawn_at >= 0 && now - drawn_at < INTERVAL))
        return;
    char bar[BAR_WIDTH + 1];
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    int full = (int)(part * BAR_WIDTH);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', (size_t)full);
    bar[BAR_WIDTH] = 0;
    int percent = (int)(part * 100);
    int room = system_columns() - 1; /* the last column would wrap on some terminals */
    if ((int)strlen(text) <= room - BAR_WIDTH - 10)
        fprintf(stderr, "\r[%s] %3d %%  %s\033[K", bar, percent, text);
    else
        fprintf(stderr, "\r%3d %%  %.*s\033[K", percent, room > 7 ? room - 7 : 0, text);
    fflush(stderr);
    drawn = true;
    drawn_at = now;
}

void tool_progress_clear(void)
{
    if (drawn)
        fputs("\r\033[K", stderr);
    drawn = false;
    drawn_at = -1;
}
