/* SPDX-License-Identifier: MIT
 * format/onnx/einsum.c - see format/onnx/einsum.h. */
#include "format/onnx/einsum.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "format/onnx/slice.h"

/* --- Einsum ----------------------------------------------------------------------------------- */

enum { MOST_TERMS = 8 };

/* "ab,bc->ac": axes by letter. */
typedef struct term {
    char axes[CLRNN_MOST_AXES + 1];
    uint32_t rank;
} term;

/* again: a letter may be there twice. */
static bool read_term(const char **text, term *t, bool again)
{
    *t = (term){.rank = 0};
    for (; **text && **text != ',' && **text != '-'; ++*text) {
        if (**text == ' ')
            continue;
        if (!isalpha((unsigned char)**text) || t->rank == CLRNN_MOST_AXES ||
            (!again && strchr(t->axes, **text)))
            return false;
        t->axes[t->rank++] = **text;
    }
    return true;
}

/* "..." of a term as letters that the equation has not: the last `count` of them, so that axes of
 * two terms meet from the last on. */
static bool spread_dots(char *text, size_t room, size_t at, uint32_t count)
{
    char own[CLRNN_MOST_AXES + 1] = "";
    uint32_t used = 0;
    for (char c = 'Z'; c >= 'A' && used < count; c--)
        if (!strchr(text, c) && used < CLRNN_MOST_AXES)
            own[used++] = c;
    const size_t length = strlen(text);
    if (used < count || length + count >= room)
        return false;
    memmove(text + at + count, text + at + 3, length - at - 2);
    for (uint32_t i = 0; i < count; i++)
        text[at + i] = own[count - 1 - i];
    return true;
}

/* Letters for "..." in every term; in the result there are as many as in the longer of them. */
static bool name_dots(const onnx_node *n, char *text, size_t room)
{
    uint32_t most = 0, count[MOST_TERMS] = {0}, place = 0, letters = 0;
    if (!strstr(text, "..."))
        return true;
    for (const char *p = text; place < n->inputs; p++) {
        if (isalpha((unsigned char)*p))
            letters++;
        if (*p != ',' && *p != '-' && *p)
            continue;
        const uint32_t rank = clr_onnx_rank(n, n->in[place]);
        count[place] = rank > letters ? rank - letters : 0;
        most = count[place] > most ? count[place] : most;
        letters = 0;
        place++;
        if (*p != ',')
            break;
    }
    char upper = 0; /* what is made up is upper case, the same in each term: none may be taken */
    for (const char *p = text; *p; p++)
        upper = *p >= 'A' && *p <= 'Z' ? *p : upper;
    for (char *dots; !upper && (dots = strstr(text, "..."));) {
        const char *arrow = strstr(text, "->");
        uint32_t which = 0;
        for (const char *c = text; c < dots; c++)
            which += *c == ',' && which + 1 < MOST_TERMS;
        const uint32_t wanted = arrow && dots > arrow ? most : count[which];
        char plain[128] = "";
        snprintf(plain, sizeof plain, "%s", text);
        for (char *c = plain; *c; c++) /* those put in before are ours again */
            *c = *c >= 'A' && *c <= 'Z' ? ' ' : *c;
        const size_t at = (size_t)(dots - text), length = strlen(text);
        if (!spread_dots(plain, sizeof plain, at, wanted) || length + wanted >= room)
            return false;
        memmove(dots + wanted, dots + 3, length - at - 2);
        memcpy(dots, plain + at, wanted);
    }
    return !upper && strstr(text, "->");
}

static bool is_twice(const term *t, char letter)
{
    const char *first = strchr(t->axes, letter);
    return first && strchr(first + 1, letter);
}

/* How often a letter is there in all terms. */
static uint32_t count_of(const term *in, uint32_t terms, char letter)
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < terms; k++)
        count += strchr(in[k].axes, letter) ? 1 + is_twice(&in[k], letter) : 0;
    return count;
}

/* The operands and the result; where it is not given: letters that are there once, in order. */
static clrnn_status read_equation(onnx_node *n, term in[MOST_TERMS], term *out)
{
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, "equation");
    char text[128] = "", given[128] = "";
    uint32_t terms = 0;
    if (a && a->s.len < sizeof text)
        memcpy(text, a->s.data, a->s.len);
    memcpy(given, text, sizeof given);
    const char *p = text;
    bool fine = name_dots(n, text, sizeof text);
    do {
        p += terms > 0;
        fine = fine && read_term(&p, &in[terms++], true);
    } while (fine && *p == ',' && terms < n->inputs);
    if (fine && strncmp(p, "->", 2) == 0) {
        p += 2;
        fine = read_term(&p, out, false);
    } else if (fine) {
        *out = (term){.rank = 0};
        for (char c = 'A'; c <= 'z'; c++)
            if (isalpha((unsigned char)c) && count_of(in, terms, c) == 1 &&
                out->rank < CLRNN_MOST_AXES)
                out->axes[out->rank++] = c;
    }
    for (uint32_t i = 0; fine && i < out->rank; i++)
        fine = count_of(in, terms, out->axes[i]) > 0;
    return fine && !*p && terms == n->inputs
               ? CLRNN_OK
               : clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "the equation '%s'", given);
}

