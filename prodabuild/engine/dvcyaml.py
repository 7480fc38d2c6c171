"""YAML as DVC writes it: YAML 1.2 plain where it can be, lines of 80 columns, lists not indented."""

from __future__ import annotations

import re
from typing import Any

import yaml

WIDTH = 80
# What DVC's writer reads as something else than text, and therefore quotes when it is text.
_NOT_TEXT = {
    "bool": ("tTfF", r"true|True|TRUE|false|False|FALSE"),
    "float": ("-+.0123456789", r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"),
    "float (no digit before the point)": (
        "-+.",
        r"[-+]?\.[0-9_]+([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    ),
    "int": ("-+0123456789", r"[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+"),
    "merge": ("<", "<<"),
    "null": (("~", "n", "N", ""), r"~|null|Null|NULL|"),
    "timestamp": (
        "0123456789",
        r"\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?([Tt]|[ \t]+)\d\d?:\d\d:\d\d(\.\d*)?([ \t]*(Z|[-+]\d\d?(:\d\d)?))?",
    ),
    "value": ("=", "="),
}


def dump(value: Any) -> str:
    """Return plain data (dicts, lists, text, numbers, true, false, null) as a YAML document."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text


class _Dumper(yaml.SafeDumper):
    event: yaml.ScalarEvent

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def choose_scalar_style(self) -> str:
        style: str = super().choose_scalar_style()
        return '"' if style == "'" and re.search("['\n]", self.event.value) else style

    def write_plain(self, text: str, split: bool = True) -> None:
        """Write words; one that would pass the width goes to a line of its own."""
        if text and not self.whitespace:
            self.write_indicator("", True)
        for word in re.findall(" +|[^ ]+", text):
            if word[0] == " ":
                wraps = split and word == " " and self.column >= self.best_width
            else:
                wraps = self.column + len(word) > self.best_width and self.column > (self.indent or 0)
            if wraps:
                self.write_indent()
            if not wraps or word != " ":
                self.column += len(word)
                self.stream.write(word)
            self.whitespace = self.indention = False


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = repr(value)
    return dumper.represent_scalar("tag:yaml.org,2002:float", f"{text[:-3]}.{text[-3:]}" if text[-1] in "fn" else text)


_Dumper.yaml_implicit_resolvers = {}  # PyYAML's own are those of YAML 1.1
_Dumper.add_representer(float, _float)
_Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", ""))
for _name, (_first, _pattern) in _NOT_TEXT.items():
    _Dumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name.partition(' ')[0]}", re.compile(f"(?:{_pattern})$"), list(_first)
    )
