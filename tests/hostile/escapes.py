"""Strings that name no path inside the repo, and every stored, carried or written text that may hold one."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
from confinement import Scene
from places import (
    CHECK,
    COMPILE,
    CSV,
    DIFF,
    DOCTOR,
    EXPORT,
    FREE,
    GC,
    LIST,
    LOCK,
    PLAN,
    PULL,
    SHOW,
    STATE,
    VERIFY,
    WHY,
    Words,
    edit,
    forget,
    objects,
)

from prodabuild.digest import change_digest, md5

# "{around}" becomes the folder around the repo, in which the victim lies.
ESCAPES: dict[str, str] = {
    "upwards": "../victim/keep.txt",
    "upwards from build": "../../victim/keep.txt",
    "upwards and down": "knowledge/../../victim/keep.txt",
    "absolute": "{around}/victim/keep.txt",
    "two slashes": "//{around}/victim/keep.txt",
    "drive": "C:/victim/keep.txt",
    "backslashes": "..\\victim\\keep.txt",
    "home": "~/keep.txt",
    "NUL": "a\0b",
    "newline and escape": "a\n\x1b[2Jb",
    "overlong": "a/" * 3000 + "b",
    "overlong name": "n" * 300,
    "hook of git": ".git/hooks/post-checkout",
    "hook in capitals": ".GIT/hooks/post-checkout",
    "linked parent": "link/keep.txt",
    "linked leaf": "leaf",
    "the folder itself": ".",
    "no UTF-8": "a\udcffb",
    "empty": "",
}
MD5S = {
    "absolute": "ab{around}/victim/keep.txt",
    "upwards": "ab/../../../../../../../victim/keep.txt",
    "a list upwards": "ab/../../../../../../../victim/x.dir",
    "NUL": "ab\0" + "c" * 29,
    "short": "a",
    "empty": "",
    "a number": 3,
    "null": None,
    "capitals": "AB" * 16,
    "newline": "ab" * 16 + "\n",
}


def prepare(scene: Scene) -> None:
    """Lay links in the repo that lead outside, as a stranger may commit them."""
    (scene.repo / "link").symlink_to(scene.around / "victim")
    (scene.repo / "leaf").symlink_to(scene.around / "secret.txt")


Carry = Callable[[Scene, object], None]


def rewrite_json(path: Path, change: Callable[[object], object]) -> None:
    """Change every value of a JSON document."""
    path.chmod(0o644)
    path.write_text(json.dumps(change(json.loads(path.read_bytes()))))


def deep(value: object, keys: frozenset[str], change: Callable[[object], object]) -> object:
    """Return a document with the values of some keys changed, wherever they are."""
    if isinstance(value, dict):
        return {key: change(inner) if key in keys else deep(inner, keys, change) for key, inner in value.items()}
    return [deep(inner, keys, change) for inner in value] if isinstance(value, list) else value


def redo(scene: Scene, text: object) -> None:
    """A write-ahead log that removes the victim, and writes a file."""
    before = hashlib.sha256((scene.around / "victim/keep.txt").read_bytes()).hexdigest()
    (scene.repo / ".git/hooks").mkdir(exist_ok=True)
    new = b64encode(b"#!/bin/sh\ntouch pwned\n").decode()
    writes = [[text, before, None], [text and f"{text}.pth", None, new], ["knowledge/zoo/new.yaml", None, new]]
    if "hook" in str(text):
        writes = [[text, None, new]]
    (scene.repo / ".prodabuild/redo.json").write_text(json.dumps({"patch": "0001-macaws", "writes": writes, "ops": {}}))


def redo_patch(scene: Scene, text: object) -> None:
    """A write-ahead log of a patch with an odd name, over a file that may be written."""
    data = b64encode(b"concepts: []\n").decode()
    document = {"patch": text, "writes": [["knowledge/zoo/new.yaml", None, data]], "ops": {"x": {"y": 1}}}
    (scene.repo / ".prodabuild/redo.json").write_text(json.dumps(document))


def forged(scene: Scene, file: str, change: Callable[[list[object]], object]) -> None:
    """Forge the lines of a journal: each with a valid checksum."""
    path = scene.repo / file
    lines = []
    for line in path.read_bytes().split(b"\n"):
        body = line.partition(b" ")[2]
        if body.startswith(b"["):
            row = orjson.loads(body)
            for files in (value for value in row if isinstance(value, list)):
                files[:] = [change(stored) if isinstance(stored, list) else stored for stored in files]
            body = json.dumps(row, separators=(",", ":")).encode()
            lines.append(change_digest(body).hex().encode() + b" " + body)
    path.write_bytes(b"\n" + b"\n".join(lines))


def journal(file: str, column: int, *names: str) -> Carry:
    """Return what puts a string into every file of every trace of a journal; the state behind it is forgotten."""

    def work(scene: Scene, text: object) -> None:
        forget(*STATE, *names)(scene)
        forged(scene, file, lambda row: [*row[:column], text, *row[column + 1 :]])

    return work


def key_of_lock(scene: Scene, text: object) -> None:
    """`proda.lock` with the string as the path of a unit's file, and the state lost."""
    path = scene.repo / "proda.lock"
    document = json.loads(path.read_bytes())
    for entry in document["entries"].values():
        if "path" in entry:
            entry["path"] = text
        if isinstance(entry.get("files"), dict):
            entry["files"] = {str(text): row for row in entry["files"].values()}
    path.write_text(json.dumps(document))
    forget(*STATE)(scene)


