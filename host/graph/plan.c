/* SPDX-License-Identifier: MIT
 * graph/plan.c - making a plan of a graph. */
#include "graph/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "graph/infer.h"

/* --- creation -------------------------------------------------------------------------------- */

static clrnn_status check_desc(const clrnn_context *context, const clrnn_graph *graph,
                               const clrnn_graph_plan_desc *d)
{
    const clrnn_log *log = &context->log;
    if (graph->output_count == 0)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "graph plan: the graph has no outputs");
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const clr_value *v = &graph->values[graph->inputs[i]];
        if ((v->shape.steps != CLR_NO_AXIS && d->max_steps == 0) ||
            (v->shape.batch != CLR_NO_AXIS && d->max_batch == 0))
            return clr_fail(log, CLRNN_ERR_RANGE, "graph plan: input '%s' is %s, but %s is 0",
                            v->name, clr_value_text(&v->shape).text,
                            d->max_steps ? "max_batch" : "max_steps");
    }
    if (d->input_gradients && !d->train)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "graph plan: input_gradients is set, but the plan does not train");
    return CLRNN_OK;
}

static bool allocate_host(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    const size_t rules = (size_t)g->node_count + 1;
    plan->values = clr_calloc(g->value_count, sizeof *plan->values);
    plan->nodes = clr_calloc(g->node_count, sizeof *plan->nodes);
    plan->shapes = clr_calloc(g->value_count, sizeof *plan->shapes);
    plan->strides = clr_calloc(g->value_count, sizeof *plan->strides);
    plan->terms = clr_calloc(g->value_count, sizeof *plan->terms);
    plan->rules = clr_calloc(rules, sizeof *plan->rules);
    plan->lengths = clr_calloc(rules * plan->desc.max_batch, sizeof *plan->lengths);
    if (!plan->values || !plan->nodes || !plan->shapes || !plan->strides || !plan->terms ||
        !plan->rules || !plan->lengths)
        return false;
    clr_plan_take_nodes(plan);
    for (uint32_t i = 0; i < g->node_count; i++) {
        const clr_node *node = &g->nodes[i];
        size_t *at = plan->nodes[i].at = clr_calloc(node->parameters + (size_t)1, sizeof *at);
        for (uint32_t k = 0; at && k < node->parameters; k++)
            at[k] = g->parameters[node->first_parameter + k].info.offset;
        if (!at)
            return false;
    }
    return true;
}

static clrnn_status make_tools(clrnn_graph_plan *plan)
{
    clr_tools *tools = &plan->tools;
    const clrnn_precision precision = plan->graph->precision;
    *tools = (clr_tools){.context = plan->context,
                         .precision = precision,
                         .strategy = plan->desc.strategy,
                         .gemm = plan->desc.gemm};
    clrnn_status status = CLRNN_OK;
    if (precision == CLRNN_F64 && !plan->context->info.fp64)
        return clr_fail(&plan->context->log, CLRNN_ERR_UNSUPPORTED,
                        "graph plan: %s has no double precision", plan->context->info.name);
    status = clr_maps_init(plan->context, precision, &tools->maps);
    if (status == CLRNN_OK)
        status = clr_gemms_init(plan->context, precision, CLRNN_WEIGHTS_F32, plan->desc.gemm,
                                &tools->gemms);
    if (status == CLRNN_OK && plan->desc.train)
        status = clr_sequence_init(plan->context, precision, &tools->sequence);
    return status;
}

static clrnn_status make_buffer(clrnn_graph_plan *plan, size_t count, cl_mem *buffer)
{
    clr_size bytes = clr_size_mul(clr_size_of(count ? count : 1), plan->real);
    if (bytes.overflow)
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                        "graph plan: %zu elements are more than memory can address", count);
    return clr_buffer_create(plan->context, bytes.value, buffer);
}

