"""An engine that returns given texts: for tests and demonstrations; no weights."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.engines.base import Job, jobs_of, rollout_of
from workbench.types import Capabilities, Policy, Request, Rollout, Sampling

Answer = str | Sequence[int]


class ScriptedEngine:
    """Satisfies `types.Engine`. `answers`: by problem key, the completions of its rollouts in turn; texts or tokens.

    `encoder` is a `models.encoder.TextEncoder` or likewise has `answer(text)`, `text(tokens)` and `stop`. A stop token
    is added to every answer; answers longer than the limit are cut. All log-probs are `logprob`.
    """

    capabilities = Capabilities(deterministic=True)

    def __init__(self, encoder: Any, answers: Mapping[str, Sequence[Answer]], *, logprob: float = -1.0) -> None:
        empty = [key for key, choices in answers.items() if not choices]
        if empty:
            raise ValueError(f"no answer is given for {', '.join(empty)}: give at least one each")
        self.encoder, self.answers, self.logprob = encoder, dict(answers), logprob

    def generate(self, requests: Sequence[Request], sampling: Sampling, pruner: Any = None) -> list[Rollout]:
        """All rollouts of all requests, in the order of the requests."""
        if pruner is not None:
            raise ValueError("the scripted engine stops no rollout: leave out the pruner")
        jobs = jobs_of(requests, sampling, own_temperatures=True)
        for job in jobs:
            self.write(job, sampling)
        return [rollout_of(job, self.encoder.text(job.tokens)) for job in jobs]

    def write(self, job: Job, sampling: Sampling) -> None:
        """One completion after its given prefix."""
        key = job.request.problem.key
        if key not in self.answers:
            raise ValueError(f"no answer is scripted for problem {key!r}; there are: {', '.join(sorted(self.answers))}")
        answer = self.answers[key][job.index % len(self.answers[key])]
        said = list(self.encoder.answer(answer)) if isinstance(answer, str) else list(answer)
        stop = (sampling.stop or self.encoder.stop)[:1]
        tokens = [*job.tokens, *said, *stop]
        job.finish = "stop" if len(tokens) <= job.limit and stop else "length"
        tokens = tokens[: job.limit]
        drawn = [self.logprob] * (len(tokens) - len(job.tokens))
        job.write(tokens, job.engine_logprob + drawn, job.sampled_logprob + drawn)

    def sync(self, policy: Policy) -> None:
        """Nothing to do: no weights."""

    def close(self) -> None:
        """Nothing to free."""
