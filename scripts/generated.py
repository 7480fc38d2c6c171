"""Write the files that are made from code: `dvc.yaml`, the JSON Schemas and the pages of docs/reference.

python scripts/generated.py
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from prodabuild.cli.main import COMMANDS, cli
from prodabuild.cli.schema_command import schemas
from prodabuild.errors import ExitCode
from prodabuild.knowledge import declarations
from prodabuild.knowledge.files import SECTIONS
from prodabuild.knowledge.predicates import BUILTIN
from prodabuild.knowledge.records import FIELDS
from prodabuild.manifest.load import read_manifest
from prodabuild.manifest.schema import manifest_schema
from prodabuild.problems import CODES, severity_of
from prodabuild.versioning.pipeline import dvc_yaml

ROOT = Path(__file__).parent.parent
NOTE = "<!-- Made from code by `make generated`; do not edit. -->\n"
EXITS = {
    ExitCode.DONE: "done",
    ExitCode.PROJECT_WRONG: "the project is wrong: running again without a change will not help",
    ExitCode.USAGE: "wrong command line",
    ExitCode.GATE_FAILED: "a test gate failed, or coverage is below what `check --fail-under` asks",
    ExitCode.STALE: "stale: `--locked` or `plan --check` found something to do",
    ExitCode.OUTSIDE: "the outside world (disk, network, a package that is not installed): safe to retry",
    ExitCode.BUG: "a bug in prodabuild; the message names the report",
    ExitCode.INTERRUPTED: "interrupted; finished work is kept",
}


def pages() -> dict[str, str]:
    """Return every generated file's text by its path in the repository."""
    return {
        **{f"schema/{name}.schema.json": text for name, text in schemas().items()},
        "dvc.yaml": dvc_yaml(read_manifest(ROOT)),
        "docs/reference/manifest.md": manifest_page(),
        "docs/reference/commands.md": commands_page(),
        "docs/reference/knowledge.md": knowledge_page(),
        "docs/reference/predicates.md": predicates_page(),
        "docs/reference/problems.md": problems_page(),
        "docs/reference/exit-codes.md": exit_codes_page(),
    }


def manifest_page() -> str:
    """Return the keys of proda.yaml, section by section, from its JSON Schema."""
    schema = manifest_schema()
    definitions = schema["definitions"]
    sections = [("proda.yaml", schema), *((name, definitions[name]) for name in _ordered(schema, definitions))]
    text = (
        f"# Keys of `proda.yaml`\n\n{NOTE}\nAn unknown key is an error. Defaults stand where a key may be left out.\n"
    )
    for name, section in sections:
        text += (
            f"\n## {name}\n\n{section.get('description', '').splitlines()[0]}\n\n| key | type | default | meaning |\n"
        )
        text += "|---|---|---|---|\n"
        required = section.get("required", [])
        for key, field in section["properties"].items():
            default = "required" if key in required else _default(field)
            text += f"| `{key}` | {_type(field)} | {default} | {field.get('description', '')} |\n"
    return text


def _ordered(schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """Return the names of definitions in the order in which a reader meets them."""
    order: list[str] = []

    def visit(part: Any) -> None:
        names = re.findall(r"#/definitions/(\w+)", str(part))
        for name in names:
            if name not in order:
                order.append(name)
                visit(definitions[name])

    visit(schema["properties"])
    return order


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return f"[{field['$ref'].rpartition('/')[2]}](#{field['$ref'].rpartition('/')[2].lower()})"
    if "anyOf" in field or "oneOf" in field:
        return " or ".join(_type(part) for part in field.get("anyOf") or field["oneOf"] if part.get("type") != "null")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if field.get("type") == "object":
        (inner,) = field.get("patternProperties", {"": field.get("additionalProperties")}).values()
        return f"{_type(inner)} by name"
    kind = {"string": "text"}.get(field["type"], field["type"])
    low = field.get("minimum", field.get("exclusiveMinimum"))
    limits = [f"{'≥' if 'minimum' in field else '>'} {low}"] if low is not None else []
    limits += ["≤ 1"] if field.get("maximum") == 1 else []
    return ", ".join([kind, *limits])


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if default is None or isinstance(default, dict) else f"`{default}`".replace("'", "")


def commands_page() -> str:
    """Return the help of every command, as the terminal shows it."""
    text = f"# Commands\n\n{NOTE}\n```text\n{_help(cli, 'prodabuild')}\n```\n"
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        inner = list(command.commands.items()) if isinstance(command, click.Group) else []
        for path, each in [(name, command), *((f"{name} {word}", one) for word, one in inner)]:
            text += f"\n## `{path}`\n\n```text\n{_help(each, f'prodabuild {path}')}\n```\n"
    return text


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, terminal_width=100, help_option_names=["-h", "--help"])
    return command.get_help(context)


