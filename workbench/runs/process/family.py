"""Whether a model's family can be trained and sampled from as a config asks, tried on a small random model of it."""

import dataclasses
import functools
import traceback
from pathlib import Path
from typing import Literal

import torch

from workbench.config import RunConfig
from workbench.engines.build import make_engine
from workbench.models.load import architecture, files_version
from workbench.models.policy import LocalPolicy
from workbench.models.replica import replica
from workbench.models.spec import ModelSpec
from workbench.types import Problem, Request, Row, Sampling

PROMPT = (1, 2, 3)
HERE = ("local", "generate")  # engines that run in this process


def family_errors(config: RunConfig) -> list[str]:
    """What of the family does not work, with what does instead; of the same model and engine asked once."""
    engine = config.rollouts.engine if config.rollouts.engine in HERE else ""
    error = tried(config.model, engine, files_version(config.model))
    return [error] if error else []


@functools.lru_cache(maxsize=32)
def tried(spec: ModelSpec, engine: str, version: object) -> str:
    """The error of a family under a spec and an engine ("": none is tried), or ""."""
    kind = architecture(spec).model_type
    try:
        policy = trainable(spec)
    except Exception as error:  # any library's; it is told in our words
        return untrainable(spec, kind, error)
    if policy is None or not engine:
        return ""
    try:
        sampled(policy, engine)
    except Exception as error:  # likewise
        if engine == "local" and (instead := tried(spec, "generate", version)):
            return instead
        if isinstance(error, ValueError) and "set rollouts.engine" in str(error):
            return f"rollouts.engine = {engine!r}: {error}"
        remedy = "set rollouts.engine = 'generate'" if engine == "local" else "take another model"
        return f"rollouts.engine = {engine!r}: cannot sample from model type {kind!r} ({why(error)}); {remedy}"
    return ""


def untrainable(spec: ModelSpec, kind: str, error: Exception) -> str:
    """Why a family cannot be trained under a spec, and what can be done."""
    other: Literal["sdpa", "eager"] = "sdpa" if spec.attention == "eager" else "eager"
    if works(dataclasses.replace(spec, attention=other)):
        found = f"model.attention = {spec.attention!r}: model type {kind!r} does not work with it ({why(error)})"
        return f"{found}; set model.attention = {other!r}"
    own = isinstance(error, ValueError) and str(error).startswith("model type")
    said = str(error) if own else f"model type {kind!r} cannot be trained here ({why(error)}); take another model"
    return f"model.name = {spec.name!r}: {said}"


def works(spec: ModelSpec) -> bool:
    """Whether the family can be trained under a spec."""
    try:
        trainable(spec)
    except Exception:  # any library's: it does not
        return False
    return True


def why(error: Exception) -> str:
    """An error in a few words, with the line that raised it: it may be another library's or our own."""
    said = f"{type(error).__name__}: {' '.join(str(error).split('. ')[0].split())[:160]}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{said}, at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else said


def trainable(spec: ModelSpec) -> LocalPolicy | None:
    """The replica, after answers were read with it; None where none can be made."""
    policy = replica(spec)
    if policy is not None:
        policy.logits(policy.before([Row(PROMPT, (4, 5)), Row(PROMPT, (6,))])).sum().backward()
        policy.model.zero_grad(set_to_none=True)
    return policy


@torch.no_grad()
def sampled(policy: LocalPolicy, name: str) -> None:
    """Makes an engine, which looks at itself, and lets it write a few tokens."""
    engine = make_engine(name, policy, concurrent=2)
    request = Request(Problem("tried", "", ""), PROMPT, group=0, number=0, n=2)
    engine.sync(policy)
    engine.generate([request], Sampling(max_tokens=2))
    engine.close()
