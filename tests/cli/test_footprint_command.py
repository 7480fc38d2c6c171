"""`footprint`: what it prints of an adapter, of several, of versions, and how it refuses."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import orjson
import pytest

from prodabuild.insight.changes import Array
from prodabuild.project.session import workspace
from tests.conftest import Repo, Versioned
from tests.insight.weights import normal, save, save_adapter

NAMES = ("layers.0.q_proj", "layers.1.q_proj", "layers.1.up_proj")
BUILT = """\
build/model: lora, 3 modules, norm 8.94, beside build/base
  half of the energy is in layers.0.q_proj, layers.1.q_proj; over depth it lies as evenly as in 1.96 of 2 layers (their weights: 1.89)
  no exponent of a power law: no tail has 50 points

the change, by type of module
type     n        share  norm   size    erank_1    erank_2     stable  participation    rank_90
q_proj   2  0.800/0.667  8.00   1.54  2.00/1.80  2.00/1.54  2.00/1.24      2.00/1.41  2.00/1.68
up_proj  1  0.200/0.333  4.00  0.982  1.00/1.80  1.00/1.54  1.00/1.24      1.00/1.41  1.00/1.68

the base with it, by type of module
type     n    largest  erank_1 change  erank_2 change   intruders  intruder energy    alignment      overlap
q_proj   2  1.62/2.16   -0.407/-0.468    -0.667/-1.08  1.00/0.500      0.238/0.362  0.625/0.474  0.742/0.745
up_proj  1  1.29/1.12    -0.450/0.321    -0.745/0.148      0/1.00          0/0.075  0.904/0.501  0.854/0.655

by layer
layer  n        share  norm  size    erank_1    erank_2     stable  intruder energy
0      1  0.400/0.333  5.66  1.35  2.00/1.80  2.00/1.54  2.00/1.24          0.463/0
1      2  0.600/0.667  6.93  1.36  1.50/1.80  1.50/1.54  1.50/1.24      0.006/0.400

Cells are figure/null. The null is a product of Gaussian factors of the same shape and rank, of a dense change a
Gaussian matrix; beside the base it is one such draw of the same norm. The null of share is the share of weights.
"""
MARKDOWN = """\
## Footprint

- build/model: lora, 3 modules, norm 8.94, beside build/base
  - half of the energy is in layers.0.q_proj, layers.1.q_proj; over depth it lies as evenly as in 1.96 of 2 layers (their weights: 1.89)
  - no exponent of a power law: no tail has 50 points

**the change, by type of module**

| type | n | share | norm | size | erank_1 | erank_2 | stable | participation | rank_90 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| q_proj | 2 | 0.800/0.667 | 8.00 | 1.54 | 2.00/1.80 | 2.00/1.54 | 2.00/1.24 | 2.00/1.41 | 2.00/1.68 |
| up_proj | 1 | 0.200/0.333 | 4.00 | 0.982 | 1.00/1.80 | 1.00/1.54 | 1.00/1.24 | 1.00/1.41 | 1.00/1.68 |

**the base with it, by type of module**

| type | n | largest | erank_1 change | erank_2 change | intruders | intruder energy | alignment | overlap |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| q_proj | 2 | 1.62/2.16 | -0.407/-0.468 | -0.667/-1.08 | 1.00/0.500 | 0.238/0.362 | 0.625/0.474 | 0.742/0.745 |
| up_proj | 1 | 1.29/1.12 | -0.450/0.321 | -0.745/0.148 | 0/1.00 | 0/0.075 | 0.904/0.501 | 0.854/0.655 |

**by layer**

| layer | n | share | norm | size | erank_1 | erank_2 | stable | intruder energy |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| 0 | 1 | 0.400/0.333 | 5.66 | 1.35 | 2.00/1.80 | 2.00/1.54 | 2.00/1.24 | 0.463/0 |
| 1 | 2 | 0.600/0.667 | 6.93 | 1.36 | 1.50/1.80 | 1.50/1.54 | 1.50/1.24 | 0.006/0.400 |

Cells are figure/null. The null is a product of Gaussian factors of the same shape and rank, of a dense change a Gaussian matrix; beside the base it is one such draw of the same norm. The null of share is the share of weights.

"""
ALONE = """\
other: lora, 3 modules, norm 17.9, without its base: give --base FOLDER to add it
  half of the energy is in layers.0.q_proj, layers.1.q_proj; over depth it lies as evenly as in 1.96 of 2 layers (their weights: 1.89)
  no exponent of a power law: no tail has 50 points

the change, by type of module
type     n        share  norm    erank_1    erank_2     stable  participation    rank_90
q_proj   2  0.800/0.667  16.0  2.00/1.80  2.00/1.54  2.00/1.24      2.00/1.41  2.00/1.68
up_proj  1  0.200/0.333  8.00  1.00/1.80  1.00/1.54  1.00/1.24      1.00/1.41  1.00/1.68

by layer
layer  n        share  norm    erank_1    erank_2     stable
0      1  0.400/0.333  11.3  2.00/1.80  2.00/1.54  2.00/1.24
1      2  0.600/0.667  13.9  1.50/1.80  1.50/1.54  1.50/1.24

