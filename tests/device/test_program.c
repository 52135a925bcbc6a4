/* SPDX-License-Identifier: MIT
 * tests/device/test_program.c - building programs: messages, defines, the cache in memory and the
 * one on disk with every kind of damage. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "device/binary_cache.h"
#include "device/buffer.h"
#include "device/context.h"
#include "device/launch.h"
#include "device/program.h"
#include "gate.h"
#include "support.h"

/* Two files that make one program: y[0] = A + 10 B. */
static const char head_text[] = "#line 1 \"cl/head.cl\"\n#define SUM(a, b) ((a) + 10 * (b))\n";
static const char tail_text[] = "#line 1 \"cl/tail.cl\"\n"
                                "__kernel void sum(__global int *y) { y[0] = SUM(A, B); }\n";
static const char broken_text[] = "#line 1 \"cl/broken.cl\"\n"
                                  "__kernel void sum(__global int *y)\n"
                                  "{\n"
                                  "    y[0] = undeclared_thing;\n"
                                  "}\n";
static const clr_source head = {"head.cl", head_text, sizeof head_text - 1};
static const clr_source tail = {"tail.cl", tail_text, sizeof tail_text - 1};
static const clr_source broken = {"broken.cl", broken_text, sizeof broken_text - 1};
static const clr_source *const sources[] = {&head, &tail};

/* What a context said. */
typedef struct heard {
    int compiled, cached, ignored, warnings;
    char last[2048];
} heard;

static void hear(void *user, clrnn_log_level level, const char *text)
{
    heard *h = user;
    h->compiled += level == CLRNN_LOG_DEBUG && strncmp(text, "compiled ", 9) == 0;
    h->cached += strstr(text, "comes from the cache") != NULL;
    h->ignored += strstr(text, "is ignored") != NULL || strstr(text, "driver refuses") != NULL;
    h->warnings += level == CLRNN_LOG_WARN;
    snprintf(h->last, sizeof h->last, "%s", text);
}

/* A context on the device of another one, with a log and a cache folder of its own. */
static clrnn_context *open_with(const clrnn_context *like, heard *h, const char *cache_dir)
{
    const clrnn_context_desc desc = {.log = {CLRNN_LOG_DEBUG, hear, h}, .cache_dir = cache_dir};
    clrnn_context *context = NULL;
    memset(h, 0, sizeof *h);
    assert_int_equal(clr_context_open(&desc, &like->info, &context), CLRNN_OK);
    context->keeps_programs = true;
    return context;
}

static cl_program get_sum(clrnn_context *context, long a, long b)
{
    const clr_define defines[] = {{"A", a}, {"B", b}};
    cl_program program = NULL;
    assert_int_equal(clr_program_get(context, sources, 2, defines, 2, &program), CLRNN_OK);
    assert_non_null(program);
    return program;
}

static void assert_computes(clrnn_context *context, cl_program program, cl_int expected)
{
    cl_kernel kernel = NULL;
    cl_mem y = NULL;
    cl_int value = 0;
    assert_int_equal(clr_kernel_create(context, program, "sum", &kernel), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, sizeof value, &y), CLRNN_OK);
    const clr_arg args[] = {CLR_ARG_MEM(y)};
    assert_int_equal(clr_launch(context, kernel, (clr_range){{1, 1}, {0, 0}}, args, 1), CLRNN_OK);
    assert_int_equal(clr_buffer_read(context, y, 0, sizeof value, &value), CLRNN_OK);
    assert_int_equal(value, expected);
    clr_buffer_destroy(&y);
    clr_kernel_destroy(&kernel);
}

/* Open a context, take A + 10 B from the folder, let it compute, close. */
static heard visit(const clrnn_context *like, const char *folder, long a, long b)
{
    heard h;
    clrnn_context *context = open_with(like, &h, folder);
    assert_computes(context, get_sum(context, a, b), (cl_int)(a + 10 * b));
    clrnn_context_destroy(&context);
    return h;
}

/* --- memory ----------------------------------------------------------------------------------- */

static void test_same_program(void **state)
{
    test_need(*state, TEST_COMPILER);
    heard h;
    clrnn_context *context = open_with(*state, &h, "");
    const clr_define reversed[] = {{"B", 4}, {"A", -3}};
    cl_program program = get_sum(context, -3, 4), again = NULL;
    assert_int_equal(clr_program_get(context, sources, 2, reversed, 2, &again), CLRNN_OK);
    assert_ptr_equal(program, again); /* the order of defines does not matter */
    assert_int_equal(h.compiled, 1);
    assert_computes(context, program, 37);
    assert_computes(context, get_sum(context, 3, 4), 43);
    assert_int_equal(h.compiled, 2);
    assert_computes(context, get_sum(context, -3, 4), 37);
    assert_int_equal(h.compiled, 2);
    assert_int_equal(h.cached + h.warnings, 0);
    clrnn_context_destroy(&context);
}

