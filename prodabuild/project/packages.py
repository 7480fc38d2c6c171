"""Packages: which ones each extra of prodabuild asks for, and which of them are installed in a version that will do."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.markers import Marker

DISTRIBUTION = "prodabuild"


class Package(NamedTuple):
    """A package that is asked for: the versions that will do, and the one that is installed (None: it is not)."""

    name: str
    wanted: str
    version: str | None

    @property
    def fits(self) -> bool:
        """Tell whether it is installed in a version that will do."""
        return self.version is not None and satisfies(self.version, self.wanted)


def required() -> list[str]:
    """Return what the installed prodabuild asks for, nothing where it runs without being installed."""
    try:
        return metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []


def packages_of(extra: str, requirements: Sequence[str]) -> list[Package]:
    """Return the packages of an extra, and of the extras that it names; for "" those that all commands need."""
    from packaging.requirements import Requirement

    found: dict[str, Package] = {}
    for row in (row for row in map(Requirement, requirements) if _belongs(row.marker, extra)):
        if row.name == DISTRIBUTION:
            for other in sorted(row.extras):
                found |= {package.name: package for package in packages_of(other, requirements)}
        else:
            found[row.name] = Package(row.name, str(row.specifier), installed_version(row.name))
    return list(found.values())


def _belongs(marker: Marker | None, extra: str) -> bool:
    """Tell whether a requirement is one of an extra: it holds with it, and not without."""
    if marker is None:
        return not extra
    return marker.evaluate({"extra": extra}) and not (extra and marker.evaluate({"extra": ""}))


def satisfies(version: str, wanted: str) -> bool:
    """Tell whether a version lies within the bounds of a requirement, as pip would."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def installed_version(name: str) -> str | None:
    """Return the installed version of a package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
