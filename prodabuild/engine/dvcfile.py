"""The files of a DVC pipeline, without DVC: `dvc.yaml`, read; `dvc.lock`, written byte for byte as DVC writes it.

A lock keeps the text of every stage that is not replaced, so that what others recorded stays as it is. What is read is
bounded in depth and in size, aliases followed, and typed: an output is a path with the name of an object and a size.
"""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from prodabuild.engine.store import place, remove_file
from prodabuild.errors import ProjectError
from prodabuild.paths import MAX_PATH_BYTES, is_md5, read_source
from prodabuild.yamlio import TextError, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PIPELINE, LOCK = "dvc.yaml", "dvc.lock"
_HEAD = "schema: '2.0'\nstages:\n"
_LISTS = {"deps", "params", "outs", "metrics", "plots"}
_PLAIN = {"cmd", "desc", "meta", "frozen", "always_changed", *_LISTS}
MAX_DEPTH = 50  # DVC's own files have 7
MAX_VALUES = 1_000_000  # aliases followed
_MAY_BE_DEEP = re.compile(rf"^[ \t?:-]{{{MAX_DEPTH}}}", re.MULTILINE)
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
            return dict(entry) if all(map(_is_content, places)) else None
        except (TextError, KeyError, AttributeError, TypeError, ValueError):
            return None


def read_stages(path: Path) -> tuple[DvcStage, ...]:
    """Return the stages of a `dvc.yaml` that say all in plain words: no template, loop or folder of their own."""
    try:
        data = read_source(path.parent, path.name)
    except FileNotFoundError:
        return ()
    return parse_stages(data, path.name)


def parse_stages(data: bytes, name: str) -> tuple[DvcStage, ...]:
    """Return the stages of a `dvc.yaml` by its bytes; raises `ProjectError` when it is no YAML."""
    document = _read(data, name, "`dvc status` says where it is wrong")
    stages = document.get("stages") if isinstance(document, dict) else None
    found = stages.items() if isinstance(stages, dict) else ()
    return tuple(stage for stage_name, written in found if (stage := _stage(str(stage_name), written)))


def lock_outs(data: bytes, name: str) -> dict[str, list[Entry]]:
    """Return what a `dvc.lock`, or a `.dvc` file, says of the outputs of each stage (that of a file: "").

    Each has a `path` and an `md5`, the name of an object. Raises `ProjectError`, also for an output that has not.
    """
    document = _read(data, name, _HINT)
    document = document if isinstance(document, dict) else {}
    stages = document.get("stages")
    found = stages if isinstance(stages, dict) else {"": document}
    return {str(stage): _outs(entry, f"{name}: {stage}") for stage, entry in found.items() if isinstance(entry, dict)}


def _outs(entry: Entry, name: str) -> list[Entry]:
    written = entry.get("outs") or []
    if not isinstance(written, list):
        raise ProjectError(f"{name}: `outs` is no list", _HINT)
    outs = [out for out in written if isinstance(out, dict) and out.get("hash") == "md5"]
    for out in outs:
        if not _is_path(out.get("path")) or not is_md5(out.get("md5")):
            raise ProjectError(f"{name}: the output {str(out.get('path'))[:80]!r} has no md5 of an object", _HINT)
    return outs


def _is_content(place: Any) -> bool:
    """Tell whether a dependency or output is written as DVC does: where it is, which object, how many bytes."""
    return _is_path(place["path"]) and is_md5(place["md5"]) and type(place["size"]) is int and place["size"] >= 0


def _is_path(path: Any) -> bool:
    return isinstance(path, str) and 0 < len(path) <= MAX_PATH_BYTES and "\0" not in path


def _read(data: bytes, name: str, hint: str) -> Any:
    """Return a YAML document as plain data; raises `ProjectError` where it is none, too deep or too large."""
    text = _text(data, name, hint)
    try:
        document = yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        raise ProjectError(f"{name} is not YAML: {_said(error)}", hint) from None
    left, seen = MAX_VALUES, [document]
    while seen and left >= 0:
        value = seen.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        left -= 1 + len(inner)
        seen.extend(each for each in inner if isinstance(each, (dict, list)))
    if left < 0:
        raise ProjectError(f"{name} has more than {MAX_VALUES} values, aliases followed", hint)
    return document


def _text(data: bytes, name: str, hint: str) -> str:
    """Return the text of a YAML file that is not nested so deep that its reader runs out of stack."""
    try:
        text = data.decode()
        if text.count("[") + text.count("{") < MAX_DEPTH and not _MAY_BE_DEEP.search(text):
            return text
        depth = 0
        for event in yaml.parse(text, yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            mark = event.start_mark
            if depth > MAX_DEPTH and mark:
                raise ProjectError(
                    f"{name}:{mark.line + 1}:{mark.column + 1}: more than {MAX_DEPTH} levels of nesting", hint
                )
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{name} is not YAML: {_said(error)}", hint) from None
    return text


def read_lock(path: Path) -> Lock:
    """Return a `dvc.lock`, an empty one when it is absent; raises `ProjectError` when it cannot be read."""
    try:
        return parse_lock(read_source(path.parent, path.name), path.name)
    except FileNotFoundError:
        return Lock()


def parse_lock(data: bytes, file: str) -> Lock:
    """Return the `dvc.lock` of these bytes; raises `ProjectError` when they are none."""
    text = _text(data, file, _HINT).rstrip("\n") + "\n"
    try:
        root = yaml.compose(text, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ProjectError(f"{file} is not YAML: {_said(error)}", _HINT) from None
    named = [(key, value) for key, value in root.value] if isinstance(root, yaml.MappingNode) else []
    parts = {key.value: (key, value) for key, value in named if isinstance(key, yaml.ScalarNode)}
    key, stages = parts.get("stages", (None, None))
    schema = parts.get("schema", (None, None))[1]
    if (
        key is None
        or len(parts) < len(named)
        or not isinstance(stages, yaml.MappingNode)
        or schema is None
        or schema.value != "2.0"
    ):
        raise ProjectError(f"{file} is not as DVC writes it", _HINT)
    lines = text.splitlines(keepends=True)
    first = key.start_mark.line
    end = min(
        (other.start_mark.line for other, _ in parts.values() if other.start_mark.line > first), default=len(lines)
    )
    starts = [name.start_mark.line for name, _ in stages.value]
    if (stages.flow_style and starts) or not all(isinstance(name, yaml.ScalarNode) for name, _ in stages.value):
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
    if not all(map(_is_path, written.get("deps", []))):
        return None
    params: dict[str, tuple[str, ...]] = {}
    for item in written.get("params", []):
        for file, keys in item.items() if isinstance(item, dict) else (("params.yaml", [str(item)]),):
            if not isinstance(keys, (list, type(None))):
                return None
            params[str(file)] = (*params.get(str(file), ()), *map(str, keys or ()))
    outs = []
    for key in ("outs", "metrics", "plots"):
        for item in written.get(key, []):
            for path, flags in item.items() if isinstance(item, dict) else ((item, None),):
                if not isinstance(flags, (dict, type(None))) or not _is_path(path):
                    return None
                outs.append(DvcOut(path, (flags or {}).get("cache", True) is not False, key == "metrics"))
    return DvcStage(
        name=name,
        cmd=written["cmd"],
        deps=tuple(sorted(written.get("deps", []))),
        params=params,
        outs=tuple(sorted(outs)),
    )


def _said(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, " if mark else ""
    return place + str(getattr(error, "problem", error))
