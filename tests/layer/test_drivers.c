/* SPDX-License-Identifier: MIT
 * tests/layer/test_drivers.c - drivers and kernels that fail, and what the application sees of it:
 * a device that works, right numbers, and a report that names what was passed over. This program
 * has an OpenCL of its own, with a GPU, which the linker takes in place of the library's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include <clrnn/buffer.h>
#include <clrnn/model.h>
#include <clrnn/problem.h>
#include <clrnn/report.h>

#include "base/memory.h"
#include "base/thread.h"
#include "device/context.h"
#include "device/native_objects.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- a driver that is native's, but for what is wrong with it --------------------------------- */

static enum {
    NO_PLATFORM,
    MANY_PLATFORMS, /* more than there is memory for */
    GONE_PLATFORM,  /* between the two calls that list them */
    NO_DEVICE,
    MANY_DEVICES,
    GONE_DEVICE,
    ENDLESS_NAME,
    NAMELESS, /* and without a compiler */
    NOT_LISTED,
    NOT_OPENED,
    NO_COMPILER,
    NOT_BUILT,
    HANGS,
    WRONG,
    NO_GRU, /* it is right but for the kernels of one cell */
    MUTE    /* it is right, but there is another device before it that does not answer */
} fault;

static clr_driver driver;
static struct _cl_platform_id platform = {&driver};
static struct _cl_device_id gpu = {&driver}, mute = {&driver};
static clr_lock compiler = CLR_LOCK_INIT; /* of the test while the compiler hangs */

const clr_driver *clr_opencl(const char **reason)
{
    if (reason)
        *reason = "OpenCL is a test's";
    return &driver;
}

const clr_driver *clr_cl(const void *object)
{
    const clr_driver *first = NULL;
    if (object)
        memcpy(&first, object, sizeof first);
    return first;
}

/* Whether its kernels are native's, most of which are right. */
static bool is_native(void)
{
    return fault == NO_GRU || fault == MUTE;
}

