/* SPDX-License-Identifier: MIT
 * predict.c - `clrnn predict`: what a model that was trained on data tells of other data. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "outputs.h"
#include "train_data.h"

typedef struct job {
    const char *model_path, *out, *probabilities, *selector;
    data_files files;
    uint32_t batch, beam;
    bool force;
    clrnn_tensors *set; /* the model's file */
    clrnn_context *context;
    clrnn_model *model; /* or */
    clrnn_graph *graph;
    data_arrays arrays;
    clrnn_data *data;
    const clrnn_data_info *info;
    clrnn_loss loss;
    uint32_t outputs;
    double *told; /* [rows,O] */
    size_t rows;  /* N, or N*T */
} job;

static const char *note(const job *j, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, DATA_KEY "%s", name);
    return clrnn_tensors_metadata(j->set, key);
}

static int check_output(const job *j, const char *option, const char *path)
{
    const tool_file file = {option, path, true};
    if (!path)
        return TOOL_OK;
    if (data_is_sound(path))
        return tool_error("predict: %s %s: sounds are made by clrnn run %s IN.wav --out %s", option,
                          path, j->model_path, path);
    if (!tool_ends_with(path, ".npy") && !tool_ends_with(path, ".csv"))
        return tool_error("predict: %s %s: the file's name must end in .npy or .csv", option, path);
    int code = tool_check_output("predict", &file, true);
    if (!code && !j->force && tool_ends_with(path, ".csv") && tool_file_exists(path))
        code = tool_error("predict: %s %s: the file exists; --force replaces it", option, path);
    return code;
}

static int check_files(const job *j)
{
    const tool_file files[] = {{"--out", j->out, true},
                               {"--probabilities", j->probabilities, true},
                               {"MODEL", j->model_path, false},
                               {"--data", j->files.data, false},
                               {"--lengths", j->files.lengths, false}};
    int code = tool_check_files("predict", files, sizeof files / sizeof *files);
    if (!code)
        code = check_output(j, "--out", j->out);
    return code ? code : check_output(j, "--probabilities", j->probabilities);
}

/* Outputs are what is neither T nor N of the output that was trained. */
static int load_graph(job *j)
{
    clrnn_value_info info;
    clrnn_status status = clrnn_graph_from_tensors(j->set, CLRNN_F32, tool_log(), &j->graph);
    if (status)
        return tool_failed(status);
    bool found = false;
    for (uint32_t i = 0; !found && clrnn_graph_output_at(j->graph, i, &info); i++)
        found = !note(j, "output") || strcmp(info.name, note(j, "output")) == 0;
    if (!found)
        return tool_error("predict: %s: it has no output '%s'", j->model_path,
                          note(j, "output") ? note(j, "output") : "");
    j->outputs = 1;
    for (uint32_t i = 0; i < info.rank; i++)
        if (info.shape[i] >= 0)
            j->outputs = (uint32_t)info.shape[i];
    return TOOL_OK;
}

static int load_model(job *j)
{
    clrnn_status status = clrnn_tensors_load(j->model_path, tool_log(), &j->set);
    if (status)
        return tool_failed(status);
    const char *loss = note(j, "loss");
    if (!loss || !note(j, "target_at"))
        return tool_error("predict: %s: not a model that clrnn train --data has saved; clrnn run "
                          "gives its outputs",
                          j->model_path);
    int kind = -1;
    for (int i = 0; *tool_word(DATA_LOSSES, i); i++)
        if (strcmp(tool_word(DATA_LOSSES, i), loss) == 0)
            kind = i;
    if (kind < 0)
        return tool_error("predict: %s: its loss, %s, is unknown", j->model_path, loss);
    j->loss = (clrnn_loss)kind;
    if (j->probabilities && j->loss != CLRNN_LOSS_CROSS_ENTROPY && j->loss != CLRNN_LOSS_BINARY &&
        j->loss != CLRNN_LOSS_CTC)
        return tool_error("predict: --probabilities %s: the model tells values, not classes",
                          j->probabilities);
    if (j->beam && j->loss != CLRNN_LOSS_CTC)
        return tool_error("predict: --beam %u: the model was not trained with --loss ctc", j->beam);
    if (tool_is_graph(j->set))
        return load_graph(j);
    status = clrnn_model_from_tensors(j->context, j->set, CLRNN_F32, &j->model);
    if (status)
        return tool_failed(status);
    j->outputs = clrnn_model_get_desc(j->model)->output_size;
    return TOOL_OK;
}

