/* SPDX-License-Identifier: MIT
 * tests/layer/test_real_time.c - what the native device promises to who plays sound: a block of one
 * group is computed in the caller's thread without allocating memory, without calling the system,
 * without lock and without asking for the time; so are states that are set, read and reset. */
#include "counted.h"
#include "support.h"

#include <stdio.h>

#ifndef COUNTED

int main(void)
{
    printf("counts system calls as Linux with glibc has them: skipped\n");
    return 77;
}

#else

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <clrnn/stream.h>

#include "device/context.h"
#include "device/native.h"
#include "layer/partitions.h"

/* --- a stream ----------------------------------------------------------------------------- */

typedef struct work {
    const char *name;
    clrnn_network_desc network;
    uint32_t batch, threads;
    clrnn_precision precision;
    clrnn_storage weights;
    clrnn_strategy strategy;
} work;

enum { T = 64 }; /* of the largest block */

static void must(clrnn_status status, const char *what)
{
    if (status != CLRNN_OK)
        give_up(what);
}

/* `count` numbers in the precision of the work. */
static void *numbers(const work *w, size_t count, uint64_t seed)
{
    double *from = test_random(count, seed, 0.4);
    void *to = calloc(count + 1, sizeof(double));
    for (size_t i = 0; to && i < count; i++)
        if (w->precision == CLRNN_F64)
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
    free(from);
    return to;
}

/* Everything that one does with a stream, between its creation and its end. */
typedef struct play {
    clrnn_stream *stream;
    const char *x, *h, *c;
    char *y, *hn, *cn; /* what comes of it: y of all blocks, and the last states */
    size_t x_step, y_step;
    bool good;
} play;

static void play_all(play *p)
{
    static const uint32_t blocks[] = {T, 1, 17, T};
    size_t t = 0;
    bool good = clrnn_stream_reset(p->stream) == CLRNN_OK;
    for (size_t i = 0; i < COUNT(blocks); t += blocks[i++]) {
        good = good && clrnn_stream_process(p->stream, p->x + t * p->x_step, blocks[i],
                                            p->y + t * p->y_step) == CLRNN_OK;
        if (i == 1)
            good = good && clrnn_stream_set_state(p->stream, p->h, p->c) == CLRNN_OK;
    }
    p->good = good && clrnn_stream_get_state(p->stream, p->hn, p->cn) == CLRNN_OK;
}

static void *play_in_thread(void *p)
{
    play_all(p);
    return NULL;
}

#ifdef SANITIZED
enum { stack_size = 1 << 20 };
#else
enum { stack_size = 64 << 10 }; /* clrnn/stream.h says that it is enough */
#endif

static void play_on_small_stack(play *p)
{
    pthread_attr_t attributes;
    pthread_t thread = pthread_self();
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstacksize(&attributes, stack_size) != 0 ||
        pthread_create(&thread, &attributes, play_in_thread, p) != 0)
        give_up("no thread");
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

/* In a process of its own: play twice, the second time counted; the results must be the same. */
static void child(const void *data)
{
    const work *w = data;
    const clrnn_context_desc desc = {
        .log = test_log, .device = "native", .cache_dir = "", .threads = w->threads};
    clrnn_context *context = NULL;
    clrnn_plan *plan = NULL;
    clr_network n;
    enum { STEPS = T + 1 + 17 + T };
    const size_t element = w->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
    alarm(300);
    must(clrnn_context_create(&desc, &context), "context");
    must(clr_network_init(&w->network, &test_log, &n), "network");
    must(clrnn_plan_create(context,
                           &(clrnn_plan_desc){.network = w->network,
                                              .max_steps = T,
                                              .max_batch = w->batch,
                                              .precision = w->precision,
                                              .weights = w->weights,
                                              .strategy = w->strategy},
                           &plan),
         "plan");
    must(clrnn_plan_set_weights_host(plan, numbers(w, n.weights, 1)), "weights");
    const size_t h = n.layers * w->batch * n.state_size,
                 c = n.has_cell_state ? n.layers * w->batch * n.desc.hidden_size : 0;
    play p[2];
    for (int i = 0; i < 2; i++) {
        p[i] = (play){.x_step = w->batch * n.desc.input_size * element,
                      .y_step = w->batch * n.state_size * element};
        p[i].x = numbers(w, STEPS * w->batch * n.desc.input_size, 2);
        p[i].h = numbers(w, h, 3);
        p[i].c = c ? numbers(w, c, 4) : NULL;
        p[i].y = numbers(w, STEPS * w->batch * n.state_size, 5);
        p[i].hn = numbers(w, h, 6);
        p[i].cn = c ? numbers(w, c, 7) : NULL;
        must(clrnn_stream_create(plan, &p[i].stream), "stream");
    }
    play_on_small_stack(&p[0]);
    begin_counting();
    shared->filtered = filter_calls();
    watched = true;
    play_all(&p[1]);
    watched = false;
    if (!p[0].good || !p[1].good)
        give_up("a call failed");
    if (memcmp(p[0].y, p[1].y, STEPS * p[0].y_step) != 0 ||
        memcmp(p[0].hn, p[1].hn, h * element) != 0 ||
        (c && memcmp(p[0].cn, p[1].cn, c * element) != 0))
        give_up("other results");
    shared->done = true;
    _exit(0);
}

