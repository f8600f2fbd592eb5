"""The tables of a config whose fields are plain values, with bounds and one line of help each."""

import warnings
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.engines.options import LocalOptions, VllmOptions
from workbench.kinds import Reward
from workbench.piece import LARGEST


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


class RewardPart(Section):
    """One reward and its weight in the total reward."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    reward: Reward
    weight: float = Field(1.0, ge=-LARGEST, le=LARGEST, allow_inf_nan=False)
    name: str = ""
    only: str = Field("", description="scores rollouts of this role, or of problems of this source, and no others")

    @property
    def key(self) -> str:
        """The name of the part in records."""
        return self.name or self.reward.name


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
    after: int = Field(
        0,
        ge=0,
        le=65_536,
        description="groups per step that are scored again after its updates, with the tracked problems; 0: none",
    )
