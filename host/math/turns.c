/* SPDX-License-Identifier: MIT
 * math/turns.c - see math/turns.h. */
#include "math/turns.h"

#include "device/buffer.h"
#include "device/launch.h"
#include "device/program.h"
#include "math/sources.h"

clrnn_status clr_turns_count(clrnn_context *context, uint32_t turns, uint32_t *counted)
{
    const clr_source *sources[] = {&clr_cl_turns};
    cl_kernel kernel = NULL;
    cl_mem done = NULL;
    const clr_kernel_place kernels[] = {{"count_turns", &kernel}};
    const clr_range range = {{1, 1}, {1, 1}};
    *counted = 0;
    clrnn_status status = clr_program_kernels(context, sources, CLR_COUNT(sources), NULL, 0,
                                              kernels, CLR_COUNT(kernels));
    if (status == CLRNN_OK)
        status = clr_buffer_create(context, sizeof *counted, &done);
    const clr_arg args[] = {CLR_ARG_MEM(done), CLR_ARG_UINT(turns)};
    if (status == CLRNN_OK)
        status = clr_launch(context, kernel, range, args, CLR_COUNT(args));
    if (status == CLRNN_OK)
        status = clr_buffer_read(context, done, 0, sizeof *counted, counted);
    clr_buffer_destroy(&done);
    clr_kernel_destroy(&kernel);
    return status;
}
