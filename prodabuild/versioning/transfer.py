"""What a push or a pull did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodabuild.errors import OutsideError
from prodabuild.project.outcome import SCHEMA

if TYPE_CHECKING:
    from prodabuild.versioning.remote import Remote


@dataclass(frozen=True)
class TransferReport:
    """Objects that were moved, of how many that the versions name; what could not be had, and what came damaged.

    `placed` files were laid in `build/`; `outlook` says what the next compile does with them.
    """

    remote: str
    url: str
    versions: tuple[str, ...]
    objects: int
    moved: int
    bytes: int
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    placed: int = 0
    outlook: str = ""

    @property
    def whole(self) -> bool:
        """Tell whether all that the versions need is where it was to go."""
        return not self.missing and not self.damaged

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        return {
            "schema": SCHEMA,
            "remote": self.remote,
            "url": self.url,
            "versions": list(self.versions),
            "objects": self.objects,
            "moved": self.moved,
            "bytes": self.bytes,
            "missing": list(self.missing),
            "damaged": list(self.damaged),
        }


def refuse_absent(remote: Remote, sending: bool) -> None:
    """Raise `OutsideError` when a remote is a folder that is not there: a disk not mounted, a slip of the pen.

    The first push makes the folder itself, nothing above it.
    """
    folder = remote.folder
    needed = folder.parent if folder and sending else folder
    if needed and not needed.is_dir():
        raise OutsideError(
            f"the remote {remote.name!r} is {remote.url}, and {needed} is not there",
            f"mount or make that folder, or mend the URL: `dvc remote modify {remote.name} url URL`",
        )
