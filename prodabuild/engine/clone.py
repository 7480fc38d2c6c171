"""Whether the state in `.prodabuild/` is this clone's own. What git could have checked out is never believed.

The state of one machine writes and deletes files when it is read, so a stranger must not bring one. A random token ties
it to the clone: it lies in `.prodabuild/clone.json` and again where git never checks anything out, in git's own folder
(a record for each data repo and work tree). Without git, the token holds while the folder is the one that it was
written in, by its inode. A state without proof is set aside, one that git tracks or another user owns is refused.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import sha256
from prodabuild.engine.store import place, remove_file
from prodabuild.errors import ProjectError
from prodabuild.events import Note
from prodabuild.paths import LINK_HINT, UnsafePathError, inside, read_regular, require_regular

if TYPE_CHECKING:
    from prodabuild.events import Emit

PRIVATE = ".prodabuild"
PROOF = f"{PRIVATE}/clone.json"
OWNED = (PRIVATE, "build", "patches")  # folders of a data repo that the package writes to
CANNOT_TELL = f"{PRIVATE}/ is not of this clone"
_ASIDE = "set-aside"
_MAX_BYTES = 4096
_TOKEN_BYTES = 32


class ForeignStateError(ProjectError):
    """The state of one machine comes from a repository, or from another user."""


class _Home(NamedTuple):
    """Where git's own folder says which token is this clone's, and git's index."""

    folder: Path
    file: str
    listing: Path  # the index

    def read(self) -> dict[str, Any]:
        return _document(self.folder / self.file)

    def write(self, record: dict[str, Any]) -> bool:
        """Write the record; False where git's folder cannot be written to."""
        try:
            place(self.folder, self.file, orjson.dumps(record), self.folder / "prodabuild")
        except (OSError, UnsafePathError):
            return False
        return True


def examine(root: Path) -> bool:
    """Tell whether what lies in `.prodabuild/` may be believed: it is this clone's, or there is nothing.

    Raises `ForeignStateError` where git tracks it or another user owns it, `UnsafePathError` where a link stands in the
    place of a folder of the package or in it, `NotRegularError` for a named pipe, a socket or a device there.
    """
    home = _home(root)
    if home is not None and os.path.lexists(root / PRIVATE):
        _refuse_tracked(root, home)
    folders = {name: _folder_at(root, name) for name in OWNED}
    found = folders[PRIVATE]
    if found is None:
        return True
    _refuse_foreign(root, found)
    return not _look_over(root / PRIVATE) or _proven(home, _document(root / PROOF), found)


def claim(root: Path, emit: Emit) -> bytes:
    """Return the token of this clone; a state without proof is set aside. The caller is the writer."""
    proven, home = examine(root), _home(root)
    folder = root / PRIVATE
    folder.mkdir(parents=True, exist_ok=True)
    if not proven:
        aside = _set_aside(folder)
        emit(Note(f"{CANNOT_TELL}: set aside as {PRIVATE}/{aside}, and begun anew", warning=True))
    record, proof = home.read() if home else {}, _document(root / PROOF)
    token = _token(record) or (_token(proof) if proven else "") or os.urandom(_TOKEN_BYTES).hex()
    if home and not _token(record) and home.write({"token": token}):
        record = {"token": token}
    fresh = {"token": token, "inode": os.stat(folder).st_ino}
    if proof != fresh:
        place(root, PROOF, orjson.dumps(fresh), folder / "tmp")
    return bytes.fromhex(token)


def _proven(home: _Home | None, proof: dict[str, Any], found: os.stat_result) -> bool:
    """Tell whether a token is that of git's own folder, or, where that has none, of the folder that it lies in."""
    record = home.read() if home else {}
    if _token(record):
        return _token(record) == _token(proof)
    return bool(_token(proof)) and proof.get("inode") == found.st_ino


def _refuse_tracked(root: Path, home: _Home) -> None:
    """Raise `ForeignStateError` where git tracks the state; git is asked only when its index has moved."""
    record, index = home.read(), _stat_of(home.listing)
    if index is None or record.get("index") == index:
        return
    tracked = _tracked(root)
    if tracked:
        with suppress(OSError, UnsafePathError):  # git may have written over what was there: it is proof of nothing now
            remove_file(root, PROOF)
        raise ForeignStateError(
            f"git tracks {tracked[0]}: the state of one machine is never read from a repository",
            f"`git rm -r --cached {tracked[0].partition('/')[0]}`, add `/{PRIVATE}/` to .gitignore, and commit that",
        )
    if tracked is not None and _token(record):
        home.write({**record, "index": index})


