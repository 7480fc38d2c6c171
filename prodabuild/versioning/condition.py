"""The condition of a data repo and of what it is built with: what is there, what is lacking, and how to mend it."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from prodabuild import __version__
from prodabuild.engine import clone
from prodabuild.engine.dvccache import cache_folder, dvc_folder
from prodabuild.errors import OutsideError, ProjectError
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.load import read_manifest
from prodabuild.manifest.model import TaskSuite
from prodabuild.paths import is_regular, read_regular
from prodabuild.problems import ProblemsError, summary
from prodabuild.project.locking import LOCK
from prodabuild.project.outcome import SCHEMA
from prodabuild.project.packages import packages_of, required
from prodabuild.project.pipeline import BUILD
from prodabuild.project.redo import PRIVATE
from prodabuild.training.device import probe
from prodabuild.versioning.driver import FILES, installed
from prodabuild.versioning.git import git, in_git
from prodabuild.versioning.gitfiles import unmerged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.manifest.model import Manifest

State = Literal["ok", "lacks", "absent"]
# What each extra is for.
EXTRAS = {
    "": "every command",
    "train": "compile, test, debug",
    "eval": "test, of suites that are lm-eval tasks",
    "export": "export to Parquet",
    "import": "import of SKOS, OWL and OBO",
    "dvc": "remotes of DVC",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `lacks`: this repo needs it; `absent`: it can be done without."""

    what: str
    state: State
    told: str
    mend: str = ""


