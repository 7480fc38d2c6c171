"""Drawings: well-formed, to scale, and with every name in them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from prodabuild.insight.curves import Chart, draw, draw_map

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
    root = ElementTree.fromstring(
        draw_map("excess", {"lag:lag=1": [0.5, 1.0, -1.0], "even": [0.0, 0.2, 0.2]}, ("base", "model", "change"))
    )
    fills = [rect.attrib["fill"] for rect in root.iter(f"{SVG}rect")][1:]
    assert fills[:4] == ["rgb(255,153,153)", "rgb(255,51,51)", "rgb(51,51,255)", "rgb(255,255,255)"]
    assert [text.text for text in root.iter(f"{SVG}text")][:5] == ["excess", "base", "model", "change", "lag:lag=1"]
    assert draw_map("nothing", {}, ()).endswith(b"</svg>\n")