Cells are figure/null. The null is a product of Gaussian factors of the same shape and rank, of a dense change a
Gaussian matrix; beside the base it is one such draw of the same norm. The null of share is the share of weights.
"""
SEVERAL = """\
build/model: lora, 3 modules, norm 8.94, beside build/base
  half of the energy is in layers.0.q_proj, layers.1.q_proj; over depth it lies as evenly as in 1.96 of 2 layers (their weights: 1.89)
  no exponent of a power law: no tail has 50 points
other: lora, 3 modules, norm 17.9, beside build/base
  half of the energy is in layers.0.q_proj, layers.1.q_proj; over depth it lies as evenly as in 1.96 of 2 layers (their weights: 1.89)
  no exponent of a power law: no tail has 50 points

the change, by type of module, mean ± standard deviation of 2 runs
type     n          share       norm        size      erank_1      erank_2       stable  participation      rank_90
q_proj   2  0.800±0/0.667  12.0±5.66   2.31±1.09  2.00±0/1.80  2.00±0/1.54  2.00±0/1.24    2.00±0/1.41  2.00±0/1.68
up_proj  1  0.200±0/0.333  6.00±2.83  1.47±0.695  1.00±0/1.80  1.00±0/1.54  1.00±0/1.24    1.00±0/1.41  1.00±0/1.68

the base with it, by type of module, mean ± standard deviation of 2 runs
type     n          largest       erank_1 change      erank_2 change          intruders    intruder energy      alignment            overlap
q_proj   2   2.43±1.15/3.25  -0.576±0.239/-0.727  -0.802±0.191/-1.32  0.500±0.707/0.750  0.119±0.168/0.424  0.625±0/0.474  0.736±0.009/0.715
up_proj  1  1.94±0.914/1.68   -0.693±0.342/0.178  -1.01±0.378/-0.105          0±0/0.500          0±0/0.038  0.904±0/0.501  0.815±0.055/0.627

by layer, mean ± standard deviation of 2 runs
layer  n          share       norm        size      erank_1      erank_2       stable    intruder energy
0      1  0.400±0/0.333  8.49±4.00  2.02±0.953  2.00±0/1.80  2.00±0/1.54  2.00±0/1.24      0.232±0.328/0
1      2  0.600±0/0.667  10.4±4.90  2.04±0.960  1.50±0/1.80  1.50±0/1.54  1.50±0/1.24  0.003±0.004/0.443

