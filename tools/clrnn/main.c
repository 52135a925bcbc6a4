/* SPDX-License-Identifier: MIT
 * main.c - the command `clrnn`: finds the subcommand and hands over. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"
#include "tool.h"

static const tool_command *const commands[] = {
    &tool_devices,     &tool_run,     &tool_train,  &tool_sample,  &tool_info,
    &tool_verify,      &tool_bench,   &tool_tune,   &tool_predict, &tool_convert,
    &tool_conformance, &tool_inspect, &tool_compare};
#define COMMANDS (sizeof commands / sizeof commands[0])

static void print_help(void)
{
    printf("usage: clrnn COMMAND [OPTION]...\n\n"
           "Run and train recurrent networks (RNN, LSTM, GRU) on any OpenCL device or the "
           "processor.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-11s %s\n", commands[i]->name, commands[i]->summary);
    printf(
        "\n  clrnn COMMAND --help   what a command takes\n"
        "  clrnn --version        the version\n\n"
        "Commands that compute take --device SEL: auto, gpu, cpu, native, nvidia, amd, intel,\n"
        "pocl, a part of the device's name, or PLATFORM:DEVICE as `clrnn devices` numbers them.\n"
        "CLRNN_DEVICE in the environment says the same; CLRNN_LOG=error|warn|info|debug shows\n"
        "more on stderr.\n"
        "Exit: 0 done, 1 a check failed or a training is not finite, 2 bad use or bad input,\n"
        "3 no device. A training that a signal ended, saved: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP,\n"
        "141 SIGPIPE.\n");
}

static int dispatch(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name)
        return tool_error("no command given; clrnn --help lists them");
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help();
        return TOOL_OK;
    }
    if (strcmp(name, "--version") == 0) {
        printf("clrnn %s\n", clrnn_version_text());
        return TOOL_OK;
    }
    if (tool_check_log())
        return TOOL_BAD_USE;
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i]->run(argc - 1, argv + 1);
    return tool_error("unknown %s %s; clrnn --help lists what there is",
                      name[0] == '-' ? "option" : "command", name);
}

int main(int argc, char **argv)
{
    if (!system_prepare(&argc, &argv))
        return tool_no_memory();
    int code = dispatch(argc, argv);
    if ((fflush(stdout) || ferror(stdout)) && code == TOOL_OK)
        code = tool_error("cannot write the output: %s", strerror(errno));
    return code;
}
