/* SPDX-License-Identifier: MIT
 * verify.c - `clrnn verify`: the device against the float64 reference, problem by problem. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "verify.h"
#include "verify_digest.h"
#include "verify_problems.h"

#define SEED 1

static const char *const storages[] = {"f32", "f16", "bf16", "int8"};
#define STORAGES 4

/* What keeping weights in fewer bits comes to, over all problems that do. */
typedef struct storage_result {
    unsigned problems;
    double kept;     /* worst error, forward, against the weights as they are kept */
    double original; /* against what they were before */
} storage_result;

/* One verification, over one device or several. */
typedef struct verification {
    bool quick, json, digest;
    tool_digests digests;              /* of the device at hand, with --digest */
    tool_list chosen;                  /* --problem; empty = the list above */
    uint32_t random;                   /* --random: so many drawn ones instead */
    uint64_t seed;                     /* of these */
    cJSON *devices;                    /* results, if json */
    storage_result storages[STORAGES]; /* of the device at hand */
    double worst[2];                   /* error of the device at hand, by precision */
    unsigned passed, failed, skipped;  /* skipped: strategies that the device has not */
} verification;

static void add_result(cJSON *list, const char *problem, const clrnn_check *check,
                       const char *error)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", problem);
    cJSON_AddBoolToObject(object, "passed", check->passed);
    if (error) {
        cJSON_AddStringToObject(object, "error", error);
    } else {
        cJSON_AddNumberToObject(object, "forward_error", check->forward_error);
        cJSON_AddNumberToObject(object, "forward_bound", check->forward_bound);
        cJSON_AddStringToObject(object, "forward_tensor", check->forward_tensor);
        cJSON_AddNumberToObject(object, "gradient_error", check->gradient_error);
        cJSON_AddNumberToObject(object, "gradient_bound", check->gradient_bound);
        cJSON_AddStringToObject(object, "gradient_tensor", check->gradient_tensor);
        cJSON_AddNumberToObject(object, "storage_error", check->storage_error);
        cJSON_AddNumberToObject(object, "storage_bound", check->storage_bound);
        cJSON_AddStringToObject(object, "storage_tensor", check->storage_tensor);
        tool_digest_json(check, object);
    }
    cJSON_AddItemToArray(list, object);
}

static void print_result(const char *problem, const clrnn_check *check, const char *error,
                         bool digest)
{
    bool stored = check->storage_bound > 0;
    if (error)
        printf("FAIL  %s\n      %s\n", problem, error);
    else
        printf("%s  %8.1e /%8.1e %-16s %8.1e /%8.1e %-22s %s\n", check->passed ? "pass" : "FAIL",
               check->forward_error, check->forward_bound, check->forward_tensor,
               stored ? check->storage_error : check->gradient_error,
               stored ? check->storage_bound : check->gradient_bound,
               stored ? check->storage_tensor : check->gradient_tensor, problem);
    if (digest && !error)
        tool_digest_print(check);
    fflush(stdout);
}

static void add_storage(storage_result *result, const clrnn_check *check)
{
    result->problems++;
    result->kept = fmax(result->kept, check->forward_error);
    result->original = fmax(result->original, check->storage_error);
}

/* list: where the result goes as JSON; NULL = a line on stdout.  asked: by the user; else a
 * strategy that the device does not have is left out. */
static void check_one(verification *v, clrnn_context *context, const char *text, bool asked,
                      cJSON *list)
{
    char full[512];
    clrnn_problem problem;
    clrnn_check check = {0};
    snprintf(full, sizeof full, "%s", text);
    clrnn_status status = clrnn_problem_parse(text, tool_log(), &problem);
    if (!status) {
        clrnn_problem_format(&problem, full, sizeof full);
        status = clrnn_problem_check(context, &problem, SEED, &check);
    }
    if (!asked &&
        (status == CLRNN_ERR_UNSUPPORTED || (v->digest && status == CLRNN_ERR_SELF_TEST))) {
        v->skipped++;
        return;
    }
    const char *error = status ? tool_last_error(status) : NULL;
    check.passed = check.passed && !error;
    if (!error) {
        double *worst = &v->worst[problem.precision];
        *worst = fmax(*worst, fmax(check.forward_error, check.gradient_error));
        add_storage(&v->storages[problem.weights], &check);
        tool_digest_add(&v->digests, &problem, &check);
    }
    *(check.passed ? &v->passed : &v->failed) += 1;
    if (list)
        add_result(list, full, &check, error);
    else
        print_result(full, &check, error, v->digest);
}

