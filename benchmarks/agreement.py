"""Figures of footprints and probes beside those of WeightWatcher and hmmlearn: where they agree, and where not.

    python benchmarks/agreement.py --other PYTHON [--json | --md]

PYTHON is the interpreter of an environment of its own (pip install torch weightwatcher hmmlearn). It gets the same
matrices and the same rows. With another version the last table may differ: it shows what that version does.
"""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measure import machine
from report import Table, parser, progress, tell

from prodabuild.insight.changes import Dense, LowRank
from prodabuild.insight.hidden import Hidden, random_hidden
from prodabuild.insight.markov import two_state
from prodabuild.insight.spectra import figures_of
from prodabuild.insight.tails import fit_tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.insight.changes import Array

SIDE, RANKS, SCALE = 512, (4, 8, 16, 32), 2.0
ROWS, LENGTH = 5, 200
OTHER = """
import json, sys
from importlib.metadata import version
import numpy as np, torch, weightwatcher
from hmmlearn.hmm import CategoricalHMM
folder = sys.argv[1]
given = np.load(folder + "/given.npz")

def layer(weights):
    made = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False)
    made.weight = torch.nn.Parameter(torch.tensor(weights, dtype=torch.float32))
    return made

class Adapter(torch.nn.Module):
    def __init__(self, rank):
        super().__init__()
        self.q_proj = layer(given["dense"])
        self.q_proj_lora_A, self.q_proj_lora_B = layer(given[f"A{rank}"]), layer(given[f"B{rank}"])

def frame(model, **options):
    return weightwatcher.WeightWatcher(model=model).analyze(**options).to_dict("records")

found = {"dense": frame(torch.nn.Sequential(layer(given["dense"])))[0]}
found["adapters"] = {rank: frame(Adapter(rank), peft=True) for rank in given["ranks"].tolist()}
found["scores"] = []
for name in given["chains"]:
    model = CategoricalHMM(n_components=len(given[f"{name} moves"]), n_features=given[f"{name} channel"].shape[1])
    start, moves, channel = (given[f"{name} {part}"] for part in ("start", "moves", "channel"))
    model.startprob_, model.transmat_, model.emissionprob_ = start, moves, channel
    found["scores"].append([float(model.score(row[:, None])) for row in given[f"{name} rows"]])
found["versions"] = {name: version(name) for name in ("weightwatcher", "hmmlearn", "powerlaw")}
with open(folder + "/found.json", "w") as file:
    json.dump(found, file, default=float)
"""


def emitting(moves: Array, channel: Array) -> Hidden:
    """Return a hidden chain that emits before it moves, as hmmlearn's do."""
    return Hidden(np.einsum("is,ij->sij", channel, moves))


def chains() -> dict[str, tuple[Array, Array]]:
    """Return moves and channels by name: a chain that is seen, one behind noise, one drawn at random."""
    noise = np.array([[0.9, 0.1], [0.1, 0.9]])
    drawn = random_hidden(5, 4, "agreement").steps.sum(0)
    channel = np.random.default_rng(1).dirichlet(np.ones(4), 5)
    seen = two_state(0.1, 0.4).chances
    return {"two states, seen": (seen, np.eye(2)), "behind a channel": (noise, noise), "5 states": (drawn, channel)}


def given(folder: Path) -> dict[str, Any]:
    """Write what both sides look at; return it with our likelihoods of the rows, in nats."""
    draw = np.random.default_rng(0)
    arrays: dict[str, Any] = {"dense": draw.standard_normal((2 * SIDE, SIDE)), "ranks": np.array(RANKS)}
    for rank in RANKS:
        arrays |= {f"A{rank}": draw.standard_normal((rank, SIDE)), f"B{rank}": draw.standard_normal((2 * SIDE, rank))}
    scores = []
    for name, (moves, channel) in chains().items():
        source = emitting(moves, channel)
        rows = source.sample(ROWS, LENGTH, "agreement", name)
        scores.append((-source.surprisal(rows).sum(1) * math.log(2)).tolist())
        parts = {"start": source.states, "moves": moves, "channel": channel, "rows": rows}
        arrays |= {f"{name} {part}": value for part, value in parts.items()}
    arrays["chains"] = np.array(list(chains()))
    np.savez(folder / "given.npz", **arrays)
    return arrays | {"scores": scores}


