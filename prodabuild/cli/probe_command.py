"""`prodabuild probe`: what models make of data whose statistics are known, in bits."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prodabuild.cli import probe_tables
from prodabuild.cli.drawings import STDOUT, one_on_stdout, plotting, write_drawing
from prodabuild.cli.options import common, guarded, open_project, shared, trust, visible_device
from prodabuild.cli.tables import columns, markdown_table, spaced
from prodabuild.errors import ExitCode, UsageError
from prodabuild.paths import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prodabuild.cli.console import Console
    from prodabuild.cli.probe_tables import Table
    from prodabuild.insight.apprentice import Recipe

HEAT = click.FloatRange(0, 1e6)
TEMPERATURES = (0.0, 0.5, 0.8, 1.0, 1.25, 1.5, 2.0)


@click.group("probe")
@shared
def command() -> None:
    """Measure models on sources whose entropy is known.

    All figures are bits a symbol. Excess is what a model pays above what the source allows.

    \b
    Examples:
      prodabuild probe source lag:lag=4
      prodabuild probe ladder
    """


def training(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a small model that is trained from nothing; the command gets a `recipe`."""

    @click.option("--steps", type=click.IntRange(1), default=300, help="Optimiser steps.")
    @click.option("--batch", type=click.IntRange(1), default=16, help="Rows a step.")
    @click.option("--length", type=click.IntRange(2), default=128, help="Symbols a row.")
    @click.option("--hidden", type=click.IntRange(32), default=64, help="Width of the model, a multiple of 32.")
    @click.option("--layers", type=click.IntRange(1), default=2, help="Layers of the model.")
    @click.option("--distinct", type=click.IntRange(1), default=None, help="Train on so many rows again and again.")
    @click.option("--held-out", type=click.IntRange(2), default=128, help="Rows that are held out.")
    @click.option("--seed", type=click.IntRange(0), default=1, help="Of weights and rows.")
    @functools.wraps(function)
    def command(**options: Any) -> Any:
        from prodabuild.insight.apprentice import Recipe

        names = ("steps", "batch", "length", "hidden", "layers", "distinct", "held_out", "seed")
        recipe = Recipe(**{name: options.pop(name) for name in names})
        return function(recipe=recipe, **options)

    return command


def asking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what base and model are asked, and where; the command gets it as `asked`."""

    @click.option("--rows", type=click.IntRange(2), help="Rows of a source, each in a context of its own (64).")
    @click.option("--length", type=click.IntRange(2), help="Symbols a row (128).")
    @click.option("--seed", type=click.IntRange(0), help="Of the rows (1).")
    @click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to compute.")
    @guarded
    @functools.wraps(function)
    def command(**options: Any) -> Any:
        asked = {name: options.pop(name) for name in ("rows", "length", "seed", "device", "own_code")}
        return function(asked=asked, **options)

    return command


def drawn(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--md` and `--plot`; a drawing on stdout is all that is printed there."""

    @plotting("Draw it into this file; `-`: to stdout.")
    @click.option("--md", "as_md", is_flag=True, help="Print tables in Markdown.")
    @functools.wraps(function)
    def command(plot: Path | None, as_md: bool, **others: Any) -> Any:
        alone = one_on_stdout(plot=plot, md=as_md and plot == STDOUT)
        return function(plot=plot, as_md=None if alone else as_md, **others)

    return command


def numbers(context: click.Context, option: click.Parameter, values: tuple[float, ...]) -> tuple[float, ...]:
    """Refuse what no range does."""
    if any(math.isnan(value) for value in values):
        raise click.BadParameter("nan is no temperature", context, option)
    return values


@command.command("source")
@click.argument("source", required=False)
@click.option("--length", type=click.IntRange(2), default=128, help="Symbols of a row, for the typical band.")
@click.option("--md", "as_md", is_flag=True, help="Print tables in Markdown.")
@common
def source_(folder: Path, console: Console, source: str | None, length: int, as_md: bool) -> int:
    """Show what is known of a source, or which sources there are.

    \b
    Examples:
      prodabuild probe source
      prodabuild probe source markov:symbols=8,order=2,entropy=1.5
    """
    from prodabuild.insight.catalogue import parse_source

    if source is None:
        _tell(console, as_md, *probe_tables.kinds())
    else:
        _tell(console, as_md, *probe_tables.facts(source, parse_source(source), length))
    return ExitCode.DONE


