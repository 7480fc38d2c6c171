"""The keys of `proda.yaml`. Every model is strict: an unknown key or a wrong type is an error, never a guess."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prodabuild.manifest.paths import is_task_file
from prodabuild.manifest.strict import Part

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
RepoPath = Annotated[str, Field(min_length=1, description="A path inside the repository, with forward slashes.")]
Text = Annotated[str, Field(min_length=1)]
# Read as text, so that what is no recipe gets a better message than a pattern's; editors get the pattern.
RecipeEntry = Annotated[str, Field(json_schema_extra={"pattern": r"^([^:]+\.py:[^:\s]+|[^:.\s/]+)$"})]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1, lt=2**31)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Discipline(Part):
    """One field of knowledge: where its records lie, and the documents they were taken from."""

    knowledge: Annotated[list[RepoPath], Field(min_length=1)] = Field(
        description="Folders or files of records (.yaml, .jsonl)."
    )
    sources: list[RepoPath] = Field(default=[], description="Folders or files of the documents that records quote.")


class Licence(Part):
    """What the texts of one source may be used for, in the words of its owner."""

    name: Text = Field(description="SPDX identifier, or the name that the licence goes by.")
    file: RepoPath | None = Field(default=None, description="Its text; every export carries it.")
    link: Text | None = Field(default=None, description="Where it is published.")


class Compile(Part):
    """How knowledge becomes training samples."""

    seed: Seed = Field(default=7, description="Draws distractors and phrasings; part of every sample's identity.")
    recipes: Annotated[list[RecipeEntry], Field(min_length=1)] = Field(
        default=["define", "relate", "choose", "judge"],
        description="What is made of each record: recipes that ship, and functions of the repository (FILE.py:NAME).",
    )
    ratios: dict[Text, Positive] = Field(
        default={},
        description="Samples of each recipe to those of the others, met exactly in every shard; default: all are kept.",
    )
    duplicates: Literal["keep", "drop"] = Field(
        default="keep", description="drop: of samples with the same question and answer one is kept, with all records."
    )
    replay: Annotated[float, Field(ge=0)] | None = Field(
        default=None,
        description="With patches, train on what they touch and this many times as many of the other samples; "
        "default: on everything.",
    )
    shard_size: Positive = Field(default=64, description="Records a shard holds before it is split in two.")


class Adapter(Part):
    """What is trained: a PEFT adapter on the base, or with `full` all of its weights."""

    type: Literal["lora", "rslora", "dora", "qlora", "full"] = Field(
        default="lora",
        description="lora; rslora: scaled by alpha / sqrt(r); dora: directions and magnitudes; "
        "qlora: on a base of 4 bits (needs CUDA and bitsandbytes); full: every weight, no adapter.",
    )
    r: Positive = Field(default=16, description="Rank of the update.")
    alpha: Positive = Field(default=32, description="Scale of the update: alpha / r.")
    dropout: Share = Field(default=0.0, description="Dropout on the adapter's input.")
    targets: Literal["all-linear"] | Annotated[list[str], Field(min_length=1)] = Field(
        default="all-linear", description="Module names to adapt, or all linear layers but the head."
    )
    save_modules: list[str] = Field(default=[], description="Modules trained in full beside the adapter.")


class Train(Part):
    """How the adapter is trained."""

    epochs: Positive = Field(default=3, description="Passes over the dataset.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(default=2.0e-4, description="Peak of the cosine schedule.")
    max_length: Annotated[int, Field(ge=8, lt=2**31)] = Field(default=512, description="Longest sample in tokens.")
    overlong: Literal["error", "drop", "truncate"] = Field(
        default="error", description="What becomes of a longer one; dropped and truncated ones are counted and told."
    )
    batch_tokens: Annotated[int, Field(ge=8, lt=2**31)] = Field(
        default=8192, description="Tokens of one optimiser step, padding included (packed: without)."
    )
    micro_tokens: Annotated[int, Field(ge=8, lt=2**31)] | None = Field(
        default=None,
        description="Most tokens computed at once: a step is the sum of such parts; default: the whole step.",
    )
    packing: bool = Field(
        default=False,
        description="Several samples in one row of max_length tokens, none of which sees another's; "
        "default: samples of like length, one a row.",
    )
    gradient_checkpointing: bool = Field(
        default=False, description="Compute activations twice to keep fewer of them in memory."
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", description="auto: bf16 on a CUDA device that has it, else fp32."
    )
    seed: Seed = Field(default=7, description="Order of samples and initial adapter weights.")
    strategy: Literal["from_base", "continue"] = Field(
        default="from_base",
        description="from_base: every version begins at the base; continue: at the model in `start`.",
    )
    start: RepoPath | None = Field(
        default=None, description="Folder of the repository with the model that `continue` begins at."
    )
    world_size: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=1, description="Processes that share each step: GPUs, or on a CPU cores."
    )
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None,
        description="Threads of a process on a CPU; default: 2, or 1 of several processes. The bytes of a model hang "
        "on it, so the machine does not decide.",
    )
    fsdp: bool = Field(
        default=False,
        description="Spread base, gradients and optimiser state over the processes (torch's FSDP2): for bases that "
        "do not fit one of them.",
    )

    @model_validator(mode="after")
    def _start_belongs_to_continue(self) -> Train:
        if (self.strategy == "continue") != (self.start is not None):
            raise ValueError("strategy: continue and start go together: the folder of the model to begin at")
        return self

    @model_validator(mode="after")
    def _fsdp_needs_processes(self) -> Train:
        if self.fsdp and self.world_size == 1:
            raise ValueError("fsdp spreads weights over processes: set world_size to 2 or more")
        return self


class Model(Part):
    """The target model: a base, and the adapter trained on it."""

    base: Annotated[str, Field(pattern=r"^(scratch:|hf:|path:).+")] = Field(
        description="scratch:PRESET, hf:ORG/NAME@REVISION (40 hex digits) or path:FOLDER."
    )
    base_text: list[RepoPath] | None = Field(
        default=None, description="What a scratch base reads; default: text that ships with the package."
    )
    allow_missing: list[Text] = Field(
        default=[],
        description="Parameters that the base's weights may lack, by name or pattern (lm_head.weight, v_head.*): they "
        "are initialised at random, always the same; default: none may be missing.",
    )
    allow_unexpected: list[Text] = Field(
        default=[],
        description="Tensors of the base's weights that its config.json has no place for and that are left unused, by "
        "name or pattern; default: none.",
    )
    adapter: Adapter = Adapter()
    train: Train = Train()

    @model_validator(mode="after")
    def _quantised_weights_are_not_spread(self) -> Model:
        if self.train.fsdp and self.adapter.type == "qlora":
            raise ValueError("fsdp cannot spread the 4-bit weights of qlora: use one of them")
        return self


class Gate(Part):
    """When a suite fails. Measured on the sealed items where there are any, else on all."""

    metric: Literal["acc"] = Field(default="acc", description="Accuracy.")
    min: Share | None = Field(default=None, description="Lowest value that passes.")
    max_drop: Share | None = Field(default=None, description="Largest fall against the base that passes.")


class ChainSuite(Part):
    """Items made from the knowledge's chains."""

    source: Literal["chains"] = Field(alias="from", description="Items are made from L3 chains.")
    sealed: Share = Field(default=0.3, description="Share of the chains whose items are for scoring only.")
    difficulty: Share = Field(
        default=0.25, description="Share of the items that do not name the concepts in the middle."
    )
    gate: Gate | None = Field(default=None, description="When the suite fails.")