/* Letters of `from` that are (or are not) in each of two others. */
static uint32_t pick(const term *from, const term *a, bool in_a, const term *b, bool in_b, char *to)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < from->rank; i++)
        if (!strchr(a->axes, from->axes[i]) != in_a && !strchr(b->axes, from->axes[i]) != in_b)
            to[count++] = from->axes[i];
    return count;
}

/* Axes a and b of one letter, behind the others and as one, of which every size + 1 is taken. */
static clrnn_status diagonal(onnx_node *n, term *t, uint32_t a, uint32_t b, uint32_t *at)
{
    uint64_t sizes[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    uint32_t axes[CLRNN_MOST_AXES], others = 0;
    const int64_t across = (int64_t)clr_onnx_size(n, *at, a, 0);
    term rest = {.rank = 0};
    for (uint32_t i = 0; i < t->rank; i++)
        if (i != a && i != b) {
            rest.axes[others] = t->axes[i];
            axes[others++] = i;
        }
    for (int w = 0; w < ONNX_WORLDS; w++) {
        if (across == 0 || clr_onnx_size(n, *at, a, w) != (uint64_t)across ||
            clr_onnx_size(n, *at, b, w) != (uint64_t)across)
            return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                                 "'%c' is twice in a term, of axes that are not one known size",
                                 t->axes[a]);
        for (uint32_t i = 0; i < others; i++)
            sizes[w][i] = clr_onnx_size(n, *at, axes[i], w);
        sizes[w][others] = (uint64_t)(across * across);
    }
    rest.axes[others] = t->axes[a];
    rest.rank = others + 1;
    axes[others] = a;
    axes[others + 1] = b;
    clrnn_status status = clr_onnx_add_transpose(n, axes, *at, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reshape(n, rest.rank, size, *at, at);
    if (status == CLRNN_OK)
        status = clr_onnx_cut(n, others, 0, CLRNN_TO_END, across + 1, *at, at);
    *t = rest;
    return status;
}

static clrnn_status take_diagonals(onnx_node *n, term *t, uint32_t *at)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < t->rank && status == CLRNN_OK;) {
        const char *again = strchr(t->axes + i + 1, t->axes[i]);
        if (again)
            status = diagonal(n, t, i, (uint32_t)(again - t->axes), at);
        i = again ? 0 : i + 1;
    }
    return status;
}

/* Sum over what no one else has. */
static clrnn_status sum_own(onnx_node *n, term *t, const term *other, const term *out, uint32_t *at)
{
    uint32_t axes[CLRNN_MOST_AXES], count = 0, left = 0;
    term rest = {.rank = 0};
    for (uint32_t i = 0; i < t->rank; i++)
        if (strchr(other->axes, t->axes[i]) || strchr(out->axes, t->axes[i]))
            rest.axes[left++] = t->axes[i];
        else
            axes[count++] = i;
    rest.rank = left;
    clrnn_status status = clr_onnx_add_reduce(n, CLRNN_REDUCE_SUM, axes, count, false, *at, at);
    *t = rest;
    return status;
}

/* The axes of a value in the order of letters. */
static clrnn_status order(onnx_node *n, const term *t, const char *letters, uint32_t *at)
{
    uint32_t axes[CLRNN_MOST_AXES];
    for (uint32_t i = 0; i < t->rank; i++)
        axes[i] = (uint32_t)(strchr(t->axes, letters[i]) - t->axes);
    return clr_onnx_add_transpose(n, axes, *at, at);
}

