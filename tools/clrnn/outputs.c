/* SPDX-License-Identifier: MIT
 * outputs.c - files that the command writes itself, whole or not at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "outputs.h"

FILE *tool_output_begin(tool_output *output, const char *path)
{
    system_file there;
    snprintf(output->path, sizeof output->path, "%s", path);
    system_follow(output->path);
    system_look_at(output->path, &there);
    if (there.exists && !there.is_regular) /* a pipe, a terminal */
        output->temporary[0] = 0;
    else
        snprintf(output->temporary, sizeof output->temporary, "%s.%ld-0.tmp", output->path,
                 system_process());
    output->file = system_open(*output->temporary ? output->temporary : output->path, "wb");
    return output->file;
}

bool tool_output_end(tool_output *output, bool good)
{
    good = output->file && !ferror(output->file) && good;
    good = output->file && fclose(output->file) == 0 && good;
    if (!*output->temporary || !output->file)
        return good;
    good = good && system_replace(output->temporary, output->path);
    const int reason = errno;
    if (!good)
        system_remove(output->temporary);
    errno = reason;
    return good;
}

bool tool_output_write(const char *path, const void *data, size_t size)
{
    tool_output output;
    FILE *file = tool_output_begin(&output, path);
    return tool_output_end(&output, file && fwrite(data, 1, size, file) == size);
}