class TaskSuite(Part):
    """lm-eval tasks: files of the repository, or tasks that lm-eval brings."""

    tasks: Annotated[list[Text], Field(min_length=1)] = Field(
        description="lm-eval task files (.yaml) of the repository, and names of tasks or groups that lm-eval brings."
    )
    gate: Gate | None = Field(default=None, description="When the suite fails.")

    @property
    def files(self) -> list[str]:
        """Return the entries that are files of the repository."""
        return [task for task in self.tasks if is_task_file(task)]


def _kind(suite: Any) -> str:
    """Return the tag of a suite: no key of it, which a place in the document would be taken for."""
    tasks = isinstance(suite, TaskSuite) or (isinstance(suite, dict) and "tasks" in suite)
    return "suite of tasks" if tasks else "suite of chains"


Suite = Annotated[
    Annotated[ChainSuite, Tag("suite of chains")] | Annotated[TaskSuite, Tag("suite of tasks")], Discriminator(_kind)
]


class Dose(Part):
    """Samples of a source of known statistics among the others."""

    source: Text = Field(description="As `prodabuild probe source` lists them: lag:symbols=4,lag=2.")
    share: Annotated[float, Field(gt=0, lt=1)] = Field(description="Of the arm's tokens.")


class Arm(Part):
    """What one arm of an experiment trains on, or how."""

    recipes: Annotated[list[Text], Field(min_length=1)] | None = Field(
        default=None,
        description="What is made of the records: recipes that ship, and `ask`, single links in the words of the "
        "tests; default: the samples of the dataset.",
    )
    repeat: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="How often each sample comes; there are as many fewer of them."
    )
    dose: Dose | None = Field(default=None, description="Samples of a probe among the others.")
    learning_rate: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Instead of model.train.learning_rate: a control that has the same data."
    )


