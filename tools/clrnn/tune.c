/* SPDX-License-Identifier: MIT
 * tune.c - `clrnn tune`: times every way of running a problem and keeps the fastest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static const char *const usual_problems[] = {
    "cell=lstm,T=100,N=1,I=64,H=64",  "cell=lstm,T=100,N=1,I=256,H=256",
    "cell=gru,T=100,N=1,I=256,H=256", "cell=lstm,T=50,N=32,I=256,H=256",
    "cell=gru,T=50,N=32,I=256,H=256", "cell=lstm,T=50,N=32,I=256,H=256,mode=train",
};
#define USUAL (sizeof usual_problems / sizeof usual_problems[0])

static void print_lines(const char *problem, const clrnn_tuning *tuning)
{
    const clrnn_exec_config *config;
    printf("%s\n", problem);
    for (size_t i = 0; (config = clrnn_tuning_config(tuning, i)) != NULL; i++) {
        char text[512];
        clrnn_exec_config_format(config, text, sizeof text);
        printf("%c %9.3f ms  %s\n", i == 0 ? '*' : ' ', clrnn_exec_config_seconds(config) * 1e3,
               text);
    }
    fflush(stdout);
}

/* A config as an object; 0 stands for what its text leaves out. */
static cJSON *object_of(const clrnn_exec_config *config)
{
    static const char *const keys[] = {"strategy", "gemm", "row_parts", "unit_parts",
                                       "kept",     "rows", "steals",    "layers"};
    char text[512];
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        cJSON_AddNumberToObject(object, keys[i], 0);
    clrnn_exec_config_format(config, text, sizeof text);
    for (char *pair = text, *next; pair; pair = next) {
        next = strchr(pair, ',');
        if (next)
            *next++ = 0;
        char *value = strchr(pair, '=');
        *value++ = 0;
        bool number = *value >= '0' && *value <= '9';
        cJSON_ReplaceItemInObject(
            object, pair, number ? cJSON_CreateNumber(atof(value)) : cJSON_CreateString(value));
    }
    cJSON_AddNumberToObject(object, "median_ms", clrnn_exec_config_seconds(config) * 1e3);
    return object;
}

static int print_object(const char *problem, const clrnn_tuning *tuning)
{
    const clrnn_exec_config *config;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", problem);
    cJSON *array = cJSON_AddArrayToObject(object, "ways");
    for (size_t i = 0; (config = clrnn_tuning_config(tuning, i)) != NULL; i++)
        cJSON_AddItemToArray(array, object_of(config));
    return tool_print_json(object, true);
}

static int tune_one(clrnn_context *context, const char *text, bool json)
{
    clrnn_problem p;
    clrnn_tuning *tuning = NULL;
    char whole[512];
    clrnn_status status = clrnn_problem_parse(text, tool_log(), &p);
    if (!status) {
        /* A stream is a plan for blocks. */
        const clrnn_plan_desc desc = {.network = p.network,
                                      .max_steps = p.block ? p.block : p.steps,
                                      .max_batch = p.batch,
                                      .train = p.train,
                                      .precision = p.precision,
                                      .strategy = p.strategy,
                                      .gemm = p.gemm,
                                      .weights = p.weights};
        clrnn_problem_format(&p, whole, sizeof whole);
        status = clrnn_tune(context, &desc, &tuning);
    }
    int code = TOOL_OK;
    if (status)
        code = tool_failed(status);
    else if (json)
        code = print_object(whole, tuning);
    else
        print_lines(whole, tuning);
    clrnn_tuning_destroy(&tuning);
    return code;
}

static int run(int argc, char **argv)
{
    bool json = false;
    const char *selector = NULL;
    tool_list chosen = {0};
    clrnn_context *context = NULL;
    tool_option options[] = {
        tool_many("problem", "STR", &chosen, "tune for these (else for a short list)"),
        tool_flag("json", &json, "print one JSON object for each problem, one a line"),
        tool_device(&selector),
        {0}};
    int code = tool_parse(&tool_tune, argc, argv, options, NULL);
    if (code == TOOL_CONTINUE) {
        code = tool_check_problems(&chosen);
        if (!code)
            code = tool_open(selector, &context);
        size_t count = chosen.count ? chosen.count : USUAL;
        for (size_t i = 0; i < count && !code; i++)
            code = tune_one(context, chosen.count ? chosen.items[i] : usual_problems[i], json);
        clrnn_context_destroy(&context);
    }
    tool_list_free(&chosen);
    return code;
}

const tool_command tool_tune = {
    "tune", "[--problem STR]... [--json] [--device SEL]", "find the fastest way for problems",
    "Times every strategy, matrix product and number of work-groups with each problem's network, "
    "N,\n"
    "T and mode, prints them from the fastest on, and keeps the fastest in the cache folder\n"
    "(CLRNN_CACHE_DIR, else ~/.cache/clrnn), for this device, driver and version. Every later "
    "plan\n"
    "for such a network with the same N and mode takes it; CLRNN_LOG=info says so. Without tuning "
    "a\n"
    "rule decides. A problem is a string, as `clrnn bench` takes.\n"
    "Exit: 0, 2 bad use, 3 no device.\n",
    run};
