/* SPDX-License-Identifier: MIT
 * devices.c - `clrnn devices`: what there is to run on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define COLUMNS 9

/* Text of one device, column by column. */
typedef struct row {
    char text[COLUMNS][128];
} row;

static const char *const titles[COLUMNS] = {"DEVICE", "NAME",  "TYPE",      "PLATFORM", "DRIVER",
                                            "MEMORY", "UNITS", "PRECISION", "UNIFIED"};

static const char *type_name(cl_device_type type)
{
    if (type & CL_DEVICE_TYPE_GPU)
        return "gpu";
    if (type & CL_DEVICE_TYPE_CPU)
        return "cpu";
    return type & CL_DEVICE_TYPE_ACCELERATOR ? "accelerator" : "other";
}

static row make_row(const clrnn_device_info *info)
{
    row out;
    char number[32];
    const size_t size = sizeof out.text[0];
    snprintf(out.text[0], size, "%u:%u%s", info->platform_index, info->device_index,
             info->is_auto ? " *" : "");
    snprintf(out.text[1], size, "%s", info->name);
    snprintf(out.text[2], size, "%s", type_name(info->type));
    snprintf(out.text[3], size, "%s", info->platform);
    snprintf(out.text[4], size, "%s", info->driver);
    snprintf(out.text[5], size, "%s", tool_bytes(info->global_memory, number));
    snprintf(out.text[6], size, "%u", info->compute_units);
    snprintf(out.text[7], size, "%s", info->fp64 ? "f32 f64" : "f32");
    snprintf(out.text[8], size, "%s", info->unified_memory ? "yes" : "no");
    return out;
}

static void print_row(const row *r, const size_t width[COLUMNS])
{
    for (int c = 0; c < COLUMNS - 1; c++)
        printf("%-*s  ", (int)width[c], r->text[c]);
    puts(r->text[COLUMNS - 1]);
}

static void print_table(const clrnn_device_info *devices, size_t count)
{
    size_t width[COLUMNS];
    row head;
    for (int c = 0; c < COLUMNS; c++) {
        snprintf(head.text[c], sizeof head.text[c], "%s", titles[c]);
        width[c] = strlen(titles[c]);
        for (size_t i = 0; i < count; i++) {
            row r = make_row(&devices[i]);
            size_t length = strlen(r.text[c]);
            width[c] = length > width[c] ? length : width[c];
        }
    }
    print_row(&head, width);
    for (size_t i = 0; i < count; i++) {
        row r = make_row(&devices[i]);
        print_row(&r, width);
    }
    printf("\nWhat `auto` takes (*):\n");
    for (size_t i = 0; i < count; i++)
        printf("  %u:%u  %s%s\n", devices[i].platform_index, devices[i].device_index,
               devices[i].is_auto ? "taken: " : "", devices[i].reason);
}

cJSON *tool_device_object(const clrnn_device_info *info)
{
    char selector[32];
    cJSON *object = cJSON_CreateObject();
    snprintf(selector, sizeof selector, "%u:%u", info->platform_index, info->device_index);
    cJSON_AddStringToObject(object, "device", selector);
    cJSON_AddStringToObject(object, "name", info->name);
    cJSON_AddStringToObject(object, "vendor", info->vendor);
    cJSON_AddStringToObject(object, "platform", info->platform);
    cJSON_AddStringToObject(object, "type", type_name(info->type));
    cJSON_AddStringToObject(object, "version", info->version);
    cJSON_AddStringToObject(object, "driver", info->driver);
    cJSON_AddNumberToObject(object, "global_memory_bytes", (double)info->global_memory);
    cJSON_AddNumberToObject(object, "max_allocation_bytes", (double)info->max_allocation);
    cJSON_AddNumberToObject(object, "local_memory_bytes", (double)info->local_memory);
    cJSON_AddNumberToObject(object, "compute_units", info->compute_units);
    cJSON_AddNumberToObject(object, "clock_mhz", info->clock_mhz);
    cJSON_AddNumberToObject(object, "max_work_group", (double)info->max_work_group);
    cJSON *precisions = cJSON_AddArrayToObject(object, "precisions");
    cJSON_AddItemToArray(precisions, cJSON_CreateString("f32"));
    if (info->fp64)
        cJSON_AddItemToArray(precisions, cJSON_CreateString("f64"));
    cJSON_AddBoolToObject(object, "fp16", info->fp16);
    cJSON_AddBoolToObject(object, "rounded_division", info->rounded_division);
    cJSON_AddBoolToObject(object, "device_fence", info->device_fence);
    cJSON_AddBoolToObject(object, "unified_memory", info->unified_memory);
    cJSON_AddNumberToObject(object, "vector_width", info->vector_width);
    cJSON_AddBoolToObject(object, "available", info->available);
    cJSON_AddBoolToObject(object, "has_compiler", info->has_compiler);
    cJSON_AddBoolToObject(object, "auto", info->is_auto);
    cJSON_AddStringToObject(object, "reason", info->reason);
    return object;
}

