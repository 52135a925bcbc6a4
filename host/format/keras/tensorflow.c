/* SPDX-License-Identifier: MIT
 * format/keras/tensorflow.c - what functional models of Keras 2 do with TensorFlow's functions
 * (layers TFOpLambda and SlicingOpLambda), said as Keras 3 says it: as an operation of keras.ops
 * with its arguments, [BEFORE,0,0,{"y": 2.0}] as {"args": [[BEFORE,0,0], 2.0]}. */
#include <string.h>

#include "format/keras/calls.h"

/* A function, what it is called, which of its arguments is the second value, and which has another
 * name there. */
typedef struct renamed {
    const char *function, *type, *second, *argument, *becomes;
} renamed;

static const renamed functions[] = {{"__operators__.getitem", "GetItem", "slice_spec", NULL, NULL},
                                    {"__operators__.add", "Add", "y", NULL, NULL},
                                    {"math.add", "Add", "y", NULL, NULL},
                                    {"math.subtract", "Subtract", "y", NULL, NULL},
                                    {"math.multiply", "Multiply", "y", NULL, NULL},
                                    {"math.truediv", "TrueDivide", "y", NULL, NULL},
                                    {"math.divide", "Divide", "y", NULL, NULL},
                                    {"math.maximum", "Maximum", "y", NULL, NULL},
                                    {"math.minimum", "Minimum", "y", NULL, NULL},
                                    {"math.pow", "Power", "y", NULL, NULL},
                                    {"linalg.matmul", "Matmul", "b", NULL, NULL},
                                    {"math.reduce_mean", "Mean", NULL, NULL, NULL},
                                    {"math.reduce_sum", "Sum", NULL, NULL, NULL},
                                    {"math.reduce_max", "Max", NULL, NULL, NULL},
                                    {"math.reduce_min", "Min", NULL, NULL, NULL},
                                    {"expand_dims", "ExpandDims", NULL, NULL, NULL},
                                    {"squeeze", "Squeeze", NULL, NULL, NULL},
                                    {"transpose", "Transpose", NULL, "perm", "axes"},
                                    {"compat.v1.squeeze", "Squeeze", NULL, NULL, NULL},
                                    {"compat.v1.transpose", "Transpose", NULL, "perm", "axes"},
                                    {"nn.softmax", "Softmax", NULL, NULL, NULL},
                                    {"reshape", "Reshape", NULL, "shape", "newshape"},
                                    {"math.negative", "Negative", NULL, NULL, NULL},
                                    {"math.abs", "Abs", NULL, NULL, NULL},
                                    {"math.square", "Square", NULL, NULL, NULL},
                                    {"math.sqrt", "Sqrt", NULL, NULL, NULL},
                                    {"math.exp", "Exp", NULL, NULL, NULL},
                                    {"math.log", "Log", NULL, NULL, NULL},
                                    {"math.sin", "Sin", NULL, NULL, NULL},
                                    {"math.cos", "Cos", NULL, NULL, NULL},
                                    {"math.tanh", "Tanh", NULL, NULL, NULL},
                                    {"math.sigmoid", "Sigmoid", NULL, NULL, NULL},
                                    {"math.softplus", "Softplus", NULL, NULL, NULL},
                                    {"nn.relu", "Relu", NULL, NULL, NULL},
                                    {"nn.elu", "Elu", NULL, NULL, NULL},
                                    {"nn.selu", "Selu", NULL, NULL, NULL},
                                    {"nn.silu", "Silu", NULL, NULL, NULL},
                                    {"nn.softsign", "Softsign", NULL, NULL, NULL}};

static const renamed *find(const cJSON *layer)
{
    const char *type = clr_keras_type_of(layer);
    const char *name =
        clr_keras_text_of(cJSON_GetObjectItemCaseSensitive(layer, "config"), "function");
    if (!name || (strcmp(type, "TFOpLambda") != 0 && strcmp(type, "SlicingOpLambda") != 0))
        return NULL;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].function, name) == 0)
            return &functions[i];
    return NULL;
}

/* --- one layer -------------------------------------------------------------------------------- */

