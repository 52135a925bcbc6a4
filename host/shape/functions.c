/* SPDX-License-Identifier: MIT
 * shape/functions.c - names of kinds of nodes and of functions; what functions take by default. */
#include <clrnn/graph.h>

#include "../../cl/function.cl"

const char *clrnn_node_kind_name(clrnn_node_kind kind)
{
    static const char *const names[CLRNN_NODE_KINDS] = {
#define CLR_KIND_NAME(id, name) #name,
        CLRNN_NODE_LIST(CLR_KIND_NAME)
#undef CLR_KIND_NAME
    };
    return (unsigned)kind < CLRNN_NODE_KINDS ? names[kind] : NULL;
}

/* Kernels know them by the same numbers. */
#define CLR_SAME_NUMBER(id, name) _Static_assert((int)CLRNN_FN_##id == FN_##id, #name);
CLRNN_FUNCTION_LIST(CLR_SAME_NUMBER)
#undef CLR_SAME_NUMBER

const char *clrnn_function_name(clrnn_function function)
{
    static const char *const names[CLRNN_FUNCTIONS] = {
#define CLR_FUNCTION_NAME(id, name) #name,
        CLRNN_FUNCTION_LIST(CLR_FUNCTION_NAME)
#undef CLR_FUNCTION_NAME
    };
    return (unsigned)function < CLRNN_FUNCTIONS ? names[function] : NULL;
}

/* Of ONNX's operators; of those that it leaves open, ONNX Runtime's. */
void clrnn_function_defaults(clrnn_function function, double *alpha, double *beta)
{
    static const double of[CLRNN_FUNCTIONS][2] = {
        [CLRNN_FN_AFFINE] = {1, 0},
        [CLRNN_FN_LEAKY_RELU] = {0.01, 0},
        [CLRNN_FN_THRESHOLDED_RELU] = {1, 0},
        [CLRNN_FN_SCALED_TANH] = {1, 1},
        [CLRNN_FN_HARD_SIGMOID] = {0.2, 0.5},
        [CLRNN_FN_ELU] = {1, 0},
        [CLRNN_FN_SELU] = {1.67326319217681884765625, 1.05070102214813232421875},
        [CLRNN_FN_SILU] = {1, 0},
        [CLRNN_FN_CLIP] = {-1, 1},
    };
    const unsigned at = (unsigned)function < CLRNN_FUNCTIONS ? (unsigned)function : 0;
    if (alpha)
        *alpha = of[at][0];
    if (beta)
        *beta = of[at][1];
}
