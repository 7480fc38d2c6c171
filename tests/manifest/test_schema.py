from __future__ import annotations

import json

import jsonschema
import pytest

from prodabuild.manifest.schema import manifest_schema, schema_text
from prodabuild.yamlio import load
from tests.conftest import MANIFEST, ROOT


def test_the_committed_schema_is_the_generated_one() -> None:
    assert (ROOT / "schema" / "proda.schema.json").read_text("utf-8") == schema_text(manifest_schema()), (
        "run `make generated`"
    )


def test_the_schema_is_sound_and_takes_our_own_manifests() -> None:
    jsonschema.Draft7Validator.check_schema(manifest_schema())
    jsonschema.validate(load((ROOT / "proda.yaml").read_text("utf-8")), manifest_schema())
    jsonschema.validate(load(MANIFEST), json.loads(schema_text(manifest_schema())))


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    wrong = load(MANIFEST)
    wrong["model"]["adapter"] = {"aplha": 3}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, manifest_schema())


def test_the_schema_knows_what_a_test_looks_at_beside_the_suites() -> None:
    right, wrong = load(MANIFEST), load(MANIFEST)
    right["insight"] = {"probe": {"sources": ["even"], "gate": {"max_rise": 0.05}}, "footprint": {}}
    jsonschema.validate(right, manifest_schema())
    wrong["insight"] = {"footprint": {"gate": {"max_rise": 0.05}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, manifest_schema())


@pytest.mark.parametrize("entry", ["define", "recipes/cases.py:brief", "cases.py:brief"])
def test_the_schema_takes_recipes_by_name_and_by_path(entry: str) -> None:
    jsonschema.validate(load(MANIFEST.replace("judge", entry)), manifest_schema())


@pytest.mark.parametrize("entry", ["recipes/cases.py", "recipes.cases:brief", "recipes/cases.py:", ":brief"])
def test_the_schema_refuses_half_a_recipe(entry: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(load(MANIFEST.replace("judge", f'"{entry}"')), manifest_schema())
