/* SPDX-License-Identifier: MIT
 * model/json.h - reading JSON more strictly than cJSON does, and writing it. */
#ifndef CLR_MODEL_JSON_H
#define CLR_MODEL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "model/tensors.h"

/** Whether a text is fit for cJSON: UTF-8, no control characters but white space, no escaped NUL
 *  (which would end a C string unseen). Not whether it is JSON. */
bool clr_json_clean(const char *text, size_t size);

/** Read a text that is `size` bytes; one that is not fit (clr_json_clean) or no JSON gives NULL.
 * What comes behind the value is left. To be freed with cJSON_Delete. */
cJSON *clr_json_parse(const char *text, size_t size);

/** The value of a number that is a whole one from 0 to `most`. */
bool clr_json_integer(const cJSON *item, uint64_t most, uint64_t *value);

/** A value in a message. */
clr_shown clr_json_show(const cJSON *item);

/* JSON under construction: once memory is short it stays failed, so one test at the end will do.
 * Zero-initialise; `text` is to be freed. */
typedef struct clr_json {
    char *text;
    size_t length, capacity;
    bool failed;
} clr_json;

/** Append as it is. */
void clr_json_put(clr_json *json, const char *text);

/** Append a string in quotes. */
void clr_json_quote(clr_json *json, const char *text);

/** Append a number. */
void clr_json_number(clr_json *json, uint64_t value);

#endif