static void check(const work *w)
{
    found f;
    const bool filtered = counted_run(child, w, w->name, &f);
    counted_none(&f, filtered, w->name, w->threads);
}

/* --- cases -------------------------------------------------------------------------------- */

/* With one thread, and with more than the work needs. */
static void check_both(work w)
{
    for (w.threads = 1; w.threads <= 4; w.threads += 3)
        check(&w);
}

static void every_form(void **state)
{
    (void)state;
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (int precision = 0; precision < 2; precision++)
            check_both((work){.name = test_forms[form].name,
                              .network = test_sized_form(form, 3, 24, 8),
                              .batch = 1,
                              .precision = (clrnn_precision)precision});
}

static const clrnn_cell cells[] = {CLRNN_CELL_RNN, CLRNN_CELL_LSTM, CLRNN_CELL_GRU};

/* Widths that are sold, and none that a register divides. */
static void widths(void **state)
{
    static const uint32_t all[] = {1, 8, 13, 40, 64, 100};
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t cell = 0; cell < COUNT(cells); cell++)
            check_both(
                (work){.name = "one layer",
                       .network = {.cell = cells[cell], .input_size = 1, .hidden_size = all[i]},
                       .batch = all[i] < 64 ? 1 + (uint32_t)i % 2 : 1});
}

static void stored_weights(void **state)
{
    (void)state;
    for (int storage = CLRNN_WEIGHTS_F16; storage <= CLRNN_WEIGHTS_INT8; storage++)
        for (size_t cell = 0; cell < COUNT(cells); cell++)
            check_both((work){.name = "weights in fewer bits",
                              .network = {.cell = cells[cell], .input_size = 5, .hidden_size = 40},
                              .batch = 1,
                              .weights = (clrnn_storage)storage});
}

static void stacks(void **state)
{
    (void)state;
    for (uint32_t layers = 2; layers <= 3; layers++)
        for (size_t cell = 0; cell < COUNT(cells); cell++)
            for (int precision = 0; precision < 2; precision++)
                check_both((work){.name = "a stack",
                                  .network = {.cell = cells[cell],
                                              .input_size = 2,
                                              .hidden_size = 24,
                                              .num_layers = layers},
                                  .batch = 2,
                                  .precision = (clrnn_precision)precision});
}

/* The largest blocks that clrnn/stream.h says one group does, of T steps. */
static void largest(void **state)
{
    static const work all[] = {
        {.name = "one layer, 2^22", .network = {.input_size = 1, .hidden_size = 128}},
        {.name = "one layer, 2^22",
         .network = {.cell = CLRNN_CELL_RNN, .input_size = 300, .hidden_size = 256}},
        {.name = "many inputs, 2^22",
         .network = {.cell = CLRNN_CELL_GRU, .input_size = 682, .hidden_size = 32}},
        {.name = "two layers, 2^20",
         .network = {.input_size = 3, .hidden_size = 64, .num_layers = 2}},
        {.name = "three layers, 2^20",
         .network = {.cell = CLRNN_CELL_RNN, .input_size = 3, .hidden_size = 128, .num_layers = 3}},
        {.name = "two rows, 2^20", .network = {.input_size = 3, .hidden_size = 45}, .batch = 2},
        {.name = "five rows of two layers, 2^20",
         .network = {.cell = CLRNN_CELL_GRU, .input_size = 40, .hidden_size = 33, .num_layers = 2},
         .batch = 5}};
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        work w = all[i];
        w.batch = w.batch ? w.batch : 1;
        w.threads = 4;
        check(&w);
    }
}

/* However large, with one thread; and step by step. */
static void one_thread(void **state)
{
    (void)state;
    for (size_t cell = 0; cell < COUNT(cells); cell++)
        for (int strategy = CLRNN_STRATEGY_AUTO; strategy <= CLRNN_STRATEGY_STEPWISE; strategy++)
            check(&(work){.name = "one thread",
                          .network = {.cell = cells[cell],
                                      .input_size = 40,
                                      .hidden_size = 200,
                                      .num_layers = 2},
                          .batch = 9,
                          .threads = 1,
                          .strategy = (clrnn_strategy)strategy});
}

/* What is counted here does count: groups of several threads wake one another. */
static void several_groups_are_seen(void **state)
{
    found f;
    (void)state;
    const work w = {.name = "several groups",
                    .network = {.input_size = 3, .hidden_size = 300},
                    .batch = 8,
                    .threads = 4};
    (void)counted_run(child, &w, w.name, &f);
    assert_true(f.locks > 0);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form), TEST(widths),     TEST(stored_weights),          TEST(stacks),
        TEST(largest),    TEST(one_thread), TEST(several_groups_are_seen),
    };
    if (!clr_native_driver()) {
        printf("%s: skipped\n", clr_native_text());
        return 77;
    }
    if (!counted_open())
        return 1;
    return cmocka_run_group_tests_name("real time", tests, NULL, NULL);
}

#endif
