"""Which device trains and tests: a class of device is an input, since another class gives other bits."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from prodabuild.errors import OutsideError, ProjectError

if TYPE_CHECKING:
    from prodabuild.engine.view import View

_GPUS = Path("/proc/driver/nvidia/gpus")


def probe() -> str:
    """Return `cpu`, or `cuda:` and the GPU's name, without importing torch."""
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "cpu"
    if "+cpu" in version or not _GPUS.is_dir():
        return "cpu"
    models = [
        line.partition(":")[2].strip()
        for info in sorted(_GPUS.glob("*/information"))
        for line in info.read_text().splitlines()
        if line.startswith("Model:")
    ]
    return f"cuda:{models[0]}" if models else "cpu"


def required(view: View) -> str:
    """Return the torch device of the recorded class, and make it usable; raises `OutsideError` when it is not there."""
    wanted: str = view.read("device", "class")
    view.read("device", "kernels")
    if not wanted.startswith("cuda"):
        return "cpu"
    import torch

    if not torch.cuda.is_available():
        raise OutsideError(
            f"a GPU is listed ({wanted.partition(':')[2]}) but torch cannot use it",
            "install a CUDA build of torch, or pass --device cpu",
        )
    return "cuda"


def use_bf16(precision: str, device: str) -> bool:
    """Tell whether to compute in bf16; raises `ProjectError` when the manifest asks for it where it cannot be had."""
    if precision == "fp32" or device == "cpu":
        if precision == "bf16":
            raise ProjectError(
                "model.train.precision is bf16, but there is no CUDA device",
                "set it to auto: fp32 on a CPU, bf16 on a GPU",
            )
        return False
    import torch

    supported = torch.cuda.is_bf16_supported()
    if precision == "bf16" and not supported:
        raise ProjectError("this GPU has no bf16", "set model.train.precision to auto or fp32")
    return bool(supported)
