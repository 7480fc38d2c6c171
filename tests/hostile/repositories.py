"""Attacks by what a repository, its git and its remotes are: links, refs, objects, state, locks and traces that lie."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import stage
from confinement import Scene
from places import (
    CHECK,
    COMPILE,
    CSV,
    DIFF,
    DOCTOR,
    EXPORT,
    FREE,
    GC,
    LIST,
    LOCK,
    PLAN,
    PULL,
    PUSH,
    STATE,
    VERIFY,
    edit,
    forget,
)

from prodabuild.digest import change_digest, md5, sha256
from prodabuild.engine.store import Stored, output_digest
from tests.hostile.cases import Case, Spoil, both, link, write
from tests.hostile.damages import clear

# -- links at the folders of the tool, and of people ---------------------------------------------------------------


def old_rubbish(scene: Scene) -> None:
    """A cache whose folder of temporary files is a link: what lies behind it is older than a day."""
    clear(scene.repo / ".dvc/cache/prodabuild-tmp")
    (scene.repo / ".dvc/cache/prodabuild-tmp").symlink_to(scene.around / "others")
    for path in (scene.around / "others").rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))


def objects_of_others(scene: Scene) -> None:
    """A cache two folders of which are links to the cache of others."""
    clear(scene.repo / ".dvc/cache/files/md5/ab")
    (scene.repo / ".dvc/cache/files/md5/ab").symlink_to(scene.around / "victim/files/md5/ab")


FOLDERS = (".prodabuild", ".prodabuild/tmp", ".prodabuild/rebuild", ".dvc", ".dvc/cache", ".dvc/cache/files", ".dvc/tmp",
           ".dvc/cache/prodabuild-tmp", "build", "build/dataset", "build/dataset/train", "build/traces", "build/export",
           "knowledge", "knowledge/zoo", "knowledge/tea", "patches", "sources", "models/base", "claims", "tests")  # fmt: skip
BUILDERS = (CHECK, COMPILE, ("patch", "new", "Next"), CSV, EXPORT, VERIFY, FREE, PULL)


def linked_folders() -> Iterator[Case]:
    """Return a link at every folder that a command opens."""
    for name in FOLDERS:
        yield Case("linked folder", name, link(name), BUILDERS)
    yield Case("linked folder", "old files behind temporary ones", old_rubbish, (GC, FREE, COMPILE))
    yield Case("linked folder", "objects of others", objects_of_others, (GC, FREE, VERIFY, COMPILE))
    for name, command in {
        ".gitattributes": ("lock", "--install"),
        "proda.lock": COMPILE,
        "dvc.lock": COMPILE,
        "claims/card.yaml": ("probe", "freeze", "claims/card.yaml"),
        "patches/trials.jsonl": LIST,
        "build/dataset/README.md": COMPILE,
        ".prodabuild/lock": COMPILE,
        ".prodabuild/state.journal": COMPILE,
        ".prodabuild/state.seal": COMPILE,
        ".prodabuild/state.db.new": COMPILE,
    }.items():
        yield Case("linked file that is written", name, link(name, "victim/keep.txt"), (command,))


def conflict_at_a_link(scene: Scene) -> None:
    """A merge that left a lock in conflict, and a link in its place."""
    sides = []
    for side in range(3):
        lock = json.loads((scene.repo / "proda.lock").read_bytes())
        lock["entries"]["libraries"] = {"x": side}
        sides.append(stage.git(scene, "hash-object", "-w", "--stdin", feed=json.dumps(lock).encode()).strip())
    rows = [
        f"0 {'0' * 40}\tproda.lock",
        *(f"100644 {name} {number}\tproda.lock" for number, name in enumerate(sides, 1)),
    ]
    stage.git(scene, "update-index", "--index-info", feed=("\n".join(rows) + "\n").encode())
    link("proda.lock", "victim/keep.txt")(scene)


# -- git -----------------------------------------------------------------------------------------------------------


def raw_ref(name: bytes) -> Spoil:
    """Return what adds a ref, however odd its name, as a fetch of a stranger's repo may."""

    def work(scene: Scene) -> None:
        head = stage.git(scene, "rev-parse", "HEAD").strip().encode()
        packed = scene.repo / ".git/packed-refs"
        old = packed.read_bytes() if packed.is_file() else b"# pack-refs with: peeled fully-peeled sorted \n"
        packed.write_bytes(old + head + b" refs/heads/" + name + b"\n")

    return work


