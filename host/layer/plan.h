/* SPDX-License-Identifier: MIT
 * layer/plan.h - a plan inside: what it was made of, its weights and its work memory. */
#ifndef CLR_LAYER_PLAN_H
#define CLR_LAYER_PLAN_H

#include <clrnn/plan.h>

#include "device/upload.h"
#include "layer/exec_config.h"
#include "layer/weights.h"
#include "math/norm.h"
#include "math/sequence.h"
#include "math/trace.h"

struct clr_strategy;
struct clr_staging;

struct clrnn_plan {
    clrnn_context *context;
    clrnn_plan_desc desc;
    clr_network network;
    clrnn_plan_info info;
    size_t real_bytes;     /* of one element */
    size_t sequence_bytes; /* of one element of x and y */
    uint32_t chunk;        /* steps whose gates fit the work memory; T when training */
    /* How time is scanned. The state is the strategy's own: nobody else looks into it. */
    const struct clr_strategy *strategy;
    void *state;
    clrnn_exec_config config; /* measured the fastest for max_batch; zeros where a rule decides */
    /* Products and kernels over whole sequences (those in training alone). */
    clr_gemms gemms;
    clr_sequence sequence;
    /* How many passes have been given a number (clr_pass); and that of the last one, if the
     * strategy may enqueue it again, else 0. */
    uint64_t numbered, repeatable;
    clrnn_slice weights; /* canonical, retained; absent until they are set */
    clr_weights packed;  /* made from them */
    bool weights_lost;   /* absent since setting them failed */
    cl_mem lengths;      /* [max N] cl_int */
    cl_mem flags;        /* [max T,max N] cl_int, made when they are first used */
    cl_mem apart;        /* [max T,max N,2R] what two directions that are added make */
    cl_mem filled;       /* [max T,max N,D*R] gradients of steps that others repeat */
    clr_uploads uploads; /* lengths on their way */
    /* inference: the block of clr_layout_infer; [max N, max(R,H)] zeros, the states that the caller
     * does not give */
    cl_mem workspace, zeros;
    /* x and y in fewer bits; as floats, of as many steps as go through all layers at once:
     * [T',N,I], [T',N,D*R] */
    clr_converter sequence_converter;
    cl_mem wide_x, wide_y;
    /* training: gradients on their way; clr_flow_of says where those of a direction are */
    cl_mem da, du;   /* [D,T,N,G*H]; du if the cell has two inputs */
    cl_mem dh, dc;   /* [D,N,R], [D,N,H] */
    cl_mem dproj;    /* [D,T,N,R], projected */
    clr_norms norms; /* with layer norm, and in training */
    cl_mem dsums;    /* [D,T,N,G*H], the gradient of U h before it, and of a cell state */
    cl_mem dz;       /* [D,T,N,H], that of LN(c) */
    cl_mem dy[2];    /* [T,N,D*R] of layers below the top, taking turns */
    cl_mem masked_x; /* [T,N,I], made when lengths are first used */
    cl_mem masked_h; /* [T,N,R], the same */
    /* what traces read with, and where they read to: made on demand */
    clr_tracer tracer;
    cl_mem traced;
    /* host-memory calls: made on demand */
    struct clr_staging *staging;
};

/** Allocate rows*elements of the plan's type, counted in work_bytes. */
clrnn_status clr_plan_allocate(clrnn_plan *plan, cl_mem *buffer, uint64_t rows, uint64_t elements);

/** CLRNN_OK, or CLRNN_ERR_ARGUMENT if the plan has no weights. who: begins the line of the log. */
clrnn_status clr_plan_check_weights(const clrnn_plan *plan, const char *who);

/** Whether `slice` has room for `count` elements of `bytes`; logs the name if not. */
clrnn_status clr_slice_check(const clrnn_plan *plan, clrnn_slice slice, size_t count, size_t bytes,
                             const char *name);

/** At the end of a pass: enqueue reading what went wrong on the device. Does not wait. */
clrnn_status clr_plan_report(clrnn_plan *plan);

/** Let the strategy notice what went wrong on the device, as far as that has been read: of all
 *  passes, when the queue has been waited for after each. Does not wait. */
void clr_plan_poll_errors(clrnn_plan *plan);

#endif
