"""The card of an exported dataset: what is in it, what it was made from, and under which licences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import yaml

from prodabuild.escaping import markdown_text
from prodabuild.shards.licences import UNSTATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prodabuild.shards.contents import Contents
    from prodabuild.shards.licences import Owed

MOST_SOURCES = 40  # lines of the card's table of sources
# Identifiers that the Hugging Face Hub knows; any other licence is `other` there, with its name beside.
HUB_LICENCES = frozenset((
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "bsl-1.0", "c-uda", "cc", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0",
    "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0",
    "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0",
    "eupl-1.1", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "mit",
    "mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "osl-3.0", "pddl", "postgresql", "unlicense", "wtfpl", "zlib",
))  # fmt: skip
_LINK = re.compile(r"https?://[\w.~:/?#@!$&'*+,;=%-]+", re.ASCII)
_COLUMNS = {
    "id": "the record that the row was made of, `#`, the recipe and its variant",
    "discipline": "the field of knowledge",
    "recipe": "the function that made the row",
    "nodes": "ids of the records that it was made from",
    "messages": "a question (`user`) and its answer (`assistant`)",
    "provenance": "JSON: the row's record, and the source of each record that names one",
}
_ITEM_COLUMNS = {
    "id": "the chain of relations that the item asks about",
    "discipline": "the field of knowledge",
    "split": "dev or sealed",
    "nodes": "ids of the records along the chain",
    "messages": "the question (`user`) and the right answer (`assistant`)",
    "choices": "the answers offered",
    "gold": "position of the right one",
    "provenance": "JSON: the chain, and the source of each record that names one",
}


def card(contents: Contents) -> str:
    """Return the README.md of a dataset folder."""
    head = {"pretty_name": contents.name, **hub_licence(contents.owed), "tags": ["prodabuild"]}
    front = yaml.safe_dump(head | {"configs": _configs(contents)}, sort_keys=False, allow_unicode=True)
    samples = contents.counts.total()
    if contents.what == "train":
        what, columns = f"{samples} training samples, each made by a recipe from the records in its `nodes`.", _COLUMNS
        entry = "`dataset`"
    else:
        what = f"{samples} test items ({contents.what}). **Do not train on them**: they measure models that did not."
        columns, entry = _ITEM_COLUMNS, "its suite"
    return f"""---
{front}---

# {contents.name}

{what}

Written by prodabuild {contents.version} from the data repository `{contents.name}`. The sha256 of the data is the entry
of {entry} in the `proda.lock` of the version that made them; that version builds the same rows again.

`{contents.digest}`

{_table(("column", "meaning"), columns.items())}
## Rows

{_count_table(contents)}
## Sources and licences

{_source_table(contents.owed)}"""


def hub_licence(owed: Iterable[Owed]) -> dict[str, Any]:
    """Return the card's licence keys: what is not declared is unknown, what the Hub does not list is other."""
    names = {each.licence.name if each.licence else "unknown": each.licence for each in owed}
    kinds = sorted({name.lower() if name.lower() in {*HUB_LICENCES, "unknown"} else "other" for name in names})
    found: dict[str, Any] = {"license": kinds[0] if len(kinds) == 1 else kinds}
    others = [each for each in names.values() if each and each.name.lower() not in HUB_LICENCES]
    if len(others) == 1:
        (other,) = others
        found["license_name"] = "-".join(other.name.lower().split())
        link = other.link or (text_path(other.file) if other.file else None)
        found |= {"license_link": link} if link else {}
    return found


def text_path(file: str) -> str:
    """Return where an export has the text of a licence that stands at `file` in the repository."""
    return f"licences/{file}"


def _configs(contents: Contents) -> list[dict[str, Any]]:
    """Return one configuration of everything, and one of each discipline."""
    everything = [{"split": split, "path": f"data/*/{split}.parquet"} for split in contents.files]
    configs = [{"config_name": "default", "data_files": everything}]
    for discipline in contents.by(1):
        own = [
            {"split": split, "path": path}
            for split, paths in contents.files.items()
            for path in paths
            if path.split("/")[1] == discipline
        ]
        if discipline != "default":  # the name of everything
            configs.append({"config_name": discipline, "data_files": own})
    return configs


def _count_table(contents: Contents) -> str:
    kinds, splits = list(contents.by(2)), list(contents.files)
    rows = []
    for discipline in contents.by(1):
        by_kind = [sum(contents.counts[split, discipline, kind] for split in splits) for kind in kinds]
        rows.append((discipline, *by_kind, sum(by_kind)))
    totals = ("all", *contents.by(2).values(), contents.counts.total())
    table = _table(("discipline", *kinds, "rows"), [*rows, totals] if len(rows) > 1 else rows)
    by_split = ", ".join(f"{split} {number}" for split, number in contents.by(0).items())
    return f"{table}\nBy split: {by_split}.\n" if len(splits) > 1 else table


def _source_table(owed: tuple[Owed, ...]) -> str:
    rows: list[tuple[object, ...]] = [(_source(each), _licence(each), each.rows) for each in owed[:MOST_SOURCES]]
    rest = owed[MOST_SOURCES:]
    if rest:
        rows.append((f"and {len(rest)} more", "see prodabuild-export.json", ""))
    note = "A row counts under every source that it has words from. A licence is unknown where none was declared.\n"
    return _table(("source", "licence", "rows"), rows) + "\n" + note


def _source(owed: Owed) -> str:
    return "(records that name no source)" if owed.source == UNSTATED else markdown_text(owed.source)


def _licence(owed: Owed) -> str:
    if owed.licence is None:
        return "unknown"
    link, file = owed.licence.link, owed.licence.file
    shown = [f"[published]({link})" if _LINK.fullmatch(link) else markdown_text(link)] if link else []
    shown += [f"[text]({quote(text_path(file))})"] if file else []
    return ", ".join([markdown_text(owed.licence.name), *shown])


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
