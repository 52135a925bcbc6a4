/* SPDX-License-Identifier: MIT
 * cl/turns.cl - whether loops go on to their end: llvmpipe of Mesa 22.3 leaves those of a work-item
 * after 65,535 turns of all of them together, and says nothing.
 *
 * Proven by: tests/layer/test_wrong_kernels.c, with a loop that ends early. */

/* done[0] = turns, counted in a way that no compiler knows the end of. Global size [1]. */
kernel void count_turns(global uint *done, uint turns)
{
    uint counted = 0, x = 1;
    for (uint turn = 0; turn < turns; turn++) {
        x = x * 1664525 + 1013904223; /* of period 2^32 */
        counted += x != 1;
    }
    done[0] = counted;
}
