/* SPDX-License-Identifier: MIT
 * tune.c - `clrnn tune`: times every way of running a problem and keeps the fastest. */
#include <stdio.h>

#include "tool.h"

static const char *const usual_problems[] = {
    "cell=lstm,T=100,N=1,I=64,H=64",  "cell=lstm,T=100,N=1,I=256,H=256",
    "cell=gru,T=100,N=1,I=256,H=256", "cell=lstm,T=50,N=32,I=256,H=256",
    "cell=gru,T=50,N=32,I=256,H=256", "cell=lstm,T=50,N=32,I=256,H=256,mode=train",
};
#define USUAL (sizeof usual_problems / sizeof usual_problems[0])

static const char *strategy_name(const clrnn_way *way)
{
    static const char *const names[] = {[CLRNN_STRATEGY_AUTO] = "auto",
                                        [CLRNN_STRATEGY_STEPWISE] = "stepwise",
                                        [CLRNN_STRATEGY_PERSISTENT] = "persistent",
                                        [CLRNN_STRATEGY_RESIDENT] = "resident"};
    return names[way->strategy];
}

static const char *gemm_name(const clrnn_way *way)
{
    return way->gemm == CLRNN_GEMM_PACKED ? "packed" : "clblast";
}

static void print_lines(const char *problem, const clrnn_way *ways, size_t count)
{
    printf("%s\n", problem);
    for (size_t i = 0; i < count; i++) {
        printf("%c %9.3f ms  %-10s %-8s", i == 0 ? '*' : ' ', ways[i].seconds * 1e3,
               strategy_name(&ways[i]), gemm_name(&ways[i]));
        if (ways[i].row_shares)
            printf(" rows in %u, units in %u", ways[i].row_shares, ways[i].unit_shares);
        if (ways[i].helps)
            printf(", with help");
        if (ways[i].layers > 1)
            printf(", %u layers at once", ways[i].layers);
        if (ways[i].rows)
            printf(", %u rows at once", ways[i].rows);
        if (ways[i].kept)
            printf(", %u weights kept", ways[i].kept);
        printf("\n");
    }
    fflush(stdout);
}

static int print_object(const char *problem, const clrnn_way *ways, size_t count)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", problem);
    cJSON *array = cJSON_AddArrayToObject(object, "ways");
    for (size_t i = 0; i < count; i++) {
        cJSON *way = cJSON_CreateObject();
        cJSON_AddStringToObject(way, "strategy", strategy_name(&ways[i]));
        cJSON_AddStringToObject(way, "gemm", gemm_name(&ways[i]));
        cJSON_AddNumberToObject(way, "row_shares", ways[i].row_shares);
        cJSON_AddNumberToObject(way, "unit_shares", ways[i].unit_shares);
        cJSON_AddNumberToObject(way, "kept", ways[i].kept);
        cJSON_AddNumberToObject(way, "rows", ways[i].rows);
        cJSON_AddNumberToObject(way, "helps", ways[i].helps);
        cJSON_AddNumberToObject(way, "layers", ways[i].layers);
        cJSON_AddNumberToObject(way, "median_ms", ways[i].seconds * 1e3);
        cJSON_AddItemToArray(array, way);
    }
    return tool_print_json(object, true);
}

static int tune_one(clrnn_context *context, const char *text, bool json)
{
    clrnn_problem p;
    clrnn_way ways[CLRNN_MOST_WAYS];
    size_t count = 0;
    char whole[256];
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
        status = clrnn_tune(context, &desc, ways, &count);
    }
    if (status)
        return tool_failed(status);
    if (json)
        return print_object(whole, ways, count);
    print_lines(whole, ways, count);
    return TOOL_OK;
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
