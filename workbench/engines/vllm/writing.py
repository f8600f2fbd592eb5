"""The rollouts of one call of vLLM's engine on their way: what is asked of the process, and what is made of it."""

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
Row = Mapping[str, Any]  # what was written: tokens, logprobs, top (of each token ids and log-probs), stopped


class Writing:
    """Rollouts that are written, in one order or several. `ask` passes an order on; `top`: likeliest tokens wanted."""

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
        nobody = [[-1] * top, [NAN] * top]  # of the tokens that were given
        self.tops = [[nobody] * len(job.tokens) for job in jobs]

    def go_on(self, until: int | None = None, gate: Gate | None = None) -> None:
        """Writes every unfinished rollout to its end, or up to a length, or as far as it gets past a gate."""

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
                gate.pauses.see(job, read_hidden(row["hidden"]))
                self.extend(job, after)

    def order(self) -> dict[str, Any]:
        """What is asked for, but for the rows; the first order is `fresh`."""
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
        """Adds what was written; the end of the answer too, if it has come."""
        drawn, sampling = row["logprobs"], self.sampling
        truncated = sampling.top_p < 1 or sampling.top_k > 0
        engine, sampled = ([NAN] * len(drawn), drawn) if truncated else (drawn, drawn)
        if sampling.temperature == 0:  # as the local engine has it: log-probs at temperature 1, drawn for certain
            engine, sampled = drawn, [0.0] * len(drawn)
        job.write(job.tokens + row["tokens"], job.engine_logprob + engine, job.sampled_logprob + sampled)
        self.tops[job.order] += row["top"]
        if row["stopped"]:
            job.finish = "stop"
        elif len(job.tokens) == job.limit:
            job.finish = "length"

    def rollouts(self, texts: Sequence[str]) -> list[Rollout]:
        """The rollouts, all of them finished. With `top` they carry the likeliest tokens of each place.

        `engine_top_ids` and `engine_top_logprobs` [token][k], likeliest first, are of the distribution drawn from: with
        top-p or top-k the log-prob of what could not be drawn is -inf. At given tokens they are -1 and nan.
        """
        made = [rollout_of(job, text) for job, text in zip(self.jobs, texts, strict=True)]
        if self.top:
            for rollout, tops in zip(made, self.tops, strict=True):
                kept = tops[: len(rollout.tokens)]
                rollout.extras["engine_top_ids"] = [ids for ids, _ in kept]
                rollout.extras["engine_top_logprobs"] = [logprobs for _, logprobs in kept]
        return made


def seeds(jobs: Sequence[Job], sampling: Sampling) -> list[int]:
    """A seed for each rollout and the place it is written on from."""
    numbers, indices, places = np.array([(job.request.number, job.index, len(job.tokens)) for job in jobs]).T
    uniform = random_numbers.uniforms(random_numbers.keys(sampling.seed, sampling.step, numbers, indices), places)
    return [int(seed) for seed in uniform * 2.0**53]  # all of its random bits


def halves(row: Row, place: int) -> tuple[Row, Row]:
    """What was written before a place, and from there on."""
    lists = ("tokens", "logprobs", "top")
    before = {name: row[name][:place] for name in lists}
    return {**before, "stopped": False}, {**row, **{name: row[name][place:] for name in lists}}


def read_hidden(text: str) -> Float[Tensor, " width"]:
    """A hidden state as the process sends it: float32, in base 64."""
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)
