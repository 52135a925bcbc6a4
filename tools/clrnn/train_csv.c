/* SPDX-License-Identifier: MIT
 * train_csv.c - the log of a training as CSV, continued on a resume. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"
#include "train.h"

static const char header[] = "step,characters,seconds,loss_nats,train_bpc,validation_bpc,"
                             "learning_rate,gradient_norm\n";

static int cannot(const train_csv *csv, const char *what)
{
    return tool_error("train: --log %s: cannot %s: %s", csv->path, what, strerror(errno));
}

/* Keep the whole rows up to `step`, drop what follows, take over their seconds. */
static int keep_rows(train_csv *csv, uint64_t step)
{
    char line[512];
    if (!fgets(line, sizeof line, csv->file) || strcmp(line, header) != 0)
        return tool_error("train: --log %s: not a log of clrnn train; give another name",
                          csv->path);
    long end = ftell(csv->file);
    while (fgets(line, sizeof line, csv->file)) {
        double seconds;
        uint64_t row, characters;
        if (!strchr(line, '\n') ||
            sscanf(line, "%" SCNu64 ",%" SCNu64 ",%lf,", &row, &characters, &seconds) != 3 ||
            row > step)
            break;
        csv->before = seconds;
        end = ftell(csv->file);
    }
    if (end < 0 || !system_cut(csv->file, end) || fseek(csv->file, end, SEEK_SET))
        return cannot(csv, "continue it");
    return TOOL_OK;
}

int train_csv_open(train_csv *csv, const char *path, bool resume, uint64_t step)
{
    *csv = (train_csv){.path = path};
    if (!path)
        return TOOL_OK;
    if (resume && tool_file_exists(path)) {
        csv->file = system_open(path, "r+b");
        return csv->file ? keep_rows(csv, step) : cannot(csv, "open it");
    }
    csv->file = system_open(path, "wb");
    if (!csv->file || fputs(header, csv->file) < 0 || fflush(csv->file))
        return cannot(csv, "write it");
    return TOOL_OK;
}

double train_bits(double nats)
{
    return nats / log(2);
}

int train_csv_row(train_csv *csv, uint64_t step, uint64_t characters, double seconds, double loss,
                  double validation, double learning_rate, double gradient_norm)
{
    char measured[32] = "";
    if (!csv->file)
        return TOOL_OK;
    if (!isnan(validation))
        snprintf(measured, sizeof measured, "%.9g", validation);
    fprintf(csv->file, "%" PRIu64 ",%" PRIu64 ",%.3f,%.9g,%.9g,%s,%.9g,%.9g\n", step, characters,
            csv->before + seconds, loss, train_bits(loss), measured, learning_rate, gradient_norm);
    csv->failed = fflush(csv->file) || ferror(csv->file);
    return csv->failed ? cannot(csv, "write it") : TOOL_OK;
}
