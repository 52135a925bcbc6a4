/* SPDX-License-Identifier: MIT
 * tests/graph/test_drawn_streams.c - rows of streams of graphs drawn at random, which join, leave
 * and begin anew at any block, some of few rows and some of 64: each to the bit what it is in a
 * stream of its own, cut in another way.
 *
 * usage: test_drawn_streams [FIRST COUNT]    the seeds to draw; a failing one is printed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include <clrnn/graph_stream.h>

#include "drawn.h"

static uint64_t first = 1;
static uint32_t count = 1000;

enum { BLOCK = 7, BLOCKS = 12, MOST = BLOCK * BLOCKS, ENDS = 8 };

/* An input or output: its shape in a block of T steps and N rows, and what of a row's step lies
 * together in what the row remembers. */
typedef struct end {
    const char *name;
    clr_shape shape;
    size_t width, bytes; /* elements of a row and step; of an element */
} end;

typedef struct game {
    const drawn_graph *d;
    clrnn_graph_stream *stream, *alone;
    uint32_t rows, input_count, output_count;
    end inputs[ENDS], outputs[ENDS];
    char *given[ENDS], *made[ENDS]; /* of the block of all rows */
    char *own_given[ENDS], *own_made[ENDS];
    char *x[ENDS],
        *y[ENDS]; /* [rows][MOST][width] since each began anew; without T [rows][width] */
    uint32_t *done, *lengths;
    drawn_numbers r;
} game;

static end end_of(const clrnn_graph *g, const clr_graph_reference *r, const char *name, uint32_t v)
{
    const clr_shape *s = &r->shapes[v];
    end e = {.name = name, .shape = *s, .width = 1};
    for (uint32_t i = 0; i < s->rank; i++)
        if ((int32_t)i != s->steps && (int32_t)i != s->batch)
            e.width *= (size_t)s->size[i];
    e.bytes = s->ids || g->precision == CLRNN_F32 ? 4 : 8;
    return e;
}

/* Between the array of a block of T steps of N rows, and steps from..from+T-1 of what row n of a
 * `history` is; in the block it is row `at`. */
static void move(const end *e, char *block, uint32_t T, uint32_t N, uint32_t at, char *history,
                 size_t from, uint32_t steps, bool to_history)
{
    clr_shape s = e->shape;
    size_t unit = 0;
    if (s.steps != CLR_NO_AXIS)
        s.size[s.steps] = T;
    if (s.batch != CLR_NO_AXIS)
        s.size[s.batch] = N;
    for (size_t i = 0; i < clr_shape_count(&s); i++) {
        const size_t t = s.steps == CLR_NO_AXIS ? 0
                                                : i / clr_shape_stride(&s, (uint32_t)s.steps) %
                                                      (size_t)s.size[s.steps];
        const size_t n = s.batch == CLR_NO_AXIS ? at
                                                : i / clr_shape_stride(&s, (uint32_t)s.batch) %
                                                      (size_t)s.size[s.batch];
        size_t rest = i, stride = 1;
        unit = 0;
        for (uint32_t k = s.rank; k-- > 0; rest /= (size_t)s.size[k])
            if ((int32_t)k != s.steps && (int32_t)k != s.batch) {
                unit += rest % (size_t)s.size[k] * stride;
                stride *= (size_t)s.size[k];
            }
        char *kept = history + ((from + t) * e->width + unit) * e->bytes;
        if (n == at && t < steps)
            memcpy(to_history ? kept : block + i * e->bytes,
                   to_history ? block + i * e->bytes : kept, e->bytes);
    }
}

static void put(drawn_numbers *r, const end *e, char *at)
{
    const double number = draw_real(r);
    const int32_t id = (int32_t)draw_below(r, 5);
    const float narrow = (float)number;
    if (e->shape.ids)
        memcpy(at, &id, 4);
    else if (e->bytes == 4)
        memcpy(at, &narrow, 4);
    else
        memcpy(at, &number, 8);
}

static void process(const game *g, clrnn_graph_stream *stream, uint32_t T, const uint32_t *lengths,
                    char *const given[ENDS], char *const made[ENDS])
{
    clrnn_graph_source in[ENDS];
    clrnn_graph_sink out[ENDS];
    for (uint32_t i = 0; i < g->input_count; i++)
        in[i] = (clrnn_graph_source){g->inputs[i].name, given[i]};
    for (uint32_t i = 0; i < g->output_count; i++)
        out[i] = (clrnn_graph_sink){g->outputs[i].name, made[i]};
    const clrnn_graph_io io = {.steps = T,
                               .lengths = lengths,
                               .inputs = in,
                               .outputs = out,
                               .input_count = g->input_count,
                               .output_count = g->output_count};
    if (clrnn_graph_stream_process(stream, &io) == CLRNN_OK)
        return;
    drawn_print(g->d);
    fail_msg("seed %llu: %s", (unsigned long long)g->d->seed, test_last_error);
}

