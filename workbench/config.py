"""RunConfig: every setting that affects a run's results, read from and written to TOML; reports all errors at once.

The same object is behind the file, the form in the notebook and the keyword arguments in Python.
"""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
)
from tomlkit.exceptions import TOMLKitError

from workbench.errors import UNKNOWN, Items, among, by_place, within, wrong
from workbench.kinds import Alarm, Pruner, Task
from workbench.method import Method
from workbench.models.spec import ModelSpec
from workbench.models.spec import check as check_model
from workbench.piece import Piece, plain_value
from workbench.registry import find_method, load
from workbench.sections import (
    SEED,
    CastPart,
    EvaluationSection,
    ExamPart,
    RecordSection,
    RewardPart,
    RolloutSection,
    Section,
    TrainingSection,
    cast_errors,
    flat,
    named_table,
)


class ConfigError(ValueError):
    """An invalid config; `errors` lists everything that is wrong with it."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def read_method(value: Any) -> Method:
    """A method from a key, or from a table with the key under `method` and the slots to override."""
    if isinstance(value, Method):
        return value
    table = named_table(value, "method")
    if "method" not in table:
        raise ValueError('name one under `method`, as in method = "grpo"')
    return find_method(str(table.pop("method"))).override(table)


def write_method(method: Method) -> dict[str, Any]:
    """The key, and the slots that differ from the registry's method of that key."""
    own, plain = method.to_dict(), find_method(method.key).to_dict()
    return {"method": method.key} | {slot: value for slot, value in own.items() if plain.get(slot) != value}


TaskField = Annotated[Task, BeforeValidator(Task.parse), PlainSerializer(flat)]
RewardField = Annotated[RewardPart, PlainValidator(RewardPart.parse), PlainSerializer(RewardPart.table)]
CastField = Annotated[CastPart, PlainValidator(CastPart.parse), PlainSerializer(CastPart.table)]
ExamField = Annotated[ExamPart, PlainValidator(ExamPart.parse), PlainSerializer(ExamPart.table)]
MethodField = Annotated[Method, PlainValidator(read_method), PlainSerializer(write_method)]
AlarmField = Annotated[Alarm, BeforeValidator(Alarm.parse), PlainSerializer(flat)]
PrunerField = Annotated[Pruner, BeforeValidator(Pruner.parse), PlainSerializer(flat)]


