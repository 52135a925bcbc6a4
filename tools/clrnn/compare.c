/* SPDX-License-Identifier: MIT
 * compare.c - `clrnn compare`: the cells, trained alike, side by side. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "system.h"

/* --- the folder ------------------------------------------------------------------------------ */

static int make_folder(const compare_job *job)
{
    static const char *const parts[] = {"report.html", "results.json", "",
                                        "models",      "logs",         "pictures"};
    const size_t count = sizeof parts / sizeof *parts;
    char path[COMPARE_PATH];
    system_file file;
    for (size_t i = 0; i < count && !job->o.force; i++)
        if (*parts[i] && tool_file_exists(compare_path(job, path, "%s", parts[i])))
            return tool_error("compare: -o %s: there is %s in it; add --force to replace a report",
                              job->folder, parts[i]);
    for (size_t i = 2; i < count; i++) {
        compare_path(job, path, "%s", parts[i]);
        system_look_at(path, &file);
        if (!file.is_folder && !system_make_folder(path))
            return tool_error("compare: -o %s: cannot make the folder %s: %s", job->folder, path,
                              strerror(errno));
    }
    return TOOL_OK;
}

/* The command as it was given, for the report. */
static void note_command(compare_job *job, int argc, char **argv)
{
    size_t at = (size_t)snprintf(job->command, sizeof job->command, "clrnn");
    for (int i = 0; i < argc && at < sizeof job->command; i++) {
        const bool plain = argv[i][0] && !strpbrk(argv[i], " \t\n\"'\\$`*?<>|&;()");
        at += (size_t)snprintf(job->command + at, sizeof job->command - at, plain ? " %s" : " '%s'",
                               argv[i]);
    }
}

/* --- running --------------------------------------------------------------------------------- */

static void print_result(const compare_job *job, const compare_result *r)
{
    double loss, deviation, ms, ignored, accuracy;
    char number[32];
    compare_spread(job, r, offsetof(compare_run, loss), &loss, &deviation);
    compare_spread(job, r, offsetof(compare_run, step_ms), &ms, &ignored);
    compare_spread(job, r, offsetof(compare_run, accuracy), &accuracy, &ignored);
    printf("%-17s %4u units  %9s parameters  %7.2f ms a step  %s %.4f +- %.4f", r->cell->title,
           r->hidden, tool_thousands(r->parameters, number), ms, job->measure, loss, deviation);
    if (isfinite(accuracy))
        printf("  accuracy %.3f", accuracy);
    printf("\n");
    fflush(stdout);
}

static int run_all(compare_job *job)
{
    int code = compare_size(job);
    for (int i = 0; i < COMPARE_CELLS && !code; i++) {
        compare_result *r = &job->results[i];
        for (uint32_t k = 0; k < job->o.seeds && !code; k++)
            code = compare_train(job, r, k);
        if (!code && job->lags)
            code = compare_recall(job, r);
        if (!code && !job->json)
            print_result(job, r);
    }
    return code;
}

static int write_all(const compare_job *job)
{
    int code = compare_write_json(job);
    if (!code)
        code = compare_write_pictures(job);
    if (!code)
        code = compare_write_report(job);
    return code;
}

/* As many points as curves want, unless the command line says. */
static void choose_points(train_options *o, tool_option *table)
{
    for (tool_option *option = table; option->name; option++) {
        const bool log = strcmp(option->name, "log-every") == 0;
        if (option->given || (!log && strcmp(option->name, "validate-every") != 0))
            continue;
        const uint64_t points = log ? 100 : 20;
        *(uint64_t *)option->target = o->steps >= points ? o->steps / points : 1;
        option->given = !o->epochs;
    }
}

static int work(compare_job *job)
{
    int code = make_folder(job);
    if (!code)
        code = compare_check_files(job);
    if (!code)
        code = data_read_options("compare", &job->o, &job->arrays);
    if (!code)
        code = tool_open(job->o.selector, &job->context);
    job->start = tool_seconds();
    for (int i = 0; i < COMPARE_CELLS && !code; i++) {
        job->results[i].cell = &compare_cells[i];
        job->results[i].runs = calloc(job->o.seeds, sizeof *job->results[i].runs);
        code = job->results[i].runs ? TOOL_OK : tool_no_memory();
    }
    if (!code)
        code = run_all(job);
    if (!code)
        code = write_all(job);
    if (!code && !job->json)
        printf("-> %s/report.html\n", job->folder);
    for (int i = 0; i < COMPARE_CELLS; i++) {
        for (uint32_t k = 0; job->results[i].runs && k < job->o.seeds; k++) {
            free(job->results[i].runs[k].course);
            inspect_flow_free(&job->results[i].runs[k].first);
            inspect_flow_free(&job->results[i].runs[k].last);
        }
        free(job->results[i].runs);
    }
    data_free(&job->arrays);
    clrnn_context_destroy(&job->context);
    return code;
}