def md5_of_lock(scene: Scene, text: object) -> None:
    rewrite_json(scene.repo / "proda.lock", lambda found: deep(found, frozenset({"md5"}), lambda _: text))
    forget(*STATE)(scene)


def in_yaml(file: str, key: str) -> Carry:
    """Return what puts a string into every value of a key of a YAML file."""

    def work(scene: Scene, text: object) -> None:
        path = scene.repo / file
        path.write_text(re.sub(rf"(\b{key}: ).*", lambda match: match[1] + quoted(text), path.read_text()))

    return work


def quoted(text: object) -> str:
    """Return a YAML scalar."""
    return json.dumps(text)


def in_list(key: str) -> Carry:
    """Return what puts a string into a folder's list, under the list's new name, at the cache and at the remote."""

    def work(scene: Scene, text: object) -> None:
        for path in objects(scene, ".dir"):
            rows = [{**row, key: text} for row in json.loads((scene.repo / path).read_bytes())]
            data = json.dumps(rows).encode()
            old, new = path[-36:].replace("/", ""), md5(data) + ".dir"
            for top in (scene.repo / ".dvc/cache", scene.around / "remote"):
                target = top / "files/md5" / new[:2] / new[2:]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            lock = scene.repo / "dvc.lock"
            old = path.removeprefix(".dvc/cache/files/md5/").replace("/", "")
            lock.write_text(lock.read_text().replace(old, new))

    return work


def manifest(old: str, new: str) -> Carry:
    """Return what puts a string into the manifest; `%s` is where."""

    def work(scene: Scene, text: object) -> None:
        edit("proda.yaml", old, new.replace("%s", quoted(text)))(scene)

    return work


def patch_op(template: str) -> Carry:
    """Return what puts a string into an operation of a patch."""

    def work(scene: Scene, text: object) -> None:
        path = scene.repo / "patches/0001-macaws.yaml"
        path.write_text(path.read_text() + template.replace("%s", quoted(text)))

    return work


def line(file: str, template: str) -> Carry:
    """Return what adds a line to a file of JSON records."""

    def work(scene: Scene, text: object) -> None:
        with (scene.repo / file).open("a") as handle:
            handle.write(template.replace("%s", json.dumps(text)) + "\n")

    return work


def table(scene: Scene, text: object) -> None:
    """A table of an import that names the discipline of each row."""
    cell = '"' + str(text).replace('"', '""') + '"'
    data = f"Code,Tea,Meaning,Sort of,Where\nT1,tea,leaves in hot water,,{cell}\nT2,sencha,green leaves,tea,{cell}\n"
    (scene.repo / "sources/tea.csv").write_bytes(data.encode(errors="surrogateescape"))
    mapping = "tables:\n  tea.csv:\n    concept: {key: Code, name: Tea, definition: Meaning, discipline: Where}\n"
    (scene.repo / "sources/tea.yaml").write_text(mapping + "    relations:\n    - {predicate: is_a, object: Sort of}\n")
    (scene.repo / "sources/tea.import.jsonl").unlink()


