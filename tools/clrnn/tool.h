/* SPDX-License-Identifier: MIT
 * tool.h - what the subcommands of `clrnn` share: exit codes, errors, options, progress, numbers.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include <clrnn/clrnn.h>

#if defined(__MINGW_PRINTF_FORMAT)
#define TOOL_PRINTF(fmt, args) __attribute__((format(__MINGW_PRINTF_FORMAT, fmt, args)))
#elif defined(__GNUC__)
#define TOOL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TOOL_PRINTF(fmt, args)
#endif

/* Exit codes, a contract with scripts. */
enum {
    TOOL_OK = 0,
    TOOL_FAILED = 1,    /* a check or comparison failed, or a training */
    TOOL_BAD_USE = 2,   /* bad use or bad input */
    TOOL_NO_DEVICE = 3, /* no device that works */
    TOOL_SIGNAL = 128   /* and the signal's number: ended in order by it, as shells count */
};

/* --- subcommands ----------------------------------------------------------------------------- */

typedef struct tool_command {
    const char *name;
    const char *usage;                 /* what follows the name */
    const char *summary;               /* one line */
    const char *details;               /* further lines of its help, or NULL */
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand's name; returns the exit code */
} tool_command;

extern const tool_command tool_devices, tool_run, tool_train, tool_sample, tool_info, tool_verify,
    tool_bench, tool_tune, tool_predict, tool_convert, tool_conformance, tool_inspect, tool_compare;

/* --- errors: report.c ------------------------------------------------------------------------ */

/** The log for everything the command makes: keeps the last error for tool_failed; shows warnings,
 *  or what the environment variable CLRNN_LOG (error, warn, info, debug) asks for, on stderr. */
const clrnn_log *tool_log(void);

/** See that CLRNN_LOG, if it is set, asks for a level that there is. Returns TOOL_OK or
 *  TOOL_BAD_USE. */
int tool_check_log(void);

/** Print one line "clrnn: ..." on stderr. Returns TOOL_BAD_USE. */
int tool_error(const char *format, ...) TOOL_PRINTF(1, 2);

/** Print why a call of the library failed, as one line on stderr. Returns the exit code of that. */
int tool_failed(clrnn_status status);

/** The exit code that belongs to a status, and the last error the library logged; no output. */
int tool_exit_code(clrnn_status status);
const char *tool_last_error(clrnn_status status);

/** Print one line "clrnn: warning: ..." on stderr. */
void tool_warn(const char *format, ...) TOOL_PRINTF(1, 2);

/** Say that memory is short. Returns TOOL_BAD_USE. */
int tool_no_memory(void);

/** Say that there is no device, and how to get one. Returns TOOL_NO_DEVICE. */
int tool_no_device(void);

/** Print an object on stdout, as one line if `line`, and free it. Returns TOOL_OK or TOOL_BAD_USE.
 */
int tool_print_json(cJSON *object, bool line);

/** An object as text, to be freed; NULL if memory is short. In names of files bytes that are no
 * UTF-8 are '?', since JSON has no other way. */
char *tool_json_text(const cJSON *object, bool line);

/** Bytes of the character that a text begins with, 1 to 4; 0: it is no UTF-8. */
size_t tool_character(const char *text);

/** A device with its limits: devices.c. */
cJSON *tool_device_object(const clrnn_device_info *info);

/** Open the device that `selector` names (NULL: CLRNN_DEVICE, else auto). Returns an exit code. */
int tool_open(const char *selector, clrnn_context **context);

/* --- options: options.c ---------------------------------------------------------------------- */

typedef enum tool_kind {
    TOOL_FLAG,
    TOOL_TEXT,
    TOOL_U32,
    TOOL_U64,
    TOOL_REAL,
    TOOL_CHOICE,
    TOOL_LIST
} tool_kind;

/* Arguments in order; the strings are those of argv. */
typedef struct tool_list {
    const char **items;
    size_t count;
} tool_list;

#define TOOL_STRATEGIES \
    "auto|stepwise|persistent|resident|fused" /* as clrnn_strategy counts them */

/* One option; a table of them ends with a zeroed one. It gives parsing, range check and help. */
typedef struct tool_option {
    const char *name;     /* "hidden" is --hidden */
    const char *argument; /* its name in the help; of a choice all words: "lstm|gru|rnn" */
    const char *help;
    tool_kind kind;
    void *target;       /* keeps its value when the option is not given */
    double least, most; /* range of a number */
    bool given;         /* out */
} tool_option;

tool_option tool_flag(const char *name, bool *target, const char *help);
tool_option tool_text(const char *name, const char *argument, const char **target,
                      const char *help);
