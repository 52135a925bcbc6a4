# SPDX-License-Identifier: MIT
"""The OpenCL stacks of tools/matrix: where each runs, and what of the suite it is given."""
from dataclasses import dataclass, field

# Suites that open a device; the others are the same on every stack.
SUITES = ["device", "math", "layer", "graph", "model", "format", "train", "api", "tools"]
# Where a device is slow or pretends to be another one: a few programs of each kind.
FEW = ["test_device", "test_storage", "test_gemm", "test_sequence", "test_plan", "test_loss"]
# What cuts, meets and falls back, which is what limits change.
CUTS = ["test_device", "test_gemm", "test_storage", "test_plan", "test_selection", "test_resident",
        "test_timeout", "test_vectors"]
BUILD = ("gcc libc6-dev meson ninja-build pkg-config python3 opencl-c-headers ocl-icd-opencl-dev "
         "libclblast-dev libcjson-dev libcmocka-dev libzip-dev libprotobuf-c-dev protobuf-c-compiler "
         "libhdf5-dev")


@dataclass
class Stack:
    name: str
    title: str
    place: str = "host"  # or the release of Debian in whose root it runs
    icd: str = ""        # a library or a file *.icd; empty: no OpenCL at all
    packages: str = ""   # of that release
    env: dict = field(default_factory=dict)
    programs: list = field(default_factory=list)  # none: all of SUITES
    minutes: int = 20    # how long a program may take
    verify: list = field(default_factory=lambda: ["--quick"])  # options of `clrnn verify`
    liberties: dict = field(default_factory=dict)  # part of a problem: why its digests differ
    refused: str = ""    # what the self-test of a driver that is wrong finds
    races: bool = False  # it looks for data races, and a race fails a program


LLVMPIPE = {"RUSTICL_ENABLE": "llvmpipe", "RUSTICL_FEATURES": "fp64"}
# It says that it has CL_FP_FMA for doubles; one in five results differs in the last bits.
UNFUSED = {"precision=f64": "fma of doubles is a product and a sum, each rounded"}
# Of verify's list; all of it takes Oclgrind over an hour.
SMALL = [*[f"cell={cell},T=5,N=2,I=3,H=7,mode=train" for cell in ("rnn", "gru", "lstm")],
         "cell=lstm,T=7,N=3,I=17,H=33,weights=int8"]
VENDORS = "/etc/OpenCL/vendors/"
ARCH_LIB = "/usr/lib/x86_64-linux-gnu/"

STACKS = [
    Stack("native", "our own executor, without OpenCL", verify=[]),
    Stack("pocl", "PoCL of this machine (3.1 on Debian 12)", icd=VENDORS + "pocl.icd",
          env={"POCL_AFFINITY": "1"}),
    Stack("pocl-6", "PoCL 6 of Debian 13", "trixie", VENDORS + "pocl.icd", "pocl-opencl-icd",
          env={"POCL_AFFINITY": "1"}),
    # It ends all loops of a work-item after 65,535 turns together: no product is right that takes more.
    Stack("mesa-22", "rusticl of Mesa 22.3 on llvmpipe, Debian 12: computes wrong, so it is refused",
          "bookworm", VENDORS + "rusticl.icd", "mesa-opencl-icd", LLVMPIPE, minutes=60,
          programs=["test_device"], refused="the count of a loop's turns",
          verify=["--problem", "cell=lstm,T=5,N=2,I=3,H=7,strategy=stepwise"]),
    Stack("mesa-25", "rusticl of Mesa 25 on llvmpipe, Debian 13", "trixie",
          VENDORS + "rusticl.icd", "mesa-opencl-icd", LLVMPIPE, minutes=60, liberties=UNFUSED),
    # Without CLBlast, which keeps programs until the process ends, when Oclgrind has freed what they lie in.
    # Its reports of values that nobody wrote are of no use: it takes a new buffer for one that was released.
    Stack("oclgrind", "Oclgrind 21.10, a simulator that looks for data races, as a GPU, Debian 12",
          "bookworm", "/usr/lib/oclgrind/liboclgrind-rt-icd.so", "oclgrind",
          {"OCLGRIND_DATA_RACES": "1", "OCLGRIND_MAX_ERRORS": "100000", "OCLGRIND_NUM_THREADS": "1",
           "CLRNN_CLBLAST": "off"},
          programs=["test_storage", "test_sequence", "test_loss"], minutes=60, races=True,
          verify=["--problem", *[f"{problem},strategy={strategy},gemm=packed" for problem in SMALL
                                 for strategy in ("stepwise", "resident", "fused")]]),
    Stack("intel", "Intel's runtime for CPUs, of PyPI", icd="libintelocl.so", programs=FEW,
          minutes=60),
]
# What other devices lack, pretended: CLRNN_LIMITS (host/device/limits.h).
for name, limits in {
        "no-fp64": "fp64=0,fp16=0",
        "group-1": "max_work_group=1",
        "group-64": "type=gpu,max_work_group=64",
        "local-16k": "type=gpu,local_memory=16384",
        "one-unit": "compute_units=1",
        "no-fence": "type=gpu,device_fence=0",
        "no-division": "rounded_division=0"}.items():
    STACKS.append(Stack(name, f"PoCL of this machine with CLRNN_LIMITS={limits}",
                        icd=VENDORS + "pocl.icd", programs=CUTS,
                        env={"CLRNN_LIMITS": limits, "POCL_AFFINITY": "1"}))
