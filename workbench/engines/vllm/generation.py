"""The rollouts of one call of vLLM's engine: the requests to its process, and the rollouts made of the replies."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from workbench import random_numbers
from workbench.engines.base import Job, rollout_of
from workbench.engines.vllm.gate import Gate
from workbench.types import Rollout, Sampling

NAN = float("nan")
Row = Mapping[str, Any]  # what was generated: tokens, logprobs, top (of each token ids and log-probs), stopped


class Generation:
    """Rollouts in generation, by one request to the process or several. `ask` sends one; `top`: as in top-k."""

    def __init__(
        self,
        jobs: Sequence[Job],
        sampling: Sampling,
        ask: Callable[[Mapping[str, Any]], dict[str, Any]],
        *,
        stop: Sequence[int],
        top: int = 0,
    ) -> None:
        self.jobs, self.sampling, self.ask, self.stop, self.top = jobs, sampling, ask, list(stop), top
        self.fresh = True
        unknown = [[-1] * top, [NAN] * top]  # of the tokens that were given
        self.tops = [[unknown] * len(job.tokens) for job in jobs]

    def resume(self, until: int | None = None, gate: Gate | None = None) -> None:
        """Continues every unfinished rollout to its end, up to a length, or until the gate's stop rule stops it."""

        def end(job: Job) -> int:
            return job.limit if until is None else min(job.limit, until)

        jobs = [job for job in self.jobs if job.finish is None and len(job.tokens) < end(job)]
        if not jobs:
            return
        rows = [
            {"prompt": [*job.request.prompt, *job.tokens], "tokens": end(job) - len(job.tokens), "seed": seed}
            for job, seed in zip(jobs, seeds(jobs, self.sampling), strict=True)
        ]
        order = {**self.order(), "rows": rows, **({} if gate is None else gate.order(jobs))}
        self.fresh = False
        for job, row in zip(jobs, self.ask(order)["rows"], strict=True):
            if gate is None or row["hidden"] is None:
                self.extend(job, row)
            else:
                before, after = halves(row, gate.length - len(job.tokens))
                self.extend(job, before)
                gate.detection.see(job, read_hidden(row["hidden"]))
                self.extend(job, after)

    def order(self) -> dict[str, Any]:
        """A request without its rows; the first one of a call is `fresh`."""
        sampling = self.sampling
        return {
            "do": "generate",
            "fresh": self.fresh,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "stop": self.stop,
            "top": self.top,
        }

    def extend(self, job: Job, row: Row) -> None:
        """Appends generated tokens to a rollout, and its finish reason if it has ended."""
        drawn, sampling = row["logprobs"], self.sampling
        truncated = sampling.top_p < 1 or sampling.top_k > 0
        engine, sampled = ([NAN] * len(drawn), drawn) if truncated else (drawn, drawn)
        if sampling.temperature == 0:  # as in the local engine: log-probs at temperature 1, sampled with probability 1
            engine, sampled = drawn, [0.0] * len(drawn)
        job.write(job.tokens + row["tokens"], job.engine_logprob + engine, job.sampled_logprob + sampled)
        self.tops[job.order] += row["top"]
        if row["stopped"]:
            job.finish = "stop"
        elif len(job.tokens) == job.limit:
            job.finish = "length"

    def rollouts(self, texts: Sequence[str]) -> list[Rollout]:
        """The rollouts, all finished. With `top` they carry the most likely tokens at each position.

        `engine_top_ids` and `engine_top_logprobs` [token][k], most likely first, are of the sampling distribution: with
        top-p or top-k the log-prob of an excluded token is -inf. At given tokens they are -1 and nan.
        """
        made = [rollout_of(job, text) for job, text in zip(self.jobs, texts, strict=True)]
        if self.top:
            for rollout, tops in zip(made, self.tops, strict=True):
                kept = tops[: len(rollout.tokens)]
                rollout.extras["engine_top_ids"] = [ids for ids, _ in kept]
                rollout.extras["engine_top_logprobs"] = [logprobs for _, logprobs in kept]
        return made


def seeds(jobs: Sequence[Job], sampling: Sampling) -> list[int]:
    """A seed for each rollout, keyed by the position from which it is continued."""
    numbers, indices, places = np.array([(job.request.number, job.index, len(job.tokens)) for job in jobs]).T
    uniform = random_numbers.uniforms(random_numbers.keys(sampling.seed, sampling.step, numbers, indices), places)
    return [int(seed) for seed in uniform * 2.0**53]  # all of its random bits


def halves(row: Row, place: int) -> tuple[Row, Row]:
    """A row split at a position: before it, and from it on."""
    lists = ("tokens", "logprobs", "top")
    before = {name: row[name][:place] for name in lists}
    return {**before, "stopped": False}, {**row, **{name: row[name][place:] for name in lists}}


def read_hidden(text: str) -> Float[Tensor, " width"]:
    """A hidden state [width] from the process's message: float32, in base 64."""
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)
