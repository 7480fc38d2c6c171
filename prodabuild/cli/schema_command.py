"""`prodabuild schema`: the JSON Schema of proda.yaml."""

from __future__ import annotations

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of proda.yaml, for editors.

    \b
    Examples:
      prodabuild schema
      prodabuild schema > schema/proda.schema.json
    """
    from prodabuild.manifest.schema import schema_text

    click.echo(schema_text(), nl=False)
