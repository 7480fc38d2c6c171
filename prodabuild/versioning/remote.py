"""A remote of DVC: found in DVC's configuration, asked what it holds, sent to, read back, fetched from.

DVC's own library speaks to it, so every kind of storage that DVC knows is one path here. Which objects go, and that
they arrived, is ours to say: DVC takes its index of a remote for the remote, and old commits for other folders.
"""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.engine.dvccache import dvc_folder
from prodabuild.errors import OutsideError, UsageError
from prodabuild.escaping import masked
from prodabuild.events import Progress, StageStarted
from prodabuild.versioning.git import in_git, main_worktree, prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from prodabuild.engine.store import Store
    from prodabuild.events import Emit

CHUNK = 1 << 20
BATCH = 64
_ADD = "`dvc remote add --default store URL` (an absolute path, s3://..., ssh://...)"


class Remote(NamedTuple):
    """An open remote: its name, where it is for people to read (without secrets), DVC's object that speaks to it."""

    name: str
    url: str
    odb: Any

    @property
    def folder(self) -> Path | None:
        """Return the folder that it is, None when it is none of this machine's."""
        return Path(self.url) if os.path.isabs(self.url) else None


def open_remote(root: Path, name: str | None = None) -> Remote:
    """Open the remote of this name, or the default one; raises `OutsideError` that says how to mend what is lacking."""
    if find_spec("dvc") is None:
        raise OutsideError("DVC is not installed: it speaks to remotes", "pip install 'prodabuild[dvc]'")
    dvc = dvc_folder(root)
    if dvc is None:
        raise OutsideError("this repository has no .dvc: no remote is configured", f"run `dvc init`, then {_ADD}")
    with _Speaking("the remote" if name is None else f"the remote {name!r}"):
        return _open(dvc, name)


def _open(dvc: Path, name: str | None) -> Remote:
    from dvc.config import Config
    from dvc.config_schema import RelPath
    from dvc.fs import get_cloud_fs
    from dvc_data.hashfile.db import get_odb

    config = Config(str(dvc))
    known = config["remote"]
    name = name or config["core"].get("remote")
    if name is None:
        hint = f"`dvc remote default NAME`, or --remote: {', '.join(sorted(known))}" if known else _ADD
        raise OutsideError("no default remote is configured" if known else "no remote is configured", hint)
    if name not in known:
        listed = f"those configured: {', '.join(sorted(known))}" if known else _ADD
        raise UsageError(f"there is no remote {name!r}", listed)
    url = known[name].get("url")
    if isinstance(url, RelPath):
        local = config.load_one("local")["remote"].get(name, {})
        known[name]["url"] = _home_path(dvc, str(url), own="url" in local)
    kind, settings, path = get_cloud_fs(config, name=name)
    if settings.get("worktree") or settings.get("version_aware"):
        raise OutsideError(
            f"the remote {name!r} keeps versions in the cloud's own way", "use `dvc push` and `dvc pull`"
        )
    fs = kind(**settings)
    odb = get_odb(fs, fs.join(path, "files", "md5"), hash_name="md5")
    return Remote(name, path if fs.protocol == "local" else masked(fs.unstrip_protocol(path)), odb)


def _home_path(dvc: Path, url: str, own: bool) -> str:
    """Return the folder that a relative URL means, given as DVC resolves it here: by the `.dvc` where it was written.

    A configuration that travels (with git into another worktree, with `dvc exp run --temp`) speaks of the `.dvc` that
    it comes from; one of its `own` was written for the place where it lies.
    """
    relative = os.path.relpath(url, dvc)
    return os.path.abspath(_home(dvc, own) / relative)


def _home(dvc: Path, own: bool) -> Path:
    for above in dvc.parents:
        if above.name == ".dvc" and dvc.is_relative_to(above / "tmp" / "exps"):
            return _home(above, own)
    if own or not in_git(dvc.parent):
        return dvc
    main = main_worktree(dvc.parent)
    home = main / prefix(dvc.parent) / ".dvc" if main else dvc
    return home if home.is_dir() else dvc


class _Speaking:
    """Turns what goes wrong with a remote into `OutsideError`: whatever its library raises is the outside world's."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and (
            isinstance(error, (OSError, ImportError))
            or type(error).__module__.partition(".")[0] not in ("builtins", "prodabuild")
        ):
            raise unreachable(self.what, error) from error


def unreachable(what: str, error: BaseException) -> OutsideError:
    """Return what went wrong with a remote in one line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    hint = "mend that and run the command again: what arrived is kept"
    missing = isinstance(error, ImportError)
    return OutsideError(f"{what} cannot be used: {lines[0]}", "`pip install` what it names" if missing else hint)


def sizes(remote: Remote, names: Sequence[str]) -> dict[str, int]:
    """Return the sizes of those objects that a remote holds, asked of the remote itself."""
    if not names:
        return {}
    paths = [remote.odb.oid_to_path(name) for name in names]
    with _Speaking(remote.url):
        found = remote.odb.fs.info(paths, return_exceptions=True)
        for info in found:
            if isinstance(info, Exception) and not isinstance(info, (FileNotFoundError, NotADirectoryError)):
                raise info
    return {name: int(info["size"]) for name, info in zip(names, found, strict=True) if isinstance(info, dict)}


def send(remote: Remote, store: Store, names: Sequence[str], emit: Emit) -> None:
    """Send objects that lie whole in the store, and read each back; raises `OutsideError` unless all have arrived."""
    failed: dict[str, BaseException] = {}
    emit(StageStarted("push", len(names)))
    with _Speaking(remote.url):
        from dvc_objects.fs import localfs

        paths = [str(store.object_path(name)) for name in names]
        remote.odb.add(paths, localfs, list(names), check_exists=False, on_error=failed.setdefault)
    for error in failed.values():
        raise unreachable(remote.url, error) from error
    for done, name in enumerate(names, 1):
        if read_back(remote, name) != name.removesuffix(".dir"):
            remove(remote, [name])
            raise OutsideError(
                f"{remote.url} gave back other bytes than it was sent", "look after that storage; try again"
            )
        emit(Progress("push", done, len(names), "read back"))


def read_back(remote: Remote, name: str) -> str:
    """Return the md5 of an object as the remote gives it."""
    found = hashlib.md5(usedforsecurity=False)
    with _Speaking(remote.url), remote.odb.fs.open(remote.odb.oid_to_path(name), "rb") as handle:
        while data := handle.read(CHUNK):
            found.update(data)
    return found.hexdigest()


def remove(remote: Remote, names: Iterable[str]) -> None:
    """Remove objects of a remote that are not what their names say."""
    with _Speaking(remote.url):
        for name in names:
            remote.odb.delete(name)


def fetch(remote: Remote, store: Store, names: Sequence[str], emit: Emit) -> dict[str, bool]:
    """Bring objects into the store; tells of each that the remote holds whether it came whole. Others are not taken."""
    held = sorted(sizes(remote, names))
    found: dict[str, bool] = {}
    emit(StageStarted("pull", len(held)))
    for start in range(0, len(held), BATCH):
        batch = held[start : start + BATCH]
        with _Speaking(remote.url):
            paths = [remote.odb.oid_to_path(name) for name in batch]
            remote.odb.fs.get(paths, [str(store.receiving(name)) for name in batch])
        found |= {name: store.receive(name) for name in batch}
        emit(Progress("pull", len(found), len(held), ""))
    return found
