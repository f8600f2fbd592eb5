"""What the engines share: jobs (one per requested rollout), how they become rollouts, and the policy's protocol."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from workbench.kinds import BoundPruner
from workbench.types import Encoder, Finish, Policy, Request, Rollout, Sampling

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]  # values, weight, bias: as torch's `linear`


@runtime_checkable
class ModuleEncoder(Encoder, Protocol):
    """The part of a tokenizer that the engines need in addition."""

    stop: tuple[int, ...]  # tokens that end a completion

    def texts(self, answers: Sequence[Sequence[int]]) -> list[str]:
        """The texts of several completions, without special tokens."""


@runtime_checkable
class ModulePolicy(Policy, Protocol):
    """A policy that is a transformers model in this process; `models.policy.LocalPolicy` is one."""

    @property
    def encoder(self) -> ModuleEncoder:
        """Its tokenizer."""

    @property
    def causal(self) -> Any:
        """The transformers causal model."""

    @property
    def config(self) -> Any:
        """Its configuration."""

    @property
    def product(self) -> Product:
        """How its linear layers multiply."""

    @property
    def quantised(self) -> bool:
        """Whether its weights are quantised and must be read through their modules."""


def check_pruner(pruner: object) -> None:
    """Raises ValueError unless `pruner` is None or a pruner bound to its state."""
    if pruner is not None and not isinstance(pruner, BoundPruner):
        raise ValueError(f"{pruner!r}: an engine is given BoundPruner(pruner, state), since the trainer owns the state")


@dataclass
class Job:
    """One rollout to generate. Lists run over the completion's tokens, the given prefix included."""

    order: int  # its place in the result of `generate`
    request: Request
    index: int  # among the rollouts of its request
    limit: int  # maximum tokens of the completion, prefix included
    tokens: list[int]
    engine_logprob: list[float]
    sampled_logprob: list[float]
    finish: Finish | None = None
    pruned_at: int | None = None
    records: list[dict[str, float]] = field(default_factory=list)  # of the pruner's decisions

    @property
    def context(self) -> tuple[int, ...]:
        """The tokens before the first generated one: the prompt and the prefix."""
        return self.request.prompt + self.request.prefix

    def write(self, tokens: list[int], engine_logprob: list[float], sampled_logprob: list[float]) -> None:
        """Replaces the tokens and log-probs of the completion so far."""
        self.tokens, self.engine_logprob, self.sampled_logprob = tokens, engine_logprob, sampled_logprob

    def cut(self, length: int) -> None:
        """Ends the completion at the pruner's decision, cut to `length` tokens."""
        self.tokens, self.finish, self.pruned_at = self.tokens[:length], "pruned", length
        self.engine_logprob, self.sampled_logprob = self.engine_logprob[:length], self.sampled_logprob[:length]


def jobs_of(requests: Sequence[Request], sampling: Sampling, *, own_temperatures: bool = False) -> list[Job]:
    """A job for every requested rollout, in the order of the requests; ValueError if one cannot be generated.

    `own_temperatures`: the engine can sample requests at temperatures of their own.
    """
    numbers = [request.number for request in requests]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"two requests of a step carry the same number ({numbers}): numbers key the noise; count on")
    if sampling.temperature < 0 or not 0 < sampling.top_p <= 1 or sampling.top_k < 0:
        raise ValueError(f"{sampling}: temperature and top_k must be 0 or more, top_p above 0 and at most 1")
    jobs: list[Job] = []
    for request in requests:
        limit = sampling.max_tokens if request.max_tokens is None else request.max_tokens
        if not request.prompt:
            raise ValueError(f"request {request.number} has no prompt: give at least one token")
        if request.temperature not in (None, sampling.temperature) and not own_temperatures:
            raise ValueError(
                f"request {request.number} is for temperature {request.temperature}, and this engine samples all at "
                f"the run's {sampling.temperature}: set rollouts.engine = 'local'"
            )
        if request.temperature is not None and not request.temperature >= 0:
            raise ValueError(f"request {request.number}: temperature {request.temperature}; give 0 or more")
        if limit <= len(request.prefix):
            raise ValueError(f"request {request.number}: max_tokens={limit} leaves no token after its given prefix")
        given = [float("nan")] * len(request.prefix)  # given, not sampled
        for index in range(request.n):
            tokens = list(request.prefix)
            jobs.append(Job(len(jobs), request, index, limit, tokens, list(given), list(given)))
    return jobs


def longest_of(jobs: Sequence[Job], config: Any) -> int:
    """Tokens of the longest prompt and answer together; ValueError where the model has fewer positions.

    Beyond them a model's answer means nothing: some fail, some continue without a word.
    """
    longest = max(len(job.request.prompt) + job.limit for job in jobs)
    most = getattr(config, "max_position_embeddings", None) or longest
    if longest > most:
        raise ValueError(
            f"prompt and answer may take {longest} tokens, and the model has {most} positions: lower "
            "rollouts.max_tokens, or shorten the prompt"
        )
    return longest


def rollout_of(job: Job, text: str) -> Rollout:
    """A finished job as a rollout."""
    if job.finish is None:
        raise ValueError(f"rollout {job.index} of request {job.request.number} is not finished")
    extras: dict[str, Any] = {"pruning": job.records} if job.records else {}
    return Rollout(
        request=job.request,
        index=job.index,
        tokens=job.tokens,
        text=text,
        engine_logprob=job.engine_logprob,
        sampled_logprob=job.sampled_logprob,
        finish=job.finish,
        pruned_at=job.pruned_at,
        extras=extras,
    )
