"""Limits that keep the code easy to read, and promises that the documents make about themselves."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from prodabuild.problems import CODES
from tests.conftest import ROOT

SOURCES = sorted((ROOT / "prodabuild").rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "patches").glob("*.md")])


def test_no_file_is_long_and_no_function_is_long() -> None:
    assert {file.name: n for file in SOURCES if (n := len(file.read_text("utf-8").splitlines())) > 600} == {}
    long = []
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (node.end_lineno or 0) - node.lineno >= 70:
                long.append(f"{file.name}:{node.name}")
    assert long == []


def test_modules_say_what_they_own_and_have_names_of_the_domain() -> None:
    silent = [
        file for file in SOURCES if not ast.get_docstring(ast.parse(file.read_text("utf-8"))) and file.stat().st_size
    ]
    assert silent == []
    assert [file for file in SOURCES if re.search("util|helper|common|manager|misc", file.stem)] == []


def test_everything_is_caught_only_at_the_entry_point_and_the_boundaries_to_executors_and_foreign_files() -> None:
    broad = [file.name for file in SOURCES if "except Exception" in file.read_text("utf-8")]
    assert broad == ["main.py", "executors.py", "foreign.py"]


def test_every_code_of_a_problem_is_listed_and_every_listed_one_is_used() -> None:
    text = "".join(file.read_text("utf-8") for file in SOURCES if file.name != "problems.py")
    assert set(re.findall(r'"([A-Z]\d{3})"', text)) == set(CODES)


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert broken == []


def test_the_tree_in_the_readme_is_the_tree_of_the_repository() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (tree,) = re.findall(r"```text\nprodabuild/\n(.*?)```", text, re.DOTALL)
    named = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.strip()}
    packages = {path.name for path in (ROOT / "prodabuild").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert packages <= named
    assert all((ROOT / "prodabuild" / name).exists() for name in named)


def test_what_is_committed_names_no_place_of_this_machine() -> None:
    text = {Path(file): file.read_text("utf-8") for file in [*SOURCES, *DOCUMENTS]}
    assert [file for file, words in text.items() if re.search(r"/(work|home|root)/", words)] == []


# Where the disk is changed, and why that stays below a folder of ours. All else goes through the functions of the store.
WRITERS = {
    "cli/drawings.py": "the file that the caller names",
    "cli/test_command.py": "the files that the caller names",
    "engine/aside.py": "pipes between processes",
    "engine/clone.py": "the state's folder, which was examined",
    "engine/database.py": "the state, in a folder that was examined",
    "engine/guard.py": "the writers' lock, opened without a link",
    "engine/journal.py": "the journal, in a folder that was examined",
    "engine/placing.py": "empty folders, after `remove_file`",
    "engine/seal.py": "the seal, in a folder that was examined",
    "engine/state.py": "the state's folder, which was examined",
    "engine/store.py": "the functions",
    "evaluation/harness.py": "below `View.scratch`",
    "evaluation/loading.py": "below `View.scratch`",
    "paths.py": "`owned_folder`",
    "project/exporting.py": "below the folder that `replaced` gives",
    "project/footprinting.py": "a temporary folder of the system",
    "project/redo.py": "a damaged note, in a folder that was examined",
    "project/replacing.py": "the folder of an export, made by `fresh_folder`",
    "project/trial.py": "below what `fresh_folder` gives",
    "shards/formats.py": "below the folder that `replaced` gives",
    "training/base.py": "below `View.scratch`",
    "training/checkpoint.py": "below `View.scratch`",
    "training/distributed.py": "below `View.scratch`",
    "training/model.py": "below `View.scratch`",
    "training/tokens.py": "below `View.scratch`, and the folder of what is known",
    "versioning/gc.py": "empty folders, after `remove_file`",
    "versioning/starting.py": "empty folders",
    "versioning/worktree.py": "empty folders",
}
# Where files are opened other than by `open_regular`, `read_regular` and `read_source`.
READERS = {
    "cli/main.py": "the null device",
    "engine/aside.py": "pipes between processes",
    "engine/database.py": "the state, after `_suspect`",
    "engine/guard.py": "the writers' lock, looked at by `require_regular`",
    "engine/journal.py": "after `end`, which wants a file",
    "engine/state.py": "SQLite in memory",
    "evaluation/run.py": "objects, hashed by `Store.open`",
    "insight/arms.py": "objects, hashed by `Store.open`",
    "insight/measuring.py": "hashed by `View.file`",
    "insight/text.py": "files of the package",
    "paths.py": "the functions",
    "project/candidate.py": "objects, hashed by `Store.open`",
    "project/debugging.py": "objects, hashed by `Store.open`",
    "project/drafting.py": "objects, hashed by `Store.open`",
    "project/inputs.py": "metadata of packages",
    "project/session.py": "objects, hashed by `Store.open`",
    "project/testing.py": "objects, hashed by `Store.open`",
    "shards/dataset.py": "objects, hashed by `Store.open`",
    "suites/leaks.py": "objects, hashed by `Store.open`",
    "suites/tasks.py": "objects, hashed by `Store.open`, and files of the package",
    "training/base.py": "objects, and hashed by `View.file`",
    "training/checkpoint.py": "below `View.scratch`",
    "training/device.py": "/proc",
    "training/kernels.py": "/proc",
    "training/distributed.py": "below `View.scratch`, and /proc",
    "training/model.py": "objects, hashed by `Store.open`",
    "training/showing.py": "objects, hashed by `Store.open`",
    "training/tokens.py": "below `View.scratch`",
    "versioning/remote.py": "the remote",
    "versioning/starting.py": "files of the package",
}
_CHANGES = {
    "unlink",
    "rmdir",
    "mkdir",
    "makedirs",
    "rmtree",
    "rename",
    "renames",
    "write_bytes",
    "write_text",
    "touch",
    "symlink_to",
    "hardlink_to",
    "symlink",
    "mkfifo",
    "copy",
    "copy2",
    "copyfile",
    "copytree",
    "move",
    "truncate",
    "removedirs",
    "chmod",
}
_READS = {"read_bytes", "read_text", "connect"}


def touching(file: Path) -> set[str]:
    """Return how a module calls upon the disk by itself: `changes`, `reads`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            of = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            modes = "".join(
                arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            )
            if name in _CHANGES or (of, name) == ("os", "replace") or (name == "open" and set(modes) & set("wxa+")):
                found.add("changes")
            elif name in _READS or (name == "open" and not of.endswith(("store", "cls", "Project"))):
                found.add("reads")
    return found


def test_the_disk_is_changed_in_few_places_and_files_are_opened_by_one_function() -> None:
    found = {file.relative_to(ROOT / "prodabuild").as_posix(): touching(file) for file in SOURCES}
    assert {name for name, how in found.items() if "changes" in how} == set(WRITERS)
    assert {name for name, how in found.items() if "reads" in how} == set(READERS)
