"""`prodabuild schema`: the JSON Schemas of the files that people write."""

from __future__ import annotations

import click

FILES = ("proda", "patch", "knowledge", "predicates")


@click.command("schema")
@click.argument("file", type=click.Choice(FILES), default=FILES[0])
def command(file: str) -> None:
    """Print a JSON Schema, for editors.

    Of proda.yaml; of patches, files of knowledge, or knowledge/predicates.yaml where asked for.

    \b
    Examples:
      prodabuild schema > schema/proda.schema.json
      prodabuild schema patch > schema/patch.schema.json
    """
    click.echo(schemas()[file], nl=False)


def schemas() -> dict[str, str]:
    """Return the text of every schema."""
    from prodabuild.knowledge.schema import knowledge_schema, patch_schema, predicates_schema
    from prodabuild.manifest.schema import manifest_schema, schema_text

    made = (manifest_schema, patch_schema, knowledge_schema, predicates_schema)
    return {file: schema_text(schema()) for file, schema in zip(FILES, made, strict=True)}
