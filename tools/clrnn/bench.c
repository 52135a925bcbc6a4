/* SPDX-License-Identifier: MIT
 * bench.c - `clrnn bench`: checks a problem, then times it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define SEED        1
#define CHECK_LIMIT 2e8 /* operations of the reference, about a second */

static const char *const usual_problems[] = {
    "cell=lstm,T=100,N=1,I=64,H=64",
    "cell=lstm,T=100,N=1,I=256,H=256",
    "cell=lstm,T=50,N=32,I=256,H=256",
    "cell=gru,T=50,N=32,I=256,H=256",
    "cell=rnn,T=50,N=32,I=256,H=256",
    "cell=lstm,T=50,N=32,I=128,H=128,mode=train",
    "cell=lstm,T=6400,N=1,I=1,H=40,mode=stream,block=64",
};
#define USUAL (sizeof usual_problems / sizeof usual_problems[0])

/* Check the problem itself, or if the reference would take long, one with fewer steps and rows. */
static clrnn_status check(clrnn_context *context, const clrnn_problem *problem, bench_result *out)
{
    clrnn_problem small = *problem;
    while (bench_operations(&small) > CHECK_LIMIT && (small.steps > 2 || small.batch > 1)) {
        uint32_t *larger = small.steps > small.batch ? &small.steps : &small.batch;
        *larger -= *larger / 2;
        small.block = small.block < small.steps ? small.block : small.steps;
    }
    clrnn_problem_format(&small, out->checked, sizeof out->checked);
    return clrnn_problem_check(context, &small, SEED, &out->check);
}

static double largest_error(const clrnn_check *c)
{
    return isnan(c->forward_error) ? NAN : fmax(c->forward_error, c->gradient_error);
}

static void add_figures(cJSON *object, const bench_result *r)
{
    cJSON_AddNumberToObject(object, "plan_ms", r->plan_ms);
    cJSON_AddNumberToObject(object, "min_ms", r->min_ms);
    cJSON_AddNumberToObject(object, "median_ms", r->median_ms);
    if (r->gflops > 0) {
        cJSON_AddNumberToObject(object, "gflops", r->gflops);
        cJSON_AddNumberToObject(object, "gbytes", r->gbytes);
    }
    if (r->latency.budget_us > 0) {
        cJSON_AddNumberToObject(object, "median_us", r->latency.median_us);
        cJSON_AddNumberToObject(object, "p99_us", r->latency.p99_us);
        cJSON_AddNumberToObject(object, "p999_us", r->latency.p999_us);
        cJSON_AddNumberToObject(object, "max_us", r->latency.max_us);
        cJSON_AddNumberToObject(object, "budget_us", r->latency.budget_us);
        cJSON_AddNumberToObject(object, "p999_of_budget",
                                r->latency.p999_us / r->latency.budget_us);
    }
}

static int print_object(const clrnn_device_info *device, const bench_result *r)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", r->problem);
    cJSON_AddStringToObject(object, "device", device->name);
    cJSON_AddStringToObject(object, "driver", device->driver);
    cJSON_AddStringToObject(object, "strategy", r->strategy);
    cJSON_AddStringToObject(object, "gemm", r->gemm);
    cJSON_AddNumberToObject(object, "runs", (double)r->runs);
    add_figures(object, r);
    if (isnan(largest_error(&r->check))) /* not checked */
        cJSON_AddNullToObject(object, "max_error");
    else
        cJSON_AddNumberToObject(object, "max_error", largest_error(&r->check));
    cJSON_AddBoolToObject(object, "passed", r->check.passed);
    cJSON_AddStringToObject(object, "checked", r->checked);
    return tool_print_json(object, true);
}

static int print_line(const bench_result *r)
{
    if (r->check.passed)
        printf("%9.3f %9.3f %8.2f %8.2f %8.1e %6zu  %-10s %-8s %s\n", r->median_ms, r->min_ms,
               r->gflops, r->gbytes, largest_error(&r->check), r->runs, r->strategy, r->gemm,
               r->problem);
    else
        printf("%9s %9s %8s %8s %8.1e %6s  %-10s %-8s %s: check FAILED, not timed\n", "-", "-", "-",
               "-", largest_error(&r->check), "-", "-", "-", r->problem);
    if (r->latency.budget_us > 0)
        printf(
            "%9s  block: median %.0f us, 99 %% %.0f us, 99.9 %% %.0f us, at most %.0f us; 99.9 %% "
            "are done in %.1f %% of the %.0f us that it lasts at 48 kHz\n",
            "", r->latency.median_us, r->latency.p99_us, r->latency.p999_us, r->latency.max_us,
            100 * r->latency.p999_us / r->latency.budget_us, r->latency.budget_us);
    if (strcmp(r->checked, r->problem) != 0)
        printf("%*schecked as %s\n", 75, "", r->checked);
    fflush(stdout);
    return TOOL_OK;
}

