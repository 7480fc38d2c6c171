"""What a person sees: results on stdout, everything else on stderr, progress only where somebody watches."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from prodabuild.cli.failures import explain
from prodabuild.cli.folding import folded, width_of
from prodabuild.escaping import json_text, logged, masked, visible
from prodabuild.events import Note, Progress, StageFinished, StageStarted, TrainingStep
from prodabuild.problems import render, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

    from prodabuild.cli.failures import Failure
    from prodabuild.events import Event
    from prodabuild.problems import Problem

QUIET_SECONDS = 30.0  # between two lines about one unit when stderr is no terminal


class Console:
    """Prints, and escapes all that it prints. `verbosity`: -1 quiet, 0 normal, 1 and up more."""

    def __init__(self, verbosity: int = 0, as_json: bool = False) -> None:
        self.stages = True  # is the end of a stage worth a line?
        self._last_line = time.monotonic()
        self.configure(verbosity, as_json)

    def configure(self, verbosity: int, as_json: bool) -> None:
        """Set what the options of a command ask for."""
        self.verbosity = verbosity
        self.as_json = as_json
        self._live = _Live() if verbosity >= 0 and sys.stderr.isatty() else None

    def out(self, text: str | Iterable[str]) -> None:
        """Print a result: a text, or lines that hold text of others, which then cannot begin a line of its own."""
        print(shown(text, sys.stdout), flush=True)

    def document(self, text: str | Iterable[str]) -> None:
        """Print lines for another program, such as Markdown: they keep their length."""
        print(shown(text, None), flush=True)

    def commands(self, lines: Iterable[str]) -> None:
        """Print commands for the runner of a workflow, escaped by who wrote them."""
        for line in lines:
            print(visible(masked(line)), flush=True)

    def data(self, data: bytes) -> None:
        """Print a file, escaped by who wrote it."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def json(self, document: dict[str, Any]) -> None:
        """Print the one document that `--json` promises."""
        import orjson

        try:
            text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
        except TypeError:  # half a character, as in a file name that is not UTF-8
            import json

            text = json.dumps(document, indent=2)
        print(json_text(text))

    def error(self, text: str | Iterable[str]) -> None:
        """Print a line that no flag silences."""
        self.close()
        print(shown(text, sys.stderr), file=sys.stderr)

    def note(self, text: str) -> None:
        """Print a line beside the results, unless they alone are asked for."""
        if self.verbosity >= 0:
            self._line(text)

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Print the problems that stand in the way of a command; with `--json` as a document, too."""
        self.error(f"{render(problems)}\n\n{summary(problems)}")
        if self.as_json:
            self.json({"schema": 1, "problems": [problem.to_json() for problem in problems]})

    def fail(self, error: Exception) -> int:
        """Print why the command cannot go on; with `--json` as a document, too. Returns the exit code."""
        failure = explain(error)
        self.error(failure.lines())
        return self.answer(failure)

    def answer(self, failure: Failure) -> int:
        """Print, with `--json`, the document of a failure; returns the exit code."""
        if self.as_json:
            self.json({"schema": 1, "error": {"message": failure.message, "hint": failure.hint, "exit": failure.code}})
        return failure.code

    def close(self) -> None:
        """Take the progress bar off the screen."""
        if self._live:
            self._live.close()

    @property
    def emit(self) -> Callable[[Event], None]:
        """Return the sink of progress events."""
        return self._live_event if self._live else self._plain_event

    def _live_event(self, event: Event) -> None:
        assert self._live is not None
        if isinstance(event, Note):
            self._live.note(event.message, event.warning)
        elif isinstance(event, StageStarted):
            self._live.start(event.stage, event.total)
        elif isinstance(event, Progress):
            self._live.step(event.stage, event.done, event.total, event.detail)
        elif isinstance(event, TrainingStep):
            self._live.step(event.stage, event.step, event.steps, _measured(event))
        elif isinstance(event, StageFinished):
            self._live.finish()
            self._tell_stage(event)
        else:
            self._live.advance(event.stage)

    def _plain_event(self, event: Event) -> None:
        if self.verbosity < 0:
            return
        if isinstance(event, Note):
            self._line(("warning: " if event.warning else "") + event.message)
        elif isinstance(event, StageFinished):
            self._tell_stage(event)
        elif isinstance(event, Progress) and time.monotonic() - self._last_line > QUIET_SECONDS:
            self._line(f"{event.stage}: step {event.done} of {event.total}  {event.detail}")
        elif isinstance(event, TrainingStep) and time.monotonic() - self._last_line > QUIET_SECONDS:
            self._line(f"{event.stage}: step {event.step} of {event.steps}  {_measured(event)}")

    def _tell_stage(self, event: StageFinished) -> None:
        if self.stages:
            self._line(_finished(event))

    def _line(self, text: str) -> None:
        self._last_line = time.monotonic()
        print(shown(text, sys.stderr), file=sys.stderr, flush=True)


def shown(text: str | Iterable[str], stream: TextIO | None) -> str:
    """Return lines as a stream gets them: escaped, secrets hidden, folded between words where a terminal shows them."""
    safe = logged if os.environ.get("GITHUB_ACTIONS") else visible
    width = width_of(stream) if stream else 0
    lines = text.split("\n") if isinstance(text, str) else text
    return "\n".join(folded(safe(masked(line)), width) for line in lines)


def _measured(event: TrainingStep) -> str:
    minutes, seconds = divmod(round(event.seconds_left), 60)
    return (
        f"loss {event.mean_loss:.3f}  {event.tokens_per_second:,.0f} tokens/s  "
        f"{minutes}:{seconds:02} left  {event.memory_mb:,.0f} MB"
    )


def _finished(event: StageFinished) -> str:
    parts = [
        f"{number} {how}"
        for number, how in (
            (event.built, "built"),
            (event.restored, "restored"),
            (event.clean, "clean"),
            (event.failed, "failed"),
            (event.blocked, "blocked"),
        )
        if number
    ]
    return f"{event.stage}: {', '.join(parts)} in {event.seconds:.1f} s"


class _Live:
    """A rich progress bar, made when there is first something to show."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._task: Any = None

    def start(self, stage: str, total: int) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        if self._progress is None:
            colour = bool(os.environ.get("NO_COLOR"))
            console = RichConsole(stderr=True, no_color=colour, markup=False, emoji=False, highlight=False)
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[detail]}", markup=False),
            )
            self._progress = Progress(*columns, console=console, transient=True)
            self._progress.start()
        self._task = self._progress.add_task(visible(stage), total=total, detail="")

    def step(self, stage: str, done: int, total: int, detail: str) -> None:
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total, detail=visible(detail))

    def advance(self, stage: str) -> None:
        if self._progress is not None:
            self._progress.advance(self._task)

    def note(self, message: str, warning: bool) -> None:
        text = shown(("warning: " if warning else "") + message, sys.stderr)
        if self._progress is not None:
            self._progress.console.print(text, style="yellow" if warning else None, soft_wrap=True)
        else:
            print(text, file=sys.stderr)

    def finish(self) -> None:
        if self._progress is not None:
            self._progress.remove_task(self._task)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
