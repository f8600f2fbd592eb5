"""The vLLM engine: rollouts by vLLM 0.32, in a process of its own, following a LoRA adapter.

After each update the adapter is handed over as files; the weights below it are read once, from the model's folder. A
process that dies or hangs is replaced, given the newest adapter, and asked again; a second death is an error.

Log-probs are vLLM's "processed" ones, of the distribution drawn from: with top-p or top-k those of the untruncated one
cannot be had, and `engine_logprob` is nan. Every rollout has a seed of its own, but a token may still depend, by
rounding, on who shares its batch. Pruning runs in phases: all rollouts are written up to a pause, judged, and the
survivors written on. vLLM shows no hidden states on the way: the policy reads the rollouts and gives its own.
"""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import safetensors.torch
import torch

from workbench import noise
from workbench.engines.base import Job, ModulePolicy, check_pruner, jobs_of, rollout_of
from workbench.engines.options import VLLM, VllmOptions
from workbench.engines.pauses import Pauses
from workbench.engines.vllm_process import EngineError, EngineProcess, check_installed
from workbench.types import Policy, Request, Rollout, Row, Sampling

LARGEST_RANK = 512  # of an adapter, in vLLM
NAN = float("nan")
log = logging.getLogger(__name__)


@runtime_checkable
class AdaptedPolicy(ModulePolicy, Protocol):
    """A policy that may train an adapter; `models.policy.LocalPolicy` is one."""

    @property
    def spec(self) -> Any:
        """What it was loaded from."""

    @property
    def adapted(self) -> bool:
        """Whether it does."""

    @property
    def model(self) -> Any:
        """Then peft's model."""


@dataclass(frozen=True)
class Adapter:
    """An adapter as it was at one moment: what peft would have saved."""

    number: int
    weights: bytes  # of a safetensors file
    config: Any  # peft's

    @classmethod
    def of(cls, policy: AdaptedPolicy, number: int) -> "Adapter":
        """The policy's adapter, copied."""
        from peft import get_peft_model_state_dict

        state = get_peft_model_state_dict(policy.model, save_embedding_layers=False)
        plain = {name: value.detach().contiguous().cpu() for name, value in state.items()}
        return cls(number, safetensors.torch.save(plain, {"format": "pt"}), policy.model.peft_config["default"])

    def write(self, folder: Path) -> None:
        """peft's two files."""
        try:
            (folder / "adapter_model.safetensors").write_bytes(self.weights)
            self.config.save_pretrained(str(folder))
        except OSError as error:
            raise ValueError(
                f"the adapter for vLLM could not be written to {folder} ({error.strerror}): make room for "
                f"{len(self.weights) / 2**20:.0f} MB there, or set TMPDIR to another folder"
            ) from None


