"""Packages: which ones each extra of prodabuild asks for, and which of them are installed in a version that will do."""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DISTRIBUTION = "prodabuild"
_REQUIREMENT = re.compile(r"([\w.-]+)\s*(?:\[([\w, -]*)\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
_CLAUSE = re.compile(r"(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)")
_HOLDS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
}


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
    found: dict[str, Package] = {}
    for row in requirements:
        parts = _REQUIREMENT.match(row)
        marker = _EXTRA.search(row)
        if parts is None or (marker[1] if marker else "") != extra:
            continue
        name, inner, wanted = parts[1], parts[2], (parts[3] or "").strip()
        if name == DISTRIBUTION:
            for other in _names(inner or ""):
                found |= {package.name: package for package in packages_of(other, requirements)}
        else:
            found[name] = Package(name, wanted, installed_version(name))
    return list(found.values())


def satisfies(version: str, wanted: str) -> bool:
    """Tell whether a version lies within the bounds of a requirement; what is no bound on numbers is passed over."""
    return all(_HOLDS[sign](_release(version), _release(bound)) for sign, bound in _CLAUSE.findall(wanted))


def installed_version(name: str) -> str | None:
    """Return the installed version of a package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, without zeros at its end."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _names(extras: str) -> Iterable[str]:
    return filter(None, (name.strip() for name in extras.split(",")))
