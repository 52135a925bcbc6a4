# SPDX-License-Identifier: MIT
# make.py - write the files of this folder; see README.md.
import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

INTEGERS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


def extremes(descr):
    info = np.iinfo(descr)
    return np.array([info.min, info.max, 0, 1, 77], dtype=descr)


# Bit patterns: zeros, smallest and largest subnormal, smallest and largest normal, 1, 1.000977 or
# the like, infinities, a NaN; then one value of every exponent.
F16 = np.array(
    [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0x3C00, 0xBC01, 0x7C00, 0xFC00, 0x7E00]
    + [e << 10 | 0x155 for e in range(31)], dtype="<u2").view(np.float16)
BF16 = np.array(
    [0x0000, 0x8000, 0x0001, 0x807F, 0x0080, 0x7F7F, 0x3F80, 0xBF81, 0x7F80, 0xFF80, 0x7FC0],
    dtype="<u2").view(ml_dtypes.bfloat16)
GRID = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 7.25

np.save("f4_grid.npy", GRID)
np.save("f8_fortran.npy", np.asfortranarray(GRID.astype("<f8")))
np.save("f4_big_endian.npy", GRID.astype(">f4"))
np.save("i2_big_endian_fortran.npy", np.asfortranarray((GRID * 4).astype(">i2")))
np.save("f2_values.npy", F16)
np.save("f8_scalar.npy", np.float64(-1.5e300))
np.save("f4_empty.npy", np.zeros((0, 3), dtype="<f4"))
np.save("bool.npy", np.array([[True, False, True]]))
for descr in INTEGERS:
    np.save(descr + "_extremes.npy", extremes(descr))
for version in (2, 3):
    with open("f4_version%d.npy" % version, "wb") as f:
        np.lib.format.write_array(f, GRID, version=(version, 0))
# Types that the library refuses.
np.save("complex.npy", np.array([1 + 2j]))
np.save("structured.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
np.save("text.npy", np.array(["abc"]))

tensors = {descr: extremes(descr) for descr in INTEGERS}
tensors.update({
    "f4_grid": GRID,
    "f8_grid": GRID.astype("<f8"),
    "f2_values": F16,
    "bf16_values": BF16,
    "bool": np.array([[True, False, True]]),
    "scalar": np.array(-1.5e300),
    "empty": np.zeros((0, 3), dtype="<f4"),
    'name "quoted" \\ \u00e9\u4e16\U0001f600\t': np.array([1.0], dtype="<f4"),
})
save_file(tensors, "all_types.safetensors",
          metadata={"plain": "text", "quoted \"key\"": "line\nbreak \\ \u00e9\u4e16\U0001f600"})
save_file({"one": np.array([1.0, 2.0], dtype="<f4")}, "no_metadata.safetensors")
save_file({}, "nothing.safetensors")
save_file({"c": np.array([1 + 2j], dtype="<c8")}, "complex.safetensors")
