from __future__ import annotations

import sys
from pathlib import Path

import pytest

from prodabuild.errors import OutsideError, UsageError
from prodabuild.events import Event, TrainingStep
from prodabuild.training.sinks import logging_to
from tests.conftest import Repo

pytestmark = pytest.mark.train


def step(number: int) -> TrainingStep:
    return TrainingStep("model", number, 120, 120, 1 / number, 1.0, 1e-3, number * 9, 100.0, 1.0, 300.0)


@pytest.mark.parametrize("place", ["wandb:x", "tensorboard", "mlflow:"])
def test_a_place_of_another_kind_is_a_usage_error(repo: Repo, place: str) -> None:
    with pytest.raises(UsageError, match="cannot log to"), logging_to([place], lambda event: None):
        pass
    outcome = repo.run("compile", "--log", place, "-q")
    assert (outcome.code, outcome.err) == (
        2,
        f"error: cannot log to {place!r}\nhint: write tensorboard:DIR or mlflow:URI\n",
    )


@pytest.mark.parametrize(("kind", "module"), [("tensorboard", "torch.utils.tensorboard"), ("mlflow", "mlflow")])
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, kind: str, module: str, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OutsideError, match=f"{kind} is not installed"), logging_to([f"{kind}:{tmp_path}"], print):
        pass


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_gets_the_steps(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    seen: list[Event] = []
    with logging_to([f"tensorboard:{tmp_path}"], seen.append) as emit:
        for number in range(1, 4):
            emit(step(number))
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert [(each.step, round(each.value, 4)) for each in found.Scalars("model/loss")] == [
        (1, 1.0),
        (2, 0.5),
        (3, 0.3333),
    ]
    assert len(seen) == 3


@pytest.mark.filterwarnings("ignore")
def test_mlflow_gets_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    with pytest.raises(OutsideError, match="MLflow cannot log to"), logging_to(["mlflow:no-such-thing://x"], print):
        pass
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # the extra has no database
    with logging_to([f"mlflow:{tmp_path.as_uri()}"], lambda event: None) as emit:
        for number in range(1, 121):
            emit(step(number))
    client = mlflow.MlflowClient(tracking_uri=tmp_path.as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("prodabuild").experiment_id])
    assert run.info.status == "FINISHED"
    assert sorted(each.step for each in client.get_metric_history(run.info.run_id, "model/loss")) == list(range(1, 121))
