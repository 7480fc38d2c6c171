"""The footprint of an adapter as large as one of a 7B model: what the command takes, from start to end.

    python benchmarks/footprint.py [--modules 224] [--rank 16] [--runs 3] [--check] [--json | --md]

The adapter is random, of matrices of 4096 x 11008 in single precision, and written to a temporary folder. Only the
command is measured. With --check the exit code is 1 where a goal is missed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import MB, checked, machine, middle, own_environment
from report import Table, megabytes, parser, progress, seconds, tell, verdict

ROWS, COLUMNS = 4096, 11008
KINDS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
GOAL_S, GOAL_MB = 3.0, 500


def write_adapter(folder: Path, modules: int, rank: int) -> int:
    """Write a random adapter, a factor at a time; returns its size in bytes."""
    factors = [
        (f"base_model.model.model.layers.{number // len(KINDS)}.{KINDS[number % len(KINDS)]}.lora_{part}.weight", shape)
        for number in range(modules)
        for part, shape in (("A", (rank, COLUMNS)), ("B", (ROWS, rank)))
    ]
    head, at = {}, 0
    for name, shape in factors:
        size = 4 * shape[0] * shape[1]
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(head).encode()
    draw = np.random.default_rng(0)
    with (folder / "adapter_model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, shape in factors:
            draw.standard_normal(shape, np.float32).tofile(file)
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return at


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--modules", type=int, default=224)
    options.add_argument("--rank", type=int, default=16)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--check", action="store_true")
    asked = options.parse_args()
    where = machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        progress(f"writing {asked.modules} modules")
        size = write_adapter(folder, asked.modules, asked.rank)
        command = [sys.executable, "-m", "prodabuild", "footprint", str(folder), "-q"]
        runs = [checked(command, folder, own_environment()) for _ in range(asked.runs)]
    found = {
        "modules": asked.modules,
        "rank": asked.rank,
        "adapter_mb": round(size / MB),
        "wall_s": middle(each.wall_s for each in runs),
        "cpu_s": middle(each.cpu_s for each in runs),
        "rss_mb": middle(each.rss_mb for each in runs),
    }
    met = {"wall_s": found["wall_s"] < GOAL_S, "rss_mb": found["rss_mb"] < GOAL_MB}
    rows = [
        ["seconds", seconds(found["wall_s"]), f"{GOAL_S:.0f}", verdict(met["wall_s"])],
        ["seconds of processor", seconds(found["cpu_s"]), "", ""],
        ["MB at the peak", megabytes(found["rss_mb"]), str(GOAL_MB), verdict(met["rss_mb"])],
    ]
    title = f"A footprint of {asked.modules} modules of {ROWS} x {COLUMNS}, rank {asked.rank}, median of {asked.runs}"
    note = f"The adapter has {found['adapter_mb']} MB on disk."
    table = Table(title, ("what", "measured", "goal", ""), rows, (note,))
    tell(asked, {"machine": where, "footprint": found, "met": met}, [table])
    if asked.check and not all(met.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
