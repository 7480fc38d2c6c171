"""What went wrong, in words and with its exit code; a build that kept going may have several tales to tell."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from prodabuild.errors import ExitCode, ProdaError, UnitsError, outside
from prodabuild.problems import ProblemsError, render

if TYPE_CHECKING:
    from prodabuild.cli.console import Console


def explain(error: Exception) -> tuple[str, int]:
    """Return what to say of an exception, and the exit code that it ends in. What is not foreseen is our bug."""
    if isinstance(error, ProdaError):
        return f"error: {message_of(error)}" + (f"\nhint: {error.hint}" if error.hint else ""), error.exit_code
    if isinstance(error, OSError):
        return explain(outside(error))
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("prodabuild"):
        package = (error.name or "").partition(".")[0]
        extra = "export" if package == "pyarrow" else "train,eval"
        text = f"error: this needs the package {package!r}, which is not installed"
        return f"{text}\nhint: pip install 'prodabuild[{extra}]'", ExitCode.OUTSIDE
    return _bug(error), ExitCode.BUG


def tell(console: Console, error: ProdaError) -> int:
    """Print what is wrong; returns the exit code."""
    if isinstance(error, ProblemsError):
        console.refuse(error.problems)
    elif isinstance(error, UnitsError):
        return tell_units(console, error)
    else:
        console.fail(error)
    return error.exit_code


def message_of(error: ProdaError) -> str:
    """Return an exception's message and what was noted on its way here."""
    return error.message + "".join(f" ({note})" for note in getattr(error, "__notes__", ()))


def tell_units(console: Console, failed: UnitsError) -> int:
    """Print every failure, those that are alike once, and name all units; returns the gravest exit code."""
    found = [(unit, error) for unit, error in failed.failures if isinstance(error, ProblemsError)]
    problems = list(dict.fromkeys(problem for _, error in found for problem in error.problems))
    told = {unit: explain(error) for unit, error in failed.failures if not isinstance(error, ProblemsError)}
    texts = [render(problems, most_alike=len(problems))] if problems else []
    console.error("\n".join([*texts, *(text for text, _ in told.values()), "", failed.message]))
    codes = {code for _, code in told.values()} | {int(ExitCode.PROJECT_WRONG) for _ in problems[:1]}
    code = next(code for code in (ExitCode.BUG, ExitCode.PROJECT_WRONG, *codes) if code in codes)
    if console.as_json:
        error = {"message": failed.message, "hint": None, "exit": code}
        units = [{"unit": unit, "message": _short(error)} for unit, error in failed.failures]
        rows = [problem.to_json() for problem in problems]
        console.json({"schema": 1, "error": error, "problems": rows, "failed": units, "blocked": list(failed.blocked)})
    return code


def _short(error: Exception) -> str:
    return error.problems[0].message if isinstance(error, ProblemsError) else str(error)


def _bug(error: Exception) -> str:
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="prodabuild-", suffix=".txt", delete=False, encoding="utf-8"
        ) as report:
            report.write(text)
        hint = f"please report it with {Path(report.name)}"
    except OSError:  # no room for a file
        hint = f"please report it with this\n{text}"
    return f"a bug in prodabuild: {type(error).__name__}: {error}\nhint: {hint}"
