/* SPDX-License-Identifier: MIT
 * tests/format/test_locale.c - an application that has set a locale whose decimal point is no
 * point: files, strings and reports are the same, to the byte. */
#include "brought.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <clrnn/context.h>
#include <clrnn/model.h>
#include <clrnn/problem.h>
#include <clrnn/report.h>

#include "base/decimal.h"
#include "base/file.h"
#include "graph/drawn.h"
#include "model/graph_description.h"

/* A comma, and a point of two bytes. */
static const char *const sources[] = {"de_DE", "ps_AF"};
enum { LOCALES = sizeof sources / sizeof *sources };

static const char *path_of(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

/* By the C library's own tool, where it and its sources are installed. */
static int make_locales(void **state)
{
    char command[1500];
    (void)state;
    for (int i = 0; i < LOCALES; i++) {
        snprintf(command, sizeof command, "localedef -i %s -f UTF-8 --no-archive %s/%s.UTF-8 2>&1",
                 sources[i], test_folder(), sources[i]);
        FILE *tool = popen(command, "r");
        while (tool && fgets(command, sizeof command, tool)) {
        }
        if (tool)
            (void)pclose(tool);
    }
    return setenv("LOCPATH", test_folder(), 1);
}

static void take_locale(const char *source)
{
    char name[40];
    snprintf(name, sizeof name, "%s.UTF-8", source);
    if (!setlocale(LC_ALL, name))
        skip();
    assert_string_not_equal(localeconv()->decimal_point, ".");
}

static int in_c(void **state)
{
    (void)state;
    return setlocale(LC_ALL, "C") ? 0 : 1;
}

/* What the body of a test leaves as text or file is the same in the locale and without. */
static void compare_files(const char *source, void (*write)(const char *path))
{
    void *plain, *foreign;
    size_t plain_size, foreign_size;
    write(path_of("plain"));
    take_locale(source);
    write(path_of("foreign"));
    assert_int_equal(clr_file_read(path_of("plain"), &test_log, &plain, &plain_size), CLRNN_OK);
    assert_int_equal(clr_file_read(path_of("foreign"), &test_log, &foreign, &foreign_size),
                     CLRNN_OK);
    assert_int_equal(plain_size, foreign_size);
    assert_memory_equal(plain, foreign, plain_size);
    free(plain);
    free(foreign);
    assert_non_null(setlocale(LC_ALL, "C"));
}

static void write_numbers(const char *path)
{
    static const double values[] = {0, -0.0, 1, 0.1, -2.5e-300, 1e300, 123456789.125, 1.0 / 3};
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[CLR_DECIMAL_ROOM], copy[CLR_DECIMAL_ROOM + 8];
        clr_decimal_write(text, 17, values[i]);
        assert_true(strtod(clr_decimal_local(text, strlen(text), copy, sizeof copy), NULL) ==
                    values[i]);
        fprintf(file, "%s\n", text);
    }
    assert_int_equal(fclose(file), 0);
}

static void test_numbers(void **state)
{
    (void)state;
    for (int i = 0; i < LOCALES; i++)
        compare_files(sources[i], write_numbers);
}

/* Any graph: epsilon, momentum, alpha, clips, constants. */
static void test_graphs(void **state)
{
    (void)state;
    take_locale(sources[0]); /* or skip, before there is anything to free */
    assert_non_null(setlocale(LC_ALL, "C"));
    for (uint64_t seed = 1; seed <= 60; seed++) {
        drawn_graph d = draw_graph(seed, CLRNN_F32, 10, (clrnn_node_kind)(seed % CLRNN_NODE_KINDS));
        clrnn_graph *back = NULL;
        char *before = NULL, *after = NULL, *again = NULL;
        assert_int_equal(clr_graph_describe(d.graph, &test_log, &before), CLRNN_OK);
        take_locale(sources[seed % LOCALES]);
        assert_int_equal(clr_graph_describe(d.graph, &test_log, &after), CLRNN_OK);
        assert_string_equal(before, after);
        assert_int_equal(clrnn_graph_save(d.graph, path_of("any.safetensors")), CLRNN_OK);
        if (clrnn_graph_load(path_of("any.safetensors"), CLRNN_F32, &test_log, &back) != CLRNN_OK)
            fail_msg("%s: %s", before, test_last_error);
        assert_int_equal(clr_graph_describe(back, &test_log, &again), CLRNN_OK);
        assert_string_equal(before, again);
        assert_non_null(setlocale(LC_ALL, "C"));
        free(before);
        free(after);
        free(again);
        clrnn_graph_destroy(&back);
        drawn_free(&d);
    }
}

/* Weights as text: a comma would make two numbers of one. */
static void write_rtneural(const char *path)
{
    clrnn_graph *graph = imported("models/rtneural/lstm_torch.json", NULL, NULL);
    assert_int_equal(clrnn_graph_export(graph, path, "rtneural"), CLRNN_OK);
    clrnn_graph_destroy(&graph);
}

static void test_rtneural(void **state)
{
    (void)state;
    for (int i = 0; i < LOCALES; i++)
        compare_files(sources[i], write_rtneural);
}

static void write_problem(const char *path)
{
    clrnn_problem p;
    char text[512];
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(
        clrnn_problem_parse("gate_clip=0.5,cell_clip=1.25,act_f=hard_sigmoid:0.125:0.5", &test_log,
                            &p),
        CLRNN_OK);
    assert_true(p.network.gate_clip == 0.5F && p.network.cell_clip == 1.25F);
    assert_true(clrnn_problem_format(&p, text, sizeof text) < (int)sizeof text);
    fprintf(file, "%s\n", text);
    assert_int_equal(fclose(file), 0);
}

static void test_problems(void **state)
{
    (void)state;
    for (int i = 0; i < LOCALES; i++)
        compare_files(sources[i], write_problem);
}

static void test_tables(void **state)
{
    (void)state;
    FILE *file = fopen(path_of("t.csv"), "wb");
    assert_non_null(file);
    fputs("a,b\n0.5,-1.25e-3\n.75,2.\n", file);
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < LOCALES; i++) {
        clrnn_tensors *set = NULL;
        take_locale(sources[i]);
        assert_int_equal(clrnn_csv_load(path_of("t.csv"), NULL, &test_log, &set), CLRNN_OK);
        size_t count;
        double *v = numbers_of(set, "", &count);
        assert_true(count == 4 && v[0] == 0.5 && v[1] == -1.25e-3 && v[2] == 0.75 && v[3] == 2);
        free(v);
        clrnn_tensors_destroy(&set);
        assert_non_null(setlocale(LC_ALL, "C"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_numbers, in_c),
        cmocka_unit_test_teardown(test_graphs, in_c),
        cmocka_unit_test_teardown(test_rtneural, in_c),
        cmocka_unit_test_teardown(test_problems, in_c),
        cmocka_unit_test_teardown(test_tables, in_c),
    };
    return cmocka_run_group_tests(tests, make_locales, NULL);
}
