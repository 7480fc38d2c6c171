from __future__ import annotations

import pytest

from prodabuild.cli.import_command import SETTINGS, command
from prodabuild.sources.kinds import KINDS, importer


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_importer_and_a_command_with_its_settings(kind: str) -> None:
    assert callable(importer(kind))
    options = {parameter.name for parameter in command.commands[kind].params}
    assert set(KINDS[kind].settings) == options & SETTINGS.keys()
    assert {"name", "into", "form", "chains", "accept", "prune", "dry_run", "paths"} <= options
