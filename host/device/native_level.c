/* SPDX-License-Identifier: MIT
 * device/native_level.c - which levels of native kernels this processor can run. */
#include <string.h>

#include "base/thread.h"
#include "device/native_kernels.h"

void clr_native_yield(void)
{
    clr_yield();
}

bool clr_native_level_runs(const char *name)
{
#if defined(__x86_64__)
    /* The levels of the x86-64 psABI, as far as kernels differ by them. */
    bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("bmi");
    bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl");
    if (strcmp(name, "x86-64-v4") == 0)
        return v4;
    return strcmp(name, "x86-64-v3") == 0 ? v3 : strcmp(name, "x86-64-v2") == 0 && v2;
#elif defined(__aarch64__)
    return strcmp(name, "aarch64") == 0;
#else
    (void)name;
    return false;
#endif
}