static cl_int CL_API_CALL get_platforms(cl_uint room, cl_platform_id *ids, cl_uint *count)
{
    if (ids && room && fault != GONE_PLATFORM)
        ids[0] = &platform;
    if (count)
        *count = fault == MANY_PLATFORMS ? UINT32_MAX : fault != NO_PLATFORM;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_devices(cl_platform_id of, cl_device_type type, cl_uint room,
                                      cl_device_id *ids, cl_uint *count)
{
    (void)of, (void)type;
    if (fault == NO_DEVICE)
        return CL_DEVICE_NOT_FOUND;
    if (fault == NOT_LISTED)
        return CL_OUT_OF_RESOURCES;
    const cl_uint before = fault == MUTE;
    if (ids && before)
        ids[0] = &mute;
    if (ids && room > before && fault != GONE_DEVICE)
        ids[before] = &gpu;
    if (count)
        *count = fault == MANY_DEVICES ? UINT32_MAX : before + 1;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_device_info(cl_device_id device, cl_device_info what, size_t room,
                                          void *value, size_t *size)
{
    static const char name[] = "a \"GPU\"\nof \xff tests \\";
    static const char line[] = "\r 1\t2\x1b\xc3 \x7f\n";
    const cl_device_type type = CL_DEVICE_TYPE_GPU;
    const cl_bool no = CL_FALSE;
    if (device == &mute && what == CL_DEVICE_MAX_COMPUTE_UNITS)
        return CL_OUT_OF_RESOURCES;
    if (what == CL_DEVICE_NAME && fault == ENDLESS_NAME) {
        *size = SIZE_MAX;
        return CL_SUCCESS;
    }
    if (what == CL_DEVICE_VERSION || what == CL_DRIVER_VERSION || what == CL_DEVICE_VENDOR)
        return clr_native_answer(line, sizeof line, room, value, size);
    if (what == CL_DEVICE_NAME && fault == NAMELESS)
        return clr_native_answer("", 1, room, value, size);
    if (what == CL_DEVICE_NAME)
        return clr_native_answer(name, sizeof name, room, value, size);
    if (what == CL_DEVICE_TYPE)
        return clr_native_answer(&type, sizeof type, room, value, size);
    if (what == CL_DEVICE_COMPILER_AVAILABLE && (fault == NO_COMPILER || fault == NAMELESS))
        return clr_native_answer(&no, sizeof no, room, value, size);
    return clr_native_table.clGetDeviceInfo(device, what, room, value, size);
}

static cl_context CL_API_CALL create_context(
    const cl_context_properties *properties, cl_uint devices, const cl_device_id *device,
    void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *code)
{
    if (fault == NOT_OPENED) {
        *code = CL_DEVICE_NOT_AVAILABLE;
        return NULL;
    }
    cl_context made =
        clr_native_table.clCreateContext(properties, devices, device, notify, user, code);
    if (made)
        made->driver = &driver;
    return made;
}

static cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id device,
                                                 cl_command_queue_properties properties,
                                                 cl_int *code)
{
    cl_command_queue made =
        clr_native_table.clCreateCommandQueue(context, device, properties, code);
    if (made && !is_native()) /* then its programs are those that native has compiled */
        made->driver = &driver;
    return made;
}

static cl_program CL_API_CALL create_program(cl_context context, cl_uint count,
                                             const char **strings, const size_t *lengths,
                                             cl_int *code)
{
    cl_program made =
        clr_native_table.clCreateProgramWithSource(context, count, strings, lengths, code);
    if (made && !is_native())
        made->driver = &driver;
    return made;
}

/* What is compiled has the right kernels, whatever its options. */
static cl_int CL_API_CALL build_program(cl_program program, cl_uint devices,
                                        const cl_device_id *device, const char *options,
                                        void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    const clr_native_level *level = clr_native_used();
    (void)devices, (void)device, (void)options, (void)notify, (void)user;
    if (fault == HANGS) {
        clr_lock_take(&compiler);
        clr_lock_give(&compiler);
    }
    if (fault == NOT_BUILT) {
        snprintf(program->log, sizeof program->log, "line 7: too many gates");
        return CL_BUILD_PROGRAM_FAILURE;
    }
    for (uint32_t i = 0; i < level->count && !program->program; i++)
        if (strcmp(level->programs[i].sources, program->sources) == 0)
            program->program = &level->programs[i];
    return program->program ? CL_SUCCESS : CL_BUILD_PROGRAM_FAILURE;
}

static cl_kernel CL_API_CALL create_kernel(cl_program program, const char *name, cl_int *code)
{
    cl_kernel made = clr_native_table.clCreateKernel(program, name, code);
    if (made)
        made->driver = &driver;
    return made;
}

/* Kernels that do nothing. */
static cl_int CL_API_CALL do_nothing(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint waits, const cl_event *wait,
                                     cl_event *event)
{
    (void)queue, (void)kernel, (void)dimensions, (void)offset, (void)global, (void)local;
    return clr_native_done(waits, wait, event);
}

static void fill_driver(void)
{
    driver = clr_native_table;
    driver.clGetPlatformIDs = get_platforms;
    driver.clGetDeviceIDs = get_devices;
    driver.clGetDeviceInfo = get_device_info;
    driver.clCreateContext = create_context;
    driver.clCreateCommandQueue = create_queue;
    driver.clCreateProgramWithSource = create_program;
    driver.clBuildProgram = build_program;
    driver.clCreateKernel = create_kernel;
    driver.clEnqueueNDRangeKernel = do_nothing;
}

/* --- native with kernels that are wrong ------------------------------------------------------- */

static const char *wrong_kernels; /* those whose names begin so do nothing */
static __typeof__(clr_native_table.clEnqueueNDRangeKernel) right_launch;

static cl_int CL_API_CALL launch_some(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                      const size_t *offset, const size_t *global,
                                      const size_t *local, cl_uint waits, const cl_event *wait,
                                      cl_event *event)
{
    bool wrong =
        wrong_kernels && strncmp(kernel->kernel->name, wrong_kernels, strlen(wrong_kernels)) == 0;
    if (fault == NO_GRU && queue->context->driver == &driver)
        wrong = strstr(kernel->program->sources, "gru.cl") != NULL;
    return (wrong ? do_nothing : right_launch)(queue, kernel, dimensions, offset, global, local,
                                               waits, wait, event);
}

static void break_native(const char *kernels)
{
    wrong_kernels = kernels;
    clr_native_table.clEnqueueNDRangeKernel = launch_some;
}

/* --- what is said ----------------------------------------------------------------------------- */

static char said[1 << 15];

static void remember(void *user, clrnn_log_level level, const char *text)
{
    (void)user;
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "[%d] %s\n", (int)level, text);
    test_log.message(test_log.user, level, text);
}

