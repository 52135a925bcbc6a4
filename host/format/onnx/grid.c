/* SPDX-License-Identifier: MIT
 * format/onnx/grid.c - GridSample: of an array with one or more axes of space, its elements at
 * places between them that a grid says, as a weighted sum of those around. */
#include <math.h>
#include <string.h>

#include "format/onnx/lookup.h"

enum { MOST_SPACE = 3, MOST_TAPS = 4 };

typedef enum grid_way { NEAREST, LINEAR, CUBIC } grid_way;
typedef enum grid_padding { ZEROS, BORDER, REFLECTION } grid_padding;

typedef struct sampler {
    onnx_body *b;
    uint32_t space; /* axes of it */
    uint64_t size[MOST_SPACE];
    int64_t align;
    grid_way way;
    grid_padding padding;
    uint32_t taps;                                                     /* along each axis */
    uint32_t at[MOST_SPACE][MOST_TAPS], weight[MOST_SPACE][MOST_TAPS]; /* [N,..,1] */
    uint32_t inside[MOST_SPACE][MOST_TAPS];
} sampler;

static uint32_t real(onnx_body *b, double x)
{
    return clr_onnx_say_number(b, ONNX_REAL, x);
}

/* x op number */
static uint32_t with(onnx_body *b, const char *op, uint32_t x, double number)
{
    return ONNX_SAY(b, op, ONNX_PLAIN, x, real(b, number));
}

static uint32_t one(onnx_body *b, const char *op, uint32_t x)
{
    return ONNX_SAY(b, op, ONNX_PLAIN, x);
}

static uint32_t two(onnx_body *b, const char *op, uint32_t x, uint32_t y)
{
    return ONNX_SAY(b, op, ONNX_PLAIN, x, y);
}

/* --- along one axis --------------------------------------------------------------------------- */

/* A grid from -1 to 1 as places from 0 to size - 1: those of the outer elements' middles, or, where
 * it is not aligned, of their far sides. */
static uint32_t place_of(const sampler *s, uint32_t grid, uint64_t size)
{
    const uint32_t from_0 = with(s->b, "Add", grid, 1);
    if (s->align)
        return with(s->b, "Mul", with(s->b, "Mul", from_0, 0.5), (double)size - 1);
    return with(s->b, "Mul", with(s->b, "Sub", with(s->b, "Mul", from_0, (double)size), 1), 0.5);
}

/* a x^3 + b x^2 + c x + d */
static uint32_t polynomial(onnx_body *b, uint32_t x, const double p[4])
{
    uint32_t y = with(b, "Add", with(b, "Mul", x, p[0]), p[1]);
    y = with(b, "Add", two(b, "Mul", y, x), p[2]);
    return with(b, "Add", two(b, "Mul", y, x), p[3]);
}

/* Keys's cubic with -0.75, of the distances 1 + f, f, 1 - f and 2 - f. */
static uint32_t cubic_weight(const sampler *s, uint32_t tap, uint32_t f)
{
    static const double near[] = {1.25, -2.25, 0, 1}, far[] = {-0.75, 3.75, -6, 3};
    uint32_t distance = f;
    if (tap >= 2)
        distance = with(s->b, "Add", one(s->b, "Neg", f), 1);
    if (tap == 0 || tap == 3)
        distance = with(s->b, "Add", distance, 1);
    return polynomial(s->b, distance, tap == 1 || tap == 2 ? near : far);
}

/* Places mirrored at the ends until they are within. */
static uint32_t mirrored(const sampler *s, uint32_t at, uint64_t size)
{
    const double low = s->align ? 0 : -0.5, R = (double)size - (s->align ? 1 : 0);
    if (R == 0)
        return at; /* the one that there is: it is bounded to it */
    const uint32_t from_low = with(s->b, "Sub", at, low);
    const uint32_t turns = one(s->b, "Floor", with(s->b, "Div", from_low, 2 * R));
    const uint32_t rest = two(s->b, "Sub", from_low, with(s->b, "Mul", turns, 2 * R));
    const uint32_t from_middle = one(s->b, "Abs", with(s->b, "Sub", rest, R));
    return with(s->b, "Add", one(s->b, "Neg", from_middle), low + R);
}

