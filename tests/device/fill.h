/* SPDX-License-Identifier: MIT
 * tests/device/fill.h - a kernel that shows which work-items ran and what their arguments were. */
#ifndef TEST_DEVICE_FILL_H
#define TEST_DEVICE_FILL_H

#include "device/launch.h"
#include "device/program.h"

/** The program of fill: y[offset + r*stride + c] = FILL_FIRST + 1000 r + c for r < rows, c <
 * columns; and of add_long: y[i] += a. On native also fill_rows and fill_alone, the same of other
 * weights. */
#define FILL_FIRST (-7)
clrnn_status fill_program(clrnn_context *context, cl_program *program);

/** The kernel fill, to be destroyed; on failure NULL. */
clrnn_status fill_kernel(clrnn_context *context, cl_kernel *kernel);

/** Fill y from an offset on: rows range.global[1], columns and stride range.global[0]. */
clrnn_status fill_launch(clrnn_context *context, cl_kernel kernel, cl_mem y, clr_range range,
                         size_t offset);

#endif
