"""One base in memory for all that is tested on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from prodabuild.errors import ProjectError
from prodabuild.evaluation.encoding import Request
from prodabuild.evaluation.loading import Candidate, loaded
from prodabuild.evaluation.scoring import prepare, score
from tests.conftest import Repo

pytestmark = pytest.mark.train
ASKED = [
    Request(f"Question: what is {letter}?\nAnswer:", (" a thing.", " the kind.", f" {letter}."))
    for letter in "abcdefgh"
]


def scored(candidate: Candidate) -> list[object]:
    with loaded(candidate) as (model, tokenizer):
        return [score(prepare(model, tokenizer), ASKED)]


def test_a_base_scores_the_same_to_the_bit_under_adapters_and_alone(taught: Repo) -> None:
    taught.run("compile", "-q")
    base, adapter = taught.path / "models/tiny", taught.path / "build/model"
    unread = taught.write("unread/adapter_config.json", "{}").parent

    def tested(adapted: str | None, folder: Path = adapter) -> Candidate:
        return Candidate("a base", base, adapted, folder, "cpu")

    alone = scored(tested(None))
    first = scored(tested("first"))
    taught.edit("proda.yaml", "epochs: 6", "epochs: 1")
    taught.run("compile", "-q")
    second = scored(tested("second"))
    assert alone != first != second
    assert scored(tested(None)) == alone
    assert scored(tested("first", unread)) == first
    third = scored(tested("third"))  # the one that was put on first makes room
    assert third == second == scored(tested("second", unread))
    with pytest.raises(ProjectError, match="has the peft_type None"):  # it is read again
        scored(tested("first", unread))
    assert scored(Candidate("the same base, loaded again", base, None, adapter, "cpu")) == alone
