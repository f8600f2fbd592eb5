"""The tables of a config whose fields are plain values, with bounds and one line of help each."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.engines.options import LocalOptions, VllmOptions
from workbench.kinds import Exam, Member, Reward
from workbench.piece import LARGEST, Piece
from workbench.types.asking import OWN


def live(**keywords: Any) -> Any:
    """A field that may be changed while the run trains."""
    return Field(json_schema_extra={"live": True}, **keywords)


SEED = 2**32 - 1  # the largest that NumPy, torch and vLLM all take
Decay = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class Section(BaseModel):
    """A table of the config. `RENAMED`: fields by the names under which earlier versions wrote them."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
    RENAMED: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def read_old_names(cls, table: Any) -> Any:
        """`current_names` of what is validated."""
        return cls.current_names(table)

    @classmethod
    def current_names(cls, table: Any) -> Any:
        """The table under the fields' current names, with a FutureWarning for each that has an old one.

        Raises:
            ValueError: if a field is given under both names.
        """
        old = [name for name in cls.RENAMED if isinstance(table, Mapping) and name in table]
        for name in old:
            if cls.RENAMED[name] in table:
                raise ValueError(f"{name} is the old name of {cls.RENAMED[name]}: leave out {name}")
            warnings.warn(f"{name} is now called {cls.RENAMED[name]}: rename it", FutureWarning, stacklevel=3)
        return {cls.RENAMED.get(name, name): value for name, value in table.items()} if old else table


def named_table(value: Any, kind: str) -> dict[str, Any]:
    """A table with the piece's name under its kind; a string is short for a table with only the name."""
    if not isinstance(value, str | Mapping):
        raise ValueError(f"{value!r} is not a {kind}: give a name or a table with {kind} = NAME")
    return {kind: value} if isinstance(value, str) else dict(value)


def flat(piece: Piece) -> dict[str, Any]:
    """A piece with its name under its kind: `task = "sums"`."""
    table = piece.to_dict()
    return {piece.kind: table.pop("piece"), **table}


