/* SPDX-License-Identifier: MIT
 * options.c - command lines: a table of options gives parsing, range checks and help. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define MOST_OPTIONS 100

tool_option tool_flag(const char *name, bool *target, const char *help)
{
    return (tool_option){.name = name, .help = help, .kind = TOOL_FLAG, .target = target};
}

tool_option tool_text(const char *name, const char *argument, const char **target, const char *help)
{
    return (tool_option){name, argument, help, TOOL_TEXT, (void *)target, 0, 0, false};
}

tool_option tool_u32(const char *name, const char *argument, uint32_t *target, double least,
                     const char *help)
{
    return (tool_option){name, argument, help, TOOL_U32, target, least, UINT32_MAX, false};
}

tool_option tool_u64(const char *name, const char *argument, uint64_t *target, const char *help)
{
    return (tool_option){name, argument, help, TOOL_U64, target, 0, 0, false};
}

tool_option tool_real(const char *name, const char *argument, double *target, double least,
                      double most, const char *help)
{
    return (tool_option){name, argument, help, TOOL_REAL, target, least, most, false};
}

tool_option tool_choice(const char *name, const char *words, int *target, const char *help)
{
    return (tool_option){name, words, help, TOOL_CHOICE, target, 0, 0, false};
}

tool_option tool_many(const char *name, const char *argument, tool_list *target, const char *help)
{
    return (tool_option){name, argument, help, TOOL_LIST, target, 0, 0, false};
}

tool_option tool_device(const char **target)
{
    return tool_text("device", "SEL", target, "device to use (CLRNN_DEVICE, else auto)");
}

bool tool_is_graph(const clrnn_tensors *set)
{
    static const char begin[] = "{\"graph\":";
    const char *text = clrnn_tensors_metadata(set, "clrnn");
    return text && strncmp(text, begin, sizeof begin - 1) == 0;
}

tool_option tool_prefix(const char **target)
{
    return tool_text("prefix", "P", target, "the model's tensors are those named P...");
}

const char *tool_cells(void)
{
    static char words[200];
    size_t at = 0;
    const clrnn_cell_info *cell;
    for (int i = 0; (cell = clrnn_cell_get_info((clrnn_cell)i)) && at < sizeof words; i++)
        at += (size_t)snprintf(words + at, sizeof words - at, "%s%s", i ? "|" : "", cell->name);
    return words;
}

bool tool_cell_has(clrnn_cell cell, const char *option)
{
    const char *const *own = clrnn_cell_get_info(cell)->options;
    while (*own && strcmp(*own, option) != 0)
        own++;
    return *own != NULL;
}

const char *tool_word(const char *words, int index)
{
    static char word[32];
    for (; index > 0 && *words; words++)
        index -= *words == '|';
    snprintf(word, sizeof word, "%.*s", (int)strcspn(words, "|"), words);
    return word;
}

static int word_index(const char *words, const char *value)
{
    for (int i = 0; *tool_word(words, i); i++)
        if (strcmp(tool_word(words, i), value) == 0)
            return i;
    return -1;
}

static const tool_option *find(const tool_option *options, const char *name)
{
    while (options->name && strcmp(options->name, name) != 0)
        options++;
    return options;
}

bool tool_given(const tool_option *options, const char *name)
{
    return find(options, name)->given;
}

void tool_list_free(tool_list *list)
{
    free((void *)list->items);
    *list = (tool_list){0};
}

int tool_check_problems(const tool_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        clrnn_problem problem;
        clrnn_status status = clrnn_problem_parse(list->items[i], tool_log(), &problem);
        if (status)
            return tool_failed(status);
    }
    return TOOL_OK;
}

static bool append(tool_list *list, const char *item)
{
    const char **items =
        (const char **)realloc((void *)list->items, (list->count + 1) * sizeof *items);
    if (!items)
        return false;
    list->items = items;
    list->items[list->count++] = item;
    return true;
}

static bool parse_count(const char *value, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(value, &end, 10);
    return value[0] >= '0' && value[0] <= '9' && *end == 0 && errno == 0;
}

static bool parse_real(const char *value, double *number)
{
    char *end;
    *number = strtod(value, &end);
    return end != value && *end == 0 && isfinite(*number);
}

static int store_count(const char *where, const tool_option *option, const char *value)
{
    const uint64_t most = option->kind == TOOL_U64 ? UINT64_MAX : UINT32_MAX;
    uint64_t number;
    if (!parse_count(value, &number) || (double)number < option->least || number > most)
        return tool_error("%s: --%s %s: must be a whole number from %.0f to %llu", where,
                          option->name, value, option->least, (unsigned long long)most);
    if (option->kind == TOOL_U64)
        *(uint64_t *)option->target = number;
    else
        *(uint32_t *)option->target = (uint32_t)number;
    return TOOL_CONTINUE;
}

static int store_real(const char *where, const tool_option *option, const char *value)
{
    double number;
    if (!parse_real(value, &number) || number < option->least || number > option->most)
        return tool_error("%s: --%s %s: must be a number from %g to %g", where, option->name, value,
                          option->least, option->most);
    *(double *)option->target = number;
    return TOOL_CONTINUE;
}

static int store_choice(const char *where, const tool_option *option, const char *value)
{
    int index = word_index(option->argument, value);
    if (index < 0)
        return tool_error("%s: --%s %s: must be one of %s", where, option->name, value,
                          option->argument);
    *(int *)option->target = index;
    return TOOL_CONTINUE;
}

static int store(const char *where, const tool_option *option, const char *value)
{
    switch (option->kind) {
    case TOOL_FLAG:
        *(bool *)option->target = true;
        return TOOL_CONTINUE;
    case TOOL_TEXT:
        *(const char **)option->target = value;
        return TOOL_CONTINUE;
    case TOOL_U32:
    case TOOL_U64:
        return store_count(where, option, value);
    case TOOL_REAL:
        return store_real(where, option, value);
    case TOOL_CHOICE:
        return store_choice(where, option, value);
    case TOOL_LIST:
        return append(option->target, value) ? TOOL_CONTINUE : tool_no_memory();
    }
    return TOOL_BAD_USE;
}

int tool_default(const tool_option *options, const char *name, const char *value, const char *where)
{
    const tool_option *option = find(options, name);
    if (!value || option->given || !option->name)
        return TOOL_OK;
    int code = store(where, option, value);
    return code == TOOL_CONTINUE ? TOOL_OK : code;
}

const char *tool_value(const tool_option *options, const char *name, char text[64])
{
    const tool_option *o = find(options, name);
    text[0] = 0;
    if (!o->name || o->kind == TOOL_LIST)
        return text;
    if (o->kind == TOOL_TEXT && *(char **)o->target)
        return *(char **)o->target;
    if (o->kind == TOOL_FLAG)
        snprintf(text, 64, "%s", *(bool *)o->target ? "true" : "");
    else if (o->kind == TOOL_U32 && *(uint32_t *)o->target >= o->least)
        snprintf(text, 64, "%lu", (unsigned long)*(uint32_t *)o->target);
    else if (o->kind == TOOL_U64)
        snprintf(text, 64, "%llu", (unsigned long long)*(uint64_t *)o->target);
    else if (o->kind == TOOL_REAL && *(double *)o->target >= o->least)
        snprintf(text, 64, "%.17g", *(double *)o->target);
    else if (o->kind == TOOL_CHOICE)
        snprintf(text, 64, "%s", tool_word(o->argument, *(int *)o->target));
    return text;
}

static void print_help(const tool_command *command, const tool_option *options)
{
    printf("usage: clrnn %s %s\n\n%s\n\n", command->name, command->usage, command->summary);
    for (; options->name; options++) {
        char left[160];
        bool dots = options->kind == TOOL_LIST;
        snprintf(left, sizeof left, "--%s%s%s%s", options->name, options->argument ? " " : "",
                 options->argument ? options->argument : "", dots ? "..." : "");
        if (strlen(left) > 26)
            printf("  %s\n%30s%s\n", left, "", options->help);
        else
            printf("  %-28s%s\n", left, options->help);
    }
    printf("  %-28s%s\n", "--help", "this text");
    if (command->details)
        printf("\n%s", command->details);
}

/* The table of getopt_long; option i returns 256 + i, which is no character. */
static void fill_long_options(const tool_option *options, struct option *out)
{
    size_t count = 0;
    for (; options[count].name && count < MOST_OPTIONS; count++)
        out[count] = (struct option){
            options[count].name, options[count].kind == TOOL_FLAG ? no_argument : required_argument,
            NULL, 256 + (int)count};
    out[count] = (struct option){"help", no_argument, NULL, 'h'};
    out[count + 1] = (struct option){0};
}

