/* SPDX-License-Identifier: MIT
 * model/json.c - see model/json.h. */
#include "model/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/os.h"

bool clr_json_clean(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' && c != '\t' && c != '\n' && c != '\r')
            return false;
        if (c != '\\')
            continue;
        if (size - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
            return false;
        i++; /* the escaped character, which may be another backslash */
    }
    return clr_utf8_valid(text, size);
}

cJSON *clr_json_parse(const char *text, size_t size)
{
    if (!clr_json_clean(text, size))
        return NULL;
    void *locale = clr_point_begin(); /* cJSON reads what strtod does */
    cJSON *root = cJSON_ParseWithLength(text, size);
    clr_point_end(locale);
    return root;
}

bool clr_json_integer(const cJSON *item, uint64_t most, uint64_t *value)
{
    /* cJSON keeps a double; what it cannot hold exactly is beyond any limit used here. */
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= (double)most))
        return false;
    *value = (uint64_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

clr_shown clr_json_show(const cJSON *item)
{
    clr_shown shown = {"an array or object"};
    if (!item)
        snprintf(shown.text, sizeof shown.text, "missing");
    else if (cJSON_IsNumber(item))
        snprintf(shown.text, sizeof shown.text, "%.17g", item->valuedouble);
    else if (cJSON_IsString(item))
        snprintf(shown.text, sizeof shown.text, "\"%.99s\"", clr_show(item->valuestring).text);
    else if (cJSON_IsBool(item) || cJSON_IsNull(item))
        snprintf(shown.text, sizeof shown.text, "%s",
                 cJSON_IsNull(item)   ? "null"
                 : cJSON_IsTrue(item) ? "true"
                                      : "false");
    return shown;
}

static void append(clr_json *json, const char *text, size_t size)
{
    if (json->failed)
        return;
    if (size >= json->capacity - json->length) {
        size_t capacity = 2 * (json->length + size) + 256;
        char *larger = clr_calloc(capacity, 1);
        if (!larger) {
            json->failed = true;
            return;
        }
        if (json->length > 0)
            memcpy(larger, json->text, json->length);
        free(json->text);
        json->text = larger;
        json->capacity = capacity;
    }
    memcpy(json->text + json->length, text, size);
    json->length += size;
    json->text[json->length] = 0;
}

void clr_json_put(clr_json *json, const char *text)
{
    append(json, text, strlen(text));
}

void clr_json_quote(clr_json *json, const char *text)
{
    append(json, "\"", 1);
    for (; *text; text++) {
        char escaped[8];
        if ((unsigned char)*text < ' ')
            snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)*text);
        else
            snprintf(escaped, sizeof escaped, "%s%c", *text == '"' || *text == '\\' ? "\\" : "",
                     *text);
        clr_json_put(json, escaped);
    }
    append(json, "\"", 1);
}

void clr_json_number(clr_json *json, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    clr_json_put(json, digits);
}