static clrnn_status open_auto(uint32_t timeout_ms, clrnn_report **report, clrnn_context **context)
{
    const clrnn_context_desc desc = {.device = "auto",
                                     .log = {CLRNN_LOG_DEBUG, remember, NULL},
                                     .cache_dir = "",
                                     .timeout_ms = timeout_ms,
                                     .report = report};
    said[0] = 0;
    return clrnn_context_create(&desc, context);
}

static const clrnn_report_entry *find(const clrnn_report *report, clrnn_report_kind kind,
                                      clrnn_report_outcome outcome)
{
    const clrnn_report_entry *e;
    for (size_t i = 0; (e = clrnn_report_at(report, i)) != NULL; i++)
        if (e->kind == kind && e->outcome == outcome)
            return e;
    return NULL;
}

static void assert_right(clrnn_context *context)
{
    static const char *const problems[] = {"cell=lstm,T=9,N=3,I=5,H=33,mode=train",
                                           "cell=gru,T=7,N=1,I=3,H=40"};
    for (size_t i = 0; i < COUNT(problems); i++) {
        clrnn_problem problem;
        clrnn_check check;
        assert_int_equal(clrnn_problem_parse(problems[i], &test_log, &problem), CLRNN_OK);
        assert_int_equal(clrnn_problem_check(context, &problem, 1, &check), CLRNN_OK);
        assert_true(check.passed);
    }
}

/* Native serves, and the report says what is wrong with the other. */
static void passed_over(clrnn_report_kind kind, clrnn_report_outcome outcome, const char *why,
                        uint32_t timeout_ms)
{
    clrnn_context *context = NULL;
    clrnn_report *report = NULL, *first = NULL;
    if (open_auto(timeout_ms, &first, &context) != CLRNN_OK)
        fail_msg("no context: %s", test_last_error);
    assert_string_equal(clrnn_context_device(context)->platform, "native");
    assert_right(context);
    assert_int_equal(clrnn_context_report(context, &report), CLRNN_OK);
    const clrnn_report_entry *e = find(report, kind, outcome);
    if (!e || !strstr(e->reason, why))
        fail_msg("\"%s\" is not \"%s\" because \"%s\"", e ? e->name : "nothing",
                 clrnn_report_outcome_words(outcome), why);
    assert_non_null(find(first, kind, outcome));
    assert_null(find(first, CLRNN_REPORT_STRATEGY, CLRNN_REPORT_PASSED)); /* that came later */
    if (fault == ENDLESS_NAME || fault == NAMELESS) {
        assert_string_equal(e->name, "unnamed");
    } else if (kind == CLRNN_REPORT_DEVICE) {
        assert_string_equal(e->name, "a \"GPU\" of ? tests \\");
        assert_string_equal(e->device->driver, "1 2 ?");
        assert_string_equal(e->device->version, "1 2 ?");
        assert_string_equal(e->device->vendor, "1 2 ?");
        assert_non_null(strstr(said, outcome == CLRNN_REPORT_UNUSABLE ? "" : "is not used"));
    }
    e = find(report, CLRNN_REPORT_DEVICE, CLRNN_REPORT_CHOSEN);
    assert_true(e && strcmp(e->device->platform, "native") == 0);
    assert_non_null(
        strstr(e->reason, kind == CLRNN_REPORT_DEVICE && outcome != CLRNN_REPORT_UNUSABLE
                              ? "those that go before it cannot be used"
                              : "used when there is no GPU"));
    assert_non_null(find(report, CLRNN_REPORT_STRATEGY, CLRNN_REPORT_PASSED));
    assert_null(strstr(said, "[1]")); /* nothing that the application asked for has failed */
    clrnn_context_destroy(&context);
    clrnn_report_destroy(&report);
    clrnn_report_destroy(&first);
}