def knowledge_page() -> str:
    """Return the fields of each level of record."""
    sections = ", ".join(f"`{section}:`" for section in SECTIONS)
    text = f"# Records of knowledge\n\n{NOTE}\nFiles end in `.yaml` (sections {sections}) or "
    text += "`.jsonl` (one record a line, with `level`).\nEmphasis and samples say what more is to be practised; "
    text += "[patches](../guides/patches.md) are where they come from.\n\n"
    text += "| level | field | needed | meaning |\n|---|---|---|---|\n"
    for level, fields in FIELDS.items():
        rows = (
            f"| {level} | `{name}` | {'yes' if field.required else ''} | {field.meaning} |\n"
            for name, field in fields.items()
        )
        text += "".join(rows)
    return f"{text}\n{SOURCES}\nWhat relations can state: [predicates](predicates.md).\n"


SOURCES = """## Sources

A document is named by its path in the data repo; a name with a scheme (`wordnet-3.0:data.noun`, `isbn:9780198768432`,
`https://...`) is somewhere else, and nothing of it is verified. `span: [start, end]` counts characters of the document
(UTF-8), the end not included. `quote` must stand at the span, or without one anywhere in the document; line breaks and
runs of spaces make no difference. An edit to a document is seen like an edit to a record. A document in a folder under
`sources:` of `proda.yaml` must be there; one elsewhere that is not there is a warning.

```yaml
source: {document: sources/law/contracts.md, span: [14, 60], quote: A contract is a promise that the law enforces.}
source: sources/law/contracts.md#14-60
```
"""


def predicates_page() -> str:
    """Return the fields of a predicate, and those predicates that need no declaration."""
    text = (
        f"# Predicates\n\n{NOTE}\nA data repo declares its own in `knowledge/predicates.yaml`, and says there what it "
    )
    text += "wants otherwise of the built-in ones:\na built-in predicate keeps every field that is not written, "
    text += "and `compose` adds to its rules.\n\n"
    text += '```yaml\npredicates:\n  eats:\n    forward: "{a subject} {does} eat {a object}"\n'
    text += '    question: "What {does} {a subject} eat?"\n    inverse_question: "What eats {a object}?"\n'
    text += "    path: something that eats\n    disjoint: [part_of]\n  is_a:\n"
    text += "    compose: {eats: eats}   # a kind of what eats hay eats hay\n```\n\n"
    text += "| field | needed | meaning |\n|---|---|---|\n"
    text += "".join(
        f"| `{name}` | {'yes' if field.required else ''} | {field.meaning} |\n"
        for name, field in declarations.FIELDS.items()
    )
    marks = ", ".join(f"`{{{mark}}}`" for mark in declarations.MARKS)
    text += (
        f"\nMarks: {marks}. `{{a subject}}` has an article where the noun takes one; verbs agree with the subject.\n"
    )
    text += "\n## Built in\n\n| predicate | reads | asks | asks back | properties |\n|---|---|---|---|---|\n"
    for name, found in sorted(BUILTIN.items()):
        flags = [flag for flag in ("symmetric", "transitive", "acyclic") if getattr(found, flag)]
        flags += [f"inverse of `{found.inverse}`"] if found.inverse not in (None, name) else []
        flags += [f"disjoint with {', '.join(f'`{other}`' for other in found.disjoint)}"] if found.disjoint else []
        sentences = f"{found.forward} | {found.question} | {found.inverse_question}"
        text += f"| `{name}` | {sentences} | {', '.join(flags)} |\n"
    return text + _composition()


def _composition() -> str:
    text = (
        "\n## What two in a row conclude\n\nA chain concludes step by step: the first two, then that and the third.\n\n"
    )
    text += "| first | second | conclusion |\n|---|---|---|\n"
    for name, found in sorted(BUILTIN.items()):
        results: dict[str, list[str]] = {}
        for second, result in found.compose.items():
            results.setdefault(result, []).append(f"`{second}`")
        text += "".join(f"| `{name}` | {', '.join(seconds)} | `{result}` |\n" for result, seconds in results.items())
    return text


def problems_page() -> str:
    """Return the codes of problems with their meanings."""
    rows = "".join(f"| {code} | {severity_of(code)} | {meaning} |\n" for code, meaning in CODES.items())
    form = (
        "Printed as `file:line:column: error[CODE]: message`, with a hint below. Errors stand in the way of a build;\n"
    )
    form += "warnings do not, unless `check -W error` or `-W error:CODE` says so. `-W ignore:CODE` silences one."
    return f"# Problems\n\n{NOTE}\n{form}\n\n| code | | meaning |\n|---|---|---|\n{rows}"


def exit_codes_page() -> str:
    """Return what the process returns."""
    rows = "".join(f"| {code.value} | {EXITS[code]} |\n" for code in ExitCode)
    error = '{"schema": 1, "error": {"message": ..., "hint": ..., "exit": code}}'
    problems = '{"schema": 1, "problems": [...]}'
    documents = (
        f"With `--json` a failure is one document, too, a wrong command line among them:\n`{error}`;\n"
        f"of problems of the project `{problems}`.\n"
    )
    return f"# Exit codes\n\n{NOTE}\n| code | meaning |\n|---|---|\n{rows}\n{documents}"


def main() -> None:
    for name, text in pages().items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(text, "utf-8")
        print(name)


if __name__ == "__main__":
    main()
