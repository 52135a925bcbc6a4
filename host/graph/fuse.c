/* SPDX-License-Identifier: MIT
 * graph/fuse.c - what a plan that does not train spares itself. A function is taken by the node
 * that makes what it is taken of. A value that is another one seen in other places (a transpose, a
 * slice, a reshape) is not made where all who read it can read it there.
 *
 * Functions are taken, too, of what is only seen in other places on the way; and a node whose
 * result others turn makes it as they turn it.
 *
 * What is combined again is combined at once. Functions that are several nodes: graph/compose.c;
 * what weights can do as well: graph/fold.c; layers of a stack: graph/stack.c.
 *
 * Which kinds can is said by their rows: takes_function, is_function, view, strided, in_any_order,
 * turns.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/context.h"
#include "graph/behind.h"
#include "graph/infer.h"
#include "graph/plan.h"

void clr_plan_take_nodes(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t i = 0; i < g->node_count; i++) {
        plan->nodes[i].node = g->nodes[i];
        plan->nodes[i].leader = plan->nodes[i].twin = plan->nodes[i].into = CLR_NO_VALUE;
    }
    for (uint32_t v = 0; v < g->value_count; v++) {
        plan->values[v].maker = g->values[v].node;
        plan->values[v].of = CLR_NO_VALUE;
    }
    for (uint32_t i = 0; i < g->node_count; i++)
        clr_plan_join_readers(plan, i);
}

/* --- functions ------------------------------------------------------------------------------- */

static void take_function(clrnn_graph_plan *plan, const clr_shape *shapes, uint32_t i)
{
    clr_node *node = &plan->nodes[i].node;
    clr_behind behind;
    if (plan->nodes[i].silent || !node->kind->takes_function ||
        node->desc.function != CLRNN_FN_IDENTITY || !clr_plan_behind(plan, shapes, i, &behind) ||
        !plan->nodes[behind.reader].node.kind->is_function)
        return;
    const clr_node *taken = &plan->nodes[behind.reader].node;
    node->desc.function = taken->desc.function;
    node->desc.alpha = taken->desc.alpha;
    node->desc.beta = taken->desc.beta;
    clr_plan_make_behind(plan, &behind);
    plan->nodes[behind.reader].silent = plan->nodes[behind.reader].taken = true;
}

/* --- views ----------------------------------------------------------------------------------- */

/* All values for one T and N: their shapes, how they lie, and what is combined of them where they
 * are read. */
typedef struct sight {
    clr_shape *shapes;
    clr_strides *views;
    map_terms *terms;
    uint64_t T, N;
} sight;

/* Whether everybody who reads a value can where it lies like this. */
static bool all_can_read(const clrnn_graph_plan *plan, uint32_t v, const clr_shape *shape,
                         const clr_strides *view)
{
    if (clr_strides_are_flat(view, shape))
        return true;
    const uint32_t maker = plan->graph->values[v].node;
    uint32_t readers = plan->values[v].readers;
    for (uint32_t i = maker == CLR_NO_VALUE ? 0 : maker + 1; readers > 0; i++) {
        const clr_node *node = &plan->nodes[i].node;
        for (uint32_t k = 0; k < node->input_count; k++) {
            if (node->inputs[k] == v && !(node->kind->strided >> k & 1))
                return false;
            readers -= node->inputs[k] == v;
        }
    }
    return true;
}

/* What is past the lengths of y must be 0 in x too. */
static bool same_lengths(const clr_shape *x, const clr_shape *y)
{
    return y->lengths == CLR_ALL_STEPS || y->lengths == x->lengths;
}

/* Whether what turns a value, that lies like this, alone reads it and gives it to a node for which
 * it must lie row-major. */
static bool is_turned_again(const clrnn_graph_plan *plan, uint32_t v, const sight *s,
                            clr_strides view)
{
    for (;;) {
        const uint32_t reader = clr_plan_only_reader(plan, v);
        if (reader == CLR_NO_VALUE)
            return false;
        const clr_node *node = &plan->nodes[reader].node;
        if (!node->kind->view)
            return node->inputs[0] == v && !(node->kind->strided & 1) &&
                   clr_strides_are_flat(&view, &s->shapes[v]);
        if (node->inputs[0] != v || !same_lengths(&s->shapes[v], &s->shapes[node->first_value]) ||
            !clr_plan_see_through(node, s->shapes, &view))
            return false;
        v = node->first_value;
    }
}