class Part(Section):
    """A piece in a list of the config, with what the config says of it; one flat table holds both."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    KIND: ClassVar[type[Piece]]

    @classmethod
    def parse(cls, value: Any) -> Any:
        """A flat table (`reward = "exact"`, weight, the reward's own fields), a piece, or its name, as a part."""
        if isinstance(value, cls):
            return value
        kind = cls.KIND.kind
        if isinstance(value, cls.KIND):
            return cls(**{kind: value})
        table = named_table(value, kind)
        own = {name: table.pop(name) for name in cls.model_fields if name != kind and name in table}
        piece = table[kind] if isinstance(table.get(kind), cls.KIND) else cls.KIND.parse(table)
        return cls(**{kind: piece}, **own)

    def table(self) -> dict[str, Any]:
        """The part as a flat table, without texts that are empty and without what is None."""
        own = {name: getattr(self, name) for name in type(self).model_fields if name != self.piece.kind}
        table = flat(self.piece)
        told = {name: value for name, value in own.items() if value is not None and value != ""}
        return {self.piece.kind: table.pop(self.piece.kind), **told, **table}

    @property
    def piece(self) -> Any:
        """The piece of the part."""
        return getattr(self, self.KIND.kind)


class RewardPart(Part):
    """One reward and its weight in the total reward."""

    KIND = Reward
    reward: Reward
    weight: float = Field(1.0, ge=-LARGEST, le=LARGEST, allow_inf_nan=False, description="in the sum of the rewards")
    name: str = Field("", description="in records; needed where two are alike")
    only: str = Field("", description="scores rollouts of this role, or of problems of this source, and no others")

    @property
    def key(self) -> str:
        """The name of the part in records."""
        return self.name or self.reward.name


class CastPart(Part):
    """A member of the cast, by the name under which rewards ask it."""

    KIND = Member
    member: Member
    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", description="by which rewards ask it")


def cast_errors(rewards: Sequence[RewardPart], cast: Sequence[CastPart]) -> list[str]:
    """Names that stand twice or for no member, and members that cannot be asked here."""
    names, asked = [part.name for part in cast], {name for part in rewards for name in part.reward.asks}
    taken = sorted({name for name in names if name in OWN or names.count(name) > 1})
    found = [f"cast: {name!r} is another member's name, or the run's own: name one otherwise" for name in taken]
    found += [
        f"rewards: {name!r} is asked, and no member of the cast is called so: add a table [[cast]] with that name"
        for name in sorted(asked - OWN - set(names))
    ]
    return found + [f"cast.{part.name}: {text}" for part in cast if part.name in asked for text in part.member.check()]


class ExamPart(Part):
    """One exam, taken before the first step, every so many steps, and at the end."""

    KIND = Exam
    exam: Exam
    name: str = Field(
        "", pattern=r"^([A-Za-z0-9][A-Za-z0-9_]*)?$", description="in records; needed where two are alike"
    )
    every: int = Field(0, ge=0, le=1_000_000, description="steps between two; 0: only before and after training")
    problems: int = Field(64, ge=1, le=1_000_000, description="how many of the exam's problems are asked")
    tries: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(
        (1, 4), min_length=1, description="which pass@k, from as many completions of a problem as the largest"
    )
    temperature: float | None = Field(
        None, ge=0, le=100, allow_inf_nan=False, description="of sampling; left out: that of evaluations"
    )

    @property
    def key(self) -> str:
        """The name of the exam in records: `exam.KEY.pass@1`."""
        return self.name or self.exam.name

    @property
    def counted(self) -> tuple[int, ...]:
        """The k of pass@k, each once, in order."""
        return tuple(sorted(set(self.tries)))

    @property
    def completions(self) -> int:
        """How many completions are sampled each time."""
        return self.problems * max(self.tries)

    def asks_as(self, other: "ExamPart") -> bool:
        """Whether another one asks the same problems equally often, so that results may be compared."""
        asked = [(part.exam, part.problems, max(part.tries), part.temperature) for part in (self, other)]
        return asked[0] == asked[1]

    def errors(self, temperature: float) -> list[str]:
        """Why it cannot be taken: each names field, value and remedy. `temperature`: of the run's evaluations."""
        place, used = f"exams.{self.key}", temperature if self.temperature is None else self.temperature
        found = [f"{place}: {text}" for text in (*self.exam.task.check(), *self.exam.reward.check())]
        size = None if found else self.exam.task.size("test")
        if size is not None and self.problems > size:
            found.append(f"{place}.problems = {self.problems}: the exam has {size} test problems; set at most {size}")
        if used == 0 and max(self.tries) > 1:
            found.append(
                f"{place}.tries = {list(self.tries)}: at temperature 0 all completions would be alike; set "
                "tries = [1], or a temperature above 0"
            )
        return found


class RolloutSection(Section):
    """How rollouts are sampled."""

    RENAMED = {"slots": "concurrent"}

    engine: str = Field("local", description="the engine that generates rollouts")
    problems: int = Field(16, ge=1, le=65_536, description="problems per step")
    rollouts: int = Field(16, ge=1, le=65_536, description="rollouts per problem: the group size")
    max_tokens: int = Field(96, ge=1, le=1_000_000, description="maximum tokens of a completion")
    temperature: float = Field(1.0, ge=0, le=100, allow_inf_nan=False, description="sampling temperature")
    top_p: float = Field(
        1.0,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="nucleus sampling: the most likely tokens that hold this probability together",
    )
    top_k: int = Field(0, ge=0, le=1_000_000, description="sample from this many of the most likely tokens; 0: all")
    concurrent: int = Field(256, ge=1, le=65_536, description="maximum number of rollouts generated at the same time")
    rounds: int = Field(8, ge=1, le=1_000, description="maximum sampling rounds per step")
    local: LocalOptions = Field(LocalOptions(), description="settings of the engine local")
    vllm: VllmOptions = Field(VllmOptions(), description="settings of the engine vllm")


class TrainingSection(Section):
    """How the weights are updated."""

    RENAMED = {"gap_limit": "mismatch_limit", "unjudged": "unscored"}

    steps: int = Field(
        100, ge=1, le=1_000_000, description="training steps: each samples rollouts, then updates the weights"
    )
    target_accuracy: float | None = Field(
        None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="end the run once an evaluation's held-out accuracy reaches this",
    )
    max_seconds: float | None = Field(
        None,
        gt=0,
        le=1e8,
        allow_inf_nan=False,
        description="end the run with the step after this many seconds of steps",
    )
    learning_rate: float = live(
        default=3e-4, gt=0, le=10, allow_inf_nan=False, description="AdamW's peak learning rate"
    )
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="learning rate schedule after warm-up"
    )
    warmup: int = Field(0, ge=0, le=1_000_000, description="steps of linear warm-up")
    updates: int = Field(1, ge=1, le=65_536, description="optimiser updates per pass over the step's rollouts")
    epochs: int = Field(1, ge=1, le=1_000, description="passes over the step's rollouts")
    weight_decay: float = Field(0.0, ge=0, le=100, allow_inf_nan=False, description="AdamW's weight decay")
    betas: tuple[Decay, Decay] = Field((0.9, 0.999), description="AdamW's decay rates of the first and second moment")
    clip_norm: float = live(
        default=1.0, gt=0, le=1e9, allow_inf_nan=False, description="the gradient is clipped to this norm"
    )
    micro_batch: int = Field(
        16384, ge=1, le=100_000_000, description="maximum number of tokens, padding included, of a forward pass"
    )
    unscored: float = Field(
        0.05, ge=0, le=1, allow_inf_nan=False, description="stop when a larger share of a step is unscored"
    )
    mismatch_limit: float = Field(
        0.5,
        ge=0,
        le=1_000,
        allow_inf_nan=False,
        description="stop when the log-probs of engine and trainer differ by more nats per token on average; 0: never",
    )
    dry_pass: Literal["auto", "always", "never"] = Field(
        "auto", description="run the largest possible update before the first step; auto: only on an accelerator"
    )
    checkpoint: int = Field(50, ge=1, le=1_000_000, description="steps between checkpoints that are kept")
    threads: int = Field(2, ge=1, le=1_024, description="CPU threads of torch")