static void *get_and_run(void *argument)
{
    clrnn_context *context = argument;
    cl_program program = get_sum(context, 5, 6);
    assert_computes(context, program, 65);
    return program;
}

static void test_two_threads(void **state)
{
    test_need(*state, TEST_COMPILER);
    heard h;
    clrnn_context *context = open_with(*state, &h, "");
    pthread_t threads[2];
    void *programs[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_and_run, context), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], &programs[i]), 0);
    assert_non_null(programs[0]);
    assert_ptr_equal(programs[0], programs[1]);
    assert_int_equal(h.compiled, 1);
    clrnn_context_destroy(&context);
}

/* While one program is built, for as long as that takes, another is built and used; who wants the
 * first one too gets that very one. */
static void test_builds_side_by_side(void **state)
{
    test_need(*state, TEST_COMPILER);
    heard h;
    test_gate gate;
    clrnn_context *context = open_with(*state, &h, "");
    pthread_t threads[2];
    void *programs[2] = {NULL, NULL};
    test_gate_shut(context, &gate);
    assert_int_equal(pthread_create(&threads[0], NULL, get_and_run, context), 0);
    test_gate_await(&gate);
    assert_int_equal(pthread_create(&threads[1], NULL, get_and_run, context), 0);
    assert_computes(context, get_sum(context, 3, 4), 43);
    test_gate_open(&gate);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], &programs[i]), 0);
    assert_non_null(programs[0]);
    assert_ptr_equal(programs[0], programs[1]);
    assert_int_equal(h.compiled, 2);
    assert_int_equal(test_gate_remove(context, &gate), 2);
    clrnn_context_destroy(&context);
}

static void *get_broken(void *argument)
{
    const clr_source *const wrong[] = {&head, &broken};
    cl_program program = NULL;
    assert_int_equal(clr_program_get(argument, wrong, 2, NULL, 0, &program), CLRNN_ERR_BUILD);
    assert_null(program);
    return NULL;
}

/* A build that fails while others wait for it: each of them hears why. */
static void test_failure_side_by_side(void **state)
{
    test_need(*state, TEST_COMPILER);
    heard h;
    test_gate gate;
    clrnn_context *context = open_with(*state, &h, "");
    pthread_t threads[3];
    test_gate_shut(context, &gate);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_broken, context), 0);
    test_gate_await(&gate);
    assert_computes(context, get_sum(context, 3, 4), 43);
    test_gate_open(&gate);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(test_gate_remove(context, &gate), 4);
    assert_computes(context, get_sum(context, 3, 4), 43);
    clrnn_context_destroy(&context);
}

static void test_build_failure(void **state)
{
    test_need(*state, TEST_COMPILER);
    clrnn_context *context = *state;
    const clr_source *const wrong[] = {&head, &broken};
    const clr_define defines[] = {{"WIDTH", 8}, {"HEIGHT", -1}};
    cl_program program = NULL;
    for (int i = 0; i < 2; i++) { /* a failure is not remembered as success */
        program = (cl_program)context;
        assert_int_equal(clr_program_get(context, wrong, 2, defines, 2, &program), CLRNN_ERR_BUILD);
        assert_null(program);
        assert_non_null(strstr(test_last_error, "broken.cl does not compile"));
        assert_non_null(strstr(test_last_error, context->info.name));
        assert_non_null(strstr(test_last_error, context->info.driver));
        assert_non_null(strstr(test_last_error, "-DHEIGHT=-1 -DWIDTH=8"));
        assert_null(strchr(test_last_error, '\n'));
        assert_error_contains("undeclared_thing");
    }
}

/* --- disk ------------------------------------------------------------------------------------- */

/* Path of the only cache file of a folder, in a static buffer. */
static const char *only_file(const char *folder)
{
    static char path[1024];
    int count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *e; (e = readdir(entries)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        count++;
    }
    closedir(entries);
    assert_int_equal(count, 1);
    return path;
}

static const char *below(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_folder(), name);
    return path[turn];
}

