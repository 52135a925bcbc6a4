/* SPDX-License-Identifier: MIT
 * run.c - `clrnn run`: a model over arrays in files. Letters as in clrnn/network.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "run_graph.h"

#define PRECISIONS "f32|f64"
#define WEIGHTS    "f32|f16|bf16|int8" /* as clrnn_storage counts them */

#define CHUNK 1024u /* steps of one call, where the sequence can be cut */

/* One run. */
typedef struct job {
    const char *model_path, *prefix;
    int precision, strategy, weights;
    bool batch_first, force;
    run_input inputs[RUN_INPUTS];
    run_output outputs[RUN_OUTPUTS];
    clrnn_model *model;
    const clrnn_model_desc *desc;
    size_t element;    /* bytes of one number */
    uint32_t steps;    /* T */
    uint32_t batch;    /* N */
    uint32_t state;    /* R */
    uint32_t stack;    /* L*D */
    uint32_t features; /* D*R */
    void *x, *h0, *c0; /* what the model gets, time first; owned */
    int32_t *ids;
    uint32_t *lengths;
} job;

/* What to do if x is batch-major: `rows` is what another array says that N is. */
static const char *hint(const job *j, uint64_t rows)
{
    return !j->batch_first && rows == j->steps && rows != j->batch
               ? "; x looks like [N,T,..]: add --batch-first"
               : "";
}

static int bad_shape(const run_input *in, int which, const char *wanted)
{
    char text[200];
    return tool_error("run: %s: %s has shape %s, but %s", in->path, run_input_name(which),
                      run_shape_text(in->tensor, text), wanted);
}

/* T and N from the shape of x, of which `rank` leading numbers count. */
static int read_sizes(job *j, const clrnn_tensor *x, bool single)
{
    int time = j->batch_first ? 1 : 0;
    uint64_t steps = single ? x->shape[0] : x->shape[time];
    uint64_t batch = single ? 1 : x->shape[1 - time];
    if (steps == 0 || batch == 0 || steps > INT32_MAX || batch > INT32_MAX)
        return bad_shape(&j->inputs[RUN_X], RUN_X, "it needs 1 to 2147483647 steps and sequences");
    j->steps = (uint32_t)steps;
    j->batch = (uint32_t)batch;
    return TOOL_OK;
}

/* x [T,N,I], or [T,I] for one sequence; with --batch-first [N,T,I]. */
static int read_dense(job *j)
{
    const clrnn_tensor *x = j->inputs[RUN_X].tensor;
    char wanted[160];
    uint32_t width = j->desc->network.input_size;
    snprintf(wanted, sizeof wanted, "the model takes %s with I=%u (one sequence: [T,I])",
             j->batch_first ? "[N,T,I]" : "[T,N,I]", width);
    if ((x->rank != 2 && x->rank != 3) || x->shape[x->rank - 1] != width)
        return bad_shape(&j->inputs[RUN_X], RUN_X, wanted);
    int code = read_sizes(j, x, x->rank == 2);
    if (code)
        return code;
    j->x = run_reals(x, j->element);
    if (!j->x || (j->batch_first && !run_swap(&j->x, j->batch, j->steps, width * j->element)))
        return tool_no_memory();
    return TOOL_OK;
}

/* x [T,N] of symbols, or [T] for one sequence; with --batch-first [N,T]. */
static int read_symbols(job *j)
{
    const clrnn_tensor *x = j->inputs[RUN_X].tensor;
    if (!run_is_integer(x))
        return tool_error("run: %s: x is %s, but this model takes symbols, which are integers",
                          j->inputs[RUN_X].path, clrnn_dtype_name(x->dtype));
    if (x->rank != 1 && x->rank != 2)
        return bad_shape(&j->inputs[RUN_X], RUN_X,
                         j->batch_first ? "the model takes symbols [N,T] (one sequence: [T])"
                                        : "the model takes symbols [T,N] (one sequence: [T])");
    int code = read_sizes(j, x, x->rank == 1);
    if (code)
        return code;
    void *ids = run_integers(x);
    bool done = ids && (!j->batch_first || run_swap(&ids, j->batch, j->steps, sizeof *j->ids));
    j->ids = ids;
    return done ? TOOL_OK : tool_no_memory();
}

