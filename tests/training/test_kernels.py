"""Which kernels compute is fixed by the build: the same bits whatever the user sets, the vendor has, threads do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from prodabuild.digest import file_sha256
from prodabuild.engine.lockfile import read
from prodabuild.training import kernels
from tests.conftest import ROOT, Repo, fill
from tests.training.conftest import teach

SSE = b"processor\t: 0\nflags\t\t: fpu sse sse2 avx\n\nprocessor\t: 1\nflags\t\t: fpu avx2 fma\n"


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "found"),
    [
        ("x86_64", b"vendor_id\t: GenuineIntel\nflags\t\t: fpu avx avx2 fma avx512f\n", "x86_64-avx2"),
        ("x86_64", b"vendor_id\t: AuthenticAMD\nflags\t\t: fma fpu avx2\n", "x86_64-avx2"),
        ("x86_64", SSE, "x86_64-sse"),
        ("x86_64", None, "x86_64-avx2"),
        ("aarch64", b"Features\t: fp asimd\n", "aarch64"),
    ],
)
def test_the_class_of_a_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: str, cpuinfo: bytes | None, found: str
) -> None:
    file = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        file.write_bytes(cpuinfo)
    monkeypatch.setattr(kernels, "CPUINFO", file)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert kernels.kernels_here() == found
    assert kernels.kernels_of("cpu") == found
    assert kernels.kernels_of("cuda:NVIDIA H100") is None


@pytest.mark.parametrize(
    "way", ["prodabuild.project", "prodabuild.evaluation.loading", "prodabuild.training.distributed"]
)
def test_importing_what_trains_or_scores_overrides_what_the_user_set(way: str) -> None:
    program = f"import {way}, json, os; print(json.dumps(dict(os.environ)))"
    theirs = {"ATEN_CPU_CAPABILITY": "avx512", "MKL_CBWR": "COMPATIBLE", "OMP_WAIT_POLICY": "ACTIVE"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | theirs | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    found = orjson.loads(done.stdout)
    assert {name: found.get(name) for name in theirs} == {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": None,
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    assert (found["MKL_VML_DEBUG_CPU_TYPE"], found["GOMP_SPINCOUNT"]) == ("3", "1000")


SETTINGS: tuple[dict[str, str], ...] = (
    {},
    {"ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"},
    {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2,STRICT"},
    {"ATEN_CPU_CAPABILITY": "avx512", "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "2"},
    {"MKL_CBWR": "SSE4_2", "MKL_VML_DEBUG_CPU_TYPE": "0", "ONEDNN_MAX_CPU_ISA": "SSE41", "OMP_NUM_THREADS": "3"},
)
BASE = "import sys; from pathlib import Path; from tests.training.conftest import tiny; tiny(Path(sys.argv[1]))"


def made(repo: Repo, settings: dict[str, str]) -> dict[str, str]:
    """Return digests of what processes build, train and score from nothing under a user's settings."""
    folder = repo.path / "made"
    environment = os.environ | settings | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", BASE, str(folder)], env=environment, check=True, capture_output=True)
    teach(repo, folder)
    repo.edit("proda.yaml", "epochs: 6", "epochs: 1")
    repo.edit("proda.yaml", ", gate: {metric: acc, min: 0.99}", "")
    done = repo.spawn("test", env=settings, timeout=600)
    assert done.code == 0, done.err
    entries = read(repo.path / "proda.lock")
    assert entries["model"]["made_with"]["kernels"] == kernels.kernels_here()
    names = ("model", "results:chains", "results:chains@base")
    return {"base": file_sha256(folder / "model.safetensors")} | {name: entries[name]["sha256"] for name in names}


@pytest.mark.train
def test_one_digest_whatever_the_user_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Base, model and results by the command line: capability, branch of MKL, and threads do not decide."""
    found: list[dict[str, str]] = []
    for number, settings in enumerate(SETTINGS):
        path = tmp_path / str(number)
        path.mkdir()
        fill(path)
        found.append(made(Repo(path, capsys), settings))
    assert found == [found[0]] * len(SETTINGS)


@pytest.mark.train
def test_torch_that_was_loaded_with_other_kernels_is_refused() -> None:
    program = """import torch
torch.ones(9).exp()  # the first operation decides
from prodabuild.errors import OutsideError
from prodabuild.training.exact import exact
try:
    with exact("cpu"):
        pass
except OutsideError as error:
    print(error.message, error.hint, sep="|")
"""
    if kernels.kernels_here() != kernels.AVX2:
        pytest.skip("this CPU has no other kernels")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT), "ATEN_CPU_CAPABILITY": "default"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "torch was used before prodabuild was imported, by DEFAULT kernels: results would not be reproducible|"
        "import prodabuild.project before torch is used, or set ATEN_CPU_CAPABILITY=avx2\n"
    )
