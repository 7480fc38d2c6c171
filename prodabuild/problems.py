"""`Problem`: one thing wrong in one place of a data repo, and how problems read on a terminal.

Codes are a letter for the area (Y text, M manifest, K knowledge, P patches, R recipes, L leaks, T tests,
C claims, I imports) and a number; they never change their meaning.
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from prodabuild.errors import ProjectError
from prodabuild.escaping import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Severity = Literal["error", "warning"]
LONGEST = 200  # characters of a word that others are compared with: the time grows with the square
CODES = {
    "Y001": "A byte is not UTF-8.",
    "Y002": "The file is not YAML.",
    "Y003": "Anchors and aliases are not read: a small file could stand for gigabytes.",
    "Y004": "A key stands twice in one mapping, or in one JSON object.",
    "Y005": "More than plain data: tags, keys that are no text, very deep nesting, numbers of more than 100 digits.",
    "Y006": "More than one YAML document in a file.",
    "Y007": "A line is not JSON.",
    "M001": "There is no proda.yaml.",
    "M002": "A file is not a mapping of keys.",
    "M011": "A key is missing.",
    "M012": "A key is not known.",
    "M013": "A value has the wrong type, or lies out of its range.",
    "M014": "Two settings contradict each other.",
    "M015": "There is no such recipe.",
    "M016": "The base is not there, or not pinned.",
    "M017": "Two recipes have one name.",
    "M018": "A file of recipes has a path that Python cannot import.",
    "M019": "The ratios are not those of the recipes.",
    "M020": "A path is absolute, or not written with forward slashes.",
    "M021": "A path leaves the repository by `..`.",
    "M022": "A symbolic link leads outside the repository.",
    "M023": "A path does not exist.",
    "M024": "A file belongs to two disciplines.",
    "M025": "A folder is a symbolic link, so that its files would be missed.",
    "M026": "A source of probes cannot be read, or not drawn from.",
    "M027": "The name of a file is not UTF-8, or holds a control character.",
    "M029": "A file is none: it is a named pipe, a socket, a device or a folder.",
    "M030": "A task file declares no task or group, or one that another declares, too.",
    "K001": "A record has a field that its level does not have.",
    "K002": "A record lacks a field that its level must have.",
    "K003": "A field has the wrong type, or is empty.",
    "K004": "An id is used twice.",
    "K005": "A record refers to one that is not there, or is of another level.",
    "K006": "A relation's predicate is not declared.",
    "K007": "Two steps of a chain do not join.",
    "K008": "No relation reaches a concept.",
    "K009": "A discipline has no record.",
    "K010": "A text cannot be an id.",
    "K011": "A file of records has an unknown section, or a line that is no record.",
    "K012": "A definition is only the concept's own name.",
    "K013": "Concepts are defined by each other's names alone.",
    "K014": "A definition begins with the term that it defines.",
    "K015": "Two relations, or two chains, state the same.",
    "K016": "Two concepts have the same definition.",
    "K017": "Two concepts of a discipline have the same name.",
    "K018": "Two definitions are nearly the same.",
    "K019": "Nothing follows from a chain, so no test item is made of it.",
    "K020": "A predicate is not declared as it must be.",
    "K021": "A predicate names one that is not declared.",
    "K022": "What a predicate says of itself, or its inverse says of it, cannot all be true.",
    "K023": "A sentence of a predicate has a wrong mark, lacks one, or ends as it must not.",
    "K030": "Relations of an acyclic predicate form a cycle.",
    "K031": "Two relations contradict each other.",
    "K032": "A concept is of two kinds that are declared disjoint.",
    "K033": "Relations of several predicates conclude that a concept is below itself.",
    "K040": "A quote does not stand in its document.",
    "K041": "A span lies outside its document, or is not where the quote stands.",
    "K042": "A document is not in the folder of sources that it is said to be in.",
    "K043": "A document is no file of the repository, so that quotes from it are not verified.",
    "K044": "A document is not text, so that quotes from it are not verified.",
    "K045": "A record does not say where it was taken from (asked for by `check --strict`).",
    "K046": "A name holds what nobody can see: a control, zero-width or bidirectional character.",
    "P001": "A file in patches/ is not named `NNNN-slug.yaml`.",
    "P002": "Two patches have one number.",
    "P003": "A patch lacks a key, has an unknown one, or one of the wrong type.",
    "P004": "A patch changes a record that is not there.",
    "P005": "A patch adds a record that is there.",
    "P006": "A patch expects another old value than there is.",
    "P007": "Two patches change the same, or one patch does twice.",
    "P008": "A patch would give a record another id.",
    "P009": "Nobody can tell which file a record goes to.",
    "P010": "A patch comes after itself, or after a later one.",
    "P011": "A line of patches/trials.jsonl is no record of a trial.",
    "R001": "A file of recipes, or one that it imports, is not Python.",
    "R002": "A recipe does not take one parameter `concept` or `relation`.",
    "R003": "A recipe raised an exception.",
    "R004": "A recipe yielded what is no sample, an empty sample, or one variant twice.",
    "R005": "A build would run code of the repository, and `--no-own-code` forbids that.",
    "L001": "A training sample and a test item share 13 words in a row.",
    "L002": "A training sample and a test item have nearly the same words (Jaccard index of 0.8 or more).",
    "T001": "A suite from chains has no item: nothing is tested.",
    "T002": "A discipline makes no test item.",
    "T003": "A share of the items is declared sealed, and none is.",
    "T004": "Too few chains to balance the items of a discipline: what comes often may tell an answer.",
    "C001": "A claim card is no experiment: its arms, its source or its seeds.",
    "C002": "A claim was changed after it was frozen.",
    "C003": "An outcome is not what the run of the claim wrote.",
    "I001": "A source cannot be read in its format.",
    "I002": "A row or a mapping lacks something, or says what is not allowed.",
    "I003": "A name in a source stands for no concept, or for more than one.",
    "I004": "A concept was left out: it has no name, no definition, or no relation.",
    "I005": "Two documents define a concept differently; the first definition was kept.",
    "I006": "The record of an import is not what an import wrote.",
    "I007": "A source has no definition of a concept; one was made from the concept's place among others.",
    "I010": "A link in a source leads nowhere, or nobody can tell where to; it was left out.",
    "I011": "A link in a source leads elsewhere than its words; it was rebuilt.",
    "I012": "A quote stands in none of the documents at hand, or in several; it was left out.",
    "I020": "A record changed here and in its source, since the last import.",
    "I021": "A record is gone from its source.",
}
WARNINGS = frozenset((
    "K014", "K016", "K017", "K018", "K019", "K033", "K043", "K044", "K045", "K046",
    "T001", "T002", "T003", "T004",
    "I004", "I005", "I007", "I010", "I011", "I012", "I021",
))  # fmt: skip


def severity_of(code: str) -> Severity:
    """Return how grave a code is, unless it is graded anew."""
    return "warning" if code in WARNINGS else "error"


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
        place = ":".join([visible(self.file), *(str(n) for n in (self.line, self.column) if n)])
        text = f"{place}: {self.severity}[{self.code}]: {visible(self.message)}"
        return f"{text}\nhint: {visible(self.hint)}" if self.hint else text

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
    short = [other for other in words if len(other) <= LONGEST] if len(word) <= LONGEST else []
    close = difflib.get_close_matches(word, short, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"{noun}: {', '.join(words)}" if 0 < len(words) <= 20 else None


def errors_in(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that are errors, in order."""
    return [problem for problem in problems if problem.severity == "error"]


def regrade(problems: Iterable[Problem], grades: Mapping[str, str]) -> list[Problem]:
    """Return problems with their warnings made errors, left as they are, or dropped.

    `grades` maps a code, or `""` for all others, to `error`, `default` or `ignore`. Errors stay errors.
    """
    graded = []
    for problem in problems:
        grade = grades.get(problem.code, grades.get("", "default"))
        if problem.severity == "error" or grade == "default":
            graded.append(problem)
        elif grade == "error":
            graded.append(replace(problem, severity="error"))
    return graded


def raise_errors(problems: Iterable[Problem]) -> None:
    """Raise `ProblemsError` when at least one problem is an error."""
    found = sorted(problems, key=place_of)
    if errors_in(found):
        raise ProblemsError(found)


def place_of(problem: Problem) -> tuple[str, int, int, str, str]:
    """Sort key: by file, line, column, code and message."""
    return (problem.file, problem.line, problem.column, problem.code, problem.message)


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