def dangerous_git(scene: Scene) -> str:
    """Return a configuration of git that runs a command."""
    run = f"touch {scene.around}/pwned"
    return (
        f'[core]\n\trepositoryformatversion = 0\n\tfsmonitor = "{run}; false"\n\tsshCommand = "{run}"\n\tpager = "{run}"\n'
        f'[diff]\n\texternal = "{run}"\n[alias]\n\tx = "!{run}"\n'
    )


def bare_repository(scene: Scene) -> None:
    """The data repo lies in a folder of a git repo, and that folder looks like a bare repo with a configuration."""
    inner = scene.repo
    outer = scene.around / "outer"
    inner.rename(outer)
    inner.mkdir()
    for name in (".git",):
        shutil.move(outer / name, inner / name)
    shutil.move(outer, inner / "sub")
    sub = inner / "sub"
    for name in ("objects", "refs"):
        (sub / name).mkdir()
    (sub / "HEAD").write_text("ref: refs/heads/main\n")
    (sub / "config").write_text(dangerous_git(scene) + "\tbare = false\n\tworktree = .\n")


def pointing_git(scene: Scene) -> None:
    """A `.git` that is a file and points into the work tree."""
    (scene.repo / ".git").rename(scene.repo / "stuff")
    (scene.repo / ".git").write_text("gitdir: stuff\n")
    with (scene.repo / "stuff/config").open("a") as handle:
        handle.write(f"[core]\n\tworktree = {scene.around}/victim\n")


def attributes(scene: Scene) -> None:
    """Attributes that name filters, and a hook in the work tree."""
    write(".gitattributes", "* filter=evil diff=evil merge=evil text eol=crlf\n")(scene)
    write(".lfsconfig", "[lfs]\n\turl = http://127.0.0.1:1/\n")(scene)
    stage.commit(scene, "attributes")


def odd_tree(mode: str, path: str, content: bytes = b"x", kind: str = "blob") -> Spoil:
    """Return what commits a tree entry that no work tree would make."""

    def work(scene: Scene) -> None:
        name = stage.git(scene, "hash-object", "-w", "--stdin", feed=content).strip()
        if kind == "commit":
            name = stage.git(scene, "rev-parse", "HEAD").strip()
        stage.git(scene, "update-index", "--add", "--cacheinfo", f"{mode},{name},{path}")
        stage.git(scene, "commit", "--quiet", "--message", "odd")

    return work


def stash_with_odd_message(scene: Scene) -> None:
    edit("knowledge/zoo/kinds.yaml", "macaw", "macaw two")(scene)
    stage.git(scene, "stash", "push", "--quiet", "-m", "a\u2028b\x1b[31m")


def worktree_elsewhere(scene: Scene) -> None:
    """The pointers of a worktree that lead to the victim."""
    folder = scene.repo / ".git/worktrees/x"
    folder.mkdir(parents=True)
    (folder / "gitdir").write_text(f"{scene.around}/victim/.git\n")
    (folder / "commondir").write_text("../..\n")
    (folder / "HEAD").write_text(stage.git(scene, "rev-parse", "HEAD"))


