/* SPDX-License-Identifier: MIT
 * graph/members.c - see graph/members.h. */
#include "graph/members.h"

#include <string.h>

static const char *function_word(uint32_t value)
{
    return clrnn_function_name((clrnn_function)value);
}

static const char *comparison_word(uint32_t value)
{
    static const char *const words[CLRNN_COMPARISONS] = {
        "less", "less_equal", "equal", "not_equal", "greater", "greater_equal"};
    return value < CLRNN_COMPARISONS ? words[value] : NULL;
}

static const char *reduction_word(uint32_t value)
{
    static const char *const words[CLRNN_REDUCTIONS] = {"mean", "sum", "max", "min", "last"};
    return value < CLRNN_REDUCTIONS ? words[value] : NULL;
}

static const char *storage_word(uint32_t value)
{
    static const char *const words[] = {"f32", "f16", "bf16", "int8"};
    return value < 4 ? words[value] : NULL;
}

#define ONE(MEMBER, USES, TYPE)                                                                 \
    {                                                                                           \
#MEMBER, USES, offsetof(clrnn_node_desc, MEMBER), sizeof((clrnn_node_desc *)0)->MEMBER, \
            TYPE, 1, NULL                                                                       \
    }
#define MANY(MEMBER, USES, TYPE, COUNT)                                                         \
    {                                                                                           \
#MEMBER, USES, offsetof(clrnn_node_desc, MEMBER), sizeof((clrnn_node_desc *)0)->MEMBER, \
            TYPE, COUNT, NULL                                                                   \
    }
#define WORD(MEMBER, USES, WORDS)                                                               \
    {                                                                                           \
#MEMBER, USES, offsetof(clrnn_node_desc, MEMBER), sizeof((clrnn_node_desc *)0)->MEMBER, \
            CLR_MEMBER_WORD, 1, WORDS                                                           \
    }

const clr_member clr_members[] = {
    WORD(weights, CLR_USES_WEIGHTS, storage_word),
    WORD(function, CLR_USES_FUNCTION, function_word),
    ONE(alpha, CLR_USES_FUNCTION, CLR_MEMBER_F64),
    ONE(beta, CLR_USES_FUNCTION, CLR_MEMBER_F64),
    ONE(units, CLR_USES_UNITS, CLR_MEMBER_U32),
    ONE(vocabulary, CLR_USES_VOCABULARY, CLR_MEMBER_U32),
    ONE(no_bias, CLR_USES_NO_BIAS, CLR_MEMBER_BOOL),
    ONE(axis, CLR_USES_AXIS, CLR_MEMBER_I32),
    WORD(comparison, CLR_USES_COMPARISON, comparison_word),
    WORD(reduction, CLR_USES_REDUCTION, reduction_word),
    ONE(keep_axes, CLR_USES_KEEP_AXES, CLR_MEMBER_BOOL),
    MANY(kernel, CLR_USES_WINDOW, CLR_MEMBER_U32, 2),
    MANY(stride, CLR_USES_WINDOW, CLR_MEMBER_U32, 2),
    MANY(dilation, CLR_USES_WINDOW, CLR_MEMBER_U32, 2),
    ONE(groups, CLR_USES_GROUPS, CLR_MEMBER_U32),
    ONE(causal, CLR_USES_CAUSAL, CLR_MEMBER_BOOL),
    MANY(pad_begin, CLR_USES_WINDOW, CLR_MEMBER_U32, 2),
    MANY(pad_end, CLR_USES_WINDOW, CLR_MEMBER_U32, 2),
    MANY(extra, CLR_USES_EXTRA, CLR_MEMBER_U32, 2),
    ONE(epsilon, CLR_USES_EPSILON, CLR_MEMBER_F64),
    ONE(momentum, CLR_USES_MOMENTUM, CLR_MEMBER_F64),
    ONE(probability, CLR_USES_PROBABILITY, CLR_MEMBER_F64),
    ONE(value, CLR_USES_VALUE, CLR_MEMBER_F64),
    ONE(repeat, CLR_USES_REPEAT, CLR_MEMBER_BOOL),
    ONE(variational, CLR_USES_VARIATIONAL, CLR_MEMBER_BOOL),
    ONE(rank, CLR_USES_RANK, CLR_MEMBER_U32),
    MANY(shape, CLR_USES_SHAPE, CLR_MEMBER_I64, CLRNN_MOST_AXES),
    MANY(begin, CLR_USES_BEGIN, CLR_MEMBER_I64, CLRNN_MOST_AXES),
    MANY(end, CLR_USES_BEGIN, CLR_MEMBER_I64, CLRNN_MOST_AXES),
    MANY(step, CLR_USES_STEP, CLR_MEMBER_I64, CLRNN_MOST_AXES),
    MANY(order, CLR_USES_ORDER, CLR_MEMBER_U32, CLRNN_MOST_AXES),
    ONE(trainable, CLR_USES_DATA, CLR_MEMBER_BOOL),
};
const size_t clr_member_count = sizeof clr_members / sizeof *clr_members;