static int read_lengths(job *j)
{
    const run_input *in = &j->inputs[RUN_LENGTHS];
    char wanted[120];
    if (!in->path)
        return TOOL_OK;
    snprintf(wanted, sizeof wanted, "it must be [N] with N=%u%s", j->batch,
             hint(j, in->tensor->rank == 1 ? in->tensor->shape[0] : 0));
    if (!run_is_integer(in->tensor))
        return tool_error("run: %s: lengths is %s, but must be integers", in->path,
                          clrnn_dtype_name(in->tensor->dtype));
    if (in->tensor->rank != 1 || in->tensor->shape[0] != j->batch)
        return bad_shape(in, RUN_LENGTHS, wanted);
    return run_lengths(in, j->steps, &j->lengths);
}

/* h0 [L*D,N,R] or c0 [L*D,N,H]. */
static int read_state(job *j, int which, uint32_t width, void **out)
{
    const run_input *in = &j->inputs[which];
    char wanted[160];
    if (!in->path)
        return TOOL_OK;
    snprintf(wanted, sizeof wanted, "it must be [%u,%u,%u] for this model and x%s", j->stack,
             j->batch, width, hint(j, in->tensor->rank == 3 ? in->tensor->shape[1] : 0));
    const uint64_t *shape = in->tensor->shape;
    if (in->tensor->rank != 3 || shape[0] != j->stack || shape[1] != j->batch || shape[2] != width)
        return bad_shape(in, which, wanted);
    *out = run_reals(in->tensor, j->element);
    return *out ? TOOL_OK : tool_no_memory();
}

static int read_inputs(job *j)
{
    int code = run_load(j->inputs);
    if (!code)
        code = j->desc->input == CLRNN_INPUT_DENSE ? read_dense(j) : read_symbols(j);
    clrnn_tensors_destroy(&j->inputs[RUN_X].set); /* x may be large, and has been converted */
    if (!code)
        code = read_lengths(j);
    if (!code)
        code = read_state(j, RUN_H0, j->state, &j->h0);
    if (!code)
        code = read_state(j, RUN_C0, j->desc->network.hidden_size, &j->c0);
    return code;
}

/* What the model does not have must not be asked for. */
static int check_wishes(const job *j)
{
    const clrnn_cell_info *cell = clrnn_cell_get_info(j->desc->network.cell);
    if (!cell->has_cell_state && j->inputs[RUN_C0].path)
        return tool_error("run: --in c0=%s: a %s has no c0", j->inputs[RUN_C0].path, cell->name);
    if (!cell->has_cell_state && j->outputs[RUN_CN].path)
        return tool_error("run: --out cn=%s: a %s has no cn", j->outputs[RUN_CN].path, cell->name);
    if (!j->desc->output_size && j->outputs[RUN_LOGITS].path)
        return tool_error("run: --out logits=%s: %s has no head", j->outputs[RUN_LOGITS].path,
                          j->model_path);
    return TOOL_OK;
}

static int make_output(job *j, int which, uint64_t a, uint64_t b, uint64_t width)
{
    run_output *out = &j->outputs[which];
    if (!out->path)
        return TOOL_OK;
    out->rank = 3;
    out->shape[0] = a;
    out->shape[1] = b;
    out->shape[2] = width;
    out->data = calloc(a * b, width * j->element);
    return out->data ? TOOL_OK : tool_no_memory();
}

static int make_outputs(job *j)
{
    int code = make_output(j, RUN_Y, j->steps, j->batch, j->features);
    if (!code)
        code = make_output(j, RUN_LOGITS, j->steps, j->batch, j->desc->output_size);
    if (!code)
        code = make_output(j, RUN_HN, j->stack, j->batch, j->state);
    if (!code)
        code = make_output(j, RUN_CN, j->stack, j->batch, j->desc->network.hidden_size);
    return code;
}

/* Where step t of an array [T,N,width] begins; NULL stays NULL. */
static void *step_of(const job *j, void *data, uint32_t t, size_t width)
{
    return data ? (char *)data + (size_t)t * j->batch * width * j->element : NULL;
}

static int forward_chunk(job *j, uint32_t t, uint32_t steps, const uint32_t *lengths,
                         const void *h0, const void *c0, void *hn, void *cn)
{
    clrnn_model_io io = {.steps = steps,
                         .batch = j->batch,
                         .lengths = lengths,
                         .x = step_of(j, j->x, t, j->desc->network.input_size),
                         .ids = j->ids ? j->ids + (size_t)t * j->batch : NULL,
                         .h0 = h0,
                         .c0 = c0,
                         .y = step_of(j, j->outputs[RUN_Y].data, t, j->features),
                         .hn = hn,
                         .cn = cn,
                         .logits =
                             step_of(j, j->outputs[RUN_LOGITS].data, t, j->desc->output_size)};
    clrnn_status status = clrnn_model_forward(j->model, &io);
    return status ? tool_failed(status) : TOOL_OK;
}

