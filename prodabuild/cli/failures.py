"""What went wrong, in words and with its exit code; a build that kept going may have several tales to tell."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.errors import ExitCode, ProdaError, UnitsError, outside
from prodabuild.escaping import masked
from prodabuild.problems import ProblemsError, render

if TYPE_CHECKING:
    from prodabuild.cli.console import Console


class Failure(NamedTuple):
    """Why a command cannot go on, what may help, and the exit code."""

    message: str
    hint: str | None
    code: int

    def lines(self) -> list[str]:
        """Return what a terminal shows."""
        lines = [self.message if self.code in (ExitCode.BUG, ExitCode.INTERRUPTED) else f"error: {self.message}"]
        if not self.hint:
            return lines
        return [*lines, *(f"hint: {self.hint}".split("\n") if self.code == ExitCode.BUG else [f"hint: {self.hint}"])]


def explain(error: Exception) -> Failure:
    """Return what to say of an exception, and the exit code that it ends in. What is not foreseen is our bug."""
    if isinstance(error, ProdaError):
        return Failure(message_of(error), error.hint, error.exit_code)
    if isinstance(error, OSError):
        return explain(outside(error))
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("prodabuild"):
        package = (error.name or "").partition(".")[0]
        extra = "export" if package == "pyarrow" else "train,eval"
        message = f"this needs the package {package!r}, which is not installed"
        return Failure(message, f"pip install 'prodabuild[{extra}]'", ExitCode.OUTSIDE)
    return _bug(error)


def tell(console: Console, error: ProdaError) -> int:
    """Print what is wrong; returns the exit code."""
    if isinstance(error, ProblemsError):
        console.refuse(error.problems)
        return error.exit_code
    return tell_units(console, error) if isinstance(error, UnitsError) else console.fail(error)


def message_of(error: ProdaError) -> str:
    """Return an exception's message and what was noted on its way here."""
    return error.message + "".join(f" ({note})" for note in getattr(error, "__notes__", ()))


def tell_units(console: Console, failed: UnitsError) -> int:
    """Print every failure, those that are alike once, and name all units; returns the gravest exit code."""
    found = [(unit, error) for unit, error in failed.failures if isinstance(error, ProblemsError)]
    problems = list(dict.fromkeys(problem for _, error in found for problem in error.problems))
    told = {unit: explain(error) for unit, error in failed.failures if not isinstance(error, ProblemsError)}
    texts = render(problems, most_alike=len(problems)).split("\n") if problems else []
    console.error([*texts, *(line for each in told.values() for line in each.lines()), "", failed.message])
    codes = {each.code for each in told.values()} | {int(ExitCode.PROJECT_WRONG) for _ in problems[:1]}
    code = next(code for code in (ExitCode.BUG, ExitCode.PROJECT_WRONG, *codes) if code in codes)
    if console.as_json:
        error = {"message": failed.message, "hint": None, "exit": code}
        units = [{"unit": unit, "message": _short(error)} for unit, error in failed.failures]
        rows = [problem.to_json() for problem in problems]
        console.json({"schema": 1, "error": error, "problems": rows, "failed": units, "blocked": list(failed.blocked)})
    return code


def _short(error: Exception) -> str:
    return error.problems[0].message if isinstance(error, ProblemsError) else str(error)


def _bug(error: Exception) -> Failure:
    text = masked("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="prodabuild-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as report:
            report.write(text)
        hint = f"please report it with {Path(report.name)}"
    except OSError:  # no room for a file
        hint = f"please report it with this\n{text}"
    return Failure(masked(f"a bug in prodabuild: {type(error).__name__}: {error}"), hint, ExitCode.BUG)
