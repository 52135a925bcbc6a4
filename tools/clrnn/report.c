/* SPDX-License-Identifier: MIT
 * report.c - errors and warnings, each one line on stderr, and JSON on stdout. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static char last_error[8192]; /* the last ERROR line of the library, "" = none */

/* Print a line; line breaks and control characters (of a file's name, a build log) become spaces.
 */
static void print_line(const char *prefix, const char *text)
{
    tool_progress_clear();
    fputs(prefix, stderr);
    for (const char *c = text; *c; c++)
        fputc((unsigned char)*c < 32 || *c == 127 ? ' ' : *c, stderr);
    fputc('\n', stderr);
}

/* What CLRNN_LOG asks for; CLRNN_LOG_NONE when it is not set, so errors are not shown twice. */
static clrnn_log_level asked_level(void)
{
    static const struct {
        const char *name;
        clrnn_log_level level;
    } levels[] = {{"error", CLRNN_LOG_ERROR},
                  {"warn", CLRNN_LOG_WARN},
                  {"info", CLRNN_LOG_INFO},
                  {"debug", CLRNN_LOG_DEBUG}};
    const char *asked = getenv("CLRNN_LOG");
    for (size_t i = 0; asked && i < sizeof levels / sizeof levels[0]; i++)
        if (strcmp(asked, levels[i].name) == 0)
            return levels[i].level;
    return CLRNN_LOG_NONE;
}

int tool_check_log(void)
{
    const char *asked = getenv("CLRNN_LOG");
    if (!asked || !*asked || asked_level() != CLRNN_LOG_NONE)
        return TOOL_OK;
    return tool_error("CLRNN_LOG=\"%s\" is unknown; it may be error, warn, info, debug or empty",
                      asked);
}

static void on_message(void *user, clrnn_log_level level, const char *text)
{
    static const char *const prefix[] = {
        "", "clrnn: error: ", "clrnn: warning: ", "clrnn: info: ", "clrnn: debug: "};
    (void)user;
    if (level == CLRNN_LOG_ERROR)
        snprintf(last_error, sizeof last_error, "%s", text);
    clrnn_log_level asked = asked_level();
    bool shown = asked ? level <= asked : level == CLRNN_LOG_WARN;
    if (shown && level > CLRNN_LOG_NONE && level <= CLRNN_LOG_DEBUG)
        print_line(prefix[level], text);
}

const clrnn_log *tool_log(void)
{
    static clrnn_log log;
    if (!log.message) {
        clrnn_log_level asked = asked_level();
        log.level = asked > CLRNN_LOG_WARN ? asked : CLRNN_LOG_WARN;
        log.message = on_message;
    }
    return &log;
}

int tool_error(const char *format, ...)
{
    char text[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_line("clrnn: ", text);
    return TOOL_BAD_USE;
}

void tool_warn(const char *format, ...)
{
    char text[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_line("clrnn: warning: ", text);
}

int tool_exit_code(clrnn_status status)
{
    if (status == CLRNN_OK)
        return TOOL_OK;
    if (status == CLRNN_ERR_NOT_FINITE)
        return TOOL_FAILED;
    bool no_device = status == CLRNN_ERR_NO_DEVICE || status == CLRNN_ERR_SELF_TEST;
    return no_device ? TOOL_NO_DEVICE : TOOL_BAD_USE;
}

const char *tool_last_error(clrnn_status status)
{
    return last_error[0] ? last_error : clrnn_status_text(status);
}

int tool_failed(clrnn_status status)
{
    print_line("clrnn: ", tool_last_error(status));
    return tool_exit_code(status);
}

int tool_no_device(void)
{
    tool_error("no OpenCL device was found: install the OpenCL driver of your GPU, or PoCL to use "
               "the CPU");
    return TOOL_NO_DEVICE;
}

int tool_no_memory(void)
{
    return tool_error("out of memory: use a smaller model, batch or file");
}

size_t tool_character(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    const size_t length = c[0] < 0x80                   ? 1
                          : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
                          : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
                          : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                                        : 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    const bool is_other = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] >= 0xa0) ||
                          (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] >= 0x90);
    return is_other ? 0 : length;
}

char *tool_json_text(const cJSON *object, bool line)
{
    char *text = line ? cJSON_PrintUnformatted(object) : cJSON_Print(object);
    for (char *c = text; c && *c;) {
        const size_t length = tool_character(c);
        if (length == 0)
            *c = '?';
        c += length ? length : 1;
    }
    return text;
}

int tool_print_json(cJSON *object, bool line)
{
    char *text = tool_json_text(object, line);
    cJSON_Delete(object);
    if (!text)
        return tool_no_memory();
    puts(text);
    fflush(stdout);
    cJSON_free(text);
    return TOOL_OK;
}

int tool_open(const char *selector, clrnn_context **context)
{
    clrnn_context_desc desc = {.device = selector, .log = *tool_log()};
    clrnn_status status = clrnn_context_create(&desc, context);
    return status ? tool_failed(status) : TOOL_OK;
}
