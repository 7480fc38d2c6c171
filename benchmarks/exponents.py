"""Exponents of power laws beside those of WeightWatcher: where the two agree, and what a fit says of pure chance.

    python benchmarks/exponents.py --weightwatcher PYTHON [--json | --md]

PYTHON is the interpreter of an environment of its own that has WeightWatcher (pip install weightwatcher); its
fitter gets the same squared singular values as ours.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measure import machine
from report import Table, parser, progress, tell

from prodabuild.insight.nulls import gaussian_factors
from prodabuild.insight.tails import fit_tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.insight.changes import Array

LAWS = (2.0, 3.0, 4.0)
RANKS = (4, 8, 16, 32)
SIDE = 512
OTHER = """
import json, sys
from importlib.metadata import version
from weightwatcher.WW_powerlaw import pl_fit
import numpy as np
with open(sys.argv[1]) as file:
    spectra = json.load(file)
found = []
for spectrum in spectra:
    fit = pl_fit(np.sort(spectrum))
    found.append([float(fit.alpha), len(fit.data), float(fit.D)])
with open(sys.argv[1], "w") as file:
    json.dump({"version": version("weightwatcher"), "fits": found}, file)
"""


def spectra() -> dict[str, Array]:
    """Return squared singular values by what they are of."""
    quantiles = (np.arange(2000) + 0.5) / 2000
    found: dict[str, Array] = {f"Pareto, {alpha:g}": (1 - quantiles) ** (-1 / (alpha - 1)) for alpha in LAWS}
    draw = np.random.default_rng(0)
    gaussian = np.linalg.svd(draw.standard_normal((2 * SIDE, SIDE)), compute_uv=False) ** 2
    found[f"Gaussian matrix, {2 * SIDE} x {SIDE}"] = gaussian
    return found | {f"random factors, rank {rank}": gaussian_factors(SIDE, SIDE, rank, 0) ** 2 for rank in RANKS}


def ours(values: Array) -> dict[str, Any]:
    """Return our exponent (None where the tail has too few points), and what a tail of any length would give."""
    told, untold = fit_tail(values), fit_tail(values, enough=0)
    if told is None or untold is None:
        return {"alpha": None, "untold": None, "points": len(values), "distance": None}
    return {"alpha": told.alpha, "untold": untold.alpha, "points": told.points, "distance": told.distance}


def theirs(python: str, values: Sequence[Array]) -> dict[str, Any]:
    """Return exponent, points of the tail and distance by WeightWatcher's fitter."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "spectra.json")
        file.write_text(json.dumps([each.tolist() for each in values]))
        subprocess.run([python, "-c", OTHER, str(file)], cwd=folder, check=True, capture_output=True)
        found: dict[str, Any] = json.loads(file.read_text())
        return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--weightwatcher", metavar="PYTHON", required=True)
    asked = options.parse_args()
    where, found = machine(), spectra()
    progress("fitting")
    other = theirs(asked.weightwatcher, list(found.values()))
    cases = {}
    for (name, values), (alpha, points, distance) in zip(found.items(), other["fits"], strict=True):
        cases[name] = {"ours": ours(values), "weightwatcher": {"alpha": alpha, "points": points, "distance": distance}}
    rows = [
        [name, _shown(each["ours"]["alpha"]), each["ours"]["points"], _shown(each["weightwatcher"]["alpha"]),
         each["weightwatcher"]["points"]]
        for name, each in cases.items()
    ]  # fmt: skip
    head = ("spectrum", "our alpha", "tail", "WeightWatcher's alpha", "tail ")
    note = f"WeightWatcher {other['version']}. A dash: our tail has too few points for an exponent."
    document = {"machine": where, "weightwatcher": other["version"], "cases": cases}
    tell(asked, document, [Table("Exponents of power laws", head, rows, (note,))])


def _shown(alpha: float | None) -> str:
    return "–" if alpha is None else f"{alpha:.3f}"


if __name__ == "__main__":
    main()