static void test_disk_hit(void **state)
{
    test_need(*state, TEST_COMPILER);
    const char *folder = below("deep/er/cache");
    struct stat about;
    heard h = visit(*state, folder, 1, 2);
    assert_int_equal(h.compiled, 1);
    assert_int_equal(h.cached + h.warnings + h.ignored, 0);
    assert_int_equal(stat(folder, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(stat(below("deep"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    (void)only_file(folder);
    h = visit(*state, folder, 1, 2);
    assert_int_equal(h.cached, 1);
    assert_int_equal(h.compiled + h.warnings + h.ignored, 0);
    h = visit(*state, folder, 1, 3); /* another program */
    assert_int_equal(h.compiled, 1);
}

/* The bytes of a cache file, and where its parts begin. */
typedef struct cache_file {
    const char *path;
    unsigned char *bytes;
    size_t size, key, binary;
} cache_file;

static cache_file read_cache(const char *folder)
{
    cache_file f = {.path = only_file(folder), .key = 32};
    uint64_t key_size = 0;
    assert_int_equal(clr_file_read(f.path, &test_log, (void **)&f.bytes, &f.size), CLRNN_OK);
    assert_true(f.size > f.key);
    memcpy(&key_size, f.bytes + 8, sizeof key_size);
    f.binary = f.key + (size_t)key_size;
    assert_true(f.binary < f.size);
    return f;
}

static void put(const cache_file *f, const void *bytes, size_t size)
{
    const clr_piece piece = {bytes, size};
    assert_int_equal(clr_file_write(f->path, &piece, 1, &test_log), CLRNN_OK);
}

/* The damage is seen, the program compiled, the file replaced by a good one. */
static void assert_healed(const clrnn_context *like, const char *folder, const char *what,
                          size_t where)
{
    heard h = visit(like, folder, 7, 8);
    if (h.compiled != 1 || h.cached || h.ignored != 1 || h.warnings)
        fail_msg("%s at %zu: compiled %d, cached %d, ignored %d, warnings %d", what, where,
                 h.compiled, h.cached, h.ignored, h.warnings);
    h = visit(like, folder, 7, 8);
    if (h.compiled || h.cached != 1)
        fail_msg("%s at %zu: the file was not replaced", what, where);
}

static void test_disk_damage(void **state)
{
    test_need(*state, TEST_COMPILER);
    const char *folder = below("damage");
    (void)visit(*state, folder, 7, 8);
    cache_file f = read_cache(folder);
    const size_t places[] = {0,          7,         8,     15,           16,       23,
                             24,         31,        f.key, f.binary - 1, f.binary, f.binary + 1,
                             f.size / 2, f.size - 1};
    const size_t lengths[] = {0, 1, 31, 32, f.key + 1, f.binary, f.binary + 1, f.size - 1};
    for (size_t i = 0; i < CLR_COUNT(places); i++) {
        f.bytes[places[i]] ^= (unsigned char)(1u << (i % 8));
        put(&f, f.bytes, f.size);
        assert_healed(*state, folder, "bit flip", places[i]);
        f.bytes[places[i]] ^= (unsigned char)(1u << (i % 8));
    }
    for (size_t i = 0; i < CLR_COUNT(lengths); i++) {
        put(&f, f.bytes, lengths[i]);
        assert_healed(*state, folder, "cut", lengths[i]);
    }
    put(&f, f.bytes, f.size + 1); /* the zero that clr_file_read puts after the bytes */
    assert_healed(*state, folder, "too long", f.size + 1);
    free(f.bytes);
}

/* Sizes in the header that would wrap around, were they added up unchecked. */
static void test_disk_hostile_sizes(void **state)
{
    test_need(*state, TEST_COMPILER);
    const char *folder = below("hostile");
    (void)visit(*state, folder, 7, 8);
    cache_file f = read_cache(folder);
    const uint64_t sizes[] = {0, UINT64_MAX, UINT64_MAX - 31, UINT64_C(1) << 63};
    for (size_t at = 8; at <= 16; at += 8) {
        for (size_t i = 0; i < CLR_COUNT(sizes); i++) {
            unsigned char before[8];
            memcpy(before, f.bytes + at, 8);
            memcpy(f.bytes + at, &sizes[i], 8);
            put(&f, f.bytes, f.size);
            assert_healed(*state, folder, "size", at);
            memcpy(f.bytes + at, before, 8);
        }
    }
    free(f.bytes);
}

/* A whole file of another program under this one's name, and a binary that is whole but none. */
static void test_disk_foreign(void **state)
{
    test_need(*state, TEST_COMPILER);
    const char *mine = below("mine"), *other = below("other");
    (void)visit(*state, mine, 7, 8);
    (void)visit(*state, other, 9, 9);
    cache_file foreign = read_cache(other);
    foreign.path = only_file(mine);
    put(&foreign, foreign.bytes, foreign.size);
    assert_healed(*state, mine, "foreign key", 0);
    free(foreign.bytes);

    cache_file f = read_cache(mine);
    char *key = calloc(f.binary - f.key + 1, 1);
    assert_non_null(key);
    memcpy(key, f.bytes + f.key, f.binary - f.key);
    assert_non_null(strstr(key, tail_text));
    char garbage[4096]; /* a driver may read a header of some size without asking for ours */
    memset(garbage, 'n', sizeof garbage);
    assert_int_equal(clr_cache_store(mine, key, garbage, sizeof garbage, &test_log), CLRNN_OK);
    assert_healed(*state, mine, "refused binary", 0);
    free(key);
    free(f.bytes);
}

/* Where nothing can be written: one warning for the context, and right results. */
static void assert_uncached(const clrnn_context *like, const char *folder, const char *reason)
{
    heard h;
    clrnn_context *context = open_with(like, &h, folder);
    cl_program first = get_sum(context, 7, 8);
    assert_int_equal(h.warnings, 1);
    if (!strstr(h.last, reason))
        fail_msg("expected a warning with \"%s\": \"%s\"", reason, h.last);
    assert_computes(context, first, 87);
    assert_computes(context, get_sum(context, 8, 8), 88);
    assert_int_equal(h.compiled, 2);
    assert_int_equal(h.warnings, 1);
    clrnn_context_destroy(&context);
}

static void test_disk_unwritable(void **state)
{
    test_need(*state, TEST_COMPILER);
    const char *file = below("file"), *folder = below("occupied");
    const clr_piece piece = {"x", 1};
    char inside[600];
    assert_int_equal(clr_file_write(file, &piece, 1, &test_log), CLRNN_OK);
    assert_uncached(*state, file, "Not a directory");
    snprintf(inside, sizeof inside, "%s/cache", file);
    assert_uncached(*state, inside, "cannot make the folder");

    (void)visit(*state, folder, 7, 8);
    const char *taken = only_file(folder);
    assert_int_equal(remove(taken), 0);
    assert_int_equal(mkdir(taken, 0700), 0);
    heard h = visit(*state, folder, 7, 8);
    assert_int_equal(h.compiled, 1);
    assert_int_equal(h.warnings, 1);

    clr_fault_inject(CLR_FAULT_WRITE, 1);
    assert_uncached(*state, below("full"), "No space left");
    clr_fault_inject(CLR_FAULT_WRITE, 0);
    h = visit(*state, below("full"), 7, 8);
    assert_int_equal(h.compiled, 1);
}

/* A refusal while the binary is fetched and stored costs the cache file, never the program. */
static void test_refusals_while_storing(void **state)
{
    test_need(*state, TEST_COMPILER);
    const clr_fault faults[] = {CLR_FAULT_OPENCL, CLR_FAULT_MEMORY};
    const clr_define defines[] = {{"A", 1}, {"B", 1}};
    for (int i = 0; i < 2; i++) {
        int unstored = 0;
        bool stored = false;
        for (long k = 1; !stored; k++) {
            heard h;
            char name[40];
            cl_program program = NULL;
            snprintf(name, sizeof name, "storing-%d-%ld", i, k);
            clrnn_context *context = open_with(*state, &h, below(name));
            clr_fault_inject(faults[i], k);
            clrnn_status status = clr_program_get(context, sources, 2, defines, 2, &program);
            clr_fault_inject(faults[i], 0);
            stored = status == CLRNN_OK && h.warnings == 0;
            unstored += status == CLRNN_OK && h.warnings == 1;
            if (status == CLRNN_OK)
                assert_computes(context, program, 11);
            else
                assert_null(program);
            clrnn_context_destroy(&context);
            assert_in_range(k, 1, 100);
        }
        assert_in_range(unstored, 4, 50);
    }
}

int main(void)
{
#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)
    const struct CMUnitTest tests[] = {
        ON_DEVICE(test_same_program),
        ON_DEVICE(test_two_threads),
        ON_DEVICE(test_builds_side_by_side),
        ON_DEVICE(test_failure_side_by_side),
        ON_DEVICE(test_build_failure),
        ON_DEVICE(test_disk_hit),
        ON_DEVICE(test_disk_damage),
        ON_DEVICE(test_disk_hostile_sizes),
        ON_DEVICE(test_disk_foreign),
        ON_DEVICE(test_disk_unwritable),
        ON_DEVICE(test_refusals_while_storing),
    };
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
