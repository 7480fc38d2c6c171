"""A likelihood that is NaN or infinite is an error at every place that makes a figure of one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from prodabuild.digest import canonical, change_digest
from prodabuild.errors import ProjectError
from prodabuild.evaluation.encoding import Request
from prodabuild.evaluation.gates import Ceiling, judge
from prodabuild.evaluation.known import read
from prodabuild.evaluation.results import from_json
from prodabuild.manifest.model import Gate
from tests.conftest import Repo

NONE = "recorded results have likelihoods that are NaN or infinite: they are no score"
ROW = {"id": "i", "digest": "d", "split": "dev", "discipline": "zoo", "correct": True, "pick": 0}


@pytest.mark.parametrize("value", [None, math.nan, -math.inf, "x"])
def test_recorded_results_without_a_number_are_no_score(value: Any) -> None:
    with pytest.raises(ProjectError) as raised:
        from_json({**ROW, "loglikelihoods": [-1.0, value]})
    assert raised.value.message == NONE


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_no_gate_is_judged_by_what_is_no_number(value: Any) -> None:
    found = {"chains": {"sealed": {"n": 4, "acc": value, "drop": 0.0, "drop_from": "base"}}}
    if value is not None:
        with pytest.raises(ProjectError) as raised:
            judge({"chains": Gate(min=0.0)}, found)
        assert raised.value.message == f"chains.sealed.acc is no finite number ({value})"
    with pytest.raises(ProjectError) as raised:
        judge({}, {}, [Ceiling("footprint.size", value, 0.5)])
    assert raised.value.message == f"footprint.size is no finite number ({value})"


@pytest.mark.parametrize(
    "row",
    [
        {"request": "r", "found": [[None, True]]},
        {"request": "r", "found": [["-1.0", True]]},
        {"request": "r", "found": [[-1.0, 1]]},
        {"request": 1, "found": [[-1.0, True]]},
        {"request": "r", "found": None},
        {"request": "r"},
        [],
    ],
)
def test_a_line_of_what_was_scored_that_is_none_counts_as_never_written(tmp_path: Path, row: Any) -> None:
    file = tmp_path / "m.jsonl"
    bodies = [canonical(row), canonical({"request": "s", "found": [[-2.5, False]]})]
    file.write_bytes(b"".join(change_digest(body).hex().encode() + b" " + body + b"\n" for body in bodies))
    assert read(file) == {"s": [(-2.5, False)]}


@pytest.mark.train
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_that_is_not_finite_scores_nothing(base: Path, value: float) -> None:
    import torch

    from prodabuild.evaluation.scoring import prepare, score
    from prodabuild.training.base import load_base

    model, tokenizer = load_base(base, "cpu", bf16=False)
    scorer = prepare(model, tokenizer)
    (token,) = set(tokenizer(" a", add_special_tokens=False)["input_ids"]) - {0}
    with torch.no_grad():
        model.model.embed_tokens.weight[token, 0] = value
    assert score(scorer, [Request("b", (" c",))])  # what does not read the number is scored
    with pytest.raises(ProjectError) as raised:
        score(scorer, [Request("b a", (" c", " d")), Request("b", (" c",))])
    message = "the model gives 2 of 3 likelihoods that are NaN or infinite: no score is made of them"
    assert raised.value.message == message
    with torch.no_grad():
        model.lm_head.weight.fill_(value)
    with pytest.raises(ProjectError, match="that are NaN or infinite: no score is made of them"):
        prepare(model, tokenizer)


@pytest.mark.train
def test_a_model_that_writes_is_refused_at_its_first_token_that_is_none(taught: Repo) -> None:
    import torch

    from prodabuild.evaluation.harness import _harness
    from prodabuild.training.base import load_base

    model, tokenizer = load_base(taught.path / "models/tiny", "cpu", bf16=False)
    harness = _harness(model, tokenizer, "cpu", taught.path / "known.jsonl")
    context = torch.tensor([[5, 6, 7]])
    asked = {"max_length": 6, "stop": ["x"], "attention_mask": torch.ones_like(context)}
    assert harness._model_generate(context, **asked).shape[1] <= 6
    with torch.no_grad():
        model.lm_head.weight[0] = math.nan
    with pytest.raises(ProjectError) as raised:
        harness._model_generate(context, **asked)
    assert (
        raised.value.message == "the model gives 1 of 1 likelihoods that are NaN or infinite: no score is made of them"
    )


@pytest.mark.train
def test_what_a_model_pays_for_text_and_probes_is_a_number(base: Path) -> None:
    import numpy as np

    from prodabuild.insight.reading import excess_of

    rows = np.ones((4, 3))
    for value in (math.nan, math.inf):
        said = rows.copy()
        said[1, 1] = value
        with pytest.raises(ProjectError, match="what the model pays is no finite number"):
            excess_of(said, rows)


@pytest.mark.train
def test_what_a_model_pays_for_general_text_is_a_number(base: Path, tmp_path: Path) -> None:
    import torch

    from prodabuild.insight.measuring import _text
    from prodabuild.training.base import load_tokenizer

    class Texts:
        def read(self, *_: str) -> list[str]:
            return ["text"]

        def file(self, _: str) -> Path:
            return tmp_path / "text"

    (tmp_path / "text").write_text("the thing is a kind of what? answer: it. " * 200)
    view: Any = Texts()
    tokenizer = load_tokenizer(base)
    assert _text(view, lambda ids: torch.zeros(*ids.shape, 512), tokenizer, "cpu") == pytest.approx(9)
    with pytest.raises(ProjectError, match="what the model pays for general text is no finite number"):
        _text(view, lambda ids: torch.full((*ids.shape, 512), math.nan), tokenizer, "cpu")
