"""The engine for every other architecture: transformers' own `generate`, one prompt at a time.

Slower than the local engine, but it leaves the model's memory (sliding windows, recurrent states) to transformers.
Draws with the same noise and records the same numbers.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from workbench import random_numbers
from workbench.engines.base import Job, ModulePolicy, jobs_of, longest_of, rollout_of
from workbench.engines.sampling import draw
from workbench.types import Capabilities, Policy, Request, Rollout, Sampling


class Drawing(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped here
    """Samples each next token itself and masks all others; keeps the log-probs."""

    def __init__(self, jobs: Sequence[Job], sampling: Sampling) -> None:
        self.sampling, self.position = sampling, len(jobs[0].tokens)
        numbers = [(job.request.number, job.index) for job in jobs]
        single = [
            random_numbers.keys(sampling.seed, sampling.step, number, np.array([index])) for number, index in numbers
        ]
        self.key = np.concatenate(single)
        self.drawn: list[Tensor] = []  # each step's tokens, engine and sampled log-probs [3, row]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores [row, vocabulary] that allow the sampled token only."""
        uniform = random_numbers.uniforms(self.key, np.full(len(self.key), self.position))
        drawn = draw(scores.float(), torch.from_numpy(uniform).to(scores.device), self.sampling)
        numbers = (drawn.token.double(), drawn.engine_logprob.double(), drawn.sampled_logprob.double())
        self.drawn.append(torch.stack(numbers).cpu())
        self.position += 1
        return torch.full_like(scores, -torch.inf).scatter(-1, drawn.token[:, None], 0.0)


class GenerateEngine:
    """Satisfies `types.Engine`. `concurrent`: most rollouts generated at once."""

    capabilities = Capabilities(deterministic=True)

    def __init__(self, policy: ModulePolicy, *, concurrent: int = 64) -> None:
        if concurrent < 1:
            raise ValueError(f"concurrent={concurrent}: the engine needs at least one row; set concurrent=1 or more")
        self.policy, self.concurrent = policy, concurrent

    @torch.no_grad()
    def generate(self, requests: Sequence[Request], sampling: Sampling, pruner: Any = None) -> list[Rollout]:
        """All rollouts of all requests, in the order of the requests."""
        if pruner is not None:
            raise ValueError(
                "the generate engine stops no rollout: set rollouts.engine = 'local', or leave out pruning"
            )
        jobs = jobs_of(requests, sampling)
        if jobs:
            longest_of(jobs, self.policy.config)
        for _, same in groupby(jobs, key=lambda job: (job.context, job.limit, len(job.tokens))):
            together = list(same)
            for first in range(0, len(together), self.concurrent):
                self.write(together[first : first + self.concurrent], sampling)
        return [rollout_of(job, self.policy.encoder.text(job.tokens)) for job in jobs]

    def write(self, jobs: Sequence[Job], sampling: Sampling) -> None:
        """Generates rollouts of one context."""
        stops = list(sampling.stop or self.policy.encoder.stop)
        config = GenerationConfig(
            max_new_tokens=jobs[0].limit - len(jobs[0].tokens),
            do_sample=False,
            eos_token_id=stops,
            pad_token_id=stops[0] if stops else 0,
            repetition_penalty=1.0,
            temperature=1.0,
            top_k=50,
            top_p=1.0,
        )
        drawing = Drawing(jobs, sampling)
        tokens = torch.tensor([jobs[0].context] * len(jobs), device=self.policy.device)
        self.policy.causal.generate(
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            generation_config=config,
            logits_processor=LogitsProcessorList([drawing]),
        )
        written = torch.stack(drawing.drawn, -1)
        for row, job in enumerate(jobs):
            finish(job, written[:, row], stops)

    def sync(self, policy: Policy) -> None:
        """Takes the policy's current weights; it must be the policy the engine was made with."""
        if policy is not self.policy:
            raise ValueError("the generate engine shares its policy's weights: make a new engine for another policy")

    def close(self) -> None:
        """Nothing to free."""


def finish(job: Job, written: Tensor, stops: Sequence[int]) -> None:
    """Ends a rollout at its first stop token; `written` [3, token] may have tokens after it."""
    tokens = [int(token) for token in written[0].tolist()]
    end = next((place + 1 for place, token in enumerate(tokens) if token in stops), None)
    job.finish = "length" if end is None else "stop"
    engine, sampled = written[1, :end].tolist(), written[2, :end].tolist()
    job.write(job.tokens + tokens[:end], job.engine_logprob + engine, job.sampled_logprob + sampled)
