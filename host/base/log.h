/* SPDX-License-Identifier: MIT
 * base/log.h - sending a line to the caller's log. */
#ifndef CLR_BASE_LOG_H
#define CLR_BASE_LOG_H

#include <stdio.h> /* __MINGW_PRINTF_FORMAT */

#include <clrnn/status.h>

#if defined(__MINGW_PRINTF_FORMAT) /* that of C, not of Windows' own library */
#define CLR_PRINTF(fmt, args) __attribute__((format(__MINGW_PRINTF_FORMAT, fmt, args)))
#elif defined(__GNUC__)
#define CLR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CLR_PRINTF(fmt, args)
#endif

/** Log one line, cut at about 8,000 characters. log: may be NULL. Threads: any. */
void clr_log(const clrnn_log *log, clrnn_log_level level, const char *format, ...) CLR_PRINTF(3, 4);

/** Log why a call fails, at level ERROR, and return `status`: `return clr_fail(log, ..)`. */
clrnn_status clr_fail(const clrnn_log *log, clrnn_status status, const char *format, ...)
    CLR_PRINTF(3, 4);

/** What drivers and compilers say, into out [room] as one line of UTF-8: blanks for what ends lines
 *  and steers terminals, ? for what is no UTF-8, cut between two characters. room: at least 1. */
void clr_copy_line(char *out, size_t room, const char *text);

#endif
