"""A round of repair on a real model: patches are tried beside the version, then accepted; nothing is trained twice."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from prodabuild.diagnosis.rounds import FILE
from tests.conftest import Repo
from tests.training.conftest import base, taught

__all__ = ["base", "taught"]
pytestmark = pytest.mark.train
OTHER = """title: Iguanas again
reason: a second patch
cause: correction
ops:
- emphasise: [zoo/iguana]
  ways: [recall]
"""


def snapshot(repo: Repo) -> dict[str, bytes]:
    """Return what a trial may not touch."""
    files = [repo.path / "proda.lock", *(path for path in (repo.path / "build").rglob("*") if path.is_file())]
    return {path.relative_to(repo.path).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def drafted(taught: Repo) -> Repo:
    """Return a repo with results, and drafts for what failed."""
    taught.run("test")
    assert taught.run("debug", "--draft").code == 0
    return taught


def drafts(repo: Repo) -> list[str]:
    return sorted(path.stem for path in Path(repo.path, "patches").glob("*.yaml"))


def test_a_trial_leaves_the_version_alone_and_accepting_it_trains_nothing(drafted: Repo) -> None:
    before = snapshot(drafted)
    tried = drafted.run("patch", "try", "--json")
    assert tried.code in (0, 3), tried.err
    report = tried.json
    assert snapshot(drafted) == before
    assert report["patches"] == drafts(drafted)
    assert report["against"] == "the last test"
    assert report["groups"]["failed, named"]["acc"] == 0.0
    assert report["samples"]["now"] > report["samples"]["before"]
    assert report["verdict"] == ("pass" if all(gate["ok"] for gate in report["gates"]) else "fail")
    (line,) = drafted.read(FILE).splitlines()
    assert orjson.loads(line)["event"] == "tried"

    approve(drafted)
    accepted = drafted.run("patch", "accept")
    assert accepted.code == 0, accepted.err
    assert "training on" not in accepted.err  # it was trained in the trial
    lock = orjson.loads(drafted.read("proda.lock"))
    assert lock["entries"]["accepted:chains"]["patches"].keys() == set(drafts(drafted))
    assert [orjson.loads(line)["event"] for line in drafted.read(FILE).splitlines()] == ["tried", "accepted"]

    nothing = drafted.run("patch", "try")
    assert nothing.code == 2
    assert nothing.err.splitlines()[-2:] == [
        "error: the accepted version has these patches: nothing is left to try",
        "hint: draft some: `prodabuild debug --draft`",
    ]


def approve(repo: Repo) -> None:
    """Have the last trial pass, whatever so small a model made of it."""
    rows = [orjson.loads(line) | {"verdict": "pass"} for line in repo.read(FILE).splitlines()]
    repo.write(FILE, "".join(orjson.dumps(row).decode() + "\n" for row in rows))


def test_some_patches_are_tried_without_the_others(drafted: Repo) -> None:
    drafted.write("patches/0900-iguanas.yaml", OTHER)
    first = drafts(drafted)[0]
    tried = drafted.run("patch", "try", first, "--json")
    assert tried.json["patches"] == [first]
    whole = drafted.run("patch", "try", "--json")
    assert whole.json["samples"]["now"] > tried.json["samples"]["now"]
    approve(drafted)
    refused = drafted.run("patch", "accept", first)
    assert refused.code == 2
    assert "was not tried with it" in refused.err.splitlines()[-2]


def test_what_failed_its_trial_or_was_changed_after_it_is_not_accepted(drafted: Repo) -> None:
    drafted.run("patch", "try")
    rows = [orjson.loads(line) | {"verdict": "fail"} for line in drafted.read(FILE).splitlines()]
    drafted.write(FILE, "".join(orjson.dumps(row).decode() + "\n" for row in rows))
    assert drafted.run("patch", "accept").code == 3

    approve(drafted)
    drafted.edit(f"patches/{drafts(drafted)[0]}.yaml", "probes find", "probes tell")
    refused = drafted.run("patch", "accept")
    assert refused.code == 4
    assert "error: these patches were not tried as they are now" in refused.err.splitlines()


def test_what_did_not_help_is_not_drafted_again(drafted: Repo) -> None:
    nodes = {node for draft in drafts(drafted) for node in emphasised(drafted, draft)}
    drafted.run("patch", "try")
    rows = [orjson.loads(line) for line in drafted.read(FILE).splitlines()]
    for row in rows:
        row["nodes"] = {node: [patch, items, 0] for node, (patch, items, _) in row["nodes"].items()}
    drafted.write(FILE, "".join(orjson.dumps(row).decode() + "\n" for row in rows))
    for draft in drafts(drafted):
        Path(drafted.path, f"patches/{draft}.yaml").unlink()
    drafted.run("test")
    again = drafted.run("debug", "--draft", "--json")
    tried = set(rows[0]["nodes"])
    assert tried
    assert set(again.json["tried"]) == tried
    assert (again.json["round"], again.json["versions"]) == (1, 2)  # the version and the candidate
    left = {node for draft in drafts(drafted) for node in emphasised(drafted, draft)}
    assert left <= nodes - tried


def emphasised(repo: Repo, draft: str) -> list[str]:
    import yaml

    document = yaml.safe_load(repo.read(f"patches/{draft}.yaml"))
    return [node for op in document["ops"] for node in op["emphasise"]]


def test_a_trial_is_judged_by_the_gates_of_insight_too(taught: Repo) -> None:
    taught.edit("proda.yaml", "epochs: 6", "epochs: 1")
    taught.write("proda.yaml", taught.read("proda.yaml") + b"insight: {footprint: {gate: {max_size: 0.01}}}\n")
    assert taught.run("test").code == 3
    before = snapshot(taught)
    taught.write("patches/0001-iguana.yaml", OTHER)
    tried = taught.run("patch", "try", "--json")
    assert (tried.code, tried.json["verdict"]) == (3, "fail"), tried.err
    gate = tried.json["gates"][-1]
    assert (gate["name"], gate["limit"], gate["ok"]) == ("footprint.size", 0.01, False)
    footprint = orjson.loads(taught.read(".prodabuild/candidate/insight/footprint.json"))
    assert gate["value"] == footprint["figures"]["size"]["value"]
    assert snapshot(taught) == before
