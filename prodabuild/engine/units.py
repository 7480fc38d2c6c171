"""Units and stages: what is built, by which function, into which files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prodabuild.engine.view import View

Output = Mapping[str, bytes | Path]  # path below build/ -> content, or a finished file to take it from
Build = Callable[[str, "View"], Output]


@dataclass(frozen=True)
class Stage:
    """One step of the path of data: a build function and the units that it makes.

    Units are the `fixed` ones; or one, `kind:X`, for each unit `...:X` of the stage that this one stands `beside`;
    or else the buckets of every fact group named `kind:...`.
    The build function must be importable by name (it may run in another process) and may read only
    through its view. What it makes lies in a `folder` of `build/`.
    """

    name: str
    build: Build
    fixed: tuple[str, ...] | None = None
    kind: str = ""
    beside: str = ""
    bucket_size: int = 64
    parallel: bool = False
    folder: str = ""

    @property
    def bucketed(self) -> bool:
        """Tell whether the units of this stage are buckets of facts."""
        return self.fixed is None and not self.beside

    def owns_group(self, group: str) -> bool:
        """Tell whether the buckets of a group are units of this stage."""
        return self.bucketed and group.startswith(self.kind + ":")