@dataclass(frozen=True)
class Condition:
    """All that was found. `sizes` are bytes by folder."""

    findings: tuple[Finding, ...]
    sizes: dict[str, int]

    @property
    def sound(self) -> bool:
        """Tell whether nothing that the repo needs is lacking."""
        return all(finding.state != "lacks" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        rows = [asdict(finding) for finding in self.findings]
        return {"schema": SCHEMA, "sound": self.sound, "findings": rows, "sizes": self.sizes}


def examine(root: Path, requirements: Sequence[str] | None = None) -> Condition:
    """Return the condition of the repo in a folder; changes nothing. `requirements` stand in for prodabuild's own."""
    manifest, found = _manifest(root)
    rows = required() if requirements is None else requirements
    findings = [
        Finding("prodabuild", "ok", f"{__version__}, Python {platform.python_version()}"),
        found,
        *_extras(manifest, rows),
        _device(),
        *_git(root),
        *_dvc(root),
        *_state(root),
    ]
    return Condition(tuple(findings), _sizes(root))


def _state(root: Path) -> Iterator[Finding]:
    """Return why the state of this machine is refused, or taken for nothing."""
    try:
        believed = clone.examine(root)
    except ProjectError as error:
        yield Finding(f"{PRIVATE}/", "lacks", error.message, error.hint or "")
    else:
        if not believed:
            yield Finding(f"{PRIVATE}/", "absent", "is not of this clone: the next build sets it aside")


def _manifest(root: Path) -> tuple[Manifest | None, Finding]:
    if not is_regular(root / MANIFEST):
        return None, Finding(MANIFEST, "absent", "this is no data repo", "prodabuild init")
    try:
        return read_manifest(root), Finding(MANIFEST, "ok", "sound")
    except ProblemsError as error:
        return None, Finding(MANIFEST, "lacks", summary(error.problems), "prodabuild check")


def _extras(manifest: Manifest | None, requirements: Sequence[str]) -> Iterator[Finding]:
    if not requirements:
        yield Finding(
            "packages", "absent", "prodabuild is not installed: what it asks for is not known", "pip install ."
        )
    for extra, use in EXTRAS.items():
        packages = packages_of(extra, requirements)
        if not packages:
            continue
        what = f"[{extra}]" if extra else "packages"
        bad = [package for package in packages if not package.fits]
        if not bad:
            versions = ", ".join(f"{package.name} {package.version}" for package in packages)
            yield Finding(what, "ok", f"for {use}: {versions}")
            continue
        told = "; ".join(
            f"{each.name} is {each.version}, {each.wanted} is asked for"
            if each.version
            else f"{each.name} is not installed"
            for each in bad
        )
        state: State = "lacks" if _needs(manifest, extra) else "absent"
        yield Finding(what, state, f"for {use}: {told}", f"pip install 'prodabuild{what if extra else ''}'")


def _needs(manifest: Manifest | None, extra: str) -> bool:
    if extra == "eval" and manifest is not None:
        return any(isinstance(suite, TaskSuite) for suite in manifest.tests.values())
    return extra == "" or (extra == "train" and manifest is not None)


def _device() -> Finding:
    kind, _, name = probe().partition(":")
    return (
        Finding("GPU", "ok", name)
        if kind == "cuda"
        else Finding("GPU", "absent", "none that torch can use: the CPU trains")
    )


def _git(root: Path) -> Iterator[Finding]:
    try:
        version = git(root, "--version").decode().strip().removeprefix("git version ")
    except OutsideError:
        yield Finding("git", "absent", "is not installed: there are no versions", "apt-get install git")
        return
    if not in_git(root):
        yield Finding("git", "absent", f"{version}; this is no repository: there are no versions", "git init")
        return
    yield Finding("git", "ok", version)
    conflicts = [file for file in unmerged(root) if file in FILES]
    if conflicts:
        yield Finding(
            "locks", "lacks", f"{', '.join(conflicts)}: left in conflict by a merge", "prodabuild lock --merge"
        )
    if not (root / MANIFEST).is_file():
        return
    driver = installed(root)
    if driver.named and driver.command:
        yield Finding("merges", "ok", f"git merges {', '.join(FILES)} entry by entry")
    else:
        why = "is not told how to merge locks" if not driver.command else "has no .gitattributes for locks"
        yield Finding("merges", "absent", f"this clone {why}: they may conflict", "prodabuild lock --install")
    yield from _ignored(root)


def _ignored(root: Path) -> Iterator[Finding]:
    """Return what git ignores and must not, and what it must and does not."""
    asked = (LOCK, "dvc.lock", f"{BUILD}/x", f"{PRIVATE}/x")
    if any((root / name).is_symlink() for name in (BUILD, PRIVATE)):
        return
    names = git(root, "check-ignore", "--no-index", "--", *asked, answers=(0, 1)).decode().splitlines()
    for file in asked[:2]:
        if file in names:
            yield Finding(file, "lacks", "git ignores it: versions need it", f"git check-ignore -v {file}")
    for folder, inside in zip((BUILD, PRIVATE), asked[2:], strict=True):
        if inside not in names:
            yield Finding(f"{folder}/", "absent", "git does not ignore it", f"echo '/{folder}/' >> .gitignore")


def _dvc(root: Path) -> Iterator[Finding]:
    dvc = dvc_folder(root)
    if dvc is None:
        yield Finding("DVC", "absent", f"not set up: objects lie in {PRIVATE}/cache", "dvc init")
        return
    remotes = [
        line.split('"')[1]
        for file in (dvc / "config", dvc / "config.local")
        if is_regular(file)
        for line in read_regular(file).decode("utf-8", "replace").splitlines()
        if line.startswith("['remote \"")
    ]
    if remotes:
        yield Finding("DVC", "ok", f"remotes: {', '.join(dict.fromkeys(remotes))}")
    else:
        yield Finding("DVC", "absent", "no remote: what was built is here alone", "dvc remote add --default store URL")


def _sizes(root: Path) -> dict[str, int]:
    dvc = dvc_folder(root)
    cache = cache_folder(dvc) if dvc else root / PRIVATE / "cache"
    folders = {"cache": cache, "state": root / PRIVATE, "build": root / BUILD}
    return {name: _size(folder) for name, folder in folders.items()} | {"free": shutil.disk_usage(root).free}


def _size(folder: Path) -> int:
    if folder.is_symlink():
        return 0
    found = (os.path.join(place, file) for place, _, files in os.walk(folder) for file in files)
    return sum(os.lstat(path).st_size for path in found if os.path.lexists(path))
