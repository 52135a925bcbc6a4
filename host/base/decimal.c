/* SPDX-License-Identifier: MIT
 * decimal.c - see base/decimal.h. */
#include "base/decimal.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

void clr_decimal_write(char text[CLR_DECIMAL_ROOM], int digits, double value)
{
    const char *own = localeconv()->decimal_point; /* of several bytes in some locales */
    const size_t bytes = strlen(own);
    snprintf(text, CLR_DECIMAL_ROOM, "%.*g", digits, value);
    char *point = bytes ? strstr(text, own) : NULL;
    if (!point)
        return;
    *point = '.';
    memmove(point + 1, point + bytes, strlen(point + bytes) + 1);
}

const char *clr_decimal_local(const char *text, size_t length, char *copy, size_t room)
{
    const char *point = memchr(text, '.', length);
    if (point)
        snprintf(copy, room, "%.*s%s%.*s", (int)(point - text), text, localeconv()->decimal_point,
                 (int)(length - (size_t)(point + 1 - text)), point + 1);
    else
        snprintf(copy, room, "%.*s", (int)length, text);
    return copy;
}
