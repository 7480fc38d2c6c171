"""A small data repo that has one of every file that prodabuild reads: built, committed, stored at a remote of DVC."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

from confinement import Scene, command, environment, set_scene
from stagefiles import files

if TYPE_CHECKING:
    from pathlib import Path


def build(around: Path) -> Scene:
    """Make the repo: imported, compiled, committed twice, its objects at a remote."""
    scene = set_scene(around)
    for name, data in files().items():
        target = scene.repo / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    git(scene, "init", "--quiet", "--initial-branch", "main")
    succeed(scene, "import", "csv", "sources/tea.csv", "--mapping", "sources/tea.yaml")
    succeed(scene, "compile", "--to", "data", "-j", "1")
    commit(scene, "a version")
    edited = (scene.repo / "knowledge/zoo/kinds.yaml").read_text().replace("ways of the lory", "colours of the lory")
    (scene.repo / "knowledge/zoo/kinds.yaml").write_text(edited)
    succeed(scene, "compile", "--to", "data", "-j", "1")
    commit(scene, "another version")
    cache = scene.repo / ".dvc/cache/files"
    shutil.copytree(cache, around / "remote/files")
    return scene


def copy(scene: Scene, around: Path) -> Scene:
    """Return a copy of a scene: same bytes, same times."""
    shutil.copytree(scene.around, around, symlinks=True, dirs_exist_ok=True)
    return Scene(around)


def renew(scene: Scene, origin: Scene) -> None:
    """Make a used copy of a scene what it was: files that are not as they were are copied again."""
    then, now = _stats(origin.around), _stats(scene.around)
    for path in sorted(now.keys() - then.keys(), key=len, reverse=True):
        target = scene.around / path
        if target.is_dir() and not target.is_symlink():
            target.rmdir()
        else:
            target.unlink()
    for path in sorted(name for name, found in then.items() if now.get(name) != found):
        source, target = origin.around / path, scene.around / path
        if source.is_dir():
            if not target.is_dir() or target.is_symlink():
                target.unlink(missing_ok=True)
                target.mkdir()
        else:
            if target.is_dir() and not target.is_symlink():
                target.rmdir()
            target.unlink(missing_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def _stats(top: Path) -> dict[str, tuple[int, int, int]]:
    """Return mode, size and time of every file below a folder; of a folder its mode alone."""
    found: dict[str, tuple[int, int, int]] = {}
    waiting = [""]
    while waiting:
        name = waiting.pop()
        for entry in os.scandir(top / name):
            status = entry.stat(follow_symlinks=False)
            path = f"{name}/{entry.name}" if name else entry.name
            folder = stat.S_ISDIR(status.st_mode)
            found[path] = (status.st_mode, 0, 0) if folder else (status.st_mode, status.st_size, status.st_mtime_ns)
            if folder:
                waiting.append(path)
    return found


def succeed(scene: Scene, *arguments: str) -> None:
    """Run a command that must succeed."""
    ended = command(scene, arguments, 120)
    if ended.code != 0:
        raise RuntimeError(f"{arguments}: {ended}")


def commit(scene: Scene, message: str) -> None:
    """Commit all files."""
    git(scene, "add", "--all", "--force", ":!build", ":!.prodabuild", ":!.dvc/cache", ":!.dvc/tmp")
    git(scene, "commit", "--quiet", "--message", message)


def git(scene: Scene, *words: str, feed: bytes | None = None, folder: Path | None = None) -> str:
    """Run git in the repo, with nobody's configuration but its own."""
    who = {f"GIT_{role}_{what}": "a@b.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    variables = {**{k: v for k, v in os.environ.items() if not k.startswith("GIT_")}, **who, **environment(scene)}
    done = subprocess.run(
        ["git", *words], cwd=folder or scene.repo, env=variables, input=feed, capture_output=True, check=True
    )
    return done.stdout.decode(errors="surrogateescape")
