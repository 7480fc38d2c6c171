import math
from typing import Any

import pytest

from prodabuild.insight.regime_picture import draw_regimes
from prodabuild.insight.regimes import Comparison, compare_runs, effect_of


def run(arm: str, seed: int, sealed: float, framed: float, size: float) -> dict[str, Any]:
    scores = {"dev": 0.5, "sealed": sealed, "framed": framed, "listed": 0.3}
    return {
        "arm": arm,
        "seed": seed,
        "scores": {name: {"acc": acc, "n": 100} for name, acc in scores.items()},
        "text": 5.0 + seed / 10,
        "probe": {"even": {"excess": 1.0, "error": 0.1}},
        "data": {"samples": 10, "distinct": 10 if arm == "all" else 1, "records": 4, "tokens": 99},
        "footprint": {"size": size},
    }


BASE = {key: value for key, value in run("", 0, 0.25, 0.25, 0.0).items() if key not in ("data", "footprint")}
RUNS = [
    run("all", 1, 0.50, 0.40, 0.10),
    run("all", 2, 0.52, 0.44, 0.12),
    run("few", 1, 0.60, 0.30, 0.30),
    run("few", 2, 0.62, 0.30, 0.34),
]


@pytest.fixture
def comparison() -> Comparison:
    return compare_runs("regimes", BASE, RUNS)


def test_an_effect_is_a_difference_with_students_interval_and_in_pooled_deviations() -> None:
    found = effect_of([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    half = 2.776 * math.sqrt(2 / 3)  # of 4 degrees of freedom, both deviations being 1
    assert found.difference == pytest.approx(-1)
    assert (found.low, found.high) == pytest.approx((-1 - half, -1 + half))
    assert found.deviations == pytest.approx(-1)
    assert not found.apart
    assert effect_of([11.0, 12.0, 13.0], [2.0, 3.0, 4.0]).apart


def test_seeds_that_all_agree_leave_no_deviation_to_measure_by() -> None:
    found = effect_of([2.0, 2.0], [1.0, 1.0])
    assert (found.deviations, found.low, found.high, found.apart) == (None, 1.0, 1.0, True)


def test_arms_are_compared_with_the_first_figure_by_figure(comparison: Comparison) -> None:
    assert comparison.arms == ("all", "few")
    assert comparison.seeds == (1, 2)
    assert comparison.figures["size"]["few"].mean == pytest.approx(0.32)
    assert comparison.figures["size"]["few"].deviation == pytest.approx(math.sqrt(0.0008))
    assert comparison.effects["sealed"]["few"].difference == pytest.approx(0.1)
    assert comparison.figures["off_format"]["all"].mean == pytest.approx((0.42 + 0.3) / 2)
    assert "size" not in comparison.base
    assert comparison.data["few"]["distinct"] == 1
    assert comparison.items == {"dev": 100, "sealed": 100, "framed": 100, "listed": 100}


def test_a_run_lies_where_it_gained_over_the_base(comparison: Comparison) -> None:
    spot = comparison.spots[2]
    assert (spot.arm, spot.seed) == ("few", 1)
    assert spot.target == pytest.approx(0.35)
    assert spot.other == pytest.approx((0.30 - 0.25) / 2)


def test_the_plot_has_a_dot_for_each_run_and_names_every_arm(comparison: Comparison) -> None:
    drawing = draw_regimes(comparison)
    assert drawing.count("<circle") == 4
    assert "<title>few, seed 2</title>" in drawing
    assert ">gain on sealed items<" in drawing
    assert ">all</text>" in drawing
    assert ">few</text>" in drawing


def test_without_tests_there_are_figures_of_weights_and_nothing_to_plot() -> None:
    untested = compare_runs("regimes", BASE | {"scores": {}}, [run | {"scores": {}} for run in RUNS])
    assert list(untested.figures) == ["text", "excess even", "size"]
    assert untested.spots == ()
    assert "<circle" not in draw_regimes(untested)