def hostile_git() -> Iterator[Case]:
    """Return what a stranger's git holds."""
    names = {
        "a byte that is not UTF-8": b"bad\xff",
        "a line separator": "a\u2028b".encode(),
        "next line": "a\u0085b".encode(),
        "bidi marks": "a\u202eb".encode(),
        "an option": b"--output=pwned",
        "a dash": b"-x",
        "a shell's words": b"$(touch${IFS}pwned)",
        "a long name": b"n" * 200,
        "a name of a commit": b"HEAD",
    }
    for kind, raw in names.items():
        yield Case("hostile git", f"ref with {kind}", raw_ref(raw), (GC, DIFF, DOCTOR, VERIFY, PUSH))
    for name in ("--output=pwned", "-x", "--upload-pack=touch pwned", "HEAD:proda.yaml", "HEAD^{/a", "@{-9}", ":/x", "a..b",
                 "\x1b[2J", "refs/heads/*", "HEAD~99999999999999999999", "-- x", "a\nb"):  # fmt: skip
        yield Case("hostile git", f"ref {name!r} as an argument", lambda scene: None,
                   (("diff", "--", name), ("rebuild", "--", name)))  # fmt: skip
    for path in (
        "proda.lock",
        "proda.yaml",
        "dvc.lock",
        "knowledge/zoo/kinds.yaml",
        "knowledge",
        "patches/0001-macaws.yaml",
    ):
        back = ("diff", "HEAD~1", "HEAD")
        if path != "knowledge":
            yield Case("hostile git", f"link committed at {path}", odd_tree("120000", path, b"../secret.yaml"),
                       (DIFF, back, ("rebuild", "HEAD", "-j", "1"), GC))  # fmt: skip
            yield Case("hostile git", f"submodule at {path}", odd_tree("160000", path, kind="commit"),
                       (DIFF, back, ("rebuild", "HEAD", "-j", "1"), GC))  # fmt: skip
    yield Case(
        "hostile git", "name with control characters", odd_tree("100644", "knowledge/zoo/a\x1b[2J\nb.yaml"), (DIFF, GC)
    )
    yield Case(
        "hostile git",
        "bare repository around",
        bare_repository,
        tuple((*c, "-C", "sub") for c in (CHECK, PLAN, GC, DIFF, DOCTOR)),
    )
    yield Case("hostile git", "file that points elsewhere", pointing_git, (CHECK, PLAN, DIFF, DOCTOR, GC))
    yield Case("hostile git", "attributes", attributes, (DIFF, GC, ("rebuild", "HEAD", "-j", "1"), DOCTOR))
    yield Case("hostile git", "stash", stash_with_odd_message, (GC, VERIFY))
    yield Case(
        "hostile git", "worktree elsewhere", worktree_elsewhere, (GC, FREE, VERIFY, ("rebuild", "HEAD~1", "-j", "1"))
    )
    yield Case("hostile git", "conflict at a link", conflict_at_a_link, (LOCK, PLAN))


# -- remotes -------------------------------------------------------------------------------------------------------


def remote(change: Callable[[Path], object], clear_cache: bool = True) -> Spoil:
    """Return what changes every object of the remote; the cache here is lost."""

    def work(scene: Scene) -> None:
        for path in sorted((scene.around / "remote/files/md5").glob("??/*")):
            path.chmod(0o644)
            change(path)
        if clear_cache:
            shutil.rmtree(scene.repo / ".dvc/cache")
            shutil.rmtree(scene.repo / "build")
            forget(*STATE, "state.journal")(scene)

    return work


def swap(scene: Scene) -> None:
    """Give each object of the remote the bytes of another."""
    paths = sorted((scene.around / "remote/files/md5").glob("??/*"))
    data = [path.read_bytes() for path in paths]
    for path, other in zip(paths, data[1:] + data[:1], strict=True):
        path.chmod(0o644)
        path.write_bytes(other)
    remote(lambda path: None)(scene)