static clrnn_status make_buffers(clrnn_graph_plan *plan)
{
    const size_t parameters = plan->graph->elements + plan->folded,
                 range = clr_gemms_index_range(&plan->tools.gemms);
    const size_t lengths =
        ((size_t)plan->graph->node_count + 1) * plan->desc.max_batch * sizeof(cl_int);
    if (plan->arena_count > range || parameters > range)
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                        "graph plan: %zu elements, and CLBlast cannot reach beyond %zu: use fewer "
                        "steps or rows at a time",
                        plan->arena_count, range);
    clrnn_status status = make_buffer(plan, plan->arena_count, &plan->arena);
    if (status == CLRNN_OK)
        status = make_buffer(plan, parameters, &plan->parameters);
    if (status == CLRNN_OK && plan->desc.train)
        status = make_buffer(plan, parameters, &plan->gradient);
    if (status == CLRNN_OK)
        status = make_buffer(plan, plan->lasting_count, &plan->lasting);
    if (status == CLRNN_OK && (plan->stream || plan->carries))
        status = make_buffer(plan, plan->state_count, &plan->state);
    if (status == CLRNN_OK && plan->carries)
        status = make_buffer(plan, plan->state_count, &plan->next);
    if (status == CLRNN_OK)
        status = clr_buffer_create(plan->context, lengths ? lengths : 1, &plan->lengths_buffer);
    plan->tools.maps.lengths = plan->lengths_buffer;
    plan->info.work_bytes =
        (plan->arena_count + plan->state_count * (plan->carries ? 2 : 1)) * plan->real + lengths;
    plan->info.parameter_bytes =
        (parameters * (plan->desc.train ? 2 : 1) + plan->lasting_count) * plan->real;
    return status;
}

/* What nodes make for themselves, as plans. */
static clrnn_status create_nodes(clrnn_graph_plan *plan)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < plan->graph->node_count && status == CLRNN_OK; i++) {
        clr_run run = clr_plan_run(plan, i, false);
        if (run.node->kind->create && !plan->nodes[i].silent)
            status = run.node->kind->create(&run);
    }
    return status;
}

static clrnn_status make(clrnn_graph_plan *plan)
{
    if (!allocate_host(plan))
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "graph plan: out of memory");
    clrnn_status status = make_tools(plan);
    if (status == CLRNN_OK)
        status = clr_infer_all(plan->graph, &plan->context->log, plan->desc.max_steps,
                               plan->desc.max_batch, plan->shapes, plan->rules);
    if (status == CLRNN_OK)
        status = clr_plan_differentiate(plan);
    if (status == CLRNN_OK)
        status = clr_plan_fuse(plan);
    if (status == CLRNN_OK) {
        clr_plan_share(plan);
        status = create_nodes(plan);
    }
    if (status == CLRNN_OK)
        status = clr_plan_lay_out(plan);
    if (status == CLRNN_OK)
        status = make_buffers(plan);
    if (status == CLRNN_OK && plan->graph->elements)
        status = clrnn_graph_plan_set_parameters(plan, plan->graph->data);
    return status;
}

/* What is kept beyond outputs, and beyond a pass. */
typedef struct kept_values {
    const uint32_t *values;
    uint32_t count;
    bool stream, carries;
} kept_values;

static clrnn_status make_kept(clrnn_context *context, clrnn_graph *graph,
                              const clrnn_graph_plan_desc *desc, const kept_values *kept,
                              clrnn_graph_plan **out)
{
    *out = NULL;
    clrnn_status status = check_desc(context, graph, desc);
    if (status != CLRNN_OK)
        return status;
    clrnn_graph_plan *plan = clr_calloc(1, sizeof *plan);
    if (!plan)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "graph plan: out of memory");
    atomic_fetch_add(&graph->users, 1);
    plan->graph = graph;
    plan->context = context;
    plan->desc = *desc;
    plan->desc.max_steps = desc->max_steps ? desc->max_steps : 1;
    plan->desc.max_batch = desc->max_batch ? desc->max_batch : 1;
    plan->stream = kept->stream;
    plan->carries = kept->carries;
    plan->kept = kept->values;
    plan->kept_count = kept->count;
    plan->real = clr_graph_real(graph);
    status = make(plan);
    plan->kept = NULL;
    plan->kept_count = 0;
    if (status != CLRNN_OK)
        clrnn_graph_plan_destroy(&plan);
    *out = plan;
    return status;
}