static void drivers(void **state)
{
    static const struct {
        int fault;
        clrnn_report_kind kind;
        clrnn_report_outcome outcome;
        const char *why;
    } all[] = {{NO_DEVICE, CLRNN_REPORT_PLATFORM, CLRNN_REPORT_EMPTY, "platform 1"},
               {MANY_PLATFORMS, CLRNN_REPORT_PLATFORM, CLRNN_REPORT_FAILED, "4294967295 platforms"},
               {GONE_PLATFORM, CLRNN_REPORT_PLATFORM, CLRNN_REPORT_PRESENT, "platform 0"},
               {MANY_DEVICES, CLRNN_REPORT_PLATFORM, CLRNN_REPORT_FAILED, "4294967295 devices"},
               {GONE_DEVICE, CLRNN_REPORT_PLATFORM, CLRNN_REPORT_EMPTY, "platform 1"},
               {ENDLESS_NAME, CLRNN_REPORT_DEVICE, CLRNN_REPORT_UNUSABLE, "a text of"},
               {NAMELESS, CLRNN_REPORT_DEVICE, CLRNN_REPORT_UNUSABLE, "no compiler"},
               {NOT_LISTED, CLRNN_REPORT_PLATFORM, CLRNN_REPORT_FAILED, "CL_OUT_OF_RESOURCES"},
               {NOT_OPENED, CLRNN_REPORT_DEVICE, CLRNN_REPORT_FAILED, "CL_DEVICE_NOT_AVAILABLE"},
               {NO_COMPILER, CLRNN_REPORT_DEVICE, CLRNN_REPORT_UNUSABLE, "no compiler"},
               {NOT_BUILT, CLRNN_REPORT_DEVICE, CLRNN_REPORT_NOT_BUILT, "line 7: too many gates"},
               {WRONG, CLRNN_REPORT_DEVICE, CLRNN_REPORT_WRONG, "is off by"}};
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        fault = all[i].fault;
        passed_over(all[i].kind, all[i].outcome, all[i].why, 0);
        assert_int_equal(clr_live_objects(), 0);
    }
}

/* A device that does not answer is named, and does not take the others of its driver with it. */
static void mute_device(void **state)
{
    clrnn_context *context = NULL;
    clrnn_report *report = NULL;
    (void)state;
    fault = MUTE;
    break_native(NULL);
    assert_int_equal(open_auto(0, &report, &context), CLRNN_OK);
    assert_int_equal(clrnn_context_device(context)->type, CL_DEVICE_TYPE_GPU);
    assert_int_equal(clrnn_context_device(context)->device_index, 1);
    assert_right(context);
    const clrnn_report_entry *e = find(report, CLRNN_REPORT_DEVICE, CLRNN_REPORT_UNUSABLE);
    assert_true(e && e->device->device_index == 0);
    assert_string_equal(e->name, "a \"GPU\" of ? tests \\");
    assert_non_null(strstr(e->reason, "never chosen: clGetDeviceInfo failed: CL_OUT_OF_RESOURCES"));
    clrnn_report_destroy(&report);
    clrnn_context_destroy(&context);
    assert_int_equal(clr_live_objects(), 0);
}

/* What `auto` would not take, but the caller does: why not is no reason then. */
static void asked_for(void **state)
{
    clrnn_context *context = NULL;
    clrnn_report *report = NULL;
    (void)state;
    fault = NO_GRU;
    break_native(NULL);
    const clrnn_context_desc desc = {
        .device = "0:0", .log = test_log, .cache_dir = "", .report = &report};
    assert_int_equal(clrnn_context_create(&desc, &context), CLRNN_OK);
    const clrnn_report_entry *e = find(report, CLRNN_REPORT_DEVICE, CLRNN_REPORT_CHOSEN);
    assert_true(e && strcmp(e->device->platform, "native") == 0);
    assert_string_equal(e->reason, "the selector asks for it");
    assert_non_null(strstr(e->device->reason, "not chosen: GPUs go before CPUs")); /* by auto */
    clrnn_report_destroy(&report);
    clrnn_context_destroy(&context);
}

