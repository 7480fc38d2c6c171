"""The files of a DVC pipeline, without DVC: `dvc.yaml`, read; `dvc.lock`, written byte for byte as DVC writes it.

A lock keeps the text of every stage that is not replaced, so that what others recorded stays as it is.
"""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from prodabuild.engine.store import place, remove_file
from prodabuild.errors import ProjectError
from prodabuild.paths import read_regular
from prodabuild.yamlio import TextError, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PIPELINE, LOCK = "dvc.yaml", "dvc.lock"
_HEAD = "schema: '2.0'\nstages:\n"
_LISTS = {"deps", "params", "outs", "metrics", "plots"}
_PLAIN = {"cmd", "desc", "meta", "frozen", "always_changed", *_LISTS}
Entry = dict[str, Any]


class DvcOut(NamedTuple):
    """A file or folder that a stage makes: `cached` ones lie in DVC's cache, others in git."""

    path: str
    cached: bool = True
    metric: bool = False


class DvcStage(NamedTuple):
    """A stage of `dvc.yaml`, its paths as they are written there. `params`: keys wanted, by file; none is all."""

    name: str
    cmd: str
    deps: tuple[str, ...]
    params: Mapping[str, tuple[str, ...]]
    outs: tuple[DvcOut, ...]


class Lock(NamedTuple):
    """The text of a `dvc.lock`: what stands before its stages, each stage's lines, what stands after."""

    head: str = _HEAD
    stages: Mapping[str, str] = {}
    tail: str = ""

    def entry(self, name: str) -> Entry | None:
        """Return what the lock states of a stage; None when that is nothing that DVC would have written."""
        try:
            entry = load(dedent(self.stages.get(name, "{}")))[name]
            places = [*entry.get("deps", []), *entry.get("outs", [])]
            return dict(entry) if all({"path", "md5", "size"} <= place.keys() for place in places) else None
        except (TextError, KeyError, AttributeError, TypeError):
            return None


def read_stages(path: Path) -> tuple[DvcStage, ...]:
    """Return the stages of a `dvc.yaml` that say all in plain words: no template, loop or folder of their own."""
    try:
        data = read_regular(path)
    except FileNotFoundError:
        return ()
    return parse_stages(data, path.name)


def parse_stages(data: bytes, name: str) -> tuple[DvcStage, ...]:
    """Return the stages of a `dvc.yaml` by its bytes; raises `ProjectError` when it is no YAML."""
    try:
        document = yaml.load(data, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ProjectError(f"{name} is not YAML: {_said(error)}", "`dvc status` says where it is wrong") from None
    stages = document.get("stages") if isinstance(document, dict) else None
    found = stages.items() if isinstance(stages, dict) else ()
    return tuple(stage for name, written in found if (stage := _stage(name, written)))


def lock_outs(data: bytes, name: str) -> dict[str, list[Entry]]:
    """Return what a `dvc.lock`, or a `.dvc` file, says of the outputs of each stage (that of a file: "")."""
    try:
        document = yaml.load(data, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ProjectError(f"{name} is not YAML: {_said(error)}", _HINT) from None
    document = document if isinstance(document, dict) else {}
    stages = document.get("stages")
    found = stages if isinstance(stages, dict) else {"": document}
    return {
        stage: [out for out in entry.get("outs") or () if isinstance(out, dict) and out.get("hash") == "md5"]
        for stage, entry in found.items()
        if isinstance(entry, dict)
    }


def read_lock(path: Path) -> Lock:
    """Return a `dvc.lock`, an empty one when it is absent; raises `ProjectError` when it cannot be read."""
    try:
        return parse_lock(read_regular(path), path.name)
    except FileNotFoundError:
        return Lock()


def parse_lock(data: bytes, file: str) -> Lock:
    """Return the `dvc.lock` of these bytes; raises `ProjectError` when they are none."""
    try:
        text = data.decode().rstrip("\n") + "\n"
        root = yaml.compose(text, yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{file} is not YAML: {_said(error)}", _HINT) from None
    parts = {key.value: (key, value) for key, value in root.value} if isinstance(root, yaml.MappingNode) else {}
    key, stages = parts.get("stages", (None, None))
    if not isinstance(stages, yaml.MappingNode) or parts.get("schema", (None, root))[1].value != "2.0":
        raise ProjectError(f"{file} is not as DVC writes it", _HINT)
    lines = text.splitlines(keepends=True)
    first = key.start_mark.line
    end = min(
        (other.start_mark.line for other, _ in parts.values() if other.start_mark.line > first), default=len(lines)
    )
    starts = [name.start_mark.line for name, _ in stages.value]
    if stages.flow_style and starts:
        raise ProjectError(f"{file} is not as DVC writes it", _HINT)
    blocks = {
        name.value: "".join(lines[start:until])
        for (name, _), start, until in zip(stages.value, starts, [*starts[1:], end], strict=False)
    }
    return Lock("".join(lines[:first]) + "stages:\n", blocks, "".join(lines[end:]))


_HINT = "`prodabuild lock --merge` merges it; or delete it, and run the command again"


def write_lock(path: Path, old: Lock, entries: Mapping[str, Entry | None], scratch: Path) -> bool:
    """Write a lock with these stages replaced (None: removed), if that changes it; returns whether it did."""
    from prodabuild.engine.dvcyaml import dump  # a dozen expressions are compiled with it, and most runs write nothing

    blocks = dict(old.stages)
    for name, entry in entries.items():
        if entry is None:
            blocks.pop(name, None)
        elif old.entry(name) != entry:
            blocks[name] = dump({"stages": {name: entry}}).partition("\n")[2]
    if blocks == old.stages:
        return False
    if not blocks and old.head == _HEAD and not old.tail:
        remove_file(path.parent, path.name)
        return True
    place(path.parent, path.name, render_lock(old._replace(stages=blocks)), scratch, durable=True)
    return True


def render_lock(lock: Lock) -> bytes:
    """Return the bytes of a lock."""
    stages = "".join(lock.stages.values())
    head = lock.head if stages else lock.head.removesuffix("stages:\n") + "stages: {}\n"
    return (head + stages + lock.tail).encode()


def _stage(name: str, written: Any) -> DvcStage | None:
    if not isinstance(written, dict) or not written.keys() <= _PLAIN or "${" in str(written):
        return None
    if not isinstance(written.get("cmd"), str) or not all(isinstance(written.get(key, []), list) for key in _LISTS):
        return None
    params: dict[str, tuple[str, ...]] = {}
    for item in written.get("params", []):
        for file, keys in item.items() if isinstance(item, dict) else (("params.yaml", [str(item)]),):
            params[file] = (*params.get(file, ()), *(keys or ()))
    outs = [
        DvcOut(path, (flags or {}).get("cache", True), key == "metrics")
        for key in ("outs", "metrics", "plots")
        for item in written.get(key, [])
        for path, flags in (item.items() if isinstance(item, dict) else ((str(item), None),))
    ]
    return DvcStage(
        name=name,
        cmd=written["cmd"],
        deps=tuple(sorted(map(str, written.get("deps", [])))),
        params=params,
        outs=tuple(sorted(outs)),
    )


def _said(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, " if mark else ""
    return place + str(getattr(error, "problem", error))