class VllmEngine:
    """Satisfies `types.Engine`. `slots`: most rollouts written at once."""

    capabilities = VLLM

    def __init__(self, policy: AdaptedPolicy, *, slots: int = 256, options: VllmOptions | None = None) -> None:
        check_installed()
        refuse(policy)
        if slots < 1:
            raise ValueError(f"slots={slots}: the engine needs at least one row; set slots=1 or more")
        if policy.quantised:
            log.warning(
                "vLLM reads the plain weights, the trainer quantised ones: their log-probs differ by the recorded gap"
            )
        self.policy, self.slots, self.options = policy, slots, options or VllmOptions()
        self.adapter = Adapter.of(policy, 1)
        self.loaded = 0  # number of the adapter that the process has
        self.process: EngineProcess | None = None
        self.ready()

    # ------------------------------------------------------------------------------------ the process

    def ready(self) -> EngineProcess:
        """The process, with the newest adapter in it; a new one where there is none or it has ended."""
        if self.process is None or not self.process.alive:
            self.close()
            self.loaded = 0
            self.process = EngineProcess(self.first(), self.environment(), patience=self.options.patience)
        if self.loaded != self.adapter.number:
            with tempfile.TemporaryDirectory(prefix="adapter-") as folder:
                self.adapter.write(Path(folder))
                self.process.ask({"do": "load the adapter", "number": self.adapter.number, "folder": folder})
            self.loaded = self.adapter.number
        return self.process

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """The process's answer; where it dies over it, that of the one that takes its place."""
        process = self.ready()
        try:
            return process.ask(order)
        except EngineError as error:
            log.warning("%s; it is started again, and what was asked is asked once more", error.cause)
        try:
            return self.ready().ask(order)
        except EngineError as error:
            raise EngineError(
                f"vLLM failed twice over the same rollouts: {error.cause}; lower rollouts.slots if memory may be short"
            ) from None

    def first(self) -> dict[str, Any]:
        """What a new process is told first."""
        options, policy = self.options, self.policy
        plain = policy.device.type == "cpu"
        longest = options.longest
        if longest is None:  # -1: the model's own limit, or less where memory holds less
            longest = policy.config.max_position_embeddings if plain else -1
        return {
            "do": "start",
            "model": policy.config._name_or_path,
            "trust_remote_code": policy.spec.trust_remote_code,
            "dtype": str(policy.causal.dtype).removeprefix("torch."),
            "rank": policy.model.peft_config["default"].r,
            "slots": self.slots,
            "longest": longest,
            "whole": plain,
            "memory": options.memory,
            "eager": plain if options.eager is None else options.eager,
            "sleep": options.sleep,
        }

    def environment(self) -> dict[str, str]:
        """What its environment has besides ours."""
        threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        return threads if self.options.gpu is None else {**threads, "CUDA_VISIBLE_DEVICES": self.options.gpu}

    # ------------------------------------------------------------------------------------ rollouts

    def generate(self, requests: Sequence[Request], sampling: Sampling, pruner: Any = None) -> list[Rollout]:
        """All rollouts of all requests, in the order of the requests; `pruner` is a `BoundPruner`."""
        check_pruner(pruner)
        jobs = jobs_of(requests, sampling)
        if not jobs:
            return []
        self.refuse_long(jobs)
        pauses = None if pruner is None else Pauses(pruner, jobs, sampling)
        lengths = [] if pruner is None else sorted(set(pruner.pauses))
        for phase, length in enumerate([*lengths, None]):
            self.write(jobs, sampling, length, fresh=phase == 0)
            if pauses is not None and length is not None:
                self.judge(pauses, jobs, length)
        if self.options.sleep:
            self.ask({"do": "sleep"})
        texts = self.policy.encoder.texts([job.tokens for job in jobs])
        return [rollout_of(job, text) for job, text in zip(jobs, texts, strict=True)]

    def refuse_long(self, jobs: Sequence[Job]) -> None:
        """Raises ValueError where prompt and answer may become longer than vLLM was set up for."""
        longest, most = max(len(job.request.prompt) + job.limit for job in jobs), self.ready().longest
        if longest > most:
            raise ValueError(
                f"prompt and answer may take {longest} tokens, vLLM was set up for {most}: lower max_tokens"
            )

    def write(self, jobs: Sequence[Job], sampling: Sampling, length: int | None, *, fresh: bool) -> None:
        """Writes every unfinished rollout to its end, or up to a length."""

        def end(job: Job) -> int:
            return job.limit if length is None else min(job.limit, length)

        open_jobs = [job for job in jobs if job.finish is None and len(job.tokens) < end(job)]
        if not open_jobs:
            return
        rows = [
            {"prompt": [*job.request.prompt, *job.tokens], "tokens": end(job) - len(job.tokens), "seed": seed}
            for job, seed in zip(open_jobs, seeds(open_jobs, sampling), strict=True)
        ]
        order = {
            "do": "generate",
            "fresh": fresh,
            "rows": rows,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "stop": list(sampling.stop or self.policy.encoder.stop),
        }
        for job, row in zip(open_jobs, self.ask(order)["rows"], strict=True):
            extend(job, row, sampling)

    @torch.no_grad()
    def judge(self, pauses: Pauses, jobs: Sequence[Job], length: int) -> None:
        """Shows the pruner who has reached a length, group by group, with the policy's last hidden state."""
        for job in jobs:
            if job.finish is not None:
                pauses.leave(job)
        here = [job for job in jobs if job.finish is None and len(job.tokens) == length]
        for _, group in groupby(sorted(here, key=lambda job: job.request.group), key=lambda job: job.request.group):
            members = list(group)
            # a token more than was written: the state before it is the one at the newest token
            rows = [Row(job.request.prompt, [*job.tokens, job.tokens[-1]]) for job in members]
            ends = accumulate(len(row.answer) for row in rows)
            states = self.policy.before(rows)
            for job, last in zip(members, ends, strict=True):
                pauses.see(job, states[last - 1])
        pauses.judge()

    # ------------------------------------------------------------------------------------ the rest

    def sync(self, policy: Policy) -> None:
        """Takes over the policy's present adapter; it must be the policy the engine was made with."""
        if policy is not self.policy:
            raise ValueError("the vLLM engine follows one policy: make a new engine for another")
        self.adapter = Adapter.of(self.policy, self.adapter.number + 1)

    def close(self) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.end()
            self.process = None


def refuse(policy: AdaptedPolicy) -> None:
    """Raises ValueError for what vLLM cannot follow."""
    if not policy.adapted:
        raise ValueError("vLLM follows an adapter, and all weights are trained: set model.lora, or engine = 'local'")
    config = policy.model.peft_config["default"]
    if config.use_dora:
        raise ValueError("vLLM has no DoRA: leave out model.lora.dora, or set rollouts.engine = 'local'")
    if config.r > LARGEST_RANK:
        raise ValueError(f"model.lora.rank = {config.r}: vLLM takes at most {LARGEST_RANK}; set less")


def seeds(jobs: Sequence[Job], sampling: Sampling) -> list[int]:
    """A seed for each rollout and the place it is written on from."""
    numbers, indices, places = np.array([(job.request.number, job.index, len(job.tokens)) for job in jobs]).T
    uniform = noise.uniforms(noise.keys(sampling.seed, sampling.step, numbers, indices), places)
    return [int(seed) for seed in uniform * 2.0**53]  # all of its random bits


def extend(job: Job, row: Mapping[str, Any], sampling: Sampling) -> None:
    """Adds what was written; the end of the answer too, if it has come."""
    drawn = row["logprobs"]
    truncated = sampling.top_p < 1 or sampling.top_k > 0
    engine, sampled = ([NAN] * len(drawn), drawn) if truncated else (drawn, drawn)
    if sampling.temperature == 0:  # as the local engine has it: log-probs at temperature 1, drawn for certain
        engine, sampled = drawn, [0.0] * len(drawn)
    job.write(job.tokens + row["tokens"], job.engine_logprob + engine, job.sampled_logprob + sampled)
    if row["stopped"]:
        job.finish = "stop"
    elif len(job.tokens) == job.limit:
        job.finish = "length"
