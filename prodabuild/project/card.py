"""`build/README.md`: the card of the present model, which says for people what `proda.lock` says. No unit makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.engine import lockfile
from prodabuild.engine.store import place, remove_file
from prodabuild.escaping import markdown_code, markdown_text
from prodabuild.paths import is_regular, read_regular

if TYPE_CHECKING:
    from prodabuild.engine.lockfile import Entries
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.session import Session

CARD = "README.md"


def write_card(session: Session, lock: str) -> None:
    """Write the card of the model that the lock holds."""
    entries = lockfile.read(session.root / lock)
    target = session.space.inside(CARD)
    if "model" not in entries or "dataset" not in entries:
        remove_file(session.root, target)
        return
    data = card(session.manifest, entries).encode()
    if not (is_regular(session.root / target) and read_regular(session.root / target) == data):
        place(session.root, target, data, session.space.scratch, over_link=True)


def card(manifest: Manifest, entries: Entries) -> str:
    """Return the card of a version, from its manifest and its lock."""
    model = manifest.model
    patches = sorted(name.partition(":")[2] for name in entries if name.startswith("patch:"))
    settings = [(f"`adapter.{name}`", value) for name, value in _settings(model.adapter)]
    settings += [(f"`train.{name}`", value) for name, value in _settings(model.train)]
    made = entries["model"]["made_with"]
    facts = [
        ("base", markdown_code(model.base)),
        ("model", f"`{entries['model']['sha256']}`"),
        ("dataset", f"`{entries['dataset']['sha256']}`"),
        ("made with", ", ".join(f"{name} {value}" for name, value in sorted(made.items()) if value)),
    ]
    if "start" in entries["model"]:
        facts.append(("begun at", f"{markdown_code(str(model.train.start))}, `{entries['model']['start']['sha256']}`"))
    licences = [
        tuple(map(markdown_text, (source, found.name, found.link or found.file or "")))
        for source, found in manifest.licences.items()
    ]
    return "\n".join((
        f"# {manifest.name}\n",
        f"Trained by prodabuild on knowledge of {', '.join(sorted(manifest.disciplines))}.",
        "The digests are those of `proda.lock`.\n",
        _table(("what", "which"), facts),
        "## Scores\n",
        _scores(entries),
        "## Patches\n",
        "\n".join(f"- `{name}`" for name in patches) + "\n" if patches else "None.\n",
        "## Sources and licences\n",
        _table(("source", "licence", "text"), licences) if licences else "No licence is declared.\n",
        "The licence of a source that is not named here is unknown; the base has a licence of its own.\n",
        "## Settings\n",
        _table(("setting", "value"), settings),
    ))  # fmt: skip


def _settings(part: Any) -> list[tuple[str, object]]:
    return [(name, markdown_text(str(value))) for name, value in part.model_dump().items() if value is not None]


def _scores(entries: Entries) -> str:
    rows = [
        (name.partition(":")[2], found.get("n"), found.get("acc"), found.get("stderr"), found.get("base_acc"))
        for name, found in sorted(entries.items())
        if name.startswith("score:")
    ]
    if not rows:
        return "Not tested: `prodabuild test` writes them here.\n"
    return _table(("suite", "items", "accuracy", "standard error", "the base's"), rows)


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
