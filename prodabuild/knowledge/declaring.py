"""New predicates in a data repo's own file of them: below what stands there, which is left as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.errors import ProjectError
from prodabuild.knowledge.declarations import parse_predicates
from prodabuild.knowledge.files import flow, scalar
from prodabuild.knowledge.layout import layout_of
from prodabuild.yamlio import decode, load, locate

if TYPE_CHECKING:
    from collections.abc import Mapping


def declare(data: bytes, file: str, predicates: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return the bytes of a sound file of predicates (or of none yet) with more of them."""
    layout = layout_of(data)
    text = decode(layout.plain(data))
    tree = load(text)
    names = list(tree["predicates"]) if tree else []
    column = locate(text, ("predicates", names[0]), key=True)[1] if names else 3
    indent = " " * (column - 1)
    lines = [text.rstrip("\n")] if names else [*text.rstrip("\n").splitlines(), "predicates:"]
    for name, fields in predicates.items():
        lines.append(f"{indent}{scalar(name)}:")
        lines += [f"{indent}  {field}: {_value(value)}" for field, value in fields.items()]
    made = layout.laid(("\n".join(lines) + "\n").encode())
    found, problems = parse_predicates(made, file)
    if problems or {predicate.name for predicate in found} != {*names, *predicates}:
        hint = f"write its predicates one below the other, or declare these yourself: {', '.join(predicates)}"
        raise ProjectError(f"{file}: predicates cannot be added below what stands there", hint)
    return made


def _value(value: Any) -> str:
    return flow(value) if isinstance(value, dict) else scalar(value)
