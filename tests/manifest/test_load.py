from __future__ import annotations

import os
from pathlib import Path

import pytest

from prodabuild.manifest.load import read_manifest
from prodabuild.manifest.model import Manifest, flatten
from prodabuild.manifest.strict import keys_at
from prodabuild.problems import ProblemsError

GOOD = """version: 1
name: sixteen
disciplines:
  chemistry: {knowledge: [knowledge/chemistry]}
model:
  base: scratch:micro
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "knowledge" / "chemistry").mkdir(parents=True)
    return tmp_path


def rendered(root: Path, text: str) -> list[str]:
    (root / "proda.yaml").write_text(text)
    with pytest.raises(ProblemsError) as caught:
        read_manifest(root)
    return [problem.render() for problem in caught.value.problems]


def test_the_least_manifest_is_read_with_defaults(root: Path) -> None:
    (root / "proda.yaml").write_text(GOOD)
    manifest = read_manifest(root)
    assert manifest.compile.recipes == ["define", "relate", "choose", "judge"]
    assert manifest.model.adapter.targets == "all-linear"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace("knowledge: [", "knowlege: ["), ["proda.yaml:4:15: error[M012]: unknown key 'knowlege'\nhint: did you mean 'knowledge'?"]),
        (GOOD + "  adapter: {aplha: 64}\n", ["proda.yaml:7:13: error[M012]: unknown key 'aplha'\nhint: did you mean 'alpha'?"]),
        (GOOD + "  adapter: {r: '3'}\n", ["proda.yaml:7:16: error[M013]: model.adapter.r: input should be a valid integer, got '3'\nhint: Rank of the update."]),
        (GOOD + "  train: {epochs: 0}\n", ["proda.yaml:7:19: error[M013]: model.train.epochs: input should be greater than or equal to 1, got 0\nhint: Passes over the dataset."]),
        (
            GOOD + "  train: {precision: fp8}\n",
            ["proda.yaml:7:22: error[M013]: model.train.precision: input should be 'auto', 'fp32' or 'bf16', got 'fp8'\nhint: known values: auto, fp32, bf16"],
        ),
        (GOOD.replace("name: sixteen\n", ""), ["proda.yaml:1:1: error[M011]: name is missing\nhint: add `name:` here"]),
        (GOOD.replace("[knowledge/chemistry]", "[]"), ["proda.yaml:4:26: error[M013]: disciplines.chemistry.knowledge: must not be empty, got a list\nhint: Folders or files of records (.yaml, .jsonl)."]),
        (GOOD.replace("[knowledge/chemistry]", "knowledge"), ["proda.yaml:4:26: error[M013]: disciplines.chemistry.knowledge: input should be a valid list, got 'knowledge'\nhint: Folders or files of records (.yaml, .jsonl)."]),
        (GOOD + "tests: {a: {from: chains, mim: 1}}\n", ["proda.yaml:7:27: error[M012]: unknown key 'mim'\nhint: known keys here: difficulty, from, gate, sealed, tasks"]),
        (GOOD + "tests: {a: {from: chains}, b: {from: chains}}\n", ["proda.yaml:1:1: error[M014]: at most one suite can be made from chains"]),
        (
            GOOD + "insight: {experiments: {a: {seeds: [1, 1], arms: {b: {}, c: {repeat: 2}}}}}\n",
            ["proda.yaml:7:28: error[M014]: what arms differ by is told beside what seeds differ by: name two or more, each once"],
        ),
        (
            GOOD + "insight: {experiments: {a: {arms: {b: {}}}}}\n",
            ["proda.yaml:7:28: error[M014]: an experiment compares arms: declare two or more"],
        ),
        (
            GOOD + "insight:\n  probe: {rows: 1, gate: {}}\n  footprint: {gate: {max_size: 0}}\n  prob: {}\n",
            [
                "proda.yaml:8:17: error[M013]: insight.probe.rows: input should be greater than or equal to 2, got 1\nhint: Rows of each source.",
                "proda.yaml:8:26: error[M011]: insight.probe.gate.max_rise is missing\nhint: add `max_rise:` here",
                "proda.yaml:9:32: error[M013]: insight.footprint.gate.max_size: input should be greater than 0, got 0\nhint: Largest norm that the update may have, as a share of that of the base in the modules it changes.",
                "proda.yaml:10:3: error[M012]: unknown key 'prob'\nhint: did you mean 'probe'?",
            ],
        ),
        ("[]", ["proda.yaml:1:1: error[M002]: the file is not a mapping of keys\nhint: keys: compile, disciplines, insight, licences, model, name, tests, version"]),
        ("", ["proda.yaml:1:1: error[M002]: the file is not a mapping of keys\nhint: keys: compile, disciplines, insight, licences, model, name, tests, version"]),
    ],
)  # fmt: skip
def test_every_mistake_has_its_place_and_a_hint(root: Path, text: str, expected: list[str]) -> None:
    assert rendered(root, text) == expected


def test_all_mistakes_are_told_at_once(root: Path) -> None:
    text = GOOD + "  adapter: {aplha: 64, r: '3'}\n  train: {learning_rate: -1, epochs: 0}\n"
    assert len(rendered(root, text)) == 4


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/etc", "M020"),
        ("C:\\\\data", "M020"),
        ("../outside", "M021"),
        ("knowledge/../..", "M021"),
        ("absent", "M023"),
        ("link", "M022"),
    ],
)
def test_paths_stay_inside_the_repository(root: Path, path: str, code: str) -> None:
    os.symlink(root.parent, root / "link")
    (line,) = rendered(root, GOOD.replace("knowledge/chemistry", f'"{path}"'))
    assert line.startswith(f"proda.yaml:4:27: error[{code}]: ")
    assert "\nhint: " in line


PLACES = {
    "knowledge": ("disciplines: {law: {knowledge: [PATH]}}", 5),
    "sources": ("disciplines: {law: {knowledge: [knowledge/law], sources: [PATH]}}", 5),
    "licence": ("licences: {l: {name: L, file: PATH}}", 5),
    "base": ("model: {base: 'path:PATH'}", 5),
    "base_text": ("model: {base: scratch:micro, base_text: [PATH]}", 5),
    "start": ("model: {base: scratch:micro, train: {strategy: continue, start: PATH}}", 5),
    "tasks": ("model: {base: scratch:micro}\ntests: {t: {tasks: [PATH.yaml]}}", 6),
    "recipes": ("compile: {recipes: ['PATH.py:brief']}", 5),
}


@pytest.mark.parametrize(
    ("path", "code"), [("../x", "M021"), ("/x", "M020"), ("a/../../x", "M021"), ("link/x", "M022")]
)
@pytest.mark.parametrize("place", PLACES)
def test_every_path_of_a_manifest_stays_inside(root: Path, place: str, path: str, code: str) -> None:
    text, line = PLACES[place]
    for suffix in ("", ".yaml", ".py"):
        (root.parent / f"x{suffix}").touch()
    os.symlink(root.parent, root / "link")
    (root / "knowledge/law").mkdir(parents=True, exist_ok=True)
    own = "" if place in ("knowledge", "sources") else "disciplines: {law: {knowledge: [knowledge/law]}}\n"
    model = "" if "model:" in text else "model: {base: scratch:micro}\n"
    head = f"version: 1\nname: x\n{own or model}{model if own else ''}"
    head += "\n" * (4 - head.count("\n"))
    found = rendered(root, head + text.replace("PATH", path) + "\n")
    assert [each.partition(":")[2].split(":")[0] for each in found] == [str(line)], found
    assert f"error[{code}]: " in found[0]


def test_the_text_of_a_licence_is_a_path_of_the_repository(root: Path) -> None:
    text = GOOD + "licences:\n  wordnet-3.0: {name: WordNet, file: knowledge/LICENCE}\n"
    assert rendered(root, text) == [
        "proda.yaml:8:38: error[M023]: 'knowledge/LICENCE' does not exist\nhint: create it, or correct the path"
    ]
    (root / "knowledge" / "LICENCE").touch()
    licences = read_manifest(root).licences
    assert licences["wordnet-3.0"].file == "knowledge/LICENCE"


def test_keys_at_follows_mappings_lists_and_unions() -> None:
    assert keys_at(Manifest, ("disciplines", "law")) == ["knowledge", "sources"]
    assert keys_at(Manifest, ("tests", "any", "gate")) == ["max_drop", "metric", "min"]
    assert keys_at(Manifest, ("nowhere",)) == []


def test_every_setting_is_an_input_of_its_own(root: Path) -> None:
    (root / "proda.yaml").write_text(GOOD)
    flat = flatten(read_manifest(root).model, "model.")
    assert flat["model.adapter.r"] == 16
    assert flat["model.train.epochs"] == 3