def _tracked(root: Path) -> list[str] | None:
    """Return the files of `.prodabuild/`, however it is spelled, that git tracks; None when git cannot say."""
    import subprocess  # the index has moved: a command that builds nothing need not wait for this

    options = ("--icase-pathspecs", "-c", "core.fsmonitor=false", "-c", "safe.directory=*")
    try:
        done = subprocess.run(["git", *options, "ls-files", "-z", "--", PRIVATE], cwd=root, capture_output=True)
    except FileNotFoundError:  # without git nothing was checked out here
        return None
    return os.fsdecode(done.stdout).split("\0")[:-1] if not done.returncode else None


def _folder_at(root: Path, name: str) -> os.stat_result | None:
    """Return the stat data of a folder of ours, None where there is none; raises for whatever else is in its place."""
    inside(root, name)
    try:
        found = os.lstat(root / name)
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        raise ProjectError(f"{name} is not a folder", "remove it: prodabuild keeps files of its own there")
    return found


def _refuse_foreign(root: Path, found: os.stat_result) -> None:
    """Raise `ForeignStateError` unless the folder is ours, root's, the repository's owner's, or shared on purpose."""
    above = os.stat(root)
    if found.st_uid not in (os.geteuid(), 0, above.st_uid) and not above.st_mode & stat.S_ISGID:
        raise ForeignStateError(
            f"{PRIVATE} belongs to another user (uid {found.st_uid})",
            "remove it, or take it over with chown where you trust who made it",
        )


def _look_over(folder: Path) -> list[str]:
    """Return the names in the folder that hold a state; raises for links and for what is neither file nor folder."""
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                raise UnsafePathError(f"{PRIVATE}/{entry.name} is a symbolic link", LINK_HINT)
            if not (entry.is_file() or entry.is_dir()):
                require_regular(Path(f"{PRIVATE}/{entry.name}"), entry.stat())
            if not _harmless(entry):
                names.append(entry.name)
    return names


def _harmless(entry: os.DirEntry[str]) -> bool:
    """Tell whether nothing is done by what an entry holds: objects are hashed before they are used."""
    if entry.name == "tmp":
        return not os.path.lexists(os.path.join(entry.path, "work"))
    return entry.name in ("cache", "lock") or entry.name.startswith(_ASIDE)


def _set_aside(folder: Path) -> str:
    """Move a state without proof into a folder of its own beside it; returns that folder's name."""
    number = 1
    while os.path.lexists(folder / f"{_ASIDE}-{number}"):
        number += 1
    aside = folder / f"{_ASIDE}-{number}"
    names = _look_over(folder)
    aside.mkdir()
    for name in names:
        os.rename(folder / name, aside / name)
    return aside.name


def _home(root: Path) -> _Home | None:
    """Return where git keeps what it never checks out, None outside of git."""
    for top in (root, *root.parents):
        git = _git_folder(top / ".git")
        if git is not None:
            key = sha256(os.fsencode(root.relative_to(top).as_posix()))[:16]
            return _Home(git, f"prodabuild/{key}.json", git / "index")
    return None


def _git_folder(path: Path) -> Path | None:
    """Return git's folder: `.git` itself, or where a file of this name points (worktrees, submodules)."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            text = os.fsdecode(read_regular(path, _MAX_BYTES)).strip()
            path = path.parent / text.removeprefix("gitdir:").strip()
        elif not stat.S_ISDIR(mode):
            return None
        return path if stat.S_ISREG(os.stat(path / "HEAD").st_mode) else None
    except (OSError, ValueError, ProjectError):
        return None


def _document(path: Path) -> dict[str, Any]:
    """Return what a small JSON file holds; nothing when it is not there, or not a mapping."""
    try:
        found = orjson.loads(read_regular(path, _MAX_BYTES))
    except (OSError, ProjectError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _token(record: dict[str, Any]) -> str:
    token = record.get("token")
    sound = isinstance(token, str) and len(token) == 2 * _TOKEN_BYTES and not set(token) - set("0123456789abcdef")
    return str(token) if sound else ""


def _stat_of(path: Path) -> list[int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino]
