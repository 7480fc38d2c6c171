"""JSON Schemas of what people write beside `proda.yaml`: patches, records, predicates.

They are made from the tables that the checks go by. A schema sees one file by itself, so it refuses less than `check`
does, and nothing that `check` takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.knowledge import declarations
from prodabuild.knowledge.files import SECTIONS
from prodabuild.knowledge.patches import CAUSES, LEVELS, NAME
from prodabuild.knowledge.predicates import BUILTIN
from prodabuild.knowledge.records import FIELDS, ID, NOUNS, WAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prodabuild.knowledge.records import Level

    Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "pattern": r"\S"}
LINE: Schema = {**TEXT, "not": {"pattern": r"\n"}}
IDENTITY: Schema = {"type": "string", "pattern": f"^{ID.pattern}$"}
SPAN: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2}
SHAPES: dict[str, Schema] = {  # by the name of the check of a field
    "_text": TEXT,
    "_texts": {"type": "array", "items": TEXT},
    "_steps": {"type": "array", "items": TEXT, "minItems": 2},
    "_nodes": {"type": "array", "items": TEXT, "minItems": 1},
    "_ways": {"type": "array", "items": {"enum": list(WAYS)}, "minItems": 1, "uniqueItems": True},
    "_noun": {"enum": list(NOUNS)},
    "_flag": {"type": "boolean"},
    "_names": {"type": "array", "items": {"type": "string"}},
    "_rules": {"type": "object", "additionalProperties": {"type": "string"}},
}


def _closed(properties: Schema, required: list[str], **more: Any) -> Schema:
    known = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**known, **({"required": required} if required else {}), **more}


SHAPES["_source"] = {"anyOf": [LINE, _closed({"document": LINE, "span": SPAN, "quote": TEXT}, ["document"])]}


def patch_schema() -> Schema:
    """Return the schema of `patches/NNNN-slug.yaml`."""
    properties: Schema = {
        "title": {**TEXT, "description": "what it changes, in a few words"},
        "reason": {**TEXT, "description": "what is wrong, and how you know"},
        "cause": {"enum": list(CAUSES), "description": "why it is needed"},
        "evidence": {
            **_closed({"items": {"type": "array", "items": {"type": "string"}}, "diagnosis": TEXT}, []),
            "description": "ids of dev items that fail, and the digest of the diagnosis",
        },
        "after": {"type": "array", "items": _earlier(), "description": "patches that this one may overrule"},
        "ops": {"type": "array", "items": {"oneOf": _operations()}, "minItems": 1, "description": "what it changes"},
    }
    required = [name for name in properties if name not in ("evidence", "after")]
    return _document("patches/NNNN-slug.yaml", _closed(properties, required, definitions=_records()))


def knowledge_schema() -> Schema:
    """Return the schema of the `.yaml` files below `knowledge/`."""
    sections = {name: {"type": "array", "items": _reference(level)} for name, level in SECTIONS.items()}
    records = _records()
    relation = records["relation"]
    nested = _closed({k: v for k, v in relation["properties"].items() if k != "subject"}, ["predicate", "object"])
    own = {"anyOf": [{"type": "array", "items": nested}, {"type": "null"}], "description": "where it is the subject"}
    records["concept"]["properties"]["relations"] = own
    whole = {**_closed(sections, []), "type": ["object", "null"], "definitions": records}
    return _document("knowledge/**/*.yaml", whole)


def predicates_schema() -> Schema:
    """Return the schema of `knowledge/predicates.yaml`; a built-in predicate may say less than a new one."""
    fields = _fields(declarations.FIELDS)
    required = [name for name, field in declarations.FIELDS.items() if field.required]
    names = {
        "type": "object",
        "propertyNames": {"pattern": f"^{declarations.NAME.pattern}$"},
        "properties": {name: _closed(fields, []) for name in sorted(BUILTIN)},
        "additionalProperties": _closed(fields, required),
    }
    return _document("knowledge/predicates.yaml", _closed({"predicates": names}, ["predicates"]))


def _document(title: str, schema: Schema) -> Schema:
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": title, **schema}


def _fields(fields: Mapping[str, Any]) -> Schema:
    return {
        name: {**SHAPES[field.check.__name__], "description": field.meaning.replace("`", "")}
        for name, field in fields.items()
    }


def _records() -> dict[Level, Schema]:
    """Return the definition of a record of each level."""
    found: dict[Level, Schema] = {}
    for level, fields in FIELDS.items():
        properties = _fields(fields)
        properties["id"] = {**IDENTITY, "description": properties["id"]["description"]}
        found[level] = _closed(properties, [name for name, field in fields.items() if field.required])
    return found


def _reference(level: str) -> Schema:
    return {"$ref": f"#/definitions/{level}"}


def _earlier() -> Schema:
    numbers = {"type": "integer", "minimum": 0, "maximum": 9999}
    return {"anyOf": [numbers, {"type": "string", "pattern": rf"^(\d{{4}}|{NAME.pattern})$"}]}


def _operations() -> list[Schema]:
    """Return what an operation may be: each kind with the keys that may stand beside it."""
    some: Schema = {"type": "object", "minProperties": 1}
    record = {"oneOf": [_closed({level: _reference(level)}, [level]) for level in LEVELS]}
    file = {**TEXT, "description": "the file of knowledge that it goes to when the patch is applied"}
    fields = {
        **some,
        "propertyNames": {"not": {"const": "id"}},
        "description": "fields and their new values",
    }
    expect = {**some, "description": "what the record has to say now, or the patch is refused"}
    return [
        _closed({"add": record, "file": file}, ["add"]),
        _closed({"replace": TEXT, "with": fields, "expect": expect}, ["replace", "with"]),
        _closed({"remove": TEXT, "expect": expect}, ["remove"]),
        _closed(
            {"emphasise": SHAPES["_nodes"], "ways": SHAPES["_ways"], "against": SHAPES["_texts"], "file": file},
            ["emphasise"],
        ),
        _closed({"sample": _reference("sample"), "file": file}, ["sample"]),
    ]
