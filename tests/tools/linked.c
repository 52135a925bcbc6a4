/* SPDX-License-Identifier: MIT
 * linked.c - a program that is linked to the shared library: it prints the version and opens
 * the native device, whose self-test runs. Exit 1: something failed. For tests/tools/cross.py. */
#include <clrnn/clrnn.h>
#include <stdio.h>

int main(void)
{
    clrnn_context *context = NULL;
    if (clrnn_version() != CLRNN_VERSION)
        return 1;
    const clrnn_context_desc desc = {.device = "native"};
    clrnn_status status = clrnn_context_create(&desc, &context);
    printf("%s %s\n", clrnn_version_text(), clrnn_status_text(status));
    clrnn_context_destroy(&context);
    return status != CLRNN_OK || context != NULL;
}
