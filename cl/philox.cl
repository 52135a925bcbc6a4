/* SPDX-License-Identifier: MIT
 * cl/philox.cl - a counter-based generator: a pure function from (key, counter) to 128 random bits.
 *
 * Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC
 * 2011. The same function as clr_philox in host/base/philox.h. */
static inline uint4 philox(uint2 key, uint4 counter)
{
    for (int round = 0; round < 10; round++) {
        uint high0 = mul_hi(0xD2511F53u, counter.x), high2 = mul_hi(0xCD9E8D57u, counter.z);
        counter = (uint4)(high2 ^ counter.y ^ key.x, 0xCD9E8D57u * counter.z,
                          high0 ^ counter.w ^ key.y, 0xD2511F53u * counter.x);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}

/* A number in [0,1) with 24 random bits, exact in float. */
static inline REAL uniform(uint word)
{
    return (REAL)(word >> 8) * (REAL)0x1p-24f;
}