@command.command("train")
@click.argument("source")
@training
@drawn
@common
def train(folder: Path, console: Console, source: str, recipe: Recipe, as_md: bool | None, plot: Path | None) -> int:
    """Train a small model from nothing on a source: its held-out loss against what the source allows.

    \b
    Examples:
      prodabuild probe train lag:lag=8
      prodabuild probe train markov:symbols=8,order=2,entropy=1.5 --steps 600 --plot curve.svg
    """
    from prodabuild.insight.apprentice import learn
    from prodabuild.insight.catalogue import parse_source

    found = parse_source(source)
    learnt = learn(found, recipe, console.emit)
    console.close()
    _tell(console, as_md, *probe_tables.course(source, found, learnt))
    write_drawing(console, folder, plot, lambda: probe_tables.draw_course(source, found, learnt))
    return ExitCode.DONE


@command.command("decode")
@click.argument("source")
@click.option("-t", "--temperature", "temperatures", type=HEAT, callback=numbers, multiple=True, help="Decode at it.")
@click.option("--rollouts", type=click.IntRange(2), default=256, help="Rows that the model writes at each.")
@training
@drawn
@common
def decode(
    folder: Path,
    console: Console,
    source: str,
    temperatures: tuple[float, ...],
    rollouts: int,
    recipe: Recipe,
    as_md: bool | None,
    plot: Path | None,
) -> int:
    """Train as `train` does, let the model write hotter and colder, and score what it writes by the source.

    \b
    Examples:
      prodabuild probe decode markov:symbols=8,entropy=1.5
      prodabuild probe decode golden -t 0 -t 1 -t 2 --plot regimes.svg
    """
    from prodabuild.insight.apprentice import alphabet_of, learn
    from prodabuild.insight.catalogue import parse_source
    from prodabuild.insight.decoding import sweep, write

    found = parse_source(source)
    model, letters = learn(found, recipe, console.emit).model, alphabet_of(found)
    heats = sorted(temperatures or TEMPERATURES)
    written = {heat: write(model, letters, rollouts, recipe.length, heat, recipe.seed) for heat in heats}
    swept = sweep(found, written, recipe.seed)
    console.close()
    _tell(console, as_md, *probe_tables.regimes(source, found, swept))
    write_drawing(console, folder, plot, lambda: probe_tables.draw_regimes(source, found, swept))
    return ExitCode.DONE


@command.command("context")
@click.argument("source")
@asking
@drawn
@common
def context(
    folder: Path,
    console: Console,
    source: str,
    asked: dict[str, Any],
    as_md: bool | None,
    plot: Path | None,
) -> int:
    """Show what base and model learn of a source within one context, symbols written as words of one token.

    \b
    Examples:
      prodabuild probe context fresh:symbols=4
      prodabuild probe context lag:lag=8 --plot context.svg
    """
    report = _probe(folder, console, (source,), **asked)
    _tell(console, as_md, *probe_tables.contexts(report))
    write_drawing(console, folder, plot, lambda: probe_tables.draw_contexts(report))
    return ExitCode.DONE


@command.command("ladder")
@click.argument("sources", nargs=-1)
@asking
@drawn
@common
def ladder(
    folder: Path,
    console: Console,
    sources: tuple[str, ...],
    asked: dict[str, Any],
    as_md: bool | None,
    plot: Path | None,
) -> int:
    """Put a ladder of sources before base and model: what fine-tuning did to learning in context.

    Without sources and numbers it is the ladder that proda.yaml declares, else one that ships.

    \b
    Examples:
      prodabuild probe ladder
      prodabuild probe ladder lag:lag=1 lag:lag=2 lag:lag=4 --rows 256 --md
    """
    report = _probe(folder, console, sources, **asked)
    _tell(console, as_md, *probe_tables.rungs(report))
    write_drawing(console, folder, plot, lambda: probe_tables.draw_rungs(report))
    return ExitCode.DONE


