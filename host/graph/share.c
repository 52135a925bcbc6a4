/* SPDX-License-Identifier: MIT
 * graph/share.c - what several nodes of the same parameters make is computed at once, where all
 * that they read is there when the first of them runs: as the steps of a recurrent layer that
 * somebody has unrolled, whose input products are so many nodes. The weights are read once, and the
 * sums of a row are the same, so the bits are.
 *
 * Which kinds can is said by their rows (by_rows); the first node of such is the leader. Those that
 * have to wait read at least the same weights, the first node's, which are in a cache still. */
#include <string.h>

#include "graph/plan.h"

/* More rows than this of one node use what they read of the weights often enough. */
enum { few_rows = 64 };

static const clr_shape *input_of(const clrnn_graph_plan *plan, uint32_t i)
{
    return &plan->shapes[plan->nodes[i].node.inputs[0]];
}

static size_t rows_of(const clr_shape *x)
{
    return clr_shape_part(x, 0, x->rank - 1);
}

size_t clr_plan_row(const clr_run *run, uint32_t k)
{
    const clr_shape *shape = k ? &run->out[0] : &run->in[0];
    return shape->rank ? (size_t)shape->size[shape->rank - 1] : 1;
}

size_t clr_plan_shared_rows(const clrnn_graph_plan *plan, uint32_t leader)
{
    size_t rows = 0;
    if (plan->nodes[leader].leader != leader)
        return 0;
    for (uint32_t i = leader; i <= plan->nodes[leader].last_led; i++)
        if (plan->nodes[i].leader == leader)
            rows += rows_of(input_of(plan, i));
    return rows;
}

bool clr_plan_leads(const clrnn_graph_plan *plan, uint32_t i)
{
    return plan->nodes[i].leader == i && plan->nodes[i].alike;
}

bool clr_plan_follows(const clrnn_graph_plan *plan, uint32_t i)
{
    const uint32_t leader = plan->nodes[i].leader;
    return leader != CLR_NO_VALUE && leader != i && plan->nodes[leader].alike;
}

/* --- who leads whom -------------------------------------------------------------------------- */

/* Whether all parameters of two nodes of one kind are the same numbers. */
static bool same_parameters(const clrnn_graph_plan *plan, uint32_t a, uint32_t b,
                            const unsigned char *data)
{
    const clrnn_graph *g = plan->graph;
    const clr_node *x = &g->nodes[a], *y = &g->nodes[b];
    for (uint32_t k = 0; k < x->parameters; k++) {
        const clrnn_graph_parameter *p = &g->parameters[x->first_parameter + k].info;
        const clrnn_graph_parameter *q = &g->parameters[y->first_parameter + k].info;
        if (memcmp(data + p->offset * plan->real, data + q->offset * plan->real,
                   p->count * plan->real) != 0)
            return false;
    }
    return clr_plan_same_folds(plan, a, b, data);
}

/* Whether two nodes do the same with a row. */
static bool same_work(const clrnn_graph_plan *plan, uint32_t a, uint32_t b)
{
    const clr_node *x = &plan->nodes[a].node, *y = &plan->nodes[b].node;
    const clrnn_node_desc *d = &x->desc, *e = &y->desc;
    const clr_shape *in = input_of(plan, a), *other = input_of(plan, b);
    return x->kind == y->kind && d->units == e->units && d->no_bias == e->no_bias &&
           d->function == e->function && d->alpha == e->alpha && d->beta == e->beta &&
           x->parameters == y->parameters && in->size[in->rank - 1] == other->size[other->rank - 1];
}

/* Whether what node i reads is there before the leader runs. */
static bool is_ready(const clrnn_graph_plan *plan, uint32_t i, uint32_t leader)
{
    const clr_value_place *x = &plan->values[plan->nodes[i].node.inputs[0]];
    const uint32_t maker = x->of == CLR_NO_VALUE ? x->maker : plan->values[x->of].maker;
    return maker == CLR_NO_VALUE || maker < leader;
}

static bool may_share(const clrnn_graph_plan *plan, uint32_t i)
{
    const clr_node_place *place = &plan->nodes[i];
    return place->node.kind->by_rows && !place->silent && place->leader == CLR_NO_VALUE &&
           rows_of(input_of(plan, i)) <= few_rows;
}

/* All that node i can lead follow it: their values are made when it runs. Of many that it cannot
 * lead those behind are not looked at. */
static void gather_followers(clrnn_graph_plan *plan, uint32_t i)
{
    enum { most_others = 512 };
    uint32_t others = 0;
    for (uint32_t k = i + 1; k < plan->graph->node_count && others < most_others; k++) {
        if (!may_share(plan, k))
            continue;
        if (same_work(plan, i, k) && is_ready(plan, k, i) &&
            same_parameters(plan, i, k, plan->graph->data)) {
            plan->nodes[i].leader = plan->nodes[k].leader = i;
            plan->nodes[i].last_led = k;
            plan->nodes[i].alike = true;
            plan->values[plan->nodes[k].node.first_value].maker = i;
        } else {
            others++;
        }
    }
}

