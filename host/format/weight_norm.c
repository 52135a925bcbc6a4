/* SPDX-License-Identifier: MIT
 * format/weight_norm.c - see format/weight_norm.h. */
#include "format/weight_norm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "model/tensors.h"

enum { MOST_NAME = 1024 };

typedef struct pair {
    char name[MOST_NAME]; /* of the weight */
    const clrnn_tensor *g, *v;
} pair;

static bool is_real(const clrnn_tensor *t)
{
    return t->dtype == CLRNN_DTYPE_F64 || t->dtype == CLRNN_DTYPE_F32 ||
           t->dtype == CLRNN_DTYPE_F16 || t->dtype == CLRNN_DTYPE_BF16;
}

/* g is one number, or has axes of v's sizes or of 1. */
static bool fits(const clrnn_tensor *g, const clrnn_tensor *v)
{
    bool is = g && v && is_real(g) && is_real(v) && (g->rank == 0 || g->rank == v->rank);
    for (uint32_t i = 0; is && i < g->rank; i++)
        is = g->shape[i] == 1 || g->shape[i] == v->shape[i];
    return is;
}

/* Whether t is the direction of a pair. */
static bool find_pair(const clrnn_tensors *set, const clrnn_tensor *t, pair *p)
{
    static const char part[] = "parametrizations.", ends[2][12] = {"_v", ".original1"};
    const size_t length = strlen(t->name);
    char other[MOST_NAME];
    for (int now = 0; now < 2; now++) {
        const size_t end = strlen(ends[now]);
        if (length <= end || length >= sizeof other || strcmp(t->name + length - end, ends[now]))
            continue;
        snprintf(other, sizeof other, "%.*s%s", (int)(length - end), t->name,
                 now ? ".original0" : "_g");
        snprintf(p->name, sizeof p->name, "%.*s", (int)(length - end), t->name);
        char *inner = now ? strstr(p->name, part) : NULL;
        if (now && !inner)
            continue;
        if (inner)
            memmove(inner, inner + sizeof part - 1, strlen(inner + sizeof part - 1) + 1);
        p->v = t;
        p->g = clrnn_tensors_find(set, other);
        if (fits(p->g, p->v) && !clrnn_tensors_find(set, p->name))
            return true;
    }
    return false;
}

/* Element i of v: which of g is its own. */
static size_t length_of(const pair *p, size_t i)
{
    size_t at = 0, stride = 1;
    for (uint32_t axis = p->g->rank; axis-- > 0; i /= (size_t)p->v->shape[axis]) {
        if (p->g->shape[axis] != 1)
            at += i % (size_t)p->v->shape[axis] * stride;
        stride *= (size_t)p->g->shape[axis];
    }
    return at;
}

/* v g / |v| */
static clrnn_status join(const pair *p, const clrnn_log *log, clrnn_tensors *plain)
{
    const size_t count = p->v->count, lengths = p->g->count;
    double *w = clr_calloc(count + 2 * lengths, sizeof *w);
    if (!w)
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory", clr_show(p->name).text);
    double *g = w + count, *squares = g + lengths;
    clrnn_tensor_to_f64(p->v, w);
    clrnn_tensor_to_f64(p->g, g);
    for (size_t i = 0; i < count; i++)
        squares[length_of(p, i)] += w[i] * w[i];
    for (size_t i = 0; i < count; i++)
        w[i] *= g[length_of(p, i)] / sqrt(squares[length_of(p, i)]);
    clrnn_status status =
        clrnn_tensors_add(plain, p->name, CLRNN_DTYPE_F64, p->v->rank, p->v->shape, w);
    free(w);
    return status;
}

/* Whether t is the length of a pair whose direction is elsewhere. */
static bool is_length(const clrnn_tensors *set, const clrnn_tensor *t)
{
    static const char *const ends[2][2] = {{"_g", "_v"}, {".original0", ".original1"}};
    const size_t length = strlen(t->name);
    char other[MOST_NAME];
    pair p;
    for (int now = 0; now < 2; now++) {
        const size_t end = strlen(ends[now][0]);
        if (length <= end || length >= sizeof other || strcmp(t->name + length - end, ends[now][0]))
            continue;
        snprintf(other, sizeof other, "%.*s%s", (int)(length - end), t->name, ends[now][1]);
        const clrnn_tensor *v = clrnn_tensors_find(set, other);
        if (v && find_pair(set, v, &p) && p.g == t)
            return true;
    }
    return false;
}

static bool has_pairs(const clrnn_tensors *set)
{
    pair p;
    for (size_t i = 0; i < clrnn_tensors_count(set); i++)
        if (find_pair(set, clrnn_tensors_at(set, i), &p))
            return true;
    return false;
}

clrnn_status clr_weight_norm_join(const clrnn_tensors *set, const clrnn_log *log,
                                  clrnn_tensors **plain)
{
    pair p;
    *plain = NULL;
    if (!has_pairs(set))
        return CLRNN_OK;
    clrnn_status status = clrnn_tensors_create(log, plain);
    for (size_t i = 0; i < clrnn_tensors_count(set) && status == CLRNN_OK; i++) {
        const clrnn_tensor *t = clrnn_tensors_at(set, i);
        if (find_pair(set, t, &p))
            status = join(&p, log, *plain);
        else if (!is_length(set, t))
            status = clrnn_tensors_add(*plain, t->name, t->dtype, t->rank, t->shape, t->data);
    }
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(plain);
    return status;
}
