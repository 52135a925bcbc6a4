/* SPDX-License-Identifier: MIT
 * cl/sums.cl - the order of sums, the same in every product of ours, whichever kernel, strategy and
 * device computes it. For kernels and the host.
 *
 *     sum over k < K of a[k] * b[k]  =  ((chain 0 + chain 1) + chain 2) + ..
 *
 * A chain is CHAIN_OF(K) values of k, one after the other by fused multiply-adds that begin with 0,
 * the last one what is left, in the scale of the weights if they have one. Before chain 0 stands
 * what they are added to (C, dh), or NOTHING. Nothing but K decides, so an element has the same
 * bits whatever rows and columns are around it. CPUs go through the chains one after the other;
 * GPUs give one to each work-item of several (cl/resident.cl), so chains are short as long as K is:
 * up to 1024 they are 32, which is how many weights of four columns fit a work-item's registers. */
#ifndef CLR_SUMS
#define CLR_SUMS
#define CHAIN_OF(K)  ((K) > 2048 ? 128 : (K) > 1024 ? 64 : 32)
#define CHAINS_OF(K) (((K) + CHAIN_OF(K) - 1) / CHAIN_OF(K))
#define LEAST_CHAIN  32
#define MOST_CHAIN   128        /* each chain is a part of it */
#define NOTHING      (-(REAL)0) /* changes no sum, not even -0 */
#endif
