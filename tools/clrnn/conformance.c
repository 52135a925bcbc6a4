/* SPDX-License-Identifier: MIT
 * conformance.c - `clrnn conformance`: folders of ONNX backend tests, each with a model, inputs and
 * the outputs that another implementation gave. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph_pass.h"
#include "graph_words.h"
#include "system.h"

#define WORST 1e-5 /* of the largest value, or of 1 */

typedef enum verdict { PASS, FAIL, UNSUPPORTED, VERDICTS } verdict;
static const char *const verdicts[VERDICTS] = {"pass", "FAIL", "unsupported"};

typedef struct job {
    clrnn_context *context;
    int precision, strategy;
    double tolerance;
    bool json, quiet;
    uint32_t counts[VERDICTS];
    double worst;
    cJSON *cases;
} job;

/* One case. */
typedef struct result {
    verdict verdict;
    double error;
    char reason[400];
} result;

/* --- one set of data -------------------------------------------------------------------------- */

/* The array in DIR/SET/KIND_I.pb; NULL: there is none. */
static clrnn_status load(const char *folder, const char *kind, uint32_t i, clrnn_tensors **set)
{
    char path[TOOL_PATH_ROOM + 96];
    system_file file;
    *set = NULL;
    snprintf(path, sizeof path, "%s/%s_%u.pb", folder, kind, i);
    system_look_at(path, &file);
    return file.exists ? clrnn_onnx_tensor_load(path, tool_log(), set) : CLRNN_OK;
}

static double difference(const clrnn_tensor *a, const clrnn_tensor *b)
{
    double *x = calloc(a->count + 1, sizeof *x), *y = calloc(a->count + 1, sizeof *y);
    double most = 1, worst = 0;
    if (!x || !y)
        worst = INFINITY;
    else {
        clrnn_tensor_to_f64(a, x);
        clrnn_tensor_to_f64(b, y);
    }
    for (size_t i = 0; i < a->count && x && y; i++)
        most = isfinite(y[i]) ? fmax(most, fabs(y[i])) : most;
    for (size_t i = 0; i < a->count && x && y; i++)
        if (isnan(x[i]) != isnan(y[i]) || (!isfinite(y[i]) && !isnan(y[i]) && x[i] != y[i]))
            worst = INFINITY;
        else if (isfinite(y[i]))
            worst = fmax(worst, fabs(x[i] - y[i]) / most);
    free(x);
    free(y);
    return worst;
}

/* What is kept in fewer bits is no closer than that. */
static double closeness(const job *j, const clrnn_tensors *wanted)
{
    const char *type = clrnn_tensors_metadata(wanted, "type");
    const double bits = !type                           ? 0
                        : strcmp(type, "float16") == 0  ? 1.0 / 1024
                        : strcmp(type, "bfloat16") == 0 ? 1.0 / 128
                                                        : 0;
    return fmax(j->tolerance, bits);
}

static void compare(const job *j, const clrnn_tensors *made, uint32_t k,
                    const clrnn_tensors *expected, result *r)
{
    const clrnn_tensor *wanted = clrnn_tensors_at(expected, 0);
    const clrnn_tensor *got = clrnn_tensors_at(made, k);
    const bool same = got && got->rank == wanted->rank &&
                      memcmp(got->shape, wanted->shape, got->rank * sizeof *got->shape) == 0;
    if (!same) {
        r->verdict = FAIL;
        snprintf(r->reason, sizeof r->reason, "output %u %s", k,
                 got ? "has another shape" : "is not there");
        return;
    }
    const double error = difference(got, wanted);
    r->error = fmax(r->error, error);
    if (!(error <= closeness(j, expected)) && r->verdict == PASS) {
        r->verdict = FAIL;
        snprintf(r->reason, sizeof r->reason, "output '%s' differs by %.3g", got->name, error);
    }
}

/* Inputs of a set of data; they lie in `sets`. Those that the model has no value for must be there:
 * one that has none has none. */
static clrnn_status load_inputs(const char *folder, graph_pass *pass, clrnn_tensors **sets)
{
    clrnn_tensors *names = NULL;
    char next[32];
    clrnn_status status = clrnn_format_inputs(pass->path, tool_log(), &names);
    const size_t wanted = clrnn_tensors_count(names);
    clrnn_tensors_destroy(&names);
    for (uint32_t i = 0; i < GRAPH_ARRAYS && status == CLRNN_OK; i++) {
        status = load(folder, "input", i, &sets[i]);
        if (status != CLRNN_OK || !sets[i])
            break;
        graph_pass_add(pass, NULL, clrnn_tensors_at(sets[i], 0));
    }
    snprintf(next, sizeof next, "input_%u.pb", pass->count);
    return status == CLRNN_OK && pass->count < wanted && pass->count < GRAPH_ARRAYS
               ? graph_complain(CLRNN_ERR_IO, "%s is not there", next)
               : status;
}

