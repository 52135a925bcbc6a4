/* SPDX-License-Identifier: MIT
 * shape/value.c - see shape/value.h. */
#include "shape/value.h"

#include <stdio.h>

#include "base/checked.h"

uint64_t clr_length_apply(const clr_length_rule *rule, uint64_t length)
{
    uint64_t m = length < rule->limit ? length : rule->limit;
    int64_t sum = (int64_t)m * rule->up + rule->add;
    return m == 0 || sum < 0 ? 0 : (uint64_t)(sum / rule->stride) + 1;
}

size_t clr_shape_part(const clr_shape *shape, uint32_t first, uint32_t last)
{
    clr_size count = clr_size_of(1);
    for (uint32_t i = first; i < last; i++)
        count = clr_size_mul(count, shape->size[i]);
    return count.overflow ? SIZE_MAX : count.value;
}

size_t clr_shape_count(const clr_shape *shape)
{
    return clr_shape_part(shape, 0, shape->rank);
}

size_t clr_shape_stride(const clr_shape *shape, uint32_t axis)
{
    return clr_shape_part(shape, axis + 1, shape->rank);
}

int32_t clr_shape_axis(const clr_shape *shape, int32_t axis)
{
    int64_t at = axis < 0 ? (int64_t)shape->rank + axis : axis;
    return at >= 0 && at < shape->rank ? (int32_t)at : CLR_NO_AXIS;
}

static int32_t moved_back(int32_t role, int32_t axis)
{
    return role == axis ? CLR_NO_AXIS : role > axis ? role - 1 : role;
}

void clr_shape_remove(clr_shape *shape, uint32_t axis)
{
    for (uint32_t i = axis; i + 1 < shape->rank; i++)
        shape->size[i] = shape->size[i + 1];
    shape->rank--;
    shape->steps = moved_back(shape->steps, (int32_t)axis);
    shape->batch = moved_back(shape->batch, (int32_t)axis);
    if (shape->steps == CLR_NO_AXIS)
        shape->lengths = CLR_ALL_STEPS;
}

void clr_shape_insert(clr_shape *shape, uint32_t axis, uint64_t size)
{
    for (uint32_t i = shape->rank; i > axis; i--)
        shape->size[i] = shape->size[i - 1];
    shape->size[axis] = size;
    shape->rank++;
    shape->steps += shape->steps >= (int32_t)axis;
    shape->batch += shape->batch >= (int32_t)axis;
}

/* Of an axis that is made of T and N, as long as these are not known. */
static int put_made(char *to, size_t room, uint64_t size)
{
    const bool T = size > 0 && size % CLR_PROBE_STEPS == 0;
    uint64_t rest = T ? size / CLR_PROBE_STEPS : size;
    const bool N = rest > 0 && rest % CLR_PROBE_BATCH == 0;
    const char *symbols = T && N ? "T*N" : T ? "T" : N ? "N" : "?";
    rest = N ? rest / CLR_PROBE_BATCH : rest;
    return rest > 1 && (T || N) ? snprintf(to, room, "%s*%llu", symbols, (unsigned long long)rest)
                                : snprintf(to, room, "%s", symbols);
}

static int put_axis(char *to, size_t room, const clr_shape *shape, uint32_t i)
{
    if ((int32_t)i == shape->steps || (int32_t)i == shape->batch)
        return snprintf(to, room, "%s", (int32_t)i == shape->steps ? "T" : "N");
    return shape->made >> i & 1 ? put_made(to, room, shape->size[i])
                                : snprintf(to, room, "%llu", (unsigned long long)shape->size[i]);
}

clr_value_name clr_value_text(const clr_shape *shape)
{
    clr_value_name name = {"["};
    size_t used = 1;
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (i > 0)
            name.text[used++] = ',';
        used += (size_t)put_axis(name.text + used, sizeof name.text - used, shape, i);
    }
    snprintf(name.text + used, sizeof name.text - used, "]");
    return name;
}