/* The column that parted the training's table, if this one has it, too. */
static const char *group_of(const job *j)
{
    clrnn_tensors *set = NULL;
    const char *group = note(j, "group");
    if (j->files.group || !group || !tool_ends_with(j->files.data, ".csv"))
        return j->files.group;
    if (clrnn_csv_load_words(j->files.data, group, NULL, &set) != CLRNN_OK)
        group = NULL;
    clrnn_tensors_destroy(&set);
    return group;
}

/* What the model was made for says how the data is to be read. */
static int read_data(job *j)
{
    const char *window = note(j, "window"), *columns = note(j, "columns");
    j->files.series = window != NULL;
    const char *task = note(j, "task"), *pixels = note(j, "pixels");
    j->files.flatten = note(j, "flatten") != NULL;
    j->files.digits = task != NULL;
    j->files.pixels = pixels ? (uint32_t)strtoul(pixels, NULL, 10) : 0;
    if (!j->files.columns && columns && tool_ends_with(j->files.data, ".csv"))
        j->files.columns = columns;
    j->files.group = group_of(j);
    int code = data_read(&j->files, &j->arrays);
    if (code)
        return code;
    clrnn_data_desc desc = {.x = j->arrays.x,
                            .lengths = j->arrays.lengths,
                            .loss = j->loss,
                            .output_size = j->outputs,
                            .batch_first = j->arrays.batch_first,
                            .batch = j->batch};
    desc.target_at =
        strcmp(note(j, "target_at"), "last") == 0 ? CLRNN_TARGET_LAST : CLRNN_TARGET_EVERY;
    if (window)
        desc.window = (uint32_t)strtoul(window, NULL, 10);
    clrnn_status status = clrnn_data_create(&desc, tool_log(), &j->data);
    if (!status && task && strcmp(task, "permuted") == 0)
        status = clrnn_data_permute(j->data, 0);
    if (!status)
        status = clrnn_data_scaling_from_tensors(j->data, j->set);
    if (status)
        return tool_failed(status);
    j->info = clrnn_data_get_info(j->data);
    j->rows =
        (size_t)j->info->sequences * (j->info->target_at == CLRNN_TARGET_LAST ? 1 : j->info->steps);
    return TOOL_OK;
}

static int tell(job *j)
{
    j->told = calloc(j->rows * j->outputs, sizeof *j->told);
    if (!j->told)
        return tool_no_memory();
    if (j->model) {
        clrnn_status status = clrnn_data_predict(j->data, j->model, j->told);
        return status ? tool_failed(status) : TOOL_OK;
    }
    const clrnn_graph_plan_desc desc = {.max_steps = j->info->steps, .max_batch = j->info->batch};
    clrnn_graph_plan *plan = NULL;
    clrnn_status status = clrnn_graph_plan_create(j->context, j->graph, &desc, &plan);
    if (!status)
        status = clrnn_data_predict_graph(j->data, plan, note(j, "output"), j->told);
    clrnn_graph_plan_destroy(&plan);
    return status ? tool_failed(status) : TOOL_OK;
}

/* The class of a row; -1 past a sequence's end. */
static int class_of(const job *j, size_t row)
{
    const double *p = j->told + row * j->outputs;
    uint32_t best = 0;
    for (uint32_t k = 1; k < j->outputs; k++)
        if (p[k] > p[best])
            best = k;
    return isnan(p[0]) ? -1 : (int)best;
}

/* --- files ---------------------------------------------------------------------------------- */

