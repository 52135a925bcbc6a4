/* SPDX-License-Identifier: MIT
 * tests/layer/test_real_time.c - what the native device promises to who plays sound: a block of one
 * group is computed in the caller's thread without allocating memory, without calling the system,
 * without lock and without asking for the time; so are states that are set, read and reset.
 *
 * Each case runs in a process of its own, which a filter of system calls (seccomp) watches: it lets
 * through only the end of the process, and every other call is counted in place of being made.
 * Allocations are counted by this program's own malloc, which all libraries of the process call;
 * locks and the clock by the linker, which gives the library those below (--wrap). */
#include "support.h"

#include <stdio.h>

#if !defined(__linux__) || !defined(__GLIBC__) || !(defined(__x86_64__) || defined(__aarch64__))

int main(void)
{
    printf("counts system calls as Linux with glibc has them: skipped\n");
    return 77;
}

#else

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <clrnn/stream.h>

#include "device/context.h"
#include "device/native.h"
#include "layer/partitions.h"

/* --- counting ----------------------------------------------------------------------------- */

/* What a process found out, for its parent. */
typedef struct found {
    bool filtered; /* the filter could be had */
    bool done;
    long allocations, calls, locks, clocks;
    long first_call; /* its number */
    char failure[256];
} found;

static found *shared;
static _Thread_local bool watched;

static void count_allocation(void)
{
    if (watched)
        shared->allocations++;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#endif

#ifdef SANITIZED
/* AddressSanitizer has a malloc of its own, and tells of it. */
int __sanitizer_install_malloc_and_free_hooks(void (*made)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *));

static void on_malloc(const volatile void *memory, size_t bytes)
{
    (void)memory, (void)bytes;
    count_allocation();
}

static void on_free(const volatile void *memory)
{
    (void)memory;
    count_allocation();
}

static void begin_counting(void)
{
    (void)__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}
#else
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

void *malloc(size_t bytes)
{
    count_allocation();
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t size)
{
    count_allocation();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t bytes)
{
    count_allocation();
    return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count_allocation();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    count_allocation();
    *memory = __libc_memalign(alignment, bytes);
    return *memory ? 0 : ENOMEM;
}

void free(void *memory)
{
    if (memory)
        count_allocation();
    __libc_free(memory);
}

static void begin_counting(void) {}
#endif

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (watched)
        shared->locks++;
    return __real_pthread_mutex_lock(mutex);
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    if (watched)
        shared->clocks++;
    return __real_clock_gettime(clock, now);
}

static void on_call(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    if (shared->calls++ == 0)
        shared->first_call = info->si_syscall;
}

/* From now on until this process ends its system calls are counted, not made. */
static bool filter_calls(void)
{
#ifdef SANITIZED
    return true; /* sanitizers call the system themselves: the rest is counted */
#endif
#if defined(__x86_64__)
    const unsigned arch = AUDIT_ARCH_X86_64;
#else
    const unsigned arch = AUDIT_ARCH_AARCH64;
#endif
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {COUNT(code), code};
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = on_call;
    sigaction(SIGSYS, &action, NULL);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

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

static void give_up(const char *what)
{
    snprintf(shared->failure, sizeof shared->failure, "%s (%.200s)", what, test_last_error);
    _exit(1);
}

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

/* In a process of its own: play twice, the second time counted; the results must be the same. */
static void child(const work *w)
{
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
    play_all(&p[0]);
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

/* What the process with this work found; false: it could not filter system calls. */
static bool measure(const work *w, found *f)
{
    int status = 0;
    memset(shared, 0, sizeof *shared);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(w);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    *f = *shared;
    if (!f->done)
        fail_msg("%s: status %x, %s", w->name, (unsigned)status, f->failure);
    return f->filtered;
}

static void check(const work *w)
{
    found f;
    const bool filtered = measure(w, &f);
    if (f.allocations || f.calls || f.locks || f.clocks)
        fail_msg("%s, %u threads: %ld allocations, %ld system calls (the first is %ld), %ld locks, "
                 "%ld looks at the clock",
                 w->name, w->threads, f.allocations, f.calls, f.first_call, f.locks, f.clocks);
    if (!filtered) {
        print_message("no filter of system calls here: not counted\n");
        skip();
    }
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
    (void)measure(&(work){.name = "several groups",
                          .network = {.input_size = 3, .hidden_size = 300},
                          .batch = 8,
                          .threads = 4},
                  &f);
    assert_true(f.locks > 0);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form), TEST(widths),     TEST(stored_weights),
        TEST(stacks),     TEST(one_thread), TEST(several_groups_are_seen),
    };
    if (!clr_native_driver()) {
        printf("%s: skipped\n", clr_native_text());
        return 77;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests_name("real time", tests, NULL, NULL);
}

#endif
