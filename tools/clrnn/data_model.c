/* SPDX-License-Identifier: MIT
 * data_model.c - what learns in a training on data: a fresh model, or a model or graph from a file.
 */
#include <stdlib.h>
#include <string.h>

#include "train_data.h"

/* --- fresh ---------------------------------------------------------------------------------- */

int data_make_model(data_session *s)
{
    const train_options *o = s->o;
    clrnn_model_desc desc = {.network = {.cell = (clrnn_cell)o->cell,
                                         .input_size = s->info->inputs,
                                         .hidden_size = o->hidden,
                                         .num_layers = o->layers,
                                         .gru_reset = (clrnn_gru_reset)o->reset,
                                         .gru_update = (clrnn_gru_update)o->update,
                                         .nonlinearity = (clrnn_nonlinearity)o->act,
                                         .bidirectional = o->bidirectional,
                                         .peepholes = o->peepholes,
                                         .layer_norm = o->layer_norm},
                             .output_size = s->info->outputs};
    int code = train_init(o, &desc.init);
    if (!code)
        code = train_regular(o, &desc.network);
    if (code)
        return code;
    /* Of a task it is known how long something has to be remembered. */
    const bool gated = clrnn_cell_get_info(desc.network.cell)->gates > 1;
    if (o->task && gated && !tool_given(o->table, "init") && !desc.init.has_forget_bias) {
        desc.init.kind = CLRNN_INIT_CHRONO;
        desc.init.longest_lag = o->longest_lag ? o->longest_lag : s->info->steps;
    }
    clrnn_status status = clrnn_model_create(s->context, &desc, s->seed, &s->model);
    if (status)
        return tool_failed(status);
    s->parameters = clrnn_model_parameter_count(s->model);
    return train_check_used(o, desc.network.num_layers ? desc.network.num_layers : 1);
}

/* --- from a file ---------------------------------------------------------------------------- */

/* Of a checkpoint the parameters are the best ones; the training stands elsewhere (data_resume). */
static int load_network(data_session *s)
{
    const train_options *o = s->o;
    const char *path = o->resume ? o->resume : o->model;
    clrnn_status status = clrnn_model_from_tensors(s->context, s->checkpoint, CLRNN_F32, &s->model);
    if (status)
        return tool_failed(status);
    const clrnn_model_desc *desc = clrnn_model_get_desc(s->model);
    const clrnn_network_desc *n = &desc->network;
    if (desc->input != CLRNN_INPUT_DENSE || n->input_size != s->info->inputs ||
        desc->output_size != s->info->outputs)
        return tool_error("train: %s takes %u inputs and gives %u outputs; the data has %u and %u",
                          path, n->input_size, desc->output_size, s->info->inputs,
                          s->info->outputs);
    if ((tool_given(o->table, "cell") && (int)n->cell != o->cell) ||
        (tool_given(o->table, "hidden") && n->hidden_size != o->hidden) ||
        (tool_given(o->table, "layers") && n->num_layers != o->layers) ||
        (o->bidirectional && !n->bidirectional) || (o->peepholes && !n->peepholes) ||
        (o->layer_norm && !n->layer_norm) || train_regular_differs(o, n))
        return tool_error("train: %s is another model than --cell, --hidden, --layers and the like "
                          "say; leave them out",
                          path);
    s->parameters = clrnn_model_parameter_count(s->model);
    return train_check_used(o, n->num_layers);
}

/* --- a graph -------------------------------------------------------------------------------- */

/* The output that was asked for, else the one called logits, else the first. */
static int choose_output(data_session *s, clrnn_value_info *output)
{
    const char *asked = s->o->output;
    for (uint32_t i = 0; clrnn_graph_output_at(s->graph, i, output); i++)
        if (strcmp(output->name, asked ? asked : "logits") == 0) {
            s->output = output->name;
            return TOOL_OK;
        }
    if (asked)
        return tool_error("train: --output %s: the graph has no such output", asked);
    if (!clrnn_graph_output_at(s->graph, 0, output))
        return tool_error("train: the graph has no outputs");
    s->output = output->name;
    return TOOL_OK;
}

