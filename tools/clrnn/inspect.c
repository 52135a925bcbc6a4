/* SPDX-License-Identifier: MIT
 * inspect.c - `clrnn inspect`: what the gates of a model do over a sequence, and how far back its
 * gradients come. */
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "system.h"

enum { most_steps = 20000 };

static int check_picture(const inspect_options *o)
{
    if (!o->out)
        return TOOL_OK;
    if (!inspect_has_pictures())
        return tool_error("inspect: -o %s: this build makes no pictures (it was made without "
                          "cairo); leave -o out for the terminal, or add --json",
                          o->out);
    if (!tool_ends_with(o->out, ".png") && !tool_ends_with(o->out, ".svg"))
        return tool_error("inspect: -o %s: a picture's name ends in .png or .svg", o->out);
    if (!o->force && tool_file_exists(o->out))
        return tool_error("inspect: -o %s: the file exists; add --force to replace it", o->out);
    const tool_file files[] = {{"-o", o->out, true},
                               {"MODEL", o->model_path, false},
                               {"--text", o->text, false},
                               {"--in", o->in, false}};
    int code = tool_check_files("inspect", files, sizeof files / sizeof *files);
    return code ? code : tool_check_output("inspect", files, true);
}

static int check_use(inspect_options *o, const tool_list *models)
{
    if (models->count != 1)
        return tool_error("inspect: %s; clrnn inspect --help tells the use",
                          models->count ? "more than one model given" : "no model given");
    if (!o->text == !o->in)
        return tool_error("inspect: %s", o->text
                                             ? "--text and --in are both given"
                                             : "no sequence given; add --text FILE or --in FILE");
    if ((uint64_t)o->first + o->steps > most_steps)
        return tool_error("inspect: --first %u --steps %u: together at most %d", o->first, o->steps,
                          most_steps);
    if (o->others.count && !o->gradients)
        return tool_error("inspect: --with %s: models are set side by side with --gradients only",
                          o->others.items[0]);
    o->model_path = models->items[0];
    return check_picture(o);
}

static int show_view(const inspect_options *o, const inspect_view *v)
{
    int code = TOOL_OK;
    if (o->out)
        code = inspect_picture(v, o->out);
    if (!code && o->json)
        code = tool_print_json(inspect_json(v), false);
    else if (!code && !o->out)
        inspect_print(v);
    else if (!code)
        printf("%s, %u steps of layer %u -> %s\n", v->model->cell->name, v->steps, v->layer,
               o->out);
    return code;
}

static int see(const inspect_options *o, clrnn_context *context)
{
    inspect_model model;
    inspect_input input = {0};
    inspect_view view = {0};
    int code = inspect_load(o->model_path, o->node, &model);
    if (!code)
        code = inspect_read(o, &model, &input);
    if (!code)
        code = inspect_prepare(context, &model, input.steps, 1);
    if (!code)
        code = inspect_run(&model, input.ids, input.x, input.steps, 1, NULL, NULL);
    if (!code)
        code = inspect_look(&model, &input, o, &view);
    if (!code)
        code = show_view(o, &view);
    inspect_view_free(&view);
    inspect_input_free(&input);
    inspect_close(&model);
    return code;
}

/* One model's flow over the last `steps` steps of what is given. */
static int flow_of_file(const inspect_options *o, clrnn_context *context, const char *path,
                        inspect_flow *flow)
{
    inspect_model model;
    inspect_input input = {0};
    int code = inspect_load(path, o->node, &model);
    if (!code)
        code = inspect_read(o, &model, &input);
    if (!code)
        code = inspect_prepare(context, &model, input.steps, 1);
    if (!code) /* without a symbol behind the last step there is nothing to foretell */
        code = inspect_flow_of(context, &model, input.ids, input.x,
                               input.steps - (input.ids && !input.more), 1, o->layer, flow);
    if (!code)
        snprintf(flow->name, sizeof flow->name, "%s: %s", system_last_part(path), model.cell->name);
    inspect_input_free(&input);
    inspect_close(&model);
    return code;
}

static int see_flows(const inspect_options *o, clrnn_context *context)
{
    const size_t count = 1 + o->others.count;
    inspect_flow *flows = calloc(count, sizeof *flows);
    int code = flows ? TOOL_OK : tool_no_memory();
    for (size_t i = 0; i < count && !code; i++)
        code = flow_of_file(o, context, i ? o->others.items[i - 1] : o->model_path, &flows[i]);
    if (!code && o->out)
        code = inspect_flow_picture(flows, count, o->out);
    if (!code && o->json)
        code = tool_print_json(inspect_flows_json(flows, count), false);
    else if (!code && !o->out)
        inspect_print_flows(flows, count);
    else if (!code)
        printf("gradients over %u steps -> %s\n", flows[0].steps, o->out);
    for (size_t i = 0; i < count && flows; i++)
        inspect_flow_free(&flows[i]);
    free(flows);
    return code;
}

static int run(int argc, char **argv)
{
    inspect_options o = {.steps = 100};
    tool_list models = {0};
    tool_option options[] = {
        tool_text("text", "FILE", &o.text, "a text, for a model of symbols"),
        tool_text("in", "FILE", &o.in, "x [T,N,I] or [T,I]: .npy, .npz, .safetensors, .wav"),
        tool_text("out", "FILE", &o.out, "a picture, .png or .svg; also -o FILE"),
        tool_flag("json", &o.json, "the numbers as JSON"),
        tool_flag("gradients", &o.gradients, "how far back in time gradients come, instead"),
        tool_many("with", "MODEL", &o.others, "others whose gradients are shown beside"),
        tool_text("node", "NAME", &o.node, "of a graph: the recurrent node (the first)"),
        tool_u32("layer", "K", &o.layer, 0, "of its stack, from 0 on (0)"),
        tool_choice("direction", "forward|backward", &o.direction, "of the layer (forward)"),
        tool_flag("batch-first", &o.batch_first, "x of --in is [N,T,I]"),
        tool_u32("row", "N", &o.row, 0, "which sequence of --in (0)"),
        tool_u32("first", "T", &o.first, 0, "the first step that is shown (0)"),
        tool_u32("steps", "K", &o.steps, 1, "how many are (100)"),
        tool_flag("force", &o.force, "replace a picture that exists"),
        tool_device(&o.selector),
        {0}};
    clrnn_context *context = NULL;
    int code = tool_parse(&tool_inspect, argc, argv, options, &models);
    if (code == TOOL_CONTINUE) {
        code = check_use(&o, &models);
        if (!code)
            code = tool_open(o.selector, &context);
        if (!code)
            code = o.gradients ? see_flows(&o, context) : see(&o, context);
        clrnn_context_destroy(&context);
    }
    tool_list_free(&models);
    tool_list_free(&o.others);
    return code;
}

const tool_command tool_inspect = {
    "inspect", "MODEL (--text FILE | --in FILE) [-o PICTURE] [OPTION]...",
    "see what the gates of a model do",
    "MODEL is a file of clrnn train or of a graph with a recurrent node. Shown are its gates, c "
    "and "
    "h\n"
    "over the steps, units from the longest half-life (ln 0.5 / ln of the mean part that is kept) "
    "to\n"
    "the shortest, the mean of each gate, and how many are shut (below 0.05) or open (above 0.95;\n"
    "of g, n and h beyond -0.95 and 0.95). Without -o and --json as blocks in the terminal.\n"
    "With --gradients the norms of dL_T/dh_t and dL_T/dc_t, L_T being the cross-entropy of the "
    "symbol\n"
    "after the last step, or without one a sum of the outputs with random signs.\n",
    run};