clrnn_status clr_graph_plan_make(clrnn_context *context, clrnn_graph *graph,
                                 const clrnn_graph_plan_desc *desc, bool stream,
                                 clrnn_graph_plan **plan)
{
    return make_kept(context, graph, desc, &(kept_values){.stream = stream}, plan);
}

clrnn_status clr_graph_plan_keep(clrnn_context *context, clrnn_graph *graph,
                                 const clrnn_graph_plan_desc *desc, const uint32_t *kept,
                                 uint32_t kept_count, bool carries, clrnn_graph_plan **plan)
{
    const kept_values all = {.values = kept, .count = kept_count, .carries = carries};
    return make_kept(context, graph, desc, &all, plan);
}

clrnn_status clrnn_graph_plan_create(clrnn_context *context, clrnn_graph *graph,
                                     const clrnn_graph_plan_desc *desc, clrnn_graph_plan **plan)
{
    if (plan)
        *plan = NULL;
    if (!context)
        return CLRNN_ERR_ARGUMENT;
    if (!graph || !desc || !plan)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT, "clrnn_graph_plan_create: %s is NULL",
                        !graph  ? "graph"
                        : !desc ? "desc"
                                : "plan");
    return clr_graph_plan_make(context, graph, desc, false, plan);
}

void clrnn_graph_plan_destroy(clrnn_graph_plan **plan)
{
    clrnn_graph_plan *p = plan ? *plan : NULL;
    if (!p)
        return;
    *plan = NULL;
    (void)clrnn_context_finish(p->context);
    for (uint32_t i = 0; p->nodes && i < p->graph->node_count; i++) {
        if (p->nodes[i].own)
            p->graph->nodes[i].kind->destroy(p->nodes[i].own);
        free(p->nodes[i].at);
    }
    cl_mem *buffers[] = {&p->arena,          &p->parameters, &p->gradient, &p->lasting,
                         &p->lengths_buffer, &p->state,      &p->next};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        clr_buffer_destroy(buffers[i]);
    clr_maps_free(&p->tools.maps);
    clr_gemms_free(&p->tools.gemms);
    clr_sequence_free(&p->tools.sequence);
    free(p->values);
    free(p->nodes);
    free(p->shapes);
    free(p->strides);
    free(p->terms);
    free(p->rules);
    free(p->lengths);
    clrnn_graph_destroy(&p->graph);
    free(p);
}

/* --- parameters ------------------------------------------------------------------------------ */

clrnn_status clrnn_graph_plan_set_parameters(clrnn_graph_plan *plan, const void *from)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!from)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "clrnn_graph_plan_set_parameters: from is NULL");
    plan->packed = false;
    plan->ran = false;
    clr_plan_share_again(plan, from);
    clrnn_status status = clr_buffer_write(plan->context, plan->parameters, 0,
                                           plan->graph->elements * plan->real, from);
    if (status == CLRNN_OK)
        status = clr_plan_write_folded(plan, from);
    return status == CLRNN_OK ? clrnn_context_finish(plan->context) : status;
}

clrnn_status clrnn_graph_plan_get_parameters(clrnn_graph_plan *plan, void *to)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!to)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "clrnn_graph_plan_get_parameters: to is NULL");
    return clr_buffer_read(plan->context, plan->parameters, 0, plan->graph->elements * plan->real,
                           to);
}

const clrnn_graph_plan_info *clrnn_graph_plan_get_info(const clrnn_graph_plan *plan)
{
    return plan ? &plan->info : NULL;
}

const clrnn_plan_info *clrnn_graph_plan_node_info(const clrnn_graph_plan *plan, uint32_t node)
{
    if (!plan || node >= plan->graph->node_count ||
        plan->graph->nodes[node].desc.kind != CLRNN_NODE_RECURRENT)
        return NULL;
    const uint32_t into = plan->nodes[node].into; /* of a stack the first has the plan, */
    clrnn_plan *const *own = plan->nodes[into == CLR_NO_VALUE ? node : into].own; /* as its first */
    return own ? clrnn_plan_get_info(*own) : NULL;
}