static size_t row_bytes(const end *e)
{
    return (e->shape.steps == CLR_NO_AXIS ? 1 : MOST) * e->width * e->bytes;
}

/* What row n was given since it began, through the stream of one row in other blocks. */
static void check_row(game *g, uint32_t n)
{
    assert_int_equal(clrnn_graph_stream_reset(g->alone, 0), CLRNN_OK);
    for (uint32_t t = 0, T; t < g->done[n]; t += T) {
        T = 1 + draw_below(&g->r, BLOCK);
        T = T < g->done[n] - t ? T : g->done[n] - t;
        for (uint32_t i = 0; i < g->input_count; i++)
            move(&g->inputs[i], g->own_given[i], T, 1, 0, g->x[i] + n * row_bytes(&g->inputs[i]),
                 g->inputs[i].shape.steps == CLR_NO_AXIS ? 0 : t, T, false);
        process(g, g->alone, T, NULL, g->own_given, g->own_made);
        for (uint32_t i = 0; i < g->output_count; i++) {
            const end *e = &g->outputs[i];
            char again[BLOCK * 64 * 8];
            if (e->shape.steps == CLR_NO_AXIS || e->shape.batch == CLR_NO_AXIS)
                continue;
            assert_true(e->width <= 64);
            move(e, g->own_made[i], T, 1, 0, again, 0, T, true);
            if (memcmp(again, g->y[i] + n * row_bytes(e) + t * e->width * e->bytes,
                       T * e->width * e->bytes) == 0)
                continue;
            drawn_print(g->d);
            fail_msg("seed %llu: output %s of row %u has other bits alone, in steps %u to %u of %u",
                     (unsigned long long)g->d->seed, e->name, n, t, t + T - 1, g->done[n]);
        }
    }
    g->done[n] = 0;
}

/* A block for those who are here, some of them with fewer steps than others. */
static void play(game *g, const bool *here)
{
    const uint32_t T = 1 + draw_below(&g->r, BLOCK);
    for (uint32_t n = 0; n < g->rows; n++)
        g->lengths[n] = !here[n] ? 0 : draw_below(&g->r, 4) ? T : draw_below(&g->r, T + 1);
    for (uint32_t i = 0; i < g->input_count; i++) {
        end *e = &g->inputs[i];
        clr_shape s = e->shape;
        if (s.steps != CLR_NO_AXIS)
            s.size[s.steps] = T;
        for (size_t k = 0; k < clr_shape_count(&s) && s.steps != CLR_NO_AXIS; k++)
            put(&g->r, e, g->given[i] + k * e->bytes); /* also past lengths, where nobody looks */
    }
    process(g, g->stream, T, g->lengths, g->given, g->made);
    for (uint32_t n = 0; n < g->rows; n++) {
        for (uint32_t i = 0; i < g->input_count; i++)
            if (g->inputs[i].shape.steps != CLR_NO_AXIS)
                move(&g->inputs[i], g->given[i], T, g->rows, n,
                     g->x[i] + n * row_bytes(&g->inputs[i]), g->done[n], g->lengths[n], true);
        for (uint32_t i = 0; i < g->output_count; i++)
            if (g->outputs[i].shape.steps != CLR_NO_AXIS &&
                g->outputs[i].shape.batch != CLR_NO_AXIS)
                move(&g->outputs[i], g->made[i], T, g->rows, n,
                     g->y[i] + n * row_bytes(&g->outputs[i]), g->done[n], g->lengths[n], true);
        g->done[n] += g->lengths[n];
    }
}

static void make_ends(game *g, const clr_graph_reference *r)
{
    const clrnn_graph *graph = g->d->graph;
    g->input_count = graph->input_count;
    g->output_count = graph->output_count;
    for (uint32_t i = 0; i < g->input_count + g->output_count; i++) {
        const bool in = i < g->input_count;
        const uint32_t k = in ? i : i - g->input_count;
        end *e = in ? &g->inputs[k] : &g->outputs[k];
        *e = in ? end_of(graph, r, graph->values[graph->inputs[k]].name, graph->inputs[k])
                : end_of(graph, r, graph->outputs[k].name, graph->outputs[k].value);
        const size_t bytes = clr_shape_count(&e->shape) * 8 + 8;
        *(in ? &g->given[k] : &g->made[k]) = calloc(bytes, 1);
        *(in ? &g->own_given[k] : &g->own_made[k]) = calloc(bytes, 1);
        *(in ? &g->x[k] : &g->y[k]) = calloc(g->rows + 1, row_bytes(e));
        for (size_t a = 0; in && e->shape.steps == CLR_NO_AXIS && a < clr_shape_count(&e->shape);
             a++)
            put(&g->r, e, g->given[k] + a * e->bytes); /* the same in all blocks */
        for (uint32_t n = 0; in && e->shape.steps == CLR_NO_AXIS && n < g->rows; n++)
            move(e, g->given[k], 1, g->rows, n, g->x[k] + n * row_bytes(e), 0, 1, true);
    }
}

