/* SPDX-License-Identifier: MIT
 * cl/noise.cl - weights of one training step that differ from the parameters.
 *
 * After cl/prelude.cl and cl/philox.cl. Element e of all parameters is drawn by the counter
 * (e, which of the two kernels, index) of the stream `seed`: clr_weight_noise and
 * clr_weight_drop_factor in host/base/philox.h, with the same tags.
 * Proven by: tests/train/test_noise.c against these. */
#define TAG_NOISE 0xFFFFFFFEu
#define TAG_DROP  0xFFFFFFFFu

static inline uint4 bits_of(uint seed_low, uint seed_high, ulong element, uint tag, uint index)
{
    return philox((uint2)(seed_low, seed_high),
                  (uint4)((uint)element, (uint)(element >> 32), tag, index));
}

/* w[e] += deviation * normal, e = first .. first+count-1: the sum of eight uniform numbers of 16
 * bits, less its mean, 8 * 32767.5, times `unit`, which brings that sum to the deviation.
 * Global size [count]. */
kernel void weight_noise(global REAL *w, ulong first, ulong count, REAL unit, uint seed_low,
                         uint seed_high, uint index)
{
    size_t i = get_global_id(0);
    if (i >= count)
        return;
    uint4 bits = bits_of(seed_low, seed_high, first + i, TAG_NOISE, index);
    uint4 parts = (bits & 0xFFFF) + (bits >> 16);
    int sum = (int)(parts.x + parts.y + parts.z + parts.w) - 262140;
    w[first + i] += (REAL)sum * unit;
}

/* w[e] *= 0 with probability p, else 1/(1-p), e = first .. first+count-1: of weights and, the same
 * again, of their gradient.  Global size [count]. */
kernel void weight_drop(global REAL *w, ulong first, ulong count, float p, uint seed_low,
                        uint seed_high, uint index)
{
    size_t i = get_global_id(0), e = first + i;
    if (i >= count)
        return;
    uint4 bits = bits_of(seed_low, seed_high, e / 4, TAG_DROP, index);
    uint word[4] = {bits.x, bits.y, bits.z, bits.w};
    REAL kept = DIVIDE((REAL)1, (REAL)1 - (REAL)p);
    REAL zero = is_finite(w[e]) ? copysign((REAL)0, w[e]) : NAN; /* what 0*w is, everywhere */
    w[e] = uniform(word[e % 4]) < (REAL)p ? zero : w[e] * kept;
}
