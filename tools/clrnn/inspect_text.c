/* SPDX-License-Identifier: MIT
 * inspect_text.c - see inspect.h: what is seen as JSON, and in a terminal as blocks. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "system.h"

const char *inspect_title(const char *cell, char text[16])
{
    size_t i = 0;
    for (; cell[i] && i < 15; i++)
        text[i] = (char)toupper((unsigned char)cell[i]);
    text[i] = 0;
    return text;
}

uint32_t inspect_character(const inspect_view *v, uint32_t t, char text[INSPECT_CHARACTER])
{
    const uint8_t *bytes = v->input->bytes + v->first + t;
    memset(text, 0, INSPECT_CHARACTER);
    for (uint32_t i = 0; i + 1 < INSPECT_CHARACTER && t + i < v->steps; i++)
        text[i] = (char)bytes[i];
    const size_t length = tool_character(text);
    if (length == 0 || (length == 1 && (*bytes < 32 || *bytes == 127) && *bytes != '\n'))
        text[0] = 0;
    text[length] = 0;
    return length ? (uint32_t)length : 1;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void add_number(cJSON *to, const char *name, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(to, name, value);
    else
        cJSON_AddNullToObject(to, name);
}

/* JSON has no infinity: null. */
static cJSON *array_of(const double *values, size_t count)
{
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(array, isfinite(values[i]) ? cJSON_CreateNumber(values[i])
                                                        : cJSON_CreateNull());
    return array;
}

static cJSON *gate_json(const inspect_view *v, const inspect_gate *g)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", g->name);
    add_number(object, "mean", g->whole.mean);
    add_number(object, "least", g->whole.least);
    add_number(object, "most", g->whole.most);
    add_number(object, "low", g->logistic ? 0.05 : -0.95);
    add_number(object, "high", 0.95);
    add_number(object, "below", g->whole.below);
    add_number(object, "above", g->whole.above);
    cJSON_AddItemToObject(object, "by_step", array_of(g->by_step, v->steps));
    cJSON_AddItemToObject(object, "by_unit", array_of(g->by_unit, v->units));
    return object;
}

cJSON *inspect_json(const inspect_view *v)
{
    cJSON *object = cJSON_CreateObject();
    const inspect_model *m = v->model;
    cJSON_AddStringToObject(object, "model", m->path);
    cJSON_AddStringToObject(object, "node", clrnn_graph_node(m->graph, m->node)->name);
    cJSON_AddStringToObject(object, "cell", m->cell->name);
    cJSON_AddNumberToObject(object, "layers", m->layers);
    cJSON_AddNumberToObject(object, "layer", v->layer);
    cJSON_AddStringToObject(object, "direction", v->direction ? "backward" : "forward");
    cJSON_AddNumberToObject(object, "first", v->first);
    cJSON_AddNumberToObject(object, "steps", v->steps);
    cJSON_AddNumberToObject(object, "units", v->units);
    cJSON_AddStringToObject(object, "watch", v->fault);
    cJSON *gates = cJSON_AddArrayToObject(object, "gates");
    for (uint32_t k = 0; k < v->gates; k++)
        cJSON_AddItemToArray(gates, gate_json(v, &v->gate[k]));
    if (v->half_lives)
        cJSON_AddItemToObject(object, "half_lives", array_of(v->half_lives, v->units));
    cJSON *order = cJSON_AddArrayToObject(object, "order");
    for (uint32_t j = 0; j < v->units; j++)
        cJSON_AddItemToArray(order, cJSON_CreateNumber(v->order[j]));
    return object;
}

cJSON *inspect_flows_json(const inspect_flow *flows, size_t count)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", flows[i].name);
        cJSON_AddItemToObject(object, "dh", array_of(flows[i].dh, flows[i].steps));
        if (flows[i].dc)
            cJSON_AddItemToObject(object, "dc", array_of(flows[i].dc, flows[i].steps));
        cJSON_AddItemToArray(list, object);
    }
    return list;
}

/* --- a terminal ------------------------------------------------------------------------------ */

static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

/* part: 0..1 */
static const char *block_of(double part)
{
    return isnan(part) ? "!" : blocks[part <= 0 ? 0 : part >= 1 ? 8 : (int)(part * 8.999)];
}

enum { label = 10, most_rows = 6 };

/* How many of the steps there is room for. */
static uint32_t columns_of(const inspect_view *v)
{
    const int room = (system_has_terminal() ? system_columns() : 80) - label - 1;
    const uint32_t columns = room > 16 ? (uint32_t)room : 16;
    return v->steps < columns ? v->steps : columns;
}

/* values [steps,units] from `least` to `most`; rows are groups of units in their order, and a
 * column is a step. */
static void print_map(const inspect_view *v, const char *name, const double *values, uint32_t units,
                      double least, double most)
{
    const uint32_t columns = columns_of(v), rows = units < most_rows ? units : most_rows;
    for (uint32_t r = 0; r < rows; r++) {
        const uint32_t begin = r * units / rows, end = (r + 1) * units / rows;
        printf("%*s ", label - 1, r ? "" : name);
        for (uint32_t t = 0; t < columns; t++) {
            double sum = 0;
            for (uint32_t j = begin; j < end; j++)
                sum += values[(size_t)t * units + (units == v->units ? v->order[j] : j)];
            printf("%s", block_of((sum / (end - begin) - least) / (most - least)));
        }
        printf("\n");
    }
}

