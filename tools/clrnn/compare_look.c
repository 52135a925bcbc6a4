/* SPDX-License-Identifier: MIT
 * compare_look.c - see compare_training.h: what is seen of a training's models. */
#include <stdlib.h>
#include <string.h>

#include "compare_training.h"

enum { flow_rows = 16, shown_steps = 100 };

/* --- how far gradients come ------------------------------------------------------------------ */

/* Rows to begin with of a batch [T,N,width]; to be freed. */
static void *first_rows(const void *from, uint32_t steps, uint32_t batch, uint32_t rows,
                        size_t bytes)
{
    char *to = calloc((size_t)steps * rows, bytes);
    for (uint32_t t = 0; to && t < steps; t++)
        memcpy(to + (size_t)t * rows * bytes, (const char *)from + (size_t)t * batch * bytes,
               rows * bytes);
    return to;
}

static int text_flow(compare_training *t, inspect_model *m, inspect_flow *flow)
{
    train_session *s = &t->text;
    const uint32_t T = t->o.seq, rows = s->batch < flow_rows ? s->batch : flow_rows;
    bool reset;
    clrnn_text_batch(s->text, clrnn_text_batches(s->text, true) > 0, 0, s->ids, s->targets, &reset);
    int32_t *ids = first_rows(s->ids, T, s->batch, rows, sizeof *ids);
    int32_t *more = ids ? realloc(ids, ((size_t)T + 1) * rows * sizeof *ids) : NULL;
    if (!more) {
        free(ids);
        return tool_no_memory();
    }
    memcpy(more + (size_t)T * rows, s->targets + (size_t)(T - 1) * s->batch, rows * sizeof *more);
    int code = inspect_prepare(s->context, m, T, rows);
    if (!code)
        code = inspect_flow_of(s->context, m, more, NULL, T, rows, 0, flow);
    free(more);
    return code;
}

static int data_flow(compare_training *t, inspect_model *m, inspect_flow *flow)
{
    data_session *s = &t->data;
    clrnn_batch batch;
    clrnn_status status = clrnn_data_batch(s->data, CLRNN_PART_TRAIN, 0, &batch);
    if (status)
        return tool_failed(status);
    uint32_t rows = 0; /* those that are as long as the batch */
    while (rows < batch.batch && rows < flow_rows &&
           (!batch.lengths || batch.lengths[rows] == batch.steps))
        rows++;
    rows = rows ? rows : 1;
    float *x = first_rows(batch.x, batch.steps, batch.batch, rows, s->info->inputs * sizeof *x);
    free(m->mean); /* the batch is scaled */
    m->mean = NULL;
    int code = x ? inspect_prepare(s->context, m, batch.steps, rows) : tool_no_memory();
    if (!code)
        code = inspect_flow_of(s->context, m, NULL, x, batch.steps, rows, 0, flow);
    free(x);
    return code;
}

int compare_flow(compare_training *t, const char *path, inspect_flow *flow)
{
    inspect_model m;
    int code = inspect_load(path, NULL, &m);
    if (!code)
        code = t->is_text ? text_flow(t, &m, flow) : data_flow(t, &m, flow);
    snprintf(flow->name, sizeof flow->name, "%s", t->result->cell->title);
    inspect_close(&m);
    return code;
}

/* --- what the gates do ----------------------------------------------------------------------- */

/* The first row of what gradients were traced over. */
static int take_input(compare_training *t, inspect_input *in)
{
    if (t->is_text) {
        const uint8_t *bytes = clrnn_text_vocabulary(t->text.text, NULL);
        in->steps = t->o.seq;
        in->ids = first_rows(t->text.ids, in->steps, t->text.batch, 1, sizeof *in->ids);
        in->bytes = calloc(in->steps, 1);
        for (uint32_t i = 0; in->ids && in->bytes && i < in->steps; i++)
            in->bytes[i] = bytes[in->ids[i]];
        return in->ids && in->bytes ? TOOL_OK : tool_no_memory();
    }
    clrnn_batch batch;
    clrnn_status status = clrnn_data_batch(t->data.data, CLRNN_PART_TRAIN, 0, &batch);
    if (status)
        return tool_failed(status);
    in->width = t->data.info->inputs;
    in->steps = batch.lengths ? batch.lengths[0] : batch.steps;
    in->x = first_rows(batch.x, in->steps, batch.batch, 1, in->width * sizeof *in->x);
    return in->x ? TOOL_OK : tool_no_memory();
}

/* pictures/NAME-gates.png, of the first training. */
int compare_draw_gates(compare_training *t)
{
    const inspect_options options = {.text = NULL};
    clrnn_context *context = t->is_text ? t->text.context : t->job->context;
    inspect_model m;
    inspect_view view = {0};
    inspect_input in = {0};
    char path[COMPARE_PATH];
    int code = inspect_load(t->model, NULL, &m);
    free(m.mean);
    m.mean = NULL;
    if (!code)
        code = take_input(t, &in);
    if (!code && in.steps > shown_steps)
        in.steps = shown_steps;
    if (!code)
        code = inspect_prepare(context, &m, in.steps, 1);
    if (!code)
        code = inspect_run(&m, in.ids, in.x, in.steps, 1, NULL, NULL);
    if (!code)
        code = inspect_look(&m, &in, &options, &view);
    if (!code)
        code = inspect_picture(
            &view, compare_path(t->job, path, "pictures/%s-gates.png", t->result->cell->name));
    inspect_view_free(&view);
    inspect_input_free(&in);
    inspect_close(&m);
    return code;
}
