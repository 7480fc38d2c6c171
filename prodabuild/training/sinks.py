"""Where the steps of a run may go beside the screen: TensorBoard, MLflow. No output depends on them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from prodabuild.errors import OutsideError, UsageError
from prodabuild.events import TrainingStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from prodabuild.events import Emit, Event

MEASURED = ("loss", "learning_rate", "tokens", "tokens_per_second", "memory_mb")
EXPERIMENT = "prodabuild"
AT_ONCE = 50  # steps that are sent to MLflow together


@contextmanager
def logging_to(places: Sequence[str], emit: Emit) -> Iterator[Emit]:
    """Yield an `emit` that also writes training steps to places, each `tensorboard:DIR` or `mlflow:URI`.

    Raises `UsageError` for a place of another kind, `OutsideError` when its library is not installed.
    """
    with ExitStack() as opened:
        sinks = [opened.enter_context(_open(place)) for place in places]

        def both(event: Event) -> None:
            emit(event)
            if isinstance(event, TrainingStep):
                for sink in sinks:
                    sink(event)

        yield both


def _open(place: str) -> AbstractContextManager[Emit]:
    kind, _, where = place.partition(":")
    if kind not in ("tensorboard", "mlflow") or not where:
        raise UsageError(f"cannot log to {place!r}", "write tensorboard:DIR or mlflow:URI")
    return _tensorboard(where) if kind == "tensorboard" else _mlflow(where)


@contextmanager
def _tensorboard(folder: str) -> Iterator[Emit]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise _missing("tensorboard") from None
    writer: Any = SummaryWriter(folder)

    def write(event: TrainingStep) -> None:
        for name in MEASURED:
            writer.add_scalar(f"{event.stage}/{name}", getattr(event, name), event.step)

    try:
        yield write  # type: ignore[misc]
    finally:
        writer.close()


@contextmanager
def _mlflow(uri: str) -> Iterator[Emit]:
    try:
        import mlflow
        from mlflow.entities import Metric
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise _missing("mlflow") from None
    import time

    try:
        client = mlflow.MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
        run = client.create_run(experiment).info.run_id
    except MlflowException as error:
        raise OutsideError(f"MLflow cannot log to {uri}: {error}", "check the URI and the server") from error
    waiting: list[Any] = []

    def send() -> None:
        client.log_batch(run, metrics=waiting)
        waiting.clear()

    def write(event: TrainingStep) -> None:
        now = int(time.time() * 1000)
        waiting.extend(Metric(f"{event.stage}/{name}", getattr(event, name), now, event.step) for name in MEASURED)
        if len(waiting) >= AT_ONCE * len(MEASURED) or event.step == event.steps:
            send()

    status = "FAILED"
    try:
        yield write  # type: ignore[misc]
        status = "FINISHED"
    finally:
        if waiting:
            send()
        client.set_terminated(run, status)


def _missing(library: str) -> OutsideError:
    return OutsideError(f"{library} is not installed", f"pip install 'prodabuild[{library}]'")