def fifo_at(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link_at(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def config(text: str) -> Spoil:
    """Return what adds to DVC's configuration."""

    def work(scene: Scene) -> None:
        with (scene.repo / ".dvc/config").open("a") as handle:
            handle.write(text)

    return both(work, remote(lambda path: None))


def hostile_remotes() -> Iterator[Case]:
    """Return what a remote may hold, and what may be said of it."""
    fetching = (PULL, VERIFY, ("rebuild", "HEAD", "-j", "1"), COMPILE)
    yield Case("hostile remote", "objects emptied", remote(lambda path: path.write_bytes(b"")), fetching)
    yield Case("hostile remote", "objects swapped", swap, fetching)
    yield Case("hostile remote", "objects of zeros", remote(lambda path: path.write_bytes(bytes(1 << 20))), fetching)
    yield Case("hostile remote", "objects are pipes", remote(fifo_at), (PULL, VERIFY))
    yield Case("hostile remote", "objects are devices", remote(link_at), (PULL,))
    yield Case("hostile remote", "objects of 1 TB", remote(lambda path: os.truncate(path, 1 << 40)), (PULL,))
    yield Case(
        "hostile remote", "lists are no lists", remote(lambda path: path.suffix and path.write_bytes(b"{}")), fetching
    )
    yield Case("hostile remote", "password in its address",
               config("['remote \"store\"']\n    url = https://user:~Qx7@127.0.0.1:1/x\n"), (PULL, PUSH, DOCTOR, VERIFY,
               ("pull", "--json"), ("doctor", "--json")))  # fmt: skip
    for name, url in {"itself": "remote://store", "another that is not there": "remote://none", "no scheme": "nothing://x",
                      "an option": "ssh://-oProxyCommand=touch@x/y", "a device": "/dev/zero", "the cache": "cache",
                      "control characters": "/x\x1b[31m/y", "a file": "../proda.yaml"}.items():  # fmt: skip
        yield Case(
            "hostile remote", f"address: {name}", config(f"['remote \"store\"']\n    url = {url}\n"), (PULL, DOCTOR)
        )


# -- poison and forgery --------------------------------------------------------------------------------------------


def poison(scene: Scene) -> None:
    """A shard's object replaced by another, and every lock and trace that names it changed to agree."""
    shard = scene.repo / "build/dataset/train/zoo/00.jsonl"
    old = shard.read_bytes()
    new = old.replace(b"keepers", b"hackers")
    assert new != old
    target = scene.repo / ".dvc/cache/files/md5" / md5(new)[:2] / md5(new)[2:]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(new)
    names = {md5(old): md5(new), sha256(old): sha256(new)}
    for file in ("proda.lock", "dvc.lock"):
        text = (scene.repo / file).read_text()
        for before, after in names.items():
            text = text.replace(before, after)
        (scene.repo / file).write_text(text)


def poison_traces(scene: Scene) -> None:
    """The same, and the traces that travel name the poisoned object as what unchanged knowledge makes."""
    shard = scene.repo / "build/dataset/train/zoo/00.jsonl"
    old = shard.read_bytes()
    new = old.replace(b"keepers", b"hackers")
    names = {md5(old): md5(new), sha256(old): sha256(new)}
    poison(scene)
    journal = scene.repo / "build/traces/data.journal"
    lines = []
    for line in journal.read_bytes().split(b"\n"):
        body = line.partition(b" ")[2]
        if not body:
            continue
        row = orjson.loads(body)
        hit = False
        for before, after in names.items():
            hit = hit or before in body.decode()
            body = body.replace(before.encode(), after.encode())
        if hit:
            row = orjson.loads(body)
            files = next(value for value in row if isinstance(value, list) and value and isinstance(value[0], list))
            digest = output_digest(tuple(Stored(*stored) for stored in files), summary_of(row)).hex()
            row = [digest if value == output_of(row) else value for value in row]
            body = orjson.dumps(row)
        lines.append(change_digest(body).hex().encode() + b" " + body)
    data = b"\n" + b"\n".join(lines)
    target = scene.repo / ".dvc/cache/files/md5" / md5(data)[:2] / md5(data)[2:]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    lock = scene.repo / "dvc.lock"
    lock.write_text(lock.read_text().replace(md5(journal.read_bytes()), md5(data)))
    stage.commit(scene, "a stranger's version")


def output_of(row: list[object]) -> object:
    """Return the digest of a trace's output, as its line has it: the one before its files."""
    at = next(
        number for number, value in enumerate(row) if isinstance(value, list) and value and isinstance(value[0], list)
    )
    return row[at - 1]


def summary_of(row: list[object]) -> bytes:
    """Return what is said of a trace's output, as its line has it: what is behind its files."""
    at = next(
        number for number, value in enumerate(row) if isinstance(value, list) and value and isinstance(value[0], list)
    )
    return str(row[at + 1]).encode()


def tracked_state(scene: Scene) -> None:
    """The state of another machine, committed."""
    stage.git(scene, "add", "--force", ".prodabuild")
    stage.git(scene, "commit", "--quiet", "--message", "state")


def tracked_in_capitals(scene: Scene) -> None:
    """The same under a name that is the same folder where case does not count."""
    shutil.copytree(scene.repo / ".prodabuild", scene.repo / ".Prodabuild")
    stage.git(scene, "add", "--force", ".Prodabuild")
    stage.git(scene, "commit", "--quiet", "--message", "state")


def hard_links(scene: Scene) -> None:
    """Files of the state and of `build/` that are hard links to the victim."""
    for name in (".prodabuild/lock", ".prodabuild/state.journal", "build/dataset/README.md", "proda.lock", "dvc.lock"):
        path = scene.repo / name
        clear(path)
        os.link(scene.around / "victim/keep.txt", path)


def forgeries() -> Iterator[Case]:
    """Return objects and state that are not what they say."""
    every = (CHECK, PLAN, COMPILE, LIST, DIFF, VERIFY, GC)
    yield Case("poisoned object", "lock", poison, (PLAN, COMPILE, VERIFY, DIFF))
    yield Case("tracked state", ".prodabuild", tracked_state, every)
    yield Case("tracked state", ".Prodabuild", tracked_in_capitals, every)
    yield Case("hard link", "files of the tool", hard_links, (CHECK, COMPILE, VERIFY))


def every() -> Iterator[Case]:
    """Return all of these attacks."""
    for cases in (linked_folders, hostile_git, hostile_remotes, forgeries):
        yield from cases()
