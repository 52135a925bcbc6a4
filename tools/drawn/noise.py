# SPDX-License-Identifier: MIT
"""What plans that train draw, decided by seed and number of a pass: Philox4x32-10 (Salmon, Moraes, Dror, Shaw,
SC 2011) over counters that network.h and graph_plan.h say. Arrays of NumPy throughout, broadcast."""
import numpy as np

ALL = (1 << 64) - 1
ZONEOUT, HIDDEN, CELL, NODE = 0x7A6F6E656F757400, 0x7265632064726F70, 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03


def _words(key, counter):
    c0, c1, c2, c3 = (np.array(c, "u8") for c in np.broadcast_arrays(*counter))
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = ((p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0), p1 & low,
                          (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1), p0 & low)
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def uniform(key, index, unit, n, t, beside=0):
    """In [0,1): of unit, row n and step t."""
    unit = np.asarray(unit)
    words = _words(key, ((unit // 4) | beside, n, t, index))
    return np.choose(np.broadcast_to(unit % 4, words[0].shape), words) // 256 / 2.0**24


def factors(p, key, index, unit, n, t, layer=0):
    """0 with probability p, else 1/(1-p)."""
    p = float(np.float32(p))
    return np.where(uniform(key, index, unit, n, t, layer << 24) < p, 0.0, 1 / (1 - p))


def node_seed(seed, number):
    return (seed + number * NODE) & ALL


def cell_key(seed, purpose, cell):
    return ((seed ^ purpose) + cell * CELL) & ALL
