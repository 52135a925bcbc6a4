/* SPDX-License-Identifier: MIT
 * verify_report.c - see verify.h: what an author wants to know of a customer's machine. */
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef _WIN32
#include <sys/utsname.h>
#include <unistd.h>
#endif

#include "bench.h"

/* --- the machine ------------------------------------------------------------------------------ */

typedef struct machine {
    char os[80], release[80], kind[80], processor[128];
    unsigned processors;
    double memory;
} machine;

/* "model name : .." of Linux; "" elsewhere. */
static void read_processor(char out[128])
{
    static const char key[] = "model name";
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && !*out && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, sizeof key - 1) != 0 || !colon)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        snprintf(out, 128, "%.*s", (int)strcspn(colon, "\n"), colon);
    }
    if (file)
        fclose(file);
}

static machine read_machine(void)
{
    machine m = {.os = "Windows"};
#ifndef _WIN32
    struct utsname name;
    if (uname(&name) == 0) {
        snprintf(m.os, sizeof m.os, "%.79s", name.sysname);
        snprintf(m.release, sizeof m.release, "%.79s", name.release);
        snprintf(m.kind, sizeof m.kind, "%.79s", name.machine);
    }
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    m.processors = count > 0 ? (unsigned)count : 0;
#ifdef _SC_PHYS_PAGES
    m.memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
#endif
#else
    const char *count = getenv("NUMBER_OF_PROCESSORS"), *kind = getenv("PROCESSOR_ARCHITECTURE"),
               *words = getenv("PROCESSOR_IDENTIFIER");
    m.processors = count ? (unsigned)atoi(count) : 0;
    snprintf(m.kind, sizeof m.kind, "%s", kind ? kind : "");
    snprintf(m.processor, sizeof m.processor, "%s", words ? words : "");
#endif
    read_processor(m.processor);
    return m;
}

cJSON *verify_system(void)
{
    const machine m = read_machine();
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "os", m.os);
    cJSON_AddStringToObject(object, "release", m.release);
    cJSON_AddStringToObject(object, "machine", m.kind);
    cJSON_AddStringToObject(object, "processor", m.processor);
    cJSON_AddNumberToObject(object, "processors", m.processors);
    cJSON_AddNumberToObject(object, "memory_bytes", m.memory);
    return object;
}

/* --- reports ---------------------------------------------------------------------------------- */

/* To be freed; NULL: no memory. */
static char *format(const clrnn_report *report, clrnn_report_form form)
{
    int length = clrnn_report_format(report, form, NULL, 0);
    char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text)
        (void)clrnn_report_format(report, form, text, (size_t)length + 1);
    return text;
}

cJSON *verify_report_object(clrnn_report **report)
{
    char *text = *report ? format(*report, CLRNN_REPORT_JSON) : NULL;
    cJSON *object = text ? cJSON_Parse(text) : NULL;
    free(text);
    clrnn_report_destroy(report);
    return object ? object : cJSON_CreateObject();
}

void verify_print_machine(void)
{
    const machine m = read_machine();
    clrnn_report *report = NULL;
    char memory[32];
    printf("clrnn %s, %s %s %s, %s, %u processors, %s\n", clrnn_version_text(), m.os, m.release,
           m.kind, m.processor, m.processors, tool_bytes((uint64_t)m.memory, memory));
    char *text = clrnn_devices_report(tool_log(), &report) == CLRNN_OK
                     ? format(report, CLRNN_REPORT_TEXT)
                     : NULL;
    printf("%s\n", text ? text : "");
    free(text);
    clrnn_report_destroy(&report);
}

/* --- a device after its checks ---------------------------------------------------------------- */

/* What the self-tests of one strategy came to. */
typedef struct verdicts {
    const char *name;
    unsigned passed, wrong, not_built;
    double worst;       /* error, of those that have run */
    const char *reason; /* of the last that failed */
} verdicts;

static verdicts add_up(const clrnn_report *report, const char *name)
{
    verdicts v = {.name = name, .reason = ""};
    const clrnn_report_entry *e;
    for (size_t i = 0; (e = clrnn_report_at(report, i)) != NULL; i++) {
        if (e->kind != CLRNN_REPORT_STRATEGY || strcmp(e->name, name) != 0)
            continue;
        v.passed += e->outcome == CLRNN_REPORT_PASSED;
        v.wrong += e->outcome == CLRNN_REPORT_WRONG;
        v.not_built += e->outcome == CLRNN_REPORT_NOT_BUILT;
        v.worst = e->forward_error > v.worst ? e->forward_error : v.worst;
        v.worst = e->gradient_error > v.worst ? e->gradient_error : v.worst;
        v.reason = e->outcome == CLRNN_REPORT_PASSED ? v.reason : e->reason;
    }
    return v;
}