/* A long sequence in chunks, each from the state after the one before: memory on the device does
 * not grow with T, and on CPU devices the numbers are the same to the last bit. */
static int forward_chunks(job *j)
{
    bool has_c = clrnn_cell_get_info(j->desc->network.cell)->has_cell_state;
    size_t H = j->desc->network.hidden_size;
    void *h = run_copy(j->h0, (size_t)j->stack * j->batch * j->state, j->element),
         *c = has_c ? run_copy(j->c0, (size_t)j->stack * j->batch * H, j->element) : NULL;
    uint32_t *lengths = j->lengths ? calloc(j->batch, sizeof *lengths) : NULL;
    int code = h && (c || !has_c) && (lengths || !j->lengths) ? TOOL_OK : tool_no_memory();
    for (uint32_t t = 0; t < j->steps && !code; t += CHUNK) {
        uint32_t steps = j->steps - t < CHUNK ? j->steps - t : CHUNK;
        for (uint32_t n = 0; lengths && n < j->batch; n++) {
            uint32_t left = j->lengths[n] > t ? j->lengths[n] - t : 0;
            lengths[n] = left < steps ? left : steps;
        }
        code = forward_chunk(j, t, steps, lengths, h, c, h, c);
    }
    if (!code && j->outputs[RUN_HN].data)
        memcpy(j->outputs[RUN_HN].data, h, (size_t)j->stack * j->batch * j->state * j->element);
    if (!code && j->outputs[RUN_CN].data)
        memcpy(j->outputs[RUN_CN].data, c, (size_t)j->stack * j->batch * H * j->element);
    free(h);
    free(c);
    free(lengths);
    return code;
}

/* A backward direction needs the whole sequence. */
static int forward(job *j)
{
    if (j->steps > CHUNK && !j->desc->network.bidirectional && !j->desc->network.reverse)
        return forward_chunks(j);
    return forward_chunk(j, 0, j->steps, j->lengths, j->h0, j->c0, j->outputs[RUN_HN].data,
                         j->outputs[RUN_CN].data);
}

/* y and logits become [N,T,..]. */
static int to_batch_first(job *j)
{
    const int with_time[] = {RUN_Y, RUN_LOGITS};
    for (int i = 0; j->batch_first && i < 2; i++) {
        run_output *out = &j->outputs[with_time[i]];
        if (!out->path)
            continue;
        if (!run_swap(&out->data, j->steps, j->batch, out->shape[2] * j->element))
            return tool_no_memory();
        out->shape[0] = j->batch;
        out->shape[1] = j->steps;
    }
    return TOOL_OK;
}

static int load_model(job *j, clrnn_context *context)
{
    const clrnn_model_source source = {
        .path = j->model_path, .prefix = j->prefix, .precision = (clrnn_precision)j->precision};
    clrnn_status status = clrnn_model_open(context, &source, &j->model);
    if (!status)
        status = clrnn_model_set_strategy(j->model, (clrnn_strategy)j->strategy);
    if (!status)
        status = clrnn_model_set_storage(j->model, (clrnn_storage)j->weights);
    if (status)
        return tool_failed(status);
    j->desc = clrnn_model_get_desc(j->model);
    const clrnn_network_desc *network = &j->desc->network;
    uint32_t directions = network->bidirectional ? 2 : 1;
    j->element = j->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
    j->state = network->proj_size ? network->proj_size : network->hidden_size;
    j->stack = network->num_layers * directions;
    j->features = network->merge == CLRNN_MERGE_SUM ? j->state : j->state * directions;
    return TOOL_OK;
}

static int work(job *j, const char *selector)
{
    clrnn_context *context;
    int code = tool_open(selector, &context);
    if (code)
        return code;
    code = load_model(j, context);
    if (!code)
        code = check_wishes(j);
    if (!code)
        code = read_inputs(j);
    if (!code)
        code = make_outputs(j);
    if (!code)
        code = forward(j);
    if (!code)
        code = to_batch_first(j);
    clrnn_model_destroy(&j->model);
    clrnn_context_destroy(&context);
    free(j->x); /* room for the files */
    j->x = NULL;
    if (!code)
        code = run_save(j->outputs, j->precision == CLRNN_F64 ? CLRNN_DTYPE_F64 : CLRNN_DTYPE_F32);
    return code;
}