/* item, a copy, becomes part of an array or object; freed if that fails. */
static bool add(cJSON *to, const char *name, cJSON *item)
{
    const bool added =
        item && (name ? cJSON_AddItemToObject(to, name, item) : cJSON_AddItemToArray(to, item));
    if (!added)
        cJSON_Delete(item);
    return added;
}

/* The first three of [BEFORE,0,0,{..}], or the number of ["_CONSTANT_VALUE",-1,1.0,{..}]. */
static cJSON *first_value(const cJSON *node)
{
    if (strcmp(node->child->valuestring, "_CONSTANT_VALUE") == 0)
        return cJSON_Duplicate(cJSON_GetArrayItem(node, 2), true);
    cJSON *value = cJSON_Duplicate(node, true);
    cJSON_DeleteItemFromArray(value, 3);
    return value;
}

/* [BEFORE,0,0,{..}] */
static bool is_node(const cJSON *node)
{
    return cJSON_IsArray(node) && cJSON_GetArraySize(node) == 4 && cJSON_IsString(node->child) &&
           cJSON_IsObject(cJSON_GetArrayItem(node, 3));
}

static bool add_call(cJSON *calls, const cJSON *node, const renamed *f)
{
    const cJSON *second =
        f->second ? cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(node, 3), f->second) : NULL;
    cJSON *call = cJSON_CreateObject();
    if (!add(calls, NULL, call))
        return false;
    cJSON *args = cJSON_AddArrayToObject(call, "args");
    return args && add(args, NULL, first_value(node)) &&
           (!second || add(args, NULL, cJSON_Duplicate(second, true)));
}

/* What the call says, but for values, is the config. */
static cJSON *config_of(const cJSON *layer, const cJSON *node, const renamed *f)
{
    const char *name = clr_keras_name_of(layer);
    cJSON *config = cJSON_Duplicate(cJSON_GetArrayItem(node, 3), true);
    bool fine = config != NULL;
    cJSON_DeleteItemFromObjectCaseSensitive(config, "name");
    if (f->second)
        cJSON_DeleteItemFromObjectCaseSensitive(config, f->second);
    cJSON *argument =
        f->argument ? cJSON_DetachItemFromObjectCaseSensitive(config, f->argument) : NULL;
    if (argument)
        fine = add(config, f->becomes, argument);
    if (fine && name)
        fine = cJSON_AddStringToObject(config, "name", name) != NULL;
    if (!fine)
        cJSON_Delete(config);
    return fine ? config : NULL;
}

static bool replace(cJSON *layer, const char *name, cJSON *item)
{
    cJSON_DeleteItemFromObjectCaseSensitive(layer, name);
    return add(layer, name, item);
}

/* What is said in another way stays as it is, and is refused by its class. */
static bool rename_layer(cJSON *layer, const renamed *f)
{
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(layer, "inbound_nodes");
    if (!nodes || !is_node(nodes->child) || nodes->child->next)
        return true;
    cJSON *calls = cJSON_CreateArray();
    if (!calls || !add_call(calls, nodes->child, f)) {
        cJSON_Delete(calls);
        return false;
    }
    cJSON *config = config_of(layer, nodes->child, f);
    if (!config) {
        cJSON_Delete(calls);
        return false;
    }
    bool fine = replace(layer, "config", config); /* both are the layer's, or freed */
    fine = replace(layer, "inbound_nodes", calls) && fine;
    return fine && replace(layer, "class_name", cJSON_CreateString(f->type)) &&
           replace(layer, "module", cJSON_CreateString("keras.src.ops"));
}

/* --- all -------------------------------------------------------------------------------------- */

bool clr_keras_rename(cJSON *model, unsigned depth)
{
    cJSON *config = cJSON_GetObjectItemCaseSensitive(model, "config");
    cJSON *layers = cJSON_GetObjectItemCaseSensitive(config, "layers");
    bool fine = true;
    for (cJSON *i = layers && depth < CLR_KERAS_DEPTH ? layers->child : NULL; i && fine;
         i = i->next) {
        const renamed *f = find(i);
        fine = f ? rename_layer(i, f) : clr_keras_rename(i, depth + 1);
    }
    return fine;
}
