/* SPDX-License-Identifier: MIT
 * format/pytorch.c - a state_dict, by torch.save or as safetensors: names, shapes and values of
 * tensors, and no more. */
#include "format/pytorch.h"

#include "format/arch.h"
#include "format/chain.h"
#include "format/fill.h"
#include "format/pytorch_write.h"
#include "format/state_probes.h"
#include "format/weight_norm.h"
#include "model/tensors.h"

static clrnn_status by_names(const clrnn_tensors *set, const clr_format_file *file,
                             const clrnn_import_desc *desc, const clrnn_log *log,
                             clrnn_graph **graph)
{
    const clr_fill_source source = {.set = set, .file = file->path, .prefix = desc->prefix};
    clr_modules modules;
    clrnn_status status = clr_modules_find(set, desc->prefix, file->path, log, &modules);
    if (status == CLRNN_OK)
        status = clr_chain_build(&modules, file->path, desc, log, graph);
    clr_arena_free(&modules.arena);
    return status == CLRNN_OK ? clr_graph_fill(*graph, &source, log) : status;
}

clrnn_status clr_state_dict_import(const clrnn_tensors *set, const clr_format_file *file,
                                   const clrnn_import_desc *desc, const clrnn_log *log,
                                   clrnn_graph **graph)
{
    clrnn_tensors *plain = NULL;
    clrnn_status status = clr_weight_norm_join(set, log, &plain);
    const clrnn_tensors *from = plain ? plain : set;
    if (status == CLRNN_OK)
        status = desc->arch ? clr_arch_import(desc, from, file->path, log, graph)
                            : by_names(from, file, desc, log, graph);
    clrnn_tensors_destroy(&plain);
    return status;
}

static clrnn_status read(const clr_format_file *file, const clrnn_import_desc *desc,
                         const clrnn_log *log, clrnn_graph **graph)
{
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_parse(file->data, file->bytes, file->path, log, &set);
    if (status == CLRNN_OK)
        status = clr_state_dict_import(set, file, desc, log, graph);
    clrnn_tensors_destroy(&set);
    return status;
}

const clr_format clr_format_pytorch = {.name = "pytorch",
                                       .summary = "PyTorch's state_dict, .pt or safetensors",
                                       .endings = {".pt", ".pth", ".bin", ".ckpt"},
                                       .probe = clr_pytorch_probe,
                                       .read = read,
                                       .write = clr_pytorch_write};