/* --- options --------------------------------------------------------------------------------- */

/* Those of train that a comparison decides itself. */
static bool is_own(const char *name)
{
    static const char *const own[] = {"save",        "resume",    "log",        "cell",
                                      "reset",       "peepholes", "save-every", "model",
                                      "freeze",      "act",       "seconds",    "forget-bias",
                                      "update-bias", "json",      "output"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i], name) == 0)
            return true;
    return false;
}

/* "10,20,50" */
static int read_lags(compare_job *job, const char *text)
{
    for (const char *at = text; at && *at;) {
        char *end;
        const long lag = strtol(at, &end, 10);
        const bool rises = job->lags == 0 || lag > (long)job->lag[job->lags - 1];
        if (end == at || (*end && *end != ',') || lag < 2 || lag > 100000 || !rises ||
            job->lags == COMPARE_LAGS)
            return tool_error("compare: --lags %s: up to %d rising numbers between commas", text,
                              COMPARE_LAGS);
        job->lag[job->lags++] = (uint32_t)lag;
        at = *end ? end + 1 : end;
    }
    return TOOL_OK;
}

static int check_use(compare_job *job, const char *lags, tool_option *table)
{
    train_options *o = &job->o;
    if (!job->folder)
        return tool_error("compare: nowhere to put the report; add -o DIR");
    if ((o->texts.count > 0) + (o->data && !data_is_digits(o)) + (o->task > 0) != 1)
        return tool_error("compare: one of --text FILE, --data FILE and --task NAME is needed");
    if (job->parameters && tool_given(o->table, "hidden"))
        return tool_error("compare: --hidden and --parameters both say how large; leave one out");
    for (tool_option *option = table; option->name; option++) /* else no option of a text */
        if (strcmp(option->name, "seeds") == 0)
            option->given = false;
    int code = data_check_options(o);
    return code ? code : read_lags(job, lags);
}

static int run(int argc, char **argv)
{
    compare_job job = {.lag_steps = 1000};
    tool_option table[TRAIN_TABLE], options[TRAIN_TABLE];
    const char *lags = NULL;
    size_t count = 0;
    train_table(&job.o, table);
    memset(options, 0, sizeof options);
    options[count++] = tool_text("out", "DIR", &job.folder, "where the report goes; also -o DIR");
    options[count++] = tool_u32("parameters", "P", &job.parameters, 1,
                                "about so many in each model, instead of equal --hidden");
    options[count++] =
        tool_text("lags", "T,..", &lags, "also: which of these lags each still recalls");
    options[count++] = tool_u64("lag-steps", "K", &job.lag_steps, "of these trainings (1000)");
    options[count++] = tool_flag("json", &job.json, "print nothing but the results, as JSON");
    for (const tool_option *o = table; o->name; o++)
        if (!is_own(o->name)) {
            options[count++] = *o;
            if (strcmp(o->name, "force") == 0)
                options[count - 1].help = "replace a report that is in DIR";
            else if (strcmp(o->name, "seeds") == 0)
                options[count - 1].help = "train each K times, from --seed on (3)";
            else if (strcmp(o->name, "hidden") == 0)
                options[count - 1].help = "hidden units of a layer (64)";
        }
    job.o.table = options;
    job.o.seeds = 3;
    job.o.hidden = 64;
    note_command(&job, argc, argv);
    int code = tool_parse(&tool_compare, argc, argv, options, NULL);
    if (code == TOOL_CONTINUE) {
        code = check_use(&job, lags, options);
        if (!code) {
            choose_points(&job.o, options);
            code = work(&job);
        }
    }
    tool_list_free(&job.o.texts);
    tool_list_free(&job.o.freeze);
    return code;
}

const tool_command tool_compare = {
    "compare", "--text FILE... | --data FILE | --task NAME  -o DIR [OPTION]...",
    "train RNN, GRU and LSTM alike, and report",
    "Each of RNN, GRU (reset before and after) and LSTM is trained as clrnn train would, from the "
    "same\n"
    "seeds (3), with the same hidden size (64) or with --parameters about as many parameters. DIR "
    "gets\n"
    "report.html, which needs nothing else, results.json, pictures/, models/ and logs/.\n"
    "It has none of these yet, or with --force they are replaced.\n",
    run};
