/* SPDX-License-Identifier: MIT
 * base/philox.h - a counter-based generator: a pure function from (key, counter) to random bits.
 *
 * Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC
 * 2011. cl/philox.cl is the same function on the device. */
#ifndef CLR_BASE_PHILOX_H
#define CLR_BASE_PHILOX_H

#include <stdbool.h>
#include <stdint.h>

typedef struct clr_philox_block {
    uint32_t word[4];
} clr_philox_block;

/** Block `counter` (four words) of the stream `key`. Threads: any. */
static inline clr_philox_block clr_philox(uint64_t key, const uint32_t counter[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (clr_philox_block){{c0, c1, c2, c3}};
}

/** A number in [0,1) with 24 random bits, exact in float. */
static inline double clr_uniform(uint32_t word)
{
    return (double)(word >> 8) / 16777216.0;
}

/**
 * Dropout: the factor of output unit `unit` of layer `layer` (counted from 0; the top one, whose
 * output is not dropped, stands for the network's input) at step t, row n, training iteration
 * `index`: 0 with probability p, else 1/(1-p). Counter (unit/4 + layer*2^24, n, t, index), word
 * unit%4. Variational (Gal, Ghahramani 2016): every step has that of t = 0.
 */
static inline double clr_dropout_factor(double p, uint64_t seed, uint32_t index, uint32_t layer,
                                        uint32_t t, uint32_t n, uint32_t unit)
{
    uint32_t counter[4] = {unit / 4 + (layer << 24), n, t, index};
    clr_philox_block block = clr_philox(seed, counter);
    return clr_uniform(block.word[unit % 4]) < (double)(float)p ? 0.0
                                                                : 1.0 / (1.0 - (double)(float)p);
}

/* Streams of the same seed for what a recurrent layer and direction (cell: layer*D + direction)
 * draws of its own. */
#define CLR_KEY_ZONEOUT UINT64_C(0x7A6F6E656F757400)
#define CLR_KEY_HIDDEN  UINT64_C(0x7265632064726F70)
static inline uint64_t clr_cell_key(uint64_t seed, uint64_t purpose, uint32_t cell)
{
    return (seed ^ purpose) + cell * UINT64_C(0x9E3779B97F4A7C15);
}

/** The seed of recurrent node `number` of a graph, whose layers and directions count from 0 as
 * those of others do. */
static inline uint64_t clr_node_seed(uint64_t seed, uint32_t number)
{
    return seed + (uint64_t)number * UINT64_C(0xD1B54A32D192ED03);
}

/** Zoneout (Krueger et al. 2017): whether a unit of h, or of `cell_state`, keeps its old value in
 * step t of row n, which it does with probability p. Key: of CLR_KEY_ZONEOUT; counter (unit/4, of a
 * cell state + 2^31, n, t, index), word unit%4. */
static inline bool clr_zoneout_keeps(double p, uint64_t key, uint32_t index, bool cell_state,
                                     uint32_t t, uint32_t n, uint32_t unit)
{
    uint32_t counter[4] = {unit / 4 | (cell_state ? UINT32_C(1) << 31 : 0), n, t, index};
    return clr_uniform(clr_philox(key, counter).word[unit % 4]) < (double)(float)p;
}

/** Recurrent dropout: the factor of unit `unit` of row n, for all steps. Key: of CLR_KEY_HIDDEN. */
static inline double clr_hidden_factor(double p, uint64_t key, uint32_t index, uint32_t n,
                                       uint32_t unit)
{
    return clr_dropout_factor(p, key, index, 0, 0, n, unit);
}

/** Approximately normal, mean 0, deviation 1: the sum of eight 16-bit uniforms (Irwin-Hall), whose
 * variance is 8/12. Within 4.9 deviations, kurtosis 2.85 where the normal's is 3. Integers, and one
 * product: the same bits everywhere. */
#define CLR_NORMAL_UNIT (1.2247448713915890491 / 65536) /* sqrt(12/8), of 16 bits */
static inline double clr_normal(clr_philox_block block)
{
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (block.word[i] & 0xFFFF) + (block.word[i] >> 16);
    return ((double)sum - 8 * 32767.5) * CLR_NORMAL_UNIT;
}

/** Noise of deviation 1 on parameter `element` in training iteration `index`, and the factor of
 * DropConnect, 0 with probability p, else 1/(1-p). No step of dropout has numbers as large as their
 * third words. */
static inline double clr_weight_noise(uint64_t seed, uint32_t index, uint64_t element)
{
    uint32_t counter[4] = {(uint32_t)element, (uint32_t)(element >> 32), UINT32_MAX - 1, index};
    return clr_normal(clr_philox(seed, counter));
}

static inline double clr_weight_drop_factor(double p, uint64_t seed, uint32_t index,
                                            uint64_t element)
{
    uint64_t block = element / 4;
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), UINT32_MAX, index};
    uint32_t word = clr_philox(seed, counter).word[element % 4];
    return clr_uniform(word) < (double)(float)p ? 0.0 : 1.0 / (1.0 - (double)(float)p);
}

#endif