@command.command("freeze")
@click.argument("card", type=click.Path(dir_okay=False, path_type=Path))
@common
def freeze(folder: Path, console: Console, card: Path) -> int:
    """Settle a claim card: what is claimed and what would refute it, before anything is run.

    \b
    Examples:
      prodabuild probe freeze claims/repetition.yaml
      prodabuild probe freeze claims/repetition.yaml --json
    """
    from prodabuild.insight import claims

    data, digest = claims.freeze(_read(folder, card), str(card))
    _replace(folder, card, data)
    if console.as_json:
        console.json({"schema": 1, "card": str(card), "frozen": digest})
    else:
        console.out(f"{card}: frozen as {digest[:12]}; commit it, then `prodabuild probe run {card}`")
    return ExitCode.DONE


@command.command("run")
@click.argument("card", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--md", "as_md", is_flag=True, help="Print tables in Markdown.")
@common
def run(folder: Path, console: Console, card: Path, as_md: bool) -> int:
    """Run a frozen claim card, both arms with every seed, and write below it what was found.

    \b
    Examples:
      prodabuild probe run claims/repetition.yaml
      prodabuild probe run claims/repetition.yaml --md
    """
    from prodabuild.insight.claims import read_card
    from prodabuild.insight.trial import run_card

    data, _ = run_card(_read(folder, card), str(card), console.emit)
    console.close()
    _replace(folder, card, data)
    _tell(console, as_md, *probe_tables.cards({str(card): read_card(data, str(card))}))
    return ExitCode.DONE


@command.command("verify")
@click.argument("cards", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--md", "as_md", is_flag=True, help="Print tables in Markdown.")
@common
def verify(folder: Path, console: Console, cards: tuple[Path, ...], as_md: bool) -> int:
    """Refuse claim cards whose claim was changed after it was frozen, or whose outcome after the run.

    \b
    Examples:
      prodabuild probe verify claims/repetition.yaml
      prodabuild probe verify claims/repetition.yaml --md
    """
    from prodabuild.insight.claims import read_card
    from prodabuild.problems import Problem, ProblemsError

    found, problems = {}, list[Problem]()
    for card in cards:
        try:
            found[str(card)] = read_card(_read(folder, card), str(card))
        except ProblemsError as error:
            problems += error.problems
    if problems:
        raise ProblemsError(problems)
    _tell(console, as_md, *probe_tables.cards(found))
    return ExitCode.DONE


def _read(folder: Path, card: Path) -> bytes:
    try:
        return read_regular(folder / card)
    except FileNotFoundError:
        raise UsageError(f"there is no card {card}") from None


def _replace(folder: Path, card: Path, data: bytes) -> None:
    from prodabuild.engine.store import place

    file = folder / card
    place(file.parent, file.name, data, file.parent)


def _probe(
    folder: Path, console: Console, sources: tuple[str, ...], device: str, own_code: bool, **numbers: int | None
) -> Any:
    from prodabuild.insight.rungs import ProbeRequest
    from prodabuild.project import Options

    given: dict[str, Any] = {name: number for name, number in numbers.items() if number is not None}
    given |= {"sources": sources} if sources else {}
    request = ProbeRequest(**given) if given else None
    options = Options("model", device=visible_device(device), emit=console.emit, own_code=own_code, trust=trust())
    report = open_project(folder).probe(options, request)
    console.close()
    return report


def _tell(
    console: Console, as_md: bool | None, document: dict[str, Any], tables: Sequence[Table], last: str = ""
) -> None:
    """Print a document, or its tables and a line below them; nothing where `as_md` is None."""
    if as_md is None:
        return
    if console.as_json:
        console.json({"schema": 1, **document})
        return
    lines = spaced([*(_lines(table, as_md) for table in tables), *([last.split("\n")] if last else [])])
    if as_md:
        console.document(lines)
    else:
        console.out(lines)


def _lines(table: Table, as_md: bool) -> list[str]:
    if as_md:
        return markdown_table(table.header, table.rows, table.names)
    return columns([table.header, *table.rows], table.names)
