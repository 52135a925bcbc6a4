/* SPDX-License-Identifier: MIT
 * clrnn/status.h - status codes and the log.
 *
 * A function that can fail returns a clrnn_status; the reason, with names and numbers, goes to the
 * log that the caller supplied. The library itself never prints, aborts or exits. NULL for an
 * object or array that a function needs is CLRNN_ERR_ARGUMENT; a function without a status then
 * does nothing and returns NULL or 0. */
#ifndef CLRNN_STATUS_H
#define CLRNN_STATUS_H

#include <clrnn/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The one list of status codes: name, text. */
#define CLRNN_STATUS_LIST(X)                                                       \
    X(OK, "success")                                                               \
    X(ERR_ARGUMENT, "an argument is missing or contradicts another")               \
    X(ERR_RANGE, "a size, offset, length or index is out of range")                \
    X(ERR_MEMORY, "memory could not be allocated")                                 \
    X(ERR_OPENCL, "the OpenCL driver refused a call")                              \
    X(ERR_BUILD, "a kernel did not compile")                                       \
    X(ERR_NO_DEVICE, "no OpenCL device was found, or none matches the selector")   \
    X(ERR_UNSUPPORTED, "not supported on this device or in this build")            \
    X(ERR_SELF_TEST, "the device computes wrong results")                          \
    X(ERR_IO, "a file could not be read or written")                               \
    X(ERR_FORMAT, "a file is damaged, or not of the expected kind")                \
    X(ERR_NOT_FINITE, "a number became infinite or NaN, so training cannot go on") \
    X(ERR_NEEDS_SIZE, "an axis that the model leaves open must be a number")       \
    X(ERR_NEEDS_VALUE, "an input of the model must be known when it is read")

typedef enum clrnn_status {
#define CLRNN_STATUS_ENUM(name, text) CLRNN_##name,
    CLRNN_STATUS_LIST(CLRNN_STATUS_ENUM)
#undef CLRNN_STATUS_ENUM
} clrnn_status;

/** The text of a status; never NULL, static storage. Threads: any. */
CLRNN_API const char *clrnn_status_text(clrnn_status status);

/** The name of a status ("CLRNN_ERR_RANGE"); never NULL, static storage. Threads: any. */
CLRNN_API const char *clrnn_status_name(clrnn_status status);

/* What a message is worth; a log shows its own level and those above it. */
typedef enum clrnn_log_level {
    CLRNN_LOG_NONE = 0, /* nothing, the default */
    CLRNN_LOG_ERROR,    /* why a call failed; at least one for every failure */
    CLRNN_LOG_WARN, /* it worked, but not as asked (a fallback, a cache that cannot be written) */
    CLRNN_LOG_INFO, /* decisions: device, strategy, why */
    CLRNN_LOG_DEBUG /* programs built, cache hits, launches split */
} clrnn_log_level;

/* Where messages go. Zero-initialised: nowhere. Copied by the objects that take one.
 * `message` gets one line without a newline, valid during the call only; it may be called from any
 * thread that calls the library, and must not call back into the object that logs. */
typedef struct clrnn_log {
    clrnn_log_level level;
    void (*message)(void *user, clrnn_log_level level, const char *text);
    void *user;
} clrnn_log;

#ifdef __cplusplus
}
#endif
#endif
