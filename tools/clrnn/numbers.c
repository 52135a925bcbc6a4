/* SPDX-License-Identifier: MIT
 * numbers.c - time, random numbers, and numbers for people. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "system.h"
#include "tool.h"

double tool_seconds(void)
{
    return system_seconds();
}

double tool_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

double tool_percentile(const double *sorted, size_t count, double p)
{
    const double rank = ceil(p * (double)count);
    return sorted[rank < 1 ? 0 : (size_t)rank - 1];
}

const char *tool_thousands(uint64_t value, char text[32])
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value), at = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

const char *tool_bytes(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1024; unit++)
        value /= 1024;
    snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

const char *tool_clock(double seconds, char text[32])
{
    if (!isfinite(seconds) || seconds > 1e8)
        return strcpy(text, "-:--");
    unsigned long total = (unsigned long)(seconds + 0.5), minutes = total / 60;
    if (minutes < 60)
        snprintf(text, 32, "%lu:%02lu", minutes, total % 60);
    else
        snprintf(text, 32, "%lu:%02lu:%02lu", minutes / 60, minutes % 60, total % 60);
    return text;
}
