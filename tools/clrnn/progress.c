/* SPDX-License-Identifier: MIT
 * progress.c - a progress bar on stderr, only where that is a terminal. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tool.h"

#define INTERVAL  0.1 /* seconds from one drawing to the next */
#define BAR_WIDTH 24

static bool drawn;
static double drawn_at = -1;

bool tool_progress_visible(void)
{
    static int visible = -1;
    if (visible < 0)
        visible = isatty(STDERR_FILENO);
    return visible == 1;
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
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
    int room = terminal_width() - 1; /* the last column would wrap on some terminals */
    int whole = BAR_WIDTH + 9 + (int)strlen(text);
    char line[512];
    if (whole <= room)
        snprintf(line, sizeof line, "[%s] %3d %%  %s", bar, (int)(part * 100), text);
    else
        snprintf(line, sizeof line, "%3d %%  %s", (int)(part * 100), text);
    fprintf(stderr, "\r%.*s\033[K", room, line);
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