/* How the present node's y lies, if it is turned. */
static clr_strides turned(clrnn_graph_plan *plan, uint32_t i, const clr_shape *shapes, bool *turns)
{
    const clr_node *node = &plan->nodes[i].node;
    const clr_run run = {.tools = &plan->tools,
                         .node = node,
                         .stream = plan->stream,
                         .in = {shapes[node->inputs[0]]},
                         .out = {shapes[node->first_value]}};
    clr_strides view = clr_strides_of(&run.out[0]);
    *turns = node->kind->turns(&run, &view);
    return view;
}

static void take_turn(clrnn_graph_plan *plan, uint32_t i, sight *s)
{
    clr_node_place *place = &plan->nodes[i];
    const uint32_t y = place->node.first_value;
    if (place->silent || !place->node.kind->turns || plan->values[y].is_output)
        return;
    const clr_strides view = turned(plan, i, s->shapes, &place->turned);
    place->turned = place->turned && is_turned_again(plan, y, s, view);
    if (place->turned)
        s->views[y] = view;
}

/* The value that has a place, of which this one is seen. */
static uint32_t root_of(const clrnn_graph_plan *plan, uint32_t v)
{
    return plan->values[v].of == CLR_NO_VALUE ? v : plan->values[v].of;
}

static void take_view(clrnn_graph_plan *plan, uint32_t i, sight *s)
{
    clr_node_place *place = &plan->nodes[i];
    const clr_node *node = &place->node;
    if (place->silent || !node->kind->view || plan->values[node->first_value].is_output)
        return;
    const uint32_t x = node->inputs[0], y = node->first_value;
    clr_strides view = s->views[x];
    if (!same_lengths(&s->shapes[x], &s->shapes[y]) ||
        !clr_plan_see_through(node, s->shapes, &view) ||
        !all_can_read(plan, y, &s->shapes[y], &view))
        return;
    s->views[y] = view;
    s->terms[y] = s->terms[x];
    plan->values[y].of = root_of(plan, x);
    place->silent = true;
}

/* --- terms -----------------------------------------------------------------------------------
 * The largest of parts of an array, of which the largest is taken again, as of a window by one axis
 * and then the other, is the largest of all these parts: it is computed where it is read, as one.
 */

/* Whether the shape has T and N whole, and all else fixed: so for every T and N the same as another
 * one that is like it now. */
static bool is_sure(const clrnn_graph_plan *plan, uint32_t v, const sight *s)
{
    const clr_shape *shape = &s->shapes[v];
    const clr_value *value = &plan->graph->values[v];
    for (uint32_t i = 0; i < shape->rank; i++)
        if (shape->size[i] != ((int32_t)i == shape->steps   ? s->T
                               : (int32_t)i == shape->batch ? s->N
                                                            : value->other.size[i]))
            return false;
    return true;
}

static bool are_alike(const clr_shape *a, const clr_shape *b)
{
    return a->rank == b->rank && a->steps == b->steps && a->batch == b->batch &&
           a->lengths == b->lengths && memcmp(a->size, b->size, a->rank * sizeof *a->size) == 0;
}

/* Whether a node combines parts of one array that lie alike. */
static bool can_join(const clrnn_graph_plan *plan, const clr_node *node, const sight *s)
{
    const uint32_t a = node->inputs[0], b = node->inputs[1];
    return node->kind->in_any_order && root_of(plan, a) == root_of(plan, b) &&
           are_alike(&s->shapes[a], &s->shapes[b]) && is_sure(plan, a, s) && is_sure(plan, b, s) &&
           memcmp(s->views[a].stride, s->views[b].stride,
                  s->shapes[a].rank * sizeof s->views[a].stride[0]) == 0 &&
           s->terms[a].count + s->terms[b].count <= MAP_TERMS;
}

static void join(const clr_node *node, clr_strides *views, map_terms *terms)
{
    const uint32_t a = node->inputs[0], b = node->inputs[1], y = node->first_value;
    views[y] = views[a];
    terms[y] = clr_terms_joined(&terms[a], &terms[b], views[b].begin - views[a].begin);
}

static void take_terms(clrnn_graph_plan *plan, uint32_t i, sight *s)
{
    clr_node_place *place = &plan->nodes[i];
    const clr_node *node = &place->node;
    const uint32_t y = node->first_value;
    if (place->silent || place->whole || !node->kind->in_any_order ||
        node->desc.function != CLRNN_FN_IDENTITY || plan->values[y].is_output ||
        !can_join(plan, node, s))
        return;
    if (!all_can_read(plan, y, &s->shapes[y], &s->views[node->inputs[0]]))
        return;
    join(node, s->views, s->terms);
    plan->values[y].of = root_of(plan, node->inputs[0]);
    place->silent = true;
}

