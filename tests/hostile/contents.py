"""Attacks by what files hold and how they are called: floods, settings, texts, code, sources of imports, bases, tasks."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import stagefiles
from confinement import Scene
from places import (
    CARD,
    CHECK,
    COMPILE,
    CSV,
    DIFF,
    DOCTOR,
    EXPORT,
    GC,
    JSONLD,
    LIST,
    OBO,
    OWL,
    PLAN,
    PRODA,
    PULL,
    SHOW,
    TTL,
    VERIFY,
    WHY,
    edit,
)

from tests.hostile.cases import Case, Spoil, append, both, link, write
from tests.hostile.damages import clear

# -- floods --------------------------------------------------------------------------------------------------------


def ladder(scene: Scene) -> None:
    """A graph with 2^40 paths: every concept of a step is a kind of both of the next."""
    lines = []
    for step in range(40):
        for side in "ab":
            lines.append(
                {
                    "level": "concept",
                    "id": f"zoo/{side}{step}",
                    "name": f"{side} {step}",
                    "definition": f"step {step} {side}",
                }
            )
            if step:
                lines += [{"level": "relation", "subject": f"zoo/{side}{step}", "predicate": "is_a", "object": f"zoo/{other}{step - 1}"} for other in "ab"]  # fmt: skip
    write("knowledge/zoo/more.jsonl", "".join(json.dumps(line) + "\n" for line in lines))(scene)


def ladder_table(scene: Scene) -> None:
    rows = ["Code,Tea,Meaning,Sort of", "r,top,the first of all,"]
    for step in range(30):
        above = "top" if not step else f"a{step - 1};b{step - 1}"
        rows += [f"{side}{step},{side}{step},step {step} of {side},{above}" for side in "ab"]
    write("sources/tea.csv", "\n".join(rows) + "\n")(scene)
    mapping = "tables:\n  tea.csv:\n    concept: {key: Code, name: Tea, definition: Meaning}\n    relations:\n    - {predicate: is_a, object: Sort of}\n"
    write("sources/tea.yaml", mapping)(scene)
    clear(scene.repo / "sources/tea.import.jsonl")


def long_line(scene: Scene) -> None:
    """A chain of 20,000 links."""
    lines = [{"level": "concept", "id": "zoo/n0", "name": "n0", "definition": "the first of all"}]
    for step in range(1, 5_000):
        lines.append(
            {"level": "concept", "id": f"zoo/n{step}", "name": f"n{step}", "definition": f"number {step} of all"}
        )
        lines.append(
            {"level": "relation", "subject": f"zoo/n{step}", "predicate": "is_a", "object": f"zoo/n{step - 1}"}
        )
    write("knowledge/zoo/more.jsonl", "".join(json.dumps(line) + "\n" for line in lines))(scene)


def alike(scene: Scene) -> None:
    """2,000 definitions of the same words."""
    words = " ".join(f"word{number}" for number in range(200))
    lines = [
        {"level": "concept", "id": f"zoo/n{n}", "name": f"n{n}", "definition": f"{words} {n}"} for n in range(2_000)
    ]
    write("knowledge/zoo/more.jsonl", "".join(json.dumps(line) + "\n" for line in lines))(scene)


def many_files(scene: Scene) -> None:
    """10,000 files of knowledge."""
    folder = scene.repo / "knowledge/zoo/many"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number}.yaml").touch()


def big(name: str, size: int, start: bytes = b"") -> Spoil:
    """Return what writes a sparse file."""

    def work(scene: Scene) -> None:
        clear(scene.repo / name)
        with (scene.repo / name).open("wb") as file:
            file.write(start)
            file.truncate(size)

    return work


RIDDLE = "*a" * 40 + "*b"


def riddle(scene: Scene) -> None:
    """A pattern that takes a backtracking matcher for ever."""
    (scene.repo / ".dvcignore").write_text(RIDDLE + "\n")
    (scene.repo / "knowledge/zoo" / ("a" * 120)).write_text("")
    edit("proda.yaml", "seed: 7", "seed: 8")(scene)


def riddle_table(scene: Scene) -> None:
    edit(
        "sources/tea.yaml",
        "tea.csv:",
        f"'{RIDDLE}': {{relations: [{{subject: a, object: b, predicate: is_a}}]}}\n  tea.csv:",
    )(scene)


def floods() -> Iterator[Case]:
    """Return what is small to write and large to read."""
    building = (CHECK, PLAN, COMPILE, WHY)
    yield Case("flood", "paths of a graph", ladder, building)
    yield Case("flood", "paths of an import", ladder_table, (CSV,))
    yield Case("flood", "a long chain", long_line, (CHECK, PLAN, COMPILE))
    yield Case("flood", "definitions alike", alike, (CHECK, COMPILE))
    yield Case("flood", "many files", many_files, (CHECK, PLAN))
    yield Case("flood", "patterns of .dvcignore", riddle, (PLAN, COMPILE))
    yield Case("flood", "patterns of a mapping", riddle_table, (CSV,))
    for name in ("knowledge/zoo/more.jsonl", "knowledge/zoo/kinds.yaml", "proda.lock", "patches/0001-macaws.yaml", "dvc.yaml",
                 "sources/notes.txt", "raw.dvc", ".dvcignore", ".dvc/config", "patches/trials.jsonl"):  # fmt: skip
        yield Case("flood", f"200 MB at {name}", big(name, 200 << 20, b'{"a": "'), (CHECK, PLAN, GC))
    for name, setting in {
        "ratios": "ratios: {define: 2147483647, relate: 1}",
        "replay of infinity": "replay: .inf",
        "replay of NaN": "replay: .nan",
        "shards of 2^31": "shard_size: 2147483647",
    }.items():
        yield Case(
            "flood",
            name,
            edit("proda.yaml", "shard_size: 16", f"shard_size: 16, {setting}" if "shard" not in setting else setting),
            building,
        )
    for name, old, new in (
        ("sealed share of NaN", "sealed: 0.5", "sealed: .nan"),
        ("a long name of a suite", "chains:", "c" * 300 + ":"),
        ("a long name of a discipline", "tea: {", "t" * 300 + ": {"),
        ("a discipline called con", "tea: {", "con: {"),
        ("knowledge is the repo", "[knowledge/tea]", "[.]"),
        ("knowledge is build", "[knowledge/tea]", "[build]"),
        ("knowledge is .git", "[knowledge/tea]", "[.git]"),
        ("knowledge is .prodabuild", "[knowledge/tea]", "[.prodabuild]"),
        ("knowledge is .dvc", "[knowledge/tea]", "[.dvc/cache]"),
        ("patches are knowledge", "[knowledge/tea]", "[patches]"),
        ("a recipe in build", "define, relate", "'build/suites/chains/items.py:load', relate"),
    ):  # fmt: skip
        yield Case("odd manifest", name, edit("proda.yaml", old, new), (CHECK, PLAN, COMPILE, EXPORT))


# -- code, templates, texts ----------------------------------------------------------------------------------------


def own_code(scene: Scene) -> None:
    """Own recipes that leave a mark when they run."""
    code = f"import pathlib\npathlib.Path({str(scene.around / 'pwned')!r}).touch()\n"
    for file, name in (("recipes/own.py", "brief"), ("sources/notes.py", "note")):
        body = "    from prodabuild.shards.sample import Sample\n\n    yield Sample('x', concept.id, concept.id, (concept.id,))\n"
        write(file, f"{code}\n\ndef {name}(concept):\n{body}")(scene)
    edit("proda.yaml", "define, relate", "define, 'recipes/own.py:brief', 'sources/notes.py:note', relate")(scene)


SHADOWS = ("click", "orjson", "yaml", "pydantic", "xxhash", "rich", "numpy", "json", "re", "site", "sitecustomize",
           "prodabuild_plugin", "conftest", "fastobo", "rdflib", "dvc", "pyarrow")  # fmt: skip


def shadows(scene: Scene) -> None:
    """Files that are called as modules that the tool imports."""
    for name in SHADOWS:
        write(f"{name}.py", f"open({str(scene.around / 'pwned')!r}, 'w')\n")(scene)
    for name in ("json", "text"):  # a loader of data sets by that name
        write(f"{name}/{name}.py", f"open({str(scene.around / 'pwned')!r}, 'w')\n")(scene)


def predicate(forward: str) -> Spoil:
    """Return what declares a predicate of a reading, and a relation that uses it."""
    text = f"predicates:\n  eats:\n    forward: {json.dumps(forward)}\n    question: 'What does {{subject}} eat?'\n    inverse_question: 'What eats {{object}}?'\n    path: an eater of\n"
    relation = '{"level":"relation","subject":"zoo/koi","predicate":"eats","object":"zoo/ant"}\n'
    return both(write("knowledge/predicates.yaml", text), append("knowledge/zoo/more.jsonl", relation))


TEMPLATES = {
    "attributes": "{subject.__class__.__mro__} eats {object}",
    "globals": "{subject.__init__.__globals__} eats {object}",
    "width": "{subject:>9999999999} eats {object}",
    "index": "{subject[0]} eats {object}",
    "conversion": "{subject!r:>100000000} eats {object}",
    "position": "{0} eats {object}",
    "nested": "{subject:{object}} eats {object}",
    "unclosed": "{subject eats {object}",
    "Jinja": "{{subject}} {{ ''.__class__ }} eats {object} {% for x in y %}",
}
ESCAPE_TEXT = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066evil\u200f"


def texts() -> Iterator[Case]:
    """Return control characters in every text that is shown."""
    quoted = json.dumps(ESCAPE_TEXT)
    shown = {
        "definition": both(
            edit(
                "knowledge/zoo/kinds.yaml",
                "definition: an animal that keepers know by the ways of the macaw",
                f"definition: {quoted} #",
            ),
            lambda scene: None,
        ),
        "title of a patch": edit("patches/0001-macaws.yaml", "title: Macaws talk", f"title: {quoted}"),
        "reason of a patch": edit("patches/0001-macaws.yaml", "reason: they do", f"reason: {quoted}"),
        "definition in a patch": edit("patches/0001-macaws.yaml", "a parrot that talks", quoted),
        "key of the manifest": edit("proda.yaml", "name: small", f"name: small\n{quoted}: 1"),
        "name of the repo": edit("proda.yaml", "name: small", f"name: {quoted}"),
        "licence": edit("proda.yaml", "CC-BY-4.0", quoted),
        "recipe": edit("proda.yaml", "define, relate", f"{quoted}, relate"),
        "base": edit("proda.yaml", "path:models/base", quoted),
        "key of a record": edit("knowledge/zoo/more.jsonl", '"name":"koi"', f'"name":"koi",{quoted}:1'),
        "id of a record": edit(
            "knowledge/zoo/more.jsonl", '"id":"zoo/koi"', f'"id":{json.dumps("zoo/" + ESCAPE_TEXT)}'
        ),
        "title of a chain": edit("knowledge/zoo/chains.yaml", "title: from macaw to bird", f"title: {quoted}"),
        "key of the lock": edit(
            "proda.lock", '"index": ', f'{json.dumps("shard:" + ESCAPE_TEXT)}: {{"md5":1}},\n"index": '
        ),
        "stage of DVC": edit("dvc.yaml", "stages:\n", f"stages:\n  {quoted}: {{cmd: x}}\n"),
        "claim": edit("claims/card.yaml", "title: Distance", f"title: {quoted}\n{quoted}: 1"),
        "cell of a table": edit("sources/tea.csv", "leaves that are steeped", ESCAPE_TEXT),
        "name of a table": edit("sources/tea.csv", "T1,tea,", f"T1,{ESCAPE_TEXT},"),
        "line of OBO": edit("sources/cells.obo", "name: ", f"name: {ESCAPE_TEXT}"),
    }
    commands = (
        CHECK,
        PLAN,
        LIST,
        SHOW,
        DIFF,
        ("diff", "HEAD", "--md"),
        ("check", "--format", "github"),
        ("check", "--format", "sarif"),
        WHY,
        ("plan", "-v"),
        COMPILE,
    )
    for place, spoil in shown.items():
        imports = {
            "claim": (CARD,),
            "cell of a table": (CSV,),
            "name of a table": (CSV,),
            "line of OBO": ((*OBO, "--dry-run"),),
        }
        yield Case("control characters", place, spoil, imports.get(place, commands))
    yield Case(
        "control characters",
        "title of a patch in JSON",
        shown["title of a patch"],
        (("patch", "list", "--json"), ("check", "--json")),
    )
    for kind, forward in TEMPLATES.items():
        yield Case("template", f"{kind} in a predicate", predicate(forward), (CHECK, COMPILE))


def code() -> Iterator[Case]:
    """Return code of a stranger, where nobody asked for it to run."""
    reading = (CHECK, PLAN, LIST, SHOW, DIFF, WHY, GC, DOCTOR, VERIFY)
    yield Case("own code", "recipes", own_code, reading)
    yield Case("own code", "modules called as others", shadows, (*reading, COMPILE, CSV, PULL))


# -- imports -------------------------------------------------------------------------------------------------------


def hostile_imports() -> Iterator[Case]:
    """Return sources of imports that a stranger wrote."""
    skos = '"skos": "http://www.w3.org/2004/02/skos/core#"'
    for name, context in {
        "file": '"file:///etc/passwd"', "secret beside": '"../../secret.json"', "server": '"http://127.0.0.1:1/x"',
        "itself": '"pets.jsonld"', "deep": "[" * 5000 + "]" * 5000,
    }.items():  # fmt: skip
        document = f'{{"@context": [{{{skos}}}, {context}], "@id": "http://x.example/cat", "skos:prefLabel": "cat"}}\n'
        yield Case("hostile import", f"context of JSON-LD: {name}", write("sources/pets.jsonld", document), (JSONLD,))
    entity = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file://{}"><!ENTITY a "{}">{}]><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:owl="http://www.w3.org/2002/07/owl#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#"><owl:Class rdf:about="http://x/y"><rdfs:label>&x;&h;</rdfs:label></owl:Class></rdf:RDF>'
    laughs = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">' for n in range(7))

    def with_entities(scene: Scene) -> None:
        write("sources/boats.owl", entity.format(scene.around / "secret.txt", "ha", laughs))(scene)

    yield Case("hostile import", "entities of XML", with_entities, (OWL,))
    spaces = "<!DOCTYPE r [<!ENTITY " + " " * 60_000 + "x" + " " * 60_000 + "\n]>"
    yield Case(
        "hostile import", "spaces in an entity", write("sources/boats.owl", '<?xml version="1.0"?>' + spaces), (OWL,)
    )
    yield Case("hostile import", "deep Turtle", write("sources/pets.ttl", "<a> <b> " + "[ <c> " * 100_000), (TTL,))
    yield Case("hostile import", "lists in Turtle", write("sources/pets.ttl", "<a> <b> " + "( " * 100_000), (TTL,))
    yield Case("hostile import", "deep JSON-LD", write("sources/pets.jsonld", '{"a":' * 100_000), (JSONLD,))
    yield Case(
        "hostile import",
        "deep knowledge of ProDa",
        write("sources/state.json", "[" * 100_000 + "]" * 100_000),
        (PRODA,),
    )

    def uploads(scene: Scene) -> None:
        (scene.repo / "sources/uploads").mkdir()
        (scene.repo / "sources/uploads/notes.md").symlink_to(scene.around / "secret.txt")
        os.mkfifo(scene.repo / "sources/uploads/pipe.md")

    yield Case("hostile import", "uploads of ProDa", uploads, (PRODA,))
    yield Case(
        "hostile import",
        "wide table",
        write("sources/tea.csv", "a," * 500_000 + "b\n" + "1," * 500_000 + "2\n"),
        (CSV,),
    )
    yield Case("hostile import", "open quote", write("sources/tea.csv", 'Code,Tea\n"' + "x" * 5_000_000), (CSV,))
    yield Case("hostile import", "a column twice", write("sources/tea.csv", "Code,Code,Tea,Tea\n1,2,3,4\n"), (CSV,))
    for path in ("/dev/zero", "/dev/stdin", "/proc/self/environ", "/proc/self/mem", "sources", "/dev/tty"):
        for kind in ("csv", "obo", "skos", "owl", "proda", "jsonl"):
            yield Case(
                "hostile import",
                f"{kind} of {path}",
                lambda scene: None,
                (("import", kind, path, "--name", "x", "--discipline", "x"),),
            )


# -- bases ---------------------------------------------------------------------------------------------------------

HEADERS: dict[str, bytes] = {
    "length of 10^15": (10**15).to_bytes(8, "little") + b"{}",
    "length of 2^64-1": b"\xff" * 8 + b"{}",
    "no JSON": stagefiles.safetensors([])[:8] + b"[[",
    "a pointer of git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12345\n",
    "negative offsets": stagefiles.safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}}),
    "offsets past the end": stagefiles.safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 10**12]}}),
    "shape of 10^18": stagefiles.safetensors(
        {"w": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 512]}}
    ),
    "unknown type": stagefiles.safetensors({"w": {"dtype": "X99", "shape": [128], "data_offsets": [0, 512]}}),
    "names that are paths": stagefiles.safetensors(
        {"../../x": {"dtype": "F32", "shape": [128], "data_offsets": [0, 512]}}
    ),
    "overlapping tensors": stagefiles.safetensors(
        {n: {"dtype": "F32", "shape": [128], "data_offsets": [0, 512]} for n in "ab"}
    ),
    "empty": b"",
    "seven bytes": b"1234567",
    "deep header": len(b"[" * 200_000).to_bytes(8, "little") + b"[" * 200_000,
}
CONFIGS: dict[str, object] = {
    "a list": [], "null": None, "a number": 3, "no type": {}, "vocabulary of 10^9": {**stagefiles.CONFIG, "vocab_size": 10**9},
    "layers of 10^9": {**stagefiles.CONFIG, "num_hidden_layers": 10**9}, "negative size": {**stagefiles.CONFIG, "hidden_size": -8},
    "size of a text": {**stagefiles.CONFIG, "hidden_size": "8"}, "size of NaN": {**stagefiles.CONFIG, "hidden_size": float("nan")},
    "code": {**stagefiles.CONFIG, "auto_map": {"AutoModelForCausalLM": "evil.Model", "AutoConfig": "evil.Config"}},
    "unknown type": {**stagefiles.CONFIG, "model_type": "../../x"}, "type of a list": {**stagefiles.CONFIG, "model_type": []},
    "more layers than weights": {**stagefiles.CONFIG, "num_hidden_layers": 7},
    "quantised": {**stagefiles.CONFIG, "quantization_config": {"quant_method": "../../x"}},
    "name elsewhere": {**stagefiles.CONFIG, "_name_or_path": "../../victim"},
}  # fmt: skip


def hostile_bases() -> Iterator[Case]:
    """Return bases that are not what they seem, as far as `check` and `plan` look at them."""
    commands = (CHECK, ("plan",), ("plan", "--to", "results"))
    for name, data in HEADERS.items():
        yield Case("hostile base", f"weights: {name}", write("models/base/model.safetensors", data), commands)
    for name, document in CONFIGS.items():
        yield Case("hostile base", f"config: {name}", write("models/base/config.json", json.dumps(document)), commands)
    for name, file in {"weights": "model.safetensors", "config": "config.json", "template": "chat_template.jinja",
                       "tokenizer": "tokenizer.json", "text beside": "x.txt"}.items():  # fmt: skip
        yield Case("hostile base", f"link at {name}", link(f"models/base/{file}", "secret.json"), commands)
    yield Case("hostile base", "code beside", write("models/base/evil.py", "open('pwned', 'w')\n"), commands)
    yield Case(
        "hostile base",
        "pickle beside",
        write("models/base/pytorch_model.bin", b"cos\nsystem\n(S'touch pwned'\ntR."),
        commands,
    )


def hostile_tasks() -> Iterator[Case]:
    """Return task files that a stranger wrote, as far as commands that do not test look at them."""
    declared = edit("proda.yaml", "tests:\n", "tests:\n  general: {tasks: [tests/general.yaml]}\n")
    for name, text in {
        "function": stagefiles.TASK + "custom_dataset: !function evil.load\n",
        "include": stagefiles.TASK + "include: ../../secret.yaml\n",
        "include of itself": stagefiles.TASK + "include: general.yaml\n",
        "data outside": stagefiles.TASK.replace("general.jsonl", "../../secret.jsonl"),
        "data at /dev/zero": stagefiles.TASK.replace("general.jsonl", "/dev/zero"),
        "script of a data set": stagefiles.TASK.replace("dataset_path: json", "dataset_path: ./evil.py"),
        "Jinja": stagefiles.TASK.replace("{{question}}", "{{ ''.__class__.__mro__[1].__subclasses__() }}"),
        "tag of Python": stagefiles.TASK + "x: !!python/object/apply:os.system ['touch pwned']\n",
        "group": "group: g\ntask: [../../secret.yaml, general]\n",
        "list": "[]\n",
        "name with a path": stagefiles.TASK.replace("task: general", "task: ../../x"),
    }.items():
        yield Case(
            "hostile task",
            name,
            both(write("tests/general.yaml", text), declared),
            (CHECK, PLAN, ("plan", "--to", "results"), COMPILE),
        )


# -- names of files, patches ---------------------------------------------------------------------------------------

NAMES: dict[str, bytes] = {
    "not UTF-8": b"\xff\xfe.yaml", "escape": b"\x1b[2J.yaml", "newline": b"a\nb.yaml", "bidi": "\u202egpj.yaml".encode(),
    "option": b"--force.yaml", "NFD": "e\u0301.yaml".encode(), "NFC": "\u00e9.yaml".encode(), "long": b"n" * 250 + b".yaml",
    "backslash": b"..\\x.yaml", "colon": b"a:b.yaml", "space": b" .yaml", "device of Windows": b"con.yaml", "quote": b"\"'`$(x).yaml",
    "lone surrogate": b"\xed\xa0\x80.yaml", "bracket": b"[x].yaml", "glob": b"*.yaml",
}  # fmt: skip


def named_file(folder: str, name: bytes) -> Spoil:
    """Return what puts a file of an odd name into a folder; git and DVC list it, too."""

    def work(scene: Scene) -> None:
        data = b"concepts:\n- {id: zoo/odd, name: odd, definition: an odd animal of the north}\n"
        data = data if folder != "patches" else b"title: x\nreason: y\ncause: correction\nops: []\n"
        with open(os.fsencode(scene.repo / folder) + b"/" + name, "wb") as file:
            file.write(data)
        subprocess.run(["git", "add", "--all", "--force", folder], cwd=scene.repo, check=True, capture_output=True)

    return work


def hostile_names() -> Iterator[Case]:
    """Return files of odd names wherever a folder is listed."""
    for kind, name in NAMES.items():
        for folder in ("knowledge/zoo", "patches", "sources", ".", "models/base", "build/dataset"):
            yield Case(
                "hostile name", f"{kind} in {folder}", named_file(folder, name), (CHECK, COMPILE, GC, DIFF, PULL)
            )
    patch = "title: {}\nreason: y\ncause: correction\nops:\n- emphasise: [zoo/lory]\n"
    for kind, stem in {"many digits": "9" * 60 + "-x", "Arabic digits": "٠٠٠٢-x", "the last number": "9999-x",
                       "the same number": "0001-other", "no number": "x", "minus": "-001-x", "zero": "0000-x"}.items():  # fmt: skip
        yield Case("hostile name", f"patch with {kind}", write(f"patches/{stem}.yaml", patch.format("x")),
                   (CHECK, LIST, SHOW, ("patch", "new", "Next"), COMPILE))  # fmt: skip


def every() -> Iterator[Case]:
    """Return all of these attacks."""
    for cases in (floods, texts, code, hostile_imports, hostile_bases, hostile_tasks, hostile_names):
        yield from cases()
