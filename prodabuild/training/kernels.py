"""Which kernels compute on a CPU. They are an input that the build fixes: the same bits on every machine of a class.

The variables below are read when torch, MKL and OpenMP are loaded, so importing this package sets them, whatever
the user had set. Products of matrices need no variable: `exact` makes their bits the same on every CPU.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

from prodabuild.errors import OutsideError

AVX2 = "x86_64-avx2"
CPUINFO = Path("/proc/cpuinfo")
_FIRST_CPU = 1 << 13  # bytes of the list that surely hold the flags of the first CPU
FIXED = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels, for element-wise operations and sums
    "MKL_VML_DEBUG_CPU_TYPE": "3",  # MKL's vector functions (cos, exp, log, sqrt) by AVX2: else the vendor decides
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",  # numpy's linear algebra
}
# Threads that wait for others spin for microseconds, not for 20 ms: beside busy neighbours those were lost.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
FREED = (
    *("MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE", "DNNL_MAX_CPU_ISA", "MKL_DYNAMIC"),
    *("OMP_DYNAMIC", "OMP_THREAD_LIMIT"),  # how many threads share a sum is set by the build
)


def kernels_here() -> str:
    """Return the class of kernels that this machine's CPU runs, without importing torch."""
    machine = platform.machine()
    if machine not in ("x86_64", "AMD64"):
        return machine
    try:
        with CPUINFO.open("rb") as file:
            flags = file.read(_FIRST_CPU).partition(b"\nflags")[2].partition(b"\n")[0].split()
    except OSError:
        flags = [b"avx2", b"fma"]  # no Linux: torch decides
    return AVX2 if {b"avx2", b"fma"} <= set(flags) else f"{machine}-sse"


def kernels_of(device: str) -> str | None:
    """Return the class of kernels that a class of device computes with; a GPU's own name says it all."""
    return kernels_here() if device == "cpu" else None


def fix() -> None:
    """Set what decides on kernels for this process and for those that it starts. Call it before torch is imported."""
    for name in FREED:
        os.environ.pop(name, None)
    os.environ.update(WAITING)
    if kernels_here() == AVX2:
        os.environ.update(FIXED)


def refuse_other() -> None:
    """Raise `OutsideError` where torch computed something before `fix` was called, with other kernels."""
    import torch

    found = torch.backends.cpu.get_cpu_capability()
    if kernels_here() == AVX2 and found != "AVX2":
        raise OutsideError(
            f"torch was used before prodabuild was imported, by {found} kernels: results would not be reproducible",
            "import prodabuild.project before torch is used, or set ATEN_CPU_CAPABILITY=avx2",
        )