/* Check and time one problem. Returns an exit code. */
static int bench_one(clrnn_context *context, const char *text, bool json)
{
    bench_result r = {0};
    clrnn_problem problem;
    clrnn_status status = clrnn_problem_parse(text, tool_log(), &problem);
    if (!status) {
        clrnn_problem_format(&problem, r.problem, sizeof r.problem);
        status = check(context, &problem, &r);
    }
    if (status)
        return tool_failed(status);
    int code = TOOL_OK;
    if (r.check.passed)
        code =
            problem.block ? bench_stream(context, &problem, &r) : bench_time(context, &problem, &r);
    if (!code)
        code = json ? print_object(clrnn_context_device(context), &r) : print_line(&r);
    return !code && !r.check.passed ? TOOL_FAILED : code;
}

/* Of a model from a file a problem string says T, N, mode and how: the network is the file's. */
static int parse_pass(const char *text, clrnn_problem *problem)
{
    static const char *const keys[] = {"T", "N", "mode", "block", "strategy", "gemm"};
    for (const char *at = text; *at;) {
        const size_t length = strcspn(at, "=,"), all = strcspn(at, ",");
        bool known = false;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            known = known || (strlen(keys[i]) == length && strncmp(keys[i], at, length) == 0);
        if (!known)
            return tool_error("bench: --problem %s: of a model from a file T, N, mode, block, "
                              "strategy and gemm can be said, not %.*s",
                              text, (int)length, at);
        at += all + (at[all] == ',');
    }
    clrnn_status status = clrnn_problem_parse(text, tool_log(), problem);
    return status ? tool_failed(status) : TOOL_OK;
}

static int bench_file(clrnn_context *context, const char *path, const char *text, bool json)
{
    bench_result r = {.strategy = "-", .gemm = "-"};
    clrnn_problem problem;
    int code = parse_pass(text, &problem);
    r.strategy[0] = 0;
    if (!code)
        code = bench_graph(context, path, &problem, &r);
    if (!code)
        code = json ? print_object(clrnn_context_device(context), &r) : print_line(&r);
    return !code && !r.check.passed ? TOOL_FAILED : code;
}

static int bench_all(const tool_list *chosen, const char *path, const char *selector, bool json)
{
    clrnn_context *context;
    int worst = tool_open(selector, &context);
    if (worst)
        return worst;
    const clrnn_device_info *info = clrnn_context_device(context);
    if (!json) {
        printf("device %u:%u  %s, %s, driver %s\n", info->platform_index, info->device_index,
               info->name, info->platform, info->driver);
        printf("%9s %9s %8s %8s %8s %6s  %-10s %-8s %s\n", "median ms", "min ms", "GFLOP/s", "GB/s",
               "error", "runs", "strategy", "gemm", "problem");
    }
    size_t count = chosen->count ? chosen->count : path ? 1 : USUAL;
    for (size_t i = 0; i < count && worst <= TOOL_FAILED; i++) {
        const char *usual = path ? "" : usual_problems[i];
        const char *text = chosen->count ? chosen->items[i] : usual;
        int code = path ? bench_file(context, path, text, json) : bench_one(context, text, json);
        worst = code > worst ? code : worst;
    }
    clrnn_context_destroy(&context);
    return worst;
}

static int run(int argc, char **argv)
{
    bool json = false;
    const char *selector = NULL, *path = NULL;
    tool_list chosen = {0};
    tool_option options[] = {
        tool_many("problem", "STR", &chosen, "time these (else a short list)"),
        tool_text("model", "FILE", &path, "time this model or graph"),
        tool_flag("json", &json, "print one JSON object for each problem, one a line"),
        tool_device(&selector),
        {0}};
    int code = tool_parse(&tool_bench, argc, argv, options, NULL);
    if (code == TOOL_CONTINUE) {
        code = path ? TOOL_OK : tool_check_problems(&chosen);
        if (!code)
            code = bench_all(&chosen, path, selector, json);
    }
    tool_list_free(&chosen);
    return code;
}

const tool_command tool_bench = {
    "bench", "[--problem STR]... [--model FILE] [--json] [--device SEL]",
    "check, then time problems",
    "A problem is a string; these are the defaults of what is left out:\n"
    "  cell=lstm,T=100,N=1,I=256,H=256,L=1,D=1,mode=infer,weights=f32\n"
    "mode=train is forward, backward and weight gradients; mode=stream,block=64 times each block\n"
    "of a stream, one after the other for 2000 blocks and half a second (but at most 2 s), from\n"
    "and to host arrays: a run is a block. Each problem is first checked against\n"
    "the float64 reference (with smaller T and N where that would take long, as is then said),\n"
    "warmed up, and run at least 5 times and half a second over two sets of buffers in turn.\n"
    "GFLOP/s counts the products, 2*G*H*(I+R) + 2*P*H for each valid step, layer and direction;\n"
    "GB/s the recurrent weights read at each step, and input weights, x and y once; training\n"
    "counts three times. Both from the median.\n"
    "--model FILE times a whole model or graph instead, from and to host arrays, checked against "
    "its\n"
    "double precision: of a problem T, N, mode, block, strategy and gemm can be said.\n"
    "Exit: 0, 1 if a check failed, 2 bad use, 3 no device.\n",
    run};
