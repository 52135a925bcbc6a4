/* SPDX-License-Identifier: MIT
 * shape/value.h - the shape of a value of a graph: an array, row-major, of which an axis may be
 * time and one the batch; and what a row's length becomes where T does. */
#ifndef CLR_SHAPE_VALUE_H
#define CLR_SHAPE_VALUE_H

#include <clrnn/graph.h>

#define CLR_NO_AXIS (-1)

/* In clr_shape: all of T counts; a value without time, or one of which lengths mean nothing. */
#define CLR_ALL_STEPS UINT32_MAX

typedef struct clr_shape {
    uint32_t rank;
    uint64_t size[CLRNN_MOST_AXES]; /* with T and N as numbers */
    int32_t steps, batch;           /* which axis is T, which is N; CLR_NO_AXIS */
    uint32_t lengths;               /* number of a clr_length_rule, or CLR_ALL_STEPS */
    uint32_t made;                  /* bit i: axis i is neither T nor N, but made of them */
    bool ids;
} clr_shape;

/* What T and N are while nobody knows them: primes, so that what is made of them is like no number
 * that a user writes. */
#define CLR_PROBE_STEPS UINT64_C(1000003)
#define CLR_PROBE_BATCH UINT64_C(1009)

/* Lengths made of others: m = min(len, limit) gives 0 for 0, else floor((m*up + add) / stride) + 1,
 * where m*up + add is negative 0. Rule 0 is the lengths of the pass. */
typedef struct clr_length_rule {
    uint32_t parent;
    uint64_t limit;
    int64_t up, add, stride;
} clr_length_rule;

uint64_t clr_length_apply(const clr_length_rule *rule, uint64_t length);

/** How many elements; SIZE_MAX where they are more than memory can address. */
size_t clr_shape_count(const clr_shape *shape);

/** Elements of axes first..last-1. */
size_t clr_shape_part(const clr_shape *shape, uint32_t first, uint32_t last);

/** Elements from one index of an axis to the next. */
size_t clr_shape_stride(const clr_shape *shape, uint32_t axis);

/** Which axis a member of a descriptor means (negative: from the last), or CLR_NO_AXIS. */
int32_t clr_shape_axis(const clr_shape *shape, int32_t axis);

/** Take an axis out, and put one in before `axis`. */
void clr_shape_remove(clr_shape *shape, uint32_t axis);
void clr_shape_insert(clr_shape *shape, uint32_t axis, uint64_t size);

/** "[T,N,40]", "[T*N,40]", and "?" for what else is made of T and N. */
typedef struct clr_value_name {
    char text[CLRNN_MOST_AXES * 21 + 3];
} clr_value_name;
clr_value_name clr_value_text(const clr_shape *shape);

#endif