def table_id(scene: Scene, text: object) -> None:
    """A table of an import that names the ids of its rows."""
    cell = '"' + f"tea/{text}".replace('"', '""') + '"'
    data = f"Code,Tea,Meaning,Sort of\n{cell},tea,leaves in hot water,\ntea/sencha,sencha,green leaves,tea\n"
    (scene.repo / "sources/tea.csv").write_bytes(data.encode(errors="surrogateescape"))
    mapping = "tables:\n  tea.csv:\n    concept: {id: Code, name: Tea, definition: Meaning}\n"
    (scene.repo / "sources/tea.yaml").write_text(mapping + "    relations:\n    - {predicate: is_a, object: Sort of}\n")
    (scene.repo / "sources/tea.import.jsonl").unlink()


def configured(key: str, section: str = "cache") -> Carry:
    """Return what puts a string into DVC's configuration."""

    def work(scene: Scene, text: object) -> None:
        with (scene.repo / ".dvc/config").open("a", errors="surrogateescape") as handle:
            handle.write(f"[{section}]\n    {key} = {str(text).replace(chr(10), ' ')}\n")

    return work


def out_of_pipeline(scene: Scene, text: object) -> None:
    path = scene.repo / "dvc.yaml"
    path.write_text(path.read_text().replace("    - build/traces/data.journal:", f"    - {quoted(text)}:"))


def file_of_dvc(scene: Scene, text: object) -> None:
    """A `.dvc` file, committed, whose object is there: a pull or a rebuild lays it where it says."""
    name = md5(b"owned")
    for top in (scene.repo / ".dvc/cache", scene.around / "remote"):
        target = top / "files/md5" / name[:2] / name[2:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"owned")
    (scene.repo / "raw.dvc").write_text(f"outs:\n- md5: {name}\n  size: 5\n  hash: md5\n  path: {quoted(text)}\n")
    import stage

    stage.commit(scene, "a stranger's version")


def shards_of_base(scene: Scene, text: object) -> None:
    """A base whose index names weights elsewhere."""
    (scene.repo / "models/base/model.safetensors").rename(scene.repo / "models/base/model-1.safetensors")
    index = {"metadata": {}, "weight_map": {"lm_head.weight": text}}
    (scene.repo / "models/base/model.safetensors.index.json").write_text(json.dumps(index))


