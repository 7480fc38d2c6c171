"""Every file that prodabuild reads: where it lies in the staged repo, and the commands that read it."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.digest import md5

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from confinement import Scene

Words = tuple[str, ...]
CHECK: Words = ("check",)
PLAN: Words = ("plan", "--to", "data")
COMPILE: Words = ("compile", "--to", "data", "-j", "1")
DIFF: Words = ("diff", "HEAD")
LIST: Words = ("patch", "list")
SHOW: Words = ("patch", "show", "1")
WHY: Words = ("why", "zoo/macaw")
VERIFY: Words = ("verify",)
PULL: Words = ("pull",)
GC: Words = ("gc",)
FREE: Words = ("gc", "--force")
REBUILD: Words = ("rebuild", "HEAD~1", "-j", "1")
LOCK: Words = ("lock", "--merge")
EXPORT: Words = ("export", "messages", "-j", "1")
DOCTOR: Words = ("doctor",)
PUSH: Words = ("push",)
CARD: Words = ("probe", "verify", "claims/card.yaml")
CSV: Words = ("import", "csv", "sources/tea.csv", "--mapping", "sources/tea.yaml")
OBO: Words = ("import", "obo", "sources/cells.obo")
TTL: Words = ("import", "skos", "sources/pets.ttl")
JSONLD: Words = ("import", "skos", "sources/pets.jsonld")
OWL: Words = ("import", "owl", "sources/boats.owl")
PRODA: Words = ("import", "proda", "sources/state.json", "--discipline", "physics")
JSONL: Words = ("import", "jsonl", "sources/clouds.jsonl")
# These change nothing that people wrote.
READERS = (CHECK, PLAN, DIFF, LIST, SHOW, WHY, DOCTOR, GC, COMPILE, VERIFY, PULL, EXPORT, CARD)


class Place(NamedTuple):
    """A file that is read: its path (or how it is found), the commands that read it, what makes them look there."""

    path: str | Callable[[Scene], str]
    commands: tuple[Words, ...]
    before: Callable[[Scene], None] = lambda scene: None

    def find(self, scene: Scene) -> Path:
        """Return the file in a scene."""
        return scene.repo / (self.path if isinstance(self.path, str) else self.path(scene))


def forget(*names: str) -> Callable[[Scene], None]:
    """Return what removes files of the state: what is behind them is read, then."""

    def work(scene: Scene) -> None:
        for name in names:
            (scene.repo / ".prodabuild" / name).unlink(missing_ok=True)

    return work


def edit(file: str, old: str, new: str) -> Callable[[Scene], None]:
    """Return what replaces a text in a file."""

    def work(scene: Scene) -> None:
        path = scene.repo / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return work


def objects(scene: Scene, suffix: str) -> list[str]:
    """Return the objects of the cache whose names end so, by size."""
    found = [path for path in (scene.repo / ".dvc/cache/files/md5").glob("??/*") if path.name.endswith(suffix)]
    lists = [path for path in found if suffix or "." not in path.name]
    return [path.relative_to(scene.repo).as_posix() for path in sorted(lists, key=lambda path: -path.stat().st_size)]


STATE = ("state.db", "state.seal")
PLACES: dict[str, Place] = {
    "manifest": Place("proda.yaml", (CHECK, PLAN, COMPILE, DIFF, LIST, GC, DOCTOR, EXPORT)),
    "records": Place("knowledge/zoo/kinds.yaml", (CHECK, PLAN, SHOW, DIFF, COMPILE, WHY, CSV)),
    "bulk records": Place("knowledge/zoo/more.jsonl", (CHECK, PLAN, DIFF, COMPILE)),
    "predicates": Place("knowledge/predicates.yaml", (CHECK, DIFF, COMPILE, CSV)),
    "patch": Place("patches/0001-macaws.yaml", (CHECK, LIST, SHOW, DIFF, COMPILE, ("patch", "new", "Next"))),
    "trials": Place("patches/trials.jsonl", (CHECK, LIST, DIFF, ("patch", "accept"))),
    "document": Place("sources/notes.txt", (CHECK, COMPILE)),
    "licence": Place("sources/LICENSE.notes", (CHECK, EXPORT)),
    "lock": Place("proda.lock", (CHECK, PLAN, LIST, DIFF, VERIFY, GC, PULL, LOCK, COMPILE)),
    "DVC's lock": Place("dvc.lock", (CHECK, PLAN, GC, VERIFY, DIFF, PULL, LOCK, COMPILE)),
    "pipeline": Place("dvc.yaml", (CHECK, PLAN, GC, VERIFY, PULL, DOCTOR, COMPILE)),
    "file of DVC": Place("raw.dvc", (GC, PULL, VERIFY, COMPILE)),
    "configuration of DVC": Place(".dvc/config", (CHECK, PLAN, GC, DOCTOR, PULL, COMPILE)),
    "local configuration of DVC": Place(".dvc/config.local", (PLAN, GC, DOCTOR, PULL, COMPILE)),
    "ignored files of DVC": Place(".dvcignore", (PLAN, COMPILE, VERIFY), edit("proda.yaml", "seed: 7", "seed: 8")),
    "write-ahead log": Place(".prodabuild/redo.json", (CHECK, PLAN, LIST, DIFF, VERIFY, GC, COMPILE)),
    "journal": Place(".prodabuild/state.journal", (CHECK, PLAN, COMPILE, VERIFY), forget(*STATE)),
    "state": Place(".prodabuild/state.db", (CHECK, PLAN, WHY, GC, VERIFY, COMPILE)),
    "seal": Place(".prodabuild/state.seal", (CHECK, PLAN, COMPILE)),
    "guard": Place(".prodabuild/lock", (CHECK, PLAN, GC, COMPILE)),
    "traces": Place("build/traces/data.journal", (PLAN, COMPILE, VERIFY), forget(*STATE, "state.journal")),
    "list of a folder": Place(lambda scene: objects(scene, ".dir")[0], (GC, VERIFY, PULL, DIFF, COMPILE)),
    "object": Place(lambda scene: objects(scene, "")[0], (VERIFY, DIFF, WHY, PULL, COMPILE, EXPORT)),
    "built samples": Place("build/dataset/train/zoo/00.jsonl", (PLAN, WHY, VERIFY, EXPORT, COMPILE)),
    "list of a data set": Place("build/dataset/dataset.json", (PLAN, VERIFY, COMPILE)),
    "baseline of an import": Place("sources/tea.import.jsonl", (CSV,)),
    "mapping": Place("sources/tea.yaml", (CSV,)),
    "table": Place("sources/tea.csv", (CSV,)),
    "OBO": Place("sources/cells.obo", (OBO,)),
    "Turtle": Place("sources/pets.ttl", (TTL,)),
    "JSON-LD": Place("sources/pets.jsonld", (JSONLD,)),
    "OWL": Place("sources/boats.owl", (OWL,)),
    "knowledge of ProDa": Place("sources/state.json", (PRODA,)),
    "rows": Place("sources/clouds.jsonl", (JSONL,)),
    "task": Place(
        "tests/general.yaml",
        (CHECK, PLAN, COMPILE),
        edit("proda.yaml", "tests:\n", "tests:\n  general: {tasks: [tests/general.yaml]}\n"),
    ),
    "configuration of a base": Place("models/base/config.json", (CHECK, ("plan",), COMPILE)),
    "tokenizer": Place("models/base/tokenizer.json", (CHECK, ("plan",))),
    "weights": Place("models/base/model.safetensors", (CHECK, ("plan",))),
    "claim card": Place("claims/card.yaml", (CARD, ("probe", "freeze", "claims/card.yaml"))),
    "own recipe": Place(
        "recipes/own.py", (CHECK, PLAN, SHOW), edit("proda.yaml", "define, relate", "'recipes/own.py:brief', relate")
    ),
}
NOT_FUZZED = ("object", "state", "seal", "guard")  # what a digest or the clone's token guards
EXAMPLES: dict[str, bytes] = {
    "write-ahead log": b'{"patch":"0001-macaws","writes":[["knowledge/zoo/new.yaml",null,"Y29uY2VwdHM6IFtdCg=="],'
    b'["patches/0001-macaws.yaml",null,null]],"ops":{"knowledge/zoo/new.yaml":{"replace":1}}}',
    "local configuration of DVC": b"[cache]\n    dir = ../elsewhere\n    type = copy\n"
    b"['remote \"store\"']\n    url = ../x\n",
}


def rename_list(scene: Scene, path: Path) -> None:
    """Give the list of a folder the name that its bytes have, in the cache and in DVC's lock: so it is believed."""
    data = path.read_bytes()
    old, new = path.parent.name + path.name, f"{md5(data)}.dir"
    target = path.parent.parent / new[:2] / new[2:]
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(data)
    lock = scene.repo / "dvc.lock"
    lock.write_text(lock.read_text().replace(old, new))


def sign_log(scene: Scene, path: Path) -> None:
    """Put before a write-ahead log the code that only this clone could have written."""
    token = json.loads((scene.repo / ".prodabuild/clone.json").read_bytes())["token"]
    data = path.read_bytes()
    path.write_bytes(hmac.digest(bytes.fromhex(token), data, "sha256").hex().encode() + b" " + data)