/* Whether who reads a value of some terms combines them with its own. */
static bool is_joined(const clrnn_graph_plan *plan, uint32_t v, clrnn_node_kind kind,
                      const sight *s)
{
    for (uint32_t i = 0; i < plan->graph->node_count; i++) {
        const clr_node *node = &plan->nodes[i].node;
        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] == v && !(node->desc.kind == kind && can_join(plan, node, s)) &&
                !(node->kind->view && plan->nodes[i].silent &&
                  is_joined(plan, node->first_value, kind, s)))
                return false;
    }
    return true;
}

/* The first node whose terms somebody cannot combine is to be whole, or all of them: whether there
 * was one. (With one made another may be combined that could not before.) */
static bool find_whole(clrnn_graph_plan *plan, const sight *s, bool all)
{
    bool found = false;
    for (uint32_t i = 0; i < plan->graph->node_count && (all || !found); i++) {
        const clr_node *node = &plan->nodes[i].node;
        if (node->kind->in_any_order && plan->values[node->first_value].of != CLR_NO_VALUE &&
            !is_joined(plan, node->first_value, node->desc.kind, s))
            found = plan->nodes[i].whole = true;
    }
    return found;
}

/* As if nothing had been seen. */
static void forget(clrnn_graph_plan *plan, sight *s)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t i = 0; i < g->node_count; i++)
        if (plan->values[plan->nodes[i].node.first_value].of != CLR_NO_VALUE)
            plan->nodes[i].silent = plan->nodes[i].taken;
    for (uint32_t v = 0; v < g->value_count; v++) {
        plan->values[v].of = CLR_NO_VALUE;
        s->views[v] = clr_strides_of(&s->shapes[v]);
        s->terms[v] = (map_terms){.count = 1};
    }
}

/* What holds for any T and N: while these are primes that no number is like, or 1 where the plan
 * has no others. */
static bool look(clrnn_graph_plan *plan, sight *s, clr_length_rule *rules)
{
    const clrnn_log silent = {0};
    s->T = plan->desc.max_steps == 1 ? 1 : CLR_PROBE_STEPS;
    s->N = plan->desc.max_batch == 1 ? 1 : CLR_PROBE_BATCH;
    return clr_infer_all(plan->graph, &silent, s->T, s->N, s->shapes, rules) == CLRNN_OK;
}

static void take_views(clrnn_graph_plan *plan, sight *s)
{
    const clrnn_graph *g = plan->graph;
    uint32_t tries = 0;
    const uint32_t patient = 16;
    do {
        forget(plan, s);
        for (uint32_t i = 0; i < g->node_count; i++) {
            take_turn(plan, i, s);
            take_view(plan, i, s);
            take_terms(plan, i, s);
        }
    } while (find_whole(plan, s, ++tries >= patient));
}

clrnn_status clr_plan_fuse(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    if (plan->desc.train)
        return CLRNN_OK;
    sight s = {.shapes = clr_calloc(g->value_count, sizeof *s.shapes),
               .views = clr_calloc(g->value_count, sizeof *s.views),
               .terms = clr_calloc(g->value_count, sizeof *s.terms)};
    clr_length_rule *rules = clr_calloc((size_t)g->node_count + 1, sizeof *rules);
    const bool there = s.shapes && s.views && s.terms && rules;
    const bool seen = there && look(plan, &s, rules);
    if (there)
        clr_plan_compose(plan);
    for (uint32_t i = 0; i < g->node_count && there; i++) {
        clr_plan_fold(plan, seen ? s.shapes : NULL, i);
        clr_plan_stack(plan, seen ? s.shapes : NULL, i);
        take_function(plan, seen ? s.shapes : NULL, i);
    }
    if (there)
        clr_plan_leave_constants(plan);
    if (seen)
        take_views(plan, &s);
    free(s.shapes);
    free(s.views);
    free(s.terms);
    free(rules);
    return there ? CLRNN_OK
                 : clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "graph plan: out of memory");
}

void clr_plan_see(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t v = 0; v < g->value_count; v++) {
        plan->strides[v] = clr_strides_of(&plan->shapes[v]);
        plan->terms[v] = (map_terms){.count = 1};
    }
    for (uint32_t i = 0; i < g->node_count; i++) {
        const clr_node *node = &plan->nodes[i].node;
        const uint32_t x = node->inputs[0], y = node->first_value;
        bool turns = false;
        if (plan->nodes[i].turned)
            plan->strides[y] = turned(plan, i, plan->shapes, &turns);
        if (plan->values[y].of == CLR_NO_VALUE || plan->nodes[i].taken)
            continue;
        if (node->kind->in_any_order) {
            join(node, plan->strides, plan->terms);
            continue;
        }
        plan->strides[y] = plan->strides[x];
        plan->terms[y] = plan->terms[x];
        (void)clr_plan_see_through(node, plan->shapes, &plan->strides[y]);
    }
}
