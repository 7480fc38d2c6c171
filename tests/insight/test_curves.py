"""Drawings: well-formed, to scale, and with every name in them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest

from prodabuild.insight.curves import Chart, Map, apart, draw, steps

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_has_its_curves_lines_and_band_to_scale() -> None:
    curves = {"model": [(0.0, 2.0), (1.0, 1.0), (3.0, 0.5)], "a < b & c": [(0.0, 1.0), (3.0, 1.0)]}
    root = ElementTree.fromstring(draw(Chart("title", "step", curves, {"rate": 0.5}, (0.25, 0.75), logarithmic=True)))
    first, second = (
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in root.iter(f"{SVG}polyline")
    )
    (x0, top), (x1, middle), (x3, low) = first
    assert x1 - x0 == pytest.approx((x3 - x0) / 2, abs=0.11)  # log2 of 1 + step: 0, 1, 2
    assert middle - top == pytest.approx(2 * (low - middle), abs=0.21)
    assert second[0][1] == second[1][1] == middle
    band = next(rect for rect in root.iter(f"{SVG}rect") if "y" in rect.attrib)
    assert float(band.attrib["y"]) < low < float(band.attrib["y"]) + float(band.attrib["height"])
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"title", "step", "model", "a < b & c", "rate 0.5"} <= set(texts)


def test_a_map_is_red_above_and_blue_below() -> None:
    drawn = Map("excess", ("base", "model", "change"), {"lag:lag=1": [0.5, 1.0, -1.0], "even": [0.0, 0.2, 0.2]})
    root = ElementTree.fromstring(draw(drawn))
    fills = [rect.attrib["fill"] for rect in root.iter(f"{SVG}rect")][1:]
    assert fills[:4] == ["rgb(255,153,153)", "rgb(255,51,51)", "rgb(51,51,255)", "rgb(255,255,255)"]
    texts = list(root.iter(f"{SVG}text"))
    assert [text.text for text in texts][:5] == ["excess", "base", "model", "change", "lag:lag=1"]
    assert [text.text for text in texts if text.attrib.get("fill") == "white"] == ["1.000", "-1.000"]
    assert draw(Map("nothing", (), {})).endswith(b"</svg>\n")


def test_drawings_stand_below_each_other_and_none_is_cut() -> None:
    chart = Chart("title", "step", {"model": [(0.0, 1.0), (2.0, 0.5)]}, {})
    drawn = Map("excess", ["1 to 1", "129 to 256"], {"a source with a name that is rather long": [0.1, 0.2]})
    root = ElementTree.fromstring(draw(chart, drawn))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    first, second = (float(group.attrib["transform"][10:-1].split()[1]) for group in root.iter(f"{SVG}g"))
    assert (first, second) == (0, 360)
    cells = list(root.iter(f"{SVG}rect"))[1:]
    assert all(float(cell.attrib["x"]) + float(cell.attrib["width"]) <= width for cell in cells)
    assert all(second + float(cell.attrib["y"]) + float(cell.attrib["height"]) <= height for cell in cells)


def test_names_at_the_side_do_not_lie_on_each_other() -> None:
    assert apart([30.0, 10.0, 12.0, 100.0]) == [38.0, 10.0, 24.0, 100.0]
    assert apart([]) == []
    lines = {f"order {order}": 1.5 + order / 100 for order in range(4)}
    root = ElementTree.fromstring(draw(Chart("t", "x", {"model": [(0.0, 1.5), (1.0, 1.5)]}, lines)))
    heights = sorted(float(text.attrib["y"]) for text in root.iter(f"{SVG}text") if "fill" in text.attrib)
    assert len(heights) == 5
    assert min(b - a for a, b in pairwise(heights)) >= 14


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 3.2, [0, 1, 2, 3]),
        (-62, 0, [-60, -40, -20, 0]),
        (0, 0, [0]),
        (0.3, 0.7, [0.3, 0.4, 0.5, 0.6, 0.7]),
    ],
)
def test_steps_are_round(low: float, high: float, expected: list[float]) -> None:
    assert steps(low, high) == pytest.approx(expected)
