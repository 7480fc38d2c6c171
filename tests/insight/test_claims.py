"""Claim cards: what is no experiment is refused with its place, and what was staked cannot be changed unseen."""

from __future__ import annotations

import pytest

from prodabuild.errors import ProjectError
from prodabuild.events import silent
from prodabuild.insight import trial
from prodabuild.insight.claims import claim_digest, freeze, read_card
from prodabuild.insight.trial import find, run_card, status_of, student
from prodabuild.problems import ProblemsError, render

FILE = "claims/repeats.yaml"
CARD = """title: Few rows
claim: A model that sees sixteen rows again and again is further from the source than one that sees new ones
knob: distinct
baseline: {source: two, steps: 30}
treatment: {source: two, steps: 30, distinct: 16}
direction: higher
n: 32
epsilon: 0.01
refuted_if: the excess grows by 0.01 bit at most
seeds: [1, 2]
"""


def mistakes(text: str) -> str:
    with pytest.raises(ProblemsError) as caught:
        read_card(text.encode(), FILE)
    return render(caught.value.problems)


def test_a_sound_card_is_read_and_its_defaults_are_said() -> None:
    card = read_card(CARD.encode(), FILE)
    assert (card.diagnostic, card.on_text, card.baseline.distinct, card.treatment.distinct) == (
        "excess",
        False,
        None,
        16,
    )
    assert (card.frozen, card.outcome) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("epsilon: 0.01", "epsilom: 0.01", "8:1: error[M012]: unknown key 'epsilom'\nhint: did you mean 'epsilon'?"),
        ("direction: higher", "direction: up", "6:12: error[M013]: direction: input should be 'higher' or 'lower', got 'up'\nhint: known values: higher, lower"),
        ("seeds: [1, 2]", "seeds: [1, 1]", "10:8: error[C001]: a seed stands twice\nhint: each run needs a seed of its own"),
        (", distinct: 16", "", "3:7: error[C001]: the arms differ in nothing, not in distinct alone\nhint: change one thing at a time"),
        ("treatment: {source: two, steps: 30", "treatment: {source: even, steps: 30", "3:7: error[C001]: the arms differ in source and distinct, not in distinct alone\nhint: change one thing at a time"),
        ("baseline: {source: two", "baseline: {source: tow", "3:7: error[C001]: the arms differ in source and distinct, not in distinct alone\nhint: change one thing at a time\nclaims/repeats.yaml:4:20: error[C001]: there is no source 'tow'\nhint: did you mean 'two'?"),
    ],
)  # fmt: skip
def test_mistakes_have_a_place(old: str, new: str, expected: str) -> None:
    assert old in CARD
    assert mistakes(CARD.replace(old, new)) == f"{FILE}:{expected}"


def test_text_has_no_source_to_change() -> None:
    card = CARD.replace("knob: distinct", "knob: source").replace(
        "source: two, steps: 30, distinct: 16", "source: even, steps: 30"
    )
    read_card(card.encode(), FILE)
    assert "error[C001]: real text has no source to be changed" in mistakes(card + "on_text: true\n")


def test_a_frozen_claim_may_be_reformatted_and_not_changed() -> None:
    data, digest = freeze(CARD.encode(), FILE)
    assert data.decode() == f"{CARD}frozen: {digest}\n"
    assert digest == claim_digest(read_card(data, FILE))
    read_card(data.replace(b"n: 32", b"n: 32  # rows\ndiagnostic: excess"), FILE)  # says what was the default
    changed = data.decode().replace("epsilon: 0.01", "epsilon: 0.001")
    assert f"{FILE}:11:9: error[C002]: the claim was changed after it was frozen: it is " in mistakes(changed)
    with pytest.raises(ProjectError, match="was frozen before"):
        freeze(data, FILE)
    with pytest.raises(ProjectError, match="is not frozen"):
        run_card(CARD.encode(), FILE, silent)


