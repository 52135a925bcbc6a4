/* SPDX-License-Identifier: MIT
 * device/ask.h - asking platforms and devices of OpenCL what they are. */
#ifndef CLR_DEVICE_ASK_H
#define CLR_DEVICE_ASK_H

#include <clrnn/context.h>

/* One question to a platform or to a device. */
typedef struct clr_question {
    const clrnn_log *log;
    cl_platform_id platform;
    cl_device_id device; /* NULL: the question goes to the platform */
} clr_question;

/** A value of a device, of `size` bytes. */
clrnn_status clr_ask_value(const clr_question *to, cl_uint what, size_t size, void *answer);

/** A text of any length. Ownership: *text is the caller's, to be freed; on failure NULL. */
clrnn_status clr_ask_text(const clr_question *to, cl_uint what, char **text);

/** The text as clr_copy_line, without blanks around it. */
clrnn_status clr_ask_short_text(const clr_question *to, cl_uint what, char *out, size_t room);

/** All that is known of a device; its indices are 0. */
clrnn_status clr_read_device(const clrnn_log *log, cl_platform_id platform, cl_device_id device,
                             clrnn_device_info *info);

#endif
