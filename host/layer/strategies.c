/* SPDX-License-Identifier: MIT
 * layer/strategies.c - see layer/strategies.h. */
#include "layer/strategies.h"

static const clr_strategy *const strategies[] = {&clr_strategy_persistent, &clr_strategy_resident,
                                                 &clr_strategy_fused, &clr_strategy_stepwise};

const clr_strategy *clr_strategy_at(size_t index)
{
    return index < sizeof strategies / sizeof *strategies ? strategies[index] : NULL;
}

const clr_strategy *clr_strategy_of(clrnn_strategy id)
{
    size_t i = 0;
    while (clr_strategy_at(i) && clr_strategy_at(i)->id != id)
        i++;
    return clr_strategy_at(i);
}
