"""WordNet 3.0 nouns as concepts and relations (wndb(5WN), wninput(5WN)).

A *selection* names root synsets for each discipline (`chemical_element.n.01`); their hyponyms become its
concepts, nearest first, and every pointer between two chosen synsets becomes a relation with its source.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field

from prodabuild.digest import sha256
from prodabuild.errors import ProjectError, UsageError
from prodabuild.manifest.paths import refuse
from prodabuild.manifest.strict import Part, read_strict
from prodabuild.paths import read_regular
from prodabuild.sources.grammar import noun_of
from prodabuild.sources.vocabulary import Extract, Extracts
from prodabuild.yamlio import TextError, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from prodabuild.sources.vocabulary import Request

DOCUMENT = "wordnet-3.0:data.noun"
# pointer symbol -> predicate, read from the synset that holds the pointer (the inverse pointers say the same)
POINTERS = {
    "@": "is_a",
    "@i": "instance_of",
    "#p": "part_of",
    "#m": "member_of",
    "#s": "substance_of",
    "!": "antonym_of",
}
DOWN = ("~", "~i")
# lexicographer files (lexnames(5WN)) of nouns
LEXNAMES = """
tops act animal artifact attribute body cognition communication event feeling food group location motive object
person phenomenon plant possession process quantity relation shape state substance time
""".split()  # noqa: SIM905 - a list of 26 quoted words reads worse
FIRST_LEXNAME = 3
SHORTEST = 7  # words of a synset: offset, file, type, count of lemmas, a lemma and its number, count of pointers
_RUDE = {"disparagement", "ethnic_slur", "obscenity", "slang", "dirty_word"}
_RUDE_GLOSS = re.compile(r"\b(offensive|obscene|disparaging|derogatory|slur)\b")


class Synset(NamedTuple):
    """One noun synset; `offset` is its byte offset in data.noun and its identity, `end` where its line ends."""

    offset: int
    end: int
    lexname: str
    lemmas: tuple[str, ...]
    counts: int
    pointers: tuple[tuple[str, int], ...]
    gloss: str


class Choice(Part):
    """What one discipline takes: hyponyms of `roots`, at most `concepts` of them, at most `children` of one parent.

    `nouns` says how names behave in a sentence, by concept id without its discipline.
    """

    roots: Annotated[list[str], Field(min_length=1)]
    concepts: Annotated[int, Field(ge=1)] = 128
    children: Annotated[int, Field(ge=1)] = 6
    leave_out: list[str] = Field(default=[])
    nouns: dict[str, Literal["count", "mass", "plural", "proper"]] = Field(default={})


class Selection(Part):
    """Which synsets become the knowledge of which discipline."""

    disciplines: Annotated[dict[str, Choice], Field(min_length=1)]


Chosen = dict[str, dict[str, list[Synset]]]  # discipline -> name of a root -> what is taken below it


def import_wordnet(request: Request) -> Extracts:
    """Take what a selection (or `all`) chooses from one WordNet folder."""
    if len(request.paths) != 1 or request.select is None:
        raise UsageError("WordNet is one folder, with a selection", "import wordnet FOLDER --select FILE, or all")
    folder = request.paths[0]
    selection = None if request.select == "all" else _selection(request.root, request.select)
    wordnet = read_wordnet(folder)
    chosen = choose(wordnet, selection) if selection else everything(wordnet)
    disciplines = extract(chosen, selection, request.known)
    concepts = (concept for found in disciplines.values() for group in found.concepts.values() for concept in group)
    keys = {concept["id"]: concept["source"].partition("#")[2].partition("-")[0] for concept in concepts}
    files = [name for name in ("data.noun", "index.noun", "cntlist.rev") if (folder / name).is_file()]
    documents = {name: sha256(read_regular(folder / name)) for name in files}
    return Extracts(disciplines, keys, documents=documents)


def _selection(root: Path, select: str) -> Selection:
    refused = refuse(root, select)
    if refused:
        raise ProjectError(refused.message, refused.hint)
    return read_strict(Selection, read_regular(root / select), select)[0]


@dataclass(frozen=True)
class WordNet:
    """The noun synsets of one WordNet folder."""

    synsets: dict[int, Synset]
    senses: dict[str, tuple[int, ...]]
    below: dict[int, tuple[int, ...]]

    def find(self, name: str) -> Synset | None:
        """Return the synset named like `chemical_element.n.01`."""
        match = re.fullmatch(r"(.+)\.n\.(\d+)", name)
        offsets = self.senses.get(match[1].lower(), ()) if match else ()
        number = int(match[2]) if match else 0
        return self.synsets[offsets[number - 1]] if 1 <= number <= len(offsets) else None


def read_wordnet(folder: Path) -> WordNet:
    """Read data.noun, index.noun and (for how often a sense is used) cntlist.rev; raises `ProjectError`."""
    try:
        data = read_regular(folder / "data.noun")
        index = decode(read_regular(folder / "index.noun"))
    except TextError as error:
        raise ProjectError(f"index.noun:{error.line}: {error.message}", error.hint) from None
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ProjectError(
            f"{error.filename} is not there", "name a WordNet 3.0 folder: on Debian, /usr/share/wordnet of wordnet-base"
        ) from None
    counts = _counts(folder / "cntlist.rev")
    synsets = {synset.offset: synset for synset in _synsets(data, counts)}
    below = {
        offset: tuple(to for symbol, to in synset.pointers if symbol in DOWN and to in synsets)
        for offset, synset in synsets.items()
    }
    return WordNet(synsets, dict(_senses(index, synsets)), below)


def _senses(index: str, synsets: Mapping[int, Synset]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Return each lemma with the offsets of its senses, most frequent first."""
    for number, line in enumerate(index.splitlines(), 1):
        if not line.startswith(" "):
            words = line.split()
            try:
                offsets = tuple(int(offset) for offset in words[-int(words[2]) :])
            except (ValueError, IndexError):
                raise ProjectError(f"index.noun:{number}: not an entry of WordNet's index") from None
            yield words[0], tuple(offset for offset in offsets if offset in synsets)