/* Shape [N] or [N,T], and [..,O] of `width` above 1 or of probabilities. */
static clrnn_status save_npy(const job *j, const char *path, clrnn_dtype dtype, const void *data,
                             bool wide)
{
    clrnn_tensors *set = NULL;
    const bool every = j->info->target_at == CLRNN_TARGET_EVERY;
    uint64_t shape[3] = {j->info->sequences};
    uint32_t rank = 1;
    if (every)
        shape[rank++] = j->info->steps;
    if (wide)
        shape[rank++] = j->outputs;
    clrnn_status status = clrnn_tensors_create(tool_log(), &set);
    if (!status)
        status = clrnn_tensors_add(set, "y", dtype, rank, shape, data);
    if (!status)
        status = clrnn_tensors_save(set, path);
    clrnn_tensors_destroy(&set);
    return status;
}

/* Name k of a list between commas, or the number. */
static const char *class_name(const job *j, int k, char text[100])
{
    const char *names = note(j, "classes");
    for (int i = 0; names && i < k; i++)
        names = strchr(names, ',') ? strchr(names, ',') + 1 : NULL;
    if (names)
        snprintf(text, 100, "%.*s", (int)strcspn(names, ","), names);
    else
        snprintf(text, 100, "%d", k);
    return text;
}

/* Of gaussian the second half of the outputs are deviations. */
static const char *value_name(const job *j, uint32_t k, char text[100])
{
    if (j->loss != CLRNN_LOSS_GAUSSIAN)
        return class_name(j, (int)k, text);
    const uint32_t half = j->outputs / 2;
    snprintf(text, 100, "%s%u", k < half ? "mean" : "deviation", k % half);
    return text;
}

static void put_head(const job *j, FILE *file, bool wide)
{
    char text[100];
    const bool classes = j->loss == CLRNN_LOSS_CROSS_ENTROPY;
    fprintf(file, "sequence%s", j->info->target_at == CLRNN_TARGET_EVERY ? ",step" : "");
    if (classes && !wide)
        fprintf(file, ",class");
    for (uint32_t k = 0; k < j->outputs && (wide || !classes); k++)
        fprintf(file, ",%s", value_name(j, k, text));
    fprintf(file, "\n");
}

/* One line for each row that there is. */
static int save_csv(const job *j, const char *path, bool wide)
{
    const bool every = j->info->target_at == CLRNN_TARGET_EVERY;
    const bool classes = j->loss == CLRNN_LOSS_CROSS_ENTROPY && !wide;
    const size_t steps = every ? j->info->steps : 1;
    char text[100];
    tool_output output;
    FILE *file = tool_output_begin(&output, path);
    if (!file)
        return tool_error("predict: %s: cannot write it: %s", path, strerror(errno));
    put_head(j, file, wide);
    for (size_t row = 0; row < j->rows; row++) {
        const double *v = j->told + row * j->outputs;
        if (isnan(v[0]))
            continue;
        fprintf(file, "%zu", row / steps);
        if (every)
            fprintf(file, ",%zu", row % steps);
        if (classes)
            fprintf(file, ",%s", class_name(j, class_of(j, row), text));
        for (uint32_t k = 0; k < j->outputs && !classes; k++)
            fprintf(file, ",%.9g", v[k]);
        fprintf(file, "\n");
    }
    return tool_output_end(&output, true)
               ? TOOL_OK
               : tool_error("predict: %s: cannot write it: %s", path, strerror(errno));
}

static int save_classes(const job *j)
{
    int32_t *classes = calloc(j->rows, sizeof *classes);
    if (!classes)
        return tool_no_memory();
    for (size_t row = 0; row < j->rows; row++)
        classes[row] = class_of(j, row);
    clrnn_status status = save_npy(j, j->out, CLRNN_DTYPE_I32, classes, false);
    free(classes);
    return status ? tool_failed(status) : TOOL_OK;
}