class RunConfig(BaseModel):
    """The complete config of a run. ConfigError, which names every error, if it is invalid."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str = Field("run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name of the run's folder")
    seed: int = Field(0, ge=0, le=SEED, description="seed of all random numbers of the run")
    model: ModelSpec = ModelSpec()
    task: TaskField
    rewards: tuple[RewardField, ...] = Field(min_length=1)
    cast: tuple[CastField, ...] = Field((), description="models that rewards ask beside the policy")
    method: MethodField
    rollouts: RolloutSection = RolloutSection()
    pruning: PrunerField | None = None
    training: TrainingSection = TrainingSection()
    evaluation: EvaluationSection = EvaluationSection()
    record: RecordSection = RecordSection()
    exams: tuple[ExamField, ...] = Field((), description="tests of the model while it trains")
    alarms: tuple[AlarmField, ...] = Field((), description="pieces that watch the metrics of every step")

    def __init__(self, **tables: Any) -> None:
        load()
        try:
            super().__init__(**tables)
        except ValidationError as error:
            raise ConfigError(describe_all(error) + self.other_errors(tables, error)) from None

    @classmethod
    def other_errors(cls, tables: Mapping[str, Any], error: ValidationError) -> list[str]:
        """Errors across the tables that are valid on their own, where others are not."""
        wrong = {item["loc"][0] for item in error.errors()}
        right = {}
        for name, field in cls.model_fields.items():
            if name not in wrong and name in tables:
                kind: Any = Annotated[(field.annotation, field)]
                right[name] = TypeAdapter(kind).validate_python(tables[name])
        known = cls.model_fields.keys() - wrong
        whole = cls.model_construct(**right)
        return whole.errors(known) + (check_model(whole.model) if "model" in known else [])

    @classmethod
    def load(cls, path: str | Path) -> "RunConfig":
        """Reads a TOML file. ConfigError if it cannot be read or is invalid."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError([f"{path}: {error.strerror}; give the path of a TOML file"]) from None
        except UnicodeDecodeError as error:
            raise ConfigError([f"{path}: byte {error.start} is no UTF-8 text; save the file as UTF-8"]) from None
        return cls(**read_toml(text, f"{path}: "))

    @classmethod
    def from_toml(cls, text: str) -> "RunConfig":
        """Reads TOML text. ConfigError if it is invalid."""
        return cls(**read_toml(text))

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the entries that are None."""
        return dict(without_none(self.model_dump(mode="python")))

    def to_toml(self) -> str:
        """The config as TOML text."""
        return str(tomlkit.dumps(json.loads(json.dumps(self.to_dict()))))

    def resolved(self) -> dict[str, Any]:
        """Plain data with every slot of the method written out."""
        slots = {field.name: plain_value(getattr(self.method, field.name)) for field in dataclasses.fields(Method)}
        return {**self.to_dict(), "method": without_none(slots)}

    def replace(self, **changes: Any) -> "RunConfig":
        """A copy with other tables or values; a mapping changes only the fields it names."""
        tables = {name: getattr(self, name) for name in type(self).model_fields}
        for name, value in changes.items():
            tables[name] = merged(tables.get(name), value) if isinstance(value, Mapping) else value
        return type(self)(**tables)

    def errors(self, known: Set[str] | None = None) -> list[str]:
        """Errors across fields, each naming field, value and remedy; only of the tables `known`, if given."""
        known = type(self).model_fields.keys() if known is None else known
        found = []
        if "task" in known:
            task = [f"task: {text}" for text in self.task.check()]
            found += task or (self.size_errors() if {"rollouts", "evaluation"} <= known else [])
        if {"method", "rollouts"} <= known and self.rollouts.rollouts < self.method.group_size:
            need = self.method.group_size
            found.append(
                f"rollouts.rollouts = {self.rollouts.rollouts}: {self.method.key} compares rollouts; set {need} or more"
            )
        if "method" in known and self.method.controller is not None:
            found += [f"method.controller: {text}" for text in self.method.controller.check()]
        if {"training", "rollouts"} <= known:
            found += self.step_errors()
        if self.pruning is not None and {"pruning", "rollouts"} <= known:
            found += self.pruning.errors(self.rollouts.max_tokens, self.rollouts.rollouts)
        if "rewards" in known:
            found += [f"rewards.{part.key}: {text}" for part in self.rewards for text in part.reward.check()]
            found += [f"rewards: two parts are called {key!r}; give one a name" for key in twice(self.rewards)]
            found += cast_errors(self.rewards, self.cast) if "cast" in known else []
        if {"exams", "evaluation"} <= known:
            found += [text for part in self.exams for text in part.errors(self.evaluation.temperature)]
            found += [f"exams: two are called {key!r}; give one a name" for key in twice(self.exams)]
        return found

    def step_errors(self) -> list[str]:
        """Errors in how the fields of a step fit together."""
        found, training, rollouts = [], self.training, self.rollouts
        if training.updates > rollouts.problems:
            found.append(
                f"training.updates = {training.updates}: an update needs whole groups; "
                f"set at most rollouts.problems = {rollouts.problems}"
            )
        if training.target_accuracy is not None and not self.evaluation.problems:
            found.append(
                "training.target_accuracy is met by an evaluation, and there is none: set evaluation.problems above 0"
            )
        if training.warmup > training.steps:
            found.append(f"training.warmup = {training.warmup}: more than training.steps = {training.steps}")
        if rollouts.temperature == 0 and rollouts.rollouts > 1:
            found.append(
                "rollouts.temperature = 0: all rollouts of a group would be identical; set it above 0, usually 1.0"
            )
        return found

    def size_errors(self) -> list[str]:
        """Errors of a task with too few problems."""
        found, evaluation = [], self.evaluation
        probes = evaluation.probes if evaluation.problems else 0
        held_out = [("evaluation.problems", evaluation.problems), ("evaluation.probes", probes)]
        asked: dict[Literal["train", "test"], tuple[str, int]] = {
            "train": ("rollouts.problems", self.rollouts.problems),
            "test": max(held_out, key=lambda pair: pair[1]),
        }
        for split, (field, count) in asked.items():
            size = self.task.size(split)
            if size is not None and count > size:
                found.append(f"{field} = {count}: the task has {size} {split} problems; set at most {size}")
        return found


def read_toml(text: str, source: str = "") -> dict[str, Any]:
    """TOML text as a table; `source` begins an error's message. ConfigError if it is not valid TOML."""
    try:
        return dict(tomlkit.parse(text).unwrap())
    except TOMLKitError as error:
        raise ConfigError([f"{source}not valid TOML: {error}"]) from None


def twice(parts: Sequence[RewardPart | ExamPart]) -> list[str]:
    """The names that more than one part has."""
    keys = [part.key for part in parts]
    return sorted({key for key in keys if keys.count(key) > 1})


def merged(own: Any, changes: Mapping[str, Any]) -> Any:
    """A table of a config with some fields changed; a table that names another piece or method replaces it."""
    if isinstance(own, Section):
        return {**own.model_dump(), **type(own).current_names(changes)}
    if isinstance(own, ModelSpec):
        return {**{field.name: getattr(own, field.name) for field in dataclasses.fields(own)}, **changes}
    if isinstance(own, Method):
        return changes if "method" in changes else own.override(changes)
    if isinstance(own, Piece):
        return changes if {"piece", own.kind} & changes.keys() else {**own.to_dict(), **changes}
    return changes


def describe_all(error: ValidationError) -> list[str]:
    """Every error of single fields; a list is not reported as too short because of an invalid item."""
    inner = {item["loc"][0] for item in error.errors() if len(item["loc"]) > 1}
    items = [
        item for item in error.errors() if item["type"] != "too_short" or item["loc"][1:] or item["loc"][0] not in inner
    ]
    return [text for place, found in by_place(items, RunConfig).items() for text in describe(place, found)]


REWARD = 'name one, as in [[rewards]] reward = "exact"'
#: Remedies by (place, type of error), where more can be said than the expected value.
REMEDIES = {
    ("task", "missing"): 'name one, as in [task] task = "word_problems"',
    ("method", "missing"): 'name one, as in [method] method = "grpo"',
    **dict.fromkeys([("rewards", kind) for kind in ("missing", "too_short", "tuple_type")], REWARD),
    ("name", "string_pattern_mismatch"): "use letters, digits, '.', '_' and '-', a letter or digit first",
}


def describe(place: str, items: Items) -> list[str]:
    """pydantic's errors at a place, with field, value and remedy; a piece may report several errors at once."""
    first = items[0]
    if first["type"] in UNKNOWN:
        *outer, name = first["loc"]
        return [f"{place}: no such field{among(str(name), within(RunConfig, tuple(outer))[1], 'fields')}"]
    if first["type"] == "value_error":
        section = str(first["loc"][0])
        lines = re.split(r"\n|; (?=\w+[. ](?:has no|\w+ = |\w+: is missing))", str(first["ctx"]["error"]))
        return [line if line.startswith(f"{section}.") else f"{place}: {line}" for line in lines]
    return [place + wrong(items, REMEDIES.get((place, first["type"]), ""))]


def without_none(value: Any) -> Any:
    """Plain data without the entries that are None; tuples as lists."""
    if isinstance(value, Mapping):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_none(item) for item in value]
    return value
