"""The entry point: find the command, run it, turn what it raises into lines on stderr and an exit code."""

from __future__ import annotations

import gc
import importlib
import io
import os
import signal
import sys
from typing import Any, NoReturn

import click

from prodabuild import __version__
from prodabuild.cli.console import Console
from prodabuild.cli.failures import Failure, tell
from prodabuild.cli.folding import Help
from prodabuild.cli.options import shared
from prodabuild.errors import ExitCode, ProdaError
from prodabuild.escaping import one_line

COMMANDS = (
    *("init", "check", "plan", "why", "compile", "test", "debug", "patch", "diff", "lock", "export", "import"),
    *("push", "pull", "rebuild", "verify", "gc", "doctor", "footprint", "probe", "schema"),
)


click.Context.formatter_class = Help


class _Lazy(click.Group):
    """Loads a command's module when it is asked for, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"prodabuild.cli.{cmd_name}_command").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from prodabuild.problems import suggest

            raise click.UsageError(f"{error.message} {suggest(args[0], COMMANDS) or ''}".rstrip(), ctx) from None


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="prodabuild")
@shared
def cli() -> None:
    """`make` for what a language model is taught.

    \b
    Examples:
      prodabuild check            is the knowledge sound?
      prodabuild plan             what would be built, and why?
    """


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a terminal that knows few letters gets numbers
    gc.set_threshold(200_000, 50, 100)  # builds make millions of small tuples and hardly a cycle
    try:
        code = run(sys.argv[1:])
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the work is done: nothing is left to interrupt
    except KeyboardInterrupt:  # a second Ctrl-C, while the first was answered
        code = ExitCode.INTERRUPTED
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    console = Console(as_json="--json" in arguments)
    try:
        code = cli.main(arguments, prog_name="prodabuild", standalone_mode=False, obj=console)
        sys.stdout.flush()
    except ProdaError as error:
        return tell(console, error)
    except click.ClickException as error:
        return _misused(console, error)
    except (KeyboardInterrupt, click.Abort):
        stopped = Failure("interrupted; finished work is kept", None, ExitCode.INTERRUPTED)
        console.error(stopped.lines())
        return console.answer(stopped)
    except (BrokenPipeError, SystemExit):  # `| head` has seen enough; click leaves by SystemExit then
        _drop_stdout()
        return ExitCode.OUTSIDE
    except Exception as error:  # noqa: BLE001 - the entry point: whatever else happens is our bug
        if isinstance(error, OSError) and _stdout_is_stuck():
            _drop_stdout()
        return console.fail(error)
    return int(code or 0)


def _misused(console: Console, error: click.ClickException) -> int:
    """Print what is wrong with the command line, below how it is used; returns the exit code."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        console.error(error.format_message())
        return ExitCode.USAGE
    message = one_line(error.format_message())
    usage = [*context.get_usage().split("\n"), f"Try '{context.command_path} --help' for help.", ""] if context else []
    console.error([*usage, f"Error: {message}"])
    hint = f"`{context.command_path} --help` says what it takes" if context else None
    return console.answer(Failure(message, hint, ExitCode.USAGE))


def _stdout_is_stuck() -> bool:
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _drop_stdout() -> None:
    """Let nothing more be written to stdout: Python would try again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
