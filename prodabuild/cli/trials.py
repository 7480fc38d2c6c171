"""What `compile --max-steps` and `compile --show-samples` print."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prodabuild.cli.console import Console
    from prodabuild.project.outcome import TrialReport
    from prodabuild.training.showing import Shown


def tell_trial(console: Console, report: TrialReport) -> None:
    """Print how a trial went."""
    console.close()
    if console.as_json:
        console.json(report.to_json())
        return
    measured = f"loss {report.loss:.3f}, {report.tokens_per_second:,.0f} tokens/s ({report.seconds:.1f} s)"
    console.out(f"trial: {report.steps} of {report.of} steps, {measured}")
    console.out(f"{report.folder} holds what came of them; build/model and proda.lock are as they were")


def tell_samples(console: Console, shown: Iterable[Shown]) -> None:
    """Print samples, each token in quotes."""
    console.close()
    if console.as_json:
        console.json({"schema": 1, "samples": [each._asdict() for each in shown]})
        return
    for each in shown:
        console.out(f"{each.recipe}  {each.sample}: {len(each.given) + len(each.trained)} tokens")
        console.out(f"  given    {_quoted(each.given)}\n  trained  {_quoted(each.trained)}")


def _quoted(tokens: tuple[str, ...]) -> str:
    return " ".join(ascii(token) if not token.isprintable() else f"'{token}'" for token in tokens)