static void find_taps(sampler *s, uint32_t i, uint32_t grid)
{
    onnx_body *b = s->b;
    const double last = (double)s->size[i] - 1;
    const uint32_t place = place_of(s, grid, s->size[i]);
    const uint32_t first = one(b, s->way == NEAREST ? "Round" : "Floor", place);
    const uint32_t f = two(b, "Sub", place, first);
    for (uint32_t k = 0; k < s->taps; k++) {
        uint32_t at = with(b, "Add", first, k - (s->way == CUBIC ? 1.0 : 0.0));
        if (s->padding == REFLECTION)
            at = mirrored(s, at, s->size[i]);
        if (s->padding == ZEROS) {
            const uint32_t low = two(b, "Less", at, real(b, -0.5));
            const uint32_t high = two(b, "Greater", at, real(b, last + 0.5));
            s->inside[i][k] = one(b, "Not", two(b, "Or", low, high));
        }
        s->at[i][k] = ONNX_SAY(b, "Clip", ONNX_PLAIN, at, real(b, 0), real(b, last));
        if (s->way == CUBIC)
            s->weight[i][k] = cubic_weight(s, k, f);
        else if (s->way == LINEAR)
            s->weight[i][k] = k == 1 ? f : with(b, "Add", one(b, "Neg", f), 1);
    }
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Combination j of the taps of all axes; false behind the last one. */
static bool next_taps(const sampler *s, uint32_t j, uint32_t tap[MOST_SPACE])
{
    for (uint32_t i = 0; i < s->space; i++, j /= s->taps)
        tap[i] = j % s->taps;
    return j == 0 && s->b->status == CLRNN_OK;
}

/* A place that one tap of each axis leads to: its number in the picture, its weight and whether it
 * is inside; weight and inside only where there are such. */
typedef struct reached {
    uint32_t place, weight, inside; /* [N,..,1] */
} reached;

static reached reach(const sampler *s, const uint32_t tap[MOST_SPACE])
{
    onnx_body *b = s->b;
    reached r = {0};
    double stride = 1;
    for (uint32_t i = s->space; i-- > 0; stride *= (double)s->size[i]) {
        const uint32_t k = tap[i], along = with(b, "Mul", s->at[i][k], stride);
        const bool first = i + 1 == s->space;
        r.place = first ? along : two(b, "Add", r.place, along);
        if (s->way != NEAREST)
            r.weight = first ? s->weight[i][k] : two(b, "Mul", r.weight, s->weight[i][k]);
        if (s->padding == ZEROS)
            r.inside = first ? s->inside[i][k] : two(b, "And", r.inside, s->inside[i][k]);
    }
    return r;
}

/* What they bring: rows [N,..,C] of a table [N*places,C]. `begin`: the first place of each n. Those
 * outside are behind all. */
static uint32_t from_rows(const sampler *s, uint32_t table, uint32_t begin, uint64_t all,
                          const reached *r)
{
    onnx_body *b = s->b;
    const int64_t last = -1;
    uint32_t place = two(b, "Add", r->place, begin);
    if (s->padding == ZEROS)
        place = ONNX_SAY(b, "Where", ONNX_PLAIN, r->inside, place, real(b, (double)all));
    place = ONNX_SAY(b, "Squeeze", ONNX_PLAIN, place, clr_onnx_say_list(b, &last, 1));
    const uint32_t ids = ONNX_SAY(b, "Cast", ((onnx_given){.name = "to", .i = 7}), place);
    const uint32_t rows = clr_onnx_lookup(b, table, ids);
    return s->way == NEAREST ? rows : two(b, "Mul", rows, r->weight);
}

/* The weight of each of all places [N,..,places]. */
static uint32_t weights_of(const sampler *s, uint32_t places, const reached *r)
{
    onnx_body *b = s->b;
    uint32_t hit = two(b, "Equal", r->place, places);
    if (s->padding == ZEROS)
        hit = two(b, "And", hit, r->inside);
    return ONNX_SAY(b, "Where", ONNX_PLAIN, hit, s->way == NEAREST ? real(b, 1) : r->weight,
                    real(b, 0));
}

/* Where N is a number, and `all` that of places of all pictures. */
static uint32_t by_rows(const sampler *s, uint32_t table, uint64_t all, uint64_t C, uint64_t inner)
{
    onnx_body *b = s->b;
    const int64_t shape[] = {-1, (int64_t)C}, row[] = {1, (int64_t)C};
    uint32_t sum = 0, tap[MOST_SPACE];
    table = two(b, "Reshape", table, clr_onnx_say_list(b, shape, 2));
    if (s->padding == ZEROS) {
        const uint32_t none = two(b, "Expand", real(b, 0), clr_onnx_say_list(b, row, 2));
        table = ONNX_SAY(b, "Concat", ((onnx_given){.name = "axis"}), table, none);
    }
    const uint32_t begin = ONNX_SAY(b, "Cast", ((onnx_given){.name = "to", .i = 1}),
                                    clr_onnx_say_steps(b, all / inner, inner, s->space + 1));
    for (uint32_t j = 0; next_taps(s, j, tap); j++) {
        const reached r = reach(s, tap);
        const uint32_t more = from_rows(s, table, begin, all, &r);
        sum = j == 0 ? more : two(b, "Add", sum, more);
    }
    return sum;
}

/* Where N is open: no number says where the rows of each n begin, so that all places of a picture
 * are weighted, most with 0, and what results is a product with it. */
static uint32_t by_product(const sampler *s, uint32_t table, uint64_t C, uint64_t inner)
{
    onnx_body *b = s->b;
    const int64_t shapes[][MOST_SPACE + 2] = {{0, (int64_t)inner, (int64_t)C},
                                              {0, 1, (int64_t)inner, (int64_t)C},
                                              {0, 1, 1, (int64_t)inner, (int64_t)C}};
    const uint32_t places = ONNX_SAY(b, "Cast", ((onnx_given){.name = "to", .i = 1}),
                                     clr_onnx_say_steps(b, inner, 1, 0));
    uint32_t sum = 0, tap[MOST_SPACE];
    for (uint32_t j = 0; next_taps(s, j, tap); j++) {
        const reached r = reach(s, tap);
        const uint32_t more = weights_of(s, places, &r);
        sum = j == 0 ? more : two(b, "Add", sum, more);
    }
    table = two(b, "Reshape", table, clr_onnx_say_list(b, shapes[s->space - 1], s->space + 2));
    return two(b, "MatMul", sum, table);
}

/* That is done where it is not too much. */
static void check_product(const sampler *s, uint32_t grid, uint64_t inner)
{
    enum { MOST = 1 << 24 };
    uint64_t sites = 1;
    for (uint32_t i = 1; i <= s->space && sites <= MOST; i++) {
        uint64_t size[ONNX_WORLDS] = {0};
        clr_onnx_say_sizes(s->b, grid, i, size);
        sites *= size[0];
    }
    if (s->b->status == CLRNN_OK && sites * inner > MOST)
        s->b->status = clr_onnx_fail(s->b->n, CLRNN_ERR_NEEDS_SIZE,
                                     "X is large and how many there are is open: give the axes of "
                                     "the model numbers");
}

/* Axis `from` to `to`, the others in their order. */
static uint32_t moved(onnx_body *b, uint32_t x, uint32_t from, uint32_t to, uint32_t rank)
{
    int64_t order[MOST_SPACE + 2] = {0};
    uint32_t k = 0;
    for (uint32_t axis = 0; axis < rank; axis++) {
        if (k == to)
            order[k++] = from;
        if (axis != from)
            order[k++] = axis;
    }
    if (k == to)
        order[k] = from;
    return ONNX_SAY(b, "Transpose", ((onnx_given){.name = "perm", .ints = order, .count = rank}),
                    x);
}

static uint32_t sample(sampler *s, uint32_t x, uint32_t grid)
{
    onnx_body *b = s->b;
    const uint32_t rank = s->space + 2;
    const uint64_t C = clr_onnx_say_size(b, x, 1);
    uint64_t N[ONNX_WORLDS] = {0}, rows[ONNX_WORLDS] = {0};
    clr_onnx_say_sizes(b, x, 0, N);
    clr_onnx_say_sizes(b, grid, 0, rows);
    const bool open = N[0] != N[1] || rows[0] != rows[1];
    for (uint32_t i = 0; i < s->space; i++) {
        const int64_t at = s->space - 1 - i; /* the grid says the last axis first */
        s->size[i] = clr_onnx_say_size(b, x, i + 2);
        find_taps(s, i, clr_onnx_say_cut(b, grid, -1, at, at + 1, 1));
    }
    const uint64_t inner = clr_onnx_say_count(b, x, 2, rank);
    const uint32_t table = moved(b, x, 1, rank - 1, rank);
    if (open)
        check_product(s, grid, inner);
    const uint32_t sum =
        open ? by_product(s, table, C, inner)
             : by_rows(s, table, clr_onnx_say_count(b, x, 0, rank) / (C ? C : 1), C, inner);
    return moved(b, sum, rank - 1, 1, rank);
}

/* Which of some words, the last without words, an attribute is. */
static clrnn_status choose(onnx_node *n, const char *name, const char *const *words, uint32_t *at)
{
    char word[32];
    clrnn_status status = clr_onnx_word(n, name, words[0], word);
    for (*at = 0; status == CLRNN_OK && words[*at] && strcmp(words[*at], word) != 0; (*at)++)
        ;
    return status == CLRNN_OK && !words[*at]
               ? clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%s '%s'", name, word)
               : status;
}

static clrnn_status grid_sample_build(onnx_node *n)
{
    static const char *const ways[] = {"linear", "nearest", "cubic", "bilinear", "bicubic", NULL};
    static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
    onnx_body b = {.n = n};
    sampler s = {.b = &b};
    uint32_t way = 0, padding = 0;
    b.status = choose(n, "mode", ways, &way);
    if (b.status == CLRNN_OK)
        b.status = choose(n, "padding_mode", paddings, &padding);
    if (b.status == CLRNN_OK)
        b.status = clr_onnx_integer(n, "align_corners", 0, &s.align);
    s.way = way == 1 ? NEAREST : way == 2 || way == 4 ? CUBIC : LINEAR;
    s.taps = s.way == NEAREST ? 1 : s.way == LINEAR ? 2 : 4;
    s.padding = (grid_padding)padding;
    const uint32_t x = clr_onnx_say_input(&b, 0), grid = clr_onnx_say_input(&b, 1);
    const uint32_t rank = clr_onnx_say_rank(&b, x);
    s.space = rank - 2;
    if (b.status == CLRNN_OK &&
        (rank < 3 || rank > MOST_SPACE + 2 || (rank == 5 && s.way == CUBIC)))
        b.status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "X of %u axes", rank);
    if (b.status == CLRNN_OK &&
        (clr_onnx_say_rank(&b, grid) != rank || clr_onnx_say_size(&b, grid, -1) != s.space))
        b.status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a grid of another shape than X wants");
    if (b.status == CLRNN_OK)
        clr_onnx_say_output(&b, 0, sample(&s, x, grid));
    return clr_onnx_body_end(&b);
}

const onnx_op clr_onnx_ops_grid[] = {{"GridSample", 2, 2, 1, NULL, grid_sample_build, false}, {0}};
