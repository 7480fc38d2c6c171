"""What a library caller has set of torch, and what its system lacks, is respected."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from prodabuild.cli.options import cores
from prodabuild.project import Options, Project
from prodabuild.training import distributed
from prodabuild.training.loop import _memory_mb, deterministic
from tests.conftest import Repo


def flags() -> tuple[object, ...]:
    import numpy as np
    import torch
    from transformers.utils import logging

    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        torch.get_num_threads(),
        torch.get_rng_state().tolist(),
        random.getstate(),
        [str(each) for each in np.random.get_state()],
        logging.get_verbosity(),
        logging.is_progress_bar_enabled(),
    )


@pytest.mark.train
@pytest.mark.parametrize("own", [(False, False, False), (True, True, True), (True, False, False)])
def test_flags_of_a_caller_are_given_back(own: tuple[bool, bool, bool]) -> None:
    import torch

    before = flags()[:3]
    enabled, warn, benchmark = own
    torch.use_deterministic_algorithms(enabled, warn_only=warn)
    torch.backends.cudnn.benchmark = benchmark
    try:
        mine = flags()
        with suppress(ZeroDivisionError), deterministic(3, threads=1):
            assert flags()[:4] == (True, False, False, 1)
            torch.rand(3)
            raise ZeroDivisionError
        assert flags() == mine
    finally:
        torch.use_deterministic_algorithms(bool(before[0]), warn_only=bool(before[1]))
        torch.backends.cudnn.benchmark = bool(before[2])


@pytest.mark.train
def test_a_library_caller_finds_all_flags_as_they_were(taught: Repo) -> None:
    taught.edit("proda.yaml", "epochs: 6", "epochs: 1")
    taught.edit("proda.yaml", "tests:\n", "tests:\n  own: {tasks: [tests/tasks/own.yaml]}\n")
    task = "task: own\ndataset_path: json\ndataset_kwargs: {data_files: {test: tests/tasks/own.jsonl}}\n"
    task += (
        "test_split: test\noutput_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: gold\ndoc_to_choice: [a, b]\n"
    )
    taught.write("tests/tasks/own.yaml", task + "metric_list: [{metric: acc}]\n")
    taught.write("tests/tasks/own.jsonl", '{"q": "x", "gold": 0}\n')
    mine = flags()
    before = Path.cwd()
    os.chdir(taught.path)
    try:
        report = Project.open(taught.path).test(Options(to="results"))
    finally:
        os.chdir(before)
    assert set(report.suites) == {"own", "chains"}
    assert flags() == mine


def test_the_cores_are_counted_where_the_system_does_not_say_which_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


def test_a_build_runs_where_the_system_does_not_say_which_cores_are_allowed(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert repo.data()["samples"] > 0


def test_a_parent_is_found_without_a_file_system_of_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert distributed._parent_of(os.getpid()) == os.getppid()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert distributed._parent_of(gone.pid) == 0
    monkeypatch.setattr(distributed, "PROCESSES", tmp_path / "none")
    assert distributed._parent_of(os.getpid()) == os.getppid()
    assert distributed._parent_of(gone.pid) == 0


@pytest.mark.train
def test_memory_is_counted_in_the_unit_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    class Usage:
        ru_maxrss = 2_000_000

    monkeypatch.setattr(resource, "getrusage", lambda who: Usage)
    assert _memory_mb() == 2048
    monkeypatch.setattr(sys, "platform", "darwin")
    assert _memory_mb() == 2
    monkeypatch.setitem(sys.modules, "resource", None)
    assert _memory_mb() == 0
