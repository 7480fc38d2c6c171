"""Write the text that a scratch base reads: glosses and simple questions about nouns outside the selection.

    python scripts/base_text.py /usr/share/wordnet

Nothing in it is about a synset that sources/wordnet.yaml selects: neither its name nor its gloss is the subject
of any document. Output: prodabuild/training/base_text/wordnet.txt, documents between blank lines.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from prodabuild.knowledge.language import Name, capital, sentence
from prodabuild.knowledge.predicates import BUILTIN
from prodabuild.manifest.strict import read_strict
from prodabuild.shards.prompt import TEMPLATE
from prodabuild.sources.grammar import behaviour
from prodabuild.sources.wordnet import Selection, Synset, WordNet, choose, clean_gloss, read_wordnet
from prodabuild.suites.chain import ask as ask_chain

ROOT = Path(__file__).parent.parent
MOST_BYTES = 1_480_000
UP = {"@": "is_a", "@i": "instance_of"}


def name_of(synset: Synset) -> Name:
    text = synset.lemmas[0].replace("_", " ")
    if any(symbol == "@i" for symbol, _ in synset.pointers):
        return Name(text, "proper")
    return Name(text, behaviour(synset.lexname, text))


def parents(wordnet: WordNet, synset: Synset) -> list[tuple[str, Synset]]:
    return [(UP[symbol], wordnet.synsets[to]) for symbol, to in synset.pointers if symbol in UP]


def ask(question: str, answer: str) -> str:
    return f"{TEMPLATE.format(question=question)} {answer if answer.endswith('.') else answer + '.'}"


def documents(wordnet: WordNet, synset: Synset, draw: random.Random, outside: set[int]) -> list[str]:
    """Return what the base reads about one synset, in the phrasings of the recipes and of the tests."""
    name, gloss = name_of(synset), clean_gloss(synset.gloss, most=110)
    up = [(predicate, parent) for predicate, parent in parents(wordnet, synset) if parent.offset in outside]
    found = [
        draw.choice(
            [
                f"{capital(name.text)}: {gloss}.",
                ask(f"Which term means: {gloss}?", name.text),
                ask(f'What does "{name.text}" mean?', f"{capital(gloss)}."),
            ]
        )
    ]
    for name_of_predicate, parent in up[:1]:
        predicate, target = BUILTIN[name_of_predicate], name_of(parent)
        true = sentence(predicate.forward, name, target, ".")
        question = sentence(predicate.question, name, target)
        others = [
            name_of(found)
            for kind, grand in parents(wordnet, parent)
            for found in (wordnet.synsets[o] for o in wordnet.below[grand.offset])
            if found.offset != parent.offset
        ]
        forms = [ask(question, target.text), ask(f"State a fact about {name.text}.", true), true]
        if others:
            wrong = draw.choice(others)
            forms.append(ask(f"True or false: {true}", "True"))
            forms.append(ask(f"True or false: {sentence(predicate.forward, name, wrong, '.')}", "False"))
            options = [target, *draw.sample(others, min(3, len(others)))]
            draw.shuffle(options)
            if len(options) > 1:
                listed = ", ".join(option.text for option in options[:-1]) + f" or {options[-1].text}"
                forms.append(ask(f"{question} Choose from: {listed}.", target.text))
        found += draw.sample(forms, 2)
        for second, grand in parents(wordnet, parent):
            if grand.offset in outside:
                middle = draw.choice([[], [target]])
                question = ask_chain([predicate.path, BUILTIN[second].path], name, middle)
                found.append(ask(question, name_of(grand).text))
                break
    return found


def main() -> None:
    wordnet = read_wordnet(Path(sys.argv[1]))
    selection = read_strict(Selection, (ROOT / "sources/wordnet.yaml").read_bytes(), "sources/wordnet.yaml")[0]
    taken = {
        synset.offset
        for groups in choose(wordnet, selection).values()
        for synsets in groups.values()
        for synset in synsets
    }
    names = {wordnet.synsets[offset].lemmas[0].lower() for offset in taken}
    outside = {
        offset
        for offset, synset in wordnet.synsets.items()
        if offset not in taken and synset.lemmas[0].lower() not in names
    }
    draw = random.Random(7)
    order = sorted(outside)
    draw.shuffle(order)
    order.sort(key=lambda offset: -min(wordnet.synsets[offset].counts, 1))  # words that people use first
    written: list[str] = []
    size = 0
    for offset in order:
        found = documents(wordnet, wordnet.synsets[offset], draw, outside)
        size += sum(len(document.encode()) + 2 for document in found)
        if size > MOST_BYTES:
            break
        written += found
    draw.shuffle(written)
    target = ROOT / "prodabuild/training/base_text/wordnet.txt"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n\n".join(written) + "\n", "utf-8")
    print(f"{target.relative_to(ROOT)}: {len(written)} documents, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