/* The first node before it that runs itself and has the same parameters. */
static void find_twin(clrnn_graph_plan *plan, uint32_t i, uint32_t *seen, uint32_t seen_count)
{
    for (uint32_t k = 0; k < seen_count; k++)
        if (same_work(plan, i, seen[k]) && same_parameters(plan, i, seen[k], plan->graph->data)) {
            plan->nodes[i].twin = seen[k];
            plan->nodes[i].twins = true;
            return;
        }
}

/* Of many that are different only the first are looked at. */
static void find_twins(clrnn_graph_plan *plan)
{
    enum { most_seen = 256 };
    uint32_t seen[most_seen], count = 0;
    for (uint32_t i = 0; i < plan->graph->node_count; i++) {
        const clr_node_place *place = &plan->nodes[i];
        if (!place->node.kind->by_rows || place->silent || clr_plan_follows(plan, i))
            continue;
        find_twin(plan, i, seen, count);
        if (!place->twins && count < most_seen)
            seen[count++] = i;
    }
}

void clr_plan_share(clrnn_graph_plan *plan)
{
    if (plan->desc.train || plan->stream)
        return;
    for (uint32_t i = 0; i < plan->graph->node_count; i++)
        if (may_share(plan, i))
            gather_followers(plan, i);
    find_twins(plan);
}

void clr_plan_share_again(clrnn_graph_plan *plan, const void *parameters)
{
    for (uint32_t i = 0; i < plan->graph->node_count; i++) {
        const uint32_t leader = plan->nodes[i].leader;
        if (leader == i)
            plan->nodes[i].alike = true;
        else if (leader != CLR_NO_VALUE && plan->nodes[leader].alike)
            plan->nodes[leader].alike = same_parameters(plan, leader, i, parameters);
        const uint32_t twin = plan->nodes[i].twin;
        if (twin != CLR_NO_VALUE)
            plan->nodes[i].twins = same_parameters(plan, twin, i, parameters);
    }
}

/* --- a pass ---------------------------------------------------------------------------------- */

/* rows = x of a node, or y of it = rows, 0 past the lengths. */
static clrnn_status take(clr_run *run, clrnn_slice rows)
{
    map_launch l = clr_launch_over(run, &run->in[0], rows);
    clr_launch_reads(run, &l, 0, &run->in[0], 0);
    return clr_move(run, &l, rows.buffer, run->x[0].buffer, false);
}

static clrnn_status give(clr_run *run, clrnn_slice rows)
{
    map_launch l = clr_launch_over(run, &run->out[0], run->y[0]);
    clr_launch_takes(&l, 0, &run->out[0], &run->out[0], rows);
    return clr_move(run, &l, run->y[0].buffer, rows.buffer, false);
}

/* The leader over the rows of all. */
static clrnn_status compute(const clr_run *own, clrnn_slice x, clrnn_slice y, size_t rows)
{
    clr_run run = *own;
    const clr_shape all = {.rank = 2,
                           .size = {rows},
                           .steps = CLR_NO_AXIS,
                           .batch = CLR_NO_AXIS,
                           .lengths = CLR_ALL_STEPS};
    run.in[0] = run.out[0] = all;
    run.in[0].size[1] = clr_plan_row(own, 0);
    run.out[0].size[1] = clr_plan_row(own, 1);
    const clr_strides flat = clr_strides_of(&run.in[0]);
    run.strides[0] = &flat;
    run.x[0] = x;
    run.y[0] = y;
    return run.node->kind->forward(&run);
}

clrnn_status clr_plan_lead(clrnn_graph_plan *plan, uint32_t leader, bool *some)
{
    const clr_node_place *place = &plan->nodes[leader];
    const clr_run own = clr_plan_run(plan, leader, false);
    const size_t all = clr_plan_shared_rows(plan, leader);
    const clrnn_slice x = {plan->arena, place->rows[0]}, y = {plan->arena, place->rows[1]};
    clrnn_status status = CLRNN_OK;
    *some = *some && all > 0;
    for (uint32_t pass = 0; pass < 2 && all > 0; pass++) {
        size_t row = 0;
        for (uint32_t i = leader; i <= place->last_led && status == CLRNN_OK; i++) {
            if (plan->nodes[i].leader != leader)
                continue;
            clr_run run = clr_plan_run(plan, i, false);
            const size_t rows = rows_of(&run.in[0]);
            if (rows)
                status = pass ? give(&run, clr_part(y, row * clr_plan_row(&run, 1)))
                              : take(&run, clr_part(x, row * clr_plan_row(&run, 0)));
            row += rows;
        }
        if (pass == 0 && status == CLRNN_OK)
            status = compute(&own, x, y, all);
    }
    return status;
}