/* Its compiler comes back only when the application has long gone on, and then nothing is left. */
static void compiler_hangs(void **state)
{
    const long before = clr_live_objects(); /* of a test that has failed */
    (void)state;
    fault = HANGS;
    clr_lock_take(&compiler);
    passed_over(CLRNN_REPORT_DEVICE, CLRNN_REPORT_TOO_SLOW, "no answer within 100 ms", 100);
    assert_true(clr_live_objects() > before);
    clr_lock_give(&compiler);
    while (clr_live_objects() > before)
        clr_yield();
}

static void none_is_right(void **state)
{
    clrnn_context *context = NULL;
    clrnn_report *report = NULL;
    (void)state;
    fault = WRONG;
    break_native("");
    assert_int_equal(open_auto(0, &report, &context), CLRNN_ERR_SELF_TEST);
    break_native(NULL);
    assert_null(context);
    assert_error_contains("of 2 devices that match none can be used: native");
    assert_non_null(find(report, CLRNN_REPORT_DEVICE, CLRNN_REPORT_WRONG));
    assert_null(find(report, CLRNN_REPORT_DEVICE, CLRNN_REPORT_CHOSEN));
    clrnn_report_destroy(&report);
}

/* Of native one strategy after the other: the next one serves. */
static void wrong_native(void **state)
{
    clrnn_context *context = NULL;
    clrnn_report *report = NULL;
    (void)state;
    fault = NO_PLATFORM;
    break_native("persistent");
    assert_int_equal(open_auto(0, NULL, &context), CLRNN_OK);
    assert_right(context);
    assert_int_equal(clrnn_context_report(context, &report), CLRNN_OK);
    break_native(NULL);
    const clrnn_report_entry *e = find(report, CLRNN_REPORT_STRATEGY, CLRNN_REPORT_WRONG);
    assert_true(e && strcmp(e->name, "persistent") == 0 && strstr(e->problem, "cell="));
    assert_true(strstr(e->reason, "is off by") && e->forward_error > e->forward_bound);
    assert_non_null(strstr(said, "strategy persistent is not used: it computes wrong results"));
    clrnn_report_destroy(&report);
    clrnn_context_destroy(&context);
}

/* --- a device that fails after it was chosen --- */

static clrnn_status make_gru(clrnn_context *context)
{
    const clrnn_plan_desc desc = {
        .network = {.cell = CLRNN_CELL_GRU, .input_size = 3, .hidden_size = 5},
        .max_steps = 2,
        .max_batch = 2};
    clrnn_plan *plan = NULL;
    clrnn_status status = clrnn_plan_create(context, &desc, &plan);
    clrnn_plan_destroy(&plan);
    return status;
}

static clrnn_context *open_gpu(void)
{
    clrnn_context *context = NULL;
    fault = NO_GRU;
    break_native(NULL);
    assert_int_equal(open_auto(0, NULL, &context), CLRNN_OK);
    assert_int_equal(clrnn_context_device(context)->type, CL_DEVICE_TYPE_GPU);
    return context;
}

static void assert_moved(clrnn_context *context)
{
    clrnn_report *report = NULL;
    assert_string_equal(clrnn_context_device(context)->platform, "native");
    assert_right(context);
    assert_int_equal(clrnn_context_report(context, &report), CLRNN_OK);
    const clrnn_report_entry *e = find(report, CLRNN_REPORT_DEVICE, CLRNN_REPORT_WRONG);
    assert_true(e && strcmp(e->name, "a \"GPU\" of ? tests \\") == 0);
    e = find(report, CLRNN_REPORT_DEVICE, CLRNN_REPORT_CHOSEN);
    assert_true(e && strcmp(e->device->platform, "native") == 0);
    assert_string_equal(e->reason, "those that go before it cannot be used");
    e = find(report, CLRNN_REPORT_STRATEGY, CLRNN_REPORT_WRONG);
    assert_true(e && strstr(e->problem, "cell=gru"));
    clrnn_report_destroy(&report);
}