/* The features of a value that is T, N and features in any order; -1: it is not. */
static int64_t features_of(const clrnn_value_info *value)
{
    int64_t features = 1;
    uint32_t axes = 0;
    for (uint32_t i = 0; i < value->rank; i++) {
        if (value->shape[i] == CLRNN_STEPS || value->shape[i] == CLRNN_BATCH)
            continue;
        features = value->shape[i];
        axes++;
    }
    return axes > 1 || value->ids ? -1 : features;
}

static int check_graph(const data_session *s, const char *path, const clrnn_value_info *output)
{
    static const char *const of_models[] = {"cell",
                                            "hidden",
                                            "layers",
                                            "reset",
                                            "update",
                                            "act",
                                            "peepholes",
                                            "layer-norm",
                                            "bidirectional",
                                            "init",
                                            "longest-lag",
                                            "forget-bias",
                                            "update-bias",
                                            "dropout",
                                            "embedding",
                                            "input-dropout",
                                            "variational",
                                            "zoneout",
                                            "recurrent-dropout",
                                            NULL};
    clrnn_value_info input;
    for (const char *const *name = of_models; *name; name++)
        if (tool_given(s->o->table, *name))
            return tool_error("train: --%s is of a fresh model, but %s is a graph; leave it out",
                              *name, path);
    if (clrnn_graph_inputs(s->graph) != 1 || !clrnn_graph_input_at(s->graph, 0, &input))
        return tool_error("train: %s has %u inputs; data is for one", path,
                          clrnn_graph_inputs(s->graph));
    if (features_of(&input) != s->info->inputs || features_of(output) != s->info->outputs)
        return tool_error(
            "train: %s takes %lld inputs and gives %lld outputs at '%s'; the data has "
            "%u and %u",
            path, (long long)features_of(&input), (long long)features_of(output), output->name,
            s->info->inputs, s->info->outputs);
    return train_check_used(s->o, 1);
}

/* Plans that validate infer, and so are apart from the trainer's. */
static int load_graph(data_session *s, const char *path)
{
    const clrnn_graph_plan_desc desc = {.max_steps = s->info->steps,
                                        .max_batch = s->info->batch,
                                        .strategy = (clrnn_strategy)s->o->strategy};
    clrnn_value_info output;
    clrnn_status status = clrnn_graph_from_tensors(s->checkpoint, CLRNN_F32, tool_log(), &s->graph);
    if (status)
        return tool_failed(status);
    int code = choose_output(s, &output);
    if (!code)
        code = check_graph(s, path, &output);
    if (code)
        return code;
    s->parameters = clrnn_graph_parameter_count(s->graph);
    status = clrnn_graph_plan_create(s->context, s->graph, &desc, &s->plan);
    return status ? tool_failed(status) : TOOL_OK;
}

int data_load_model(data_session *s)
{
    const char *path = s->o->resume ? s->o->resume : s->o->model;
    if (tool_is_graph(s->checkpoint))
        return load_graph(s, path);
    if (s->o->output)
        return tool_error("train: --output %s: %s is a model, whose output is that of its head",
                          s->o->output, path);
    return load_network(s);
}

/* --- in use --------------------------------------------------------------------------------- */

clrnn_status data_score(data_session *s, clrnn_part part, clrnn_score *score)
{
    if (s->model)
        return clrnn_data_score(s->data, s->model, part, score);
    float *now = calloc(s->parameters, sizeof *now);
    clrnn_status status = now ? clrnn_trainer_get_parameters(s->trainer, now) : CLRNN_ERR_MEMORY;
    if (!status)
        status = clrnn_graph_plan_set_parameters(s->plan, now);
    if (!status)
        status = clrnn_data_score_graph(s->data, s->plan, s->output, part, score);
    free(now);
    return status;
}

const char *data_describe_model(const data_session *s, char text[100])
{
    if (s->graph) {
        snprintf(text, 100, "graph of %u nodes, output '%.40s'", clrnn_graph_nodes(s->graph),
                 s->output);
        return text;
    }
    const clrnn_network_desc *network = &clrnn_model_get_desc(s->model)->network;
    snprintf(text, 100, "%s, %u layer%s of %u", clrnn_cell_get_info(network->cell)->name,
             network->num_layers, network->num_layers == 1 ? "" : "s", network->hidden_size);
    return text;
}