/* wide: all outputs of a row, else its class. */
static int save(const job *j, const char *path, bool wide)
{
    const bool classes = j->loss == CLRNN_LOSS_CROSS_ENTROPY && !wide;
    if (!path)
        return TOOL_OK;
    int code;
    if (j->loss == CLRNN_LOSS_CTC && !wide)
        return predict_labels(&(predict_told){j->told, j->info, j->outputs, j->beam}, path);
    if (tool_ends_with(path, ".csv"))
        code = save_csv(j, path, wide);
    else if (classes)
        code = save_classes(j);
    else {
        clrnn_status status = save_npy(j, path, CLRNN_DTYPE_F64, j->told, wide || j->outputs > 1);
        code = status ? tool_failed(status) : TOOL_OK;
    }
    if (!code)
        printf("%s of %u %s -> %s\n",
               wide      ? "probabilities"
               : classes ? "classes"
                         : "values",
               j->info->sequences, j->files.series ? "windows" : "sequences", path);
    return code;
}

static int work(job *j)
{
    int code = check_files(j);
    if (!code)
        code = tool_open(j->selector, &j->context);
    if (!code)
        code = load_model(j);
    if (!code)
        code = read_data(j);
    if (!code)
        code = tell(j);
    if (!code)
        code = save(j, j->out, false);
    if (!code)
        code = save(j, j->probabilities, true);
    free(j->told);
    clrnn_data_destroy(&j->data);
    data_free(&j->arrays);
    clrnn_model_destroy(&j->model);
    clrnn_graph_destroy(&j->graph);
    clrnn_tensors_destroy(&j->set);
    clrnn_context_destroy(&j->context);
    return code;
}

static int run(int argc, char **argv)
{
    job j = {.files = {.command = "predict"}};
    tool_list models = {0};
    tool_option options[] = {
        tool_text("data", "FILE", &j.files.data,
                  "x: .npy, .npz, .safetensors, .csv, .json, .wav, IDX"),
        tool_text("lengths", "FILE", &j.files.lengths, "steps of each sequence"),
        tool_text("columns", "NAMES", &j.files.columns, "of a .csv (those of the training)"),
        tool_text("group", "NAME", &j.files.group,
                  "of a .csv: its rows of one sequence agree there (that of the training)"),
        tool_flag("batch-first", &j.files.batch_first, "x is [N,T,I]"),
        tool_text("out", "FILE", &j.out, "classes or values, .npy or .csv"),
        tool_text("probabilities", "FILE", &j.probabilities, "of classes, .npy or .csv"),
        tool_u32("batch", "N", &j.batch, 1, "sequences side by side (32)"),
        tool_u32("beam", "K", &j.beam, 1,
                 "of ctc: search with the K likeliest beginnings (the best path)"),
        tool_flag("force", &j.force, "replace a .csv that exists"),
        tool_device(&j.selector),
        {0}};
    int code = tool_parse(&tool_predict, argc, argv, options, &models);
    if (code == TOOL_CONTINUE) {
        if (models.count != 1)
            code = tool_error("predict: %s; clrnn predict --help tells the use",
                              models.count ? "more than one model given" : "no model given");
        else if (!j.files.data)
            code = tool_error("predict: no data given; add --data FILE");
        else if (!j.out && !j.probabilities)
            code = tool_error("predict: nothing to write; add --out FILE or --probabilities FILE");
        else {
            j.model_path = models.items[0];
            code = work(&j);
        }
    }
    tool_list_free(&models);
    return code;
}

const tool_command tool_predict = {
    "predict", "MODEL --data FILE [--out FILE] [--probabilities FILE] [OPTION]...",
    "what a model trained on data tells of other data",
    "The model is one that clrnn train --data has saved: it knows how its data is scaled, whether "
    "it\n"
    "tells classes or values, and of each step or the last. Classes are numbers from 0 on in .npy, "
    "by\n"
    "their names in .csv; of steps past a sequence's length -1. Values are on the scale of the "
    "targets.\n"
    "Of a series each window gives what comes after it. --loss ctc: the labels of each sequence,\n"
    "in .npy [N,S] and behind them -1. --loss gaussian: means, and then standard deviations.\n",
    run};