def beside(python: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what both sides were given, with our likelihoods, and what the others found."""
    with tempfile.TemporaryDirectory() as folder:
        ours = given(Path(folder))
        subprocess.run([python, "-c", OTHER, folder], cwd=folder, check=True, capture_output=True)
        found: dict[str, Any] = json.loads(Path(folder, "found.json").read_text())
    return ours, found


def dense_rows(weights: Array, theirs: dict[str, Any]) -> list[list[str]]:
    """Return figures of a dense matrix that both have."""
    values = Dense(weights.astype(np.float32)).values()
    figures = figures_of(values)
    assert figures is not None
    entropy = math.log(figures.erank_2) / math.log(len(values))
    pairs = {
        "stable rank": (figures.stable, "stable_rank"),
        "entropy of energy shares, over its most": (entropy, "entropy"),
        "norm": (math.sqrt((values**2).sum()), "norm"),
        "largest singular value": (float(values[0]), "spectral_norm"),
    }
    return [
        [name, f"{own:.4f}", f"{theirs[key]:.4f}", _relation(own, theirs[key])] for name, (own, key) in pairs.items()
    ]


def _relation(own: float, other: float) -> str:
    if math.isclose(own, other, rel_tol=1e-4):
        return "the same"
    return "theirs is the square" if math.isclose(own**2, other, rel_tol=1e-4) else "differs"


def adapter_rows(arrays: dict[str, Any], theirs: dict[str, Sequence[dict[str, Any]]]) -> list[list[str]]:
    """Return, of random adapters with a scale, what each says of exponent and energy."""
    rows = []
    for rank in RANKS:
        change = LowRank(SCALE * arrays[f"B{rank}"], arrays[f"A{rank}"])
        tail, frame = fit_tail(change.values() ** 2), theirs[str(rank)]
        own = "–" if tail is None or tail.alpha is None else f"{tail.alpha:.2f}"
        other = (f"{frame[0]['alpha']:.2f}", f"{frame[0]['norm']:.4g}") if frame else ("no row", "no row")
        rows.append([str(rank), own, other[0], f"{change.energy():.4g}", other[1]])
    return rows


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--other", metavar="PYTHON", required=True)
    asked = options.parse_args()
    where = machine()
    progress("comparing")
    ours, found = beside(asked.other)
    pairs = zip(chains(), ours["scores"], found["scores"], strict=True)
    hidden = [
        [name, f"{np.mean(own):.5f}", f"{np.mean(other):.5f}", f"{np.abs(np.subtract(own, other)).max():.0e}"]
        for name, own, other in pairs
    ]
    dense, adapters = dense_rows(ours["dense"], found["dense"]), adapter_rows(ours, found["adapters"])
    said = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    tables = [
        Table("Likelihoods of rows, in nats", ("hidden chain", "ours", "hmmlearn's", "largest difference"), hidden),
        Table(f"A Gaussian matrix, {2 * SIDE} x {SIDE}", ("figure", "ours", "WeightWatcher's", ""), dense),
        Table(
            f"Adapters that learnt nothing, of scale {SCALE:g}",
            ("rank", "our alpha", "WeightWatcher's alpha", "our energy", "WeightWatcher's norm"),
            adapters,
            (f"{said}. A dash: too few points for an exponent.",),
        ),
    ]
    document = {"machine": where, "versions": found["versions"], "hidden": hidden, "dense": dense, "adapters": adapters}
    tell(asked, document, tables)


if __name__ == "__main__":
    main()
