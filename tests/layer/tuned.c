/* SPDX-License-Identifier: MIT
 * tests/layer/tuned.c - see tests/layer/tuned.h. */
#include "layer/tuned.h"

#include <stdio.h>
#include <string.h>

static void hear(void *user, clrnn_log_level level, const char *text)
{
    heard *h = user;
    (void)level;
    if (strstr(text, "plan: strategy"))
        snprintf(h->strategy, sizeof h->strategy, "%s", text);
    h->ignored += strstr(text, "is ignored") != NULL;
    h->compiled += strstr(text, "compiled ") != NULL;
}

clrnn_context *open_with(const clrnn_context *like, heard *h, const char *folder)
{
    const clrnn_context_desc desc = {.log = {CLRNN_LOG_DEBUG, hear, h}, .cache_dir = folder};
    clrnn_context *context = NULL;
    memset(h, 0, sizeof *h);
    assert_int_equal(clr_context_open(&desc, &like->info, &context), CLRNN_OK);
    return context;
}

const char *fresh_folder(void)
{
    static char path[600];
    static int number;
    snprintf(path, sizeof path, "%s/tune%d", test_folder(), number++);
    return path;
}

clrnn_plan_desc small_plan(bool train)
{
    return (clrnn_plan_desc){
        .network = {.cell = CLRNN_CELL_LSTM, .input_size = 5, .hidden_size = 70},
        .max_steps = 3,
        .max_batch = 4,
        .train = train};
}

clrnn_plan *plan_of(clrnn_context *context, const clrnn_plan_desc *desc)
{
    clrnn_plan *plan = NULL;
    assert_int_equal(clrnn_plan_create(context, desc, &plan), CLRNN_OK);
    return plan;
}