/* What is missing, on stdout: why there are no native kernels, no OpenCL, or a driver's devices. */
static void print_missing(const clrnn_report *report)
{
    const clrnn_report_entry *e;
    bool begun = false;
    for (size_t i = 0; (e = clrnn_report_at(report, i)) != NULL; i++) {
        if (e->kind == CLRNN_REPORT_DEVICE || e->outcome == CLRNN_REPORT_PRESENT)
            continue;
        printf("%s  %s %s%s%s: %s\n", begun ? "" : "\nWhat is not there:\n",
               clrnn_report_kind_word(e->kind), clrnn_report_outcome_words(e->outcome),
               e->name[0] ? ", " : "", e->name, e->reason);
        begun = true;
    }
}

/* The same as JSON, whatever its outcome. */
static void add_found(cJSON *object, const clrnn_report *report)
{
    cJSON *list = cJSON_AddArrayToObject(object, "found");
    const clrnn_report_entry *e;
    for (size_t i = 0; (e = clrnn_report_at(report, i)) != NULL; i++) {
        if (e->kind == CLRNN_REPORT_DEVICE)
            continue;
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "kind", clrnn_report_kind_word(e->kind));
        cJSON_AddStringToObject(entry, "outcome", clrnn_report_outcome_words(e->outcome));
        cJSON_AddStringToObject(entry, "name", e->name);
        cJSON_AddStringToObject(entry, "reason", e->reason);
        cJSON_AddItemToArray(list, entry);
    }
}

/* report: NULL if only the devices are asked for. */
static int print_devices(const clrnn_device_info *devices, size_t count, const clrnn_report *report,
                         bool json)
{
    if (!json) {
        if (count)
            print_table(devices, count);
        print_missing(report);
        return TOOL_OK;
    }
    cJSON *object = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(object, "devices");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, tool_device_object(&devices[i]));
    if (report)
        add_found(object, report);
    return tool_print_json(object, false);
}

/* That CLRNN_DEVICE, which decides for every other command, is a device's, if it is set. */
static int check_variable(void)
{
    const char *selector = getenv("CLRNN_DEVICE");
    clrnn_context *context = NULL;
    int code = selector && *selector ? tool_open(NULL, &context) : TOOL_OK;
    clrnn_context_destroy(&context);
    return code;
}

static int list_all(bool json)
{
    clrnn_device_info *devices;
    size_t count;
    clrnn_status status = clrnn_devices_list(tool_log(), &devices, &count);
    if (status)
        return tool_failed(status);
    clrnn_report *report = NULL;
    int code = clrnn_devices_report(NULL, &report) == CLRNN_OK
                   ? print_devices(devices, count, report, json)
                   : tool_no_memory();
    clrnn_report_destroy(&report);
    clrnn_devices_free(&devices);
    if (count == 0)
        return tool_no_device();
    return code ? code : check_variable();
}

/* The one device that a selector opens. */
static int list_one(const char *selector, bool json)
{
    clrnn_context *context;
    int code = tool_open(selector, &context);
    if (code)
        return code;
    code = print_devices(clrnn_context_device(context), 1, NULL, json);
    clrnn_context_destroy(&context);
    return code;
}

static int run(int argc, char **argv)
{
    bool json = false;
    const char *selector = NULL;
    tool_option options[] = {
        tool_flag("json", &json, "print JSON: {\"devices\": [...], \"found\": [...]}"),
        tool_device(&selector),
        {0}};
    options[1].help = "show only the device that SEL takes";
    int code = tool_parse(&tool_devices, argc, argv, options, NULL);
    if (code != TOOL_CONTINUE)
        return code;
    return selector ? list_one(selector, json) : list_all(json);
}

const tool_command tool_devices = {
    "devices", "[--json] [--device SEL]",
    "list the devices, which one `auto` takes, and what is missing",
    "Exit: 0, or 3 if there is no device, or none that CLRNN_DEVICE names.\n", run};
