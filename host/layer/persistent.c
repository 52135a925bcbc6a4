/* SPDX-License-Identifier: MIT
 * layer/persistent.c - the strategy that walks many steps in one launch, on CPU devices. */
#include "base/log.h"
#include "device/buffer.h"
#include "layer/plan.h"
#include "math/packed.h"
#include "math/storage.h"

/* Steps of one launch: phases are counted in 32 bits, and a wait in between lets others in. */
enum { most_steps = 1 << 16 };

static const char *refuses(const clrnn_context *context, const clr_network *network)
{
    (void)network;
    if (!(context->info.type & CL_DEVICE_TYPE_CPU))
        return "its kernels are for CPU devices";
    return NULL;
}

/* How many groups run together on this device: asked once for each context. */
static clrnn_status find_together(clrnn_plan *plan)
{
    clrnn_context *context = plan->context;
    clr_lock_take(&context->lock);
    uint32_t together = context->together;
    clr_lock_give(&context->lock);
    if (together)
        return CLRNN_OK;
    clrnn_status status =
        clr_persistent_probe(&plan->persistent, context->info.compute_units, &together);
    if (status != CLRNN_OK)
        return status;
    clr_log(&context->log, CLRNN_LOG_INFO, "%s: %u of %u work-groups run together",
            context->info.name, together, context->info.compute_units);
    clr_lock_take(&context->lock);
    context->together = together;
    clr_lock_give(&context->lock);
    return CLRNN_OK;
}

/* Numbers in the panels of a [k,columns]. */
static size_t panel_numbers(const clrnn_plan *plan, size_t columns, size_t k)
{
    size_t width = plan->persistent.tile_n;
    return (columns + width - 1) / width * width * clr_storage_rows(plan->desc.weights, k);
}

/* Lay out the panels of one cell. */
static void place_panels(const clrnn_plan *plan, clr_panels *p)
{
    const clr_network *n = &plan->network;
    size_t H = n->desc.hidden_size, R = n->state, at = 0;
    bool projected = n->desc.proj_size > 0, train = plan->desc.train;
    p->recurrent = at;
    at += n->gates * panel_numbers(plan, H, R);
    p->projection = at;
    at += projected ? panel_numbers(plan, R, H) : 0;
    p->d_recurrent = at;
    at += train ? panel_numbers(plan, R, (n->reset_before ? 2 : n->gates) * H) : 0;
    p->d_candidate = at;
    at += train && n->reset_before ? panel_numbers(plan, H, H) : 0;
    p->d_projection = at;
    at += train && projected ? panel_numbers(plan, H, R) : 0;
    p->step = at;
}

static clrnn_status init(clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    const clrnn_plan_desc *d = &plan->desc;
    clrnn_status status = clr_persistent_init(plan->context, n, d->precision, d->weights, d->train,
                                              &plan->persistent);
    if (status == CLRNN_OK &&
        !plan->gemms.own) /* panels are packed by our own kernel all the same */
        status = clr_packed_init(plan->context, d->precision, d->weights, &plan->gemms.packed);
    if (status == CLRNN_OK)
        status = find_together(plan);
    if (status == CLRNN_OK) {
        place_panels(plan, &plan->panels);
        size_t bytes = plan->panels.step * plan->weight_bytes;
        status = clr_plan_allocate(plan, &plan->panels.buffer, (uint64_t)n->layers * n->directions,
                                   (bytes + plan->real_bytes - 1) / plan->real_bytes);
    }
    return status;
}

static void release(clrnn_plan *plan)
{
    clr_persistent_free(&plan->persistent);
    clr_buffer_destroy(&plan->panels.buffer);
}

/* Pack [rows,columns] at `offset` of the weights, transposed or not, into panels from `at`. */
static clrnn_status pack_matrix(clrnn_plan *plan, size_t offset, size_t rows, size_t columns,
                                bool transposed, size_t at)
{
    const clr_matrix matrix = {plan->weights.buffer, plan->weights.offset + offset, columns};
    return clr_packed_pack(&plan->gemms.packed, matrix, transposed, transposed ? rows : columns,
                           transposed ? columns : rows, plan->panels.buffer, at);
}

