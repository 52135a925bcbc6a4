/* SPDX-License-Identifier: MIT
 * base/log.c - see base/log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

static bool wanted(const clrnn_log *log, clrnn_log_level level)
{
    return log && log->message && level <= log->level;
}

static void log_line(const clrnn_log *log, clrnn_log_level level, const char *format, va_list args)
{
    char text[8192];
    vsnprintf(text, sizeof text, format, args);
    log->message(log->user, level, text);
}

void clr_log(const clrnn_log *log, clrnn_log_level level, const char *format, ...)
{
    if (!wanted(log, level))
        return;
    va_list args;
    va_start(args, format);
    log_line(log, level, format, args);
    va_end(args);
}

clrnn_status clr_fail(const clrnn_log *log, clrnn_status status, const char *format, ...)
{
    if (!wanted(log, CLRNN_LOG_ERROR))
        return status;
    va_list args;
    va_start(args, format);
    log_line(log, CLRNN_LOG_ERROR, format, args);
    va_end(args);
    return status;
}
