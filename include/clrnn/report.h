/* SPDX-License-Identifier: MIT
 * clrnn/report.h - what there is to compute on, what was tried, what was chosen and why: for the
 * log of an application, or for what a customer mails to its author. */
#ifndef CLRNN_REPORT_H
#define CLRNN_REPORT_H

#include <clrnn/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Counts up when something in the JSON form changes its meaning or goes; what is added does not
 * count. Whoever reads it skips keys, kinds and outcomes that he does not know. */
#define CLRNN_REPORT_VERSION 1

/* What an entry is about: name, word. New ones come at the end. */
#define CLRNN_REPORT_KIND_LIST(X)                                                               \
    X(OPENCL, "opencl")     /* the OpenCL library; name: its file, if that is known */          \
    X(NATIVE, "native")     /* the kernels compiled with this library; name: their level */     \
    X(VENDOR, "vendor")     /* an OpenCL driver; name: its library, or the folder of drivers */ \
    X(PLATFORM, "platform") /* an OpenCL platform */                                            \
    X(DEVICE, "device")                                                                         \
    X(STRATEGY, "strategy") /* a self-test of this context; name: the strategy */               \
    X(PRODUCTS, "products") /* name: who multiplies matrices */

typedef enum clrnn_report_kind {
#define CLRNN_REPORT_ENUM(name, word) CLRNN_REPORT_##name,
    CLRNN_REPORT_KIND_LIST(CLRNN_REPORT_ENUM)
#undef CLRNN_REPORT_ENUM
} clrnn_report_kind;

/* What became of it: name, words. New ones come at the end. */
#define CLRNN_REPORT_OUTCOME_LIST(X)                                                        \
    X(PRESENT, "present")       /* it is there */                                           \
    X(CHOSEN, "chosen")         /* the device of this context */                            \
    X(PASSED, "passed")         /* its self-test */                                         \
    X(NOT_TRIED, "not tried")   /* the selector does not name it, or another went before */ \
    X(ABSENT, "absent")         /* there is none */                                         \
    X(NOT_LOADED, "not loaded") /* its library fails at load */                             \
    X(EMPTY, "no devices")      /* a driver or platform without devices */                  \
    X(UNUSABLE, "unusable")     /* not available, or without a compiler */                  \
    X(FAILED, "failed")         /* a call to it failed */                                   \
    X(NOT_BUILT, "not built")   /* kernels do not compile */                                \
    X(WRONG, "wrong")           /* its self-test found wrong results */                     \
    X(TOO_SLOW, "too slow")     /* no answer within timeout_ms */

typedef enum clrnn_report_outcome {
#define CLRNN_REPORT_ENUM(name, words) CLRNN_REPORT_##name,
    CLRNN_REPORT_OUTCOME_LIST(CLRNN_REPORT_ENUM)
#undef CLRNN_REPORT_ENUM
} clrnn_report_outcome;

/* One line of a report. The library makes them, so members may be added at the end. Texts are one
 * line of UTF-8 each and never NULL. */
typedef struct clrnn_report_entry {
    clrnn_report_kind kind;
    clrnn_report_outcome outcome;
    clrnn_status status; /* of the call that failed; CLRNN_OK where none did */
    const char *name;
    const char *reason;              /* why, or what it is */
    const clrnn_device_info *device; /* of a DEVICE, else NULL */
    double seconds;                  /* that opening and testing took; 0: not measured */
    /* Of a self-test that has run, else "" and 0: the problem in miniature that failed, or the last
     * one; the worst errors in it and what is allowed. */
    const char *problem;
    double forward_error, forward_bound, gradient_error, gradient_bound;
} clrnn_report_entry;

/**
 * What was tried for a context and what is known by now: how OpenCL and its drivers were found, all
 * devices in the order they were tried in, and each strategy whose self-test has run on it.
 *
 * Ownership: on success *report is the caller's, to be given to clrnn_report_destroy, before or
 *            after the context; on failure it is NULL.
 * Threads:   any. A report does not change, and may be read by several.
 * Returns:   CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL), CLRNN_ERR_MEMORY
 */
CLRNN_API clrnn_status clrnn_context_report(clrnn_context *context, clrnn_report **report);

/**
 * The same without a context: what there is, and which device `auto` would try first. Nothing is
 * opened or tested.
 *
 * Ownership, threads: as clrnn_context_report.
 * Returns: CLRNN_OK, also when there is no device; CLRNN_ERR_ARGUMENT (NULL), CLRNN_ERR_MEMORY,
 *          CLRNN_ERR_OPENCL as clrnn_devices_list
 */
CLRNN_API clrnn_status clrnn_devices_report(const clrnn_log *log, clrnn_report **report);

/** Free a report and set the pointer to NULL; NULL is accepted. */
CLRNN_API void clrnn_report_destroy(clrnn_report **report);

/** How many entries there are, and entry `index`, valid as long as the report; NULL beyond them. */
CLRNN_API size_t clrnn_report_count(const clrnn_report *report);
CLRNN_API const clrnn_report_entry *clrnn_report_at(const clrnn_report *report, size_t index);

/** Words of a kind and of an outcome, as in the JSON form; never NULL, static storage. */
CLRNN_API const char *clrnn_report_kind_word(clrnn_report_kind kind);
CLRNN_API const char *clrnn_report_outcome_words(clrnn_report_outcome outcome);

typedef enum clrnn_report_form {
    CLRNN_REPORT_TEXT = 0, /* a line for each entry */
    CLRNN_REPORT_JSON      /* {"report": 1, "library": "0.1.0", "entries": [{"kind": ...}, ...]} */
} clrnn_report_form;

/** Write a report into text[size] as snprintf does: cut where there is no room, always ended by 0
 * if size is not 0; text may be NULL if it is. Returns the length of the whole, or -1 if report is
 *  NULL or the form unknown. */
CLRNN_API int clrnn_report_format(const clrnn_report *report, clrnn_report_form form, char *text,
                                  size_t size);

#ifdef __cplusplus
}
#endif
#endif