/* The sizes of groups of axes, one after the other, each as one. */
static clrnn_status group(onnx_node *n, uint32_t batch, const uint32_t groups[2], uint32_t *at)
{
    uint64_t sizes[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    for (int w = 0; w < ONNX_WORLDS; w++) {
        uint32_t axis = batch;
        for (uint32_t i = 0; i < batch; i++)
            sizes[w][i] = clr_onnx_size(n, *at, i, w);
        for (uint32_t g = 0; g < 2; g++) {
            sizes[w][batch + g] = 1;
            for (uint32_t i = 0; i < groups[g]; i++)
                sizes[w][batch + g] *= clr_onnx_size(n, *at, axis++, w);
        }
    }
    return clr_onnx_add_reshape(n, batch + 2, size, *at, at);
}

/* Letters of both and the result, of one and the result, of both alone. */
typedef struct letters {
    char both[9], a[9], b[9], sum[9];
    uint32_t boths, as, bs, sums;
} letters;

static clrnn_status multiply(onnx_node *n, const term in[2], const term *out, uint32_t at[2],
                             uint32_t *to)
{
    letters l = {.boths = 0};
    char order_a[40] = "", order_b[40] = "", result[40] = "";
    l.boths = pick(&in[0], &in[1], true, out, true, l.both);
    l.sums = pick(&in[0], &in[1], true, out, false, l.sum);
    l.as = pick(&in[0], &in[1], false, out, true, l.a);
    l.bs = pick(&in[1], &in[0], false, out, true, l.b);
    strcat(strcat(strcpy(order_a, l.both), l.a), l.sum);
    strcat(strcat(strcpy(order_b, l.both), l.sum), l.b);
    strcat(strcat(strcpy(result, l.both), l.a), l.b);
    uint64_t sizes[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    if (l.boths + 2 > CLRNN_MOST_AXES)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "too many axes");
    clrnn_status status = order(n, &in[0], order_a, &at[0]);
    if (status == CLRNN_OK)
        status = order(n, &in[1], order_b, &at[1]);
    for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++) {
        for (uint32_t i = 0; i < l.boths + l.as; i++)
            sizes[w][i] = clr_onnx_size(n, at[0], i, w);
        for (uint32_t i = 0; i < l.bs; i++)
            sizes[w][l.boths + l.as + i] = clr_onnx_size(n, at[1], l.boths + l.sums + i, w);
    }
    if (status == CLRNN_OK)
        status = group(n, l.boths, (uint32_t[]){l.as, l.sums}, &at[0]);
    if (status == CLRNN_OK)
        status = group(n, l.boths, (uint32_t[]){l.sums, l.bs}, &at[1]);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MATMUL, at[0], at[1], to);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reshape(n, l.boths + l.as + l.bs, size, *to, to);
    term made = {.rank = (uint32_t)strlen(result)};
    memcpy(made.axes, result, made.rank);
    return status == CLRNN_OK ? order(n, &made, out->axes, to) : status;
}

/* What is left of a and b: letters that the result or a later term has. False: too many. */
static bool left_of(const term *a, const term *b, const term *later, uint32_t laters,
                    const term *out, term *left)
{
    const term *const both[] = {a, b};
    *left = (term){.rank = 0};
    for (int k = 0; k < 2; k++)
        for (uint32_t i = 0; i < both[k]->rank; i++) {
            const char c = both[k]->axes[i];
            if (strchr(left->axes, c) || (!strchr(out->axes, c) && !count_of(later, laters, c)))
                continue;
            if (left->rank == CLRNN_MOST_AXES)
                return false;
            left->axes[left->rank++] = c;
        }
    return true;
}

/* The first two and what they make by the next, and so on. */
static clrnn_status combine(onnx_node *n, term in[MOST_TERMS], const term *out,
                            uint32_t at[MOST_TERMS])
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t k = 1; k < n->inputs && status == CLRNN_OK; k++) {
        term pair[2] = {in[0], in[k]}, left = *out;
        uint32_t of[2] = {at[0], at[k]};
        if (k + 1 < n->inputs &&
            !left_of(&in[0], &in[k], in + k + 1, n->inputs - k - 1, out, &left))
            return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "too many axes");
        status = sum_own(n, &pair[0], &pair[1], &left, &of[0]);
        if (status == CLRNN_OK)
            status = sum_own(n, &pair[1], &pair[0], &left, &of[1]);
        if (status == CLRNN_OK)
            status = multiply(n, pair, &left, of, &at[0]);
        in[0] = left;
    }
    return status;
}

clrnn_status clr_onnx_einsum_build(onnx_node *n)
{
    static const term none = {.rank = 0};
    term in[MOST_TERMS], out;
    uint32_t at[MOST_TERMS] = {0};
    clrnn_status status = read_equation(n, in, &out);
    for (uint32_t k = 0; k < n->inputs && status == CLRNN_OK; k++) {
        status = clr_onnx_number_in(n, k, &at[k]);
        if (status == CLRNN_OK && clr_onnx_shape(n, at[k])->rank != in[k].rank)
            status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input %u has %u axes", k,
                                   clr_onnx_shape(n, at[k])->rank);
        if (status == CLRNN_OK)
            status = take_diagonals(n, &in[k], &at[k]);
    }
    if (status == CLRNN_OK && n->inputs == 1) {
        status = sum_own(n, &in[0], &none, &out, &at[0]);
        if (status == CLRNN_OK)
            status = order(n, &in[0], out.axes, &at[0]);
    } else if (status == CLRNN_OK) {
        status = combine(n, in, &out, at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at[0], ONNX_REAL);
    return status;
}