static void tell_strategies(const clrnn_report *report, cJSON *device)
{
    cJSON *list = device ? cJSON_AddArrayToObject(device, "strategies") : NULL;
    for (int s = CLRNN_STRATEGY_STEPWISE; s <= CLRNN_STRATEGY_FUSED; s++) {
        const verdicts v = add_up(report, tool_word(TOOL_STRATEGIES, s));
        const unsigned failed = v.wrong + v.not_built;
        const bool tested = v.passed + failed > 0;
        if (!device) {
            printf("strategy %-10s %s", v.name, tested ? "" : "not available or not tested\n");
            if (tested)
                printf("self-tests: %u passed, %u wrong, %u do not compile; worst error %.1e%s%s\n",
                       v.passed, v.wrong, v.not_built, v.worst, failed ? "; " : "", v.reason);
            continue;
        }
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "strategy", v.name);
        cJSON_AddBoolToObject(object, "available", tested && !failed);
        cJSON_AddNumberToObject(object, "passed", v.passed);
        cJSON_AddNumberToObject(object, "wrong", v.wrong);
        cJSON_AddNumberToObject(object, "not_built", v.not_built);
        cJSON_AddNumberToObject(object, "worst_error", v.worst);
        cJSON_AddStringToObject(object, "reason", v.reason);
        cJSON_AddItemToArray(list, object);
    }
}

static void tell_products(const clrnn_report *report, cJSON *device)
{
    cJSON *list = device ? cJSON_AddArrayToObject(device, "products") : NULL;
    const clrnn_report_entry *e;
    for (size_t i = 0; (e = clrnn_report_at(report, i)) != NULL; i++) {
        if (e->kind != CLRNN_REPORT_PRODUCTS)
            continue;
        if (!device) {
            printf("products %-10s %s: %s\n", e->name, clrnn_report_outcome_words(e->outcome),
                   e->reason[0] ? e->reason : "it can be used");
            continue;
        }
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "products", e->name);
        cJSON_AddBoolToObject(object, "available", e->outcome == CLRNN_REPORT_PRESENT);
        cJSON_AddStringToObject(object, "reason", e->reason);
        cJSON_AddItemToArray(list, object);
    }
}

/* A problem that cannot be timed here is left out, and why stands on stderr or in the checks. */
static void tell_time(clrnn_context *context, const char *text, cJSON *list)
{
    bench_result r = {0};
    clrnn_problem problem;
    if (clrnn_problem_parse(text, tool_log(), &problem) != CLRNN_OK ||
        bench_time(context, &problem, &r) != TOOL_OK)
        return;
    if (!list) {
        printf("time %9.3f ms (least %.3f, first plan %.0f), %s, products by %s: %s\n", r.median_ms,
               r.min_ms, r.plan_ms, r.strategy, r.gemm, text);
        return;
    }
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", text);
    cJSON_AddStringToObject(object, "strategy", r.strategy);
    cJSON_AddStringToObject(object, "gemm", r.gemm);
    cJSON_AddNumberToObject(object, "plan_ms", r.plan_ms);
    cJSON_AddNumberToObject(object, "median_ms", r.median_ms);
    cJSON_AddNumberToObject(object, "min_ms", r.min_ms);
    cJSON_AddNumberToObject(object, "runs", (double)r.runs);
    cJSON_AddItemToArray(list, object);
}

int verify_tell_device(clrnn_context *context, bool quick, cJSON *device)
{
    static const char *const timed[] = {"cell=lstm,T=100,N=1,I=64,H=64",
                                        "cell=gru,T=100,N=1,I=256,H=256",
                                        "cell=lstm,T=20,N=32,I=128,H=128,mode=train"};
    cJSON *times = device ? cJSON_AddArrayToObject(device, "times") : NULL;
    for (size_t i = 0; i < (quick ? 1 : sizeof timed / sizeof *timed); i++)
        tell_time(context, timed[i], times);
    clrnn_report *report = NULL;
    clrnn_status status = clrnn_context_report(context, &report);
    if (status)
        return tool_failed(status);
    tell_strategies(report, device);
    tell_products(report, device);
    if (device)
        cJSON_AddItemToObject(device, "report", verify_report_object(&report));
    clrnn_report_destroy(&report);
    return TOOL_OK;
}
