"""Small models trained from nothing on a source, by the package's own loop: how close they come to what it allows.

Rows for training never come again, unless so many distinct ones are asked for; rows that are held out never train.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.errors import UsageError
from prodabuild.events import TrainingStep
from prodabuild.insight.reading import Alphabet, Excess, excess_of, read, windows
from prodabuild.training.collate import collate
from prodabuild.training.encode import Example
from prodabuild.training.exact import exact
from prodabuild.training.loop import Run, Schedule, Step, deterministic, train
from prodabuild.training.scratch import Preset, make_config

if TYPE_CHECKING:
    from prodabuild.events import Emit, Event
    from prodabuild.insight.draws import Floats, Ints
    from prodabuild.insight.source import Source

HEAD_DIMENSION = 32
START, FIRST = 1, 2  # tokens: 0 pads, 1 begins a row, symbols follow
WARMUP = 0.1
DECAY = 0.01


@dataclass(frozen=True)
class Recipe:
    """The shape of a model and its schedule; `distinct` rows are trained on again and again, None: each row once."""

    hidden: int = 64
    layers: int = 2
    steps: int = 300
    batch: int = 16
    length: int = 128
    learning_rate: float = 3e-3
    distinct: int | None = None
    seed: int = 1
    held_out: int = 128


class Point(NamedTuple):
    """What held-out rows cost after some steps of training."""

    step: int
    symbols: int
    bits: float
    excess: Excess


@dataclass(frozen=True)
class Learnt:
    """A model and how it came to be: `oracle` is what the source itself pays for the same rows."""

    model: Any
    points: tuple[Point, ...]
    oracle: float
    places: tuple[tuple[int, int, float], ...]  # first place, last place, excess there

    @property
    def final(self) -> Point:
        """Return where training ended."""
        return self.points[-1]


def alphabet_of(source: Source) -> Alphabet:
    """Return the tokens of a model that is trained from nothing."""
    return Alphabet(START, tuple(range(FIRST, FIRST + source.symbols)))


def learn(source: Source, recipe: Recipe, emit: Emit) -> Learnt:
    """Train a model on a source and return it, with its loss on held-out rows along the way."""
    if recipe.hidden % HEAD_DIMENSION:
        raise UsageError(f"a hidden size of {recipe.hidden} is no multiple of {HEAD_DIMENSION}")
    from transformers import LlamaForCausalLM

    with deterministic(recipe.seed, threads=1), exact("cpu"):  # so small a model is not worth a second one
        model = LlamaForCausalLM(make_config(_preset(recipe), FIRST + source.symbols))
        rows = source.sample(recipe.held_out, recipe.length, "held out", recipe.seed)
        watch = _Watch(model, source, rows, recipe, emit)
        watch.look(0)
        schedule = Schedule(recipe.learning_rate, recipe.steps, max(1, round(recipe.steps * WARMUP)))
        train(model, _Rows(source, recipe), Run(schedule, "probe", watch, recipe.seed, weight_decay=DECAY))
    away = (watch.said - watch.allowed).mean(0)
    places = tuple((span.start + 1, span.stop, float(away[span].mean())) for span in windows(recipe.length))
    return Learnt(model, tuple(watch.points), float(watch.allowed.mean()), places)


def _preset(recipe: Recipe) -> Preset:
    return Preset(
        vocab=0,
        hidden=recipe.hidden,
        layers=recipe.layers,
        heads=recipe.hidden // HEAD_DIMENSION,
        steps=recipe.steps,
        batch=recipe.batch,
        block=recipe.length,
        learning_rate=recipe.learning_rate,
        context=recipe.length + 1,
    )


class _Rows:
    """Steps of rows, drawn when they are asked for."""

    def __init__(self, source: Source, recipe: Recipe) -> None:
        self._source, self._recipe = source, recipe
        count = recipe.distinct
        self._pool = source.sample(count, recipe.length, "pool", recipe.seed) if count else None

    def __len__(self) -> int:
        return self._recipe.steps

    def __getitem__(self, number: int) -> Step:
        rows = [[Example((START, *(symbol + FIRST for symbol in row)), 1)] for row in self._draw(number).tolist()]
        batch = collate(rows, 0, packed=False)
        return Step([batch], len(batch.targets), len(batch.targets))

    def _draw(self, number: int) -> Ints:
        size = self._recipe.batch
        if self._pool is None:
            return self._source.sample(size, self._recipe.length, "train", self._recipe.seed, number)
        taken: Ints = self._pool[[at % len(self._pool) for at in range(number * size, (number + 1) * size)]]
        return taken


@dataclass
class _Watch:
    """Hears of each step, and looks at held-out rows after 1, 2, 4 and so on, and after the last."""

    model: Any
    source: Source
    rows: Ints
    recipe: Recipe
    emit: Emit
    points: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.allowed: Floats = self.source.surprisal(self.rows)
        self.said: Floats = self.allowed

    def __call__(self, event: Event) -> None:
        self.emit(event)
        if isinstance(event, TrainingStep) and (event.step & (event.step - 1) == 0 or event.step == self.recipe.steps):
            self.look(event.step)

    def look(self, step: int) -> None:
        """Note what held-out rows cost now."""
        self.said = read(self._forward, alphabet_of(self.source), self.rows).bits
        symbols = step * self.recipe.batch * self.recipe.length
        self.points.append(Point(step, symbols, float(self.said.mean()), excess_of(self.said, self.allowed)))

    def _forward(self, ids: Any) -> Any:
        """Return logits of all places: while it trains, the model's own head sees only some."""
        from torch.nn.functional import linear

        hidden = self.model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        return linear(hidden, self.model.get_output_embeddings().weight)
