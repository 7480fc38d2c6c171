"""A lock that was made with other libraries or kernels: restored where that is possible, else said before training."""

from __future__ import annotations

import pytest

from prodabuild.engine.lockfile import read
from prodabuild.project import Options, Project, inputs
from tests.conftest import Repo
from tests.training.conftest import base, taught

__all__ = ["base", "taught"]
pytestmark = pytest.mark.train

WORDS = "torch was 0.9, here it is {now}"


@pytest.fixture(autouse=True)
def inside(taught: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base lies at a path that PEFT takes as relative to where it runs."""
    monkeypatch.chdir(taught.path)


def made_then(repo: Repo, monkeypatch: pytest.MonkeyPatch, **made_with: str) -> None:
    """Build a model as if some versions were others; then those of here are back."""
    real = inputs._version
    with monkeypatch.context() as patch:
        patch.setattr(inputs, "_version", lambda name: made_with.get(name) or real(name))
        Project.open(repo.path).compile(Options())
    assert read(repo.path / "proda.lock")["model"]["made_with"]["torch"] == made_with["torch"]


def torch_here() -> str:
    found = inputs.versions()["torch"]
    if found is None:
        pytest.skip("torch is not installed")
    return found


def test_what_was_built_with_another_torch_is_restored_and_stays_in_the_lock(
    taught: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = torch_here()
    made_then(taught, monkeypatch, torch="0.9")
    lock = taught.read("proda.lock")
    notes: list[str] = []
    options = Options(locked=True, emit=lambda event: notes.append(getattr(event, "message", "")))
    (taught.path / "build/model/loss.csv").unlink()
    report = Project.open(taught.path).compile(options)
    assert (report.built, taught.read("proda.lock")) == ((), lock)
    assert f"{WORDS.format(now=now)}: what proda.lock has is restored, and nothing is trained" in notes
    assert (taught.path / "build/model/loss.csv").is_file()


def test_what_must_be_built_again_is_named_before_it_is(taught: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    now = torch_here()
    made_then(taught, monkeypatch, torch="0.9")
    taught.edit("proda.yaml", "epochs: 6", "epochs: 5")
    planned = taught.run("plan")
    assert planned.code == 0
    assert planned.err == (
        f"warning: {WORDS.format(now=now)}: base, model will be built again, not bit by bit what proda.lock has\n"
    )
    lock = taught.read("proda.lock")
    locked = taught.run("compile", "--locked")
    assert (locked.code, locked.err, taught.read("proda.lock")) == (
        4,
        (
            f"error: proda.lock cannot be met here: {WORDS.format(now=now)}; base, model would be built again and come out "
            "otherwise\nhint: `prodabuild pull` brings what was built; or run the command without --locked and commit the lock\n"
        ),
        lock,
    )


@pytest.mark.parametrize("what", ["kernels", "device"])
def test_kernels_and_device_count_as_libraries_do(taught: Repo, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    from prodabuild.training.kernels import kernels_here

    torch_here()
    Project.open(taught.path).compile(Options())
    here = {"kernels": kernels_here(), "device": "cpu"}[what]
    lock = taught.read("proda.lock").decode()
    assert f'"{what}":"{here}"' in lock
    taught.write("proda.lock", lock.replace(f'"{what}":"{here}"', f'"{what}":"abacus"'))
    taught.edit("proda.yaml", "epochs: 6", "epochs: 5")
    outcome = taught.run("compile", "--locked", "--device", "cpu")
    assert outcome.code == 4
    assert f"{what} was abacus, here it is {here}; model would be built again" in outcome.err


def test_the_data_of_a_lock_from_elsewhere_build_as_ever(taught: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    torch_here()
    made_then(taught, monkeypatch, torch="0.9")
    outcome = taught.run("compile", "--to", "data", "--locked")
    assert (outcome.code, "torch" in outcome.err) == (0, False)
