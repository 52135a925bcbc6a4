/* SPDX-License-Identifier: MIT
 * clrnn/model.h - a whole model: input (dense, one-hot or embedding), recurrent stack, linear head.
 *
 * V symbols of the vocabulary, E embedding width, O outputs of the head. Letters else as in
 * clrnn/network.h. A dense model feeds x [T,N,I]; a one-hot model feeds symbol s as the s-th unit
 * vector, so I = V; an embedding model feeds row s of embedding.weight [V,E], so I = E.
 * The head is logits = y head.weight^T + head.bias, with head.weight [O, D*R]. */
#ifndef CLRNN_MODEL_H
#define CLRNN_MODEL_H

#include <clrnn/plan.h>
#include <clrnn/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clrnn_input {
    CLRNN_INPUT_DENSE = 0,
    CLRNN_INPUT_ONE_HOT,
    CLRNN_INPUT_EMBEDDING
} clrnn_input;

/* How the weights of a fresh model are drawn. Biases not named are 0, peepholes too. */
typedef enum clrnn_init_kind {
    /* Of a new model: orthogonal, with forget_bias 1 where a gate keeps what there was. Of a model
     * from a file: the file does not say. */
    CLRNN_INIT_AUTO = 0,
    /* weight_ih Glorot uniform for each gate, +-sqrt(6/(I'+H)) (Glorot and Bengio 2010), weight_hh
     * orthogonal for each gate (Saxe et al. 2014), weight_hr and head.weight Glorot uniform,
     * embedding.weight normal with deviation 1/sqrt(E); the LSTM's forget gate opens with bias 1
     * (Jozefowicz et al. 2015), the GRU's update gate has none. */
    CLRNN_INIT_ORTHOGONAL,
    /* What PyTorch draws: all of the network uniform in +-1/sqrt(H), biases too, the head in
     * +-1/sqrt(D*R), embedding.weight normal with deviation 1. */
    CLRNN_INIT_PYTORCH,
    /* What Keras draws: weight_ih Glorot uniform as one matrix, +-sqrt(6/(I'+G*H)), weight_hh with
     * orthonormal columns as one matrix, the LSTM's forget gate with bias 1, head.weight Glorot
     * uniform, embedding.weight uniform in +-0.05. */
    CLRNN_INIT_KERAS,
    /* As orthogonal, but the gate that keeps has biases log(u), u uniform in [1, longest_lag-1],
     * so that memories fade over 2 to longest_lag steps; the LSTM's input gate has their opposites
     * (Tallec and Ollivier 2018). For cells with such a gate, LSTM and GRU. */
    CLRNN_INIT_CHRONO,
    /* For a network of relu: weight_hh the identity, weight_ih normal with deviation 0.001, the
     * rest as orthogonal (Le, Jaitly, Hinton 2015). */
    CLRNN_INIT_IRNN
} clrnn_init_kind;

/* Zero: auto. */
typedef struct clrnn_init_desc {
    clrnn_init_kind kind;
    uint32_t longest_lag; /* chrono, at least 2: steps over which something has to be remembered */
    /* If has_forget_bias: bias_ih of the gate that keeps, bias_hh of it is 0. The LSTM's forget
     * gate; the GRU's update gate, of which this is the bias in favour of what there was, so where
     * an open gate replaces it is stored as -forget_bias. Not with chrono and irnn. */
    bool has_forget_bias;
    double forget_bias;
} clrnn_init_desc;

/* A model. Zero-initialise, then set what you need. */
typedef struct clrnn_model_desc {
    clrnn_network_desc network; /* input_size may be 0 for one-hot: it is then V */
    clrnn_input input;
    uint32_t vocabulary_size; /* V; one-hot and embedding only */
    uint32_t output_size;     /* O; 0 = no head */
    /* Optional byte of text that each symbol stands for, [V], copied; NULL = symbols have no text.
     */
    const uint8_t *vocabulary;
    clrnn_precision precision;
    clrnn_init_desc init; /* how its weights are, or were, drawn */
} clrnn_model_desc;

typedef struct clrnn_model clrnn_model;

/**
 * Make a model with fresh weights, as desc->init says. The same seed gives the same bits on every
 * device.
 *
 * Ownership: on success *model is the caller's; the context must outlive it. On failure NULL.
 * Threads:   any; one call at a time for each model.
 * Returns:   CLRNN_OK; CLRNN_ERR_ARGUMENT and CLRNN_ERR_RANGE as clrnn_network_weights, or sizes
 *            that contradict, or an init that does not fit the cell (the log says why); CLRNN_ERR_UNSUPPORTED (double precision without fp64);
 *            CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL, CLRNN_ERR_BUILD
 */
CLRNN_API clrnn_status clrnn_model_create(clrnn_context *context, const clrnn_model_desc *desc,
                                          uint64_t seed, clrnn_model **model);

/* Where a model comes from. Zero-initialise, then set path or tensors, and what else you need. */
typedef struct clrnn_model_source {
    const char *path;             /* a file (clrnn_tensors_load), or */
    const clrnn_tensors *tensors; /* what has been read */
    /* Only tensors whose names begin so count, by their names without it: "encoder.lstm." takes
     * "encoder.lstm.weight_hh_l0" for "weight_hh_l0". NULL or "": all of them. */
    const char *prefix;
    clrnn_precision precision; /* of the model; elements are converted */
} clrnn_model_source;