def test_an_outcome_is_that_of_its_claim_and_as_the_run_wrote_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter([0.01, 0.2, 0.02, 0.22, 0.01, 0.2])
    monkeypatch.setattr(trial, "_measure", lambda *_: next(given))
    data, _ = freeze(CARD.replace("seeds: [1, 2]", "seeds: [1, 2, 3]").encode(), FILE)
    done, outcome = run_card(data, FILE, silent)
    assert (outcome.status, outcome.internal.verdict, outcome.external) == ("probe-local", "holds", None)
    assert read_card(done, FILE).outcome == outcome
    text = done.decode()
    nicer = mistakes(text.replace("status: probe-local", "status: accepted"))
    assert nicer.endswith("error[C003]: the outcome was changed after the run\nhint: take the change back")
    assert nicer.startswith(f"{FILE}:{text.count(chr(10))}:")
    moved = mistakes(text.replace("epsilon: 0.01", "epsilon: 0.3"))
    assert "error[C002]: the claim was changed after it was frozen" in moved
    assert "hint: take the change back, or write another card" in moved
    again = text.replace("epsilon: 0.01", "epsilon: 0.3").replace("n: 32", "n: 33")
    digest = claim_digest(read_card(again[: again.index("frozen:")].encode(), FILE))
    old = read_card(done, FILE).frozen
    assert old is not None
    forged = mistakes(again.replace(f"frozen: {old}", f"frozen: {digest}"))
    assert "error[C003]: the outcome is that of another claim" in forged
    with pytest.raises(ProjectError, match="was run before"):
        run_card(done, FILE, silent)


@pytest.mark.parametrize(
    ("changes", "direction", "epsilon", "verdict"),
    [
        ([0.20, 0.21, 0.19], "higher", 0.1, "holds"),
        ([0.20, 0.21, 0.19], "higher", 0.19, "undecided"),
        ([0.20, 0.21, 0.19], "higher", 0.3, "refuted"),
        ([0.20, 0.21, 0.19], "lower", 0.0, "refuted"),
        ([-0.20, -0.21, -0.19], "lower", 0.1, "holds"),
        ([0.5, -0.4, 0.1], "higher", 0.0, "undecided"),
    ],
)
def test_a_verdict_is_where_the_whole_interval_lies(
    changes: list[float], direction: str, epsilon: float, verdict: str
) -> None:
    found = find([[1.0, 1.0 + change] for change in changes], direction, epsilon)  # type: ignore[arg-type]
    assert found.verdict == verdict
    assert found.low < found.change < found.high


def test_the_interval_is_student_s() -> None:
    found = find([[0.0, 0.1], [0.0, 0.3]], "higher", 0.0)
    assert (found.change, found.high - found.change) == pytest.approx((0.2, 12.706 * 0.1))


def test_only_what_holds_on_text_is_accepted() -> None:
    holds, against = find([[0, 1.0], [0, 1.1]], "higher", 0.0), find([[0, 1.0], [0, 1.1]], "lower", 0.0)
    holds = holds.model_copy(update={"verdict": "holds"})
    undecided = holds.model_copy(update={"verdict": "undecided"})
    assert status_of(holds, holds) == "accepted"
    assert status_of(holds, None) == status_of(holds, against) == status_of(holds, undecided) == "probe-local"
    assert status_of(undecided, holds) == "undecided"
    assert against.verdict in ("refuted", "undecided")
    assert status_of(against.model_copy(update={"verdict": "refuted"}), holds) == "rejected"


@pytest.mark.parametrize(("free", "quantile"), [(1, 12.706), (15, 2.131), (16, 2.1199), (30, 2.0423), (1000, 1.9623)])
def test_quantiles_are_student_s_however_many_seeds(free: int, quantile: float) -> None:
    assert student(free) == pytest.approx(quantile, abs=1e-3)


def test_one_row_is_no_sample() -> None:
    assert mistakes(CARD.replace("n: 32", "n: 1")).startswith(
        f"{FILE}:7:4: error[M013]: n: input should be greater than or equal to 2, got 1"
    )
