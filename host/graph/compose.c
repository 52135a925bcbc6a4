/* SPDX-License-Identifier: MIT
 * graph/compose.c - functions that somebody has written as several nodes, as exporters do:
 * x sigmoid(x), x (1 + erf(x/sqrt 2))/2 and the like are one in a plan that does not train. */
#include <float.h>
#include <math.h>

#include "graph/plan.h"

/* The functions of x by which x is multiplied, the last one first. */
typedef struct link {
    clrnn_function function;
    double alpha, beta;
} link;

#define MOST_LINKS 4
#define HALF_ROOT  0.70710678118654752440

typedef struct composed {
    clrnn_function whole;
    bool half; /* of x and them, the half */
    uint32_t count;
    link links[MOST_LINKS];
} composed;

static const composed rows[] = {
    {CLRNN_FN_SILU, false, 1, {{CLRNN_FN_SIGMOID, 0, 0}}},
    {CLRNN_FN_MISH, false, 2, {{CLRNN_FN_TANH, 0, 0}, {CLRNN_FN_SOFTPLUS, 0, 0}}},
    {CLRNN_FN_HARD_SWISH, false, 1, {{CLRNN_FN_HARD_SIGMOID, 1.0 / 6, 0.5}}},
    {CLRNN_FN_GELU,
     true,
     3,
     {{CLRNN_FN_AFFINE, 1, 1}, {CLRNN_FN_ERF, 0, 0}, {CLRNN_FN_AFFINE, HALF_ROOT, 0}}},
    {CLRNN_FN_GELU,
     false,
     3,
     {{CLRNN_FN_AFFINE, 0.5, 0.5}, {CLRNN_FN_ERF, 0, 0}, {CLRNN_FN_AFFINE, HALF_ROOT, 0}}},
    {CLRNN_FN_GELU,
     false,
     4,
     {{CLRNN_FN_AFFINE, 0.5, 0},
      {CLRNN_FN_AFFINE, 1, 1},
      {CLRNN_FN_ERF, 0, 0},
      {CLRNN_FN_AFFINE, HALF_ROOT, 0}}}};

/* --- what there is --------------------------------------------------------------------------- */

/* But for rounding. */
static bool is_near(const clrnn_graph_plan *plan, double a, double b)
{
    const bool wide = plan->graph->precision == CLRNN_F64;
    return fabs(a - b) <= (wide ? 2 * DBL_EPSILON : 2 * (double)FLT_EPSILON) * fabs(b);
}

static bool takes_numbers(clrnn_function function)
{
    return function == CLRNN_FN_AFFINE || function == CLRNN_FN_HARD_SIGMOID;
}

/* Whether node i is this function of something. */
static bool is_link(const clrnn_graph_plan *plan, uint32_t i, const link *l)
{
    const clrnn_node_desc *d = i == CLR_NO_VALUE ? NULL : &plan->nodes[i].node.desc;
    return d && plan->nodes[i].node.kind->is_function && d->function == l->function &&
           (!takes_numbers(l->function) ||
            (is_near(plan, d->alpha, l->alpha) && is_near(plan, d->beta, l->beta)));
}

/* Who makes a value that one node alone reads, once. */
static uint32_t own_maker(const clrnn_graph_plan *plan, uint32_t v)
{
    return clr_plan_only_reader(plan, v) == CLR_NO_VALUE ? CLR_NO_VALUE : plan->values[v].maker;
}

static uint32_t input_of(const clrnn_graph_plan *plan, uint32_t i)
{
    return plan->nodes[i].node.inputs[0];
}

/* The value of which `v` is all links; their nodes. CLR_NO_VALUE: of none. */
static uint32_t begin_of(const clrnn_graph_plan *plan, const composed *row, uint32_t v,
                         uint32_t nodes[MOST_LINKS])
{
    for (uint32_t k = 0; k < row->count; k++) {
        nodes[k] = own_maker(plan, v);
        if (!is_link(plan, nodes[k], &row->links[k]))
            return CLR_NO_VALUE;
        v = input_of(plan, nodes[k]);
    }
    return v;
}

/* --- one in place of them -------------------------------------------------------------------- */

static void become(clrnn_graph_plan *plan, uint32_t i, const composed *row, uint32_t x)
{
    clr_node *node = &plan->nodes[i].node;
    clr_plan_leave_readers(plan, i);
    node->kind = &clr_kind_activation;
    node->desc.kind = CLRNN_NODE_ACTIVATION;
    node->desc.function = row->whole;
    clrnn_function_defaults(row->whole, &node->desc.alpha, &node->desc.beta);
    node->inputs[0] = x;
    node->input_count = 1;
    clr_plan_join_readers(plan, i);
}

/* Node i multiplies x by the links of it: whether it has become one node. */
static bool compose(clrnn_graph_plan *plan, uint32_t i, const composed *row, uint32_t x, uint32_t v)
{
    static const link half = {CLRNN_FN_AFFINE, 0.5, 0};
    uint32_t nodes[MOST_LINKS];
    const uint32_t begin = begin_of(plan, row, v, nodes), y = plan->nodes[i].node.first_value;
    if (begin == CLR_NO_VALUE)
        return false;
    if (!row->half && begin == x) {
        become(plan, i, row, x);
    } else if (row->half && begin == x) {
        const uint32_t last = clr_plan_only_reader(plan, y);
        if (last == CLR_NO_VALUE || !is_link(plan, last, &half))
            return false;
        become(plan, last, row, x);
        clr_plan_leave_out(plan, i);
    } else {
        const uint32_t before = row->half ? own_maker(plan, x) : CLR_NO_VALUE;
        if (!is_link(plan, before, &half) || input_of(plan, before) != begin)
            return false;
        become(plan, i, row, begin);
        clr_plan_leave_out(plan, before);
    }
    for (uint32_t k = 0; k < row->count; k++)
        clr_plan_leave_out(plan, nodes[k]);
    return true;
}

void clr_plan_compose(clrnn_graph_plan *plan)
{
    for (uint32_t i = 0; i < plan->graph->node_count; i++) {
        const clr_node *node = &plan->nodes[i].node;
        bool done = node->desc.kind != CLRNN_NODE_MUL || node->input_count != 2;
        for (uint32_t k = 0; k < 2 * sizeof rows / sizeof *rows && !done; k++)
            done = compose(plan, i, &rows[k / 2], node->inputs[k % 2], node->inputs[1 - k % 2]);
    }
}
