"""What a study compares, as data: arms, seeds, the tokens of a play, and what is measured of it; read from TOML."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from workbench.config import ConfigError, RunConfig, read_toml

BASE = "base"  # the arm that is not trained; every study has it
PLAN = Path(__file__).with_name("self_play.toml")  # the study that comes with the package
LARGE = 2**28  # bytes of a file above which its content is not read
DIGEST = 8  # letters of a digest in a folder's name

STRICT = ConfigDict(extra="forbid", frozen=True)


class Probes(BaseModel):
    """What is measured of every play."""

    model_config = STRICT

    problems: int = Field(64, ge=1, le=65_536, description="held-out problems")
    completions: int = Field(1024, ge=1, le=65_536, description="of every problem: pass@k up to this k")
    ranks: bool = Field(True, description="the rank of every matrix' change")


class Plan(BaseModel):
    """A study. ConfigError, which names every error, if it is invalid."""

    model_config = STRICT

    name: str = Field("study", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name of the study")
    seeds: tuple[int, ...] = Field((0, 1, 2, 3, 4), min_length=1, description="seeds of every arm")
    tokens: int = Field(ge=1, description="tokens of completions, sampled or given, that a play may use")
    run: dict[str, Any] = Field(description="tables of a run's config that all arms share")
    arms: dict[str, dict[str, Any]] = Field(min_length=1, description="by name, the tables in which each differs")
    probes: Probes = Probes()

    @field_validator("arms")
    @classmethod
    def refuse_base(cls, arms: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The name of the arm that is always there cannot be given."""
        if BASE in arms:
            raise ValueError(f"{BASE!r} is the model before training, which every study has: call the arm otherwise")
        return arms

    def __init__(self, **tables: Any) -> None:
        try:
            super().__init__(**tables)
        except ValidationError as error:
            places = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors()]
            raise ConfigError([f"{place or 'study'}: {text}" for place, text in places]) from None

    @classmethod
    def load(cls, path: str | Path) -> "Plan":
        """Reads a TOML file. ConfigError if it cannot be read or is invalid."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError([f"{path} cannot be read ({error}); give the path of a TOML file"]) from None
        return cls(**read_toml(text, f"{path}: "))

    @property
    def names(self) -> tuple[str, ...]:
        """Every arm, the untrained one first."""
        return (BASE, *self.arms)

    def config(self, arm: str, seed: int) -> RunConfig:
        """The run of an arm with a seed; of the untrained one, what it would be as the first arm.

        ConfigError that names the arm where its tables are wrong; ValueError for an arm that the study does not have.
        """
        if arm not in self.names:
            raise ValueError(f"the study has no arm {arm!r}; it has: {', '.join(self.names)}")
        own = self.arms[next(iter(self.arms)) if arm == BASE else arm]
        tables = {name: joined(self.run.get(name), own.get(name)) for name in {**self.run, **own}}
        budget = {"alarm": "token_budget", "tokens": self.tokens}
        fixed = {"name": f"{arm}-{seed}", "seed": seed, "alarms": [*tables.get("alarms", ()), budget]}
        try:
            return RunConfig(**{**tables, **fixed})
        except ConfigError as error:
            raise ConfigError([f"arm {arm}: {text}" for text in error.errors]) from None

    def digest(self, arm: str) -> str:
        """Tells plays of other settings apart: the arm's whole config without its seed, the weights, and the probes."""
        config = self.config(arm, 0)
        tables = {**config.resolved(), "weights": weights_of(config), "probes": self.probes.model_dump()}
        return hashlib.sha256(json.dumps(tables, sort_keys=True, default=list).encode()).hexdigest()[:DIGEST]


def weights_of(config: RunConfig) -> dict[str, str]:
    """The SHA-256 of every file of weights of a local model, of a large one its size; nothing for a Hub's model."""
    folder = Path(config.model.source).expanduser()
    files = sorted(folder.glob("*.safetensors")) if config.model.local and folder.is_dir() else []
    return {file.name: told(file) for file in files}


def told(file: Path) -> str:
    """What tells a file's content from another's."""
    size = file.stat().st_size
    return hashlib.sha256(file.read_bytes()).hexdigest() if size <= LARGE else f"{size} bytes"


def joined(shared: Any, own: Any) -> Any:
    """A table with the fields of another in place of its own; a value that is no table is replaced."""
    if isinstance(shared, Mapping) and isinstance(own, Mapping):
        return {**shared, **own}
    return shared if own is None else own
