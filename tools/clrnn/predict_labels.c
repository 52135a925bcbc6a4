/* SPDX-License-Identifier: MIT
 * predict_labels.c - `clrnn predict` of a model of ctc: the labels of each sequence. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "outputs.h"
#include "train_data.h"

/* Labels of all sequences, [N,T], and how many there are of each. */
typedef struct told_labels {
    int32_t *labels;
    uint32_t *counts, most;
    double *log_y; /* [T,O] scratch */
} told_labels;

static int decode(const predict_told *p, told_labels *l)
{
    const size_t T = p->info->steps, O = p->outputs;
    for (uint32_t n = 0; n < p->info->sequences; n++) {
        const double *y = p->told + n * T * O;
        uint32_t length = 0;
        while (length < T && !isnan(y[length * O]))
            length++;
        for (size_t i = 0; i < length * O; i++)
            l->log_y[i] = log(y[i]);
        clrnn_status status = clrnn_ctc_decode(l->log_y, length, p->outputs, p->beam,
                                               l->labels + n * T, &l->counts[n], NULL);
        if (status)
            return tool_failed(status);
        l->most = l->counts[n] > l->most ? l->counts[n] : l->most;
    }
    return TOOL_OK;
}

static int save_csv(const predict_told *p, const told_labels *l, const char *path)
{
    tool_output output;
    FILE *file = tool_output_begin(&output, path);
    if (!file)
        return tool_error("predict: %s: cannot write it: %s", path, strerror(errno));
    fprintf(file, "sequence,labels\n");
    for (uint32_t n = 0; n < p->info->sequences; n++) {
        fprintf(file, "%u,", n);
        for (uint32_t i = 0; i < l->counts[n]; i++)
            fprintf(file, "%s%d", i ? " " : "", l->labels[(size_t)n * p->info->steps + i]);
        fprintf(file, "\n");
    }
    return tool_output_end(&output, true)
               ? TOOL_OK
               : tool_error("predict: %s: cannot write it: %s", path, strerror(errno));
}

static int save_npy(const predict_told *p, const told_labels *l, const char *path)
{
    const uint64_t S = l->most ? l->most : 1, shape[] = {p->info->sequences, S};
    int32_t *padded = calloc(p->info->sequences * S, sizeof *padded);
    clrnn_tensors *set = NULL;
    if (!padded)
        return tool_no_memory();
    for (uint32_t n = 0; n < p->info->sequences; n++)
        for (uint32_t i = 0; i < S; i++)
            padded[n * S + i] = i < l->counts[n] ? l->labels[(size_t)n * p->info->steps + i] : -1;
    clrnn_status status = clrnn_tensors_create(tool_log(), &set);
    if (!status)
        status = clrnn_tensors_add(set, "y", CLRNN_DTYPE_I32, 2, shape, padded);
    if (!status)
        status = clrnn_tensors_save(set, path);
    clrnn_tensors_destroy(&set);
    free(padded);
    return status ? tool_failed(status) : TOOL_OK;
}

int predict_labels(const predict_told *p, const char *path)
{
    const size_t N = p->info->sequences, T = p->info->steps;
    const bool csv = strcmp(path + strlen(path) - 4, ".csv") == 0;
    told_labels l = {.labels = calloc(N * T, sizeof *l.labels),
                     .counts = calloc(N, sizeof *l.counts),
                     .log_y = calloc(T * p->outputs, sizeof *l.log_y)};
    int code = l.labels && l.counts && l.log_y ? decode(p, &l) : tool_no_memory();
    if (!code)
        code = csv ? save_csv(p, &l, path) : save_npy(p, &l, path);
    if (!code)
        printf("labels of %u sequences -> %s\n", p->info->sequences, path);
    free(l.labels);
    free(l.counts);
    free(l.log_y);
    return code;
}
