"""What `kill -9` does to training: kill runs at random instants, start them again, compare every byte of the model.

    python benchmarks/resume.py [--runs 20] [--kills 1] [--seed 7] [--json]

A small data repo is trained once undisturbed. Then, for each run, the model is forgotten and trained again by commands
that are killed, `--kills` times, at random instants of the training; the last one goes on to the end. Prints how many
runs ended in the adapter of the undisturbed one, and how many steps were computed more than once. Checkpoints are
written every quarter of a second here, so that short runs have some.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from kill import fill

ROOT = Path(__file__).parent.parent
# The program under test: each step is written down when it is done.
PROGRAM = """
import os, sys
from prodabuild.cli.main import main
from prodabuild.training import checkpoint, job

steps = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
train = job.train

def noted(model, planned, run):
    class Noted:
        def __len__(self):
            return len(planned)
        def __getitem__(self, number):
            os.write(steps, b"%d\\n" % number)
            return planned[number]
    run.checkpoint.seconds = run.checkpoint._wait = 0.25
    return train(model, Noted(), run)

job.train = noted
main()
"""
BASE = """
from pathlib import Path
from prodabuild.events import silent
from prodabuild.training.scratch import Preset, build_scratch

words = ["the %s is a kind of thing. what is it? answer: %s." % (word, word) for word in "abcdefgh"] * 40
preset = Preset(vocab=400, hidden=64, layers=1, heads=2, steps=3, batch=4, block=32, learning_rate=1e-3)
build_scratch(preset, ["\\n\\n".join(words)], Path("models/tiny"), "cpu", silent)
"""
SETTINGS = """  base: path:models/tiny
  adapter: {r: 8, alpha: 16, dropout: 0.1, save_modules: [embed_tokens, lm_head]}
  train: {epochs: 4, learning_rate: 1.0e-2, max_length: 256, batch_tokens: 512}
"""


@dataclass
class Figures:
    """What was counted."""

    runs: int = 0
    identical: int = 0
    kills: int = 0
    kills_in_training: int = 0
    steps: int = 0
    repeated: int = 0
    seconds: float = 0.0


def prepare(repo: Path) -> None:
    """Write a data repo with a base of its own."""
    fill(repo, 200)
    manifest = (repo / "proda.yaml").read_text("utf-8")
    (repo / "proda.yaml").write_text(manifest.replace("  base: scratch:micro\n", SETTINGS), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", BASE], cwd=repo, env=environment, check=True, capture_output=True)


def training(repo: Path) -> subprocess.Popen[bytes]:
    """Start a compile in a process group of its own."""
    arguments = ["compile", "--device", "cpu", "--jobs", "1", "-q"]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(repo / "steps"), *arguments],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(repo: Path) -> float:
    """Train to the end; returns the seconds."""
    started = time.perf_counter()
    with training(repo) as process:
        said = process.communicate()[1].decode()
    if process.returncode:
        raise RuntimeError(said)
    return time.perf_counter() - started


def done(repo: Path) -> list[str]:
    """Return the steps begun so far, once for each time."""
    path = repo / "steps"
    return path.read_text("utf-8").split() if path.exists() else []


def kill_in_training(repo: Path, more: int) -> bool:
    """Start training, and kill it when so many steps more were begun; tell whether it was still there."""
    before = len(done(repo))
    with training(repo) as process:
        while process.poll() is None:
            if len(done(repo)) >= before + more:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                return True
            time.sleep(0.005)
        process.communicate()
    return False


def model(repo: Path) -> dict[str, str]:
    """Return the sha256 of every file of the model."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (repo / "build/model").iterdir()}


def forget(repo: Path) -> None:
    """Forget the model, and all that is known of it."""
    for name in ("build", ".prodabuild", "proda.lock"):
        path = repo / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (repo / "steps").unlink(missing_ok=True)


def measure(repo: Path, runs: int, kills: int, seed: int) -> Figures:
    """Train once undisturbed, and then as often as asked with kills."""
    draw = random.Random(seed)
    figures = Figures()
    started = time.perf_counter()
    finish(repo)
    expected, steps = model(repo), len(done(repo))
    for _ in range(runs):
        forget(repo)
        for _ in range(kills):
            figures.kills += 1
            figures.kills_in_training += kill_in_training(repo, draw.randint(1, max(1, steps // kills)))
        finish(repo)
        figures.runs += 1
        figures.identical += model(repo) == expected
        figures.steps += len(done(repo))
        figures.repeated += len(done(repo)) - steps
    figures.seconds = time.perf_counter() - started
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        figures = measure(Path(folder), asked.runs, asked.kills, asked.seed)
    if asked.json:
        print(json.dumps(asdict(figures), indent=2))
        return
    print(f"{'runs':>6}{'identical':>11}{'kills':>7}{'in training':>13}{'steps':>8}{'repeated':>10}{'seconds':>9}")
    print(
        f"{figures.runs:>6}{figures.identical:>11}{figures.kills:>7}{figures.kills_in_training:>13}"
        f"{figures.steps:>8}{figures.repeated:>10}{figures.seconds:>9.0f}"
    )


if __name__ == "__main__":
    main()
