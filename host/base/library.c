/* SPDX-License-Identifier: MIT
 * base/library.c - see base/library.h. */
#include "base/library.h"

#include <stdio.h>
#include <string.h>

void clr_library_reason(char *reasons, size_t room, const char *more)
{
    const size_t used = strlen(reasons);
    snprintf(reasons + used, room - used, "%s%s", used ? "; " : "", more);
}