static void print_line(const inspect_view *v, const char *name, const double *values, double least,
                       double most)
{
    printf("%*s ", label - 1, name);
    for (uint32_t t = 0; t < columns_of(v); t++)
        printf("%s", block_of((values[t] - least) / (most - least)));
    printf("\n");
}

/* Whether a terminal gives a character two columns: of East Asia, or a picture. */
static bool is_wide(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    const uint32_t three = (uint32_t)(c[0] & 0xf) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
    return c[0] >= 0xf0 ||
           (c[0] >= 0xe0 &&
            ((three >= 0x1100 && three < 0x1160) || (three >= 0x2e80 && three < 0xa4d0) ||
             (three >= 0xac00 && three < 0xd7a4) || (three >= 0xf900 && three < 0xfb00) ||
             (three >= 0xfe30 && three < 0xfe70) || (three >= 0xff00 && three < 0xff61)));
}

static void print_bytes(const inspect_view *v)
{
    if (!v->input->bytes)
        return;
    printf("%*s ", label - 1, "text");
    for (uint32_t t = 0, bytes; t < columns_of(v); t += bytes) {
        char text[INSPECT_CHARACTER];
        bytes = inspect_character(v, t, text);
        const int behind = (int)bytes - (is_wide(text) ? 2 : 1);
        printf("%s%*s", *text && *text != '\n' ? text : ".", behind, "");
    }
    printf("\n");
}

static double largest(const double *values, size_t count)
{
    double most = 1e-9;
    for (size_t i = 0; i < count; i++)
        most = fabs(values[i]) > most && isfinite(values[i]) ? fabs(values[i]) : most;
    return most;
}

static void print_half_lives(const inspect_view *v)
{
    if (!v->half_lives)
        return;
    printf("half-lives, steps: longest %.3g, median %.3g, shortest %.3g\n",
           v->half_lives[v->order[0]], v->half_lives[v->order[v->units / 2]],
           v->half_lives[v->order[v->units - 1]]);
}

void inspect_print(const inspect_view *v)
{
    const inspect_model *m = v->model;
    printf("%s: %s, layer %u of %u%s, %u units, steps %u-%u; %s\n", system_last_part(m->path),
           m->cell->name, v->layer, m->layers, v->direction ? ", backward" : "", v->units, v->first,
           v->first + v->steps - 1, v->fault);
    print_bytes(v);
    for (uint32_t k = 0; k < v->gates; k++)
        print_map(v, v->gate[k].name, v->gate[k].values, v->units, v->gate[k].logistic ? 0 : -1, 1);
    const double c = v->c ? largest(v->c, (size_t)v->steps * v->units) : 1;
    if (v->c)
        print_map(v, "c", v->c, v->units, -c, c);
    if (v->gates > 1)
        print_map(v, "h", v->h, v->state, -1, 1);
    for (uint32_t k = 0; k < v->gates; k++) {
        char name[24];
        snprintf(name, sizeof name, "mean %s", v->gate[k].name);
        print_line(v, name, v->gate[k].by_step, v->gate[k].logistic ? 0 : -1, 1);
    }
    printf("rows: units from the slowest to the quickest, in groups; "
           "blank is shut (-1, or -%.3g of c), full is open\n\n",
           c);
    printf("%-6s%8s%8s%8s%12s%12s\n", "gate", "mean", "least", "most", "below", "above");
    for (uint32_t k = 0; k < v->gates; k++) {
        const inspect_gate *g = &v->gate[k];
        printf("%-6s%8.3f%8.3f%8.3f%6.1f%%<%-4.2g%6.1f%%>%-4.2g\n", g->name, g->whole.mean,
               g->whole.least, g->whole.most, 100 * g->whole.below, g->logistic ? 0.05 : -0.95,
               100 * g->whole.above, 0.95);
    }
    print_half_lives(v);
}

void inspect_print_flows(const inspect_flow *flows, size_t count)
{
    printf("norms of dL_T/dh_t (and dL_T/dc_t) of the step k before the last\n%-8s", "k");
    for (size_t i = 0; i < count; i++)
        printf("  %-22.22s", flows[i].name);
    printf("\n");
    for (uint32_t k = 0, steps = flows[0].steps; k < steps; k = k ? k * 2 : 1) {
        printf("%-8u", k);
        for (size_t i = 0; i < count; i++) {
            char text[64];
            if (k >= flows[i].steps)
                snprintf(text, sizeof text, "-");
            else if (flows[i].dc)
                snprintf(text, sizeof text, "%.2e (%.2e)", flows[i].dh[k], flows[i].dc[k]);
            else
                snprintf(text, sizeof text, "%.2e", flows[i].dh[k]);
            printf("  %-22s", text);
        }
        printf("\n");
    }
}