/* The same with our own products and, unless the problem says one, each strategy. */
static void check_each(verification *v, clrnn_context *context, const char *text, cJSON *list)
{
    char full[600];
    if (!v->digest) {
        check_one(v, context, text, false, list);
        return;
    }
    const bool says = strstr(text, "strategy=") != NULL;
    const int last = says ? CLRNN_STRATEGY_STEPWISE : CLRNN_STRATEGY_FUSED;
    for (int i = CLRNN_STRATEGY_STEPWISE; i <= last; i++) {
        snprintf(full, sizeof full, "%s,gemm=packed%s%s", text,
                 says ? "" : ",strategy=", says ? "" : tool_word(TOOL_STRATEGIES, i));
        check_one(v, context, full, false, list);
    }
}

/* Of a list; for digests no strategy but each, so that all have the same problems. */
static bool is_wanted(const verification *v, const tool_problem *p)
{
    return (!v->quick || p->quick) && !(v->digest && strstr(p->problem, "strategy="));
}

/* The problems of the list above, in one precision. */
static void check_list(verification *v, clrnn_context *context, const char *precision, cJSON *list)
{
    for (size_t i = 0; tool_problems[i].problem; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s,mode=train,precision=%s", tool_problems[i].problem,
                 precision);
        if (is_wanted(v, &tool_problems[i]))
            check_each(v, context, text, list);
    }
}

static void check_storages(verification *v, clrnn_context *context, cJSON *list)
{
    for (size_t i = 0; tool_stored_problems[i].problem; i++)
        for (size_t s = CLRNN_WEIGHTS_F16; s < STORAGES; s++) {
            char text[512];
            snprintf(text, sizeof text, "%s,weights=%s", tool_stored_problems[i].problem,
                     storages[s]);
            if (is_wanted(v, &tool_stored_problems[i]))
                check_each(v, context, text, list);
        }
}

/* device: where the results go as JSON; NULL = on stdout. */
static void report_storages(const verification *v, cJSON *device)
{
    cJSON *list = device ? cJSON_AddArrayToObject(device, "storages") : NULL;
    for (size_t s = CLRNN_WEIGHTS_F16; s < STORAGES; s++) {
        const storage_result *r = &v->storages[s];
        if (r->problems == 0)
            continue;
        if (!list) {
            printf("weights in %s: forward errors up to %.1e; against the weights before "
                   "rounding %.1e\n",
                   storages[s], r->kept, r->original);
            continue;
        }
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "weights", storages[s]);
        cJSON_AddNumberToObject(object, "problems", r->problems);
        cJSON_AddNumberToObject(object, "forward_error", r->kept);
        cJSON_AddNumberToObject(object, "storage_error", r->original);
        cJSON_AddItemToArray(list, object);
    }
}

static cJSON *device_object(verification *v, const clrnn_device_info *info)
{
    cJSON *object = tool_device_object(info);
    cJSON_AddBoolToObject(object, "fp64", info->fp64);
    cJSON_AddItemToArray(v->devices, object);
    return object;
}

/* device: where the worst errors go as JSON; NULL = on stdout. */
static void report_worst(const verification *v, bool fp64, cJSON *device)
{
    cJSON *object = device ? cJSON_AddObjectToObject(device, "worst_error") : NULL;
    for (int p = CLRNN_F32; p <= (fp64 ? CLRNN_F64 : CLRNN_F32); p++) {
        const char *precision = p == CLRNN_F64 ? "f64" : "f32";
        if (object)
            cJSON_AddNumberToObject(object, precision, v->worst[p]);
        else
            printf("worst error in %s: %.1e\n", precision, v->worst[p]);
    }
}

static void check_lists(verification *v, clrnn_context *context, cJSON *list)
{
    check_list(v, context, "f32", list);
    check_storages(v, context, list);
    if (clrnn_context_device(context)->fp64)
        check_list(v, context, "f64", list);
    else if (!v->json)
        printf("f64 is not checked: the device has no double precision\n");
}

static int check_device(verification *v, clrnn_context *context)
{
    const clrnn_device_info *info = clrnn_context_device(context);
    cJSON *device = v->json ? device_object(v, info) : NULL;
    cJSON *list = device ? cJSON_AddArrayToObject(device, "problems") : NULL;
    memset(v->storages, 0, sizeof v->storages);
    v->digests = (tool_digests){0};
    memset(v->worst, 0, sizeof v->worst);
    if (!device) {
        printf("device %u:%u  %s, %s, driver %s\n", info->platform_index, info->device_index,
               info->name, info->platform, info->driver);
        printf("      %-18s %-16s %-18s %-22s problem\n", "forward / bound", "worst in",
               "gradient, storage", "worst in");
    }
    for (size_t i = 0; i < v->chosen.count; i++)
        check_one(v, context, v->chosen.items[i], true, list);
    for (uint32_t i = 0; i < v->random; i++) {
        char text[512];
        tool_draw_problem(v->seed, i, info->fp64, text, sizeof text);
        check_one(v, context, text, false, list);
    }
    if (!v->chosen.count && !v->random)
        check_lists(v, context, list);
    report_storages(v, device);
    if (v->digest)
        tool_digest_report(&v->digests, device);
    if (v->chosen.count || v->digest)
        return TOOL_OK;
    report_worst(v, info->fp64, device);
    return verify_tell_device(context, v->quick, device);
}

