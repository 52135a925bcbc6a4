/* SPDX-License-Identifier: MIT
 * model/description_init.c - see model/description_reader.h. */
#include "model/description_reader.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "model/init.h"
#include "model/json.h"

const cJSON *clr_reader_field(clr_reader *r, const char *name)
{
    const cJSON *found = NULL;
    for (const cJSON *i = r->json ? r->json->child : NULL; i; i = i->next)
        if (strcmp(i->string, name) == 0) {
            if (found && r->status == CLRNN_OK)
                WRONG(r, "metadata clrnn, field %s: found twice", name);
            found = i;
        }
    return r->status == CLRNN_OK ? found : NULL;
}

void clr_reader_init(clr_reader *r, clrnn_init_desc *init)
{
    uint64_t lag = 0;
    const cJSON *word = clr_reader_field(r, "init"), *item = clr_reader_field(r, "longest_lag");
    const cJSON *bias = clr_reader_field(r, "forget_bias");
    for (int i = 0; clr_init_names[i] && cJSON_IsString(word); i++)
        if (strcmp(clr_init_names[i], word->valuestring) == 0)
            init->kind = (clrnn_init_kind)i;
    if (word && init->kind == CLRNN_INIT_AUTO)
        WRONG(r, "metadata clrnn, field init: found %s, which is no way to draw weights",
              clr_json_show(word).text);
    if (item && (!clr_json_integer(item, UINT32_MAX, &lag) || lag < 2))
        WRONG(r, "metadata clrnn, field longest_lag: found %s, expected 2 to %" PRIu32,
              clr_json_show(item).text, UINT32_MAX);
    if (bias && (!cJSON_IsNumber(bias) || !isfinite(bias->valuedouble)))
        WRONG(r, "metadata clrnn, field forget_bias: found %s, expected a number",
              clr_json_show(bias).text);
    if (r->status != CLRNN_OK || !word)
        return;
    init->longest_lag = (uint32_t)lag;
    init->has_forget_bias = bias != NULL;
    init->forget_bias = bias ? bias->valuedouble : 0;
}