static void end_game(game *g)
{
    for (uint32_t i = 0; i < ENDS; i++) {
        char *all[] = {g->given[i], g->made[i], g->own_given[i], g->own_made[i], g->x[i], g->y[i]};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
    }
    free(g->done);
    free(g->lengths);
    clrnn_graph_stream_destroy(&g->stream);
    clrnn_graph_stream_destroy(&g->alone);
}

/* Whether a node reads states after a block, which are others where it is cut otherwise. */
static bool reads_states(const clrnn_graph *g)
{
    bool reads = false;
    for (uint32_t i = 0; i < g->node_count; i++)
        for (uint32_t k = 0; k < g->nodes[i].input_count; k++) {
            const uint32_t v = g->nodes[i].inputs[k];
            reads = reads || (v != CLR_NO_VALUE && g->values[v].node != CLR_NO_VALUE &&
                              v != g->nodes[g->values[v].node].first_value);
        }
    return reads;
}

/* Whether it was one that streams, of rows that do not know each other. */
static bool through(clrnn_context *context, const drawn_graph *d)
{
    game g = {.d = d, .r = {d->seed ^ 0x57AE}};
    clr_graph_reference r;
    clrnn_graph_stream_desc desc = {.max_steps = BLOCK, .gemm = CLRNN_GEMM_PACKED};
    bool here[64] = {false};
    g.rows = draw_below(&g.r, 10) ? 1 + draw_below(&g.r, 5) : 64;
    desc.rows = g.rows;
    if (!drawn_by_rows(d) || reads_states(d->graph) ||
        clrnn_graph_stream_create(context, d->graph, &desc, &g.stream) != CLRNN_OK)
        return false;
    desc.rows = 1;
    assert_int_equal(clrnn_graph_stream_create(context, d->graph, &desc, &g.alone), CLRNN_OK);
    assert_int_equal(clr_graph_reference_make(d->graph, BLOCK, g.rows, NULL, &r), CLRNN_OK);
    make_ends(&g, &r);
    clr_graph_reference_free(&r);
    g.done = calloc(g.rows, sizeof *g.done);
    g.lengths = calloc(g.rows, sizeof *g.lengths);
    for (int block = 0; block < BLOCKS; block++) {
        for (uint32_t n = 0; n < g.rows; n++) {
            here[n] = block == 0 || draw_below(&g.r, 5) == 0 ? draw_below(&g.r, 3) > 0 : here[n];
            if (draw_below(&g.r, 10) > 0)
                continue;
            check_row(&g, n);
            assert_int_equal(clrnn_graph_stream_reset(g.stream, n), CLRNN_OK);
        }
        play(&g, here);
    }
    for (uint32_t n = 0; n < g.rows; n++)
        check_row(&g, n);
    end_game(&g);
    return true;
}

/* Of the usual seeds what keeps a state must have been among them. */
static void test_drawn(void **state)
{
    static const clrnn_node_kind kept[] = {CLRNN_NODE_RECURRENT, CLRNN_NODE_CONV1D, CLRNN_NODE_EMA};
    uint32_t seen[CLRNN_NODE_KINDS] = {0}, streams = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t seed = first + i;
        drawn_graph d = draw_graph(seed, seed % 2 ? CLRNN_F64 : CLRNN_F32, 5,
                                   seed % 4 < 3 ? kept[seed % 4] : CLRNN_NODE_KINDS);
        const bool some = through(*state, &d);
        for (uint32_t k = 0; k < d.graph->node_count && some; k++)
            seen[d.graph->nodes[k].desc.kind]++;
        streams += some;
        drawn_free(&d);
    }
    for (uint32_t k = 0; k < 3 && count >= 1000 && test_has(*state, TEST_DOUBLES); k++)
        if (seen[kept[k]] < 10)
            fail_msg("of %u graphs %u are streams, %u with a node of kind %s", count, streams,
                     seen[kept[k]], clrnn_node_kind_name(kept[k]));
}

int main(int argc, char **argv)
{
    (void)drawn_arguments(argc, argv, &first, &count);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_drawn, test_open, test_close)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