static clrnn_status pack_cell(clrnn_plan *plan, uint32_t layer, uint32_t direction)
{
    const clr_network *n = &plan->network;
    const clr_panels *p = &plan->panels;
    clr_cell_weights w = clr_network_cell(n, layer, direction);
    size_t H = n->desc.hidden_size, R = n->state, columns = (n->reset_before ? 2 : n->gates) * H;
    size_t at = ((size_t)layer * n->directions + direction) * p->step;
    bool projected = n->desc.proj_size > 0, train = plan->desc.train;
    clrnn_status status = CLRNN_OK;
    for (size_t gate = 0; gate < n->gates && status == CLRNN_OK; gate++)
        status = pack_matrix(plan, w.w_hh + gate * H * R, H, R, true,
                             at + p->recurrent + gate * panel_numbers(plan, H, R));
    if (status == CLRNN_OK && projected)
        status = pack_matrix(plan, w.w_hr, R, H, true, at + p->projection);
    if (status == CLRNN_OK && train)
        status = pack_matrix(plan, w.w_hh, columns, R, false, at + p->d_recurrent);
    if (status == CLRNN_OK && train && n->reset_before)
        status = pack_matrix(plan, w.w_hh + columns * R, H, H, false, at + p->d_candidate);
    if (status == CLRNN_OK && train && projected)
        status = pack_matrix(plan, w.w_hr, R, H, false, at + p->d_projection);
    return status;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Whether groups may meet in the next launch. After an overrun some launches go without, twice as
 * many after each further one: a core that others use makes every meeting as long as their turn. */
static bool may_meet(clrnn_context *context)
{
    clr_lock_take(&context->lock);
    bool may = context->apart == 0;
    context->apart -= !may;
    clr_lock_give(&context->lock);
    return may;
}

/* How a launch of some directions is cut. Directions are independent, so they come first; rows are
 * independent too, but each share of rows reads all weights, so rows are cut only while these fit a
 * core's own cache; units have to meet in each step, which small steps are not worth. */
static clr_shares cut(const clrnn_plan *plan, uint32_t directions, uint32_t batch)
{
    const clr_network *n = &plan->network;
    const uint64_t core_cache = 1u << 20, small_step = 1u << 15;
    uint64_t products = (uint64_t)n->gates * n->desc.hidden_size * n->state;
    uint32_t panels = (n->desc.hidden_size + plan->persistent.tile_n - 1) / plan->persistent.tile_n;
    clr_shares s = {.directions = directions, .row_shares = 1, .unit_shares = 1};
    s.most_spins = 1u << 20; /* a few milliseconds: longer waits cost more than working alone */
    if (plan->forced) {
        s = *plan->forced;
        s.directions = directions;
        return s;
    }
    clr_lock_take(&plan->context->lock);
    uint32_t each = plan->context->together / directions;
    clr_lock_give(&plan->context->lock);
    if (each < 2)
        return s;
    if (batch >= 6 * each && products * plan->weight_bytes <= core_cache)
        s.row_shares = each;
    else if (products * batch > small_step && may_meet(plan->context))
        s.unit_shares = smaller(each, panels);
    else if (batch >= each)
        s.row_shares = each;
    return s;
}

/* What forward and backward have in common, for steps begin..end-1 of the directions of a layer. */
static clr_persistent_walk walk_of(const clrnn_plan *plan, const clr_walk *w, uint32_t begin,
                                   uint32_t end)
{
    const clr_network *n = &plan->network;
    const clr_layout *l = w->layout;
    clr_cell_weights cell = clr_network_cell(n, w->layer, w->direction);
    size_t panels = ((size_t)w->layer * n->directions + w->direction) * plan->panels.step;
    size_t bias = plan->weights.offset;
    return (clr_persistent_walk){
        .count = end - begin,
        .batch = l->batch,
        .slots = l->slots,
        .extras = smaller(l->extras, end - begin),
        .lengths = w->lengths,
        .weights = plan->weights.buffer,
        .b_ih = cell.b_ih == CLR_ABSENT ? CLR_ABSENT : bias + cell.b_ih,
        .b_hh = cell.b_hh == CLR_ABSENT ? CLR_ABSENT : bias + cell.b_hh,
        .bias_step = cell.end - cell.w_ih,
        .panels = plan->panels.buffer,
        .recurrent_at = panels + plan->panels.recurrent,
        .projection_at = panels + plan->panels.projection,
        .panels_step = plan->panels.step,
        .d_recurrent_at = panels + plan->panels.d_recurrent,
        .d_candidate_at = panels + plan->panels.d_candidate,
        .d_projection_at = panels + plan->panels.d_projection,
        .store = w->store,
        .gates_at =
            w->store_at + clr_layout_gates(l, n, w->layer, w->direction, begin - w->gates_first),
        .gates_step = l->gates_size,
        .h_at = w->store_at + clr_layout_h(l, n, w->layer, w->direction, 0),
        .h_step = l->h_size,
        .c_at = w->store_at + (n->memory ? clr_layout_c(l, n, w->layer, w->direction, 0) : 0),
        .c_step = l->c_size,
        .extra_at =
            w->store_at +
            (n->extra ? clr_layout_extra(l, n, w->layer, w->direction, begin - w->gates_first) : 0),
        .extra_step = l->extra_size,
        .y = w->y.buffer,
        .y_stride = w->y_stride};
}

static size_t y_of(const clr_walk *w, uint32_t begin)
{
    return w->y.offset + (size_t)(begin - w->y_first) * w->layout->batch * w->y_stride;
}

static clrnn_status forward(clrnn_plan *plan, const clr_walk *walks, size_t count)
{
    const clr_walk *w = walks;
    const clr_shares shares = cut(plan, (uint32_t)count, w->layout->batch);
    uint32_t total = w->end - w->begin;
    clrnn_status status = CLRNN_OK;
    for (uint32_t done = 0; done < total && status == CLRNN_OK;) {
        uint32_t steps = smaller(total - done, most_steps);
        uint32_t begin = w->begin + done;
        clr_persistent_walk p = walk_of(plan, w, begin, begin + steps);
        p.first_t[0] = begin;
        p.y_at[0] = y_of(w, begin);
        if (count == 2) {
            /* The backward direction begins at its end. */
            uint32_t first = walks[1].end - done - steps;
            size_t step =
                (size_t)w->layout->batch * plan->network.gates * plan->network.desc.hidden_size;
            p.first_t[1] = first;
            p.y_at[1] = y_of(&walks[1], first);
            p.gates_step +=
                (first - walks[1].gates_first) * step - (size_t)(begin - w->gates_first) * step;
            p.extra_step +=
                clr_layout_extra(w->layout, &plan->network, w->layer, 1,
                                 first - walks[1].gates_first) -
                clr_layout_extra(w->layout, &plan->network, w->layer, 1, begin - w->gates_first);
        }
        plan->panels.met |= shares.unit_shares > 1;
        status = clr_persistent_forward(&plan->persistent, &p, &shares);
        done += steps;
    }
    return status;
}

static clrnn_status backward(clrnn_plan *plan, const clr_walk *w)
{
    const clr_shares shares = cut(plan, 1, w->layout->batch);
    clr_persistent_walk p = walk_of(plan, w, w->begin, w->end);
    p.y_at[0] = y_of(w, w->begin);
    p.down = w->direction == 1;
    p.dh = plan->dh;
    p.dc = plan->dc;
    p.dproj = plan->dproj;
    p.da = plan->da;
    p.du = plan->du;
    plan->panels.met |= shares.unit_shares > 1;
    return clr_persistent_backward(&plan->persistent, &p, &shares);
}

static void notice(clrnn_plan *plan)
{
    const uint32_t first = 16, most = 4096;
    clrnn_context *context = plan->context;
    uint32_t repairs = 0;
    if (!plan->panels.met)
        return;
    plan->panels.met = false;
    if (clr_persistent_repairs(&plan->persistent, &repairs) != CLRNN_OK ||
        repairs == plan->panels.repairs)
        return;
    clr_lock_take(&context->lock);
    context->apart_last = context->apart_last ? smaller(2 * context->apart_last, most) : first;
    uint32_t apart = context->apart = context->apart_last;
    clr_lock_give(&context->lock);
    clr_log(
        &context->log, CLRNN_LOG_INFO,
        "%s: in %u launches work-groups waited for one another in vain, as when other programs use "
        "the cores; the results are right; groups do not meet in the next %u launches",
        context->info.name, repairs - plan->panels.repairs, apart);
    plan->panels.repairs = repairs;
}

const clr_strategy clr_strategy_persistent = {
    .name = "persistent",
    .id = CLRNN_STRATEGY_PERSISTENT,
    .reason = "on a CPU device one launch for many steps is faster than two for each",
    .refuses = refuses,
    .init = init,
    .release = release,
    .pack = pack_cell,
    .forward = forward,
    .backward = backward,
    .notice = notice};
