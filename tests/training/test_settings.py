"""The settings of a run are those of the manifest, with its defaults."""

from __future__ import annotations

from prodabuild.manifest.model import Adapter, Model, Train, flatten
from prodabuild.training.settings import ALWAYS, LATER


def test_every_setting_of_the_manifest_is_read() -> None:
    known = flatten(Adapter(), "adapter.") | flatten(Train(), "train.")
    known |= {name: Model.model_fields[name].default for name in ("allow_missing", "allow_unexpected")}
    assert {*ALWAYS, *LATER} == known.keys()
    assert {name: known[name] for name in LATER} == LATER