static int other_argument(const tool_command *command, tool_list *list, const char *value)
{
    if (!list)
        return tool_error("%s: unexpected argument %s; clrnn %s --help tells the use",
                          command->name, value, command->name);
    return append(list, value) ? TOOL_CONTINUE : tool_no_memory();
}

/* optopt: which option, if known. (Whether a value is missing or not wanted, systems tell apart
 * differently.) */
static int bad_option(const tool_command *command, const tool_option *options, char **argv)
{
    char letter[3] = {'-', (char)optopt, 0};
    const char *word = optopt > 0 && optopt < 256 ? letter : argv[optind - 1];
    bool known = optopt >= 256, flag = known && options[optopt - 256].kind == TOOL_FLAG;
    const char *problem = flag ? "takes no value" : known ? "needs a value" : "is not an option";
    return tool_error("%s: %s %s; clrnn %s --help lists all options", command->name, word, problem,
                      command->name);
}

int tool_parse(const tool_command *command, int argc, char **argv, tool_option *options,
               tool_list *others)
{
    struct option names[MOST_OPTIONS + 2];
    tool_list *current = others; /* what an argument without an option belongs to */
    int code = TOOL_CONTINUE, c;
    fill_long_options(options, names);
    opterr = 0;
    /* "-": arguments come in order, as option 1; ":": a missing argument is told apart */
    while (code == TOOL_CONTINUE && (c = getopt_long(argc, argv, "-:ho:", names, NULL)) != -1) {
        if (c == 'h') {
            print_help(command, options);
            return TOOL_OK;
        }
        if (c == 'o' && find(options, "out")->name && find(options, "out")->kind == TOOL_TEXT)
            c = 256 + (int)(find(options, "out") - options);
        if (c == 1) {
            code = other_argument(command, current, optarg);
        } else if (c >= 256) {
            tool_option *option = &options[c - 256];
            current = option->kind == TOOL_LIST ? option->target : others;
            option->given = true;
            code = store(command->name, option, optarg);
        } else {
            code = bad_option(command, options, argv);
        }
    }
    for (; code == TOOL_CONTINUE && optind < argc; optind++) /* after "--" */
        code = other_argument(command, others, argv[optind]);
    return code;
}
