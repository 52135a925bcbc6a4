/* SPDX-License-Identifier: MIT
 * base/status.c - names and texts of the status codes. */
#include <clrnn/status.h>

#include <stddef.h>

static const struct {
    const char *name, *text;
} statuses[] = {
#define CLR_STATUS_ROW(name, text) {"CLRNN_" #name, text},
    CLRNN_STATUS_LIST(CLR_STATUS_ROW)
#undef CLR_STATUS_ROW
};

static size_t row(clrnn_status status)
{
    size_t i = (size_t)status;
    return i < sizeof statuses / sizeof *statuses ? i : (size_t)CLRNN_ERR_ARGUMENT;
}

const char *clrnn_status_text(clrnn_status status)
{
    return statuses[row(status)].text;
}

const char *clrnn_status_name(clrnn_status status)
{
    return statuses[row(status)].name;
}
