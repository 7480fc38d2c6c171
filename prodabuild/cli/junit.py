"""A test as JUnit XML: a testsuite for each suite and split, a testcase for each item, and the gates.

Of a sealed item there is nothing but its id and whether it was right.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from prodabuild.escaping import visible

if TYPE_CHECKING:
    from prodabuild.project import TestReport
    from prodabuild.project.outcome import TestedItem


def junit(report: TestReport) -> bytes:
    """Return the document."""
    root = ElementTree.Element("testsuites", name="prodabuild")
    for (suite, split), items in groupby(report.items, key=lambda item: (item.suite, item.row.split)):
        found = _suite(root, f"{suite}.{split}")
        properties = ElementTree.SubElement(found, "properties")
        for name in ("acc", "stderr", "base_acc", "calibrated"):
            ElementTree.SubElement(properties, "property", name=name, value=str(report.suites[suite][split][name]))
        for item in items:
            _item(found, item)
    if report.verdict.gates:
        found = _suite(root, "gates")
        for gate in report.verdict.gates:
            case = ElementTree.SubElement(found, "testcase", classname="gates", name=gate.name)
            if not gate.ok:
                message = f"{gate.value:g}, the limit is {gate.limit:g}"
                ElementTree.SubElement(case, "failure", type="gate", message=message)
    for element in root.iter():
        element.attrib.update({name: visible(value) for name, value in element.attrib.items()})
    for element in (*root, root):
        element.set("tests", str(len(element.findall(".//testcase"))))
        element.set("failures", str(len(element.findall(".//failure"))))
    root.set("time", f"{report.seconds:.3f}")
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(root, "testsuite", name=name, errors="0", skipped="0")


def _item(suite: ElementTree.Element, item: TestedItem) -> None:
    row = item.row
    classname = ".".join(part for part in (item.suite, row.split, row.discipline) if part)
    case = ElementTree.SubElement(suite, "testcase", classname=classname, name=row.id)
    if row.correct:
        return
    failure = ElementTree.SubElement(case, "failure", type="wrong", message="wrong")
    if item.text is not None and row.pick is not None:
        choices = item.text["choices"]
        picked, expected = choices[row.pick], choices[item.text["gold"]]
        failure.set("message", f"picked {picked!r}, {expected!r} is right")
        options = zip(choices, row.loglikelihoods, strict=True)
        lines = [item.text["question"], *(f"{value:10.4f}  {choice}" for choice, value in options)]
        failure.text = "\n".join(map(visible, lines))
