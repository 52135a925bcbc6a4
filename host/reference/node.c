/* SPDX-License-Identifier: MIT
 * reference/node.c - see reference/node.h: which element is which. */
#include "reference/node.h"

void clr_ref_index(const clr_shape *shape, size_t element, uint64_t index[CLRNN_MOST_AXES])
{
    for (uint32_t i = shape->rank; i-- > 0;) {
        index[i] = element % shape->size[i];
        element /= (size_t)shape->size[i];
    }
}

size_t clr_ref_element(const clr_shape *shape, const uint64_t index[CLRNN_MOST_AXES])
{
    size_t element = 0;
    for (uint32_t i = 0; i < shape->rank; i++)
        element = element * (size_t)shape->size[i] + (size_t)index[i];
    return element;
}

size_t clr_ref_broadcast(const clr_shape *big, size_t element, const clr_shape *small)
{
    uint64_t index[CLRNN_MOST_AXES], own[CLRNN_MOST_AXES];
    clr_ref_index(big, element, index);
    for (uint32_t i = 0; i < small->rank; i++)
        own[i] = small->size[i] == 1 ? 0 : index[big->rank - small->rank + i];
    return clr_ref_element(small, own);
}

bool clr_ref_live(const clr_ref_node *node, const clr_shape *shape, size_t element)
{
    uint64_t index[CLRNN_MOST_AXES];
    if (!node->lengths || shape->steps == CLR_NO_AXIS || shape->lengths == CLR_ALL_STEPS)
        return true;
    clr_ref_index(shape, element, index);
    const uint64_t n = shape->batch == CLR_NO_AXIS ? 0 : index[shape->batch];
    return index[shape->steps] < node->lengths[shape->lengths * node->stride + n];
}