/**
 * Make a model from named tensors. What metadata "clrnn" does not say is taken from names and
 * shapes; without it the file is PyTorch's network (README, "Files"). Tensors of other names are
 * ignored unless they begin with "rnn.", "head." or "embedding.".
 *
 * Ownership: on success *model is the caller's; the context must outlive it, the source need not.
 *            On failure NULL.
 * Threads:   any; one call at a time for each model.
 * Returns:   as clrnn_model_create, and
 *            CLRNN_ERR_ARGUMENT  neither path nor tensors, or both
 *            CLRNN_ERR_FORMAT    names, shapes and description contradict (the log names tensor or
 *                                field), or there is no network: the log lists the tensors that
 *                                there are, and the prefixes that would make them one
 *            CLRNN_ERR_IO        the file cannot be read
 *            CLRNN_ERR_UNSUPPORTED  a build without safetensors
 */
CLRNN_API clrnn_status clrnn_model_open(clrnn_context *context, const clrnn_model_source *source,
                                        clrnn_model **model);

/** The same without a prefix, of tensors and of a file. */
CLRNN_API clrnn_status clrnn_model_from_tensors(clrnn_context *context, const clrnn_tensors *set,
                                                clrnn_precision precision, clrnn_model **model);
CLRNN_API clrnn_status clrnn_model_load(clrnn_context *context, const char *path,
                                        clrnn_precision precision, clrnn_model **model);

/**
 * What model a source holds, without making it: needs no device.
 *
 * desc: out, all fields filled in; unchanged on failure
 * vocabulary: [256], filled if the symbols have text; desc->vocabulary then points to it
 * Threads: any.
 * Returns: as clrnn_model_open, but CLRNN_OK also for sizes that no device has memory for
 */
CLRNN_API clrnn_status clrnn_model_describe(const clrnn_model_source *source, const clrnn_log *log,
                                            clrnn_model_desc *desc, uint8_t vocabulary[256]);

/**
 * Add the model's tensors and its description to a set, for clrnn_tensors_save. Waits.
 * Returns: CLRNN_OK, CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY, CLRNN_ERR_ARGUMENT (a name exists),
 *          CLRNN_ERR_UNSUPPORTED in a build without safetensors
 */
CLRNN_API clrnn_status clrnn_model_to_tensors(clrnn_model *model, clrnn_tensors *set);

/** Write the model to a safetensors file, whole or not at all. */
CLRNN_API clrnn_status clrnn_model_save(clrnn_model *model, const char *path);

/** Free it and set the pointer to NULL; NULL is accepted. */
CLRNN_API void clrnn_model_destroy(clrnn_model **model);

/** What the model is: all fields filled in (vocabulary points into the model). Threads: any. */
CLRNN_API const clrnn_model_desc *clrnn_model_get_desc(const clrnn_model *model);

/** Elements of all parameters together. Threads: any. */
CLRNN_API size_t clrnn_model_parameter_count(const clrnn_model *model);

/**
 * Copy all parameters to or from host memory: one flat array of the model's precision,
 * [embedding.weight] [the network's canonical weights] [head.weight] [head.bias]. Waits.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (also where they are lost),
 *          CLRNN_ERR_OPENCL (to set: they are lost, and every use says so until they are set again)
 */
CLRNN_API clrnn_status clrnn_model_get_parameters(clrnn_model *model, void *parameters);
CLRNN_API clrnn_status clrnn_model_set_parameters(clrnn_model *model, const void *parameters);

/* Host arrays of one pass, elements of the model's precision. Zero-initialise. */
typedef struct clrnn_model_io {
    uint32_t steps; /* T, must be set */
    uint32_t batch; /* N, must be set */
    const uint32_t *lengths;
    const void *x;      /* in  [T,N,I]; dense models */
    const int32_t *ids; /* in  [T,N], each 0..V-1 (any value past a row's length); others */
    const void *h0, *c0;
    void *y, *hn, *cn;
    void *logits; /* out [T,N,O]; past a row's length the head's bias; models with a head */
} clrnn_model_io;

/**
 * Run the model: h0, c0, y, hn, cn as in clrnn_forward_io; every output may be absent. Waits.
 * Keeps a plan for the largest T and N so far, unless that would be more than twice the memory of
 * the largest call: then for those of the last call that needed more than there was.
 *
 * Returns: CLRNN_OK
 *          CLRNN_ERR_ARGUMENT  x or ids missing or of the wrong kind; logits without a head
 *          CLRNN_ERR_RANGE     a length or symbol out of range (the log says where)
 *          and those of clrnn_plan_create and clrnn_forward
 */
CLRNN_API clrnn_status clrnn_model_forward(clrnn_model *model, const clrnn_model_io *io);

/** Which strategy clrnn_model_forward and trainers of this model use; default auto. Takes effect
 *  with the next plan they make. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT. */
CLRNN_API clrnn_status clrnn_model_set_strategy(clrnn_model *model, clrnn_strategy strategy);

/** How clrnn_model_forward keeps the weight matrices of the recurrent stack (trainers and the
 *  parameters themselves do not change); default f32. Takes effect with the next call.
 *  Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (unknown, or not f32 in a model of double precision). */
CLRNN_API clrnn_status clrnn_model_set_storage(clrnn_model *model, clrnn_storage weights);

/** The plan of the last clrnn_model_forward, or NULL before the first. */
CLRNN_API const clrnn_plan_info *clrnn_model_plan_info(const clrnn_model *model);

#ifdef __cplusplus
}
#endif
#endif
