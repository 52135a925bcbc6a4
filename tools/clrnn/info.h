/* SPDX-License-Identifier: MIT
 * info.h - the parts of `clrnn info`: what a file holds, in words and as JSON. */
#ifndef TOOL_INFO_H
#define TOOL_INFO_H

#include "sizes.h"
#include "values.h"

/* The metadata of a training begins so, in files that clrnn train has saved. */
#define INFO_TRAIN "clrnn.train."

/* A network that a file has, or almost has. */
typedef struct info_network {
    char *prefix;          /* what its names begin with, "" = the whole file; owned */
    char *reason;          /* NULL, or why it is none; owned. The rest is then unused */
    clrnn_model_desc desc; /* its vocabulary, if any, is the next: */
    uint8_t vocabulary[256];
    uint64_t parameters;
    const char *dtype; /* of the recurrent weights of its first layer */
    char cell[16];     /* "gru" */
    char words[256];   /* "GRU, 1 layer of 128 units, ..." */
    char problem[256]; /* the problem string of its network */
} info_network;

typedef struct info_file {
    const char *path, *prefix; /* as given; prefix NULL = none */
    const char *kind;          /* "graph", "checkpoint", "model", "array" or "tensors" */
    const char *format;        /* "safetensors", "npy" or that of another program: "keras" */
    uint64_t bytes;            /* of the file */
    clrnn_tensors *set;        /* owned */
    info_network *networks;    /* [count], owned */
    clrnn_graph *graph;        /* or NULL: the file is no graph; owned */
    tool_sizes sizes;          /* as given, for axes that a file leaves open */
    tool_values values;        /* as given, for inputs that must be known */
    const char *selector;      /* of a device, as given; NULL = none is asked */
    clrnn_context *context;    /* of it; owned */
    clrnn_graph_plan *plan;    /* of the graph there, or NULL; owned */
    size_t count;
    bool named;  /* of named tensors, whatever else it is */
    bool states; /* a state_dict of more than a model of ours has, or in another container */
    bool more;   /* there are names of further networks, which were not looked at */
} info_file;

/** Whether the file says how far its training has come. */
bool info_is_training(const info_file *file);

/** Fill in cell and words from desc and problem. */
void info_put_words(info_network *network);

/** What `desc` takes in: "one-hot, 65 symbols with text". Into `text`, which is returned. */
const char *info_input(const clrnn_model_desc *desc, char text[128]);

/** What a file says, with '?' for what would move a terminal's cursor: at most `most` bytes, then
 *  "...". Returns the bytes written. */
size_t info_print_clean(const char *text, size_t most);

/** The nodes of a graph as a table; as members of a JSON object. */
void info_print_graph(const info_file *file);
void info_add_graph(cJSON *object, const info_file *file);

/** Print all on stdout. Returns an exit code. */
int info_print(const info_file *file);
int info_print_json(const info_file *file);

#endif
