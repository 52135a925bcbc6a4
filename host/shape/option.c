/* SPDX-License-Identifier: MIT
 * shape/option.c - see shape/cell.h: the values of options, and as text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "shape/cell.h"

/* The functions that cells know, by clrnn_function: how many of alpha and beta each has. */
static const uint32_t numbers_of[] = {
    [CLRNN_FN_AFFINE] = 2,      [CLRNN_FN_LEAKY_RELU] = 1,   [CLRNN_FN_THRESHOLDED_RELU] = 1,
    [CLRNN_FN_SCALED_TANH] = 2, [CLRNN_FN_HARD_SIGMOID] = 2, [CLRNN_FN_ELU] = 1,
    [CLRNN_FN_SOFTPLUS] = 0,
};
enum { FUNCTIONS = sizeof numbers_of / sizeof *numbers_of };

const char *clr_option_function(size_t function)
{
    return function == CLRNN_FN_USUAL ? "usual"
           : function < FUNCTIONS     ? clrnn_function_name((clrnn_function)function)
                                      : NULL;
}

clrnn_activation clrnn_activation_of(clrnn_function function)
{
    double alpha, beta;
    clrnn_function_defaults(function, &alpha, &beta);
    return (clrnn_activation){function, (float)alpha, (float)beta};
}

static const char *member_of(const clrnn_network_desc *desc, const clr_cell_option *option)
{
    return (const char *)desc + option->offset;
}

static float number_of(const clrnn_network_desc *desc, const clr_cell_option *option)
{
    float number;
    memcpy(&number, member_of(desc, option), sizeof number);
    return number;
}

static clrnn_activation activation_of(const clrnn_network_desc *desc, const clr_cell_option *option)
{
    clrnn_activation activation;
    memcpy(&activation, member_of(desc, option), sizeof activation);
    return activation;
}

uint32_t clr_option_get(const clrnn_network_desc *desc, const clr_cell_option *option)
{
    uint32_t value = 0;
    if (option->kind == CLR_OPTION_NUMBER)
        return number_of(desc, option) != 0; /* NaN, too */
    if (option->kind == CLR_OPTION_FUNCTION)
        return (uint32_t)activation_of(desc, option).function;
    if (option->size == sizeof(bool))
        return *(const bool *)member_of(desc, option);
    memcpy(&value, member_of(desc, option), sizeof value);
    return value;
}

void clr_option_set(clrnn_network_desc *desc, const clr_cell_option *option, uint32_t value)
{
    char *member = (char *)desc + option->offset;
    const float number = (float)value;
    const clrnn_activation activation = clrnn_activation_of((clrnn_function)value);
    if (option->kind == CLR_OPTION_NUMBER)
        memcpy(member, &number, sizeof number);
    else if (option->kind == CLR_OPTION_FUNCTION)
        memcpy(member, &activation, sizeof activation);
    else if (option->size == sizeof(bool))
        *(bool *)member = value != 0;
    else
        memcpy(member, &value, sizeof value);
}

uint32_t clr_option_values(const clr_cell_option *option)
{
    uint32_t count = 0;
    while (option->words && option->words[count])
        count++;
    return count;
}

bool clr_option_valid(const clrnn_network_desc *desc, const clr_cell_option *option)
{
    const float number = option->kind == CLR_OPTION_NUMBER ? number_of(desc, option) : 0;
    if (option->kind != CLR_OPTION_FUNCTION)
        return number >= 0 && isfinite(number) && (option->below == 0 || number < option->below);
    const clrnn_activation a = activation_of(desc, option);
    return (size_t)a.function < FUNCTIONS && isfinite(a.alpha) && isfinite(a.beta);
}

/* --- as text --------------------------------------------------------------------------------- */

/* The program's language may have another point, which would end a value of a problem string. */
/* A number, and what comes after it; NULL if there is none. */
static const char *read_number(const char *text, float *number)
{
    char digits[CLR_DECIMAL_ROOM + 8], *end = NULL;
    const size_t length = strspn(text, "+-.0123456789eE");
    if (length == 0 || length >= CLR_DECIMAL_ROOM) /* 8: the locale's point */
        return NULL;
    *number = strtof(clr_decimal_local(text, length, digits, sizeof digits), &end);
    return !*end && isfinite(*number) ? text + length : NULL;
}

/* Nine digits tell every float. */
static int write_number(char *text, size_t size, const char *before, float number)
{
    char digits[CLR_DECIMAL_ROOM];
    float again;
    clr_decimal_write(digits, 6, number);
    if (!read_number(digits, &again) || again != number)
        clr_decimal_write(digits, 9, number);
    return snprintf(text, size, "%s%s", before, digits);
}

static void write_activation(clrnn_activation a, char text[CLR_OPTION_ROOM])
{
    const char *name = clr_option_function(a.function);
    int at = snprintf(text, CLR_OPTION_ROOM, "%s", name ? name : "?");
    const uint32_t numbers = name ? numbers_of[a.function] : 0;
    const clrnn_activation usual = clrnn_activation_of(a.function);
    if (numbers == 0 || (a.alpha == usual.alpha && (numbers == 1 || a.beta == usual.beta)))
        return;
    at += write_number(text + at, (size_t)(CLR_OPTION_ROOM - at), ":", a.alpha);
    if (numbers > 1)
        write_number(text + at, (size_t)(CLR_OPTION_ROOM - at), ":", a.beta);
}

void clr_option_write(const clrnn_network_desc *desc, const clr_cell_option *option,
                      char text[CLR_OPTION_ROOM])
{
    const uint32_t value = clr_option_get(desc, option);
    if (option->kind == CLR_OPTION_NUMBER)
        write_number(text, CLR_OPTION_ROOM, "", number_of(desc, option));
    else if (option->kind == CLR_OPTION_FUNCTION)
        write_activation(activation_of(desc, option), text);
    else if (option->kind == CLR_OPTION_SIZE)
        snprintf(text, CLR_OPTION_ROOM, "%u", value);
    else
        snprintf(text, CLR_OPTION_ROOM, "%s",
                 value < clr_option_values(option) ? option->words[value] : "?");
}

static bool read_activation(const char *text, clrnn_activation *activation)
{
    size_t f = 0, length = strcspn(text, ":");
    while (f < FUNCTIONS && (strlen(clr_option_function(f)) != length ||
                             strncmp(clr_option_function(f), text, length) != 0))
        f++;
    if (f == FUNCTIONS)
        return false;
    clrnn_activation a = clrnn_activation_of((clrnn_function)f);
    float *const numbers[] = {&a.alpha, &a.beta};
    const char *at = text + length;
    for (uint32_t i = 0; at && *at; i++)
        at = *at == ':' && i < numbers_of[f] ? read_number(at + 1, numbers[i]) : NULL;
    if (at)
        *activation = a;
    return at != NULL;
}

bool clr_option_read(clrnn_network_desc *desc, const clr_cell_option *option, const char *text)
{
    char *member = (char *)desc + option->offset;
    clrnn_activation activation;
    float number = 0;
    if (option->kind == CLR_OPTION_FUNCTION && read_activation(text, &activation)) {
        memcpy(member, &activation, sizeof activation);
        return true;
    }
    const char *end = option->kind == CLR_OPTION_NUMBER ? read_number(text, &number) : NULL;
    if (!end || *end || !(number >= 0) || (option->below > 0 && !(number < option->below)))
        return false;
    memcpy(member, &number, sizeof number);
    return true;
}