Cells are figure/null. The null is a product of Gaussian factors of the same shape and rank, of a dense change a
Gaussian matrix; beside the base it is one such draw of the same norm. The null of share is the share of weights.
"""


def factors(scale: float) -> dict[str, Array]:
    """Return factors of known products: all energy of `up_proj` in one direction, that of `q_proj` evenly in two."""
    found: dict[str, Array] = {}
    for name in NAMES:
        left = np.eye(6, 2) * (scale, 0 if "up" in name else scale)
        found |= {f"{name}.lora_A.weight": np.eye(2, 4), f"{name}.lora_B.weight": left}
    return found


def fill(repo: Repo) -> Repo:
    """Put an adapter and its base where a build would."""
    base = {f"{name}.weight": normal(at, 6, 4) for at, name in enumerate(NAMES)}
    save(repo.path / "build/base/model.safetensors", base)
    save_adapter(repo.path / "build/model", factors(1.0), r=2, base_model_name_or_path="build/base")
    return repo


@pytest.fixture
def trained(repo: Repo) -> Repo:
    save_adapter(repo.path / "other", factors(2.0), r=2)
    return fill(repo)


def test_the_model_just_built_is_shown_beside_its_base(trained: Repo) -> None:
    outcome = trained.run("footprint")
    assert (outcome.code, outcome.out, outcome.err) == (0, BUILT, "")
    (trained.path / "proda.yaml").unlink()  # a manifest is not needed
    assert trained.run("footprint", "build/model").out == BUILT


def test_it_is_shown_as_markdown(trained: Repo) -> None:
    outcome = trained.run("footprint", "--md")
    assert (outcome.code, outcome.out) == (0, MARKDOWN)


def test_a_folder_without_a_base_shows_the_change_alone(trained: Repo) -> None:
    outcome = trained.run("footprint", "other")
    assert (outcome.code, outcome.out) == (0, ALONE)


def test_several_runs_are_a_mean_and_a_deviation(trained: Repo) -> None:
    outcome = trained.run("footprint", "build/model", "other", "--base", "build/base")
    assert (outcome.code, outcome.out) == (0, SEVERAL)


def test_every_module_is_shown_when_more_is_asked_for(trained: Repo) -> None:
    lines = trained.run("footprint", "-v").out.splitlines()
    at = lines.index("the change, build/model by module")
    assert [line.split()[0] for line in lines[at + 2 : at + 5]] == list(NAMES)


def test_the_document_holds_every_figure_with_its_null(trained: Repo) -> None:
    outcome = trained.run("footprint", "build/model", "other", "--json")
    document = outcome.json
    assert document.keys() == {"schema", "runs", "bands", "unmet"}
    assert document["unmet"] == {"other": "its base"}
    built, other = document["runs"]
    assert built["norm"] == pytest.approx(80**0.5)
    (first, *_) = built["modules"]
    assert (first["name"], first["layer"], first["type"], first["shape"], first["rank"]) == (
        "layers.0.q_proj", 0, "q_proj", [6, 4], 2
    )  # fmt: skip
    assert first["spectrum"] == [4.0, 4.0]
    assert first["figures"]["erank_1"]["value"] == pytest.approx(2)
    assert (
        first["figures"]["erank_1"]["low"] < first["figures"]["erank_1"]["null"] < first["figures"]["erank_1"]["high"]
    )
    assert first["tails"] == {"change": None, "null": None, "before": None, "after": None}
    assert "alignment" in first["figures"]
    assert "alignment" not in other["types"]["q_proj"]
    assert document["bands"]["types"]["q_proj"]["norm"]["mean"] == pytest.approx(12)


def test_the_drawing_is_written_where_it_is_asked_for(trained: Repo) -> None:
    outcome = trained.run("footprint", "--plot", "footprint.svg")
    assert (outcome.code, outcome.out, outcome.err) == (0, BUILT, "drawn: footprint.svg\n")
    assert ET.fromstring(trained.read("footprint.svg")).tag.endswith("svg")


def test_a_version_of_git_is_read_from_the_store(versioned: Versioned) -> None:
    repo = fill(versioned.repo)
    store, entries = workspace(repo.path).store, {}
    for unit in ("model", "base"):
        files = {}
        for file in sorted((repo.path / "build" / unit).iterdir()):
            stored = store.put(f"{unit}/{file.name}", file.read_bytes())
            files[stored.path] = {"md5": stored.md5, "sha256": stored.sha256, "size": stored.size}
            file.unlink()
        entries[unit] = {"files": files}
    repo.write("proda.lock", orjson.dumps({"version": 1, "entries": entries}))
    versioned.commit()
    versioned.git("tag", "v1")
    outcome = repo.run("footprint", "v1")
    shown = BUILT.replace("beside build/base", "beside the base at v1").replace("build/model:", "v1:")
    assert (outcome.code, outcome.out) == (0, shown)

    for lost in (repo.path / ".dvc/cache").rglob("*"):
        if lost.is_file():
            lost.unlink()
    outcome = repo.run("footprint", "v1")
    assert outcome.code == 5
    assert outcome.err.splitlines() == [
        "error: model/adapter_config.json at v1 is not in the store",
        "hint: bring it with `prodabuild pull --all-versions`",
    ]
    repo.write("proda.lock", orjson.dumps({"version": 1, "entries": {}}))
    versioned.commit()
    outcome = repo.run("footprint", "HEAD")
    assert (outcome.code, outcome.err) == (
        1,
        "error: proda.lock at HEAD records no model\nhint: name a version that was compiled\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 1, "error: no model is built\nhint: run `prodabuild compile`\n"),
        (
            ["knowledge"],
            1,
            "error: knowledge holds no adapter and no model\nhint: name a folder that save_pretrained wrote\n",
        ),
        (
            ["other", "--base", "knowledge"],
            2,
            "error: knowledge is no model: it has no weights in safetensors\nhint: give the folder of the base\n",
        ),
        (["other", "other"], 2, "error: other is named twice\nhint: name each run once\n"),
    ],
)
def test_what_is_not_there_is_told(repo: Repo, arguments: list[str], code: int, words: str) -> None:
    save_adapter(repo.path / "other", factors(2.0), r=2)
    outcome = repo.run("footprint", *arguments)
    assert (outcome.code, outcome.out, outcome.err) == (code, "", words)


def test_an_adapter_that_was_never_trained_changed_nothing(repo: Repo) -> None:
    save_adapter(repo.path / "other", factors(0.0), r=2)
    outcome = repo.run("footprint", "other")
    assert outcome.code == 0
    assert outcome.out.splitlines()[:2] == [
        "other: lora, 3 modules, norm 0, without its base: give --base FOLDER to add it",
        "  nothing changed",
    ]


def test_what_does_not_go_together_is_told(trained: Repo) -> None:
    assert trained.run("footprint", "--json", "--md").code == 2
    outcome = trained.run("footprint", "--plot", "footprint.png")
    assert outcome.code == 2
    assert "--plot draws SVG: name a file that ends in .svg" in outcome.err
    assert not (trained.path / "footprint.png").exists()


def test_a_drawing_without_a_folder_is_refused_before_anything_is_computed(repo: Repo) -> None:
    refused = repo.run("footprint", "--compare", "shapes", "--plot", "drawings/shapes.svg")
    assert (refused.code, refused.out) == (2, "")
    assert "--plot: there is no folder drawings" in refused.err
    (repo.path / "drawings").mkdir()
    inside = repo.run("footprint", "--plot", "drawings/shapes.svg", "-C", str(repo.path))
    assert (inside.code, inside.err.splitlines()[0]) == (1, "error: no model is built")