/* Data that are no tensors may be those of a model that is refused, by what it says of its inputs;
 * one that only asks for their values is not. */
static bool refuses(const char *path)
{
    clrnn_graph *graph = NULL;
    const clrnn_status status = clrnn_graph_import(path, NULL, tool_log(), &graph);
    clrnn_graph_destroy(&graph);
    return status == CLRNN_ERR_UNSUPPORTED;
}

/* Run it; all outputs must be among the data. */
static clrnn_status compare_outputs(const job *j, graph_pass *pass, const char *folder, result *r)
{
    clrnn_tensors *made = NULL, *wanted = NULL;
    uint32_t k = 0;
    clrnn_status status = graph_pass_run(j->context, pass, &made);
    while (status == CLRNN_OK) {
        status = load(folder, "output", k, &wanted);
        if (status != CLRNN_OK || !wanted)
            break;
        compare(j, made, k++, wanted, r);
        clrnn_tensors_destroy(&wanted);
    }
    if (status == CLRNN_OK && r->verdict == PASS && k < clrnn_tensors_count(made)) {
        r->verdict = FAIL;
        snprintf(r->reason, sizeof r->reason, "output_%u.pb is not there", k);
    }
    clrnn_tensors_destroy(&wanted);
    clrnn_tensors_destroy(&made);
    return status;
}

/* Of a model that may be right, but not read here. */
static bool is_refusal(clrnn_status status)
{
    return status == CLRNN_ERR_UNSUPPORTED || status == CLRNN_ERR_NEEDS_SIZE ||
           status == CLRNN_ERR_NEEDS_VALUE;
}

static void run_set(const job *j, const char *model, const char *folder, result *r)
{
    graph_pass pass = {.path = model,
                       .precision = (clrnn_precision)j->precision,
                       .strategy = (clrnn_strategy)j->strategy};
    clrnn_tensors *sets[GRAPH_ARRAYS] = {NULL};
    clrnn_status status = load_inputs(folder, &pass, sets);
    snprintf(r->reason, sizeof r->reason, "%s", status ? tool_last_error(status) : "");
    const bool refused = status == CLRNN_ERR_FORMAT && refuses(model);
    const bool ran = status == CLRNN_OK;
    if (refused)
        status = CLRNN_ERR_UNSUPPORTED;
    else if (ran)
        status = compare_outputs(j, &pass, folder, r);
    if (status && (refused || ran))
        snprintf(r->reason, sizeof r->reason, "%s", tool_last_error(status));
    if (status)
        r->verdict = is_refusal(status) ? UNSUPPORTED : FAIL;
    for (uint32_t i = 0; i < GRAPH_ARRAYS; i++)
        clrnn_tensors_destroy(&sets[i]);
}

/* --- one case --------------------------------------------------------------------------------- */

static bool is_there(const char *path)
{
    system_file file;
    system_look_at(path, &file);
    return file.exists;
}

static int tell(job *j, const char *folder, const result *r)
{
    j->counts[r->verdict]++;
    j->worst = r->verdict == UNSUPPORTED ? j->worst : fmax(j->worst, r->error);
    if (!j->json) {
        if (!j->quiet || r->verdict != PASS)
            printf("%-11s %-9.2g %s%s%s\n", verdicts[r->verdict], r->error, folder,
                   *r->reason ? ": " : "", r->reason);
        return TOOL_OK;
    }
    cJSON *object = cJSON_CreateObject();
    bool fine = object && cJSON_AddStringToObject(object, "case", folder) &&
                cJSON_AddStringToObject(object, "verdict", verdicts[r->verdict]) &&
                cJSON_AddNumberToObject(object, "error", r->error) &&
                cJSON_AddStringToObject(object, "reason", r->reason);
    if (fine)
        cJSON_AddItemToArray(j->cases, object);
    else
        cJSON_Delete(object);
    return fine ? TOOL_OK : tool_no_memory();
}

