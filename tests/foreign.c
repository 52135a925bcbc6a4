/* SPDX-License-Identifier: MIT
 * tests/foreign.c - see tests/foreign.h. */
#include "foreign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <clrnn/problem.h>

#include "base/file.h"
#include "support.h"

static const cJSON *member(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (!item)
        fail_msg("\"%s\" is missing", key);
    return item;
}

static double *foreign_array(const cJSON *json, const char *key, size_t count)
{
    if (!cJSON_HasObjectItem(json, key))
        return NULL;
    const cJSON *array = member(json, key), *item = NULL;
    double *numbers = calloc(count ? count : 1, sizeof *numbers), *to = numbers;
    assert_non_null(numbers);
    assert_int_equal(cJSON_GetArraySize(array), count);
    cJSON_ArrayForEach(item, array) *to++ = item->valuedouble;
    return numbers;
}

static test_foreign foreign_case(const cJSON *json)
{
    test_foreign f = {.name = ""};
    clrnn_problem p;
    snprintf(f.name, sizeof f.name, "%s", cJSON_GetStringValue(member(json, "name")));
    if (clrnn_problem_parse(cJSON_GetStringValue(member(json, "problem")), &test_log, &p) !=
        CLRNN_OK)
        fail_msg("%s: %s", f.name, test_last_error);
    f.in = (test_inputs){.desc = p.network, .steps = p.steps, .batch = p.batch};
    test_sizes s = test_sizes_of(&f.in);
    const size_t cells = (size_t)p.steps * p.batch;
    f.in.repeat = p.mask == 2;
    f.in.x = foreign_array(json, "x", s.x);
    f.in.weights = foreign_array(json, "weights", s.weights);
    f.in.h0 = foreign_array(json, "h0", s.h);
    f.in.c0 = foreign_array(json, "c0", s.c);
    f.expected.y = foreign_array(json, "y", s.y);
    f.expected.hn = foreign_array(json, "hn", s.h);
    f.expected.cn = foreign_array(json, "cn", s.c);
    double *mask = foreign_array(json, "mask", cells);
    double *lengths = foreign_array(json, "lengths", p.batch);
    f.in.mask = mask ? calloc(cells, 1) : NULL;
    f.in.lengths = lengths ? calloc(p.batch, sizeof *f.in.lengths) : NULL;
    for (size_t i = 0; i < cells && mask; i++)
        f.in.mask[i] = mask[i] != 0;
    for (size_t n = 0; n < p.batch && lengths; n++)
        f.in.lengths[n] = (uint32_t)lengths[n];
    free(mask);
    free(lengths);
    return f;
}

test_foreign *test_foreign_load(const char *file, size_t *count)
{
    char path[128];
    void *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "options/%s", file);
    assert_int_equal(clr_file_read(test_data(path), &test_log, &text, &size), CLRNN_OK);
    cJSON *json = cJSON_ParseWithLength(text, size);
    const cJSON *item = NULL, *list = member(json, "cases");
    test_foreign *cases = calloc((size_t)cJSON_GetArraySize(list), sizeof *cases);
    assert_non_null(cases);
    *count = 0;
    cJSON_ArrayForEach(item, list) cases[(*count)++] = foreign_case(item);
    cJSON_Delete(json);
    free(text);
    return cases;
}

void test_foreign_free(test_foreign *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        test_inputs_free(&cases[i].in);
        test_outputs_free(&cases[i].expected);
    }
    free(cases);
}
