# SPDX-License-Identifier: MIT
"""What tools/offline compiles: the GPUs that it pretends to have, and the networks for which the host
is asked what it would build there. The one place that lists them."""
import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """registers, simds, granule, waves: of a compute unit, for how many groups fit: 32-bit registers
    of a lane and SIMD, SIMDs, in what steps they are given out, the most waves of a SIMD."""
    name: str  # what the compiler calls it
    compiler: str  # clang-amd, clang-nvidia, ocloc
    title: str
    platform: str
    vendor: str
    version: str
    fences: int
    rounded: int
    fp64: int
    local: int  # bytes of a group
    units: int
    all_local: int = 65536  # of a compute unit
    wave: int = 64
    registers: int = 256
    simds: int = 4
    granule: int = 4
    waves: int = 10

    def rule(self):
        """What of it decides how the host builds; its name and its number of units do not."""
        return dataclasses.astuple(self)[3:10]

    def words(self):
        return ";".join(map(str, (self.platform, self.title, self.vendor, self.version, self.fences,
                                  self.rounded, self.fp64, self.local, 256 if "AMD" in self.vendor else 1024,
                                  self.units)))


AMD = ("AMD Accelerated Parallel Processing", "Advanced Micro Devices, Inc.", "OpenCL 2.0", 0, 1, 1, 65536)
NVIDIA = ("NVIDIA CUDA", "NVIDIA Corporation", "OpenCL 3.0 CUDA", 0, 1, 1, 49152)
INTEL = ("Intel(R) OpenCL HD Graphics", "Intel(R) Corporation", "OpenCL 3.0 NEO", 0x2f, 1, 0, 65536)
GPUS = [
    Gpu("gfx900", "clang-amd", "Vega 64", *AMD, 64),
    Gpu("gfx90a", "clang-amd", "MI210", *AMD, 104, registers=512, granule=8, waves=8),
    Gpu("gfx1030", "clang-amd", "RX 6800", *AMD, 30, 131072, 32, 1024, 4, 8, 16),
    Gpu("gfx1100", "clang-amd", "RX 7900", *AMD, 48, 131072, 32, 1536, 4, 24, 16),
    Gpu("sm_75", "clang-nvidia", "RTX 2080", *NVIDIA, 46, 65536, 32, 512, 4, 8, 8),
    Gpu("sm_90", "clang-nvidia", "H200", *NVIDIA, 132, 232448, 32, 512, 4, 8, 16),
    Gpu("tgllp", "ocloc", "Iris Xe", *INTEL, 96),
    Gpu("dg2", "ocloc", "Arc A770", *INTEL, 512),
]


# Problem strings (README): all that decides how resident, if nothing else is said, or fused is built.
# Where T, N do not, they are least.
QUICK = ["cell=lstm,H=1024,T=1,I=4,mode=train", "cell=gru,H=512,T=1,I=4,weights=int8",
         "cell=lstm,H=64,N=64,T=1,I=4,mode=train,strategy=fused"]
PROBLEMS = QUICK + [
    *(f"cell={cell},H={H},T=1,I=4,mode=train"
      for cell in ("lstm", "gru", "gru,reset=after", "rnn") for H in (64, 256, 512)),
    "cell=lstm,H=2048,T=1,I=4", "cell=gru,H=2048,T=1,I=4",
    *(f"cell=lstm,H={H},T=1,I=4,weights={w}" for w in ("f16", "bf16", "int8") for H in (256, 1024)),
    "cell=gru,H=256,T=1,I=4,weights=f16",
    "cell=lstm,P=128,H=512,T=1,I=4,mode=train", "cell=lstm,P=128,H=512,T=1,I=4,weights=int8",
    "cell=lstm,peepholes=1,H=256,T=1,I=4,mode=train",
    "cell=lstm,H=256,T=1,I=4,act_g=softsign,mode=train",
    "cell=lstm,H=256,T=1,I=4,precision=f64,mode=train",
    "cell=gru,H=512,T=1,I=4,precision=f64,mode=train",
    *(f"cell={cell},H=64,N=64,T=1,I=4,strategy=fused"
      for cell in ("lstm,mode=train,P=32", "lstm,weights=int8", "lstm,mode=train,act_g=softsign",
                   "lstm,mode=train,precision=f64", "gru,mode=train", "gru,weights=f16",
                   "gru,reset=after,mode=train", "rnn,mode=train")),
    *(f"cell={cell},H=64,N=1024,T=1,I=4,strategy=fused" for cell in ("lstm,mode=train", "lstm,weights=int8")),
    "cell=lstm,H=64,N=8,T=1,I=4,mode=train,strategy=fused"]