class EvaluationSection(Section):
    """Evaluation on held-out problems, the same ones every time."""

    every: int = Field(
        10, ge=0, le=1_000_000, description="steps between evaluations; 0: only before and after training"
    )
    problems: int = Field(256, ge=0, le=1_000_000, description="held-out problems; 0: no evaluation")
    temperature: float = Field(
        1.0, ge=0, le=100, allow_inf_nan=False, description="sampling temperature of the evaluation"
    )
    probes: int = Field(
        4,
        ge=0,
        le=65_536,
        description="held-out problems whose rollouts are tracked over the run, sampled as in training; 0: none",
    )
    probe_rollouts: int = Field(8, ge=1, le=65_536, description="rollouts per tracked problem")


class RecordSection(Section):
    """How much of the run is recorded."""

    tokens: Literal["all", "none"] = Field(
        "all", description="all: the numbers of every token; none: texts and rewards only"
    )
    every: int = Field(1, ge=1, le=1_000_000, description="record the rollouts of every n-th step")
    kl: bool = Field(
        True, description="with an adapter: the exact KL from the model before training, by a second pass of the model"
    )
    questions: Literal["said", "all", "none"] = Field(
        "said", description="what rewards asked models: texts and choices, log-probs that were read too, or nothing"
    )
    after: int = Field(
        0,
        ge=0,
        le=65_536,
        description="groups per step that are scored again after its updates, with the tracked problems; 0: none",
    )