BUILDING = (CHECK, PLAN, COMPILE)
CARRIERS: dict[str, tuple[Carry, tuple[Words, ...]]] = {
    "write-ahead log": (redo, (CHECK, LIST, COMPILE)),
    "patch of the write-ahead log": (redo_patch, (CHECK, PLAN)),
    "path in the journal": (journal(".prodabuild/state.journal", 0), (PLAN, COMPILE, VERIFY)),
    "path in carried traces": (journal("build/traces/data.journal", 0, "state.journal"), (COMPILE, VERIFY)),
    "path in the lock": (key_of_lock, (CHECK, PLAN, VERIFY, COMPILE, GC, DIFF, PULL)),
    "path in DVC's lock": (in_yaml("dvc.lock", "path"), (PULL, COMPILE, VERIFY, LOCK)),
    "path in a file of DVC": (file_of_dvc, (PULL, ("rebuild", "HEAD", "-j", "1"))),
    "path in a folder's list": (in_list("relpath"), (PULL, VERIFY, GC, DIFF, COMPILE)),
    "output of the pipeline": (out_of_pipeline, (COMPILE, PULL, VERIFY)),
    "knowledge of a discipline": (manifest("[knowledge/zoo]", "[%s]"), BUILDING),
    "sources of a discipline": (manifest("[sources/notes.txt]", "[%s]"), BUILDING),
    "licence": (manifest("file: sources/LICENSE.notes", "file: %s"), (CHECK, EXPORT)),
    "base": (manifest("path:models/base", "%s"), (CHECK, ("plan",))),
    "folder of a base": (lambda scene, text: edit("proda.yaml", "path:models/base", quoted(f"path:{text}"))(scene),
                         (CHECK, ("plan",))),
    "text of a base": (manifest("base: path:models/base", "base: scratch:micro\n  base_text: [%s]"), (CHECK, ("plan",))),
    "model to begin at": (manifest("base: path:models/base",
                                   "base: path:models/base\n  train: {strategy: continue, start: %s}"), (CHECK, ("plan",))),
    "task": (manifest("tests:\n", "tests:\n  general: {tasks: [%s]}\n"), BUILDING),
    "recipe": (manifest("define, relate", "%s, relate"), BUILDING),
    "function of a recipe": (lambda scene, text: edit("proda.yaml", "define", quoted(f"{text}:brief"))(scene), BUILDING),
    "name of a discipline": (manifest("  tea: {", "  %s: {"), BUILDING),
    "file of a patch's operation": (patch_op("- add:\n    concept: {id: zoo/tit, name: tit, definition: a small bird}\n"
                                             "  file: %s\n"), (CHECK, SHOW, ("patch", "apply", "1"))),
    "id in a patch": (patch_op("- remove: %s\n"), (CHECK, SHOW)),
    "id of a record": (line("knowledge/zoo/more.jsonl", '{"level":"concept","id":%s,"name":"x","definition":"an x of old"}'),
                       (CHECK, COMPILE, WHY)),
    "document of a record": (line("knowledge/zoo/more.jsonl", '{"level":"concept","id":"zoo/crab","name":"crab","definition":'
                                  '"an animal","source":{"document":%s,"span":[0,5],"quote":"~Qx0 "}}'), (CHECK, COMPILE)),
    "discipline column of an import": (table, (CSV,)),
    "id column of an import": (table_id, (CSV,)),
    "id in an import's baseline": (line("sources/tea.import.jsonl", '{"digest":"85d2766898ec77aa","id":%s,"key":"T99"}'),
                                   (CSV, (*CSV, "--prune"))),
    "shards of a base": (shards_of_base, (CHECK, ("plan",))),
    "cache of DVC": (configured("dir"), (PLAN, COMPILE, GC, FREE, DOCTOR)),
    "kind of links of DVC": (configured("type"), (COMPILE, PULL)),
    "address of a remote": (configured("url", "'remote \"store\"'"), (DOCTOR, PULL)),
    "site cache of DVC": (configured("site_cache_dir", "core"), (PULL, COMPILE)),
}  # fmt: skip
DIGESTS: dict[str, tuple[Carry, tuple[Words, ...]]] = {
    "digest in the journal": (journal(".prodabuild/state.journal", 1), (PLAN, COMPILE, VERIFY)),
    "digest in carried traces": (journal("build/traces/data.journal", 1, "state.journal"), (COMPILE, VERIFY)),
    "digest in the lock": (md5_of_lock, (CHECK, PLAN, DIFF, VERIFY, GC, PULL, COMPILE)),
    "digest in DVC's lock": (in_yaml("dvc.lock", "md5"), (DIFF, GC, VERIFY, PULL, COMPILE)),
    "digest in a file of DVC": (in_yaml("raw.dvc", "md5"), (GC, VERIFY, PULL)),
    "digest in a folder's list": (in_list("md5"), (GC, VERIFY, DIFF, PULL, FREE)),
}
# What a command line may name.
ARGUMENTS: dict[str, Callable[[str], Words]] = {
    "export --to": lambda text: ("export", "messages", "-j", "1", "--to", text),
    "import --into": lambda text: (*CSV, "--into", text),
    "import --name": lambda text: (*CSV, "--name", text),
    "import --mapping": lambda text: ("import", "csv", "sources/tea.csv", "--mapping", text),
    "import PATH": lambda text: ("import", "csv", text),
    "why THING": lambda text: ("why", text),
    "diff A": lambda text: ("diff", text),
    "rebuild REF": lambda text: ("rebuild", text),
    "patch show PATCH": lambda text: ("patch", "show", text),
    "patch new TITLE": lambda text: ("patch", "new", text),
    "probe verify CARD": lambda text: ("probe", "verify", text),
    "pull --remote": lambda text: ("pull", "--remote", text),
    "lock --merge": lambda text: ("lock", "--merge", "proda.lock", "proda.lock", "proda.lock", text),
}


def fill(text: object, scene: Scene) -> object:
    """Return a string with the folder around the repo in it."""
    return text.replace("{around}", str(scene.around)) if isinstance(text, str) else text


def escapes() -> Iterator[tuple[str, str, Carry, object, tuple[Words, ...]]]:
    """Return every escape in every carrier: class, place, what plants it, the string, the commands."""
    for place, (carry, commands) in CARRIERS.items():
        for kind, text in ESCAPES.items():
            yield f"path {kind}", place, carry, text, commands
    for place, (carry, commands) in DIGESTS.items():
        for kind, value in MD5S.items():
            yield f"digest {kind}", place, carry, value, commands