tool_option tool_u32(const char *name, const char *argument, uint32_t *target, double least,
                     const char *help);
tool_option tool_u64(const char *name, const char *argument, uint64_t *target, const char *help);
tool_option tool_real(const char *name, const char *argument, double *target, double least,
                      double most, const char *help);
/** *target becomes the index of the chosen word. */
tool_option tool_choice(const char *name, const char *words, int *target, const char *help);
/** Takes its argument and the arguments after it up to the next option; may be repeated. */
tool_option tool_many(const char *name, const char *argument, tool_list *target, const char *help);
tool_option tool_device(const char **target); /* --device SEL, which every command has */
bool tool_is_graph(const clrnn_tensors *set); /* a file of a graph, and not of a model */
tool_option tool_prefix(const char **target); /* --prefix P, of every command that reads a model */

#define TOOL_CONTINUE (-1)

/**
 * Read the command line of a subcommand.
 * others: receives the arguments that belong to no option; NULL = there may be none.
 * Returns: TOOL_CONTINUE, or the exit code to end with: help was printed, or one line of error.
 */
int tool_parse(const tool_command *command, int argc, char **argv, tool_option *options,
               tool_list *others);

/** Whether an option of the table was given. */
bool tool_given(const tool_option *options, const char *name);

/** Take `value` (NULL = none) for an option that was not given; `where` names its source in errors.
 *  Returns TOOL_OK or TOOL_BAD_USE. */
int tool_default(const tool_option *options, const char *name, const char *value,
                 const char *where);

/** The value of an option as it would be given; "" for none, a flag that is not set, a list, a
 * number below the least. text: room for what is no text already. */
const char *tool_value(const tool_option *options, const char *name, char text[64]);

/** The names of all cells, "lstm|gru|rnn", in the order of clrnn_cell; whether one has an option.
 */
const char *tool_cells(void);

/** Problem `index` of those that a seed draws, as a string. fp64: some are in double precision. */
void tool_draw_problem(uint64_t seed, uint32_t index, bool fp64, char *text, size_t size);
bool tool_cell_has(clrnn_cell cell, const char *option);

/** Word `index` of "a|b|c", in a static buffer. */
const char *tool_word(const char *words, int index);

void tool_list_free(tool_list *list);

/** See that each of a list is a problem, before a device is opened. Returns TOOL_OK or
 *  TOOL_BAD_USE. */
int tool_check_problems(const tool_list *list);

/* --- files: files.c -------------------------------------------------------------------------- */

/* A file that the command line names. */
typedef struct tool_file {
    const char *option; /* "--save" */
    const char *path;   /* NULL = not given */
    bool written;
} tool_file;

/** See that no file that is written is one that is read, or written as well: not through links,
 *  "./" or "..", and not one that is still to be made. [count]. Returns TOOL_OK or TOOL_BAD_USE. */
int tool_check_files(const char *command, const tool_file *files, size_t count);

/** See that a file can be written, before hours are spent. whole: it is replaced by a new one, else
 *  changed in its place. Returns TOOL_OK or TOOL_BAD_USE. */
int tool_check_output(const char *command, const tool_file *file, bool whole);

/** Whether a path leads to a regular file that is not empty. */
bool tool_file_exists(const char *path);

/** Whether a file's name ends so, and is more than that: ".npy". */
bool tool_ends_with(const char *path, const char *end);

/** Whether two paths lead to the same file, or would. */
bool tool_same_file(const char *a, const char *b);

/** The JSON object that a .safetensors file begins with, to be freed; NULL if it is none. */
cJSON *tool_read_header(const char *path);

/* --- progress, numbers: progress.c, numbers.c ------------------------------------------------ */

/** Whether progress is shown: only where stderr is a terminal. */
bool tool_progress_visible(void);
/** Draw a bar and `text` over the last one, a few times a second at most. */
void tool_progress(double part, const char *text);
/** Remove the bar, so that a line can be printed. */
void tool_progress_clear(void);

/** Seconds on a clock that never goes back. */
double tool_seconds(void);

/** The next of a sequence of pseudo-random numbers in [0,1) (splitmix64: Steele, Lea, Flood 2014).
 */
double tool_random(uint64_t *state);

/** The value that a part `p` of sorted ones does not exceed (the nearest rank). */
double tool_percentile(const double *sorted, size_t count, double p);

/** "1,234,567"; "15.6 GiB"; "2:05" or "1:02:03". Into `text`, which is returned. */
const char *tool_thousands(uint64_t value, char text[32]);
const char *tool_bytes(uint64_t bytes, char text[32]);
const char *tool_clock(double seconds, char text[32]);

#endif
