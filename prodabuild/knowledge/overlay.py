"""Patches laid over records, one after the other: what they make of each record, and where they do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.knowledge.records import FIELDS, flaws, identity_of, source_of, to_data, to_fact
from prodabuild.problems import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prodabuild.engine.facts import Fact
    from prodabuild.knowledge.patches import Op, Patch
    from prodabuild.knowledge.records import Level
    from prodabuild.yamlio import Path


class Misfit(NamedTuple):
    """Why a patch does not fit, and where in it that stands."""

    patch: Patch
    path: Path
    code: str
    message: str
    hint: str | None = None


class Overlay:
    """What patches make of the records that they touch.

    `base` is what files of knowledge state of each, `now` what holds of it with the patches (None: there is none);
    `files` tells where a new one belongs. `lookup` finds what the files state; `home` tells which discipline a file is
    of.
    """

    def __init__(self, lookup: Callable[[str], Fact | None], home: Callable[[str], str | None]) -> None:
        self.base: dict[str, Fact | None] = {}
        self.now: dict[str, Fact | None] = {}
        self.files: dict[str, str] = {}
        self.misfits: list[Misfit] = []
        self._lookup, self._home = lookup, home
        self._laid: dict[int, Patch] = {}
        self._touched: dict[str, list[tuple[Patch, Op]]] = {}

    def lay(self, patch: Patch) -> None:
        """Lay a patch over those before it; an operation that does not fit is left out, and told."""
        if patch.number in self._laid:
            other = self._laid[patch.number].name
            hint = "give one of them another number: `git mv`"
            self._tell(patch, (), "P002", f"{other} has the number {patch.name[:4]}, too", hint)
        for number in patch.after:
            if number >= patch.number:
                message = f"{patch.name} comes before {number:04}, not after it"
                self._tell(patch, ("after",), "P010", message, "patches are laid in the order of their numbers")
        self._laid.setdefault(patch.number, patch)
        for op in patch.ops:
            if self._is_free(patch, op):
                self._touched.setdefault(op.id, []).append((patch, op))
                self._carry_out(patch, op)

    def fact(self, key: str) -> Fact | None:
        """Return what holds of a record by now."""
        return self.now[key] if key in self.now else self._lookup(key)

    def file_of(self, key: str) -> str | None:
        """Return the file of knowledge that a record stands in, or belongs to."""
        if key in self.files:
            return self.files[key]
        base = self._lookup(key)
        return base.source if base else None

    def removers(self) -> dict[str, str]:
        """Return the file of the patch that takes a record away, by the record's id."""
        return {key: self._touched[key][-1][0].file for key, now in self.now.items() if now is None}

    def _tell(self, patch: Patch, path: Path, code: str, message: str, hint: str | None = None) -> None:
        self.misfits.append(Misfit(patch, path, code, message, hint))

    def _is_free(self, patch: Patch, op: Op) -> bool:
        """Tell whether no other operation changes the same, but for those of patches that this one comes after."""
        for other, before in self._touched.get(op.id, ()):
            same = _overlap(before, op)
            if same is None:
                continue
            if other is patch:
                self._tell(patch, op.path, "P007", f"the patch changes {same} twice", "say it in one operation")
                return False
            if other.number not in self._before(patch):
                hint = f"say that this is the last word with `after: [{other.number}]`, or drop one of them"
                self._tell(patch, op.path, "P007", f"{other.name} changes {same}, too", hint)
                return False
        return True

    def _before(self, patch: Patch) -> set[int]:
        """Return the numbers of all patches that one comes after, by itself or through others."""
        found: set[int] = set()
        todo = list(patch.after)
        while todo:
            number = todo.pop()
            if number not in found:
                found.add(number)
                todo += self._laid[number].after if number in self._laid else ()
        return found

    def _carry_out(self, patch: Patch, op: Op) -> None:
        now = self.fact(op.id)
        if op.level is not None:
            self._add(patch, op, op.level, now)
        elif now is None or not now.group:
            path = (*op.path[:2], op.kind)
            self._tell(patch, path, "P004", f"there is no record {op.id!r}", "mend the id, or drop the operation")
        elif self._is_known(patch, op, to_data(now)[0]) and self._is_expected(patch, op, to_data(now)[1]):
            self._change(patch, op, now)

    def _add(self, patch: Patch, op: Op, level: Level, now: Fact | None) -> None:
        if now is not None:
            verb = "is emphasised" if level == "emphasis" else "is there"
            hint = f"{now.source} has it: replace its fields, or remove it"
            self._tell(patch, op.path, "P005", f"{op.id!r} {verb} already", hint)
            return
        beside = _neighbour(level, op.data)
        file = op.file or (self.file_of(beside) if beside else None)
        discipline = self._home(file) if file else None
        if beside and self.fact(beside) is None:
            self._tell(patch, op.path, "P004", f"there is no record {beside!r}", "mend the id, or add it before")
        elif file is None:
            hint = "say it with `file: knowledge/...` beside `add`"
            self._tell(patch, op.path, "P009", f"nobody can tell which file the {level} {op.id!r} goes to", hint)
        elif discipline is None:
            path = (*op.path[:2], "file") if op.file else op.path
            self._tell(patch, path, "P009", f"{file!r} is no file of knowledge", "name one below a discipline's folder")
        else:
            self.files[op.id] = file
            self._hold(op.id, to_fact(level, op.data, patch.file, discipline))

    def _is_known(self, patch: Patch, op: Op, level: Level) -> bool:
        """Tell whether the level of record has the fields that are named: a value with a comma can make one."""
        fine = True
        for key, fields in (("with", op.data), ("expect", op.expect)):
            for name in (name for name in fields if name not in FIELDS[level]):
                hint = suggest(name, FIELDS[level])
                self._tell(patch, (*op.path[:2], key, name), "K001", f"a {level} has no field {name!r}", hint)
                fine = False
        return fine

    def _is_expected(self, patch: Patch, op: Op, data: dict[str, Any]) -> bool:
        fine = True
        for name, value in op.expect.items():
            found = data.get(name, _DEFAULTS.get(name))
            if _plain(name, value if value is not None else _DEFAULTS.get(name)) != _plain(name, found):
                path = (*op.path[:2], "expect", name)
                message = f"{name} of {op.id} is {_shown(found)}, not {_shown(value)}"
                self._tell(patch, path, "P006", message, "look at the record again, then mend `expect`")
                fine = False
        return fine

    def _change(self, patch: Patch, op: Op, now: Fact) -> None:
        if op.kind == "remove":
            self._hold(op.id, None)
            return
        level, data = to_data(now)
        data = {name: value for name, value in {**data, **op.data}.items() if value is not None}
        wrong = flaws(level, data)
        for flaw in wrong:
            self._tell(patch, (*op.path, *flaw.path), flaw.code, flaw.message, flaw.hint)
        if wrong:
            return
        if _derived(level, to_data(now)[1]) == op.id != (other := _derived(level, data)):
            hint = "the id follows from what would change: remove the record, and add another"
            self._tell(patch, op.path, "P008", f"{op.id!r} would be {other!r}", hint)
            return
        discipline = now.group.partition(":")[2]
        self._hold(op.id, to_fact(level, data, patch.file, discipline))

    def _hold(self, key: str, fact: Fact | None) -> None:
        if key not in self.base:
            self.base[key] = self._lookup(key)
        self.now[key] = fact


