"""`Problem`: one thing wrong in one place of a data repo, and how problems read on a terminal.

Codes are a letter for the area (Y YAML, M manifest, K knowledge, R recipes, S sources, E tests, T training)
and a number; docs/reference/problems.md lists them.
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from prodabuild.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `line` and `column` count from 1; 0 means that the whole file is meant."""

    code: str
    message: str
    file: str
    line: int = 0
    column: int = 0
    hint: str | None = None
    severity: Severity = "error"

    def render(self) -> str:
        """Return `file:line:column: severity[code]: message`, with a `hint:` line when there is one."""
        place = ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])
        text = f"{place}: {self.severity}[{self.code}]: {self.message}"
        return f"{text}\nhint: {self.hint}" if self.hint else text

    def to_json(self) -> dict[str, Any]:
        """Return the fields as they stand in `--json` documents."""
        return asdict(self)


class ProblemsError(ProjectError):
    """Raised where work cannot go on because the project has errors; carries every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(summary(self.problems))


def suggest(word: str, known: Iterable[str], noun: str = "known") -> str | None:
    """Return a hint for a word that is not known: the nearest known one, else the list of all."""
    words = list(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"{noun}: {', '.join(words)}" if 0 < len(words) <= 20 else None


def errors_in(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that are errors, in order."""
    return [problem for problem in problems if problem.severity == "error"]


def raise_errors(problems: Iterable[Problem]) -> None:
    """Raise `ProblemsError` when at least one problem is an error."""
    found = sorted(problems, key=place_of)
    if errors_in(found):
        raise ProblemsError(found)


def place_of(problem: Problem) -> tuple[str, int, int, str]:
    """Sort key: by file, line, column and code."""
    return (problem.file, problem.line, problem.column, problem.code)


def summary(problems: Sequence[Problem]) -> str:
    """Return `2 errors, 1 warning`."""
    counts = Counter(problem.severity for problem in problems)
    parts = [
        f"{counts[name]} {name}{'s' if counts[name] != 1 else ''}" for name in ("error", "warning") if counts[name]
    ]
    return ", ".join(parts) or "no problems"


def render(problems: Sequence[Problem], most_alike: int = 20) -> str:
    """Return all problems as text; past `most_alike` of one code the rest are counted, not printed."""
    seen: Counter[str] = Counter()
    lines = []
    for problem in sorted(problems, key=place_of):
        seen[problem.code] += 1
        if seen[problem.code] <= most_alike:
            lines.append(problem.render())
    lines += [f"... and {n - most_alike} more of {code}" for code, n in sorted(seen.items()) if n > most_alike]
    return "\n".join(lines)