/* What the application makes first is made on native. */
static void first_plan(void **state)
{
    clrnn_context *context = open_gpu();
    (void)state;
    assert_int_equal(make_gru(context), CLRNN_OK);
    assert_moved(context);
    assert_null(strstr(said, "[1]"));
    clrnn_context_destroy(&context);
    assert_int_equal(clr_live_objects(), 0);
}

static void first_model(void **state)
{
    clrnn_context *context = open_gpu();
    clrnn_model *model = NULL;
    const clrnn_model_desc desc = {
        .network = {.cell = CLRNN_CELL_GRU, .input_size = 3, .hidden_size = 5}};
    (void)state;
    assert_int_equal(clrnn_model_create(context, &desc, 1, &model), CLRNN_OK);
    assert_moved(context);
    clrnn_model_destroy(&model);
    clrnn_context_destroy(&context);
    assert_int_equal(clr_live_objects(), 0);
}

/* Once something stands on the device, or is known outside, it stays, and the plan is refused. */
static void too_late(void **state)
{
    (void)state;
    for (int what = 0; what < 4; what++) {
        clrnn_context *context = open_gpu();
        cl_mem buffer = NULL;
        if (what == 0)
            assert_int_equal(clrnn_buffer_create(context, 8, &buffer), CLRNN_OK);
        if (what == 1)
            assert_non_null(clrnn_context_cl(context));
        if (what == 2)
            assert_non_null(clrnn_context_queue(context));
        if (what == 3) {
            const clrnn_plan_desc lstm = {
                .network = {.input_size = 3, .hidden_size = 5}, .max_steps = 2, .max_batch = 2};
            clrnn_plan *plan = NULL;
            assert_int_equal(clrnn_plan_create(context, &lstm, &plan), CLRNN_OK);
            clrnn_plan_destroy(&plan);
        }
        assert_int_equal(make_gru(context), CLRNN_ERR_SELF_TEST);
        assert_error_contains("wrong results; use another device");
        assert_int_equal(clrnn_context_device(context)->type, CL_DEVICE_TYPE_GPU);
        clrnn_buffer_destroy(&buffer);
        clrnn_context_destroy(&context);
        assert_int_equal(clr_live_objects(), 0);
    }
}

/* --- forms ------------------------------------------------------------------------------------ */

static clrnn_report *report_of_all(void)
{
    clrnn_report *report = NULL;
    clrnn_context *context = NULL;
    fault = WRONG;
    assert_int_equal(open_auto(0, NULL, &context), CLRNN_OK);
    assert_right(context);
    assert_int_equal(clrnn_context_report(context, &report), CLRNN_OK);
    clrnn_context_destroy(&context);
    return report;
}

static void json_form(void **state)
{
    clrnn_report *report = report_of_all();
    (void)state;
    const int length = clrnn_report_format(report, CLRNN_REPORT_JSON, NULL, 0);
    char *text = malloc((size_t)length + 1);
    assert_non_null(text);
    assert_int_equal(clrnn_report_format(report, CLRNN_REPORT_JSON, text, (size_t)length + 1),
                     length);
    assert_int_equal(strlen(text), length);
    cJSON *json = cJSON_Parse(text), *list = cJSON_GetObjectItem(json, "entries");
    assert_int_equal(cJSON_GetObjectItem(json, "report")->valueint, CLRNN_REPORT_VERSION);
    assert_int_equal(cJSON_GetArraySize(list), clrnn_report_count(report));
    for (int i = 0; i < cJSON_GetArraySize(list); i++) {
        const cJSON *o = cJSON_GetArrayItem(list, i);
        const clrnn_report_entry *e = clrnn_report_at(report, (size_t)i);
        assert_string_equal(cJSON_GetObjectItem(o, "kind")->valuestring,
                            clrnn_report_kind_word(e->kind));
        assert_string_equal(cJSON_GetObjectItem(o, "name")->valuestring, e->name);
        assert_string_equal(cJSON_GetObjectItem(o, "reason")->valuestring, e->reason);
        assert_int_equal(cJSON_GetObjectItem(o, "driver") != NULL, e->device != NULL);
    }
    assert_null(clrnn_report_at(report, clrnn_report_count(report)));
    cJSON_Delete(json);
    for (int room = 0; room < length; room += 37) { /* cut, never beyond */
        memset(text, 'x', (size_t)length + 1);
        assert_int_equal(clrnn_report_format(report, CLRNN_REPORT_JSON, text, (size_t)room),
                         length);
        assert_int_equal(text[room], 'x');
        assert_true(room == 0 || strlen(text) == (size_t)room - 1);
    }
    free(text);
    clrnn_report_destroy(&report);
}

