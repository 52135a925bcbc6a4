/* SPDX-License-Identifier: MIT
 * base/version.c - which version this is. */
#include <clrnn/version.h>

#define TEXT(x)         #x
#define DOTTED(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

int clrnn_version(void)
{
    return CLRNN_VERSION;
}

const char *clrnn_version_text(void)
{
    return DOTTED(CLRNN_VERSION_MAJOR, CLRNN_VERSION_MINOR, CLRNN_VERSION_PATCH);
}