class Experiment(Part):
    """Runs that differ in what their arms declare, and in nothing else: same base, recipe, budget and seeds."""

    arms: dict[Name, Arm] = Field(description="By name; the others are compared with the first.")
    seeds: list[Seed] = Field(
        default=[1, 2, 3], description="Of training and of the draw of samples: a run for each arm and seed."
    )
    tokens: Positive = Field(default=50_000, description="What every arm trains on in one epoch.")
    epochs: Positive | None = Field(default=None, description="Instead of model.train.epochs.")
    probe: list[Text] = Field(
        default=[], description="Sources that every run is probed on within a context, as `prodabuild probe ladder` is."
    )

    @model_validator(mode="after")
    def _can_be_compared(self) -> Experiment:
        if len(self.arms) < 2:
            raise ValueError("an experiment compares arms: declare two or more")
        if len(set(self.seeds)) < max(2, len(self.seeds)):
            raise ValueError("what arms differ by is told beside what seeds differ by: name two or more, each once")
        return self


class RiseGate(Part):
    """When the ladder of probes fails."""

    max_rise: Annotated[float, Field(ge=0)] = Field(
        description="How many bits a symbol the model may pay more than its base, as a mean over the ladder."
    )


class ProbeLadder(Part):
    """Sources of known statistics that `prodabuild test` puts before base and model, each row in its own context."""

    sources: Annotated[list[Text], Field(min_length=1)] | None = Field(
        default=None, description="What `prodabuild probe source` knows; default: the ladder that ships."
    )
    rows: Annotated[int, Field(ge=2, lt=2**31)] = Field(default=64, description="Rows of each source.")
    length: Annotated[int, Field(ge=2, lt=2**31)] = Field(default=128, description="Symbols a row.")
    seed: Seed = Field(default=1, description="Draws the rows.")
    gate: RiseGate | None = Field(default=None, description="When the ladder fails.")


class SizeGate(Part):
    """When the footprint fails."""

    max_size: Annotated[float, Field(gt=0)] = Field(
        description="Largest norm that the update may have, as a share of that of the base in the modules it changes."
    )


class FootprintCheck(Part):
    """What training did to the weights, as `prodabuild test` computes it; `{}` asks for it without a gate."""

    gate: SizeGate | None = Field(default=None, description="When the footprint fails.")


class Insight(Part):
    """What is looked at beside the suites: by `prodabuild test` where it says `probe` or `footprint`."""

    probe: ProbeLadder | None = Field(default=None, description="A ladder of probes; default: none.")
    footprint: FootprintCheck | None = Field(default=None, description="The footprint in the weights; default: none.")
    experiments: dict[Name, Experiment] = Field(
        default={}, description="By name: `prodabuild footprint --compare NAME` runs one."
    )


class Manifest(Part):
    """All of `proda.yaml`."""

    version: Literal[1] = Field(description="Version of this format.")
    name: Name = Field(description="Name of the data repo.")
    disciplines: Annotated[dict[Name, Discipline], Field(min_length=1)] = Field(
        description="Fields of knowledge by name."
    )
    licences: dict[Text, Licence] = Field(
        default={}, description="Licences by source: a document that records name, or what its name begins with."
    )
    compile: Compile = Compile()
    model: Model
    tests: dict[Name, Suite] = Field(default={}, description="Test suites by name.")
    insight: Insight = Field(default=Insight(), description="What is looked at beside the suites.")

    @model_validator(mode="after")
    def _one_chain_suite(self) -> Manifest:
        if sum(isinstance(suite, ChainSuite) for suite in self.tests.values()) > 1:
            raise ValueError("at most one suite can be made from chains")
        return self

    @property
    def chain_suite(self) -> tuple[str, ChainSuite] | None:
        """Return name and settings of the suite made from chains."""
        return next(((name, suite) for name, suite in self.tests.items() if isinstance(suite, ChainSuite)), None)


def flatten(part: Part, prefix: str = "") -> dict[str, object]:
    """Return the settings of a part by dotted key, as facets of one fact: a build depends on those it reads."""
    flat: dict[str, object] = {}
    for key, value in part.model_dump(by_alias=True).items():
        nested = getattr(part, "source" if key == "from" else key)
        if isinstance(nested, Part):
            flat.update(flatten(nested, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat
