"""The tables of a config whose fields are plain values, with bounds and one line of help each."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.engines.options import LocalOptions, VllmOptions


def live(**keywords: Any) -> Any:
    """A field that may change while the run goes on."""
    return Field(json_schema_extra={"live": True}, **keywords)


SEED = 2**32 - 1  # the largest that NumPy, torch and vLLM all take
Decay = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class Section(BaseModel):
    """A table of the config."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class RolloutSection(Section):
    """How rollouts are sampled."""

    engine: str = Field("local", description="who writes rollouts")
    problems: int = Field(16, ge=1, le=65_536, description="problems a step")
    rollouts: int = Field(16, ge=1, le=65_536, description="rollouts of each problem: the size of a group")
    max_tokens: int = Field(96, ge=1, le=1_000_000, description="most tokens of an answer")
    temperature: float = Field(1.0, ge=0, le=100, allow_inf_nan=False, description="sampling temperature")
    top_p: float = Field(
        1.0, gt=0, le=1, allow_inf_nan=False, description="sample from the likeliest tokens that hold this probability"
    )
    top_k: int = Field(0, ge=0, le=1_000_000, description="sample from this many likeliest tokens; 0: all")
    slots: int = Field(256, ge=1, le=65_536, description="most rollouts decoded side by side")
    rounds: int = Field(8, ge=1, le=1_000, description="most rounds of sampling a step")
    local: LocalOptions = Field(LocalOptions(), description="settings of the engine local")
    vllm: VllmOptions = Field(VllmOptions(), description="settings of the engine vllm")


class TrainingSection(Section):
    """How the weights are changed."""

    steps: int = Field(100, ge=1, le=1_000_000, description="steps: sampling, then updates")
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
    schedule: Literal["constant", "linear", "cosine"] = Field("constant", description="learning rate after warm-up")
    warmup: int = Field(0, ge=0, le=1_000_000, description="steps of linear warm-up")
    updates: int = Field(1, ge=1, le=65_536, description="updates a pass over the step's rollouts is cut into")
    epochs: int = Field(1, ge=1, le=1_000, description="passes over the step's rollouts")
    weight_decay: float = Field(0.0, ge=0, le=100, allow_inf_nan=False, description="AdamW's weight decay")
    betas: tuple[Decay, Decay] = Field((0.9, 0.999), description="AdamW's moment decays")
    clip_norm: float = live(default=1.0, gt=0, le=1e9, allow_inf_nan=False, description="largest norm of the gradient")
    micro_batch: int = Field(16384, ge=1, le=100_000_000, description="padded tokens of a forward pass")
    unscored: float = Field(
        0.05, ge=0, le=1, allow_inf_nan=False, description="stop when a larger share of a step is unscored"
    )
    gap_limit: float = Field(
        0.5,
        ge=0,
        le=1_000,
        allow_inf_nan=False,
        description="stop when engine and trainer differ by more nats a token on average; 0: never",
    )
    dry_pass: Literal["auto", "always", "never"] = Field(
        "auto", description="try the largest update before the first step; auto: where there is an accelerator"
    )
    checkpoint: int = Field(50, ge=1, le=1_000_000, description="keep a checkpoint every so many steps")
    threads: int = Field(2, ge=1, le=1_024, description="CPU threads for torch")

    @model_validator(mode="before")
    @classmethod
    def _former_names(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "unjudged" not in given:
            return given
        if "unscored" in given and given["unscored"] != given["unjudged"]:
            raise ValueError("unjudged is the former name of unscored: leave it out")
        return {"unscored": given["unjudged"], **{name: value for name, value in given.items() if name != "unjudged"}}


class EvaluationSection(Section):
    """Held-out problems, the same every time."""

    every: int = Field(10, ge=0, le=1_000_000, description="steps between evaluations; 0: only before and after")
    problems: int = Field(256, ge=0, le=1_000_000, description="held-out problems; 0: no evaluation")
    temperature: float = Field(
        1.0, ge=0, le=100, allow_inf_nan=False, description="sampling temperature of the evaluation"
    )
    probes: int = Field(4, ge=0, le=65_536, description="held-out problems that are sampled as in training; 0: none")
    probe_rollouts: int = Field(8, ge=1, le=65_536, description="rollouts of each probe problem")


class RecordSection(Section):
    """How much is kept."""

    tokens: Literal["all", "none"] = Field("all", description="numbers of every token, or texts and rewards only")
    every: int = Field(1, ge=1, le=1_000_000, description="keep the rollouts of every n-th step")
    after: int = Field(
        0,
        ge=0,
        le=65_536,
        description="groups a step scored again after its updates, and probes after the next; 0: none",
    )