/* The network and the pointer are no numbers. */
static const clr_member others[] = {
    ONE(network, CLR_USES_NETWORK, CLR_MEMBER_U32),
    ONE(data, CLR_USES_DATA, CLR_MEMBER_U32),
};

static const char *element(const clrnn_node_desc *desc, const clr_member *m, uint32_t i)
{
    return (const char *)desc + m->offset + m->bytes / m->count * i;
}

int64_t clr_member_get(const clrnn_node_desc *desc, const clr_member *m, uint32_t i)
{
    const void *at = element(desc, m, i);
    switch (m->type) {
    case CLR_MEMBER_U32:
    case CLR_MEMBER_WORD:
        return *(const uint32_t *)at;
    case CLR_MEMBER_I32:
        return *(const int32_t *)at;
    case CLR_MEMBER_I64:
        return *(const int64_t *)at;
    case CLR_MEMBER_BOOL:
        return *(const bool *)at;
    default:
        return 0;
    }
}

void clr_member_set(clrnn_node_desc *desc, const clr_member *m, uint32_t i, int64_t value)
{
    void *at = (char *)desc + (element(desc, m, i) - (const char *)desc);
    switch (m->type) {
    case CLR_MEMBER_U32:
    case CLR_MEMBER_WORD:
        *(uint32_t *)at = (uint32_t)value;
        break;
    case CLR_MEMBER_I32:
        *(int32_t *)at = (int32_t)value;
        break;
    case CLR_MEMBER_I64:
        *(int64_t *)at = value;
        break;
    case CLR_MEMBER_BOOL:
        *(bool *)at = value != 0;
        break;
    default:
        *(double *)at = (double)value;
    }
}

double clr_member_real(const clrnn_node_desc *desc, const clr_member *m, uint32_t i)
{
    return m->type == CLR_MEMBER_F64 ? *(const double *)(const void *)element(desc, m, i)
                                     : (double)clr_member_get(desc, m, i);
}

static bool is_zero(const clrnn_node_desc *desc, const clr_member *m)
{
    const char *bytes = (const char *)desc + m->offset;
    for (size_t i = 0; i < m->bytes; i++)
        if (bytes[i])
            return false;
    return true;
}

/* Whole numbers that files keep, and with which sums cannot leave their type. */
#define MOST_WHOLE (INT64_C(1) << 53)

static clrnn_status check_elements(const clrnn_log *log, const clr_kind *kind,
                                   const clrnn_node_desc *desc, const clr_member *m)
{
    const bool ranked = kind->uses & CLR_USES_RANK && m->count == CLRNN_MOST_AXES;
    const bool to_end =
        kind->uses & CLR_USES_STEP && m->offset == offsetof(clrnn_node_desc, end); /* of slice */
    for (uint32_t i = 0; i < m->count && m->type != CLR_MEMBER_F64; i++) {
        const int64_t value = clr_member_get(desc, m, i);
        if (ranked && i >= desc->rank && value != 0)
            return clr_node_fail(log, desc, CLRNN_ERR_ARGUMENT, "%s[%u] is set, but rank is %u",
                                 m->name, i, desc->rank);
        if ((value < -MOST_WHOLE || value > MOST_WHOLE) && !(to_end && value == CLRNN_TO_END))
            return clr_node_fail(log, desc, CLRNN_ERR_RANGE, "%s[%u] is %lld, beyond 2^53", m->name,
                                 i, (long long)value);
    }
    return CLRNN_OK;
}

static clrnn_status check_one(const clrnn_log *log, const clr_kind *kind,
                              const clrnn_node_desc *desc, const clr_member *m)
{
    if (!(kind->uses & m->uses) && !is_zero(desc, m))
        return clr_node_fail(log, desc, CLRNN_ERR_ARGUMENT, "%s is set, but this kind has none",
                             m->name);
    if (m->type == CLR_MEMBER_WORD && !m->word((uint32_t)clr_member_get(desc, m, 0)))
        return clr_node_fail(log, desc, CLRNN_ERR_ARGUMENT, "%s %lld is unknown", m->name,
                             (long long)clr_member_get(desc, m, 0));
    return CLRNN_OK;
}

clrnn_status clr_members_check(const clrnn_log *log, const clr_kind *kind, clrnn_node_desc *desc)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < clr_member_count && status == CLRNN_OK; i++)
        status = check_one(log, kind, desc, &clr_members[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others && status == CLRNN_OK; i++)
        status = check_one(log, kind, desc, &others[i]);
    if (status == CLRNN_OK && desc->rank > CLRNN_MOST_AXES)
        status = clr_node_fail(log, desc, CLRNN_ERR_RANGE, "rank %u is more than %u", desc->rank,
                               CLRNN_MOST_AXES);
    for (size_t i = 0; i < clr_member_count && status == CLRNN_OK; i++)
        status = check_elements(log, kind, desc, &clr_members[i]);
    if (desc->alpha == 0 && desc->beta == 0 && kind->uses & CLR_USES_FUNCTION)
        clrnn_function_defaults(desc->function, &desc->alpha, &desc->beta);
    return status;
}
