/* SPDX-License-Identifier: MIT
 * reference/pass.c - see reference/pass.h. */
#include "reference/pass.h"

#include <stdlib.h>

#include "base/memory.h"

static bool make(double **array, size_t rows, size_t columns)
{
    *array = clr_calloc(rows, columns * sizeof **array);
    return *array != NULL;
}

static bool make_activation(clr_ref_flow *s, size_t steps, size_t width)
{
    s->width = width;
    return make(&s->v, steps, width) && make(&s->dv, steps, width);
}

size_t clr_ref_normed(const clr_network *n)
{
    return (2 * (size_t)n->gates + 1) * n->desc.hidden_size + CLR_NORM_SCALES;
}

static bool make_trace(const clr_ref_pass *p, clr_ref_trace *t)
{
    size_t T = p->io->steps, R = p->net.state_size, M = p->memory;
    return make(&t->zeros, 1, p->net.desc.hidden_size) &&
           make(&t->lost, 1, p->net.desc.hidden_size) && make(&t->last, 1, R) &&
           make(&t->h, T + 1, R) && make(&t->dh, T + 1, R) && make(&t->c, T + 1, M) &&
           make(&t->dc, T + 1, M) && make(&t->saved, T, p->cell->slots * p->net.desc.hidden_size) &&
           make(&t->a, p->net.gates, p->net.desc.hidden_size) &&
           make(&t->u, p->net.gates, p->net.desc.hidden_size) &&
           make(&t->normed, p->net.normed ? T : 0, clr_ref_normed(&p->net)) &&
           make(&t->new_h, T, R) && make(&t->new_c, T, M) && make(&t->new_dh, 1, R) &&
           make(&t->new_dc, 1, M) && make(&t->factors, 1, R);
}

bool clr_ref_pass_make(clr_ref_pass *p)
{
    size_t L = p->net.layers, D = p->net.directions;
    p->activations = clr_calloc(L + 1, sizeof *p->activations);
    p->traces = clr_calloc(L * D, sizeof *p->traces);
    bool made = p->activations && p->traces && make(&p->dweights, p->net.weights, 1);
    for (size_t l = 0; l <= L && made; l++)
        made = make_activation(&p->activations[l], p->io->steps,
                               l ? p->net.width : p->net.desc.input_size);
    for (size_t k = 0; k < L * D && made; k++)
        made = make_trace(p, &p->traces[k]);
    return made;
}

void clr_ref_pass_free(clr_ref_pass *p)
{
    for (size_t l = 0; l <= p->net.layers && p->activations; l++) {
        free(p->activations[l].v);
        free(p->activations[l].dv);
    }
    for (size_t k = 0; k < (size_t)p->net.layers * p->net.directions && p->traces; k++) {
        free(p->traces[k].zeros);
        free(p->traces[k].lost);
        free(p->traces[k].last);
        free(p->traces[k].h);
        free(p->traces[k].dh);
        free(p->traces[k].c);
        free(p->traces[k].dc);
        free(p->traces[k].saved);
        free(p->traces[k].a);
        free(p->traces[k].u);
        free(p->traces[k].normed);
        free(p->traces[k].new_h);
        free(p->traces[k].new_c);
        free(p->traces[k].new_dh);
        free(p->traces[k].new_dc);
        free(p->traces[k].factors);
    }
    free(p->activations);
    free(p->traces);
    free(p->dweights);
}
