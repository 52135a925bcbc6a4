/* SPDX-License-Identifier: MIT
 * info_text.c - `clrnn info` for people; see info.h. */
#include <stdio.h>
#include <string.h>

#include "info.h"

#define MOST_VALUE 120 /* bytes of a metadata string */
#define MOST_WIDTH 56  /* of the column of names */

static void print_network(const info_network *n)
{
    char number[32], input[128];
    if (*n->prefix) {
        printf("prefix      ");
        info_print_clean(n->prefix, SIZE_MAX);
        printf("\n");
    }
    if (n->reason) {
        printf("no network  ");
        info_print_clean(n->reason, SIZE_MAX);
        printf("\n");
        return;
    }
    printf("network     %s\n", n->words);
    printf("input       %s\n", info_input(&n->desc, input));
    if (n->desc.output_size)
        printf("head        %u outputs\n", n->desc.output_size);
    printf("problem     %s\n", n->problem);
    printf("parameters  %s, %s\n", tool_thousands(n->parameters, number), n->dtype);
}

/* --- a training ------------------------------------------------------------------------------ */

/* What of a training is told, in this order; quiet: only if it is not 0. */
static const struct {
    const char *key, *words;
    bool quiet;
} fields[] = {
    {"step", "steps done ", false},
    {"total_steps", "planned ", true},
    {"optimizer", "optimiser ", false},
    {"learning_rate", "rate ", false},
    {"schedule", "schedule ", false},
    {"warmup_steps", "warm-up ", true},
    {"momentum", "momentum ", true},
    {"weight_decay", "weight decay ", true},
    {"clip", "clip ", true},
    {"dropout", "dropout ", true},
    {"input_dropout", "input dropout ", true},
    {"variational", "variational ", true},
    {"drop_connect", "DropConnect ", true},
    {"weight_noise", "weight noise ", true},
    {"loss", "loss ", false},
    {"max_batch", "N=", false},
    {"max_steps", "T=", false},
    {"seed", "seed ", false},
};
#define FIELDS (sizeof fields / sizeof fields[0])

/* Details that the list of metadata has. */
static const char *const left_out[] = {"beta1", "beta2", "rho", "epsilon", "carry_state"};

static bool is_told(const char *key)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (strcmp(fields[i].key, key) == 0)
            return true;
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
        if (strcmp(left_out[i], key) == 0)
            return true;
    return false;
}

static void print_field(const char *words, const char *value, bool *first)
{
    printf("%s%s", *first ? "training    " : ", ", words);
    info_print_clean(value, MOST_VALUE);
    *first = false;
}

static void print_training(const info_file *file)
{
    const size_t begin = strlen(INFO_TRAIN);
    const char *key, *value;
    char name[64];
    bool first = true;
    if (!info_is_training(file))
        return;
    for (size_t i = 0; i < FIELDS; i++) {
        snprintf(name, sizeof name, INFO_TRAIN "%s", fields[i].key);
        value = clrnn_tensors_metadata(file->set, name);
        if (value && !(fields[i].quiet && strcmp(value, "0") == 0))
            print_field(fields[i].words, value, &first);
    }
    for (size_t i = 0; (key = clrnn_tensors_metadata_at(file->set, i, &value)) != NULL; i++)
        if (strncmp(key, INFO_TRAIN, begin) == 0 && !is_told(key + begin)) {
            printf(", ");
            info_print_clean(key + begin, MOST_VALUE);
            printf(" ");
            info_print_clean(value, MOST_VALUE);
        }
    printf("\n");
}

/* --- tensors and metadata -------------------------------------------------------------------- */

static void print_shape(const clrnn_tensor *tensor)
{
    printf("[");
    for (uint32_t i = 0; i < tensor->rank; i++)
        printf("%s%llu", i ? "," : "", (unsigned long long)tensor->shape[i]);
    printf("]");
}

static void print_tensors(const clrnn_tensors *set)
{
    size_t count = clrnn_tensors_count(set), width = 0;
    uint64_t bytes = 0;
    char number[32], size[32];
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(clrnn_tensors_at(set, i)->name);
        width = length > width ? length : width;
        bytes += clrnn_tensors_at(set, i)->bytes;
    }
    width = width > MOST_WIDTH ? MOST_WIDTH : width;
    printf("tensors     %s, %s\n", tool_thousands(count, number), tool_bytes(bytes, size));
    for (size_t i = 0; i < count; i++) {
        const clrnn_tensor *tensor = clrnn_tensors_at(set, i);
        printf("  ");
        size_t used = info_print_clean(tensor->name, SIZE_MAX);
        printf("%*s  %-4s  ", used < width ? (int)(width - used) : 0, "",
               clrnn_dtype_name(tensor->dtype));
        print_shape(tensor);
        printf("\n");
    }
}

static void print_metadata(const clrnn_tensors *set)
{
    const char *key, *value;
    for (size_t i = 0; (key = clrnn_tensors_metadata_at(set, i, &value)) != NULL; i++) {
        printf("%s  ", i ? "" : "metadata\n");
        info_print_clean(key, SIZE_MAX);
        printf(" = ");
        info_print_clean(value, MOST_VALUE);
        printf("\n");
    }
}

static void print_array(const clrnn_tensor *tensor)
{
    char number[32];
    printf("array       %s ", clrnn_dtype_name(tensor->dtype));
    print_shape(tensor);
    printf(", %s element%s\n", tool_thousands(tensor->count, number),
           tensor->count == 1 ? "" : "s");
}

int info_print(const info_file *file)
{
    char size[32];
    bool array = strcmp(file->kind, "array") == 0;
    info_print_clean(file->path, SIZE_MAX);
    printf(": %s, %s, %s\n", file->kind, array ? "NumPy's .npy" : file->format,
           tool_bytes(file->bytes, size));
    for (size_t i = 0; i < file->count; i++)
        print_network(&file->networks[i]);
    if (file->more)
        printf("            and the names of more networks\n");
    if (file->graph)
        info_print_graph(file);
    print_training(file);
    if (array)
        print_array(clrnn_tensors_at(file->set, 0));
    else
        print_tensors(file->set);
    print_metadata(file->set);
    return TOOL_OK;
}
