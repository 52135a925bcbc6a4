/* SPDX-License-Identifier: MIT
 * cl/nodes.cl - the kernels of a graph's nodes, one program: a line for each file of them. After
 * cl/prelude.cl (VEC 1), cl/philox.cl, cl/function.cl, cl/elementary.cl and cl/map_launch.cl. */
#include "map_functions.cl"

#include "map.cl"

#include "turn.cl"

#include "reduce.cl"

#include "ema.cl"
#include "normalize.cl"
#include "window.cl"