def lay(patches: Iterable[Patch], lookup: Callable[[str], Fact | None], home: Callable[[str], str | None]) -> Overlay:
    """Return what patches, in the order of their names, make of the records that they touch."""
    overlay = Overlay(lookup, home)
    for patch in sorted(patches, key=lambda patch: patch.name):
        overlay.lay(patch)
    return overlay


_DEFAULTS = {"noun": "count"}


def _derived(level: Level, data: dict[str, Any]) -> str | None:
    """Return the id that a record would have if it were not given one; None where it must be given one."""
    if level not in ("relation", "emphasis"):
        return None
    return identity_of(level, {name: value for name, value in data.items() if name != "id"})


def _overlap(before: Op, op: Op) -> str | None:
    """Return what two operations on a record both change, in words."""
    if before.kind != "replace" or op.kind != "replace":
        return op.id
    same = [name for name in op.data if name in before.data]
    return f"{', '.join(same)} of {op.id}" if same else None


def _neighbour(level: Level, data: dict[str, Any]) -> str | None:
    """Return the record whose file a new one goes to where its own is not named."""
    if level == "relation":
        return str(data["subject"])
    if level in ("emphasis", "sample"):
        return str(data["node"] if level == "emphasis" else data["nodes"][0])
    return None


def _plain(name: str, value: Any) -> Any:
    """Return a value so that two ways to write it are equal."""
    return source_of(value) if name == "source" and isinstance(value, str | dict) else value


def _shown(value: Any) -> str:
    return "not there" if value is None else repr(value)