static int run_case(job *j, const char *folder, bool alone)
{
    char model[TOOL_PATH_ROOM + 64], data[TOOL_PATH_ROOM + 32];
    result r = {.verdict = PASS};
    uint32_t sets = 0;
    snprintf(model, sizeof model, "%s/model.onnx", folder);
    for (;; sets++) {
        snprintf(data, sizeof data, "%s/test_data_set_%u", folder, sets);
        if (!is_there(data) || r.verdict != PASS)
            break;
        run_set(j, model, data, &r);
    }
    if (sets == 0 && alone)
        return tool_error("conformance: %s has no test_data_set_0", folder);
    if (sets == 0)
        r = (result){.verdict = FAIL, .reason = "there is no test_data_set_0"};
    return tell(j, folder, &r);
}

/* A case, or a folder of folders. */
static int run_folder(job *j, const char *folder, int depth, uint32_t *found)
{
    char path[TOOL_PATH_ROOM];
    system_list list = {0};
    int code = TOOL_OK;
    if ((size_t)snprintf(path, sizeof path, "%s/model.onnx", folder) >= sizeof path)
        return tool_error("conformance: %s: its name is too long", folder);
    if (is_there(path)) {
        ++*found;
        return run_case(j, folder, depth == 0);
    }
    if (!system_read_folder(folder, &list))
        return tool_error("conformance: %s cannot be read", folder);
    for (size_t i = 0; i < list.count && depth < 8 && !code; i++) {
        system_file file;
        const int size = snprintf(path, sizeof path, "%s/%s", folder, list.names[i]);
        system_look_at(path, &file);
        if (size > 0 && (size_t)size < sizeof path && file.is_folder)
            code = run_folder(j, path, depth + 1, found);
    }
    system_free_list(&list);
    return code;
}

/* --- all -------------------------------------------------------------------------------------- */

static int finish(job *j)
{
    const uint32_t all = j->counts[PASS] + j->counts[FAIL] + j->counts[UNSUPPORTED];
    int code = j->counts[PASS] == all ? TOOL_OK : TOOL_FAILED;
    if (!j->json) {
        printf("%u of %u passed, %u failed, %u not supported; worst error %.2g\n", j->counts[PASS],
               all, j->counts[FAIL], j->counts[UNSUPPORTED], j->worst);
        return code;
    }
    cJSON *object = cJSON_CreateObject();
    bool fine = object && cJSON_AddNumberToObject(object, "passed", j->counts[PASS]) &&
                cJSON_AddNumberToObject(object, "failed", j->counts[FAIL]) &&
                cJSON_AddNumberToObject(object, "unsupported", j->counts[UNSUPPORTED]) &&
                cJSON_AddNumberToObject(object, "worst_error", j->worst) &&
                cJSON_AddItemToObject(object, "cases", j->cases);
    if (!fine) {
        cJSON_Delete(object);
        return tool_no_memory();
    }
    j->cases = NULL;
    int printed = tool_print_json(object, false);
    return printed ? printed : code;
}

static int work(job *j, const tool_list *folders, const char *selector)
{
    int code = folders->count ? tool_open(selector, &j->context)
                              : tool_error("conformance: no folder given");
    j->cases = code ? NULL : cJSON_CreateArray();
    for (size_t i = 0; i < folders->count && !code; i++) {
        uint32_t found = 0;
        code = run_folder(j, folders->items[i], 0, &found);
        if (!code && !found)
            code = tool_error("conformance: %s has no model.onnx", folders->items[i]);
    }
    if (!code)
        code = finish(j);
    cJSON_Delete(j->cases);
    clrnn_context_destroy(&j->context);
    return code;
}

static int run(int argc, char **argv)
{
    job j = {.tolerance = WORST};
    const char *selector = NULL;
    tool_list folders = {0};
    tool_option options[] = {
        tool_real("tolerance", "X", &j.tolerance, 0, 1,
                  "largest error, as a part of the largest value, or of 1 (1e-5)"),
        tool_choice("precision", "f32|f64", &j.precision, "of the arithmetic (f32)"),
        tool_choice("strategy", TOOL_STRATEGIES, &j.strategy, "how time is scanned (auto)"),
        tool_flag("quiet", &j.quiet, "only what does not pass"),
        tool_flag("json", &j.json, "one JSON object"),
        tool_device(&selector),
        {0}};
    int code = tool_parse(&tool_conformance, argc, argv, options, &folders);
    if (code == TOOL_CONTINUE)
        code = work(&j, &folders, selector);
    tool_list_free(&folders);
    return code;
}

const tool_command tool_conformance = {
    "conformance", "DIR... [OPTION]...", "run folders of ONNX backend tests",
    "A DIR holds model.onnx and test_data_set_N/input_I.pb and output_I.pb, or folders of such.\n"
    "Each case passes, fails, or is not supported; exit 1 unless all pass.\n",
    run};