def everything(wordnet: WordNet) -> Chosen:
    """Return all synsets, each lexicographer file as a discipline: for measurements at full size."""
    chosen: Chosen = {}
    for synset in wordnet.synsets.values():
        chosen.setdefault(synset.lexname, {}).setdefault(synset.lexname, []).append(synset)
    return chosen


def choose(wordnet: WordNet, selection: Selection) -> Chosen:
    """Return, by discipline and root name, the chosen synsets; a synset goes to the first that wants it."""
    taken: set[int] = set()
    chosen: Chosen = {}
    for discipline, choice in selection.disciplines.items():
        taken.update(_named(wordnet, discipline, name).offset for name in choice.leave_out)
        roots = {name.partition(".")[0]: _named(wordnet, discipline, name) for name in choice.roots}
        chosen[discipline] = {}
        for number, (stem, root) in enumerate(roots.items()):
            left = choice.concepts - sum(map(len, chosen[discipline].values()))
            chosen[discipline][stem] = _take(wordnet, root, left // (len(roots) - number), choice.children, taken)
    return chosen


def _named(wordnet: WordNet, discipline: str, name: str) -> Synset:
    found = wordnet.find(name)
    if found is None:
        raise ProjectError(f"{discipline}: WordNet has no synset {name!r}", "write it like chemical_element.n.01")
    return found


def extract(chosen: Chosen, selection: Selection | None, known: Mapping[str, str] | None = None) -> dict[str, Extract]:
    """Return, by discipline, the records of the chosen synsets and of every pointer between two of them.

    A synset whose offset is `known` keeps the id that it has there.
    """
    names = _names([synset for groups in chosen.values() for synsets in groups.values() for synset in synsets], chosen)
    ids = _ids(names, chosen, known or {})
    extracts: dict[str, Extract] = {}
    for discipline, groups in chosen.items():
        nouns = selection.disciplines[discipline].nouns if selection else {}
        found = extracts[discipline] = Extract()
        for stem, synsets in groups.items():
            found.concepts[stem] = [
                _concept(synset, ids[synset.offset], names[synset.offset], nouns) | _own_words(synset, names)
                for synset in synsets
            ]
            found.relations += [relation for synset in synsets for relation in _relations(synset, ids)]
    return extracts


def clean_gloss(gloss: str, most: int = 160) -> str:
    """Return a gloss's definition: no examples, no subject label, whole clauses up to about `most` characters."""
    text = re.sub(r'"[^"]*"?', "", gloss).replace("``", '"').replace("''", '"')
    text = re.sub(r"`([^`']*)'", r'"\1"', text)
    text = re.sub(r"^\s*\([^()]*\)\s*", "", text)
    parts = [part.strip() for part in text.split(";")]
    clauses = [re.sub(r"\s+", " ", part).strip(" ,:.-") for part in parts if not re.match(r"-|by |quoted", part)]
    clauses = [clause for clause in clauses if re.search(r"[a-z]{3}", clause)]
    kept: list[str] = []
    for clause in clauses:
        if kept and len("; ".join([*kept, clause])) > most:
            break
        kept.append(clause if len(clause) <= most else re.sub(r"\s*\([^()]*\)", "", clause))
    return re.sub(r"\s+([,;)])", r"\1", "; ".join(kept))


def _counts(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    try:
        lines = [line.split() for line in read_regular(path).decode("ascii").splitlines()]
        return {words[0]: int(words[2]) for words in lines if len(words) == 3}
    except ValueError as error:
        raise ProjectError(f"{path.name}: not WordNet's counts of senses: {error}") from None


def _synsets(data: bytes, counts: Mapping[str, int]) -> Iterator[Synset]:
    end = 0
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        end += len(line)
        if line.startswith(b"  "):
            continue  # the licence at the head of the file
        try:
            yield _synset(line.decode(), end - 1, counts)
        except (ValueError, IndexError) as error:
            raise ProjectError(f"data.noun:{number}: not a synset of WordNet: {error}") from None


def _synset(line: str, end: int, counts: Mapping[str, int]) -> Synset:
    """Read one line of data.noun: offset, file, lemmas, pointers, gloss (wndb(5WN))."""
    head, _, gloss = line.partition("|")
    words = head.split()
    if len(words) < SHORTEST:
        raise ValueError(f"{len(words)} words")
    file, total = int(words[1]), int(words[3], 16)
    if file < FIRST_LEXNAME:
        raise ValueError(f"{file} is no file of nouns")
    lemmas = [(words[4 + 2 * n], int(words[5 + 2 * n], 16)) for n in range(total)]
    first = 5 + 2 * total
    last = first + 4 * int(words[first - 1])
    pointers = tuple((words[at], int(words[at + 1])) for at in range(first, last, 4) if words[at + 2] == "n")
    used = sum(counts.get(f"{lemma.lower()}%1:{file:02d}:{number:02d}::", 0) for lemma, number in lemmas)
    names = tuple(lemma for lemma, _ in lemmas)
    return Synset(int(words[0]), end, LEXNAMES[file - FIRST_LEXNAME], names, used, pointers, gloss.strip())


def _take(wordnet: WordNet, root: Synset, limit: int, children: int, taken: set[int]) -> list[Synset]:
    """Walk down from a root, nearest first; of many children, those with children and common words come first."""
    level = [root]
    found: list[Synset] = []
    while level and len(found) < limit:
        following: list[Synset] = []
        for synset in level:
            if synset.offset in taken or len(found) >= limit:
                continue
            taken.add(synset.offset)
            found.append(synset)
            below = [wordnet.synsets[offset] for offset in wordnet.below[synset.offset] if offset not in taken]
            below = [child for child in below if _usable(child, wordnet)]
            below.sort(key=lambda child: (not wordnet.below[child.offset], -child.counts, child.offset))
            following += below[:children]
        level = following
    return found


def _usable(synset: Synset, wordnet: WordNet) -> bool:
    marks = {
        wordnet.synsets[to].lemmas[0].lower()
        for symbol, to in synset.pointers
        if symbol == ";u" and to in wordnet.synsets
    }
    return not (marks & _RUDE) and not _RUDE_GLOSS.search(synset.gloss) and len(clean_gloss(synset.gloss)) > 10


def _names(synsets: Iterable[Synset], chosen: Chosen) -> dict[int, str]:
    """Return a name for each synset that no other has: a lemma of its own, else one qualified by its parent."""
    rows = list(synsets)
    lemmas = {synset.offset: [lemma.replace("_", " ") for lemma in synset.lemmas] for synset in rows}
    firsts = Counter(lemma.lower() for found in lemmas.values() for lemma in set(found[:1]))
    anywhere = Counter(lemma.lower() for found in lemmas.values() for lemma in {lemma.lower() for lemma in found})
    by_offset = {synset.offset: synset for synset in rows}
    names: dict[int, str] = {}
    used: set[str] = set()
    for synset in rows:
        own = lemmas[synset.offset]
        name = (
            own[0]
            if firsts[own[0].lower()] == 1
            else next((lemma for lemma in own if anywhere[lemma.lower()] == 1), "")
        )
        if not name:
            parent = next(
                (by_offset[to] for symbol, to in synset.pointers if symbol in ("@", "@i") and to in by_offset), None
            )
            name = f"{own[0]} ({parent.lemmas[0].replace('_', ' ') if parent else synset.lexname})"
        while name.lower() in used:
            name = f"{name} [{synset.offset}]"
        used.add(name.lower())
        names[synset.offset] = name
    return names


def _ids(names: Mapping[int, str], chosen: Chosen, known: Mapping[str, str]) -> dict[int, str]:
    placed = {
        synset.offset: discipline
        for discipline, groups in chosen.items()
        for rows in groups.values()
        for synset in rows
    }
    kept = {offset: known.get(str(offset), "") for offset in placed}
    ids = {offset: identity for offset, identity in kept.items() if identity.startswith(f"{placed[offset]}/")}
    used = set(ids.values())
    for offset, discipline in placed.items():
        if offset in ids:
            continue
        slug = re.sub(r"[^a-z0-9]+", "_", names[offset].lower()).strip("_")
        identity = f"{discipline}/{slug}"
        if not slug or identity in used:
            identity = f"{identity}_{offset}"
        used.add(identity)
        ids[offset] = identity
    return ids


def _concept(synset: Synset, identity: str, name: str, nouns: Mapping[str, str]) -> dict[str, Any]:
    own = name.partition(" (")[0]
    individual = any(symbol == "@i" for symbol, _ in synset.pointers)
    aliases = [lemma.replace("_", " ") for lemma in synset.lemmas if lemma.replace("_", " ") != own]
    noun = nouns.get(identity.partition("/")[2]) or noun_of(own, synset.gloss, synset.lexname, individual)
    concept: dict[str, Any] = {"id": identity, "name": name, "definition": clean_gloss(synset.gloss) or own}
    concept |= {"aliases": aliases} if aliases else {}
    concept["kind"] = synset.lexname
    concept |= {"noun": noun} if noun != "count" else {}
    concept["source"] = f"{DOCUMENT}#{synset.offset}-{synset.end}"
    return concept


def _own_words(synset: Synset, names: Mapping[int, str]) -> dict[str, str]:
    """Return another definition for a synset whose gloss says no more than its name: what it is a kind of."""
    gloss = re.sub(r"^(an?|the) ", "", clean_gloss(synset.gloss)).casefold()
    above = [names[to] for symbol, to in synset.pointers if symbol in ("@", "@i") and to in names]
    if gloss not in ("", names[synset.offset].partition(" (")[0].casefold()) or not above:
        return {}
    return {"definition": f"one kind of {above[0]}"}


def _relations(synset: Synset, ids: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    for symbol, to in dict.fromkeys(synset.pointers):
        predicate = POINTERS.get(symbol)
        if predicate and to in ids and to != synset.offset and (predicate != "antonym_of" or synset.offset < to):
            yield {
                "subject": ids[synset.offset],
                "predicate": predicate,
                "object": ids[to],
                "source": f"{DOCUMENT}#{synset.offset}-{synset.end}",
            }
