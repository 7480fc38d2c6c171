"""The JSON Schema of `proda.yaml`, generated from the models; `schema/proda.schema.json` is its committed copy."""

from __future__ import annotations

import json
from typing import Any

from prodabuild.manifest.model import Manifest


def manifest_schema() -> dict[str, Any]:
    """Return the schema as draft 7, which YAML language servers read."""
    schema = Manifest.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    schema["definitions"] = schema.pop("$defs")
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "proda.yaml", **schema, "type": "object"}


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