static int check_selected(verification *v, const char *selector)
{
    clrnn_context *context;
    int code = tool_open(selector, &context);
    if (code)
        return code;
    code = check_device(v, context);
    clrnn_context_destroy(&context);
    return code;
}

/* A device that cannot be opened has failed, and the next is tried. */
static int check_all(verification *v)
{
    clrnn_device_info *devices;
    size_t count;
    clrnn_status status = clrnn_devices_list(tool_log(), &devices, &count);
    if (status)
        return tool_failed(status);
    int code = count ? TOOL_OK : tool_no_device();
    for (size_t i = 0; i < count; i++) {
        char selector[32];
        snprintf(selector, sizeof selector, "%u:%u", devices[i].platform_index,
                 devices[i].device_index);
        if (check_selected(v, selector))
            v->failed++;
    }
    clrnn_devices_free(&devices);
    return code;
}

static int conclude(verification *v)
{
    int code = v->failed ? TOOL_FAILED : TOOL_OK;
    if (!v->json) {
        printf("%u passed, %u failed", v->passed, v->failed);
        if (v->skipped)
            printf(", %u skipped: no such strategy here", v->skipped);
        printf("\n");
        return code;
    }
    clrnn_report *report = NULL;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "version", clrnn_version_text());
    cJSON_AddItemToObject(object, "system", verify_system());
    (void)clrnn_devices_report(tool_log(), &report);
    cJSON_AddItemToObject(object, "found", verify_report_object(&report));
    cJSON_AddItemToObject(object, "devices", v->devices);
    v->devices = NULL;
    cJSON_AddNumberToObject(object, "passed", v->passed);
    cJSON_AddNumberToObject(object, "failed", v->failed);
    cJSON_AddNumberToObject(object, "skipped", v->skipped);
    return tool_print_json(object, false) ? TOOL_BAD_USE : code;
}

static int verify(verification *v, const char *selector)
{
    bool all = selector && strcmp(selector, "all") == 0;
    int code = tool_check_problems(&v->chosen);
    if (code)
        return code;
    v->devices = v->json ? cJSON_CreateArray() : NULL;
    if (!v->json && !v->chosen.count)
        verify_print_machine();
    code = all ? check_all(v) : check_selected(v, selector);
    if (!code)
        code = conclude(v);
    cJSON_Delete(v->devices);
    return code;
}

static int run(int argc, char **argv)
{
    verification v = {0};
    const char *selector = NULL;
    tool_option options[] = {
        tool_flag("quick", &v.quick, "a few problems only, in seconds"),
        tool_flag("json", &v.json, "print one JSON object"),
        tool_flag("digest", &v.digest, "each strategy with our own products, and digests"),
        tool_many("problem", "STR", &v.chosen, "check these instead"),
        tool_u32("random", "K", &v.random, 1, "check K drawn ones instead"),
        tool_u64("seed", "S", &v.seed, "of what is drawn (0)"),
        tool_device(&selector),
        {0}};
    options[6].help = "device to check, or `all` (CLRNN_DEVICE, else auto)";
    int code = tool_parse(&tool_verify, argc, argv, options, NULL);
    if (code == TOOL_CONTINUE)
        code = verify(&v, selector);
    tool_list_free(&v.chosen);
    return code;
}

const tool_command tool_verify = {
    "verify",
    "[--device SEL|all] [--quick] [--digest] [--json] [--random K [--seed S]] [--problem STR]...",
    "check a device against the float64 reference",
    "Runs problems forward and backward on the device and in the reference. An error is\n"
    "the largest difference in a tensor over the largest value of that tensor. For weights\n"
    "kept in f16, bf16 or int8 the reference has them rounded alike; what the rounding itself\n"
    "does, against the weights as they were, stands beside it as storage.\n"
    "--random draws problems over all cells, options, sizes and strategies, the same ones for the\n"
    "same seed; one that fails is printed as a string for --problem.\n"
    "With --digest every strategy that passes its self-test runs every problem with our own\n"
    "products, and the bits of all outputs end as two numbers, forward and gradients: for each\n"
    "problem, for each strategy, and last for what every device has, stepwise in f32, f16, bf16\n"
    "and int8: the line that two people with other hardware compare first. Equal on all devices\n"
    "but where a driver takes liberties.\n"
    "Beside the checks it tells of this machine, its drivers, how strategies fared in their\n"
    "self-tests, and some times: clrnn verify --device all --json > FILE is what to mail to\n"
    "somebody who is to help.\n"
    "A problem is a string such as cell=lstm,T=100,N=1,I=256,H=256,L=1,D=1,mode=train.\n"
    "Exit: 0, 1 if a check failed, 2 bad use, 3 no device.\n",
    run};
