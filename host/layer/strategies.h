/* SPDX-License-Identifier: MIT
 * layer/strategies.h - the table of strategies. */
#ifndef CLR_LAYER_STRATEGIES_H
#define CLR_LAYER_STRATEGIES_H

#include "layer/strategy.h"

/** Strategy `index`, from the one to be preferred to the one that always works; then NULL. */
const clr_strategy *clr_strategy_at(size_t index);

/** The one of this name, or NULL. */
const clr_strategy *clr_strategy_of(clrnn_strategy id);

#endif
