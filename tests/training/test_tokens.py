from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from prodabuild.errors import ProjectError
from prodabuild.training.base import load_tokenizer
from prodabuild.training.encode import encode
from prodabuild.training.tokens import Corpus, Writing, keep_recent, tokenise

pytestmark = pytest.mark.train


@pytest.fixture
def tokenizer(base: Path) -> Any:
    return load_tokenizer(base)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    answers = ["short.", "an answer of some more words than that.", "short, too."]
    rows = [
        {
            "id": f"zoo/{at}",
            "messages": [{"role": "user", "content": "what?"}, {"role": "assistant", "content": answer}],
        }
        for at, answer in enumerate(answers)
    ]
    file = tmp_path / "all.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows) + b"\n")
    return file


def test_a_shard_is_tokenised_once_and_damage_is_noticed(shard: Path, tokenizer: Any, tmp_path: Path) -> None:
    cached = tmp_path / "known/a.tokens"
    made = tokenise(shard, cached, tokenizer)
    assert tokenise(shard, cached, None) == made  # the tokenizer is not asked again
    data = bytearray(cached.read_bytes())
    data[-1] ^= 1
    cached.write_bytes(data)
    assert tokenise(shard, cached, tokenizer) == made
    assert tokenise(shard, cached, None) == made
    cached.write_bytes(b"{")
    assert tokenise(shard, cached, tokenizer) == made


def test_a_corpus_gives_back_every_sample(shard: Path, tokenizer: Any, tmp_path: Path) -> None:
    with Writing(tmp_path / "corpus", 64, "error") as writing:
        for name in ("a", "b"):
            writing.add(tokenise(shard, tmp_path / name, tokenizer), shard)
    rows = [orjson.loads(line) for line in shard.read_bytes().splitlines()]
    with closing(Corpus(tmp_path / "corpus")) as corpus:
        assert list(corpus) == encode(rows, tokenizer) * 2
        assert writing.supervised == sum(len(example.ids) - example.start for example in corpus)


@pytest.mark.parametrize(
    ("policy", "room", "expected"),
    [
        ("error", -1, r"1 sample \(zoo/1\) over model\.train\.max_length"),
        ("truncate", -99, r"3 samples \(zoo/0, zoo/1, zoo/2\) with no answer left at model\.train\.max_length 8"),
        ("drop", -99, "no sample is left to train on"),
    ],
)
def test_what_the_policy_refuses(shard: Path, tokenizer: Any, tmp_path: Path, policy: str, room: int, expected: str) -> None:  # fmt: skip
    found = tokenise(shard, tmp_path / "a", tokenizer)
    longest = found.ends[1] - found.ends[0]
    with Writing(tmp_path / "corpus", max(8, longest + room), policy) as writing:
        writing.add(found, shard)
    with pytest.raises(ProjectError, match=expected):
        writing.refuse()


@pytest.mark.parametrize(("policy", "kept"), [("drop", 2), ("truncate", 3)])
def test_over_long_samples_are_dropped_or_cut_and_counted(
    shard: Path, tokenizer: Any, tmp_path: Path, policy: str, kept: int
) -> None:
    found = tokenise(shard, tmp_path / "a", tokenizer)
    longest = found.ends[1] - found.ends[0]
    with Writing(tmp_path / "corpus", longest - 1, policy) as writing:
        writing.add(found, shard)
    writing.refuse()
    with closing(Corpus(tmp_path / "corpus")) as corpus:
        assert (writing.long, len(corpus)) == (["zoo/1"], kept)
        assert (max(corpus.lengths) == longest - 1) == (policy == "truncate")


def test_of_unused_files_the_latest_are_kept(tmp_path: Path) -> None:
    for at, name in enumerate("abcd"):
        (tmp_path / f"{name}.tokens").write_bytes(b"")
        os.utime(tmp_path / f"{name}.tokens", (at, at))
    keep_recent(tmp_path, [tmp_path / "a.tokens"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tokens", "d.tokens"]