static void text_form(void **state)
{
    clrnn_report *report = report_of_all();
    char text[8192];
    size_t lines = 0;
    (void)state;
    assert_true(clrnn_report_format(report, CLRNN_REPORT_TEXT, text, sizeof text) > 0);
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, clrnn_report_count(report));
    assert_non_null(strstr(text, "device    wrong      a \"GPU\" of ? tests \\ ("));
    assert_non_null(strstr(text, "device    chosen     native"));
    assert_int_equal(clrnn_report_format(report, (clrnn_report_form)7, text, sizeof text), -1);
    clrnn_report_destroy(&report);
}

/* Without memory for a report there is none, and what is reported on works all the same. */
static void no_memory(void **state)
{
    clrnn_context *context = NULL;
    clrnn_status status = CLRNN_ERR_MEMORY;
    (void)state;
    fault = WRONG;
    assert_int_equal(open_auto(0, NULL, &context), CLRNN_OK);
    for (long k = 1; status != CLRNN_OK; k++) {
        clrnn_report *report = NULL;
        clr_fault_inject(CLR_FAULT_MEMORY, k);
        status = clrnn_context_report(context, &report);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        assert_true(status == CLRNN_OK || status == CLRNN_ERR_MEMORY);
        assert_int_equal(report != NULL, status == CLRNN_OK);
        clrnn_report_destroy(&report);
    }
    clrnn_context_destroy(&context);
    status = CLRNN_ERR_MEMORY;
    for (long k = -1; k > -60; k--) { /* each allocation of opening */
        clrnn_report *report = NULL;
        clr_fault_inject(CLR_FAULT_MEMORY, k);
        status = open_auto(0, &report, &context);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        assert_int_equal(context != NULL, status == CLRNN_OK);
        clrnn_report_destroy(&report);
        clrnn_context_destroy(&context);
        if (clr_live_objects() != 0)
            fail_msg("%ld objects are left after failure %ld", clr_live_objects(), -k);
    }
}

static void words(void **state)
{
    (void)state;
    assert_string_equal(clrnn_report_kind_word(CLRNN_REPORT_PRODUCTS), "products");
    assert_string_equal(clrnn_report_outcome_words(CLRNN_REPORT_TOO_SLOW), "too slow");
    assert_string_equal(clrnn_report_kind_word((clrnn_report_kind)99), "unknown");
    assert_string_equal(clrnn_report_outcome_words((clrnn_report_outcome)99), "unknown");
}

static int begin(void **state)
{
    (void)state;
    if (!clr_native_driver() || !clr_native_used()) {
        printf("%s: skipped\n", clr_native_text());
        exit(77);
    }
    setenv("CLRNN_OPENCL", "a test's", 1); /* so that OpenCL is asked where /dev has no GPU */
    setenv("CLRNN_CLBLAST", "off", 1);
    right_launch = clr_native_table.clEnqueueNDRangeKernel;
    fill_driver();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drivers),       cmocka_unit_test(compiler_hangs),
        cmocka_unit_test(mute_device),   cmocka_unit_test(asked_for),
        cmocka_unit_test(none_is_right), cmocka_unit_test(wrong_native),
        cmocka_unit_test(first_plan),    cmocka_unit_test(first_model),
        cmocka_unit_test(too_late),      cmocka_unit_test(json_form),
        cmocka_unit_test(text_form),     cmocka_unit_test(no_memory),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests_name("drivers", tests, begin, NULL);
}
