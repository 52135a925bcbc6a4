/* SPDX-License-Identifier: MIT
 * base/log.c - see base/log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* How many bytes the character at `text` has; 0: it is not UTF-8. */
static size_t character(const unsigned char *text)
{
    size_t length = text[0] < 0x80                       ? 1
                    : text[0] >= 0xC2 && text[0] <= 0xDF ? 2
                    : text[0] >= 0xE0 && text[0] <= 0xEF ? 3
                    : text[0] >= 0xF0 && text[0] <= 0xF4 ? 4
                                                         : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    const unsigned second = length > 1 ? text[1] : 0;
    const bool wrong = (text[0] == 0xE0 && second < 0xA0) || (text[0] == 0xED && second > 0x9F) ||
                       (text[0] == 0xF0 && second < 0x90) || (text[0] == 0xF4 && second > 0x8F);
    return wrong ? 0 : length;
}

void clr_copy_line(char *out, size_t room, const char *text)
{
    size_t used = 0;
    while (*text) {
        size_t length = character((const unsigned char *)text);
        if (used + (length ? length : 1) >= room)
            break;
        if (length > 1)
            memcpy(out + used, text, length);
        else
            out[used] = length == 0 ? '?' : (unsigned char)*text < 32 || *text == 127 ? ' ' : *text;
        used += length ? length : 1;
        text += length ? length : 1;
    }
    out[used] = 0;
}

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