static int check_use(job *j, const tool_list *models, const tool_list *in, const tool_list *out)
{
    if (models->count != 1)
        return tool_error("run: no model given; clrnn run --help tells the use");
    j->model_path = models->items[0];
    int code = run_name_inputs(in, j->inputs);
    if (!code)
        code = run_name_outputs(out, j->outputs);
    if (!code && !j->inputs[RUN_X].path)
        code = tool_error("run: no input x; add --in FILE");
    if (!code && out->count == 0)
        code = tool_error("run: nothing to write; add --out FILE");
    return code ? code : run_check_files(j->model_path, j->inputs, j->outputs, j->force);
}

static int run(int argc, char **argv)
{
    job j = {0};
    uint32_t block = 0;
    const char *selector = NULL, *arch = NULL;
    tool_list models = {0}, in = {0}, out = {0}, sizes = {0};
    tool_option options[] = {
        tool_many("in", "[NAME=]FILE", &in, "x (default), h0, c0 or lengths from FILE"),
        tool_many("out", "[NAME=]FILE", &out, "y (default), hn, cn or logits to FILE"),
        tool_flag("force", &j.force, "replace a model or other file of --out that exists"),
        tool_prefix(&j.prefix),
        tool_u32("stream", "BLOCK", &block, 1, "in blocks of so many steps, timed"),
        tool_flag("batch-first", &j.batch_first, "arrays that begin with T and N are [N,T,..]"),
        tool_choice("precision", PRECISIONS, &j.precision, "of the arithmetic and outputs (f32)"),
        tool_choice("strategy", TOOL_STRATEGIES, &j.strategy, "how time is scanned (auto)"),
        tool_choice("weights", WEIGHTS, &j.weights, "how weight matrices are kept (f32)"),
        tool_size(&sizes),
        tool_text("arch", "FILE", &arch, "what a file of tensors alone makes up, as JSON"),
        tool_device(&selector),
        {0}};
    int code = tool_parse(&tool_run, argc, argv, options, &models);
    if (code == TOOL_CONTINUE)
        code = run_take_places(&models, &in);
    if (code == TOOL_CONTINUE && models.count == 1 &&
        (block || run_has_sound(&in) || run_has_sound(&out) ||
         run_is_graph(models.items[0], j.prefix))) {
        const run_graph_wishes wishes = {.model = models.items[0],
                                         .selector = selector,
                                         .prefix = j.prefix,
                                         .arch = arch,
                                         .batch_first = j.batch_first,
                                         .weights = j.weights != 0,
                                         .block = block,
                                         .precision = (clrnn_precision)j.precision,
                                         .strategy = (clrnn_strategy)j.strategy};
        code = run_graph(&wishes, &in, &out, &sizes);
    } else if (code == TOOL_CONTINUE) {
        code = sizes.count || arch ? tool_error("run: %s: --size and --arch are not for it",
                                                models.count ? models.items[0] : "no model")
                                   : check_use(&j, &models, &in, &out);
        if (!code)
            code = work(&j, selector);
    }
    run_free(j.inputs, j.outputs);
    free(j.x);
    free(j.h0);
    free(j.c0);
    free(j.ids);
    free(j.lengths);
    tool_list_free(&models);
    tool_list_free(&in);
    tool_list_free(&out);
    tool_list_free(&sizes);
    return code;
}

const tool_command tool_run = {
    "run", "MODEL [--in] [NAME=]FILE... --out [NAME=]FILE... [OPTION]...",
    "run a model over arrays in files",
    "MODEL is a .safetensors file, or a model of another format, as .onnx; a FILE is .npy or\n"
    ".safetensors, where NAME is the tensor's name.\n"
    "In:  x [T,N,I] or [T,I]; of one-hot and embedding models integers [T,N] or [T];\n"
    "     h0 [L*D,N,R], c0 [L*D,N,H] (zeros if not given), lengths [N] of integers, each 0..T.\n"
    "Out: y [T,N,D*R], hn [L*D,N,R], cn [L*D,N,H], logits [T,N,O] of the head.\n"
    "T steps, N sequences, I inputs, H hidden units, R = H or the projected size, L layers,\n"
    "D directions. Numbers of any type are converted.\n"
    "Models of other formats, and graphs, have inputs and outputs of their own names: a FILE\n"
    "without NAME is the first one, or of .safetensors all; an input that is not given is 0.\n"
    "A .wav is an input or output of one channel, several channels are rows; its rate becomes\n"
    "the model's (RTNeural and NAM say it). With --stream outputs have the same bits, states are\n"
    "those after the last block. Arrays have the axes of the model; with --batch-first those that\n"
    "begin with T and N in either order, as x and y, are [N,T,..] in every FILE.\n",
    run};
